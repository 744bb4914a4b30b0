#include "core/counter_batch.h"

#include <new>
#include <type_traits>

#include "redis/failures.h"

namespace guard::core {

static_assert(std::is_trivially_destructible_v<CounterEntry>);
static_assert(std::is_trivially_destructible_v<CounterItem>);
static_assert(std::is_trivially_destructible_v<CounterBatch>);
static_assert(sizeof(CounterBatch) <= CounterQueue::kOwnSize);

namespace {

constexpr std::size_t kMaxSpares = 64;
constexpr ngx_msec_t kLate = 16;  // part of the timeout that has passed for who comes last

// Of the worker, for all queues.
struct Spares {
  CounterBatch* first = nullptr;
  std::size_t count = 0;
};
Spares spares;

// Something to give back; it owns itself until Redis has answered. The script goes in full: were it
// sent again after NOSCRIPT, what is asked next would overtake it, and be refused for what is given
// back.
struct Refund : redis::Command {
  Refund(const RemoteCounter& of, const CounterTag& key_tag, const RemoteCounter::Entry& what,
         const CounterRefunded& who) noexcept
      : Command(write, done), counter(of), tag(key_tag), how(what), then(who) {
    route = {tag.data(), tag.size()};
  }

  static void write(redis::Command& command, redis::Output& out) noexcept {
    auto& self = static_cast<Refund&>(command);
    CounterScript::group().begin(out, true, 1, 1 + RemoteCounter::kEntryWords);
    self.counter.put_key(out, self.tag);
    out.bulk(std::uint64_t{1});
    self.counter.put_entry(out, self.how);
  }

  static void done(redis::Command& command, const redis::Reply& reply) noexcept {
    auto& self = static_cast<Refund&>(command);
    CounterEntry entry;
    entry.counter = &self.counter;
    const std::optional<RemoteAnswer> answer = CounterAnswers(reply, true)[entry];
    if (answer && self.then.call != nullptr) {
      self.then.call(self.then.context, self.then.key, *answer);
    }
    delete &self;
  }

  const RemoteCounter& counter;
  CounterTag tag;
  RemoteCounter::Entry how;
  CounterRefunded then;
};

}  // namespace

void CounterBatch::write(redis::Command& command, redis::Output& out) noexcept {
  auto& batch = static_cast<CounterBatch&>(command);
  // What was forgotten before is not among them any more.
  std::size_t position = 0;
  for (CounterItem* item = batch.first_; item != nullptr; item = item->next) {
    for (CounterEntry* entry = item->first; entry != nullptr; entry = entry->next) {
      entry->position = position++;
    }
  }
  batch.queue_->counter_ != nullptr ? batch.write_gcra(out) : batch.write_group(out);
}

void CounterBatch::write_gcra(redis::Output& out) noexcept {
  const RemoteCounter& counter = *queue_->counter_;
  bool costs = false;  // other than 1
  for (CounterItem* item = first_; item != nullptr; item = item->next) {
    costs = costs || item->first->how.cost != 1;
  }
  CounterScript::gcra().begin(out, in_full_, keys_,
                              RemoteCounter::kQuotaWords + (costs ? keys_ : 0));
  for (CounterItem* item = first_; item != nullptr; item = item->next) {
    counter.put_key(out, *item->first->tag);
  }
  counter.put_quota(out);
  if (!costs) return;
  for (CounterItem* item = first_; item != nullptr; item = item->next) {
    counter.put_cost(out, item->first->how.cost);
  }
}

void CounterBatch::write_group(redis::Output& out) noexcept {
  CounterScript::group().begin(out, in_full_, keys_, items_ + keys_ * RemoteCounter::kEntryWords);
  for (CounterItem* item = first_; item != nullptr; item = item->next) {
    for (CounterEntry* entry = item->first; entry != nullptr; entry = entry->next) {
      entry->counter->put_key(out, *entry->tag);
    }
  }
  for (CounterItem* item = first_; item != nullptr; item = item->next) {
    out.bulk(std::uint64_t{item->count});
    for (CounterEntry* entry = item->first; entry != nullptr; entry = entry->next) {
      entry->counter->put_entry(out, entry->how);
    }
  }
}

void CounterBatch::done(redis::Command& command, const redis::Reply& reply) noexcept {
  auto& batch = static_cast<CounterBatch&>(command);
  if (is_unknown_script(reply) && !batch.in_full_) {
    batch.in_full_ = true;
    return batch.queue_->client_.send_again(batch);
  }
  CounterQueue& queue = *batch.queue_;
  CounterAnswers answers(reply, queue.counter_ == nullptr);
  // Whoever is answered may forget others.
  while (batch.first_ != nullptr) {
    CounterItem& item = *batch.first_;
    batch.remove(item);
    item.answered(item, answers);
  }
  queue.recycle(batch);
}

void CounterBatch::append(CounterItem& item) noexcept {
  item.batch = this;
  item.next = nullptr;
  item.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &item;
  last_ = &item;
  keys_ = static_cast<std::uint16_t>(keys_ + item.count);
  ++items_;
}

void CounterBatch::remove(CounterItem& item) noexcept {
  (item.previous != nullptr ? item.previous->next : first_) = item.next;
  (item.next != nullptr ? item.next->previous : last_) = item.previous;
  item.batch = nullptr;
  keys_ = static_cast<std::uint16_t>(keys_ - item.count);
  --items_;
}

bool CounterQueue::has_room(const CounterItem& item) const noexcept {
  // Where the connection cannot be written to, what comes later goes into the calls that wait
  // already, or each request would have one. The time that an item may wait is that of its call,
  // so it is not to lose much of it.
  return open_ != nullptr && open_->queued() &&
         ngx_current_msec - open_->begun_ <= client_.timeout() / kLate &&
         open_->keys_ + item.count <= kMaxKeys;
}

CounterBatch* CounterQueue::take_spare() noexcept {
  CounterBatch* spare = spares.first;
  if (spare == nullptr) return new (std::nothrow) CounterBatch;
  spares.first = spare->next_spare_;
  --spares.count;
  return new (spare) CounterBatch;
}

void CounterQueue::recycle(CounterBatch& batch) noexcept {
  if (open_ == &batch) open_ = nullptr;
  if (batch.borrowed_) return;
  if (spares.count == kMaxSpares) {
    delete &batch;
    return;
  }
  batch.next_spare_ = spares.first;
  spares.first = &batch;
  ++spares.count;
}

void CounterQueue::release_spares() noexcept {
  while (spares.first != nullptr) {
    CounterBatch* spare = spares.first;
    spares.first = spare->next_spare_;
    delete spare;
  }
  spares.count = 0;
}

bool CounterQueue::available() const noexcept {
  return client_.available();
}

bool CounterQueue::ask(CounterItem& item, void* own) noexcept {
  if (own == nullptr && has_room(item)) {
    open_->append(item);
    return true;
  }
  CounterBatch* batch = own != nullptr ? new (own) CounterBatch : take_spare();
  if (batch == nullptr) return false;
  batch->queue_ = this;
  batch->borrowed_ = own != nullptr;
  batch->begun_ = ngx_current_msec;
  batch->append(item);
  const CounterTag& tag = *item.first->tag;
  if (own != nullptr) batch->route = {tag.data(), tag.size()};
  if (own == nullptr) open_ = batch;
  client_.send(*batch);
  return true;
}

void CounterQueue::forget(CounterItem& item) noexcept {
  CounterBatch* batch = item.batch;
  if (batch == nullptr) return;
  batch->remove(item);
  if (batch->first_ != nullptr || !batch->waiting()) return;
  client_.forget(*batch);
  recycle(*batch);
}

void CounterQueue::refund(const RemoteCounter& counter, const CounterTag& tag,
                          const RemoteCounter::Entry& how, const CounterRefunded& then) noexcept {
  if (!available()) return;
  auto* refund = new (std::nothrow) Refund(counter, tag, how, then);
  if (refund != nullptr) client_.send(*refund);
}

}  // namespace guard::core
