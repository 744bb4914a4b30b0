#include "redis/client.h"

#include "core/plain_text.h"
#include "redis/link.h"
#include "redis/topology.h"

namespace guard::redis {

namespace {

constexpr std::int64_t kSilence = 60'000;  // milliseconds between two complaints

}  // namespace

Client::Client(Settings&& settings, Changed changed) noexcept
    : settings_(std::move(settings)),
      changed_(changed),
      deadline_([](void* self) noexcept { static_cast<Client*>(self)->expire(); }, this, true),
      delivery_([](void* self) noexcept { static_cast<Client*>(self)->deliver(); }, this, true),
      turn_end_([](void* self) noexcept { static_cast<Client*>(self)->end_turn(); }, this) {}

Client::~Client() = default;

bool Client::start() noexcept {
  try {
    if (topology_ == nullptr) topology_ = make_topology(*this);
    topology_->start();
    return true;
  } catch (const std::bad_alloc&) {
    topology_.reset();
    return false;
  }
}

void Client::stop() noexcept {
  set_deadlines();
  for (Hook* hook = waiting_.first(); hook != &waiting_; hook = hook->next()) {
    static_cast<Command*>(hook)->link_ = nullptr;
  }
  topology_.reset();
  deadline_.stop();
  delivery_.stop();
  turn_end_.cancel();
}

bool Client::available() const noexcept {
  return topology_ != nullptr && topology_->available();
}

std::size_t Client::waiting() const noexcept {
  std::size_t count = 0;
  for (const Hook* list : {&sent_now_, &waiting_}) {
    for (const Hook* hook = list->next(); hook != list; hook = hook->next()) ++count;
  }
  return count;
}

void Client::send(Command& command) noexcept {
  command.deadline_ = ngx_current_msec + timeout();
  enter(command, sent_now_);
  if (!sent_now_.alone()) turn_end_.post();
}

void Client::send_again(Command& command) noexcept {
  // What has waited as long is among the first.
  Hook* later = waiting_.first();
  while (later != &waiting_ && static_cast<Command*>(later)->time_left() <= command.time_left()) {
    later = later->next();
  }
  enter(command, *later);
}

// later: before which it is to wait.
void Client::enter(Command& command, Hook& later) noexcept {
  command.hops_ = 0;
  command.asking_ = false;
  command.link_ = nullptr;
  command.state_ = Command::State::held;
  later.append(command);
  dispatch(command);
  if (waiting_.first() == &command) expire();
}

void Client::dispatch(Command& command) noexcept {
  Link* link = topology_ == nullptr ? nullptr : topology_->route(command);
  if (link != nullptr) return push(command, *link);
  if (topology_ == nullptr || !topology_->undecided()) fail(command, Fault::unavailable);
}

void Client::push(Command& command, Link& link) noexcept {
  if (link.push(command)) return;
  fail(command, link.usable() ? Fault::overflow : Fault::unavailable);
}

void Client::send_on(Command& command, Link& link, bool asking) noexcept {
  ++command.hops_;
  command.asking_ = asking;
  push(command, link);
}

void Client::hold(Command& command) noexcept {
  command.state_ = Command::State::held;
  command.hops_ = 0;
}

void Client::release() noexcept {
  set_deadlines();
  Hook* hook = waiting_.first();
  while (hook != &waiting_) {
    auto& command = *static_cast<Command*>(hook);
    Hook* next = hook->next();
    if (command.state_ == Command::State::held) {
      const std::uint64_t before = settled_;
      dispatch(command);
      // If others have failed with it, the next one may be gone.
      const bool alone = settled_ == before + 1 && command.state_ == Command::State::failed;
      if (settled_ != before && !alone) next = waiting_.first();
    }
    hook = next;
  }
}

void Client::forget(Command& command) noexcept {
  if (command.link_ != nullptr) command.link_->forget(command);
  settle(command);
}

// It waits for nothing any more.
void Client::settle(Command& command) noexcept {
  command.unlink();
  ++settled_;
  command.state_ = Command::State::idle;
  // A quitting worker need not wait for it.
  if (waiting_.alone()) deadline_.stop();
}

void Client::answer(Command& command, const Reply& reply, Link& from) noexcept {
  if (reply.fault() == Fault::error && topology_->redirect(command, reply, from)) return;
  settle(command);
  command.done_(command, reply);
}

// Faults are told when the turn ends, so that nobody hears of one within a call of his own.
void Client::fail(Command& command, Fault fault) noexcept {
  settle(command);
  command.link_ = nullptr;
  command.state_ = Command::State::failed;
  command.fault_ = fault;
  failed_.append(command);
  if (!delivering_) turn_end_.post();
}

void Client::end_turn() noexcept {
  set_deadlines();
  deliver();
}

// nginx's clock stands still within a turn of the event loop. By it, a turn that took long, by the
// work for other requests, would leave Redis less time than timeout= says, or none.
void Client::set_deadlines() noexcept {
  if (sent_now_.alone()) return;
  ngx_time_update();
  const bool first = waiting_.alone();
  const ngx_msec_t deadline = ngx_current_msec + timeout();
  while (!sent_now_.alone()) {
    auto& command = *static_cast<Command*>(sent_now_.first());
    command.unlink();
    command.deadline_ = deadline;
    waiting_.append(command);
  }
  if (first) expire();
}

void Client::deliver() noexcept {
  if (failed_.alone()) return;
  Hook batch;
  batch.take(failed_);
  delivering_ = true;
  while (!batch.alone()) {
    auto& command = *static_cast<Command*>(batch.first());
    settle(command);
    command.done_(command, Reply(command.fault_));
  }
  delivering_ = false;
  // Who sends again at once must not keep the turn from ending.
  if (!failed_.alone()) delivery_.start(1);
}

void Client::expire() noexcept {
  while (!waiting_.alone()) {
    auto& command = *static_cast<Command*>(waiting_.first());
    const ngx_msec_int_t left = command.time_left();
    if (left > 0) return deadline_.start(static_cast<ngx_msec_t>(left));
    const bool sent = command.state_ == Command::State::sent;
    if (command.link_ != nullptr) command.link_->expired(command);
    fail(command, sent ? Fault::timeout : Fault::unavailable);
  }
}

void Client::reconsider(std::string_view why) noexcept {
  const Standing standing = topology_->standing();
  if (standing == Standing::unsure) return;
  const bool whole = standing == Standing::whole;
  if (told_ && whole == said_whole_) return;
  told_ = true;
  said_whole_ = whole;
  changed_(*this, whole, why);
}

void Client::complain(std::string_view error) noexcept {
  std::atomic<std::uint64_t>& last = settings_.shared->complained_at;
  std::uint64_t before = last.load();
  const std::uint64_t now = ngx_current_msec + 1;
  // Another worker's clock may be ahead.
  const auto since = static_cast<std::int64_t>(now - before);
  if (before != 0 && since < kSilence) return;
  if (!last.compare_exchange_strong(before, now)) return;
  core::PlainText<128> text;
  text.set(error);
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "guard_redis \"%*s\" refuses commands: %*s",
                name().size(), name().data(), text.view().size(), text.view().data());
}

}  // namespace guard::redis
