// The first words of databases, as far as they tell whether one takes connections; nobody logs in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "health/conversation.h"

namespace guard::health {

// PostgreSQL's frontend/backend protocol 3.0 (documentation, chapter "Message Flow", "Start-up" and
// "SSL Session Encryption"): SSLRequest, then TLS where the server has it, and StartupMessage.
// Whatever asks for a password is well, and so is an error that is about the user or the database;
// one that says that the server takes nobody is not.
class PostgresConversation : public Conversation {
 public:
  explicit PostgresConversation(const CheckPolicy& policy) noexcept
      : needs_tls_(policy.tls_required) {}

  std::string_view say() const noexcept override;
  Next said() noexcept override {
    said_ = true;
    return Next::more;
  }
  Next hear(std::string_view bytes) noexcept override;
  Next ended() noexcept override;

 private:
  enum class Step : std::uint8_t { ssl, startup };

  Next hear_ssl(std::string_view bytes) noexcept;
  Next hear_startup() noexcept;
  Next judge_error(std::string_view fields) noexcept;

  Step step_ = Step::ssl;
  bool said_ = false;
  bool needs_tls_;
  std::array<char, 1024> bytes_{};
  std::size_t size_ = 0;
};

// MySQL's and MariaDB's ("Connection Phase", protocol version 10): the server's handshake, an
// answer to it as a user who need not exist, once more by another plugin where the server asks for
// that ("Authentication Method Switch"), and what the server makes of it. So it is no broken-off
// connection: a server counts those, and blocks who has too many.
class MysqlConversation : public Conversation {
 public:
  std::string_view say() const noexcept override;
  Next said() noexcept override {
    said_ = true;
    return Next::more;
  }
  Next hear(std::string_view bytes) noexcept override;
  Next ended() noexcept override;

 private:
  enum class Step : std::uint8_t { greeting, login, other_login };

  Next judge_handshake(std::string_view payload) noexcept;
  Next judge_switch(std::string_view payload) noexcept;
  Next judge_error(std::string_view payload) noexcept;
  Next ask(std::string_view text) noexcept;

  Step step_ = Step::greeting;
  std::string_view next_;  // is said next
  bool said_ = false;
  std::array<char, 1024> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace guard::health
