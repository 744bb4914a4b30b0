// Templated paths: which template a path is of, and what its parameters are.
#include "json/openapi_paths.h"

#include "unit.h"

#include "core/words.h"

namespace json = guard::json;
using guard::unit::expect_text;

namespace {

std::string found(const json::PathTree& tree, std::string_view path) {
  const auto match = tree.find(path);
  if (!match) return "none";
  std::string text = std::to_string(match->item);
  for (std::size_t i = 0; i < match->count; ++i) {
    text.append(" ").append(match->values[i]);
    if (match->longest[i] != match->values[i]) text.append("|").append(match->longest[i]);
  }
  return text;
}

void literals_come_before_templates(void**) {
  json::PathTree tree;
  assert_int_equal(tree.add("/a/{b}", 0), 0);
  assert_int_equal(tree.add("/a/c", 1), 1);
  assert_int_equal(tree.add("/a/{b}/d", 2), 2);
  assert_int_equal(tree.add("/a/c/e", 3), 3);
  assert_int_equal(tree.add("/", 4), 4);
  expect_text(found(tree, "/a/c"), "1");
  expect_text(found(tree, "/a/x"), "0 x");
  expect_text(found(tree, "/a/c/d"), "2 c");
  expect_text(found(tree, "/a/c/e"), "3");
  expect_text(found(tree, "/"), "4");
  for (const char* path : {"", "a", "/a", "/a/", "/a/c/", "/a/x/e", "/a/x/d/f", "//a/c"}) {
    expect_text(found(tree, path), "none");
  }
}

void escapes_stand_for_what_they_are(void**) {
  json::PathTree tree;
  tree.add("/a%20b/caf%C3%a9/{x}%3av", 0);
  tree.add("/100%/%zz", 1);
  expect_text(found(tree, "/a b/caf\xc3\xa9/c:v"), "0 c");
  expect_text(found(tree, "/a%20b/caf%C3%a9/c:v"), "none");
  expect_text(found(tree, "/100%/%zz"), "1");
}

void one_shape_is_one_item(void**) {
  json::PathTree tree;
  assert_int_equal(tree.add("/a/{b}", 7), 7);
  assert_int_equal(tree.add("/a/{other}", 8), 7);
}

void a_segment_may_hold_several_parameters(void**) {
  json::PathTree tree;
  tree.add("/f/{name}.{type}", 0);
  tree.add("/f/v{major}", 1);
  tree.add("/f/{x}:run", 2);
  tree.add("/c/{base}...{head}", 3);
  tree.add("/d/{a}-{b}--{c}", 4);
  expect_text(found(tree, "/f/a.b.c"), "0 a|a.b b.c|c");
  expect_text(found(tree, "/f/.a.b"), "0 .a b");
  expect_text(found(tree, "/f/a..b"), "0 a|a. .b|b");
  expect_text(found(tree, "/d/1-2--3"), "4 1 2 3");
  expect_text(found(tree, "/d/1-2-3--4--5-6"), "4 1|1-2-3- 2-3|4 4--5-6|5-6");
  expect_text(found(tree, "/f/v12"), "1 12");
  expect_text(found(tree, "/f/job:run"), "2 job");
  expect_text(found(tree, "/c/main...dev"), "3 main dev");
  for (const char* path : {"/f/a.", "/f/.a", "/f/v", "/f/:run", "/c/main..dev", "/c/...dev"}) {
    expect_text(found(tree, path), "none");
  }
}

void templates_that_are_none_are_refused(void**) {
  for (const char* path : {"a", "/{", "/}", "/{}", "/a{b", "/{a}{b}"}) {
    json::PathTree tree;
    bool refused = false;
    try {
      tree.add(path, 0);
    } catch (const guard::core::ConfigError&) {
      refused = true;
    }
    assert_true(refused);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(literals_come_before_templates),
      cmocka_unit_test(escapes_stand_for_what_they_are),
      cmocka_unit_test(one_shape_is_one_item),
      cmocka_unit_test(a_segment_may_hold_several_parameters),
      cmocka_unit_test(templates_that_are_none_are_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
