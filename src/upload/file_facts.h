// What is known of one file of a form.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/event.h"
#include "upload/digest.h"

namespace guard::upload {

enum class Scan : std::uint8_t { none, clean, infected, failed };

std::string_view name_of(Scan scan) noexcept;

// The beginning of a text.
template <std::size_t Max>
class Kept {
 public:
  void keep(std::string_view text) noexcept {
    size_ = std::min(text.size(), Max);
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  std::string_view text() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, Max> bytes_;
  std::size_t size_ = 0;
};

struct FileFacts {
  Kept<1024> name;
  Kept<1024> field;  // of the form
  Kept<128> declared_type;
  Kept<128> detected_type;
  Kept<128> signature;
  std::uint64_t offset = 0;  // of its content in the body
  std::uint64_t size = 0;    // of what has come of it
  bool whole = false;        // all of it has come
  bool hashed = false;
  Digest::Hex sha256;
  Scan scan = Scan::none;
  FileFacts* next = nullptr;

  // Its views lead into this.
  core::EventFile event() const noexcept;
};

}  // namespace guard::upload
