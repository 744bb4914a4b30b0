#include "cli/redis_session.h"

#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "cli/printable.h"
#include "redis/slots.h"

namespace guard::cli {

namespace {

constexpr time_t kPatience = 5;  // seconds that Redis may take

[[noreturn]] void fail(const std::string& name, std::string_view what) {
  throw std::runtime_error(name + ": " + std::string(what));
}

// The first of the errors is the cause of the others. What the system says stands in its number.
std::string reason() {
  const std::string system = strerror(errno);
  const unsigned long code = ERR_peek_error();
  if (ERR_SYSTEM_ERROR(code)) return strerror(ERR_GET_REASON(code));
  const char* text = ERR_reason_error_string(code);
  return text == nullptr ? system : text;
}

// As long, and no longer. What it says of writing holds for connecting.
void be_patient(int fd) {
  timeval limit{kPatience, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int connect_unix(const std::string& name, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) fail(name, "the path is too long");
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    std::string why = strerror(errno);
    if (fd >= 0) close(fd);
    fail(name, why);
  }
  return fd;
}

int connect_tcp(const std::string& name, const redis::HostPort& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found);
  if (error != 0) fail(name, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
  std::string why;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) be_patient(fd);
    if (fd >= 0 && ::connect(fd, one->ai_addr, one->ai_addrlen) == 0) return fd;
    why = errno == EINPROGRESS ? "it does not answer" : strerror(errno);
    if (fd >= 0) close(fd);
  }
  fail(name, why);
}

std::string name_of(const redis::HostPort& server) {
  bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}

}  // namespace

void RedisSession::Free::operator()(bio_st* bio) const noexcept {
  BIO_free_all(bio);
}

void RedisSession::Free::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

RedisSession::RedisSession(const RedisAccess& access, const RedisServer& server) {
  if (!reader_.start()) throw std::bad_alloc();
  connect(access, server);
  log_in(access);
}

void RedisSession::connect(const RedisAccess& access, const RedisServer& server) {
  if (!access.url.unix_path.empty()) {
    name_ = access.url.unix_path;
    int fd = connect_unix(name_, access.url.unix_path);
    be_patient(fd);
    bio_.reset(BIO_new_socket(fd, BIO_CLOSE));
    return;
  }
  name_ = name_of(server);
  ERR_clear_error();
  bio_.reset(BIO_new_socket(connect_tcp(name_, server), BIO_CLOSE));
  if (bio_ == nullptr) throw std::bad_alloc();
  if (!access.url.tls) return;

  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (context_ == nullptr) throw std::bad_alloc();
  SSL_CTX_set_verify(context_.get(), access.tls_verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     nullptr);
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  bool trusts = access.tls_ca.empty() ? SSL_CTX_set_default_verify_paths(context_.get()) == 1
                                      : SSL_CTX_load_verify_locations(
                                            context_.get(), access.tls_ca.c_str(), nullptr) == 1;
  if (!trusts) fail(name_, "cannot read \"" + access.tls_ca + "\": " + reason());
  if (!access.tls_cert.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context_.get(), access.tls_cert.c_str()) != 1) {
      fail(name_, "cannot read \"" + access.tls_cert + "\": " + reason());
    }
    if (SSL_CTX_use_PrivateKey_file(context_.get(), access.tls_key.c_str(), SSL_FILETYPE_PEM) !=
        1) {
      fail(name_, "cannot read \"" + access.tls_key + "\": " + reason());
    }
  }
  SSL* ssl = SSL_new(context_.get());
  BIO* tls = BIO_new(BIO_f_ssl());
  if (ssl == nullptr || tls == nullptr) throw std::bad_alloc();
  SSL_set_connect_state(ssl);
  BIO_set_ssl(tls, ssl, BIO_CLOSE);
  const std::string& own = server.name.empty() ? server.host : server.name;
  const std::string& host = access.tls_name.empty() ? own : access.tls_name;
  // An address is one in the certificate, too, and is not sent as a name.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) != 1) {
    SSL_set1_host(ssl, host.c_str());
    // SSL_set_tlsext_host_name(), without the cast of a macro.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host.c_str()));
  }
  bio_.reset(BIO_push(tls, bio_.release()));
  if (BIO_do_handshake(bio_.get()) != 1) fail(name_, "TLS: " + reason());
}

void RedisSession::log_in(const RedisAccess& access) {
  const core::Secret& password = access.password.empty() ? access.url.password : access.password;
  const std::string& user = access.user.empty() ? access.url.user : access.user;
  redis::Output out;
  if (!password.empty()) {
    out.begin(user.empty() ? 2 : 3);
    out.bulk("AUTH");
    if (!user.empty()) out.bulk(user);
    out.bulk(password.expose());
    ask(out, [](const redis::Reply&) {});
  }
  if (access.url.database == 0 || access.url.kind == redis::Kind::cluster) return;
  out.begin(2);
  out.bulk("SELECT");
  out.bulk(std::uint64_t{access.url.database});
  ask(out, [](const redis::Reply&) {});
}

void RedisSession::send(redis::Output& out) {
  if (out.failed()) throw std::bad_alloc();
  while (!out.pending().empty()) {
    int sent = BIO_write(bio_.get(), out.pending().data(), static_cast<int>(out.pending().size()));
    if (sent <= 0) {
      const std::string what = "cannot write: " + reason();
      char last = 0;
      (void)BIO_read(bio_.get(), &last, 1);  // what it said before it went
      lost(what);
    }
    out.sent(static_cast<std::size_t>(sent));
  }
}

void RedisSession::feed() {
  std::array<char, 16384> buffer;
  int got = BIO_read(bio_.get(), buffer.data(), static_cast<int>(buffer.size()));
  if (got == 0) lost("it has closed the connection");
  if (got < 0) lost("it does not answer");
  if (!reader_.feed({buffer.data(), static_cast<std::size_t>(got)})) broken();
}

// With TLS 1.3 a server says that it wants another certificate when the handshake is over here.
void RedisSession::lost(const std::string& what) const {
  const unsigned long code = ERR_peek_error();
  fail(name_, code == 0 || ERR_SYSTEM_ERROR(code) ? what : "TLS: " + reason());
}

void RedisSession::refuse(const redis::Reply& reply) const {
  fail(name_, printable(reply.text()));
}

void RedisSession::broken() const {
  fail(name_, "it does not speak as Redis does");
}

namespace {

// A sentinel may not know what the others have decided.
void check_master(const RedisAccess& access, const RedisServer& server) {
  RedisSession session(access, server);
  redis::Output out;
  out.begin(1);
  out.bulk("ROLE");
  bool master = false;
  session.ask(out, [&](const redis::Reply& reply) { master = reply[0].text() == "master"; });
  if (!master) fail(name_of(server), "a sentinel names it, and it is not the master");
}

RedisServer master_of(const RedisAccess& access) {
  RedisAccess sentinel;
  sentinel.password = core::Secret(access.sentinel_password.expose());
  sentinel.url.tls = access.url.tls;
  sentinel.tls_ca = access.tls_ca;
  sentinel.tls_cert = access.tls_cert;
  sentinel.tls_key = access.tls_key;
  sentinel.tls_name = access.tls_name;
  sentinel.tls_verify = access.tls_verify;
  std::string why;
  for (const redis::HostPort& host : access.url.hosts) {
    try {
      RedisSession session(sentinel, {host, {}});
      redis::Output out;
      out.begin(3);
      out.bulk("SENTINEL");
      out.bulk("GET-MASTER-ADDR-BY-NAME");
      out.bulk(access.url.master);
      RedisServer master;
      session.ask(out, [&](const redis::Reply& reply) {
        master.host = reply[0].text();
        master.port = static_cast<std::uint16_t>(reply[1].integer());
      });
      if (!master.host.empty()) {
        check_master(access, master);
        return master;
      }
      why = "no sentinel knows the master \"" + access.url.master + "\"";
    } catch (const std::runtime_error& error) {
      why = error.what();
    }
  }
  throw std::runtime_error(why);
}

std::vector<RedisServer> masters_of(const RedisAccess& access) {
  std::string why;
  for (const redis::HostPort& seed : access.url.hosts) {
    try {
      RedisSession session(access, {seed, {}});
      redis::Output out;
      out.begin(2);
      out.bulk("CLUSTER");
      out.bulk("SLOTS");
      redis::SlotMap map;
      std::string_view wrong;
      session.ask(out, [&](const redis::Reply& reply) { wrong = map.read(reply, seed.host); });
      if (!wrong.empty()) throw std::runtime_error(std::string(wrong));
      std::vector<RedisServer> masters;
      for (const redis::ClusterNode& node : map.nodes()) {
        const std::string& place = node.address.empty() ? node.host : node.address;
        masters.push_back({{place, node.port}, node.host});
      }
      return masters;
    } catch (const std::runtime_error& error) {
      why = error.what();
    }
  }
  throw std::runtime_error(why);
}

}  // namespace

std::vector<RedisServer> key_servers(const RedisAccess& access) {
  switch (access.url.kind) {
    case redis::Kind::sentinel:
      return {master_of(access)};
    case redis::Kind::cluster:
      return masters_of(access);
    case redis::Kind::server:
      break;
  }
  if (access.url.hosts.empty()) return {RedisServer{}};
  return {{access.url.hosts.front(), {}}};
}

}  // namespace guard::cli
