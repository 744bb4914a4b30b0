// The commands of one connection in the order in which they are written, and so in the order of
// their replies: those that were sent, then those that still wait to be. Who loses interest leaves
// an empty slot behind, whose replies are counted all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace guard::redis {

class Command;

class Ring {
 public:
  static constexpr std::size_t kMost = 16384;

  struct Slot {
    Command* command = nullptr;
    std::uint32_t replies = 0;  // still to come; of a slot that is not sent yet: unknown
    std::uint32_t sent_at = 0;  // milliseconds, of any clock
  };

  bool full() const noexcept { return end_ - first_ >= kMost; }
  bool has_sent() const noexcept { return first_ != unsent_; }
  bool has_unsent() const noexcept { return unsent_ != end_; }
  std::size_t size() const noexcept { return end_ - first_; }

  // Puts a command behind all others; its ticket is good until the slot is gone. False: no memory,
  // or full.
  bool push(Command* command, std::uint64_t& ticket) noexcept {
    if (full() || (size() == capacity_ && !grow())) return false;
    ticket = end_;
    slot(end_++) = {command, 0, 0};
    return true;
  }

  // The command of this ticket does not wait any more.
  void empty(std::uint64_t ticket) noexcept { slot(ticket).command = nullptr; }
  bool is_sent(std::uint64_t ticket) const noexcept { return ticket < unsent_; }

  // The oldest that was sent, and the oldest that was not: there must be one.
  Slot& first() noexcept { return slot(first_); }
  Slot& unsent() noexcept { return slot(unsent_); }

  // Tickets of these two.
  std::uint64_t first_ticket() const noexcept { return first_; }
  std::uint64_t unsent_ticket() const noexcept { return unsent_; }

  // It has been written.
  void advance() noexcept { ++unsent_; }
  void pop() noexcept {
    ++first_;
    // Memory of a peak is not kept.
    if (first_ == end_ && capacity_ > kKept) {
      slots_.reset();
      capacity_ = 0;
    }
  }
  // Takes the oldest, sent or not.
  Command* take() noexcept {
    Command* command = first().command;
    if (first_ == unsent_) ++unsent_;
    pop();
    return command;
  }

 private:
  static constexpr std::size_t kLeast = 64;
  static constexpr std::size_t kKept = 1024;

  Slot& slot(std::uint64_t index) const noexcept { return slots_[index & (capacity_ - 1)]; }

  bool grow() noexcept {
    const std::size_t capacity = capacity_ == 0 ? kLeast : 2 * capacity_;
    std::unique_ptr<Slot[]> grown(new (std::nothrow) Slot[capacity]);
    if (grown == nullptr) return false;
    for (std::uint64_t i = first_; i != end_; ++i) grown[i & (capacity - 1)] = slot(i);
    slots_ = std::move(grown);
    capacity_ = capacity;
    return true;
  }

  std::unique_ptr<Slot[]> slots_;
  std::size_t capacity_ = 0;  // a power of two
  std::uint64_t first_ = 0;
  std::uint64_t unsent_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace guard::redis
