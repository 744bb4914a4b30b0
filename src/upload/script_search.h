// Looks for pages and scripts in what must be a picture, a film, a sound or a PDF. What it looks
// for, and what it leaves alone: docs/decisions/scripts-in-pictures.md.
#pragma once

#include <cstddef>
#include <string_view>

#include "upload/overlap.h"

namespace guard::upload {

// One content, piece by piece: however it is cut, the same is found.
class ScriptSearch {
 public:
  void begin() noexcept { overlap_.begin(); }
  // True: there is one.
  bool add(std::string_view bytes) noexcept;
  // At the end of the content.
  bool finish() const noexcept;

 private:
  // The longest that decides: "__HALT_COMPILER();".
  static constexpr std::size_t kWindow = 18;

  // Whether one begins in text's first `starts` bytes.
  static bool found(std::string_view text, std::size_t starts) noexcept;

  Overlap<kWindow> overlap_;
};

// Whether the beginning of a picture (GIF, JPEG, BMP, WebP) opens a comment of JavaScript where
// there is a width or a length.
bool opens_comment(std::string_view head) noexcept;

// Whether a reader of PDF takes it for one: these look in the first 1024 bytes.
bool begins_pdf(std::string_view head) noexcept;

}  // namespace guard::upload
