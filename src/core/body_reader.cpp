#include "core/body_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/core_config.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

// One per worker: bodies are judged one after another, never two at once. What a large body made
// it grow to is given back with the next small one, be that copied or not.
class BodyBuffer {
 public:
  char* reserve(std::size_t size) noexcept {
    bool wasteful = capacity_ > kKeep && size <= kKeep;
    if (data_ != nullptr && size <= capacity_ && !wasteful) return data_;
    std::size_t wanted = size < kKeep ? kKeep : size;
    release();
    data_ = static_cast<char*>(std::malloc(wanted));
    capacity_ = data_ == nullptr ? 0 : wanted;
    return data_;
  }

  void shrink() noexcept {
    if (capacity_ > kKeep) release();
  }

  void release() noexcept {
    std::free(data_);
    data_ = nullptr;
    capacity_ = 0;
  }

 private:
  static constexpr std::size_t kKeep = 256 * 1024;
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

BodyBuffer body_buffer;
// Bodies are numbered, so that a request knows whether the buffer still holds its own.
std::uint64_t last_number = 0;
std::string_view last_body;

std::size_t length_of(const ngx_chain_t* chain) noexcept {
  off_t size = 0;
  for (; chain != nullptr; chain = chain->next) size += ngx_buf_size(chain->buf);
  return static_cast<std::size_t>(size);
}

// A buffer of the body as it was before an upstream took from it: nginx, too, begins at start, and
// at the file's first byte, when it sends a body again.
std::string_view in_memory(const ngx_buf_t& buf) noexcept {
  return {reinterpret_cast<const char*>(buf.start), static_cast<std::size_t>(buf.last - buf.start)};
}

// What has just come is always in memory.
std::string_view unread(const ngx_buf_t& buf) noexcept {
  return {reinterpret_cast<const char*>(buf.pos), static_cast<std::size_t>(buf.last - buf.pos)};
}

std::size_t whole_length_of(const ngx_buf_t& buf) noexcept {
  return ngx_buf_in_memory(&buf) ? in_memory(buf).size() : static_cast<std::size_t>(buf.file_last);
}

std::size_t whole_length_of(const ngx_chain_t* chain) noexcept {
  std::size_t size = 0;
  for (; chain != nullptr; chain = chain->next) size += whole_length_of(*chain->buf);
  return size;
}

// These bytes of it; they must be there.
bool copy(const ngx_buf_t& buf, std::size_t from, std::size_t size, char* to) noexcept {
  if (ngx_buf_in_memory(&buf)) {
    std::memcpy(to, in_memory(buf).data() + from, size);
    return true;
  }
  while (size > 0) {
    const ssize_t n =
        ngx_read_file(buf.file, reinterpret_cast<u_char*>(to), size, static_cast<off_t>(from));
    if (n <= 0) return false;
    from += static_cast<std::size_t>(n);
    size -= static_cast<std::size_t>(n);
    to += n;
  }
  return true;
}

// The DAV module serves PUT from the temporary file and answers 500 without one.
void suit_dav(ngx_http_request_t* r) noexcept {
  if (r->method != NGX_HTTP_PUT || r->content_handler != nullptr) return;
  r->request_body_in_file_only = 1;
  r->request_body_in_persistent_file = 1;
  r->request_body_in_clean_file = 1;
  r->request_body_file_group_access = 1;
  r->request_body_file_log_level = 0;
}

}  // namespace

void free_body_buffer() noexcept {
  body_buffer.release();
}

// False: one of them has refused, and that counts.
bool BodyReader::give(Request& request, std::string_view bytes) noexcept {
  Request::BodyState& body = request.body_;
  const std::vector<const Check*>& checks = main_conf(request.r_)->checks;
  bool go_on = true;
  for (std::uint32_t rest = body.hearing; rest != 0; rest &= rest - 1) {
    const std::uint32_t bit = rest & (~rest + 1);
    if (checks[static_cast<std::size_t>(std::countr_zero(rest))]->body_part(request, bytes)) {
      continue;
    }
    body.hearing &= ~bit;
    if ((body.deciding & bit) != 0) go_on = false;
  }
  return go_on;
}

// For checks that only the location of an internal redirect has: the body has been read before.
void BodyReader::repeat(std::uint32_t hearing) noexcept {
  constexpr std::size_t kPiece = 16 * 1024;
  Request::BodyState& body = request_.body_;
  body.heard |= hearing;
  body.hearing = hearing;
  body.deciding = 0;
  std::array<char, kPiece> piece;
  std::size_t offset = 0;
  while (body.hearing != 0) {
    const auto size = request_.copy_body(offset, piece.data(), piece.size());
    if (!size) body.failed = true;
    if (!size || *size == 0) break;
    give(request_, {piece.data(), *size});
    offset += *size;
  }
  body.hearing = 0;
}

// Another module has read it before, in the access phase for instance, and the filter below has not
// looked at it.
void BodyReader::take_over() noexcept {
  ngx_http_request_t* r = request_.r_;
  Request::BodyState& body = request_.body_;
  body.ended = true;
  body.received = whole_length_of(r->request_body->bufs);
  body.stopped = body.limit != 0 && body.received > body.limit;
  body.ready = !body.stopped;
  r->preserve_body = 1;
}

BodyReader::Progress BodyReader::read(const Demand& demand) noexcept {
  ngx_http_request_t* r = request_.r_;
  Request::BodyState& body = request_.body_;
  if (body.ready && !body.failed && (demand.hearing & ~body.heard) != 0) {
    repeat(demand.hearing & ~body.heard);
  }
  if (body.ready || body.failed || body.stopped) return {NGX_OK};
  if (body.asked) return {NGX_DONE};

  const std::size_t limit = demand.limit;
  body.limit = limit;
  body.heard = body.hearing = demand.hearing;
  body.deciding = demand.deciding;
  if (limit != 0 && r->headers_in.content_length_n > static_cast<off_t>(limit)) {
    body.stopped = true;
    return {NGX_OK};
  }
  body.asked = true;
  // It is passed on as it comes, and has not come to its end.
  if (r->reading_body) {
    body.failed = true;
    return {NGX_OK};
  }
  if (r->request_body != nullptr) {
    take_over();
    if (body.ready) repeat(demand.hearing);
    return {NGX_OK};
  }
  suit_dav(r);
  ngx_int_t rc = ngx_http_read_client_request_body(r, ready);
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
    body.failed = true;
    return {rc};
  }
  // nginx has set handlers of its own; the one for writing brings the gate back at the limit. Where
  // nginx has called ready() already, the request has run on and has its own.
  if (!body.ended) r->write_event_handler = ngx_http_core_run_phases;
  ngx_http_finalize_request(r, NGX_DONE);
  return {NGX_DONE};
}

void BodyReader::ready(ngx_http_request_t* r) noexcept {
  Request* request = Request::find(r);
  if (request != nullptr) {
    Request::BodyState& body = request->body_;
    body.ended = true;
    body.ready = !body.stopped;
    if (body.ready) {
      body.received = r->request_body == nullptr ? 0 : length_of(r->request_body->bufs);
    }
  }
  // For the upstream, and for whatever an internal redirect leads to.
  r->preserve_body = 1;
  r->write_event_handler = ngx_http_core_run_phases;
  ngx_http_core_run_phases(r);
}

ngx_int_t BodyReader::filter(ngx_http_request_t* r, ngx_chain_t* in,
                             ngx_http_request_body_filter_pt next) noexcept {
  auto* request = static_cast<Request*>(ngx_http_get_module_ctx(r, ngx_http_guard_module));
  if (request == nullptr || r != r->main) return next(r, in);
  Request::BodyState& body = request->body_;
  if (body.limit == 0 && body.heard == 0) return next(r, in);
  if (!body.asked || body.ready) return next(r, in);

  body.received += length_of(in);
  // What was enforced when reading began may only be observed by now.
  const bool cutting = !break_glass();
  bool enough = body.stopped || (cutting && body.limit != 0 && body.received > body.limit);
  for (const ngx_chain_t* link = in; link != nullptr && body.hearing != 0 && !enough;
       link = link->next) {
    if (ngx_buf_size(link->buf) > 0) enough = !give(*request, unread(*link->buf)) && cutting;
  }
  if (!enough) return next(r, in);

  // What comes after the limit is not kept, but for the mark of the end that nginx waits for. The
  // gate is told by a write event, since nginx is in the middle of reading here.
  ngx_chain_t* end = nullptr;
  for (ngx_chain_t* link = in; link != nullptr; link = link->next) {
    link->buf->pos = link->buf->last;
    link->buf->file_pos = link->buf->file_last;
    if (link->buf->last_buf) end = link;
  }
  if (!body.stopped) {
    body.stopped = true;
    ngx_post_event(r->connection->write, &ngx_posted_events);
  }
  return next(r, end);
}

std::size_t Request::body_size() const noexcept {
  off_t declared = r_->headers_in.content_length_n;
  return declared > 0 && !body_.ready ? static_cast<std::size_t>(declared) : body_.received;
}

bool Request::has_body() const noexcept {
  if (body_.ready) return body_.received != 0;
  if (body_.failed) return true;
  if (r_->headers_in.content_length_n > 0 || r_->headers_in.chunked) return true;
#if (NGX_HTTP_V2)
  if (r_->stream != nullptr) return r_->headers_in.content_length_n < 0 && !r_->stream->in_closed;
#endif
#if (NGX_HTTP_V3)
  if (r_->http_version == NGX_HTTP_VERSION_30) return r_->headers_in.content_length_n < 0;
#endif
  return false;
}

bool Request::has_open_body() const noexcept {
  return !body_.ready && has_body() && r_->headers_in.content_length_n < 0;
}

std::optional<std::string_view> Request::body() noexcept {
  if (body_.failed || body_.stopped || !body_.ready) return std::nullopt;
  ngx_chain_t* chain = r_->request_body == nullptr ? nullptr : r_->request_body->bufs;
  // Most bodies are one buffer of nginx's, which stays where it is as long as the request.
  if (chain != nullptr && chain->next == nullptr && ngx_buf_in_memory(chain->buf)) {
    if (body_.number == 0) {
      body_.number = ++last_number;  // what the buffer held is gone
      body_buffer.shrink();
    }
    return in_memory(*chain->buf);
  }
  // Nobody has asked for another body since this one was copied.
  if (body_.number != 0 && body_.number == last_number) return last_body;
  body_.number = 0;
  char* data = body_buffer.reserve(whole_length_of(chain));
  ++last_number;  // what the buffer held is gone
  if (data == nullptr) return std::nullopt;
  std::size_t size = 0;
  for (; chain != nullptr; chain = chain->next) {
    const std::size_t length = whole_length_of(*chain->buf);
    if (!copy(*chain->buf, 0, length, data + size)) return std::nullopt;
    size += length;
  }
  last_body = {data, size};
  body_.number = last_number;
  return last_body;
}

std::optional<std::size_t> Request::copy_body(std::size_t offset, char* to,
                                              std::size_t size) noexcept {
  if (body_.failed || !body_.ready) return std::nullopt;
  const ngx_chain_t* chain = r_->request_body == nullptr ? nullptr : r_->request_body->bufs;
  std::size_t copied = 0;
  for (; chain != nullptr && copied < size; chain = chain->next) {
    const std::size_t length = whole_length_of(*chain->buf);
    if (offset >= length) {
      offset -= length;
      continue;
    }
    const std::size_t piece = std::min(length - offset, size - copied);
    if (!copy(*chain->buf, offset, piece, to + copied)) return std::nullopt;
    copied += piece;
    offset = 0;
  }
  return copied;
}

}  // namespace guard::core
