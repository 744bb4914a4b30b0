#include "ngx/outgoing.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ngx/config.h"
#include "ngx/strings.h"

namespace guard::ngx {

namespace {

constexpr std::size_t kPoolSize = 1024;
constexpr std::string_view kUnix = "unix:";
// How long a name server may take. Who opens has a limit of his own, which is shorter.
constexpr ngx_msec_t kResolverTimeout = 60'000;
// The same where addresses are known: an answer that comes later counts for the next connection.
constexpr ngx_msec_t kResolverPatience = 100;
constexpr int kKeepaliveIdle = 60;      // seconds of silence
constexpr int kKeepaliveInterval = 10;  // seconds between probes that nobody answers
constexpr int kKeepaliveProbes = 3;

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

// Firewalls and address translators forget what is silent for a few minutes, without a word to
// either end. The kernel's own two hours would come too late for them and for whoever asks next.
void keep_alive(const ngx_connection_t* c) noexcept {
#if (NGX_HAVE_KEEPALIVE_TUNABLE)
  const auto set = [c](int option, int value) {
    // Without it the connection does as well.
    static_cast<void>(setsockopt(c->fd, IPPROTO_TCP, option, &value, sizeof(value)));
  };
  set(TCP_KEEPIDLE, kKeepaliveIdle);
  set(TCP_KEEPINTVL, kKeepaliveInterval);
  set(TCP_KEEPCNT, kKeepaliveProbes);
#else
  static_cast<void>(c);
#endif
}

ngx_int_t pending_error(const ngx_connection_t* c) noexcept {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1) return ngx_socket_errno;
  return error;
}

void add_address(Endpoint& endpoint, const sockaddr* address, socklen_t length) noexcept {
  if (endpoint.count == Endpoint::kMaxAddresses || length > sizeof(sockaddr_storage)) return;
  Endpoint::Address& added = endpoint.addresses[endpoint.count++];
  std::memcpy(&added.bytes, address, length);
  added.length = length;
  ngx_inet_set_port(reinterpret_cast<sockaddr*>(&added.bytes), endpoint.port);
}

}  // namespace

bool set_endpoint(Endpoint& endpoint, std::string_view host, in_port_t port) noexcept {
  endpoint = {};
  if (host.size() > Endpoint::kMaxHost) return false;
  std::copy(host.begin(), host.end(), endpoint.host_bytes.begin());
  endpoint.host_length = host.size();
  endpoint.port = port;

  Endpoint::Address& address = endpoint.addresses.front();
  auto* text = reinterpret_cast<u_char*>(endpoint.host_bytes.data());
  auto* in = reinterpret_cast<sockaddr_in*>(&address.bytes);
  auto* un = reinterpret_cast<sockaddr_un*>(&address.bytes);
  if (host.starts_with(kUnix)) {
    const std::string_view path = host.substr(kUnix.size());
    if (path.size() >= sizeof(un->sun_path)) return false;
    un->sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), un->sun_path);
    address.length = sizeof(sockaddr_un);
  } else if (in_addr_t v4 = ngx_inet_addr(text, host.size()); v4 != INADDR_NONE) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = v4;
    address.length = sizeof(sockaddr_in);
#if (NGX_HAVE_INET6)
  } else if (auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.bytes);
             ngx_inet6_addr(text, host.size(), in6->sin6_addr.s6_addr) == NGX_OK) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    address.length = sizeof(sockaddr_in6);
#endif
  } else {
    endpoint.is_name = true;
    return true;
  }
  endpoint.count = 1;
  return true;
}

void set_addresses(Endpoint& endpoint, const Endpoint& from) noexcept {
  endpoint.count = 0;
  for (std::size_t i = 0; i < from.count; ++i) {
    const Endpoint::Address& one = from.addresses[i];
    add_address(endpoint, reinterpret_cast<const sockaddr*>(&one.bytes), one.length);
  }
}

bool resolve(ngx_conf_t* cf, Endpoint& endpoint, std::string_view host, in_port_t port) {
  if (!set_endpoint(endpoint, host, port)) return false;
  if (!endpoint.is_name) return true;
  ngx_url_t url{};
  url.url = borrow(keep(cf, host));
  url.default_port = port;
  if (ngx_parse_url(cf->pool, &url) != NGX_OK) return false;
  for (ngx_uint_t i = 0; i < url.naddrs; ++i) {
    add_address(endpoint, url.addrs[i].sockaddr, url.addrs[i].socklen);
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

Outgoing::Opening Outgoing::open(const Endpoint& endpoint, const Route& route) noexcept {
  close();
  why_length_ = 0;
  log_ = {};
  log_.log_level = NGX_LOG_INFO;
  log_.writer = keep_reason;
  log_.wdata = this;
  endpoint_ = endpoint;
  route_ = route;
  if (endpoint.is_name && route.resolver != nullptr) return ask(route.resolver);
  return connect_any();
}

Outgoing::Opening Outgoing::ask(ngx_resolver_t* resolver) noexcept {
  ngx_resolver_ctx_t* context = ngx_resolve_start(resolver, nullptr);
  if (context == nullptr || context == NGX_NO_RESOLVER) {
    explain("out of memory");
    return Opening::failed;
  }
  context->name = borrow(endpoint_.host());
  context->handler = on_resolved;
  context->data = this;
  context->timeout = endpoint_.count == 0 ? kResolverTimeout : kResolverPatience;
  context->cancelable = 1;
  question_ = context;
  asking_ = true;
  const ngx_int_t rc = ngx_resolve_name(context);
  asking_ = false;
  if (rc != NGX_OK) {
    question_ = nullptr;
    explain("the name could not be asked for");
    return Opening::failed;
  }
  return question_ == nullptr ? connect_any() : Opening::pending;
}

// An answer may come at once, from what the resolver remembers.
void Outgoing::on_resolved(ngx_resolver_ctx_t* context) noexcept {
  auto* self = static_cast<Outgoing*>(context->data);
  // What the configuration found is better than nothing.
  if (context->state == NGX_OK && context->naddrs > 0) {
    self->endpoint_.count = 0;
    for (ngx_uint_t i = 0; i < context->naddrs; ++i) {
      add_address(self->endpoint_, context->addrs[i].sockaddr, context->addrs[i].socklen);
    }
  } else if (self->endpoint_.count == 0) {
    self->explain(ngx_resolver_strerror(context->state));
  }
  self->question_ = nullptr;
  ngx_resolve_name_done(context);
  if (!self->asking_) self->go_on(self->connect_any());
}

Outgoing::Opening Outgoing::connect_any() noexcept {
  if (endpoint_.count == 0 && why_length_ == 0) explain("its name is not known");
  left_ = endpoint_.count;
  return connect_next();
}

// An address that refuses says nothing about the others.
Outgoing::Opening Outgoing::connect_next() noexcept {
  while (left_ > 0) {
    --left_;
    const Opening opening = connect(endpoint_.addresses[attempt_++ % endpoint_.count]);
    if (opening != Opening::failed || stage_ != Stage::connecting) return opening;
  }
  return Opening::failed;
}

Outgoing::Opening Outgoing::connect(Endpoint::Address address) noexcept {
  stage_ = Stage::connecting;
  auto* socket = reinterpret_cast<sockaddr*>(&address.bytes);
  std::array<u_char, NGX_SOCKADDR_STRLEN> text;
  ngx_str_t name{0, text.data()};
  name.len = ngx_sock_ntop(socket, address.length, text.data(), text.size(), 1);
  ngx_peer_connection_t peer{};
  peer.sockaddr = socket;
  peer.socklen = address.length;
  peer.name = &name;
  peer.get = ngx_event_get_peer;
  peer.log = &log_;
  peer.log_error = NGX_ERROR_INFO;
  peer.so_keepalive = socket->sa_family == AF_UNIX ? 0 : 1;
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
  if (connection_->pool == nullptr) return fail();
  if (peer.so_keepalive != 0) keep_alive(connection_);
  return rc == NGX_OK ? connected() : Opening::pending;
}

// The connection stands.
Outgoing::Opening Outgoing::connected() noexcept {
  if (connection_->tcp_nodelay != NGX_TCP_NODELAY_DISABLED &&
      ngx_tcp_nodelay(connection_) != NGX_OK) {
    return fail();
  }
  if (route_.tls != nullptr && !route_.tls_later) return begin_tls();
  stage_ = Stage::open;
  return Opening::opened;
}

Outgoing::Opening Outgoing::secure() noexcept {
  if (connection_ != nullptr && route_.tls != nullptr) return begin_tls();
  explain("there is no TLS for it");
  return fail();
}

Outgoing::Opening Outgoing::begin_tls() noexcept {
#if (NGX_SSL)
  stage_ = Stage::handshake;
  if (!route_.tls->begin(connection_, endpoint_.host())) return fail();
  return shake_hands(ngx_ssl_handshake(connection_));
#else
  explain("nginx was built without TLS");
  return fail();
#endif
}

#if (NGX_SSL)

Outgoing::Opening Outgoing::shake_hands(ngx_int_t rc) noexcept {
  if (rc == NGX_AGAIN) {
    connection_->ssl->handler = on_handshake;
    return Opening::pending;
  }
  if (rc != NGX_OK) return fail();
  std::string_view why;
  if (!route_.tls->verify(connection_, endpoint_.host(), why)) {
    explain(why);
    return fail();
  }
  connection_->read->handler = on_read;
  connection_->write->handler = on_write;
  stage_ = Stage::open;
  return Opening::opened;
}

void Outgoing::on_handshake(ngx_connection_t* c) noexcept {
  auto* self = static_cast<Outgoing*>(c->data);
  self->go_on(self->shake_hands(c->ssl->handshaked ? NGX_OK : NGX_ERROR));
}

#endif

Outgoing::Opening Outgoing::fail() noexcept {
  close();
  return Opening::failed;
}

void Outgoing::go_on(Opening opening) noexcept {
  if (opening == Opening::opened) return owner_.opened();
  if (opening == Opening::failed) return owner_.broken();
}

void Outgoing::close() noexcept {
  if (question_ != nullptr) {
    ngx_resolve_name_done(question_);
    question_ = nullptr;
  }
  if (connection_ == nullptr) return;
  ngx_connection_t* c = connection_;
  connection_ = nullptr;
  ngx_pool_t* pool = c->pool;
#if (NGX_SSL)
  TlsClient::end(c);
#endif
  ngx_close_connection(c);
  if (pool != nullptr) ngx_destroy_pool(pool);
}

// connect() has come to an end.
void Outgoing::test_connect() noexcept {
  const ngx_int_t error = pending_error(connection_);
  if (error == 0) return go_on(connected());
  ngx_log_error(NGX_LOG_ERR, &log_, static_cast<ngx_err_t>(error), "connect() failed");
  close();
  go_on(connect_next());
}

void Outgoing::on_read(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  auto* self = static_cast<Outgoing*>(c->data);
  if (c->close) {
    self->explain("the worker shuts down");
    return self->go_on(self->fail());
  }
  if (self->stage_ == Stage::connecting) return self->test_connect();
  if (self->stage_ == Stage::open) self->owner_.readable();
}

void Outgoing::on_write(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  auto* self = static_cast<Outgoing*>(c->data);
  if (self->stage_ == Stage::connecting) return self->test_connect();
  if (self->stage_ == Stage::open) self->owner_.writable();
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

bool Outgoing::has_unread() const noexcept {
  char byte;
  return connection_->read->ready != 0 ||
         recv(connection_->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
         ngx_socket_errno != NGX_EAGAIN;
}

void Outgoing::read_later() noexcept {
  ngx_post_event(connection_->read, &ngx_posted_next_events);
}

ngx_resolver_t* resolver_of(ngx_cycle_t* cycle) noexcept {
  const auto* context =
      reinterpret_cast<ngx_http_conf_ctx_t*>(ngx_get_conf(cycle->conf_ctx, ngx_http_module));
  const auto* location =
      static_cast<ngx_http_core_loc_conf_t*>(context->loc_conf[ngx_http_core_module.ctx_index]);
  ngx_resolver_t* resolver = location->resolver;
  return resolver == nullptr || resolver->connections.nelts == 0 ? nullptr : resolver;
}

}  // namespace guard::ngx
