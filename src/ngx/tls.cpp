#include "ngx/tls.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/words.h"
#include "ngx/config.h"
#include "ngx/pool.h"
#include "ngx/strings.h"

namespace guard::ngx {

#if (NGX_SSL)

namespace {

constexpr ngx_uint_t kProtocols = NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3;
constexpr ngx_int_t kDepth = 9;
constexpr std::size_t kMaxName = 255;

struct FreeCertificate {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

// OpenSSL wants its names NUL-terminated.
struct Name {
  explicit Name(std::string_view text) noexcept {
    std::copy_n(text.begin(), std::min(text.size(), kMaxName), text_.begin());
  }
  const char* c_str() const noexcept { return text_.data(); }

 private:
  std::array<char, kMaxName + 1> text_{};
};

bool is_address(const Name& name) noexcept {
  ASN1_OCTET_STRING* bytes = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(bytes);
  ERR_clear_error();
  return bytes != nullptr;
}

bool has_name(X509* certificate, std::string_view wanted) noexcept {
  const Name name(wanted);
  if (wanted.empty() || wanted.size() > kMaxName) return false;
  if (is_address(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  return X509_check_host(certificate, name.c_str(), wanted.size(), 0, nullptr) == 1;
}

// OpenSSL would say it without the place in the configuration. Returns the path as nginx takes it.
ngx_str_t readable(ngx_conf_t* cf, const std::string& file) {
  ngx_str_t path = borrow(full_path(cf, file));
  const int fd = ::open(reinterpret_cast<const char*>(path.data), O_RDONLY | O_CLOEXEC);
  if (fd == -1) {
    const int error = errno;
    core::fail("open() \"", to_view(path), "\" failed (", std::to_string(error), ": ",
               std::strerror(error), ")");
  }
  ::close(fd);
  return path;
}

// nginx has said why, without the place in the configuration.
[[noreturn]] void unusable(std::string_view what, ngx_str_t path) {
  core::fail("the ", what, " in \"", to_view(path), "\" cannot be used, see the line before");
}

}  // namespace

const TlsClient* TlsClient::make(ngx_conf_t* cf, const TlsOptions& options) {
  auto* self = pool_new<TlsClient>(cf->pool, options);
  ngx_ssl_t& ssl = self->ssl_;
  ssl.log = cf->log;
  if (ngx_ssl_create(&ssl, kProtocols, nullptr) != NGX_OK) throw AlreadyLogged{};
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(cf->pool, 0);
  if (cleanup == nullptr) {
    ngx_ssl_cleanup_ctx(&ssl);
    throw std::bad_alloc();
  }
  cleanup->handler = ngx_ssl_cleanup_ctx;
  cleanup->data = &ssl;

  // What could not be written is written again from where it then is, with what was added since.
  SSL_CTX_set_mode(ssl.ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
  if (!options.certificate.empty()) {
    ngx_str_t certificate = readable(cf, options.certificate);
    ngx_str_t key = readable(cf, options.key);
    if (ngx_ssl_certificate(cf, &ssl, &certificate, &key, nullptr) != NGX_OK) {
      unusable("certificate", certificate);
    }
  }
  if (!options.verify) return self;
  ngx_str_t ca = options.ca.empty() ? ngx_str_t{} : readable(cf, options.ca);
  if (ngx_ssl_trusted_certificate(cf, &ssl, &ca, kDepth) != NGX_OK) unusable("authorities", ca);
  if (ca.len == 0 && SSL_CTX_set_default_verify_paths(ssl.ctx) != 1) {
    core::fail("the certificates that the system trusts cannot be read");
  }
  ERR_clear_error();
  return self;
}

bool TlsClient::begin(ngx_connection_t* c, std::string_view host) const noexcept {
  if (ngx_ssl_create_connection(const_cast<ngx_ssl_t*>(&ssl_), c, NGX_SSL_CLIENT) != NGX_OK) {
    return false;
  }
  // RFC 6066, section 3: no addresses.
  const Name name(expected(host));
  if (expected(host).empty() || is_address(name)) return true;
  return SSL_set_tlsext_host_name(c->ssl->connection, name.c_str()) == 1;
}

bool TlsClient::verify(ngx_connection_t* c, std::string_view host,
                       std::string_view& why) const noexcept {
  if (!verify_) return true;
  const std::unique_ptr<X509, FreeCertificate> certificate(
      SSL_get_peer_certificate(c->ssl->connection));
  const long result = SSL_get_verify_result(c->ssl->connection);
  if (certificate == nullptr) {
    why = "the server shows no certificate";
  } else if (result != X509_V_OK) {
    why = X509_verify_cert_error_string(result);
  } else if (!has_name(certificate.get(), expected(host))) {
    why = "the certificate of the server is for another name";
  } else {
    return true;
  }
  return false;
}

void TlsClient::end(ngx_connection_t* c) noexcept {
  if (c->ssl == nullptr) return;
  c->ssl->no_wait_shutdown = 1;
  if (ngx_ssl_shutdown(c) != NGX_AGAIN) return;
  // No room for a goodbye; with this it only frees.
  c->timedout = 1;
  ngx_ssl_shutdown(c);
}

#else

const TlsClient* TlsClient::make(ngx_conf_t* /*cf*/, const TlsOptions& /*options*/) {
  core::fail("\"rediss://\" needs an nginx that was built with TLS");
}

#endif

}  // namespace guard::ngx
