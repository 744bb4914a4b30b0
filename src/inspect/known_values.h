// What rules have said of texts that come again and again: the values of a browser's header fields,
// the names of fields, arguments and cookies. A text is learnt when it comes for the second time,
// and found again by all its bytes, behind the text that it came after last time or else by its
// hash, so that what is remembered of it is exact. Values of arguments and what a client proves
// itself with are no such texts.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/byte_traits.h"
#include "inspect/keyed_hash.h"

namespace guard::inspect {

struct KnownValue {
  // What searching in it in a phase has found.
  struct Search {
    std::uint32_t work = 0;  // that it has taken
    bool done = false;
    bool found = false;  // there are patterns
  };

  // Most often no more than this is looked at: it is in one line of the processor's cache.
  std::uint64_t program = 0;
  std::uint64_t request = 0;  // that last had it
  Traits traits = 0;
  std::array<Search, 2> searches;  // of each phase
  // Of the rules that are asked one by one, those that do not match: see CompiledRule::memory.
  std::uint64_t cleared = 0;
  std::uint8_t kind = 0;
  std::string text;
  KnownValue* next = nullptr;  // what was found after it last time
  // By phase: what may match, but for what has been tried.
  std::array<std::vector<std::uint32_t>, 2> patterns;

  void forget(int phase, std::uint32_t pattern) {
    const auto index = static_cast<std::size_t>(phase);
    std::erase(patterns[index], pattern);
    searches[index].found = !patterns[index].empty();
  }
};

// Of a worker. Takes some 700 KB, and the texts.
class KnownValues {
 public:
  static constexpr std::size_t kLongest = 512;  // bytes of a text that is learnt

  // What is found in one request stays where it is until the next.
  void next_request() {
    ++request_;
    last_ = &first_;
  }

  // Null: it is not known, and not yet to be learnt. A new one has its traits and no more.
  // program and kind: of whom and where it is known. Throws std::bad_alloc.
  KnownValue* find(std::uint64_t program, std::uint8_t kind, std::string_view text);

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kSets = 1024;
  static constexpr std::size_t kOnce = 4096;

  // All hashes of a set are in one line of the processor's cache.
  struct alignas(64) Set {
    std::array<std::uint64_t, kWays> hashes{};
    std::array<KnownValue, kWays> values;
  };

  KnownValue* found(KnownValue& one) {
    one.request = request_;
    last_ = &one;
    return last_;
  }

  KeyedHash hash_;
  std::uint64_t request_ = 0;
  KnownValue first_;  // none: what comes first in a request comes after it
  KnownValue* last_ = &first_;
  std::vector<Set> sets_;                           // none before the first is learnt
  std::vector<std::array<std::uint32_t, 2>> once_;  // hashes of texts that have come once
};

}  // namespace guard::inspect
