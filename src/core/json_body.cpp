#include "core/json_body.h"

#include <memory>
#include <new>

namespace guard::core {

namespace {

struct Parsed {
  JsonParser parser;
  std::uint64_t number = 0;  // of which body; 0: of none
  JsonLimits limits;
  const JsonDocument* document = nullptr;
};

std::unique_ptr<Parsed> worker;

constexpr JsonError kOutOfMemory = {JsonFault::memory, 0, "no memory is left to check the body",
                                    ""};

}  // namespace

JsonBody::Result JsonBody::parse(Request& request, const JsonLimits& limits) noexcept {
  const std::optional<std::string_view> body = request.body();
  if (!body) return {};
  if (worker == nullptr) worker.reset(new (std::nothrow) Parsed);
  if (worker == nullptr) return {State::invalid, nullptr, &kOutOfMemory};
  if (worker->number != request.body_number() || !(worker->limits == limits)) {
    worker->document = worker->parser.parse(*body, limits);
    worker->number = request.body_number();
    worker->limits = limits;
  }
  request.json_limits_ = worker->document == nullptr ? nullptr : &limits;
  if (worker->document == nullptr) return {State::invalid, nullptr, &worker->parser.error()};
  return {State::valid, worker->document, nullptr};
}

const JsonDocument* JsonBody::document(Request& request) noexcept {
  if (request.json_limits_ == nullptr) return nullptr;
  return parse(request, *request.json_limits_).document;
}

void JsonBody::release() noexcept {
  worker.reset();
}

}  // namespace guard::core
