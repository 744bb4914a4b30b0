// What a file may be called under names=strict.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace guard::upload {

inline constexpr std::size_t kMaxName = 200;  // bytes

struct NameRule {
  std::string_view keyword;  // "double_extension"; empty: the name breaks no rule
  std::string_view detail;
};

// name: UTF-8 without control characters, as MultipartParser gives it, not empty.
NameRule check_name(std::string_view name) noexcept;

// What follows the last dot, in lower case; empty: none, or longer than any known one.
class Extension {
 public:
  explicit Extension(std::string_view name) noexcept;
  std::string_view text() const noexcept { return {letters_.data(), size_}; }

 private:
  std::array<char, 16> letters_{};
  std::size_t size_ = 0;
};

}  // namespace guard::upload
