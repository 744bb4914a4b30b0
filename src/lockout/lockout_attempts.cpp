#include "lockout/lockout_attempts.h"

#include <algorithm>
#include <cstdio>
#include <type_traits>

namespace guard::lockout {

static_assert(std::is_trivially_destructible_v<Attempt>);

namespace {

std::uint64_t count_of(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

}  // namespace

LockRule Guarded::rule() const {
  return {limit,   count_of(window),  count_of(duration),
          backoff, count_of(longest), !distinct.empty()};
}

bool Guarded::attach(std::span<std::byte> memory) {
  table.emplace(memory, rule());
  return table->attached() == core::Attached::inherited;
}

void Attempt::reserve(std::uint64_t now) noexcept {
  decision = policy->table->reserve(key, now);
  if (decision.verdict == Verdict::admitted) state = State::reserved;
}

void Attempt::give_back() noexcept {
  if (state != State::reserved) return;
  if (decision.place != 0) policy->table->give_back(key, decision.place);
  state = State::settled;
}

void Attempt::leave() noexcept {
  if (state != State::reserved) return;
  if (decision.place != 0) policy->table->leave(key, decision.place);
  state = State::settled;
}

void Attempts::add(Attempt& attempt) noexcept {
  attempt.next = first_;
  first_ = &attempt;
}

Attempt* Attempts::find(const Guarded& policy) const noexcept {
  Attempt* attempt = first_;
  while (attempt != nullptr && attempt->policy != &policy) attempt = attempt->next;
  return attempt;
}

Attempt* Attempts::reserve(std::uint64_t now) noexcept {
  for (Attempt* attempt = first_; attempt != nullptr; attempt = attempt->next) {
    if (attempt->state != Attempt::State::asked) continue;
    attempt->reserve(now);
    if (attempt->state == Attempt::State::reserved) continue;
    give_back();
    return attempt;
  }
  return nullptr;
}

void Attempts::give_back() noexcept {
  each([](Attempt& attempt) { attempt.give_back(); });
}

void Attempts::leave() noexcept {
  each([](Attempt& attempt) { attempt.leave(); });
}

void describe_lock(const Failure& failure, std::uint64_t wall_now,
                   std::span<char, kLockDetailMax> memory, core::Event& event) noexcept {
  int size =
      std::snprintf(memory.data(), memory.size(), "Locked for %llu seconds, lock %llu in a row",
                    static_cast<unsigned long long>(failure.length / 1000),
                    static_cast<unsigned long long>(failure.repeats));
  event.detail = {memory.data(), static_cast<std::size_t>(size)};
  event.end_ms = wall_now + failure.length;
}

bool stricter(const Decision& a, const Decision& b) noexcept {
  if (a.verdict != b.verdict) return a.verdict > b.verdict;
  return a.under_way != b.under_way ? b.under_way : a.retry > b.retry;
}

void describe(const Guarded& policy, const Decision& decision, std::string_view digits,
              core::Refusal& refusal) noexcept {
  constexpr std::uint64_t kSecond = 1000;
  refusal.feature = core::Feature::lockout;
  refusal.event = core::EventKind::rate_limited;
  refusal.policy = policy.name;
  refusal.key_hash = digits;
  refusal.silent = !decision.first_report;
  if (decision.verdict == Verdict::unavailable) return describe_unavailable(refusal);
  refusal.status = 429;
  refusal.code = policy.refusal_code;
  refusal.title = "Too many failed attempts";
  refusal.detail = "Wait before the next attempt";
  // What is under way is answered soon, and may succeed.
  bool soon = decision.verdict == Verdict::full && decision.under_way;
  refusal.retry_after =
      soon ? 1 : static_cast<std::int64_t>((decision.retry + kSecond - 1) / kSecond);
}

void describe_unavailable(core::Refusal& refusal) noexcept {
  refusal.feature = core::Feature::lockout;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = 503;
  refusal.code = "lockout.unavailable";
  refusal.title = "Lockout unavailable";
  refusal.detail = "The failures of this request's key cannot be had";
  refusal.retry_after = 1;
}

void describe_missing(const Guarded& policy, core::Refusal& refusal) noexcept {
  refusal.feature = core::Feature::lockout;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = 400;
  refusal.code = "key.missing";
  refusal.title = "Missing key";
  refusal.detail = "The request has nothing by which it could be counted";
  refusal.policy = policy.name;
}

}  // namespace guard::lockout
