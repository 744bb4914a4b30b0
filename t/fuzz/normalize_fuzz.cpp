// Names of accounts: normal is normal for good, whatever stands around it; what is not UTF-8 stays
// as it is; ASCII has a simple second opinion.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <regex>
#include <string>

#include "core/normalize.h"
#include "core/utf8.h"

namespace {

using guard::core::AccountName;

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const guard::core::Utf8Unit unit = guard::core::decode_utf8(text);
    if (!unit.valid) return false;
    text.remove_prefix(unit.length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

std::string normal(std::string_view text) {
  const AccountName name(text);
  return std::string(name.text());
}

std::string capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string simple(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  const std::string_view inner = text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  if (inner.size() > AccountName::kMaxSize) return std::string(text);
  std::string lower(inner);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

// What ASCII becomes: but for numbers of JSON with a fraction, an exponent or a zero with a sign,
// the simple thing.
void expect_ascii(std::string_view text, const std::string& once) {
  static const std::regex kNumber("-?(0|[1-9][0-9]*)([.][0-9]+)?(e[+-]?[0-9]+)?");
  const std::string plain = simple(text);
  const bool respelled = plain == "-0" || plain.find_first_of(".e") != std::string::npos;
  if (!respelled || plain.size() > AccountName::kMaxSize || !std::regex_match(plain, kNumber)) {
    return expect(once == plain);
  }
  const double value = std::strtod(plain.c_str(), nullptr);
  if (std::isinf(value) || std::abs(value) < std::numeric_limits<double>::min()) {
    if (once == plain) return;
  }
  expect(std::strtod(once.c_str(), nullptr) == value);
  expect(once.find('e') == std::string::npos && (value != 0 || once == "0"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string once = normal(text);
  expect(normal(once) == once);
  if (!is_utf8(text)) {
    expect(once == text);
    return 0;
  }
  expect(is_utf8(once));
  if (is_ascii(text)) expect_ascii(text, once);
  // Of what is too long, capitals and blanks are told apart.
  const bool bounded = size <= AccountName::kMaxSize / 18;
  if (bounded) {
    expect(normal(capitals(text)) == once);
    expect(normal("\u200d " + text + "\u3000\u200d\n") == once);
  }
  return 0;
}
