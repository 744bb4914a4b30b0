// A report as Sentry takes it: an envelope with one event
// (https://develop.sentry.dev/sdk/data-model/envelopes/), and the request that carries it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "errors/groups.h"
#include "errors/policy.h"

namespace guard::errors {

struct Reporter {
  std::string host;  // of the machine
  std::string environment;
  std::string release;
};

// id: 32 hexadecimal digits. What comes from a client is a string of JSON.
std::string make_envelope(const Group& group, const Reporter& reporter, std::string_view id);

// HTTP/1.1, on a connection of its own.
std::string make_request(const Dsn& dsn, std::string_view envelope);

}  // namespace guard::errors
