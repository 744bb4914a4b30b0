// A security event: a value that a feature publishes on the bus. Who listens (log, lockout,
// metrics) is not the publisher's business; no feature formats or writes anything itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace guard::core {

// The closed vocabulary. The order is that of kEventKinds in event.cpp, which is the one table from
// which the encoder, the docs page and the tests are made.
enum class EventKind : std::uint8_t {
  login_failed,
  login_succeeded,
  logout,
  account_locked,
  account_unlocked,
  password_reset_requested,
  password_changed,
  token_refreshed,
  token_refused,
  key_refused,
  file_uploaded,
  file_refused,
  scan_failed,
  rate_limited,
  json_refused,
  schema_violated,
  response_violated,
  injection_detected,
  path_refused,
  csp_violated,
  origin_refused,
  csrf_refused,
  https_refused,
  client_banned,
  redis_unavailable,
  redis_recovered,
  scanner_unavailable,
  scanner_recovered,
  health_changed,
  upstream_failed,
  table_pressure,
  break_glass,
  config_loaded,
  events_lost,
  custom,  // user-defined: Event::custom_kind has its name
};

inline constexpr std::size_t kEventKindCount = 35;  // with custom

// A user-defined kind is x_ and 1 to 30 lower-case letters, digits or "_".
inline constexpr std::string_view kCustomPrefix = "x_";
inline constexpr std::size_t kCustomKindMax = 32;

// Severity as in syslog (RFC 5424, table 2), the part of it that a security event can have.
enum class Severity : std::uint8_t { critical = 2, error = 3, warning = 4, notice = 5, info = 6 };

enum class Outcome : std::uint8_t { success, failure, unknown };

// What Guard did about it: nothing was decided, it was let through, refused, or would have been
// refused had the mode not been observe.
enum class Action : std::uint8_t { none, allowed, denied, observed };

// One row of the vocabulary. category and type are ECS's event.category and event.type, each a
// comma-separated list; action is ECS's event.action.
struct EventKindInfo {
  EventKind kind;
  std::string_view name;
  std::string_view category;
  std::string_view type;
  std::string_view action;
  Outcome outcome;
  Severity severity;
  std::string_view meaning;     // one sentence for the docs
  bool of_application = false;  // the application's own answer can mean it, see guard_event
};

const EventKindInfo& info_of(EventKind kind) noexcept;
// custom for the name of a user-defined kind; nothing for a name that is none.
std::optional<EventKind> event_kind_named(std::string_view name) noexcept;

// What some kinds say besides, as labels.NAME of the line.
struct EventLabel {
  std::string_view name;   // a literal of up to kEventLabelNameMax bytes
  std::string_view value;  // may hold client bytes; empty is left out
  bool url = false;        // one: its query is written only where those of requests are
};
inline constexpr std::size_t kEventLabelNameMax = 20;
// Of one event; more are left out.
inline constexpr std::size_t kEventUrlsMax = 2;
inline constexpr std::size_t kEventWordsMax = 3;

// The file that some kinds are about, as file.* and some labels of the line. Empty is left out.
struct EventFile {
  std::string_view name;           // may hold client bytes
  std::string_view declared_type;  // may hold client bytes
  std::string_view detected_type;  // what its content is taken for
  std::string_view sha256;         // 64 hex digits
  std::optional<std::uint64_t> size;
  std::string_view scan;       // "clean", "infected", "failed", "none"
  std::string_view signature;  // what the scanner calls what it has found
};

// All views need to live only for the duration of the publication.
struct Event {
  EventKind kind = EventKind::config_loaded;
  std::string_view custom_kind;  // "x_honeypot", where kind is custom
  Action action = Action::none;
  std::optional<Severity> severity;  // the kind's own if unset
  std::string_view code;             // refusal code, e.g. "json.syntax"
  std::string_view policy;           // name of the policy that decided
  std::string_view detail;           // one sentence, never with a value from the client in it
  // What the first of several faults is, where detail is about all of them; never with a value from
  // the client in it.
  std::string_view message;
  std::string_view rule;      // what was violated: the file of a schema
  std::string_view rules;     // ids of rules that have matched, "942100,949110"
  std::string_view pointer;   // RFC 6901 pointer of the first offence, may hold client bytes
  std::string_view key_hash;  // hex of the keyed hash of the counted key
  std::string_view user;      // user name as the configuration extracts it
  // Of an event of the worker that follows from a request, which may be gone; empty: of none.
  std::string_view client;      // address
  std::string_view request_id;  // $request_id
  // What the client gets, or what the application has answered where the event is about that; 0:
  // not known yet.
  std::uint16_t status = 0;
  std::uint64_t count = 0;   // how many this one line stands for, or were lost; 0: one
  std::uint64_t score = 0;   // of a client (guard_ban_policy) or a request; 0: there is none
  std::uint64_t end_ms = 0;  // when what it tells of is over, since 1970; 0: not known
  std::string_view page;     // URL of the page that it is about, treated as a label's
  std::span<const EventLabel> labels{};
  const EventFile* file = nullptr;  // one that has labels has no file
};

// "login_failed", "x_honeypot"
std::string_view kind_name_of(const Event& event) noexcept;

// A kind as the configuration names it.
struct NamedKind {
  EventKind kind = EventKind::custom;
  std::string custom;  // the name, where kind is custom

  std::string_view name() const { return kind == EventKind::custom ? custom : info_of(kind).name; }
  bool is(const Event& event) const {
    return event.kind == kind && (kind != EventKind::custom || event.custom_kind == custom);
  }
  bool operator==(const NamedKind&) const = default;
};

// Throws ConfigError for a name that is no kind.
NamedKind parse_event_kind(std::string_view name);

}  // namespace guard::core
