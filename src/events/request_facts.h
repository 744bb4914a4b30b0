// What an event line says about the request that caused it, as plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace guard::events {

// Every view may hold any bytes that a client can send; empty is left out of the line. All need to
// live only while the line is written.
struct RequestFacts {
  std::string_view request_id;
  std::string_view method;
  std::string_view target;  // as the client sent it: path, and query after the first '?'
  std::string_view host;
  std::string_view scheme;        // "http" or "https"
  std::string_view http_version;  // "1.1", "2"
  std::string_view tls_version;   // "TLSv1.3", as OpenSSL names it
  std::string_view user_agent;
  std::string_view traceparent;  // the field as it came; only a valid one is written
  std::string_view route;
  std::string_view client_address;  // text; "unix:" for a Unix socket
  std::string_view address_hash;    // hex of the keyed hash; needed where the address is hashed
  std::string_view user_hash;       // hex of the keyed hash; needed where the user is hashed
  std::uint16_t client_port = 0;    // 0: none
  std::uint16_t status = 0;         // used where the event itself knows none; 0: none
  std::uint64_t body_bytes = 0;     // of the request, as far as it was announced or read
};

// The trace id of a W3C traceparent (Trace Context, 3.2.2), or empty if it is not a valid one.
std::string_view trace_id_of(std::string_view traceparent) noexcept;

// The network of an address: 192.0.2.0 for all of 192.0.2.0/24, 2001:db8:1:: for all of
// 2001:db8:1::/48. Empty if text is no IP address. The view is into buffer.
using NetworkBuffer = std::array<char, 46>;
std::string_view network_of(std::string_view address, NetworkBuffer& buffer) noexcept;

// The path and the query of a request target, split at the first '?'; without the '?'.
struct Target {
  std::string_view path;
  std::string_view query;
};
Target split_target(std::string_view target) noexcept;

}  // namespace guard::events
