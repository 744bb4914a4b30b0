#include "json/admission.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "json/lookalike.h"

namespace guard::json {

namespace {

// What frameworks take the method from, instead of the request line.
constexpr std::array<std::string_view, 3> kOverrides = {"x-http-method-override", "x-http-method",
                                                        "x-method-override"};

constexpr bool is_bracket(char c) noexcept {
  return c == '[' || c == ']';
}

// Whether an application may read what lies before the first "=" as the name of that parameter.
bool names_method(std::string_view part) noexcept {
  // No longer than can decide.
  std::array<char, 4 * kMethodParameter.size()> decoded;
  std::size_t size = 0;
  for (std::size_t i = 0; i < part.size() && part[i] != '=' && size < decoded.size(); ++i) {
    char c = part[i] == '+' ? ' ' : part[i];
    if (c == '%' && i + 2 < part.size() && core::is_hex(part[i + 1]) && core::is_hex(part[i + 2])) {
      c = static_cast<char>(core::hex_value(part[i + 1]) * 16 + core::hex_value(part[i + 2]));
      i += 2;
    }
    // Of these PHP and Rack take any number off.
    const bool more = is_bracket(c) && size > 0 && is_bracket(decoded[size - 1]);
    if (more || (c == ' ' && size == 0)) continue;
    decoded[size++] = c;
  }
  return may_be_read_as({decoded.data(), size}, kMethodParameter);
}

}  // namespace

void Fields::add(std::string_view name, std::string_view value) noexcept {
  if (core::equal_in_cgi(name, "content-type")) {
    ++content_types_;
    strongest_ = std::max(strongest_, media_type(value));
  } else if (core::equal_in_cgi(name, "content-encoding")) {
    encoded_ = true;
  } else if (std::any_of(kOverrides.begin(), kOverrides.end(), [name](std::string_view each) {
               return core::equal_in_cgi(each, name);
             })) {
    method_override_ = true;
  }
}

void Fields::add_query(std::string_view query) noexcept {
  while (!query.empty() && !method_in_query_) {
    // Also to those to whom a ";" is one.
    const std::size_t end = std::min(query.find_first_of("&;"), query.size());
    method_in_query_ = names_method(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

Admission admit(Mode mode, const Fields& fields, bool writes, bool has_body, bool forms) noexcept {
  switch (mode) {
    case Mode::off:
      return Admission::ignore;
    case Mode::on:
      if (!has_body || !fields.some_json()) return Admission::ignore;
      break;
    case Mode::required:
      if (fields.method_override() || fields.method_in_query()) return Admission::refuse_override;
      if (!has_body && !writes) return Admission::ignore;
      break;
  }
  const bool form = forms && mode == Mode::required && fields.one_form();
  if (!form && !fields.one_json()) return Admission::refuse_media_type;
  return fields.encoded() ? Admission::refuse_encoding : Admission::check;
}

}  // namespace guard::json
