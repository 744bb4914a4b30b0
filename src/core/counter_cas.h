// Two 64-bit words that change together. g++ hands 16-byte atomics to libatomic, which may answer
// with a process-local lock: useless in memory shared between processes. Hence the instruction
// itself.
#pragma once

#include <cstdint>

namespace guard::core {

struct alignas(16) Pair {
  std::uint64_t tag = 0;
  std::uint64_t value = 0;

  friend bool operator==(const Pair&, const Pair&) = default;
};

static_assert(sizeof(Pair) == 16);

// True if *target was expected and now is desired. A full barrier when it succeeds.
inline bool compare_and_swap(Pair* target, Pair expected, Pair desired) noexcept {
#if defined(__x86_64__)
  bool swapped;
  asm volatile("lock cmpxchg16b %[target]"
               : "=@ccz"(swapped), [target] "+m"(*target), "+a"(expected.tag), "+d"(expected.value)
               : "b"(desired.tag), "c"(desired.value)
               : "memory");
  return swapped;
#elif defined(__aarch64__)
  std::uint64_t tag;
  std::uint64_t value;
  std::uint32_t failed;
  asm volatile(
      "1: ldaxp %[tag], %[value], %[target]\n"
      "   cmp %[tag], %[expected_tag]\n"
      "   ccmp %[value], %[expected_value], #0, eq\n"
      "   b.ne 2f\n"
      "   stlxp %w[failed], %[desired_tag], %[desired_value], %[target]\n"
      "   cbnz %w[failed], 1b\n"
      "   dmb ish\n"
      "   b 3f\n"
      "2: clrex\n"
      "   mov %w[failed], #1\n"
      "3:\n"
      : [tag] "=&r"(tag), [value] "=&r"(value), [failed] "=&r"(failed), [target] "+Q"(*target)
      : [expected_tag] "r"(expected.tag), [expected_value] "r"(expected.value),
        [desired_tag] "r"(desired.tag), [desired_value] "r"(desired.value)
      : "cc", "memory");
  return failed == 0;
#else
#error "the counter tables need a 16-byte compare-and-swap: x86-64 or aarch64"
#endif
}

inline std::uint64_t load(const std::uint64_t& word) noexcept {
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}

inline void store(std::uint64_t& word, std::uint64_t value) noexcept {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}

inline bool compare_and_swap(std::uint64_t& word, std::uint64_t expected,
                             std::uint64_t desired) noexcept {
  return __atomic_compare_exchange_n(&word, &expected, desired, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}

// Between two looks at a word that others write.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline void add(std::uint64_t& word, std::uint64_t amount) noexcept {
  __atomic_fetch_add(&word, amount, __ATOMIC_RELAXED);
}

// A copy of *source whose words belong together, unless the same tag left and came back within
// these three loads; a later compare_and_swap from it finds even that.
inline Pair load(const Pair* source) noexcept {
  for (;;) {
    std::uint64_t tag = load(source->tag);
    std::uint64_t value = load(source->value);
    if (load(source->tag) == tag) return {tag, value};
  }
}

}  // namespace guard::core
