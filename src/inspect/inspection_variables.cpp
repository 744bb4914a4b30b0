// What rules set and read of their own: variables, captures, the texts of their macros.
#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "inspect/inspection.h"

namespace guard::inspect {

namespace {

constexpr std::size_t kMaxExpanded = 64U << 10;

}  // namespace

std::string_view Inspection::qualified(Collection collection, std::string_view name) {
  const std::string_view base = name_of(collection);
  if (name.empty()) return base;
  charge(name.size());
  char* at = transaction_.arena().allocate(base.size() + 1 + name.size());
  char* out = std::copy(base.begin(), base.end(), at);
  *out++ = ':';
  std::copy(name.begin(), name.end(), out);
  return {at, base.size() + 1 + name.size()};
}

std::string_view Inspection::matched_name() {
  return matched_in_ ? qualified(*matched_in_, matched_member_) : std::string_view{};
}

void Inspection::forget_match() {
  matched_.clear();
  matched_value_ = {};
  matched_in_.reset();
  matched_member_ = {};
}

// Under which a variable that has no slot is found: its collection, and its name in lower case.
std::string_view Inspection::key_of(Collection collection, std::string_view name) {
  char* key = transaction_.arena().allocate(name.size() + 1);
  key[0] = static_cast<char>(collection);
  std::transform(name.begin(), name.end(), key + 1, core::to_lower);
  return {key, name.size() + 1};
}

Variable* Inspection::find_variable(Collection collection, int slot, std::string_view name) {
  if (slot >= 0) return &tx_[static_cast<std::size_t>(slot)];
  const std::string_view key = key_of(collection, name);
  if (collection == Collection::tx) {
    const int known = program_->slot_named(key.substr(1));
    if (known >= 0) return &tx_[static_cast<std::size_t>(known)];
  }
  return find_named(hash_(0, key), key);
}

Variable* Inspection::find_named(std::uint64_t hash, std::string_view key) {
  const std::uint32_t found =
      named_index_.find(hash, [&](std::uint32_t at) { return named_[at].key == key; });
  return found == NameIndex::kNone ? nullptr : &named_[found].variable;
}

Variable& Inspection::make_variable(Collection collection, int slot, std::string_view name,
                                    bool may_have_slot) {
  if (slot >= 0) return tx_[static_cast<std::size_t>(slot)];
  const std::string_view key = key_of(collection, name);
  if (collection == Collection::tx && may_have_slot) {
    const int known = program_->slot_named(key.substr(1));
    if (known >= 0) return tx_[static_cast<std::size_t>(known)];
  }
  const std::uint64_t hash = hash_(0, key);
  if (Variable* known = find_named(hash, key)) return *known;
  named_index_.add(hash, static_cast<std::uint32_t>(named_.size()));
  named_.push_back({collection, name, key, {}});
  if (named_.size() > kMaxNamed) result_.outcome = Outcome::over_budget;
  return named_.back().variable;
}

std::string_view Inspection::text_of(Variable& variable) {
  if (variable.state == Variable::State::number && variable.text.empty()) {
    char* at = transaction_.arena().allocate(24);
    const auto end = std::to_chars(at, at + 24, variable.number);
    variable.text = {at, static_cast<std::size_t>(end.ptr - at)};
  }
  return variable.text;
}

void Inspection::set_variable(const SetVar& set) {
  const std::string_view name = set.slot >= 0 ? std::string_view{} : expand(set.name);
  Variable& variable = make_variable(set.collection, set.slot, name, set.may_have_slot);
  switch (set.assignment) {
    case Assignment::unset:
      variable = {};
      return;
    case Assignment::set:
      variable = text_variable(expand(set.value));
      return;
    case Assignment::add:
    case Assignment::subtract: {
      const std::int64_t by = leading_number(expand(set.value));
      const std::int64_t sum =
          add_up(variable.number, set.assignment == Assignment::add ? by : -by);
      variable = {Variable::State::number, {}, sum};
    }
  }
}

void Inspection::capture(std::size_t group, std::string_view value) {
  tx_[group] = text_variable(value);
}

std::string_view Inspection::value_of(const MacroPart& part) {
  switch (part.collection) {
    case Collection::matched_var:
      return matched_value_;
    case Collection::matched_var_name:
      return matched_name();
    case Collection::rule: {
      if (part.key == "msg") return current_->msg.constant();
      if (part.key != "id" && part.key != "severity") return {};
      char* at = transaction_.arena().allocate(12);
      const auto end =
          std::to_chars(at, at + 12, part.key == "id" ? current_->id : current_->severity);
      return {at, static_cast<std::size_t>(end.ptr - at)};
    }
    case Collection::tx: {
      if (part.slot < 0) return {};
      return text_of(tx_[static_cast<std::size_t>(part.slot)]);
    }
    default:
      break;
  }
  if (!is_data(part.collection)) {
    Variable* found = find_variable(part.collection, kNoSlot, part.key);
    return found == nullptr ? std::string_view{} : text_of(*found);
  }
  return transaction_.first(part.collection, part.key).value_or(std::string_view{});
}

std::string_view Inspection::expand(const Macro& macro) {
  if (macro.is_constant()) return macro.constant();
  if (macro.parts.size() == 1) return value_of(macro.parts[0]);
  pieces_.clear();
  std::size_t size = 0;
  for (const MacroPart& part : macro.parts) {
    const std::string_view piece = part.variable ? value_of(part) : std::string_view(part.text);
    pieces_.push_back(piece.substr(0, kMaxExpanded - size));
    size += pieces_.back().size();
  }
  charge(size);
  char* const text = transaction_.arena().allocate(size);
  char* out = text;
  for (const std::string_view piece : pieces_) out = std::copy(piece.begin(), piece.end(), out);
  return {text, size};
}

}  // namespace guard::inspect
