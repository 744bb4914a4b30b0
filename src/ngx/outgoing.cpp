#include "ngx/outgoing.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ngx/config.h"
#include "ngx/strings.h"

namespace guard::ngx {

namespace {

constexpr std::size_t kPoolSize = 512;

// nginx logs what went wrong with a connection; what it says is the reason that the owner is told.
// Of its line, "2026/11/24 08:47:34 [error] 7#7: *9 text\n", only the text.
std::string_view message_of(std::string_view line) noexcept {
  const std::size_t hash = line.find('#');
  const std::size_t colon = line.find(": ", hash == std::string_view::npos ? line.size() : hash);
  if (colon != std::string_view::npos) line.remove_prefix(colon + 2);
  if (line.starts_with('*')) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

ngx_int_t pending_error(const ngx_connection_t* c) noexcept {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) return ngx_socket_errno;
  return error;
}

}  // namespace

bool resolve(ngx_conf_t* cf, std::string_view host, in_port_t port, Endpoint& endpoint) {
  const bool is_unix = host.starts_with("unix:");
  const bool is_ipv6 = !is_unix && host.find(':') != std::string_view::npos;
  std::string text(host);
  if (is_ipv6) text.insert(0, "[").append("]");
  if (!is_unix) text.append(":").append(std::to_string(port));
  endpoint.name_length = std::min(text.size(), endpoint.name.size());
  std::copy_n(text.begin(), endpoint.name_length, endpoint.name.begin());

  ngx_url_t url{};
  url.url = borrow(keep(cf, text));
  url.default_port = port;
  if (ngx_parse_url(cf->pool, &url) != NGX_OK) return false;
  for (ngx_uint_t i = 0; i < url.naddrs && endpoint.count < Endpoint::kMaxAddresses; ++i) {
    Endpoint::Address& address = endpoint.addresses[endpoint.count++];
    std::memcpy(&address.bytes, url.addrs[i].sockaddr, url.addrs[i].socklen);
    address.length = url.addrs[i].socklen;
  }
  return endpoint.count > 0;
}

void Outgoing::keep_reason(ngx_log_t* log, ngx_uint_t level, u_char* text, size_t size) noexcept {
  const std::string_view message = message_of({reinterpret_cast<const char*>(text), size});
  static_cast<Outgoing*>(log->wdata)->explain(message);
  // Those are about nginx itself.
  if (level <= NGX_LOG_ALERT) {
    ngx_log_error(level, ngx_cycle->log, 0, "%*s", message.size(), message.data());
  }
}

void Outgoing::explain(std::string_view text) noexcept {
  why_length_ = std::min(text.size(), why_.size());
  std::copy_n(text.begin(), why_length_, why_.begin());
}

Outgoing::Opening Outgoing::open(const Endpoint& endpoint) noexcept {
  close();
  why_length_ = 0;
  if (endpoint.count == 0) {
    explain("host not found");
    return Opening::failed;
  }
  log_ = {};
  log_.log_level = NGX_LOG_INFO;
  log_.writer = keep_reason;
  log_.wdata = this;

  const Endpoint::Address& address = endpoint.addresses[attempt_++ % endpoint.count];
  sockaddr_storage bytes = address.bytes;
  ngx_str_t name = borrow(endpoint.text());
  ngx_peer_connection_t peer{};
  peer.sockaddr = reinterpret_cast<sockaddr*>(&bytes);
  peer.socklen = address.length;
  peer.name = &name;
  peer.get = ngx_event_get_peer;
  peer.log = &log_;
  peer.log_error = NGX_ERROR_INFO;
  peer.so_keepalive = bytes.ss_family == AF_UNIX ? 0 : 1;
  const ngx_int_t rc = ngx_event_connect_peer(&peer);
  if (rc != NGX_OK && rc != NGX_AGAIN) {
    if (peer.connection != nullptr) ngx_close_connection(peer.connection);
    return Opening::failed;
  }

  connection_ = peer.connection;
  connection_->data = this;
  connection_->read->handler = on_read;
  connection_->write->handler = on_write;
  connection_->pool = ngx_create_pool(kPoolSize, &log_);
  connected_ = rc == NGX_OK;
  if (connection_->pool == nullptr || (connected_ && !prepare())) {
    close();
    return Opening::failed;
  }
  return connected_ ? Opening::opened : Opening::pending;
}

// What a connection that stands needs before it is used.
bool Outgoing::prepare() noexcept {
  return connection_->tcp_nodelay == NGX_TCP_NODELAY_DISABLED ||
         ngx_tcp_nodelay(connection_) == NGX_OK;
}

void Outgoing::close() noexcept {
  if (connection_ == nullptr) return;
  ngx_connection_t* c = connection_;
  connection_ = nullptr;
  connected_ = false;
  ngx_pool_t* pool = c->pool;
  ngx_close_connection(c);
  if (pool != nullptr) ngx_destroy_pool(pool);
}

void Outgoing::break_off(std::string_view text) noexcept {
  if (!text.empty()) explain(text);
  close();
  owner_.broken();
}

// connect() has come to an end.
void Outgoing::go_on() noexcept {
  const ngx_int_t error = pending_error(connection_);
  if (error != 0) {
    ngx_log_error(NGX_LOG_ERR, &log_, static_cast<ngx_err_t>(error), "connect() failed");
    return break_off({});
  }
  connected_ = true;
  if (!prepare()) return break_off({});
  owner_.opened();
}

void Outgoing::on_read(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  auto* self = static_cast<Outgoing*>(c->data);
  if (c->close) return self->break_off("the worker shuts down");
  if (!self->connected_) return self->go_on();
  self->owner_.readable();
}

void Outgoing::on_write(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  auto* self = static_cast<Outgoing*>(c->data);
  if (!self->connected_) return self->go_on();
  self->owner_.writable();
}

ssize_t Outgoing::write(std::string_view bytes) noexcept {
  ngx_connection_t* c = connection_;
  auto* data = reinterpret_cast<u_char*>(const_cast<char*>(bytes.data()));
  const ssize_t sent = bytes.empty() ? 0 : c->send(c, data, bytes.size());
  if (sent == NGX_AGAIN || sent >= 0) {
    if (ngx_handle_write_event(c->write, 0) == NGX_OK) return sent == NGX_AGAIN ? 0 : sent;
  }
  close();
  return NGX_ERROR;
}

ssize_t Outgoing::read(char* buffer, std::size_t size) noexcept {
  ngx_connection_t* c = connection_;
  const ssize_t got = c->recv(c, reinterpret_cast<u_char*>(buffer), size);
  if (got > 0) return got;
  if (got == NGX_AGAIN && ngx_handle_read_event(c->read, 0) == NGX_OK) return 0;
  if (got == 0) explain("the connection was closed by the other side");
  close();
  return NGX_ERROR;
}

void Outgoing::read_later() noexcept {
  ngx_post_event(connection_->read, &ngx_posted_next_events);
}

}  // namespace guard::ngx
