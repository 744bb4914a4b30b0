// Runs a SchemaProgram over a JsonDocument. One per worker: what it needs of memory it keeps, so
// that it allocates only for a document larger than those before it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/json_document.h"
#include "core/scratch.h"
#include "core/siphash.h"
#include "json/schema_program.h"
#include "json/schema_trail.h"

namespace guard::json {

enum class SchemaVerdict : std::uint8_t {
  valid,
  invalid,        // errors() says where
  pattern_limit,  // a regular expression would have taken too long
  limit,          // the schema would have
  memory,
};

struct SchemaError {
  std::uint32_t node = 0;  // of the document: the value at fault
  Keyword keyword = Keyword::schema;
  std::string_view detail;  // of the program: a sentence without its subject, "must be a string"
};

class SchemaEvaluator {
 public:
  static constexpr std::size_t kMaxErrors = 100;
  // Blocks inside each other.
  static constexpr std::uint32_t kMaxDepth = 4096;
  // What a schema may do in all, beside so many steps for each byte of the document: a step of some
  // ten nanoseconds for each block that is more than a few assertions, for each alternative, and
  // for each member or element that a keyword goes through.
  static constexpr std::uint64_t kFreeSteps = 10'000;
  static constexpr std::uint64_t kStepsPerByte = 3;

  SchemaEvaluator() noexcept;  // draws the key of the hash of uniqueItems

  // Whether the value at node satisfies the schema. At most max_errors are gathered, and no more
  // than kMaxErrors: 0 for whoever wants the verdict alone.
  SchemaVerdict evaluate(const SchemaProgram& program, const core::JsonDocument& document,
                         std::uint32_t node, std::size_t max_errors) noexcept {
    return evaluate(program, program.root, document, node, max_errors);
  }
  // The same for one block of the program.
  SchemaVerdict evaluate(const SchemaProgram& program, std::uint32_t block,
                         const core::JsonDocument& document, std::uint32_t node,
                         std::size_t max_errors) noexcept;

  // Of the last evaluation, in the order in which they were found.
  std::span<const SchemaError> errors() const { return {errors_.data(), error_count_}; }

 private:
  // Whether errors are gathered. Most documents are valid, and of the others only those parts are
  // run again that are to blame.
  enum class Report : std::uint8_t { no, yes };
  struct UniqueSlot {
    core::Hash128 hash;
    std::uint32_t node;  // 0: free; an element is never the first node
  };

  bool prepare(const core::JsonDocument& document) noexcept;

  template <Report report>
  bool run(std::uint32_t block, std::uint32_t at, bool track) noexcept;
  bool in_range(const Block& block, const core::JsonNode& node) const noexcept;
  bool passes_text(const Block& block, const core::JsonNode& node) noexcept;
  template <Report report>
  bool run_leaf(const Block& block, std::uint32_t at) noexcept;
  template <Report report>
  bool run_branch(const Block& block, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool run_operations(const Block& block, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool run_operation(const Operation& operation, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_string(const Operation& operation, std::uint32_t at) noexcept;
  template <Report report>
  bool check_number(const Operation& operation, const WrittenNumber& number,
                    std::uint32_t at) noexcept;
  // run, with message for a block that allows nothing.
  template <Report report>
  bool run_child(std::uint32_t block, std::uint32_t at, std::uint32_t message) noexcept;
  template <Report report>
  bool check_object(const ObjectRule& rule, std::uint32_t at, bool track) noexcept;
  bool passes_object(const ObjectRule& rule, std::uint32_t at) noexcept;
  // Whether a member that is no property may pass for one in other letters; stops, if so.
  bool is_in_other_case(const ObjectRule& rule, std::uint32_t key) noexcept;
  bool passes_list(const Block& block, std::uint32_t at) noexcept;
  template <Report report>
  bool check_required(const ObjectRule& rule, std::uint32_t at, std::uint64_t seen) noexcept;
  template <Report report>
  bool check_array(const ArrayRule& rule, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_contains(const Operation& operation, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_dependency(const Operation& operation, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_any_of(const Operation& operation, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_one_of(const Operation& operation, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_conditional(const Operation& operation, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool check_unevaluated(const Operation& operation, std::uint32_t at) noexcept;
  // A branch: what it has evaluated counts only if it matches.
  bool matches(std::uint32_t block, std::uint32_t at, bool track) noexcept;
  template <Report report>
  bool blame_alternatives(const Operation& operation, std::uint32_t at) noexcept;
  bool has_type(TypeSet types, const core::JsonNode& node) const noexcept {
    return (types & type_bit(node.type)) != 0 || is_whole(types, node);
  }
  bool is_whole(TypeSet types, const core::JsonNode& node) const noexcept;
  bool is_listed(const Enumeration& list, std::uint32_t at) const noexcept;
  template <class Equals>
  bool is_in_slots(std::uint32_t first, std::uint32_t mask, std::uint32_t at,
                   const Equals& equals) const noexcept;
  bool is_value(std::uint32_t at, std::uint32_t value) const noexcept;
  bool is_unique(std::uint32_t at) noexcept;
  bool search(std::uint32_t pattern, std::string_view text) noexcept;
  std::uint32_t dynamic_target(const DynamicRule& rule) const noexcept;
  template <Report report>
  bool fail(std::uint32_t at, std::uint32_t message) noexcept;
  // False, and stop(limit), if there are not so many left.
  bool take(std::uint64_t steps) noexcept;
  // Everything fails from here on, and nothing of that is an error.
  void stop(SchemaVerdict verdict) noexcept;

  const SchemaProgram* program_ = nullptr;
  // Of the program and the document: what is looked at for every value.
  const Block* blocks_ = nullptr;
  const core::JsonNode* nodes_ = nullptr;
  const core::JsonDocument* document_ = nullptr;
  SchemaVerdict stopped_ = SchemaVerdict::valid;  // another one: stop() was called
  std::uint64_t steps_ = 0;                       // left
  std::int64_t work_ = 0;                         // of regular expressions, left
  std::uint32_t depth_ = 0;
  std::size_t error_count_ = 0;
  std::size_t max_errors_ = 0;
  std::array<SchemaError, kMaxErrors> errors_;
  SchemaTrail trail_;
  std::uint32_t scope_size_ = 0;
  std::array<std::uint32_t, kMaxDepth> scope_;  // resources, the outermost first
  core::Scratch<UniqueSlot> unique_;
  core::SipKey key_{};
};

}  // namespace guard::json
