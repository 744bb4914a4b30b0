#include "json/value.h"

#include <deque>
#include <string>
#include <vector>

#include "core/json_parser.h"
#include "json/schema_registry.h"
#include "unit.h"

using guard::json::equal_values;
using guard::json::hash_scalar;
using guard::json::hash_value;
using guard::json::SchemaFile;
using guard::unit::expect_text;

namespace {

constexpr guard::core::SipKey kKey{};

// Those of one line are equal, and nothing else is.
void classes_of_equals(void**) {
  const std::vector<std::vector<std::string>> classes = {
      {"null"},
      {"true", " true "},
      {"false"},
      {"0", "-0", "0.0", "-0e7", "0e-1000000000"},
      {"1", "1.0", "1e0", "100e-2", "0.01E+2", "1.000000000000000000000000000000"},
      {"-1", "-1.0"},
      {"10", "1e1"},
      {"9007199254740992", "9007199254740992.0"},
      {"9007199254740993"},
      {"123456789012345678901234567890", "12345678901234567890123456789e1"},
      {"1e400", "10e399"},
      {"1e-400"},
      {R"("")"},
      {R"("1")", R"("\u0031")"},
      {R"("é")", R"("\u00e9")"},
      {R"("e\u0301")"},
      {R"("\ud83d\ude00")", R"("😀")"},
      {"[]"},
      {"[[]]"},
      {"[[],[]]"},
      {"[1]", "[1.0]"},
      {"[1,2]", "[1.0,200e-2]"},
      {"[2,1]"},
      {"[[1],2]"},
      {"[[1,2]]"},
      {"{}"},
      {"[{}]"},
      {R"({"a":1})", R"({"\u0061":1e0})"},
      {R"({"a":2})"},
      {R"({"b":1})"},
      {R"({"a":1,"b":2})", R"({"b":2.0,"a":1})"},
      {R"({"a":2,"b":1})", R"({"b":1,"a":2})"},
      {R"({"a":{"a":1},"b":2})"},
      {R"({"a":{"a":1,"b":2}})", R"({"a":{"b":2,"a":1}})"},
      {R"([{"a":[{"x":null,"y":[1]}]}])", R"([{"a":[{"y":[1.0],"x":null}]}])"},
      {R"({"a":null})"},
      {R"({"a":false})"},
      {R"({"":[]})"},
  };
  struct One {
    One(const std::string& text, std::size_t of) : file(text, text), group(of) {}
    SchemaFile file;
    std::size_t group;
  };
  std::deque<One> all;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    for (const std::string& text : classes[i]) all.emplace_back(text, i);
  }
  for (const One& left : all) {
    for (const One& right : all) {
      const auto& a = left.file.document();
      const auto& b = right.file.document();
      const bool expected = left.group == right.group;
      if (equal_values(a, 0, b, 0) != expected ||
          (hash_value(a, 0, kKey) == hash_value(b, 0, kKey)) != expected) {
        expect_text(left.file.name(), right.file.name());
      }
      const bool scalars = !a.root().is_container() && !b.root().is_container();
      if (expected && scalars && a.root().type >= guard::core::JsonType::number) {
        assert_int_equal(hash_scalar(a, a.root()), hash_scalar(b, b.root()));
      }
    }
  }
}

// Where names may be repeated, as many of them are not as many members.
void repeated_names(void**) {
  guard::core::JsonLimits limits;
  limits.duplicates = true;
  guard::core::JsonParser parser;
  const auto* document = parser.parse(R"({"a":1,"a":1})", limits);
  assert_non_null(document);
  const SchemaFile value("value", R"({"a":1,"b":2})");
  assert_false(equal_values(*document, 0, value.document(), 0));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(classes_of_equals),
      cmocka_unit_test(repeated_names),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
