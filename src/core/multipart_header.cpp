// What stands in front of the parts: the media type with its boundary, and the fields of a part.

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/http_grammar.h"
#include "core/multipart.h"
#include "core/utf8.h"

namespace guard::core {

namespace {

struct Explained {
  MultipartFault fault;
  std::string_view name;
  std::string_view detail;
};

using enum MultipartFault;

constexpr std::array kExplained = std::to_array<Explained>({
    {none, "none", "nothing is wrong"},
    {media_type, "media_type", "exactly one Content-Type of multipart/form-data is expected"},
    {boundary, "boundary", "the boundary is missing, or not written in one way for all parsers"},
    {preamble, "preamble", "the body does not begin with its first delimiter"},
    {epilogue, "epilogue", "something follows the closing delimiter"},
    {delimiter, "delimiter", "the boundary stands where it delimits nothing"},
    {truncated, "truncated", "the body ends without its closing delimiter"},
    {parts, "parts", "the form has too many parts"},
    {header_size, "header_size", "the header of a part is too large"},
    {header_syntax, "header_syntax", "the header of a part has a malformed line"},
    {header_folded, "header_folded", "the header of a part has a folded field"},
    {header_unknown, "header_unknown", "the header of a part has a field that forms do not have"},
    {header_duplicate, "header_duplicate", "the header of a part has a field twice"},
    {disposition, "disposition", "a part is without a Content-Disposition of form-data"},
    {parameter, "parameter", "a Content-Disposition has an unknown, second or malformed parameter"},
    {extended, "extended", "a Content-Disposition has an extended parameter, as filename*"},
    {quoting, "quoting", "a Content-Disposition has a backslash in a value"},
    {encoding, "encoding", "the header of a part is not UTF-8"},
    {encoded_word, "encoded_word", "a Content-Disposition has an encoded word"},
    {name, "name", "a part is without a name"},
    {part_type, "part_type", "the Content-Type of a part is malformed"},
    {nested, "nested", "a part is itself multipart"},
    {transfer_encoding, "transfer_encoding", "a part has a Content-Transfer-Encoding"},
    {length, "length", "the Content-Length of a part is not its length"},
    {ambiguous, "ambiguous", "a part is neither a field nor a file with a name"},
    {stopped, "stopped", "the rest of the body was not read"},
});

const Explained& row_of(MultipartFault fault) noexcept {
  return kExplained[static_cast<std::size_t>(fault)];
}

// What of RFC 2046's characters no parser stops at; those of the second list where they are quoted.
// Rack begins behind the last "boundary=".
bool is_plain_boundary(std::string_view text, bool quoted) noexcept {
  if (text.empty() || text.size() > MultipartParser::kMaxBoundary) return false;
  if (contains_without_case(text, "boundary=")) return false;
  const std::string_view others = quoted ? "'+_-.=/:?" : "'+_-.";
  return std::ranges::all_of(text, [others](char c) {
    return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
  });
}

// One parameter from the start of text, "name=value" with the value as it is without its quotes;
// what is left of text begins with ";" or is empty. False: malformed.
struct Parameter {
  std::string_view name;
  std::string_view value;
  bool quoted = false;
};

bool read_parameter(std::string_view& text, Parameter& out) noexcept {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  out.name = text.substr(0, equals);
  text.remove_prefix(equals + 1);
  if (!is_token(out.name)) return false;
  out.quoted = text.starts_with('"');
  if (out.quoted) {
    const std::size_t end = text.find('"', 1);
    if (end == std::string_view::npos) return false;
    out.value = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  } else {
    out.value = text.substr(0, text.find_first_of("; \t"));
    text.remove_prefix(out.value.size());
    // A quote to PHP, wherever it stands.
    if (!is_token(out.value) || out.value.find('\'') != std::string_view::npos) return false;
  }
  return text.empty() || text.front() == ';';
}

// Whether another parameter follows, of which text then begins with the name.
bool next_parameter(std::string_view& text) noexcept {
  if (!text.starts_with(';')) return false;
  text.remove_prefix(1);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return true;
}

// Java trims values, PHP the beginning of names.
bool is_trimmed(std::string_view text) noexcept {
  return text.find('\t') == std::string_view::npos && !text.starts_with(' ') &&
         !text.ends_with(' ');
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Unit unit = decode_utf8(text);
    // C1 controls, too.
    if (!unit.valid || (unit.code_point >= 0x80 && unit.code_point < 0xa0)) return false;
    text.remove_prefix(unit.length);
  }
  return true;
}

MultipartFault read_disposition(std::string_view value, MultipartPart& part) noexcept {
  constexpr std::string_view kForm = "form-data";
  if (!value.starts_with(kForm)) return disposition;
  value.remove_prefix(kForm.size());
  if (!value.empty() && value.front() != ';') return disposition;
  bool named = false;
  // Without the space it is none to Perl's parsers, and to Node's a part of the filename before it.
  while (value.starts_with("; ") && next_parameter(value)) {
    // Before its syntax, which a backslash changes for some.
    if (value.starts_with("name*") || value.starts_with("filename*")) return extended;
    if (value.find('\\') != std::string_view::npos) return quoting;
    Parameter one;
    if (!read_parameter(value, one) || !is_trimmed(one.value)) return parameter;
    if (!is_utf8(one.value)) return encoding;
    if (one.value.find("=?") != std::string_view::npos) return encoded_word;
    // The thing itself to those who look for it by a regex.
    for (const std::string_view taken : {"name=", "name*", "content-type:"}) {
      if (contains_without_case(one.value, taken)) return parameter;
    }
    if (one.name == "name" && !named) {
      if (one.value.empty()) return name;
      part.name = one.value;
      named = true;
    } else if (one.name == "filename" && !part.filename) {
      part.filename = one.value;
    } else {
      return parameter;
    }
  }
  if (!value.empty()) return parameter;
  return named ? none : name;
}

MultipartFault read_type(std::string_view value, MultipartPart& part) noexcept {
  const std::string_view type = trim_blanks(value.substr(0, value.find(';')));
  const std::size_t slash = type.find('/');
  if (slash == std::string_view::npos || !is_token(type.substr(0, slash)) ||
      !is_token(type.substr(slash + 1))) {
    return part_type;
  }
  if (equal_without_case(type.substr(0, slash), "multipart")) return nested;
  // Rack takes parameters from all of the header.
  if (contains_without_case(value, "filename")) return part_type;
  part.type = value;
  return none;
}

}  // namespace

std::string_view name_of(MultipartFault fault) noexcept {
  return row_of(fault).name;
}

std::string_view explain(MultipartFault fault) noexcept {
  return row_of(fault).detail;
}

MultipartType multipart_type(std::string_view content_type) noexcept {
  constexpr std::string_view kForm = "multipart/form-data";
  MultipartType out;
  // Some look for the words anywhere in the value.
  if (!contains_without_case(content_type, "multipart") &&
      !contains_without_case(content_type, "form-data")) {
    return out;
  }
  out.multipart = true;
  std::string_view rest = trim_blanks(content_type);
  if (!equal_without_case(rest.substr(0, kForm.size()), kForm)) {
    out.fault = media_type;
    return out;
  }
  rest.remove_prefix(kForm.size());
  if (!rest.empty() && rest.front() != ';') {
    out.fault = media_type;
    return out;
  }
  bool charset = false;
  while (next_parameter(rest)) {
    Parameter one;
    if (!read_parameter(rest, one)) {
      out.fault = boundary;
      return out;
    }
    if (equal_without_case(one.name, "boundary") && out.boundary.empty() &&
        is_plain_boundary(one.value, one.quoted)) {
      out.boundary = one.value;
    } else if (equal_without_case(one.name, "charset") && !charset &&
               equal_without_case(one.value, "utf-8")) {
      charset = true;
    } else {
      out.fault = boundary;
      return out;
    }
  }
  if (!rest.empty() || out.boundary.empty()) out.fault = boundary;
  return out;
}

MultipartFault read_part_field(std::string_view line, MultipartPart& part) noexcept {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return header_syntax;
  const std::string_view field = line.substr(0, colon);
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (equal_without_case(field, "content-disposition")) {
    // White space at the end makes a field of a file to multiparty.
    if (!line.ends_with(value)) return parameter;
    return part.name.empty() ? read_disposition(value, part) : header_duplicate;
  }
  if (!is_utf8(value)) return encoding;
  if (equal_without_case(field, "content-type")) {
    return part.type.empty() ? read_type(value, part) : header_duplicate;
  }
  if (equal_without_case(field, "content-transfer-encoding")) {
    const bool harmless = equal_without_case(value, "binary") ||
                          equal_without_case(value, "8bit") || equal_without_case(value, "7bit");
    return harmless ? none : transfer_encoding;
  }
  if (equal_without_case(field, "content-length")) {
    if (part.length) return header_duplicate;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) return header_syntax;
    part.length = number;
    return none;
  }
  return header_unknown;
}

}  // namespace guard::core
