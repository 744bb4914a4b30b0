#include "redis/sentinel.h"

#include <algorithm>
#include <charconv>

namespace guard::redis {

namespace {

constexpr ngx_msec_t kPause = 50;  // between two rounds of questions
constexpr std::size_t kReadSize = 4096;

// 0: no port.
in_port_t port_of(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() ? port : 0;
}

bool same(const ngx::Endpoint& a, const ngx::Endpoint& b) noexcept {
  return a.port == b.port && a.host() == b.host();
}

}  // namespace

Sentinel::Sentinel(Client& client)
    : Topology(client),
      server_(*this, client),
      connection_(*this),
      timer_([](void* self) noexcept { static_cast<Sentinel*>(self)->on_timer(); }, this, false) {}

void Sentinel::went_down(Link& link) noexcept {
  Topology::went_down(link);
  ask();
}

void Sentinel::ask() noexcept {
  if (asking_ || timer_.running()) return;
  if (asked_ != 0 && ngx_current_msec - asked_ < kPause) return timer_.start(kPause);
  asking_ = true;
  asked_ = ngx_current_msec;
  tried_ = 0;
  ask_next();
}

void Sentinel::ask_next() noexcept {
  const auto& sentinels = *client().settings().endpoints;
  // Each of those that refuse at once; one that makes us wait ends the loop.
  while (tried_ < sentinels.size()) {
    timer_.start(client().settings().connect_timeout());
    switch (connection_.open(sentinels[current_], client().settings().route)) {
      case ngx::Outgoing::Opening::opened:
        return opened();
      case ngx::Outgoing::Opening::pending:
        return;
      case ngx::Outgoing::Opening::failed:
        break;
    }
    explain(connection_.why());
    current_ = (current_ + 1) % sentinels.size();
    ++tried_;
  }
  // Without a master this fails the commands that wait, and comes back here later.
  end();
  if (!known_) server_.start();
}

void Sentinel::opened() noexcept {
  if (!reader_.start()) return no_answer("out of memory");
  const Settings& settings = client().settings();
  authenticating_ = !settings.sentinel_password.empty();
  if (authenticating_) {
    output_.begin(2);
    output_.bulk("AUTH");
    output_.bulk(settings.sentinel_password.expose());
  }
  output_.begin(3);
  output_.bulk("SENTINEL");
  output_.bulk("get-master-addr-by-name");
  output_.bulk(settings.policy.url.master);
  write_out();
}

void Sentinel::write_out() noexcept {
  while (!output_.pending().empty()) {
    const ssize_t sent = connection_.write(output_.pending());
    if (sent == 0) return;
    if (sent < 0) return no_answer(connection_.why());
    output_.sent(static_cast<std::size_t>(sent));
  }
}

void Sentinel::readable() noexcept {
  std::array<char, kReadSize> buffer;
  for (;;) {
    const ssize_t got = connection_.read(buffer.data(), buffer.size());
    if (got == 0) return;
    if (got < 0) return no_answer(connection_.why());
    bool go_on = true;
    const bool understood =
        reader_.feed({buffer.data(), static_cast<std::size_t>(got)}) &&
        reader_.drain([&](const Reply& reply) noexcept { return go_on = on_reply(reply); });
    if (!go_on) return;
    if (!understood) return no_answer("what came is no reply of a sentinel");
  }
}

// Whether there is more to come.
bool Sentinel::on_reply(const Reply& reply) noexcept {
  if (authenticating_) {
    authenticating_ = false;
    if (reply.ok()) return true;
    no_answer("AUTH was refused by a sentinel");
    return false;
  }
  ngx::Endpoint found;
  const in_port_t port = port_of(reply[1].text());
  if (reply.size() != 2 || port == 0 || reply[0].text().empty() ||
      !ngx::set_endpoint(found, reply[0].text(), port)) {
    no_answer(reply.is_null() ? "a sentinel does not know the master"
                              : "a sentinel does not name the master");
    return false;
  }
  end();
  // The same again: then the links come back to it by themselves.
  if (known_ && same(master_, found)) return false;
  master_ = found;
  known_ = true;
  server_.restart("another server has become the master");
  return false;
}

void Sentinel::no_answer(std::string_view text) noexcept {
  explain(text);
  connection_.close();
  output_.clear();
  reader_.stop();
  current_ = (current_ + 1) % client().settings().endpoints->size();
  ++tried_;
  ask_next();
}

void Sentinel::end() noexcept {
  asking_ = false;
  connection_.close();
  output_.clear();
  reader_.stop();
  timer_.stop();
}

void Sentinel::writable() noexcept {
  write_out();
}

void Sentinel::broken() noexcept {
  no_answer(connection_.why());
}

void Sentinel::on_timer() noexcept {
  if (asking_) return no_answer("a sentinel does not answer in time");
  ask();
}

void Sentinel::explain(std::string_view text) noexcept {
  why_length_ = std::min(text.size(), why_.size());
  std::copy_n(text.begin(), why_length_, why_.begin());
}

}  // namespace guard::redis
