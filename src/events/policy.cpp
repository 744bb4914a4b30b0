#include "events/policy.h"

#include <array>

namespace guard::events {

namespace {

using core::fail;
using namespace std::chrono_literals;

// In the order of RFC 5424, table 2, from Severity::critical on.
constexpr std::array<std::string_view, 5> kSeverities = {"critical", "error", "warning", "notice",
                                                         "info"};
constexpr std::string_view kSyslog = "syslog:";
constexpr std::string_view kRedis = "redis:";
// What a worker may write at once fits.
constexpr std::uint64_t kMinRotate = 64 * 1024;
constexpr std::uint64_t kMaxKeep = 1000;
constexpr auto kFirstSeverity = static_cast<std::size_t>(core::Severity::critical);

void read_destination(const core::Words& words, LogPolicy& policy) {
  const std::string_view path = policy.path;
  if (path.starts_with(kSyslog)) {
    policy.destination = Destination::syslog;
    policy.syslog = parse_syslog(path.substr(kSyslog.size()));
  } else if (path.starts_with(kRedis)) {
    policy.destination = Destination::redis;
    const std::string_view rest = path.substr(kRedis.size());
    const std::size_t colon = rest.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == rest.size()) {
      fail("invalid event log \"", path, "\", \"redis:NAME:STREAM\" is expected");
    }
    policy.redis = rest.substr(0, colon);
    policy.stream = rest.substr(colon + 1);
  } else if (path == "stderr" || path == "stdout") {
    // nginx's own error_log means the stream.
    fail("event log \"", path, "\" would be a file of that name: write \"/dev/", path,
         "\", or \"./", path, "\" if a file is meant");
  }
  for (std::string_view name : {"rotate", "keep"}) {
    if (policy.destination != Destination::file && words.named(name)) {
      fail("\"", name, "=\" is for files, not for \"", path, "\"");
    }
  }
  if (policy.destination != Destination::redis && words.named("maxlen")) {
    fail("\"maxlen=\" is for Redis streams, not for \"", path, "\"");
  }
  if (const auto rotate = words.named("rotate")) {
    policy.rotate = core::parse_size("rotate=", *rotate, kMinRotate, UINT64_MAX);
  }
  if (const auto keep = words.named("keep")) {
    if (policy.rotate == 0) fail("\"keep=\" without \"rotate=\"");
    policy.keep = static_cast<unsigned>(core::parse_number("keep=", *keep, 1, kMaxKeep));
  }
  if (const auto maxlen = words.named("maxlen")) {
    policy.maxlen = core::parse_number("maxlen=", *maxlen, 1, UINT32_MAX);
  }
}

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
  words.read(1, {"min", "format", "rotate", "keep", "maxlen", "chain", "checkpoints",
                 "checkpoint_interval"});
  policy.path = words[0];
  if (policy.path.empty()) fail("empty path in \"", words.directive(), "\" directive");
  read_destination(words, policy);
  if (const auto min = words.named("min")) {
    policy.min =
        static_cast<core::Severity>(core::parse_choice("min=", *min, kSeverities) + kFirstSeverity);
  }
  if (const auto format = words.named("format")) {
    core::parse_choice("format=", *format, kFormats);
  }
  policy.chain = words.named("chain").value_or("");
  policy.checkpoints = words.named("checkpoints").value_or("");
  if (policy.chain.empty() && !policy.checkpoints.empty()) {
    fail("\"checkpoints=\" without \"chain=\": there is nothing to sign");
  }
  if (const auto interval = words.named("checkpoint_interval")) {
    if (policy.checkpoints.empty()) fail("\"checkpoint_interval=\" without \"checkpoints=\"");
    policy.checkpoint_interval = core::parse_time("checkpoint_interval=", *interval, 200ms, 1h);
  }
  return policy;
}

LogPolicy parse_checkpoints(std::string_view destination) {
  core::Words words({"checkpoints=", destination});
  words.read(1, {});
  LogPolicy policy;
  policy.path = destination;
  read_destination(words, policy);
  return policy;
}

PrivacyPolicy stricter(const PrivacyPolicy& a, const PrivacyPolicy& b) noexcept {
  auto user = [](UserPrivacy privacy) {
    return privacy == UserPrivacy::clear ? 0 : privacy == UserPrivacy::hash ? 1 : 2;
  };
  auto address = [](AddressPrivacy privacy) {
    return privacy == AddressPrivacy::clear ? 0 : privacy == AddressPrivacy::network ? 1 : 2;
  };
  PrivacyPolicy policy;
  policy.user = user(a.user) > user(b.user) ? a.user : b.user;
  policy.address = address(a.address) > address(b.address) ? a.address : b.address;
  policy.query = a.query && b.query;
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
