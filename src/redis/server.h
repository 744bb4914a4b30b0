// One Redis server and this worker's connections to it.
#pragma once

#include <memory>
#include <vector>

#include "redis/link.h"

namespace guard::redis {

class Server {
 public:
  // Throws std::bad_alloc.
  Server(Topology& topology, Client& client) {
    for (unsigned i = 0; i < client.settings().policy.pool; ++i) {
      links_.push_back(std::make_unique<Link>(topology, client));
    }
  }

  void start() noexcept {
    for (auto& link : links_) link->start();
  }
  void restart(std::string_view why) noexcept {
    for (auto& link : links_) link->restart(why);
  }

  void renew() noexcept {
    for (auto& link : links_) link->renew();
  }
  // For good: the links must not be used any more.
  void end() noexcept {
    for (auto& link : links_) link->end();
  }

  bool has(const Link& link) const noexcept {
    for (const auto& own : links_) {
      if (own.get() == &link) return true;
    }
    return false;
  }
  bool usable() const noexcept {
    for (const auto& link : links_) {
      if (link->usable()) return true;
    }
    return false;
  }

  Standing standing() const noexcept {
    bool any = false;
    for (const auto& link : links_) {
      if (link->usable() && link->trusted()) return Standing::whole;
      any = any || link->usable();
    }
    return any ? Standing::unsure : Standing::broken;
  }

  // Each connection in turn, those that stand first; null: none is usable.
  Link* pick() noexcept {
    Link* usable = nullptr;
    for (std::size_t i = 0; i < links_.size(); ++i) {
      next_ = next_ + 1 < links_.size() ? next_ + 1 : 0;
      Link* link = links_[next_].get();
      if (link->usable() && link->ready()) return link;
      if (link->usable()) usable = link;
    }
    return usable;
  }

 private:
  std::vector<std::unique_ptr<Link>> links_;
  std::size_t next_ = 0;
};

}  // namespace guard::redis
