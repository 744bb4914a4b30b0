// Text from elsewhere as it may stand in a log: printable ASCII, cut where there is no room.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace guard::core {

template <std::size_t kMost>
class PlainText {
 public:
  std::string_view view() const noexcept { return {bytes_.data(), size_}; }

  // text may be what it is already.
  void set(std::string_view text, std::string_view more = {}) noexcept {
    size_ = 0;
    append(text);
    append(more);
  }
  void append(std::string_view text) noexcept {
    for (char c : text) {
      if (size_ == kMost) return;
      bytes_[size_++] = c >= ' ' && c < 0x7f ? c : '?';
    }
  }

 private:
  std::array<char, kMost> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace guard::core
