// Stands in for core/counter_batch.cpp: what is asked waits until the test answers it, with a reply
// of its own making or with a fault.
#pragma once

#include <deque>
#include <vector>

#include "core/counter_queue.h"

namespace guard::unit {

struct Asking {
  core::CounterItem* item;
  bool group;
};

struct GivenBack {
  const core::RemoteCounter* counter;
  core::CounterTag tag;
  core::RemoteCounter::Entry how;
};

inline std::deque<Asking> asking;
inline std::vector<GivenBack> given_back;
inline std::size_t forgotten;
inline bool reachable = true;

// A reply of integers, and of lists of them, as long as it lives.
class Integers {
 public:
  explicit Integers(const std::vector<long long>& numbers) {
    for (long long number : numbers) add(number);
  }
  void add(long long number) {
    redis::Element& made = parts_.emplace_back();
    made.kind = redis::Element::Kind::integer;
    made.integer = number;
    elements_.push_back(&made);
  }
  void add(Integers& list) {
    list.close();
    elements_.push_back(&list.whole_);
  }
  redis::Reply reply() {
    close();
    return redis::Reply(&whole_);
  }

 private:
  void close() {
    whole_.kind = redis::Element::Kind::array;
    whole_.size = elements_.size();
    whole_.elements = elements_.data();
  }
  std::deque<redis::Element> parts_;
  std::vector<redis::Element*> elements_;
  redis::Element whole_{};
};

inline void answer_first(const redis::Reply& reply) {
  Asking first = asking.front();
  asking.pop_front();
  std::size_t position = 0;
  for (core::CounterEntry* e = first.item->first; e != nullptr; e = e->next) {
    e->position = position++;
  }
  first.item->batch = nullptr;
  first.item->answered(*first.item, core::CounterAnswers(reply, first.group));
}

}  // namespace guard::unit

namespace guard::core {

bool CounterQueue::available() const noexcept {
  return unit::reachable;
}

bool CounterQueue::ask(CounterItem& item, void* /*own*/) noexcept {
  // Of a batch nothing is known here but that there is one.
  item.batch = reinterpret_cast<CounterBatch*>(&item);
  unit::asking.push_back({&item, counter_ == nullptr});
  return true;
}

void CounterQueue::forget(CounterItem& item) noexcept {
  item.batch = nullptr;
  std::erase_if(unit::asking, [&](const unit::Asking& one) { return one.item == &item; });
  ++unit::forgotten;
}

void CounterQueue::refund(const RemoteCounter& counter, const CounterTag& tag,
                          const RemoteCounter::Entry& how,
                          const CounterRefunded& /*then*/) noexcept {
  unit::given_back.push_back({&counter, tag, how});
}

}  // namespace guard::core
