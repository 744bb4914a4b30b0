#include "json/variable.h"

#include <algorithm>

namespace guard::json {

namespace {

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// Of ASCII: the blanks that are no control characters of their own.
std::string_view trimmed(std::string_view value) noexcept {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = value.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::string_view variable_value(const core::JsonDocument& document, const Extraction& extraction,
                                const core::JsonNode*& rival) noexcept {
  const auto [node, other] = extraction.pointer.find_in_any_case(document);
  if (other != nullptr) rival = other;
  if (node == nullptr) return {};
  std::string_view value = document.scalar(*node).value_or(std::string_view{});
  if (extraction.trim) value = trimmed(value);
  return std::any_of(value.begin(), value.end(), is_control) ? std::string_view{} : value;
}

void write_variable(std::string_view value, bool lower, char* out) noexcept {
  std::transform(value.begin(), value.end(), out, [lower](char c) {
    return lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
}

}  // namespace guard::json
