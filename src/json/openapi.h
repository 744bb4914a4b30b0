// guard_openapi's document, compiled: which operation a request is, and what its parameters and its
// body have to be.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/coercion.h"
#include "json/openapi_document.h"
#include "json/schema_compiler.h"

namespace guard::json {

class Fields;

// What the text of a parameter may become.
struct ParameterShape {
  std::uint32_t block = kAnything;  // of its schema
  Coercion value;
  CoercionTable members;  // of an object
  bool is_object = false;
};

struct OpenApi {
  std::optional<std::string> base;  // this and the next two as in OpenApiDocument
  PathTree tree;
  PathTree alike;
  std::vector<OpenApiPath> paths;
  std::vector<OpenApiOperation> operations;
  SchemaProgram program;
  std::vector<std::uint32_t> blocks;   // of the schemas that operations name
  std::vector<ParameterShape> shapes;  // beside blocks, of those that parameters name
  std::vector<std::shared_ptr<const FormPlan>> forms;  // of bodies that may be forms or JSON
  std::vector<std::string> warnings;
  // Of answers; empty where they are not asked for.
  SchemaProgram answer_program;
  std::vector<std::uint32_t> answer_blocks;

  std::uint32_t block_of(std::uint32_t schema) const {
    return schema == kNoSchema ? kAnything : blocks[schema];
  }
  // Whether it is an object whose members are names of the query, or cookies, by themselves.
  bool is_spread(const OpenApiParameter& parameter) const noexcept {
    return parameter.schema != kNoSchema && parameter.explode && !parameter.json &&
           parameter.style != ParameterStyle::deep_object && shapes[parameter.schema].is_object;
  }
};

struct OperationMatch {
  const OpenApiPath* path = nullptr;            // null: not a path of the document
  const OpenApiOperation* operation = nullptr;  // null: not a method of the path
  PathTree::Match values;
};

// At configuration time only. Throws ConfigError. answers: whether they will be judged as well.
std::shared_ptr<const OpenApi> load_openapi(const std::string& file, bool answers = false);

// base: what stands before the paths of the document, "" or "/v1". path: decoded, without the
// query. method: as in the request line. Of several paths the most specific one that has the
// method.
OperationMatch find_operation(const OpenApi& openapi, std::string_view base,
                              std::string_view method, std::string_view path) noexcept;

// Whether an application may read path as another one of the document than match says, or as one
// where that says none: without regard to the case of letters, or with a slash more or less at its
// end (Express, ASP.NET); where match has a path, only if that other one has the method. Or without
// what the last dot begins (Rails, Django REST Framework), if that other one has the method, and
// nothing of the document's holds more of that segment than a parameter. room: for as many bytes as
// path has.
bool may_be_read_otherwise(const OpenApi& openapi, std::string_view base, std::string_view method,
                           std::string_view path, const OperationMatch& match, char* room) noexcept;

// Whether an application that looks for its routes before it decodes the path (Express, Rails, chi)
// takes it for another operation of the document than match has: "/orders/%62ulk" for
// "/orders/{id}" and not "/orders/bulk". sent: the path as it was sent, without the query. room:
// for as many bytes.
bool may_be_read_encoded(const OpenApi& openapi, std::string_view base, std::string_view method,
                         std::string_view sent, const OperationMatch& match, char* room) noexcept;

// What an operation makes of a request's body. missing, unexpected: of a body that has to be there,
// or must not.
enum class BodyChoice : std::uint8_t {
  none,
  unchecked,
  json,
  form,
  missing,
  unexpected,
  media_type,
  encoding,
  method_override,
};

struct BodyMatch {
  BodyChoice choice = BodyChoice::none;
  std::uint32_t schema = kNoSchema;
  std::uint32_t form = kNoSchema;  // index of OpenApi::forms
};

// Whether the operation takes bodies that are held to a schema.
bool has_body_schema(const OpenApi& openapi, const OpenApiOperation& operation) noexcept;

// content_type: the request's first one; fields has seen all of them.
BodyMatch choose_body(const OpenApi& openapi, const OpenApiOperation& operation,
                      const Fields& fields, std::string_view content_type, bool has_body) noexcept;

// Whether body, of a POST, or what a form has become has a member "_method" that its schema does
// not have: to Rails, Laravel and others the request is of that method then.
bool names_method(const OpenApi& openapi, const BodyMatch& match,
                  const core::JsonDocument& body) noexcept;

// The entry of the list for a Content-Type, or null.
const OpenApiMedia* find_media(const std::vector<OpenApiMedia>& list,
                               std::string_view content_type) noexcept;

// The block of answer_program that describes such an answer of the operation; nothing where it is
// no JSON, or the document has no schema for it.
std::optional<std::uint32_t> find_answer(const OpenApi& openapi, const OpenApiOperation& operation,
                                         unsigned status, std::string_view content_type) noexcept;

}  // namespace guard::json
