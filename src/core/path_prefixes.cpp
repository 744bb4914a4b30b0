#include "core/path_prefixes.h"

#include <algorithm>

#include "core/words.h"

namespace guard::core {

namespace {

constexpr std::size_t kMax = 64;

}  // namespace

void PathPrefixes::add(std::string_view name, std::string_view list) {
  for (std::string_view prefix : split(list, ',')) {
    if (prefix.empty() || prefix.front() != '/') {
      fail("invalid value \"", prefix, "\" of \"", name, "\", it must begin with \"/\"");
    }
    if (prefix == "/") {
      fail("invalid value \"/\" of \"", name, "\", it would except every request");
    }
    if (const std::size_t star = prefix.find('*'); star != std::string_view::npos) {
      fail("invalid value \"", prefix, "\" of \"", name, "\", \"", prefix.substr(0, star),
           "\" covers all below it");
    }
    if (std::ranges::find(prefixes_, prefix) != prefixes_.end()) {
      fail("duplicate value \"", prefix, "\" of \"", name, "\"");
    }
    if (prefixes_.size() == kMax) {
      fail("more than ", std::to_string(kMax), " values of \"", name, "\"");
    }
    prefixes_.emplace_back(prefix);
  }
}

bool PathPrefixes::cover(std::string_view path) const noexcept {
  return std::ranges::any_of(prefixes_, [&](std::string_view prefix) {
    return path.starts_with(prefix) &&
           (prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/');
  });
}

}  // namespace guard::core
