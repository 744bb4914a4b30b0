// The drafts of JSON Schema in use and the keywords each of them knows: their names, the vocabulary
// they belong to (2020-12 core, section 8.1), and where a keyword holds further schemas.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace guard::json {

// openapi3_0: the Schema Object of OpenAPI 3.0, a dialect of draft 4 (OpenAPI 3.0.3, "Schema
// Object"). OpenAPI 3.1 speaks 2020-12.
enum class Draft : std::uint8_t {
  openapi3_0,
  draft4,
  draft6,
  draft7,
  draft2019_09,
  draft2020_12,
};

inline constexpr Draft kLatestDraft = Draft::draft2020_12;

// As `draft=` takes it: 4, 6, 7, 2019-09, 2020-12. Throws ConfigError.
Draft parse_draft(std::string_view word);
// Of a "$schema", with or without an empty fragment.
std::optional<Draft> draft_of(std::string_view metaschema) noexcept;
std::string_view metaschema_of(Draft draft) noexcept;
// As `draft=` takes it.
std::string_view name_of(Draft draft) noexcept;

// In the order of kKeywords, schema_draft.cpp.
enum class Keyword : std::uint8_t {
  // What a schema is, and refers to.
  schema,
  id,
  id4,
  anchor,
  dynamic_anchor,
  recursive_anchor,
  vocabulary,
  comment,
  ref,
  dynamic_ref,
  recursive_ref,
  defs,
  definitions,
  // Applicators.
  all_of,
  any_of,
  one_of,
  not_,
  if_,
  then_,
  else_,
  dependent_schemas,
  dependencies,
  prefix_items,
  items,
  additional_items,
  contains,
  properties,
  pattern_properties,
  additional_properties,
  property_names,
  unevaluated_items,
  unevaluated_properties,
  // Assertions.
  type,
  enum_,
  const_,
  multiple_of,
  maximum,
  exclusive_maximum,
  minimum,
  exclusive_minimum,
  max_length,
  min_length,
  pattern,
  max_items,
  min_items,
  unique_items,
  max_contains,
  min_contains,
  max_properties,
  min_properties,
  required,
  dependent_required,
  nullable,
  format,
  // Annotations.
  content_encoding,
  content_media_type,
  content_schema,
  title,
  description,
  default_,
  deprecated,
  read_only,
  write_only,
  examples,
};

inline constexpr std::size_t kKeywordCount = static_cast<std::size_t>(Keyword::examples) + 1;

enum class Vocabulary : std::uint8_t {
  core,
  applicator,
  unevaluated,
  validation,
  format,
  annotation,
  format_assertion,
};

// A set of them: bit 1 << Vocabulary.
using Vocabularies = std::uint8_t;
inline constexpr Vocabularies kAllVocabularies = 0x3f;  // formats as annotations
constexpr Vocabularies bit_of(Vocabulary vocabulary) {
  return static_cast<Vocabularies>(1U << static_cast<unsigned>(vocabulary));
}
// The one that a "$vocabulary" of 2019-09 or 2020-12 names.
std::optional<Vocabularies> vocabulary_of(std::string_view uri) noexcept;

// Where the value of a keyword holds schemas.
enum class Holds : std::uint8_t {
  nothing,
  schema,
  array,            // of schemas
  map,              // name to schema
  schema_or_array,  // items, before 2020-12
  map_of_either,    // dependencies: name to schema or to names
};

struct KeywordEntry {
  std::string_view name;
  Draft first;
  Draft last;
  Vocabulary vocabulary;
  Holds holds;
  bool openapi3_0 = false;  // known there as well, which first and last do not say
};

const KeywordEntry& entry_of(Keyword keyword) noexcept;
inline std::string_view name_of(Keyword keyword) noexcept {
  return entry_of(keyword).name;
}
// The keyword of that name in draft.
std::optional<Keyword> find_keyword(Draft draft, std::string_view name) noexcept;

}  // namespace guard::json
