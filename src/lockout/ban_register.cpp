#include "lockout/ban_register.h"

#include <algorithm>

namespace guard::lockout {

void BanRegister::define(BanPolicy defined) {
  policy = std::move(defined);
  code = policy.code();
}

void BanRegister::attach(std::span<std::byte> memory) {
  if (exchange != nullptr) {
    constexpr std::size_t kLine = 64;
    lease = reinterpret_cast<std::uint64_t*>(memory.data());
    memory = memory.subspan(kLine);
  }
  table.emplace(memory, BanTable::Rules{policy.half_life_us(), policy.duration_ms(), policy.score});
}

void describe_ban(const BanRegister& ban, core::Refusal& refusal) noexcept {
  refusal.feature = core::Feature::ban;
  refusal.event = core::EventKind::client_banned;
  refusal.status = ban.policy.status;
  refusal.code = ban.code;
  refusal.title = "Client banned";
  refusal.detail = "Too much of what came from this client was suspicious";
  refusal.policy = ban.policy.name;
  // It was said when the ban began.
  refusal.silent = true;
}

core::Event ban_event(const BanRegister& owner, const Ban& ban, core::Action action,
                      std::string_view key_hash, std::uint64_t now,
                      std::uint64_t wall_now) noexcept {
  core::Event event;
  event.kind = core::EventKind::client_banned;
  event.action = action;
  event.code = owner.code;
  event.policy = owner.policy.name;
  event.key_hash = key_hash;
  event.score = ban.score;
  if (ban.state == BanState::spared) {
    event.severity = core::Severity::warning;
    event.detail =
        "A trusted proxy has the score of a banned client and is not banned: requests are not told "
        "apart by their clients";
    return event;
  }
  event.detail = action == core::Action::observed ? "The client's score would have banned it"
                                                  : "The client's score is over the policy's";
  std::uint64_t left = ban.end - std::min(ban.end, now / 1000);
  event.end_ms = wall_now / 1000 + left;
  return event;
}

core::Event ban_pressure_event(const BanRegister& owner, std::uint64_t evictions) noexcept {
  core::Event event;
  event.kind = core::EventKind::table_pressure;
  event.policy = owner.policy.name;
  event.detail = "The zone is too small: scores or bans of clients were given up";
  event.count = evictions;
  return event;
}

}  // namespace guard::lockout
