// The totals in Redis to which all nodes add (core/shared_total.h), in plain commands. Each is the
// only member of a sorted set, since that is what has both a maximum and a sum: `ZADD GT` and
// `ZINCRBY`. Needs Redis 6.2 or later, for the GT.
//
// Keys are called NAME{32 hexadecimal digits}SUFFIX~ for the GCRA, and with the number of the
// window behind it for windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/shared_total.h"
#include "core/siphash.h"
#include "redis/output.h"
#include "redis/reply.h"

namespace guard::core {

class RemoteTotal {
 public:
  static constexpr std::uint16_t kAddReplies = 3;
  static constexpr std::size_t kTag = 34;  // the hash as it is spelled, braces included

  // name: all of a key before its hash, "guard:api:"; suffix: what comes after it. windows: whether
  // keys have numbers.
  RemoteTotal(std::string_view name, std::string_view suffix, bool windows);

  // What decides on the slot of a key, into kTag bytes.
  static void spell(const Hash128& hash, char* tag) noexcept;

  // Makes the offer; the last of kAddReplies replies is the new total.
  void put_add(redis::Output& out, std::string_view tag, std::uint64_t number,
               const TotalOffer& offer) const noexcept;
  // The same as one command of a script, with one reply: what a cluster may send on to another
  // server as a whole.
  void put_add_at_once(redis::Output& out, std::string_view tag, std::uint64_t number,
                       const TotalOffer& offer) const noexcept;
  // Asks for a total: one reply.
  void put_get(redis::Output& out, std::string_view tag, std::uint64_t number) const noexcept;

 private:
  void put_key(redis::Output& out, std::string_view tag, std::uint64_t number) const noexcept;

  std::string name_;
  std::string suffix_;
  bool windows_;
};

// The total of a reply; nothing if it is none.
std::optional<std::int64_t> read_total(const redis::Reply& reply) noexcept;
// Microseconds since 1970 of the reply to TIME; nothing if it is none.
std::optional<std::uint64_t> read_time(const redis::Reply& reply) noexcept;

}  // namespace guard::core
