// SipHash-2-4 with 64 or 128 bits of output (Aumasson, Bernstein: "SipHash: a fast short-input
// PRF", 2012, and the authors' reference code for the 128-bit form). Keyed, so that a client who
// chooses keys cannot choose where they land.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace guard::core {

using SipKey = std::array<unsigned char, 16>;

// A key that nobody can know, for what lives no longer than its process.
SipKey draw_sip_key() noexcept;

// The 16 bytes of output, as two little-endian words.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

// 32 lower-case hexadecimal digits: the bytes of the output in order.
std::array<char, 32> hex_of(const Hash128& hash) noexcept;

enum class HashWidth : std::uint8_t { bits64, bits128 };

// One hash in the making. The two widths are two different functions: the first eight bytes of the
// long output are not the short one.
template <HashWidth width>
class SipHash {
 public:
  explicit SipHash(const SipKey& key) noexcept;

  void update(std::string_view bytes) noexcept;
  // Preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
  void part(std::string_view bytes) noexcept;

  // The state is used up afterwards.
  std::conditional_t<width == HashWidth::bits64, std::uint64_t, Hash128> finish() noexcept;

 private:
  static constexpr std::uint64_t rotate(std::uint64_t x, unsigned bits) noexcept {
    return (x << bits) | (x >> (64 - bits));
  }
  void take(std::uint64_t word) noexcept;
  void round() noexcept;
  void compress(std::uint64_t word) noexcept;
  std::uint64_t squeeze(std::uint64_t mark) noexcept;

  std::uint64_t v0_ = 0x736f6d6570736575ULL;
  std::uint64_t v1_ = 0x646f72616e646f6dULL;
  std::uint64_t v2_ = 0x6c7967656e657261ULL;
  std::uint64_t v3_ = 0x7465646279746573ULL;
  std::uint64_t tail_ = 0;   // up to seven bytes that do not fill a word yet
  std::uint64_t total_ = 0;  // bytes so far
};

// Hashes of compound keys under one secret key. Every part is length-prefixed.
class KeyedHash {
 public:
  explicit KeyedHash(const SipKey& key) noexcept : key_(key) {}

  std::uint64_t hash64(std::initializer_list<std::string_view> parts) const noexcept;
  Hash128 hash128(std::initializer_list<std::string_view> parts) const noexcept;

  // For parts that are not at hand all at once: start(), part() ..., finish().
  SipHash<HashWidth::bits64> start64() const noexcept { return SipHash<HashWidth::bits64>(key_); }
  SipHash<HashWidth::bits128> start128() const noexcept {
    return SipHash<HashWidth::bits128>(key_);
  }

 private:
  SipKey key_;
};

extern template class SipHash<HashWidth::bits64>;
extern template class SipHash<HashWidth::bits128>;

}  // namespace guard::core
