#include "core/counter_zone.h"

#include <algorithm>
#include <array>

#include "core/blank.h"
#include "core/counter_cas.h"
#include "core/words.h"

namespace guard::core {

namespace {

constexpr std::uint64_t kMagic = 0x7265746e756f4367;  // "gCounter", little endian
constexpr std::uint32_t kLayout = 1;
constexpr std::uint64_t kReportInterval = 1'000'000;  // microseconds

std::size_t padding(const std::byte* at, std::size_t alignment) {
  return (alignment - reinterpret_cast<std::uintptr_t>(at) % alignment) % alignment;
}

bool describes(const CounterHeader& header, const CounterHeader& wanted) {
  return header.magic == wanted.magic && header.layout == wanted.layout &&
         header.kind == wanted.kind && header.bytes == wanted.bytes && header.sets == wanted.sets &&
         header.set_size == wanted.set_size && header.parameters == wanted.parameters;
}

}  // namespace

CounterZone CounterZone::attach(std::span<std::byte> memory, CounterKind kind, std::size_t set_size,
                                const CounterParameters& parameters) {
  std::size_t skipped = padding(memory.data(), alignof(CounterHeader));
  std::size_t front = skipped + sizeof(CounterHeader);
  if (memory.size() < front + set_size) fail("the shared memory zone is too small");

  CounterZone zone;
  zone.header_ = reinterpret_cast<CounterHeader*>(memory.data() + skipped);
  zone.base_ = memory.data() + front;
  zone.set_size_ = set_size;
  zone.sets_ = (memory.size() - front) / set_size;

  CounterHeader wanted{};
  wanted.magic = kMagic;
  wanted.layout = kLayout;
  wanted.kind = kind;
  wanted.bytes = memory.size();
  wanted.sets = zone.sets_;
  wanted.set_size = set_size;
  wanted.parameters = parameters;
  if (describes(*zone.header_, wanted)) {
    zone.attached_ = Attached::inherited;
    return zone;
  }

  zone.attached_ = zone.header_->magic == kMagic ? Attached::replaced : Attached::created;
  blank(memory);
  *zone.header_ = wanted;
  return zone;
}

std::uint64_t CounterZone::pressure(std::uint64_t now) const noexcept {
  CounterStats& stats = header_->stats;
  std::uint64_t evictions = load(stats.live_evictions);
  std::uint64_t reported = load(stats.reported);
  if (evictions <= reported) return 0;
  std::uint64_t last = load(stats.reported_at);
  if (last != 0 && now < last + kReportInterval) return 0;
  if (!compare_and_swap(stats.reported_at, last, now)) return 0;
  store(stats.reported, evictions);
  return evictions - reported;
}

std::size_t choose_victim(std::span<const Standing> entries, std::uint16_t network,
                          std::size_t share) noexcept {
  std::array<std::uint8_t, 16> held{};  // by the network of entry i
  std::size_t own = 0;
  bool crowded = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].live) return i;
    if (entries[i].network == network) ++own;
    for (const Standing& other : entries) held[i] += other.network == entries[i].network;
    crowded = crowded || held[i] > share;
  }

  bool all_kept = std::ranges::all_of(entries, &Standing::kept);
  auto spendable = [&](std::size_t i) { return all_kept || !entries[i].kept; };
  auto eligible = [&](std::size_t i) {
    if (own >= share) return entries[i].network == network;
    return !crowded || held[i] > share;
  };
  auto least = [&](auto&& admitted) {
    std::size_t victim = entries.size();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!admitted(i)) continue;
      if (victim == entries.size() || entries[i].used < entries[victim].used) victim = i;
    }
    return victim;
  };
  std::size_t victim = least([&](std::size_t i) { return spendable(i) && eligible(i); });
  // All that the shares would take is kept.
  return victim != entries.size() ? victim : least(spendable);
}

}  // namespace guard::core
