#include "core/total_queue.h"

#include <array>
#include <new>

#include "core/clock.h"
#include "redis/client.h"
#include "redis/failures.h"

namespace guard::core {

// One key on its way. The first one of a call is the command; the others hang on it.
struct TotalQueue::Item : redis::Command {
  // Asks for the window before, in a cluster: while a slot moves, a command of two keys waits until
  // both are on one side, and one that does not exist is on none.
  struct Get : redis::Command {
    explicit Get(Item& of) noexcept : Command(write, done), item(of) {}
    static void write(redis::Command& command, redis::Output& out) noexcept;
    static void done(redis::Command& command, const redis::Reply& reply) noexcept;
    Item& item;
  };

  Item() noexcept : Command(write, done) {}

  static void write(redis::Command& command, redis::Output& out) noexcept;
  static void done(redis::Command& command, const redis::Reply& reply) noexcept;

  void begin(const TotalAsk& what) noexcept;
  void append(Item& item) noexcept;
  bool has_room(const Item& item) const noexcept;
  std::string_view tag() const noexcept { return {spelled.data(), spelled.size()}; }
  bool asks_along() const noexcept { return ask.previous && !queue->cluster_; }
  std::size_t keys() const noexcept { return asks_along() ? 2 : 1; }
  void close() noexcept;

  TotalQueue* queue = nullptr;
  Item* next = nullptr;  // of the call, or free
  TotalAsk ask;
  TotalAnswer answer;
  int open = 0;  // replies that are to come
  Get get{*this};
  std::array<char, RemoteTotal::kTag> spelled{};
  // Of the first one only.
  Item* last = this;
  std::size_t all_keys = 0;
  ngx_msec_t begun = 0;
  bool in_full = false;
  bool overtaken = false;
};

struct TotalQueue::State {
  struct Time : redis::Command {
    explicit Time(TotalQueue& of) noexcept : Command(write, done), queue(of) {}
    static void write(redis::Command& /*command*/, redis::Output& out) noexcept {
      out.begin(1);
      out.bulk("TIME");
    }
    static void done(redis::Command& command, const redis::Reply& reply) noexcept {
      auto& self = static_cast<Time&>(command);
      auto now = read_time(reply);
      if (now) self.queue.told_(self.queue.context_, self.asked_at, *now);
    }
    TotalQueue& queue;
    std::uint64_t asked_at = 0;
  };

  explicit State(TotalQueue& queue) noexcept : time(queue) {
    for (Item& item : items) {
      item.queue = &queue;
      put_back(item);
    }
  }

  // A script that Redis refuses has written nothing.
  static TotalOutcome outcome_of(const redis::Reply& reply, std::size_t keys) noexcept {
    switch (reply.fault()) {
      case redis::Fault::none:
        return reply.size() == keys ? TotalOutcome::answered : TotalOutcome::unknown;
      case redis::Fault::error:
      case redis::Fault::unavailable:
      case redis::Fault::overflow:
        return TotalOutcome::unsent;
      case redis::Fault::timeout:
      case redis::Fault::lost:
        break;
    }
    return TotalOutcome::unknown;
  }

  void put_back(Item& item) noexcept {
    item.next = free;
    free = &item;
  }

  Time time;
  std::array<Item, kMost> items;
  Item* free = nullptr;
  Item* open = nullptr;  // the call that takes more as long as it is not written
  std::size_t busy = 0;
};

TotalQueue::TotalQueue(redis::Client& client, bool cluster, Answered answered, Overtaken overtaken,
                       Told told, void* context) noexcept
    : client_(client),
      cluster_(cluster),
      answered_(answered),
      overtaken_(overtaken),
      told_(told),
      context_(context) {}

TotalQueue::~TotalQueue() = default;

bool TotalQueue::prepare() noexcept {
  if (state_ == nullptr) state_.reset(new (std::nothrow) State(*this));
  return state_ != nullptr;
}

bool TotalQueue::available() const noexcept {
  return client_.available();
}

bool TotalQueue::full() const noexcept {
  return state_->free == nullptr;
}

bool TotalQueue::idle() const noexcept {
  return state_ == nullptr || state_->busy == 0;
}

bool TotalQueue::asks_time() const noexcept {
  return state_ != nullptr && state_->time.waiting();
}

void TotalQueue::ask(const TotalAsk& ask) noexcept {
  State& state = *state_;
  Item& item = *state.free;
  state.free = item.next;
  ++state.busy;
  item.begin(ask);
  // In a cluster a call has one slot.
  if (state.open != nullptr && !cluster_ && state.open->has_room(item)) {
    state.open->append(item);
    return;
  }
  state.open = &item;
  client_.send(item);
  if (item.open > 1) client_.send(item.get);
}

void TotalQueue::ask_time() noexcept {
  State::Time& time = state_->time;
  if (time.waiting()) return;
  time.asked_at = microseconds();
  client_.send(time);
}

void TotalQueue::Item::begin(const TotalAsk& what) noexcept {
  ask = what;
  answer = {};
  RemoteTotal::spell(ask.hash, spelled.data());
  route = get.route = tag();
  open = ask.previous && !asks_along() ? 2 : 1;
  next = nullptr;
  last = this;
  all_keys = keys();
  begun = ngx_current_msec;
  in_full = overtaken = false;
}

// Only what is asked in one turn: the time that a key may wait is that of its call.
bool TotalQueue::Item::has_room(const Item& item) const noexcept {
  return queued() && begun == ngx_current_msec && all_keys + item.keys() <= kMostKeys;
}

void TotalQueue::Item::append(Item& item) noexcept {
  last->next = &item;
  last = &item;
  all_keys += item.keys();
}

void TotalQueue::Item::write(redis::Command& command, redis::Output& out) noexcept {
  Item& first = static_cast<Item&>(command);
  first.overtaken = first.queue->overtaken_(first.queue->context_);
  RemoteTotal::script().begin(out, first.in_full, first.all_keys,
                              first.all_keys * RemoteTotal::kWords);
  for (const Item* item = &first; item != nullptr; item = item->next) {
    const TotalAsk& ask = item->ask;
    ask.counter->put_key(out, item->tag(), ask.number);
    if (item->asks_along()) ask.counter->put_key(out, item->tag(), ask.number - 1);
  }
  for (const Item* item = &first; item != nullptr; item = item->next) {
    if (first.overtaken) {
      RemoteTotal::put_question(out);
    } else {
      RemoteTotal::put_offer(out, item->ask.offer);
    }
    if (item->asks_along()) RemoteTotal::put_question(out);
  }
}

void TotalQueue::Item::done(redis::Command& command, const redis::Reply& reply) noexcept {
  Item& first = static_cast<Item&>(command);
  TotalQueue& of = *first.queue;
  if (is_unknown_script(reply) && !first.in_full) {
    first.in_full = true;
    return of.client_.send_again(first);
  }
  TotalQueue::State& state = *of.state_;
  if (state.open == &first) state.open = nullptr;
  TotalOutcome outcome = TotalQueue::State::outcome_of(reply, first.all_keys);
  if (first.overtaken || (outcome == TotalOutcome::unsent && of.overtaken_(of.context_))) {
    outcome = TotalOutcome::unknown;
  }
  std::size_t position = 0;
  // Whoever is answered may ask again, with the memory of those that were answered.
  for (Item* item = &first; item != nullptr;) {
    Item* next = item->next;
    item->answer.outcome = outcome;
    if (auto total = read_total(reply[position])) {
      item->answer.total = *total;
    } else if (outcome == TotalOutcome::answered) {
      item->answer.outcome = TotalOutcome::unknown;
    }
    if (item->asks_along()) item->answer.previous = read_total(reply[position + 1]);
    position += item->keys();
    item->close();
    item = next;
  }
}

void TotalQueue::Item::Get::write(redis::Command& command, redis::Output& out) noexcept {
  const Item& item = static_cast<Get&>(command).item;
  out.begin(2);
  out.bulk("GET");
  item.ask.counter->put_key(out, item.tag(), item.ask.number - 1);
}

void TotalQueue::Item::Get::done(redis::Command& command, const redis::Reply& reply) noexcept {
  Item& item = static_cast<Get&>(command).item;
  item.answer.previous = read_total(reply);
  item.close();
}

void TotalQueue::Item::close() noexcept {
  if (--open != 0) return;
  TotalQueue& of = *queue;
  TotalAsk asked = ask;
  TotalAnswer told = answer;
  of.state_->put_back(*this);
  --of.state_->busy;
  of.answered_(of.context_, asked, told);
}

}  // namespace guard::core
