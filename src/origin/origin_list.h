// The origins that a directive names: "https://app.example.com", "https://*.example.com",
// "null", "*".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace guard::origin {

class OriginList {
 public:
  struct Entry {
    std::string text;    // as browsers write it: lower case, without a default port
    std::string scheme;  // lower case
    std::string host;    // lower case; of a wildcard ".example.com"
    std::uint16_t port = 0;
    bool wildcard = false;
  };
  static constexpr std::size_t kMax = 256;

  // Reads one ORIGIN. Throws ConfigError: what is no origin, a wildcard that is too wide or stands
  // elsewhere than for whole labels at the front, a duplicate, "*" beside others.
  void add(std::string_view word);

  // Whether the value of an Origin field is one of them.
  bool contains(std::string_view origin) const noexcept;

  bool any() const { return any_; }  // "*"
  bool null() const {
    return null_;
  }  // "null", what a browser says that keeps the origin to itself
  bool empty() const { return !any_ && !null_ && entries_.empty(); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  bool any_ = false;
  bool null_ = false;
};

}  // namespace guard::origin
