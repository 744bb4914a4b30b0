// The first look: all patterns of a phase at once, over rows of values. A group is a row that is
// searched in one go; which groups a pattern may match in is a bit for each.
#include <algorithm>

#include "inspect/inspection.h"

namespace guard::inspect {

namespace {

constexpr std::size_t kLeastGroup = 2048;  // bytes of values
constexpr std::size_t kFullGroups = 16;    // of each tier, of 64: each class begins a new one
constexpr std::uint8_t kLastGroup = 47;
// Behind those: of values that are known and in which something may match, each its own as long as
// there are some, of every class.
constexpr std::uint8_t kKnownGroups = 8;

// Fields of which the same values come again and again and are nobody's secret. Not Referer, whose
// URL may hold one, nor all of Sec-: tokens travel in Sec-WebSocket-Protocol.
bool is_common_field(std::string_view name) {
  static constexpr std::array<std::string_view, 19> kNames = {"accept",
                                                              "accept-charset",
                                                              "accept-encoding",
                                                              "accept-language",
                                                              "cache-control",
                                                              "connection",
                                                              "content-length",
                                                              "content-type",
                                                              "dnt",
                                                              "host",
                                                              "origin",
                                                              "pragma",
                                                              "priority",
                                                              "te",
                                                              "upgrade",
                                                              "upgrade-insecure-requests",
                                                              "user-agent",
                                                              "via",
                                                              "x-requested-with"};
  static constexpr std::array<std::string_view, 2> kBeginnings = {"sec-ch-", "sec-fetch-"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view one) { return equal_ignoring_case(name, one); }) ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](std::string_view one) {
           return equal_ignoring_case(name.substr(0, one.size()), one);
         });
}

ValueClass class_of_list(List list) {
  return list == List::headers ? ValueClass::headers : ValueClass::arguments;
}

void add_groups(std::array<std::uint64_t, kTiers>& sums,
                const std::array<std::uint8_t, kTiers>& groups) {
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    if (groups[tier] != Field::kUnscanned) sums[tier] |= std::uint64_t{1} << groups[tier];
  }
}

bool has_common_names(List list) {
  return list == List::headers || list == List::args_get || list == List::args_post ||
         list == List::args_body || list == List::cookies;
}

}  // namespace

bool Inspection::prepare_sets(const Program& program, ScanMemory& memory) noexcept {
  for (int phase = 0; phase < kPhases; ++phase) {
    for (std::size_t c = 0; c < kValueClasses; ++c) {
      for (std::size_t tier = 0; tier < kTiers; ++tier) {
        const ScanSet& set = program.scan_set(phase, static_cast<ValueClass>(c), tier);
        if (!set.patterns.prepare(memory)) return false;
      }
    }
  }
  return true;
}

KnownValue* Inspection::known(ValueClass value_class, std::string_view text) {
  return known_.find(program_->serial(), static_cast<std::uint8_t>(value_class), text);
}

// Looks at every value once. Returns the bytes of all.
std::size_t Inspection::survey(int phase) {
  std::size_t total = 0;
  known_groups_.fill(kKnownGroups - 1);
  value_group_sums_ = {};
  name_group_sums_ = {};
  for (std::size_t i = 0; i < kListCount; ++i) {
    const auto list = static_cast<List>(i);
    const ValueClass value_class = class_of_list(list);
    // Of an answer nothing is remembered, nor of its request once more.
    const bool may_know = remembers_ && !of_response_ && has_common_names(list);
    Traits values = 0;
    Traits names = 0;
    for (Field& field : transaction_.list(list)) {
      if (field.name_traits == Field::kUnknown) {
        // A name without a value may be a token: all of a query, or of a cookie.
        if (may_know && !field.value.empty()) {
          field.known_name = known(value_class, field.name);
          if (list == List::headers && is_common_field(field.name)) {
            field.known_value = known(value_class, field.value);
          }
        }
        field.name_traits =
            field.known_name != nullptr ? field.known_name->traits : byte_traits(field.name);
        field.value_traits =
            field.known_value != nullptr ? field.known_value->traits : byte_traits(field.value);
      }
      if (field.known_name != nullptr) {
        recall(phase, value_class, *field.known_name, field.name_groups);
        add_groups(name_group_sums_[i], field.name_groups);
      }
      if (field.known_value != nullptr) {
        recall(phase, value_class, *field.known_value, field.value_groups);
        add_groups(value_group_sums_[i], field.value_groups);
      }
      values |= field.value_traits;
      names |= field.name_traits;
      total += field.name.size() + field.value.size();
    }
    value_sums_[i] = values;
    name_sums_[i] = names;
  }
  return total + 2 * transaction_.single(Collection::request_body).value.size() +
         transaction_.single(Collection::response_body).value.size();
}

void Inspection::scan_phase(int phase) {
  std::fill(hits_.begin(), hits_.end(), 0);
  const std::size_t group_size = std::max(kLeastGroup, survey(phase) / kFullGroups);
  group_ = 0;
  for (std::size_t c = 0; c < kValueClasses; ++c) {
    const auto value_class = static_cast<ValueClass>(c);
    for (std::size_t tier = 0; tier < kTiers && !stopped(); ++tier) {
      const ScanSet& set = program_->scan_set(phase, value_class, tier);
      if (!set.patterns.empty()) scan_set(set, value_class, tier, group_size);
    }
  }
}

void Inspection::scan_set(const ScanSet& set, ValueClass value_class, std::size_t tier,
                          std::size_t group_size) {
  row_.clear();
  group_bytes_ = 0;
  const auto wanted = [&](Collection collection) { return set.collections[index_of(collection)]; };
  const auto add_list = [&](List list, bool values, bool names) {
    if (!values && !names) return;
    std::uint64_t& value_groups = value_group_sums_[static_cast<std::size_t>(list)][tier];
    std::uint64_t& name_groups = name_group_sums_[static_cast<std::size_t>(list)][tier];
    for (Field& field : transaction_.list(list)) {
      if (stopped()) return;
      if (values && !field.trusted && field.known_value == nullptr) {
        value_groups |=
            scan_value(set, field.value, field.value_traits, field.value_groups[tier], group_size);
      }
      if (names && field.known_name == nullptr) {
        name_groups |=
            scan_value(set, field.name, field.name_traits, field.name_groups[tier], group_size);
      }
    }
  };
  using C = Collection;
  switch (value_class) {
    case ValueClass::arguments: {
      const bool values = wanted(C::args);
      const bool names = wanted(C::args_names);
      add_list(List::args_get, values || wanted(C::args_get), names || wanted(C::args_get_names));
      add_list(List::args_post, values || wanted(C::args_post),
               names || wanted(C::args_post_names));
      add_list(List::args_body, values, names);
      add_list(List::cookies, wanted(C::request_cookies), wanted(C::request_cookies_names));
      add_list(List::files, wanted(C::files), wanted(C::files_names));
      add_list(List::file_sizes, wanted(C::files_sizes), false);
      add_list(List::part_headers, wanted(C::multipart_part_headers), false);
      add_list(List::part_filenames, wanted(C::multipart_filename), false);
      add_list(List::part_names, wanted(C::multipart_name), false);
      add_list(List::xml_text, wanted(C::xml), false);
      add_list(List::xml_attributes, wanted(C::xml), false);
      break;
    }
    case ValueClass::headers:
      add_list(List::headers, wanted(C::request_headers), wanted(C::request_headers_names));
      add_list(List::response_headers, wanted(C::response_headers),
               wanted(C::response_headers_names));
      break;
    case ValueClass::line:
    case ValueClass::body:
      for (std::size_t i = 0; i < kCollectionCount; ++i) {
        const auto collection = static_cast<Collection>(i);
        if (!set.collections[i] || class_of(collection) != value_class) continue;
        Field& field = transaction_.single(collection);
        if (field.value_traits == Field::kUnknown) field.value_traits = byte_traits(field.value);
        scan_value(set, field.value, field.value_traits, field.value_groups[tier], group_size);
      }
      break;
  }
  flush(set);
}

std::uint64_t Inspection::scan_value(const ScanSet& set, std::string_view value, Traits traits,
                                     std::uint8_t& group, std::size_t group_size) {
  if (!append(set, value, traits)) {
    group = Field::kUnscanned;
    return 0;
  }
  group = group_;
  group_bytes_ += value.size();
  if (group_bytes_ >= group_size) flush(set);
  return std::uint64_t{1} << group;
}

// Program::least_bytes(), of which there are few for what most clients send.
LeastBytes Inspection::least_bytes(const ScanSet& set, Traits traits) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  const std::uint64_t hash = (traits ^ reinterpret_cast<std::uintptr_t>(&set)) * kFactor;
  Sieve& sieve = sieves_[hash >> (64 - kSieveBits)];
  if (sieve.set != &set || sieve.program != program_->serial() || sieve.traits != traits) {
    sieve = {program_->serial(), &set, traits, program_->least_bytes(set, traits)};
  }
  return sieve.least;
}

// A value, and what is made of it. False: nothing of the set can be in it.
bool Inspection::append(const ScanSet& set, std::string_view value, Traits traits) {
  if (value.empty()) return false;
  const LeastBytes least = least_bytes(set, traits);
  if (value.size() < least.plain) return false;
  row_ += value;
  row_ += '\n';
  if (value.size() >= least.changed) {
    variants_.clear();
    variants_.push_back(value);
    add_variants(set, 0, value, traits);
    charge(value.size() * variants_.size());
  }
  return true;
}

// Says in which group a known value is, and what is in it.
void Inspection::recall(int phase, ValueClass value_class, KnownValue& value,
                        std::array<std::uint8_t, kTiers>& groups) {
  KnownValue::Search& search = value.searches[static_cast<std::size_t>(phase)];
  if (search.done) {
    charge(search.work);
  } else {
    learn(phase, value_class, value);
  }
  if (search.done && search.patterns.empty()) {
    groups.fill(Field::kUnscanned);
    return;
  }
  std::uint8_t& next = known_groups_[value_class == ValueClass::headers ? 1 : 0];
  const auto last = static_cast<std::uint8_t>((value_class == ValueClass::headers ? 1 : 0) + 1);
  const auto group = static_cast<std::uint8_t>(kLastGroup + last * kKnownGroups - next);
  groups.fill(group);
  const std::uint64_t bit = std::uint64_t{1} << group;
  for (const std::uint32_t pattern : search.patterns) hits_[pattern] |= bit;
  if (!search.done) {
    for (std::uint64_t& hit : hits_) hit |= bit;
  }
  if (next > 0) --next;
}

// Searches in a value alone.
void Inspection::learn(int phase, ValueClass value_class, KnownValue& value) {
  KnownValue::Search& search = value.searches[static_cast<std::size_t>(phase)];
  const std::uint64_t before = result_.work;
  alone_.assign(program_->pattern_count(), 0);
  for (std::size_t tier = 0; tier < kTiers && !stopped(); ++tier) {
    const ScanSet& set = program_->scan_set(phase, value_class, tier);
    row_.clear();
    if (set.patterns.empty() || !append(set, value.text, value.traits)) continue;
    charge(row_.size());
    // What is not known is not remembered: the next request tries again.
    if (!set.patterns.scan(row_, memory_, alone_.data(), 1)) {
      row_.clear();
      return;
    }
  }
  row_.clear();
  if (stopped()) return;
  search.patterns.clear();
  for (std::size_t i = 0; i < alone_.size(); ++i) {
    const bool may_match = alone_[i] != 0 && !lacks(value.traits, program_->pattern_needs(i));
    if (may_match) search.patterns.push_back(static_cast<std::uint32_t>(i));
  }
  search.work = result_.work - before;
  search.done = true;
}

// What the chains make of a value, each different text once. Where what is left of all chains
// changes nothing but the case, that is no different text: the patterns ignore it.
void Inspection::add_variants(const ScanSet& set, std::size_t node, std::string_view value,
                              Traits traits) {
  const ChainNode& here = set.nodes[node];
  if ((here.wants & traits) == 0 || value.size() < here.least) return;
  if (node != 0 && here.ends) emit(value, here.all_fold);
  if (stopped()) return;
  for (const std::uint16_t child : here.children) {
    const ChainNode& step = set.nodes[child];
    if ((step.wants_before & traits) == 0 || value.size() < step.least_before) continue;
    // Patterns ignore the case where chains fold it: what only that would change stays.
    const bool only_case = step.changes == trait::kUpper || step.changes == trait::kLower;
    if ((((only_case ? 0 : step.changes) | step.below) & traits) == 0) {
      emit(value, step.all_fold);
      continue;
    }
    std::string_view next = value;
    Traits next_traits = traits;
    if ((step.changes & traits) != 0) {
      const std::size_t room = transformed_size(value.size());
      char* out = transaction_.arena().allocate(room);
      bool changed = false;
      next = transform(step.transformation, value, out, changed);
      const bool used = changed && next.data() == out;
      transaction_.arena().shrink(used ? room - next.size() : room);
      if (changed) next_traits = byte_traits(next);
      charge(value.size() + kStepCost);
    }
    add_variants(set, child, next, next_traits);
  }
}

void Inspection::emit(std::string_view value, bool folds) {
  for (const std::string_view known : variants_) {
    if (known.size() != value.size()) continue;
    if (known.data() == value.data() || known == value ||
        (folds && equal_ignoring_case(known, value)))
      return;
  }
  variants_.push_back(value);
  row_ += value;
  row_ += '\n';
}

void Inspection::flush(const ScanSet& set) {
  if (row_.empty()) return;
  charge(row_.size() + kStepCost);
  const std::uint64_t bit = std::uint64_t{1} << group_;
  if (!set.patterns.scan(row_, memory_, hits_.data(), bit)) {
    for (std::uint64_t& hit : hits_) hit |= bit;
  }
  row_.clear();
  group_bytes_ = 0;
  if (group_ < kLastGroup) ++group_;
}

}  // namespace guard::inspect
