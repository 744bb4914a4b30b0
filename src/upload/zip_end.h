// Looks for a ZIP archive in what must be something else. Programs find one by its end, wherever it
// begins (APPNOTE.TXT 4.3.16), so that it can stand behind a picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "upload/overlap.h"

namespace guard::upload {

// One content, piece by piece: however it is cut, the same is found.
class ZipEnd {
 public:
  void begin() noexcept { *this = {}; }
  void add(std::string_view bytes) noexcept;
  // At the end of the content: whether programs see an archive there.
  bool found() const noexcept;

 private:
  static constexpr std::size_t kRecord = 22;
  static constexpr std::size_t kMaxComment = 65535;

  static bool is_record(std::string_view text, std::uint64_t at) noexcept;

  Overlap<kRecord> overlap_;
  std::uint64_t behind_ = 0;  // where the last record ends; 0: there is none
};

}  // namespace guard::upload
