// An OpenAPI document, 3.0 or 3.1, as its operations: what guard_openapi needs of it, read and
// checked. At configuration time only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/form_plan.h"
#include "json/openapi_paths.h"
#include "json/schema_registry.h"

namespace guard::json {

// In the order of kOpenApiMethods.
enum class HttpMethod : std::uint8_t { get, put, post, delete_, options, head, patch, trace };

inline constexpr std::array<std::string_view, 8> kOpenApiMethods = {
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"};

// In the order of kParameterPlaces.
enum class ParameterPlace : std::uint8_t { path, query, header, cookie };

inline constexpr std::array<std::string_view, 4> kParameterPlaces = {"path", "query", "header",
                                                                     "cookie"};

// How a value is written (3.1.1, "Style Values"). matrix is none of them: its ";" makes a path
// ambiguous.
enum class ParameterStyle : std::uint8_t {
  simple,
  label,
  form,
  space_delimited,
  pipe_delimited,
  deep_object,
};

inline constexpr std::uint32_t kNoSchema = 0xffffffff;

struct OpenApiParameter {
  std::string name;  // of a header in lower case
  ParameterPlace in = ParameterPlace::query;
  ParameterStyle style = ParameterStyle::form;
  bool explode = true;
  bool required = false;
  bool allow_empty = false;
  bool json = false;                 // its "content" is a JSON text
  std::uint32_t schema = kNoSchema;  // index of OpenApiDocument::schemas
  std::uint32_t positions = 0;       // of one in a path: bit 1 << the number among them
};

struct OpenApiMedia {
  // "application/json", "application/*+json", "text/*", "*/*"; in lower case, without parameters
  std::string type;
  std::uint32_t schema = kNoSchema;
  std::vector<FormEncoding> encodings;  // of a form's properties, sorted
  std::uint32_t form = kNoSchema;       // index of OpenApi::forms
};

// What an operation answers with a status.
struct OpenApiAnswer {
  std::uint16_t status = 0;         // 200; 2 of "2XX"; 0 of "default"
  std::vector<OpenApiMedia> media;  // of JSON types and ranges of types; the most specific first
};

struct OpenApiOperation {
  std::string name;  // operationId, or "GET /users/{id}"
  bool deprecated = false;
  bool has_body = false;  // a requestBody is described
  bool body_required = false;
  std::vector<OpenApiParameter> parameters;
  std::vector<OpenApiMedia> bodies;    // the most specific first
  std::vector<OpenApiAnswer> answers;  // whose schemas are OpenApiDocument::answer_schemas
};

inline constexpr std::uint32_t kNoOperation = 0xffffffff;

struct OpenApiPath {
  std::array<std::uint32_t, kOpenApiMethods.size()> operations;  // indexes, or kNoOperation
  std::string allow;  // RFC 9110, section 10.2.1: "GET, HEAD, POST"
  // The first of those that are one in OpenApiDocument::alike, and there the methods that any of
  // them has: bit 1 << HttpMethod.
  std::uint32_t alike = 0;
  std::uint8_t alike_methods = 0;
};

struct OpenApiDocument {
  // The path of its servers; nothing where they have different ones.
  std::optional<std::string> base;
  PathTree tree;
  PathTree alike;  // the same in lower case, without slashes at their ends
  std::vector<OpenApiPath> paths;
  std::vector<OpenApiOperation> operations;
  std::vector<SchemaPlace> schemas;         // of requests
  std::vector<SchemaPlace> answer_schemas;  // if they were asked for
  std::vector<std::string> warnings;
};

// Of the file, which registry takes. Throws ConfigError, which names the place by a JSON Pointer.
// answers: whether what operations answer is read as well.
OpenApiDocument read_openapi(SchemaRegistry& registry,
                             const std::shared_ptr<const SchemaFile>& file, const std::string& uri,
                             bool answers);

}  // namespace guard::json
