#include "json/format.h"

#include <initializer_list>
#include <string>

#include "unit.h"

using guard::json::find_format;
using guard::json::find_openapi_format;
using guard::unit::expect_text;

namespace {

using Texts = std::initializer_list<std::string_view>;

void expect(std::string_view format, const Texts& good, const Texts& bad,
            decltype(&find_format) find = find_format) {
  const guard::json::FormatCheck check = find(format);
  assert_non_null(check);
  for (const Texts* texts : {&good, &bad}) {
    for (std::string_view text : *texts) {
      const std::string shown = std::string(format) + " " + std::string(text) + " ";
      expect_text(shown + (check(text) ? "good" : "bad"),
                  shown + (texts == &good ? "good" : "bad"));
    }
  }
}

void times(void**) {
  expect("date", {"2026-11-24", "2024-02-29", "2000-02-29", "0000-01-01"},
         {"", "2026-13-01", "2026-00-01", "2026-11-31", "2023-02-29", "1900-02-29", "2026-1-01",
          "20261124", "2026-11-24 ", "2026-11-2\xe0\xa7\xaa"});
  expect("time",
         {"08:30:06Z", "08:30:06z", "08:30:06.283185Z", "23:59:60Z", "01:29:60+01:30",
          "22:59:60.9-01:00", "12:00:00-23:59"},
         {"", "08:30:06", "24:00:00Z", "00:60:00Z", "00:00:61Z", "22:59:60Z", "08:30:06.Z",
          "08:30:06+0100", "08:30:06+24:00", "08:30:06-00:60", "08:30:06Z ", "08:30Z", "8:30:06Z"});
  expect("date-time",
         {"1963-06-19T08:30:06.283185Z", "1963-06-19t08:30:06z", "1998-12-31T23:59:60Z"},
         {"1963-06-19", "1963-06-19 08:30:06Z", "1963-06-19TZ", "1998-12-31T23:58:60Z"});
  expect("duration",
         {"P4DT12H30M5S", "P1Y2M3D", "PT1M", "P2W", "P1M", "PT0S", "P1YT1H", "PT1H2M3S"},
         {"", "P", "PT", "P1", "P1D2H", "P2D1Y", "P1Y2D", "P2S", "PT1D", "P1Y2W", "P1YT", "PT1H2S",
          "p1d", "P1.5D", "P1D "});
}

// LocalDateTime and Duration of Java, DateTime and TimeOnly of .NET, datetime and timedelta of
// Python, and what browsers make of an input.
void times_of_frameworks(void**) {
  expect("time",
         {"08:30:06", "08:30", "08:30:06.283185", "08:30:06Z", "08:30Z", "08:30:06+01:00",
          "23:59:60Z"},
         {"", "8:30", "08", "24:00", "08:60", "08:30:60", "08:30:06.", "08:30:", "08:30.5",
          "08:30:06 ", "08:30:06+01", "08:30+"},
         find_openapi_format);
  expect("date-time",
         {"2026-11-24T08:30:06", "2026-11-24T08:30", "2026-11-24t08:30:06.1234567",
          "1963-06-19T08:30:06.283185Z", "2026-11-24T08:30:06+01:00"},
         {"", "2026-11-24", "2026-11-24T", "2026-02-30T08:30:06", "2026-11-24 08:30:06",
          "2026-11-24T08:30:06x", "2026-11-24T08:30:06'"},
         find_openapi_format);
  expect("duration",
         {"P4DT12H30M5S", "PT1H5S", "PT1.5S", "-PT1H", "PT-6H+3M", "P1Y2W", "P2W", "P1Y2D",
          "PT8H6M12.345S", "+P1D"},
         {"", "P", "PT", "-", "P1", "P1DT", "PT1S2M", "PT1.S", "P1H", "PT1D", "1H", "PT1H ",
          "P1D1D", "P--1D"},
         find_openapi_format);
  expect("date", {"2026-11-24"}, {"2026-11-24T08:30:06"}, find_openapi_format);
  assert_null(find_openapi_format("unknown"));
}

void hosts(void**) {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  expect("hostname",
         {"a", "www.example.com", "xn--4gbwdl.xn--wgbh1c", "1host", "a-b", label, longest},
         {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "xn--X", "ab--cd", label + "a",
          longest + "a", "\xe5\xae\x9f"});
  expect("idn-hostname",
         {"\xe5\xae\x9f\xe4\xbe\x8b.example", "a.b",
          "\xe3\x81\x82\xe3\x80\x82"
          "b"},
         {"",
          "\xe3\x80\x82",
          "\xe2\x80\x8d"
          "a",
          "a\xe3\x80\xae",
          "-\xe5\xae\x9f",
          {"\xe5\xae\x9f\0<b>", 7}});
  expect("ipv4", {"127.0.0.1", "255.255.255.255"},
         {"",
          "127.0.0",
          "127.0.0.256",
          "127.0.0.01",
          "127.0.0.1 ",
          "0x7f.0.0.1",
          "2130706433",
          {"1.2.3.4\0", 8}});
  expect("ipv6", {"::", "::1", "2001:db8::1", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8"},
         {"", ":", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7", "::1%eth0", "[::1]", "::1/64",
          "::1 "});
  expect("email",
         {"a@b", "a.b+c@example.com", R"("a @b"@example.com)", R"("a\"b"@example.com)",
          "a@[127.0.0.1]", "a@[IPv6:::1]", "~@b"},
         {"", "@", "a", "a@", "@b", ".a@b", "a.@b", "a..b@c", "a b@c", R"("a"b"@c)", R"("a\"@c)",
          "a@[::1]", "a@b c", "\xc3\xa9@b", std::string(65, 'a') + "@b"});
  expect("idn-email", {"\xc3\xa9@\xe5\xae\x9f.example", "a@b"},
         {"\xc3\xa9", "a@-\xe5\xae\x9f", {"a@\xe5\xae\x9f\0' --", 10}});
}

void uris(void**) {
  expect("uri",
         {"http://a", "http://u:p@[::1]:80/a;b?c=/?#d", "urn:x:y", "tel:+1",
          "ldap://[2001:db8::7]/c=GB?x", "a:", "http://a:", "http://[v1.a:b]/"},
         {"", "//a", "/a", "a", "1a:b", "http://a b", "http://a/%4", "http://a/%zz", "http://[a]",
          "http://[::1", "http://[::1]x", "http://a:8x", "http://a#b#c", "http://a\\b",
          "http://a/<b>", "http://\xc3\xa9", ":a", "http://[v1]"});
  expect("uri-reference", {"", "//a", "/a:b", "a", "./a:b", "#a", "?a"},
         {"\\\\a", "#a\\b", "1:b", "%"});
  expect("iri", {"http://\xc3\xa9.example/\xc3\xa9?\xee\x80\x80#\xc3\xa9"},
         {"\xc3\xa9:a", "http://a/\xee\x80\x80", "http://a/\xc2\x80"});
  expect("iri-reference", {"/\xc3\xa9", ""}, {"/\xc3\xa9 "});
  expect("uri-template", {"", "http://a/{b}/{+c,d:3,e*}{?f.g,h%41}", "\xc3\xa9"},
         {"{", "}", "{}", "{a", "a}", "{a{b}}", "{a:0}", "{a:12345}", "{a,}", "{a b}", "{a.}",
          "a b", "%4"});
}

void texts(void**) {
  expect("uuid", {"2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"},
         {"", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
          "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", "2eb8aa0-8aa98-11ea-b4aa-73b441d16380"});
  expect("json-pointer", {"", "/", "/a~0~1b", "//"}, {"a", "#/a", "/~", "/~2"});
  expect("relative-json-pointer", {"0", "1/a", "12#", "0/"},
         {"", "-1", "01", "0##", "a", "0#/a", "0a"});
  expect("regex", {"", "^a$", R"(\p{L})"}, {"(", R"(\a)", "^(abc]"});
}

void names(void**) {
  assert_null(find_format(""));
  assert_null(find_format("URI"));
  assert_null(find_format("unknown"));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(times), cmocka_unit_test(times_of_frameworks),
      cmocka_unit_test(hosts), cmocka_unit_test(uris),
      cmocka_unit_test(texts), cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
