// Event lines as syslog messages: RFC 5424, over UDP (RFC 5426) or a Unix socket as datagrams, over
// TCP framed by octet counting (RFC 6587, 3.4.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/event.h"

namespace guard::events {

enum class SyslogTransport : std::uint8_t { udp, tcp, unix_datagram };

struct SyslogTarget {
  SyslogTransport transport = SyslogTransport::udp;
  std::string host;  // "unix:/path", a name, or an address without brackets
  std::uint16_t port = 514;
  unsigned facility = 23;  // local7
  std::string tag = "guard";

  bool operator==(const SyslogTarget&) const = default;
};

// What comes behind "syslog:", with the words of nginx's own: server=ADDRESS[,proto=udp|tcp]
// [,facility=NAME][,tag=TEXT]. Throws core::ConfigError.
SyslogTarget parse_syslog(std::string_view text);

// Messages with one writer's name on them.
class SyslogFormat {
 public:
  static constexpr std::size_t kHostMax = 255;
  static constexpr std::size_t kHeadMax = 512;  // bytes of what comes before a line

  // host: of this machine; may throw std::bad_alloc.
  SyslogFormat(const SyslogTarget& target, std::string_view host, std::uint64_t process_id);

  // The message's head, up to the line, and for TCP with the count before it. line is without its
  // line feed and begins as the encoder's do, with its timestamp.
  std::string_view head(std::string_view line, core::Severity severity, std::string_view kind,
                        std::span<char, kHeadMax> out) const noexcept;

 private:
  unsigned facility_;
  bool counted_;
  std::string writer_;  // HOSTNAME APP-NAME PROCID
};

}  // namespace guard::events
