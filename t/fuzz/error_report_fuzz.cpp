// Error reports: what Sentry answers, the DSN, and texts of requests in an envelope, which stays
// three lines.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "errors/envelope.h"
#include "errors/policy.h"
#include "errors/rate_limits.h"

using namespace guard::errors;

namespace {

void envelope(std::string_view text) {
  Groups groups;
  Occurrence one;
  one.kind = "server_error";
  one.server = one.route = one.code = one.method = one.request_id = one.detail = text;
  one.status = 500;
  if (!groups.add(one, 0, 0)) std::abort();
  const std::string made =
      make_envelope(*groups.due(0), {"node", "e", "r"}, "00112233445566778899aabbccddeeff");
  std::size_t lines = 0;
  for (const char c : made) {
    if (c == '\n') ++lines;
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') std::abort();
  }
  if (lines != 3) std::abort();
}

void dsn(std::string_view text) {
  try {
    const Dsn dsn = parse_dsn(text);
    const std::string request = make_request(dsn, "x");
    // One field a line, whatever the DSN is.
    std::size_t lines = 0;
    for (const char c : request) lines += c == '\n' ? 1 : 0;
    if (lines != 8) std::abort();
  } catch (const guard::core::ConfigError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const unsigned status : {200U, 429U}) {
    for (const std::uint64_t now : {std::uint64_t{0}, std::uint64_t{1'764'000'000'000}}) {
      if (limited_for(status, text, now) > kLongestLimit) std::abort();
    }
  }
  envelope(text);
  dsn(text);
  dsn("https://abc@" + std::string(text));
  return 0;
}
