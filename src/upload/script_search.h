// Looks for pages and scripts in what must be a picture, a film, a sound or a PDF. What it looks
// for, and what it leaves alone: docs/decisions/scripts-in-pictures.md.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace guard::upload {

// One content, piece by piece: however it is cut, the same is found.
class ScriptSearch {
 public:
  void begin() noexcept { size_ = 0; }
  // True: there is one.
  bool add(std::string_view bytes) noexcept;
  // At the end of the content.
  bool finish() const noexcept;

 private:
  // The longest that decides: "<!doctype html" and one byte.
  static constexpr std::size_t kWindow = 15;

  // Whether one begins with a "<" of text's first `starts` bytes.
  static bool found(std::string_view text, std::size_t starts) noexcept;
  void keep(std::string_view bytes) noexcept;

  // The last bytes, which may be the beginning of one.
  std::array<char, kWindow - 1> tail_;
  std::size_t size_ = 0;
};

// Whether the beginning of a picture (GIF, JPEG, BMP, WebP) opens a comment of JavaScript where
// there is a width or a length.
bool opens_comment(std::string_view head) noexcept;

}  // namespace guard::upload
