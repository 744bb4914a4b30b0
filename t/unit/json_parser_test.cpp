#include "core/json_parser.h"

#include <simdjson.h>

#include <memory>
#include <random>
#include <vector>

#include "unit.h"

namespace core = guard::core;
using core::JsonFault;
using core::JsonLimits;
using core::JsonNode;
using core::JsonType;
using guard::unit::expect_text;

namespace {

core::JsonParser& parser() {
  static core::JsonParser the_parser;
  return the_parser;
}

// The text ends where the memory ends, so that a sanitizer sees every read behind it.
const core::JsonDocument* parse(std::string_view text, const JsonLimits& limits = {}) {
  static std::unique_ptr<char[]> copy;
  copy.reset(new char[text.size()]);
  if (!text.empty()) std::memcpy(copy.get(), text.data(), text.size());
  return parser().parse({copy.get(), text.size()}, limits);
}

void expect_valid(std::string_view text, const JsonLimits& limits = {}) {
  if (parse(text, limits) == nullptr) {
    print_error("refused: %.*s: %.*s\n", static_cast<int>(text.size()), text.data(),
                static_cast<int>(parser().error().detail.size()), parser().error().detail.data());
    assert_true(false);
  }
}

void expect_fault(std::string_view text, JsonFault fault, std::size_t offset,
                  std::string_view pointer, std::string_view detail,
                  const JsonLimits& limits = {}) {
  if (parse(text, limits) != nullptr) {
    print_error("accepted: %.*s\n", static_cast<int>(text.size()), text.data());
    assert_true(false);
  }
  const core::JsonError& error = parser().error();
  expect_text(error.detail, detail);
  expect_text(core::name_of(error.fault), core::name_of(fault));
  expect_text(error.pointer, pointer);
  assert_int_equal(error.offset, offset);
}

// The document written again, without blanks, escapes only where they must be.
std::string written(const core::JsonDocument& document) {
  std::string out;
  std::vector<std::uint32_t> ends;
  const auto nodes = document.nodes();
  const auto close = [&](std::uint32_t at) {
    while (!ends.empty() && (ends.back() >> 1) == at) {
      out += (ends.back() & 1) != 0 ? '}' : ']';
      ends.pop_back();
    }
  };
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const JsonNode& node = nodes[i];
    close(i);
    const bool behind_key = i > 0 && nodes[i - 1].is_key();
    if (i > 0 && !behind_key && out.back() != '[' && out.back() != '{') out += ',';
    switch (node.type) {
      case JsonType::object:
      case JsonType::array:
        out += node.type == JsonType::object ? '{' : '[';
        ends.push_back(node.next << 1 | (node.type == JsonType::object ? 1 : 0));
        break;
      case JsonType::string:
        out += '"' + std::string(document.text(node)) + (node.is_key() ? "\":" : "\"");
        break;
      default:
        out += document.text(node);
        if (!node.is_key()) assert_int_equal(node.next, i + 1);
    }
  }
  close(static_cast<std::uint32_t>(nodes.size()));
  return out;
}

void builds_the_nodes(void**) {
  const core::JsonDocument* document = parse(" {\"a\" : [1,-2.5] ,\t\"b\":\"x\\ny\" }\r\n");
  assert_non_null(document);
  const auto nodes = document->nodes();
  assert_int_equal(nodes.size(), 7);
  assert_true(nodes[0].type == JsonType::object);
  assert_int_equal(nodes[0].size, 2);
  assert_int_equal(nodes[0].next, 7);
  assert_int_equal(nodes[0].offset, 1);
  assert_true(nodes[1].is_key());
  assert_int_equal(nodes[1].hash, core::json_key_hash("a"));
  assert_true(nodes[2].type == JsonType::array);
  assert_int_equal(nodes[2].size, 2);
  assert_int_equal(nodes[2].next, 5);
  assert_true(nodes[3].is_integer() && !nodes[3].is_negative());
  assert_true(!nodes[4].is_integer() && nodes[4].is_negative());
  expect_text(document->text(nodes[4]), "-2.5");
  expect_text(document->text(nodes[6]), "x\ny");
  assert_int_equal(nodes[6].next, 7);
  assert_true(document->member(nodes[0], "b", core::json_key_hash("b")) == &nodes[6]);
  assert_null(document->member(nodes[0], "c", core::json_key_hash("c")));
  assert_null(document->member(nodes[2], "b", core::json_key_hash("b")));
  assert_true(document->element(nodes[2], 1) == &nodes[4]);
  assert_null(document->element(nodes[2], 2));
  assert_null(document->element(nodes[0], 0));
}

void writes_back_what_it_read(void**) {
  for (const char* text :
       {"{}", "[]", "[[]]", "[{}]", "{\"a\":{}}", "[[],[],[[]]]", "null", "true", "false", "0",
        "\"\"", "\"x\"", "[null,true,false,0,\"\"]", "{\"\":{\"\":[{\"a\":1,\"b\":[2,3]},4]}}",
        "[1,[2,[3,[4,[5]]],6],7]", "{\"a\":[],\"b\":{},\"c\":[{}],\"d\":{\"e\":[]}}"}) {
    expect_valid(text);
    expect_text(written(*parse(text)), text);
  }
}

// Named after the cases of the usual suite of such lists, but written here.
void accepts_the_grammar(void**) {
  for (const char* text : {"[]",
                           " [ ] ",
                           "\t\n\r []",
                           "[0]",
                           "[-0]",
                           "[0.0]",
                           "[-0.0]",
                           "[1e5]",
                           "[1E+5]",
                           "[1e-5]",
                           "[0e0]",
                           "[0E+01]",
                           "[123.456e78]",
                           "[-1]",
                           "[1234567890]",
                           "[20e1]",
                           "[-123]",
                           "[0.1234567890123456789]",
                           "[1e22]",
                           "[123456789012345678901234567890]",
                           "[0.00000000000000000000000000000000000001]",
                           "\"a\"",
                           "0",
                           "-1.5e3",
                           "null",
                           " true ",
                           "false\n",
                           "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
                           "[\"\\u0060\\u012a\\u12AB\"]",
                           "[\"\\ud801\\udc37\"]",
                           "[\"\\uD834\\uDd1e\"]",
                           "[\"\\u0000\"]",
                           "[\"\\uFFFF\"]",
                           "[\"\xEF\xBF\xBF\"]",
                           "[\"\xF4\x8F\xBF\xBF\"]",
                           "[\"\x7F\"]",
                           "[\"\xE2\x80\xA8\"]",
                           "[\"\\\\u0000\"]",
                           "[\"a/*b*/c\"]",
                           "[\"new\\u000Aline\"]",
                           "{\"\":0}",
                           "{\"a\":{\"a\":1}}",
                           "{\"a\":[1,{\"b\":null}]}",
                           "[1,null,2]",
                           "[[[[[[[[]]]]]]]]",
                           "{\"\\u0061b\":1,\"ab \":2}",
                           "[\"\\ud83d\\ude00\xF0\x9F\x98\x80\"]"}) {
    expect_valid(text);
  }
}

void refuses_what_is_not_json(void**) {
  const auto bad = [](std::string_view text) {
    JsonLimits limits;
    limits.depth = core::kMaxJsonDepth;
    if (parse(text, limits) != nullptr) {
      print_error("accepted: %.*s\n", static_cast<int>(text.size()), text.data());
      assert_true(false);
    }
    const JsonFault fault = parser().error().fault;
    assert_true(fault == JsonFault::syntax || fault == JsonFault::encoding);
    assert_true(parser().error().offset <= text.size());
    assert_false(parser().error().detail.empty());
  };
  for (const char* text : {"",
                           " ",
                           "\n\t",
                           "[",
                           "]",
                           "{",
                           "}",
                           "[}",
                           "{]",
                           "[1",
                           "[1,",
                           "[1,]",
                           "[,1]",
                           "[,]",
                           "[1,,2]",
                           "[1 2]",
                           "[1]]",
                           "[1]x",
                           "[1],",
                           "[][]",
                           "{}{}",
                           "{} []",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\" 1}",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\":1,,\"b\":2}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\"::1}",
                           "{a:1}",
                           "{1:1}",
                           "{'a':1}",
                           "{\"a\":1",
                           "{\"a\":",
                           "{\"a\"",
                           "{\"a",
                           "{\"",
                           "{null:1}",
                           "{[]:1}",
                           "{\"a\",\"b\"}",
                           "{\"a\":1:2}",
                           "[\"a\":1]",
                           "[:]",
                           ":",
                           ",",
                           "1 2",
                           "1,2",
                           "\"a\" \"b\"",
                           "\"a\"b",
                           "\"a\"\"b\"",
                           "true\"a\"",
                           "1\"a\"",
                           "\"a\"1",
                           "[\"a\"true]",
                           "nul",
                           "nulll",
                           "Null",
                           "NULL",
                           "tru",
                           "truee",
                           "True",
                           "fals",
                           "falsee",
                           "[nul]",
                           "[tru e]",
                           "undefined",
                           "NaN",
                           "[NaN]",
                           "[Infinity]",
                           "[-Infinity]",
                           "[+1]",
                           "[01]",
                           "[-01]",
                           "[00]",
                           "[-]",
                           "[--1]",
                           "[1.]",
                           "[.1]",
                           "[-.1]",
                           "[1.e1]",
                           "[1e]",
                           "[1e+]",
                           "[1e-]",
                           "[1E]",
                           "[1ee1]",
                           "[1e1.5]",
                           "[1.2.3]",
                           "[0x1]",
                           "[1a]",
                           "[1_000]",
                           "[1,000]x",
                           "[- 1]",
                           "[1 .5]",
                           "[0e]",
                           "[0.e1]",
                           "[2.e+3]",
                           "[1+2]",
                           "[1-2]",
                           "[9.e+]",
                           "'a'",
                           "['a']",
                           "\"",
                           "[\"",
                           "[\"a",
                           "[\"a]",
                           "[\"\\\"]",
                           "[\"\\",
                           "[\"\\x41\"]",
                           "[\"\\a\"]",
                           "[\"\\u\"]",
                           "[\"\\u1\"]",
                           "[\"\\u12\"]",
                           "[\"\\u123\"]",
                           "[\"\\u123g\"]",
                           "[\"\\U0041\"]",
                           "[\"\\'\"]",
                           "[\"\\0\"]",
                           "[\"\\ \"]",
                           "[\"\\u-123\"]",
                           "[\"\\u 123\"]",
                           "[\"\\ud800\"]",
                           "[\"\\udc00\"]",
                           "[\"\\ud800\\n\"]",
                           "[\"\\ud800\\u0041\"]",
                           "[\"\\ud800\\ud800\"]",
                           "[\"\\udc00\\ud800\"]",
                           "[\"\\ud800\\u12\"]",
                           "[\"\\ud83d\\ude0\"]",
                           "{\"\\ud800\":1}",
                           "[\"a\nb\"]",
                           "[\"\t\"]",
                           "[\"\r\"]",
                           "[\"\x01\"]",
                           "[\"\x1f\"]",
                           "{\"a\tb\":1}",
                           "[1]//x",
                           "[1/*x*/]",
                           "/**/[1]",
                           "#\n[1]",
                           "[\x0c]",
                           "\x0c[1]",
                           "[1\x0b]",
                           "[1,\x0c 2]",
                           "[\x1a]",
                           "{\x0c}",
                           "[\"a\"\x0c]",
                           "\xC2\xA0[1]",
                           "[1]\xE2\x80\xA8",
                           "\xE2\x81\xA0[]",
                           "\xEF\xBB\xBF",
                           "\xEF\xBB\xBF{}",
                           "[\xEF\xBB\xBF]",
                           "[\xC3\xA5]",
                           "\xC3\xA5",
                           "[\"\xFF\"]",
                           "[\"\x80\"]",
                           "[\"\xC0\x80\"]",
                           "[\"\xC1\xBF\"]",
                           "[\"\xE0\x80\x80\"]",
                           "[\"\xED\xA0\x80\"]",
                           "[\"\xF4\x90\x80\x80\"]",
                           "[\"\xF5\x80\x80\x80\"]",
                           "[\"\xC3\"]",
                           "[\"\xE2\x82\"]",
                           "[\"\xF0\x9F\x98\"]",
                           "[\"\xC3",
                           "\xFF\xFE[",
                           "\xFE\xFF",
                           "{\"a\xFF\":1}",
                           "[1]\xFF",
                           "[\xFF]",
                           "\xFF",
                           "<x>",
                           "{\"a\":\"b\"]",
                           "[\"b\"}",
                           "\\",
                           "[\\n]",
                           "[\\\"a\"]",
                           "[1,\n\"\\",
                           "*",
                           "{\"b\":[}",
                           "[{]",
                           "abc",
                           "[\"a\",\n4\n,1,",
                           "[][]]",
                           "{\"a\":[1,2}",
                           "@",
                           "[\"\\uD800\\uD800\\n\"]",
                           "[\"\\{[\"\\{[\"\\{[\"\\{",
                           "[1]\\",
                           "\"\\uD8\"",
                           "[\"\\\xE5\"]"}) {
    bad(text);
  }
  using namespace std::string_view_literals;
  for (std::string_view text :
       {"\0"sv, "[\0]"sv, "[1]\0"sv, "[\"a\0b\"]"sv, "{\"a\":1}\0\0"sv, "[1\0]"sv, "\0[1]"sv,
        "[\0001]"sv, "{\0\"a\0\"\0:\0001\0}\0"sv, "\0{\0\"\0a\0\"\0:\0001\0}"sv, "1\0"sv,
        "\0\0\0["sv, "[\0\0\0]\0\0\0"sv, "\xFF\xFE[\0]\0"sv, "\"\0\""sv, "tru\0"sv}) {
    bad(text);
  }
}

void says_what_and_where(void**) {
  using namespace std::string_view_literals;
  const JsonFault syntax = JsonFault::syntax;
  const JsonFault encoding = JsonFault::encoding;
  expect_fault("", syntax, 0, "", "the body is empty");
  expect_fault(" \n ", syntax, 3, "", "the body holds only blanks");
  expect_fault("{\"a\":[1,x]}", syntax, 8, "/a/1", "expected a value");
  expect_fault("{\"a\":[1,2", syntax, 9, "/a/1", "the body ends before its JSON value does");
  expect_fault("{\"a\":[1,", syntax, 8, "/a/1", "the body ends before its JSON value does");
  expect_fault("{\"a\":", syntax, 5, "/a", "the body ends before its JSON value does");
  expect_fault("{\"a\":1,", syntax, 7, "", "the body ends before its JSON value does");
  expect_fault("[1] 2", syntax, 4, "", "there is data behind the JSON value");
  expect_fault("[1 2]", syntax, 3, "/0", "expected a comma or a closing bracket");
  expect_fault("{\"a\":1 2}", syntax, 7, "/a", "expected a comma or a closing brace");
  expect_fault("{\"a\" 2}", syntax, 5, "/a", "expected a colon behind a member name");
  expect_fault("{\"x\":{a:1}}", syntax, 6, "/x", "expected a member name in double quotes");
  expect_fault("[true,trux]", syntax, 6, "/1", "invalid literal");
  expect_fault("[1,01]", syntax, 3, "/1", "invalid number");
  expect_fault("{\"a\":\"\\x\"}", syntax, 6, "/a", "invalid escape in a string");
  expect_fault("{\"a\":\"b\\ud800c\"}", encoding, 7, "/a",
               "an escape stands for half a surrogate pair");
  expect_fault("{\"x\":{\"a\\u0000\":1}}", syntax, 6, "/x", "a member name contains U+0000");
  expect_fault("{\"a\":[1,\"b\nc\"]}", syntax, 10, "/a/1",
               "a string holds a raw control character");
  expect_fault("{\"a\":[1,\"b", syntax, 8, "/a/1", "a string is not closed");
  expect_fault("{\"a\":[1,\"b\xFF\"]}", encoding, 10, "/a/1", "the body is not valid UTF-8");
  expect_fault("{\"a\":1}\xFF", encoding, 7, "", "the body is not valid UTF-8");
  expect_fault("\xEF\xBB\xBF{}", encoding, 0, "", "the body begins with a byte order mark");
  expect_fault("{\0\"\0a\0"sv, encoding, 0, "", "the body is UTF-16 or UTF-32, not UTF-8");
  expect_fault("\0{\0\"\0a"sv, encoding, 0, "", "the body is UTF-16 or UTF-32, not UTF-8");
  // What comes first in the text is what is reported.
  expect_fault("[1,x,\"\xFF\"]", syntax, 3, "/1", "expected a value");
  expect_fault("[\"\xFF\",x]", encoding, 2, "/0", "the body is not valid UTF-8");
  expect_fault("[x,\"a\nb\"]", syntax, 1, "/0", "expected a value");
  // A pointer holds names escaped and unescaped as RFC 6901 and JSON want them.
  expect_fault("{\"a/b~c\":{\"\\u00e9\":[[0,1,!]]}}", syntax, 25, "/a~1b~0c/\xC3\xA9/0/2",
               "expected a value");
  // Too long a pointer names a container above.
  const std::string name(300, 'n');
  expect_fault("{\"a\":{\"" + name + "\":!}}", syntax, 309, "/a", "expected a value");
}

void limits_the_size(void**) {
  JsonLimits limits;
  limits.size = 10;
  expect_valid("[1,2,3,45]", limits);
  expect_fault("[1,2,3,456]", JsonFault::size, 10, "", "the body is too large", limits);
}

void limits_the_depth(void**) {
  JsonLimits limits;
  limits.depth = 3;
  expect_valid("[[[1]]]", limits);
  expect_valid("[[[]],{\"a\":{}}]", limits);
  expect_fault("[[[[]]]]", JsonFault::depth, 3, "/0/0/0", "containers are nested too deeply",
               limits);
  expect_fault("{\"a\":{\"b\":[{\"c\":1}]}}", JsonFault::depth, 11, "/a/b/0",
               "containers are nested too deeply", limits);
  limits.depth = core::kMaxJsonDepth;
  const std::string open(core::kMaxJsonDepth, '[');
  const std::string close(core::kMaxJsonDepth, ']');
  expect_valid(open + close, limits);
  assert_null(parse(open + "[" + close, limits));
  assert_true(parser().error().fault == JsonFault::depth);
  assert_null(parse(std::string(1'000'000, '['), limits));
  assert_true(parser().error().fault == JsonFault::depth);
  assert_int_equal(parser().error().offset, core::kMaxJsonDepth);
}

void limits_the_keys_of_all_objects(void**) {
  JsonLimits limits;
  limits.keys = 3;
  expect_valid("{\"a\":1,\"b\":{\"a\":2}}", limits);
  expect_valid("[{\"a\":1},{\"a\":1},{\"a\":1}]", limits);
  expect_fault("[{\"a\":1},{\"a\":1},{\"a\":1},{\"a\":1}]", JsonFault::keys, 26, "/3",
               "objects have too many members", limits);
  expect_fault("{\"a\":1,\"b\":{\"a\":2,\"c\":3}}", JsonFault::keys, 18, "/b",
               "objects have too many members", limits);
  // Of members that have not ended there are fewer tokens than of others.
  expect_fault("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":1}}}}}", JsonFault::keys, 16, "/a/b/c",
               "objects have too many members", limits);
}

void limits_strings_by_their_unescaped_bytes(void**) {
  JsonLimits limits;
  limits.string = 4;
  expect_valid("[\"abcd\",\"\\u0061\\u0062\\u0063\\u0064\",\"\xC3\xA9\xC3\xA9\"]", limits);
  expect_valid("{\"abcd\":\"\\ud83d\\ude00\"}", limits);
  expect_fault("[\"abcde\"]", JsonFault::string, 1, "/0", "a string is too long", limits);
  expect_fault("[1,\"abcd\\n\"]", JsonFault::string, 3, "/1", "a string is too long", limits);
  expect_fault("{\"x\":{\"abcde\":1}}", JsonFault::string, 6, "/x", "a string is too long", limits);
  expect_fault("{\"abcd\\u00e9\":1}", JsonFault::string, 1, "", "a string is too long", limits);
  // Wherever it stands behind others.
  expect_valid("[\"ab\",\"abc\",\"abcd\",\"a\",\"\",\"abcd\",\"\\n\",\"abcd\"]", limits);
  expect_fault("[\"ab\",\"abc\",\"abcde\"]", JsonFault::string, 12, "/2", "a string is too long",
               limits);
  expect_fault("[\"\\n\",\"ab\",\"abcde\"]", JsonFault::string, 11, "/2", "a string is too long",
               limits);
}

void limits_arrays(void**) {
  JsonLimits limits;
  limits.array = 3;
  expect_valid("[1,[1,2,3],3]", limits);
  expect_fault("[1,2,3,4]", JsonFault::array, 6, "", "an array has too many elements", limits);
  expect_fault("{\"a\":[[],[],[],[]]}", JsonFault::array, 14, "/a",
               "an array has too many elements", limits);
}

void limits_numbers(void**) {
  using Mode = core::JsonNumberMode;
  const auto fits = [](std::string_view number, Mode mode) {
    JsonLimits limits;
    limits.number = mode;
    const std::string text = "[" + std::string(number) + "]";
    if (parse(text, limits) != nullptr) return true;
    assert_true(parser().error().fault == JsonFault::number);
    expect_text(parser().error().pointer, "/0");
    return false;
  };
  const auto check = [&](std::string_view number, bool double_, bool int64, bool any) {
    if (fits(number, Mode::double_) != double_ || fits(number, Mode::int64) != int64 ||
        fits(number, Mode::any) != any) {
      print_error("%.*s\n", static_cast<int>(number.size()), number.data());
      assert_true(false);
    }
  };
  check("0", true, true, true);
  check("9223372036854775807", true, true, true);
  check("-9223372036854775808", true, true, true);
  check("9223372036854775808", true, false, true);
  check("-9223372036854775809", true, false, true);
  check("18446744073709551616", true, false, true);
  check("1e308", true, true, true);
  check("1.7976931348623157e308", true, true, true);
  check("1.7976931348623158e308", true, true, true);  // rounds to the largest double
  check("1.7976931348623159e308", false, false, true);
  check("-1.7976931348623159e308", false, false, true);
  check("17976931348623158e292", true, true, true);
  check("0.000017976931348623159e313", false, false, true);
  check("1e309", false, false, true);
  check("1e400", false, false, true);
  check("-1E+400", false, false, true);
  check("0e400", true, true, true);
  check("0.000e99999", true, true, true);
  check("1e-400", true, true, true);
  check("1e1000000000", false, false, true);
  check("1e1000000001", false, false, false);
  check("1e-1000000001", false, false, false);
  check("1e99999999999999999999999999", false, false, false);
  check(std::string(309, '1'), true, false, true);
  check("2" + std::string(308, '0'), false, false, true);
  check(std::string(310, '1'), false, false, true);
  check("0." + std::string(998, '3'), true, true, true);
  check("0." + std::string(999, '3'), false, false, false);
}

void tells_keys_apart(void**) {
  const std::string_view same = "an object has two members of the same name";
  expect_fault("{\"a\":1,\"a\":2}", JsonFault::duplicate_key, 7, "/a", same);
  expect_fault("[{},{\"a\":{\"b\":1,\"c\":2,\"b\":3}}]", JsonFault::duplicate_key, 22, "/1/a/b",
               same);
  expect_fault("{\"ab\":1,\"\\u0061b\":2}", JsonFault::duplicate_key, 0, "/ab", same);
  expect_fault("{\"\":1,\"\":2}", JsonFault::duplicate_key, 6, "/", same);
  expect_valid("{\"a\":1,\"b\":{\"a\":2},\"c\":[{\"a\":3}]}");
  expect_valid("{\"a\":1,\"A\":2,\"a \":3,\"\":4,\"aa\":5}");
  // NFC and NFD are different names.
  expect_valid("{\"\xC3\xA9\":1,\"e\xCC\x81\":2}");
  JsonLimits allowing;
  allowing.duplicates = true;
  expect_valid("{\"a\":1,\"a\":2}", allowing);
  const core::JsonDocument* document = parse("{\"a\":1,\"a\":2}", allowing);
  expect_text(document->text(*document->member(document->root(), "a", core::json_key_hash("a"))),
              "2");
}

void tells_many_keys_apart(void**) {
  for (int count : {1, 2, 15, 16, 17, 18, 64, 65, 1000, 9999}) {
    for (int repeated : {-1, 0, count / 2, count - 1}) {
      std::string text = "{";
      for (int i = 0; i < count; ++i) text += "\"key number " + std::to_string(i) + "\":{},";
      const std::size_t offset = text.size();
      text += "\"key number " + std::to_string(repeated) + "\":[]}";
      if (repeated < 0) {
        expect_valid(text);
        assert_int_equal(parse(text)->root().size, count + 1);
      } else {
        expect_fault(text, JsonFault::duplicate_key, offset,
                     "/key number " + std::to_string(repeated),
                     "an object has two members of the same name");
      }
    }
  }
}

// Names whose json_key_hash is the same, found by turning the function around: with 16 bytes, b can
// make up for any a.
std::string colliding_name(std::uint64_t a) {
  constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15U;
  std::string name(16, '\0');
  const std::uint64_t b = (a + 16) * kFirst ^ 0x1234567812345678U;
  std::memcpy(name.data(), &a, 8);
  std::memcpy(name.data() + 8, &b, 8);
  return name;
}

std::string as_key(const std::string& name) {
  std::string text = "\"";
  for (unsigned char c : name) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\u%04x", c);
    text += buffer;
  }
  return text + '"';
}

void survives_colliding_keys(void**) {
  std::mt19937_64 random(1);
  std::string text = "{";
  std::uint32_t hash = 0;
  int count = 0;
  while (count < 3000) {
    const std::string name = colliding_name(random() & 0x7F7F7F7F7F7F7F7FU);
    bool ascii = true;  // so that every byte can be written as an escape
    for (unsigned char c : name) ascii = ascii && c != 0 && c < 0x80;
    if (!ascii) continue;
    if (count == 0) hash = core::json_key_hash(name);
    assert_int_equal(core::json_key_hash(name), hash);
    text += as_key(name) + ":0,";
    ++count;
  }
  expect_valid(text + "\"last\":0}");
  const std::string first = text.substr(1, 16 * 6 + 2);
  assert_null(parse(text + first + ":1}"));
  assert_true(parser().error().fault == JsonFault::duplicate_key);
}

void gives_memory_back(void**) {
  core::JsonParser mine;
  JsonLimits limits;
  limits.size = core::kMaxJsonSize;
  limits.array = 100'000'000;
  std::string text = "[\"\\n\"";
  while (text.size() < 8'000'000) text += ",1";
  text += "]";
  assert_non_null(mine.parse(text, limits));
  const std::size_t large = mine.memory();
  assert_true(large > 8'000'000);
  assert_non_null(mine.parse("[\"\\n\"]", limits));
  assert_true(mine.memory() < large / 100);
  const std::size_t small = mine.memory();
  for (int i = 0; i < 100; ++i) assert_non_null(mine.parse("[\"\\n\",1,2,3,{\"a\":null}]", limits));
  assert_int_equal(mine.memory(), small);
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string document() {
    std::string text;
    value(text, 0);
    return text;
  }

  std::string mutated(std::string text) {
    static constexpr std::string_view kBytes =
        "{}[]:,\"\\0123456789-+.eEtruefalsn \n\t\x01\x80\xC3\xFF";
    for (std::size_t n = 1 + pick(3); n > 0 && !text.empty(); --n) {
      const std::size_t at = pick(text.size());
      switch (pick(3)) {
        case 0:
          text[at] = kBytes[pick(kBytes.size())];
          break;
        case 1:
          text.erase(at, 1 + pick(3));
          break;
        default:
          text.insert(at, 1, kBytes[pick(kBytes.size())]);
      }
    }
    return text;
  }

 private:
  std::size_t pick(std::size_t bound) { return random_() % bound; }
  void blank(std::string& text) {
    if (pick(4) == 0) text.append(pick(4), " \n\t\r"[pick(4)]);
  }
  void string(std::string& text) {
    static constexpr std::string_view kParts[] = {
        "a",    "bc",      "\xC3\xA9",       "\\n", "\\\"",
        "\\\\", "\\u0041", "\\ud83d\\ude00", "/",   "\xF0\x9F\x98\x80"};
    text += '"';
    for (std::size_t n = pick(20); n > 0; --n) text += kParts[pick(pick(2) == 0 ? 3 : 10)];
    text += '"';
  }
  void value(std::string& text, int depth) {
    static constexpr std::string_view kScalars[] = {
        "null", "true",     "false",         "0",          "-1", "12.5",
        "1e3",  "-0.25E-2", "1234567890123", "99999.99999"};
    blank(text);
    const std::size_t kind = pick(depth > 6 ? 2 : 4);
    if (kind == 0) {
      text += kScalars[pick(10)];
    } else if (kind == 1) {
      string(text);
    } else {
      const bool object = kind == 2;
      text += object ? '{' : '[';
      const std::size_t count = pick(5);
      for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text += ',';
        blank(text);
        if (object) {
          string(text);
          blank(text);
          text += ':';
        }
        value(text, depth + 1);
      }
      blank(text);
      text += object ? '}' : ']';
    }
    blank(text);
  }

  std::mt19937_64 random_;
};

// On what both define alike, simdjson's DOM and the strict parser agree about random texts.
void agrees_with_simdjson(void**) {
  simdjson::dom::parser peer;
  JsonLimits loose;
  loose.duplicates = true;
  loose.number = core::JsonNumberMode::any;
  int valid = 0;
  int invalid = 0;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    Generator generator(seed);
    std::string text = generator.document();
    if (seed % 3 != 0) text = generator.mutated(text);
    simdjson::dom::element root;
    const auto theirs = peer.parse(text).get(root);
    const core::JsonDocument* ours = parse(text, loose);
    if (theirs == simdjson::NUMBER_ERROR && ours != nullptr) continue;  // 2^64, 1e400
    if ((theirs == simdjson::SUCCESS) != (ours != nullptr)) {
      const bool strict = theirs == simdjson::SUCCESS && (text.find("\\u") != std::string::npos ||
                                                          text.find('\0') != std::string::npos);
      if (!strict) {
        print_error("simdjson %d, ours %d: %s\n", theirs == simdjson::SUCCESS, ours != nullptr,
                    text.c_str());
        assert_true(false);
      }
      continue;
    }
    ++(ours != nullptr ? valid : invalid);
    if (ours == nullptr) continue;
    // The same strings in the same order.
    std::string our_text;
    for (const JsonNode& node : ours->nodes()) {
      if (node.type == JsonType::string) our_text.append(ours->text(node)) += '\n';
    }
    std::string their_text;
    const auto walk = [&](auto&& self, simdjson::dom::element element) -> void {
      if (element.is_string()) {
        their_text.append(std::string_view(element.get_string())) += '\n';
      } else if (element.is_array()) {
        for (simdjson::dom::element child : simdjson::dom::array(element)) self(self, child);
      } else if (element.is_object()) {
        for (auto [key, child] : simdjson::dom::object(element)) {
          their_text.append(key) += '\n';
          self(self, child);
        }
      }
    };
    walk(walk, root);
    expect_text(our_text, their_text);
  }
  assert_true(valid > 2000);
  assert_true(invalid > 1000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(builds_the_nodes),
      cmocka_unit_test(writes_back_what_it_read),
      cmocka_unit_test(accepts_the_grammar),
      cmocka_unit_test(refuses_what_is_not_json),
      cmocka_unit_test(says_what_and_where),
      cmocka_unit_test(limits_the_size),
      cmocka_unit_test(limits_the_depth),
      cmocka_unit_test(limits_the_keys_of_all_objects),
      cmocka_unit_test(limits_strings_by_their_unescaped_bytes),
      cmocka_unit_test(limits_arrays),
      cmocka_unit_test(limits_numbers),
      cmocka_unit_test(tells_keys_apart),
      cmocka_unit_test(tells_many_keys_apart),
      cmocka_unit_test(survives_colliding_keys),
      cmocka_unit_test(gives_memory_back),
      cmocka_unit_test(agrees_with_simdjson),
  };
  return cmocka_run_group_tests_name("json_parser", tests, nullptr, nullptr);
}
