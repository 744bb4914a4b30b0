#include "core/http_reply.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/ascii.h"

namespace guard::core {

namespace {

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<std::uint64_t> number(std::string_view text, int base) noexcept {
  std::uint64_t found = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), found, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return found;
}

// "HTTP/1.1 200 OK"
unsigned status_of(std::string_view line) noexcept {
  constexpr std::size_t kAt = 9;
  if (!line.starts_with("HTTP/1.") || line.size() < kAt + 3 || line[kAt - 1] != ' ') return 0;
  if (line.size() > kAt + 3 && line[kAt + 3] != ' ' && line[kAt + 3] != '\r') return 0;
  const auto found = number(line.substr(kAt, 3), 10);
  return found && *found >= 100 && *found <= 599 ? static_cast<unsigned>(*found) : 0;
}

std::string_view take_line(std::string_view& text) noexcept {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return trim(line);
}

}  // namespace

HttpReply::State HttpReply::add(std::string_view bytes) {
  if (state_ == State::done || state_ == State::broken) return state_;
  pending_.append(bytes);
  if (state_ == State::head) state_ = read_head();
  if (state_ == State::body) state_ = read_body();
  return state_;
}

HttpReply::State HttpReply::end() {
  const bool whole = state_ == State::body && framing_ == Framing::until_end;
  if (state_ != State::done) state_ = whole ? State::done : State::broken;
  return state_;
}

HttpReply::State HttpReply::read_head() {
  for (;;) {
    std::size_t end = pending_.find("\r\n\r\n");
    if (end == std::string::npos) return pending_.size() > limit_ ? State::broken : State::head;
    std::string_view head(pending_.data(), end);
    status_ = status_of(take_line(head));
    if (status_ == 0) return State::broken;
    if (status_ < 200) {
      // An interim answer, another one follows.
      pending_.erase(0, end + 4);
      continue;
    }
    framing_ = Framing::until_end;
    fields_.assign(head).append("\r\n");
    while (!head.empty()) {
      const std::string_view line = take_line(head);
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) return State::broken;
      const std::string_view name = line.substr(0, colon);
      const std::string_view value = trim(line.substr(colon + 1));
      if (equal_without_case(name, "transfer-encoding")) {
        if (!equal_without_case(value, "chunked")) return State::broken;
        framing_ = Framing::chunked;
      } else if (equal_without_case(name, "content-length") && framing_ != Framing::chunked) {
        const auto length = number(value, 10);
        if (!length) return State::broken;
        framing_ = Framing::length;
        left_ = *length;
      }
    }
    pending_.erase(0, end + 4);
    if (framing_ == Framing::chunked) left_ = 0;
    return wants_body_ ? State::body : State::done;
  }
}

HttpReply::State HttpReply::read_body() {
  if (framing_ == Framing::chunked) return read_chunks();
  const std::size_t size =
      framing_ == Framing::length
          ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, pending_.size()))
          : pending_.size();
  if (framing_ == Framing::length) left_ -= size;
  body_.append(pending_, 0, size);
  pending_.erase(0, size);
  if (body_.size() > limit_) return State::broken;
  return framing_ == Framing::length && left_ == 0 ? State::done : State::body;
}

HttpReply::State HttpReply::read_chunks() {
  for (;;) {
    if (in_chunk_) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, pending_.size()));
      // The last two bytes of what is left are the chunk's line feed.
      const std::uint64_t data = left_ > 2 ? left_ - 2 : 0;
      body_.append(pending_, 0, static_cast<std::size_t>(std::min<std::uint64_t>(data, size)));
      pending_.erase(0, size);
      left_ -= size;
      if (body_.size() > limit_) return State::broken;
      if (left_ != 0) return State::body;
      in_chunk_ = false;
    }
    const std::size_t end = pending_.find("\r\n");
    if (end == std::string::npos) return pending_.size() > limit_ ? State::broken : State::body;
    std::string_view line(pending_.data(), end);
    const auto size = number(trim(line.substr(0, line.find(';'))), 16);
    if (!size || *size > limit_) return State::broken;
    pending_.erase(0, end + 2);
    if (*size == 0) return State::done;
    left_ = *size + 2;
    in_chunk_ = true;
  }
}

}  // namespace guard::core
