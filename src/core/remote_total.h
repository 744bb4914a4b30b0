// The totals in Redis to which all nodes add (core/shared_total.h): decimal numbers, and one script
// that adds to many. One script, since a total must not expire between a command that looks at it
// and one that adds to it: it would come back too small, and without an end.
//
// Keys are called NAME{32 hexadecimal digits}SUFFIX= for the GCRA, and with the number of the
// window behind it for windows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/counter_script.h"
#include "core/shared_total.h"
#include "core/siphash.h"
#include "redis/output.h"
#include "redis/reply.h"

namespace guard::core {

class RemoteTotal {
 public:
  static constexpr std::size_t kTag = 34;  // the hash as it is spelled, braces included

  // name: all of a key before its hash, "guard:api:"; suffix: what comes after it. windows: whether
  // keys have numbers.
  RemoteTotal(std::string_view name, std::string_view suffix, bool windows);

  // What decides on the slot of a key, into kTag bytes.
  static void spell(const Hash128& hash, char* tag) noexcept;

  // Its keys, each with three arguments. It answers with a list of their totals. Made once, on the
  // first call, which must be at configuration time.
  static const CounterScript& script();
  static constexpr std::size_t kWords = 3;
  void put_key(redis::Output& out, std::string_view tag, std::uint64_t number) const noexcept;
  // The arguments of a key: the offer is made, or it is only asked for.
  static void put_offer(redis::Output& out, const TotalOffer& offer) noexcept;
  static void put_question(redis::Output& out) noexcept;

 private:
  std::string name_;
  std::string suffix_;
  bool windows_;
};

// The total of an element of the script's answer, or of a reply to GET; nothing if it is none.
std::optional<std::int64_t> read_total(const redis::Reply& reply) noexcept;
// Microseconds since 1970 of the reply to TIME; nothing if it is none.
std::optional<std::uint64_t> read_time(const redis::Reply& reply) noexcept;

}  // namespace guard::core
