#include "cli/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/ascii.h"
#include "core/json_number.h"

namespace guard::cli {

namespace {

using Kind = YamlScalar::Kind;

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// "0o17" and "0x1F", without a sign.
YamlScalar resolve_base(std::string_view digits, int base) {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [last, error] = std::from_chars(digits.data(), end, number, base);
  if (error == std::errc::result_out_of_range) {
    return {Kind::unfit, "a number of more than 64 bits that is not decimal"};
  }
  return {Kind::integer, std::to_string(number)};
}

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), core::is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::string_view without_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

YamlScalar resolve_number(std::string_view text) {
  YamlScalar string{Kind::string, std::string(text)};
  YamlScalar number{Kind::integer, ""};
  if (text.starts_with('-')) number.token = "-";
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const std::string_view whole = take_digits(text);
  number.token.append(whole.empty() ? "0" : without_zeros(whole));
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
    number.kind = Kind::floating;
    number.token.append(".").append(fraction.empty() ? "0" : fraction);
  }
  if (whole.empty() && fraction.empty()) return string;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    number.kind = Kind::floating;
    number.token += 'e';
    if (text.starts_with('-')) number.token += '-';
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const std::string_view exponent = take_digits(text);
    if (exponent.empty()) return string;
    number.token.append(without_zeros(exponent));
  }
  if (!text.empty()) return string;
  core::JsonNumber parts;
  if (number.token.size() > core::kMaxNumberBytes ||
      !core::parse_json_number(number.token, parts) ||
      !core::in_range(parts, core::JsonNumberMode::any)) {
    return {Kind::unfit, "a number that is too long, or its exponent too large"};
  }
  return number;
}

bool all_in(std::string_view text, std::string_view letters) {
  return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

}  // namespace

YamlScalar resolve_plain(std::string_view text) {
  constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
  constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
  constexpr std::array<std::string_view, 3> kInfinity = {".inf", ".Inf", ".INF"};
  constexpr std::array<std::string_view, 3> kNotANumber = {".nan", ".NaN", ".NAN"};
  if (is_one_of(text, kNull)) return {Kind::null, "null"};
  if (is_one_of(text, kTrue)) return {Kind::boolean, "true"};
  if (is_one_of(text, kFalse)) return {Kind::boolean, "false"};
  const bool is_signed = text.starts_with('-') || text.starts_with('+');
  if (is_one_of(text.substr(is_signed ? 1 : 0), kInfinity) || is_one_of(text, kNotANumber)) {
    return {Kind::unfit, "JSON has no \"" + std::string(text) + "\""};
  }
  const std::string_view digits = text.size() > 2 ? text.substr(2) : std::string_view{};
  if (text.starts_with("0o") && all_in(digits, "01234567")) return resolve_base(digits, 8);
  if (text.starts_with("0x") && all_in(digits, "0123456789abcdefABCDEF")) {
    return resolve_base(digits, 16);
  }
  return resolve_number(text);
}

}  // namespace guard::cli
