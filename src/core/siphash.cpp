#include "core/siphash.h"

#include <unistd.h>

#include <chrono>
#include <cstring>

#include "core/hex.h"

namespace guard::core {

SipKey draw_sip_key() noexcept {
  SipKey key;
  if (getentropy(key.data(), key.size()) != 0) {
    // Only a kernel older than 3.17, or a sandbox that forbids the call, comes here.
    const std::uint64_t words[2] = {
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()),
        reinterpret_cast<std::uintptr_t>(&key) ^ static_cast<std::uint64_t>(getpid()) << 32};
    std::memcpy(key.data(), words, sizeof words);
  }
  return key;
}

namespace {

std::uint64_t little_endian(const void* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

}  // namespace

template <HashWidth width>
SipHash<width>::SipHash(const SipKey& key) noexcept {
  const std::uint64_t k0 = little_endian(key.data());
  const std::uint64_t k1 = little_endian(key.data() + 8);
  v0_ ^= k0;
  v1_ ^= k1;
  v2_ ^= k0;
  v3_ ^= k1;
  if constexpr (width == HashWidth::bits128) v1_ ^= 0xee;
}

template <HashWidth width>
[[gnu::always_inline]] inline void SipHash<width>::round() noexcept {
  v0_ += v1_;
  v1_ = rotate(v1_, 13) ^ v0_;
  v0_ = rotate(v0_, 32);
  v2_ += v3_;
  v3_ = rotate(v3_, 16) ^ v2_;
  v0_ += v3_;
  v3_ = rotate(v3_, 21) ^ v0_;
  v2_ += v1_;
  v1_ = rotate(v1_, 17) ^ v2_;
  v2_ = rotate(v2_, 32);
}

template <HashWidth width>
[[gnu::always_inline]] inline void SipHash<width>::compress(std::uint64_t word) noexcept {
  v3_ ^= word;
  round();
  round();
  v0_ ^= word;
}

template <HashWidth width>
[[gnu::always_inline]] inline std::uint64_t SipHash<width>::squeeze(std::uint64_t mark) noexcept {
  v2_ ^= mark;
  for (int i = 0; i < 4; ++i) round();
  return v0_ ^ v1_ ^ v2_ ^ v3_;
}

// Eight bytes, of which the last ones stay in the tail if it held some.
template <HashWidth width>
void SipHash<width>::take(std::uint64_t word) noexcept {
  const auto held = static_cast<unsigned>(8 * (total_ % 8));
  total_ += 8;
  if (held == 0) return compress(word);
  compress(tail_ | word << held);
  tail_ = word >> (64 - held);
}

template <HashWidth width>
void SipHash<width>::update(std::string_view bytes) noexcept {
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) take(little_endian(bytes.data()));
  if (bytes.empty()) return;
  std::uint64_t rest = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    rest = rest << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  const auto held = static_cast<unsigned>(8 * (total_ % 8));
  total_ += bytes.size();
  tail_ |= rest << held;
  if (held + 8 * bytes.size() < 64) return;
  compress(tail_);
  tail_ = rest >> (64 - held);
}

template <HashWidth width>
void SipHash<width>::part(std::string_view bytes) noexcept {
  take(bytes.size());
  update(bytes);
}

template <HashWidth width>
auto SipHash<width>::finish() noexcept
    -> std::conditional_t<width == HashWidth::bits64, std::uint64_t, Hash128> {
  compress(tail_ | (total_ << 56U));
  if constexpr (width == HashWidth::bits64) {
    return squeeze(0xff);
  } else {
    Hash128 hash;
    hash.low = squeeze(0xee);
    v1_ ^= 0xdd;
    hash.high = squeeze(0);
    return hash;
  }
}

template class SipHash<HashWidth::bits64>;
template class SipHash<HashWidth::bits128>;

std::uint64_t KeyedHash::hash64(std::initializer_list<std::string_view> parts) const noexcept {
  auto hash = start64();
  for (std::string_view bytes : parts) hash.part(bytes);
  return hash.finish();
}

Hash128 KeyedHash::hash128(std::initializer_list<std::string_view> parts) const noexcept {
  auto hash = start128();
  for (std::string_view bytes : parts) hash.part(bytes);
  return hash.finish();
}

std::array<char, 32> hex_of(const Hash128& hash) noexcept {
  std::array<char, 32> text;
  write_hex(__builtin_bswap64(hash.high), write_hex(__builtin_bswap64(hash.low), text.data()));
  return text;
}

}  // namespace guard::core
