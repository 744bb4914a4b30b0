// The policies that a directive applies at one level of the configuration ("guard_rate api;",
// "+api" beside those of the level around it, "off"), and what becomes of them on the levels
// within.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/words.h"

namespace guard::core {

// All that throw throw ConfigError.
template <class Item>
class AppliedList {
 public:
  // What tells items apart: the name of the policy.
  using NameOf = std::string_view (*)(const Item& item);

  // feature: "rate", of "guard_rate" and "rate policy". most: items of one location.
  AppliedList(std::string_view feature, std::size_t most, NameOf name_of)
      : feature_(feature), most_(most), name_of_(name_of) {}

  // Throws beside others.
  void turn_off() {
    if (set_) {
      fail("\"guard_", feature_, " off\" beside other \"guard_", feature_, "\" of the same level");
    }
    set_ = true;
  }

  // Before WORD, a policy's name as it is written, is looked up. Throws beside off.
  void expect(std::string_view word) const {
    if (!set_ || !list_.empty()) return;
    fail("\"guard_", feature_, " ", word, "\" beside \"guard_", feature_,
         " off\" of the same level");
  }

  // Throws if it cannot stand beside the others.
  void add(Item item, bool adds, std::string_view word) {
    if (has(item)) {
      fail(feature_, " policy \"", name_of_(item), "\" is applied twice at the same level");
    }
    if (!list_.empty() && adds_ != adds) {
      fail("\"guard_", feature_, " ", word,
           "\": names with and without \"+\" cannot stand at the same level");
    }
    if (list_.size() == most_) {
      fail("more than ", std::to_string(most_), " ", feature_, " policies at the same level");
    }
    set_ = true;
    adds_ = adds;
    list_.push_back(std::move(item));
  }

  // The level within takes over what it leaves standing of that around it. Answers the names that
  // it replaces, quoted; empty: none. Throws if there are too many.
  std::string inherit(const AppliedList& around) {
    std::string replaced;
    if (!set_) {
      *this = around;
    } else if (adds_) {
      std::vector<Item> all;
      for (const Item& item : around.list_) {
        if (!has(item)) all.push_back(item);
      }
      all.insert(all.end(), list_.begin(), list_.end());
      list_ = std::move(all);
    } else if (!list_.empty()) {
      for (const Item& item : around.list_) {
        replaced.append(replaced.empty() ? "\"" : ", \"").append(name_of_(item)).append("\"");
      }
    }
    if (list_.size() > most_) {
      fail("more than ", std::to_string(most_), " ", feature_, " policies in one location");
    }
    return replaced;
  }

  std::span<const Item> list() const { return list_; }

 private:
  bool has(const Item& item) const {
    return std::ranges::any_of(
        list_, [&](const Item& other) { return name_of_(other) == name_of_(item); });
  }

  std::string_view feature_;
  std::size_t most_;
  NameOf name_of_;
  bool set_ = false;
  bool adds_ = false;
  std::vector<Item> list_;
};

}  // namespace guard::core
