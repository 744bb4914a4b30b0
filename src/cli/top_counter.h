// The most frequent of many texts, in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi:
// "Efficient computation of frequent and top-k elements in data streams", 2005). Exact while there
// are no more different texts than it has room for; after that a count is too high by at most the
// error that comes with it, and no text that occurs more often than total / room is left out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace guard::cli {

class TopCounter {
 public:
  explicit TopCounter(std::size_t room) : room_(room) {}

  struct Entry {
    std::string text;
    std::uint64_t count = 0;
    std::uint64_t error = 0;
  };

  void count(std::string_view text) {
    ++total_;
    if (const auto known = counts_.find(std::string(text)); known != counts_.end()) {
      move(known->second, known->second->first + 1);
      return;
    }
    if (counts_.size() < room_) {
      insert(std::string(text), 1, 0);
      return;
    }
    const auto least = by_count_.begin();
    const std::uint64_t error = least->first;
    counts_.erase(least->second.text);
    by_count_.erase(least);
    insert(std::string(text), error + 1, error);
  }

  std::uint64_t total() const { return total_; }

  // By count, then by text.
  std::vector<Entry> top(std::size_t number) const {
    std::vector<Entry> entries;
    for (const auto& [count, slot] : by_count_) entries.push_back({slot.text, count, slot.error});
    std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
      return a.count != b.count ? a.count > b.count : a.text < b.text;
    });
    if (entries.size() > number) entries.resize(number);
    return entries;
  }

 private:
  struct Slot {
    std::string text;
    std::uint64_t error;
  };
  using ByCount = std::multimap<std::uint64_t, Slot>;

  void insert(std::string text, std::uint64_t count, std::uint64_t error) {
    const auto at = by_count_.emplace(count, Slot{text, error});
    counts_.emplace(std::move(text), at);
  }
  void move(ByCount::iterator& at, std::uint64_t count) {
    auto node = by_count_.extract(at);
    node.key() = count;
    at = by_count_.insert(std::move(node));
  }

  std::size_t room_;
  std::uint64_t total_ = 0;
  ByCount by_count_;
  std::unordered_map<std::string, ByCount::iterator> counts_;
};

}  // namespace guard::cli
