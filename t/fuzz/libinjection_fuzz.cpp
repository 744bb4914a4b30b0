// What need not be asked of libinjection, against asking it. An input is a text, or, if it begins
// with a byte below 0x80, says which words and marks one is made of.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "inspect/libinjection.h"

namespace {

using namespace guard::inspect;

// Of each type of token some, words that make phrases, and what may end or begin a token.
constexpr std::array<std::string_view, 128> kPieces = {
    " ",         "\t",          "\n",          "\0",        "\x01",     "\xa0",     "\xc3\xa4",
    "",          "!",           "\"",          "#",         "$",        "%",        "&",
    "'",         "(",           ")",           "*",         "+",        ",",        "-",
    ".",         "/",           ":",           ";",         "<",        "=",        ">",
    "?",         "@",           "[",           "\\",        "]",        "^",        "_",
    "`",         "{",           "|",           "}",         "~",        "--",       "/*",
    "*/",        "&&",          "||",          "::",        ":=",       "!=",       "<>",
    "@@",        "$$",          "$a$",         "|/",        "<=>",      "0",        "1",
    "9",         "0x1f",        "0b1",         "1.5",       "1e5",      "2e+3",     "1.e",
    "1.d",       "0x",          "7f",          ".5",        "\\N",      "a",        "b",
    "d",         "e",           "f",           "n",         "q",        "u",        "x",
    "foo",       "json.",       "sp_password", "select",    "union",    "all",      "and",
    "or",        "not",         "in",          "like",      "is",       "null",     "from",
    "where",     "order",       "by",          "group",     "having",   "limit",    "into",
    "outfile",   "insert",      "update",      "delete",    "drop",     "table",    "exec",
    "waitfor",   "delay",       "declare",     "set",       "case",     "when",     "collate",
    "binary",    "varchar",     "user",        "user_name", "database", "password", "if",
    "sleep",     "version",     "char",        "xor",       "div",      "mod",      "between",
    "localtime", "current_user"};

std::string made_of(std::string_view input) {
  std::string text;
  for (const char c : input) {
    const std::string_view piece = kPieces[static_cast<unsigned char>(c) % kPieces.size()];
    text += piece.empty() ? std::string_view("\0", 1) : piece;
    // In every second case of letters, too.
    if (static_cast<unsigned char>(c) >= kPieces.size() && text.back() >= 'a') text.back() &= '_';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Libinjection library;
  static const bool loaded = library.load();
  if (!loaded) __builtin_trap();
  if (size == 0 || size > 512) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string text = data[0] < 0x80 ? made_of(input.substr(1)) : std::string(input.substr(1));
  if (library.may_be_sqli(text, byte_traits(text))) return 0;
  Libinjection::Fingerprint fingerprint{};
  if (library.is_sqli(text, fingerprint)) __builtin_trap();
  return 0;
}
