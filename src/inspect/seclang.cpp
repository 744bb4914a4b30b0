#include "inspect/seclang.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "core/ascii.h"
#include "core/words.h"

namespace guard::inspect {

namespace {

constexpr std::size_t kMaxDirective = 1U << 20;  // bytes, its lines together
constexpr std::size_t kMaxWords = 10'000;        // of SecRuleRemoveById

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// One word of a directive; in quotes, a backslash takes the meaning of such a quote and of another
// backslash, and before all else it stands for itself. So does Apache httpd, for which the Core
// Rule Set is written; ModSecurity v3 leaves two backslashes two, and misses what 920460 is about.
std::string next_word(std::string_view line, std::size_t& at, const SourceLine& source) {
  std::string word;
  const char quote = line[at];
  if (quote != '"' && quote != '\'') {
    while (at < line.size() && !is_blank(line[at])) word += line[at++];
    return word;
  }
  for (++at; at < line.size(); ++at) {
    if (line[at] == '\\' && at + 1 < line.size() &&
        (line[at + 1] == quote || line[at + 1] == '\\')) {
      word += line[++at];
    } else if (line[at] == quote) {
      ++at;
      if (at < line.size() && !is_blank(line[at])) {
        fail_at(source, "a closing quote must be followed by a space");
      }
      return word;
    } else {
      word += line[at];
    }
  }
  fail_at(source, "a quote is not closed");
}

// Whether what has been read of a directive ends within quotes, as next_word() has them.
class Quotes {
 public:
  void read(std::string_view text) {
    for (const char c : text) {
      if (quote_ != '\0') {
        const bool escaped = std::exchange(escaped_, false);
        if (escaped) continue;
        escaped_ = c == '\\';
        if (c == quote_) quote_ = '\0';
      } else {
        if (begins_ && (c == '"' || c == '\'')) quote_ = c;
        begins_ = is_blank(c);
      }
    }
  }
  bool open() const { return quote_ != '\0'; }

 private:
  char quote_ = '\0';
  bool escaped_ = false;
  bool begins_ = true;  // a word
};

// Whether a comment is the first line of what was a rule.
bool hides_rule(std::string_view comment) {
  const std::string_view text = trim(comment.substr(1));
  constexpr std::array<std::string_view, 2> kRules = {"SecRule", "SecAction"};
  return std::any_of(kRules.begin(), kRules.end(), [text](std::string_view one) {
    return core::equal_without_case(text.substr(0, one.size()), one);
  });
}

Directive parse_directive(std::string_view line, const SourceLine& source) {
  Directive directive{source, {}, {}};
  std::size_t at = 0;
  while (at < line.size()) {
    if (is_blank(line[at])) {
      ++at;
      continue;
    }
    std::string word = next_word(line, at, source);
    if (directive.name.empty()) {
      if (word.empty()) fail_at(source, "a directive without a name");
      directive.name = std::move(word);
    } else {
      if (directive.words.size() == kMaxWords) fail_at(source, "a directive with too many words");
      directive.words.push_back(std::move(word));
    }
  }
  return directive;
}

class TargetReader {
 public:
  TargetReader(std::string_view text, const SourceLine& source) : text_(text), source_(source) {}

  std::vector<Target> read() {
    std::vector<Target> targets;
    while (true) {
      skip_blanks();
      if (at_ == text_.size()) fail_at(source_, "a target is missing in \"" + str() + "\"");
      targets.push_back(read_one());
      skip_blanks();
      if (at_ == text_.size()) return targets;
      if (text_[at_] != '|' && text_[at_] != ',') {
        fail_at(source_, "targets must be separated by \"|\" in \"" + str() + "\"");
      }
      ++at_;
    }
  }

 private:
  Target read_one() {
    Target target;
    if (text_[at_] == '!') {
      target.exclude = true;
      ++at_;
    } else if (text_[at_] == '&') {
      target.count = true;
      ++at_;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           (core::is_letter(text_[at_]) || text_[at_] == '_' || core::is_digit(text_[at_]))) {
      ++at_;
    }
    const std::string_view name = text_.substr(begin, at_ - begin);
    const auto collection = collection_named(name);
    if (!collection) fail_at(source_, "unknown variable \"" + std::string(name) + "\"");
    target.collection = *collection;
    if (at_ < text_.size() && (text_[at_] == ':' || text_[at_] == '.')) {
      ++at_;
      read_selector(target);
    }
    return target;
  }

  void read_selector(Target& target) {
    const bool quoted = at_ < text_.size() && text_[at_] == '\'';
    if (quoted) ++at_;
    if (target.collection != Collection::xml && at_ < text_.size() && text_[at_] == '/') {
      target.selector = Selector::regex;
      ++at_;
      while (!ends_regex(quoted)) {
        if (at_ == text_.size()) fail_at(source_, "a regex is not closed in \"" + str() + "\"");
        if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') ++at_;
        target.text += text_[at_++];
      }
      ++at_;
      if (quoted) ++at_;
    } else {
      target.selector = Selector::name;
      while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ',' && text_[at_] != '\'') {
        target.text += text_[at_++];
      }
      if (quoted) {
        if (at_ == text_.size() || text_[at_] != '\'') {
          fail_at(source_, "a quote is not closed in \"" + str() + "\"");
        }
        ++at_;
      }
      target.text = trim(target.text);
    }
    if (target.text.empty()) fail_at(source_, "a selector is empty in \"" + str() + "\"");
  }

  // The slash that ends it stands at the end of the target: others are its own.
  bool ends_regex(bool quoted) const {
    if (at_ >= text_.size() || text_[at_] != '/') return false;
    std::size_t next = at_ + 1;
    if (quoted) {
      if (next >= text_.size() || text_[next] != '\'') return false;
      ++next;
    }
    while (next < text_.size() && is_blank(text_[next])) ++next;
    return next == text_.size() || text_[next] == '|' || text_[next] == ',';
  }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  std::string str() const { return std::string(text_); }

  std::string_view text_;
  const SourceLine& source_;
  std::size_t at_ = 0;
};

}  // namespace

void fail_at(const SourceLine& at, const std::string& text) {
  core::fail(at.file, ":", std::to_string(at.line), ": ", text);
}

void parse_seclang(std::string_view text, std::string_view file,
                   const std::function<void(Directive&&)>& each) {
  std::string joined;
  Quotes quotes;
  bool open = false;  // the last line ended with a backslash
  bool comment = false;
  SourceLine source{file, 0};
  std::uint32_t line_number = 0;
  const auto finish = [&] {
    Directive directive = parse_directive(joined, source);
    joined.clear();
    quotes = {};
    open = false;
    if (!directive.name.empty()) each(std::move(directive));
  };
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view whole = text.substr(at, end - at);
    std::string_view line = trim(whole);
    at = end + 1;
    ++line_number;
    if (!open) {
      if (comment || line.starts_with('#')) {
        comment = (comment || hides_rule(line)) && line.ends_with('\\');
        continue;
      }
      if (line.empty()) continue;
      source.line = line_number;
    } else if (quotes.open()) {
      line = whole.substr(0, static_cast<std::size_t>(line.data() + line.size() - whole.data()));
    }
    if (line.find('\0') != std::string_view::npos) {
      fail_at({file, line_number}, "a line with a NUL byte");
    }
    open = !line.empty() && line.back() == '\\';
    if (open) line.remove_suffix(1);
    if (joined.size() + line.size() > kMaxDirective) fail_at(source, "a directive is too long");
    joined += line;
    quotes.read(line);
    if (!open) finish();
  }
  if (open) fail_at(source, "the last line ends with a backslash");
}

std::vector<Target> parse_targets(std::string_view text, const SourceLine& at) {
  return TargetReader(text, at).read();
}

OperatorText parse_operator(std::string_view text, const SourceLine& at) {
  OperatorText parsed;
  std::string_view rest = trim(text);
  if (!rest.empty() && rest.front() == '!') {
    parsed.negated = true;
    rest = trim(rest.substr(1));
  }
  if (rest.empty() || rest.front() != '@') {
    parsed.argument = rest;
    return parsed;
  }
  rest.remove_prefix(1);
  std::size_t size = 0;
  while (size < rest.size() && !is_blank(rest[size])) ++size;
  const std::string_view name = rest.substr(0, size);
  const auto op = operator_named(name);
  if (!op) fail_at(at, "unknown operator \"@" + std::string(name) + "\"");
  parsed.op = *op;
  parsed.argument = trim(rest.substr(size));
  if (parsed.argument.empty() && needs_argument(*op)) {
    fail_at(at, "\"@" + std::string(name) + "\" needs something to compare with");
  }
  return parsed;
}

std::vector<ActionText> parse_actions(std::string_view text, const SourceLine& at) {
  std::vector<ActionText> actions;
  std::size_t i = 0;
  while (i < text.size()) {
    ActionText action;
    while (i < text.size() && (is_blank(text[i]) || text[i] == ',')) ++i;
    if (i == text.size()) break;
    const std::size_t begin = i;
    while (i < text.size() && text[i] != ':' && text[i] != ',') ++i;
    action.name = to_lower(trim(text.substr(begin, i - begin)));
    if (i < text.size() && text[i] == ':') {
      ++i;
      while (i < text.size() && is_blank(text[i])) ++i;
      if (i < text.size() && text[i] == '\'') {
        for (++i;; ++i) {
          if (i == text.size()) {
            fail_at(at, "the value of \"" + action.name + "\" is not closed by \"'\"");
          }
          if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '\'') {
            ++i;
          } else if (text[i] == '\'') {
            break;
          }
          action.value += text[i];
        }
        ++i;
        while (i < text.size() && is_blank(text[i])) ++i;
        if (i < text.size() && text[i] != ',') {
          fail_at(at, "actions must be separated by \",\" behind \"" + action.name + "\"");
        }
      } else {
        const std::size_t from = i;
        while (i < text.size() && text[i] != ',') ++i;
        action.value = trim(text.substr(from, i - from));
      }
    }
    if (action.name.empty()) fail_at(at, "an action without a name");
    actions.push_back(std::move(action));
  }
  return actions;
}

}  // namespace guard::inspect
