// Lines into a file or a pipe: buffered, whole lines only, and never waiting. Plain POSIX.
//
// A regular file is opened with O_APPEND, and all that is buffered goes out in one write(), so that
// lines of several workers never mix. A pipe gets whole lines in writes of at most PIPE_BUF bytes,
// which POSIX makes atomic. What cannot be written (no space, no reader, a full pipe) stays
// buffered and is tried again; once the buffer is full, further lines are lost and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace guard::events {

class FileSink {
 public:
  // capacity in bytes, at least two lines; above flush_at append() writes by itself.
  FileSink(std::size_t capacity, std::size_t flush_at);

  // Where to write from now on; not owned. Safe to call before each flush: only a change matters.
  void attach(int fd) noexcept;

  // line must end in its only line feed. False if it was lost.
  bool append(std::string_view line) noexcept;
  // Counts a line that could not even be made.
  void lose() noexcept { ++lost_; }

  // Writes what it can. True if nothing is left.
  bool flush() noexcept;

  bool pending() const { return used_ != 0; }
  // Whether lines over PIPE_BUF go out whole.
  bool takes_long_lines() const { return regular_; }
  // The errno of the last write if it failed; 0 otherwise.
  int error() const { return error_; }
  // Lines lost so far that were not taken yet.
  std::uint64_t lost() const { return lost_; }
  std::uint64_t take_lost() noexcept;

 private:
  bool write_once(std::size_t size) noexcept;
  std::size_t next_write() const noexcept;
  void consume(std::size_t bytes) noexcept;

  // buffer_[0] is a line feed that ends a line of which an earlier write brought only a part.
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  std::size_t flush_at_;
  std::size_t used_ = 0;
  int fd_ = -1;
  bool regular_ = false;
  bool torn_ = false;
  int error_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace guard::events
