// anyOf, oneOf, not, if: schemas of which not all need to hold.
#include "json/schema_run.h"

namespace guard::json {

bool SchemaEvaluator::matches(std::uint32_t block, std::uint32_t at, bool track) noexcept {
  const std::uint32_t size = trail_.size();
  if (!take(1)) return false;
  if (run<Report::no>(block, at, track)) return true;
  trail_.cut(size);
  return false;
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_any_of(const Operation& operation, std::uint32_t at,
                                   bool track) noexcept {
  bool any = false;
  for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
    any |= matches(program_->lists[i], at, track);
    if (any && !track) return true;
  }
  return any || blame_alternatives<report>(operation, at);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_one_of(const Operation& operation, std::uint32_t at,
                                   bool track) noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
    if (matches(program_->lists[i], at, track) && ++count > 1) {
      return fail<report>(at, operation.message);
    }
  }
  return count == 1 || blame_alternatives<report>(operation, at);
}

// None matches. If only one of them is for values of this type, its reasons say more.
template <SchemaEvaluator::Report report>
bool SchemaEvaluator::blame_alternatives(const Operation& operation, std::uint32_t at) noexcept {
  if constexpr (report == Report::yes) {
    std::uint32_t fitting = kNone;
    std::uint32_t count = 0;
    for (std::uint32_t i = operation.a; i < operation.a + operation.b; ++i) {
      const std::uint32_t block = program_->lists[i];
      if (!has_type(blocks_[block].types, nodes_[at])) continue;
      fitting = block;
      ++count;
    }
    const std::size_t before = error_count_;
    if (count == 1) (void)run<report>(fitting, at, false);
    if (error_count_ > before) return false;
  }
  return fail<report>(at, operation.message);
}

template <SchemaEvaluator::Report report>
bool SchemaEvaluator::check_conditional(const Operation& operation, std::uint32_t at,
                                        bool track) noexcept {
  const std::uint32_t block = matches(operation.a, at, track) ? operation.b : operation.c;
  return block == kNothing ? fail<report>(at, operation.message) : run<report>(block, at, track);
}

template bool SchemaEvaluator::check_any_of<SchemaEvaluator::Report::no>(const Operation&,
                                                                         std::uint32_t,
                                                                         bool) noexcept;
template bool SchemaEvaluator::check_any_of<SchemaEvaluator::Report::yes>(const Operation&,
                                                                          std::uint32_t,
                                                                          bool) noexcept;
template bool SchemaEvaluator::check_one_of<SchemaEvaluator::Report::no>(const Operation&,
                                                                         std::uint32_t,
                                                                         bool) noexcept;
template bool SchemaEvaluator::check_one_of<SchemaEvaluator::Report::yes>(const Operation&,
                                                                          std::uint32_t,
                                                                          bool) noexcept;
template bool SchemaEvaluator::check_conditional<SchemaEvaluator::Report::no>(const Operation&,
                                                                              std::uint32_t,
                                                                              bool) noexcept;
template bool SchemaEvaluator::check_conditional<SchemaEvaluator::Report::yes>(const Operation&,
                                                                               std::uint32_t,
                                                                               bool) noexcept;

}  // namespace guard::json
