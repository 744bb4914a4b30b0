#include "events/file_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "events/ecs_encoder.h"

namespace guard::events {

bool ends_torn(const char* path) noexcept {
  const int file = ::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) return false;
  bool torn = false;
  for (int looks = 3; looks > 0; --looks) {
    struct stat info {};
    char last = '\n';
    torn = fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
           ::pread(file, &last, 1, info.st_size - 1) == 1 && last != '\n';
    if (!torn) break;
    ::usleep(1000);
  }
  ::close(file);
  return torn;
}

FileSink::FileSink(TornMark& torn, std::size_t capacity, std::size_t flush_at,
                   std::optional<Rotation> rotation)
    : torn_(torn),
      buffer_(new char[capacity + 1]),
      capacity_(capacity),
      flush_at_(flush_at),
      rotation_(std::move(rotation)) {
  buffer_[0] = '\n';
}

void FileSink::attach(int fd) noexcept {
  if (fd == fd_) return;
  // What is torn is in the file before.
  if (fd_ >= 0) torn_.set(false);
  fd_ = fd;
  struct stat info {};
  regular_ = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

std::size_t FileSink::room() const noexcept {
  return regular_ ? kLineMax : kPipeLineMax;
}

std::size_t FileSink::waiting() const noexcept {
  const char* begin = buffer_.get() + 1;
  return static_cast<std::size_t>(std::count(begin, begin + used_, '\n'));
}

bool FileSink::busy() const noexcept {
  return error_ == EAGAIN;
}

std::string_view FileSink::why() const noexcept {
  return error_ == 0 ? std::string_view() : std::string_view(strerrordesc_np(error_));
}

bool FileSink::append(std::string_view line, const LineFacts& /*facts*/) noexcept {
  // After a failure only the timer tries again: a full disk costs no system call per event.
  if (used_ + line.size() > capacity_ && error_ == 0) flush();
  if (used_ + line.size() > capacity_) {
    lose();
    return false;
  }
  std::memcpy(buffer_.get() + 1 + used_, line.data(), line.size());
  used_ += line.size();
  took();
  if (used_ >= flush_at_ && error_ == 0) flush();
  return true;
}

// Whole lines that may go out in one write.
std::size_t FileSink::next_write() const noexcept {
  if (regular_ || used_ <= PIPE_BUF) return used_;
  const void* last = memrchr(buffer_.get() + 1, '\n', PIPE_BUF);
  // A longer line than PIPE_BUF goes out alone; the encoder makes none for a pipe.
  if (last == nullptr) last = std::memchr(buffer_.get() + 1, '\n', used_);
  return static_cast<std::size_t>(static_cast<const char*>(last) - buffer_.get());
}

bool FileSink::flush() noexcept {
  moved_ = false;
  while (used_ != 0) {
    if (!write_once(next_write())) return false;
    moved_ = true;
  }
  return true;
}

bool FileSink::write_once(std::size_t size) noexcept {
  if (rotation_ && rotation_->prepare(fd_, size)) torn_.set(false);
  // Two workers may both think so at a time: an empty line is better than two lines in one.
  const bool torn = torn_.get();
  const std::size_t extra = torn ? 1 : 0;
  const char* from = buffer_.get() + 1 - extra;
  ssize_t written;
  do {
    written = ::write(fd_, from, size + extra);
  } while (written < 0 && errno == EINTR);
  if (written < 0) {
    error_ = errno;
    return false;
  }

  auto done = static_cast<std::size_t>(written);
  if (done == size + extra) {
    if (torn) torn_.set(false);
    error_ = 0;
    consume(size);
    return true;
  }
  // A short write: no space, or a limit. The lines that are there in full are done; the one that
  // was torn is written again as a whole, after a line feed.
  error_ = ENOSPC;
  if (done == 0) return false;
  done -= extra;
  const void* last = done == 0 ? nullptr : memrchr(buffer_.get() + 1, '\n', done);
  const std::size_t whole =
      last == nullptr ? 0
                      : static_cast<std::size_t>(static_cast<const char*>(last) - buffer_.get());
  torn_.set(done > whole);
  consume(whole);
  return false;
}

void FileSink::consume(std::size_t bytes) noexcept {
  used_ -= bytes;
  if (used_ != 0) std::memmove(buffer_.get() + 1, buffer_.get() + 1 + bytes, used_);
}

}  // namespace guard::events
