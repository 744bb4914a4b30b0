// Where event lines go to: it takes them at once or counts them as lost, and never waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/event.h"
#include "core/metric.h"

namespace guard::events {

inline constexpr std::size_t kBuffer = 256 * 1024;  // bytes of lines that a worker keeps of a sink
inline constexpr std::size_t kFlushAt = 64 * 1024;

inline std::string_view without_line_feed(std::string_view line) noexcept {
  line.remove_suffix(1);
  return line;
}

// What a sink may want to know of a line besides its text.
struct LineFacts {
  core::Severity severity = core::Severity::info;
  std::string_view kind;  // lasts as long as the configuration
  std::uint64_t sequence = 0;
  std::uint64_t time_ms = 0;  // since the epoch
};

class LineSink {
 public:
  virtual ~LineSink() = default;

  // The most bytes of a line, with its line feed.
  virtual std::size_t room() const noexcept = 0;
  // line must end in its only line feed. False if it was lost.
  virtual bool append(std::string_view line, const LineFacts& facts) noexcept = 0;
  // Writes what it can. True if nothing is left.
  virtual bool flush() noexcept = 0;
  // The same when the worker ends, and no event loop runs any more.
  virtual bool finish() noexcept { return flush(); }
  virtual bool pending() const noexcept = 0;
  // How many lines are.
  virtual std::size_t waiting() const noexcept = 0;
  // Whoever takes the lines is there, and has no room: it is soon worth another try.
  virtual bool busy() const noexcept { return false; }
  // Of one that is busy: whether the last flush brought anything away.
  virtual bool moved() const noexcept { return true; }
  // What is pending goes out only while the event loop runs.
  virtual bool needs_loop() const noexcept { return false; }
  // Why the last try failed; empty if it did not.
  virtual std::string_view why() const noexcept = 0;

  // Counts a line that could not even be made.
  void lose() noexcept {
    ++lost_;
    if (count_lost_ != nullptr) count_lost_->add();
  }
  // Counts what is pending as lost: the worker ends.
  void give_up() noexcept {
    for (std::size_t left = waiting(); left != 0; --left) lose();
  }
  // Where lines are counted for those who look from outside.
  void count_in(const core::Counter& taken, const core::Counter& lost) noexcept {
    count_taken_ = &taken;
    count_lost_ = &lost;
  }
  // Lines lost so far that were not taken yet.
  std::uint64_t lost() const noexcept { return lost_; }
  std::uint64_t take_lost() noexcept { return std::exchange(lost_, 0); }

 protected:
  // Counts a line that is as good as written.
  void took() noexcept {
    if (count_taken_ != nullptr) count_taken_->add();
  }

 private:
  const core::Counter* count_taken_ = nullptr;
  const core::Counter* count_lost_ = nullptr;
  std::uint64_t lost_ = 0;
};

}  // namespace guard::events
