// What the files of SchemaEvaluator share: what is inlined wherever a value meets a schema, since
// most values are done with there. For schema_evaluator.cpp, schema_members.cpp, schema_choices.cpp
// and schema_values.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "json/schema_evaluator.h"

namespace guard::json {

// Nodes whose memory is kept between documents.
inline constexpr std::size_t kKeepNodes = 1U << 16U;
// Of a text that is gone through.
inline constexpr std::uint32_t kBytesPerStep = 16;
// Required names that one walk over the members can look for.
inline constexpr std::uint32_t kMaskBits = 64;

// Of UTF-8: the bytes that are not 10xxxxxx, eight at a time.
inline std::size_t code_points(std::string_view text) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  std::size_t count = text.size();
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; end - at >= 8; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    count -= (word >> 7U & ~(word >> 6U) & kOnes) * kOnes >> 56U;
  }
  for (; at != end; ++at) count -= (static_cast<unsigned char>(*at) & 0xc0U) == 0x80U ? 1 : 0;
  return count;
}

template <SchemaEvaluator::Report report>
inline bool SchemaEvaluator::fail(std::uint32_t at, std::uint32_t message) noexcept {
  if constexpr (report == Report::yes) {
    if (stopped_ == SchemaVerdict::valid) {
      const Message& said = program_->messages[message];
      errors_[error_count_++] = {at, said.keyword, said.detail};
      if (error_count_ == max_errors_) stop(SchemaVerdict::invalid);
    }
  }
  return false;
}

inline bool SchemaEvaluator::take(std::uint64_t steps) noexcept {
  if (steps_ < steps) {
    stop(SchemaVerdict::limit);
    return false;
  }
  steps_ -= steps;
  return true;
}

inline bool SchemaEvaluator::is_whole(TypeSet types, const core::JsonNode& node) const noexcept {
  if (node.type != core::JsonType::number || (types & kIntegerBit) == 0) return false;
  if (node.is_integer()) return true;
  return (types & kWrittenBit) == 0 && Decimal(document_->text(node)).is_integer();
}

// True only if it surely is: what this does not know, and what is wrong, is looked at once more.
[[gnu::always_inline]] inline bool SchemaEvaluator::in_range(
    const Block& block, const core::JsonNode& node) const noexcept {
  constexpr std::uint32_t kMaxBytes = 18;  // whose digits fit an int64_t
  if (node.size > kMaxBytes || node.has_exponent()) return false;
  const std::string_view text = document_->text(node);
  const char* at = text.data();
  const char* const end = at + text.size();
  if (node.is_negative()) ++at;
  std::int64_t whole = 0;
  for (; at != end && *at != '.'; ++at) whole = whole * 10 + (*at - '0');
  if (node.is_negative()) whole = -whole;
  // With a fraction it lies beyond whole.
  if (node.is_integer()) return whole >= block.low && whole <= block.high;
  return whole > block.low && whole < block.high;
}

[[gnu::always_inline]] inline bool SchemaEvaluator::passes_text(
    const Block& block, const core::JsonNode& node) noexcept {
  const std::string_view text = document_->text(node);
  // A character takes one to four bytes: counting them is rarely needed.
  if (text.size() / 4 < block.a || text.size() > block.b) {
    if (!take(text.size() / kBytesPerStep)) return false;
    const std::size_t count = code_points(text);
    if (count < block.a || count > block.b) return false;
  }
  return block.c == kNone || search(block.c, text);
}

// Inlined wherever it is called: most values are done with here.
template <SchemaEvaluator::Report report>
[[gnu::always_inline]] inline bool SchemaEvaluator::run(std::uint32_t index, std::uint32_t at,
                                                        bool track) noexcept {
  const Block& block = blocks_[index];
  const core::JsonNode& node = nodes_[at];
  if (!has_type(block.types, node)) return fail<report>(at, block.message);
  switch (block.kind) {
    case BlockKind::bare:
      return true;
    case BlockKind::range:
      if (node.type != core::JsonType::number || in_range(block, node)) return true;
      break;
    case BlockKind::text:
      if (node.type != core::JsonType::string || passes_text(block, node)) return true;
      break;
    case BlockKind::listed:
      if (is_listed(program_->enumerations[block.a], at)) return true;
      break;
    case BlockKind::leaf:
      break;
    case BlockKind::object:
      if (report == Report::yes || track) return run_branch<report>(block, at, track);
      return node.type != core::JsonType::object || passes_object(program_->objects[block.a], at);
    case BlockKind::list:
      if (report == Report::yes || track) return run_branch<report>(block, at, track);
      return node.type != core::JsonType::array || passes_list(block, at);
    case BlockKind::branch:
      return run_branch<report>(block, at, track);
  }
  return run_leaf<report>(block, at);
}

template <SchemaEvaluator::Report report>
[[gnu::always_inline]] inline bool SchemaEvaluator::run_child(std::uint32_t block, std::uint32_t at,
                                                              std::uint32_t message) noexcept {
  return block == kNothing ? fail<report>(at, message) : run<report>(block, at, false);
}

}  // namespace guard::json
