// Nanoseconds per peek and take of the counter tables.
//   counter_bench [rounds]
#include <stdio.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "core/counter_lock.h"
#include "rate/limiter.h"

using namespace guard;

namespace {

constexpr std::uint64_t kNow = 1'000'000'000;
constexpr std::size_t kZone = 10 << 20;

std::uint64_t mixed(std::uint64_t n) {
  n += 0x9e3779b97f4a7c15;
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return n ^ (n >> 31);
}

// As a request does it: first asked, then charged.
void run(rate::Limiter& limiter, std::uint64_t keys, std::uint64_t rounds, std::uint64_t seed) {
  for (std::uint64_t i = 0; i < rounds; ++i) {
    std::uint64_t hash = mixed(keys == 1 ? 1 : (mixed(seed + i) % keys));
    std::uint64_t now = kNow + i;
    if (limiter.peek(hash, now, 1).admitted) limiter.take({hash, hash}, now, 1);
  }
}

void measure(const char* name, const rate::Quota& quota, std::uint64_t keys, int threads,
             std::uint64_t rounds) {
  std::vector<std::byte> memory(kZone);
  rate::Limiter limiter(memory, quota);
  run(limiter, keys, rounds / 4, 1);
  auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back(
        [&, t] { run(limiter, keys, rounds, static_cast<std::uint64_t>(t) << 32); });
  }
  for (std::thread& thread : running) thread.join();
  std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  printf("%-44s %7.1f ns\n", name, taken.count() / static_cast<double>(rounds));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t rounds = argc > 1 ? strtoull(argv[1], nullptr, 10) : 2'000'000;
  core::own_counter_locks();
  const rate::Quota gcra{rate::Algorithm::gcra, 1'000'000, 1'000'000, 1'000'000};
  const rate::Quota log{rate::Algorithm::sliding_log, 5, 1, 5};
  measure("gcra, one key", gcra, 1, 1, rounds);
  measure("gcra, 100000 keys", gcra, 100'000, 1, rounds);
  measure("gcra, one key, two threads", gcra, 1, 2, rounds);
  measure("gcra, 100000 keys, two threads", gcra, 100'000, 2, rounds);
  measure("sliding_log of 5, one key", log, 1, 1, rounds);
  measure("sliding_log of 5, 10000 keys", log, 10'000, 1, rounds);
  return 0;
}
