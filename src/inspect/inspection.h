// Runs a program over a request, in the order of its rules. A worker has one; what it needs of
// memory it keeps.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "inspect/kept_state.h"
#include "inspect/keyed_hash.h"
#include "inspect/known_values.h"
#include "inspect/name_index.h"
#include "inspect/program.h"
#include "inspect/regex_cache.h"
#include "inspect/transaction.h"
#include "inspect/variable.h"

namespace guard::inspect {

// A rule that matched and is to be told of.
struct Match {
  const Rule* rule = nullptr;
  std::string_view variable;  // "ARGS:name": holds bytes of the client
  std::string_view value;     // what it matched in, as it was looked at: the client's
  std::size_t found = 0;      // where in it, if the rule captures that
  std::string_view message;
  std::string_view logdata;  // holds the client's bytes, and what of the value was found
};

enum class Outcome : std::uint8_t {
  passed,
  denied,       // by a rule: by
  over_budget,  // of work, or of arguments
  failed,       // no memory
};

struct InspectionResult {
  Outcome outcome = Outcome::passed;
  const Rule* by = nullptr;
  std::uint16_t status = 403;
  std::string_view location;  // of a redirect: holds nothing that ends a header field
  std::int64_t score = 0;
  std::uint64_t work = 0;     // units: see kDefaultBudget
  std::uint32_t gave_up = 0;  // regexes that went back too often, which counts as a match
};

// A unit is a byte that is looked at once: decoded, searched in or compared; every such step costs
// kStepCost more, and a regex counts kRegexCost for each byte.
inline constexpr std::uint64_t kStepCost = 32;
inline constexpr std::uint64_t kRegexCost = 4;
inline constexpr std::uint64_t kDefaultBudget = 64U << 20;

// Of the dynamic names that rules set (tx.paramcounter_NAME), and of values that a rule has
// matched.
inline constexpr std::size_t kMaxNamed = 20'000;

class Inspection {
 public:
  Inspection() = default;
  Inspection(const Inspection&) = delete;
  Inspection& operator=(const Inspection&) = delete;

  // Whether it remembers texts that come again and again (see KnownValues). It does unless told.
  void remember(bool on) { remembers_ = on; }

  // False: out of memory. Once for each program that will be run.
  bool prepare(const Program& program) noexcept { return prepare_sets(program); }

  // The two phases of a request. The second is for those that the first has let pass, and has the
  // body, which may be empty. After the first, processor() says how rules want the body read.
  const InspectionResult& run_headers(const Program& program, const RequestView& view,
                                      std::uint64_t budget) noexcept;
  const InspectionResult& run_body(std::string_view body) noexcept;
  // trusted: as Transaction::add_json_body() has it.
  const InspectionResult& run_body(std::string_view body, const core::JsonDocument& document,
                                   std::span<const std::uint64_t> trusted) noexcept;

  // The three phases of an answer, with what those of its request have left. request: what it was,
  // whose body is not there any more. The score is that of the answer.
  const InspectionResult& run_response(const Program& program, const RequestView& request,
                                       const KeptState& state, const ResponseView& response,
                                       std::uint64_t budget) noexcept;
  // After the request's phases: whether rules are asked of the answer, and what they need then, in
  // memory that allocate gives. Null: it gave none.
  using Allocate = void* (*)(void* context, std::size_t size);
  bool asks_answers() const;
  const KeptState* keep(Allocate allocate, void* context) const noexcept;

  BodyProcessor processor() const { return transaction_.processor(); }
  bool engine_off() const { return engine_off_; }
  const std::vector<Match>& matches() const { return matches_; }
  // "sqli": of what the rules that matched are about, what weighs most. Empty: of nothing.
  std::string_view category() const noexcept;

  Transaction& transaction() { return transaction_; }

  // Each(name, number) for what the rules have set in TX to a number.
  template <class Each>
  void each_number(Each each) const {
    if (program_ == nullptr) return;
    for (std::size_t i = 0; i < tx_.size(); ++i) {
      if (tx_[i].state == Variable::State::number)
        each(std::string_view(program_->rules().tx_names[i]), tx_[i].number);
    }
  }

 private:
  struct Named {
    Collection collection;
    std::string_view name;
    std::string_view key;
    Variable variable;
  };
  struct RemovedTarget {
    const Control* control;
  };
  // A value that a rule looks at.
  struct Subject {
    Collection collection = Collection::args;
    std::string_view name;  // of a member; empty for what is no list
    std::string_view value;
    Traits traits = 0;
    KnownValue* known = nullptr;
    bool again = false;  // see Field
  };

  static bool prepare_sets(const Program& program, ScanMemory& memory) noexcept;
  bool prepare_sets(const Program& program) noexcept { return prepare_sets(program, memory_); }
  void reset(const Program& program, std::uint64_t budget);
  void run_phase(int phase);
  template <class Run>
  const InspectionResult& guarded(Run run) noexcept;
  void finish();
  void restore(const KeptState& state);

  // Scanning: inspection_scan.cpp
  void scan_phase(int phase);
  std::size_t survey(int phase);
  KnownValue* known(ValueClass value_class, std::string_view text);
  void recall(int phase, ValueClass value_class, KnownValue& value,
              std::array<std::uint8_t, kTiers>& groups, std::array<std::uint64_t, kTiers>& sums);
  void learn(int phase, ValueClass value_class, KnownValue& value);
  const std::array<LeastBytes, kTiers>& least_bytes(const ScanSets& sets, Traits traits);
  void scan_class(int phase, ValueClass value_class);
  // tiers: a bit for each that searches in it. Adds the groups that it is in.
  void scan_value(const ScanSets& sets, unsigned tiers, std::string_view value, Traits traits,
                  std::array<std::uint8_t, kTiers>& groups,
                  std::array<std::uint64_t, kTiers>& sums);
  void append(std::size_t tier, const ScanSet& set, std::string_view value, Traits traits,
              LeastBytes least);
  void add_variants(const ScanSet& set, std::size_t node, std::string_view value, Traits traits,
                    std::string& row);
  void emit(std::string_view value, bool folds, std::string& row);
  void flush(std::size_t tier, const ScanSet& set);

  // Rules
  void find_candidates(int phase);
  // The first of a phase's steps from a place on that is to be asked; their count: none.
  std::size_t next_candidate(std::size_t from, std::size_t count) const;
  bool evaluate(int index);
  bool jumps(const CompiledRule& compiled);
  bool compares_number(const CompiledRule& compiled, const CompiledTarget& target);
  bool compares_count(const CompiledRule& compiled, const CompiledTarget& target);
  // found_before: in another target of the rule.
  bool evaluate_target(const CompiledRule& compiled, const CompiledTarget& target,
                       bool found_before);
  // What is worth trying: all that has the needs or, of a rule whose pattern was searched for, what
  // of that is in one of the groups that it may match in.
  struct Sought {
    const Needs* needs = nullptr;
    bool searched = false;
    std::uint64_t hits = 0;
    std::uint8_t tier = 0;
    int memory = -1;
    bool by_traits = true;  // what a value has makes a difference to the rule
    bool counting = false;  // how many there are, not what they are

    bool may_match(Traits traits, const std::array<std::uint8_t, kTiers>& groups) const {
      if (searched) {
        const std::uint8_t group = groups[tier];
        if (group == Field::kUnscanned || (hits >> group & 1) == 0) return false;
      }
      return needs == nullptr || !lacks(traits, *needs);
    }
  };
  template <class Each>
  void for_each(const CompiledTarget& target, const Sought& sought, Each each);
  template <class Each>
  void for_each_variable(const CompiledTarget& target, const Sought& sought, Each each);
  bool excluded(const CompiledTarget& target, std::string_view name);
  bool selects(const Selection& selection, std::string_view name);
  bool removed_by_control(const Rule& rule) const;
  bool target_removed(const Rule& rule, Collection collection, std::string_view name);
  bool is_cleared(const CompiledRule& compiled, const Subject& subject) const;
  static void clear(const CompiledRule& compiled, const Subject& subject);
  std::string_view name_as_seen(const CompiledRule& compiled, const Field& field);
  void capture_last_name(const CompiledRule& compiled);
  void clear_names(const CompiledRule& compiled);
  bool try_subject(const CompiledRule& compiled, const Subject& subject);
  // traits: of value.
  bool try_value(const CompiledRule& compiled, const Subject& subject, std::string_view value,
                 Traits traits);
  // Whether it has changed the value, whose traits are kept true.
  bool apply(Transformation transformation, std::string_view& value, Traits& traits);
  // traits: of the value, then of the result.
  std::string_view transformed(const Chain& chain, std::string_view value, Traits& traits);
  bool matches_operator(const CompiledRule& compiled, std::string_view value, Traits traits);
  Regex::Result search(const Regex& regex, std::string_view value);
  bool matches_regex(const CompiledRule& compiled, std::string_view value);
  void matched(const CompiledRule& compiled, const Subject& subject, std::string_view value);
  void after_match(const CompiledRule& compiled);
  void report(const Rule& rule);
  std::size_t found_at(const Rule& rule) const;
  void disrupt(const Rule& rule);
  void redirect(const Rule& rule);
  void set_variable(const SetVar& set);
  void control(const Control& control);
  std::string_view key_of(Collection collection, std::string_view name);
  Variable* find_variable(Collection collection, int slot, std::string_view name);
  Variable* find_named(std::uint64_t hash, std::string_view key);
  // name: stays as long as the request does. may_have_slot: as SetVar has it.
  Variable& make_variable(Collection collection, int slot, std::string_view name,
                          bool may_have_slot = true);
  std::string_view text_of(Variable& variable);
  std::string_view expand(const Macro& macro);
  std::string_view value_of(const MacroPart& part);
  void capture(std::size_t group, std::string_view value);
  std::string_view qualified(Collection collection, std::string_view name);
  // "ARGS:name"; empty: nothing has matched.
  std::string_view matched_name();
  void forget_match();

  void charge(std::uint64_t units) {
    result_.work += units;
    if (result_.work > budget_) result_.outcome = Outcome::over_budget;
  }
  bool stopped() const { return result_.outcome != Outcome::passed; }

  const Program* program_ = nullptr;
  std::uint64_t budget_ = kDefaultBudget;
  Transaction transaction_;
  InspectionResult result_;
  std::vector<Match> matches_;
  ScanMemory memory_;
  Regex::Workspace workspace_;
  RegexCache regexes_;
  KnownValues known_;
  // What values of some traits must have for a search to be worth it.
  struct Sieve {
    std::uint64_t program = 0;
    const ScanSets* sets = nullptr;
    Traits traits = 0;
    std::array<LeastBytes, kTiers> least;
  };
  static constexpr int kSieveBits = 9;
  std::array<std::array<Sieve, 2>, std::size_t{1} << kSieveBits> sieves_{};
  bool remembers_ = true;

  // Of all that a list has: what none of its members is nobody need look for.
  std::array<Traits, kListCount> value_sums_{};
  std::array<Traits, kListCount> name_sums_{};
  // What is cleared of all names of a list.
  std::array<std::uint64_t, kListCount> cleared_names_{};
  // The groups, a bit each, in which each tier has seen any of them.
  using GroupSums = std::array<std::array<std::uint64_t, kTiers>, kListCount>;
  GroupSums value_group_sums_{};
  GroupSums name_group_sums_{};

  // By step of the phase, a bit: rules that are asked directly, or whose pattern may match.
  std::vector<std::uint64_t> candidates_;
  // By pattern: in which groups of values it may match.
  std::vector<std::uint64_t> hits_;
  std::array<std::uint8_t, 2> known_groups_{};  // left of arguments, and of header fields
  // Of each tier: the values of a group, which are searched together.
  struct Row {
    std::string text;
    std::size_t bytes = 0;  // of values, as they come
    std::uint8_t group = 0;
  };
  std::array<Row, kTiers> rows_;
  std::size_t group_size_ = 0;        // bytes that fill a group
  std::vector<std::uint64_t> alone_;  // what is found in a value that is learnt
  std::vector<std::string_view> variants_;

  std::vector<std::string_view> pieces_;  // of a text that is put together
  std::vector<Variable> tx_;              // by slot
  std::vector<Named> named_;
  NameIndex named_index_;
  KeyedHash hash_;
  std::vector<const Control*> removed_rules_;
  std::vector<const Control*> removed_targets_;

  // Of the rule, or chain, that is asked.
  const Rule* current_ = nullptr;
  std::vector<Subject> matched_;
  std::string_view matched_value_;
  std::optional<Collection> matched_in_;  // whose member matched_member_ it was; none: nothing was
  std::string_view matched_member_;
  int skip_to_ = -1;
  std::uint32_t skip_ = 0;
  bool allow_phase_ = false;
  bool allow_all_ = false;
  bool allow_request_ = false;  // not of the answer, too
  bool engine_off_ = false;
  bool detection_only_ = false;
  bool skip_body_ = false;
  bool skip_response_body_ = false;
  bool of_response_ = false;
  std::uint8_t highest_severity_ = kNoSeverity;
};

template <class Run>
const InspectionResult& Inspection::guarded(Run run) noexcept {
  try {
    run();
    finish();
  } catch (const std::exception&) {
    result_.outcome = Outcome::failed;
  }
  return result_;
}

// What a tag says a rule is about: "attack-sqli" is "sqli". Empty: nothing.
std::string_view category_of(const Rule& rule) noexcept;

}  // namespace guard::inspect
