#include "core/total_queue.h"

#include <array>
#include <new>

#include "core/clock.h"
#include "redis/client.h"

namespace guard::core {

namespace {

constexpr ngx_msec_t kSilence = 10'000;  // between two lines about errors
// Within kSilence. A total may be too small once in a while: when another node has given something
// back between two of the commands, or a clock was set forward and the key ended there.
constexpr int kTooMany = 3;

}  // namespace

// One key on its way. The total and that of the window before are two commands: of each, only the
// last reply is to be had.
struct TotalQueue::Item {
  struct Add : redis::Command {
    explicit Add(Item& of) noexcept : Command(write, done), item(of) {}
    static void write(redis::Command& command, redis::Output& out) noexcept {
      const Item& item = static_cast<Add&>(command).item;
      const TotalAsk& ask = item.ask;
      item.queue->cluster_ ? ask.counter->put_add_at_once(out, item.tag(), ask.number, ask.offer)
                           : ask.counter->put_add(out, item.tag(), ask.number, ask.offer);
    }
    static void done(redis::Command& command, const redis::Reply& reply) noexcept {
      static_cast<Add&>(command).item.added(reply);
    }
    Item& item;
  };

  struct Get : redis::Command {
    explicit Get(Item& of) noexcept : Command(write, done), item(of) {}
    static void write(redis::Command& command, redis::Output& out) noexcept {
      const Item& item = static_cast<Get&>(command).item;
      item.ask.counter->put_get(out, item.tag(), item.ask.number - 1);
    }
    static void done(redis::Command& command, const redis::Reply& reply) noexcept {
      Item& item = static_cast<Get&>(command).item;
      item.answer.previous = read_total(reply);
      item.close();
    }
    Item& item;
  };

  std::string_view tag() const noexcept { return {spelled.data(), spelled.size()}; }
  void begin(TotalQueue& of, const TotalAsk& what) noexcept;
  void added(const redis::Reply& reply) noexcept;
  void close() noexcept;

  TotalQueue* queue = nullptr;
  Item* next_free = nullptr;
  Add add{*this};
  Get get{*this};
  TotalAsk ask;
  TotalAnswer answer;
  std::array<char, RemoteTotal::kTag> spelled{};
  int open = 0;
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
    for (Item& item : items) put_back(item);
  }

  void put_back(Item& item) noexcept {
    item.next_free = free;
    free = &item;
  }

  // A total was less than its floor.
  void fell_short(redis::Client& client) noexcept {
    if (shortfalls == 0 || ngx_current_msec - short_since >= kSilence) {
      shortfalls = 0;
      short_since = ngx_current_msec;
    }
    if (++shortfalls < kTooMany) return;
    shortfalls = 0;
    say(client, "ZADD has no GT, as Redis 6.2 and later have");
  }

  // Redis refuses what is sent: that must be heard of, but not with every key.
  void say(redis::Client& client, std::string_view error) noexcept {
    if (said && ngx_current_msec - said_at < kSilence) return;
    said = true;
    said_at = ngx_current_msec;
    std::array<char, 128> text;
    std::size_t size = 0;
    for (char c : error.substr(0, text.size())) text[size++] = c >= ' ' && c < 0x7f ? c : '?';
    std::string_view name = client.name();
    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "guard_redis \"%*s\" refuses the counts of interval sync: %*s", name.size(),
                  name.data(), size, text.data());
  }

  Time time;
  std::array<Item, kMost> items;
  Item* free = nullptr;
  std::size_t busy = 0;
  int shortfalls = 0;
  ngx_msec_t short_since = 0;
  bool said = false;
  ngx_msec_t said_at = 0;
};

TotalQueue::TotalQueue(redis::Client& client, bool cluster, Answered answered, Told told,
                       void* context) noexcept
    : client_(client), cluster_(cluster), answered_(answered), told_(told), context_(context) {}

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
  Item& item = *state_->free;
  state_->free = item.next_free;
  ++state_->busy;
  item.begin(*this, ask);
}

void TotalQueue::ask_time() noexcept {
  State::Time& time = state_->time;
  if (time.waiting()) return;
  time.asked_at = microseconds();
  client_.send(time);
}

void TotalQueue::Item::begin(TotalQueue& of, const TotalAsk& what) noexcept {
  queue = &of;
  ask = what;
  answer = {};
  RemoteTotal::spell(ask.hash, spelled.data());
  open = ask.previous ? 2 : 1;
  add.route = tag();
  get.route = tag();
  add.replies = queue->cluster_ ? 1 : RemoteTotal::kAddReplies;
  queue->client_.send(add);
  if (ask.previous) queue->client_.send(get);
}

void TotalQueue::Item::added(const redis::Reply& reply) noexcept {
  switch (reply.fault()) {
    case redis::Fault::none:
      if (auto total = read_total(reply)) {
        answer.total = *total;
        if (*total < ask.offer.floor + ask.offer.more) queue->state_->fell_short(queue->client_);
      } else {
        answer.outcome = TotalOutcome::unknown;
      }
      break;
    case redis::Fault::error:
      queue->state_->say(queue->client_, reply.text());
      answer.outcome = TotalOutcome::unsent;
      break;
    case redis::Fault::unavailable:
    case redis::Fault::overflow:
      answer.outcome = TotalOutcome::unsent;
      break;
    case redis::Fault::timeout:
    case redis::Fault::lost:
      answer.outcome = TotalOutcome::unknown;
      break;
  }
  close();
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
