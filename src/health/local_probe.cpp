#include "health/local_probe.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>

namespace guard::health {

namespace {

constexpr std::uint64_t kWhole = 1000;  // thousandths

Result failed(std::string_view text) noexcept {
  Result result;
  result.status = Status::fail;
  result.say(text);
  return result;
}

// Rounded down: what is reported as free is there.
std::uint64_t share_of(std::uint64_t part, std::uint64_t whole) noexcept {
  if (whole == 0) return kWhole;
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(part) * kWhole / whole);
}

Status by_share(const CheckPolicy& policy, std::uint64_t share) noexcept {
  if (share < policy.fail) return Status::fail;
  return share < policy.warn ? Status::warn : Status::pass;
}

void say_number(Result& result, std::uint64_t number) noexcept {
  std::array<char, 24> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  result.say({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void say_share(Result& result, std::uint64_t share, std::string_view what) noexcept {
  say_number(result, share / 10);
  result.say(".");
  say_number(result, share % 10);
  result.say("% of ");
  result.say(what);
}

// Files of the kernel, which are there at once. What does not fit is left out.
class SmallFile {
 public:
  explicit SmallFile(const char* name) noexcept {
    const int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    while (size_ < bytes_.size()) {
      const ssize_t got = read(file, bytes_.data() + size_, bytes_.size() - size_);
      if (got <= 0) break;
      size_ += static_cast<std::size_t>(got);
    }
    close(file);
  }
  std::string_view text() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 8192> bytes_;
  std::size_t size_ = 0;
};

// "name   number" on a line of its own.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view name) noexcept {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(name)) continue;
    const std::size_t first = line.find_first_of("0123456789", name.size());
    if (first == std::string_view::npos) continue;
    std::uint64_t number = 0;
    if (std::from_chars(line.data() + first, line.data() + line.size(), number).ec == std::errc{}) {
      return number;
    }
  }
  return std::nullopt;
}

Result probe_disk(const CheckPolicy& policy) noexcept {
  struct statvfs found {};
  if (statvfs(policy.path.c_str(), &found) != 0) return failed(strerrordesc_np(errno));
  DiskFacts facts;
  facts.bytes = std::uint64_t{found.f_blocks} * found.f_frsize;
  facts.bytes_free = std::uint64_t{found.f_bavail} * found.f_frsize;
  facts.inodes = found.f_files;
  facts.inodes_free = found.f_favail;
  return judge_disk(policy, facts);
}

Result probe_memory(const CheckPolicy& policy) noexcept {
  const SmallFile meminfo("/proc/meminfo");
  MemoryFacts least = read_memory(meminfo.text(), {}, {}, {});
  try {
    for (const std::string& group : control_groups(SmallFile("/proc/self/cgroup").text())) {
      const std::string path = "/sys/fs/cgroup" + group;
      const SmallFile limit((path + "/memory.max").c_str());
      const SmallFile current((path + "/memory.current").c_str());
      const SmallFile stat((path + "/memory.stat").c_str());
      const MemoryFacts facts =
          read_memory(meminfo.text(), limit.text(), current.text(), stat.text());
      if (share_of(facts.available, facts.bytes) < share_of(least.available, least.bytes)) {
        least = facts;
      }
    }
  } catch (...) {
    return failed("no memory is left");
  }
  return judge_memory(policy, least);
}

// What OpenSSL says against a file must not be there when nginx looks at its queue of errors next.
struct ErrorsCleared {
  ErrorsCleared() = default;
  ErrorsCleared(const ErrorsCleared&) = delete;
  ErrorsCleared& operator=(const ErrorsCleared&) = delete;
  ~ErrorsCleared() { ERR_clear_error(); }
};

Result probe_certificate(const CheckPolicy& policy) noexcept {
  const ErrorsCleared cleared;
  const std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(policy.path.c_str(), "r"), BIO_free);
  if (file == nullptr) return failed("the file cannot be read");
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr), X509_free);
  if (certificate == nullptr) return failed("the file holds no certificate");
  tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    return failed("the certificate has no end that can be read");
  }
  return judge_certificate(policy, static_cast<std::int64_t>(timegm(&end)) - time(nullptr));
}

}  // namespace

Result judge_disk(const CheckPolicy& policy, const DiskFacts& facts) noexcept {
  Result result;
  const std::uint64_t bytes = share_of(facts.bytes_free, facts.bytes);
  const std::uint64_t inodes = share_of(facts.inodes_free, facts.inodes);
  result.value = static_cast<std::int64_t>(facts.bytes_free);
  result.share = std::min(bytes, inodes);
  result.status = by_share(policy, result.share);
  if (result.status != Status::pass) {
    say_share(result, result.share, bytes <= inodes ? "the bytes are free" : "the inodes are free");
  }
  return result;
}

std::vector<std::string> control_groups(std::string_view text) {
  constexpr std::string_view kUnified = "0::";
  std::vector<std::string> groups;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(kUnified)) continue;
    std::string_view path = line.substr(kUnified.size());
    while (path.size() > 1 && path.starts_with('/')) {
      groups.emplace_back(path);
      path = path.substr(0, path.rfind('/'));
    }
    break;
  }
  groups.emplace_back();
  return groups;
}

MemoryFacts read_memory(std::string_view meminfo, std::string_view limit, std::string_view current,
                        std::string_view stat) noexcept {
  constexpr std::uint64_t kKilobyte = 1024;
  MemoryFacts facts;
  facts.bytes = number_of(meminfo, "MemTotal:").value_or(0) * kKilobyte;
  facts.available = number_of(meminfo, "MemAvailable:").value_or(0) * kKilobyte;
  // "max": there is none.
  const auto most = number_of(limit, "");
  const auto used = number_of(current, "");
  if (!most || !used || (facts.bytes != 0 && *most >= facts.bytes)) return facts;
  // What the kernel drops first when a group needs memory.
  const std::uint64_t cache = std::min(number_of(stat, "inactive_file ").value_or(0), *used);
  const std::uint64_t kept = *used - cache;
  facts.bytes = *most;
  facts.available = std::min(facts.available, *most > kept ? *most - kept : 0);
  return facts;
}

Result judge_memory(const CheckPolicy& policy, const MemoryFacts& facts) noexcept {
  if (facts.bytes == 0) return failed("/proc/meminfo cannot be read");
  Result result;
  result.value = static_cast<std::int64_t>(facts.available);
  result.share = share_of(facts.available, facts.bytes);
  result.status = by_share(policy, result.share);
  if (result.status != Status::pass) say_share(result, result.share, "the memory is available");
  return result;
}

Result judge_zone(const CheckPolicy& policy, std::uint64_t used, std::uint64_t places) noexcept {
  Result result;
  if (places == 0) return result;
  result.share = share_of(places - std::min(used, places), places);
  result.value = static_cast<std::int64_t>(result.share);
  result.status = by_share(policy, result.share);
  if (result.status != Status::pass) say_share(result, result.share, "the zone is free");
  return result;
}

Result judge_certificate(const CheckPolicy& policy, std::int64_t seconds) noexcept {
  constexpr std::int64_t kDay = 24 * 3600;
  Result result;
  result.value = seconds;
  result.status = Status::pass;
  if (seconds < static_cast<std::int64_t>(policy.warn)) result.status = Status::warn;
  if (seconds < static_cast<std::int64_t>(policy.fail)) result.status = Status::fail;
  if (result.status == Status::pass) return result;
  if (seconds <= 0) {
    result.say("the certificate has ended");
    return result;
  }
  result.say("the certificate ends in ");
  say_number(result, static_cast<std::uint64_t>(seconds / kDay));
  result.say(" days");
  return result;
}

Result probe_local(const CheckPolicy& policy) noexcept {
  switch (policy.kind) {
    case Kind::disk:
      return probe_disk(policy);
    case Kind::memory:
      return probe_memory(policy);
    case Kind::certificate:
      return probe_certificate(policy);
    default:
      return failed("no local check");
  }
}

}  // namespace guard::health
