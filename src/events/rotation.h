// Rotation of a file that several processes append to: PATH becomes PATH.1, that PATH.2 and so on;
// what would become PATH.N+1 is replaced. Plain POSIX, nothing waits.
//
// Whoever finds the file full takes an flock() on it, without waiting, and renames. The others see
// by the inode that theirs is no longer the one at PATH. What somebody writes in between is in
// PATH.1, so that no line is lost, and since each write goes to one file, none is torn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace guard::events {

class Rotation {
 public:
  // size in bytes: a write that would make a file larger goes to the next one. Several processes
  // that write at the same time may exceed it by one write each. keep: how many old files stay, at
  // least one.
  Rotation(std::string path, std::uint64_t size, unsigned keep)
      : path_(std::move(path)), size_(size), keep_(keep) {}

  // Before `bytes` are written to fd: makes it the file at the path, in place, rotating first where
  // that is due. Whatever fails, fd can be written to. True if fd is another file than before.
  bool prepare(int fd, std::size_t bytes) noexcept;

  // The errno of the last prepare() if it could not do what was due; else 0.
  int error() const noexcept { return error_; }

 private:
  bool follow(int fd, unsigned mode) noexcept;
  bool rotate(int fd, std::size_t bytes) noexcept;
  bool shift() noexcept;
  int rename(unsigned from, unsigned to) const noexcept;
  bool fail(int error) noexcept;

  std::string path_;
  std::uint64_t size_;
  unsigned keep_;
  int error_ = 0;
};

}  // namespace guard::events
