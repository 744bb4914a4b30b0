// Uploads: what guard_upload's words mean, which names and types pass, and that verdicts do not
// depend on how a form is cut.
#include "upload/upload.h"

#include <memory>
#include <string>
#include <vector>

#include "unit.h"
#include "upload/file_name.h"

namespace core = guard::core;
namespace upload = guard::upload;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

upload::Policy policy_of(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_upload");
  core::Words all(std::move(words));
  return upload::parse_upload(all);
}

void words(void**) {
  assert_false(policy_of({"off"}).on);
  const upload::Policy policy =
      policy_of({"types=image/png,text/plain", "max_file=2k", "max_files=0", "max_fields=7",
                 "max_field=1", "names=any"});
  assert_true(policy.on);
  assert_int_equal(policy.max_file, 2048);
  assert_int_equal(policy.max_files, 0);
  assert_int_equal(policy.max_fields, 7);
  assert_int_equal(policy.max_field, 1);
  assert_true(policy.names == upload::Names::any);
  assert_true(upload::declared_type(policy.types, "Image/PNG; x=y").has_value());
  assert_false(upload::declared_type(policy.types, "image/jpeg").has_value());
  expect_error([] { policy_of({"types=image/pgn"}); },
               "unknown type \"image/pgn\" in \"types\", did you mean \"image/png\"?");
  expect_error([] { policy_of({"types=image/png,image/png"}); },
               "duplicate type \"image/png\" in \"types\"");
  expect_error([] { policy_of({"types=image/svg+xml"}); },
               "\"image/svg+xml\" in \"types\" can hold scripts and cannot be made safe");
}

void names(void**) {
  const auto rule = [](std::string_view name) {
    return std::string(upload::check_name(name).keyword);
  };
  for (const char* good : {"a.png", "My holiday 1.2 (3).jpeg", "r\xC3\xA9sum\xC3\xA9.pdf", "README",
                           "2024.11.05.pdf", "\xE5\x86\x99\xE7\x9C\x9F.png", "a_b-c+d&e'f.txt",
                           "100%.txt", "console.txt", "com.txt", "com10.txt"}) {
    expect_text(rule(good), "");
  }
  expect_text(rule(std::string(201, 'a')), "long");
  for (const char* path : {"../a.png", "a/b.png", "a\\b.png", "C:a.png",
                           "a\xEF\xBC\x8F"
                           "b.png",
                           "a\xE2\x80\xA4png",
                           "a\xE2\x88\x95"
                           "b.png"}) {
    expect_text(rule(path), "path");
  }
  expect_text(rule("a\x01.png"), "character");
  expect_text(rule("a?.png"), "character");
  expect_text(rule("<a>.png"), "character");
  expect_text(rule("a\xE2\x80\xAEgnp.exe"), "invisible");
  expect_text(rule("a\xE2\x80\x8B.png"), "invisible");
  expect_text(rule("a%2e.png"), "escape");
  for (const char* edge : {".htaccess", "..", " a.png", "a.png ", "a.png.", "-a.png"}) {
    expect_text(rule(edge), "edge");
  }
  for (const char* reserved : {"CON", "nul.txt", "Com1.png", "lpt9", "CONIN$"}) {
    expect_text(rule(reserved), "reserved");
  }
  for (const char* active : {"a.php", "a.PHP5", "a.html", "a.svg", "a.exe", "php.jsp"}) {
    expect_text(rule(active), "active");
  }
  for (const char* twice : {"a.php.png", "a.PhP.1.png", "a.pdf.png", "a.exe.zip", "a.js.txt"}) {
    expect_text(rule(twice), "double_extension");
  }
}

void types(void**) {
  std::vector<std::string_view> names;
  for (const upload::FileType& type : upload::file_types()) {
    assert_false(type.extensions.empty());
    for (const std::string_view extension : type.extensions) {
      assert_false(upload::is_active_extension(extension));
      assert_true(upload::is_known_extension(extension));
    }
    assert_true(upload::type_named(type.name).has_value());
    for (const std::string_view other : names) assert_true(other != type.name);
    names.push_back(type.name);
  }
}

std::string verdict(const upload::Policy& policy, std::string_view body, std::size_t piece) {
  static upload::Magic magic;
  assert_true(magic.open());
  const auto form = std::make_unique<upload::Upload>(policy, "b", &magic);
  bool good = true;
  while (good && !body.empty()) {
    const std::string_view bytes = body.substr(0, piece);
    const std::vector<char> copy(bytes.begin(), bytes.end());
    good = form->feed({copy.data(), copy.size()});
    body.remove_prefix(bytes.size());
  }
  if (good) good = form->finish();
  assert_true(good != form->verdict().refused());
  if (good) return "good " + std::to_string(form->files());
  return std::string(upload::code_of(form->verdict().fault).code) + " " +
         std::string(form->verdict().keyword) + " " + std::string(form->verdict().part);
}

void forms(void**) {
  upload::Policy policy = policy_of({"types=image/png,image/gif,text/plain,application/zip",
                                     "max_file=20k", "max_files=1", "max_fields=1"});
  const auto said = [&](std::string_view rest, std::string_view content) {
    const std::string body = "--b\r\nContent-Disposition: form-data; name=\"f\"" +
                             std::string(rest) + "\r\n\r\n" + std::string(content) +
                             "\r\n--b--\r\n";
    const std::string whole = verdict(policy, body, body.size());
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 1000U}) {
      expect_text(verdict(policy, body, piece), whole);
    }
    return whole;
  };
  const std::string png("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89",
                        33);
  expect_text(said("", "x"), "good 0");
  expect_text(said("; filename=\"\"\r\nContent-Type: application/octet-stream", ""), "good 0");
  expect_text(said("; filename=\"\"", "x"), "upload.name missing f");
  expect_text(said("; filename=\"a.png\"\r\nContent-Type: image/png", png), "good 1");
  expect_text(
      said("; filename=\"a.png\"\r\nContent-Type: image/png", png + std::string(17000, 'x')),
      "good 1");
  expect_text(
      said("; filename=\"a.png\"\r\nContent-Type: image/png", png + std::string(21000, 'x')),
      "upload.size max_file f");
  expect_text(said("; filename=\"a.gif\"\r\nContent-Type: image/gif", png),
              "upload.type content f");
  expect_text(said("; filename=\"a.png\"\r\nContent-Type: image/gif", png),
              "upload.type extension f");
  expect_text(said("; filename=\"a.png\"\r\nContent-Type: image/bmp", png),
              "upload.type declared f");
  expect_text(said("; filename=\"a.txt\"", "hello, this is text\n"), "good 1");
  expect_text(said("; filename=\"a.txt\"", "<html><script>alert(1)</script></html>"),
              "upload.type content f");
  expect_text(said("; filename=\"a.txt\"",
                   "\x7f"
                   "ELF\2\1\1"),
              "upload.type content f");
  expect_text(said("; filename=\"a.php\"", "x"), "upload.name active f");
  expect_text(said("; filename=\"a.txt\"", "a--b"), "upload.multipart delimiter f");
  policy.max_files = 0;
  expect_text(said("; filename=\"a.txt\"", "x"), "upload.count max_files f");
  policy.max_fields = 0;
  expect_text(said("", "x"), "upload.count max_fields f");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(names),
                              cmocka_unit_test(types), cmocka_unit_test(forms)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
