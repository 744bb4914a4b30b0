// What is said to clamd, and what it answers: INSTREAM and PING, in the form that ends in NUL
// (clamd(8)).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guard::upload {

// Goes before everything; then come pieces, each with its size in front of it, and one of size 0.
inline constexpr std::string_view kClamdCommand{"zINSTREAM\0", 10};
inline constexpr std::size_t kClamdPieceHead = 4;

// Whether it is there, and what it says if so.
inline constexpr std::string_view kClamdPing{"zPING\0", 6};
inline constexpr std::string_view kClamdPong{"PONG\0", 5};

// In network byte order.
void write_piece_head(std::uint32_t size, char* out) noexcept;

// One answer. Nothing but exactly "stream: OK" and its NUL means that a file is clean.
class ClamdReply {
 public:
  static constexpr std::size_t kMax = 1024;  // bytes that an answer may have

  // limit: it says that the file is over one of its limits. broken: anything else.
  enum class State : std::uint8_t { more, clean, infected, limit, broken };

  State add(std::string_view bytes) noexcept;
  // "Eicar-Test-Signature", of what is infected; bytes of the scanner's, up to kMax.
  std::string_view signature() const noexcept { return signature_; }

 private:
  State judge(std::string_view answer) noexcept;

  std::array<char, kMax> bytes_;
  std::size_t size_ = 0;
  std::string_view signature_;
};

}  // namespace guard::upload
