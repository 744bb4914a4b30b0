#include "inspect/pattern_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <hs/hs.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "core/hex.h"
#include "core/words.h"
#include "inspect/pattern_set.h"

namespace guard::inspect {

namespace {

// What stands before a database: this, and the SHA-256 of what follows.
constexpr std::string_view kMagic = "guard patterns 1\n";
constexpr std::size_t kDigest = 32;
constexpr std::size_t kHead = kMagic.size() + kDigest;
constexpr std::size_t kMaxSize = 256U << 20U;
constexpr std::string_view kSuffix = ".patterns";
constexpr std::string_view kPartSuffix = ".part";

struct CloseDirectory {
  void operator()(DIR* list) const { closedir(list); }
};
using DirectoryList = std::unique_ptr<DIR, CloseDirectory>;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, kDigest> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size != kDigest) {
    core::fail("OpenSSL has no SHA-256");
  }
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string file_name(std::string_view source) {
  const hs_platform_info& platform = pattern_platform();
  std::string whole = std::string(hs_version()) + '\n' + std::to_string(platform.tune) + ' ' +
                      std::to_string(platform.cpu_features) + '\n';
  const std::string digest = sha256(whole.append(source));
  std::array<char, kDigest * 2> hex{};
  core::write_hex({reinterpret_cast<const unsigned char*>(digest.data()), digest.size()},
                  hex.data());
  return std::string(hex.data(), hex.size()).append(kSuffix);
}

// Nothing: it cannot be read, or is not the user's alone to write.
std::optional<std::string> read_own(int fd) {
  struct stat about {};
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid() ||
      (about.st_mode & 022) != 0 || about.st_size < static_cast<off_t>(kHead) ||
      about.st_size > static_cast<off_t>(kMaxSize)) {
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  for (std::size_t got = 0; got < bytes.size();) {
    const ssize_t count = read(fd, bytes.data() + got, bytes.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    got += static_cast<std::size_t>(count);
  }
  return bytes;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::shared_ptr<hs_database> restore(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return nullptr;
  const std::string_view digest = bytes.substr(kMagic.size(), kDigest);
  bytes.remove_prefix(kHead);
  hs_database_t* database = nullptr;
  if (sha256(bytes) != digest ||
      hs_deserialize_database(bytes.data(), bytes.size(), &database) != HS_SUCCESS) {
    return nullptr;
  }
  return {database, [](hs_database* one) { hs_free_database(one); }};
}

std::string reason() {
  return std::strerror(errno);
}

bool is_cache_file(std::string_view name) {
  return name.ends_with(kSuffix) || name.ends_with(kPartSuffix);
}

// Whether a directory is somebody else's as well, /tmp or /etc, say. Takes the descriptor.
bool holds_other_files(int fd) {
  const DirectoryList list(fdopendir(fd));
  if (list == nullptr) {
    close(fd);
    return true;
  }
  while (const dirent* entry = readdir(list.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !is_cache_file(name)) return true;
  }
  return false;
}

}  // namespace

PatternCache::PatternCache(std::string directory) : directory_(std::move(directory)) {
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    core::fail("cannot make \"", directory_, "\": ", reason());
  }
  fd_ = open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd_ < 0) core::fail("cannot open \"", directory_, "\": ", reason());
  struct stat about {};
  const bool own = fstat(fd_, &about) == 0 && about.st_uid == geteuid();
  if (own && (about.st_mode & 077) == 0) return;
  // Whoever reads the advice follows it.
  if (holds_other_files(fd_)) {
    core::fail("\"", directory_,
               "\" holds other files: name a directory of its own, which is for the ",
               "user who starts nginx alone");
  }
  core::fail("\"", directory_, "\" must be for the user who starts nginx alone: chown ",
             std::to_string(geteuid()), " ", directory_, " && chmod 700 ", directory_);
}

PatternCache::~PatternCache() {
  close(fd_);
}

std::shared_ptr<hs_database> PatternCache::load(std::string_view source) {
  const std::string name = file_name(source);
  const File file(openat(fd_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno != ENOENT) warn(name, reason());
    return nullptr;
  }
  const auto bytes = read_own(file.fd());
  auto database = bytes ? restore(*bytes) : nullptr;
  if (database == nullptr) {
    warn(name, "not as Guard has written it: it is made anew");
    return nullptr;
  }
  // It was used just now: see prune().
  (void)futimens(file.fd(), nullptr);
  return database;
}

void PatternCache::store(std::string_view source, const hs_database* database) {
  char* bytes = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(database, &bytes, &size) != HS_SUCCESS) return;
  const std::unique_ptr<char, decltype(&std::free)> owner(bytes, &std::free);
  if (size > kMaxSize - kHead) return;
  write(file_name(source), sha256({bytes, size}), {bytes, size});
  prune();
}

// Whoever reads it meanwhile sees the old one or all of the new one.
void PatternCache::write(const std::string& name, std::string_view digest, std::string_view bytes) {
  const std::string part = name + "." + std::to_string(getpid()) + std::string(kPartSuffix);
  File file(openat(fd_, part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  const bool written = file && write_all(file.fd(), kMagic) && write_all(file.fd(), digest) &&
                       write_all(file.fd(), bytes) && file.close() &&
                       renameat(fd_, part.c_str(), fd_, name.c_str()) == 0;
  if (written) return;
  warn(name, reason());
  (void)unlinkat(fd_, part.c_str(), 0);
}

// Leaves alone what is no name of these.
void PatternCache::prune() {
  const int fd = openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const DirectoryList list(fdopendir(fd));
  if (list == nullptr) {
    close(fd);
    return;
  }
  std::vector<std::pair<timespec, std::string>> files;
  while (const dirent* entry = readdir(list.get())) {
    const std::string_view name = entry->d_name;
    struct stat about {};
    if (!is_cache_file(name) || fstatat(fd, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) {
      continue;
    }
    files.emplace_back(about.st_mtim, name);
  }
  if (files.size() <= kMaxFiles) return;
  const auto older = [](const auto& a, const auto& b) {
    return std::pair(a.first.tv_sec, a.first.tv_nsec) < std::pair(b.first.tv_sec, b.first.tv_nsec);
  };
  std::sort(files.begin(), files.end(), older);
  for (std::size_t i = 0; i < files.size() - kMaxFiles; ++i) {
    (void)unlinkat(fd, files[i].second.c_str(), 0);
  }
}

std::vector<std::string> PatternCache::take_warnings() {
  return std::exchange(warnings_, {});
}

void PatternCache::warn(const std::string& name, std::string_view what) {
  warnings_.push_back("\"" + directory_ + "/" + name + "\": " + std::string(what));
}

}  // namespace guard::inspect
