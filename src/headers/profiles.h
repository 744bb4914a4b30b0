// The two ready sets of response fields, and the fields that tell a stranger too much.
#pragma once

#include <span>
#include <string_view>

#include "headers/policy.h"

namespace guard::headers {

struct ProfileField {
  std::string_view name;
  std::string_view value;
};

// Without Strict-Transport-Security, whose value is hsts_of(profile).
std::span<const ProfileField> fields_of(Profile profile) noexcept;
Hsts hsts_of(Profile profile) noexcept;

// What guard_hide_headers on removes.
std::span<const std::string_view> telling_fields() noexcept;

// A field that only means something for a document that a browser renders. A 304 does not say what
// it is about (its Content-Type is not sent), so it carries none of these.
bool is_document_field(std::string_view name) noexcept;

// Whether a browser makes a document of this media type, in which scripts can run: HTML, and all
// XML, of which XHTML and SVG are kinds. Parameters may follow it. An empty one may be anything,
// and so may one without a slash; of a list browsers take the last that they can read.
bool is_document_type(std::string_view type) noexcept;

}  // namespace guard::headers
