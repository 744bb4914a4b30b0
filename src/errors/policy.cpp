#include "errors/policy.h"

#include <algorithm>
#include <charconv>

namespace guard::errors {

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxHost = 255;

[[noreturn]] void fail_dsn() {
  core::fail(
      "\"guard_error_report\" is given no DSN of Sentry, one like \"https://KEY@HOST/PROJECT\" is "
      "expected");
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(
      text, [&](char c) { return is_word(c) || more.find(c) != std::string_view::npos; });
}

// Host and port.
void read_authority(std::string_view text, Dsn& dsn) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) fail_dsn();
    dsn.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!all_of(dsn.host, ":.")) fail_dsn();
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    dsn.host = text.substr(0, colon);
    port = text.substr(colon);
    if (!all_of(dsn.host, ".-")) fail_dsn();
  }
  if (dsn.host.empty() || dsn.host.size() > kMaxHost) fail_dsn();
  if (port.empty()) return;
  const char* end = port.data() + port.size();
  const auto [at, error] = std::from_chars(port.data() + 1, end, dsn.port);
  if (port[0] != ':' || port.size() == 1 || error != std::errc{} || at != end || dsn.port == 0) {
    fail_dsn();
  }
}

// Sentry takes neither slashes nor spaces in these.
std::string parse_name(std::string_view name, std::string_view value) {
  if (value.empty() || value.size() > kMaxName || !all_of(value, "._@+-")) {
    core::fail("invalid value \"", value, "\" of \"", name,
               "\", up to 64 letters, digits, \".\", \"_\", \"@\", \"+\" or \"-\" are expected");
  }
  return std::string(value);
}

}  // namespace

Dsn parse_dsn(std::string_view text) {
  Dsn dsn;
  if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
    dsn.tls = false;
    dsn.port = 80;
  } else {
    fail_dsn();
  }
  const std::size_t at = text.find('@');
  const std::size_t slash = text.find('/');
  if (at == std::string_view::npos || slash == std::string_view::npos || slash < at) fail_dsn();
  // Old ones have a second, secret key, which is not needed any more.
  const std::string_view key = text.substr(0, std::min(text.find(':'), at));
  if (key.empty() || key.size() > kMaxName || !all_of(key, "")) fail_dsn();
  read_authority(text.substr(at + 1, slash - at - 1), dsn);
  std::string_view path = text.substr(slash);
  const std::size_t last = path.rfind('/');
  const std::string_view project = path.substr(last + 1);
  path = path.substr(0, last + 1);
  if (project.empty() || !all_of(project, "-_") || !all_of(path, "/-_.~")) fail_dsn();
  dsn.key = core::Secret(key);
  dsn.path.append(path).append("api/").append(project).append("/envelope/");
  return dsn;
}

ReportPolicy parse_report(core::Words& words) {
  words.read(1, {"environment", "release", "tls_ca"});
  ReportPolicy policy;
  policy.word = words[0];
  if (const auto value = words.named("environment")) {
    policy.environment = parse_name("environment=", *value);
  }
  if (const auto value = words.named("release")) policy.release = parse_name("release=", *value);
  policy.tls_ca = words.named("tls_ca").value_or("");
  return policy;
}

}  // namespace guard::errors
