// guard_upload_scan as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/words.h"

namespace guard::upload {

enum class OnError : std::uint8_t { refuse, pass };

struct ScanPolicy {
  bool on = false;
  std::string host;  // "unix:/path", a name, or an address without brackets
  std::uint16_t port = 0;
  std::chrono::milliseconds timeout{30'000};  // for all files of a form together
  std::uint64_t scan_max = 25ULL << 20;       // bytes of one file
  OnError on_error = OnError::refuse;
};

// Throws ConfigError.
ScanPolicy parse_upload_scan(core::Words& words);

}  // namespace guard::upload
