#include "core/json_escape.h"

#include <simdjson.h>

#include <array>

#include "core/utf8.h"
#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_text;
using namespace std::string_literals;

namespace {

std::string json(std::string_view text) {
  std::string out;
  core::append_json_string(out, text);
  return out;
}

void plain(void**) {
  expect_text(json(""), "\"\"");
  expect_text(json("abc"), "\"abc\"");
  expect_text(json("The quick brown fox jumps over it ~ {}[]/'"),
              "\"The quick brown fox jumps over it ~ {}[]/'\"");
  expect_text(json("Grüße, 世界 𝄞"), "\"Grüße, 世界 𝄞\"");
  std::string out = "{\"a\":";
  core::append_json_string(out, "b");
  expect_text(out, "{\"a\":\"b\"");
}

void escapes(void**) {
  expect_text(json("\"\\/"), R"("\"\\/")");
  expect_text(json("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  expect_text(json("\0\x01\x1f\x7f"s), R"("\u0000\u0001\u001f\u007f")");
  expect_text(json("\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0"), "\"\\u0080\\u0085\\u009f\xc2\xa0\"");
  expect_text(json("a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), "\"a\\u2028\\u2029\xe2\x80\xaa\"");
}

// Every byte that needs an escape, at every place of the eight-byte words of the fast path.
void every_place(void**) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool safe = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
    for (std::size_t at = 0; at < 17; ++at) {
      std::string text(17, 'x');
      text[at] = static_cast<char>(byte);
      const std::string out = json(text);
      assert_int_equal(out.size() == 19, safe);
      assert_true(out.starts_with("\"" + std::string(at, 'x')));
      assert_true(out.ends_with(std::string(16 - at, 'x') + "\""));
    }
  }
}

void ill_formed(void**) {
  const std::string bad = "\xef\xbf\xbd";
  const auto same = [&](std::string_view text, const std::string& inner) {
    expect_text(json(text), "\"" + inner + "\"");
  };
  same("\x80", bad);
  same("\xff\xfe", bad + bad);
  same("\xc3", bad);                      // cut off
  same("\xc3(", bad + "(");               // not a continuation
  same("\xc0\xaf", bad + bad);            // overlong '/'
  same("\xe0\x80\xaf", bad + bad + bad);  // overlong '/'
  same("\xed\xa0\x80", bad + bad + bad);  // a surrogate
  same("\xf4\x90\x80\x80", bad + bad + bad + bad);
  same("\xe4\xb8", bad);  // one maximal part
  same("\xf0\x9d\x84x", bad + "x");
  same("\xe4\xb8\xe4\xb8\x96", bad + "\xe4\xb8\x96");
  same("a\xc3\"b", "a" + bad + "\\\"b");  // the quote is not swallowed
}

void bounded(void**) {
  const std::string text = "ab\"\xe4\xb8\x96\x01z";
  const std::string whole = json(text);
  char out[64];
  for (std::size_t size = 0; size < sizeof out; ++size) {
    memset(out, '#', sizeof out);
    const std::size_t written = core::write_json_string(out, size, text);
    assert_true(written <= size);
    for (std::size_t i = written; i < sizeof out; ++i) assert_int_equal(out[i], '#');
    if (size < 2) {
      assert_int_equal(written, 0);
      continue;
    }
    const std::string_view got(out, written);
    assert_true(got.front() == '"' && got.back() == '"');
    assert_true(whole.starts_with(got.substr(0, written - 1)));
    if (size >= whole.size()) expect_text(got, whole);
    simdjson::dom::parser parser;
    assert_false(parser.parse(std::string(got)).error());
  }
  // Escapes are whole or not there.
  expect_text({out, core::write_json_string(out, 5, text)}, "\"ab\"");
  expect_text({out, core::write_json_string(out, 6, text)}, "\"ab\\\"\"");
}

// What is copied at once and what is not come to the same, whatever the size.
void alike(void**) {
  std::array<char, 256> out;
  for (std::size_t size = 0; size <= 40; ++size) {
    for (std::size_t at = 0; at <= size; ++at) {
      for (const char odd : {'x', '"', '\\', '\n', '\x1f', '\x7f', '\x80', '\xff'}) {
        std::string text(size, ' ');
        for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('A' + i);
        if (size > 28) text[28] = 'z';  // not the backslash
        if (at < size) text[at] = odd;
        bool whole = false;
        expect_text({out.data(), core::write_json_string(out.data(), out.size(), text, &whole)},
                    json(text));
        assert_true(whole);
      }
    }
  }
}

void decodes(void**) {
  // Against a second implementation: encode every scalar value and decode it again.
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    std::string text;
    if (c < 0x80) {
      text = {static_cast<char>(c)};
    } else if (c < 0x800) {
      text = {static_cast<char>(0xc0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3f))};
    } else if (c < 0x10000) {
      text = {static_cast<char>(0xe0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3f)),
              static_cast<char>(0x80 | (c & 0x3f))};
    } else {
      text = {static_cast<char>(0xf0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3f)),
              static_cast<char>(0x80 | ((c >> 6) & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
    }
    const core::Utf8Unit unit = core::decode_utf8(text);
    if (!unit.valid || unit.code_point != c) print_error("U+%04X\n", static_cast<unsigned>(c));
    assert_true(unit.valid && unit.code_point == c && unit.length == text.size());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(plain),      cmocka_unit_test(escapes), cmocka_unit_test(every_place),
      cmocka_unit_test(ill_formed), cmocka_unit_test(bounded), cmocka_unit_test(decodes),
      cmocka_unit_test(alike),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
