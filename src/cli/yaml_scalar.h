// What a scalar of YAML is worth in JSON: the core schema of YAML 1.2.2, section 10.3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace guard::cli {

struct YamlScalar {
  enum class Kind : std::uint8_t {
    null,
    boolean,
    integer,
    floating,
    string,
    unfit,  // what JSON cannot write: token says why
  };
  Kind kind = Kind::string;
  // A JSON token; of a string its text, without quotes.
  std::string token;
};

// A plain scalar: neither quoted nor tagged. Digits are kept as they are written, but for what
// JSON's grammar forbids: a plus sign, leading zeros, a point without digits at both its sides,
// and other bases than ten.
YamlScalar resolve_plain(std::string_view text);

}  // namespace guard::cli
