// Memory of a worker that is used again by every request: it grows without keeping what it held,
// never throws, and is given back when it has grown past what is worth keeping.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace guard::core {

template <class T>
class Scratch {
  static_assert(std::is_scalar_v<T> || (std::is_aggregate_v<T> && std::is_trivially_copyable_v<T>),
                "an implicit-lifetime type: it begins to live when the memory is allocated");

 public:
  // Room for count elements, contents unspecified. False: out of memory, nothing is held.
  // Capacity above keep that this call needs less than a quarter of is given back.
  bool reserve(std::size_t count, std::size_t keep) noexcept {
    const bool wasteful = capacity_ > keep && count < capacity_ / 4;
    if (count <= capacity_ && !wasteful) return true;
    data_.reset();
    capacity_ = 0;
    const std::size_t wanted = count + count / 4 + kLeast;
    data_.reset(static_cast<T*>(std::malloc(wanted * sizeof(T))));
    if (data_ == nullptr) return false;
    capacity_ = wanted;
    return true;
  }

  // Twice the room, with the first count elements. False: out of memory, and nothing has changed.
  bool grow(std::size_t count) noexcept {
    const std::size_t wanted = capacity_ * 2 + kLeast;
    std::unique_ptr<T, Free> data(static_cast<T*>(std::malloc(wanted * sizeof(T))));
    if (data == nullptr) return false;
    if (count > 0) std::memcpy(data.get(), data_.get(), count * sizeof(T));
    data_ = std::move(data);
    capacity_ = wanted;
    return true;
  }

  T* data() const { return data_.get(); }
  std::size_t capacity() const { return capacity_; }
  std::size_t bytes() const { return capacity_ * sizeof(T); }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };
  static constexpr std::size_t kLeast = 64;
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace guard::core
