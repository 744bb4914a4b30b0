// Who may have one of so many places, and who waits for one: first come, first served. Of one
// thread; nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>

namespace guard::core {

class Turns {
 public:
  // In whoever waits, which must stay where it is until it has had its turn or forget().
  class Waiter {
   public:
    bool waits() const noexcept { return turns_ != nullptr; }

   protected:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() = default;

   private:
    friend class Turns;
    Turns* turns_ = nullptr;
    Waiter* before_ = nullptr;
    Waiter* behind_ = nullptr;
  };

  enum class Entry : std::uint8_t { taken, waiting, full };

  // At least one place.
  Turns(std::size_t places, std::size_t max_waiting) noexcept
      : places_(places), max_waiting_(max_waiting) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  std::size_t taken() const noexcept { return taken_; }
  std::size_t waiting() const noexcept { return waiting_; }

  // taken: it has a place, until leave(). full: neither a place nor room to wait for one.
  Entry enter(Waiter& waiter) noexcept {
    if (taken_ < places_ && first_ == nullptr) {
      ++taken_;
      return Entry::taken;
    }
    if (waiting_ == max_waiting_) return Entry::full;
    waiter.turns_ = this;
    waiter.before_ = last_;
    (last_ == nullptr ? first_ : last_->behind_) = &waiter;
    last_ = &waiter;
    ++waiting_;
    return Entry::waiting;
  }

  // A place is free again. Whoever waits does not hear of it: see next().
  void leave() noexcept { --taken_; }

  // The first of those who wait, who has a place from now on; null: nobody waits, or no place is
  // free.
  Waiter* next() noexcept {
    if (taken_ == places_ || first_ == nullptr) return nullptr;
    ++taken_;
    return turn_away();
  }

  // The first of those who wait, who waits no more and has none; null: nobody waits.
  Waiter* turn_away() noexcept {
    Waiter* waiter = first_;
    if (waiter != nullptr) forget(*waiter);
    return waiter;
  }

  // Somebody who waits here and wants no place any more.
  void forget(Waiter& waiter) noexcept {
    (waiter.before_ == nullptr ? first_ : waiter.before_->behind_) = waiter.behind_;
    (waiter.behind_ == nullptr ? last_ : waiter.behind_->before_) = waiter.before_;
    waiter.turns_ = nullptr;
    waiter.before_ = waiter.behind_ = nullptr;
    --waiting_;
  }

 private:
  std::size_t places_;
  std::size_t max_waiting_;
  std::size_t taken_ = 0;
  std::size_t waiting_ = 0;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace guard::core
