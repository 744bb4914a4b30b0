// One connection to a Redis at the desk: one command, then its reply.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/secret.h"
#include "redis/output.h"
#include "redis/reader.h"
#include "redis/reply.h"
#include "redis/url.h"

struct bio_st;
struct ssl_ctx_st;

namespace guard::cli {

struct RedisAccess {
  redis::Url url;
  std::string user;  // of Redis's ACL; empty: that of the URL, or the default one
  core::Secret password;
  core::Secret sentinel_password;  // of the sentinels' own; empty: they ask for none
  std::string tls_ca;              // file; empty: the system's store
  std::string tls_cert;            // file of what is shown to a server that asks; empty: nothing
  std::string tls_key;             // file of its key
  std::string tls_name;            // for verification; empty: the host
  bool tls_verify = true;
};

struct RedisServer : redis::HostPort {
  std::string name;  // what its certificate says; empty: the host
};

class RedisSession {
 public:
  // All throw std::runtime_error, which quotes no password.
  RedisSession(const RedisAccess& access, const RedisServer& server);
  RedisSession(const RedisSession&) = delete;
  RedisSession& operator=(const RedisSession&) = delete;

  // Sends what out holds, one command, and hands its reply to each(const redis::Reply&). An error
  // of Redis's is thrown.
  template <class Each>
  void ask(redis::Output& out, Each&& each) {
    send(out);
    bool answered = false;
    std::exception_ptr error;
    while (!answered) {
      feed();
      bool sound = reader_.drain([&](const redis::Reply& reply) noexcept {
        answered = true;
        try {
          if (!reply.ok()) refuse(reply);
          each(reply);
        } catch (...) {
          error = std::current_exception();
        }
        return false;
      });
      if (!sound) broken();
    }
    if (error) std::rethrow_exception(error);
  }

 private:
  struct Free {
    void operator()(bio_st* bio) const noexcept;
    void operator()(ssl_ctx_st* context) const noexcept;
  };

  void connect(const RedisAccess& access, const RedisServer& server);
  void log_in(const RedisAccess& access);
  void send(redis::Output& out);
  void feed();
  [[noreturn]] void lost(const std::string& what) const;
  [[noreturn]] void refuse(const redis::Reply& reply) const;
  [[noreturn]] void broken() const;

  std::string name_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<bio_st, Free> bio_;
  redis::Reader reader_;
};

// The servers that have the keys: the one, the master that sentinels name, or all masters of a
// cluster.
std::vector<RedisServer> key_servers(const RedisAccess& access);

}  // namespace guard::cli
