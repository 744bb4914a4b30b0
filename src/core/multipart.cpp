#include "core/multipart.h"

#include <algorithm>
#include <cstring>

namespace guard::core {

namespace {

template <class Table>
void make_borders(std::string_view pattern, Table& borders) noexcept {
  borders[0] = 0;
  if (!pattern.empty()) borders[1] = 0;
  std::size_t border = 0;
  for (std::size_t i = 1; i < pattern.size(); ++i) {
    while (border > 0 && pattern[i] != pattern[border]) border = borders[border];
    if (pattern[i] == pattern[border]) ++border;
    borders[i + 1] = static_cast<std::uint8_t>(border);
  }
}

// How much of the pattern is matched after one more byte; a whole match must not be asked further.
template <class Table>
std::size_t step(std::string_view pattern, const Table& borders, std::size_t matched,
                 char c) noexcept {
  while (matched > 0 && pattern[matched] != c) matched = borders[matched];
  return pattern[matched] == c ? matched + 1 : 0;
}

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary, std::uint32_t parts) noexcept
    : max_parts_(parts) {
  boundary = boundary.substr(0, kMaxBoundary);
  std::memcpy(delimiter_.data(), "\r\n--", 4);
  std::copy(boundary.begin(), boundary.end(), delimiter_.begin() + 4);
  delimiter_size_ = boundary.size() + 4;
  make_borders(delimiter(), delimiter_borders_);
  make_borders(dashes(), dashes_borders_);
}

bool MultipartParser::fail(MultipartFault fault) noexcept {
  fault_ = fault;
  return false;
}

bool MultipartParser::read_start(char c) noexcept {
  if (c != dashes()[matched_]) return fail(MultipartFault::preamble);
  if (++matched_ == dashes().size()) {
    state_ = State::delimited;
    last_ = 0;
  }
  return true;
}

// CR LF or "--", and nothing else, not even white space, which RFC 2046 would allow.
bool MultipartParser::read_delimited(char c) noexcept {
  if (last_ == 0) {
    last_ = c;
    return c == '\r' || c == '-' || fail(MultipartFault::delimiter);
  }
  if (c != (last_ == '\r' ? '\n' : '-')) return fail(MultipartFault::delimiter);
  if (c == '-') {
    state_ = State::closing;
    return true;
  }
  if (count_ == max_parts_) return fail(MultipartFault::parts);
  ++count_;
  part_ = {};
  header_size_ = line_start_ = 0;
  last_ = 0;
  state_ = State::header;
  return true;
}

bool MultipartParser::read_header(char c, MultipartSink& sink) noexcept {
  const bool after_cr = last_ == '\r';
  if (after_cr != (c == '\n')) return fail(MultipartFault::header_syntax);
  if (header_size_ == kMaxHeader) return fail(MultipartFault::header_size);
  const auto byte = static_cast<unsigned char>(c);
  if (byte == 0x7f || (byte < 0x20 && c != '\r' && c != '\n' && c != '\t')) {
    return fail(MultipartFault::header_syntax);
  }
  if (header_size_ == line_start_ && header_size_ > 0 && (c == ' ' || c == '\t')) {
    return fail(MultipartFault::header_folded);
  }
  header_[header_size_++] = c;
  last_ = c;
  if (c != '\n') return true;
  const std::string_view line(header_.data() + line_start_, header_size_ - line_start_ - 2);
  if (line.empty()) {
    part_.fields = {header_.data(), line_start_};
    return begin_part(sink);
  }
  line_start_ = header_size_;
  const MultipartFault fault = read_part_field(line, part_);
  return fault == MultipartFault::none || fail(fault);
}

bool MultipartParser::begin_part(MultipartSink& sink) noexcept {
  if (part_.name.empty()) return fail(MultipartFault::disposition);
  constexpr std::string_view kBytes = "application/octet-stream";
  const std::string_view type = part_.type.substr(0, part_.type.find_first_of("; \t"));
  const auto same = [](char a, char b) { return (a | 0x20) == b || a == b; };
  if (!part_.is_file() &&
      std::equal(type.begin(), type.end(), kBytes.begin(), kBytes.end(), same)) {
    return fail(MultipartFault::ambiguous);
  }
  state_ = State::content;
  matched_ = dashes_matched_ = 0;
  content_size_ = 0;
  return sink.begin(part_) || fail(MultipartFault::stopped);
}

bool MultipartParser::end_part(MultipartSink& sink) noexcept {
  if (part_.length && *part_.length != content_size_) return fail(MultipartFault::length);
  state_ = State::delimited;
  last_ = 0;
  return sink.end() || fail(MultipartFault::stopped);
}

bool MultipartParser::emit(std::size_t held, std::string_view bytes, std::size_t size,
                           MultipartSink& sink) noexcept {
  const auto give = [&](std::string_view piece) {
    content_size_ += piece.size();
    return piece.empty() || sink.data(piece) || fail(MultipartFault::stopped);
  };
  const std::size_t old = std::min(held, size);
  return give(delimiter().substr(0, old)) && give(bytes.substr(0, size - old));
}

std::optional<std::size_t> MultipartParser::read_content(std::string_view bytes,
                                                         MultipartSink& sink) noexcept {
  // Of what is known of the content: first what is held back, then these bytes.
  const std::size_t held = matched_;
  std::size_t i = 0;
  // True if the boundary ends with this byte.
  const auto take = [&] {
    matched_ = step(delimiter(), delimiter_borders_, matched_, bytes[i]);
    dashes_matched_ = step(dashes(), dashes_borders_, dashes_matched_, bytes[i]);
    ++i;
    return dashes_matched_ == dashes().size();
  };
  bool found = false;
  while (!found && i < bytes.size() && (matched_ > 0 || dashes_matched_ > 0)) found = take();
  if (!found && i < bytes.size()) {
    const void* at = memmem(bytes.data() + i, bytes.size() - i, dashes().data(), dashes().size());
    if (at != nullptr) {
      const auto place = static_cast<std::size_t>(static_cast<const char*>(at) - bytes.data());
      if (place >= i + 2 && bytes.substr(place - 2, 2) == "\r\n") matched_ = delimiter().size();
      i = place + dashes().size();
      found = true;
    } else {
      // Only the end can be the beginning of a delimiter.
      i = std::max(i, bytes.size() - std::min(bytes.size(), delimiter().size() - 1));
      while (i < bytes.size()) take();
    }
  }
  if (found && matched_ != delimiter().size()) {
    offset_ += i;
    fail(MultipartFault::delimiter);
    return std::nullopt;
  }
  const std::size_t size = held + i - matched_;
  if (!emit(held, bytes, size, sink) || (found && !end_part(sink))) {
    offset_ += i;
    return std::nullopt;
  }
  return i;
}

// An empty line may follow the closing delimiter, and nothing else.
bool MultipartParser::read_closed(char c) noexcept {
  if (state_ == State::closing && c == '\r') {
    state_ = State::closed;
    last_ = c;
    return true;
  }
  if (state_ == State::closed && last_ == '\r' && c == '\n') {
    last_ = c;
    return true;
  }
  return fail(MultipartFault::epilogue);
}

bool MultipartParser::feed(std::string_view bytes, MultipartSink& sink) noexcept {
  while (!bytes.empty()) {
    if (state_ == State::content) {
      const auto taken = read_content(bytes, sink);
      if (!taken) return false;
      offset_ += *taken;
      bytes.remove_prefix(*taken);
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    ++offset_;
    bool good = false;
    switch (state_) {
      case State::start:
        good = read_start(c);
        break;
      case State::delimited:
        good = read_delimited(c);
        break;
      case State::header:
        good = read_header(c, sink);
        break;
      default:
        good = read_closed(c);
        break;
    }
    if (!good) return false;
  }
  return true;
}

bool MultipartParser::finish() noexcept {
  if (state_ == State::closing || (state_ == State::closed && last_ == '\n')) return true;
  return fail(state_ == State::closed ? MultipartFault::epilogue : MultipartFault::truncated);
}

}  // namespace guard::core
