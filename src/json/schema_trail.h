// Which members and elements a schema has evaluated, for unevaluatedProperties and unevaluatedItems
// (2020-12 core, section 11): a set that forgets what a branch added when the branch fails.
//
// A sparse set (Briggs, Torczon: "An Efficient Representation for Sparse Sets", 1993): a stack of
// nodes and, for each node, where it lies in the stack. Each entry keeps where its node lay before,
// so that to forget is to undo, and whatever is done costs no more than what was added.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/scratch.h"

namespace guard::json {

class SchemaTrail {
 public:
  // For a document of so many nodes. False: out of memory.
  bool prepare(std::uint32_t nodes, std::size_t keep) noexcept {
    if (!place_.reserve(nodes, keep) || !stack_.reserve(nodes, keep)) return false;
    std::fill_n(place_.data(), nodes, 0);
    size_ = 0;
    start_ = 0;
    return true;
  }

  std::uint32_t size() const { return size_; }

  // False: out of memory.
  bool add(std::uint32_t node) noexcept {
    if (has(node)) return true;
    if (size_ == stack_.capacity() && !stack_.grow(size_)) return false;
    put(node);
    return true;
  }

  // Since the innermost open() .
  bool has(std::uint32_t node) const noexcept { return place_.data()[node] > start_; }

  // Forgets all but the first size.
  void cut(std::uint32_t size) noexcept {
    while (size_ > size) {
      const Entry& last = stack_.data()[--size_];
      place_.data()[last.node] = last.before;
    }
  }

  // Begins an empty set; close() goes back to the one before, which is what open() returned, and
  // adds what was in the inner one if keep says so.
  std::uint32_t open() noexcept {
    const std::uint32_t outer = start_;
    start_ = size_;
    return outer;
  }
  void close(std::uint32_t outer, bool keep) noexcept {
    const std::uint32_t end = size_;
    cut(start_);
    start_ = outer;
    for (std::uint32_t i = size_; keep && i < end; ++i) {
      const std::uint32_t node = stack_.data()[i].node;
      if (!has(node)) put(node);
    }
  }

 private:
  struct Entry {
    std::uint32_t node;
    std::uint32_t before;
  };

  void put(std::uint32_t node) noexcept {
    std::uint32_t& place = place_.data()[node];
    stack_.data()[size_++] = {node, place};
    place = size_;
  }

  core::Scratch<std::uint32_t> place_;  // 1 + the index of its last entry, or 0
  core::Scratch<Entry> stack_;
  std::uint32_t size_ = 0;
  std::uint32_t start_ = 0;
};

}  // namespace guard::json
