// References between schemas: RFC 3986, sections 5.2 and 5.3. At configuration time only.
#pragma once

#include <string>
#include <string_view>

namespace guard::json {

struct Uri {
  std::string absolute;  // without "#" and what is behind it
  std::string fragment;  // percent-decoded; empty where there is none
};

// What reference means in a document whose own URI is base, which may be empty or relative itself.
// Path segments "." and
// ".." are removed, nothing else is normalized.
Uri resolve_uri(std::string_view base, std::string_view reference);

// What is no escape of two hexadecimal digits stays.
std::string percent_decoded(std::string_view text);

}  // namespace guard::json
