#include "core/siphash.h"

#include <unistd.h>

#include <chrono>
#include <cstring>

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
void SipHash<width>::round() noexcept {
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
void SipHash<width>::compress(std::uint64_t word) noexcept {
  v3_ ^= word;
  round();
  round();
  v0_ ^= word;
}

template <HashWidth width>
std::uint64_t SipHash<width>::squeeze(std::uint64_t mark) noexcept {
  v2_ ^= mark;
  for (int i = 0; i < 4; ++i) round();
  return v0_ ^ v1_ ^ v2_ ^ v3_;
}

template <HashWidth width>
void SipHash<width>::update(std::string_view bytes) noexcept {
  std::size_t held = total_ % 8;
  total_ += bytes.size();
  if (held > 0) {
    while (held < 8 && !bytes.empty()) {
      tail_ |= std::uint64_t{static_cast<unsigned char>(bytes.front())} << (8 * held);
      bytes.remove_prefix(1);
      ++held;
    }
    if (held < 8) return;
    compress(tail_);
    tail_ = 0;
  }
  while (bytes.size() >= 8) {
    compress(little_endian(bytes.data()));
    bytes.remove_prefix(8);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    tail_ |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
}

template <HashWidth width>
void SipHash<width>::part(std::string_view bytes) noexcept {
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>(bytes.size() >> (8 * i));
  }
  update({length.data(), length.size()});
  update(bytes);
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
