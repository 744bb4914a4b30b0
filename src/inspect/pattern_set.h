// Many patterns searched for at once, by Vectorscan. It answers which of them may match somewhere
// in a text, never more: what it finds is to be confirmed, what it does not find is not there.
//
// A text may be several values with a newline behind each. Rules' patterns are compiled so that '^'
// and '$' are at every line, and the ends of a value are no word characters, as a newline is none:
// what a pattern finds in a value it finds in the row of them. Patterns for which that is not so
// (\A, \z, (?-m)) are not taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct hs_database;
struct hs_platform_info;
struct hs_scratch;

namespace guard::inspect {

class PatternCache;

// The processor that patterns are compiled for.
const hs_platform_info& pattern_platform() noexcept;

struct PatternText {
  std::string expression;  // or, of a phrase, its bytes
  bool phrase = false;     // ignoring case
  bool ignore_case = false;
  std::uint32_t id = 0;
};

// Of a worker: what Vectorscan needs for a search. One for all sets.
class ScanMemory {
 public:
  ScanMemory() = default;
  ~ScanMemory();
  ScanMemory(const ScanMemory&) = delete;
  ScanMemory& operator=(const ScanMemory&) = delete;

 private:
  friend class PatternSet;
  hs_scratch* scratch_ = nullptr;
};

class PatternSet {
 public:
  PatternSet() = default;
  PatternSet(const PatternSet&) = delete;
  PatternSet& operator=(const PatternSet&) = delete;

  // Whether compile() takes a regex; what it does not take must be searched for otherwise.
  static bool takes(const std::string& expression, bool ignore_case);

  // Where what is compiled has come from.
  enum class Origin : std::uint8_t { shared, cache, compiler };

  // Throws std::runtime_error. While configuration is read alone: sets of the same patterns share
  // what is compiled, over reloads too. cache: may be null.
  Origin compile(const std::vector<PatternText>& patterns, PatternCache* cache);

  bool empty() const { return database_ == nullptr; }
  std::size_t bytes() const;
  // False: out of memory.
  bool prepare(ScanMemory& memory) const noexcept;

  // Sets bits of hits[id] for every pattern that may match. False: the search failed, and every
  // pattern may match.
  bool scan(std::string_view text, ScanMemory& memory, std::uint64_t* hits,
            std::uint64_t bits) const noexcept;

 private:
  std::shared_ptr<hs_database> database_;
};

}  // namespace guard::inspect
