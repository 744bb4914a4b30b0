// What an OpenAPI document says of answers: which of its schemas is for one, and what breaks it.
#include "json/openapi_answer.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <unistd.h>

#include "json/openapi.h"
#include "unit.h"

namespace {

using namespace guard;
using json::OpenApi;

constexpr std::string_view kDocument =
    R"({"openapi":"3.0.3","servers":[{"url":"//api.example.com/v2/"}],
"paths":{"/a":{"get":{"responses":{
 "200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}},
                   "application/*":{"schema":{"type":"string"}},"text/html":{"schema":{}}}},
 "201":{"content":{"application/json":{}}},
 "204":{"description":"nothing"},
 "4XX":{"content":{"*/*":{"schema":{"type":"array"}}}},
 "404":{"$ref":"#/components/responses/None"},
 "x-note":1,
 "default":{"content":{"application/problem+json":{"schema":{"type":"object"}}}}}},
 "put":{"responses":{"200":{"content":{"application/json":{"schema":{"type":"integer"}}}}}}}},
"components":{"responses":{"None":{"content":{"application/json":{"schema":{"type":"boolean"}}}}},
"schemas":{"A":{"type":"object","required":["id","key"],"additionalProperties":false,"properties":{
 "id":{"type":"integer","readOnly":true},"key":{"type":"string","writeOnly":true}}}}}})";

std::shared_ptr<const OpenApi> load(std::string_view text, bool answers) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("guard-answers-" + std::to_string(getpid()) + ".json");
  std::ofstream(path) << text;
  auto openapi = json::load_openapi(path.string(), answers);
  std::filesystem::remove(path);
  return openapi;
}

const json::OpenApiOperation& operation_of(const OpenApi& openapi, std::string_view method) {
  const auto match = json::find_operation(openapi, *openapi.base, method, "/v2/a");
  assert_non_null(match.operation);
  return *match.operation;
}

// "" where nothing is wrong.
std::string fault_of(const OpenApi& openapi, unsigned status, std::string_view type,
                     std::string_view body) {
  static const auto parser = std::make_unique<core::JsonParser>();
  static const auto evaluator = std::make_unique<json::SchemaEvaluator>();
  const auto block = json::find_answer(openapi, operation_of(openapi, "GET"), status, type);
  if (!block) return "not described";
  const auto fault =
      json::find_answer_fault(*parser, *evaluator, openapi.answer_program, *block, body);
  if (!fault) return "";
  return std::string(fault->pointer()).append(" ").append(fault->detail);
}

void chooses(void**) {
  const auto openapi = load(kDocument, true);
  const auto of = [&](unsigned status, std::string_view type, std::string_view body) {
    return fault_of(*openapi, status, type, body);
  };
  assert_string_equal(of(200, "application/json", R"({"id":1})").c_str(), "");
  assert_string_equal(of(200, "Application/JSON; charset=utf-8", R"({"id":1})").c_str(), "");
  assert_string_equal(of(200, "application/json", "{}").c_str(), R"( must have the member "id")");
  for (const std::string_view type :
       {"application/json;charset=utf8", "application/json ; charset=ISO-8859-1",
        "application/json; charset=\"", "application/json;"}) {
    assert_string_equal(of(200, type, "{}").c_str(), R"( must have the member "id")");
  }
  for (const std::string_view type : {"application/json, text/html", "application/json\xa0", "json",
                                      "application/ json", "application/grpc+json", "/json", ""}) {
    assert_string_equal(of(200, type, "{}").c_str(), "not described");
  }
  assert_string_equal(of(200, "application/hal+json", "1").c_str(), " must be a string");
  assert_string_equal(of(200, "text/html", "1").c_str(), "not described");
  assert_string_equal(of(200, "text/x+json", "1").c_str(), "not described");
  assert_string_equal(of(201, "application/json", "1").c_str(), "not described");
  assert_string_equal(of(204, "application/json", "1").c_str(), "not described");
  assert_string_equal(of(404, "application/json", "true").c_str(), "");
  assert_string_equal(of(404, "application/problem+json", "{}").c_str(), "not described");
  assert_string_equal(of(403, "application/problem+json", "{}").c_str(), " must be an array");
  assert_string_equal(of(500, "application/problem+json", "[]").c_str(), " must be an object");
  assert_string_equal(of(500, "application/json", "[]").c_str(), "not described");
}

void judges(void**) {
  const auto openapi = load(kDocument, true);
  const auto of = [&](std::string_view body) {
    return fault_of(*openapi, 200, "application/json", body);
  };
  assert_string_equal(of(R"({"id":"1"})").c_str(), "/id must be an integer");
  assert_string_equal(of(R"({"id":1,"hash":"x"})").c_str(), "/hash is not a known member");
  assert_string_equal(of(R"({"id":1,"id":1})").c_str(),
                      "/id an object has two members of the same name");
  assert_string_equal(of("").c_str(), " the body is empty");
  assert_string_equal(of(R"({"id":)").c_str(), "/id the body ends before its JSON value does");
}

void costs_nothing_unasked(void**) {
  const auto openapi = load(kDocument, false);
  assert_true(operation_of(*openapi, "GET").answers.empty());
  assert_true(openapi->answer_blocks.empty());
  assert_true(openapi->answer_program.blocks.empty());
}

void refuses(void**) {
  for (const std::string_view status : {"20", "600", "2xX", "OK", "099", "2000"}) {
    const std::string text = R"({"openapi":"3.1.0","paths":{"/a":{"get":{"responses":{")" +
                             std::string(status) + R"(":{}}}}}})";
    const std::string what = unit::error_of([&] { load(text, true); });
    assert_true(what.ends_with(std::string("/paths/~1a/get/responses/") + std::string(status) +
                               "\": a response must be a status, \"2XX\" and the like, or "
                               "\"default\""));
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(chooses),
      cmocka_unit_test(judges),
      cmocka_unit_test(costs_nothing_unasked),
      cmocka_unit_test(refuses),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
