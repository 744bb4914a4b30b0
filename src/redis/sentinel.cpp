#include "redis/sentinel.h"

#include <charconv>

#include "redis/url.h"

namespace guard::redis {

namespace {

constexpr ngx_msec_t kPause = 50;  // between two rounds of questions

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
      inquiry_(*this, client, {"a sentinel", {}, client.settings().sentinel_password}),
      timer_([](void* self) noexcept { static_cast<Sentinel*>(self)->ask(); }, this, false) {}

void Sentinel::went_down(Link& link) noexcept {
  Topology::went_down(link);
  ask();
}

void Sentinel::ask() noexcept {
  if (inquiry_.asking() || timer_.running()) return;
  if (asked_ != 0 && ngx_current_msec - asked_ < kPause) return timer_.start(kPause);
  asked_ = ngx_current_msec;
  inquiry_.ask();
}

const ngx::Endpoint* Sentinel::candidate(std::size_t i) noexcept {
  const auto& sentinels = *client().settings().endpoints;
  return i < sentinels.size() ? &sentinels[(current_ + i) % sentinels.size()] : nullptr;
}

void Sentinel::put_question(Output& output) noexcept {
  output.begin(3);
  output.bulk("SENTINEL");
  output.bulk("get-master-addr-by-name");
  output.bulk(client().settings().policy.url.master);
}

std::string_view Sentinel::on_answer(const Reply& reply, std::size_t i,
                                     const ngx::Endpoint& /*who*/) noexcept {
  ngx::Endpoint found;
  const in_port_t port = port_of(reply[1].text());
  if (reply.is_null()) return "a sentinel does not know the master";
  if (reply.size() != 2 || port == 0 || !is_host(reply[0].text()) ||
      !ngx::set_endpoint(found, reply[0].text(), port)) {
    return "a sentinel does not name the master";
  }
  current_ = (current_ + i) % client().settings().endpoints->size();
  // The same again: then the links come back to it by themselves. If they cannot, another sentinel
  // may know better: one that is cut off from the others does not hear of what they decide.
  if (known_ && same(master_, found)) {
    if (!server_.usable()) ++current_;
    return {};
  }
  set_known_address(found);
  master_ = found;
  known_ = true;
  server_.restart("another server has become the master");
  return {};
}

// Without a master this fails the commands that wait, and comes back to ask() later.
void Sentinel::on_silence() noexcept {
  if (!known_) server_.start();
}

}  // namespace guard::redis
