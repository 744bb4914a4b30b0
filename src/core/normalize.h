// The name of an account as its user means it, whichever way he writes it: the same text for
// "Alice@Example.com ", "ＡＬＩＣＥ@example.com" and "alice@example.com".
//
// It is toNFKC_Casefold (Unicode 14, 3.13): default-ignorable code points such as the zero-width
// joiner are removed, case is folded, the rest is brought into form NFKC; and then white space
// (White_Space) is removed at both ends. What is normal stays as it is. No language is assumed: "I"
// is the capital of "i", and the Turkish capital with a dot stays apart from both. Letters that
// only look alike (Latin and Cyrillic "a") stay apart, too. What is then a number of JSON with a
// fraction or an exponent ("42.0", "420e-1") becomes that number in digits, since the application
// that is given a number does not see how it was written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace guard::core {

// How the variables of a key are made alike before they are hashed.
enum class Normalization : std::uint8_t { none, account };

// Whether the variable, named without the '$', is one to normalize. Addresses are not: what looks
// like letters in the four bytes of a binary one is none.
constexpr bool may_name_account(std::string_view variable) noexcept {
  return variable != "guard_client_net" && variable != "binary_remote_addr";
}

class AccountName {
 public:
  // Bytes that are normalized. More than fits in an address (254, RFC 5321) or in anything else
  // that is called a name; what is removed does not count.
  static constexpr std::size_t kMaxSize = 1024;

  // Text that is not UTF-8, and text of which more than kMaxSize bytes are left before or after
  // normalization, is taken as it is, byte for byte: it equals no other. Then, and where memory has
  // run out, text() is a view of text. Linear in the size of text; allocates nothing for ASCII.
  explicit AccountName(std::string_view text) noexcept;
  AccountName(const AccountName&) = delete;
  AccountName& operator=(const AccountName&) = delete;

  // May be empty: white space alone is no name.
  std::string_view text() const { return text_; }

 private:
  // Of the least double.
  static constexpr std::size_t kMaxDigits = 400;

  std::string_view fold(std::size_t size) noexcept;
  void spell_number() noexcept;

  std::string_view text_;
  std::array<char, kMaxSize> kept_;    // without what is removed
  std::array<char, kMaxSize> folded_;  // only of what is not ASCII
};

// UTF-8 in form NFKD, within the memory; empty: it does not fit, or is none.
std::string_view decomposed(std::string_view text, std::span<char> memory) noexcept;

}  // namespace guard::core
