// Rules made ready to run: regexes compiled, chains of transformations numbered, and for each phase
// and kind of value one set of all the patterns that are searched for in it. Made while
// configuration is read, shared by all locations with the same rules, never changed afterwards.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/cidr.h"
#include "inspect/folding.h"
#include "inspect/libinjection.h"
#include "inspect/pattern_set.h"
#include "inspect/phrase_set.h"
#include "inspect/private_chain.h"
#include "inspect/regex.h"
#include "inspect/regex_needs.h"
#include "inspect/rule_set.h"
#include "inspect/transaction.h"

namespace guard::inspect {

// A member of a collection, or several.
struct Selection {
  Selector selector = Selector::all;
  std::string name;       // lower case
  std::uint32_t tag = 0;  // of that, where it is all that is asked for: tag_of()
  bool prefix = false;    // a regex that is '^' and the name
  std::shared_ptr<const Regex> regex;
};

struct CompiledTarget {
  Collection collection = Collection::args;
  bool count = false;
  int slot = kNoSlot;      // of TX
  std::vector<int> slots;  // or, of several, all
  Selection selection;
  std::vector<Selection> exclusions;
};

struct Chain {
  std::vector<Transformation> transformations;
  Traits triggers = 0;      // see triggers() of one
  bool folds_case = false;  // what comes out may differ from what went in by case
};

struct CompiledRule {
  const Rule* rule = nullptr;
  std::vector<CompiledTarget> targets;
  std::uint16_t chain = 0;
  int pattern = -1;  // of the sets: its number; -1: it is asked directly
  std::uint8_t tier = 0;
  // The bit of KnownValue::cleared, for a rule that is asked directly and whose answer depends on
  // nothing but the value. -1: for others.
  int memory = -1;
  // Of the first rule of such a chain, whose bit says that the chain does not match.
  std::optional<PrivateChain> private_chain;
  // What a value must have for the rule to match: as it comes, and as it is looked at.
  Needs needs;
  Needs needs_then;
  Ways ways;  // of a pattern, as it is looked at
  std::shared_ptr<const Regex> regex;
  std::shared_ptr<const PhraseSet> phrases;
  std::shared_ptr<const core::CidrList> networks;
  std::bitset<256> bytes;   // of validateByteRange: those that are allowed
  Macro argument;           // of the others
  std::int64_t number = 0;  // of a constant argument
  bool compares = false;    // a value as it is with that number, and no more
  bool jumps = false;       // so does it with one variable of TX, and then skips, and no more
  bool takes_all = false;   // its regex matches all of any value
  bool adds_up = false;     // all that follows from a match is a score: one reading is enough
  bool by_traits = false;   // what kinds of bytes a value has makes a difference to it
  int skip_to = -1;         // step behind the marker of skipAfter
};

// How many bytes a value of some traits must have at least for a pattern of a set to match in it,
// and for one to match in what its chain makes of it, if that is another text. kNever: none can.
struct LeastBytes {
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t plain = kNever;
  std::uint32_t changed = kNever;
};

// Values that are searched together.
enum class ValueClass : std::uint8_t { arguments, headers, line, body };
inline constexpr std::size_t kValueClasses = 4;

// The chains of a set, as a tree of what they begin with in common.
struct ChainNode {
  Transformation transformation = Transformation::lowercase;
  std::vector<std::uint16_t> children;
  Traits changes = 0;  // what a value must have for it to change anything, the case included
  Traits below = 0;    // triggers of all chains that go through it, behind it
  // A value, as it is here, that has none of these kinds of bytes, or not so many of them, is
  // nothing for any of them.
  Traits wants = 0;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  // The same of a value to which the transformation is yet to be done.
  Traits wants_before = 0;
  std::size_t least_before = std::numeric_limits<std::size_t>::max();
  bool ends = false;     // a chain ends here, or what it has made so far is looked at
  bool all_fold = true;  // of every chain that goes through it folds_case is true
};

// One way in which a value may match a pattern.
struct PatternSieve {
  Needs needs;  // as it comes
  std::uint16_t chain = 0;
  bool multi_match = false;
  std::size_t bytes = 0;  // as it is looked at
};

struct ScanSet {
  PatternSet patterns;
  std::vector<ChainNode> nodes;      // the first is the root: no transformation
  std::vector<PatternSieve> sieves;  // of all patterns
  // What of the class is searched in at all.
  std::bitset<kCollectionCount> collections;
};

using ScanSets = std::array<ScanSet, kTiers>;

struct ProgramOptions {
  int paranoia = 1;   // what TX starts with; 0: what the rules say
  int threshold = 0;  // inbound anomaly score; 0: what the rules say
  bool libinjection = true;
  bool search = true;  // false: every rule is asked for every value, for tests
  PatternCache* cache = nullptr;
  bool response = false;       // rules of answers are run
  int response_threshold = 0;  // outbound anomaly score; 0: what the rules say
};

class Program {
 public:
  Program(RuleSet rules, const ProgramOptions& options);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // What no other program of this process has, nor has had.
  std::uint64_t serial() const { return serial_; }
  const RuleSet& rules() const { return rules_; }
  const CompiledRule& rule(int index) const { return compiled_[static_cast<std::size_t>(index)]; }
  const std::vector<Step>& steps(int phase) const { return rules_.steps[phase]; }
  const Chain& chain(std::uint16_t index) const { return chains_[index]; }
  // By tier.
  const ScanSets& scan_sets(int phase, ValueClass value_class) const {
    return sets_[static_cast<std::size_t>(phase)][static_cast<std::size_t>(value_class)];
  }
  std::size_t pattern_count() const { return pattern_count_; }
  // Whether a rule need not be asked: see Folding.
  bool settled(int phase, std::size_t step) const {
    return folding_.settled[static_cast<std::size_t>(phase)][step];
  }
  // Whether a variable of TX has the same value in every request and at every step.
  bool is_constant(int slot) const {
    const auto index = static_cast<std::size_t>(slot);
    return index < folding_.constant.size() && folding_.constant[index];
  }
  // Of a phase: a bit for each step whose rule is asked whatever the search finds; and by pattern
  // the step of its rule, -1 if it is of another phase.
  const std::vector<std::uint64_t>& direct_steps(int phase) const {
    return direct_steps_[static_cast<std::size_t>(phase)];
  }
  const std::vector<int>& pattern_steps(int phase) const {
    return pattern_steps_[static_cast<std::size_t>(phase)];
  }
  LeastBytes least_bytes(const ScanSet& set, Traits traits) const noexcept;
  // What a value must have for the rule of a pattern to match.
  const Needs& pattern_needs(std::size_t pattern) const { return pattern_needs_[pattern]; }
  // Whether any of the steps from the one to (without) the other is a rule.
  bool has_rules(int phase, std::size_t from, std::size_t to) const {
    const auto& before = rules_before_[static_cast<std::size_t>(phase)];
    return from < to && before[from] != before[to];
  }
  // The slot of TX that has the name, in lower case; -1: none.
  int slot_named(std::string_view name) const {
    const auto found = slots_.find(name);
    return found == slots_.end() ? kNoSlot : found->second;
  }
  std::size_t direct_rules() const { return direct_rules_; }
  // How many sets of patterns have come from there.
  std::size_t sets_from(PatternSet::Origin origin) const {
    return origins_[static_cast<std::size_t>(origin)];
  }
  const Libinjection& libinjection() const { return libinjection_; }
  std::size_t bytes() const;

  // TX by slot, as a request begins.
  const std::vector<Variable>& variables() const { return folding_.variables; }
  // Slots of the anomaly score, those of both versions of the rules that are there.
  const std::vector<int>& score_slots() const { return score_slots_; }
  const std::vector<int>& response_score_slots() const { return response_score_slots_; }
  // Whether any rule could want the body.
  bool wants_body() const { return wants_body_; }

 private:
  void compile_rule(std::size_t index);
  void compile_targets(CompiledRule& compiled);
  void compile_operator(CompiledRule& compiled);
  std::uint16_t chain_of(const std::vector<Transformation>& transformations);
  bool is_searched(const CompiledRule& compiled) const;
  void select_slots(CompiledTarget& target);
  bool may_name_slot(const SetVar& set) const;
  void link_steps(const std::vector<Step>& steps);
  std::vector<Variable> presets() const;
  void number_patterns(int phase);
  void index_steps(int phase);
  bool can_remember(const CompiledRule& compiled) const;
  static bool jumps(const CompiledRule& compiled);
  void compile_needs(CompiledRule& compiled);
  Traits before_chain(std::uint16_t chain, Traits need) const;
  void add_sieves(ScanSet& set, const CompiledRule& compiled) const;
  void compile_sets();
  void compile_set(int phase, std::size_t value_class, std::size_t tier);
  std::vector<int> slots_of(std::initializer_list<std::string_view> names) const;

  RuleSet rules_;
  std::uint64_t serial_;
  ProgramOptions options_;
  std::vector<CompiledRule> compiled_;
  std::vector<Chain> chains_;
  std::array<std::array<ScanSets, kValueClasses>, kPhases> sets_;
  std::size_t pattern_count_ = 0;
  std::size_t direct_rules_ = 0;
  int memories_ = 0;
  std::array<std::size_t, 3> origins_{};
  std::array<std::vector<std::uint64_t>, kPhases> direct_steps_;
  std::array<std::vector<int>, kPhases> pattern_steps_;
  std::array<std::vector<std::uint32_t>, kPhases> rules_before_;
  std::vector<Needs> pattern_needs_;
  std::unordered_map<std::string_view, int> slots_;
  Folding folding_;
  std::vector<int> score_slots_;
  std::vector<int> response_score_slots_;
  bool wants_body_ = false;
  Libinjection libinjection_;
};

ValueClass class_of(Collection collection) noexcept;

// What must be there before a transformation for one of the needs to be there behind it: that, or
// what makes it.
Traits before(Transformation transformation, Traits need) noexcept;

}  // namespace guard::inspect
