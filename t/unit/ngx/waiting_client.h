// Stands in for redis/client.cpp: what is sent waits until the test takes it, to hand it to a real
// redis-server or to fail it. For one file of each test program.
#pragma once

#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "nginx_stub.h"
#include "redis_server.h"

#include "redis/client.h"
#include "redis/topology.h"

namespace guard::unit {

inline RedisServer* server;
inline std::deque<redis::Command*> waiting;
inline std::vector<redis::Command*> forgotten;
inline bool reachable = true;

}  // namespace guard::unit

namespace guard::redis {

Client::Client(Settings&& settings, Changed changed) noexcept
    : settings_(std::move(settings)),
      changed_(changed),
      deadline_([](void*) noexcept {}, this, true),
      delivery_([](void*) noexcept {}, this, true),
      turn_end_([](void*) noexcept {}, this) {}

Client::~Client() = default;

void Client::send(Command& command) noexcept {
  assert_false(command.waiting());
  command.state_ = Command::State::queued;
  unit::waiting.push_back(&command);
}

void Client::send_again(Command& command) noexcept {
  send(command);
}

void Client::forget(Command& command) noexcept {
  command.state_ = Command::State::idle;
  std::erase(unit::waiting, &command);
  unit::forgotten.push_back(&command);
}

bool Client::available() const noexcept {
  return unit::reachable;
}

// Nobody calls these; with them, a topology is a complete type.
void Client::reconsider(std::string_view) noexcept {}
void Topology::went_down(Link&) noexcept {}

// The client's turn of the event loop.
class Link {
 public:
  static Output write(Command& command) {
    Output out;
    command.state_ = Command::State::sent;
    command.write_(command, out);
    return out;
  }
  static void finish(Command& command, const Reply& reply) {
    command.state_ = Command::State::idle;
    command.done_(command, reply);
  }
};

}  // namespace guard::redis

namespace guard::unit {

inline redis::Client& client() {
  static redis::Client made = [] {
    redis::Settings settings;
    settings.policy.name = "main";
    return redis::Client(std::move(settings), nullptr);
  }();
  return made;
}

// The first command that waits.
inline redis::Command& take() {
  assert_false(waiting.empty());
  redis::Command& command = *waiting.front();
  waiting.pop_front();
  return command;
}

}  // namespace guard::unit
