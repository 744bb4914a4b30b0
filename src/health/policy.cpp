#include "health/policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace guard::health {

namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 9> kKindNames = {
    "disk", "memory", "certificate", "zone", "tcp", "http", "redis", "postgres", "mysql"};
constexpr std::size_t kMaxName = 64;
constexpr unsigned kMaxInARow = 100;

constexpr std::uint64_t kWarnShare = 100;  // thousandths
constexpr std::uint64_t kFailShare = 50;
constexpr std::uint64_t kDay = 24 * 3600;
constexpr std::uint64_t kWarnDays = 14;
constexpr std::uint64_t kFailDays = 1;

void check_name(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= kMaxName &&
                     name.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_.-") == std::string_view::npos;
  if (plain) return;
  core::fail("invalid name \"", name, "\" of a health check, up to 64 letters, digits, \"_\", ",
             "\".\", \"-\" are expected");
}

// What is in front of an '@' may be a password, and is not repeated.
[[noreturn]] void fail_target(std::string_view target) {
  const std::size_t authority = target.find("://");
  const bool login =
      authority != std::string_view::npos && target.find('@', authority) != std::string_view::npos;
  const std::string what =
      login ? "a user or password in the target of a health check, which "
              "logs in nowhere, "
            : "invalid target \"" + std::string(target) + "\" of a health check, ";
  core::fail(
      what, "\"disk:/path\", \"memory:\", ",
      "\"certificate:FILE\", \"zone:NAME\", \"tcp://host:port\", \"http://host[:port]/path\", ",
      "\"https://host[:port]/path\", \"redis:NAME\", \"postgres://host[:port]\" or ",
      "\"mysql://host[:port]\" is expected");
}

struct Scheme {
  std::string_view prefix;
  Kind kind;
  std::uint16_t port;  // 0: must be written
  bool tls = false;
};

constexpr std::array<Scheme, 6> kSchemes = {{{"tcp://", Kind::tcp, 0},
                                             {"http://", Kind::http, 80},
                                             {"https://", Kind::http, 443, true},
                                             {"postgres://", Kind::postgres, 5432, true},
                                             {"postgresql://", Kind::postgres, 5432, true},
                                             {"mysql://", Kind::mysql, 3306}}};

// "host:port", "[::1]:port", "host"
void read_authority(std::string_view text, const Scheme& scheme, CheckPolicy& policy) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) fail_target(policy.target);
    policy.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != ':') fail_target(policy.target);
    if (!text.empty()) port = text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    policy.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  policy.port = scheme.port;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), policy.port);
    if (error != std::errc{} || end != port.data() + port.size()) fail_target(policy.target);
  }
  const bool printable = std::ranges::all_of(
      policy.host, [](char c) { return c > ' ' && c != '/' && c != '@' && c != 0x7f; });
  if (policy.host.empty() || policy.port == 0 || !printable) fail_target(policy.target);
}

void read_target(std::string_view target, CheckPolicy& policy) {
  policy.target = target;
  auto after = [target](std::string_view prefix) { return target.substr(prefix.size()); };
  if (target.starts_with("disk:")) {
    policy.kind = Kind::disk;
    policy.path = after("disk:");
    if (!policy.path.starts_with('/')) fail_target(target);
    return;
  }
  if (target == "memory:") {
    policy.kind = Kind::memory;
    return;
  }
  for (const auto& [prefix, kind] :
       {std::pair<std::string_view, Kind>{"certificate:", Kind::certificate},
        {"zone:", Kind::zone},
        {"redis:", Kind::redis}}) {
    if (!target.starts_with(prefix) || target.starts_with("redis://")) continue;
    policy.kind = kind;
    policy.path = after(prefix);
    if (policy.path.empty()) fail_target(target);
    return;
  }
  for (const Scheme& scheme : kSchemes) {
    if (!target.starts_with(scheme.prefix)) continue;
    policy.kind = scheme.kind;
    policy.tls = scheme.tls;
    const std::string_view rest = after(scheme.prefix);
    const std::size_t slash = rest.find('/');
    read_authority(rest.substr(0, slash), scheme, policy);
    if (slash != std::string_view::npos) policy.path = rest.substr(slash);
    if (policy.kind == Kind::http && policy.path.empty()) policy.path = "/";
    const bool plain =
        std::ranges::all_of(policy.path, [](char c) { return c > ' ' && c != 0x7f; });
    if ((policy.kind != Kind::http && !policy.path.empty()) || !plain) fail_target(target);
    return;
  }
  fail_target(target);
}

// "10%", "2.5%": thousandths
std::uint64_t parse_share(std::string_view name, std::string_view value) {
  const std::string_view number = value.substr(0, value.size() - (value.ends_with('%') ? 1 : 0));
  double share = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), share);
  if (!value.ends_with('%') || error != std::errc{} || end != number.data() + number.size() ||
      !(share >= 0 && share <= 100)) {
    core::fail("invalid value \"", value, "\" of \"", name, "\", a share like \"10%\" is expected");
  }
  return static_cast<std::uint64_t>(std::lround(share * 10));
}

std::uint64_t parse_threshold(const CheckPolicy& policy, std::string_view name,
                              std::string_view value) {
  if (policy.is_space()) return parse_share(name, value);
  const auto time =
      core::parse_time(name, value, milliseconds(0), std::chrono::hours(24 * 365 * 10));
  const auto count = static_cast<std::uint64_t>(time.count());
  return policy.kind == Kind::certificate ? count / 1000 : count * 1000;
}

void read_thresholds(const core::Words& words, CheckPolicy& policy) {
  if (policy.is_space()) {
    policy.warn = kWarnShare;
    // A full zone gives up what matters least, and goes on.
    policy.fail = policy.kind == Kind::zone ? 0 : kFailShare;
  } else if (policy.kind == Kind::certificate) {
    policy.warn = kWarnDays * kDay;
    policy.fail = kFailDays * kDay;
  }
  if (const auto value = words.named("warn")) {
    policy.warn = parse_threshold(policy, "warn=", *value);
  }
  if (const auto value = words.named("fail")) {
    if (!policy.is_local()) {
      core::fail("\"fail=\" of ", kKindNames[static_cast<std::size_t>(policy.kind)], " check \"",
                 policy.name, "\" is its \"timeout=\"");
    }
    policy.fail = parse_threshold(policy, "fail=", *value);
  }
  if (policy.is_local() && policy.fail > policy.warn) {
    const auto unsaid = [&](std::string_view word, std::string_view share, std::string_view time) {
      return words.named(word) ? std::string_view{} : policy.is_space() ? share : time;
    };
    core::fail("\"fail=\" of health check \"", policy.name, "\"",
               unsaid("fail", " (5% unless said)", " (1d unless said)"),
               " comes before its \"warn=\"",
               unsaid("warn", " (10% unless said)", " (14d unless said)"));
  }
  if (!policy.is_local() && policy.warn >= static_cast<std::uint64_t>(
                                               std::chrono::microseconds(policy.timeout).count())) {
    core::fail("\"warn=\" of health check \"", policy.name,
               "\" is not below its \"timeout=\", which makes it fail");
  }
}

// "200", "200-399", "4xx"
void read_status(std::string_view value, CheckPolicy& policy) {
  auto number = [value](std::string_view text) {
    unsigned found = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found);
    if (error != std::errc{} || end != text.data() + text.size() || found < 100 || found > 599) {
      core::fail("invalid status \"", value,
                 "\" in \"status=\", \"200\", \"2xx\" or \"200-399\" is expected");
    }
    return found;
  };
  if (value.size() == 3 && value.ends_with("xx")) {
    policy.status_low = number(std::string(1, value[0]) + "00");
    policy.status_high = policy.status_low + 99;
    return;
  }
  const std::size_t dash = value.find('-');
  policy.status_low = number(value.substr(0, dash));
  policy.status_high =
      dash == std::string_view::npos ? policy.status_low : number(value.substr(dash + 1));
  if (policy.status_high < policy.status_low) {
    core::fail("\"status=", value, "\" of health check \"", policy.name,
               "\" ends before it begins");
  }
}

void read_http(const core::Words& words, CheckPolicy& policy) {
  for (const std::string_view name : {"status", "pointer", "equals"}) {
    if (policy.kind != Kind::http && words.named(name)) {
      core::fail("\"", name, "=\" of health check \"", policy.name, "\", which is none by HTTP");
    }
  }
  if (const auto value = words.named("status")) read_status(*value, policy);
  if (const auto value = words.named("pointer")) {
    if (!value->starts_with('/')) {
      core::fail("invalid value \"", *value,
                 "\" of \"pointer=\", a JSON pointer like \"/status\" is expected");
    }
    policy.pointer = *value;
  }
  if (const auto value = words.named("equals")) policy.equals = *value;
  if (policy.pointer.empty() != policy.equals.empty()) {
    core::fail("\"pointer=\" and \"equals=\" of health check \"", policy.name,
               "\" need each other");
  }
}

}  // namespace

std::string_view name_of(Kind kind) noexcept {
  return kKindNames[static_cast<std::size_t>(kind)];
}

CheckPolicy parse_check(core::Words& words) {
  words.read(2,
             {"interval", "timeout", "warn", "fail", "rise", "fall", "status", "pointer", "equals",
              "tls_ca", "tls_name", "tls_verify"},
             {"optional"});
  CheckPolicy policy;
  policy.name = words[0];
  check_name(words[0]);
  read_target(words[1], policy);
  if (const auto value = words.named("interval")) {
    policy.interval =
        core::parse_time("interval=", *value, milliseconds(1000), std::chrono::hours(24));
  }
  if (const auto value = words.named("timeout")) {
    policy.timeout =
        core::parse_time("timeout=", *value, milliseconds(10), std::chrono::minutes(1));
  }
  if (policy.timeout > policy.interval) {
    core::fail("\"timeout=\" of health check \"", policy.name, "\" is above its \"interval=\"");
  }
  if (const auto value = words.named("rise")) {
    policy.rise = static_cast<unsigned>(core::parse_number("rise=", *value, 1, kMaxInARow));
  }
  if (const auto value = words.named("fall")) {
    policy.fall = static_cast<unsigned>(core::parse_number("fall=", *value, 1, kMaxInARow));
  }
  if (const auto value = words.named("tls_ca")) policy.tls_ca = *value;
  if (const auto value = words.named("tls_name")) policy.tls_name = *value;
  if (const auto value = words.named("tls_verify")) {
    policy.tls_verify = core::parse_on_off("tls_verify=", *value);
  }
  for (const std::string_view name : {"tls_ca", "tls_name", "tls_verify"}) {
    if (!words.named(name)) continue;
    if (!policy.tls) {
      core::fail("\"", name, "=\" of health check \"", policy.name, "\", which does not use TLS");
    }
    policy.tls_required = policy.kind == Kind::postgres && policy.tls_verify;
  }
  policy.optional = words.flag("optional");
  read_thresholds(words, policy);
  read_http(words, policy);
  return policy;
}

EndpointPolicy parse_endpoint(core::Words& words) {
  words.read(0, {}, {"live", "ready", "simple", "public"});
  EndpointPolicy policy;
  if (words.flag("live") && words.flag("ready")) {
    core::fail("\"live\" and \"ready\" in one \"guard_health\"");
  }
  if (words.flag("live")) policy.view = View::live;
  if (words.flag("ready")) policy.view = View::ready;
  policy.simple = words.flag("simple");
  policy.open = words.flag("public");
  return policy;
}

}  // namespace guard::health
