// A content that is looked through piece by piece: what lies across two pieces is seen as a whole.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace guard::upload {

// kWindow: how many bytes of it decide.
template <std::size_t kWindow>
class Overlap {
 public:
  void begin() noexcept { size_ = at_ = 0; }

  // Asks look(text, starts, at), at being where in the content text begins, whether something
  // begins in the first `starts` bytes of text. What has fewer than kWindow bytes behind its
  // beginning is asked for again, with the next piece.
  template <class Look>
  bool add(std::string_view bytes, Look look) noexcept {
    std::array<char, 2 * kWindow> both;
    const std::size_t more = std::min(bytes.size(), kWindow);
    std::copy_n(tail_.begin(), size_, both.begin());
    std::copy_n(bytes.begin(), more, both.begin() + static_cast<std::ptrdiff_t>(size_));
    if (look(std::string_view(both.data(), size_ + more), size_, at_ - size_)) return true;
    if (look(bytes, bytes.size(), at_)) return true;
    keep(bytes);
    at_ += bytes.size();
    return false;
  }

  // The end of what has come.
  std::string_view rest() const noexcept { return {tail_.data(), size_}; }
  std::uint64_t size() const noexcept { return at_; }

 private:
  void keep(std::string_view bytes) noexcept {
    if (bytes.size() >= tail_.size()) {
      std::ranges::copy(bytes.substr(bytes.size() - tail_.size()), tail_.begin());
      size_ = tail_.size();
      return;
    }
    const std::size_t old = std::min(size_, tail_.size() - bytes.size());
    std::memmove(tail_.data(), tail_.data() + size_ - old, old);
    std::ranges::copy(bytes, tail_.begin() + static_cast<std::ptrdiff_t>(old));
    size_ = old + bytes.size();
  }

  std::array<char, kWindow - 1> tail_;
  std::size_t size_ = 0;
  std::uint64_t at_ = 0;  // bytes that have come
};

}  // namespace guard::upload
