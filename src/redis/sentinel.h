// One master that sentinels know by its name
// (https://redis.io/docs/latest/develop/reference/sentinel-clients/): whoever of them answers first
// is believed, the server itself must say that it is a master, and they are asked again whenever it
// is lost or refuses to write; another one first where the last one names it once more.
#pragma once

#include "ngx/outgoing.h"
#include "ngx/timer.h"
#include "redis/inquiry.h"
#include "redis/server.h"
#include "redis/topology.h"

namespace guard::redis {

class Sentinel final : public Topology, private Inquiry::Owner {
 public:
  // Throws std::bad_alloc.
  explicit Sentinel(Client& client);

  void start() override { ask(); }
  Link* route(const Command& /*command*/) noexcept override { return server_.pick(); }
  bool available() const noexcept override { return server_.usable(); }
  Standing standing() const noexcept override { return server_.standing(); }
  const ngx::Endpoint* endpoint(const Link& /*link*/) noexcept override {
    return known_ ? &master_ : nullptr;
  }
  std::string_view why() const noexcept override { return inquiry_.why(); }
  void went_down(Link& link) noexcept override;

 private:
  const ngx::Endpoint* candidate(std::size_t i) noexcept override;
  void put_question(Output& output) noexcept override;
  std::string_view on_answer(const Reply& reply, std::size_t i,
                             const ngx::Endpoint& who) noexcept override;
  void on_silence() noexcept override;

  void ask() noexcept;

  Server server_;
  ngx::Endpoint master_;
  bool known_ = false;

  Inquiry inquiry_;
  ngx::Timer timer_;         // until the next one
  std::size_t current_ = 0;  // of the sentinels, modulo their number: who is asked first
  ngx_msec_t asked_ = 0;
};

}  // namespace guard::redis
