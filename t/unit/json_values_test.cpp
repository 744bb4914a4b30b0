// The parts of JSON on their own: pointers, numbers, strings, the hash of names.
#include <set>

#include "core/json_number.h"
#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/json_string.h"
#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

// The document of RFC 6901, section 5.
constexpr std::string_view kExample =
    R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})";

std::string found(std::string_view pointer, std::string_view text = kExample) {
  static core::JsonParser parser;
  core::JsonLimits limits;
  limits.duplicates = true;
  const core::JsonDocument* document = parser.parse(text, limits);
  assert_non_null(document);
  const core::JsonNode* node = core::JsonPointer(pointer).find(*document);
  if (node == nullptr) return "nothing";
  const auto scalar = document->scalar(*node);
  return scalar ? std::string(*scalar) : "container of " + std::to_string(node->size);
}

void pointers_of_the_rfc(void**) {
  expect_text(found(""), "container of 10");
  expect_text(found("/foo"), "container of 2");
  expect_text(found("/foo/0"), "bar");
  expect_text(found("/"), "0");
  expect_text(found("/a~1b"), "1");
  expect_text(found("/c%d"), "2");
  expect_text(found("/e^f"), "3");
  expect_text(found("/g|h"), "4");
  expect_text(found("/i\\j"), "5");
  expect_text(found("/k\"l"), "6");
  expect_text(found("/ "), "7");
  expect_text(found("/m~0n"), "8");
}

void pointers_that_find_nothing(void**) {
  for (const char* pointer :
       {"/foo/2", "/foo/00", "/foo/-", "/foo/-1", "/foo/ 0", "/foo/0 ", "/foo/4294967296", "/foo/",
        "/foo/0/0", "/bar", "//", "/FOO", "/fo", "/foo/0x0", "/foo/1e0"}) {
    expect_text(found(pointer), "nothing");
  }
}

void pointers_to_scalars(void**) {
  constexpr std::string_view text =
      R"({"a":{"b":[1,{"c":"d\u00e9"}]},"t":true,"f":false,"n":null,"x":-1.50e3,"twice":1,"twice":2})";
  expect_text(found("/a/b/1/c", text), "d\xC3\xA9");
  expect_text(found("/t", text), "true");
  expect_text(found("/f", text), "false");
  expect_text(found("/n", text), "");
  expect_text(found("/x", text), "-1.50e3");
  expect_text(found("/twice", text), "2");
  expect_text(found("", "\"alone\""), "alone");
  expect_text(found("/0", "[[]]"), "container of 0");
}

void pointers_that_are_none(void**) {
  expect_error([] { core::JsonPointer("foo"); },
               "invalid JSON Pointer \"foo\": it must begin with \"/\"");
  expect_error([] { core::JsonPointer("#/foo"); },
               "invalid JSON Pointer \"#/foo\": it must begin with \"/\"");
  for (const char* pointer : {"/a~", "/a~2b", "/~/b", "/~~0"}) {
    expect_error([&] { core::JsonPointer{pointer}; },
                 std::string("invalid JSON Pointer \"") + pointer +
                     "\": \"~\" must be written as \"~0\", \"/\" as \"~1\"");
  }
}

void pointer_tokens(void**) {
  char room[8];
  std::size_t size = 0;
  assert_true(core::append_pointer_token(room, size, sizeof room, "a/"));
  expect_text({room, size}, "/a~1");
  assert_true(core::append_pointer_token(room, size, sizeof room, "~b"));
  expect_text({room, size}, "/a~1/~0b");
  assert_false(core::append_pointer_token(room, size, sizeof room, ""));
  size = 5;
  assert_false(core::append_pointer_token(room, size, sizeof room, "a~"));
  assert_int_equal(size, 5);
}

void numbers_in_parts(void**) {
  core::JsonNumber number;
  assert_true(core::parse_json_number("-12.034E-0056", number));
  assert_true(number.negative && number.exponent_negative && !number.is_integer());
  expect_text(number.integer, "12");
  expect_text(number.fraction, "034");
  expect_text(number.exponent, "0056");
  assert_true(core::parse_json_number("0", number));
  assert_true(number.is_integer() && !number.negative);
  for (const char* bad :
       {"", "-", "01", "1.", ".1", "1e", "1e+", "+1", "1 ", " 1", "1x", "--1", "-01"}) {
    assert_false(core::parse_json_number(bad, number));
  }
}

void strings_unescaped(void**) {
  char room[64];
  const auto result = [&](std::string_view raw) { return core::unescape_json(raw, room); };
  core::Unescaped text = result(R"(a\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\uD83D\uDE00z)");
  assert_true(text.fault == core::UnescapeFault::none && !text.has_nul);
  expect_text({room, text.size}, "a\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
  text = result(R"(a\u0000b)");
  assert_true(text.has_nul && text.size == 3);
  text = result(R"(abc\x)");
  assert_true(text.fault == core::UnescapeFault::invalid && text.offset == 3);
  text = result(R"(\ud800\u0020)");
  assert_true(text.fault == core::UnescapeFault::surrogate && text.offset == 0);
  text = result(R"(\n\udfff)");
  assert_true(text.fault == core::UnescapeFault::surrogate && text.offset == 2);
}

void utf8_is_searched_for_faults(void**) {
  assert_int_equal(core::find_invalid_utf8("a\xC3\xA9\xF0\x9F\x98\x80"), std::string_view::npos);
  assert_int_equal(core::find_invalid_utf8("a\xC3\xA9\xED\xA0\x80"), 3);
  assert_int_equal(core::find_invalid_utf8("a\xC3"), 1);
}

void hashes_of_names_differ(void**) {
  std::set<std::uint32_t> hashes;
  std::set<std::uint32_t> low;
  std::size_t count = 0;
  for (const char* form :
       {"%d", "k%d", "item%d", "property%d", "a rather long name %d", "%d suffix"}) {
    for (int i = 0; i < 2000; ++i) {
      char name[64];
      std::snprintf(name, sizeof name, form, i);
      hashes.insert(core::json_key_hash(name));
      low.insert(core::json_key_hash(name) & 0xFFF);
      ++count;
    }
  }
  assert_true(hashes.size() + 3 >= count);
  assert_true(low.size() > 3500);  // of 4096: what a hash table sees
  assert_true(core::json_key_hash("") != core::json_key_hash(std::string_view("\0", 1)));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(pointers_of_the_rfc),    cmocka_unit_test(pointers_that_find_nothing),
      cmocka_unit_test(pointers_to_scalars),    cmocka_unit_test(pointers_that_are_none),
      cmocka_unit_test(pointer_tokens),         cmocka_unit_test(numbers_in_parts),
      cmocka_unit_test(strings_unescaped),      cmocka_unit_test(utf8_is_searched_for_faults),
      cmocka_unit_test(hashes_of_names_differ),
  };
  return cmocka_run_group_tests_name("json_values", tests, nullptr, nullptr);
}
