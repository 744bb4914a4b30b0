// Counters in Redis: the arithmetic of core/gcra.h, sliding_window.h, fixed_window.h and
// sliding_log.h once more, in Lua, where reading and writing is one step for all who share a key.
// Two scripts:
//
//   gcra   many keys of one counter, each on its own
//   group  groups of keys of any counters: of a group either all are taken from or none
//
// Every number is an integer below 2^53, which a double of Lua holds exactly. The clock is Redis's
// own. A GCRA state is the theoretical arrival time modulo a number of seconds (see kRound), a
// window's (index modulo 2^13) * 2^40 + previous * 2^20 + current, a log the decimal stamps of its
// requests. A key lives as long as its state can matter and at most two milliseconds more.
//
// Needs Redis 5 or later: a script must be allowed to write after it has asked for the time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/counter_zone.h"
#include "redis/output.h"
#include "redis/reply.h"

namespace guard::core {

// A script with the name by which Redis knows it.
class CounterScript {
 public:
  // Made once, on the first call, which must be at configuration time.
  static const CounterScript& gcra();
  static const CounterScript& group();

  // text: static. Throws ConfigError if OpenSSL has no SHA-1.
  explicit CounterScript(std::string_view text);

  std::string_view text() const { return text_; }

  // The command up to its keys. in_full: with the text, after Redis has said NOSCRIPT.
  void begin(redis::Output& out, bool in_full, std::size_t keys,
             std::size_t arguments) const noexcept;

 private:
  std::string_view text_;
  std::string by_name_;
};

// The hash of a key, as it is spelled in Redis, braces included: what decides on its slot.
using CounterTag = std::array<char, 34>;

// One counter, as the scripts know it. Made at configuration time.
class RemoteCounter {
 public:
  // The GCRA's times are kept modulo the most whole seconds of which this many units are not
  // exceeded; the time to restore all of a burst may be half of them. At the largest scale that is
  // two days.
  static constexpr std::uint64_t kRound = 6'000'000'000'000'000;

  static constexpr std::size_t kQuotaWords = 4;  // that put_quota writes
  static constexpr std::size_t kEntryWords = 7;  // that put_entry writes

  // burst: of the GCRA only. name: all of a key before its hash, "guard:api:"; suffix: what comes
  // after it. Throws ConfigError if the burst takes too long to restore.
  RemoteCounter(CounterKind kind, const CounterParameters& quota, std::uint64_t burst,
                std::string_view name, std::string_view suffix);

  CounterKind kind() const { return kind_; }

  void put_key(redis::Output& out, const CounterTag& tag) const noexcept;
  // For the script gcra: first the quota of all keys, then a cost for each, unless all are 1.
  void put_quota(redis::Output& out) const noexcept;
  void put_cost(redis::Output& out, std::uint64_t cost) const noexcept;

  struct Entry {
    std::uint64_t cost = 1;
    std::uint64_t phase = 0;  // of a window
    // Of a group entries with the same number are taken from only together, and none of it where
    // those numbered 0 do not all pass. 0 to 16.
    std::uint8_t part = 0;
    // Give back instead what was taken at this time (RemoteAnswer::now); 0: take.
    std::uint64_t refund = 0;
  };
  // For the script group.
  void put_entry(redis::Output& out, const Entry& entry) const noexcept;

 private:
  std::uint64_t bounded(std::uint64_t cost) const noexcept {
    return cost < beyond_ ? cost : beyond_;
  }

  CounterKind kind_;
  std::uint64_t beyond_;  // a cost that never passes
  std::string key_head_;
  std::string key_tail_;
  std::string quota_;
  std::string entry_;
};

// What a script has said about one key, its counts as they are now.
struct RemoteAnswer {
  bool admitted = true;
  std::uint64_t now = 0;       // Redis's clock, microseconds; only from the script group
  std::uint64_t level = 0;     // gcra: units until the quota is whole
  std::uint64_t previous = 0;  // windows
  std::uint64_t current = 0;
  std::size_t size = 0;  // sliding_log: how many have passed within the window
  redis::Reply log{redis::Fault::none};

  // Microseconds since the i-th of those; negative if Redis's clock was set back.
  std::int64_t age(std::size_t i) const noexcept { return log[i + 1].integer(); }
};

// The answer about key i; nothing if it is not what a script says.
std::optional<RemoteAnswer> read_gcra_answer(const redis::Reply& reply, std::size_t i) noexcept;
std::optional<RemoteAnswer> read_group_answer(CounterKind kind, const redis::Reply& reply,
                                              std::size_t i) noexcept;

}  // namespace guard::core
