// The `format` keyword of JSON Schema, as an assertion: what each name means of a string. All of
// the validation vocabulary of 2020-12 (section 7.3); earlier drafts have fewer names and mean the
// same by them.
#pragma once

#include <string_view>

namespace guard::json {

// text: valid UTF-8.
using FormatCheck = bool (*)(std::string_view text) noexcept;

// Null: no such format, which asserts nothing.
FormatCheck find_format(std::string_view name) noexcept;
// The same in documents of OpenAPI, where date-time, time and duration are what frameworks call so:
// those of ISO 8601, also without an offset or seconds, and with fractions and signs of durations.
FormatCheck find_openapi_format(std::string_view name) noexcept;

// What a check of text takes beyond reading it, in the steps of SchemaEvaluator; failed: beyond
// that, if it fails.
std::size_t extra_steps(FormatCheck check, std::string_view text) noexcept;
std::size_t failed_steps(FormatCheck check) noexcept;

// Whether what passes it is digits, letters of time zones and hexadecimal numbers, and the signs
// between them: date, date-time, time, uuid. No attack can be written so.
bool is_confining(FormatCheck check) noexcept;

}  // namespace guard::json
