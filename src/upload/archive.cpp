#include "upload/archive.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "upload/little_endian.h"

namespace guard::upload {

// A header is looked for wherever it may be, also within another one: who hides one somewhere only
// says more of himself, and no length that is claimed can hide what follows.
void Archive::add_zip(std::string_view bytes) noexcept {
  std::size_t i = 0;
  while (i < bytes.size()) {
    if (wanted_ > 0) {
      const std::size_t piece = std::min(wanted_ - got_, bytes.size() - i);
      std::memcpy(header_.data() + got_, bytes.data() + i, piece);
      got_ += piece;
      i += piece;
      if (got_ == wanted_) take_header();
      continue;
    }
    if (matched_ == 0) {
      const void* at = std::memchr(bytes.data() + i, 'P', bytes.size() - i);
      if (at == nullptr) return;
      i = static_cast<std::size_t>(static_cast<const char*>(at) - bytes.data()) + 1;
      matched_ = 1;
      continue;
    }
    const char c = bytes[i++];
    const bool goes_on = matched_ == 1   ? c == 'K'
                         : matched_ == 2 ? c == 1 || c == 3
                                         : c == which_ + 1;
    if (!goes_on) {
      matched_ = c == 'P' ? 1 : 0;
    } else if (matched_ < 3) {
      if (++matched_ == 3) which_ = c;
    } else {
      matched_ = 0;
      got_ = 0;
      wanted_ = which_ == 1 ? kCentral : kLocal;
    }
  }
}

void Archive::take_header() noexcept {
  const std::array<char, kCentral> header = header_;
  const std::size_t length = std::exchange(wanted_, 0);
  const std::uint64_t size = little_endian(header.data() + (which_ == 1 ? 20 : 18));
  if (which_ == 1) {
    central_ += size;
  } else if (size != kElsewhere) {
    // Who writes as it comes does not know the size yet; the central directory has it.
    local_ += size;
  }
  add_zip({header.data(), length});
}

void Archive::add(std::string_view bytes) noexcept {
  while (size_ < first_.size() && !bytes.empty()) {
    first_[size_++] = bytes.front();
    bytes.remove_prefix(1);
    if (size_ < first_.size()) continue;
    const std::string_view first(first_.data(), first_.size());
    if (first == "PK\x03\x04") {
      kind_ = Kind::zip;
    } else if (first.starts_with("\x1f\x8b")) {
      kind_ = Kind::gzip;
    }
    add_zip(first);
  }
  if (bytes.empty()) return;
  size_ += bytes.size();
  add_zip(bytes);
  if (kind_ != Kind::gzip) return;
  const std::size_t fresh = std::min(bytes.size(), last_.size());
  std::memmove(last_.data(), last_.data() + fresh, last_.size() - fresh);
  std::memcpy(last_.data() + last_.size() - fresh, bytes.data() + bytes.size() - fresh, fresh);
}

std::uint64_t Archive::declared() const noexcept {
  if (kind_ == Kind::zip) return declared_behind();
  // The shortest member has 18 bytes.
  return kind_ == Kind::gzip && size_ >= 18 ? little_endian(last_.data()) : 0;
}

}  // namespace guard::upload
