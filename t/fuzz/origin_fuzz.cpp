// Any bytes as an Origin field, a Host field, and a word of guard_cors: what is taken is exactly
// one serialized origin, and a list admits what it names and nothing that merely looks like it.
#include "origin/origin.h"

#include <cctype>
#include <cstdlib>
#include <string>

#include "core/words.h"
#include "origin/cors.h"
#include "origin/csrf.h"
#include "origin/origin_list.h"

namespace {

using namespace guard;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string written(const origin::Origin& parsed) {
  std::string text = lower(parsed.scheme) + "://" + lower(parsed.host);
  if (parsed.port != origin::default_port(parsed.scheme)) {
    text += ":" + std::to_string(parsed.port);
  }
  return text;
}

void check_origin(std::string_view text) {
  const auto parsed = origin::parse_origin(text);
  static const origin::OriginList wide = [] {
    origin::OriginList list;
    list.add("https://*.example.com");
    list.add("https://app.test:8443");
    return list;
  }();
  const bool admitted = wide.contains(text);
  if (!parsed) {
    require(!admitted);
    return;
  }
  require(text.find_first_of("/@?#% \t,\\*", text.find("://") + 3) == std::string_view::npos);
  // What is written as browsers do is the same origin, and read as itself.
  const std::string canonical = written(*parsed);
  const auto again = origin::parse_origin(canonical);
  require(again && origin::same_origin(*parsed, *again) && written(*again) == canonical);
  const std::string host = lower(parsed->host);
  const std::string suffix = ".example.com";
  const bool under = lower(parsed->scheme) == "https" && parsed->port == 443 &&
                     host.size() > suffix.size() && host.ends_with(suffix);
  require(admitted == (under || canonical == "https://app.test:8443"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_origin(text);
  check_origin("https://" + std::string(text));
  check_origin("https://" + std::string(text) + ".example.com");

  const auto authority = origin::parse_authority(text);
  if (authority) require(!authority->host.empty() && text.starts_with(authority->host));

  try {
    origin::OriginList list;
    list.add(text);
    require(list.any() || list.null() || list.entries().size() == 1);
    if (!list.any() && !list.null() && !list.entries()[0].wildcard) require(list.contains(text));
    require(list.any() || !list.contains("https://unnamed.invalid") ||
            lower(text).find("unnamed.invalid") != std::string::npos ||
            lower(text).find("https://*.invalid") != std::string::npos);
  } catch (const core::ConfigError&) {
  }

  // The same bytes as what a preflight and a WebSocket handshake say.
  origin::BrowserFields fields;
  fields.has_origin = fields.has_request_method = true;
  fields.origin = "https://a.example.com";
  fields.request_method = "PUT";
  fields.request_headers = text;
  fields.upgrade = text;
  origin::CorsPolicy policy;
  policy.methods = {"PUT"};
  policy.headers = {"X-A"};
  const auto flaw = origin::preflight_flaw(policy, fields);
  if (flaw == origin::PreflightFlaw::none) {
    require(lower(text).find_first_not_of("x-a, \t") == std::string::npos);
  }
  fields.request_method = text;
  origin::preflight_flaw(policy, fields);
  origin::is_unsafe(fields, "GET");
  fields.fetch_site = text;
  const origin::CsrfPolicy csrf;
  const auto verdict = origin::judge_csrf(csrf, fields, {"POST", "https", "a.example.org"});
  if (verdict == origin::CsrfVerdict::pass) require(text == "same-origin" || text == "none");
  origin::varies_by_origin(text);
  return 0;
}
