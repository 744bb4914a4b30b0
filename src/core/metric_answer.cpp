#include "core/metric_answer.h"

#include <new>
#include <string>

#include "core/local_answer.h"
#include "ngx/fields.h"

namespace guard::core {

namespace {

// Bytes of a piece: some hundred series, a fraction of a millisecond.
constexpr std::size_t kPiece = 16 * 1024;

constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kOpenMetrics =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

class Scrape {
 public:
  Scrape(ngx_http_request_t* r, const MetricRegistry& registry, MetricFormat format)
      : r_(r), registry_(registry), out_(format, text_) {
    text_.reserve(2 * kPiece);
  }

  ngx_int_t start() noexcept;

 private:
  static Scrape& of(ngx_http_request_t* r) noexcept;
  static void go_on(ngx_http_request_t* r) noexcept { of(r).step(); }

  // The next piece, into text_; false: out of memory.
  bool fill() noexcept;
  void write_next();
  bool sent() const noexcept { return ngx_buf_size(&buffer_) == 0; }
  ngx_int_t send() noexcept;
  void step() noexcept;
  void wait_for_client() noexcept;

  ngx_http_request_t* r_;
  const MetricRegistry& registry_;
  std::string text_;
  MetricText out_;
  std::size_t family_ = 0;
  std::size_t source_ = 0;
  std::size_t index_ = 0;
  bool begun_ = false;  // the current family
  bool ended_ = false;
  ngx_buf_t buffer_{};
};

// One series, or the step to the next source or family.
void Scrape::write_next() {
  const auto& families = registry_.families();
  if (family_ == families.size()) {
    out_.end();
    ended_ = true;
    return;
  }
  const MetricRegistry::Family& family = families[family_];
  if (!begun_) out_.begin(*family.about);
  begun_ = true;
  const MetricRegistry::Source& source = family.sources[source_];
  if (source.write(source.context, index_++, out_)) return;
  index_ = 0;
  if (++source_ < family.sources.size()) return;
  source_ = 0;
  begun_ = false;
  ++family_;
}

bool Scrape::fill() noexcept {
  try {
    text_.clear();
    while (!ended_ && text_.size() < kPiece) write_next();
    return true;
  } catch (...) {
    return false;
  }
}

ngx_int_t Scrape::send() noexcept {
  buffer_ = {};
  buffer_.pos = buffer_.start = reinterpret_cast<u_char*>(text_.data());
  buffer_.last = buffer_.end = buffer_.pos + text_.size();
  buffer_.temporary = text_.empty() ? 0 : 1;
  buffer_.flush = ended_ ? 0 : 1;
  buffer_.last_buf = ended_ && r_ == r_->main ? 1 : 0;
  buffer_.sync = ended_ && r_ != r_->main ? 1 : 0;
  buffer_.last_in_chain = ended_ ? 1 : 0;
  ngx_chain_t out{&buffer_, nullptr};
  return ngx_http_output_filter(r_, &out);
}

ngx_int_t Scrape::start() noexcept {
  const bool open = out_.format() == MetricFormat::openmetrics;
  if (!describe_answer(r_, NGX_HTTP_OK, open ? kOpenMetrics : kPrometheus) ||
      ngx::add_response_field(r_, "Vary", "Accept") == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (r_->method != NGX_HTTP_HEAD) {
    if (!fill()) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (ended_) r_->headers_out.content_length_n = static_cast<off_t>(text_.size());
  }
  const ngx_int_t rc = ngx_http_send_header(r_);
  if (rc == NGX_ERROR || rc > NGX_OK || r_->header_only) return rc;
  if (ended_) return send();

  r_->read_event_handler = ngx_http_test_reading;
  r_->write_event_handler = go_on;
  ++r_->main->count;
  if (send() == NGX_ERROR) {
    ngx_http_finalize_request(r_, NGX_ERROR);
    return NGX_DONE;
  }
  wait_for_client();
  return NGX_DONE;
}

// The write event comes when the client has taken the piece; where it has already, when the others
// of this turn have had theirs.
void Scrape::wait_for_client() noexcept {
  ngx_event_t* event = r_->connection->write;
  if (sent()) {
    // Under limit_rate its timer says when to go on.
    if (event->delayed) return;
    if (event->timer_set) ngx_del_timer(event);
    ngx_post_event(event, &ngx_posted_next_events);
    return;
  }
  const auto* core = static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_get_module_loc_conf(r_, ngx_http_core_module));
  if (!event->delayed) ngx_add_timer(event, core->send_timeout);
  if (ngx_handle_write_event(event, core->send_lowat) != NGX_OK) {
    ngx_http_finalize_request(r_, NGX_ERROR);
  }
}

void Scrape::step() noexcept {
  ngx_connection_t* connection = r_->connection;
  if (connection->write->timedout) {
    ngx_log_error(NGX_LOG_INFO, connection->log, NGX_ETIMEDOUT, "client timed out");
    connection->timedout = 1;
    ngx_http_finalize_request(r_, NGX_HTTP_REQUEST_TIME_OUT);
    return;
  }
  if (!sent()) {
    if (ngx_http_output_filter(r_, nullptr) == NGX_ERROR) {
      ngx_http_finalize_request(r_, NGX_ERROR);
      return;
    }
    return wait_for_client();
  }
  if (!fill()) {
    ngx_http_finalize_request(r_, NGX_ERROR);
    return;
  }
  const ngx_int_t rc = send();
  if (ended_ || rc == NGX_ERROR) {
    ngx_http_finalize_request(r_, rc);
    return;
  }
  wait_for_client();
}

void destroy(void* data) noexcept {
  static_cast<Scrape*>(data)->~Scrape();
}

// answer_metrics() has put it there; subrequests share a pool.
Scrape& Scrape::of(ngx_http_request_t* r) noexcept {
  ngx_pool_cleanup_t* cleanup = r->pool->cleanup;
  for (;; cleanup = cleanup->next) {
    if (cleanup->handler != destroy) continue;
    auto& scrape = *static_cast<Scrape*>(cleanup->data);
    if (scrape.r_ == r) return scrape;
  }
}

}  // namespace

ngx_int_t answer_metrics(ngx_http_request_t* r, const MetricRegistry& registry,
                         MetricFormat format) noexcept {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(Scrape));
  if (cleanup == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  Scrape* scrape = nullptr;
  try {
    scrape = new (cleanup->data) Scrape(r, registry, format);
  } catch (...) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  cleanup->handler = destroy;
  return scrape->start();
}

}  // namespace guard::core
