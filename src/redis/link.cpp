#include "redis/link.h"

#include <algorithm>
#include <string>
#include <utility>

#include "redis/failures.h"
#include "redis/slots.h"

namespace guard::redis {

namespace {

constexpr std::size_t kCongested = 64 << 10;  // unwritten bytes from which on commands stay behind
constexpr std::size_t kReadSize = 16 << 10;
constexpr int kReadsPerTurn = 16;
constexpr ngx_msec_t kHanging = 1000;  // without a reply, besides the timeout
constexpr ngx_msec_t kBrief = 1000;  // a connection that is lost sooner is not opened again at once
constexpr unsigned kRefused = 5;     // commands, from which on it is said
constexpr ngx_msec_t kRelapse = 60'000;  // rights that are missing again sooner never were there
constexpr ngx_msec_t kProven = 10'000;   // one that held as long has proven that all is well

std::uint64_t now() noexcept {
  return ngx_current_msec;
}

}  // namespace

Link::Link(Topology& topology, Client& client) noexcept
    : topology_(topology),
      client_(client),
      connection_(*this),
      timer_([](void* self) noexcept { static_cast<Link*>(self)->on_timer(); }, this, false),
      turn_end_([](void* self) noexcept { static_cast<Link*>(self)->flush(); }, this) {}

void Link::start() noexcept {
  if (state_ == State::idle) connect();
}

void Link::restart(std::string_view why) noexcept {
  why_.set(why);
  close();
  drop(false);
  // What the old one has failed at says nothing of the new one.
  if (usable()) breaker_.close();
  in_vain_ = false;
  forgive();
  connect();
}

void Link::renew() noexcept {
  if (usable()) return;
  breaker_.close();
  if (state_ == State::waiting) connect();
}

void Link::end() noexcept {
  close();
  drop(true);
  state_ = State::idle;
}

// Commands

// Commands that nobody waits for any more never expire, but a server that does not answer them will
// not answer others.
bool Link::hangs() noexcept {
  if (!ready() || !ring_.has_sent()) return false;
  const auto since = static_cast<std::uint32_t>(now()) - ring_.first().sent_at;
  // A worker that was held up finds its requests before it finds the answers.
  return since > kHanging + client_.timeout() && !connection_.has_unread();
}

bool Link::push(Command& command) noexcept {
  if (hangs()) {
    explain_time("no answer", kHanging + client_.timeout());
    breaker_.open();
    trip();
    late_ = true;
    return false;
  }
  if (!ring_.push(&command, command.ticket_)) return false;
  command.link_ = this;
  command.state_ = Command::State::queued;
  if (ready()) turn_end_.post();
  return true;
}

void Link::forget(Command& command) noexcept {
  ring_.empty(command.ticket_);
  command.link_ = nullptr;
}

void Link::expired(Command& command) noexcept {
  if (command.state_ == Command::State::sent) count(client_.settings().shared->timeouts);
  forget(command);
  if (!breaker_.failed(now())) return;
  const bool asked = ready();
  // While it is being connected to, the attempt tells whether it is there.
  if (!asked && state_ != State::waiting) return drop(true);
  if (asked) explain_time("no answer", client_.timeout());
  trip();
  late_ = late_ || asked;
}

void Link::fill() noexcept {
  // A turn that took long must not make them look as if they had waited as long.
  if (ring_.has_unsent()) ngx_time_update();
  std::uint64_t written = 0;
  while (ring_.has_unsent() && output_.pending().size() < kCongested && !output_.failed()) {
    Ring::Slot& slot = ring_.unsent();
    Command* command = slot.command;
    if (command != nullptr && timed_since_ == 0) {
      timed_since_ = client_.settings().round_trips.begin();
      timed_ = ring_.unsent_ticket();
    }
    ring_.advance();
    if (command == nullptr) continue;
    slot.replies = 1;
    slot.sent_at = static_cast<std::uint32_t>(now());
    if (command->asking_) {
      command->asking_ = false;
      ++slot.replies;
      output_.begin(1);
      output_.bulk("ASKING");
    }
    written += slot.replies;
    command->state_ = Command::State::sent;
    command->write_(*command, output_);
  }
  skip_unwritten();
  if (written > 0) count(client_.settings().shared->commands, written);
}

// Those that were forgotten before they were written, whose replies nobody waits for.
void Link::skip_unwritten() noexcept {
  while (ring_.has_sent() && ring_.first().replies == 0) ring_.pop();
}

void Link::flush() noexcept {
  while (ready()) {
    fill();
    if (output_.failed()) return lose("out of memory");
    if (output_.pending().empty() || !write_out()) return;
  }
}

// Whether all that was pending is on its way.
bool Link::write_out() noexcept {
  while (!output_.pending().empty()) {
    const ssize_t sent = connection_.write(output_.pending());
    if (sent == 0) return false;
    if (sent < 0) {
      lose(connection_.why());
      return false;
    }
    output_.sent(static_cast<std::size_t>(sent));
  }
  return true;
}

// Replies

void Link::readable() noexcept {
  const std::uint32_t life = life_;
  char buffer[kReadSize];
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const ssize_t got = connection_.read(buffer, sizeof(buffer));
    if (got == 0) return;
    if (got < 0) return lose(connection_.why());
    early_ = false;
    const bool understood = reader_.feed({buffer, static_cast<std::size_t>(got)}) &&
                            reader_.drain([&](const Reply& reply) noexcept {
                              on_reply(reply);
                              return life == life_;
                            });
    if (life != life_) return;
    if (!understood) return lose("what came is no reply of Redis");
  }
  connection_.read_later();
}

void Link::on_reply(const Reply& reply) noexcept {
  if (!ready()) return on_setup_reply(reply);
  if (!ring_.has_sent()) return lose("a reply came that nobody waits for");

  if (timed_since_ != 0 && ring_.first_ticket() == timed_) {
    client_.settings().round_trips.end(std::exchange(timed_since_, 0));
  }
  Ring::Slot& slot = ring_.first();
  Command* command = slot.command;
  const std::uint32_t sent_at = slot.sent_at;
  // What comes too late is no success: it has been judged already.
  const Writer writer = command != nullptr ? command->write_ : nullptr;
  const Verdict verdict = command != nullptr ? judge(reply, *command) : Verdict::none;
  if (--slot.replies == 0) {
    ring_.pop();
    skip_unwritten();
    if (command != nullptr) {
      command->link_ = nullptr;
      client_.answer(*command, reply, *this);
    }
  }
  if (verdict == Verdict::opened) return trip();
  // Not before: it is told to others, who may send something.
  if (verdict != Verdict::success || !in_vain_ || !ready()) return;
  if (relapsed_ || (denied_ != nullptr && denied_ != writer)) return;
  if (!late_ || in_good_time(sent_at)) trust();
}

// With so much to spare that the next one has a chance as well.
bool Link::in_good_time(std::uint32_t asked_at) const noexcept {
  return 2 * (static_cast<std::uint32_t>(now()) - asked_at) <= client_.timeout();
}

Link::Verdict Link::judge(const Reply& reply, const Command& command) noexcept {
  if (reply.fault() != Fault::error) {
    breaker_.succeeded(now());
    return Verdict::success;
  }
  count(client_.settings().shared->errors);
  const std::string_view error = reply.text();
  // It is sent again with the script, and what comes then counts.
  if (is_unknown_script(error)) return Verdict::none;
  if (command.may_be_lacking && lacks_command(error)) return Verdict::none;
  const bool denied = lacks_right(error);
  if (denied && denied_ != nullptr) timer_.start(kProven);
  const bool failure = is_failure(error);
  if (!failure) breaker_.succeeded(now());
  // Asking a replica again will not make a master of it.
  const bool opened =
      failure && (code_of(error) == "READONLY" ? breaker_.open() : breaker_.failed(now()));
  if (opened) {
    why_.set(error);
    refused_ = 0;
    if (denied) {
      doubted_ = true;
      denied_ = command.write_;
      relapsed_ = relapsed_ || (pardoned_at_ != 0 && ngx_current_msec - pardoned_at_ < kRelapse);
    }
    return Verdict::opened;
  }
  if (is_refusal(error, client_.is_cluster()) && ++refused_ == kRefused) {
    refused_ = 0;
    client_.complain(error);
  }
  return failure ? Verdict::failure : Verdict::success;
}

void Link::forgive() noexcept {
  doubted_ = late_ = relapsed_ = false;
  denied_ = nullptr;
}

void Link::trust() noexcept {
  in_vain_ = false;
  if (!doubted_ && !late_) return;
  if (denied_ != nullptr) pardoned_at_ = ngx_current_msec;
  forgive();
  timer_.stop();
  topology_.came_up(*this);
}

// Coming up

void Link::connect() noexcept {
  state_ = State::connecting;
  give_time(client_.settings().connect_timeout());
  const ngx::Endpoint* endpoint = topology_.endpoint(*this);
  if (endpoint == nullptr) return attempt_failed(topology_.why());
  switch (connection_.open(*endpoint, client_.settings().route)) {
    case ngx::Outgoing::Opening::opened:
      return opened();
    case ngx::Outgoing::Opening::failed:
      return attempt_failed(connection_.why());
    case ngx::Outgoing::Opening::pending:
      break;
  }
}

// From now on, however long this turn of the event loop has taken.
void Link::give_time(ngx_msec_t limit) noexcept {
  ngx_time_update();
  timer_.start(limit);
}

void Link::opened() noexcept {
  count(client_.settings().shared->connects);
  if (!reader_.start()) return attempt_failed("out of memory");
  state_ = State::setup;
  step_ = step_count_ = 0;
  objected_ = false;
  const Settings& settings = client_.settings();
  if (!settings.password.empty()) add_step(Step::auth);
  if (settings.policy.url.database != 0) add_step(Step::select);
  add_step(Step::name);
  if (settings.policy.url.kind == Kind::sentinel) add_step(Step::role);
  write_out();
}

void Link::add_step(Step step) noexcept {
  steps_[step_count_++] = step;
  const Settings& settings = client_.settings();
  switch (step) {
    case Step::auth:
      output_.begin(settings.policy.user.empty() ? 2 : 3);
      output_.bulk("AUTH");
      if (!settings.policy.user.empty()) output_.bulk(settings.policy.user);
      output_.bulk(settings.password.expose());
      break;
    case Step::select:
      output_.begin(2);
      output_.bulk("SELECT");
      output_.bulk(settings.policy.url.database);
      break;
    case Step::name:
      output_.begin(3);
      output_.bulk("CLIENT");
      output_.bulk("SETNAME");
      output_.bulk("guard-", settings.policy.name);
      break;
    case Step::role:
      output_.begin(1);
      output_.bulk("ROLE");
      break;
    case Step::probe:
      const std::string_view key = topology_.probe_key(*this);
      if (key.empty()) {
        output_.begin(1);
        output_.bulk("PING");
        break;
      }
      // What only reads would be answered by a replica, too, and by a server without memory.
      output_.begin(5);
      output_.bulk("SET");
      output_.bulk(settings.policy.prefix, key);
      output_.bulk(1);
      output_.bulk("PX");
      output_.bulk(1000);
      break;
  }
}

void Link::on_setup_reply(const Reply& reply) noexcept {
  if (step_ == step_count_ || early_) return attempt_failed("a reply came that nobody waits for");
  const Step step = steps_[step_++];
  if (step == Step::role && reply.ok() && reply[0].text() != "master") {
    return attempt_failed("the server that the sentinels name is not the master");
  }
  // A slot may have moved since.
  const bool moved = step == Step::probe && client_.is_cluster() && is_redirection(reply.text());
  if (!reply.ok() && !moved) {
    count(client_.settings().shared->errors);
    if (step == Step::auth) {
      // A server that repeats the password, as Redis does not, is not quoted.
      const std::string_view password = client_.settings().password.expose();
      std::string_view told = reply.text();
      if (told.find(password) != std::string_view::npos) told = code_of(told);
      if (told.find(password) != std::string_view::npos) told = {};
      return attempt_failed("AUTH was refused: ", told);
    }
    if (step == Step::select) return attempt_failed("SELECT was refused: ", reply.text());
    if (step == Step::role) return attempt_failed("ROLE was refused: ", reply.text());
    if (step == Step::probe) {
      // Then it is the probe that tells when the right is there.
      if (lacks_right(reply.text())) {
        denied_ = nullptr;
        relapsed_ = false;
      }
      return attempt_failed(reply.text());
    }
    // The name alone is no matter, but a server that takes nobody says so to whatever comes first.
    why_.set(reply.text());
    objected_ = !lacks_right(reply.text());
  }
  if (step_ != step_count_) return;
  if (state_ == State::probe) {
    late_ = late_ && !in_good_time(probed_at_);
    return stand();
  }
  // A server that takes longer to answer than commands may wait is of no use to them.
  state_ = State::probe;
  give_time(client_.timeout());
  probed_at_ = static_cast<std::uint32_t>(now());
  step_ = step_count_ = 0;
  add_step(Step::probe);
  write_out();
  early_ = true;
}

void Link::stand() noexcept {
  state_ = State::ready;
  timer_.stop();
  if (doubted_ || late_) timer_.start(kProven);
  stands_since_ = ngx_current_msec;
  // What is lost with each connection counts in a row, however well each of them begins.
  if (!breaker_.closed()) {
    in_vain_ = true;
    breaker_.close();
  }
  topology_.came_up(*this);
  // Not at once: a further reply that was read with the last one is nobody's.
  turn_end_.post();
}

void Link::writable() noexcept {
  if (ready()) return flush();
  if (state_ == State::setup || state_ == State::probe) write_out();
}

// Going down

void Link::broken() noexcept {
  lose(connection_.why());
}

void Link::on_timer() noexcept {
  if (state_ == State::waiting) return connect();
  if (ready()) return breaker_.failing() ? timer_.start(kProven) : trust();
  if (state_ == State::connecting) {
    explain_time("no connection", client_.settings().connect_timeout());
  } else {
    explain_time("no answer",
                 state_ == State::probe ? client_.timeout() : client_.settings().connect_timeout());
  }
  attempt_failed(why());
}

void Link::explain_time(const char* what, ngx_msec_t limit) noexcept {
  std::array<u_char, 64> text;
  const u_char* end = ngx_snprintf(text.data(), text.size(), "%s within %Mms", what, limit);
  why_.set(
      {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(end - text.data())});
}

void Link::close() noexcept {
  ++life_;
  timed_since_ = 0;
  connection_.close();
  reader_.stop();
  output_.clear();
  turn_end_.cancel();
  timer_.stop();
  if (state_ == State::ready && ngx_current_msec - stands_since_ >= kProven) backoff_.reset();
}

void Link::retry_later() noexcept {
  state_ = State::waiting;
  timer_.start(static_cast<ngx_msec_t>(backoff_.next(static_cast<std::uint64_t>(ngx_random()))));
}

void Link::drop(bool unsent) noexcept {
  while (ring_.has_sent()) {
    if (Command* command = ring_.take()) drop(*command, Fault::lost);
  }
  while (unsent && ring_.has_unsent()) {
    if (Command* command = ring_.take()) drop(*command, Fault::unavailable);
  }
}

void Link::drop(Command& command, Fault fault) noexcept {
  command.link_ = nullptr;
  client_.fail(command, fault);
}

// Whoever waits need not wait for the next attempt.
void Link::attempt_failed(std::string_view text, std::string_view more) noexcept {
  why_.set(text, more);
  close();
  breaker_.open();
  drop(true);
  retry_later();
  topology_.went_down(*this);
}

void Link::lose(std::string_view text) noexcept {
  if (!ready()) return attempt_failed(objected_ ? why() : text);
  why_.set(text);
  const bool opened = ring_.has_sent() && breaker_.failed(now());
  doubted_ = doubted_ || (opened && in_vain_);
  const bool brief = ngx_current_msec - stands_since_ < kBrief;
  close();
  drop(opened);
  if (opened || brief) {
    retry_later();
  } else {
    connect();
  }
  topology_.went_down(*this);
}

// The breaker has opened.
void Link::trip() noexcept {
  if (ready()) {
    doubted_ = doubted_ || (in_vain_ && !late_);
    close();
    retry_later();
  }
  drop(true);
  topology_.went_down(*this);
}

}  // namespace guard::redis
