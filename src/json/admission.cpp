#include "json/admission.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace guard::json {

namespace {

// What frameworks take the method from, instead of the request line.
constexpr std::array<std::string_view, 3> kOverrides = {"x-http-method-override", "x-http-method",
                                                        "x-method-override"};

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

Admission admit(Mode mode, const Fields& fields, bool writes, bool has_body, bool forms) noexcept {
  switch (mode) {
    case Mode::off:
      return Admission::ignore;
    case Mode::on:
      if (!has_body || !fields.some_json()) return Admission::ignore;
      break;
    case Mode::required:
      if (fields.method_override()) return Admission::refuse_override;
      if (!has_body && !writes) return Admission::ignore;
      break;
  }
  const bool form = forms && mode == Mode::required && fields.one_form();
  if (!form && !fields.one_json()) return Admission::refuse_media_type;
  return fields.encoded() ? Admission::refuse_encoding : Admission::check;
}

}  // namespace guard::json
