#include "inspect/regex_cache.h"

#include <stdexcept>

namespace guard::inspect {

RegexCache::Found RegexCache::find(std::string_view pattern) {
  Entry* oldest = entries_.data();
  for (Entry& entry : entries_) {
    if (entry.used != 0 && entry.pattern == pattern) {
      const bool is_new = entry.request != request_;
      entry.request = request_;
      entry.used = ++uses_;
      return {entry.regex.get(), is_new};
    }
    if (entry.used < oldest->used) oldest = &entry;
  }
  // What is half made when memory runs out is found by nobody.
  oldest->used = 0;
  oldest->regex.reset();
  oldest->pattern = pattern;
  ++compiled_;
  try {
    oldest->regex = std::make_unique<const Regex>(pattern);
  } catch (const std::runtime_error&) {
    // It will not be a pattern the next time either.
  }
  oldest->request = request_;
  oldest->used = ++uses_;
  return {oldest->regex.get(), true};
}

}  // namespace guard::inspect
