#include "cli/openapi_check.h"

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/option.h"
#include "cli/printable.h"
#include "cli/text_file.h"
#include "core/ascii.h"
#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/path.h"
#include "core/words.h"
#include "json/admission.h"
#include "json/codes.h"
#include "json/form.h"
#include "json/form_query.h"
#include "json/openapi.h"
#include "json/openapi_parameters.h"

namespace guard::cli {

namespace {

struct Question {
  std::string file;
  std::string_view method;
  std::string_view uri;
  std::string_view body_file;
  bool has_body = false;
  std::optional<std::string> base;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = core::to_lower(c);
  return result;
}

void read_option(Question& question, std::span<const std::string_view>& words) {
  constexpr std::array<std::string_view, 3> kOptions = {"--base", "--type", "--header"};
  const auto [name, value] = take_option(words, "openapi", kOptions);
  if (name == "--base") {
    question.base = value.substr(0, value.find_last_not_of('/') + 1);
  } else if (name == "--type") {
    question.type = value;
  } else {
    const std::size_t colon = value.find(':');
    if (colon == std::string_view::npos) throw UsageError("\"--header\" needs NAME:VALUE");
    std::string_view text = value.substr(colon + 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    question.headers.emplace_back(lower(value.substr(0, colon)), text);
  }
}

Question question_of(std::span<const std::string_view> words) {
  Question question;
  std::vector<std::string_view> positional;
  while (!words.empty()) {
    if (words.front().starts_with("--")) {
      read_option(question, words);
    } else {
      positional.push_back(words.front());
      words = words.subspan(1);
    }
  }
  if (positional.empty()) throw UsageError("\"openapi check\" needs a file");
  if (positional.size() == 2) throw UsageError("\"openapi check\" needs a URI with the method");
  if (positional.size() > 4) {
    throw UsageError("unexpected word \"" + std::string(positional[4]) + "\"");
  }
  question.file = positional[0];
  if (positional.size() > 2) {
    question.method = positional[1];
    question.uri = positional[2];
  }
  if (positional.size() > 3) {
    question.has_body = true;
    question.body_file = positional[3];
  }
  return question;
}

void say(std::string_view code, std::string_view detail) {
  std::printf("%s: %s\n", printable(code).c_str(), printable(detail).c_str());
}

std::string decoded(std::string_view path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size()) {
      text += static_cast<char>(core::hex_value(path[i + 1]) * 16 + core::hex_value(path[i + 2]));
      i += 2;
    } else {
      text += path[i];
    }
  }
  return text;
}

std::string_view query_of(std::string_view uri) {
  const std::size_t mark = uri.find('?');
  return mark == std::string_view::npos ? std::string_view{} : uri.substr(mark + 1);
}

class Desk {
 public:
  explicit Desk(const std::string& file) : openapi_(json::load_openapi(file)) {}

  const json::OpenApi& openapi() const { return *openapi_; }

  bool check(const Question& question) {
    const std::string_view path = question.uri.substr(0, question.uri.find('?'));
    if (const core::PathFlaw flaw = core::find_path_flaw(question.uri);
        flaw != core::PathFlaw::none) {
      return refuse("path.ambiguous", core::text_of(flaw));
    }
    const std::optional<std::string>& base = question.base ? question.base : openapi_->base;
    if (!base)
      throw UsageError("the document's servers have different paths, \"--base\" is needed");
    const std::string plain = decoded(path);
    const json::OperationMatch match =
        json::find_operation(*openapi_, *base, question.method, plain);
    if (match.path == nullptr) return refuse("openapi.path", "the API has no such path");
    if (match.operation == nullptr) {
      return refuse("openapi.method", "the path has no such method, but " + match.path->allow);
    }
    std::string room(plain.size(), '\0');
    std::string sent(path.size(), '\0');
    if (json::may_be_read_otherwise(*openapi_, *base, question.method, plain, match, room.data()) ||
        json::may_be_read_encoded(*openapi_, *base, question.method, path, match, sent.data())) {
      return refuse("openapi.path", "the path must be written as the document names it");
    }
    std::vector<json::HeaderField> fields;
    json::Fields admission;
    for (const auto& [name, value] : question.headers) fields.push_back({name, value});
    if (question.has_body) fields.push_back({"content-type", question.type});
    for (const json::HeaderField& field : fields) admission.add(field.name, field.value);
    const std::string_view query = query_of(question.uri);
    admission.add_query(query);
    if (!check_parameters(match, {query, fields})) return false;
    if (!check_body(question, *match.operation, admission)) return false;
    say(match.operation->name, "valid");
    return true;
  }

 private:
  bool refuse(std::string_view code, std::string_view detail) {
    say(code, detail);
    return false;
  }

  bool check_parameters(const json::OperationMatch& match, const json::ParameterInput& input) {
    using Verdict = json::ParameterReader::Verdict;
    switch (reader_->read(*openapi_, match, input, *evaluator_)) {
      case Verdict::valid:
        return true;
      case Verdict::invalid:
        break;
      case Verdict::pattern_limit:
        return refuse("json.pattern_limit", "a pattern would take too long");
      case Verdict::limit:
        return refuse("json.schema_limit", "the API would take too long on the parameters");
      case Verdict::memory:
        throw std::bad_alloc();
    }
    for (const json::ParameterError& error : reader_->errors()) {
      std::array<char, core::JsonParser::kMaxPointer> pointer;
      const std::size_t size = reader_->pointer(error, pointer.data(), pointer.size());
      std::string text(json::kParameterPlaces[static_cast<std::size_t>(error.parameter->in)]);
      text.append(" \"").append(error.parameter->name).append("\" ");
      if (size > 0) text.append("at \"").append(pointer.data(), size).append("\" ");
      text.append(error.detail);
      if (!error.keyword.empty()) text.append(" (").append(error.keyword).append(")");
      say("openapi.parameter", text);
    }
    return false;
  }

  bool check_body(const Question& question, const json::OpenApiOperation& operation,
                  const json::Fields& fields) {
    const json::BodyMatch body =
        json::choose_body(*openapi_, operation, fields, question.type, question.has_body);
    const bool form = body.choice == json::BodyChoice::form;
    if (body.choice == json::BodyChoice::none || body.choice == json::BodyChoice::unchecked) {
      return true;
    }
    if (body.choice != json::BodyChoice::json && !form) {
      const json::FieldRefusal found = json::refusal_of(body.choice, fields);
      return refuse(found.code.code, found.detail);
    }
    std::string text;
    if (!read_text(question.body_file, text)) return false;
    const std::uint32_t block = openapi_->block_of(body.schema);
    core::Scratch<char> written;
    std::string_view json = text;
    if (form) {
      if (body.form == json::kNoSchema) return true;
      json::FormReader forms;
      const auto read =
          forms.read(text, *openapi_->forms[body.form], core::widest_json_limits(), written);
      if (!read) {
        return refuse(json::form_code_of(forms.error().fault).code, forms.error().detail);
      }
      json = *read;
    }
    const core::JsonDocument* document = parser_->parse(json, core::widest_json_limits());
    if (document == nullptr) {
      return refuse(json::code_of(parser_->error().fault).code, parser_->error().detail);
    }
    const auto verdict = evaluator_->evaluate(openapi_->program, block, *document, 0, kMaxErrors);
    switch (verdict) {
      case json::SchemaVerdict::valid:
        return check_names(question, operation, body, fields, *document);
      case json::SchemaVerdict::invalid:
        break;
      case json::SchemaVerdict::pattern_limit:
        return refuse(json::code_of(verdict).code, "a pattern would take too long");
      case json::SchemaVerdict::limit:
        return refuse(json::code_of(verdict).code, "the schema would take too long");
      case json::SchemaVerdict::memory:
        throw std::bad_alloc();
    }
    for (const json::SchemaError& error : evaluator_->errors()) {
      say_of_body(*document, error.node, error.detail, json::name_of(error.keyword));
    }
    return false;
  }

  bool check_names(const Question& question, const json::OpenApiOperation& operation,
                   const json::BodyMatch& body, const json::Fields& fields,
                   const core::JsonDocument& document) {
    const bool form = body.choice == json::BodyChoice::form;
    if (body.form != json::kNoSchema && document.root().type == core::JsonType::object) {
      const json::FormPlan& plan = *openapi_->forms[body.form];
      if (const std::uint32_t node = form ? plan.lookalike(document) : 0; node != 0) {
        say_of_body(document, node, json::kLookalike, "");
        return false;
      }
      const std::string_view query = query_of(question.uri);
      std::string room(query.size(), '\0');
      if (json::query_contradicts(plan, document, query, openapi_.get(), operation.parameters,
                                  room.data())) {
        return refuse("json.schema",
                      form ? "the query names a field of the form with another value"
                           : "the query names a member of the body with another value");
      }
    }
    if (question.method != "POST" || !json::names_method(*openapi_, body, document)) return true;
    const json::FieldRefusal found = json::refusal_of(json::BodyChoice::method_override, fields);
    return refuse(found.code.code, found.detail);
  }

  static void say_of_body(const core::JsonDocument& document, std::uint32_t node,
                          std::string_view detail, std::string_view keyword) {
    std::array<char, core::JsonParser::kMaxPointer> pointer;
    const std::size_t size =
        core::write_json_pointer(document, node, pointer.data(), pointer.size());
    std::string line = "body at \"" + std::string(pointer.data(), size) + "\" ";
    line.append(detail);
    if (!keyword.empty()) line.append(" (").append(keyword).append(")");
    say("json.schema", line);
  }

  static constexpr std::size_t kMaxErrors = 10;

  std::shared_ptr<const json::OpenApi> openapi_;
  std::unique_ptr<core::JsonParser> parser_ = std::make_unique<core::JsonParser>();
  std::unique_ptr<json::SchemaEvaluator> evaluator_ = std::make_unique<json::SchemaEvaluator>();
  std::unique_ptr<json::ParameterReader> reader_ = std::make_unique<json::ParameterReader>();
};

}  // namespace

int check_openapi(std::span<const std::string_view> words) {
  const Question question = question_of(words);
  std::unique_ptr<Desk> desk;
  try {
    desk = std::make_unique<Desk>(question.file);
  } catch (const core::ConfigError& error) {
    (void)std::fprintf(stderr, "guardctl: %s\n", printable(error.what()).c_str());
    return kMisused;
  }
  for (const std::string& warning : desk->openapi().warnings) {
    (void)std::fprintf(stderr, "guardctl: warning: %s\n", printable(warning).c_str());
  }
  if (question.method.empty()) {
    std::printf("%s: valid, %zu operations\n", question.file.c_str(),
                desk->openapi().operations.size());
    return kDone;
  }
  return desk->check(question) ? kDone : kFailed;
}

}  // namespace guard::cli
