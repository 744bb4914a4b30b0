// Any bytes in every member of a refusal: the problem body is JSON by simdjson's judgement, one
// line, and holds the members and no others; the page never gains a tag.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <simdjson.h>
#include <string>

#include "core/json_escape.h"
#include "core/refusal.h"
#include "core/words.h"

namespace {

namespace core = guard::core;

void require(bool truth) {
  if (!truth) std::abort();
}

void check_json(const std::string& body) {
  static simdjson::dom::parser parser;
  simdjson::dom::object object;
  require(!parser.parse(body).get(object));
  require(object.size() == 8);
  require(std::ranges::count(body, '\n') == 1 && body.back() == '\n');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string_view> lines = core::split(text, '\x1e');
  const auto line = [&](std::size_t i) { return lines[i % lines.size()]; };

  const core::FieldError error{line(0), line(1), line(2)};
  const std::array<std::string_view, 2> violated = {line(3), line(4)};
  core::Refusal refusal;
  refusal.status = 422;
  refusal.code = line(5);
  refusal.title = line(6);
  refusal.detail = std::string_view("x");
  refusal.policy = line(7);
  refusal.errors = {&error, 1};
  refusal.violated = violated;
  check_json(core::problem_json(refusal, line(8)));
  refusal.detail = text.empty() ? std::string_view("x") : text;
  check_json(core::problem_json(refusal, line(8)));

  core::Refusal plain = refusal;
  plain.code = plain.title = plain.detail = "x";
  const core::FieldError plain_error{"x", "x", "x"};
  plain.errors = {&plain_error, 1};
  const std::string page = core::problem_html(refusal, line(8));
  const std::string expected = core::problem_html(plain, "x");
  for (char mark : {'<', '>', '"', '\''}) {
    require(std::ranges::count(page, mark) == std::ranges::count(expected, mark));
  }

  // Into a buffer of any size: within it, closed, and a prefix of the whole.
  std::string whole;
  core::append_json_string(whole, text);
  const std::size_t room = text.empty() ? 0 : static_cast<unsigned char>(text.front());
  std::string out(room, '#');
  const std::size_t written = core::write_json_string(out.data(), room, text);
  require(written <= room);
  if (written > 0) {
    require(out[written - 1] == '"' && whole.starts_with(out.substr(0, written - 1)));
    simdjson::dom::parser parser;
    require(!parser.parse(out.substr(0, written)).error());
  }
  return 0;
}
