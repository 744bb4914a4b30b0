// Which servers there are and which of them gets a command: the one thing in which one server,
// Sentinel and Cluster differ.
#pragma once

#include <memory>

#include "redis/client.h"

namespace guard::redis {

// Whether all servers are there that commands need. unsure: not all have been connected to, and
// nothing says that they cannot be.
enum class Standing : std::uint8_t { whole, unsure, broken };

class Topology {
 public:
  explicit Topology(Client& client) noexcept : client_(client) {}
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;
  virtual ~Topology() = default;

  // Opens connections. Throws nothing but std::bad_alloc.
  virtual void start() = 0;
  // Null: nobody can take it now.
  virtual Link* route(const Command& command) noexcept = 0;
  // True: who could take it is not known yet. Such commands are held until Client::release().
  virtual bool undecided() const noexcept { return false; }
  // Whether anybody can take any.
  virtual bool available() const noexcept = 0;
  virtual Standing standing() const noexcept = 0;

  // For links.

  // Where this link is to connect to, asked before each attempt; null: not known, and the attempt
  // fails for the reason that why() gives.
  virtual const ngx::Endpoint* endpoint(const Link& link) noexcept = 0;
  virtual std::string_view why() const noexcept { return "no server is known"; }
  // The key, without prefix=, that the probe sets on this link; empty: none lives there, as far as
  // is known. Good until the next call.
  virtual std::string_view probe_key(const Link& /*link*/) noexcept { return "probe"; }
  // An error came from this link as the reply to a command. True: the topology has sent it on, or
  // holds it and will (MOVED, ASK, TRYAGAIN); false: the sender gets the error.
  virtual bool redirect(Command& /*command*/, const Reply& /*reply*/, Link& /*from*/) noexcept {
    return false;
  }
  // The link stands; its probe was answered.
  virtual void came_up(Link& /*link*/) noexcept { client_.reconsider({}); }
  // The link's connection was lost, could not be opened, or its breaker has opened.
  virtual void went_down(Link& link) noexcept;

 protected:
  Client& client() noexcept { return client_; }
  // Of a name: the addresses that the configuration has found for a host of that name in the URL.
  void set_known_address(ngx::Endpoint& endpoint) noexcept;

 private:
  Client& client_;
};

// The one that suits the URL. Throws std::bad_alloc.
std::unique_ptr<Topology> make_topology(Client& client);

}  // namespace guard::redis
