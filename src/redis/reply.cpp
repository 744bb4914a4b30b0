#include "redis/reply.h"

#include <charconv>

namespace guard::redis {

using Kind = Element::Kind;

Reply::Reply(const Element* element) noexcept : element_(element) {
  if (is(Kind::error)) fault_ = Fault::error;
}

bool Reply::is_null() const noexcept {
  return element_ == nullptr || is(Kind::null);
}

bool Reply::is_integer() const noexcept {
  return is(Kind::integer);
}

bool Reply::is_text() const noexcept {
  return is(Kind::text);
}

bool Reply::is_array() const noexcept {
  return is(Kind::array);
}

std::int64_t Reply::integer() const noexcept {
  if (is_integer()) return element_->integer;
  if (!is_text()) return 0;
  const std::string_view digits = text();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size() ? number : 0;
}

std::string_view Reply::text() const noexcept {
  if (!is(Kind::text) && !is(Kind::error)) return {};
  return {element_->text, element_->size};
}

std::size_t Reply::size() const noexcept {
  return is_array() ? element_->size : 0;
}

Reply Reply::operator[](std::size_t index) const noexcept {
  if (index >= size()) return Reply(nullptr);
  return Reply(element_->elements[index]);
}

}  // namespace guard::redis
