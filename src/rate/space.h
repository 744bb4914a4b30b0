// Memory that lives as long as a request, of which its parts are never given back.
#pragma once

#include <cstddef>

namespace guard::rate {

class Space {
 public:
  // aligned: for more than characters.
  using Take = void* (*)(void* context, std::size_t size, bool aligned) noexcept;

  Space(Take own, void* context) noexcept : take_(own), context_(context) {}

  // Room for count elements, contents unspecified; null: there is no more.
  template <class T>
  T* take(std::size_t count) const noexcept {
    return static_cast<T*>(take_(context_, count * sizeof(T), alignof(T) > 1));
  }

 private:
  Take take_;
  void* context_;
};

}  // namespace guard::rate
