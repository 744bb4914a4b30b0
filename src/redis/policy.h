// What guard_redis says, as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/words.h"
#include "redis/url.h"

namespace guard::redis {

inline constexpr std::size_t kMaxName = 64;

struct Policy {
  std::string name;
  Url url;
  std::string user;  // ACL user; empty: the default one
  // SECRET words, as they stand in the directive; empty: none.
  std::string_view password_word;
  std::string_view sentinel_password_word;

  std::chrono::milliseconds timeout{50};           // of a command
  std::chrono::milliseconds connect_timeout{500};  // of connecting, TLS, and AUTH to the probe
  std::uint16_t pool = 1;                          // connections of a worker to a server

  std::string tls_ca;  // files as they stand in the directive; empty: the system's store
  std::string tls_cert;
  std::string tls_key;
  std::string tls_name;  // for SNI and verification; empty: the URL's host
  bool tls_verify = true;

  std::string prefix{"guard:"};

  std::string zone_name() const { return "guard_redis:" + name; }
};

// Throws ConfigError. url: the second word, or what the environment variable that it names holds.
Policy parse_policy(core::Words& words, std::string_view url);

}  // namespace guard::redis
