#include "events/syslog.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/words.h"

namespace guard::events {

namespace {

using core::fail;

// nginx's names, in the order of RFC 5424, table 1.
constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "intern", "lpr",    "news",
    "uucp",   "clock",  "authpriv", "ftp",    "ntp",    "audit",  "alert",  "cron",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr std::array<std::string_view, 2> kProtocols = {"udp", "tcp"};
constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kTagMax = 48;
// Where the encoder's lines have their timestamp.
constexpr std::string_view kBeforeTime = "{\"@timestamp\":\"";
constexpr std::size_t kTimeSize = 24;

bool is_printable(char c) {
  return c > ' ' && c < 0x7f;
}

void parse_server(std::string_view text, SyslogTarget& target) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) fail("invalid address \"", text, "\" of \"server=\"");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.empty() || host.size() > SyslogFormat::kHostMax ||
      !std::ranges::all_of(host, is_printable)) {
    fail("invalid address \"", text, "\" of \"server=\"");
  }
  target.host = host;
  if (port.empty()) return;
  if (!port.starts_with(':')) fail("invalid address \"", text, "\" of \"server=\"");
  target.port = static_cast<std::uint16_t>(core::parse_number("server=", port.substr(1), 1, 65535));
}

// Without the "=" that all parameters have: most likely the address alone.
[[noreturn]] void fail_without_name(std::string_view part, bool has_server) {
  if (has_server) fail("unknown parameter \"", part, "\" in \"syslog:\"");
  std::string_view address = part;
  if (address.starts_with("//")) address.remove_prefix(2);
  fail("\"", part,
       "\" in \"syslog:\", did you mean \"syslog:server=", address.starts_with('/') ? kUnix : "",
       address, "\"?");
}

void append_printable(std::string& out, std::string_view text, std::size_t max) {
  if (text.empty()) out += '-';
  for (char c : text.substr(0, max)) out += is_printable(c) ? c : '?';
}

}  // namespace

SyslogTarget parse_syslog(std::string_view text) {
  SyslogTarget target;
  if (text.empty()) fail("\"server=\" is missing in \"syslog:\"");
  bool tcp = false;
  std::vector<std::string_view> seen;
  for (std::string_view part : core::split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (std::ranges::find(seen, name) != seen.end()) {
      fail("duplicate \"", name, "=\" in \"syslog:\"");
    }
    seen.push_back(name);
    if (name == "server" && value.starts_with(kUnix)) {
      target.transport = SyslogTransport::unix_datagram;
      target.host = value;
      if (value.size() == kUnix.size()) fail("empty path in \"server=\"");
    } else if (name == "server") {
      parse_server(value, target);
    } else if (name == "proto") {
      tcp = core::parse_choice("proto=", value, kProtocols) == 1;
    } else if (name == "facility") {
      target.facility = static_cast<unsigned>(core::parse_choice("facility=", value, kFacilities));
    } else if (name == "tag") {
      if (value.empty() || value.size() > kTagMax || !std::ranges::all_of(value, is_printable)) {
        fail("invalid \"tag=\" in \"syslog:\", 1 to 48 printable characters are expected");
      }
      target.tag = value;
    } else if (equals == std::string_view::npos) {
      fail_without_name(part, !target.host.empty());
    } else {
      static constexpr std::array<std::string_view, 4> kNames = {"server", "proto", "facility",
                                                                 "tag"};
      fail("unknown parameter \"", name, "=\" in \"syslog:\"", core::suggestion(name, kNames));
    }
  }
  if (target.host.empty()) fail("\"server=\" is missing in \"syslog:\"");
  if (tcp) {
    if (target.transport == SyslogTransport::unix_datagram) {
      fail("\"proto=tcp\" of a Unix socket in \"syslog:\"");
    }
    target.transport = SyslogTransport::tcp;
  }
  return target;
}

SyslogFormat::SyslogFormat(const SyslogTarget& target, std::string_view host,
                           std::uint64_t process_id)
    : facility_(target.facility), counted_(target.transport == SyslogTransport::tcp) {
  append_printable(writer_, host, kHostMax);
  writer_ += ' ';
  append_printable(writer_, target.tag, kTagMax);
  writer_ += ' ' + std::to_string(process_id) + ' ';
}

std::string_view SyslogFormat::head(std::string_view line, core::Severity severity,
                                    std::string_view kind,
                                    std::span<char, kHeadMax> out) const noexcept {
  constexpr std::size_t kCountMax = 8;  // room for "12345 "
  char* const begin = out.data() + kCountMax;
  char* at = begin;
  const auto put = [&](std::string_view text) noexcept {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  };
  put("<");
  at = std::to_chars(at, at + 4, facility_ * 8 + static_cast<unsigned>(severity)).ptr;
  put(">1 ");
  put(line.substr(kBeforeTime.size(), kTimeSize));
  put(" ");
  put(writer_);
  put(kind.substr(0, core::kCustomKindMax));
  put(" - ");
  if (!counted_) return {begin, static_cast<std::size_t>(at - begin)};
  std::array<char, kCountMax> count;
  const char* end = std::to_chars(count.data(), count.data() + count.size(),
                                  static_cast<std::size_t>(at - begin) + line.size())
                        .ptr;
  const auto digits = static_cast<std::size_t>(end - count.data());
  char* const from = begin - digits - 1;
  std::memcpy(from, count.data(), digits);
  from[digits] = ' ';
  return {from, static_cast<std::size_t>(at - from)};
}

}  // namespace guard::events
