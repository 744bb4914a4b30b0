#include "cli/event_lines.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include "cli/printable.h"

namespace guard::cli {

namespace {

[[noreturn]] void fail_read(std::string_view name) {
  const int error = errno;
  throw std::runtime_error("cannot read \"" + printable(name) +
                           "\": " + std::generic_category().message(error));
}

}  // namespace

LogFile::LogFile(std::string_view name) : name_(name) {
  fd_ = name == "-" ? STDIN_FILENO : ::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd_ < 0) fail_read(name);
  std::array<char, 2> start{};
  if (name == "-" || ::pread(fd_, start.data(), start.size(), 0) != 2) return;
  if (std::string_view(start.data(), start.size()) != "\x1f\x8b") return;
  packed_ = ::gzdopen(fd_, "rb");
  if (packed_ != nullptr) return;
  ::close(fd_);
  throw std::bad_alloc();
}

LogFile::~LogFile() {
  if (packed_ != nullptr) {
    ::gzclose(packed_);
  } else if (fd_ > STDIN_FILENO) {
    ::close(fd_);
  }
}

std::size_t LogFile::read(char* buffer, std::size_t size) {
  if (packed_ != nullptr) {
    const int got = ::gzread(packed_, buffer, static_cast<unsigned>(size));
    int error = Z_OK;
    (void)::gzerror(packed_, &error);
    if (got < 0 && error == Z_ERRNO) fail_read(name_);
    if (got > 0 || (got == 0 && error == Z_OK)) return static_cast<std::size_t>(got);
    throw std::runtime_error("cannot read \"" + printable(name_) +
                             "\": it is compressed, and cut off or damaged");
  }
  ssize_t got;
  do {
    got = ::read(fd_, buffer, size);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail_read(name_);
  return static_cast<std::size_t>(got);
}

}  // namespace guard::cli
