#include "core/json_body.h"

#include <memory>
#include <new>
#include <optional>

namespace guard::core {

namespace {

struct Parsed {
  JsonParser parser;
  std::uint64_t number = 0;  // of which body; 0: of none
  JsonLimits limits;
  const BodyReading* reading = nullptr;
  Scratch<char> text;  // that reading has made
  const JsonDocument* document = nullptr;
  JsonError error;  // if there is no document
};

std::unique_ptr<Parsed> worker;

constexpr JsonError kOutOfMemory = {JsonFault::memory, 0, "no memory is left to check the body",
                                    ""};

void parse_with(Parsed& parsed, std::string_view body) noexcept {
  parsed.document = nullptr;
  JsonLimits limits = parsed.limits;
  std::optional<std::string_view> text = body;
  if (parsed.reading != nullptr) {
    text = parsed.reading->read(body, parsed.limits, parsed.text, parsed.error);
    // The limit is one of the body, which may well be shorter.
    limits.size = kMaxJsonSize;
  }
  if (!text) return;
  parsed.document = parsed.parser.parse(*text, limits);
  if (parsed.document == nullptr) parsed.error = parsed.parser.error();
}

}  // namespace

JsonBody::Result JsonBody::parse(Request& request, const JsonLimits& limits,
                                 const BodyReading* reading) noexcept {
  const std::optional<std::string_view> body = request.body();
  if (!body) return {};
  if (worker == nullptr) worker.reset(new (std::nothrow) Parsed);
  if (worker == nullptr) return {State::invalid, nullptr, &kOutOfMemory};
  Parsed& parsed = *worker;
  if (parsed.number != request.body_number() || !(parsed.limits == limits) ||
      parsed.reading != reading) {
    parsed.number = request.body_number();
    parsed.limits = limits;
    parsed.reading = reading;
    parse_with(parsed, *body);
  }
  const bool valid = parsed.document != nullptr;
  request.json_limits_ = valid ? &limits : nullptr;
  request.json_reading_ = reading;
  if (!valid) return {State::invalid, nullptr, &parsed.error};
  return {State::valid, parsed.document, nullptr};
}

const JsonDocument* JsonBody::document(Request& request) noexcept {
  if (request.json_limits_ == nullptr) return nullptr;
  return parse(request, *request.json_limits_, request.json_reading_).document;
}

bool JsonBody::wants_confinement(const Request& request) noexcept {
  return request.json_confining_ && request.json_reading_ == nullptr;
}

void JsonBody::confine(Request& request, std::span<const std::uint64_t> values) noexcept {
  request.json_confined_ = values;
}

std::span<const std::uint64_t> JsonBody::confined(const Request& request) noexcept {
  if (request.json_reading_ != nullptr) return {};
  return request.json_confined_;
}

void JsonBody::release() noexcept {
  worker.reset();
}

}  // namespace guard::core
