#include "json/uri.h"

#include <algorithm>
#include <optional>

#include "core/ascii.h"

namespace guard::json {

namespace {

using core::hex_value;

using Part = std::optional<std::string_view>;

// The five components of section 3; present or not is a difference for all but the path.
struct Components {
  Part scheme;
  Part authority;
  std::string_view path;
  Part query;
  Part fragment;
};

Part cut_behind(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text.substr(at + 1);
  text = text.substr(0, at);
  return behind;
}

Components split(std::string_view text) {
  Components parts;
  parts.fragment = cut_behind(text, '#');
  parts.query = cut_behind(text, '?');
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon > 0 && text.find('/') > colon) {
    parts.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    const std::size_t end = std::min(text.find('/', 2), text.size());
    parts.authority = text.substr(2, end - 2);
    text.remove_prefix(end);
  }
  parts.path = text;
  return parts;
}

// Section 5.2.4.
std::string without_dots(std::string_view in) {
  std::string out;
  const auto drop_last = [&out] {
    out.resize(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
  };
  while (!in.empty()) {
    if (in.starts_with("../")) {
      in.remove_prefix(3);
    } else if (in.starts_with("./") || in.starts_with("/./")) {
      in.remove_prefix(2);
    } else if (in == "/.") {
      in = "/";
    } else if (in.starts_with("/../")) {
      in.remove_prefix(3);
      drop_last();
    } else if (in == "/..") {
      in = "/";
      drop_last();
    } else if (in == "." || in == "..") {
      in = {};
    } else {
      const std::size_t end = std::min(in.find('/', 1), in.size());
      out += in.substr(0, end);
      in.remove_prefix(end);
    }
  }
  return out;
}

// Section 5.2.3.
std::string merge(const Components& base, std::string_view path) {
  if (base.authority && base.path.empty()) return "/" + std::string(path);
  const std::size_t slash = base.path.rfind('/');
  const std::string_view folder =
      slash == std::string_view::npos ? std::string_view{} : base.path.substr(0, slash + 1);
  return std::string(folder) + std::string(path);
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2]));
    i += 2;
  }
  return out;
}

// Section 5.2.2.
Uri resolve_uri(std::string_view base, std::string_view reference) {
  const Components from = split(base);
  Components to = split(reference);
  std::string path;
  if (to.scheme || to.authority) {
    path = without_dots(to.path);
  } else if (to.path.empty()) {
    path = from.path;
    if (!to.query) to.query = from.query;
  } else {
    path = without_dots(to.path.starts_with('/') ? std::string(to.path) : merge(from, to.path));
  }
  if (!to.scheme) {
    to.scheme = from.scheme;
    if (!to.authority) to.authority = from.authority;
  }
  Uri uri;
  if (to.scheme) uri.absolute.append(*to.scheme).append(":");
  if (to.authority) uri.absolute.append("//").append(*to.authority);
  uri.absolute += path;
  if (to.query) uri.absolute.append("?").append(*to.query);
  if (to.fragment) uri.fragment = percent_decoded(*to.fragment);
  return uri;
}

}  // namespace guard::json
