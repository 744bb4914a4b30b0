// SecLang, the language of ModSecurity's rules, as text: lines, words, targets, operators, actions.
// What they mean together is rule_set.h's. Everything here throws core::ConfigError, whose text
// begins with "FILE:LINE: ".
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/vocabulary.h"

namespace guard::inspect {

struct SourceLine {
  std::string_view file;
  std::uint32_t line = 0;  // of the directive's first line
};

// One directive: its name, and its words without their quotes.
struct Directive {
  SourceLine at;
  std::string name;
  std::vector<std::string> words;
};

enum class Selector : std::uint8_t { all, name, regex };

// REQUEST_COOKIES:/__utm/, !ARGS:password, &TX:paranoia_level
struct Target {
  Collection collection = Collection::args;
  Selector selector = Selector::all;
  bool exclude = false;
  bool count = false;
  std::string text;  // of the selector; of XML the XPath
};

struct OperatorText {
  Operator op = Operator::rx;
  bool negated = false;
  std::string argument;
};

struct ActionText {
  std::string name;  // lower case
  std::string value;
};

[[noreturn]] void fail_at(const SourceLine& at, const std::string& text);

// Calls each in order. A line that ends with a backslash goes on in the next, whose blanks at the
// beginning count within quotes; lines that begin with '#' are comments. One of a rule that is put
// out of use goes on likewise.
void parse_seclang(std::string_view text, std::string_view file,
                   const std::function<void(Directive&&)>& each);

std::vector<Target> parse_targets(std::string_view text, const SourceLine& at);
OperatorText parse_operator(std::string_view text, const SourceLine& at);
std::vector<ActionText> parse_actions(std::string_view text, const SourceLine& at);

}  // namespace guard::inspect
