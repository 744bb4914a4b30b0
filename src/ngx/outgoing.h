// A connection that a worker opens itself: TCP or a Unix socket, in nginx's event loop. Nothing of
// it blocks, nothing of it is written to the log: who owns it is told why it failed.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "ngx/compat.h"

namespace guard::ngx {

// Where to, as plain data.
struct Endpoint {
  struct Address {
    sockaddr_storage bytes;
    socklen_t length;
  };
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr std::size_t kMaxName = 272;

  std::string_view text() const noexcept { return {name.data(), name_length}; }

  std::array<char, kMaxName> name{};  // for messages: "host:port" or "unix:/path"
  std::size_t name_length = 0;
  std::array<Address, kMaxAddresses> addresses{};
  std::size_t count = 0;  // of addresses; 0: the name did not resolve
};

// "host" or "unix:/path". Asks the resolver of the system, so at configuration time only. False: it
// does not resolve; the endpoint then has a name and no address.
bool resolve(ngx_conf_t* cf, std::string_view host, in_port_t port, Endpoint& endpoint);

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

  enum class Opening { opened, pending, failed };

  explicit Outgoing(Owner& owner) noexcept : owner_(owner) {}
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() { close(); }

  // Tries one address of the endpoint, another one each time. pending: opened() or broken()
  // follows, without a time limit of its own. The endpoint is not kept.
  Opening open(const Endpoint& endpoint) noexcept;
  bool is_open() const noexcept { return connection_ != nullptr; }
  void close() noexcept;

  // Bytes that were taken, 0: none now, writable() will say when; negative: broken, it is closed.
  ssize_t write(std::string_view bytes) noexcept;
  // Bytes that were read; 0: none now, readable() will say when; negative: broken, it is closed.
  ssize_t read(char* buffer, std::size_t size) noexcept;
  // readable() again once the others of this turn have had theirs.
  void read_later() noexcept;

  // Of the last failure.
  std::string_view why() const noexcept { return {why_.data(), why_length_}; }

 private:
  static void on_read(ngx_event_t* event) noexcept;
  static void on_write(ngx_event_t* event) noexcept;
  static void keep_reason(ngx_log_t* log, ngx_uint_t level, u_char* text, size_t size) noexcept;

  void explain(std::string_view text) noexcept;
  bool prepare() noexcept;
  void go_on() noexcept;
  void break_off(std::string_view text) noexcept;

  Owner& owner_;
  ngx_connection_t* connection_ = nullptr;
  bool connected_ = false;
  std::size_t attempt_ = 0;
  ngx_log_t log_{};
  std::array<char, 256> why_{};
  std::size_t why_length_ = 0;
};

}  // namespace guard::ngx
