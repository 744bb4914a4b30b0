// What the query says of the fields of a body. Applications that keep both in one place differ in
// which of the two they take: servlets (Spring) and Flask's request.values the query's before a
// form's, PHP's $_REQUEST and Rack the form's; Rails and Laravel do the same with JSON.
#pragma once

#include <span>
#include <string_view>

#include "core/json_document.h"
#include "json/form_plan.h"
#include "json/openapi.h"

namespace guard::json {

// Whether query, as it was sent and without the "?", has under a name that may be read as one that
// plan knows, or holds one (lookalike.h), another value than body, an object: JSON, or what a form
// has become. described: parameters of openapi that are held to schemas of their own; null: there
// are none. room: for as many bytes as query has.
bool query_contradicts(const FormPlan& plan, const core::JsonDocument& body, std::string_view query,
                       const OpenApi* openapi, std::span<const OpenApiParameter> described,
                       char* room) noexcept;

}  // namespace guard::json
