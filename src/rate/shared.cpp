#include "rate/shared.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <type_traits>

namespace guard::rate {

static_assert(std::is_trivially_destructible_v<SharedAsk>);
static_assert(std::is_trivially_destructible_v<Exchange>);

namespace {

constexpr std::size_t kMaxParts = 17;  // enforced policies, and each of those in dry_run

SharedEntry& entry_of(core::CounterEntry* entry) {
  return *static_cast<SharedEntry*>(entry);
}

// The first of those that an item of this store leads; several Redis's are rare, but possible.
SharedAsk* leader_in(SharedAsk* first, const core::RemoteStore& store) {
  while (first != nullptr && first->entries.front().window->owner().shared->store != &store) {
    first = first->sent;
  }
  return first;
}

void append(SharedAsk& leader, SharedAsk& ask) {
  core::CounterEntry** end = &leader.first;
  while (*end != nullptr) end = &(*end)->next;
  for (SharedEntry& entry : ask.entries) {
    entry.next = nullptr;
    *end = &entry;
    end = &entry.next;
  }
  leader.count += ask.entries.size();
}

}  // namespace

void SharedAsk::begin(std::span<Asked> windows, SharedEntry* memory,
                      const core::Hash128& hash) noexcept {
  std::array<char, 32> digits = core::hex_of(hash);
  tag.front() = '{';
  std::copy(digits.begin(), digits.end(), tag.begin() + 1);
  tag.back() = '}';
  entries = {memory, windows.size()};
  for (std::size_t i = 0; i < windows.size(); ++i) {
    Asked& window = windows[i];
    SharedEntry& entry = *new (memory + i) SharedEntry;
    entry.counter = &*window.meter->remote;
    entry.tag = &tag;
    entry.how.cost = window.cost;
    entry.how.phase = window.meter->limiter->phase_of(window.key.hash);
    entry.window = &window;
    entry.ask = this;
    window.shared = &entry;
  }
}

bool prepare(const SharedPolicy& policy, std::span<Asked> windows, const core::Hash128& hash,
             Space space) noexcept {
  auto* entries = space.take<SharedEntry>(windows.size());
  auto* memory = space.take<SharedAsk>(1);
  if (entries == nullptr || memory == nullptr) return false;
  auto* shared = new (memory) SharedAsk;
  if (policy.store->cluster) {
    shared->own = space.take<std::uint64_t>(core::CounterQueue::kOwnSize / sizeof(std::uint64_t));
    if (shared->own == nullptr) return false;
  }
  shared->begin(windows, entries, hash);
  return true;
}

bool give_up(std::span<Asked> windows, Space space) noexcept {
  auto* entries = space.take<SharedEntry>(windows.size());
  if (entries == nullptr) return false;
  for (Asked& window : windows) {
    window.shared = new (entries++) SharedEntry;
    window.shared->window = &window;
    window.shared->give_up();
  }
  return true;
}

bool Exchange::start(const Ledger& ledger, bool inner, std::uint64_t network, Resume resume,
                     void* context) noexcept {
  SharedAsk* asks = nullptr;
  std::uint8_t parts = 0;
  ledger.each_due(inner, [&](Asked& window) {
    SharedEntry* entry = window.shared;
    if (entry == nullptr || entry->decided() || entry != &entry->ask->entries.front()) return;
    SharedAsk& ask = *entry->ask;
    core::RemoteStore& store = *window.owner().shared->store;
    std::uint8_t part = window.dry_run ? ++parts : 0;
    for (SharedEntry& each : ask.entries) {
      each.how.part = part;
      each.window->key.network = network;
    }
    ask.first = nullptr;
    ask.count = 0;
    SharedAsk* leader = store.cluster ? nullptr : leader_in(asks, store);
    if (leader == nullptr) {
      leader = &ask;
      ask.sent = asks;
      asks = &ask;
    }
    append(*leader, ask);
  });

  resume_ = resume;
  context_ = context;
  sent_ = asks;
  for (SharedAsk* ask = asks; ask != nullptr; ask = ask->sent) {
    const SharedPolicy& policy = *ask->entries.front().window->owner().shared;
    if (ask->count == 1 && policy.alone) {
      send(*ask, *policy.alone);
    } else {
      // The script of many also says what time it is in Redis.
      const std::uint64_t now = core::microseconds();
      for (core::CounterEntry* entry = ask->first; entry != nullptr; entry = entry->next) {
        entry_of(entry).asked_at = now;
      }
      send(*ask, policy.store->queue);
    }
  }
  started_ = open_ != 0;
  return started_;
}

void Exchange::send(SharedAsk& ask, core::CounterQueue& queue) noexcept {
  ask.exchange = this;
  ask.queue = &queue;
  ask.answered = [](core::CounterItem& item, const core::CounterAnswers& answers) noexcept {
    auto& own = static_cast<SharedAsk&>(item);
    own.exchange->answer(own, answers);
  };
  if (queue.available() && queue.ask(ask, ask.own)) {
    ++open_;
  } else {
    fail(ask);
  }
}

void Exchange::answer(SharedAsk& ask, const core::CounterAnswers& answers) noexcept {
  std::array<bool, kMaxParts> refused{};
  bool complete = true;
  for (core::CounterEntry* entry = ask.first; entry != nullptr; entry = entry->next) {
    std::optional<core::RemoteAnswer> answer = answers[*entry];
    complete = complete && answer;
    if (answer && !answer->admitted) refused[entry->how.part] = true;
  }
  if (!complete) {
    fail(ask);
  } else {
    for (core::CounterEntry* entry = ask.first; entry != nullptr; entry = entry->next) {
      bool taken = !refused[0] && !refused[entry->how.part];
      entry_of(entry).settle(*answers[*entry], taken);
    }
  }
  if (--open_ == 0) resume_(context_);
}

void Exchange::fail(core::CounterItem& item) noexcept {
  for (core::CounterEntry* entry = item.first; entry != nullptr; entry = entry->next) {
    entry_of(entry).give_up();
  }
}

void SharedEntry::settle(const core::RemoteAnswer& answer, bool taken) noexcept {
  if (answer.now != 0) {
    core::RemoteClock& clock = window->owner().shared->store->clock;
    clock.learn(asked_at, core::microseconds(), answer.now);
    window->owner().meters.front().limiter->tell_ahead(clock.ahead());
  }
  window->decision =
      window->meter->limiter->adopt(window->key, window->time(), window->cost, answer);
  window->charged = taken;
  taken_at = answer.now;
  state = taken ? State::taken : State::left;
}

void SharedEntry::give_up() noexcept {
  OnError on_error = window->owner().policy.on_error;
  if (on_error == OnError::local) {
    state = State::local;
  } else {
    state = on_error == OnError::closed && window->cost != 0 ? State::closed : State::open;
  }
  window->unknown = state != State::local;
}

void SharedEntry::refund() noexcept {
  core::RemoteCounter::Entry back = how;
  // The GCRA need not know when.
  back.refund = taken_at != 0 ? taken_at : 1;
  // What other requests were answered before that, and hear after it, must not stay in the mirror:
  // it would refuse until then what Redis would not.
  auto heard = [](void* meter, const core::CounterKey& key,
                  const core::RemoteAnswer& answer) noexcept {
    Limiter& limiter = *static_cast<Meter*>(meter)->limiter;
    bool gcra = static_cast<Meter*>(meter)->quota.algorithm == Algorithm::gcra;
    limiter.adopt(key, gcra ? core::microseconds() : answer.now, 0, answer);
  };
  window->owner().shared->store->queue.refund(*counter, *tag, back,
                                              {heard, window->meter, window->key});
}

void Exchange::abandon() noexcept {
  for (SharedAsk* ask = sent_; ask != nullptr; ask = ask->sent) {
    if (ask->waiting()) ask->queue->forget(*ask);
  }
  sent_ = nullptr;
  open_ = 0;
  started_ = false;
}

}  // namespace guard::rate
