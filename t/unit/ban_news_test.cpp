#include "lockout/ban_news.h"

#include <array>

#include "redis_server.h"

using namespace guard::lockout;
using guard::redis::Output;
using guard::redis::Reply;
using guard::unit::RedisServer;

namespace {

RedisServer* server;

Reply tell(std::string_view since, std::initializer_list<std::string_view> told) {
  Output out;
  ban_news_script().begin(out, true, 2, 2 + told.size());
  out.bulk("{x}.list");
  out.bulk("{x}.count");
  out.bulk(since);
  out.bulk("60000");
  for (std::string_view word : told) out.bulk(word);
  return server->ask(out);
}

void reads(void**) {
  auto news = read_ban_news("0123456789abcdef:312:1700000000000:7");
  assert_true(news.has_value());
  assert_true(news->hash == 0x0123456789abcdef && news->score == 312 && !news->lifted);
  assert_true(news->end == 1'700'000'000'000 && news->number == 7);
  news = read_ban_news("0000456789abcdef:L:1700000000000:8");
  assert_true(news && news->lifted && news->hash == 0x456789abcdef && news->score == 0);
}

void what_is_none(void**) {
  for (std::string_view text : {"",
                                ":",
                                "1",
                                "1:2",
                                "1:2:3",
                                "1:2:3:",
                                "1:2:3:4 ",
                                "1:2:3:4:5",
                                "x:2:3:4",
                                "1::3:4",
                                "1:-2:3:4",
                                "1:2:-3:4",
                                " 1:2:3:4",
                                "1:LL:3:4",
                                "1:2:3:x",
                                "11111111111111111:2:3:4",
                                "1:4294967296:3:4",
                                "1:2:99999999999999999999:4",
                                "1:2:9007199254740993:4",
                                "1:2:3:9007199254740993"}) {
    assert_false(read_ban_news(text).has_value());
  }
}

void knows_what_is_lifted(void**) {
  constexpr std::uint64_t kHash = 0xAB12'0000'0000'0001;
  const std::array<BanNews, 5> news = {{{kHash, 3, 9, 1, false},
                                        {2, 3, 9, 2, false},
                                        {kHash & 0xFFFF'FFFF'FFFF, 0, 9, 3, true},
                                        {kHash, 4, 9, 4, false},
                                        {2, 3, 9, 5, false}}};
  const bool lifted[] = {true, false, false, false, false};
  for (std::size_t i = 0; i < news.size(); ++i) {
    assert_int_equal(is_lifted_later(news, i), lifted[i]);
  }
}

void tells_in_order(void**) {
  server->ask({"FLUSHALL"});
  assert_int_equal(tell("0", {})[1].integer(), 0);
  tell("-", {"0000000000000001", "10", "60000"});
  Reply reply = tell("-", {"0000000000000002", "20", "60000", "000000000001", "L", "60000"});
  assert_int_equal(reply[2].size(), 0);
  assert_int_equal(reply[1].integer(), 3);
  reply = tell("0", {});
  assert_int_equal(reply[2].size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    auto news = read_ban_news(reply[2][i].text());
    assert_true(news && news->number == i + 1);
    std::int64_t left = static_cast<std::int64_t>(news->end) - reply[0].integer();
    assert_true(left > 30'000 && left <= 60'000);
    assert_int_equal(news->lifted, i == 2);
  }
  assert_int_equal(tell("2", {})[2].size(), 1);
  assert_int_equal(tell("3", {})[2].size(), 0);
}

void forgets_what_is_over(void**) {
  server->ask({"FLUSHALL"});
  tell("-", {"0000000000000001", "10", "1", "0000000000000002", "10", "60000"});
  usleep(10'000);
  tell("-", {"0000000000000003", "10", "60000"});
  Reply reply = tell("0", {});
  assert_int_equal(reply[2].size(), 2);
  assert_true(read_ban_news(reply[2][0].text())->hash == 2);
  assert_true(server->ask({"PTTL", "{x}.list"}).integer() > 0);
  assert_true(server->ask({"PTTL", "{x}.count"}).integer() > 0);
}

}  // namespace

int main() {
  RedisServer own;
  server = &own;
  const CMUnitTest tests[] = {
      cmocka_unit_test(reads),
      cmocka_unit_test(what_is_none),
      cmocka_unit_test(knows_what_is_lifted),
      cmocka_unit_test(tells_in_order),
      cmocka_unit_test(forgets_what_is_over),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
