// What the user said with guard_event_log and guard_event_privacy. Every parse function throws
// core::ConfigError.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/words.h"

namespace guard::events {

struct LogPolicy {
  bool off = false;
  std::string path;  // as written: relative to nginx's prefix
  core::Severity min = core::Severity::info;

  // Severities fall as they grow worse.
  bool takes(core::Severity severity) const { return severity <= min; }
};

LogPolicy parse_event_log(core::Words& words);

enum class UserPrivacy : std::uint8_t { hash, clear, off };
enum class AddressPrivacy : std::uint8_t { clear, hash, network };

struct PrivacyPolicy {
  UserPrivacy user = UserPrivacy::hash;
  AddressPrivacy address = AddressPrivacy::clear;
  bool query = false;

  bool operator==(const PrivacyPolicy&) const = default;
};

PrivacyPolicy parse_event_privacy(core::Words& words);

std::string_view name_of(core::Severity severity) noexcept;

}  // namespace guard::events
