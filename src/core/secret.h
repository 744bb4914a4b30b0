// The SECRET word of a directive: where a password or key comes from, and how it is kept. No
// message quotes a secret, and nothing here can print one.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/siphash.h"

namespace guard::core {

inline constexpr std::size_t kSecretMax = 4096;  // bytes

// Bytes that are wiped before their memory is given back.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  bool empty() const noexcept { return size_ == 0; }
  // The bytes themselves, for the one who has to send or hash them.
  std::string_view expose() const noexcept { return {bytes_.get(), size_}; }
  // In a time that depends on the two lengths only.
  bool equals(std::string_view candidate) const noexcept;

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// file:/path   the file's bytes without one trailing newline; absolute path, regular file
// env:NAME     the environment variable, as it is when the configuration is read
// any other    the secret itself, which is then readable in the configuration: warn
enum class SecretKind : unsigned char { file, env, literal };

struct SecretWord {
  SecretKind kind = SecretKind::literal;
  std::string_view source;       // path or variable name, in the word; empty for a literal
  bool readable_by_all = false;  // the file's mode lets group or others read it: warn
  Secret secret;                 // never empty, at most kSecretMax bytes
};

// Throws ConfigError; name is as in words.h ("password=").
SecretWord parse_secret(std::string_view name, std::string_view word);

// A SipHash key for one purpose: the first 16 bytes of HMAC-SHA-256 with the secret as the key and
// label as the message. Throws ConfigError if OpenSSL does.
SipKey derive_sip_key(const Secret& secret, std::string_view label);
// From OpenSSL's random generator. Throws ConfigError if it has no entropy.
SipKey random_sip_key();

}  // namespace guard::core
