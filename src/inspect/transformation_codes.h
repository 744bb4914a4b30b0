// Transformations that read or write what stands for bytes: of URLs, HTML, JavaScript, CSS, SQL and
// C, hexadecimal digits, Base64. to has room for transformed_size() bytes; the result is in it or
// in what went in.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace guard::inspect {

// What is written, and where the next byte goes.
struct Output {
  char* begin;
  char* at;

  explicit Output(char* out) : begin(out), at(out) {}
  void put(char c) { *at++ = c; }
  void put(std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  std::string_view view() const { return {begin, static_cast<std::size_t>(at - begin)}; }
};

std::string_view url_decode(std::string_view in, char* to);
std::string_view url_decode_uni(std::string_view in, char* to);
std::string_view html_entity_decode(std::string_view in, char* to);
std::string_view js_decode(std::string_view in, char* to);
std::string_view escape_seq_decode(std::string_view in, char* to);
std::string_view css_decode(std::string_view in, char* to);
std::string_view utf8_to_unicode(std::string_view in, char* to);
std::string_view base64_decode(std::string_view in, char* to, bool forgiving);
std::string_view base64_encode(std::string_view in, char* to);
std::string_view hex_decode(std::string_view in, char* to);
std::string_view hex_encode(std::string_view in, char* to);
std::string_view url_encode(std::string_view in, char* to);
std::string_view sql_hex_decode(std::string_view in, char* to);

}  // namespace guard::inspect
