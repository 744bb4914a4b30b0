#include "cli/html_inline.h"

#include <sys/resource.h>

#include "unit.h"

namespace cli = guard::cli;
using guard::unit::expect_text;

namespace {

// "script@LINE=TEXT|style.style@LINE=TEXT"
std::string blocks(std::string_view html) {
  std::string text;
  for (const cli::InlineBlock& block : cli::inline_blocks(html)) {
    if (!text.empty()) text += '|';
    text += block.script ? "script" : "style";
    if (!block.attribute.empty()) text += "." + block.attribute;
    text += "@" + std::to_string(block.line) + "=" + block.text;
  }
  return text;
}

void pages(void**) {
  expect_text(blocks(""), "");
  expect_text(blocks("<p>no script</p>"), "");
  expect_text(blocks("<!doctype html>\n<script>a()</script>\n<style> p{} </style>"),
              "script@2=a()|style@3= p{} ");
  // What is no script, only looks like one.
  expect_text(blocks("<!-- <script>a()</script> --><textarea><script>b()</script></textarea>"), "");
  expect_text(blocks("<script src=/x.js>a()</script><script></script>"), "");
  expect_text(blocks("<script type=text/template>a</script><script type='application/json'>{}"
                     "</script><script type=' Module '>b()</script><script type=''>c()</script>"),
              "script@1=b()|script@1=c()");
  // Text of a script is neither markup nor references, and its lines end as browsers have them.
  expect_text(blocks("<script>if (a < b && '&amp;<p>')\r\n b()\r</script>"),
              "script@1=if (a < b && '&amp;<p>')\n b()\n");
  expect_text(blocks("<script><!-- a('<script>b</script>') --></script>"),
              "script@1=<!-- a('<script>b</script>') -->");
  // In a template and in SVG.
  expect_text(blocks("<template><script>t()</script></template><svg><script>s()</script></svg>"),
              "script@1=t()|script@1=s()");
}

void attributes(void**) {
  expect_text(blocks("<p OnClick=\"a(&quot;x&quot;)\" style='color:red' on='x' data-on=1>"),
              "script.onclick@1=a(\"x\")|style.style@1=color:red");
}

long most_kilobytes() {
  rusage usage{};
  assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_maxrss;
}

void deep(void**) {
  std::string html;
  for (int i = 0; i < 20'000; ++i) html += "<div>";
  const long before = most_kilobytes();
  expect_text(blocks(html + "<script>a()</script>"), "script@1=a()");
  assert_true(most_kilobytes() - before < 200'000);
}

void hashes(void**) {
  // The examples of CSP3, 2.3.1 and of MDN.
  expect_text(cli::csp_hash("doSomething();"),
              "'sha256-RFWPLDbv2BY+rCkDzsE+0fr8ylGr2R2faWMhq4lfEQc='");
  expect_text(cli::csp_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(pages), cmocka_unit_test(attributes),
                              cmocka_unit_test(deep), cmocka_unit_test(hashes)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
