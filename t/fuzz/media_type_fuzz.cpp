// Content-Type: whatever an application would take for JSON that strips and forgives as Python's
// web frameworks do is never "other", which passes unread; and what is JSON is written plainly.

#include "json/media_type.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

bool is_stripped(unsigned char c) {
  return c <= 0x20 || c == 0x7F || c == 0x85 || c == 0xA0;
}

// As werkzeug's parse_options_header and Request.is_json.
bool lenient_json(std::string text) {
  text.resize(std::min(text.size(), text.find(';')));
  while (!text.empty() && is_stripped(static_cast<unsigned char>(text.front()))) text.erase(0, 1);
  while (!text.empty() && is_stripped(static_cast<unsigned char>(text.back()))) text.pop_back();
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text == "application/json" ||
         (text.starts_with("application/") && text.ends_with("+json"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace json = guard::json;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const json::MediaType type = json::media_type(text);
  const std::size_t rest = std::min(text.find(';'), text.size());
  const bool laravel = text.find("/json", rest) != std::string::npos;
  if (laravel && type < json::MediaType::unfit) std::abort();
  if (type == json::MediaType::other && lenient_json(text)) std::abort();
  if (type == json::MediaType::json) {
    const auto is_control = [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && c != '\t';
    };
    if (std::ranges::any_of(text, is_control)) std::abort();
    // A list is not one type, whatever follows.
    if (json::media_type(text + ", text/plain") == json::MediaType::json) std::abort();
    // Nor is it one with another charset.
    if (json::media_type(text + "; charset=utf-16") == json::MediaType::json) std::abort();
  }
  return 0;
}
