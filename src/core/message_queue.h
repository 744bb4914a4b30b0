// Messages on their way to another program: kept in order in a fixed piece of memory, whole or not
// at all. Plain memory, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string_view>

namespace guard::core {

class MessageQueue {
 public:
  explicit MessageQueue(std::size_t capacity) : bytes_(new char[capacity]), capacity_(capacity) {}

  // The parts as one message; false if there is no room for it.
  bool push(std::initializer_list<std::string_view> parts) noexcept {
    std::size_t size = 0;
    for (std::string_view part : parts) size += part.size();
    if (size + sizeof(Size) > capacity_ - (end_ - begin_)) return false;
    if (size + sizeof(Size) > capacity_ - end_) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const auto prefix = static_cast<Size>(size);
    std::memcpy(bytes_.get() + end_, &prefix, sizeof prefix);
    end_ += sizeof prefix;
    for (std::string_view part : parts) {
      if (!part.empty()) std::memcpy(bytes_.get() + end_, part.data(), part.size());
      end_ += part.size();
    }
    return true;
  }

  bool empty() const noexcept { return begin_ == end_; }
  // How many messages there are; walks over all.
  std::size_t size() const noexcept {
    return each([](std::string_view /*message*/) { return true; });
  }
  // Bytes of memory that the messages take.
  std::size_t used() const noexcept { return end_ - begin_; }

  // The first message; there must be one. Views are valid until the next push() or pop().
  std::string_view front() const noexcept { return at(begin_); }

  void pop() noexcept {
    begin_ += sizeof(Size) + front().size();
    if (begin_ == end_) begin_ = end_ = 0;
  }

  // Shows the messages from the first one on until see answers false; how many it was shown and
  // took.
  template <class See>
  std::size_t each(See&& see) const noexcept {
    std::size_t count = 0;
    for (std::size_t i = begin_; i != end_; ++count) {
      const std::string_view message = at(i);
      if (!see(message)) break;
      i += sizeof(Size) + message.size();
    }
    return count;
  }

 private:
  using Size = std::uint32_t;

  std::string_view at(std::size_t i) const noexcept {
    Size size = 0;
    std::memcpy(&size, bytes_.get() + i, sizeof size);
    return {bytes_.get() + i + sizeof size, size};
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace guard::core
