// Transformations, one by one; what each does is ModSecurity's.
#include "core/ascii.h"
#include "inspect/transformation.h"

#include <string>

#include "unit.h"

namespace {

using namespace guard::inspect;
using T = Transformation;

void becomes(T transformation, std::string_view in, std::string_view wanted) {
  std::string out(transformed_size(in.size()), '#');
  bool changed = false;
  const std::string_view made = transform(transformation, in, out.data(), changed);
  if (made != wanted) {
    print_error("%.*s became %.*s\n", static_cast<int>(in.size()), in.data(),
                static_cast<int>(made.size()), made.data());
  }
  assert_true(made == wanted);
  assert_true(changed == (in != wanted));
  // What has none of the bytes that trigger it stays as it is, but for its case.
  if (triggers(transformation) != trait::kAny &&
      (triggers(transformation) & byte_traits(in)) == 0) {
    assert_true(guard::core::equal_without_case(in, made));
  }
  assert_int_equal(byte_traits(made) & trait::kBytes & ~(byte_traits(in) | trait::kLetter) &
                       ~creates(transformation),
                   0);
  assert_true(in.size() >= least_before(transformation, made.size()));
}

using namespace std::literals;

void decodes_urls(void**) {
  becomes(T::url_decode, "a%41+b%4", "aA b%4");
  becomes(T::url_decode, "%zz%", "%zz%");
  becomes(T::url_decode_uni, "%u0041%uff1c%u00e9%u4e2d%u12", "A<e-%u12");
  becomes(T::url_decode_uni, "%%41%2", "%A%2");
  becomes(T::url_encode, "a b*/", "a+b*%2f");
}

void decodes_entities(void**) {
  becomes(T::html_entity_decode, "&lt;&GT;&amp;quot;&#65;&#x42&#x;&foo;&", "<>&quot;AB&#x;&foo;&");
  becomes(T::html_entity_decode, "&#99999999999999999999;", "\xff");
}

void decodes_escapes(void**) {
  becomes(T::js_decode, "\\x41\\u0042\\uff23\\103\\777\\n\\'\\", "ABCC?7\n'\\");
  becomes(T::css_decode, "\\41 b\\000043\\\n\\g\\", "AbCg");
  becomes(T::escape_seq_decode, "\\x41\\101\\n\\q", "AA\nq");
  becomes(T::sql_hex_decode, "0x414243z0x4", "ABCz0x4");
  becomes(T::sql_hex_decode, "0X41 0x42", "A B");
  becomes(T::sql_hex_decode, "0x410x42", "A0x42");
  becomes(T::hex_decode, "41426", "AB");
  becomes(T::hex_decode, "\xc3\xa9", "\x12");
  becomes(T::hex_encode, "AB", "4142");
}

void decodes_utf8(void**) {
  becomes(T::utf8_to_unicode, "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", "a%u00e9%u4e2d%u1f600");
  becomes(T::utf8_to_unicode, "\xf4\x8f\xbf\xbf", "%u10ffff");
  becomes(T::utf8_to_unicode, "\xc3(", "(");
  becomes(T::utf8_to_unicode, "\xc0\xbc", "%u003c\xc0");
  becomes(T::utf8_to_unicode, "a\0b\0"sv, "ab");
}

void squeezes(void**) {
  becomes(T::cmd_line, "C^M\"D  ,; /c (X)", "cmd/c(x)");
  becomes(T::compress_whitespace, "a \t\nb", "a b");
  becomes(T::remove_whitespace,
          "a \t\xa0"
          "b",
          "ab");
  becomes(T::remove_nulls, "a\0b"sv, "ab");
  becomes(T::replace_nulls, "a\0b"sv, "a b");
  becomes(T::trim, "  a b ", "a b");
  becomes(T::trim_left, "  a ", "a ");
  becomes(T::trim_right, " a  ", " a");
  becomes(T::lowercase, "AbC\xc9", "abc\xc9");
  becomes(T::uppercase, "AbC", "ABC");
}

void normalizes_paths(void**) {
  becomes(T::normalize_path, "/a/../b//c/./d/", "/b/c/d/");
  becomes(T::normalize_path, "../../a", "../../a");
  becomes(T::normalize_path, "/../../etc", "/etc");
  becomes(T::normalize_path, "a/b/..", "a");
  becomes(T::normalize_path_win, "\\a\\..\\b", "/b");
  becomes(T::normalize_path, "", "");
}

void takes_comments_out(void**) {
  becomes(T::replace_comments, "a/*b*/c/*d", "a c ");
  becomes(T::remove_comments_char, "a/*b*/c<!--d-->#", "abcd");
  becomes(T::remove_comments, "a/* b */cd--e", "acd");
}

void sums_up(void**) {
  becomes(T::length, "abcd", "4");
  becomes(T::base64_decode, "YWJj", "abc");
  becomes(T::base64_decode, "\r\nYW Jj=YWJj", "abc");
  becomes(T::base64_decode_ext, "YW Jj", "abc");
  becomes(T::base64_decode_ext, "YW=Jj==", "abc");
  becomes(T::base64_decode_ext, "YWJjY==", "");
  becomes(T::base64_decode_ext, "Y=WJj", "");
  becomes(T::base64_encode, "abc", "YWJj");
  std::string out(256, '\0');
  bool changed = false;
  assert_int_equal(transform(T::sha1, "a", out.data(), changed).size(), 20);
  assert_int_equal(transform(T::md5, "a", out.data(), changed).size(), 16);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(decodes_urls),       cmocka_unit_test(decodes_entities),
      cmocka_unit_test(decodes_escapes),    cmocka_unit_test(decodes_utf8),
      cmocka_unit_test(squeezes),           cmocka_unit_test(normalizes_paths),
      cmocka_unit_test(takes_comments_out), cmocka_unit_test(sums_up),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
