// Bans as nodes tell each other of them, through a list in Redis in the order in which they were
// told: HASH:SCORE:END:NUMBER, the hash of the key in 16 hexadecimal digits, when the ban is over
// by Redis's clock in milliseconds, and which of the list it is. HASH:L:END:NUMBER is one that an
// operator has lifted, with the last 12 digits alone; its end is only how long it is worth telling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/counter_script.h"

namespace guard::lockout {

struct BanNews {
  std::uint64_t hash = 0;  // of a lifted one: the low 48 bits
  std::uint32_t score = 0;
  std::uint64_t end = 0;
  std::uint64_t number = 0;
  bool lifted = false;
};

// Nothing if it is not written so.
std::optional<BanNews> read_ban_news(std::string_view text) noexcept;

// Of news in the order in which they were told: whether one behind `index` lifts what stands there.
bool is_lifted_later(std::span<const BanNews> news, std::size_t index) noexcept;

// KEYS: the list (a sorted set by number), the counter of numbers. ARGV: the number after which
// news are wanted, or "-" for none; how many milliseconds the keys live; then for each that is told
// hash, score or "L", milliseconds. Answers Redis's clock, the last number there is, and up to
// kMostNews of the list.
const core::CounterScript& ban_news_script();
inline constexpr std::size_t kMostNews = 500;

}  // namespace guard::lockout
