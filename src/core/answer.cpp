#include "core/answer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/ascii.h"
#include "core/respond.h"
#include "ngx/fields.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

constexpr std::size_t kFirstBlock = 4096;

// "identity" is what the field does not need to say (RFC 9110, section 8.4.1).
bool is_encoded(ngx_http_request_t* r) noexcept {
  for (const ngx_table_elt_t& field : ngx::response_fields(r)) {
    if (field.hash == 0 || !ngx::is_named(field, "Content-Encoding")) continue;
    if (!equal_without_case(ngx::to_view(field.value), "identity")) return true;
  }
  return false;
}

// The slice module has asked for the first of its pieces: all others come by subrequests, which
// pass by here, and what it makes of ranges needs those that it has allowed.
bool is_sliced(const ngx_http_request_t* r) noexcept {
  return r->subrequest_ranges != 0;
}

// What is asked of the request's location is asked of another.
class InPlace {
 public:
  InPlace(ngx_http_request_t* r, void** place) noexcept
      : r_(r), own_(std::exchange(r->loc_conf, place)) {}
  ~InPlace() { r_->loc_conf = own_; }
  InPlace(const InPlace&) = delete;
  InPlace& operator=(const InPlace&) = delete;

 private:
  ngx_http_request_t* r_;
  void** own_;
};

bool has_body(const ngx_http_request_t* r) noexcept {
  const ngx_uint_t status = r->headers_out.status;
  return !r->header_only && r->method != NGX_HTTP_HEAD && status >= 200 &&
         status != NGX_HTTP_NO_CONTENT && status != NGX_HTTP_NOT_MODIFIED;
}

}  // namespace

bool AnswerReader::begin(const AnswerCheck* check, void** place) noexcept {
  // Something else takes the place of an answer that was held: an error page.
  if (state_.stage != Stage::none) {
    state_.stage = Stage::done;
    return false;
  }
  if (check == nullptr) return false;
  state_.stage = Stage::done;
  state_.check = check;
  state_.place = place;
  if (request_.refused() || !has_body(r_)) return false;
  const InPlace scope(r_, place);
  const Mode mode = mode_of(r_, state_.check->feature);
  if (mode == Mode::off) return false;
  const AnswerNeed need = state_.check->need(request_);
  if (need.limit == 0) return false;
  const bool hold = need.hold && mode == Mode::enforce;
  if (!hold && r_->headers_in.range != nullptr && r_->allow_ranges) return false;
  const bool encoded = is_encoded(r_);
  if (need.start && (encoded || is_sliced(r_))) {
    ngx_log_error(NGX_LOG_INFO, r_->connection->log, 0,
                  encoded ? "the answer has a Content-Encoding and is not judged"
                          : "the answer comes in slices and is not judged");
    return false;
  }
  state_.limit = need.limit;
  state_.start = need.start;
  state_.body = AnswerBody::whole;
  if (!need.start) {
    const bool part = r_->headers_out.status == NGX_HTTP_PARTIAL_CONTENT || is_sliced(r_);
    if (part) state_.body = AnswerBody::partial;
    if (encoded) state_.body = AnswerBody::encoded;
    if (r_->headers_out.content_length_n > static_cast<off_t>(need.limit)) {
      state_.body = AnswerBody::too_large;
    }
  }
  state_.stage = hold ? Stage::held : Stage::followed;
  r_->main_filter_need_in_memory = 1;
  if (!hold) return false;
  // Ranges are cut before a body comes here; of an answer that is held there are none.
  r_->allow_ranges = 0;
  return true;
}

ngx_int_t AnswerReader::read(ngx_chain_t* in, const Senders& senders) noexcept {
  switch (state_.stage) {
    case Stage::held:
      return hold(in, senders);
    case Stage::replaced:
      // The rest of an answer whose place another has taken: not endlessly.
      take(in, true);
      if (state_.size > state_.limit) return NGX_ERROR;
      return r_->out == nullptr ? NGX_OK : senders.body(r_, nullptr);
    case Stage::followed: {
      ngx_chain_t* rest = in;
      const bool ended = take(rest, false);
      if (ended || state_.body != AnswerBody::whole) {
        state_.stage = Stage::done;
        Refusal refusal;
        (void)refuses(refusal, false);
      }
      break;
    }
    case Stage::none:
    case Stage::done:
      break;
  }
  return senders.body(r_, in);
}

bool AnswerReader::take(ngx_chain_t*& in, bool consume) noexcept {
  bool ended = false;
  for (; in != nullptr; in = in->next) {
    ngx_buf_t* buf = in->buf;
    if (ngx_buf_in_memory(buf)) {
      auto size = static_cast<std::size_t>(buf->last - buf->pos);
      if (state_.stage == Stage::replaced) {
        state_.size += size;
      } else if (state_.body == AnswerBody::whole) {
        const bool more = state_.start && size > state_.limit - state_.size;
        if (more) size = state_.limit - state_.size;
        if (!append(buf->pos, size)) {
          state_.size = 0;
        } else if (more) {
          state_.body = AnswerBody::start;
          if (consume) buf->pos += size;
          return false;
        }
      }
      if (consume) buf->pos = buf->last;
    } else if (buf->in_file && buf->file_pos != buf->file_last) {
      // The copy filter has been asked for memory; whoever comes behind it may think otherwise.
      if (state_.body == AnswerBody::whole) state_.body = AnswerBody::unavailable;
      if (consume) buf->file_pos = buf->file_last;
    }
    ended = ended || buf->last_buf;
  }
  return ended;
}

// False: state_.body says why not.
bool AnswerReader::append(const u_char* data, std::size_t size) noexcept {
  if (size > state_.limit - state_.size) {
    state_.body = AnswerBody::too_large;
    return false;
  }
  if (size > state_.capacity - state_.size) {
    std::size_t wanted = std::max({kFirstBlock, state_.size + size, 2 * state_.capacity});
    const off_t length = r_->headers_out.content_length_n;
    if (length > 0) wanted = std::max(wanted, static_cast<std::size_t>(length));
    wanted = std::min(wanted, state_.limit);
    auto* block = static_cast<char*>(ngx_pnalloc(r_->pool, wanted));
    if (block == nullptr) {
      state_.body = AnswerBody::unavailable;
      return false;
    }
    if (state_.size != 0) std::memcpy(block, state_.data, state_.size);
    if (state_.data != nullptr) ngx_pfree(r_->pool, state_.data);
    state_.data = block;
    state_.capacity = wanted;
  }
  if (size != 0) std::memcpy(state_.data + state_.size, data, size);
  state_.size += size;
  return true;
}

bool AnswerReader::refuses(Refusal& refusal, bool acted_upon) noexcept {
  const InPlace scope(r_, state_.place);
  refusal.feature = state_.check->feature;
  const std::string_view text{state_.data, state_.size};
  if (state_.check->judge(request_, state_.body, text, refusal) != Answer::refuse) return false;
  if (acted_upon) {
    request_.deny(refusal);
  } else {
    request_.observe(refusal);
  }
  return true;
}

ngx_int_t AnswerReader::hold(ngx_chain_t* in, const Senders& senders) noexcept {
  ngx_chain_t* rest = in;
  const bool ended = take(rest, true);
  if (!ended && state_.body == AnswerBody::whole) return NGX_OK;
  Refusal refusal;
  return refuses(refusal, true) ? replace(refusal, ended, senders) : send(rest, senders);
}

ngx_int_t AnswerReader::send(ngx_chain_t* rest, const Senders& senders) noexcept {
  state_.stage = Stage::done;
  const ngx_int_t rc = senders.header(r_);
  if (rc == NGX_ERROR || rc > NGX_OK || r_->header_only) return rc;
  auto* buf = static_cast<ngx_buf_t*>(ngx_calloc_buf(r_->pool));
  if (buf == nullptr) return NGX_ERROR;
  if (state_.size != 0) {
    buf->start = buf->pos = reinterpret_cast<u_char*>(state_.data);
    buf->end = buf->last = buf->pos + state_.size;
    buf->memory = 1;
  }
  if (rest == nullptr) {
    buf->last_buf = 1;
    buf->last_in_chain = 1;
  }
  ngx_chain_t out{buf, rest};
  return senders.body(r_, &out);
}

ngx_int_t AnswerReader::replace(const Refusal& refusal, bool ended,
                                const Senders& senders) noexcept {
  // What is too large is not read to its end, and no further slice asked for.
  const bool cut = !ended && (state_.body == AnswerBody::too_large ||
                              state_.body == AnswerBody::start || is_sliced(r_));
  if (cut) r_->keepalive = 0;
  ngx_str_t body{};
  ngx_http_clean_header(r_);
  if (!prepare_problem(request_, refusal, body)) return NGX_ERROR;
  state_.stage = Stage::done;
  // From the top: it is another answer, for which nginx's own filters have to do their part.
  const ngx_int_t rc = ngx_http_send_header(r_);
  state_.stage = Stage::replaced;
  state_.size = 0;
  if (rc == NGX_ERROR || rc > NGX_OK) return NGX_ERROR;
  auto* buf = static_cast<ngx_buf_t*>(ngx_calloc_buf(r_->pool));
  if (buf == nullptr) return NGX_ERROR;
  buf->start = buf->pos = body.data;
  buf->end = buf->last = body.data + body.len;
  buf->memory = 1;
  buf->last_buf = 1;
  buf->last_in_chain = 1;
  ngx_chain_t out{buf, nullptr};
  const ngx_int_t sent = senders.body(r_, &out);
  return cut ? NGX_ERROR : sent;
}

}  // namespace guard::core
