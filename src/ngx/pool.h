// C++ objects in nginx pools.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "ngx/compat.h"

namespace guard::ngx {

// Constructs a T in the pool; its destructor runs when the pool is destroyed. Throws
// std::bad_alloc, and what T's constructor throws: for configuration time only.
template <class T, class... Args>
T* pool_new(ngx_pool_t* pool, Args&&... args) {
  static_assert(alignof(T) <= NGX_ALIGNMENT, "ngx_palloc aligns to NGX_ALIGNMENT");
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(pool, sizeof(T));
  if (cleanup == nullptr) throw std::bad_alloc();
  T* object = new (cleanup->data) T(std::forward<Args>(args)...);
  if constexpr (!std::is_trivially_destructible_v<T>) {
    cleanup->handler = [](void* data) noexcept { static_cast<T*>(data)->~T(); };
  }
  return object;
}

}  // namespace guard::ngx
