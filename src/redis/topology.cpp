#include "redis/topology.h"

#include "redis/cluster.h"
#include "redis/link.h"
#include "redis/sentinel.h"
#include "redis/server.h"

namespace guard::redis {

namespace {

class SingleServer final : public Topology {
 public:
  explicit SingleServer(Client& client)
      : Topology(client), endpoint_(client.settings().endpoints->front()), server_(*this, client) {}

  void start() override { server_.start(); }
  Link* route(const Command& /*command*/) noexcept override { return server_.pick(); }
  bool available() const noexcept override { return server_.usable(); }
  Standing standing() const noexcept override { return server_.standing(); }
  const ngx::Endpoint* endpoint(const Link& /*link*/) noexcept override { return &endpoint_; }

 private:
  const ngx::Endpoint& endpoint_;
  Server server_;
};

}  // namespace

void Topology::went_down(Link& link) noexcept {
  client_.reconsider(link.why());
}

void Topology::set_known_address(ngx::Endpoint& endpoint) noexcept {
  if (!endpoint.is_name) return;
  for (const ngx::Endpoint& known : *client_.settings().endpoints) {
    if (known.host() == endpoint.host()) return ngx::set_addresses(endpoint, known);
  }
}

std::unique_ptr<Topology> make_topology(Client& client) {
  switch (client.settings().policy.url.kind) {
    case Kind::sentinel:
      return std::make_unique<Sentinel>(client);
    case Kind::cluster:
      return std::make_unique<Cluster>(client);
    case Kind::server:
      break;
  }
  return std::make_unique<SingleServer>(client);
}

}  // namespace guard::redis
