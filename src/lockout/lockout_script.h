// Attempts and locks in Redis: what lockout_table.h says once more, in Lua, where reading and
// writing is one step for all nginx that share a key. Of each key there are
//
//   .attempts  a sorted set: the attempts that hold a place, by when it was taken
//   .failures  the same of those that have failed
//   .pending   with distinct= alone, a hash: how many attempts of a value are under way
//   .lock      a hash: until, repeats, forget, account
//
// Where more distinct values count than are kept one by one, the attempts are those that have not
// failed, and the failures are HyperLogLogs of Redis, .slice0 to .slice5: a ring of quarters of the
// window. Each ends when all of it is a window old, before its turn comes again, so that what is
// there is what counts. Redis's standard error is 0.81 %.
//
// A success clears what has failed; what was never answered keeps its place.
//
// With distinct= an attempt that is still under way when the place of its value is a window old no
// longer holds it.
//
// An attempt is named by the hash of its distinct value, else by a number that no other has. The
// clock is Redis's own, in milliseconds; all keys end when they mean nothing any more. Needs Redis
// 5 or later, as counters do.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/counter_script.h"
#include "lockout/lockout_table.h"

namespace guard::lockout {

// lift: all is forgotten, as an operator wants it.
enum class Step : std::uint8_t { reserve, fail, give_back, clear, lift };

// What one call is about. In the memory of whoever calls.
struct RemoteAttempt {
  core::CounterTag tag{};       // of the key: "{32 digits}"
  std::array<char, 16> name{};  // of the attempt
  std::array<char, 16> account_digits{};
  bool reserved = false;  // what fails or is given back holds a place
};

struct RemoteVerdict {
  Decision decision;      // of reserve
  Failure failure;        // of fail
  bool unlocked = false;  // by clear
};

// A policy as the script knows it; made at configuration time.
class RemoteLocks {
 public:
  // name: all of a key before its hash, "guard:lockout:login:".
  RemoteLocks(std::string_view name, const LockRule& rule);

  void write(redis::Output& out, Step step, const RemoteAttempt& attempt,
             bool in_full) const noexcept;

  bool distinct() const { return distinct_; }

  static const core::CounterScript& script();
  // Keys and arguments, without the script.
  void write_words(redis::Output& out, Step step, const RemoteAttempt& attempt) const noexcept;
  std::size_t keys() const { return keys_.size(); }

  // What comes after the tag in the names of all keys that there may be.
  static std::span<const std::string_view> suffixes();

  // Nothing if it is not what the script says.
  static std::optional<RemoteVerdict> read(const redis::Reply& reply) noexcept;

 private:
  struct Key {
    std::string head;  // with the length of all of it
    std::string tail;
  };
  std::vector<Key> keys_;
  std::string rule_;  // its words, as they go to Redis
  bool distinct_;
};

}  // namespace guard::lockout
