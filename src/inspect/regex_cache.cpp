#include "inspect/regex_cache.h"

#include <algorithm>
#include <stdexcept>

namespace guard::inspect {

void RegexCache::next_request() {
  ++request_;
  if (entries_.back().used != 0) entries_.back() = {};
}

const RegexCache::Entry* RegexCache::entry_of(std::string_view pattern) const {
  const auto* found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.used != 0 && entry.pattern == pattern;
  });
  return found == entries_.end() ? nullptr : found;
}

bool RegexCache::is_new(std::string_view pattern) const {
  const Entry* entry = entry_of(pattern);
  return entry == nullptr || entry->request != request_;
}

const Regex* RegexCache::find(std::string_view pattern) {
  if (const Entry* known = entry_of(pattern)) {
    Entry& entry = entries_[static_cast<std::size_t>(known - entries_.data())];
    entry.request = request_;
    entry.used = ++uses_;
    return entry.regex.get();
  }
  Entry& entry =
      pattern.size() > kLongest
          ? entries_.back()
          : *std::min_element(entries_.begin(), entries_.end() - 1,
                              [](const Entry& a, const Entry& b) { return a.used < b.used; });
  // What is half made when memory runs out is found by nobody.
  entry = {};
  entry.pattern = pattern;
  ++compiled_;
  try {
    entry.regex = std::make_unique<const Regex>(pattern);
  } catch (const std::runtime_error&) {
    // It will not be a pattern the next time either.
  }
  entry.request = request_;
  entry.used = ++uses_;
  return entry.regex.get();
}

}  // namespace guard::inspect
