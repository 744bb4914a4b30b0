// Regexes of rules whose patterns hold macros ("@rx ^%{tx.name}$"): compiled when a request has
// made them, and kept. Of a worker.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "inspect/regex.h"

namespace guard::inspect {

class RegexCache {
 public:
  // How many are kept: most rules make one and the same in every request. Those that were used last
  // stay.
  static constexpr std::size_t kMost = 16;
  // Bytes of a pattern that is kept: a client may be who writes it. A longer one, of which there is
  // one at a time, goes with its request.
  static constexpr std::size_t kLongest = 2048;

  void next_request();
  // Whether the request has not asked for it before, be it kept from others or not.
  bool is_new(std::string_view pattern) const;
  // Null: the pattern is none. Until the next find().
  const Regex* find(std::string_view pattern);

  // How many have been compiled so far, or tried in vain.
  std::size_t compiled() const { return compiled_; }

 private:
  struct Entry {
    std::string pattern;
    std::unique_ptr<const Regex> regex;
    std::size_t request = 0;  // the last that asked for it
    std::size_t used = 0;     // when; 0: the place is free
  };

  const Entry* entry_of(std::string_view pattern) const;

  std::array<Entry, kMost + 1> entries_;  // the last is for one that is not kept
  std::size_t request_ = 1;
  std::size_t uses_ = 0;
  std::size_t compiled_ = 0;
};

}  // namespace guard::inspect
