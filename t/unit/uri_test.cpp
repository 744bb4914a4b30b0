#include "json/uri.h"

#include "unit.h"

using guard::json::resolve_uri;
using guard::unit::expect_text;

namespace {

void expect(std::string_view base, std::string_view reference, std::string_view absolute,
            std::string_view fragment = {}) {
  const guard::json::Uri uri = resolve_uri(base, reference);
  expect_text(uri.absolute, absolute);
  expect_text(uri.fragment, fragment);
}

// RFC 3986, section 5.4; that of "http:g" is of a strict parser.
void examples_of_the_rfc(void**) {
  constexpr std::string_view kBase = "http://a/b/c/d;p?q";
  constexpr std::string_view kCases[][2] = {{"g:h", "g:h"},
                                            {"g", "http://a/b/c/g"},
                                            {"./g", "http://a/b/c/g"},
                                            {"g/", "http://a/b/c/g/"},
                                            {"/g", "http://a/g"},
                                            {"//g", "http://g"},
                                            {"?y", "http://a/b/c/d;p?y"},
                                            {"g?y", "http://a/b/c/g?y"},
                                            {";x", "http://a/b/c/;x"},
                                            {"g;x", "http://a/b/c/g;x"},
                                            {"", "http://a/b/c/d;p?q"},
                                            {".", "http://a/b/c/"},
                                            {"./", "http://a/b/c/"},
                                            {"..", "http://a/b/"},
                                            {"../", "http://a/b/"},
                                            {"../g", "http://a/b/g"},
                                            {"../..", "http://a/"},
                                            {"../../g", "http://a/g"},
                                            {"../../../g", "http://a/g"},
                                            {"../../../../g", "http://a/g"},
                                            {"/./g", "http://a/g"},
                                            {"/../g", "http://a/g"},
                                            {"g.", "http://a/b/c/g."},
                                            {".g", "http://a/b/c/.g"},
                                            {"g..", "http://a/b/c/g.."},
                                            {"..g", "http://a/b/c/..g"},
                                            {"./../g", "http://a/b/g"},
                                            {"./g/.", "http://a/b/c/g/"},
                                            {"g/./h", "http://a/b/c/g/h"},
                                            {"g/../h", "http://a/b/c/h"},
                                            {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
                                            {"g;x=1/../y", "http://a/b/c/y"},
                                            {"g?y/./x", "http://a/b/c/g?y/./x"},
                                            {"g?y/../x", "http://a/b/c/g?y/../x"},
                                            {"http:g", "http:g"}};
  for (const auto& [reference, absolute] : kCases) expect(kBase, reference, absolute);
  expect(kBase, "#s", "http://a/b/c/d;p?q", "s");
  expect(kBase, "g#s", "http://a/b/c/g", "s");
  expect(kBase, "g?y#s/../x", "http://a/b/c/g?y", "s/../x");
}

void bases_of_schemas(void**) {
  expect("", "a.json#/b", "a.json", "/b");
  expect("", "#/%25a%22%zz%4", "", "/%a\"%zz%4");
  expect("urn:uuid:deadbeef", "#a", "urn:uuid:deadbeef", "a");
  expect("http://a", "b", "http://a/b");
  expect("http://a/b#", "", "http://a/b");
  expect("dir/a.json", "b.json", "dir/b.json");
  expect("http://a/b", "urn:x", "urn:x");
  expect("file:///x/y.json", "../z.json", "file:///z.json");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(examples_of_the_rfc),
      cmocka_unit_test(bases_of_schemas),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
