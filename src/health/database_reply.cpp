#include "health/database_reply.h"

#include <algorithm>
#include <cstring>

namespace guard::health {

namespace {

using namespace std::literals;

// Length 8, code 80877103.
constexpr std::string_view kSslRequest = "\x00\x00\x00\x08\x04\xd2\x16\x2f"sv;
// Length 79, version 3.0.
constexpr std::string_view kStartup =
    "\x00\x00\x00\x4f\x00\x03\x00\x00"
    "user\0guard_health\0"
    "database\0guard_health\0"
    "application_name\0guard_health\0\0"sv;
static_assert(kStartup.size() == 0x4f);

constexpr std::size_t kHead = 5;  // type and length

std::uint32_t big_endian(const char* bytes) noexcept {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

// SQLSTATEs of a server that takes nobody: 57P01 to 57P05 (shutdown, start, recovery), class 53
// (resources), 58 (system), XX (internal).
bool takes_nobody(std::string_view state) noexcept {
  return state.starts_with("57P") || state.starts_with("53") || state.starts_with("58") ||
         state.starts_with("XX");
}

// MySQL: length 3 bytes little endian, number, payload: PROTOCOL_41, SECURE_CONNECTION,
// PLUGIN_AUTH; 16 MB packets; utf8mb4; the user; no password.
constexpr std::string_view kLogin =
    "\x44\x00\x00\x01"
    "\x01\x82\x08\x00"
    "\x00\x00\x00\x01"
    "\x2d"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "guard_health\0"
    "\0"
    "mysql_native_password\0"sv;

constexpr std::size_t kMysqlHead = 4;
static_assert(kLogin.size() - kMysqlHead == 0x44);

// What a plugin takes for an answer, be it a wrong one: no password, or to MariaDB's ed25519 a
// signature. Another length would be a broken-off connection to it.
constexpr std::string_view kNoPassword = "\0\0\0\3"sv;
constexpr std::array<char, kMysqlHead + 64> kNoSignature = {64, 0, 0, 3};

// ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_HOST_IS_BLOCKED, ER_TOO_MANY_USER_CONNECTIONS,
// ER_OUT_OF_RESOURCES, ER_CANT_CREATE_THREAD
constexpr auto kMysqlFull = std::to_array<unsigned>({1040, 1053, 1129, 1203, 1041, 1135});

}  // namespace

std::string_view PostgresConversation::say() const noexcept {
  if (said_) return {};
  return step_ == Step::ssl ? kSslRequest : kStartup;
}

Conversation::Next PostgresConversation::hear(std::string_view bytes) noexcept {
  if (step_ == Step::ssl) return hear_ssl(bytes);
  const std::size_t size = std::min(bytes.size(), bytes_.size() - size_);
  std::memcpy(bytes_.data() + size_, bytes.data(), size);
  size_ += size;
  return hear_startup();
}

Conversation::Next PostgresConversation::hear_ssl(std::string_view bytes) noexcept {
  if (bytes.empty()) return Next::more;
  // An error in words comes from servers that know no TLS at all.
  if (bytes[0] != 'S' && bytes[0] != 'N' && bytes[0] != 'E') {
    return fail("this is no PostgreSQL: it answers to SSLRequest with something else");
  }
  if (needs_tls_ && bytes[0] != 'S') return fail("the server offers no TLS");
  step_ = Step::startup;
  said_ = false;
  if (bytes[0] == 'E') return Next::again;
  // What came behind was not asked for; it would pass for a word that came over TLS
  // (CVE-2021-23222).
  if (bytes.size() > 1) return fail("the server speaks before it was asked");
  return bytes[0] == 'S' ? Next::secure : Next::more;
}

Conversation::Next PostgresConversation::hear_startup() noexcept {
  if (size_ < kHead) return Next::more;
  const char type = bytes_[0];
  const std::uint32_t length = big_endian(bytes_.data() + 1);
  if ((type != 'R' && type != 'E' && type != 'v') || length < 4 || length > 64 * 1024) {
    return fail("this is no PostgreSQL: it answers to StartupMessage with something else");
  }
  if (type != 'E') return pass();
  const std::size_t whole = std::size_t{length} + 1;
  if (size_ < std::min(whole, bytes_.size())) return Next::more;
  return judge_error({bytes_.data() + kHead, std::min(whole, bytes_.size()) - kHead});
}

// Fields are a letter and a text up to a zero: C is the SQLSTATE, M the message.
Conversation::Next PostgresConversation::judge_error(std::string_view fields) noexcept {
  std::string_view state;
  std::string_view message;
  while (!fields.empty() && fields[0] != '\0') {
    const char type = fields[0];
    fields.remove_prefix(1);
    const std::string_view text = fields.substr(0, fields.find('\0'));
    fields.remove_prefix(std::min(text.size() + 1, fields.size()));
    if (type == 'C') state = text;
    if (type == 'M') message = text;
  }
  if (takes_nobody(state)) return fail("the server says: ", message);
  return pass();
}

Conversation::Next PostgresConversation::ended() noexcept {
  return fail("the server closed the connection");
}

std::string_view MysqlConversation::say() const noexcept {
  return said_ ? std::string_view{} : next_;
}

Conversation::Next MysqlConversation::ask(std::string_view text) noexcept {
  next_ = text;
  said_ = false;
  size_ = 0;
  return Next::more;
}

Conversation::Next MysqlConversation::hear(std::string_view bytes) noexcept {
  const std::size_t size = std::min(bytes.size(), bytes_.size() - size_);
  std::memcpy(bytes_.data() + size_, bytes.data(), size);
  size_ += size;
  if (size_ < kMysqlHead + 1) return Next::more;
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(bytes_[i]); };
  // It may ask on: whoever takes logins is well.
  if (step_ == Step::other_login && byte(kMysqlHead) != 0xff) return pass();
  const std::size_t length = byte(0) | byte(1) << 8U | byte(2) << 16U;
  if (length == 0 || length > bytes_.size() - kMysqlHead) {
    return fail("this is no MySQL: its first packet has the wrong size");
  }
  if (size_ < kMysqlHead + length) return Next::more;
  const std::string_view payload(bytes_.data() + kMysqlHead, length);
  if (byte(kMysqlHead) == 0xff) return judge_error(payload);
  if (step_ == Step::greeting) return judge_handshake(payload);
  if (byte(kMysqlHead) == 0x00) return pass();
  if (byte(kMysqlHead) == 0xfe) return judge_switch(payload);
  return fail("this is no MySQL: it answers to a login with something else");
}

Conversation::Next MysqlConversation::judge_handshake(std::string_view payload) noexcept {
  constexpr char kVersion = 10;
  // Version of the protocol, that of the server up to a zero, and then 13 bytes at least.
  const std::size_t end = payload.find('\0', 1);
  if (payload[0] != kVersion || end == std::string_view::npos || payload.size() < end + 13) {
    return fail("this is no MySQL: its first packet is no handshake of version 10");
  }
  step_ = Step::login;
  return ask(kLogin);
}

// The plugin's name up to a zero; of servers before 5.5.7 nothing.
Conversation::Next MysqlConversation::judge_switch(std::string_view payload) noexcept {
  step_ = Step::other_login;
  payload.remove_prefix(1);
  const std::string_view plugin = payload.substr(0, payload.find('\0'));
  return ask(plugin == "client_ed25519" ? std::string_view(kNoSignature.data(), kNoSignature.size())
                                        : kNoPassword);
}

Conversation::Next MysqlConversation::judge_error(std::string_view payload) noexcept {
  if (payload.size() < 3) return fail("this is no MySQL: its error has no number");
  const unsigned code = static_cast<unsigned char>(payload[1]) |
                        static_cast<unsigned>(static_cast<unsigned char>(payload[2])) << 8U;
  const bool before = step_ == Step::greeting;
  std::string_view message = payload.substr(3);
  if (message.starts_with('#')) message.remove_prefix(std::min<std::size_t>(6, message.size()));
  // Before its handshake an error can only mean that it takes nobody.
  if (before || std::ranges::find(kMysqlFull, code) != kMysqlFull.end()) {
    return fail("the server says: ", message);
  }
  return pass();
}

Conversation::Next MysqlConversation::ended() noexcept {
  return fail("the server closed the connection");
}

}  // namespace guard::health
