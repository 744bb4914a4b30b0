#include "redis/policy.h"

#include <algorithm>

namespace guard::redis {

namespace {

using core::fail;

constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
constexpr std::size_t kMaxPrefix = 64;
constexpr std::size_t kMaxUser = 256;
constexpr std::uint64_t kMaxPool = 64;

void check_name(std::string_view name) {
  if (name.empty() || name == "off" || name.size() > kMaxName ||
      name.find_first_not_of(kNameLetters) != std::string_view::npos) {
    fail("invalid Redis name \"", name,
         "\", up to 64 letters, digits, \"_\", \".\" and \"-\" are expected, and not \"off\"");
  }
}

// Braces would decide about the slot of every key in a cluster.
std::string read_prefix(std::string_view prefix) {
  const bool plain = std::ranges::all_of(
      prefix, [](char c) { return c > ' ' && c < 0x7f && c != '{' && c != '}'; });
  if (!plain || prefix.size() > kMaxPrefix) {
    fail("invalid value \"", prefix,
         "\" of \"prefix\", up to 64 printable ASCII characters without \"{\" and \"}\" are "
         "expected");
  }
  return std::string(prefix);
}

void read_login(const core::Words& words, Policy& policy) {
  policy.user = policy.url.user;
  if (auto user = words.named("username")) {
    if (!policy.url.user.empty()) fail("\"username=\" beside a user in the URL");
    if (user->size() > kMaxUser) fail("\"username=\" is longer than 256 bytes");
    policy.user = *user;
  }
  if (auto word = words.named("password")) {
    if (!policy.url.password.empty()) fail("\"password=\" beside a password in the URL");
    policy.password_word = *word;
  }
  if (!policy.user.empty() && policy.url.password.empty() && policy.password_word.empty()) {
    fail("\"username=\" without \"password=\"");
  }
  if (auto word = words.named("sentinel_password")) {
    if (policy.url.kind != Kind::sentinel) {
      fail("\"sentinel_password=\" without a \"redis+sentinel://\" URL");
    }
    policy.sentinel_password_word = *word;
  }
}

void read_tls(const core::Words& words, Policy& policy) {
  for (std::string_view name : {"tls_ca", "tls_cert", "tls_key", "tls_name", "tls_verify"}) {
    if (words.named(name) && !policy.url.tls) fail("\"", name, "=\" without a \"rediss://\" URL");
  }
  policy.tls_ca = words.named("tls_ca").value_or("");
  policy.tls_cert = words.named("tls_cert").value_or("");
  policy.tls_key = words.named("tls_key").value_or("");
  policy.tls_name = words.named("tls_name").value_or("");
  if (auto word = words.named("tls_verify")) {
    policy.tls_verify = core::parse_on_off("tls_verify", *word);
  }
  if (policy.tls_cert.empty() != policy.tls_key.empty()) {
    fail("\"tls_cert=\" and \"tls_key=\" need each other");
  }
  if (!policy.tls_verify && !policy.tls_ca.empty()) fail("\"tls_ca=\" beside \"tls_verify=off\"");
}

void read_times(const core::Words& words, Policy& policy) {
  using std::chrono_literals::operator""ms;
  using std::chrono_literals::operator""min;
  if (auto word = words.named("timeout")) {
    policy.timeout = core::parse_time("timeout", *word, 1ms, 1min);
  }
  policy.connect_timeout = std::max(policy.connect_timeout, policy.timeout);
  if (auto word = words.named("connect_timeout")) {
    policy.connect_timeout = core::parse_time("connect_timeout", *word, 1ms, 1min);
  }
}

}  // namespace

Policy parse_policy(core::Words& words, std::string_view url) {
  words.read(2, {"username", "password", "sentinel_password", "timeout", "connect_timeout", "pool",
                 "tls_ca", "tls_cert", "tls_key", "tls_name", "tls_verify", "prefix"});
  Policy policy;
  check_name(words[0]);
  policy.name = words[0];
  policy.url = parse_url(words.directive(), url);
  read_login(words, policy);
  read_times(words, policy);
  if (auto word = words.named("pool")) {
    policy.pool = static_cast<std::uint16_t>(core::parse_number("pool", *word, 1, kMaxPool));
  }
  read_tls(words, policy);
  if (auto word = words.named("prefix")) policy.prefix = read_prefix(*word);
  return policy;
}

}  // namespace guard::redis
