#include "json/form_query.h"

#include <algorithm>

#include "json/delimited.h"

namespace guard::json {

namespace {

bool is_described(std::string_view name, const OpenApi* openapi,
                  std::span<const OpenApiParameter> described) noexcept {
  return std::ranges::any_of(described, [&](const OpenApiParameter& parameter) {
    if (parameter.in != ParameterPlace::query) return false;
    return openapi->is_spread(parameter) ? openapi->shapes[parameter.schema].members.may_know(name)
                                         : may_be_read_as(name, parameter.name);
  });
}

}  // namespace

bool query_contradicts(const FormPlan& plan, const core::JsonDocument& body, std::string_view query,
                       const OpenApi* openapi, std::span<const OpenApiParameter> described,
                       char* room) noexcept {
  while (!query.empty()) {
    // Also to those to whom a ";" is one.
    const std::size_t end = std::min(query.find_first_of("&;"), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    const DecodedText name = decode_query(part.substr(0, equals), room);
    const bool known = plan.may_know(name.text) || plan.may_know(behind_first(".[", name.text));
    if (!known || is_described(name.text, openapi, described)) continue;
    const DecodedText value =
        decode_query(part.substr(std::min(equals + 1, part.size())), room + name.text.size());
    const core::JsonNode* field =
        body.member(body.root(), name.text, core::json_key_hash(name.text));
    const bool same = field != nullptr && !field->is_container() && body.text(*field) == value.text;
    if (!same) return true;
  }
  return false;
}

}  // namespace guard::json
