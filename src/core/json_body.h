// The request's body as a JSON document: parsed once by whoever asks first, for all features of the
// request. One parser per worker; if another request has used it meanwhile, the body is parsed
// again.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/json_parser.h"
#include "core/request.h"
#include "core/scratch.h"

namespace guard::core {

// What reads a body as JSON that is none, such as a form. Lives as long as the request.
class BodyReading {
 public:
  virtual ~BodyReading() = default;
  // The JSON text that body stands for, written to out; nothing if it stands for none within
  // limits: then error says why, in views that live as long as the document would.
  virtual std::optional<std::string_view> read(std::string_view body, const JsonLimits& limits,
                                               Scratch<char>& out,
                                               JsonError& error) const noexcept = 0;
};

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

  // Parses the body within limits, which must live as long as the request; what reading makes of
  // it, if there is one. What comes back is valid until this request waits or another request asks
  // for its body.
  static Result parse(Request& request, const JsonLimits& limits,
                      const BodyReading* reading = nullptr) noexcept;

  // The document of a body that parse() has found valid for this request, whoever asked it and
  // however it was read; null if nobody did, or it was not valid.
  static const JsonDocument* document(Request& request) noexcept;

  // Which values of the body's document a schema has confined to what can hold no attack: a bit for
  // each node, of as many words of 64 as confinement_words() says, in the request's pool. Told by
  // whoever has found the body, not a reading of it, to satisfy the schema, if a check of this
  // request wants to know.
  static bool wants_confinement(const Request& request) noexcept;
  static std::size_t confinement_words(const JsonDocument& document) noexcept {
    return (document.nodes().size() + 63) / 64;
  }
  static void confine(Request& request, std::span<const std::uint64_t> values) noexcept;
  // Of the document that document() answers with; empty: nothing is known of it.
  static std::span<const std::uint64_t> confined(const Request& request) noexcept;

  // Drops the worker's parser.
  static void release() noexcept;
};

}  // namespace guard::core
