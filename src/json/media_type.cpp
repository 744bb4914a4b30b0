#include "json/media_type.h"

#include <algorithm>
#include <cstddef>

#include "core/ascii.h"
#include "core/http_grammar.h"

namespace guard::json {

namespace {

constexpr std::string_view kSuffix = "+json";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

using core::contains_without_case;
using core::equal_without_case;
using core::is_token_char;
using core::to_lower;

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool has_json_suffix(std::string_view type) noexcept {
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  const std::string_view subtype = type.substr(slash + 1);
  return subtype.size() >= kSuffix.size() &&
         equal_without_case(subtype.substr(subtype.size() - kSuffix.size()), kSuffix);
}

// WHATWG MIME Sniffing, section 4.6, "JSON MIME type".
bool is_json_essence(std::string_view type) noexcept {
  return equal_without_case(type, "application/json") || equal_without_case(type, "text/json") ||
         has_json_suffix(type);
}

// gRPC's +json is framed, which not every application knows that takes +json for JSON.
bool is_grpc(std::string_view type) noexcept {
  return equal_without_case(type.substr(0, 16), "application/grpc");
}

class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  void skip_blanks() noexcept {
    while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
  }

  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view token() noexcept {
    std::size_t size = 0;
    while (size < rest_.size() && is_token_char(rest_[size])) ++size;
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  // A quoted-string behind its opening quote. What it stands for is compared with expected on the
  // way, so that it is never stored.
  bool quoted(std::string_view expected, bool& equal) noexcept {
    std::size_t at = 0;
    equal = true;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == '"') {
        equal = equal && at == expected.size();
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (c == '\\' && ++i < rest_.size()) c = rest_[i];
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
      equal = equal && at < expected.size() && to_lower(c) == expected[at];
      ++at;
    }
    return false;
  }

 private:
  std::string_view rest_;
};

// parameters = *( OWS ";" OWS [ parameter ] )
bool parameters_fit(Reader& reader) noexcept {
  bool charset_seen = false;
  for (;;) {
    reader.skip_blanks();
    if (reader.at_end()) return true;
    if (!reader.take(';')) return false;
    reader.skip_blanks();
    const std::string_view name = reader.token();
    if (name.empty()) continue;
    if (!reader.take('=')) return false;
    bool utf8 = false;
    if (reader.take('"')) {
      if (!reader.quoted("utf-8", utf8)) return false;
    } else {
      const std::string_view value = reader.token();
      if (value.empty()) return false;
      utf8 = equal_without_case(value, "utf-8");
    }
    if (!equal_without_case(name, "charset")) continue;
    if (charset_seen || !utf8) return false;
    charset_seen = true;
  }
}

// The text before its parameters, without what cannot belong to a type at both ends. Applications
// strip more than blanks: Python's strip() takes away 0x0B, 0x85 and 0xA0 as well.
std::string_view bare(std::string_view text) noexcept {
  text = text.substr(0, text.find(';'));
  while (!text.empty() && !is_token_char(text.front())) text.remove_prefix(1);
  while (!text.empty() && !is_token_char(text.back())) text.remove_suffix(1);
  return text;
}

// Whether one of the comma-separated parts, or all of it to an application that knows no lists,
// begins with a JSON type, however odd the rest is; or the rest itself looks like one, since
// Laravel searches all of it for these two.
bool speaks_of_json(std::string_view value) noexcept {
  if (has_json_suffix(bare(value))) return true;
  const std::string_view parameters = value.substr(std::min(value.find(';'), value.size()));
  if (contains_without_case(parameters, "/json") || contains_without_case(parameters, kSuffix)) {
    return true;
  }
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view part = bare(value.substr(0, comma));
    std::size_t size = 0;
    while (size < part.size() && (is_token_char(part[size]) || part[size] == '/')) ++size;
    if (is_json_essence(part.substr(0, size)) || has_json_suffix(part)) return true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

MediaType media_type(std::string_view value) noexcept {
  if (value == "application/json") return MediaType::json;
  const bool json = speaks_of_json(value);
  Reader reader(value);
  const std::string_view type = reader.token();
  if (type.empty() || !reader.take('/')) return json ? MediaType::unfit : MediaType::other;
  const std::string_view subtype = reader.token();
  const std::string_view essence = value.substr(0, type.size() + 1 + subtype.size());
  if (!json && !equal_without_case(essence, kForm)) return MediaType::other;
  const bool fits = !subtype.empty() && parameters_fit(reader);
  if (!json) return fits ? MediaType::form : MediaType::other;
  return fits && is_json_essence(essence) && !is_grpc(essence) ? MediaType::json : MediaType::unfit;
}

bool is_json_type(std::string_view value) noexcept {
  Reader reader(value);
  const std::string_view type = reader.token();
  if (!reader.take('/')) return false;
  const std::string_view essence = value.substr(0, type.size() + 1 + reader.token().size());
  reader.skip_blanks();
  return (reader.at_end() || reader.take(';')) && is_json_essence(essence) && !is_grpc(essence);
}

}  // namespace guard::json
