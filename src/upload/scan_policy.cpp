#include "upload/scan_policy.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace guard::upload {

namespace {

constexpr std::array<std::string_view, 2> kOnError = {"refuse", "pass"};
// clamd takes no more, whatever its StreamMaxLength says.
constexpr std::uint64_t kMaxScan = (4ULL << 30) - 1;
constexpr std::uint64_t kMaxConnections = 1000;
constexpr std::uint64_t kMaxQueue = 10'000;

[[noreturn]] void fail_address(std::string_view address) {
  core::fail("invalid address \"", address, "\" of a scanner, \"unix:/path\" or \"tcp:host:port\" ",
             "is expected");
}

void read_address(std::string_view address, ScanPolicy& policy) {
  if (address.starts_with("unix:/") && address.size() > 6) {
    policy.host = address;
    return;
  }
  if (!address.starts_with("tcp:")) fail_address(address);
  std::string_view host = address.substr(4);
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) fail_address(address);
  const std::string_view port = host.substr(colon + 1);
  host = host.substr(0, colon);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), policy.port);
  if (error != std::errc{} || end != port.data() + port.size() || policy.port == 0) {
    fail_address(address);
  }
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    fail_address(address);
  }
  const bool plain = std::ranges::all_of(
      host, [](char c) { return c > ' ' && c != 0x7f && c != '/' && c != '[' && c != ']'; });
  if (host.empty() || !plain) fail_address(address);
  policy.host = host;
}

}  // namespace

ScanPolicy parse_upload_scan(core::Words& words) {
  ScanPolicy policy;
  if (words.is_off()) return policy;
  words.read(1, {"timeout", "scan_max", "on_error", "connections", "queue"});
  policy.on = true;
  read_address(words[0], policy);
  if (const auto value = words.named("timeout")) {
    policy.timeout =
        core::parse_time("timeout=", *value, std::chrono::milliseconds(1), std::chrono::hours(1));
  }
  if (const auto value = words.named("scan_max")) {
    policy.scan_max = core::parse_size("scan_max=", *value, 1, kMaxScan);
  }
  if (const auto value = words.named("on_error")) {
    policy.on_error = static_cast<OnError>(core::parse_choice("on_error=", *value, kOnError));
  }
  if (const auto value = words.named("connections")) {
    policy.connections = core::parse_number("connections=", *value, 1, kMaxConnections);
  }
  if (const auto value = words.named("queue")) {
    policy.queue = core::parse_number("queue=", *value, 0, kMaxQueue);
  }
  return policy;
}

}  // namespace guard::upload
