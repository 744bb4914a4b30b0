#include "upload/zip_end.h"

#include <algorithm>
#include <cstring>

#include "upload/little_endian.h"

namespace guard::upload {

// An end of central directory: of one that has room for an entry before it, by its size (Python,
// Java) or by where it begins (Go), or of which that is in a ZIP64 record. Programs differ
// in what else they ask for: Python does not mind how many entries it speaks of.
bool ZipEnd::is_record(std::string_view text, std::uint64_t at) noexcept {
  constexpr std::uint32_t kEntry = 46;
  if (text.size() < kRecord || !text.starts_with("PK\5\6")) return false;
  const std::uint32_t size = little_endian(text.data() + 12);
  const std::uint64_t begin = little_endian(text.data() + 16);
  return size == kElsewhere || begin == kElsewhere || (size >= kEntry && size <= at) ||
         begin + kEntry <= at;
}

void ZipEnd::add(std::string_view bytes) noexcept {
  overlap_.add(bytes, [this](std::string_view text, std::size_t starts, std::uint64_t offset) {
    for (std::size_t at = 0; at < starts; ++at) {
      const void* place = std::memchr(text.data() + at, 'P', starts - at);
      if (place == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const char*>(place) - text.data());
      if (is_record(text.substr(at), offset + at)) behind_ = offset + at + kRecord;
    }
    return false;
  });
}

bool ZipEnd::found() const noexcept {
  return behind_ != 0 && overlap_.size() - behind_ <= kMaxComment;
}

}  // namespace guard::upload
