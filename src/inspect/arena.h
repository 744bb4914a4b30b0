// Memory for what one request's inspection makes: given out from blocks, all given back at once,
// and the blocks kept for the next request.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace guard::inspect {

class Arena {
 public:
  // Throws std::bad_alloc.
  char* allocate(std::size_t size) {
    while (current_ < blocks_.size()) {
      Block& block = blocks_[current_];
      if (block.size - used_ >= size) {
        char* at = block.data.get() + used_;
        used_ += size;
        return at;
      }
      ++current_;
      used_ = 0;
    }
    const std::size_t wanted = size > kBlock ? size : kBlock;
    blocks_.push_back({std::unique_ptr<char[]>(new char[wanted]), wanted});
    used_ = size;
    return blocks_.back().data.get();
  }

  // Gives back the end of what was allocated last.
  void shrink(std::size_t unused) { used_ -= unused; }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* at = allocate(text.size());
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }

  void reset() {
    while (blocks_.size() > kKept) blocks_.pop_back();
    std::erase_if(blocks_, [](const Block& block) { return block.size > kBlock; });
    current_ = 0;
    used_ = 0;
  }

 private:
  static constexpr std::size_t kBlock = 64U << 10;
  static constexpr std::size_t kKept = 16;

  struct Block {
    std::unique_ptr<char[]> data;
    std::size_t size;
  };

  std::vector<Block> blocks_;
  std::size_t current_ = 0;
  std::size_t used_ = 0;
};

}  // namespace guard::inspect
