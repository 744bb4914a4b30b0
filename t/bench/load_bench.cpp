// Asks an nginx at a fixed rate, whatever its answers take: requests come at moments that are drawn
// beforehand (a Poisson process), and what one takes is counted from its moment on, also while it
// waits here for a connection that is free. wrk has other aims: its connections rest for whole
// milliseconds, so that requests come in bursts, and who stalls is asked less.
//   load ADDRESS PORT CONNECTIONS REQUESTS-PER-SECOND SECONDS PATH KEYS
// "{key}" in PATH becomes a number below KEYS. Prints one line of JSON, times in microseconds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Connection {
  int fd = -1;
  Moment due;  // of the request that is under way
  std::string answer;
};

struct Load {
  std::string head;
  std::string tail;
  int keys = 1;
  std::mt19937_64 random{20200405};
  std::vector<Connection> connections;
  std::vector<Connection*> idle;
  std::deque<Moment> waiting;
  std::vector<double> taken;
  std::vector<double> late;  // how long after its moment a request was sent for which one was free
  std::size_t bad = 0;
  std::size_t open = 0;

  void ask(Connection& connection, Moment due) {
    connection.due = due;
    const std::string text =
        head + std::to_string(std::uniform_int_distribution<int>(0, keys - 1)(random)) + tail;
    if (write(connection.fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      give_up("write");
    }
    ++open;
  }

  void arrive(Moment due) {
    if (idle.empty()) {
      waiting.push_back(due);
      return;
    }
    Connection& connection = *idle.back();
    idle.pop_back();
    late.push_back(std::chrono::duration<double, std::micro>(Clock::now() - due).count());
    ask(connection, due);
  }

  // Whether the answer is complete: its fields, and as many bytes as they say.
  static bool complete(std::string_view answer) {
    const std::size_t fields = answer.find("\r\n\r\n");
    if (fields == std::string_view::npos) return false;
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t at = answer.find(kLength);
    std::size_t length = 0;
    if (at < fields) {
      std::from_chars(answer.data() + at + kLength.size(), answer.data() + fields, length);
    }
    return answer.size() >= fields + 4 + length;
  }

  void hear(Connection& connection) {
    std::array<char, 4096> buffer;
    const ssize_t got = read(connection.fd, buffer.data(), buffer.size());
    if (got <= 0) give_up("read");
    connection.answer.append(buffer.data(), static_cast<std::size_t>(got));
    if (!complete(connection.answer)) return;
    taken.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - connection.due).count());
    if (!connection.answer.starts_with("HTTP/1.1 200 ")) ++bad;
    connection.answer.clear();
    --open;
    if (waiting.empty()) {
      idle.push_back(&connection);
    } else {
      ask(connection, waiting.front());
      waiting.pop_front();
    }
  }
};

double quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank),
                   values.end());
  return values[rank];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fputs("usage: load ADDRESS PORT CONNECTIONS RATE SECONDS PATH KEYS\n", stderr);
    return 2;
  }
  Load load;
  const double rate = std::atof(argv[4]);
  const std::string path = argv[6];
  load.keys = std::atoi(argv[7]);
  constexpr std::string_view kKey = "{key}";
  const std::size_t at = path.find(kKey);
  if (at == std::string::npos) give_up("no {key}");
  load.head = "GET " + path.substr(0, at);
  load.tail = path.substr(at + kKey.size()) + " HTTP/1.1\r\nHost: " + argv[1] + "\r\n\r\n";

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(std::atoi(argv[2])));
  inet_pton(AF_INET, argv[1], &address.sin_addr);
  const int epoll = epoll_create1(0);
  load.connections.resize(static_cast<std::size_t>(std::atoi(argv[3])));
  for (Connection& connection : load.connections) {
    connection.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      give_up("connect");
    }
    const int yes = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event);
    load.idle.push_back(&connection);
  }

  std::exponential_distribution<double> gap(rate);
  const auto next_after = [&](Moment moment) {
    return moment + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(gap(load.random)));
  };
  const Moment begin = Clock::now();
  const Moment end = begin + std::chrono::seconds(std::atoi(argv[5]));
  Moment next = next_after(begin);
  std::array<epoll_event, 256> events;
  while (next < end || load.open > 0) {
    for (; next < end && next <= Clock::now(); next = next_after(next)) load.arrive(next);
    const auto left = next < end ? std::max(next - Clock::now(), Clock::duration::zero())
                                 : Clock::duration(std::chrono::seconds(1));
    const timespec timeout{static_cast<time_t>(left.count() / 1'000'000'000),
                           static_cast<long>(left.count() % 1'000'000'000)};
    const int count = epoll_pwait2(epoll, events.data(), events.size(), &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      load.hear(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf(
      "{\"requests\":%zu,\"bad\":%zu,\"rate\":%.0f,\"p50\":%.0f,\"p99\":%.0f,\"max\":%.0f,"
      "\"late99\":%.0f}\n",
      load.taken.size(), load.bad, static_cast<double>(load.taken.size()) / seconds,
      quantile(load.taken, 0.5), quantile(load.taken, 0.99), quantile(load.taken, 1),
      quantile(load.late, 0.99));
  return 0;
}
