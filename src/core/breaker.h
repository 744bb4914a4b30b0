// Whether a server is worth asking, judged by what came of asking it. No clock and no timer of its
// own: who uses it passes the time in (milliseconds, of a clock that is never set back), and closes
// it again once a probe was answered.
#pragma once

#include <array>
#include <cstdint>

namespace guard::core {

class Breaker {
 public:
  static constexpr std::uint32_t kConsecutive = 5;  // failures in a row that open it
  static constexpr std::uint32_t kLeast = 20;       // commands from which on a share counts
  static constexpr std::uint32_t kSeconds = 10;     // over how long it is counted

  bool closed() const noexcept { return closed_; }
  // Whether the last that was heard of it is a failure.
  bool failing() const noexcept { return in_a_row_ != 0; }

  void succeeded(std::uint64_t now) noexcept {
    in_a_row_ = 0;
    ++bucket(now).all;
  }

  // True if this failure is the one that opens it: the fifth in a row, or every second one of at
  // least 20 within the last 10 seconds.
  bool failed(std::uint64_t now) noexcept {
    Bucket& current = bucket(now);
    ++current.all;
    ++current.failed;
    ++in_a_row_;
    if (!closed_) return false;
    if (in_a_row_ >= kConsecutive) return open();
    std::uint64_t all = 0;
    std::uint64_t failed = 0;
    for (const Bucket& one : buckets_) {
      if (now / 1000 - one.second >= kSeconds) continue;
      all += one.all;
      failed += one.failed;
    }
    return all >= kLeast && 2 * failed >= all && open();
  }

  // True if it was closed.
  bool open() noexcept {
    const bool was_closed = closed_;
    closed_ = false;
    return was_closed;
  }

  // Forgets what was.
  void close() noexcept { *this = Breaker{}; }

 private:
  struct Bucket {
    std::uint64_t second = 0;
    std::uint32_t all = 0;
    std::uint32_t failed = 0;
  };

  Bucket& bucket(std::uint64_t now) noexcept {
    Bucket& found = buckets_[now / 1000 % kSeconds];
    if (found.second != now / 1000) found = {now / 1000, 0, 0};
    return found;
  }

  std::array<Bucket, kSeconds> buckets_{};
  std::uint32_t in_a_row_ = 0;
  bool closed_ = true;
};

}  // namespace guard::core
