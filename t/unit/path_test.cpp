#include "core/path.h"

#include <string>

#include "unit.h"

using guard::core::find_path_flaw;
using guard::core::PathFlaw;

namespace {

void expect(std::string_view target, PathFlaw expected) {
  const PathFlaw flaw = find_path_flaw(target);
  if (flaw != expected) {
    print_error("\"%.*s\": %s, not: %s\n", static_cast<int>(target.size()), target.data(),
                text_of(flaw).data(), text_of(expected).data());
  }
  assert_true(flaw == expected);
}

void clean(void**) {
  for (std::string_view target : {"/",
                                  "/index.html",
                                  "/a/b/c",
                                  "/a/b/",
                                  "/a.b/..c/.../.well-known/x",
                                  "/a..b/c.",
                                  "/%20a%2D",
                                  "/a%3Fb%23c%25",
                                  "/100%25",
                                  "/100%25/41",
                                  "/a?x=%2F%00../;//%zz\\\x01",
                                  "/?",
                                  "/a?/../",
                                  "/%C3%A9/\xc3\xa9/%E4%B8%96/%F0%9D%84%9E",
                                  "/%c2%a0",
                                  "/a:b@c,d!e$f&g'(h)*+=~",
                                  "/a/%2e%2ea",
                                  "/%2e%2e%2e",
                                  "/...",
                                  "/.a",
                                  "/..a",
                                  "/a%2e%2e",
                                  "*"}) {
    expect(target, PathFlaw::none);
  }
}

void slashes(void**) {
  for (std::string_view target : {"/a%2Fb", "/%2f", "/%2F%2F", "/..%2fetc"}) {
    expect(target, PathFlaw::encoded_slash);
  }
  expect("/a\\b", PathFlaw::backslash);
  expect("/\\", PathFlaw::backslash);
  expect("/a%5Cb", PathFlaw::encoded_backslash);
  expect("/..%5c", PathFlaw::encoded_backslash);
  for (std::string_view target : {"//", "//a", "/a//b", "/a//", "///"}) {
    expect(target, PathFlaw::empty_segment);
  }
}

void controls(void**) {
  expect("/a%00", PathFlaw::nul);
  expect("/%00.html", PathFlaw::nul);
  expect(std::string_view("/a\0b", 4), PathFlaw::control);
  for (int byte = 1; byte < 0x20; ++byte) {
    const char hex[] = "0123456789abcdef";
    expect(std::string("/a") + static_cast<char>(byte), PathFlaw::control);
    expect(std::string("/a%") + hex[byte / 16] + hex[byte % 16], PathFlaw::encoded_control);
  }
  expect("/a\x7f", PathFlaw::control);
  expect("/a%7F", PathFlaw::encoded_control);
  expect("/%C2%85", PathFlaw::encoded_control);
  expect("/\xc2\x9f", PathFlaw::control);
  expect("/%0d%0aSet-Cookie:x", PathFlaw::encoded_control);
}

void encoded_twice(void**) {
  for (std::string_view target : {"/%252e", "/%2541", "/a%25%32%66", "/%25%35c", "/%2525252f",
                                  "/%255C", "/%2500", "/a/%25C3"}) {
    expect(target, PathFlaw::double_encoding);
  }
  for (std::string_view target : {"/%25", "/%25g1", "/%251", "/%251/2", "/%25%251"}) {
    expect(target, PathFlaw::none);
  }
}

void dot_segments(void**) {
  for (std::string_view target :
       {"/.",      "/..",    "/./",       "/../",    "/a/.",    "/a/..",       "/a/./b",
        "/a/../b", "/%2e",   "/%2E%2e",   "/.%2e",   "/%2e./a", "/a/%2e%2E/b", "/..;/a",
        "/.;x=1",  "/a/..;", "/%2e%2e;/", "/..%3b/", "/../?x",  "/..?x"}) {
    expect(target, PathFlaw::dot_segment);
  }
}

void parameters(void**) {
  for (std::string_view target :
       {"/a;b", "/;", "/a/;/b", "/a;jsessionid=1", "/...;", "/a%3Bb", "/%3b"}) {
    expect(target, PathFlaw::path_parameter);
  }
  expect("/a#b", PathFlaw::fragment);
  expect("/a?b#c", PathFlaw::fragment);
  expect("http://host?b#c", PathFlaw::fragment);
  expect("/a?b%23c", PathFlaw::none);
}

void bad_escapes(void**) {
  for (std::string_view target : {"/%", "/%2", "/a%", "/a%g0", "/a%0g", "/%%", "/%u002f", "/%-1",
                                  "/% 1", "/%2?0", "/%/41", "/%25%"}) {
    expect(target, PathFlaw::bad_escape);
  }
}

void bad_utf8(void**) {
  for (std::string_view target :
       {"/%ff", "/\xff", "/%80", "/%C3", "/%C3/%A9", "/%C3a", "/%c0%ae", "/%c0%af", "/%e0%80%ae",
        "/%c1%9c", "/%f0%80%80%ae", "/%ED%A0%80", "/%F4%90%80%80", "/%f5%80%80%80", "/\xc3/",
        "/%E4%B8", "/%e0%9f%bf", "/%C3?%A9"}) {
    expect(target, PathFlaw::bad_utf8);
  }
  expect("/\xc3%A9", PathFlaw::none);
}

void forms(void**) {
  expect("", PathFlaw::not_a_path);
  expect("a", PathFlaw::not_a_path);
  expect("?a", PathFlaw::not_a_path);
  expect("**", PathFlaw::not_a_path);
  expect("://host/", PathFlaw::not_a_path);
  expect("1http://host/", PathFlaw::not_a_path);
  expect("example.com:443", PathFlaw::not_a_path);
  expect("http://host", PathFlaw::none);
  expect("http://host/", PathFlaw::none);
  expect("http://host?x=//", PathFlaw::none);
  expect("http://[::1]:80/a", PathFlaw::none);
  expect("HTTPS://host/a/../b", PathFlaw::dot_segment);
  expect("http://host//a", PathFlaw::empty_segment);
  expect("http://host\\a", PathFlaw::backslash);
  expect("http://host#a", PathFlaw::fragment);
  expect("http:///a", PathFlaw::none);
}

void sentences(void**) {
  for (std::size_t i = 0; i < guard::core::kPathFlawTexts.size(); ++i) {
    assert_true(guard::core::kPathFlawTexts[i].starts_with("the "));
    for (std::size_t j = 0; j < i; ++j) {
      assert_true(guard::core::kPathFlawTexts[i] != guard::core::kPathFlawTexts[j]);
    }
  }
  assert_int_equal(static_cast<std::size_t>(PathFlaw::bad_utf8) + 1,
                   guard::core::kPathFlawTexts.size());
}

void long_paths(void**) {
  std::string path = "/";
  for (int i = 0; i < 100000; ++i) path += "abc%C3%A9./";
  expect(path, PathFlaw::none);
  expect(path + "..", PathFlaw::dot_segment);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(clean),         cmocka_unit_test(slashes),      cmocka_unit_test(controls),
      cmocka_unit_test(encoded_twice), cmocka_unit_test(dot_segments), cmocka_unit_test(parameters),
      cmocka_unit_test(bad_escapes),   cmocka_unit_test(bad_utf8),     cmocka_unit_test(forms),
      cmocka_unit_test(sentences),     cmocka_unit_test(long_paths),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
