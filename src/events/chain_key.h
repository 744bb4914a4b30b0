// The keys of a chain of event lines (chain.h). Each chain has a root key, made of the secret and
// the chain's id; each kEpoch lines of it have a key of their own, a leaf of a binary tree below
// the root (Goldreich, Goldwasser, Micali: "How to construct random functions", 1986). The one who
// writes keeps only what leads to later leaves, so that whoever takes a worker's memory cannot
// forge what was written before; the one who has the secret reaches any leaf in kTreeDepth steps.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "core/secret.h"

namespace guard::events {

using ChainKey = std::array<unsigned char, 32>;

inline constexpr std::uint64_t kEpoch = 64;  // lines under one key
inline constexpr unsigned kTreeDepth = 32;
// Lines beyond this number cannot be sealed.
inline constexpr std::uint64_t kSequenceMax = (kEpoch << kTreeDepth) - 1;

constexpr std::uint64_t epoch_of(std::uint64_t sequence) {
  return sequence / kEpoch;
}

// HMAC-SHA-256 (RFC 2104) by OpenSSL, without an allocation for each message.
class Hmac {
 public:
  Hmac();  // throws std::bad_alloc

  // Of all parts as one message. False if OpenSSL fails.
  bool compute(std::span<const unsigned char> key, std::initializer_list<std::string_view> parts,
               ChainKey& out) noexcept {
    return set_key(key) && digest(parts, out);
  }

  // The same for many messages under one key, which is laid out once. OpenSSL keeps it until there
  // is another, and wipes it then.
  bool set_key(std::span<const unsigned char> key) noexcept;
  bool compute(std::initializer_list<std::string_view> parts, ChainKey& out) noexcept;

 private:
  bool digest(std::initializer_list<std::string_view> parts, ChainKey& out) noexcept;

  struct Free {
    void operator()(EVP_MAC_CTX* context) const noexcept;
  };
  std::unique_ptr<EVP_MAC_CTX, Free> context_;
};

// The key that all of a chain's come from. Throws std::bad_alloc if OpenSSL fails.
ChainKey chain_root(Hmac& hmac, const core::Secret& secret, std::string_view chain_id);

// The key of an epoch, less than 2^kTreeDepth. False if OpenSSL fails.
bool chain_leaf(Hmac& hmac, const ChainKey& root, std::uint64_t epoch, ChainKey& out) noexcept;

// The keys of the one who writes: forward only.
class ChainKeys {
 public:
  // Forgets nothing of the secret itself: that is its owner's to wipe.
  ChainKeys(const core::Secret& secret, std::string_view chain_id);
  ChainKeys(const ChainKeys&) = delete;
  ChainKeys& operator=(const ChainKeys&) = delete;
  ~ChainKeys();

  // Goes on to an epoch, and wipes what leads to earlier ones. False if OpenSSL fails, or epoch is
  // an earlier one or none.
  bool advance(std::uint64_t epoch) noexcept;
  std::uint64_t epoch() const { return epochs_ - 1; }
  // HMAC under the key of the epoch.
  bool compute(std::initializer_list<std::string_view> parts, ChainKey& out) noexcept {
    return leaf_.compute(parts, out);
  }

 private:
  struct Node {
    ChainKey key;
    unsigned level;
  };
  bool next() noexcept;

  Hmac hmac_;
  Hmac leaf_;  // has the key of the epoch
  // Roots of the subtrees with later leaves, the nearest last.
  std::array<Node, kTreeDepth + 1> later_{};
  std::size_t count_ = 0;
  std::uint64_t epochs_ = 0;  // made so far; the current one is the last of them
};

}  // namespace guard::events
