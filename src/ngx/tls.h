// TLS for connections that a worker opens itself, by nginx's own means.
#pragma once

#include <string>
#include <string_view>

#include "ngx/compat.h"

namespace guard::ngx {

struct TlsOptions {
  std::string ca;           // file of certificates; empty: those that the system trusts
  std::string certificate;  // shown to a server that asks for one; empty: none
  std::string key;
  std::string name;  // that the server's certificate must have; empty: the host it is reached by
  bool verify = true;
};

#if (NGX_SSL)

class TlsClient {
 public:
  // Made while configuration is read, in its pool: throws what the fence understands.
  static const TlsClient* make(ngx_conf_t* cf, const TlsOptions& options);

  // Begins TLS on a connection that stands. The handshake is ngx_ssl_handshake()'s.
  bool begin(ngx_connection_t* c, std::string_view host) const noexcept;
  // After the handshake: whether this is who it should be. If not, why says so.
  bool verify(ngx_connection_t* c, std::string_view host, std::string_view& why) const noexcept;
  // Says goodbye if there is room for it, and frees what belongs to TLS.
  static void end(ngx_connection_t* c) noexcept;

  // Used by make through pool_new.
  explicit TlsClient(const TlsOptions& options) : name_(options.name), verify_(options.verify) {}

 private:
  std::string_view expected(std::string_view host) const noexcept {
    return name_.empty() ? host : std::string_view(name_);
  }

  ngx_ssl_t ssl_{};
  std::string name_;
  bool verify_;
};

#else

class TlsClient {
 public:
  static const TlsClient* make(ngx_conf_t* cf, const TlsOptions& options);
};

#endif

}  // namespace guard::ngx
