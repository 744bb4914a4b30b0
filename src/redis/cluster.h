// Many masters that share the slots of a Redis Cluster
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/): a command goes to
// the one that has its key's slot, and on from there where that one says so. Who has which slot is
// asked of any node (CLUSTER SLOTS): at the start, once a minute, and, with pauses that grow to a
// second, whenever a node is lost, sends a command on, or says that the cluster is down, and as
// long as nobody has some slot.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "core/backoff.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"
#include "redis/inquiry.h"
#include "redis/server.h"
#include "redis/slots.h"
#include "redis/topology.h"

namespace guard::redis {

class Cluster final : public Topology, private Inquiry::Owner {
 public:
  static constexpr std::uint8_t kMostHops = 5;    // of a command, without a pause
  static constexpr std::size_t kMostStrays = 16;  // nodes that are not in the map

  // Throws std::bad_alloc.
  explicit Cluster(Client& client);

  void start() override { ask(); }
  Link* route(const Command& command) noexcept override;
  bool undecided() const noexcept override { return !known_ && !in_vain_; }
  bool available() const noexcept override;
  Standing standing() const noexcept override;
  const ngx::Endpoint* endpoint(const Link& link) noexcept override;
  std::string_view why() const noexcept override { return inquiry_.why(); }
  std::string_view probe_key(const Link& link) noexcept override;
  bool redirect(Command& command, const Reply& reply, Link& from) noexcept override;
  void came_up(Link& /*link*/) noexcept override { recover(); }
  void went_down(Link& link) noexcept override;

 private:
  struct Node {
    // Throws std::bad_alloc.
    Node(Topology& topology, Client& client) : server(topology, client) {}

    ngx::Endpoint endpoint;
    Server server;
    bool mapped = false;      // the map has it; else it is closed once nobody has used it for long
    ngx_msec_t used = 0;      // of one that is not mapped: when it got a command
    ngx_msec_t renewed = 0;   // when somebody else last said that it is there
    std::uint32_t probe = 0;  // the number in its last probe key
  };

  const ngx::Endpoint* candidate(std::size_t i) noexcept override;
  void put_question(Output& output) noexcept override;
  std::string_view on_answer(const Reply& reply, std::size_t i,
                             const ngx::Endpoint& who) noexcept override;
  void on_silence() noexcept override;

  void ask() noexcept;
  void ask_soon() noexcept;
  void ask_later() noexcept;
  void adopt(const SlotMap& map);
  void sweep(ngx_msec_t unused) noexcept;
  void recover() noexcept;
  void find_hole() noexcept;

  std::uint16_t find(const Link& link) const noexcept;
  std::uint16_t find(std::string_view host, in_port_t port) const noexcept;
  std::uint16_t add(std::string_view host, std::string_view address, in_port_t port) noexcept;
  void set_address(ngx::Endpoint& endpoint, std::string_view address) noexcept;
  std::uint16_t target(std::string_view host, in_port_t port) noexcept;
  static void believe(Node& node) noexcept;
  Link* any() noexcept;

  // Indexes of nodes_, in which a node that is gone leaves a gap.
  std::array<std::uint16_t, kSlots> owners_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::size_t next_ = 0;       // for commands that any node may have
  std::size_t hole_ = kSlots;  // the first slot that nobody has
  bool known_ = false;
  bool in_vain_ = false;  // nobody has ever told who has which slots

  Inquiry inquiry_;
  std::vector<std::uint16_t> candidates_;
  std::size_t first_seed_ = 0;
  core::Backoff backoff_;
  ngx_msec_t asked_ = 0;  // when
  ngx_msec_t pause_ = 0;  // since then
  bool soon_ = false;     // the timer is that of ask_soon()
  ngx::Timer timer_;
  ngx::Timer retry_;
  ngx::Timer sweep_timer_;
  std::array<char, 24> probe_key_{};
  // The first one that was lost since all were there, "HOST:PORT".
  std::array<char, ngx::Endpoint::kMaxHost + 8> lost_{};
  std::size_t lost_size_ = 0;
};

}  // namespace guard::redis
