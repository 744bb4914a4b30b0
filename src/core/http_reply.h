// An answer of HTTP/1.1 to a request that asked for the connection to be closed: its status, and if
// wanted its body (RFC 9112, section 6), in whatever pieces it comes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace guard::core {

class HttpReply {
 public:
  enum class State : std::uint8_t { head, body, done, broken };

  // body: it is wanted; limit: bytes that are kept of head and body each.
  HttpReply(bool body, std::size_t limit) : wants_body_(body), limit_(limit) {}

  // May throw std::bad_alloc.
  State add(std::string_view bytes);
  State end();

  unsigned status() const { return status_; }
  // The fields, lines that end in CRLF; once the state is body or done.
  std::string_view fields() const { return fields_; }
  std::string_view body() const { return body_; }

 private:
  enum class Framing : std::uint8_t { until_end, length, chunked };

  State read_head();
  State read_body();
  State read_chunks();

  bool wants_body_;
  std::size_t limit_;
  State state_ = State::head;
  Framing framing_ = Framing::until_end;
  std::string pending_;  // bytes that are not read yet
  std::string fields_;
  std::string body_;
  std::uint64_t left_ = 0;  // of the body, or of a chunk with its line feed
  bool in_chunk_ = false;
  unsigned status_ = 0;
};

}  // namespace guard::core
