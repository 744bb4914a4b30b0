// Which members and elements a schema has evaluated, for unevaluatedProperties and unevaluatedItems
// (2020-12 core, section 11): a set that forgets what a branch added when the branch fails.
//
// A sparse set (Briggs, Torczon: "An Efficient Representation for Sparse Sets", 1993), a stack of
// nodes and, for each node, where it lies in the stack, so that forgetting is to shorten the stack.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/scratch.h"

namespace guard::json {

class SchemaTrail {
 public:
  // For a document of so many nodes. False: out of memory.
  bool prepare(std::uint32_t nodes, std::size_t keep) noexcept {
    if (!position_.reserve(nodes, keep) || !stack_.reserve(nodes, keep)) return false;
    std::fill_n(position_.data(), nodes, 0);
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
  bool has(std::uint32_t node) const noexcept {
    const std::uint32_t at = position_.data()[node];
    return at >= start_ && at < size_ && stack_.data()[at] == node;
  }

  // Forgets all but the first size.
  void cut(std::uint32_t size) noexcept { size_ = size; }

  // Begins an empty set; close() goes back to the one before, which is what open() returned, and
  // adds what was in the inner one if keep says so. What is at once in both has to be found again.
  std::uint32_t open() noexcept {
    const std::uint32_t outer = start_;
    start_ = size_;
    return outer;
  }
  void close(std::uint32_t outer, bool keep) noexcept {
    const std::uint32_t inner = start_;
    const std::uint32_t end = size_;
    start_ = outer;
    size_ = inner;
    for (std::uint32_t i = outer; i < inner; ++i) position_.data()[stack_.data()[i]] = i;
    for (std::uint32_t i = inner; keep && i < end; ++i) {
      const std::uint32_t node = stack_.data()[i];
      if (!has(node)) put(node);
    }
  }

 private:
  void put(std::uint32_t node) noexcept {
    stack_.data()[size_] = node;
    position_.data()[node] = size_++;
  }

  core::Scratch<std::uint32_t> position_;
  core::Scratch<std::uint32_t> stack_;
  std::uint32_t size_ = 0;
  std::uint32_t start_ = 0;
};

}  // namespace guard::json
