// What the user said with guard_event_log and guard_event_privacy. Every parse function throws
// core::ConfigError.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/words.h"
#include "events/syslog.h"

namespace guard::events {

enum class Destination : std::uint8_t { file, syslog, redis };

struct LogPolicy {
  bool off = false;
  Destination destination = Destination::file;
  std::string path;          // as written: of a file, relative to nginx's prefix
  std::uint64_t rotate = 0;  // bytes; 0: never
  unsigned keep = 10;        // old files
  SyslogTarget syslog;
  std::string redis;  // name of a guard_redis
  std::string stream;
  std::uint64_t maxlen = 100'000;  // messages that a stream keeps at least
  core::Severity min = core::Severity::info;
  std::string chain;        // a SECRET word; empty: lines are not chained
  std::string checkpoints;  // as path, of another kind too; empty: none
  std::chrono::milliseconds checkpoint_interval{10'000};

  // Severities fall as they grow worse.
  bool takes(core::Severity severity) const { return severity <= min; }
};

LogPolicy parse_event_log(core::Words& words);
// What checkpoints= names, as a log of its own.
LogPolicy parse_checkpoints(std::string_view destination);

// Whether two that name one destination agree on it.
inline bool same_destination(const LogPolicy& a, const LogPolicy& b) {
  return a.rotate == b.rotate && a.keep == b.keep && a.maxlen == b.maxlen;
}

enum class UserPrivacy : std::uint8_t { hash, clear, off };
enum class AddressPrivacy : std::uint8_t { clear, hash, network };

struct PrivacyPolicy {
  UserPrivacy user = UserPrivacy::hash;
  AddressPrivacy address = AddressPrivacy::clear;
  bool query = false;

  bool operator==(const PrivacyPolicy&) const = default;
};

PrivacyPolicy parse_event_privacy(core::Words& words);
// What tells no more than either of the two.
PrivacyPolicy stricter(const PrivacyPolicy& a, const PrivacyPolicy& b) noexcept;

std::string_view name_of(core::Severity severity) noexcept;

}  // namespace guard::events
