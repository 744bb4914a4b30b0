// What a server may say to a client of its cluster: a map of slots that is refused, or in which
// every slot has a node that can be connected to, or nobody; and errors that can be followed, or
// not. The input is the reply as it comes over the wire.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "redis/reader.h"
#include "redis/slots.h"
#include "redis/url.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace redis = guard::redis;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  require(redis::slot_of(bytes) < redis::kSlots);
  if (auto to = redis::read_redirection(bytes)) {
    require(redis::is_redirection(bytes));
    require(to->slot < redis::kSlots && to->port != 0);
    require(to->host.empty() || redis::is_host(to->host));
  }
  redis::Reader reader;
  if (!reader.start() || !reader.feed(bytes)) return 0;
  reader.drain([](const redis::Reply& reply) {
    redis::SlotMap map;
    if (!map.read(reply, "asked.example").empty()) return true;
    require(!map.nodes().empty() && map.nodes().size() <= redis::SlotMap::kMostNodes);
    for (const redis::ClusterNode& node : map.nodes()) {
      require(node.port != 0 && redis::is_host(node.host));
      require(node.address.empty() || redis::is_host(node.address));
    }
    for (std::size_t slot = 0; slot < redis::kSlots; ++slot) {
      const std::uint16_t owner = map.owner(slot);
      require(owner == redis::SlotMap::kNobody || owner < map.nodes().size());
    }
    return true;
  });
  return 0;
}
