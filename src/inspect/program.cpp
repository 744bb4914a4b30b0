#include "inspect/program.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/ascii.h"
#include "core/words.h"

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

// |41 42| in an @pm is the bytes of these codes.
std::string unescape_phrases(std::string_view text) {
  std::string out;
  bool hex = false;
  int high = -1;
  for (const char c : text) {
    if (c == '|') {
      hex = !hex;
      high = -1;
    } else if (!hex) {
      out += c;
    } else if (core::is_hex(c)) {
      if (high < 0) {
        high = core::hex_value(c);
      } else {
        out += static_cast<char>(high * 16 + core::hex_value(c));
        high = -1;
      }
    }
  }
  // What is no pair of bars with codes between them stands for itself.
  return hex ? std::string(text) : out;
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

// The parts of an argument that may hold macros: parsed as those of messages are.
Macro macro_of(std::string_view text, RuleSet& rules, const SourceLine& at) {
  Macro macro;
  while (!text.empty()) {
    const std::size_t begin = text.find("%{");
    if (begin != 0) {
      MacroPart part;
      part.text = text.substr(0, begin);
      macro.parts.push_back(std::move(part));
    }
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) fail_at(at, "a macro is not closed");
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    const std::size_t dot = name.find_first_of(".:");
    const auto collection = collection_named(name.substr(0, dot));
    if (!collection) fail_at(at, "unknown macro \"%{" + std::string(name) + "}\"");
    MacroPart part;
    part.variable = true;
    part.collection = *collection;
    if (dot != std::string_view::npos) part.key = to_lower(name.substr(dot + 1));
    if (part.collection == Collection::tx) part.slot = rules.slot_of(part.key);
    macro.parts.push_back(std::move(part));
    text.remove_prefix(end + 1);
  }
  return macro;
}

Selection select(const Target& target) {
  Selection selection{target.selector, to_lower(target.text), false, nullptr};
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

// What is so common in values belongs to a tier that few of them have to be searched for, or some.
constexpr int kRare = 50;
constexpr int kSome = 200;

// What must be there before a transformation for one of the needs to be there behind it: that, or
// what makes it.
Traits before(Transformation transformation, Traits need) {
  return (creates(transformation) & need) != 0 ? need | triggers(transformation) : need;
}

// Adds a rule's chain to the tree of those that a set has.
void add_chain(std::vector<ChainNode>& nodes, const Chain& chain, const CompiledRule& compiled) {
  const bool multi_match = compiled.rule->multi_match;
  // What is wanted behind each step; in between of it, too, if the rule looks there.
  std::vector<Traits> wanted(chain.transformations.size() + 1);
  wanted.back() = compiled.needs_then.empty() ? trait::kAny : compiled.needs_then.front();
  for (std::size_t i = chain.transformations.size(); i > 0; --i) {
    wanted[i - 1] = before(chain.transformations[i - 1], wanted[i]);
  }
  std::size_t node = 0;
  nodes[0].wants |= wanted[0];
  nodes[0].all_fold = nodes[0].all_fold && chain.folds_case;
  for (std::size_t i = 0; i < chain.transformations.size(); ++i) {
    for (std::size_t k = i; k < chain.transformations.size(); ++k) {
      nodes[node].below |= triggers(chain.transformations[k]);
    }
    std::size_t next = 0;
    for (const std::uint16_t child : nodes[node].children) {
      if (nodes[child].transformation == chain.transformations[i]) next = child;
    }
    if (next == 0) {
      next = nodes.size();
      nodes[node].children.push_back(static_cast<std::uint16_t>(next));
      nodes.emplace_back();
      nodes[next].transformation = chain.transformations[i];
      nodes[next].changes = changes(chain.transformations[i]);
    }
    node = next;
    nodes[node].wants |= wanted[i + 1];
    nodes[node].all_fold = nodes[node].all_fold && chain.folds_case;
    if (multi_match) nodes[node].ends = true;
  }
  nodes[node].ends = true;
}

std::uint64_t next_serial() {
  static std::uint64_t last = 0;
  return ++last;
}

std::shared_ptr<const Regex> compile_regex(const Rule& rule) {
  try {
    return std::make_shared<const Regex>(rule.op.argument);
  } catch (const std::runtime_error& error) {
    fail_at(rule.at, "the regex of rule " + std::to_string(rule.id) + ": " + error.what());
  }
}

}  // namespace

std::int64_t leading_number(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size() && (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))) ++i;
  bool negative = false;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) negative = text[i++] == '-';
  std::int64_t number = 0;
  constexpr std::int64_t kMost = 1'000'000'000'000'000;
  for (; i < text.size() && core::is_digit(text[i]); ++i) {
    if (number < kMost) number = number * 10 + (text[i] - '0');
  }
  return negative ? -number : number;
}

ValueClass class_of(Collection collection) noexcept {
  switch (collection) {
    case Collection::request_headers:
    case Collection::request_headers_names:
    case Collection::response_headers:
    case Collection::response_headers_names:
      return ValueClass::headers;
    case Collection::request_body:
    case Collection::response_body:
    case Collection::full_request:
      return ValueClass::body;
    case Collection::xml:
      return ValueClass::arguments;
    default:
      break;
  }
  return lists_of(collection).lists[0] == List::single ? ValueClass::line : ValueClass::arguments;
}

Program::Program(RuleSet rules, const ProgramOptions& options)
    : rules_(std::move(rules)), serial_(next_serial()), options_(options) {
  if (!options_.response) {
    for (int phase = kRequestPhases; phase < kPhases; ++phase) rules_.steps[phase].clear();
  }
  chains_.emplace_back();
  compiled_.resize(rules_.rules.size());
  for (std::size_t i = 0; i < rules_.rules.size(); ++i) compile_rule(i);
  for (int phase = 0; phase < kPhases; ++phase) link_steps(rules_.steps[phase]);
  for (CompiledRule& compiled : compiled_) {
    for (CompiledTarget& target : compiled.targets) select_slots(target);
  }
  for (int phase = 0; phase < kPhases; ++phase) index_steps(phase);
  for (const auto& [name, slot] : rules_.tx_slots) slots_.emplace(name, slot);
  compile_sets();
  options_.cache = nullptr;
  if (options_.paranoia > 0) {
    for (const char* name : {"paranoia_level", "blocking_paranoia_level"}) {
      preset(name, options_.paranoia);
    }
  }
  if (options_.threshold > 0) preset("inbound_anomaly_score_threshold", options_.threshold);
  if (options_.response_threshold > 0) {
    preset("outbound_anomaly_score_threshold", options_.response_threshold);
  }
  score_slots_ =
      slots_of({"blocking_inbound_anomaly_score", "anomaly_score", "inbound_anomaly_score"});
  response_score_slots_ = slots_of({"blocking_outbound_anomaly_score", "outbound_anomaly_score"});
}

// TX:/^header_/: which of the names that rules write are meant.
void Program::select_slots(CompiledTarget& target) {
  if (target.collection != Collection::tx || target.slot >= 0) return;
  Regex::Workspace workspace;
  for (std::size_t i = 0; i < rules_.tx_names.size(); ++i) {
    if (target.selection.selector == Selector::regex &&
        target.selection.regex->search(rules_.tx_names[i], workspace) == Regex::Result::no) {
      continue;
    }
    target.slots.push_back(static_cast<int>(i));
  }
}

// Where skipAfter leads, and which rules' patterns are searched for.
void Program::link_steps(const std::vector<Step>& steps) {
  int beyond = 0;  // the step up to which rules are beyond the level of paranoia
  for (int i = 0; i < static_cast<int>(steps.size()); ++i) {
    const Step& step = steps[static_cast<std::size_t>(i)];
    if (step.rule < 0) continue;
    CompiledRule& compiled = compiled_[static_cast<std::size_t>(step.rule)];
    // Any rule of the chain may skip; CRS lets the first do so.
    for (int index = step.rule; index >= 0;
         index = rules_.rules[static_cast<std::size_t>(index)].next_link) {
      CompiledRule& link = compiled_[static_cast<std::size_t>(index)];
      if (link.rule->skip_after.empty()) continue;
      auto to = static_cast<std::size_t>(i) + 1;
      while (to < steps.size() && steps[to].marker != link.rule->skip_after) ++to;
      link.skip_to = static_cast<int>(to);
    }
    if (skips_beyond_paranoia(compiled)) beyond = std::max(beyond, compiled.skip_to);
    if (compiled.rule->action) continue;
    // What will hardly be asked is not searched for, and is asked directly if it is after all.
    if (options_.search && i >= beyond && is_searched(compiled)) {
      compiled.pattern = static_cast<int>(pattern_count_++);
    } else if (i >= beyond) {
      ++direct_rules_;
      if (memories_ < 64 && can_remember(compiled)) compiled.memory = memories_++;
    }
  }
}

// What a request needs in order to ask some of a phase's rules and not the others.
void Program::index_steps(int phase) {
  const std::vector<Step>& steps = rules_.steps[phase];
  auto& direct = direct_steps_[static_cast<std::size_t>(phase)];
  auto& of_patterns = pattern_steps_[static_cast<std::size_t>(phase)];
  auto& before = rules_before_[static_cast<std::size_t>(phase)];
  direct.assign(steps.size() / 64 + 1, 0);
  of_patterns.assign(pattern_count_, -1);
  pattern_needs_.resize(pattern_count_);
  before.push_back(0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    before.push_back(before.back() + (steps[i].rule >= 0 ? 1 : 0));
    if (steps[i].rule < 0) continue;
    const CompiledRule& compiled = compiled_[static_cast<std::size_t>(steps[i].rule)];
    const int pattern = compiled.pattern;
    if (pattern < 0) {
      direct[i / 64] |= std::uint64_t{1} << i % 64;
    } else {
      of_patterns[static_cast<std::size_t>(pattern)] = static_cast<int>(i);
      pattern_needs_[static_cast<std::size_t>(pattern)] = compiled.needs;
    }
  }
}

// Whether what it says of a value is always the same, and takes longer than to remember it.
bool Program::can_remember(const CompiledRule& compiled) const {
  const Rule& rule = *compiled.rule;
  // What a negated regex has captured stays although the rule does not match.
  if (rule.op.negated && rule.capture) return false;
  switch (rule.op.op) {
    case Operator::rx:
      return compiled.regex != nullptr;
    case Operator::pm:
    case Operator::pm_from_file:
    case Operator::detect_sqli:
    case Operator::detect_xss:
    case Operator::validate_byte_range:
    case Operator::validate_url_encoding:
    case Operator::validate_utf8_encoding:
      return true;
    default:
      return false;
  }
}

// "SecRule TX:EXECUTING_PARANOIA_LEVEL "@lt 3" "skipAfter:..." where the level is 2.
bool Program::skips_beyond_paranoia(const CompiledRule& compiled) const {
  const Rule& rule = *compiled.rule;
  if (options_.paranoia == 0 || compiled.skip_to < 0 || rule.next_link >= 0 || rule.action ||
      rule.op.op != Operator::lt || rule.op.negated || compiled.number <= options_.paranoia ||
      compiled.targets.size() != 1 || compiled.targets[0].slot < 0 || compiled.targets[0].count) {
    return false;
  }
  const std::string& name = compiled.targets[0].selection.name;
  return name == "executing_paranoia_level" || name == "detection_paranoia_level";
}

std::vector<int> Program::slots_of(std::initializer_list<std::string_view> names) const {
  std::vector<int> slots;
  for (const std::string_view name : names) {
    const auto found = rules_.tx_slots.find(name);
    if (found != rules_.tx_slots.end()) slots.push_back(found->second);
  }
  return slots;
}

void Program::preset(std::string_view name, std::int64_t number) {
  // A name that no rule knows needs no value.
  const auto found = rules_.tx_slots.find(name);
  if (found != rules_.tx_slots.end()) presets_.push_back({found->second, number});
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
      if (other.selector == Selector::all ||
          (other.selector == target.selector && equal_ignoring_case(other.text, target.text))) {
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
    compiled.argument = macro_of(rule.op.argument, rules_, rule.at);
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

void Program::compile_needs(CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  if (rule.op.negated) return;
  Needs needs;
  switch (rule.op.op) {
    case Operator::rx:
      if (compiled.regex != nullptr) needs = needs_of_regex(rule.op.argument);
      break;
    case Operator::pm:
    case Operator::pm_from_file:
      needs = needs_of_phrases(compiled.phrases->phrases());
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
  const auto& transformations = chains_[compiled.chain].transformations;
  for (Traits need : needs) {
    for (auto one = transformations.rbegin(); one != transformations.rend(); ++one) {
      need = before(*one, need);
    }
    compiled.needs.push_back(need);
  }
  compiled.needs_then = std::move(needs);
}

void Program::compile_sets() {
  for (int phase = 0; phase < kPhases; ++phase) {
    for (std::size_t c = 0; c < kValueClasses; ++c) {
      for (std::size_t tier = 0; tier < kTiers; ++tier) compile_set(phase, c, tier);
    }
  }
}

void Program::compile_set(int phase, std::size_t value_class, std::size_t tier) {
  ScanSet& set = sets_[static_cast<std::size_t>(phase)][value_class][tier];
  set.nodes.emplace_back();
  std::vector<PatternText> patterns;
  for (const Step& step : rules_.steps[phase]) {
    if (step.rule < 0) continue;
    const CompiledRule& compiled = compiled_[static_cast<std::size_t>(step.rule)];
    if (compiled.pattern < 0 || compiled.tier != tier) continue;
    bool belongs = false;
    for (const CompiledTarget& target : compiled.targets) {
      if (static_cast<std::size_t>(class_of(target.collection)) != value_class) continue;
      set.collections.set(index_of(target.collection));
      belongs = true;
    }
    if (!belongs) continue;
    const Chain& chain = chains_[compiled.chain];
    const auto id = static_cast<std::uint32_t>(compiled.pattern);
    if (compiled.phrases != nullptr) {
      for (const std::string& phrase : compiled.phrases->phrases()) {
        patterns.push_back({phrase, true, true, id});
      }
    } else {
      patterns.push_back({compiled.rule->op.argument, false, chain.folds_case, id});
    }
    set.needs |= compiled.needs.empty() ? trait::kAny : compiled.needs.front();
    set.triggers |= chain.triggers;
    add_chain(set.nodes, chain, compiled);
  }
  if (patterns.empty()) return;
  ++origins_[static_cast<std::size_t>(set.patterns.compile(patterns, options_.cache))];
}

std::size_t Program::bytes() const {
  std::size_t size = 0;
  for (const auto& classes : sets_) {
    for (const auto& tiers : classes) {
      for (const ScanSet& set : tiers) size += set.patterns.bytes();
    }
  }
  return size;
}

}  // namespace guard::inspect
