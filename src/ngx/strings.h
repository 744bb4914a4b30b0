// nginx's strings and C++'s. ngx_str_t is not NUL-terminated, and an empty one may have no data.
#pragma once

#include <cstring>
#include <string_view>

#include "ngx/compat.h"

namespace guard::ngx {

inline std::string_view to_view(const ngx_str_t& s) noexcept {
  return {reinterpret_cast<const char*>(s.data), s.len};
}

inline std::string_view to_view(const ngx_variable_value_t& v) noexcept {
  return v.valid && !v.not_found ? std::string_view(reinterpret_cast<const char*>(v.data), v.len)
                                 : std::string_view{};
}

// A borrow: only for literals, configuration memory and pool memory that lives long enough.
inline ngx_str_t borrow(std::string_view s) noexcept {
  return {s.size(), reinterpret_cast<u_char*>(const_cast<char*>(s.data()))};
}

// A copy in the pool; a null data pointer means out of memory. One NUL follows the copy.
inline ngx_str_t copy(ngx_pool_t* pool, std::string_view s) noexcept {
  auto* data = static_cast<u_char*>(ngx_pnalloc(pool, s.size() + 1));
  if (data == nullptr) return {0, nullptr};
  if (!s.empty()) std::memcpy(data, s.data(), s.size());
  data[s.size()] = '\0';
  return {s.size(), data};
}

}  // namespace guard::ngx
