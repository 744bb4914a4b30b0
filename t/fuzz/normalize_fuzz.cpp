// Names of accounts: normal is normal for good, whatever stands around it; what is not UTF-8 stays
// as it is; ASCII has a simple second opinion.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
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
  if (is_ascii(text)) expect(once == simple(text));
  // Of what is too long, capitals and blanks are told apart.
  const bool bounded = size <= AccountName::kMaxSize / 18;
  if (bounded) {
    expect(normal(capitals(text)) == once);
    expect(normal("\u200d " + text + "\u3000\u200d\n") == once);
  }
  return 0;
}
