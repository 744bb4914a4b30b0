// The paths that a check leaves out: "except=/health,/.well-known/acme-challenge/".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace guard::core {

class PathPrefixes {
 public:
  // What is listed with commas. name is as in words.h ("except="). Throws ConfigError: each must
  // begin with a slash, be more than that, no pattern, and new; there may be 64.
  void add(std::string_view name, std::string_view list);

  // "/health" covers "/health" and "/health/live", but not "/healthz"; "/health/" covers what is
  // below it.
  bool cover(std::string_view path) const noexcept;

  const std::vector<std::string>& all() const { return prefixes_; }

 private:
  std::vector<std::string> prefixes_;
};

}  // namespace guard::core
