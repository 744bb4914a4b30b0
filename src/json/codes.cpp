#include "json/codes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace guard::json {

namespace {

constexpr Code kUnavailable = {503, "json.unavailable", "Body cannot be checked", ""};

// In the order of JsonFault.
constexpr std::array<Code, core::kJsonFaultNames.size()> kCodes = {{
    {400, "json.syntax", "Malformed JSON", ""},
    {400, "json.encoding", "Body is not UTF-8", ""},
    {400, "json.duplicate_key", "Repeated member name", "duplicates"},
    {400, "json.depth", "JSON nested too deeply", "depth"},
    {400, "json.keys", "Too many members", "keys"},
    {400, "json.string", "String too long", "string"},
    {400, "json.array", "Array too long", "array"},
    {400, "json.number", "Number out of range", "number"},
    {413, "json.size", "Body too large", "size"},
    kUnavailable,
}};

constexpr Code kFormSyntax = {400, "json.syntax", "Malformed form", ""};
constexpr Code kSchema = {422, "json.schema", "Body does not satisfy the schema", ""};
constexpr Code kPatternLimit = {422, "json.pattern_limit", "Pattern takes too long", ""};
constexpr Code kSchemaLimit = {422, "json.schema_limit", "Schema takes too long", ""};

constexpr Code kMediaType = {415, "json.media_type", "JSON required", ""};
constexpr Code kMediaTypes = {415, "json.media_type", "JSON or a form required", ""};
constexpr Code kEncoding = {415, "json.content_encoding", "Content-Encoding refused", ""};
constexpr Code kOverride = {400, "json.method_override", "Method override refused", ""};

}  // namespace

const Code& code_of(core::JsonFault fault) noexcept {
  return kCodes[static_cast<std::size_t>(fault)];
}

const Code& form_code_of(core::JsonFault fault) noexcept {
  return fault == core::JsonFault::syntax ? kFormSyntax : code_of(fault);
}

const Code& code_unavailable() noexcept {
  return kUnavailable;
}

const Code& code_of(SchemaVerdict verdict) noexcept {
  switch (verdict) {
    case SchemaVerdict::pattern_limit:
      return kPatternLimit;
    case SchemaVerdict::limit:
      return kSchemaLimit;
    case SchemaVerdict::memory:
      return kUnavailable;
    default:
      return kSchema;
  }
}

FieldRefusal refusal_of(Admission admission, const Fields& fields, bool forms) noexcept {
  switch (admission) {
    case Admission::refuse_encoding:
      return {kEncoding, fields.one_form() ? "a form must be sent without Content-Encoding"
                                           : "a JSON body must be sent without Content-Encoding"};
    case Admission::refuse_override:
      return {kOverride, "the method must be that of the request line"};
    default:
      break;
  }
  const Code& code = forms ? kMediaTypes : kMediaType;
  if (fields.content_types() == 0) return {code, "the request has no Content-Type"};
  if (fields.content_types() > 1) return {code, "the request has several Content-Types"};
  if (fields.some_json()) {
    return {code, "the Content-Type is not one well-formed JSON type in UTF-8"};
  }
  return {code, forms ? "the Content-Type is neither a JSON type nor that of a form in UTF-8"
                      : "the Content-Type is not a JSON type"};
}

FieldRefusal refusal_of(BodyChoice choice, const Fields& fields) noexcept {
  constexpr Code kMissing = {422, "openapi.body", "Body missing", ""};
  constexpr Code kUnexpected = {415, "openapi.body", "Body not allowed", ""};
  constexpr Code kOtherType = {415, "json.media_type", "Media type not allowed", ""};
  switch (choice) {
    case BodyChoice::missing:
      return {kMissing, "the operation needs a body"};
    case BodyChoice::unexpected:
      return {kUnexpected, "the operation takes no body"};
    case BodyChoice::encoding:
      return refusal_of(Admission::refuse_encoding, fields, false);
    case BodyChoice::method_override:
      return refusal_of(Admission::refuse_override, fields, false);
    default:
      break;
  }
  if (fields.content_types() == 0) return {kOtherType, "the request has no Content-Type"};
  if (fields.content_types() > 1) return {kOtherType, "the request has several Content-Types"};
  return {kOtherType, "the Content-Type is none that the operation takes"};
}

std::string_view write_detail(const core::JsonError& error, char* out) noexcept {
  constexpr std::string_view kAt = " at byte ";
  constexpr std::size_t kDigits = 10;
  const std::size_t size = std::min(error.detail.size(), kMaxDetail - kAt.size() - kDigits);
  char* to = std::copy_n(error.detail.data(), size, out);
  to = std::copy(kAt.begin(), kAt.end(), to);
  to = std::to_chars(to, out + kMaxDetail, error.offset).ptr;
  return {out, static_cast<std::size_t>(to - out)};
}

}  // namespace guard::json
