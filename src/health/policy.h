// What the directives of health say.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/words.h"

namespace guard::health {

enum class Kind : std::uint8_t {
  disk,
  memory,
  certificate,
  zone,
  tcp,
  http,
  redis,
  postgres,
  mysql,
};

// By which the checks of a kind are called where kinds are told apart.
std::string_view name_of(Kind kind) noexcept;

// guard_health_check NAME TARGET
struct CheckPolicy {
  std::string name;
  Kind kind = Kind::tcp;
  std::string target;  // as it is written
  std::string path;    // of a disk, certificate or HTTP resource; the name of a Redis or of a zone
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  bool tls_required = false;  // of a database: what says how to verify TLS means that there is some
  std::string tls_ca;
  std::string tls_name;  // that the certificate must have; empty: the host
  bool tls_verify = true;

  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds timeout{1000};
  // At or below it: thousandths of the whole (disk, memory, zone), seconds (certificate),
  // microseconds at or above it (all others; 0: never).
  std::uint64_t warn = 0;
  std::uint64_t fail = 0;
  unsigned rise = 1;  // so many good results in a row make it pass again
  unsigned fall = 2;  // so many bad ones make it fail
  bool optional = false;

  unsigned status_low = 200;  // of an HTTP answer
  unsigned status_high = 299;
  std::string pointer;  // RFC 6901, into the body
  std::string equals;   // what is there, as text

  // Judged by what is free of it.
  bool is_space() const { return kind == Kind::disk || kind == Kind::memory || kind == Kind::zone; }
  bool is_local() const { return is_space() || kind == Kind::certificate; }
  // Never takes this nginx out of service, not even before there is a result.
  bool only_warns() const { return optional || (kind == Kind::zone && fail == 0); }
  // What decides that a check of another configuration is the same.
  std::string identity() const { return name + " " + target; }
};

// Throws ConfigError.
CheckPolicy parse_check(core::Words& words);

enum class View : std::uint8_t { all, live, ready };

// guard_health [live|ready] [simple] [public]
struct EndpointPolicy {
  View view = View::all;
  bool simple = false;
  bool open = false;
};

EndpointPolicy parse_endpoint(core::Words& words);

}  // namespace guard::health
