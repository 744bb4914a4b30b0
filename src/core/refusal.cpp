#include "core/refusal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/json_escape.h"
#include "core/utf8.h"

namespace guard::core {

namespace {

// The IANA HTTP status code registry, as far as a refusal or an outcome can name it.
constexpr std::array kStatusLines = std::to_array<std::pair<std::uint16_t, std::string_view>>({
    {200, "200 OK"},
    {204, "204 No Content"},
    {301, "301 Moved Permanently"},
    {302, "302 Found"},
    {303, "303 See Other"},
    {304, "304 Not Modified"},
    {307, "307 Temporary Redirect"},
    {308, "308 Permanent Redirect"},
    {400, "400 Bad Request"},
    {401, "401 Unauthorized"},
    {402, "402 Payment Required"},
    {403, "403 Forbidden"},
    {404, "404 Not Found"},
    {405, "405 Method Not Allowed"},
    {406, "406 Not Acceptable"},
    {407, "407 Proxy Authentication Required"},
    {408, "408 Request Timeout"},
    {409, "409 Conflict"},
    {410, "410 Gone"},
    {411, "411 Length Required"},
    {412, "412 Precondition Failed"},
    {413, "413 Content Too Large"},
    {414, "414 URI Too Long"},
    {415, "415 Unsupported Media Type"},
    {416, "416 Range Not Satisfiable"},
    {417, "417 Expectation Failed"},
    {421, "421 Misdirected Request"},
    {422, "422 Unprocessable Content"},
    {423, "423 Locked"},
    {424, "424 Failed Dependency"},
    {425, "425 Too Early"},
    {426, "426 Upgrade Required"},
    {428, "428 Precondition Required"},
    {429, "429 Too Many Requests"},
    {431, "431 Request Header Fields Too Large"},
    {451, "451 Unavailable For Legal Reasons"},
    {500, "500 Internal Server Error"},
    {501, "501 Not Implemented"},
    {502, "502 Bad Gateway"},
    {503, "503 Service Unavailable"},
    {504, "504 Gateway Timeout"},
    {505, "505 HTTP Version Not Supported"},
    {507, "507 Insufficient Storage"},
    {511, "511 Network Authentication Required"},
});

// RFC 9457 asks that the title of "about:blank" be the status's own phrase; it is also what is left
// to say where a refusal has none.
std::string_view title_of(const Refusal& refusal) {
  if (!refusal.title.empty()) return refusal.title;
  const std::string_view line = status_line(refusal.status);
  return line.empty() ? "Error" : line.substr(4);
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  append_json_string(out, value);
}

// RFC 6901 section 6: the pointer as a URI fragment, where every byte that RFC 3986 does not let
// stand in a fragment is percent-encoded.
std::string as_fragment(std::string_view pointer) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/?";
  std::string fragment = "#";
  for (char c : pointer) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kMarks.find(c) != std::string_view::npos) {
      fragment.push_back(c);
    } else {
      fragment.append({'%', kHex[byte >> 4U], kHex[byte & 0xfU]});
    }
  }
  return fragment;
}

void append_html(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Utf8Unit unit = decode_utf8(text);
    const char32_t c = unit.code_point;
    if (c == '&') {
      out.append("&amp;");
    } else if (c == '<') {
      out.append("&lt;");
    } else if (c == '>') {
      out.append("&gt;");
    } else if (c == '"') {
      out.append("&quot;");
    } else if (c == '\'') {
      out.append("&#39;");
    } else if (!unit.valid || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
      out.append("\xef\xbf\xbd");
    } else {
      out.append(text.substr(0, unit.length));
    }
    text.remove_prefix(unit.length);
  }
}

}  // namespace

std::string problem_json(const Refusal& refusal, std::string_view request_id) {
  std::string out;
  out.reserve(256 + refusal.detail.size() + 96 * refusal.errors.size());
  out.append("{\"type\":");
  append_json_string(out, refusal.type);
  append_member(out, "title", title_of(refusal));
  out.append(",\"status\":").append(std::to_string(refusal.status));
  if (!refusal.detail.empty()) append_member(out, "detail", refusal.detail);
  append_member(out, "instance", std::string("urn:request:").append(request_id));
  append_member(out, "code", refusal.code);

  if (!refusal.errors.empty()) {
    out.append(",\"errors\":");
    char before = '[';
    for (const FieldError& error : refusal.errors) {
      out.push_back(std::exchange(before, ','));
      out.append("{\"detail\":");
      append_json_string(out, error.detail);
      if (!error.in.empty()) {
        append_member(out, "in", error.in);
        append_member(out, "name", error.name);
      }
      if (error.in.empty() || !error.pointer.empty()) {
        append_member(out, "pointer", as_fragment(error.pointer));
      }
      if (!error.keyword.empty()) append_member(out, "keyword", error.keyword);
      out.push_back('}');
    }
    out.push_back(']');
  }
  if (!refusal.violated.empty()) {
    out.append(",\"violated-policies\":");
    char before = '[';
    for (std::string_view policy : refusal.violated) {
      out.push_back(std::exchange(before, ','));
      append_json_string(out, policy);
    }
    out.push_back(']');
  }
  return out.append("}\n");
}

std::string problem_html(const Refusal& refusal, std::string_view request_id) {
  std::string out;
  out.reserve(768 + refusal.detail.size() + 96 * refusal.errors.size());
  out.append(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n<title>");
  append_html(out, title_of(refusal));
  out.append("</title>\n</head>\n<body>\n<h1>").append(std::to_string(refusal.status)).append(" ");
  append_html(out, title_of(refusal));
  out.append("</h1>\n");
  if (!refusal.detail.empty()) {
    out.append("<p>");
    append_html(out, refusal.detail);
    out.append("</p>\n");
  }
  if (!refusal.errors.empty()) {
    out.append("<ul>\n");
    for (const FieldError& error : refusal.errors) {
      out.append("<li><code>");
      append_html(out, error.name);
      append_html(out, error.pointer);
      out.append("</code> ");
      append_html(out, error.detail);
      out.append("</li>\n");
    }
    out.append("</ul>\n");
  }
  out.append("<p>Code <code>");
  append_html(out, refusal.code);
  out.append("</code>, request <code>");
  append_html(out, request_id);
  return out.append("</code></p>\n</body>\n</html>\n");
}

std::string_view status_line(std::uint16_t status) noexcept {
  const auto* found = std::ranges::lower_bound(kStatusLines, status, {},
                                               &std::pair<std::uint16_t, std::string_view>::first);
  if (found == kStatusLines.end() || found->first != status) return {};
  return found->second;
}

}  // namespace guard::core
