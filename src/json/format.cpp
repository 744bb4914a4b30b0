#include "json/format.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/words.h"
#include "json/formats.h"
#include "json/pattern_syntax.h"

namespace guard::json {

namespace formats {

using core::is_digit;
using core::is_hex;

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_json_pointer(std::string_view text) noexcept {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

bool is_relative_json_pointer(std::string_view text) noexcept {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  const std::string_view rest = text.substr(digits);
  return rest == "#" || is_json_pointer(rest);
}

bool is_regex(std::string_view text) noexcept {
  try {
    translate_pattern(text);
    return true;
  } catch (const core::ConfigError&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace formats

namespace {

struct Format {
  std::string_view name;
  FormatCheck check;
};

constexpr std::array<Format, 19> kFormats = {{
    {"date", formats::is_date},
    {"date-time", formats::is_date_time},
    {"duration", formats::is_duration},
    {"email", formats::is_email},
    {"hostname", formats::is_hostname},
    {"idn-email", formats::is_idn_email},
    {"idn-hostname", formats::is_idn_hostname},
    {"ipv4", formats::is_ipv4},
    {"ipv6", formats::is_ipv6},
    {"iri", formats::is_iri},
    {"iri-reference", formats::is_iri_reference},
    {"json-pointer", formats::is_json_pointer},
    {"regex", formats::is_regex},
    {"relative-json-pointer", formats::is_relative_json_pointer},
    {"time", formats::is_time},
    {"uri", formats::is_uri},
    {"uri-reference", formats::is_uri_reference},
    {"uri-template", formats::is_uri_template},
    {"uuid", formats::is_uuid},
}};

constexpr std::array<Format, 3> kOpenApiFormats = {{
    {"date-time", formats::is_iso_date_time},
    {"duration", formats::is_iso_duration},
    {"time", formats::is_iso_time},
}};

template <std::size_t N>
FormatCheck find(const std::array<Format, N>& list, std::string_view name) noexcept {
  const auto* found =
      std::find_if(list.begin(), list.end(), [&](const Format& one) { return one.name == name; });
  return found == list.end() ? nullptr : found->check;
}

}  // namespace

FormatCheck find_format(std::string_view name) noexcept {
  return find(kFormats, name);
}

FormatCheck find_openapi_format(std::string_view name) noexcept {
  const FormatCheck own = find(kOpenApiFormats, name);
  return own != nullptr ? own : find_format(name);
}

std::size_t extra_steps(FormatCheck check, std::string_view text) noexcept {
  constexpr std::size_t kPerExpression = 20;
  if (check == formats::is_regex) return kPerExpression + 2 * text.size();
  const bool host = check == formats::is_email || check == formats::is_hostname ||
                    check == formats::is_idn_email || check == formats::is_idn_hostname;
  return host ? formats::idna_steps(text) : 0;
}

std::size_t failed_steps(FormatCheck check) noexcept {
  constexpr std::size_t kPerException = 500;
  return check == formats::is_regex ? kPerException : 0;
}

bool is_confining(FormatCheck check) noexcept {
  return check == formats::is_date || check == formats::is_date_time || check == formats::is_time ||
         check == formats::is_iso_date_time || check == formats::is_iso_time ||
         check == formats::is_uuid;
}

}  // namespace guard::json
