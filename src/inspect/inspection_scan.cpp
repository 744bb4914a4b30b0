// The first look: all patterns of a phase at once, over rows of values. A group is a row that is
// searched in one go; which groups a pattern may match in is a bit for each.
#include <algorithm>

#include "core/ascii.h"
#include "inspect/inspection.h"

namespace guard::inspect {

namespace {

constexpr std::size_t kLeastGroup = 2048;  // bytes of values
constexpr std::size_t kFullGroups = 16;    // of each tier, of 64: each class begins a new one
constexpr std::uint8_t kLastGroup = 47;
constexpr std::size_t kKeptRow = 1U << 20;  // bytes that a row keeps for other requests
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
                     [&](std::string_view one) { return core::equal_without_case(name, one); }) ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](std::string_view one) {
           return core::equal_without_case(name.substr(0, one.size()), one);
         });
}

ValueClass class_of_list(List list) {
  return list == List::headers ? ValueClass::headers : ValueClass::arguments;
}

// What is no list but one value, and how it is searched.
struct Single {
  Collection collection;
  ValueClass value_class;
};

const std::vector<Single>& singles() {
  static const std::vector<Single> all = [] {
    std::vector<Single> found;
    for (std::size_t i = 0; i < kCollectionCount; ++i) {
      const auto collection = static_cast<Collection>(i);
      const ValueClass value_class = class_of(collection);
      if (value_class == ValueClass::line || value_class == ValueClass::body) {
        found.push_back({collection, value_class});
      }
    }
    return found;
  }();
  return all;
}

bool has_common_names(List list) {
  return list == List::headers || list == List::args_get || list == List::args_post ||
         list == List::args_body || list == List::cookies;
}

}  // namespace

bool Inspection::prepare_sets(const Program& program, ScanMemory& memory) noexcept {
  for (int phase = 0; phase < kPhases; ++phase) {
    for (std::size_t c = 0; c < kValueClasses; ++c) {
      for (const ScanSet& set : program.scan_sets(phase, static_cast<ValueClass>(c))) {
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
    cleared_names_[i] = ~std::uint64_t{0};
    for (Field& field : transaction_.list(list)) {
      if (field.name_traits == Field::kUnknown) {
        field.name_tag = tag_of(field.name);
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
        recall(phase, value_class, *field.known_name, field.name_groups, name_group_sums_[i]);
      }
      if (field.known_value != nullptr) {
        recall(phase, value_class, *field.known_value, field.value_groups, value_group_sums_[i]);
      }
      cleared_names_[i] &= field.known_name != nullptr ? field.known_name->cleared : 0;
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
  group_size_ = std::max(kLeastGroup, survey(phase) / kFullGroups);
  for (Row& row : rows_) {
    // Of a request that ended in its midst there may be something left.
    row.text.clear();
    if (row.text.capacity() > kKeptRow) row.text.shrink_to_fit();
    row.bytes = 0;
    row.group = 0;
  }
  for (std::size_t c = 0; c < kValueClasses && !stopped(); ++c) {
    scan_class(phase, static_cast<ValueClass>(c));
  }
}

void Inspection::scan_class(int phase, ValueClass value_class) {
  const ScanSets& sets = program_->scan_sets(phase, value_class);
  const auto tiers_of = [&](Collection collection) {
    unsigned tiers = 0;
    for (std::size_t tier = 0; tier < kTiers; ++tier) {
      if (sets[tier].collections[index_of(collection)]) tiers |= 1U << tier;
    }
    return tiers;
  };
  const auto add_list = [&](List list, unsigned values, unsigned names) {
    if (values == 0 && names == 0) return;
    auto& value_groups = value_group_sums_[static_cast<std::size_t>(list)];
    auto& name_groups = name_group_sums_[static_cast<std::size_t>(list)];
    for (Field& field : transaction_.list(list)) {
      if (stopped()) return;
      if (values != 0 && !field.trusted && field.known_value == nullptr) {
        scan_value(sets, values, field.value, field.value_traits, field.value_groups, value_groups);
      }
      if (names != 0 && field.known_name == nullptr) {
        scan_value(sets, names, field.name, field.name_traits, field.name_groups, name_groups);
      }
    }
  };
  using C = Collection;
  switch (value_class) {
    case ValueClass::arguments: {
      const unsigned values = tiers_of(C::args);
      const unsigned names = tiers_of(C::args_names);
      add_list(List::args_get, values | tiers_of(C::args_get), names | tiers_of(C::args_get_names));
      add_list(List::args_post, values | tiers_of(C::args_post),
               names | tiers_of(C::args_post_names));
      add_list(List::args_body, values, names);
      add_list(List::cookies, tiers_of(C::request_cookies), tiers_of(C::request_cookies_names));
      add_list(List::files, tiers_of(C::files), tiers_of(C::files_names));
      add_list(List::file_sizes, tiers_of(C::files_sizes), 0);
      add_list(List::part_headers, tiers_of(C::multipart_part_headers), 0);
      add_list(List::part_filenames, tiers_of(C::multipart_filename), 0);
      add_list(List::part_names, tiers_of(C::multipart_name), 0);
      add_list(List::path_tails, tiers_of(C::path_tails), 0);
      add_list(List::users, tiers_of(C::remote_user), 0);
      add_list(List::xml_text, tiers_of(C::xml), 0);
      add_list(List::xml_attributes, tiers_of(C::xml), 0);
      break;
    }
    case ValueClass::headers:
      add_list(List::headers, tiers_of(C::request_headers), tiers_of(C::request_headers_names));
      add_list(List::response_headers, tiers_of(C::response_headers),
               tiers_of(C::response_headers_names));
      break;
    case ValueClass::line:
    case ValueClass::body:
      for (const auto& [collection, of_class] : singles()) {
        if (of_class != value_class) continue;
        const unsigned tiers = tiers_of(collection);
        if (tiers == 0) continue;
        Field& field = transaction_.single(collection);
        if (field.value_traits == Field::kUnknown) field.value_traits = byte_traits(field.value);
        std::array<std::uint64_t, kTiers> sums{};
        scan_value(sets, tiers, field.value, field.value_traits, field.value_groups, sums);
      }
      break;
  }
  for (std::size_t tier = 0; tier < kTiers; ++tier) flush(tier, sets[tier]);
}

void Inspection::scan_value(const ScanSets& sets, unsigned tiers, std::string_view value,
                            Traits traits, std::array<std::uint8_t, kTiers>& groups,
                            std::array<std::uint64_t, kTiers>& sums) {
  const auto& least = least_bytes(sets, traits);
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    if ((tiers >> tier & 1U) == 0) continue;
    if (value.empty() || value.size() < least[tier].plain) {
      groups[tier] = Field::kUnscanned;
      continue;
    }
    Row& row = rows_[tier];
    append(tier, sets[tier], value, traits, least[tier]);
    groups[tier] = row.group;
    sums[tier] |= std::uint64_t{1} << row.group;
    row.bytes += value.size();
    if (row.bytes >= group_size_) flush(tier, sets[tier]);
  }
}

// Program::least_bytes(), of which there are few for what most clients send.
const std::array<LeastBytes, kTiers>& Inspection::least_bytes(const ScanSets& sets, Traits traits) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  const std::uint64_t hash = (traits ^ reinterpret_cast<std::uintptr_t>(&sets)) * kFactor;
  std::array<Sieve, 2>& both = sieves_[hash >> (64 - kSieveBits)];
  for (const Sieve& one : both) {
    if (one.sets == &sets && one.program == program_->serial() && one.traits == traits) {
      return one.least;
    }
  }
  both[1] = both[0];
  both[0] = {program_->serial(), &sets, traits, {}};
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    both[0].least[tier] = program_->least_bytes(sets[tier], traits);
  }
  return both[0].least;
}

// A value, and what is made of it.
void Inspection::append(std::size_t tier, const ScanSet& set, std::string_view value, Traits traits,
                        LeastBytes least) {
  std::string& row = rows_[tier].text;
  row += value;
  row += '\n';
  if (value.size() < least.changed) return;
  variants_.clear();
  variants_.push_back(value);
  add_variants(set, 0, value, traits, row);
  charge(value.size() * variants_.size());
}

// Says in which group a known value is, and what is in it.
void Inspection::recall(int phase, ValueClass value_class, KnownValue& value,
                        std::array<std::uint8_t, kTiers>& groups,
                        std::array<std::uint64_t, kTiers>& sums) {
  const auto index = static_cast<std::size_t>(phase);
  const KnownValue::Search& search = value.searches[index];
  if (search.done) {
    charge(search.work);
  } else {
    learn(phase, value_class, value);
  }
  if (search.done && !search.found) {
    groups.fill(Field::kUnscanned);
    return;
  }
  std::uint8_t& next = known_groups_[value_class == ValueClass::headers ? 1 : 0];
  const auto last = static_cast<std::uint8_t>((value_class == ValueClass::headers ? 1 : 0) + 1);
  const auto group = static_cast<std::uint8_t>(kLastGroup + last * kKnownGroups - next);
  groups.fill(group);
  const std::uint64_t bit = std::uint64_t{1} << group;
  for (std::uint64_t& sum : sums) sum |= bit;
  for (const std::uint32_t pattern : value.patterns[index]) hits_[pattern] |= bit;
  if (!search.done) {
    for (std::uint64_t& hit : hits_) hit |= bit;
  }
  if (next > 0) --next;
}

// Searches in a value alone.
void Inspection::learn(int phase, ValueClass value_class, KnownValue& value) {
  const auto index = static_cast<std::size_t>(phase);
  const std::uint64_t before = result_.work;
  const ScanSets& sets = program_->scan_sets(phase, value_class);
  const auto& least = least_bytes(sets, value.traits);
  alone_.assign(program_->pattern_count(), 0);
  for (std::size_t tier = 0; tier < kTiers && !stopped(); ++tier) {
    if (sets[tier].patterns.empty() || value.text.size() < least[tier].plain) continue;
    std::string& row = rows_[tier].text;
    row.clear();
    append(tier, sets[tier], value.text, value.traits, least[tier]);
    charge(row.size());
    const bool searched = sets[tier].patterns.scan(row, memory_, alone_.data(), 1);
    row.clear();
    // What is not known is not remembered: the next request tries again.
    if (!searched) return;
  }
  if (stopped()) return;
  value.patterns[index].clear();
  for (std::size_t i = 0; i < alone_.size(); ++i) {
    const bool may_match = alone_[i] != 0 && !lacks(value.traits, program_->pattern_needs(i));
    if (may_match) value.patterns[index].push_back(static_cast<std::uint32_t>(i));
  }
  // Texts are too short for it not to fit.
  const auto work = static_cast<std::uint32_t>(result_.work - before);
  value.searches[index] = {work, true, !value.patterns[index].empty()};
}

// What the chains make of a value, each different text once. Where what is left of all chains
// changes nothing but the case, that is no different text: the patterns ignore it.
void Inspection::add_variants(const ScanSet& set, std::size_t node, std::string_view value,
                              Traits traits, std::string& row) {
  const ChainNode& here = set.nodes[node];
  if ((here.wants & traits) == 0 || value.size() < here.least) return;
  if (node != 0 && here.ends) emit(value, here.all_fold, row);
  if (stopped()) return;
  for (const std::uint16_t child : here.children) {
    const ChainNode& step = set.nodes[child];
    if ((step.wants_before & traits) == 0 || value.size() < step.least_before) continue;
    // Patterns ignore the case where chains fold it: what only that would change stays.
    const bool only_case = step.changes == trait::kUpper || step.changes == trait::kLower;
    if ((((only_case ? 0 : step.changes) | step.below) & traits) == 0) {
      emit(value, step.all_fold, row);
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
    add_variants(set, child, next, next_traits, row);
  }
}

void Inspection::emit(std::string_view value, bool folds, std::string& row) {
  for (const std::string_view known : variants_) {
    if (known.size() != value.size()) continue;
    if (known.data() == value.data() || known == value ||
        (folds && core::equal_without_case(known, value)))
      return;
  }
  variants_.push_back(value);
  row += value;
  row += '\n';
}

void Inspection::flush(std::size_t tier, const ScanSet& set) {
  Row& row = rows_[tier];
  if (row.text.empty()) return;
  charge(row.text.size() + kStepCost);
  const std::uint64_t bit = std::uint64_t{1} << row.group;
  if (!set.patterns.scan(row.text, memory_, hits_.data(), bit)) {
    for (std::uint64_t& hit : hits_) hit |= bit;
  }
  row.text.clear();
  row.bytes = 0;
  if (row.group < kLastGroup) ++row.group;
}

}  // namespace guard::inspect
