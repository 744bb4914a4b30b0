// What becomes of results: of a check, whose verdict follows them with some patience, and of all
// checks together.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::health {

// unknown: there is no result yet.
enum class Status : std::uint8_t { unknown, pass, warn, fail };

constexpr std::string_view name_of(Status status) {
  switch (status) {
    case Status::pass:
      return "pass";
    case Status::warn:
      return "warn";
    case Status::unknown:
    case Status::fail:
      break;
  }
  return "fail";
}

// When a check is due again: a tenth of the interval earlier or later, so that many nginx do not
// ask in step.
constexpr std::uint64_t next_due(std::uint64_t now_ms, std::uint64_t interval_ms,
                                 std::uint64_t random) {
  const std::uint64_t spread = interval_ms / 5;
  return now_ms + interval_ms - spread / 2 + (spread == 0 ? 0 : random % spread);
}

// Whether one that is due at due_ms is due now. What is further off than it can be by this interval
// was to come by that of another configuration.
constexpr bool is_due(std::uint64_t due_ms, std::uint64_t now_ms, std::uint64_t interval_ms) {
  return due_ms <= now_ms || due_ms > now_ms + interval_ms + interval_ms / 10;
}

// A check's verdict and how long results have said something else. The first result is the verdict.
struct Verdict {
  Status status = Status::unknown;
  std::uint32_t in_a_row = 0;  // results in a row on the other side of failing

  // rise: so many results in a row that are no failure end one; fall: so many failures begin one.
  // True if the verdict is another one now.
  bool add(Status result, unsigned rise, unsigned fall) noexcept {
    const Status before = status;
    if (status == Status::unknown) {
      status = result;
      in_a_row = 0;
      return true;
    }
    if ((result == Status::fail) == (status == Status::fail)) {
      in_a_row = 0;
      status = result;
      return status != before;
    }
    if (++in_a_row < (result == Status::fail ? fall : rise)) return false;
    in_a_row = 0;
    status = result;
    return true;
  }
};

// Of all: what only warns never does worse than warn.
class Overall {
 public:
  void add(Status status, bool only_warns) noexcept {
    if (status == Status::unknown) status = Status::fail;
    if (only_warns && status == Status::fail) status = Status::warn;
    if (status > status_) status_ = status;
  }
  Status status() const noexcept { return status_; }

 private:
  Status status_ = Status::pass;
};

}  // namespace guard::health
