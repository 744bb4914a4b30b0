// What the query says of the fields of a form. Applications that keep both in one place differ in
// which of the two they take: servlets (Spring) and Flask's request.values the query's, PHP's
// $_REQUEST and Rack the form's.
#pragma once

#include <span>
#include <string_view>

#include "core/json_document.h"
#include "json/form_plan.h"
#include "json/openapi_document.h"

namespace guard::json {

// Whether query, as it was sent and without the "?", has under a name that may be read as one that
// plan knows (lookalike.h) another value than form, what the form has become. described: parameters
// that are held to schemas of their own. room: for as many bytes as query has.
bool query_contradicts(const FormPlan& plan, const core::JsonDocument& form, std::string_view query,
                       std::span<const OpenApiParameter> described, char* room) noexcept;

}  // namespace guard::json
