#include "json/openapi.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "core/ascii.h"
#include "json/admission.h"
#include "json/lookalike.h"
#include "json/schema_files.h"

namespace guard::json {

namespace {

// More are not worth reading at start.
constexpr std::size_t kMaxWarnings = 20;

ParameterShape shape_of(const SchemaProgram& program, std::uint32_t block) {
  ParameterShape shape{block, coercion_of(program, block), {}, false};
  const bool plain =
      !shape.value.admits(core::JsonType::string) && !shape.value.admits(core::JsonType::array);
  shape.is_object = plain && shape.value.admits(core::JsonType::object);
  if (shape.is_object) shape.members = {program, block};
  return shape;
}

bool may_have_names(const OpenApiMedia& media) {
  const MediaType type = media_type(media.type);
  return media.type.ends_with("/*") || type == MediaType::form || type == MediaType::json;
}

// "text/*", or "application/*+json", as ASP.NET has it; without a star that type alone.
bool is_of_range(std::string_view type, std::string_view range) noexcept {
  const std::size_t star = range.find('*');
  if (star == std::string_view::npos) return core::equal_without_case(type, range);
  const std::string_view end = range.substr(star + 1);
  return type.size() >= star + end.size() &&
         core::equal_without_case(type.substr(0, star), range.substr(0, star)) &&
         core::equal_without_case(type.substr(type.size() - end.size()), end);
}

// Operations that want the same of a body share what reads it.
void add_forms(OpenApi& openapi) {
  std::map<std::pair<std::uint32_t, std::vector<FormEncoding>>, std::uint32_t> known;
  for (OpenApiOperation& operation : openapi.operations) {
    for (OpenApiMedia& media : operation.bodies) {
      if (media.schema == kNoSchema || !may_have_names(media)) continue;
      const auto next = static_cast<std::uint32_t>(openapi.forms.size());
      const auto [found, added] = known.try_emplace({media.schema, media.encodings}, next);
      media.form = found->second;
      if (!added) continue;
      openapi.forms.push_back(std::make_shared<const FormPlan>(
          openapi.program, openapi.blocks[media.schema], media.encodings));
    }
  }
}

// Of kOpenApiMethods; their number for any other.
std::size_t index_of(std::string_view method) noexcept {
  return static_cast<std::size_t>(
      std::find(kOpenApiMethods.begin(), kOpenApiMethods.end(), method) - kOpenApiMethods.begin());
}

struct Wish {
  const std::vector<OpenApiPath>& paths;
  std::size_t method;
};

}  // namespace

std::shared_ptr<const OpenApi> load_openapi(const std::string& name, bool answers) {
  SchemaFiles files;
  SchemaRegistry registry([&files](const std::string& uri) { return files.find(uri); });
  const auto file = files.read(name);
  OpenApiDocument document = read_openapi(registry, file, SchemaFiles::uri_of(name), answers);
  auto openapi = std::make_shared<OpenApi>();
  openapi->base = std::move(document.base);
  CompileOptions options;
  options.side = CompileOptions::Side::request;
  options.refuse_other_case = true;
  CompiledSchemas compiled = compile_schemas(registry, document.schemas, options);
  openapi->program = std::move(compiled.program);
  openapi->blocks = std::move(compiled.blocks);
  if (answers) {
    options.side = CompileOptions::Side::response;
    options.refuse_other_case = false;
    CompiledSchemas judged = compile_schemas(registry, document.answer_schemas, options);
    openapi->answer_program = std::move(judged.program);
    openapi->answer_blocks = std::move(judged.blocks);
    // What requests refer to as well has been warned of.
    const std::set<std::string> known(compiled.warnings.begin(), compiled.warnings.end());
    std::copy_if(judged.warnings.begin(), judged.warnings.end(),
                 std::back_inserter(compiled.warnings),
                 [&](const std::string& warning) { return !known.contains(warning); });
  }
  openapi->tree = std::move(document.tree);
  openapi->alike = std::move(document.alike);
  openapi->paths = std::move(document.paths);
  openapi->operations = std::move(document.operations);
  openapi->warnings = std::move(document.warnings);
  openapi->warnings.insert(openapi->warnings.end(), compiled.warnings.begin(),
                           compiled.warnings.end());
  if (openapi->warnings.size() > kMaxWarnings) {
    const std::size_t more = openapi->warnings.size() - kMaxWarnings;
    openapi->warnings.resize(kMaxWarnings);
    openapi->warnings.push_back("\"" + name + "\": and " + std::to_string(more) +
                                " more of the kind");
  }
  add_forms(*openapi);
  openapi->shapes.resize(openapi->blocks.size());
  std::vector<bool> shaped(openapi->blocks.size());
  for (const OpenApiOperation& operation : openapi->operations) {
    for (const OpenApiParameter& parameter : operation.parameters) {
      if (parameter.schema == kNoSchema || shaped[parameter.schema]) continue;
      shaped[parameter.schema] = true;
      openapi->shapes[parameter.schema] =
          shape_of(openapi->program, openapi->blocks[parameter.schema]);
    }
  }
  return openapi;
}

OperationMatch find_operation(const OpenApi& openapi, std::string_view base,
                              std::string_view method, std::string_view path) noexcept {
  OperationMatch match;
  if (!path.starts_with(base)) return match;
  path.remove_prefix(base.size());
  const Wish wish{openapi.paths, index_of(method)};
  std::optional<PathTree::Match> found;
  if (wish.method < kOpenApiMethods.size()) {
    found =
        openapi.tree.find(path, {&wish, [](const void* context, std::uint32_t item) noexcept {
                                   const Wish& own = *static_cast<const Wish*>(context);
                                   return own.paths[item].operations[own.method] != kNoOperation;
                                 }});
  }
  const bool has_method = found.has_value();
  if (!found) found = openapi.tree.find(path);
  if (!found) return match;
  match.values = *found;
  match.path = &openapi.paths[found->item];
  if (has_method) match.operation = &openapi.operations[match.path->operations[wish.method]];
  return match;
}

bool may_be_read_otherwise(const OpenApi& openapi, std::string_view base, std::string_view method,
                           std::string_view path, const OperationMatch& match,
                           char* room) noexcept {
  const std::size_t count = match.values.count;
  // One without parameters is nothing but itself.
  if (match.operation != nullptr && count == 0) return false;
  if (!core::equal_without_case(path.substr(0, base.size()), base)) return false;
  path.remove_prefix(base.size());
  const std::string_view last = path.substr(path.rfind('/') + 1);
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) path = "/";
  std::transform(path.begin(), path.end(), room, core::to_lower);
  const std::string_view text(room, path.size());
  if (match.path == nullptr && openapi.alike.find(text)) return true;
  const Wish wish{openapi.paths, index_of(method)};
  if (wish.method == kOpenApiMethods.size()) return false;
  const WantedItems with_method{&wish, [](const void* context, std::uint32_t item) noexcept {
                                  const Wish& own = *static_cast<const Wish*>(context);
                                  return (own.paths[item].alike_methods >> own.method & 1U) != 0;
                                }};
  const auto found = openapi.alike.find(text, with_method);
  if (found && (match.operation == nullptr || found->item != match.path->alike)) return true;
  if (match.path != nullptr && (count == 0 || match.values.values[count - 1] != last)) return false;
  // To Rails and Django REST Framework the last dot of any path begins a format.
  const std::size_t segment = text.rfind('/') + 1;
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos || dot <= segment) return false;
  const auto bare = openapi.alike.find(text.substr(0, dot), with_method);
  if (!bare) return false;
  if (bare->count == 0) return true;
  const std::string_view value = bare->values[bare->count - 1];
  return value.data() + value.size() <= text.data() + segment;
}

bool may_be_read_encoded(const OpenApi& openapi, std::string_view base, std::string_view method,
                         std::string_view sent, const OperationMatch& match, char* room) noexcept {
  // What a path may hold as it is (RFC 3986, section 3.3, pchar) stays encoded: anything else is so
  // in routes as well.
  constexpr std::string_view kSigns = "-._~!$&'()*+,;=:@";
  std::size_t size = 0;
  bool found = false;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    char c = sent[i];
    if (c == '%' && i + 2 < sent.size() && core::is_hex(sent[i + 1]) && core::is_hex(sent[i + 2])) {
      const auto code =
          static_cast<char>(core::hex_value(sent[i + 1]) * 16 + core::hex_value(sent[i + 2]));
      const bool needless = core::is_letter(code) || core::is_digit(code) ||
                            kSigns.find(code) != std::string_view::npos;
      found = found || needless;
      if (!needless) {
        c = code;
        i += 2;
      }
    }
    room[size++] = c;
  }
  if (!found) return false;
  const OperationMatch other = find_operation(openapi, base, method, {room, size});
  return other.operation != nullptr && other.path != match.path;
}

bool has_body_schema(const OpenApi& openapi, const OpenApiOperation& operation) noexcept {
  return std::ranges::any_of(operation.bodies, [&](const OpenApiMedia& media) {
    return openapi.block_of(media.schema) != kAnything;
  });
}

BodyMatch choose_body(const OpenApi& openapi, const OpenApiOperation& operation,
                      const Fields& fields, std::string_view content_type, bool has_body) noexcept {
  const auto names_method = [](const OpenApiParameter& parameter) {
    return parameter.in == ParameterPlace::query &&
           may_be_read_as(kMethodParameter, parameter.name);
  };
  const bool by_query =
      fields.method_in_query() && std::ranges::none_of(operation.parameters, names_method);
  if (fields.method_override() || by_query) return {BodyChoice::method_override};
  if (!has_body) return {operation.body_required ? BodyChoice::missing : BodyChoice::none};
  if (!operation.has_body) return {BodyChoice::unexpected};
  if (fields.content_types() != 1) return {BodyChoice::media_type};
  const OpenApiMedia* media = find_media(operation.bodies, content_type);
  if (media == nullptr) return {BodyChoice::media_type};
  if (fields.one_json() || fields.one_form()) {
    if (fields.encoded()) return {BodyChoice::encoding};
    return {fields.one_json() ? BodyChoice::json : BodyChoice::form, media->schema, media->form};
  }
  // What speaks of JSON without being it, and what only a schema for any type allows.
  const bool free = openapi.block_of(media->schema) == kAnything;
  if (fields.some_json() || !free) return {BodyChoice::media_type};
  return {BodyChoice::unchecked};
}

bool names_method(const OpenApi& openapi, const BodyMatch& match,
                  const core::JsonDocument& body) noexcept {
  if (body.root().type != core::JsonType::object) return false;
  for (std::uint32_t key = 1; key < body.root().next; key = body[key + 1].next) {
    const std::string_view name = body.text(body[key]);
    if (!may_be_read_as(name, kMethodParameter)) continue;
    if (match.form == kNoSchema || !openapi.forms[match.form]->knows(name)) return true;
  }
  return false;
}

const OpenApiMedia* find_media(const std::vector<OpenApiMedia>& list,
                               std::string_view content_type) noexcept {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  for (const OpenApiMedia& media : list) {
    if (media.type == "*/*" || is_of_range(type, media.type)) return &media;
  }
  return nullptr;
}

std::optional<std::uint32_t> find_answer(const OpenApi& openapi, const OpenApiOperation& operation,
                                         unsigned status, std::string_view content_type) noexcept {
  if (!is_json_type(content_type)) return std::nullopt;
  const auto of = [&](unsigned word) {
    return std::find_if(operation.answers.begin(), operation.answers.end(),
                        [word](const OpenApiAnswer& answer) { return answer.status == word; });
  };
  auto answer = of(status);
  if (answer == operation.answers.end()) answer = of(status / 100);
  if (answer == operation.answers.end()) answer = of(0);
  if (answer == operation.answers.end()) return std::nullopt;
  const OpenApiMedia* media = find_media(answer->media, content_type);
  if (media == nullptr || media->schema == kNoSchema) return std::nullopt;
  return openapi.answer_blocks[media->schema];
}

}  // namespace guard::json
