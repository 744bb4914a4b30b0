// What a worker can see by itself, without waiting for anybody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "health/policy.h"
#include "health/result.h"

namespace guard::health {

// disk, memory, certificate.
Result probe_local(const CheckPolicy& policy) noexcept;

// Free bytes and inodes of a file system, as far as they are there for whoever is not root.
struct DiskFacts {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_free = 0;
  std::uint64_t inodes = 0;  // 0: the file system does not count them
  std::uint64_t inodes_free = 0;
};
Result judge_disk(const CheckPolicy& policy, const DiskFacts& facts) noexcept;

// Of the machine, or of the control group if that has less: what is not used, or can be had back.
struct MemoryFacts {
  std::uint64_t bytes = 0;
  std::uint64_t available = 0;
};
// The control groups (version 2) of a process by the text of its /proc/PID/cgroup, as paths: its
// own, those around it, and last the root (empty), which is the own one of a container.
std::vector<std::string> control_groups(std::string_view text);
// The texts of /proc/meminfo, and memory.max, memory.current and memory.stat of the control group
// (empty: there is none, or it has no limit).
MemoryFacts read_memory(std::string_view meminfo, std::string_view limit, std::string_view current,
                        std::string_view stat) noexcept;
Result judge_memory(const CheckPolicy& policy, const MemoryFacts& facts) noexcept;

// Entries or pages of a zone; places 0: they are not counted yet.
Result judge_zone(const CheckPolicy& policy, std::uint64_t used, std::uint64_t places) noexcept;

// seconds: until it ends; negative: since.
Result judge_certificate(const CheckPolicy& policy, std::int64_t seconds) noexcept;

}  // namespace guard::health
