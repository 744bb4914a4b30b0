#include "inspect/raw_request.h"

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/http_grammar.h"

namespace guard::inspect {

namespace {

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string unchunk(std::string_view text) {
  std::string body;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    std::size_t size = 0;
    for (const char c : line) {
      if (!core::is_hex(c) || size > text.size()) break;
      size = size * 16 + static_cast<std::size_t>(core::hex_value(c));
    }
    if (size == 0) break;
    body += text.substr(0, size);
    text.remove_prefix(std::min(size, text.size()));
    next_line(text);
  }
  return body;
}

}  // namespace

bool parse_raw_request(std::string_view text, RawRequest& request) {
  const std::string_view line = next_line(text);
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos || first == 0) return false;
  request.method = line.substr(0, first);
  std::string_view rest = line.substr(first + 1);
  const std::size_t protocol = rest.rfind(" HTTP/");
  request.version = protocol == std::string_view::npos ? "1.1" : rest.substr(protocol + 6);
  request.target = rest.substr(0, protocol);
  bool chunked = false;
  std::size_t length = std::string_view::npos;
  while (!text.empty()) {
    const std::string_view field = next_line(text);
    if (field.empty()) break;
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    const HeaderField header{field.substr(0, colon), core::trim_blanks(field.substr(colon + 1))};
    chunked = chunked || (core::equal_without_case(header.name, "transfer-encoding") &&
                          to_lower(header.value).ends_with("chunked"));
    if (core::equal_without_case(header.name, "content-length")) {
      std::from_chars(header.value.data(), header.value.data() + header.value.size(), length);
    }
    request.headers.push_back(header);
  }
  request.body = chunked ? unchunk(text) : std::string(text.substr(0, length));
  return true;
}

}  // namespace guard::inspect
