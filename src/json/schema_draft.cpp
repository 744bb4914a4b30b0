#include "json/schema_draft.h"

#include <algorithm>
#include <array>

#include "core/words.h"

namespace guard::json {

namespace {

constexpr std::array<std::string_view, 5> kDraftWords = {"4", "6", "7", "2019-09", "2020-12"};
constexpr std::array<std::string_view, 6> kDraftNames = {
    "OpenAPI 3.0", "draft 4", "draft 6", "draft 7", "draft 2019-09", "draft 2020-12"};
constexpr std::array<std::string_view, 6> kMetaschemaUris = {
    "urn:guard:openapi-3.0:schema-object",          "http://json-schema.org/draft-04/schema",
    "http://json-schema.org/draft-06/schema",       "http://json-schema.org/draft-07/schema",
    "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema"};

constexpr Draft k4 = Draft::draft4;
constexpr Draft k6 = Draft::draft6;
constexpr Draft k7 = Draft::draft7;
constexpr Draft k2019 = Draft::draft2019_09;
constexpr Draft k2020 = Draft::draft2020_12;
constexpr Vocabulary kCore = Vocabulary::core;
constexpr Vocabulary kApplicator = Vocabulary::applicator;
constexpr Vocabulary kUnevaluated = Vocabulary::unevaluated;
constexpr Vocabulary kValidation = Vocabulary::validation;
constexpr Vocabulary kAnnotation = Vocabulary::annotation;

constexpr std::array<KeywordEntry, kKeywordCount> kKeywords = {{
    {"$schema", k4, k2020, kCore, Holds::nothing},
    {"$id", k6, k2020, kCore, Holds::nothing},
    {"id", k4, k4, kCore, Holds::nothing},
    {"$anchor", k2019, k2020, kCore, Holds::nothing},
    {"$dynamicAnchor", k2020, k2020, kCore, Holds::nothing},
    {"$recursiveAnchor", k2019, k2019, kCore, Holds::nothing},
    {"$vocabulary", k2019, k2020, kCore, Holds::nothing},
    {"$comment", k7, k2020, kCore, Holds::nothing},
    {"$ref", k4, k2020, kCore, Holds::nothing, true},
    {"$dynamicRef", k2020, k2020, kCore, Holds::nothing},
    {"$recursiveRef", k2019, k2019, kCore, Holds::nothing},
    {"$defs", k2019, k2020, kCore, Holds::map},
    {"definitions", k4, k2020, kCore, Holds::map},
    {"allOf", k4, k2020, kApplicator, Holds::array, true},
    {"anyOf", k4, k2020, kApplicator, Holds::array, true},
    {"oneOf", k4, k2020, kApplicator, Holds::array, true},
    {"not", k4, k2020, kApplicator, Holds::schema, true},
    {"if", k7, k2020, kApplicator, Holds::schema},
    {"then", k7, k2020, kApplicator, Holds::schema},
    {"else", k7, k2020, kApplicator, Holds::schema},
    {"dependentSchemas", k2019, k2020, kApplicator, Holds::map},
    // Split in two by 2019-09, whose metaschema still allows it: better held to than passed over.
    {"dependencies", k4, k2020, kApplicator, Holds::map_of_either},
    {"prefixItems", k2020, k2020, kApplicator, Holds::array},
    {"items", k4, k2020, kApplicator, Holds::schema_or_array, true},
    {"additionalItems", k4, k2019, kApplicator, Holds::schema},
    {"contains", k6, k2020, kApplicator, Holds::schema},
    {"properties", k4, k2020, kApplicator, Holds::map, true},
    {"patternProperties", k4, k2020, kApplicator, Holds::map},
    {"additionalProperties", k4, k2020, kApplicator, Holds::schema, true},
    {"propertyNames", k6, k2020, kApplicator, Holds::schema},
    {"unevaluatedItems", k2019, k2020, kUnevaluated, Holds::schema},
    {"unevaluatedProperties", k2019, k2020, kUnevaluated, Holds::schema},
    {"type", k4, k2020, kValidation, Holds::nothing, true},
    {"enum", k4, k2020, kValidation, Holds::nothing, true},
    {"const", k6, k2020, kValidation, Holds::nothing},
    {"multipleOf", k4, k2020, kValidation, Holds::nothing, true},
    {"maximum", k4, k2020, kValidation, Holds::nothing, true},
    {"exclusiveMaximum", k4, k2020, kValidation, Holds::nothing, true},
    {"minimum", k4, k2020, kValidation, Holds::nothing, true},
    {"exclusiveMinimum", k4, k2020, kValidation, Holds::nothing, true},
    {"maxLength", k4, k2020, kValidation, Holds::nothing, true},
    {"minLength", k4, k2020, kValidation, Holds::nothing, true},
    {"pattern", k4, k2020, kValidation, Holds::nothing, true},
    {"maxItems", k4, k2020, kValidation, Holds::nothing, true},
    {"minItems", k4, k2020, kValidation, Holds::nothing, true},
    {"uniqueItems", k4, k2020, kValidation, Holds::nothing, true},
    {"maxContains", k2019, k2020, kValidation, Holds::nothing},
    {"minContains", k2019, k2020, kValidation, Holds::nothing},
    {"maxProperties", k4, k2020, kValidation, Holds::nothing, true},
    {"minProperties", k4, k2020, kValidation, Holds::nothing, true},
    {"required", k4, k2020, kValidation, Holds::nothing, true},
    {"dependentRequired", k2019, k2020, kValidation, Holds::nothing},
    // In no draft.
    {"nullable", k2020, k4, kValidation, Holds::nothing, true},
    {"format", k4, k2020, Vocabulary::format, Holds::nothing, true},
    {"contentEncoding", k7, k2020, kAnnotation, Holds::nothing},
    {"contentMediaType", k7, k2020, kAnnotation, Holds::nothing},
    {"contentSchema", k2019, k2020, kAnnotation, Holds::schema},
    {"title", k4, k2020, kAnnotation, Holds::nothing, true},
    {"description", k4, k2020, kAnnotation, Holds::nothing, true},
    {"default", k4, k2020, kAnnotation, Holds::nothing, true},
    {"deprecated", k2019, k2020, kAnnotation, Holds::nothing, true},
    {"readOnly", k7, k2020, kAnnotation, Holds::nothing, true},
    {"writeOnly", k7, k2020, kAnnotation, Holds::nothing, true},
    {"examples", k6, k2020, kAnnotation, Holds::nothing},
}};

struct VocabularyName {
  std::string_view name;
  Vocabularies bits;
};

// Behind "/vocab/". In 2019-09 the unevaluated keywords are applicators.
constexpr std::array<VocabularyName, 9> kVocabularies = {{
    {"core", bit_of(kCore)},
    {"applicator", bit_of(kApplicator)},
    {"unevaluated", bit_of(kUnevaluated)},
    {"validation", bit_of(kValidation)},
    {"format", bit_of(Vocabulary::format)},
    {"format-annotation", bit_of(Vocabulary::format)},
    {"format-assertion", bit_of(Vocabulary::format) | bit_of(Vocabulary::format_assertion)},
    {"content", bit_of(kAnnotation)},
    {"meta-data", bit_of(kAnnotation)},
}};

constexpr std::string_view kVocabulary2019 = "https://json-schema.org/draft/2019-09/vocab/";
constexpr std::string_view kVocabulary2020 = "https://json-schema.org/draft/2020-12/vocab/";

}  // namespace

Draft parse_draft(std::string_view word) {
  return static_cast<Draft>(core::parse_choice("draft", word, kDraftWords) + 1);
}

std::optional<Draft> draft_of(std::string_view metaschema) noexcept {
  if (metaschema.ends_with('#')) metaschema.remove_suffix(1);
  const auto* found = std::find(kMetaschemaUris.begin(), kMetaschemaUris.end(), metaschema);
  if (found == kMetaschemaUris.end()) return std::nullopt;
  return static_cast<Draft>(found - kMetaschemaUris.begin());
}

std::string_view name_of(Draft draft) noexcept {
  return kDraftNames[static_cast<std::size_t>(draft)];
}

std::string_view metaschema_of(Draft draft) noexcept {
  return kMetaschemaUris[static_cast<std::size_t>(draft)];
}

std::optional<Vocabularies> vocabulary_of(std::string_view uri) noexcept {
  const bool of_2019 = uri.starts_with(kVocabulary2019);
  if (!of_2019 && !uri.starts_with(kVocabulary2020)) return std::nullopt;
  const std::string_view name = uri.substr(kVocabulary2020.size());
  for (const VocabularyName& known : kVocabularies) {
    if (known.name != name) continue;
    if (of_2019 && known.bits == bit_of(kApplicator)) return known.bits | bit_of(kUnevaluated);
    return known.bits;
  }
  return std::nullopt;
}

const KeywordEntry& entry_of(Keyword keyword) noexcept {
  return kKeywords[static_cast<std::size_t>(keyword)];
}

std::optional<Keyword> find_keyword(Draft draft, std::string_view name) noexcept {
  for (std::size_t i = 0; i < kKeywords.size(); ++i) {
    const KeywordEntry& entry = kKeywords[i];
    const bool known =
        draft == Draft::openapi3_0 ? entry.openapi3_0 : entry.first <= draft && draft <= entry.last;
    if (known && entry.name == name) return static_cast<Keyword>(i);
  }
  return std::nullopt;
}

}  // namespace guard::json
