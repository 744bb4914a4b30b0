// The errors that a worker has to report, bounded: what is the same is one group with a count, of
// which a report goes out at once and then one for all that came since, every so often. Where
// nobody takes reports, groups stay and their counts grow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace guard::errors {

// All of Guard's and nginx's own making but the method; neither address, user, path nor query.
struct Occurrence {
  std::string_view kind;    // "upstream_failed", "server_error", or an event's
  std::string_view server;  // of the configuration
  std::string_view route;
  std::string_view code;
  std::string_view method;
  std::string_view request_id;
  std::string_view detail;
  unsigned status = 0;  // 0: of no request
};

struct Group {
  std::string kind, server, route, code, method, request_id, detail;
  unsigned status = 0;
  std::uint64_t count = 0;     // not reported yet
  std::uint64_t first_ms = 0;  // when the first of those was, since 1970
  std::uint64_t due_ms = 0;    // of the clock of now_ms

  bool is(const Occurrence& other) const;
};

class Groups {
 public:
  static constexpr std::size_t kMax = 64;
  static constexpr std::size_t kMaxText = 256;        // bytes of each text
  static constexpr std::uint64_t kInterval = 30'000;  // milliseconds between two reports
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  Groups() { groups_.reserve(kMax); }

  // now_ms: of a clock that never steps; wall_ms: since 1970. False: there are too many groups, or
  // no memory, and it is lost.
  bool add(const Occurrence& occurrence, std::uint64_t now_ms, std::uint64_t wall_ms) noexcept;
  // The one that has waited longest of those that are due; null: none is. It stays where it is
  // until the next add().
  const Group* due(std::uint64_t now_ms) const noexcept;
  // How many have something to report.
  std::size_t pending() const noexcept;
  // When the next one is due; kNever: there is none.
  std::uint64_t next() const noexcept;
  // So many of a group, a copy of one, are reported.
  void reported(const Group& group, std::uint64_t count, std::uint64_t now_ms) noexcept;

 private:
  Group* find_room(std::uint64_t now_ms) noexcept;

  std::vector<Group> groups_;
};

}  // namespace guard::errors
