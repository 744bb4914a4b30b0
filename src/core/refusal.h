// A refusal is a value. core alone turns it into a response, an event and a metric.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/feature.h"

namespace guard::core {

// One entry of the problem body's "errors" member.
struct FieldError {
  std::string_view detail;   // a sentence that never echoes a value from the client
  std::string_view pointer;  // RFC 6901 JSON Pointer into the request's body, without the '#'
  std::string_view keyword;  // what was violated: a limit's name, a schema keyword; may be empty
  // Of a parameter, not of the body: "path", "query", "header" or "cookie", and its name; of a form
  // "body" and the name of the part. The pointer then leads into its value, and is left out where
  // it is the whole.
  std::string_view in = {};
  std::string_view name = {};
};

// Every view must live as long as the request: a literal, configuration memory or the request's
// pool.
struct Refusal {
  Feature feature = Feature::path;
  EventKind event = EventKind::path_refused;
  std::uint16_t status = 403;
  std::string_view code;                       // stable, documented: "json.syntax", "rate.api"
  std::string_view title;                      // the same for every refusal with this code
  std::string_view detail;                     // this case; empty if there is nothing to add
  std::string_view policy;                     // name of the policy that refused; may be empty
  std::string_view type = "about:blank";       // RFC 9457 "type"
  std::span<const FieldError> errors;          // "errors" member; empty: left out
  std::span<const std::string_view> violated;  // "violated-policies" member; empty: left out
  std::string_view location;                   // of a redirect; empty: it is none
  std::string_view authenticate;               // WWW-Authenticate of a 401
  std::string_view allow;                      // Allow of a 405
  std::string_view key_hash;                   // for the event: hex of the counted key's hash
  std::string_view user;                       // for the event: whom it is about; may be empty
  const EventFile* file = nullptr;             // for the event: the file it is about
  std::string_view rule;                       // for the event, like the next two: see there
  std::string_view rules;
  std::uint64_t score = 0;
  std::int64_t retry_after = -1;         // seconds; -1: no Retry-After
  std::span<const EventLabel> labels{};  // for the event: see there
  bool silent = false;                   // no event: one for the same key was just published
};

// The RFC 9457 body, JSON or a small self-contained HTML page, of a refusal. request_id is
// $request_id (hex), as "instance": "urn:request:ID". Everything is escaped: whatever bytes the
// views hold, the body is valid UTF-8, JSON or HTML. An error's "pointer" is a URI fragment,
// "#/items/0" (RFC 6901 section 6). An empty title becomes the status's phrase. Both end with a
// newline.
std::string problem_json(const Refusal& refusal, std::string_view request_id);
std::string problem_html(const Refusal& refusal, std::string_view request_id);

// "422 Unprocessable Content": the status line, in RFC 9110's words, for every status that Guard
// can answer with; empty for others. nginx 1.22 has no text for some of them.
std::string_view status_line(std::uint16_t status) noexcept;

}  // namespace guard::core
