// What nodes tell each other of bans through a Redis, and what one that has the job hears of them,
// however late the answers are. The client hands every command to a real redis-server when the test
// says so.
#include <cstddef>
#include <string>
#include <vector>

#include "waiting_client.h"

#include "core/clock.h"
#include "lockout/ban_exchange.h"

using guard::lockout::Ban;
using guard::lockout::BanExchange;
using guard::lockout::BanState;
using guard::lockout::BanTable;
using guard::redis::Command;
using guard::redis::Link;
using guard::redis::Output;
using guard::unit::client;
using guard::unit::server;
using guard::unit::take;
using guard::unit::waiting;

namespace {

constexpr std::uint64_t kClient = 0x123456789abc;
constexpr int kRuns = 240;  // after so many all is read again

// One nginx.
struct Node {
  Node() : store(client(), "guard:", false) {
    owner.policy.name = "bots";
    owner.policy.duration = std::chrono::hours(1);
    exchange.emplace(owner, store);
    owner.exchange = &*exchange;
    owner.attach(memory);
  }

  bool bans() { return owner.table->ban_of(kClient, now()).state == BanState::banned; }
  void forget() {
    owner.table->each_ban(now(), [](std::uint64_t, const Ban&) { return BanTable::Visit::lift; });
  }
  static std::uint64_t now() { return guard::core::microseconds(); }

  alignas(64) std::array<std::byte, 65536> memory{};
  guard::core::RemoteStore store;
  guard::lockout::BanRegister owner;
  std::optional<BanExchange> exchange;
};

// The first command that waits, in Redis.
void answer() {
  Command& command = take();
  Output out = Link::write(command);
  Link::finish(command, server->ask(out));
}

void answer_all() {
  while (!waiting.empty()) answer();
}

// The same in two steps: it has been asked, and answers later.
struct Late {
  Late() : command(take()), out(Link::write(command)) {}
  void answer() { Link::finish(command, server->ask(out)); }

  Command& command;
  Output out;
};

void tell(Node& node) {
  node.exchange->tell(kClient, {BanState::banned, Node::now() / 1000 + 3'600'000, 10}, Node::now());
  answer_all();
}

// Only if it asks for all that Redis has it is told once more.
void hear_and_forget(Node& here) {
  Node there;
  tell(there);
  here.exchange->run(true);
  answer_all();
  here.forget();
}

int begin(void**) {
  server->ask({"FLUSHALL"});
  waiting.clear();
  return 0;
}

void an_exchange(void**) {
  Node here;
  Node there;
  tell(there);
  assert_false(here.bans());
  here.exchange->run(true);
  assert_true(here.exchange->busy());
  answer_all();
  assert_true(here.bans());
  // What was heard is not heard again.
  here.forget();
  here.exchange->run(false);
  answer_all();
  assert_false(here.bans());
}

// The answer to a question of before says nothing of what was before it.
void a_late_answer_when_the_job_is_new(void**) {
  Node here;
  hear_and_forget(here);
  here.exchange->run(false);
  Late late;
  here.exchange->run(true);
  assert_true(waiting.empty());
  late.answer();
  here.exchange->run(false);
  answer_all();
  assert_true(here.bans());
}

void a_late_answer_when_all_is_to_be_read_again(void**) {
  Node here;
  hear_and_forget(here);
  for (int i = 0; i < kRuns - 2; ++i) {
    here.exchange->run(false);
    answer_all();
  }
  assert_false(here.bans());
  here.exchange->run(false);
  Late late;
  here.exchange->run(false);
  assert_true(waiting.empty());
  late.answer();
  assert_false(here.bans());
  here.exchange->run(false);
  answer_all();
  assert_true(here.bans());
}

// A lift is told as long as the ban that it was of would have lasted.
void a_lift_that_is_read_again(void**) {
  Node here;
  Node there;
  tell(there);
  assert_true(there.exchange->tell_lifted(kClient));
  answer_all();
  const std::uint64_t lifted = Node::now();
  while (Node::now() < lifted + 10'000) {
  }
  const auto hear_with_ban_of = [&here](std::uint64_t age) {
    here.forget();
    const Ban ban{BanState::banned, Node::now() / 1000 + 3'600'000 - age, 10};
    here.owner.table->set_ban({kClient, 0, 0}, ban, Node::now());
    here.exchange->run(true);
    answer_all();
    return here.bans();
  };
  assert_false(hear_with_ban_of(60'000));
  // One that began later, of which Redis has not heard, is another one.
  assert_true(hear_with_ban_of(0));
}

}  // namespace

int main() {
  guard::unit::RedisServer redis;
  server = &redis;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(an_exchange, begin),
      cmocka_unit_test_setup(a_late_answer_when_the_job_is_new, begin),
      cmocka_unit_test_setup(a_late_answer_when_all_is_to_be_read_again, begin),
      cmocka_unit_test_setup(a_lift_that_is_read_again, begin),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
