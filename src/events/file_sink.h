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
#include <optional>
#include <string>
#include <string_view>

#include "events/line_sink.h"
#include "events/rotation.h"
#include "events/torn_mark.h"

namespace guard::events {

// Whether a regular file ends in a torn line, that somebody has left who is gone. May take some
// milliseconds: a line that is just being written is whole by then.
bool ends_torn(const char* path) noexcept;

class FileSink : public LineSink {
 public:
  // torn: of the file, for as long as this. capacity in bytes, at least two lines; above flush_at
  // append() writes by itself.
  FileSink(TornMark& torn, std::size_t capacity, std::size_t flush_at,
           std::optional<Rotation> rotation = std::nullopt);

  // Where to write from now on; not owned. Safe to call before each flush: only a change matters.
  void attach(int fd) noexcept;

  // Lines over PIPE_BUF go out whole only into a file.
  std::size_t room() const noexcept override;
  bool append(std::string_view line, const LineFacts& facts = {}) noexcept override;
  bool flush() noexcept override;
  bool pending() const noexcept override { return used_ != 0; }
  std::size_t waiting() const noexcept override;
  // A full pipe is emptied by its reader, soon.
  bool busy() const noexcept override;
  bool moved() const noexcept override { return moved_; }
  std::string_view why() const noexcept override;
  // The errno of the last write if it failed; 0 otherwise.
  int error() const { return error_; }
  // That of a rotation which was due.
  int rotation_error() const { return rotation_ ? rotation_->error() : 0; }

 private:
  bool write_once(std::size_t size) noexcept;
  std::size_t next_write() const noexcept;
  void consume(std::size_t bytes) noexcept;

  TornMark& torn_;
  // buffer_[0] is a line feed that ends a line of which an earlier write brought only a part.
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_;
  std::size_t flush_at_;
  std::size_t used_ = 0;
  int fd_ = -1;
  bool regular_ = false;
  bool moved_ = false;  // by the last flush()
  int error_ = 0;
  std::optional<Rotation> rotation_;
};

}  // namespace guard::events
