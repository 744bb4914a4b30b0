// Where the keys of a Redis Cluster live: the hash slots, the map of them that a node tells, and
// the errors by which it sends a client on
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/reply.h"

namespace guard::redis {

inline constexpr std::size_t kSlots = 16384;

// CRC-16/XMODEM: polynomial 0x1021, from 0, nothing reflected.
std::uint16_t crc16(std::string_view bytes) noexcept;

// Of a key; if there is something between its first "{" and the next "}", of that alone.
std::uint16_t slot_of(std::string_view key) noexcept;

// A master.
struct ClusterNode {
  std::string host;     // how it wants to be called: a name, or an address without brackets
  std::string address;  // of a name, if the cluster tells it; else empty
  std::uint16_t port = 0;

  bool operator==(const ClusterNode&) const = default;
};

class SlotMap {
 public:
  static constexpr std::size_t kMostNodes = 256;  // masters
  static constexpr std::uint16_t kNobody = 0xffff;

  SlotMap() noexcept { owners_.fill(kNobody); }

  // Reads the reply to CLUSTER SLOTS into a map that is new; asked: the host that gave it, which
  // those have that it knows no host of. Returns what is wrong with it, nothing if all is well; a
  // map that was refused must not be used. Throws std::bad_alloc.
  std::string_view read(const Reply& reply, std::string_view asked);

  // Index in nodes(), or kNobody.
  std::uint16_t owner(std::size_t slot) const noexcept { return owners_[slot]; }
  const std::vector<ClusterNode>& nodes() const noexcept { return nodes_; }

 private:
  std::string_view read_range(const Reply& range, std::string_view asked);
  std::uint16_t index_of(ClusterNode&& node);

  std::array<std::uint16_t, kSlots> owners_;
  std::vector<ClusterNode> nodes_;
};

// "MOVED 3999 127.0.0.1:6381": the slot is there for good; "ASK ...": only this command is.
struct Redirection {
  bool ask = false;
  std::uint16_t slot = 0;
  std::string_view host;  // empty: the one that says so; a view of the error
  std::uint16_t port = 0;
};

// Nothing: it is another error, or one that cannot be followed.
std::optional<Redirection> read_redirection(std::string_view error) noexcept;

// Whether the error says that the key is elsewhere, or on its way, and nothing against the server.
bool is_redirection(std::string_view error) noexcept;

}  // namespace guard::redis
