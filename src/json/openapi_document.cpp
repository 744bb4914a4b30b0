#include "json/openapi_document.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "core/ascii.h"
#include "core/words.h"
#include "json/media_type.h"
#include "json/uri.h"

namespace guard::json {

namespace {

using core::ConfigError;
using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

constexpr int kMaxReferences = 32;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = core::to_lower(c);
  return result;
}

std::string alike(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return lower(path);
}

// What a parameter in a header may not be: those have a meaning of their own (3.1.1, "Parameter
// Object").
bool is_reserved_header(std::string_view name) {
  return name == "accept" || name == "content-type" || name == "authorization";
}

class Reader {
 public:
  Reader(SchemaRegistry& registry, const std::shared_ptr<const SchemaFile>& file,
         const std::string& uri, bool answers)
      : registry_(registry), answers_(answers) {
    root_ = registry_.add_openapi(file, uri, draft_of_version(*file));
  }

  OpenApiDocument run() {
    adopt_components();
    result_.base = base_of_servers();
    const auto paths = member(root_, "paths");
    if (paths) {
      for_each(*paths, JsonType::object, "an object of paths",
               [&](std::uint32_t key, SchemaPlace item) {
                 const std::string_view name = text_at(*paths, key);
                 if (!name.starts_with("x-"))
                   add_path(SchemaPlace{paths->resource, key}, name, item);
               });
    }
    if (result_.operations.empty()) fail(root_, "the document describes no operation");
    for (OpenApiPath& path : result_.paths) path.allow = allow_of(path);
    for (const OpenApiPath& path : result_.paths) {
      for (std::size_t i = 0; i < kOpenApiMethods.size(); ++i) {
        if (path.operations[i] == kNoOperation) continue;
        result_.paths[path.alike].alike_methods |= static_cast<std::uint8_t>(1U << i);
      }
    }
    return std::move(result_);
  }

 private:
  static Draft draft_of_version(const SchemaFile& file) {
    const JsonDocument& document = file.document();
    const JsonNode* version =
        document.member(document.root(), "openapi", core::json_key_hash("openapi"));
    const std::string_view text =
        version != nullptr && version->type == JsonType::string ? document.text(*version) : "";
    if (text.starts_with("3.0.")) return Draft::openapi3_0;
    if (!text.starts_with("3.1.")) {
      file.fail(version == nullptr ? 0 : document.index_of(*version),
                "must be an OpenAPI document of version 3.0 or 3.1, which \"openapi\" says");
    }
    const JsonNode* dialect = document.member(document.root(), "jsonSchemaDialect",
                                              core::json_key_hash("jsonSchemaDialect"));
    if (dialect == nullptr) return Draft::draft2020_12;
    const std::string_view uri = document.text(*dialect);
    if (uri.starts_with("https://spec.openapis.org/oas/3.1/dialect/")) return Draft::draft2020_12;
    const auto draft = json::draft_of(uri);
    if (!draft) file.fail(document.index_of(*dialect), "unknown dialect of JSON Schema");
    return *draft;
  }

  const JsonDocument& document(SchemaPlace place) const { return registry_.document(place); }
  const JsonNode& node(SchemaPlace place) const { return document(place)[place.node]; }
  std::string_view text_at(SchemaPlace place, std::uint32_t node) const {
    return document(place).text(document(place)[node]);
  }

  [[noreturn]] void fail(SchemaPlace place, std::string_view what) const {
    registry_.resource(place.resource).file->fail(place.node, what);
  }
  void warn(SchemaPlace place, std::string_view what) {
    const SchemaFile& file = *registry_.resource(place.resource).file;
    std::string text = "\"";
    text.append(file.name()).append("\" at \"").append(file.pointer(place.node));
    result_.warnings.push_back(text.append("\": ").append(what));
  }

  std::optional<SchemaPlace> member(SchemaPlace object, std::string_view name) const {
    const JsonNode* found = document(object).member(node(object), name, core::json_key_hash(name));
    if (found == nullptr) return std::nullopt;
    return SchemaPlace{object.resource, document(object).index_of(*found)};
  }
  std::optional<std::string_view> text(SchemaPlace object, std::string_view name) const {
    const auto found = member(object, name);
    if (!found) return std::nullopt;
    if (node(*found).type != JsonType::string) fail(*found, "must be a string");
    return document(*found).text(node(*found));
  }
  bool flag(SchemaPlace object, std::string_view name, bool otherwise) const {
    const auto found = member(object, name);
    if (!found) return otherwise;
    if (node(*found).type != JsonType::boolean) fail(*found, "must be a boolean");
    return node(*found).is_true();
  }

  // Of an object: the key's node and the value's place; of an array: 0 and the element's place.
  template <class Visit>
  void for_each(SchemaPlace place, JsonType type, std::string_view what, const Visit& visit) const {
    const JsonNode& list = node(place);
    if (list.type != type) fail(place, "must be " + std::string(what));
    if (type == JsonType::object) {
      for (std::uint32_t i = place.node + 1; i < list.next; i = document(place)[i + 1].next) {
        visit(i, SchemaPlace{place.resource, i + 1});
      }
    } else {
      for (std::uint32_t i = place.node + 1; i < list.next; i = document(place)[i].next) {
        visit(0U, SchemaPlace{place.resource, i});
      }
    }
  }

  // What a Reference Object stands for.
  SchemaPlace follow(SchemaPlace place) {
    for (int i = 0; i < kMaxReferences; ++i) {
      if (node(place).type != JsonType::object) fail(place, "must be an object");
      const auto reference = member(place, "$ref");
      if (!reference) return place;
      const std::string uri(text(place, "$ref").value_or(""));
      const auto target = registry_.find(place, uri);
      if (!target) fail(*reference, "a reference to nothing that is known, \"" + uri + "\"");
      place = *target;
    }
    fail(place, "references that lead in a circle");
  }

  // Schemas of 3.1 may have names of their own, by which others refer to them.
  void adopt_components() {
    const auto components = member(root_, "components");
    const auto schemas = components ? member(*components, "schemas") : std::nullopt;
    if (!schemas) return;
    for_each(*schemas, JsonType::object, "an object of schemas",
             [&](std::uint32_t, SchemaPlace schema) { registry_.add_names(schema); });
    adopted_.emplace_back(schemas->node, node(*schemas).next);
  }

  std::uint32_t schema(SchemaPlace place) {
    return schema(place, result_.schemas, schemas_, answer_schemas_);
  }
  std::uint32_t answer_schema(SchemaPlace place) {
    return schema(place, result_.answer_schemas, answer_schemas_, schemas_);
  }

  using Schemas = std::map<SchemaPlace, std::uint32_t>;

  // The index in list of the schema at place. others: those whose names are known already.
  std::uint32_t schema(SchemaPlace place, std::vector<SchemaPlace>& list, Schemas& own,
                       const Schemas& others) {
    const auto inside = [&](const auto& range) {
      return place.node > range.first && place.node < range.second;
    };
    const bool known = others.contains(place) || place.resource != root_.resource ||
                       std::any_of(adopted_.begin(), adopted_.end(), inside);
    const auto next = static_cast<std::uint32_t>(list.size());
    const auto [found, added] = own.emplace(place, next);
    if (added) {
      if (!known) registry_.add_names(place);
      list.push_back(registry_.child(place, place.node));
    }
    return found->second;
  }

  // The path of one URL: "https://api.example.com/v1/" is "/v1".
  std::string path_of(SchemaPlace server) {
    std::string url(text(server, "url").value_or("/"));
    const auto variables = member(server, "variables");
    std::size_t open = 0;
    while ((open = url.find('{', open)) != std::string::npos) {
      const std::size_t close = url.find('}', open);
      const std::string name = url.substr(open + 1, close - open - 1);
      const auto variable = variables ? member(*variables, name) : std::nullopt;
      if (close == std::string::npos || !variable) {
        fail(server, "\"url\" holds a variable that \"variables\" does not explain");
      }
      const std::string_view value = text(*variable, "default").value_or("");
      url.replace(open, close - open + 1, value);
      open += value.size();
    }
    // One without a scheme has that of the document (RFC 3986, section 4.2).
    const std::size_t authority = url.starts_with("//") ? 0 : url.find("://") + 1;
    if (url.starts_with("//") || authority != 0) {
      const std::size_t slash = url.find('/', authority + 2);
      url = slash == std::string::npos ? "" : url.substr(slash);
    }
    url.resize(std::min(url.find_first_of("?#"), url.size()));
    while (url.ends_with('/')) url.pop_back();
    if (!url.empty() && !url.starts_with('/')) url.insert(0, "/");
    return percent_decoded(url);
  }

  std::set<std::string> bases_of(SchemaPlace servers) {
    std::set<std::string> bases;
    for_each(servers, JsonType::array, "an array of servers",
             [&](std::uint32_t, SchemaPlace server) { bases.insert(path_of(server)); });
    return bases;
  }

  std::optional<std::string> base_of_servers() {
    const auto servers = member(root_, "servers");
    if (!servers) return "";
    const std::set<std::string> bases = bases_of(*servers);
    if (bases.empty()) return "";
    if (bases.size() > 1) return std::nullopt;
    return *bases.begin();
  }

  // Those of a path or an operation, which would stand in place of the document's.
  void warn_of_servers(SchemaPlace place) {
    const auto servers = member(place, "servers");
    if (!servers || !result_.base) return;
    std::set<std::string> bases;
    try {
      bases = bases_of(*servers);
    } catch (const ConfigError&) {
      return;  // nobody asks for them
    }
    if (bases.empty() || bases.contains(*result_.base)) return;
    const std::string base = result_.base->empty() ? "/" : *result_.base;
    warn(*servers,
         "requests are expected below \"" + base + "\" all the same, as the document's are");
  }

  void add_path(SchemaPlace key, std::string_view path, SchemaPlace place) {
    if (path.find_first_of("?#") != std::string_view::npos) {
      warn(key, "no request can have a path with \"?\" or \"#\"");
      return;
    }
    std::vector<std::string> names;
    std::uint32_t index = 0;
    std::uint32_t first = 0;
    try {
      names = PathTree::parameters_of(path);
      index = result_.tree.add(path, static_cast<std::uint32_t>(result_.paths.size()));
      first = result_.alike.add(alike(path), index);
    } catch (const ConfigError& error) {
      fail(key, error.what());
    }
    if (index == result_.paths.size()) {
      OpenApiPath& fresh = result_.paths.emplace_back();
      fresh.operations.fill(kNoOperation);
      fresh.alike = first;
    }
    const SchemaPlace item = follow(place);
    warn_of_servers(item);
    const auto shared = member(item, "parameters");
    for (std::size_t i = 0; i < kOpenApiMethods.size(); ++i) {
      const auto operation = member(item, lower(kOpenApiMethods[i]));
      if (!operation) continue;
      std::uint32_t& own = result_.paths[index].operations[i];
      if (own != kNoOperation) fail(key, "the path has the shape of another one above");
      own = static_cast<std::uint32_t>(result_.operations.size());
      add_operation(*operation, std::string(kOpenApiMethods[i]) + " " + std::string(path), names,
                    shared);
    }
  }

  void add_operation(SchemaPlace place, const std::string& name,
                     const std::vector<std::string>& names,
                     const std::optional<SchemaPlace>& shared) {
    if (node(place).type != JsonType::object) fail(place, "must be an object");
    OpenApiOperation operation;
    operation.name = text(place, "operationId").value_or(name);
    operation.deprecated = flag(place, "deprecated", false);
    warn_of_servers(place);
    if (const auto own = member(place, "parameters")) add_parameters(operation, *own, names, false);
    if (shared) add_parameters(operation, *shared, names, true);
    warn_of_undescribed(operation, place, names);
    if (const auto body = member(place, "requestBody")) add_body(operation, follow(*body));
    if (const auto answers = member(place, "responses"); answers && answers_) {
      add_answers(operation, *answers);
    }
    result_.operations.push_back(std::move(operation));
  }

  // inherited: those of the path, which the operation's own replace.
  void add_parameters(OpenApiOperation& operation, SchemaPlace list,
                      const std::vector<std::string>& names, bool inherited) {
    for_each(list, JsonType::array, "an array of parameters",
             [&](std::uint32_t, SchemaPlace place) {
               const auto parameter = parameter_of(follow(place), names);
               if (!parameter) return;
               const bool known =
                   std::any_of(operation.parameters.begin(), operation.parameters.end(),
                               [&](const OpenApiParameter& other) {
                                 return other.in == parameter->in && other.name == parameter->name;
                               });
               if (known && !inherited) fail(place, "the parameter is described twice");
               if (!known) operation.parameters.push_back(*parameter);
             });
  }

  // 3.1.1, "Path Templating": each must be described.
  void warn_of_undescribed(const OpenApiOperation& operation, SchemaPlace place,
                           const std::vector<std::string>& names) {
    std::uint32_t described = 0;
    for (const OpenApiParameter& parameter : operation.parameters) {
      described |= parameter.positions;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      if ((described >> i & 1U) != 0) continue;
      warn(place,
           "no parameter describes \"{" + names[i] + "}\" of the path: anything passes there");
    }
  }

  // Nothing if the specification says to ignore it.
  std::optional<OpenApiParameter> parameter_of(SchemaPlace place,
                                               const std::vector<std::string>& names) {
    OpenApiParameter parameter;
    const std::string_view in = text(place, "in").value_or("");
    const auto* const known = std::find(kParameterPlaces.begin(), kParameterPlaces.end(), in);
    if (known == kParameterPlaces.end()) {
      fail(place, R"("in" must be "path", "query", "header" or "cookie")");
    }
    parameter.in = static_cast<ParameterPlace>(known - kParameterPlaces.begin());
    parameter.name = text(place, "name").value_or("");
    if (parameter.name.empty()) fail(place, "a parameter must have a \"name\"");
    parameter.required = flag(place, "required", false);
    parameter.allow_empty = flag(place, "allowEmptyValue", false);
    if (parameter.in == ParameterPlace::header) {
      parameter.name = lower(parameter.name);
      if (is_reserved_header(parameter.name)) return std::nullopt;
    }
    if (parameter.in == ParameterPlace::path) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == parameter.name) parameter.positions |= std::uint32_t{1} << i;
      }
      if (parameter.positions == 0) {
        warn(place, "the path has no parameter of this name");
        return std::nullopt;
      }
      parameter.required = true;
    }
    read_style(parameter, place);
    read_schema(parameter, place);
    return parameter;
  }

  void read_style(OpenApiParameter& parameter, SchemaPlace place) const {
    struct Name {
      std::string_view name;
      ParameterStyle style;
      std::uint8_t places;  // bit 1 << ParameterPlace
    };
    constexpr std::array<Name, 6> kStyles = {
        {{"simple", ParameterStyle::simple, 0b0101},
         {"label", ParameterStyle::label, 0b0001},
         {"form", ParameterStyle::form, 0b1010},
         {"spaceDelimited", ParameterStyle::space_delimited, 2},
         {"pipeDelimited", ParameterStyle::pipe_delimited, 2},
         {"deepObject", ParameterStyle::deep_object, 2}}};
    const bool form =
        parameter.in == ParameterPlace::query || parameter.in == ParameterPlace::cookie;
    const std::string_view word = text(place, "style").value_or(form ? "form" : "simple");
    if (word == "matrix") {
      fail(place, "the style \"matrix\" cannot be served: paths with \";\" are ambiguous");
    }
    const auto* const style = std::find_if(kStyles.begin(), kStyles.end(), [&](const Name& one) {
      return one.name == word && (one.places >> static_cast<unsigned>(parameter.in) & 1U) != 0;
    });
    if (style == kStyles.end()) {
      fail(place, "the style \"" + std::string(word) + "\" is none of a parameter in \"" +
                      std::string(kParameterPlaces[static_cast<std::size_t>(parameter.in)]) + "\"");
    }
    parameter.style = style->style;
    parameter.explode = flag(place, "explode", parameter.style == ParameterStyle::form);
  }

  void read_schema(OpenApiParameter& parameter, SchemaPlace place) {
    if (const auto own = member(place, "schema")) {
      parameter.schema = schema(*own);
      return;
    }
    const auto content = member(place, "content");
    if (!content) fail(place, R"(a parameter must have a "schema" or a "content")");
    for_each(*content, JsonType::object, "an object of media types",
             [&](std::uint32_t key, SchemaPlace media) {
               if (media_type(text_at(*content, key)) != MediaType::json) {
                 warn(media, "values of this media type are let through unchecked");
                 return;
               }
               parameter.json = true;
               if (const auto own = member(media, "schema")) parameter.schema = schema(*own);
             });
  }

  void add_body(OpenApiOperation& operation, SchemaPlace place) {
    operation.has_body = true;
    operation.body_required = flag(place, "required", false);
    const auto content = member(place, "content");
    if (!content) fail(place, "a request body must have a \"content\"");
    for_each(*content, JsonType::object, "an object of media types",
             [&](std::uint32_t key, SchemaPlace media) {
               OpenApiMedia body;
               const std::string_view type = text_at(*content, key);
               body.type = plain_type(type);
               const MediaType kind = media_type(body.type);
               const bool checked =
                   kind == MediaType::json || kind == MediaType::form || body.type.ends_with("/*");
               if (const auto own = member(media, "schema"); own && checked) {
                 body.schema = schema(*own);
               }
               if (kind == MediaType::form) body.encodings = encodings_of(media);
               if (!checked && unchecked_.insert(body.type).second) {
                 warn(media, "bodies of the type \"" + body.type + "\" are let through unchecked");
               }
               operation.bodies.push_back(std::move(body));
             });
    sort(operation.bodies);
  }

  // How the properties of a form are written, by "encoding" of its media type.
  std::vector<FormEncoding> encodings_of(SchemaPlace media) {
    std::vector<FormEncoding> encodings;
    const auto encoding = member(media, "encoding");
    if (!encoding) return encodings;
    for_each(*encoding, JsonType::object, "an object of encodings",
             [&](std::uint32_t key, SchemaPlace place) {
               if (node(place).type != JsonType::object) fail(place, "must be an object");
               encodings.push_back({std::string(text_at(*encoding, key)), form_style_of(place)});
             });
    std::sort(encodings.begin(), encodings.end());
    return encodings;
  }

  FormStyle form_style_of(SchemaPlace place) {
    const auto style = text(place, "style");
    const std::string_view word = style.value_or("form");
    const bool explode = flag(place, "explode", word == "form");
    const std::string_view type = text(place, "contentType").value_or("");
    // What is written by a style has no type of its own.
    if (!style && !type.empty() && !type.starts_with("text/")) {
      warn(place, "a property of a form is read as text, whatever \"contentType\" says");
    }
    if (word == "form") return explode ? FormStyle::repeated : FormStyle::commas;
    if (word == "spaceDelimited") return explode ? FormStyle::repeated : FormStyle::spaces;
    if (word == "pipeDelimited") return explode ? FormStyle::repeated : FormStyle::pipes;
    if (word == "deepObject") return FormStyle::nested;
    fail(place, "the style \"" + std::string(word) + "\" is none of a property of a form");
  }

  void add_answers(OpenApiOperation& operation, SchemaPlace list) {
    for_each(list, JsonType::object, "an object of responses",
             [&](std::uint32_t key, SchemaPlace place) {
               const std::string_view word = text_at(list, key);
               if (word.starts_with("x-")) return;
               OpenApiAnswer answer;
               answer.status = status_of(SchemaPlace{list.resource, key}, word);
               const SchemaPlace response = follow(place);
               if (const auto content = member(response, "content")) {
                 add_answer_media(answer, *content);
               }
               operation.answers.push_back(std::move(answer));
             });
  }

  std::uint16_t status_of(SchemaPlace place, std::string_view word) const {
    if (word == "default") return 0;
    const bool good = word.size() == 3 && word[0] >= '1' && word[0] <= '5';
    if (good && (word.substr(1) == "XX" || word.substr(1) == "xx")) {
      return static_cast<std::uint16_t>(word[0] - '0');
    }
    if (!good || word.find_first_not_of("0123456789") != std::string_view::npos) {
      fail(place, R"(a response must be a status, "2XX" and the like, or "default")");
    }
    return static_cast<std::uint16_t>((word[0] - '0') * 100 + (word[1] - '0') * 10 + word[2] - '0');
  }

  // What is not JSON is not looked at.
  void add_answer_media(OpenApiAnswer& answer, SchemaPlace content) {
    for_each(content, JsonType::object, "an object of media types",
             [&](std::uint32_t key, SchemaPlace place) {
               OpenApiMedia media;
               media.type = plain_type(text_at(content, key));
               if (media_type(media.type) != MediaType::json && !media.type.ends_with("/*")) return;
               if (const auto own = member(place, "schema")) media.schema = answer_schema(*own);
               answer.media.push_back(std::move(media));
             });
    sort(answer.media);
  }

  static std::string plain_type(std::string_view type) {
    std::string plain = lower(type.substr(0, type.find(';')));
    while (plain.ends_with(' ')) plain.pop_back();
    return plain;
  }

  static void sort(std::vector<OpenApiMedia>& list) {
    std::stable_sort(list.begin(), list.end(), [](const OpenApiMedia& a, const OpenApiMedia& b) {
      return rank(a.type) < rank(b.type);
    });
  }

  static int rank(std::string_view type) {
    if (type == "*/*") return 3;
    if (type.ends_with("/*")) return 2;
    return type.find('*') == std::string_view::npos ? 0 : 1;
  }

  static std::string allow_of(OpenApiPath& path) {
    const auto own = [&](HttpMethod method) -> std::uint32_t& {
      return path.operations[static_cast<std::size_t>(method)];
    };
    // RFC 9110, section 9.3.2: the same as GET, without the content.
    if (own(HttpMethod::head) == kNoOperation) own(HttpMethod::head) = own(HttpMethod::get);
    std::string allow;
    for (std::size_t i = 0; i < kOpenApiMethods.size(); ++i) {
      if (path.operations[i] == kNoOperation) continue;
      if (!allow.empty()) allow += ", ";
      allow += kOpenApiMethods[i];
    }
    return allow;
  }

  SchemaRegistry& registry_;
  SchemaPlace root_;
  OpenApiDocument result_;
  bool answers_;
  Schemas schemas_;
  Schemas answer_schemas_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> adopted_;  // nodes of the document
  std::set<std::string> unchecked_;
};

}  // namespace

OpenApiDocument read_openapi(SchemaRegistry& registry,
                             const std::shared_ptr<const SchemaFile>& file, const std::string& uri,
                             bool answers) {
  return Reader(registry, file, uri, answers).run();
}

}  // namespace guard::json
