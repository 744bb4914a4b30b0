// Uploads: what guard_upload's words mean, which names and types pass, and that verdicts do not
// depend on how a form is cut.
#include "upload/upload.h"

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "unit.h"
#include "upload/archive.h"
#include "upload/clamd.h"
#include "upload/clamd_dialogue.h"
#include "upload/file_name.h"
#include "upload/scan_policy.h"
#include "upload/script_search.h"
#include "upload/zip_end.h"

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
  for (const char* good :
       {"a.png", "My holiday 1.2 (3).jpeg", "r\xC3\xA9sum\xC3\xA9.pdf", "README", "2024.11.05.pdf",
        "\xE5\x86\x99\xE7\x9C\x9F.png", "a_b-c+d&e'f.txt", "100%.txt", "console.txt", "com.txt",
        "com10.txt", "www.booking.com.pdf", "notion.so.png"}) {
    expect_text(rule(good), "");
  }
  expect_text(rule("a.com"), "active");
  expect_text(rule(std::string(201, 'a')), "long");
  for (const char* path : {"../a.png", "a/b.png", "a\\b.png", "C:a.png",
                           "a\xEF\xBC\x8F"
                           "b.png",
                           "a\xE2\x80\xA4png",
                           "a\xE2\x88\x95"
                           "b.png"}) {
    expect_text(rule(path), "path");
  }
  // U+FDFA stands for 18 letters: more than is looked at.
  std::string grows;
  for (int i = 0; i < 40; ++i) grows += "\ufdfa";
  expect_text(rule(grows + ".png"), "long");
  expect_text(rule(grows + "\uff0e\uff50\uff48\uff50"), "long");
  // What NFKC makes of a character: "1." of U+2488, "a/c" of U+2100, ":" of U+FE13, ".." of U+FE30.
  for (const char* path :
       {"a\u2488png", "a\u2100.png", "a\ufe13b.png", "a\ufe30png", "\u33c2.png"}) {
    expect_text(rule(path), "path");
  }
  for (const char* good : {"\u00bd.png", "\u3042\uff1f.png", "\uff11\uff12.png", "x\u00b2.pdf"}) {
    expect_text(rule(good), "");
  }
  expect_text(rule("com\u00b9.png"), "reserved");
  expect_text(rule("\uff23\uff2f\uff2e.txt"), "reserved");
  for (const char* active : {"a.\uff50\uff48\uff50", "a.php\u00a0", "a.ph\u65e5p"}) {
    expect_text(rule(active), "active");
  }
  // Without its accents: to werkzeug and WordPress.
  for (const char* active : {"a.ph\u1e57", "a.\u1e57h\u1e57", "a.\uff50h\u1e57", "a.js\u0301"}) {
    expect_text(rule(active), "active");
  }
  expect_text(rule("a.ph\u1e57.png"), "double_extension");
  // Django takes spaces away but for that of ASCII, which NFKC makes of them.
  for (const char* active : {"a.p\u00a0hp", "a.p\u2003hp", "a.\u202fhtml"}) {
    expect_text(rule(active), "active");
  }
  // What more of ASCII is taken away: "a.php" to Django or werkzeug.
  for (const char* active : {"a.p(hp", "a.php'", "a.p!h~p", "a.php_", "a.php (", "a.+html"}) {
    expect_text(rule(active), "active");
  }
  for (const char* twice : {"a.ph!p.png", "a.(asp).png", "a.pdf.zip_", "a.php.("}) {
    expect_text(rule(twice), "double_extension");
  }
  expect_text(rule("a.d(o).c.png"), "double_extension");
  for (const char* good :
       {"notes (do).txt", "v1.2+3.png", "a_.png", "(1).png", "!", "\u3042(.png"}) {
    expect_text(rule(good), "");
  }
  expect_text(rule("Screenshot at 9.41.00\u202fAM.png"), "");
  for (const char* twice : {"a.\uff50hp.png", "a.p\u65e5hp.png", "a.asp;.png", "a.php;x.png"}) {
    expect_text(rule(twice), "double_extension");
  }
  expect_text(rule("a\x01.png"), "character");
  expect_text(rule("a?.png"), "character");
  expect_text(rule("<a>.png"), "character");
  expect_text(rule("a\xE2\x80\xAEgnp.exe"), "invisible");
  expect_text(rule("a\xE2\x80\x8B.png"), "invisible");
  expect_text(rule("a%2e.png"), "escape");
  // References to characters, as some write them out, and browsers write what a page's encoding
  // does not have.
  for (const char* good :
       {"&#1055;&#x440;.png", "AT&T.pdf", "Q&A.pdf", "a&#.png", "a&#x.png", "R&D #2.pdf"}) {
    expect_text(rule(good), "");
  }
  for (const char* active :
       {"a.&#112;hp", "a.&#0112;hp", "a&#46;php", "a&#x2e;php", "a&#X2E;php", "a.p&#104p"}) {
    expect_text(rule(active), "active");
  }
  expect_text(rule("a&#46;php&#46;png"), "double_extension");
  expect_text(rule("..&#47;a.png"), "edge");
  expect_text(rule("a&#47;b.png"), "path");
  expect_text(rule("&#60;a&#62;.png"), "character");
  expect_text(rule("a&#1;.png"), "character");
  expect_text(rule("a&#8238;gnp.png"), "invisible");
  // Those that need no semicolon, and become what Django takes away.
  for (const char* escape :
       {"a.p&shyhp", "a.p&nbsphp", "a.p&copyhp", "a.p&amphp", "a.p&REGhp", "a.p&timeshp.png"}) {
    expect_text(rule(escape), "escape");
  }
  for (const char* escape : {"a&period;php", "a&sol;b.png", "&ltscript&gt.png", "a&#0;.png",
                             "a&#xd800;.png", "a&#1114112;.png", "a&#99999999999;.png"}) {
    expect_text(rule(escape), "escape");
  }
  for (const char* edge : {".htaccess", "..", " a.png", "a.png ", "a.png.", "-a.png"}) {
    expect_text(rule(edge), "edge");
  }
  for (const char* reserved : {"CON", "nul.txt", "Com1.png", "lpt9", "CONIN$", "con .png"}) {
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
  const auto form = std::make_unique<upload::Upload>(policy, "b", magic);
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

// However it is cut.
template <class Ask>
void at_every_cut(std::string_view content, const Ask& ask) {
  for (std::size_t piece = 1; piece <= content.size() + 1; ++piece) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < content.size(); at += piece) {
      pieces.emplace_back(content.substr(at, piece));
    }
    ask(pieces);
  }
}

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xff);
  return text;
}

// An archive of one empty file.
std::string zip_of(const std::string& name) {
  const std::string common = number(0, 2) + number(0, 2) + number(0, 8) + number(0, 8) +
                             number(name.size(), 2) + number(0, 2);
  const std::string local = "PK\3\4" + number(10, 2) + common + name;
  const std::string central =
      "PK\1\2" + number(10, 2) + number(10, 2) + common + std::string(14, 0) + name;
  return local + central + "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) +
         number(central.size(), 4) + number(local.size(), 4) + number(0, 2);
}

bool has_zip(std::string_view content) {
  bool first = true;
  bool all = false;
  at_every_cut(content, [&](const std::vector<std::string>& pieces) {
    upload::ZipEnd end;
    end.begin();
    for (const std::string& piece : pieces) end.add(piece);
    if (first) all = end.found();
    assert_true(end.found() == all);
    first = false;
  });
  return all;
}

void zip_ends(void**) {
  const std::string zip = zip_of("a");
  assert_true(has_zip(zip));
  assert_true(has_zip("x" + zip));
  assert_true(has_zip(zip + "a comment"));
  // A false beginning hides no true one.
  for (std::size_t cut = 1; cut < 22; ++cut) {
    const std::string end = zip.substr(zip.size() - 22);
    assert_true(has_zip(zip.substr(0, zip.size() - 22) + end.substr(0, cut) + end));
  }
  std::string uncounted = zip;
  uncounted[zip.size() - 12] = uncounted[zip.size() - 14] = 0;
  assert_true(has_zip(uncounted));
  // Programs that go by where the directory begins, as Go and unzip, mind no size, nor those that
  // go by its size, as Python, where it begins.
  const std::size_t size = zip.size() - 10;
  const std::size_t place = zip.size() - 6;
  assert_true(has_zip(std::string(zip).replace(size, 4, number(0, 4))));
  assert_true(has_zip(std::string(zip).replace(place, 4, number(1U << 30, 4))));
  assert_false(
      has_zip(std::string(zip).replace(size, 8, number(0, 4) + number(zip.size() - 22, 4))));
  assert_false(has_zip(zip.substr(0, zip.size() - 1)));
  assert_false(has_zip(std::string("PK\5\6") + std::string(18, 0)));
  assert_false(has_zip("PK\5\6 and what else there may be of it"));
  upload::ZipEnd end;
  for (const std::size_t comment : {65535U, 65536U}) {
    end.begin();
    end.add(zip);
    end.add(std::string(comment, 'c'));
    assert_int_equal(end.found(), comment == 65535);
  }
}

void forms(void**) {
  upload::Policy policy = policy_of(
      {"types=image/png,image/gif,text/plain,text/markdown,application/json,application/zip",
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
  // Texts that are something more to libmagic.
  for (const char* text : {"a, b\nc, d\n", "{\"a\": 1}", "{\"a\": 1}\n{\"a\": 2}\n"}) {
    expect_text(said("; filename=\"a.log\"", text), "good 1");
    expect_text(said("; filename=\"a.md\"\r\nContent-Type: text/markdown", text), "good 1");
  }
  // Of a large one libmagic does not see the end, and takes it for text.
  const auto json = [&](const std::string& content) {
    return said("; filename=\"a.json\"\r\nContent-Type: application/json", content);
  };
  const std::string long_text(17000, 'x');
  expect_text(json("[\"x\"]"), "good 1");
  expect_text(json(" {\"a\": [\"" + long_text + "\"]}"), "good 1");
  expect_text(json(" {\"a\": [\"x\"}"), "upload.type content f");
  expect_text(json(long_text), "upload.type content f");
  expect_text(json("[\"\x7f\1\2\"," + long_text + "]"), "upload.type content f");
  expect_text(said("; filename=\"a.php\"", "x"), "upload.name active f");
  expect_text(said("; filename=\"a.txt\"", ""), "good 1");
  expect_text(said("; filename=\"a.gif\"\r\nContent-Type: image/gif", ""), "upload.type content f");
  expect_text(said("; filename=\"a.zip\"\r\nContent-Type: application/zip", ""),
              "upload.type content f");
  // Pictures that are something else as well.
  const auto picture = [&](const std::string& content) {
    return said("; filename=\"a.gif\"\r\nContent-Type: image/gif", content);
  };
  const std::string gif("GIF89a\1\0\1\0\x80\0\0", 13);
  expect_text(picture(gif + zip_of("a.class")), "upload.type polyglot f");
  expect_text(picture(gif + zip_of("a.class") + std::string(12000, ';')), "upload.type polyglot f");
  expect_text(picture(gif + "PK\5\6 and other words"), "good 1");
  expect_text(picture(gif + "\n%PDF-1.4\n"), "upload.type polyglot f");
  expect_text(picture(gif + std::string(1024 - 13, 'x') + "%PDF-1.4\n"), "upload.type polyglot f");
  expect_text(picture(gif + std::string(1025 - 13, 'x') + "%PDF-1.4\n"), "good 1");
  expect_text(picture(gif + "__HALT_COMPILER(); ?>"), "upload.type script f");
  policy.contents = upload::Contents::any;
  expect_text(picture(gif + zip_of("a.class")), "good 1");
  policy.contents = upload::Contents::strict;
  expect_text(said("; filename=\"a.txt\"", "a--b"), "upload.multipart delimiter f");
  policy.max_files = 0;
  expect_text(said("; filename=\"a.txt\"", "x"), "upload.count max_files f");
  policy.max_fields = 0;
  expect_text(said("", "x"), "upload.count max_fields f");
}

void magic(void**) {
  upload::Magic magic;
  assert_true(magic.open());
  const auto of = [&magic](const std::string& head) { return std::string(magic.type_of(head)); };
  const auto filled = [](std::string_view piece) {
    std::string text;
    while (text.size() < upload::Magic::kHead) text += piece;
    return text.substr(0, upload::Magic::kHead);
  };
  expect_text(of(""), "application/x-empty");
  expect_text(of("hello\n"), "text/plain");
  expect_text(of("GIF89a"), "image/gif");
  expect_text(of("#!/bin/sh\nid\n"), "text/x-shellscript");
  expect_text(of("{\"a\": 1}"), "application/json");
  expect_text(of(std::string(5000, '\n') + "<html><body>x</body></html>"), "text/html");
  expect_text(of(std::string(4, '\0') + std::string(1000, ' ')), "application/octet-stream");
  // A tar, which has a mark behind much that is nothing.
  std::string tar =
      "a" + std::string(99, '\0') + std::string("0000644\0000000000\0000000000\0", 24);
  tar += std::string("00000000000\00014000000000\000", 24);
  tar.resize(148);
  tar += std::string("        0", 9);
  tar.resize(257);
  tar += std::string("ustar\00000", 8);
  tar.resize(512);
  expect_text(of(tar), "application/x-ustar");

  // White space costs not much more than other text, in whatever encoding.
  const auto cost = [&](const std::string& head) {
    std::clock_t least = 0;
    for (int i = 0; i < 5; ++i) {
      const std::clock_t before = std::clock();
      (void)magic.type_of(head);
      const std::clock_t took = std::clock() - before;
      if (i == 0 || took < least) least = took;
    }
    return least;
  };
  const std::clock_t words = cost(filled("some words\n"));
  for (const std::string& blank :
       {filled("\n"), filled("\r\n"), filled(" "), filled("\t"), filled("\f"), filled("\x05"),
        "\xff\xfe" + filled(std::string("\n\0", 2)), "\xfe\xff" + filled(std::string("\0\n", 2)),
        std::string("\xff\xfe\0\0", 4) + filled(std::string("\n\0\0\0", 4)),
        "\xc1" + filled("@")}) {
    assert_true(cost(blank) < 5 * words);
  }
}

upload::ScanPolicy scan_policy_of(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_upload_scan");
  core::Words all(std::move(words));
  return upload::parse_upload_scan(all);
}

void scan_words(void**) {
  assert_false(scan_policy_of({"off"}).on);
  upload::ScanPolicy policy = scan_policy_of({"unix:/run/clamav/clamd.ctl"});
  assert_true(policy.on && policy.on_error == upload::OnError::refuse);
  expect_text(policy.host, "unix:/run/clamav/clamd.ctl");
  assert_int_equal(policy.timeout.count(), 30000);
  assert_int_equal(policy.scan_max, 25 << 20);
  assert_true(!policy.connections && !policy.queue);
  policy = scan_policy_of(
      {"tcp:[::1]:3310", "timeout=5s", "scan_max=1m", "on_error=pass", "connections=4", "queue=0"});
  assert_int_equal(*policy.connections, 4);
  assert_int_equal(*policy.queue, 0);
  expect_text(policy.host, "::1");
  assert_int_equal(policy.port, 3310);
  assert_int_equal(policy.timeout.count(), 5000);
  assert_int_equal(policy.scan_max, 1 << 20);
  assert_true(policy.on_error == upload::OnError::pass);
  expect_text(scan_policy_of({"tcp:clamd.internal:1"}).host, "clamd.internal");
  for (const char* bad : {"", "unix:", "unix:/", "unix:a", "tcp:", "tcp:a", "tcp:a:", "tcp::1",
                          "tcp:a:0", "tcp:a:65536", "tcp:a:1x", "tcp:::1:1", "tcp:[]:1",
                          "tcp:a b:1", "tcp:a/b:1", "127.0.0.1:3310", "tcp://a:1"}) {
    expect_error([bad] { scan_policy_of({bad}); },
                 "invalid address \"" + std::string(bad) +
                     "\" of a scanner, \"unix:/path\" or \"tcp:host:port\" is expected");
  }
}

void clamd_answers(void**) {
  using State = upload::ClamdReply::State;
  const auto said = [](std::string_view answer) {
    upload::ClamdReply whole;
    const State state = whole.add(answer);
    upload::ClamdReply cut;
    State last = State::more;
    for (std::size_t i = 0; i < answer.size() && last == State::more; ++i) {
      last = cut.add(answer.substr(i, 1));
    }
    // What follows in another piece is not waited for.
    if (answer.find('\0') + 1 == answer.size()) assert_true(last == state);
    return state;
  };
  const auto with_end = [](std::string_view text) { return std::string(text) + '\0'; };
  assert_true(said(with_end("stream: OK")) == State::clean);
  for (const char* bad :
       {"", "OK", "stream: ok", "stream: OK ", " stream: OK", "stream: OK\n", "1: stream: OK",
        "stream: FOUND", "stream:  FOUND", "stream: x found", "x: y FOUND",
        "INSTREAM size limit exceeded. ERROR\n", "UNKNOWN COMMAND"}) {
    assert_true(said(with_end(bad)) == State::broken);
  }
  assert_true(said("stream: OK") == State::more);
  assert_true(said(with_end("stream: OK") + with_end("stream: OK")) == State::broken);
  assert_true(said(with_end("INSTREAM size limit exceeded. ERROR")) == State::limit);
  assert_true(said(with_end("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND")) ==
              State::limit);
  assert_true(said(std::string(upload::ClamdReply::kMax, 'x')) == State::broken);
  assert_true(said(std::string(upload::ClamdReply::kMax + 1, 'x')) == State::broken);
  upload::ClamdReply reply;
  assert_true(reply.add(with_end("stream: A B FOUND")) == State::infected);
  expect_text(reply.signature(), "A B");
  char head[4];
  upload::write_piece_head(0x01020384, head);
  assert_memory_equal(head, "\1\2\3\x84", 4);
}

// A dialogue of a file of which so many bytes can be had: what is said to clamd, up to its end.
struct Scanned {
  explicit Scanned(std::string bytes) : content(std::move(bytes)) {
    instream.begin(3, content.size());
  }

  static bool copy(void* self, std::uint64_t offset, char* to, std::size_t size) noexcept {
    auto& one = *static_cast<Scanned*>(self);
    if (offset - 3 + size > one.readable) return false;
    one.content.copy(to, size, offset - 3);
    return true;
  }

  core::Dialogue::Next say_all() {
    core::Dialogue::Next next = instream.opened();
    while (next == core::Dialogue::Next::more && !instream.say().empty()) {
      sent += instream.say();
      next = instream.said();
    }
    return next;
  }

  std::string content;
  std::size_t readable = std::string::npos;
  std::string sent;
  upload::Instream instream{copy, this};
};

void scans(void**) {
  using Next = core::Dialogue::Next;
  using upload::ScanFault;
  constexpr std::string_view kOk("stream: OK\0", 11);
  for (const std::size_t size : {0U, 1U, 32U * 1024, 32U * 1024 + 1, 100'000U}) {
    Scanned one(std::string(size, 'x'));
    assert_false(one.instream.reached());
    assert_true(one.say_all() == Next::more);
    assert_true(one.instream.reached());
    std::string_view sent = one.sent;
    assert_true(sent.starts_with(upload::kClamdCommand));
    sent.remove_prefix(upload::kClamdCommand.size());
    std::string content;
    for (std::size_t piece = 1; piece != 0;) {
      assert_true(sent.size() >= 4);
      piece = 0;
      for (int i = 0; i < 4; ++i) piece = piece << 8 | static_cast<unsigned char>(sent[i]);
      content += sent.substr(4, piece);
      sent.remove_prefix(4 + piece);
    }
    assert_true(sent.empty() && content == one.content);
    assert_true(one.instream.hear(kOk.substr(0, 5)) == Next::more);
    assert_true(one.instream.hear(kOk.substr(5)) == Next::done);
    assert_true(one.instream.fault() == ScanFault::none && !one.instream.infected());
  }

  // What is said before it has all of it.
  Scanned early("hello");
  assert_true(early.instream.opened() == Next::more);
  assert_true(early.instream.hear(kOk) == Next::done);
  assert_true(early.instream.fault() == ScanFault::answer);
  early.instream.begin(3, 5);
  assert_true(early.instream.opened() == Next::more);
  assert_true(early.instream.hear({"stream: X FOUND\0", 16}) == Next::done);
  assert_true(early.instream.fault() == ScanFault::none && early.instream.infected());
  expect_text(early.instream.signature(), "X");
  // The next file has nothing of the one before.
  early.instream.begin(3, 5);
  assert_true(early.say_all() == Next::more);
  assert_false(early.instream.infected());
  assert_true(early.instream.ended() == Next::done);
  assert_true(early.instream.fault() == ScanFault::broken);

  for (const std::size_t readable : {0U, 40'000U}) {
    Scanned cut(std::string(100'000, 'x'));
    cut.readable = readable;
    assert_true(cut.say_all() == Next::done);
    assert_true(cut.instream.fault() == ScanFault::body);
    assert_false(upload::of_scanner(cut.instream.fault()));
  }
}

void pings(void**) {
  using Next = core::Dialogue::Next;
  upload::Ping ping;
  const auto asked = [&] {
    assert_true(ping.opened() == Next::more);
    assert_true(ping.problem().empty());
    assert_true(ping.say() == std::string_view("zPING\0", 6));
    assert_true(ping.said() == Next::more);
    assert_true(ping.say().empty());
  };
  asked();
  assert_true(ping.hear("PO") == Next::more);
  assert_true(ping.hear({"NG\0", 3}) == Next::done);
  assert_true(ping.problem().empty());
  for (const std::string& bad :
       {std::string("PONG\n"), std::string("PONG\0\0", 6), std::string("x"),
        std::string("stream: OK"), std::string(5000, 'P')}) {
    asked();
    assert_true(ping.hear(bad) == Next::done);
    expect_text(ping.problem(), "its answer to PING is not PONG");
  }
  asked();
  assert_true(ping.hear("PONG") == Next::more);
  assert_true(ping.ended() == Next::done);
  expect_text(ping.problem(), "it did not answer PING");
}

bool has_script(std::string_view content) {
  bool first = true;
  bool all = false;
  at_every_cut(content, [&](const std::vector<std::string>& pieces) {
    upload::ScriptSearch search;
    search.begin();
    bool has = false;
    for (const std::string& piece : pieces) has = has || search.add(piece);
    has = has || search.finish();
    if (first) all = has;
    assert_true(has == all);
    first = false;
  });
  return all;
}

void scripts(void**) {
  for (const char* bad :
       {"x<script>alert(1)</script>", "\xff\xd8<SCRIPT src=a>", "<script/x>", "<svg onload=x>",
        "<svg\n>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa<!DOCTYPE HTML>", "<<html>", "<body >",
        "<iframe/>", "<object\t", "<embed ", "<?php echo 1;", "<?PHP\n", "a<?=`$_GET[1]`?>",
        "<?=<<<A\nid\nA", "<<?php\r"}) {
    expect_text(has_script(bad) ? bad : "nothing", bad);
  }
  for (const char* good :
       {"", "<", "<?", "<?=", "<?php", "<script", "<scripts>", "<svg:a>", "<bodyguard>", "script>",
        "<?xpacket begin=", "<x:xmpmeta xmlns:x=", "<?xml version='1.0'?>",
        "<?=a\xff"
        "bcdefgh",
        "<?=abcdefg", "<?phpx", "< script>", "<!doctype htm>", "<%= 1 %>"}) {
    expect_text(has_script(good) ? "script" : good, good);
  }
  assert_true(upload::opens_comment("GIF89a/*"));
  assert_true(upload::opens_comment("\xff\xd8\xff\xe0/*"));
  assert_true(upload::opens_comment("BM/*"));
  assert_true(upload::opens_comment("RIFF/*"));
  for (const char* good : {"", "GIF89a", "GIF89a/", "\xff\xd8\xff\xe0", "x/*", "RIFFx/*"}) {
    assert_false(upload::opens_comment(good));
  }
}

std::string local_header(std::uint32_t size) {
  return "PK\3\4" + std::string(18, '\x14') + number(size, 4) + number(1, 2) + number(0, 2) + "a";
}

std::string central_header(std::uint32_t size, const std::string& name = "a") {
  return "PK\1\2" + std::string(20, '\x14') + number(size, 4) + number(name.size(), 2) +
         std::string(16, '\0') + name;
}

std::uint64_t declared(std::string_view content) {
  std::uint64_t all = 0;
  bool first = true;
  at_every_cut(content, [&](const std::vector<std::string>& pieces) {
    upload::Archive archive;
    archive.begin();
    for (const std::string& piece : pieces) archive.add(piece);
    if (first) all = archive.declared();
    assert_true(archive.declared() == all);
    first = false;
  });
  return all;
}

void archives(void**) {
  assert_int_equal(declared(""), 0);
  assert_int_equal(declared("PK"), 0);
  assert_int_equal(declared(central_header(7)), 0);
  assert_int_equal(declared(local_header(7)), 7);
  assert_int_equal(declared(local_header(7) + "content" + local_header(8)), 15);
  assert_int_equal(declared(local_header(0) + "xPxPKxPK\1x" + central_header(9)), 9);
  assert_int_equal(declared(local_header(UINT32_MAX) + central_header(5)), 5);
  assert_int_equal(declared(local_header(0) + central_header(UINT32_MAX) + central_header(1)),
                   1ULL << 32);
  // One that stands before another one, or in it, does not hide it.
  assert_int_equal(declared(local_header(0) + "PK\1\2" + central_header(1000)) >= 1000, 1);
  assert_int_equal(
      declared(local_header(0) + central_header(1, "PK\1\2") + central_header(1000)) >= 1000, 1);
  assert_int_equal(
      declared(local_header(0) + central_header(1, std::string(65535, 'x')).substr(0, 60) +
               central_header(1000)) >= 1000,
      1);
  const std::string gzip = "\x1f\x8b\b" + std::string(15, '\1');
  assert_int_equal(declared(gzip + number(123456789, 4)), 123456789);
  assert_int_equal(declared("\x1f\x8b\b"), 0);
}

void contents(void**) {
  const upload::Policy typed =
      policy_of({"types=image/png,application/zip,text/plain", "max_ratio=1000"});
  const upload::Policy untyped = policy_of({"max_ratio=1000"});
  const auto judged = [](const upload::Policy& policy, std::string_view rest,
                         std::string_view content) {
    const std::string body = "--b\r\nContent-Disposition: form-data; name=\"f\"" +
                             std::string(rest) + "\r\n\r\n" + std::string(content) +
                             "\r\n--b--\r\n";
    const std::string whole = verdict(policy, body, body.size());
    for (const std::size_t piece : {1U, 7U, 64U, 16384U}) {
      expect_text(verdict(policy, body, piece), whole);
    }
    return whole;
  };
  const auto said = [&](std::string_view rest, std::string_view content) {
    return judged(typed, rest, content);
  };
  const std::string png("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89",
                        33);
  const std::string as_png = "; filename=\"a.png\"\r\nContent-Type: image/png";
  const std::string as_zip = "; filename=\"a.zip\"\r\nContent-Type: application/zip";
  expect_text(said(as_png, png + "<script>alert(1)</script>"), "upload.type script f");
  expect_text(said(as_png, png + std::string(20000, 'x') + "<?php "), "upload.type script f");
  expect_text(said(as_png, "no picture" + std::string(20000, 'x') + "<?php "),
              "upload.type content f");
  expect_text(said("; filename=\"a.txt\"", std::string(20000, 'x') + " <script> to a browser\n"),
              "good 1");
  const std::string zip = local_header(0) + std::string(1000, 'x');
  expect_text(said(as_zip, zip + central_header(16U << 20)), "good 1");
  expect_text(said(as_zip, zip + central_header((16U << 20) + 1)), "upload.size max_ratio f");
  expect_text(said(as_zip, zip + std::string(20000, 'x') + central_header((16U << 20) + 1)),
              "good 1");
  // Programs look for an archive at its end, whatever stands before it.
  const std::string central = central_header((16U << 20) + 1) + "abcd";
  const std::string end = "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) +
                          number(central.size(), 4) + number(zip.size(), 4) + number(0, 2);
  const std::string_view as_data = "; filename=\"a.data\"";
  expect_text(judged(untyped, as_data, zip + central + end), "upload.size max_ratio f");
  expect_text(judged(untyped, as_data, "x" + zip + central + end), "upload.size max_ratio f");
  expect_text(judged(untyped, as_data, "x" + zip + central), "good 1");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(words),      cmocka_unit_test(names),         cmocka_unit_test(types),
      cmocka_unit_test(forms),      cmocka_unit_test(magic),         cmocka_unit_test(zip_ends),
      cmocka_unit_test(scripts),    cmocka_unit_test(archives),      cmocka_unit_test(contents),
      cmocka_unit_test(scan_words), cmocka_unit_test(clamd_answers), cmocka_unit_test(scans),
      cmocka_unit_test(pings)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
