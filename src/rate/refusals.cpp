#include "rate/refusals.h"

#include "core/hex.h"
#include "rate/fields.h"

namespace guard::rate {

namespace {

using core::Refusal;

constexpr std::string_view kQuotaExceeded =
    "https://iana.org/assignments/http-problem-types#quota-exceeded";
constexpr std::int64_t kRetryUnavailable = 1;  // seconds; Redis is tried again as often

std::string_view hex(Space space, std::uint64_t hash) noexcept {
  constexpr std::size_t kDigits = 16;
  char* text = space.take<char>(kDigits);
  if (text == nullptr) return {};
  core::write_hex(hash, text);
  return {text, kDigits};
}

// report: by which hash the event is told apart from those that were just published.
void name(const Asked& asked, std::uint64_t report, Space space, Refusal& refusal) noexcept {
  refusal.feature = core::Feature::rate;
  refusal.event = core::EventKind::rate_limited;
  refusal.policy = asked.owner().policy.name;
  refusal.silent = !asked.meter->limiter->first_report(report, asked.now);
  if (!refusal.silent) refusal.key_hash = hex(space, asked.key.hash);
}

core::Event table_pressure(const MeteredPolicy& policy, std::string_view detail,
                           std::uint64_t count) noexcept {
  core::Event event;
  event.kind = core::EventKind::table_pressure;
  event.policy = policy.policy.name;
  event.detail = detail;
  event.count = count;
  return event;
}

}  // namespace

void describe(const Asked& asked, const Decision& told, Space space, Refusal& refusal) noexcept {
  const MeteredPolicy& owner = asked.owner();
  refusal.status = owner.policy.status;
  refusal.code = owner.code;
  refusal.title = "Too many requests";
  refusal.detail = asked.meter->detail;
  refusal.type = kQuotaExceeded;
  refusal.retry_after = static_cast<std::int64_t>(retry_after(asked.decision, told));
  name(asked, asked.key.hash, space, refusal);
}

void describe_all(const Ledger& ledger, bool inner, Space space, Refusal& refusal) noexcept {
  describe(*ledger.strictest_refusal(inner), ledger.strictest()->decision, space, refusal);
  std::size_t count = 0;
  ledger.each_refusal(inner, [&](const Asked& asked) {
    ++count;
    // It never passes.
    if (asked.cost > asked.meter->quota.burst) refusal.retry_after = -1;
  });
  auto* names = space.take<std::string_view>(count);
  if (names == nullptr) return;
  refusal.violated = {names, count};
  ledger.each_refusal(inner, [&](const Asked& asked) { *names++ = asked.meter->name; });
}

void describe_empty(MeteredPolicy& policy, std::uint64_t hash, std::uint64_t now,
                    Refusal& refusal) noexcept {
  refusal.feature = core::Feature::rate;
  refusal.event = core::EventKind::rate_limited;
  refusal.status = 400;
  refusal.code = "key.missing";
  refusal.title = "Missing key";
  refusal.detail = "The request has nothing by which it could be counted";
  refusal.policy = policy.policy.name;
  refusal.silent = !policy.meters.front().limiter->first_report(hash, now);
}

void describe_unknown(const Asked& asked, Space space, Refusal& refusal) noexcept {
  refusal.status = 503;
  refusal.code = "rate.unavailable";
  refusal.title = "Rate limit unavailable";
  refusal.detail = "The counts of this request cannot be had";
  refusal.retry_after = kRetryUnavailable;
  // Apart from its other refusals.
  name(asked, ~asked.key.hash, space, refusal);
}

core::Event pressure_event(const MeteredPolicy& policy, std::uint64_t evictions) noexcept {
  return table_pressure(
      policy, "The zone is too small: counts of clients that are still limited were given up",
      evictions);
}

core::Event dropped_event(const MeteredPolicy& policy, std::uint64_t dropped) noexcept {
  return table_pressure(policy, "The zone is too small: counts of clients are not told to Redis",
                        dropped);
}

}  // namespace guard::rate
