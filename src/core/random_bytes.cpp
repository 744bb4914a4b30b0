#include "core/random_bytes.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <array>
#include <cstring>

namespace guard::core {

namespace {

struct Stock {
  std::array<unsigned char, 1024> bytes;
  std::size_t left;
};

Stock stock{};

// In a new process: what its parent has drawn is its parent's.
void forget_stock() noexcept {
  OPENSSL_cleanse(&stock, sizeof(stock));
}

bool refill() noexcept {
  static const bool watched = pthread_atfork(nullptr, nullptr, forget_stock) == 0;
  if (!watched || RAND_bytes(stock.bytes.data(), static_cast<int>(stock.bytes.size())) != 1) {
    return false;
  }
  stock.left = stock.bytes.size();
  return true;
}

}  // namespace

bool random_bytes(std::span<unsigned char> out) noexcept {
  if (out.size() > stock.bytes.size()) {
    return RAND_bytes(out.data(), static_cast<int>(out.size())) == 1;
  }
  if (stock.left < out.size() && !refill()) return false;
  stock.left -= out.size();
  unsigned char* drawn = stock.bytes.data() + stock.left;
  std::memcpy(out.data(), drawn, out.size());
  // Nobody finds in memory what somebody has.
  OPENSSL_cleanse(drawn, out.size());
  return true;
}

}  // namespace guard::core
