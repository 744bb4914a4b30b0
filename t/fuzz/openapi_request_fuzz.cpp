// Any bytes as a request: method, path, query and header fields, a line each. The operation is
// found, parameters are decoded and judged; every error names a parameter of that operation and
// says what.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "json/openapi.h"
#include "json/openapi_parameters.h"

namespace {

using namespace guard;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::string_view kDocument = R"({"openapi":"3.1.0","paths":{
"/o":{"post":{}},
"/o/{list}.{kind}":{"get":{"parameters":[
{"name":"list","in":"path","required":true,"schema":{"type":"array","items":{"type":"integer"}}},
{"name":"kind","in":"path","required":true,"style":"label","explode":true,"schema":{"type":"object"}},
{"name":"n","in":"query","required":true,"schema":{"type":["integer","string"],"minimum":3,"pattern":"^a"}},
{"name":"t","in":"query","explode":false,"schema":{"type":"array","items":{"type":"boolean"}}},
{"name":"r","in":"query","schema":{"type":"array","uniqueItems":true,"items":{"type":["null","number"]}}},
{"name":"s","in":"query","style":"spaceDelimited","explode":false,"schema":{"type":"array"}},
{"name":"d","in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer"},"l":{"type":"array"}}}},
{"name":"e","in":"query","style":"deepObject","schema":{"type":"array","items":{"type":"integer"}}},
{"name":"o","in":"query","schema":{"type":"object","properties":{"x":{"type":"integer"},"n":{"type":"array"}}}},
{"name":"p","in":"query","schema":{"type":"object","properties":{"x":{"type":"string"},"n":{"type":"string"}}}},
{"name":"q","in":"query","explode":false,"schema":{"type":"object"}},
{"name":"j","in":"query","content":{"application/json":{"schema":{"type":"object"}}}},
{"name":"X-N","in":"header","schema":{"type":"number"}},
{"name":"X-L","in":"header","explode":true,"schema":{"type":"object"}},
{"name":"c","in":"cookie","schema":{"type":"integer"}},
{"name":"d","in":"cookie","schema":{"type":"array"}}]}}}})";

std::shared_ptr<const json::OpenApi> load() {
  const std::string name = "/tmp/guard-openapi-fuzz-" + std::to_string(getpid()) + ".json";
  std::ofstream(name) << kDocument;
  auto openapi = json::load_openapi(name);
  (void)std::remove(name.c_str());
  return openapi;
}

std::string_view line_of(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const json::OpenApi> openapi = load();
  static json::ParameterReader reader;
  static json::SchemaEvaluator evaluator;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view method = line_of(text);
  const std::string_view path = line_of(text);
  const std::string_view query = line_of(text);
  std::vector<json::HeaderField> fields;
  while (!text.empty()) {
    const std::string_view line = line_of(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    fields.push_back({line.substr(0, colon), line.substr(colon + 1)});
  }
  const json::OperationMatch match = json::find_operation(*openapi, "", method, path);
  require(match.operation == nullptr || match.path != nullptr);
  if (match.operation == nullptr) return 0;
  for (std::size_t i = 0; i < match.values.count; ++i) require(!match.values.values[i].empty());
  using Verdict = json::ParameterReader::Verdict;
  const Verdict verdict = reader.read(*openapi, match, {query, fields}, evaluator);
  require(verdict != Verdict::memory);
  require(verdict != Verdict::valid || reader.errors().empty());
  require(verdict != Verdict::invalid || !reader.errors().empty());
  for (const json::ParameterError& error : reader.errors()) {
    const auto& own = match.operation->parameters;
    require(std::any_of(own.begin(), own.end(),
                        [&](const auto& each) { return &each == error.parameter; }));
    require(!error.detail.empty());
    std::array<char, 256> pointer;
    require(reader.pointer(error, pointer.data(), pointer.size()) <= pointer.size());
  }
  return 0;
}
