#include "redis/output.h"

#include <algorithm>

namespace guard::redis {

namespace {

constexpr std::size_t kPrefixMax = 1 + 20 + 2;  // type, digits of a 64-bit number, line end

}  // namespace

char* Output::room(std::size_t bytes) noexcept {
  if (failed_) return nullptr;
  if (buffer_.capacity() - end_ >= bytes) return buffer_.data() + end_;
  const std::size_t waiting = end_ - begin_;
  // Moving what waits is worth it only where that is little, or every put would move it again.
  if (buffer_.capacity() / 2 >= waiting && buffer_.capacity() - waiting >= bytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, waiting);
  } else {
    core::Scratch<char> grown;
    if (!grown.reserve(std::max(waiting + bytes, 2 * waiting), kKeep)) {
      failed_ = true;
      return nullptr;
    }
    if (waiting > 0) std::memcpy(grown.data(), buffer_.data() + begin_, waiting);
    buffer_ = std::move(grown);
  }
  begin_ = 0;
  end_ = waiting;
  return buffer_.data() + end_;
}

void Output::put(std::string_view bytes) noexcept {
  char* at = room(bytes.size());
  if (at == nullptr || bytes.empty()) return;
  std::memcpy(at, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void Output::prefix(char type, std::size_t count) noexcept {
  char* at = room(kPrefixMax);
  if (at == nullptr) return;
  char* begin = at;
  *at++ = type;
  at = std::to_chars(at, at + 20, count).ptr;
  *at++ = '\r';
  *at++ = '\n';
  end_ += static_cast<std::size_t>(at - begin);
}

void Output::bulk(std::string_view head, std::string_view tail) noexcept {
  prefix('$', head.size() + tail.size());
  put(head);
  put(tail);
  put("\r\n");
}

void Output::bulk(std::uint64_t number) noexcept {
  char digits[20];
  char* end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  bulk({digits, static_cast<std::size_t>(end - digits)});
}

std::string_view Output::pending() const noexcept {
  return {buffer_.data() + begin_, end_ - begin_};
}

void Output::sent(std::size_t bytes) noexcept {
  begin_ += std::min(bytes, end_ - begin_);
  if (begin_ == end_ && !failed_) clear();
}

void Output::clear() noexcept {
  begin_ = end_ = 0;
  failed_ = false;
  if (buffer_.bytes() > 2 * kKeep) buffer_ = {};
}

std::size_t Output::memory() const noexcept {
  return buffer_.bytes();
}

}  // namespace guard::redis
