// What directives of health say, what probes make of what they see, and what becomes of it.
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "health/board.h"
#include "health/database_reply.h"
#include "core/http_reply.h"
#include "health/local_probe.h"
#include "health/policy.h"
#include "health/redis_facts.h"
#include "health/report.h"
#include "unit.h"

namespace core = guard::core;
using namespace guard::health;
using namespace std::literals;
using guard::unit::expect_error;
using guard::unit::expect_text;
using Next = Conversation::Next;

namespace {

constexpr std::uint64_t kNobody = (1 << 22) + 1;  // a number that no process has

CheckPolicy check(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_health_check");
  core::Words all(std::move(words));
  return parse_check(all);
}

void directives(void**) {
  CheckPolicy policy = check({"db", "postgres://[::1]:5433", "interval=5s", "timeout=2s", "rise=3",
                              "fall=4", "optional", "warn=100ms"});
  assert_int_equal(static_cast<int>(policy.kind), static_cast<int>(Kind::postgres));
  expect_text(policy.host, "::1");
  assert_int_equal(policy.port, 5433);
  assert_int_equal(policy.warn, 100'000);
  assert_int_equal(policy.rise + policy.fall, 7);
  assert_true(policy.optional);
  assert_int_equal(check({"db", "mysql://h"}).port, 3306);
  policy = check(
      {"web", "https://h/path?x", "status=200-399", "pointer=/a", "equals=b", "tls_verify=off"});
  expect_text(policy.path, "/path?x");
  assert_int_equal(policy.port, 443);
  assert_true(policy.tls && !policy.tls_verify);
  assert_int_equal(policy.status_high, 399);
  policy = check({"disk", "disk:/var", "warn=12.5%", "fail=1%"});
  assert_int_equal(policy.warn, 125);
  assert_int_equal(policy.fail, 10);
  assert_int_equal(check({"c", "certificate:x.pem"}).warn, 14 * 24 * 3600);

  policy = check({"z", "zone:guard_rate:api"});
  expect_text(policy.path, "guard_rate:api");
  assert_true(policy.warn == 100 && policy.fail == 0 && policy.is_local());
  assert_true(judge_zone(policy, 1000, 1000).status == Status::warn);
  assert_true(judge_zone(policy, 901, 1000).status == Status::warn);
  expect_text(judge_zone(policy, 901, 1000).output(), "9.9% of the zone is free");
  assert_true(judge_zone(policy, 900, 1000).status == Status::pass);
  assert_int_equal(judge_zone(policy, 900, 1000).value.value_or(0), 100);
  assert_true(judge_zone(policy, 2000, 1000).status == Status::warn);
  assert_true(judge_zone(policy, 0, 0).status == Status::unknown);
  assert_true(judge_zone(check({"z", "zone:x", "fail=5%"}), 951, 1000).status == Status::fail);

  const std::string target =
      "\"disk:/path\", \"memory:\", \"certificate:FILE\", \"zone:NAME\", "
      "\"tcp://host:port\", "
      "\"http://host[:port]/path\", \"https://host[:port]/path\", \"redis:NAME\", "
      "\"postgres://host[:port]\" or \"mysql://host[:port]\" is expected";
  for (const std::string_view wrong :
       {"disk:", "disk:x", "memory:x", "tcp://h", "tcp://h:0", "tcp://h:70000", "tcp://h:1/p",
        "http://", "redis:", "zone:", "ftp://h", "http://h:x/", "http://[::1/", "http://a b/",
        "http://h/\r\nX: y"}) {
    expect_error(
        [&] {
          check({"x", wrong});
        },
        "invalid target \"" + std::string(wrong) + "\" of a health check, " + target);
  }
  for (const std::string_view wrong :
       {"postgres://u@h", "postgres://u:secret@h/db", "postgres://u:sec/ret@h",
        "mysql://u:secret@h", "http://u:secret@h/", "redis://:secret@h", "amqp://u:secret@h"}) {
    expect_error(
        [&] {
          check({"x", wrong});
        },
        "a user or password in the target of a health check, which logs in nowhere, " + target);
  }
  expect_error(
      [] {
        check({"a b", "memory:"});
      },
      "invalid name \"a b\" of a health check, up to 64 letters, digits, \"_\", \".\", "
      "\"-\" are expected");
  expect_error(
      [] {
        check({"d", "disk:/", "warn=5"});
      },
      "invalid value \"5\" of \"warn=\", a share like \"10%\" is expected");
  expect_error(
      [] {
        check({"d", "disk:/", "warn=101%"});
      },
      "invalid value \"101%\" of \"warn=\", a share like \"10%\" is expected");
  expect_error(
      [] {
        check({"d", "disk:/", "fail=20%"});
      },
      "\"fail=\" of health check \"d\" comes before its \"warn=\" (10% unless said)");
  expect_error(
      [] {
        check({"d", "disk:/", "warn=3%"});
      },
      "\"fail=\" of health check \"d\" (5% unless said) comes before its \"warn=\"");
  expect_error(
      [] {
        check({"d", "certificate:a.pem", "warn=1h"});
      },
      "\"fail=\" of health check \"d\" (1d unless said) comes before its \"warn=\"");
  expect_error(
      [] {
        check({"d", "memory:", "warn=3%", "fail=4%"});
      },
      "\"fail=\" of health check \"d\" comes before its \"warn=\"");
  expect_error(
      [] {
        check({"t", "tcp://h:1", "warn=1s"});
      },
      "\"warn=\" of health check \"t\" is not below its \"timeout=\", which makes it fail");
  expect_error(
      [] {
        check({"t", "http://h", "status=399-200"});
      },
      "\"status=399-200\" of health check \"t\" ends before it begins");
  expect_error(
      [] {
        check({"t", "tcp://h:1", "fail=1s"});
      },
      "\"fail=\" of tcp check \"t\" is its \"timeout=\"");
  expect_error(
      [] {
        check({"t", "tcp://h:1", "timeout=11s"});
      },
      "\"timeout=\" of health check \"t\" is above its \"interval=\"");
  expect_error(
      [] {
        check({"t", "tcp://h:1", "status=200"});
      },
      "\"status=\" of health check \"t\", which is none by HTTP");
  expect_error(
      [] {
        check({"t", "http://h", "status=600"});
      },
      "invalid status \"600\" in \"status=\", \"200\", \"2xx\" or \"200-399\" is expected");
  expect_error(
      [] {
        check({"t", "http://h", "pointer=/a"});
      },
      "\"pointer=\" and \"equals=\" of health check \"t\" need each other");
  expect_error(
      [] {
        check({"t", "http://h", "pointer=a", "equals=b"});
      },
      "invalid value \"a\" of \"pointer=\", a JSON pointer like \"/status\" is expected");
  expect_error(
      [] {
        check({"t", "http://h", "tls_verify=off"});
      },
      "\"tls_verify=\" of health check \"t\", which does not use TLS");
  expect_error(
      [] {
        core::Words words({"guard_health", "live", "ready"});
        parse_endpoint(words);
      },
      "\"live\" and \"ready\" in one \"guard_health\"");
}

void patience(void**) {
  Verdict verdict;
  assert_true(verdict.add(Status::pass, 2, 3));
  assert_false(verdict.add(Status::fail, 2, 3));
  assert_false(verdict.add(Status::fail, 2, 3));
  // One good result, and counting begins anew.
  assert_false(verdict.add(Status::pass, 2, 3));
  assert_false(verdict.add(Status::fail, 2, 3));
  assert_false(verdict.add(Status::fail, 2, 3));
  assert_true(verdict.add(Status::fail, 2, 3));
  assert_false(verdict.add(Status::warn, 2, 3));
  assert_true(verdict.add(Status::pass, 2, 3));
  // A warning is no failure, and is one at once.
  assert_true(verdict.add(Status::warn, 2, 3));
  assert_true(verdict.add(Status::pass, 2, 3));
  Verdict bad;
  assert_true(bad.add(Status::fail, 1, 3));
  Overall overall;
  assert_true(overall.status() == Status::pass);
  overall.add(Status::fail, true);
  assert_true(overall.status() == Status::warn);
  overall.add(Status::unknown, false);
  assert_true(overall.status() == Status::fail);
}

void in_time(void**) {
  // A tenth earlier or later, wherever in between.
  constexpr std::uint64_t kNow = 5000;
  constexpr std::uint64_t kInterval = 10'000;
  std::uint64_t earliest = ~std::uint64_t{0};
  std::uint64_t latest = 0;
  for (std::uint64_t random = 0; random < 10'000; ++random) {
    const std::uint64_t due = next_due(kNow, kInterval, random);
    earliest = std::min(earliest, due);
    latest = std::max(latest, due);
  }
  assert_int_equal(earliest, kNow + 9000);
  assert_int_equal(latest, kNow + 10'999);
  assert_int_equal(next_due(kNow, 4, 7), kNow + 4);

  assert_true(is_due(0, kNow, kInterval) && is_due(kNow, kNow, kInterval));
  assert_false(is_due(kNow + 1, kNow, kInterval) || is_due(latest, kNow, kInterval));
  // It was set by another configuration, by which it is due in an hour.
  assert_true(is_due(kNow + 3'600'000, kNow, kInterval));
}

void disks_and_memory(void**) {
  CheckPolicy policy = check({"d", "disk:/"});
  assert_true(judge_disk(policy, {1000, 100, 0, 0}).status == Status::pass);
  assert_true(judge_disk(policy, {1000, 99, 0, 0}).status == Status::warn);
  Result result = judge_disk(policy, {1000, 500, 1000, 49});
  assert_true(result.status == Status::fail);
  expect_text(result.output(), "4.9% of the inodes are free");
  assert_int_equal(result.share, 49);
  assert_true(judge_disk(policy, {0, 0, 0, 0}).status == Status::pass);
  assert_int_equal(judge_disk(policy, {~std::uint64_t{0}, ~std::uint64_t{0} / 2, 0, 0}).share, 499);

  using Groups = std::vector<std::string>;
  assert_true(control_groups("4:memory:/x\n0::/a.slice/b.service\n") ==
              (Groups{"/a.slice/b.service", "/a.slice", ""}));
  assert_true(control_groups("0::/\n") == Groups{""});
  assert_true(control_groups("4:memory:/x\n") == Groups{""});
  assert_true(control_groups("0::/a") == (Groups{"/a", ""}));
  assert_true(control_groups("0::a") == Groups{""});
  assert_true(control_groups("") == Groups{""});

  const std::string_view meminfo = "MemTotal:   1000 kB\nMemFree: 5 kB\nMemAvailable: 400 kB\n";
  MemoryFacts facts = read_memory(meminfo, "max\n", "5\n", "");
  assert_int_equal(facts.bytes, 1000 * 1024);
  assert_int_equal(facts.available, 400 * 1024);
  facts = read_memory(meminfo, "102400\n", "92160\n", "anon 5\ninactive_file 2048\n");
  assert_int_equal(facts.bytes, 102400);
  assert_int_equal(facts.available, 102400 - 92160 + 2048);
  facts = read_memory(meminfo, "10", "20", "inactive_file 50\n");
  assert_int_equal(facts.available, 10);
  policy = check({"m", "memory:"});
  result = judge_memory(policy, {1000, 70});
  assert_true(result.status == Status::warn);
  expect_text(result.output(), "7.0% of the memory is available");
  assert_true(judge_memory(policy, read_memory("", "", "", "")).status == Status::fail);

  policy = check({"c", "certificate:x"});
  assert_true(judge_certificate(policy, 15 * 86400).status == Status::pass);
  result = judge_certificate(policy, 13 * 86400);
  assert_true(result.status == Status::warn);
  expect_text(result.output(), "the certificate ends in 13 days");
  expect_text(judge_certificate(policy, -1).output(), "the certificate has ended");
}

void redis(void**) {
  const CheckPolicy policy = check({"r", "redis:x", "warn=10ms"});
  assert_true(judge_redis(policy, {}, "role:master\r\nmaxmemory:0\r\n", 9999).status ==
              Status::pass);
  expect_text(judge_redis(policy, {}, "role:master\r\n", 10'000).output(), "the answer took long");
  expect_text(judge_redis(policy, {}, "x:1\r\nrole:slave\r\n", 1).output(), "Redis is a replica");
  expect_text(
      judge_redis(policy, {}, "used_memory:960\r\nmaxmemory:1000\r\nrole:master\r\n", 1).output(),
      "Redis's memory is nearly full");
  assert_true(judge_redis(policy, {}, "loading:1\r\n", 1).status == Status::fail);
  assert_true(judge_redis(policy, "no answer in time", {}, 1).status == Status::fail);
  const Result untold = judge_redis(policy, {}, {}, 1);
  assert_true(untold.status == Status::pass);
  expect_text(untold.output(), "Redis tells this user neither its role nor its memory");
}

core::HttpReply::State read(std::string_view text, std::size_t piece, std::string* body = nullptr) {
  core::HttpReply reply(true, 100);
  core::HttpReply::State state = core::HttpReply::State::head;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, piece);
    text.remove_prefix(part.size());
    state = reply.add(part);
  }
  if (state != core::HttpReply::State::done) state = reply.end();
  if (body != nullptr) *body = reply.body();
  return state;
}

void http(void**) {
  for (const std::size_t piece : {1U, 3U, 1000U}) {
    std::string body;
    assert_true(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloX", piece, &body) ==
                core::HttpReply::State::done);
    expect_text(body, "hello");
    assert_true(read("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.0 200\r\n\r\nuntil the end",
                     piece, &body) == core::HttpReply::State::done);
    expect_text(body, "until the end");
    assert_true(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n"
                     "0123456789\r\n0\r\n\r\n",
                     piece, &body) == core::HttpReply::State::done);
    expect_text(body, "abc0123456789");
    for (const std::string_view wrong :
         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"sv, "HTTP/2 200\r\n\r\n"sv,
          "HTTP/1.1 999 X\r\n\r\n"sv, "HTTP/1.1 200 OK\r\nno field\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"sv,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"sv,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"sv,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab"sv, ""sv}) {
      assert_true(read(wrong, piece) == core::HttpReply::State::broken);
    }
  }
  assert_true(read("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), 1000) ==
              core::HttpReply::State::broken);
  assert_true(read("HTTP/1.1 200 OK\r\n" + std::string(200, 'x'), 1000) ==
              core::HttpReply::State::broken);
}

std::string error_packet(std::string_view state) {
  std::string fields = "SERROR\0C"s + std::string(state) + "\0Mwhy\0\0"s;
  std::string packet = "E\0\0\0"s;
  packet.push_back(static_cast<char>(fields.size() + 4));
  return packet + fields;
}

void postgres(void**) {
  const CheckPolicy policy = check({"db", "postgres://h"});
  auto startup = [&policy](std::string_view answer, std::size_t piece = 1000) {
    PostgresConversation talk(policy);
    assert_int_equal(talk.say().size(), 8);
    talk.said();
    assert_true(talk.say().empty());
    assert_true(talk.hear("N") == Next::more);
    assert_int_equal(talk.say().size(), 79);
    talk.said();
    Next next = Next::more;
    while (!answer.empty() && next == Next::more) {
      next = talk.hear(answer.substr(0, piece));
      answer.remove_prefix(std::min(piece, answer.size()));
    }
    if (next != Next::done) assert_true(talk.ended() == Next::done);
    return talk.result();
  };
  for (const std::size_t piece : {1U, 1000U}) {
    // AuthenticationSASL, or an error about the user.
    assert_true(startup("R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"sv, piece).status == Status::pass);
    assert_true(startup(error_packet("28000"), piece).status == Status::pass);
    assert_true(startup(error_packet("3D000"), piece).status == Status::pass);
    const Result starting = startup(error_packet("57P03"), piece);
    assert_true(starting.status == Status::fail);
    expect_text(starting.output(), "the server says: why");
    assert_true(startup(error_packet("53300"), piece).status == Status::fail);
  }
  assert_true(startup("HTTP/1.1 400"sv).status == Status::fail);
  assert_true(startup("R\xff\xff\xff\xff\0\0"sv).status == Status::fail);
  expect_text(startup("").output(), "the server closed the connection");
  // With TLS, and too early a word, which would pass for one that came over TLS.
  PostgresConversation talk(policy);
  talk.said();
  assert_true(talk.hear("S") == Next::secure);
  assert_true(talk.secured() == Next::more);
  assert_int_equal(talk.say().size(), 79);
  talk.said();
  assert_true(talk.hear("R\0\0\0\x17"sv) == Next::done);
  assert_true(talk.result().status == Status::pass);
  for (const std::string_view words : {"NR", "SR"}) {
    PostgresConversation early(policy);
    early.said();
    assert_true(early.hear(words) == Next::done);
    expect_text(early.result().output(), "the server speaks before it was asked");
  }
  // An old server has no word for it, and is asked again without.
  PostgresConversation old(policy);
  old.said();
  assert_true(old.hear("EFATAL") == Next::again);
  assert_int_equal(old.say().size(), 79);
  // Who says how to verify TLS wants it.
  for (const std::string_view word : {"tls_ca=/ca", "tls_name=db", "tls_verify=on"}) {
    const CheckPolicy strict = check({"db", "postgres://h", word});
    for (const std::string_view answer : {"N", "EFATAL"}) {
      PostgresConversation plain(strict);
      plain.said();
      assert_true(plain.hear(answer) == Next::done);
      expect_text(plain.result().output(), "the server offers no TLS");
    }
    PostgresConversation secure(strict);
    secure.said();
    assert_true(secure.hear("S") == Next::secure);
  }
  const CheckPolicy lax = check({"db", "postgres://h", "tls_verify=off"});
  PostgresConversation either(lax);
  either.said();
  assert_true(either.hear("N") == Next::more);
}

void mysql(void**) {
  const std::string greeting = "\x1f\0\0\0\x0a"s + "10.11.6-MariaDB\0"s + std::string(14, 'x');
  auto talk_to = [&](std::string_view answer) {
    MysqlConversation talk;
    assert_true(talk.say().empty());
    for (const char c : greeting) assert_true(talk.hear({&c, 1}) == Next::more);
    assert_int_equal(talk.say().size(), 72);
    talk.said();
    assert_true(talk.hear(answer) == Next::done);
    return talk.result();
  };
  assert_true(talk_to("\x05\0\0\2\xff\x15\x04no"sv).status == Status::pass);  // 1045
  const Result full = talk_to("\x0b\0\0\2\xff\x10\x04#08004no"sv);            // 1040
  assert_true(full.status == Status::fail);
  expect_text(full.output(), "the server says: no");
  assert_true(talk_to("\x01\0\0\2\x77"sv).status == Status::fail);
  // Where another plugin is asked for: nobody breaks off.
  auto switch_to = [&](std::string_view text, std::string_view said, std::string_view answer) {
    MysqlConversation talk;
    assert_true(talk.hear(greeting) == Next::more);
    talk.said();
    for (const char c : text) assert_true(talk.hear({&c, 1}) == Next::more);
    assert_true(talk.say() == said);
    talk.said();
    assert_true(talk.say().empty());
    assert_true(talk.hear(answer) == Next::done);
    return talk.result().status;
  };
  const auto denied = "\x05\0\0\4\xff\x15\x04no"sv;
  const auto nothing = "\0\0\0\3"sv;
  const auto sha2 =
      "\x2c\0\0\2\xfe"
      "caching_sha2_password\0"
      "xxxxxxxxxxxxxxxxxxxx\0"sv;
  assert_true(switch_to(sha2, nothing, denied) == Status::pass);
  assert_true(switch_to(sha2, nothing, "\x0b\0\0\4\xff\x10\x04#08004no"sv) == Status::fail);
  assert_true(switch_to(sha2, nothing, "\x02\0\0\4\1\4"sv) == Status::pass);
  assert_true(switch_to("\x01\0\0\2\xfe"sv, nothing, denied) == Status::pass);
  assert_true(switch_to("\x30\0\0\2\xfe"
                        "client_ed25519\0"s +
                            std::string(32, 'x'),
                        "\x40\0\0\3"s + std::string(64, '\0'), denied) == Status::pass);
  MysqlConversation blocked;
  assert_true(blocked.hear("\x05\0\0\0\xff\x69\x04no"sv) == Next::done);
  expect_text(blocked.result().output(), "the server says: no");
  MysqlConversation other;
  assert_true(other.hear("SSH-2.0-OpenSSH\r\n") == Next::done);
  assert_true(other.result().status == Status::fail);
}

void boards(void**) {
  alignas(64) static std::byte memory[64 << 10];
  Board board;
  assert_false(board.format(std::span(memory).first(100)));
  assert_true(board.format(memory));
  board.begin();
  Place* a = board.place("a");
  Place* b = board.place("b");
  assert_non_null(a);
  assert_ptr_not_equal(a, b);
  assert_true(a->read().status == Status::unknown);
  Result result;
  result.status = Status::warn;
  result.value = -5;
  result.share = 7;
  result.say("bad\n\xff words");
  assert_true(a->add(result, 123, 1, 1));
  Standing standing = a->read();
  assert_true(standing.status == Status::warn);
  assert_int_equal(standing.last.value.value_or(0), -5);
  assert_int_equal(standing.time_ms, 123);
  expect_text(standing.last.output(), "bad?? words");
  result.value.reset();
  assert_false(a->add(result, 123, 1, 1));
  assert_false(a->read().last.value.has_value());
  expect_text(a->read().last.output(), "bad?? words");
  result.say(std::string(500, 'x'));
  assert_int_equal(result.output().size(), kMaxOutput);

  // One at a time, but for who is dead.
  assert_null(board.begin_look(*a, 1));
  assert_null(board.begin_look(*a, 1));
  assert_ptr_equal(board.begin_look(*a, 2), a);
  assert_ptr_equal(board.begin_look(*b, 2), a);
  a->end_look();
  assert_null(board.begin_look(*a, kNobody));
  assert_null(board.begin_look(*b, 2));
  b->end_look();
  assert_null(board.begin_look(*a, 2));
  a->end_look();

  Board later;
  assert_true(later.adopt(memory));
  later.begin();
  assert_ptr_equal(later.place("a"), a);
  assert_int_equal(later.place("a")->read().time_ms, 123);
  for (std::size_t i = 1; i < kMaxChecks; ++i) {
    assert_non_null(later.place("c" + std::to_string(i)));
  }
  assert_null(later.place("too many"));
  assert_ptr_equal(later.place("a"), a);
}

void reports(void**) {
  const CheckPolicy policy = check({"db", "postgres://h"});
  Entry entry{&policy, {}};
  entry.standing.status = Status::pass;
  entry.standing.last.status = Status::pass;
  entry.standing.last.value = 1234;
  entry.standing.time_ms = 1'769'860'800'007;
  const CheckPolicy cold = check({"cold", "memory:"});
  const Entry entries[] = {entry, {&cold, {}}};
  const Report report{Status::fail, entries, true, 1'769'860'800'007};
  expect_text(health_json(report),
              "{\"status\":\"fail\",\"releaseId\":\"0.1.0\",\"notes\":[\"draining\"],\"checks\":{"
              "\"db:responseTime\":[{\"componentType\":\"datastore\",\"observedValue\":1.234,"
              "\"observedUnit\":\"ms\",\"status\":\"pass\",\"time\":\"2026-01-31T12:00:00.007Z\"}],"
              "\"cold:available\":[{\"componentType\":\"system\",\"status\":\"fail\","
              "\"output\":\"there is no result yet\"}]}}\n");
  expect_text(simple_json(report),
              "{\"status\":\"unhealthy\",\"timestamp\":\"2026-01-31T12:00:00.007Z\","
              "\"services\":{\"db\":\"healthy\",\"cold\":\"unhealthy\"}}\n");
  expect_text(status_json(Status::warn, false), "{\"status\":\"warn\"}\n");
  expect_text(status_json(Status::warn, true), "{\"status\":\"degraded\"}\n");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(directives),       cmocka_unit_test(patience), cmocka_unit_test(in_time),
      cmocka_unit_test(disks_and_memory), cmocka_unit_test(redis),    cmocka_unit_test(http),
      cmocka_unit_test(postgres),         cmocka_unit_test(mysql),    cmocka_unit_test(boards),
      cmocka_unit_test(reports),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
