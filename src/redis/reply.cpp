#include "redis/reply.h"

#include <hiredis/hiredis.h>

#include <charconv>

namespace guard::redis {

namespace {

const redisReply* native_of(const void* reply) noexcept {
  return static_cast<const redisReply*>(reply);
}

bool has_text(int type) noexcept {
  return type == REDIS_REPLY_STRING || type == REDIS_REPLY_STATUS || type == REDIS_REPLY_ERROR;
}

}  // namespace

Reply::Reply(const void* native) noexcept : native_(native) {
  if (native_ != nullptr && native_of(native_)->type == REDIS_REPLY_ERROR) fault_ = Fault::error;
}

bool Reply::is_null() const noexcept {
  return native_ == nullptr || native_of(native_)->type == REDIS_REPLY_NIL;
}

bool Reply::is_integer() const noexcept {
  return native_ != nullptr && native_of(native_)->type == REDIS_REPLY_INTEGER;
}

bool Reply::is_text() const noexcept {
  return native_ != nullptr && has_text(native_of(native_)->type) && fault_ != Fault::error;
}

bool Reply::is_array() const noexcept {
  return native_ != nullptr && native_of(native_)->type == REDIS_REPLY_ARRAY;
}

std::int64_t Reply::integer() const noexcept {
  if (is_integer()) return native_of(native_)->integer;
  if (!is_text()) return 0;
  const std::string_view digits = text();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size() ? number : 0;
}

std::string_view Reply::text() const noexcept {
  if (native_ == nullptr || !has_text(native_of(native_)->type)) return {};
  return {native_of(native_)->str, native_of(native_)->len};
}

std::size_t Reply::size() const noexcept {
  return is_array() ? native_of(native_)->elements : 0;
}

Reply Reply::operator[](std::size_t index) const noexcept {
  if (index >= size()) return Reply(nullptr);
  return Reply(static_cast<const void*>(native_of(native_)->element[index]));
}

}  // namespace guard::redis
