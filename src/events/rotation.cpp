#include "events/rotation.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace guard::events {

namespace {

using Name = std::array<char, PATH_MAX>;

// PATH.number; 0: PATH itself. False: it is too long.
bool spell(Name& name, const std::string& path, unsigned number) noexcept {
  const int size = number == 0
                       ? std::snprintf(name.data(), name.size(), "%s", path.c_str())
                       : std::snprintf(name.data(), name.size(), "%s.%u", path.c_str(), number);
  return size >= 0 && static_cast<std::size_t>(size) < name.size();
}

bool same_file(const struct stat& a, const struct stat& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

bool Rotation::fail(int error) noexcept {
  error_ = error;
  return false;
}

bool Rotation::prepare(int fd, std::size_t bytes) noexcept {
  error_ = 0;
  struct stat own {};
  struct stat there {};
  if (fstat(fd, &own) != 0) return fail(errno);
  if (!S_ISREG(own.st_mode)) return false;
  bool changed = false;
  if (stat(path_.c_str(), &there) != 0 || !same_file(own, there)) {
    if (!follow(fd, own.st_mode & 0666U)) return false;
    changed = true;
    if (fstat(fd, &own) != 0) return changed;
  }
  const auto held = static_cast<std::uint64_t>(own.st_size);
  if (held == 0 || held + bytes <= size_) return changed;
  return rotate(fd, bytes) || changed;
}

// Makes fd the file at the path, which is made if there is none.
bool Rotation::follow(int fd, unsigned mode) noexcept {
  const int other =
      ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode);
  if (other < 0) return fail(errno);
  const bool done = dup3(other, fd, O_CLOEXEC) >= 0;
  const int error = errno;
  ::close(other);
  return done || fail(error);
}

bool Rotation::rotate(int fd, std::size_t bytes) noexcept {
  // A lock belongs to an open file, and fd's is shared by all workers.
  const int own_open = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (own_open < 0) return fail(errno);
  bool changed = false;
  struct stat locked {};
  struct stat there {};
  struct stat own {};
  if (flock(own_open, LOCK_EX | LOCK_NB) != 0) {
    // Somebody else is at it; the next write will find the new file.
    if (errno != EWOULDBLOCK) error_ = errno;
  } else if (fstat(own_open, &locked) == 0 && fstat(fd, &own) == 0 && same_file(own, locked) &&
             stat(path_.c_str(), &there) == 0 && same_file(locked, there) &&
             static_cast<std::uint64_t>(locked.st_size) + bytes > size_) {
    changed = shift() && follow(fd, locked.st_mode & 0666U);
  }
  ::close(own_open);
  return changed;
}

// PATH.from becomes PATH.to. The errno of what went wrong, or 0.
int Rotation::rename(unsigned from, unsigned to) const noexcept {
  Name old_name;
  Name new_name;
  if (!spell(old_name, path_, from) || !spell(new_name, path_, to)) return ENAMETOOLONG;
  return ::rename(old_name.data(), new_name.data()) == 0 ? 0 : errno;
}

// Where one cannot be renamed, the others go back: it will be tried with every write, and each time
// would cost an old file.
bool Rotation::shift() noexcept {
  for (unsigned i = keep_; i > 0; --i) {
    const int error = rename(i - 1, i);
    if (error == 0 || (error == ENOENT && i > 1)) continue;
    for (unsigned k = i; k < keep_; ++k) (void)rename(k + 1, k);
    return fail(error);
  }
  return true;
}

}  // namespace guard::events
