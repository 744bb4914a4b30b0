// A real redis-server of the test's own, on a Unix socket in a directory that is removed with it,
// and one connection to it.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "redis/output.h"
#include "redis/reader.h"
#include "unit.h"

namespace guard::unit {

class RedisServer {
 public:
  RedisServer() {
    char name[] = "/tmp/guard-redis-XXXXXX";
    assert_non_null(mkdtemp(name));
    directory_ = name;
    socket_ = directory_ + "/socket";
    pid_t parent = getpid();
    process_ = fork();
    assert_true(process_ >= 0);
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_.c_str(),
             "--dir", directory_.c_str(), "--save", "", "--logfile", "log", nullptr);
      _exit(127);
    }
    connect();
    assert_true(reader_.start());
  }
  ~RedisServer() {
    close(fd_);
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    unlink((directory_ + "/log").c_str());
    unlink(socket_.c_str());
    rmdir(directory_.c_str());
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // The reply to what out holds, one command; good until the next call.
  redis::Reply ask(redis::Output& out) {
    assert_false(out.failed());
    while (!out.pending().empty()) {
      ssize_t sent = write(fd_, out.pending().data(), out.pending().size());
      assert_true(sent > 0);
      out.sent(static_cast<std::size_t>(sent));
    }
    std::optional<redis::Reply> answer;
    const auto take = [&](const redis::Reply& reply) {
      answer = reply;
      return false;
    };
    while (assert_true(reader_.drain(take)), !answer) {
      char buffer[16384];
      ssize_t got = read(fd_, buffer, sizeof(buffer));
      assert_true(got > 0);
      assert_true(reader_.feed({buffer, static_cast<std::size_t>(got)}));
    }
    return *answer;
  }
  redis::Reply ask(std::initializer_list<std::string_view> words) {
    redis::Output out;
    out.begin(words.size());
    for (std::string_view word : words) out.bulk(word);
    return ask(out);
  }

 private:
  void connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int tries = 0; tries < 1000; ++tries) {
      if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return;
      assert_int_equal(waitpid(process_, nullptr, WNOHANG), 0);
      usleep(10'000);
    }
    print_error("redis-server does not answer\n");
    _fail(__FILE__, __LINE__);
  }

  std::string directory_;
  std::string socket_;
  pid_t process_ = -1;
  int fd_ = -1;
  redis::Reader reader_;
};

}  // namespace guard::unit
