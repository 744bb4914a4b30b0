// How much an archive says that it unpacks to: ZIP (and what is made of it) by the sizes in its
// headers (APPNOTE.TXT 4.3.7, 4.3.12), gzip by its last four bytes (RFC 1952, ISIZE).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guard::upload {

// One content, piece by piece: however it is cut, it says the same. What is none of these says 0.
class Archive {
 public:
  void begin() noexcept { *this = {}; }
  void add(std::string_view bytes) noexcept;

  // Bytes, of all that has come. An entry that leaves its size to a ZIP64 field counts as 4 GiB; of
  // gzip it is the last member's, modulo 4 GiB.
  std::uint64_t declared() const noexcept;
  // The same of a ZIP archive that begins further behind, if there is one: see ZipEnd.
  std::uint64_t declared_behind() const noexcept { return std::max(central_, local_); }

 private:
  enum class Kind : std::uint8_t { none, zip, gzip };

  void add_zip(std::string_view bytes) noexcept;
  void take_header() noexcept;

  static constexpr std::size_t kCentral = 42;  // bytes behind the signature, as far as they matter
  static constexpr std::size_t kLocal = 26;

  Kind kind_ = Kind::none;
  std::uint64_t size_ = 0;  // of what has come
  std::array<char, 4> first_{};
  std::array<char, 4> last_{};  // the last bytes
  // Of a signature, "PK" and two bytes, so many have been seen.
  std::uint8_t matched_ = 0;
  char which_ = 0;          // the third: 1 central, 3 local
  std::size_t wanted_ = 0;  // bytes of the header
  std::size_t got_ = 0;
  std::array<char, kCentral> header_{};
  std::uint64_t central_ = 0;
  std::uint64_t local_ = 0;
};

}  // namespace guard::upload
