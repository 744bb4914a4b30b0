#include "metrics/session_exchange.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/clock.h"
#include "core/counter_cas.h"
#include "core/hex.h"

namespace guard::metrics {

namespace {

std::string hex(std::uint64_t number) {
  std::array<char, 16> digits;
  core::write_hex(number, digits.data());
  return {digits.data(), digits.size()};
}

constexpr std::uint64_t kLeastInterval = 250;  // milliseconds
constexpr std::uint64_t kMostInterval = 1000;
// An answer holds as long as another two could have come, late.
constexpr std::uint64_t kHolds = 2;
constexpr std::uint64_t kGrace = 500;  // milliseconds
// Every so many calls all is told again: a replica that took over may not have heard the last of
// it.
constexpr std::uint64_t kAgain = 64;

}  // namespace

std::uint64_t SessionExchange::interval(const SessionWindows& windows) noexcept {
  return std::clamp(windows.slice_ms(), kLeastInterval, kMostInterval);
}

SessionExchange::Call::Call(SessionExchange& of) noexcept
    : ScriptCall(
          of.store_,
          [](core::ScriptCall& call, redis::Output& out, bool in_full) noexcept {
            static_cast<Call&>(call).exchange.write(out, in_full);
          },
          [](core::ScriptCall& call, const redis::Reply& reply) noexcept {
            static_cast<Call&>(call).exchange.hear(reply);
          }),
      exchange(of) {}

SessionExchange::SessionExchange(const SessionPolicy& policy, SessionWindows& windows,
                                 core::RemoteStore& store)
    : windows_(windows),
      store_(store),
      // Of one slot. Those who count by another window or key count apart.
      key_(store.prefix + "sessions:{" + policy.name + "}." + std::to_string(windows.slice_ms()) +
           "." + hex(policy.key_hash()) + "."),
      scratch_(key_ + "new"),
      memory_(key_ + "memory"),
      life_(windows.slice_ms() * (kWindowSlices + 1) + 10'000),
      call_(*this) {
  session_script();
}

bool SessionExchange::is_shared() const noexcept {
  const std::uint64_t at = core::load(windows_.memory().shared_at);
  return at != 0 && core::microseconds() - at < (kHolds * interval(windows_) + kGrace) * 1000;
}

void SessionExchange::tell_all() noexcept {
  const std::uint64_t last = windows_.number_of(now_ms_);
  for (std::uint64_t number = windows_.first_of(now_ms_); number <= last; ++number) {
    windows_.set_changed(number);
  }
}

void SessionExchange::run(bool fresh) noexcept {
  if (call_.waiting()) return;
  now_ms_ = core::wall_microseconds() / 1000;
  if (fresh || ++runs_ % kAgain == 0) tell_all();
  if (!store_.queue.available()) return;
  told_count_ = 0;
  // The newest first: what is about to go matters least.
  const std::uint64_t first = windows_.first_of(now_ms_);
  for (std::uint64_t number = windows_.number_of(now_ms_) + 1; number > first;) {
    --number;
    if (told_count_ == kMost) break;
    if (windows_.take_changed(number)) told_[told_count_++] = number;
  }
  call_.send(scratch_);
}

// May be asked twice, so it changes nothing.
void SessionExchange::write(redis::Output& out, bool in_full) noexcept {
  const std::uint64_t first = windows_.first_of(now_ms_);
  const std::uint64_t count = windows_.number_of(now_ms_) - first + 1;
  std::array<const Registers*, kMost> sketches{};
  std::size_t there = 0;
  for (std::size_t i = 0; i < told_count_; ++i) {
    sketches[i] = windows_.slice(told_[i]);
    if (sketches[i] != nullptr) ++there;
  }
  session_script().begin(out, in_full, count + 2, 2 + 2 * there);
  std::array<char, 24> digits;
  for (std::uint64_t number = first; number < first + count; ++number) {
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.bulk(key_, {digits.data(), static_cast<std::size_t>(end - digits.data())});
  }
  out.bulk(scratch_);
  out.bulk(memory_);
  out.bulk(life_);
  out.bulk(core::wall_microseconds());
  for (std::size_t i = 0; i < told_count_; ++i) {
    if (sketches[i] == nullptr) continue;
    std::array<char, kRedisSketchSize> bytes;
    write_redis_sketch(*sketches[i], bytes);
    out.bulk(told_[i] - first + 1);
    out.bulk({bytes.data(), bytes.size()});
  }
}

void SessionExchange::hear(const redis::Reply& reply) noexcept {
  if (!reply.ok() || !reply[0].is_integer() || !reply[1].is_integer()) {
    for (std::size_t i = 0; i < told_count_; ++i) windows_.set_changed(told_[i]);
    return;
  }
  SessionMemory& memory = windows_.memory();
  core::store(memory.shared_count,
              static_cast<std::uint64_t>(std::max<std::int64_t>(reply[0].integer(), 0)));
  core::store(memory.shared_at, core::microseconds());
  const auto remembered = static_cast<std::uint64_t>(reply[1].integer());
  if (remembered != known_memory_) tell_all();
  known_memory_ = remembered;
}

}  // namespace guard::metrics
