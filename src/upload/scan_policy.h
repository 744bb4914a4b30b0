// guard_upload_scan as plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
  // Of one worker, and of all locations with this scanner; nothing: not said here.
  std::optional<std::size_t> connections;
  std::optional<std::size_t> queue;  // forms that wait for one
};

inline constexpr std::size_t kScanConnections = 10;
inline constexpr std::size_t kScanQueue = 100;

// Throws ConfigError.
ScanPolicy parse_upload_scan(core::Words& words);

}  // namespace guard::upload
