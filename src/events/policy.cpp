#include "events/policy.h"

#include <array>

namespace guard::events {

namespace {

using core::fail;

// In the order of RFC 5424, table 2, from Severity::critical on.
constexpr std::array<std::string_view, 5> kSeverities = {"critical", "error", "warning", "notice",
                                                         "info"};
constexpr auto kFirstSeverity = static_cast<std::size_t>(core::Severity::critical);

}  // namespace

std::string_view name_of(core::Severity severity) noexcept {
  return kSeverities[static_cast<std::size_t>(severity) - kFirstSeverity];
}

LogPolicy parse_event_log(core::Words& words) {
  static constexpr std::array<std::string_view, 1> kFormats = {"ecs"};
  LogPolicy policy;
  if (words.is_off()) {
    policy.off = true;
    return policy;
  }
  for (std::string_view word : words.all()) {
    for (std::string_view later : {"rotate=", "keep=", "chain="}) {
      if (word.starts_with(later)) fail("\"", later, "\" is not supported in this version");
    }
  }
  words.read(1, {"min", "format"});
  const std::string_view path = words[0];
  for (std::string_view later : {"syslog:", "redis:"}) {
    if (path.starts_with(later)) {
      fail("event log \"", later, "\" is not supported in this version, only a path is");
    }
  }
  if (path.empty()) fail("empty path in \"", words.directive(), "\" directive");
  policy.path = path;
  if (const auto min = words.named("min")) {
    policy.min =
        static_cast<core::Severity>(core::parse_choice("min=", *min, kSeverities) + kFirstSeverity);
  }
  if (const auto format = words.named("format")) {
    core::parse_choice("format=", *format, kFormats);
  }
  return policy;
}

PrivacyPolicy parse_event_privacy(core::Words& words) {
  static constexpr std::array<std::string_view, 3> kUser = {"hash", "clear", "off"};
  static constexpr std::array<std::string_view, 3> kAddress = {"clear", "hash", "network"};
  PrivacyPolicy policy;
  if (words.size() == 0) {
    fail("invalid number of arguments in \"", words.directive(), "\" directive");
  }
  words.read(0, {"user", "address", "query"});
  if (const auto user = words.named("user")) {
    policy.user = static_cast<UserPrivacy>(core::parse_choice("user=", *user, kUser));
  }
  if (const auto address = words.named("address")) {
    policy.address =
        static_cast<AddressPrivacy>(core::parse_choice("address=", *address, kAddress));
  }
  if (const auto query = words.named("query")) policy.query = core::parse_on_off("query=", *query);
  return policy;
}

}  // namespace guard::events
