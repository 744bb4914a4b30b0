// Rules made ready: their targets, operators and chains, and what a value must have for them.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "core/ascii.h"
#include "core/words.h"
#include "inspect/program.h"

namespace guard::inspect {

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    if (c != ' ' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

// The bytes that "41 42" stands for; nothing: it is no such codes.
std::optional<std::string> bytes_of_codes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 2 || !core::is_hex(text[0]) || !core::is_hex(text[1])) return std::nullopt;
    bytes += static_cast<char>(core::hex_value(text[0]) * 16 + core::hex_value(text[1]));
    text.remove_prefix(2);
  }
  if (bytes.empty()) return std::nullopt;
  return bytes;
}

// |41 42| in an @pm is the bytes of these codes; bars with none between them stand for themselves.
std::string unescape_phrases(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.front() == '|' ? text.find('|', 1) : std::string_view::npos;
    if (end != std::string_view::npos) {
      if (const auto bytes = bytes_of_codes(text.substr(1, end - 1))) {
        out += *bytes;
        text.remove_prefix(end + 1);
        continue;
      }
    }
    out += text.front();
    text.remove_prefix(1);
  }
  return out;
}

std::vector<std::string> lines_of(const Rule& rule) {
  std::string path = rule.op.argument;
  if (!path.starts_with('/')) {
    const std::size_t slash = rule.at.file.rfind('/');
    if (slash != std::string_view::npos) {
      path = std::string(rule.at.file.substr(0, slash + 1)) + path;
    }
  }
  std::string text;
  if (!read_rule_file(path, text)) fail_at(rule.at, "cannot read \"" + path + "\"");
  std::vector<std::string> lines;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
      line.remove_suffix(1);
    }
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    lines.emplace_back(line);
  }
  return lines;
}

std::bitset<256> byte_range(const Rule& rule) {
  std::bitset<256> bytes;
  const auto number = [&](std::string_view text) {
    int value = -1;
    for (const char c : text) {
      if (!core::is_digit(c) || value > 255) fail_at(rule.at, "bad byte range");
      value = std::max(value, 0) * 10 + (c - '0');
    }
    if (value < 0 || value > 255) fail_at(rule.at, "bad byte range");
    return static_cast<std::size_t>(value);
  };
  std::string text = rule.op.argument;
  std::replace(text.begin(), text.end(), ',', ' ');
  for (const std::string& word : words_of(text)) {
    const std::size_t dash = word.find('-');
    const std::size_t first = number(std::string_view(word).substr(0, dash));
    const std::size_t last =
        dash == std::string::npos ? first : number(std::string_view(word).substr(dash + 1));
    if (first > last) fail_at(rule.at, "bad byte range \"" + word + "\"");
    for (std::size_t byte = first; byte <= last; ++byte) bytes.set(byte);
  }
  return bytes;
}

Selection select(const Target& target) {
  Selection selection{target.selector, to_lower(target.text), 0, false, nullptr};
  if (target.selector == Selector::name) selection.tag = tag_of(selection.name);
  if (target.collection == Collection::xml) selection.name = target.text;
  if (target.selector == Selector::regex) {
    selection.regex = std::make_shared<const Regex>(target.text, true);
    selection.prefix = target.text.starts_with('^') &&
                       std::all_of(target.text.begin() + 1, target.text.end(), [](char c) {
                         return core::is_letter(c) || core::is_digit(c) || c == '_' || c == '-';
                       });
    if (selection.prefix) selection.name = selection.name.substr(1);
  }
  return selection;
}

// Whether it makes a text of none.
bool fills_empty(Transformation one) {
  return one == Transformation::length || one == Transformation::md5 || one == Transformation::sha1;
}

// What is so common in values belongs to a tier that few of them have to be searched for, or some.
constexpr int kRare = 50;
constexpr int kSome = 200;

std::shared_ptr<const Regex> compile_regex(const Rule& rule) {
  try {
    return std::make_shared<const Regex>(rule.op.argument);
  } catch (const std::runtime_error& error) {
    fail_at(rule.at, "the regex of rule " + std::to_string(rule.id) + ": " + error.what());
  }
}

}  // namespace

Traits before(Transformation transformation, Traits need) noexcept {
  return (creates(transformation) & need) != 0 ? need | triggers(transformation) : need;
}

void Program::compile_rule(std::size_t index) {
  CompiledRule& compiled = compiled_[index];
  const Rule& rule = rules_.rules[index];
  compiled.rule = &rule;
  if (rule.action || (rule.phase > kRequestPhases && !options_.response)) return;
  compile_targets(compiled);
  compiled.chain = chain_of(rule.transformations);
  compile_operator(compiled);
  compile_needs(compiled);
  compiled.adds_up = rule.next_link < 0 && !rule.link &&
                     std::all_of(rule.setvars.begin(), rule.setvars.end(), [](const SetVar& set) {
                       return set.assignment == Assignment::add;
                     });
  compiled.by_traits = compiled.chain != 0 || !compiled.needs.empty() ||
                       rule.op.op == Operator::detect_sqli || rule.op.op == Operator::detect_xss;
}

void Program::compile_targets(CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  for (const Target& target : rule.targets) {
    if (target.exclude) continue;
    CompiledTarget one;
    one.collection = target.collection;
    one.count = target.count;
    one.selection = select(target);
    if (is_response_data(target.collection) && rule.phase <= kRequestPhases) {
      fail_at(rule.at, std::string(name_of(target.collection)) + " is not there in phase " +
                           std::to_string(rule.phase));
    }
    if (target.collection == Collection::tx && target.selector == Selector::name) {
      one.slot = rules_.slot_of(target.text);
    }
    bool excluded = false;
    for (const Target& other : rule.targets) {
      if (!other.exclude || other.collection != target.collection) continue;
      if (other.selector == Selector::all || (other.selector == target.selector &&
                                              core::equal_without_case(other.text, target.text))) {
        excluded = true;
      } else {
        one.exclusions.push_back(select(other));
      }
    }
    if (excluded) continue;
    if (target.collection == Collection::request_body ||
        target.collection == Collection::args_post || target.collection == Collection::args) {
      wants_body_ = true;
    }
    compiled.targets.push_back(std::move(one));
  }
}

void Program::compile_operator(CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  const auto constant = [&] {
    if (rule.op.argument.find("%{") == std::string::npos) return true;
    compiled.argument = rules_.parse_macro(rule.op.argument, rule.at);
    return false;
  };
  switch (rule.op.op) {
    case Operator::rx:
      if (constant()) {
        compiled.regex = compile_regex(rule);
        // '.' is any byte, and takes what it can.
        compiled.takes_all = rule.op.argument == "^.*$" || rule.op.argument == ".*";
      }
      break;
    case Operator::pm:
      compiled.phrases =
          std::make_shared<const PhraseSet>(words_of(unescape_phrases(rule.op.argument)));
      break;
    case Operator::pm_from_file:
      compiled.phrases = std::make_shared<const PhraseSet>(lines_of(rule));
      break;
    case Operator::ip_match:
    case Operator::ip_match_from_file: {
      auto list = std::make_shared<core::CidrList>();
      std::vector<std::string> words;
      if (rule.op.op == Operator::ip_match) {
        std::string text = rule.op.argument;
        std::replace(text.begin(), text.end(), ',', ' ');
        words = words_of(text);
      } else {
        words = lines_of(rule);
      }
      for (const std::string& word : words) {
        try {
          list->add(word);
        } catch (const core::ConfigError& error) {
          fail_at(rule.at, error.what());
        }
      }
      compiled.networks = std::move(list);
      break;
    }
    case Operator::validate_byte_range:
      compiled.bytes = byte_range(rule);
      break;
    case Operator::detect_sqli:
    case Operator::detect_xss:
      if (options_.libinjection && !libinjection_.load()) {
        core::fail("rule ", std::to_string(rule.id),
                   " needs libinjection of libmodsecurity3: ", libinjection_.why());
      }
      break;
    default:
      if (constant()) {
        MacroPart part;
        part.text = rule.op.argument;
        compiled.argument.parts.push_back(std::move(part));
        compiled.number = leading_number(rule.op.argument);
        compiled.compares =
            is_comparison(rule.op.op) && rule.transformations.empty() && !rule.multi_match;
      }
  }
}

std::uint16_t Program::chain_of(const std::vector<Transformation>& transformations) {
  for (std::size_t i = 0; i < chains_.size(); ++i) {
    if (chains_[i].transformations == transformations) return static_cast<std::uint16_t>(i);
  }
  Chain chain{transformations, 0, false};
  for (const Transformation one : transformations) {
    chain.triggers |= triggers(one);
    chain.folds_case = chain.folds_case || one == Transformation::lowercase ||
                       one == Transformation::uppercase || one == Transformation::cmd_line;
  }
  chains_.push_back(std::move(chain));
  return static_cast<std::uint16_t>(chains_.size() - 1);
}

// Whether a rule's pattern can be searched for together with others.
bool Program::is_searched(const CompiledRule& compiled) const {
  const Rule& rule = *compiled.rule;
  if (rule.op.negated || (compiled.regex == nullptr && compiled.phrases == nullptr)) return false;
  if (compiled.phrases != nullptr && compiled.phrases->phrases().empty()) return false;
  const Chain& chain = chains_[compiled.chain];
  // Digests and lengths are no texts in which many patterns are looked for.
  for (const Transformation one : chain.transformations) {
    if (triggers(one) == trait::kAny && one != Transformation::base64_decode &&
        one != Transformation::base64_decode_ext) {
      return false;
    }
  }
  for (const CompiledTarget& target : compiled.targets) {
    if (!is_data(target.collection) || target.count) return false;
  }
  return compiled.phrases != nullptr || PatternSet::takes(rule.op.argument, chain.folds_case);
}

// What must be there for the need to be there behind the chain.
Traits Program::before_chain(std::uint16_t chain, Traits need) const {
  const auto& transformations = chains_[chain].transformations;
  for (auto one = transformations.rbegin(); one != transformations.rend(); ++one) {
    need = before(*one, need);
  }
  return need;
}

void Program::compile_needs(CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  // Without search every value is asked about, whatever it has.
  if (rule.op.negated || !options_.search) return;
  if (std::any_of(rule.transformations.begin(), rule.transformations.end(), fills_empty)) return;
  Needs needs;
  switch (rule.op.op) {
    case Operator::rx:
      if (compiled.regex == nullptr) break;
      compiled.ways = ways_of_regex(rule.op.argument);
      needs = needs_of(compiled.ways);
      break;
    case Operator::pm:
    case Operator::pm_from_file:
      compiled.ways = ways_of_phrases(compiled.phrases->phrases());
      needs = needs_of(compiled.ways);
      break;
    case Operator::detect_sqli:
      // See Libinjection::may_be_sqli(): one word is nothing.
      needs = {trait::kBytes & ~trait::kWord};
      break;
    case Operator::detect_xss:
      needs = {trait::of_marks("<=")};
      break;
    case Operator::validate_byte_range: {
      Traits refused = 0;
      for (unsigned byte = 0; byte < 256; ++byte) {
        if (!compiled.bytes[byte]) refused |= trait::of_byte(static_cast<unsigned char>(byte));
      }
      if ((refused & trait::kLetter) != 0) refused |= trait::kLetter;
      needs = {refused};
      break;
    }
    case Operator::validate_url_encoding:
      needs = {trait::of_mark('%')};
      break;
    default:
      return;
  }
  compiled.tier = needs.empty()                   ? 2
                  : commonness(needs[0]) <= kRare ? 0
                  : commonness(needs[0]) <= kSome ? 1
                                                  : 2;
  // Cases of letters do not matter: needs have both.
  for (const Traits need : needs) compiled.needs.push_back(before_chain(compiled.chain, need));
  compiled.needs_then = std::move(needs);
}

}  // namespace guard::inspect
