// Names of a request that applications may read as those of the document's parameters.
#include "core/ascii.h"
#include "json/delimited.h"
#include "json/lookalike.h"
#include "json/openapi_parameters.h"

namespace guard::json {

namespace {

// Without what is no letter of ASCII at its ends: around a cookie's name Python takes away all that
// Unicode has for blanks and some control characters, PHP line ends, and Node the byte 0xA0.
std::string_view stripped(std::string_view name) noexcept {
  const auto falls = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7F;
  };
  while (!name.empty() && falls(name.front())) name.remove_prefix(1);
  while (!name.empty() && falls(name.back())) name.remove_suffix(1);
  return name;
}

}  // namespace

const OpenApiParameter* ParameterReader::other_name(const OperationMatch& match, ParameterPlace in,
                                                    std::string_view name,
                                                    bool own) const noexcept {
  const OpenApiParameter* found = nullptr;
  const std::string_view inner =
      in == ParameterPlace::query ? behind_first(".", name) : std::string_view{};
  for (const OpenApiParameter& parameter : match.operation->parameters) {
    if (parameter.in != in) continue;
    if (openapi_->is_spread(parameter)) {
      const CoercionTable& members = openapi_->shapes[parameter.schema].members;
      if (own && members.knows(name)) return nullptr;
      if (members.may_know(name) || members.may_know(inner)) found = &parameter;
      continue;
    }
    const bool deep = parameter.style == ParameterStyle::deep_object;
    const std::string_view head = deep ? before_bracket(name) : name;
    if (own && head == parameter.name) return nullptr;
    // Its value will be judged.
    if (own && in == ParameterPlace::cookie && !deep &&
        core::equal_without_case(name, parameter.name)) {
      continue;
    }
    if (may_be_read_as(name, parameter.name) || may_be_read_as(inner, parameter.name)) {
      found = &parameter;
    }
  }
  return found;
}

bool ParameterReader::check_names(const OperationMatch& match, ParameterPlace in) noexcept {
  const bool cookies = in == ParameterPlace::cookie;
  bool good = true;
  for (const Pair& pair : pairs_of(in)) {
    const std::size_t size = decoded_size_;
    const auto other_as_decoded = [&](std::string_view text) {
      std::string_view name;
      (void)decode(text, name);
      decoded_size_ = size;
      return name.empty() ? nullptr : other_name(match, in, name, false);
    };
    const OpenApiParameter* other = other_name(match, in, pair.name, !pair.lone);
    if (cookies && other == nullptr) {
      const std::string_view name = stripped(pair.name);
      if (name.size() < pair.name.size()) other = other_name(match, in, name, false);
    } else if (other == nullptr && pair.name.find(';') != std::string_view::npos) {
      other = other_name(match, in, pair.name.substr(0, pair.name.find(';')), false);
    }
    // PHP decoded a cookie's name until 7.4.
    if (cookies && other == nullptr && pair.name.find('%') != std::string_view::npos) {
      other = other_as_decoded(pair.name);
    }
    // To some a ";" in a query and a "," between cookies separate as well.
    bool more = true;
    std::string_view rest = pair.behind;
    for (std::string_view part;
         other == nullptr && take_part(rest, more, cookies ? ',' : ';', part);) {
      const std::size_t equals = part.find('=');
      if (cookies && equals == std::string_view::npos) continue;
      part = part.substr(0, equals);
      other = other_as_decoded(cookies ? stripped(part) : part);
    }
    if (other != nullptr) good = fail(*other, kOtherName);
  }
  return good;
}

}  // namespace guard::json
