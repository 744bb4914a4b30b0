// URLs of Redis: a ConfigError that says nothing of what may be a password, or hosts and ports that
// can be connected to.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/words.h"
#include "redis/url.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// Another one that is built the same way.
char other(char c) {
  if (c >= '0' && c <= '9') return static_cast<char>('0' + (c - '0' + 3) % 10);
  if (c >= 'a' && c <= 'f') return static_cast<char>('a' + (c - 'a' + 2) % 6);
  if (c >= 'g' && c <= 'z') return static_cast<char>('g' + (c - 'g' + 7) % 20);
  return c;
}

std::string error_of(std::string_view text) {
  try {
    guard::redis::parse_url("guard_redis", text);
  } catch (const guard::core::ConfigError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace redis = guard::redis;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  redis::Url url;
  try {
    url = redis::parse_url("guard_redis", text);
  } catch (const guard::core::ConfigError& error) {
    const std::size_t begin = text.find("://");
    const std::size_t at = text.rfind('@');
    if (text.starts_with("unix:") || begin == std::string_view::npos) return 0;
    if (at == std::string_view::npos || at < begin) return 0;
    // With another password the same is said.
    std::string changed(text);
    for (std::size_t i = begin; i < at; ++i) changed[i] = other(changed[i]);
    require(error_of(changed) == error.what());
    return 0;
  }
  if (!url.unix_path.empty()) {
    require(url.hosts.empty() && url.unix_path.front() == '/' && url.unix_path.size() <= 107);
    return 0;
  }
  require(!url.hosts.empty() && url.hosts.size() <= 16);
  require(url.kind != redis::Kind::server || url.hosts.size() == 1);
  require((url.kind == redis::Kind::sentinel) == !url.master.empty());
  require(url.kind != redis::Kind::cluster || url.database == 0);
  require(url.user.empty() || !url.password.empty());
  for (const redis::HostPort& one : url.hosts) {
    require(one.port != 0 && !one.host.empty() && one.host.size() <= 253);
    require(std::ranges::all_of(one.host, [](char c) { return c > ' ' && c != '/' && c != '@'; }));
  }
  return 0;
}
