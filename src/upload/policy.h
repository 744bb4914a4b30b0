// guard_upload as plain values.
#pragma once

#include <cstdint>

#include "core/words.h"
#include "upload/file_types.h"

namespace guard::upload {

enum class Names : std::uint8_t { strict, any };
enum class Contents : std::uint8_t { strict, any };

struct Policy {
  bool on = false;
  TypeSet types = 0;                     // 0: any
  std::uint64_t max_file = 10ULL << 20;  // bytes of one file
  std::uint32_t max_files = 5;
  std::uint32_t max_fields = 100;      // parts that are no files
  std::uint64_t max_field = 1U << 20;  // bytes of one of them
  Names names = Names::strict;
  Contents contents = Contents::strict;
  std::uint32_t max_ratio = 100;  // of what an archive says that it unpacks to, to its size
};

// Throws ConfigError.
Policy parse_upload(core::Words& words);

}  // namespace guard::upload
