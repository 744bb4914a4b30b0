#include "headers/csp_report_table.h"

namespace guard::headers {

namespace {

// No counter of a rate, and so not among those that Redis knows as well.
constexpr auto kKind = static_cast<core::CounterKind>(17);

constexpr std::uint64_t kLimits = std::uint64_t{1} << 62U;
constexpr std::uint64_t kUntilMask = (std::uint64_t{1} << 30U) - 1;

constexpr std::uint32_t until_of(std::uint64_t state) noexcept {
  return static_cast<std::uint32_t>(state >> 32U & kUntilMask);
}
constexpr std::uint32_t count_of(std::uint64_t state) noexcept {
  return static_cast<std::uint32_t>(state);
}
constexpr std::uint64_t pack(std::uint32_t until, std::uint32_t count) noexcept {
  return (until & kUntilMask) << 32U | count;
}

std::uint64_t worth(std::uint64_t state, std::uint32_t now) noexcept {
  const std::uint32_t until = until_of(state);
  if (until <= now) return 0;
  return (state & kLimits) != 0 ? core::CounterTable::kKept | (until - now) : until - now;
}

}  // namespace

CspReportTable::CspReportTable(std::span<std::byte> memory)
    : table_(core::CounterZone::attach(memory, kKind, core::CounterTable::kSetSize, {})) {}

std::uint32_t CspReportTable::count(const core::CounterKey& key, std::uint32_t now,
                                    std::uint32_t window) noexcept {
  std::uint32_t told = 0;
  const auto used = [now](std::uint64_t, std::uint64_t state) noexcept {
    return worth(state, now);
  };
  const auto decide = [&](std::uint64_t state) noexcept {
    const std::uint32_t earlier = count_of(state);
    const std::uint32_t next = earlier == UINT32_MAX ? earlier : earlier + 1;
    told = until_of(state) > now ? 0 : next;
    return told == 0 ? pack(until_of(state), next) : pack(now + window, 0);
  };
  const auto update = table_.update(key, used, decide);
  // What cannot be remembered is told, as often as the rates allow.
  return update == core::CounterTable::Update::unavailable ? 1 : told;
}

bool CspReportTable::take(const core::CounterKey& key, std::uint32_t now,
                          std::uint32_t limit) noexcept {
  bool taken = false;
  const auto used = [now](std::uint64_t, std::uint64_t state) noexcept {
    return worth(state, now);
  };
  const auto decide = [&](std::uint64_t state) noexcept {
    const bool begun = until_of(state) > now;
    taken = !begun || count_of(state) < limit;
    if (!taken) return state;
    return kLimits | (begun ? pack(until_of(state), count_of(state) + 1) : pack(now + kMinute, 1));
  };
  return table_.update(key, used, decide) == core::CounterTable::Update::changed && taken;
}

std::uint32_t CspReportTable::wait(std::uint64_t hash, std::uint32_t now,
                                   std::uint32_t limit) const noexcept {
  const std::uint64_t state = table_.peek(hash);
  const std::uint32_t until = until_of(state);
  return until > now && count_of(state) >= limit ? until - now : 0;
}

std::uint64_t CspReportTable::count_used(std::uint64_t first, std::uint64_t count,
                                         std::uint32_t now) const noexcept {
  return table_.count_used(first, count, [now](std::uint64_t, std::uint64_t state) noexcept {
    return worth(state, now);
  });
}

}  // namespace guard::headers
