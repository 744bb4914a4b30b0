// Schemas that hold every instruction, and any body: a first byte that says which schema, and a
// JSON text behind it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_parser.h"
#include "json/schema_compiler.h"
#include "schema_verdict.h"

namespace {

using namespace guard;

constexpr std::string_view kSchemas[] = {
    // Scalars.
    R"({"items":{"type":["integer","string","null","boolean"],"minimum":-5,"exclusiveMaximum":1e3,
        "maximum":999.5,"exclusiveMinimum":-6,"multipleOf":0.5,"minLength":1,"maxLength":6,
        "pattern":"^[a-z]*(?:é|[0-9]+)?$"}})",
    R"({"additionalProperties":{"anyOf":[{"format":"email"},{"format":"date-time"},
        {"format":"uri"},{"format":"idn-hostname"},{"type":"number"}]}})",
    // Arrays.
    R"({"type":"array","minItems":1,"maxItems":20,"uniqueItems":true,
        "prefixItems":[{"type":"string"},false],"items":{"uniqueItems":true},
        "contains":{"type":"number"},"minContains":1,"maxContains":3})",
    // Objects.
    R"({"type":"object","minProperties":1,"maxProperties":6,"required":["a","b"],
        "properties":{"a":{"type":"number"},"c":false},"patternProperties":{"^x":{"type":"string"}},
        "additionalProperties":{"$ref":"#"},"propertyNames":{"maxLength":4},
        "dependentRequired":{"d":["e","f"]},"dependentSchemas":{"e":{"minProperties":3},"g":false}})",
    // Values.
    R"({"items":{"enum":[null,true,1,2.50,"a","b","c",[1,{"a":[]}],{"b":1,"a":[null]}]}})",
    R"({"const":{"a":[1,2.0,{"b":100e-2}],"c":"é"}})",
    // Applicators.
    R"({"anyOf":[{"type":"array","items":{"$ref":"#"}},{"type":"object","additionalProperties":
        {"$ref":"#"}},{"not":{"type":["array","object","null"]}}]})",
    R"({"oneOf":[{"required":["a"]},{"required":["b"],"properties":{"b":{"$ref":"#"}}},
        {"maxProperties":0},{"type":"array","items":{"$ref":"#"}}]})",
    R"({"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["a"]},
        "else":{"required":["b"],"properties":{"b":{"$ref":"#"}}},"type":["object","array"]})",
    // What is evaluated.
    R"({"allOf":[{"properties":{"a":{"type":"number"}}}],"anyOf":[{"properties":{"b":{"$ref":"#"}},
        "required":["b"]},{"patternProperties":{"^c":{"type":"string"}}},true],
        "dependentSchemas":{"a":{"properties":{"d":{}}}},"unevaluatedProperties":{"type":"null"}})",
    R"({"oneOf":[{"prefixItems":[{"type":"string"}],"contains":{"type":"number"}},
        {"prefixItems":[{"type":"array","$ref":"#"},{"type":"null"}]}],
        "if":{"minItems":3},"then":{"prefixItems":[true,true,true]},
        "unevaluatedItems":{"unevaluatedItems":false,"contains":{"const":1}}})",
    // Dynamic references.
    R"({"$id":"http://t/tree","$dynamicAnchor":"node","type":["object","array"],"properties":
        {"data":{},"children":{"type":"array","items":{"$dynamicRef":"#node"}},
        "strict":{"$ref":"http://t/strict"}},"$defs":{"s":{"$id":"http://t/strict",
        "$dynamicAnchor":"node","$ref":"http://t/tree","unevaluatedProperties":false}}})",
    // What runs long.
    R"({"$ref":"#/$defs/n","$defs":{"n":{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]},
        "a":{"anyOf":[{"items":{"$ref":"#/$defs/n"},"minItems":1},{"items":{"$ref":"#/$defs/n"},
        "minItems":2}]}}})",
    R"({"additionalProperties":{"pattern":"^(?:a+)+$"},"items":{"pattern":"(a|aa)+$"}})",
};

std::vector<json::SchemaProgram> compile_all() {
  std::vector<json::SchemaProgram> programs;
  for (const std::string_view text : kSchemas) {
    json::SchemaRegistry registry(nullptr);
    const json::SchemaPlace root =
        registry.add(std::make_shared<const json::SchemaFile>("schema", std::string(text)), 0,
                     "file:///schema.json", json::kLatestDraft);
    programs.push_back(json::compile_schema(registry, root, {true}).program);
  }
  return programs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<json::SchemaProgram> programs = compile_all();
  static core::JsonParser parser;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  core::JsonLimits limits;
  limits.number = core::JsonNumberMode::any;
  const core::JsonDocument* document = parser.parse(text, limits);
  if (document == nullptr) return 0;
  (void)fuzz::check_verdict(programs[data[0] % programs.size()], *document);
  return 0;
}
