// What guard_error_report says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/secret.h"
#include "core/words.h"

namespace guard::errors {

// Where Sentry, or what speaks its protocol, takes envelopes. No error text quotes any of it.
struct Dsn {
  bool tls = true;
  std::string host;  // an IPv6 address without brackets
  std::uint16_t port = 443;
  std::string path;  // "/api/42/envelope/"
  core::Secret key;
};

// https://KEY@HOST[:PORT][/PATH]/PROJECT. Throws ConfigError.
Dsn parse_dsn(std::string_view text);

struct ReportPolicy {
  std::string word;  // the SECRET
  std::string environment = "production";
  std::string release;
  std::string tls_ca;
};

// guard_error_report SECRET [environment=NAME] [release=NAME] [tls_ca=FILE]. Throws ConfigError.
ReportPolicy parse_report(core::Words& words);

}  // namespace guard::errors
