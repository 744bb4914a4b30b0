// What the user said with guard_cors and guard_csrf. Every parse function throws
// core::ConfigError.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/path_prefixes.h"
#include "core/words.h"
#include "origin/origin_list.h"

namespace guard::origin {

struct CorsPolicy {
  bool off = false;
  OriginList origins;
  std::vector<std::string> methods;  // case-sensitive, as methods are
  std::vector<std::string> headers;  // as the user wrote them
  bool any_method = false;           // methods=*
  bool any_header = false;           // headers=*
  bool credentials = false;
  bool private_network = false;
  bool strict = false;  // what comes from another origin is refused, not only left without fields

  // The values of the answer's fields; empty: not sent.
  std::string allow_methods;
  std::string allow_headers;
  std::string expose_headers;
  std::string max_age;  // seconds
};

// guard_cors ORIGIN ... [methods=] [headers=] [expose=] [max_age=] [credentials] [private_network]
// [strict] | off
CorsPolicy parse_cors(const core::Words& words);

struct CsrfPolicy {
  enum class Action : unsigned char { off, on, token };

  Action action = Action::off;
  OriginList trusted;
  core::PathPrefixes except;
  std::string session;  // the cookie that a token is bound to; with Action::token
};

// guard_csrf on | token | off [session=COOKIE] [trusted=ORIGIN,...] [except=/PREFIX,...]
CsrfPolicy parse_csrf(core::Words& words);

}  // namespace guard::origin
