// A list of networks: whose X-Forwarded-Proto counts, who is exempt.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/address.h"

namespace guard::core {

class CidrList {
 public:
  // "192.0.2.0/24", "2001:db8::/32", an address alone, or "unix:" for clients on a Unix socket, as
  // for nginx's set_real_ip_from. An IPv4-mapped network is the IPv4 network. Throws ConfigError;
  // bits behind the mask are a mistake, and the message names the network that was meant.
  void add(std::string_view word);

  bool empty() const noexcept { return networks_.empty() && !unix_; }
  bool contains(const Address& address) const noexcept;
  bool contains_unix() const noexcept { return unix_; }

 private:
  struct Network {
    std::array<std::uint64_t, 2> prefix;
    std::array<std::uint64_t, 2> mask;
  };

  std::vector<Network> networks_;
  bool unix_ = false;
};

}  // namespace guard::core
