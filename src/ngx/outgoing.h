// A connection that a worker opens itself: TCP, TLS or a Unix socket, in nginx's event loop.
// Nothing of it blocks, nothing of it is written to the log: who owns it is told why it failed.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "ngx/compat.h"
#include "ngx/tls.h"

namespace guard::ngx {

// Where to, as plain data.
struct Endpoint {
  struct Address {
    sockaddr_storage bytes;
    socklen_t length;
  };
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr std::size_t kMaxHost = 255;

  // "unix:/path", a name, or an address without brackets.
  std::string_view host() const noexcept { return {host_bytes.data(), host_length}; }

  std::array<char, kMaxHost> host_bytes{};
  std::size_t host_length = 0;
  in_port_t port = 0;
  bool is_name = false;  // and so may be asked of a resolver
  std::array<Address, kMaxAddresses> addresses{};
  std::size_t count = 0;  // of addresses; 0: the name is not resolved
};

// An endpoint out of a host and port from wherever; no name is resolved. False: longer than any
// host.
bool set_endpoint(Endpoint& endpoint, std::string_view host, in_port_t port) noexcept;
// The same, and a name is asked of the system, so at configuration time only. False: it does not
// resolve.
bool resolve(ngx_conf_t* cf, Endpoint& endpoint, std::string_view host, in_port_t port);
// The addresses of another endpoint, with this one's own port.
void set_addresses(Endpoint& endpoint, const Endpoint& from) noexcept;

// How to get there.
struct Route {
  const TlsClient* tls = nullptr;
  bool tls_later = false;  // not before secure()
  // For names, again for each connection; without it, those addresses count that the configuration
  // found.
  ngx_resolver_t* resolver = nullptr;
};

// That of http {}; null: there is none.
ngx_resolver_t* resolver_of(ngx_cycle_t* cycle) noexcept;

class Outgoing {
 public:
  // None of these is called from within a call of Outgoing.
  class Owner {
   public:
    virtual void opened() noexcept = 0;
    // read() has something, or the end.
    virtual void readable() noexcept = 0;
    // write() takes more.
    virtual void writable() noexcept = 0;
    // Could not be opened, or nginx closes all connections: it is closed, and why() says why.
    virtual void broken() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  enum class Opening : std::uint8_t { opened, pending, failed };

  explicit Outgoing(Owner& owner) noexcept : owner_(owner) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { close(); }

  // Tries the addresses of the endpoint until one takes the connection, another one first each
  // time. opened: it can be written to. pending: opened() or broken() follows, without a time limit
  // of its own. The endpoint is not kept.
  Opening open(const Endpoint& endpoint, const Route& route) noexcept;
  void close() noexcept;
  // TLS of the route from here on, on a connection that is open; nothing may have been read beyond
  // what came before. Answers as open() does.
  Opening secure() noexcept;

  // Bytes that were taken, 0: none now, writable() will say when; negative: broken, it is closed.
  ssize_t write(std::string_view bytes) noexcept;
  // Bytes that were read; 0: none now, readable() will say when; negative: broken, it is closed.
  ssize_t read(char* buffer, std::size_t size) noexcept;
  // Whether something has come that read() has not given yet, be it the end.
  bool has_unread() const noexcept;
  // readable() again once the others of this turn have had theirs.
  void read_later() noexcept;

  // Of the last failure.
  std::string_view why() const noexcept { return {why_.data(), why_length_}; }

 private:
  static void on_read(ngx_event_t* event) noexcept;
  static void on_write(ngx_event_t* event) noexcept;
  static void on_handshake(ngx_connection_t* c) noexcept;
  static void on_resolved(ngx_resolver_ctx_t* context) noexcept;
  static void keep_reason(ngx_log_t* log, ngx_uint_t level, u_char* text, size_t size) noexcept;

  void explain(std::string_view text) noexcept;
  Opening ask(ngx_resolver_t* resolver) noexcept;
  Opening connect_any() noexcept;
  Opening connect_next() noexcept;
  Opening connect(Endpoint::Address address) noexcept;
  Opening connected() noexcept;
  Opening begin_tls() noexcept;
  Opening shake_hands(ngx_int_t rc) noexcept;
  Opening fail() noexcept;
  void go_on(Opening opening) noexcept;
  void test_connect() noexcept;

  Owner& owner_;
  ngx_connection_t* connection_ = nullptr;
  enum class Stage : std::uint8_t { connecting, handshake, open };

  Endpoint endpoint_;
  Route route_;
  ngx_resolver_ctx_t* question_ = nullptr;
  bool asking_ = false;  // within ngx_resolve_name()
  Stage stage_ = Stage::connecting;
  std::size_t attempt_ = 0;
  std::size_t left_ = 0;  // addresses that this opening has not tried yet
  ngx_log_t log_{};
  std::array<char, 256> why_{};
  std::size_t why_length_ = 0;
};

}  // namespace guard::ngx
