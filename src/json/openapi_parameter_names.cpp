// Names of a request that applications may read as those of the document's parameters.
#include <algorithm>

#include "core/ascii.h"
#include "json/delimited.h"
#include "json/openapi_parameters.h"

namespace guard::json {

namespace {

// PHP: blanks before a name go, a NUL ends it.
std::string_view bare(std::string_view name) noexcept {
  while (name.starts_with(' ')) name.remove_prefix(1);
  return name.substr(0, name.find('\0'));
}

std::string_view before_bracket(std::string_view name) noexcept {
  return name.substr(0, name.find('['));
}

// Whether an application may read name as that which the document has: without what stands in
// brackets (PHP, Rack, qs for Node), in other letters (ASP.NET), "." and " " as "_" (PHP).
bool may_be_read_as(std::string_view name, std::string_view documented) noexcept {
  name = bare(name);
  if (documented.ends_with("[]")) documented.remove_suffix(2);
  if (documented.find('[') == std::string_view::npos) name = before_bracket(name);
  const auto folded = [](char c) { return c == '.' || c == ' ' ? '_' : core::to_lower(c); };
  return std::equal(name.begin(), name.end(), documented.begin(), documented.end(),
                    [&](char a, char b) { return folded(a) == folded(b); });
}

}  // namespace

const OpenApiParameter* ParameterReader::other_name(const OperationMatch& match,
                                                    std::string_view name,
                                                    bool own) const noexcept {
  const OpenApiParameter* found = nullptr;
  for (const OpenApiParameter& parameter : match.operation->parameters) {
    if (parameter.in != ParameterPlace::query) continue;
    if (parameter.schema != kNoSchema && parameter.explode && !parameter.json &&
        parameter.style != ParameterStyle::deep_object &&
        openapi_->shapes[parameter.schema].is_object) {
      const CoercionTable& members = openapi_->shapes[parameter.schema].members;
      if (own && members.knows(name)) return nullptr;
      if (members.knows(before_bracket(bare(name)))) found = &parameter;
      continue;
    }
    const bool deep = parameter.style == ParameterStyle::deep_object;
    const std::string_view head = deep ? before_bracket(name) : name;
    if (own && head == parameter.name) return nullptr;
    if (may_be_read_as(name, parameter.name)) found = &parameter;
  }
  return found;
}

bool ParameterReader::check_names(const OperationMatch& match) noexcept {
  bool good = true;
  for (const Pair& pair : pairs_of(ParameterPlace::query)) {
    const OpenApiParameter* other = other_name(match, pair.name, true);
    // To some a ";" separates as well.
    bool more = true;
    std::string_view rest = pair.behind;
    for (std::string_view part; other == nullptr && take_part(rest, more, ';', part);) {
      const std::size_t size = decoded_size_;
      std::string_view name;
      (void)decode(part.substr(0, part.find('=')), name);
      if (!name.empty()) other = other_name(match, name, false);
      decoded_size_ = size;
    }
    if (other != nullptr) good = fail(*other, kOtherName);
  }
  return good;
}

}  // namespace guard::json
