#include "lockout/lockout_calls.h"

#include <algorithm>
#include <array>
#include <new>

#include "core/clock.h"
#include "core/hex.h"

namespace guard::lockout {

namespace {

core::SipKey name_key;
std::uint64_t name_count = 0;

std::uint64_t next_name() noexcept {
  core::SipHash<core::HashWidth::bits64> sip(name_key);
  ++name_count;
  sip.update({reinterpret_cast<const char*>(&name_count), sizeof(name_count)});
  return sip.finish();
}

std::string_view view(const auto& digits) noexcept {
  return {digits.data(), digits.size()};
}

RemoteAttempt remote_attempt(const LockKey& key, bool distinct) noexcept {
  RemoteAttempt attempt;
  std::array<char, kHashDigits> digits = core::hex_of(key.hash);
  attempt.tag.front() = '{';
  std::copy(digits.begin(), digits.end(), attempt.tag.begin() + 1);
  attempt.tag.back() = '}';
  core::write_hex(distinct ? key.value : next_name(), attempt.name.data());
  core::write_hex(key.account, attempt.account_digits.data());
  return attempt;
}

// The beginning of a text, of its own.
template <std::size_t most>
class Kept {
 public:
  explicit Kept(std::string_view text) noexcept : size_(std::min(text.size(), most)) {
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, most> bytes_;
  std::size_t size_;
};

// Owns itself.
class OutcomeCall : public core::ScriptCall {
 public:
  OutcomeCall(Guarded& policy, Step step, const RemoteAttempt& attempt, const LockKey& key,
              const Whom& whom, const Failure& fallback) noexcept
      : ScriptCall(policy.shared->store, write_words, answered),
        policy_(policy),
        step_(step),
        attempt_(attempt),
        key_(key),
        fallback_(fallback),
        user_(whom.user),
        client_(whom.client),
        request_id_(whom.request_id) {}

  void send() noexcept { ScriptCall::send(view(attempt_.tag)); }

 private:
  static void write_words(core::ScriptCall& call, redis::Output& out, bool in_full) noexcept {
    auto& self = static_cast<OutcomeCall&>(call);
    self.policy_.shared->locks.write(out, self.step_, self.attempt_, in_full);
  }

  static void answered(core::ScriptCall& call, const redis::Reply& reply) noexcept {
    auto& self = static_cast<OutcomeCall&>(call);
    std::optional<RemoteVerdict> verdict = RemoteLocks::read(reply);
    if (verdict && verdict->failure.locks) {
      self.policy_.table->lock(self.key_, verdict->failure.length, verdict->failure.repeats,
                               lock_time(core::microseconds()));
    }
    // Of a failure of which Redis may not have heard this nginx keeps count.
    self.publish(verdict ? verdict->failure : self.fallback_, verdict && verdict->unlocked);
    delete &self;
  }

  void publish(const Failure& failure, bool unlocked) const noexcept {
    if (!failure.locks && !unlocked) return;
    std::array<char, kLockDetailMax> memory;
    std::array<char, kHashDigits> digits = core::hex_of(key_.hash);
    core::Event event;
    event.kind = unlocked ? core::EventKind::account_unlocked : core::EventKind::account_locked;
    event.code = policy_.refusal_code;
    event.policy = policy_.name;
    event.user = user_.view();
    event.client = client_.view();
    event.request_id = request_id_.view();
    event.key_hash = view(digits);
    event.detail = kUnlockDetail;
    if (!unlocked) describe_lock(failure, core::wall_microseconds() / 1000, memory, event);
    policy_.shared->publish(event);
  }

  Guarded& policy_;
  Step step_;
  RemoteAttempt attempt_;
  LockKey key_;
  Failure fallback_;
  Kept<256> user_;
  Kept<64> client_;
  Kept<32> request_id_;
};

// False: nobody has been told, nor will be.
bool tell(Guarded& policy, Step step, const RemoteAttempt& attempt, const LockKey& key,
          const Whom& whom, const Failure& fallback) noexcept {
  if (!policy.shared->store.queue.available()) return false;
  auto* call = new (std::nothrow) OutcomeCall(policy, step, attempt, key, whom, fallback);
  if (call == nullptr) return false;
  call->send();
  return true;
}

}  // namespace

void draw_attempt_names() noexcept {
  name_key = core::draw_sip_key();
  name_count = 0;
}

ReserveCall::ReserveCall(SharedLocks& own_shared, const LockKey& key, Ended own_ended,
                         void* own_context) noexcept
    : ScriptCall(
          own_shared.store,
          [](core::ScriptCall& call, redis::Output& out, bool in_full) noexcept {
            auto& self = static_cast<ReserveCall&>(call);
            self.shared.locks.write(out, Step::reserve, self.attempt, in_full);
          },
          [](core::ScriptCall& call, const redis::Reply& reply) noexcept {
            auto& self = static_cast<ReserveCall&>(call);
            self.verdict = RemoteLocks::read(reply);
            self.uncertain =
                reply.fault() == redis::Fault::timeout || reply.fault() == redis::Fault::lost;
            self.ended(self.context);
          }),
      shared(own_shared),
      attempt(remote_attempt(key, own_shared.locks.distinct())),
      ended(own_ended),
      context(own_context) {
  attempt.reserved = true;
}

void ReserveCall::send() noexcept {
  ScriptCall::send(view(attempt.tag));
}

bool take_answer(Attempt& attempt, std::uint64_t now) noexcept {
  LockTable& table = *attempt.policy->table;
  const ReserveCall* call = attempt.call;
  if (call == nullptr || !call->verdict) {
    attempt.at_redis = call != nullptr && call->uncertain;
    if (attempt.policy->on_error == OnError::local) return true;
    if (attempt.policy->on_error == OnError::open) {
      attempt.state = Attempt::State::settled;
      return true;
    }
    attempt.decision = {};
    attempt.decision.verdict = Verdict::unavailable;
    attempt.decision.first_report = table.first_report(attempt.key, now);
    return false;
  }
  attempt.decision = call->verdict->decision;
  if (attempt.decision.verdict == Verdict::admitted) {
    attempt.at_redis = true;
    attempt.state = Attempt::State::reserved;
    // The lock that is remembered here was lifted.
    if (table.is_locked(attempt.key, now)) table.clear(attempt.key, now);
    return true;
  }
  // Should Redis go away, the lock stays.
  if (attempt.decision.verdict == Verdict::locked) {
    table.lock(attempt.key, attempt.decision.retry, call->verdict->failure.repeats, now);
  }
  attempt.decision.first_report = table.first_report(attempt.key, now);
  return false;
}

bool fail_at_redis(Attempt& attempt, const Whom& whom, const Failure& here) noexcept {
  Guarded& policy = *attempt.policy;
  if (policy.shared == nullptr) return false;
  const RemoteAttempt remote = attempt.at_redis
                                   ? attempt.call->attempt
                                   : remote_attempt(attempt.key, policy.shared->locks.distinct());
  attempt.at_redis = false;
  return tell(policy, Step::fail, remote, attempt.key, whom, here);
}

bool clear_at_redis(const Attempt& attempt, const Whom& whom) noexcept {
  Guarded& policy = *attempt.policy;
  if (policy.shared == nullptr) return false;
  return tell(policy, Step::clear, remote_attempt(attempt.key, false), attempt.key, whom, {});
}

void give_back_at_redis(Attempt& attempt) noexcept {
  if (!attempt.at_redis) return;
  attempt.at_redis = false;
  (void)tell(*attempt.policy, Step::give_back, attempt.call->attempt, attempt.key, {}, {});
}

bool lift_at_redis(Guarded& policy, const Lock& lock) noexcept {
  if (policy.shared == nullptr) return true;
  LockKey key;
  key.hash = lock.hash;
  return tell(policy, Step::lift, remote_attempt(key, false), key, {}, {});
}

}  // namespace guard::lockout
