// multipart/form-data: what is read, what is refused where, and that it does not matter how the
// input is cut into pieces.
#include "core/multipart.h"

#include <string>
#include <vector>

#include "unit.h"

namespace core = guard::core;
using core::MultipartFault;
using guard::unit::expect_text;

namespace {

// What a sink hears, as text: "name|filename|type|content;" for each part.
struct Listener final : core::MultipartSink {
  bool begin(const core::MultipartPart& part) noexcept override {
    said += std::string(part.name) + "|" +
            (part.filename ? std::string(*part.filename) : std::string("-")) + "|" +
            std::string(part.type) + "|";
    name = part.name;
    return ++begun < enough;
  }
  bool data(std::string_view bytes) noexcept override {
    assert_true(!bytes.empty());
    said += bytes;
    return true;
  }
  bool end() noexcept override {
    // The views of begin() still hold.
    assert_true(said.find(std::string(name) + "|") != std::string::npos);
    said += ";";
    return true;
  }

  std::string said;
  std::string_view name;
  int begun = 0;
  int enough = 1'000'000;
};

struct Result {
  std::string said;
  MultipartFault fault = MultipartFault::none;
  std::uint64_t offset = 0;
  bool operator==(const Result&) const = default;
};

// pieces: the lengths of all but the last.
Result parse(std::string_view body, const std::vector<std::size_t>& pieces,
             std::string_view boundary = "b", std::uint32_t parts = 10, int enough = 1'000'000) {
  core::MultipartParser parser(boundary, parts);
  Listener listener;
  listener.enough = enough;
  bool good = true;
  const auto feed = [&](std::string_view piece) {
    // A copy that ends where its memory ends.
    const std::vector<char> copy(piece.begin(), piece.end());
    if (good) good = parser.feed({copy.data(), copy.size()}, listener);
  };
  for (const std::size_t piece : pieces) {
    feed(body.substr(0, piece));
    body.remove_prefix(std::min(piece, body.size()));
  }
  feed(body);
  if (good) good = parser.finish();
  assert_int_equal(good, parser.fault() == MultipartFault::none);
  // What came before a fault may have been told or not.
  return {good ? listener.said : std::to_string(listener.begun), parser.fault(), parser.offset()};
}

// The same whichever way it is cut.
Result parse_all(std::string_view body, std::string_view boundary = "b", std::uint32_t parts = 10,
                 int enough = 1'000'000) {
  const Result whole = parse(body, {}, boundary, parts, enough);
  for (std::size_t i = 0; i <= body.size(); ++i) {
    assert_true(parse(body, {i}, boundary, parts, enough) == whole);
    for (std::size_t k = 1; k < 6; ++k) {
      assert_true(parse(body, {i, k}, boundary, parts, enough) == whole);
    }
  }
  for (std::size_t size = 1; size < 8; ++size) {
    const std::vector<std::size_t> pieces(body.size() / size, size);
    assert_true(parse(body, pieces, boundary, parts, enough) == whole);
  }
  return whole;
}

std::string said(std::string_view body, std::string_view boundary = "b") {
  const Result result = parse_all(body, boundary);
  if (result.fault == MultipartFault::none) {
    assert_int_equal(result.offset, body.size());
    return result.said;
  }
  return std::string(core::name_of(result.fault)) + " at " + std::to_string(result.offset);
}

// A body of one part with these header lines and this content.
std::string part(std::string_view header, std::string_view content = "x") {
  return "--b\r\n" + std::string(header) + "\r\n\r\n" + std::string(content) + "\r\n--b--\r\n";
}

std::string fault_of(std::string_view header, std::string_view content = "x") {
  const std::string answer = said(part(header, content));
  return answer.substr(0, answer.find(" at "));
}

constexpr std::string_view kName = "Content-Disposition: form-data; name=\"a\"";

void parts_are_read(void**) {
  expect_text(said("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n"
                   "--b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n"
                   "CONTENT-TYPE: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--b--\r\n"),
              "a|-||hello;f|x.png|image/png|\x89PNG\r\n\x1a\n;");
  expect_text(said(part(kName, "")), "a|-||;");
  expect_text(said("--b--"), "");
  expect_text(said("--b--\r\n"), "");
  expect_text(said(part("Content-Disposition: form-data; name=a;   filename=\"\"")), "a|||x;");
  expect_text(said(part("Content-Disposition:form-data; filename=x.png; name=a")), "a|x.png||x;");
  expect_text(said(part("Content-Disposition: form-data; name=\"a;b='\"; filename=\"\xC3\xA9 1\"")),
              "a;b='|\xC3\xA9 1||x;");
  expect_text(said(part(std::string(kName) + "\r\nContent-Length: 1\r\nContent-Type: text/plain; "
                                             "charset=utf-8\r\nContent-Transfer-Encoding: binary")),
              "a|-|text/plain; charset=utf-8|x;");
}

void contents_that_look_like_delimiters(void**) {
  for (const char* content :
       {"\r", "\n", "\r\n", "\r\n\r\n", "\r\n-", "\r\n--", "--", "\r\r\n--", "\r\n--\r\n--\r\n",
        "-", "---", "\r\n\r\n-", "\r\n--a", "\r\n-b", "\r\n\r\n--a\r\n-"}) {
    expect_text(said(part(kName, content)), "a|-||" + std::string(content) + ";");
  }
  // A delimiter that repeats itself.
  expect_text(said("--a--a\r\nContent-Disposition: form-data; name=a\r\n\r\n--a-\r\n--a-\r\n--\r\n"
                   "--a--a--",
                   "a--a"),
              "a|-||--a-\r\n--a-\r\n--;");
  std::string large(100'000, '-');
  for (std::size_t i = 0; i < large.size(); i += 7) large[i] = '\r';
  const Result result = parse(part(kName, large), std::vector<std::size_t>(5000, 13));
  expect_text(result.said, "a|-||" + large + ";");
}

void boundaries_that_delimit_nothing(void**) {
  expect_text(said(part(kName, "x--b")), "delimiter at 53");
  expect_text(said(part(kName, "x\n--b--\r\n")), "delimiter at 54");
  expect_text(said(part(kName, "x\r--by")), "delimiter at 54");
  expect_text(said(part(kName, "--b")), "delimiter at 52");
  expect_text(said(part(kName, "x\r\n--by")), "delimiter at 56");
  expect_text(said(part(kName, "x\r\n--b \r\n")), "delimiter at 56");
  expect_text(said(part(kName, "x\r\n--b\n")), "delimiter at 56");
  expect_text(said(part(kName, "x\r\n--b-\r\n")), "delimiter at 57");
}

void what_surrounds_the_parts(void**) {
  expect_text(said("\r\n" + part(kName)), "preamble at 1");
  expect_text(said("preamble\r\n" + part(kName)), "preamble at 1");
  expect_text(said("--c" + part(kName)), "preamble at 3");
  expect_text(said("--b--\r\n\r\n"), "epilogue at 8");
  expect_text(said("--b-- "), "epilogue at 6");
  expect_text(said("--b--\r"), "epilogue at 6");
  expect_text(said("--b--\rx"), "epilogue at 7");
  expect_text(said(part(kName) + part(kName)), "epilogue at 60");
  expect_text(said(""), "truncated at 0");
  expect_text(said("--b"), "truncated at 3");
  expect_text(said("--b\r\n"), "truncated at 5");
  expect_text(said("--b\r\n" + std::string(kName) + "\r\n\r\nx"), "truncated at 50");
  expect_text(said("--b\r\n" + std::string(kName) + "\r\n\r\nx\r\n--b"), "truncated at 55");
  expect_text(said("--b\r\n" + std::string(kName) + "\r\n\r\nx\r\n--b\r\n"), "truncated at 57");
}

void headers_of_parts(void**) {
  const std::string named(kName);
  expect_text(fault_of("Content-Type: text/plain"), "disposition");
  expect_text(said("--b\r\n\r\nx\r\n--b--"), "disposition at 7");
  expect_text(fault_of("Content-Disposition: attachment; name=\"a\""), "disposition");
  expect_text(fault_of("Content-Disposition: form-datax; name=\"a\""), "disposition");
  expect_text(fault_of("Content-Disposition: form-data"), "name");
  expect_text(fault_of("Content-Disposition: form-data; name=\"\""), "name");
  expect_text(fault_of("Content-Disposition: form-data; filename=\"a\""), "name");
  expect_text(fault_of(named + "\r\n" + named), "header_duplicate");
  expect_text(fault_of(named + "\r\nContent-Type: a/b\r\nContent-Type: a/b"), "header_duplicate");
  expect_text(fault_of(named + "\r\nContent-Length: 1\r\nContent-Length: 1"), "header_duplicate");
  expect_text(fault_of(named + "\r\nX-Other: 1"), "header_unknown");
  expect_text(fault_of(named + "\r\n ; filename=\"a\""), "header_folded");
  expect_text(fault_of(named + "\r\n\tx: y"), "header_folded");
  expect_text(fault_of(" " + named), "header_syntax");
  expect_text(fault_of(named + "\nContent-Type: text/html"), "header_syntax");
  expect_text(fault_of(named + "\rContent-Type: text/html"), "header_syntax");
  expect_text(fault_of(std::string("Content-Disposition: form-data; name=\"a\0\"", 40)),
              "header_syntax");
  expect_text(fault_of("Content-Disposition : form-data; name=\"a\""), "header_syntax");
  expect_text(fault_of("Content-Disposition"), "header_syntax");
  expect_text(fault_of(named + "\r\nContent-Length: 1x"), "header_syntax");
  expect_text(fault_of(named + "\r\nContent-Length: -1"), "header_syntax");
  expect_text(fault_of(named + "\r\nContent-Length: 2"), "length");
  expect_text(fault_of(named + "\r\nContent-Transfer-Encoding: base64"), "transfer_encoding");
  expect_text(fault_of(named + "\r\nContent-Type: text"), "part_type");
  expect_text(fault_of(named + "\r\nContent-Type: "), "part_type");
  expect_text(fault_of(named + "\r\nContent-Type: text/plain; FileName=\"a.php\""), "part_type");
  expect_text(fault_of(named + "\r\nContent-Type: Multipart/mixed; boundary=c"), "nested");
  expect_text(fault_of(named + "\r\nContent-Type: application/Octet-Stream;x=y"), "ambiguous");
  expect_text(fault_of(named + "\r\nContent-Type: a/b\xC3"), "encoding");
  // The limit counts the empty line.
  const std::string wide = "Content-Disposition: form-data; name=\"" +
                           std::string(core::MultipartParser::kMaxHeader - 43, 'n') + "\"";
  assert_true(parse(part(wide), {}).fault == MultipartFault::none);
  std::string wider = wide;
  wider.insert(40, "n");
  assert_true(parse(part(wider), {}).fault == MultipartFault::header_size);
}

void dispositions(void**) {
  const auto of = [](std::string_view rest) {
    return fault_of("Content-Disposition: form-data; name=\"a\"" + std::string(rest));
  };
  expect_text(of(";"), "parameter");
  expect_text(of("; "), "parameter");
  expect_text(of("x"), "parameter");
  expect_text(of(" ; filename=\"a\""), "parameter");
  expect_text(of("; name=\"b\""), "parameter");
  expect_text(of("; Filename=\"b\""), "parameter");
  expect_text(of("; filename=\"b\"; filename=\"c\""), "parameter");
  expect_text(of("; size=1"), "parameter");
  expect_text(of("; filename"), "parameter");
  expect_text(of("; filename = \"a\""), "parameter");
  expect_text(of("; filename=\"a"), "parameter");
  expect_text(of("; filename=a b"), "parameter");
  expect_text(of("; filename=\"a\"b"), "parameter");
  for (const char* blank : {" ", "\t"}) {
    expect_text(of("; filename=\"a\"" + std::string(blank)), "parameter");
    expect_text(of(blank), "parameter");
  }
  expect_text(of(";filename=\"a\""), "parameter");
  expect_text(fault_of("Content-Disposition: form-data;name=\"a\""), "parameter");
  expect_text(fault_of("Content-Disposition: form-data; filename=\"a\";name=\"b.php\""),
              "parameter");
  expect_text(fault_of("Content-Disposition: form-data; name=\"a filename*=utf-8''b.php; c\""),
              "parameter");
  expect_text(of("; filename="), "parameter");
  expect_text(of("; filename=a'"), "parameter");
  expect_text(of("; filename=\"it's\""), "a|it's||x;");
  expect_text(of("; filename=\" a\""), "parameter");
  expect_text(of("; filename=\"a \""), "parameter");
  expect_text(of("; filename=\"a\tb\""), "parameter");
  expect_text(fault_of("Content-Disposition: form-data; name=\"content-Type: text/html\""),
              "parameter");
  expect_text(of("; filename='a\""), "parameter");
  expect_text(of("; filename*=UTF-8''a.php"), "extended");
  expect_text(of("; filename*0=\"a\""), "extended");
  expect_text(of("; filename=\"a\\\"b\""), "quoting");
  expect_text(of("; filename=\"C:\\a.png\""), "quoting");
  expect_text(of("; filename=\"a\xff\""), "encoding");
  expect_text(of("; filename=\"a\xc2\x85\""), "encoding");
  expect_text(of("; filename=\"=?utf-8?q?a.php?=\""), "encoded_word");
}

void counts(void**) {
  const std::string two = "--b\r\n" + std::string(kName) + "\r\n\r\nx\r\n" + part(kName);
  assert_true(parse_all(two, "b", 2).fault == MultipartFault::none);
  const Result result = parse_all(two, "b", 1);
  assert_true(result.fault == MultipartFault::parts);
  assert_int_equal(result.offset, 57);
  const Result stopped = parse_all(two, "b", 10, 2);
  assert_true(stopped.fault == MultipartFault::stopped);
}

void media_types(void**) {
  const auto of = [](std::string_view value) {
    const core::MultipartType type = core::multipart_type(value);
    if (!type.multipart) return std::string("other");
    return type.fault == MultipartFault::none ? std::string(type.boundary)
                                              : "!" + std::string(core::name_of(type.fault));
  };
  expect_text(of("multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"),
              "----WebKitFormBoundary7MA4YWxkTrZu0gW");
  expect_text(of("Multipart/Form-Data;boundary=\"----=_Part_1.2/3:?\""), "----=_Part_1.2/3:?");
  expect_text(of("multipart/form-data; charset=UTF-8; boundary=x"), "x");
  expect_text(of("multipart/form-data; boundary=x; charset=\"utf-8\""), "x");
  expect_text(of("multipart/form-data; boundary=" + std::string(70, 'x')), std::string(70, 'x'));
  expect_text(of("application/json"), "other");
  expect_text(of(""), "other");
  expect_text(of("multipart/mixed; boundary=x"), "!media_type");
  expect_text(of("application/x; multipart/form-data; boundary=x"), "!media_type");
  expect_text(of("x-form-data"), "!media_type");
  expect_text(of("multipart/form-data, multipart/form-data; boundary=x"), "!media_type");
  expect_text(of("multipart/form-data"), "!boundary");
  expect_text(of("multipart/form-data;"), "!boundary");
  expect_text(of("multipart/form-data; boundary="), "!boundary");
  expect_text(of("multipart/form-data; boundary=\"\""), "!boundary");
  expect_text(of("multipart/form-data; boundary=x;"), "!boundary");
  expect_text(of("multipart/form-data; boundary=x; boundary=y"), "!boundary");
  expect_text(of("multipart/form-data; xboundary=y; boundary=x"), "!boundary");
  expect_text(of("multipart/form-data; boundary=a,b"), "!boundary");
  expect_text(of("multipart/form-data; boundary=\"a,b\""), "!boundary");
  expect_text(of("multipart/form-data; boundary=\"a b\""), "!boundary");
  expect_text(of("multipart/form-data; boundary=\"a\\b\""), "!boundary");
  expect_text(of("multipart/form-data; boundary=a=b"), "!boundary");
  expect_text(of("multipart/form-data; boundary=\"xBoundary=b\""), "!boundary");
  expect_text(of("multipart/form-data; boundary=" + std::string(71, 'x')), "!boundary");
  expect_text(of("multipart/form-data; boundary*=utf-8''x"), "!boundary");
  expect_text(of("multipart/form-data; charset=utf-7; boundary=x"), "!boundary");
}

void faults_have_words(void**) {
  for (int i = 0; i <= static_cast<int>(MultipartFault::stopped); ++i) {
    const auto fault = static_cast<MultipartFault>(i);
    assert_false(core::name_of(fault).empty());
    assert_false(core::explain(fault).empty());
    assert_false(core::explain(fault).ends_with('.'));
  }
  expect_text(core::name_of(MultipartFault::stopped), "stopped");
  expect_text(core::name_of(MultipartFault::quoting), "quoting");
  static_assert(std::is_trivially_destructible_v<core::MultipartParser>);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(parts_are_read),
      cmocka_unit_test(contents_that_look_like_delimiters),
      cmocka_unit_test(boundaries_that_delimit_nothing),
      cmocka_unit_test(what_surrounds_the_parts),
      cmocka_unit_test(headers_of_parts),
      cmocka_unit_test(dispositions),
      cmocka_unit_test(counts),
      cmocka_unit_test(media_types),
      cmocka_unit_test(faults_have_words),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
