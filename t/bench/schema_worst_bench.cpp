// What bodies cost that a client makes to be expensive, parsed and held to a schema that they are
// meant for, against an ordinary body of the same size and its schema: medians of the rounds'
// ratios. Ends with 1 if one costs more than kMost times as much.
//   build/native/bench/schema_worst [ROUNDS]

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bodies.h"
#include "core/json_parser.h"
#include "json/schema_compiler.h"
#include "json/schema_evaluator.h"

namespace {

using namespace guard;
using Clock = std::chrono::steady_clock;

constexpr double kMost = 20;
constexpr std::size_t kSize = 1'000'000;

constexpr std::string_view kOrderSchema =
    R"({"type":"object","required":["email","order"],"additionalProperties":false,"properties":{
    "email":{"type":"string","format":"email","maxLength":254},"order":{"type":"array","minItems":1,
    "maxItems":100000,"items":{"type":"object","required":["id","name","price"],
    "additionalProperties":false,"properties":{"id":{"type":"integer","minimum":1},"name":{
    "type":"string","minLength":1,"maxLength":100,"pattern":"^[a-z0-9 ]+$"},"price":{
    "type":"number","minimum":0,"maximum":100000},"tags":{"type":"array","maxItems":10,
    "uniqueItems":true,"items":{"enum":["alpha","beta","gamma"]}},"ok":{"type":"boolean"}}}}}})";

std::string repeated(std::size_t count, std::string_view part, std::string_view open = {},
                     std::string_view close = {}) {
  std::string text(open);
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text.append(close);
}

// As many of part as fit, with commas.
std::string filled(std::string_view open, std::string_view part, std::string_view close) {
  std::string text(open);
  while (text.size() + part.size() + close.size() + 1 < kSize) text.append(part).append(",");
  text.pop_back();
  return text.append(close);
}

// Members whose names have the same json_key_hash.
std::string colliding() {
  std::string text = "{";
  std::uint64_t state = 1;
  while (text.size() + 64 < kSize) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t a = (state ^ state >> 29) & 0x7F7F7F7F7F7F7F7FU;
    const std::uint64_t b = (a + 16) * 0x9E3779B97F4A7C15U ^ 0x1234567812345678U;
    std::array<char, 16> name;
    std::memcpy(name.data(), &a, 8);
    std::memcpy(name.data() + 8, &b, 8);
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
    });
    if (!plain) continue;
    if (text.size() > 1) text += ',';
    text.append("\"").append(name.data(), 16).append("\":0");
  }
  return text + "}";
}

std::string numbered(std::string_view prefix) {
  std::string text = "{";
  for (int i = 0; text.size() + 40 < kSize; ++i) {
    if (i > 0) text += ',';
    text.append("\"").append(prefix).append(std::to_string(i)).append("\":{}");
  }
  return text + "}";
}

// Definitions a0 .. a(levels - 1), each of which uses the next one twice.
std::string doubling(int levels, std::string_view keyword, std::string_view last) {
  std::string text = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < levels; ++i) {
    const std::string next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + R"("})";
    text += "\"a" + std::to_string(i) + "\":{\"" + std::string(keyword) + "\":[" + next + "," +
            next + "]},";
  }
  return text + "\"a" + std::to_string(levels) + "\":" + std::string(last) + "}}";
}

struct Case {
  std::string name;
  std::string schema;
  std::string body;
};

std::vector<Case> cases() {
  const std::string strings = R"({"items":{"anyOf":[{"pattern":")";
  const std::string order(kOrderSchema);
  const std::string bombs[] = {"^(a+)+$",
                               "(a*)*b",
                               "(a|aa)+$",
                               "^(\\\\w+\\\\s?)*$",
                               "[a-z]+[0-9]",
                               "(?:[a-z]\\\\w*)+[0-9]",
                               "^(?=.*[0-9])(?=.*[A-Z]).*$",
                               ".*foo.*bar.*baz",
                               "^(?:.*,){8}x",
                               "(x+x+)+y",
                               "(\\\\w+)\\\\1!",
                               "^(?:(?:a|b|ab)*c?)*d",
                               "\\\\s+$",
                               "^.*a.*a.*a.*$b",
                               "(a?){16}!",
                               "^(?:a?){16}!",
                               "(a?){3}!",
                               "(a|aa){10}!",
                               "(\\\\w{1,10} ?){1,10}!",
                               "a{1,9}a{1,9}!"};
  std::vector<Case> all = {
      {"1 MB of [", order, std::string(kSize, '[')},
      {"1 MB of one key", order, repeated(kSize, "k", "{\"", "\":0}")},
      {"one key 100,000 times", order, repeated(100'000, "\"key\":0,", "{", "\"key\":0}")},
      {"names that collide", R"({"additionalProperties":{"type":"integer"}})", colliding()},
      {"names that collide, not evaluated", R"({"unevaluatedProperties":{"type":"integer"}})",
       colliding()},
      {"members that evaluate their own",
       R"({"patternProperties":{"^k":{"unevaluatedProperties":false}},
           "unevaluatedProperties":false})",
       numbered("k")},
      {"elements that evaluate their own",
       R"({"contains":{"unevaluatedItems":false},"unevaluatedItems":false})",
       filled("[", "[]", "]")},
      {"1,000 [ and a $ref for each", R"({"items":{"$ref":"#"}})",
       filled("[", repeated(1'000, "[") + repeated(1'000, "]"), "]")},
      {"alternatives at each depth",
       R"({"anyOf":[{"type":"array","items":{"$ref":"#"}},{"type":"array","items":{"$ref":"#"}},
           {"type":"null"}]})",
       filled("[", repeated(500, "[", "", "1") + repeated(500, "]"), "]")},
      {"allOf of allOf, 2^10", doubling(10, "allOf", R"({"type":["object","array"]})"),
       numbered("k")},
      {"allOf of allOf, 2^16", doubling(16, "allOf", R"({"type":["object","array"]})"),
       numbered("k")},
      {"allOf of allOf, a walk each",
       doubling(13, "allOf", R"({"additionalProperties":{"type":"object"}})"), numbered("k")},
      {"allOf of allOf, a string each", doubling(13, "allOf", R"({"maxLength":999990})"),
       repeated(kSize / 2, "\xc3\xa9", "\"", "\"")},
      {"allOf of allOf, a pattern each", doubling(13, "allOf", R"({"pattern":"[ab]$"})"),
       repeated(kSize, "a", "\"", "\"")},
      {"anyOf of anyOf, a name looked up",
       doubling(13, "anyOf", R"({"dependentRequired":{"k1":["none"]}})"), numbered("k")},
      {"unique scalars", R"({"uniqueItems":true})", filled("[", "12345", "]")},
      {"unique arrays, inside each other", R"({"uniqueItems":true,"items":{"$ref":"#"}})",
       filled("[", repeated(500, "[1,") + "1" + repeated(500, "]"), "]")},
      {"an array of 1,000 depths, unique", R"({"uniqueItems":true,"items":{"$ref":"#"}})",
       repeated(1'000, "[1,") + filled("[", "{\"a\":1}", "]") + repeated(1'000, "]")},
      {"128 names required and none there",
       [] {
         std::string schema = R"({"items":{"required":[)";
         for (int i = 0; i < 128; ++i) schema += "\"n" + std::to_string(i) + "\",";
         schema.back() = ']';
         return schema + "}}";
       }(),
       filled("[", "{}", "]")},
      {"numbers of 1,000 digits", R"({"items":{"multipleOf":0.37,"minimum":1e-3}})",
       filled("[", std::string(1'000, '7'), "]")},
      {"exponents", R"({"items":{"multipleOf":0.37}})", filled("[", "1e999999999", "]")},
  };
  const auto names = [&all](std::string_view name, std::string_view format, std::string_view text) {
    all.push_back({std::string(name),
                   R"({"items":{"anyOf":[{"format":")" + std::string(format) + R"("},true]}})",
                   filled("[", "\"" + std::string(text) + "\"", "]")});
  };
  names("hosts of 31 A-labels", "hostname", repeated(31, "xn--9ca.", "", "de"));
  names("a long A-label each", "hostname", repeated(55, "9", "xn--", "ca.de"));
  names("hosts of 300 U-labels", "idn-hostname", repeated(300, "\xc3\xbc.", "", "de"));
  names("a U-label of 1,000 bytes each", "idn-hostname", repeated(500, "\xc3\xbc"));
  names("U-labels of 28 letters", "idn-hostname", repeated(28, "\xc3\xbc"));
  names("addresses at an A-label", "email", "info@xn--mnchen-3ya.de");
  names("what is no expression", "regex", "*");
  names("expressions that name groups", "regex",
        repeated(1, "(?<abc>a)", "", R"([a-z]{2,4}(?<b>x|y)\\k<b>$)"));
  {
    std::string text = "[";
    for (int i = 0; text.size() + 60 < kSize; ++i) {
      if (i > 0) text += ',';
      text += R"({"a":)" + std::to_string(i) + R"(,"b":[{"c":)" + std::to_string(i) + R"(}]})";
    }
    all.push_back({"unique objects", R"({"uniqueItems":true})", text + "]"});
  }
  for (const std::string& bomb : bombs) {
    for (const std::size_t length : {24, 60, 200, 5'000, 60'000}) {
      const std::string text = bomb.find("\\\\s+$") == 0 ? std::string(length, ' ') + "!"
                                                         : std::string(length, 'a') + "!";
      all.push_back({bomb + " on strings of " + std::to_string(length),
                     strings + bomb + "\"},true]}}", filled("[", "\"" + text + "\"", "]")});
    }
  }
  return all;
}

double seconds_of(const std::string& text, const json::SchemaProgram& program,
                  json::SchemaVerdict& verdict, bool& parsed) {
  static const auto parser = std::make_unique<core::JsonParser>();
  static const auto evaluator = std::make_unique<json::SchemaEvaluator>();
  core::JsonLimits limits;
  limits.size = 2U << 20;
  limits.depth = core::kMaxJsonDepth;
  limits.keys = 200'000;
  limits.string = limits.size;
  limits.array = 1'000'000;
  limits.number = core::JsonNumberMode::any;
  const auto start = Clock::now();
  const core::JsonDocument* document = parser->parse(text, limits);
  parsed = document != nullptr;
  if (parsed) verdict = evaluator->evaluate(program, *document, 0, 10);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

json::SchemaProgram compile(std::string_view schema) {
  json::SchemaRegistry registry(nullptr);
  auto file = std::make_shared<const json::SchemaFile>("schema", std::string(schema));
  const json::SchemaPlace root = registry.add(file, 0, "file:///schema", json::kLatestDraft);
  return json::compile_schema(registry, root, {}).program;
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (rounds < 1) return 2;
  const json::SchemaProgram order = compile(kOrderSchema);
  bool within = true;
  for (const Case& one : cases()) {
    const json::SchemaProgram program = compile(one.schema);
    const std::string ordinary = guard::bench::orders(one.body.size());
    std::vector<double> times;
    std::vector<double> ratios;
    json::SchemaVerdict verdict{};
    bool parsed = false;
    for (int i = 0; i < rounds; ++i) {
      json::SchemaVerdict valid{};
      bool good = false;
      const double base = seconds_of(ordinary, order, valid, good);
      if (!good || valid != json::SchemaVerdict::valid) return 2;
      times.push_back(seconds_of(one.body, program, verdict, parsed));
      ratios.push_back(times.back() / base);
    }
    constexpr std::array<const char*, 5> kNames = {"valid", "invalid", "pattern_limit", "limit",
                                                   "memory"};
    const double ratio = median(ratios);
    within = within && ratio <= kMost;
    std::printf("%-46s %9zu bytes %9.2f ms  x %7.2f  %s%s\n", one.name.c_str(), one.body.size(),
                median(times) * 1e3, ratio,
                parsed ? kNames[static_cast<std::size_t>(verdict)] : "not parsed",
                ratio <= kMost ? "" : "  TOO MUCH");
  }
  return within ? 0 : 1;
}
