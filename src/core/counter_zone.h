// What the counter tables share: the header of their shared memory, which entry a full set gives
// up, and how a key is named. Everything in the memory is plain data without pointers. It survives
// a reload: a table attaches to what it finds if the header says that it is the same table.
//
// Room for many keys, no matter who sends them. A full set gives up the entry whose quota is
// furthest restored, so a key that still limits someone outlives all that are used less. Besides,
// each entry carries a fingerprint of the network that created it, and a network that holds `share`
// entries of a full set gets room for a new key only by giving up one of its own. So one network,
// however many keys it invents, never displaces a live key of another, and every other network can
// take the room beyond the share back from it. Networks are /24 and /48, wider than the default
// key, since a client with a whole IPv6 /48 can change its /64 at will. k networks together hold at
// most k * share of the kWays entries of a set: it takes kWays / share of them to fill one, and
// then the first rule protects those who are limited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace guard::core {

enum class CounterKind : std::uint32_t {
  gcra = 1,
  sliding_log = 2,
  sliding_window = 3,
  fixed_window = 4,
  lockout = 5,
};

// What has to be equal for the counts of an inherited table to mean the same.
struct CounterParameters {
  std::uint64_t count = 0;
  std::uint64_t period = 0;  // microseconds

  friend bool operator==(const CounterParameters&, const CounterParameters&) = default;
};

enum class Attached : std::uint8_t {
  created,    // the memory held no table
  inherited,  // the counts go on
  replaced,   // the memory held another table, whose counts are lost
};

// A key, hashed: 64 bits of a keyed hash (core/siphash.h) over policy and key, and as many over the
// client's network. Both must be keyed with a secret: who can predict them can choose his set.
// high: the other half of a long hash, for those whom others are told of.
struct CounterKey {
  std::uint64_t hash = 0;
  std::uint64_t network = 0;
  std::uint64_t high = 0;
};

// Counts for metrics and for the event table_pressure. Changed by relaxed atomic adds.
struct CounterStats {
  std::uint64_t live_evictions = 0;  // entries given up that still limited someone
  std::uint64_t unavailable = 0;     // requests that were let through uncounted, see the tables
  std::uint64_t reported = 0;        // live_evictions as of the last report
  std::uint64_t reported_at = 0;     // microseconds
};

// By how much the clock of a Redis whose counts are mirrored is ahead of our own, as all processes
// take it; wraps. Good if known.
struct CounterClock {
  std::uint64_t ahead = 0;  // microseconds
  std::uint64_t known = 0;
};

struct alignas(64) CounterHeader {
  std::uint64_t magic;
  std::uint32_t layout;
  CounterKind kind;
  std::uint64_t bytes;     // of the whole memory
  std::uint64_t sets;      // number of sets
  std::uint64_t set_size;  // bytes
  CounterParameters parameters;
  alignas(64) CounterStats stats;
  CounterClock clock;
};

static_assert(sizeof(CounterHeader) == 128);

// Memory laid out as a header, aligned, and as many sets as fit.
class CounterZone {
 public:
  // set_size: a multiple of 64. Memory that holds anything else than this table is cleared. Throws
  // ConfigError if the memory has no room for a single set. Not to be called while another process
  // uses the memory, unless it uses it for this very table.
  static CounterZone attach(std::span<std::byte> memory, CounterKind kind, std::size_t set_size,
                            const CounterParameters& parameters);

  Attached attached() const { return attached_; }
  std::uint64_t sets() const { return sets_; }
  CounterStats& stats() const { return header_->stats; }
  CounterClock& clock() const { return header_->clock; }

  // The set of a key, by the high bits of its hash; the low 48 are its tag.
  std::byte* set_of(std::uint64_t hash) const {
    auto wide = static_cast<unsigned __int128>(hash) * sets_;
    return base_ + static_cast<std::uint64_t>(wide >> 64) * set_size_;
  }
  std::byte* set_at(std::uint64_t index) const { return base_ + index * set_size_; }

  // The number of live evictions since the last time that this answered more than 0, at most once
  // per second and zone, whichever process asks.
  std::uint64_t pressure(std::uint64_t now) const noexcept;

 private:
  CounterHeader* header_ = nullptr;
  std::byte* base_ = nullptr;
  std::uint64_t sets_ = 0;
  std::uint64_t set_size_ = 0;
  Attached attached_ = Attached::created;
};

// A tag is 48 bits of the key's hash and a 16-bit fingerprint of its network. 0: an empty entry.
inline constexpr std::uint64_t kKeyBits = 0x0000'ffff'ffff'ffff;

constexpr std::uint64_t key_of_hash(std::uint64_t hash) {
  std::uint64_t key = hash & kKeyBits;
  return key == 0 ? 1 : key;
}

constexpr std::uint64_t tag_of(const CounterKey& key) {
  return key_of_hash(key.hash) | (key.network << 48);
}

constexpr bool same_key(std::uint64_t tag, std::uint64_t key) {
  return (tag & kKeyBits) == key;
}

constexpr std::uint16_t network_of(std::uint64_t tag) {
  return static_cast<std::uint16_t>(tag >> 48);
}

// How far an entry is from being worth nothing.
struct Standing {
  std::uint16_t network = 0;
  bool live = false;       // forgetting it would give somebody quota back
  std::uint64_t used = 0;  // the more, the less of its quota is restored
  bool kept = false;       // not given up while there is anything else, whatever networks hold
};

// The entry to give up for a new key of `network`: the first that is not live, else by the rules
// above. entries: 1 to 16.
std::size_t choose_victim(std::span<const Standing> entries, std::uint16_t network,
                          std::size_t share) noexcept;

}  // namespace guard::core
