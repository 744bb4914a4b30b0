// What all workers know of the checks, in shared memory. One of them probes and writes, all read.
// It survives reloads: a check that another configuration has as well keeps its verdict.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "health/result.h"
#include "health/verdict.h"

namespace guard::health {

inline constexpr std::size_t kMaxChecks = 64;

// Of one check, as it is read.
struct Standing {
  Status status = Status::unknown;
  Result last;                // of the last probe
  std::uint64_t time_ms = 0;  // of it, since 1970
};

class Place {
 public:
  // A probe has come to an end. before and after: of the verdict. True if that is another one now.
  bool add(const Result& result, std::uint64_t time_ms, unsigned rise, unsigned fall) noexcept;
  // Waits for nobody: what is being written this very moment is tried again a few times, and then
  // read as it was.
  Standing read() const noexcept;

  // When the next probe is due, milliseconds of a clock that all processes share; 0: now.
  std::uint64_t due_ms() const noexcept { return __atomic_load_n(&due_ms_, __ATOMIC_RELAXED); }
  void set_due(std::uint64_t ms) noexcept { __atomic_store_n(&due_ms_, ms, __ATOMIC_RELAXED); }

  // Around a look that may hang, see Board::begin_look().
  void end_look() noexcept { __atomic_store_n(&looker_, 0, __ATOMIC_RELAXED); }

 private:
  friend class Board;
  static constexpr std::size_t kOutputWords = kMaxOutput / sizeof(std::uint64_t);

  std::uint64_t identity_;
  std::uint64_t generation_;
  std::uint64_t due_ms_;
  std::uint64_t looker_;    // process; 0: nobody
  std::uint64_t sequence_;  // odd: it is being written
  std::uint64_t verdict_;   // Status, and 8 bits on, how many in a row
  std::uint64_t time_ms_;
  std::uint64_t facts_;  // Status of the last result, whether it has a value, size of its output
  std::uint64_t value_;
  std::uint64_t share_;
  std::array<std::uint64_t, kOutputWords> output_;
};

class Board {
 public:
  bool format(std::span<std::byte> memory) noexcept;
  bool adopt(std::span<std::byte> memory) noexcept;

  // A configuration begins to name its checks. By the master alone.
  void begin() noexcept;
  // The place of a check; null: there is none left.
  Place* place(std::string_view identity) noexcept;
  std::uint64_t& lease() noexcept;

  // Around a look that may hang, by the number of the process: one at a time, whatever is looked
  // at, since what hangs may be behind several checks. Else the place of the look that has not come
  // back yet; null: this one's has begun.
  const Place* begin_look(Place& place, std::uint64_t process) noexcept;

 private:
  struct Memory;
  Memory* memory_ = nullptr;
};

}  // namespace guard::health
