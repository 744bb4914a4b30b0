#include "cli/event_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
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
}

LogFile::~LogFile() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

std::size_t LogFile::read(char* buffer, std::size_t size) {
  ssize_t got;
  do {
    got = ::read(fd_, buffer, size);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail_read(name_);
  return static_cast<std::size_t>(got);
}

}  // namespace guard::cli
