// What a request's method and header fields alone decide about its body: not to be looked at, to be
// checked, or refused unread.
#pragma once

#include <cstdint>
#include <string_view>

#include "json/media_type.h"
#include "json/policy.h"

namespace guard::json {

// Gathers what matters from the request's raw fields: all of them, since of fields with the same
// name nginx itself keeps only the first.
class Fields {
 public:
  // name in lower case, as nginx keeps it beside the original.
  void add(std::string_view name, std::string_view value) noexcept;
  // As it was sent, without the "?".
  void add_query(std::string_view query) noexcept;

  std::uint32_t content_types() const { return content_types_; }
  // Exactly one Content-Type, and that a fit JSON type.
  bool one_json() const { return content_types_ == 1 && strongest_ == MediaType::json; }
  // Exactly one Content-Type, and that a fit form's.
  bool one_form() const { return content_types_ == 1 && strongest_ == MediaType::form; }
  // At least one of them speaks of JSON.
  bool some_json() const { return strongest_ >= MediaType::unfit; }
  bool encoded() const { return encoded_; }
  bool method_override() const { return method_override_; }
  bool method_in_query() const { return method_in_query_; }

 private:
  std::uint32_t content_types_ = 0;
  MediaType strongest_ = MediaType::other;
  bool encoded_ = false;
  bool method_override_ = false;
  bool method_in_query_ = false;
};

// The parameter from which Laravel, Symfony, WordPress and others take the method.
inline constexpr std::string_view kMethodParameter = "_method";

enum class Admission : std::uint8_t {
  ignore,  // the body is none of guard_json's business
  check,
  refuse_media_type,
  refuse_encoding,
  refuse_override,
};

// writes: the method is one whose requests must have a body, if the mode is required. forms: a form
// is as good as JSON, if the mode is required.
Admission admit(Mode mode, const Fields& fields, bool writes, bool has_body, bool forms) noexcept;

}  // namespace guard::json
