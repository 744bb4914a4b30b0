#include "core/secret.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "core/words.h"

namespace guard::core {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// As nginx writes it: open() "/path" failed (2: No such file or directory)
[[noreturn]] void fail_call(std::string_view call, std::string_view path, int error) {
  fail(call, " \"", path, "\" failed (", std::to_string(error), ": ",
       std::generic_category().message(error), ")");
}

void read_file(std::string_view name, SecretWord& word) {
  // What is no path, or no name of a variable, may be the secret itself, and is not quoted.
  if (!word.source.starts_with('/')) {
    fail("secret file of \"", name, "\" must be an absolute path");
  }
  const std::string path(word.source);
  // Without O_NONBLOCK a FIFO in the file's place would hang the start.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) fail_call("open()", path, errno);

  struct stat info {};
  if (fstat(file.get(), &info) != 0) fail_call("fstat()", path, errno);
  if (!S_ISREG(info.st_mode)) fail("secret file \"", path, "\" is not a regular file");
  word.readable_by_all = (info.st_mode & (S_IRGRP | S_IROTH)) != 0;

  struct Buffer {
    std::array<char, kSecretMax + 3> bytes{};  // a secret, "\r\n", and one more to see too many
    ~Buffer() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  } buffer;
  std::size_t size = 0;
  while (size < buffer.bytes.size()) {
    const ssize_t got = read(file.get(), buffer.bytes.data() + size, buffer.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_call("read()", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }

  std::string_view text(buffer.bytes.data(), size);
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
  }
  if (text.size() > kSecretMax) {
    fail("secret file \"", path, "\" is longer than ", std::to_string(kSecretMax), " bytes");
  }
  if (text.empty()) fail("secret file \"", path, "\" is empty");
  word.secret = Secret(text);
}

void read_environment(std::string_view name, SecretWord& word) {
  const auto is_name_char = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (word.source.empty() || !std::ranges::all_of(word.source, is_name_char)) {
    fail("invalid environment variable name in \"", name, "\"");
  }
  const char* value = std::getenv(std::string(word.source).c_str());
  if (value == nullptr) {
    fail("environment variable \"", word.source, "\" of \"", name, "\" is not set");
  }
  const std::string_view text(value);
  if (text.empty()) fail("environment variable \"", word.source, "\" of \"", name, "\" is empty");
  if (text.size() > kSecretMax) {
    fail("environment variable \"", word.source, "\" of \"", name, "\" is longer than ",
         std::to_string(kSecretMax), " bytes");
  }
  word.secret = Secret(text);
}

}  // namespace

Secret::Secret(std::string_view bytes)
    : bytes_(std::make_unique<char[]>(bytes.size())), size_(bytes.size()) {
  std::ranges::copy(bytes, bytes_.get());
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  // What this held is wiped by the destructor of the one that takes it away.
  Secret taken(std::move(other));
  std::swap(bytes_, taken.bytes_);
  std::swap(size_, taken.size_);
  return *this;
}

Secret::~Secret() {
  if (bytes_) OPENSSL_cleanse(bytes_.get(), size_);
}

bool Secret::equals(std::string_view candidate) const noexcept {
  return candidate.size() == size_ && CRYPTO_memcmp(bytes_.get(), candidate.data(), size_) == 0;
}

SecretWord parse_secret(std::string_view name, std::string_view word) {
  constexpr std::string_view kFile = "file:";
  constexpr std::string_view kEnv = "env:";
  SecretWord parsed;
  if (word.starts_with(kFile)) {
    parsed.kind = SecretKind::file;
    parsed.source = word.substr(kFile.size());
    read_file(name, parsed);
  } else if (word.starts_with(kEnv)) {
    parsed.kind = SecretKind::env;
    parsed.source = word.substr(kEnv.size());
    read_environment(name, parsed);
  } else {
    if (word.empty()) fail("the secret of \"", name, "\" is empty");
    if (word.size() > kSecretMax) {
      fail("the secret of \"", name, "\" is longer than ", std::to_string(kSecretMax), " bytes");
    }
    parsed.secret = Secret(word);
  }
  return parsed;
}

SipKey derive_sip_key(const Secret& secret, std::string_view label) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const std::string_view bytes = secret.expose();
  const unsigned char* done = HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()),
                                   reinterpret_cast<const unsigned char*>(label.data()),
                                   label.size(), digest.data(), &size);
  SipKey key{};
  if (done == nullptr || size < key.size()) fail("HMAC() failed");
  std::copy_n(digest.begin(), key.size(), key.begin());
  OPENSSL_cleanse(digest.data(), digest.size());
  return key;
}

SipKey random_sip_key() {
  SipKey key{};
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) fail("RAND_bytes() failed");
  return key;
}

}  // namespace guard::core
