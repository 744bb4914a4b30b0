#include "inspect/program.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

std::size_t least_of(const Ways& ways) {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const Way& way : ways) least = std::min(least, way.bytes);
  return least;
}

// Adds a rule's chain to the tree of those that a set has.
void add_chain(std::vector<ChainNode>& nodes, const Chain& chain, const CompiledRule& compiled) {
  const bool multi_match = compiled.rule->multi_match;
  // What is wanted behind each step; in between of it, too, if the rule looks there.
  struct Wanted {
    Traits traits;
    std::size_t least;
    std::size_t least_on;  // if it is not looked at before the next step
  };
  std::vector<Wanted> wanted(chain.transformations.size() + 1);
  wanted.back() = {compiled.needs_then.empty() ? trait::kAny : compiled.needs_then.front(),
                   least_of(compiled.ways), 0};
  for (std::size_t i = chain.transformations.size(); i > 0; --i) {
    const Transformation step = chain.transformations[i - 1];
    const std::size_t least = least_before(step, wanted[i].least);
    wanted[i - 1] = {before(step, wanted[i].traits),
                     multi_match ? std::min(least, wanted.back().least) : least, least};
  }
  const auto pass = [&](ChainNode& node, const Wanted& one) {
    node.wants |= one.traits;
    node.least = std::min(node.least, one.least);
    node.all_fold = node.all_fold && chain.folds_case;
  };
  std::size_t node = 0;
  pass(nodes[0], wanted[0]);
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
    pass(nodes[node], wanted[i + 1]);
    nodes[node].wants_before |= wanted[i].traits;
    nodes[node].least_before = std::min(nodes[node].least_before, wanted[i].least_on);
    if (multi_match) nodes[node].ends = true;
  }
  nodes[node].ends = true;
}

std::uint64_t next_serial() {
  static std::uint64_t last = 0;
  return ++last;
}

}  // namespace

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
  for (const std::vector<Step>& steps : rules_.steps) link_steps(steps);
  for (Rule& rule : rules_.rules) {
    for (SetVar& set : rule.setvars) set.may_have_slot = may_name_slot(set);
  }
  for (CompiledRule& compiled : compiled_) {
    for (CompiledTarget& target : compiled.targets) select_slots(target);
  }
  score_slots_ =
      slots_of({"blocking_inbound_anomaly_score", "anomaly_score", "inbound_anomaly_score"});
  response_score_slots_ = slots_of({"blocking_outbound_anomaly_score", "outbound_anomaly_score"});
  if (options_.search) {
    folding_ = fold(*this, presets());
  } else {
    folding_.variables = presets();
  }
  for (int phase = 0; phase < kPhases; ++phase) {
    folding_.settled[static_cast<std::size_t>(phase)].resize(rules_.steps[phase].size());
    number_patterns(phase);
  }
  for (int phase = 0; phase < kPhases; ++phase) index_steps(phase);
  for (CompiledRule& compiled : compiled_) {
    if (compiled.memory >= 0) compiled.private_chain = find_private_chain(*this, compiled);
  }
  for (const auto& [name, slot] : rules_.tx_slots) slots_.emplace(name, slot);
  compile_sets();
  options_.cache = nullptr;
}

// Whether what a request makes of the name may be one that rules write.
bool Program::may_name_slot(const SetVar& set) const {
  std::string_view first;
  if (!set.name.parts.empty()) first = set.name.parts.front().text;
  return std::any_of(rules_.tx_names.begin(), rules_.tx_names.end(), [&](std::string_view name) {
    return core::equal_without_case(name.substr(0, first.size()), first);
  });
}

// TX:/^header_/: which of the names that rules write are meant.
void Program::select_slots(CompiledTarget& target) {
  if (target.collection != Collection::tx || target.slot >= 0) return;
  Regex::Workspace workspace;
  for (std::size_t i = 0; i < rules_.tx_names.size(); ++i) {
    if (target.selection.selector == Selector::regex) {
      // PCRE2 reads up to the next 16 bytes, which valgrind minds where they are not ours.
      std::string name = rules_.tx_names[i];
      name.reserve(name.size() + 32);
      if (target.selection.regex->search(name, workspace) == Regex::Result::no) continue;
    }
    target.slots.push_back(static_cast<int>(i));
  }
}

// Where skipAfter leads.
void Program::link_steps(const std::vector<Step>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].rule < 0) continue;
    // Any rule of the chain may skip; CRS lets the first do so.
    for (int index = steps[i].rule; index >= 0;
         index = rules_.rules[static_cast<std::size_t>(index)].next_link) {
      CompiledRule& link = compiled_[static_cast<std::size_t>(index)];
      if (link.rule->skip_after.empty()) continue;
      std::size_t to = i + 1;
      while (to < steps.size() && steps[to].marker != link.rule->skip_after) ++to;
      link.skip_to = static_cast<int>(to);
    }
    CompiledRule& compiled = compiled_[static_cast<std::size_t>(steps[i].rule)];
    compiled.jumps = options_.search && jumps(compiled);
  }
}

// Which rules' patterns are searched for, and which of the others' answers are remembered.
void Program::number_patterns(int phase) {
  const std::vector<Step>& steps = rules_.steps[phase];
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].rule < 0 || settled(phase, i)) continue;
    CompiledRule& compiled = compiled_[static_cast<std::size_t>(steps[i].rule)];
    if (compiled.rule->action) continue;
    if (options_.search && is_searched(compiled)) {
      compiled.pattern = static_cast<int>(pattern_count_++);
    } else {
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
    if (steps[i].rule < 0 || settled(phase, i)) continue;
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

// Whether nothing follows from its match but that rules are skipped.
bool Program::jumps(const CompiledRule& compiled) {
  const Rule& rule = *compiled.rule;
  return compiled.compares && compiled.skip_to >= 0 && compiled.targets.size() == 1 &&
         compiled.targets[0].slot >= 0 && !compiled.targets[0].count && rule.next_link < 0 &&
         rule.setvars.empty() && rule.controls.empty() && !rule.log && rule.skip == 0 &&
         rule.severity == kNoSeverity &&
         (rule.disruption == Disruption::pass || rule.disruption == Disruption::block);
}

std::vector<int> Program::slots_of(std::initializer_list<std::string_view> names) const {
  std::vector<int> slots;
  for (const std::string_view name : names) {
    const auto found = rules_.tx_slots.find(name);
    if (found != rules_.tx_slots.end()) slots.push_back(found->second);
  }
  return slots;
}

std::vector<Variable> Program::presets() const {
  std::vector<Variable> variables(rules_.tx_names.size());
  const auto preset = [&](std::initializer_list<std::string_view> names, int number) {
    if (number == 0) return;
    // A name that no rule knows needs no value.
    for (const int slot : slots_of(names)) {
      variables[static_cast<std::size_t>(slot)] = {Variable::State::number, {}, number};
    }
  };
  preset({"paranoia_level", "blocking_paranoia_level"}, options_.paranoia);
  preset({"inbound_anomaly_score_threshold"}, options_.threshold);
  preset({"outbound_anomaly_score_threshold"}, options_.response_threshold);
  return variables;
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
    add_sieves(set, compiled);
    add_chain(set.nodes, chain, compiled);
  }
  if (patterns.empty()) return;
  ++origins_[static_cast<std::size_t>(set.patterns.compile(patterns, options_.cache))];
}

void Program::add_sieves(ScanSet& set, const CompiledRule& compiled) const {
  for (const Way& way : compiled.ways) {
    PatternSieve sieve{{}, compiled.chain, compiled.rule->multi_match, way.bytes};
    for (const Traits need : way.needs) {
      sieve.needs.push_back(before_chain(compiled.chain, need));
    }
    set.sieves.push_back(std::move(sieve));
  }
}

LeastBytes Program::least_bytes(const ScanSet& set, Traits traits) const noexcept {
  LeastBytes least;
  for (const PatternSieve& sieve : set.sieves) {
    if (lacks(traits, sieve.needs)) continue;
    const auto& transformations = chains_[sieve.chain].transformations;
    // What one has changed, any behind it may change, too. The case does not matter to patterns.
    std::size_t unchanged = 0;
    while (unchanged < transformations.size() &&
           triggers(transformations[unchanged]) != trait::kAny &&
           (triggers(transformations[unchanged]) & traits) == 0) {
      ++unchanged;
    }
    std::size_t size = sieve.bytes;
    for (std::size_t i = transformations.size(); i > unchanged; --i) {
      size = least_before(transformations[i - 1], size);
      // What is looked at between two steps is behind one that has changed it.
      if (sieve.multi_match && i - 1 > unchanged) size = std::min(size, sieve.bytes);
    }
    const auto at_most = [](std::size_t bytes) {
      return static_cast<std::uint32_t>(std::min<std::size_t>(bytes, LeastBytes::kNever - 1));
    };
    least.plain =
        std::min({least.plain, at_most(size), at_most(sieve.multi_match ? sieve.bytes : size)});
    if (unchanged < transformations.size()) least.changed = std::min(least.changed, at_most(size));
  }
  return least;
}

std::size_t Program::bytes() const {
  std::size_t size = 0;
  for (const auto& classes : sets_) {
    for (const ScanSets& tiers : classes) {
      for (const ScanSet& set : tiers) size += set.patterns.bytes();
    }
  }
  return size;
}

}  // namespace guard::inspect
