#include "core/event.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/words.h"

namespace guard::core {

namespace {

// Categories and types are those that ECS 9.4 allows together. Of a denial the outcome is
// "success": what is reported is that it was stopped ("Using the categorization fields" in ECS);
// failed authentication is a failure.
constexpr std::array<EventKindInfo, kEventKindCount> kEventKinds = {{
    {EventKind::login_failed, "login_failed", "authentication", "start", "login", Outcome::failure,
     Severity::warning, "The application refused a login", true},
    {EventKind::login_succeeded, "login_succeeded", "authentication,session", "start", "login",
     Outcome::success, Severity::info, "The application accepted a login", true},
    {EventKind::logout, "logout", "authentication,session", "end", "logout", Outcome::success,
     Severity::info, "A user ended a session", true},
    {EventKind::account_locked, "account_locked", "iam,authentication", "user,change",
     "account-locked", Outcome::success, Severity::warning,
     "A lockout policy locked an account after too many failures", true},
    {EventKind::account_unlocked, "account_unlocked", "iam,authentication", "user,change",
     "account-unlocked", Outcome::success, Severity::notice,
     "An administrator or a success lifted a lock before its time was over", true},
    {EventKind::password_reset_requested, "password_reset_requested", "iam", "user,change",
     "password-reset-requested", Outcome::success, Severity::notice,
     "Somebody asked for a password reset", true},
    {EventKind::password_changed, "password_changed", "iam", "user,change", "password-changed",
     Outcome::success, Severity::notice, "The password of an account was changed", true},
    {EventKind::token_refreshed, "token_refreshed", "authentication,session", "start,info",
     "token-refresh", Outcome::success, Severity::info, "The application renewed a token", true},
    {EventKind::token_refused, "token_refused", "authentication,api", "start,denied",
     "token-refused", Outcome::failure, Severity::warning,
     "A request came without a token that is valid for it", true},
    {EventKind::key_refused, "key_refused", "authentication,api", "start,denied", "key-refused",
     Outcome::failure, Severity::warning, "A request came without an API key that is valid for it",
     true},
    {EventKind::file_uploaded, "file_uploaded", "file,web", "creation", "file-upload",
     Outcome::success, Severity::info, "The application accepted an uploaded file", true},
    {EventKind::file_refused, "file_refused", "intrusion_detection,file,web", "denied",
     "file-refused", Outcome::success, Severity::warning,
     "An upload broke a rule on names, types, sizes or contents", true},
    {EventKind::scan_failed, "scan_failed", "file,malware,web", "error", "scan-failed",
     Outcome::failure, Severity::error,
     "A file could not be scanned for malware; on_error decides what becomes of it"},
    {EventKind::rate_limited, "rate_limited", "api,web", "denied,access", "rate-limit-exceeded",
     Outcome::success, Severity::warning, "A client was over a rate policy"},
    {EventKind::json_refused, "json_refused", "api,web", "denied", "json-refused", Outcome::success,
     Severity::warning, "A body was no JSON, or over a limit for JSON bodies"},
    {EventKind::schema_violated, "schema_violated", "api,web", "denied", "schema-violation",
     Outcome::success, Severity::warning, "A body or parameter did not satisfy its schema"},
    {EventKind::response_violated, "response_violated", "api,web", "error", "response-violation",
     Outcome::failure, Severity::error,
     "The application's answer is not as its API description says, or tells what it must not"},
    {EventKind::injection_detected, "injection_detected", "intrusion_detection,web", "denied",
     "rule-match", Outcome::success, Severity::error, "A request looks like an injection attack"},
    {EventKind::path_refused, "path_refused", "intrusion_detection,web", "denied", "path-refused",
     Outcome::success, Severity::warning, "The request's path could be read in more than one way"},
    {EventKind::csp_violated, "csp_violated", "web", "info", "csp-violation", Outcome::unknown,
     Severity::notice, "A browser reported a violation of the Content-Security-Policy"},
    {EventKind::origin_refused, "origin_refused", "intrusion_detection,web", "denied",
     "origin-refused", Outcome::success, Severity::notice,
     "A cross-origin request came from an origin that is not allowed"},
    {EventKind::csrf_refused, "csrf_refused", "intrusion_detection,web", "denied", "csrf-refused",
     Outcome::success, Severity::warning, "A state-changing request came from another site"},
    {EventKind::https_refused, "https_refused", "network,web", "denied", "https-refused",
     Outcome::success, Severity::notice, "A request came over plain HTTP where HTTPS is required"},
    {EventKind::client_banned, "client_banned", "intrusion_detection,network", "denied",
     "client-banned", Outcome::success, Severity::error,
     "A client's score reached that of a ban policy"},
    {EventKind::redis_unavailable, "redis_unavailable", "database", "error", "redis-unavailable",
     Outcome::failure, Severity::error,
     "Redis does not answer; what depends on it follows its on_error"},
    {EventKind::redis_recovered, "redis_recovered", "database", "info", "redis-recovered",
     Outcome::success, Severity::notice, "Redis answers again"},
    {EventKind::scanner_unavailable, "scanner_unavailable", "malware", "info",
     "scanner-unavailable", Outcome::failure, Severity::error,
     "The scanner of uploads does not answer; on_error decides what becomes of them"},
    {EventKind::scanner_recovered, "scanner_recovered", "malware", "info", "scanner-recovered",
     Outcome::success, Severity::notice, "The scanner of uploads answers again"},
    {EventKind::health_changed, "health_changed", "host", "info", "health-changed",
     Outcome::unknown, Severity::warning, "A health check changed its verdict"},
    {EventKind::upstream_failed, "upstream_failed", "web", "error", "upstream-failed",
     Outcome::failure, Severity::error, "The application answered with a 5xx, or not at all"},
    {EventKind::table_pressure, "table_pressure", "host", "info", "table-pressure",
     Outcome::unknown, Severity::warning,
     "A table evicted an entry that still limited somebody; its zone is too small"},
    {EventKind::break_glass, "break_glass", "configuration", "change", "break-glass",
     Outcome::success, Severity::critical,
     "The break-glass file appeared or went away: all of Guard observes, or enforces again"},
    {EventKind::config_loaded, "config_loaded", "configuration", "info", "config-loaded",
     Outcome::success, Severity::info, "A worker started with a configuration"},
    {EventKind::events_lost, "events_lost", "host", "info", "events-lost", Outcome::failure,
     Severity::error, "Events could not be written and are missing from this log"},
    {EventKind::custom, "x_*", "web", "info", "x_*", Outcome::unknown, Severity::notice,
     "Whatever the configuration gives a name of its own; event.action is that name", true},
}};

constexpr bool in_order_of_enum() {
  for (std::size_t i = 0; i < kEventKinds.size(); ++i) {
    if (kEventKinds[i].kind != static_cast<EventKind>(i)) return false;
  }
  return true;
}
static_assert(in_order_of_enum());
static_assert(static_cast<std::size_t>(EventKind::custom) + 1 == kEventKindCount);

bool is_custom_name(std::string_view name) noexcept {
  if (!name.starts_with(kCustomPrefix) || name.size() == kCustomPrefix.size()) return false;
  return name.size() <= kCustomKindMax && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

}  // namespace

const EventKindInfo& info_of(EventKind kind) noexcept {
  return kEventKinds[static_cast<std::size_t>(kind)];
}

std::optional<EventKind> event_kind_named(std::string_view name) noexcept {
  if (is_custom_name(name)) return EventKind::custom;
  for (const EventKindInfo& info : kEventKinds) {
    if (info.name == name && info.kind != EventKind::custom) return info.kind;
  }
  return std::nullopt;
}

std::string_view kind_name_of(const Event& event) noexcept {
  return event.kind == EventKind::custom ? event.custom_kind : info_of(event.kind).name;
}

NamedKind parse_event_kind(std::string_view name) {
  const std::optional<EventKind> kind = event_kind_named(name);
  if (kind == EventKind::custom) return {EventKind::custom, std::string(name)};
  if (kind) return {*kind, {}};
  if (name.starts_with(kCustomPrefix)) {
    fail("invalid event kind \"", name, "\", behind \"x_\" 1 to 30 of \"a-z0-9_\" are expected");
  }
  std::vector<std::string_view> names;
  names.reserve(kEventKinds.size());
  for (const EventKindInfo& info : kEventKinds) names.push_back(info.name);
  std::string hint = suggestion(name, names);
  if (hint.empty()) hint = ", a kind of your own begins with \"x_\"";
  fail("unknown event kind \"", name, "\"", hint);
}

}  // namespace guard::core
