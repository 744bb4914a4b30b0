// The request's body as a JSON document: parsed once by whoever asks first, for all features of the
// request. One parser per worker; if another request has used it meanwhile, the body is parsed
// again.
#pragma once

#include <cstdint>

#include "core/json_parser.h"
#include "core/request.h"

namespace guard::core {

class JsonBody {
 public:
  enum class State : std::uint8_t {
    valid,
    invalid,      // error says why
    unavailable,  // there is no body to be had: see Request::body()
  };

  struct Result {
    State state = State::unavailable;
    const JsonDocument* document = nullptr;  // if valid
    const JsonError* error = nullptr;        // if invalid
  };

  // Parses the body within limits, which must live as long as the request. What comes back is
  // valid until this request waits or another request asks for its body.
  static Result parse(Request& request, const JsonLimits& limits) noexcept;

  // The document of a body that parse() has found valid for this request, whoever asked it; null if
  // nobody did, or it was not valid.
  static const JsonDocument* document(Request& request) noexcept;

  // Drops the worker's parser.
  static void release() noexcept;
};

}  // namespace guard::core
