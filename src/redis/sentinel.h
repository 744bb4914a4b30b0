// One master that sentinels know by its name
// (https://redis.io/docs/latest/develop/reference/sentinel-clients/): whoever of them answers first
// is believed, the server itself must say that it is a master, and they are asked again whenever it
// is lost or refuses to write.
#pragma once

#include <array>

#include "ngx/outgoing.h"
#include "ngx/timer.h"
#include "redis/output.h"
#include "redis/reader.h"
#include "redis/server.h"
#include "redis/topology.h"

namespace guard::redis {

class Sentinel final : public Topology, private ngx::Outgoing::Owner {
 public:
  // Throws std::bad_alloc.
  explicit Sentinel(Client& client);

  void start() override { ask(); }
  Link* route(const Command& /*command*/) noexcept override { return server_.pick(); }
  bool available() const noexcept override { return server_.usable(); }
  const ngx::Endpoint* endpoint(const Link& /*link*/) noexcept override {
    return known_ ? &master_ : nullptr;
  }
  std::string_view why() const noexcept override { return {why_.data(), why_length_}; }
  void went_down(Link& link) noexcept override;

 private:
  void opened() noexcept override;
  void readable() noexcept override;
  void writable() noexcept override;
  void broken() noexcept override;

  void ask() noexcept;
  void ask_next() noexcept;
  void no_answer(std::string_view text) noexcept;
  void write_out() noexcept;
  bool on_reply(const Reply& reply) noexcept;
  void on_timer() noexcept;
  void end() noexcept;
  void explain(std::string_view text) noexcept;

  Server server_;
  ngx::Endpoint master_;
  bool known_ = false;

  ngx::Outgoing connection_;
  Output output_;
  Reader reader_;
  ngx::Timer timer_;         // of a question, or until the next one
  std::size_t current_ = 0;  // of the sentinels: the one that is asked, or answered last
  std::size_t tried_ = 0;    // how many of them, in vain
  bool asking_ = false;
  bool authenticating_ = false;
  ngx_msec_t asked_ = 0;
  std::array<char, 256> why_{};
  std::size_t why_length_ = 0;
};

}  // namespace guard::redis
