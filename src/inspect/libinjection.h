// libinjection, which knows SQL injections and scripts in HTML by their tokens, as Debian ships it:
// in libmodsecurity3, which is loaded when rules ask for it.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "inspect/sqli_words.h"

namespace guard::inspect {

class Libinjection {
 public:
  using Fingerprint = std::array<char, 8>;

  Libinjection() = default;
  ~Libinjection();
  Libinjection(const Libinjection&) = delete;
  Libinjection& operator=(const Libinjection&) = delete;

  // False: it is not there; why() says what the loader says.
  bool load();
  const std::string& why() const { return why_; }
  bool loaded() const { return library_ != nullptr; }

  // False: is_sqli() would say no. Takes less time than it. traits: of the text.
  bool may_be_sqli(std::string_view text, Traits traits) const noexcept;
  // fingerprint: the tokens that were recognised, with a zero at the end.
  bool is_sqli(std::string_view text, Fingerprint& fingerprint) const noexcept;
  bool is_xss(std::string_view text) const noexcept;

 private:
  using Sqli = int (*)(const char*, std::size_t, char*);
  using Xss = int (*)(const char*, std::size_t);

  void* library_ = nullptr;
  Sqli sqli_ = nullptr;
  Xss xss_ = nullptr;
  SqliWords words_;
  std::string why_;
};

}  // namespace guard::inspect
