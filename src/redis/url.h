// The URLs of guard_redis:
//   redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]      rediss:// with TLS
//   unix:/PATH[?db=DB]
//   redis+sentinel://HOST[:PORT],.../MASTER[/DB]    rediss+sentinel:// with TLS
//   redis+cluster://HOST[:PORT],...                 rediss+cluster:// with TLS
// Percent-encoding (RFC 3986, section 2.1) is read in USER and PASSWORD only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/secret.h"

namespace guard::redis {

enum class Kind : std::uint8_t { server, sentinel, cluster };

struct HostPort {
  std::string host;  // a name or an address, IPv6 without brackets
  std::uint16_t port = 0;
};

struct Url {
  Kind kind = Kind::server;
  bool tls = false;
  std::string unix_path;        // or
  std::vector<HostPort> hosts;  // servers, sentinels, seeds of the cluster
  std::string master;           // the name by which the sentinels know it
  std::uint16_t database = 0;
  std::string user;
  core::Secret password;
};

// Whether it can be a name or an address, IPv6 without brackets.
bool is_host(std::string_view text) noexcept;

// Throws ConfigError, which never quotes what stands before an '@'. directive: for the messages.
Url parse_url(std::string_view directive, std::string_view text);

}  // namespace guard::redis
