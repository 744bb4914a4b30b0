#include "json/variable.h"

#include <algorithm>

namespace guard::json {

namespace {

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// Without what applications trim: blanks, and control characters of any kind.
std::string_view trimmed(std::string_view value) noexcept {
  const auto falls = [](char c) { return c == ' ' || is_control(c); };
  while (!value.empty() && falls(value.front())) value.remove_prefix(1);
  while (!value.empty() && falls(value.back())) value.remove_suffix(1);
  return value;
}

bool has_control(std::string_view value) noexcept {
  return std::any_of(value.begin(), value.end(), is_control);
}

}  // namespace

std::string_view variable_value(const core::JsonDocument& document, const Extraction& extraction,
                                const core::JsonNode*& rival) noexcept {
  const auto [node, other] = extraction.pointer.find_in_any_case(document);
  if (other != nullptr) rival = other;
  if (node == nullptr) return {};
  std::string_view value = document.scalar(*node).value_or(std::string_view{});
  if (extraction.trim || has_control(value)) value = trimmed(value);
  return has_control(value) ? std::string_view{} : value;
}

void write_variable(std::string_view value, bool lower, char* out) noexcept {
  std::transform(value.begin(), value.end(), out, [lower](char c) {
    return lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

}  // namespace guard::json
