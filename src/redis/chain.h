// A ring of hooks: what has one can be taken out of its list without knowing which list it is.
#pragma once

namespace guard::redis {

class Hook {
 public:
  Hook() noexcept = default;
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  bool alone() const noexcept { return next_ == this; }
  // Of a list's own hook: its first, if there is one.
  Hook* first() const noexcept { return next_; }
  // The one behind this; of the last one, the list's own hook.
  Hook* next() const noexcept { return next_; }

  // Of a list's own hook: puts one behind all others.
  void append(Hook& one) noexcept {
    one.previous_ = previous_;
    one.next_ = this;
    previous_->next_ = &one;
    previous_ = &one;
  }

  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }

  // Of two lists' own hooks: takes over all that hang on the other one, which must not be alone.
  void take(Hook& other) noexcept {
    next_ = other.next_;
    previous_ = other.previous_;
    next_->previous_ = previous_->next_ = this;
    other.next_ = other.previous_ = &other;
  }

 private:
  Hook* next_ = this;
  Hook* previous_ = this;
};

}  // namespace guard::redis
