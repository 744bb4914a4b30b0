#include "redis/url.h"

#include "unit.h"

namespace redis = guard::redis;
using guard::unit::error_of;
using guard::unit::expect_text;

namespace {

redis::Url parse(std::string_view text) {
  return redis::parse_url("guard_redis", text);
}

void expect_error(std::string_view url, std::string_view expected) {
  guard::unit::expect_error([&] { parse(url); }, expected);
}

void one_server(void**) {
  redis::Url url = parse("redis://cache.example");
  assert_true(url.kind == redis::Kind::server);
  assert_false(url.tls);
  assert_int_equal(url.hosts.size(), 1);
  expect_text(url.hosts[0].host, "cache.example");
  assert_int_equal(url.hosts[0].port, 6379);
  assert_int_equal(url.database, 0);
  expect_text(url.user, "");
  assert_true(url.password.empty());

  url = parse("rediss://10.0.0.1:7000/15");
  assert_true(url.tls);
  expect_text(url.hosts[0].host, "10.0.0.1");
  assert_int_equal(url.hosts[0].port, 7000);
  assert_int_equal(url.database, 15);

  url = parse("redis://[2001:db8::1]:1/");
  expect_text(url.hosts[0].host, "2001:db8::1");
  assert_int_equal(url.hosts[0].port, 1);
  expect_text(parse("redis://[::1]").hosts[0].host, "::1");
  assert_int_equal(parse("redis://h:65535").hosts[0].port, 65535);
  assert_int_equal(parse("redis://h/65535").database, 65535);
}

void login(void**) {
  redis::Url url = parse("redis://app:s%3Acr%40t%2f@h");
  expect_text(url.user, "app");
  expect_text(url.password.expose(), "s:cr@t/");
  expect_text(url.hosts[0].host, "h");
  url = parse("redis://:only@h");
  expect_text(url.user, "");
  expect_text(url.password.expose(), "only");
  // What is not encoded but cannot be mistaken is taken as it is.
  expect_text(parse("redis://:a@b:c@h").password.expose(), "a@b:c");
}

void unix_socket(void**) {
  redis::Url url = parse("unix:/run/redis/redis.sock");
  expect_text(url.unix_path, "/run/redis/redis.sock");
  assert_true(url.hosts.empty());
  url = parse("unix:/s?db=3");
  expect_text(url.unix_path, "/s");
  assert_int_equal(url.database, 3);
}

void groups(void**) {
  redis::Url url = parse("redis+sentinel://a,b:1,[::1]:2/mymaster/4");
  assert_true(url.kind == redis::Kind::sentinel);
  assert_int_equal(url.hosts.size(), 3);
  assert_int_equal(url.hosts[0].port, 26379);
  expect_text(url.hosts[2].host, "::1");
  expect_text(url.master, "mymaster");
  assert_int_equal(url.database, 4);
  assert_true(parse("rediss+sentinel://a/m").tls);

  url = parse("rediss+cluster://u:p@a,b:7001/");
  assert_true(url.kind == redis::Kind::cluster);
  assert_true(url.tls);
  expect_text(url.user, "u");
  assert_int_equal(url.hosts[0].port, 6379);
  assert_int_equal(url.hosts[1].port, 7001);
}

void mistakes(void**) {
  constexpr const char* kNoScheme =
      "no scheme in the URL of \"guard_redis\", one like \"redis://127.0.0.1:6379\" is expected";
  expect_error("", kNoScheme);
  expect_error("localhost:6379", kNoScheme);
  expect_error("http://h", "unknown scheme \"http://\" in the URL of \"guard_redis\"");
  expect_error("rediss+clsuter://h",
               "unknown scheme \"rediss+clsuter://\" in the URL of \"guard_redis\", did you mean "
               "\"rediss+cluster://\"?");
  expect_error("redis://", "no host in the URL of \"guard_redis\"");
  expect_error("redis://:6379", "no host in the URL of \"guard_redis\"");
  expect_error("redis://a b", "invalid host \"a b\" in the URL of \"guard_redis\"");
  expect_error("redis://h:0", "invalid port \"0\" in the URL of \"guard_redis\"");
  expect_error("redis://h:65536", "invalid port \"65536\" in the URL of \"guard_redis\"");
  expect_error("redis://h:", "invalid port \"\" in the URL of \"guard_redis\"");
  // A password, where the host was forgotten.
  expect_error("redis://guard:hunter2",
               "no port, or no host, behind \"guard:\" in the URL of \"guard_redis\"");
  expect_error("redis://h:100000000000000000000001",
               "invalid port \"100000000000000000000001\" in the URL of \"guard_redis\"");
  expect_error("redis://h/x", "invalid database \"x\" in the URL of \"guard_redis\"");
  expect_error("redis://h/1/2", "invalid database \"1/2\" in the URL of \"guard_redis\"");
  expect_error("redis://h/-1", "invalid database \"-1\" in the URL of \"guard_redis\"");
  expect_error("redis://[::1", "no \"]\" after \"[::1\" in the URL of \"guard_redis\"");
  expect_error("redis://[fe80::1%eth0]",
               "invalid IPv6 address \"fe80::1%eth0\" in the URL of \"guard_redis\"");
  expect_error("redis://[::1::2]", "invalid IPv6 address \"::1::2\" in the URL of \"guard_redis\"");
  expect_error("redis://[::1]x", "unexpected \"x\" after the host in the URL of \"guard_redis\"");
  expect_error("redis://a,b",
               "several hosts, for \"redis+sentinel://\" and \"redis+cluster://\" only, in the URL "
               "of \"guard_redis\"");
  expect_error("redis+cluster://a,", "no host in the URL of \"guard_redis\"");
  expect_error("redis+cluster://a/1",
               "unexpected \"/1\", a cluster has one database only, in the URL of \"guard_redis\"");
  expect_error("redis+sentinel://a",
               "no name of the master, as in \"/mymaster\", in the URL of \"guard_redis\"");
  expect_error("redis+sentinel://a/m m",
               "invalid name of the master \"m m\" in the URL of \"guard_redis\"");
  expect_error("unix:run/redis.sock",
               "the path \"run/redis.sock\" is not absolute in the URL of \"guard_redis\"");
  expect_error("unix:/s?x=1", "unexpected \"?x\" in the URL of \"guard_redis\"");
  expect_error("unix:/s?db", "invalid database \"\" in the URL of \"guard_redis\"");
  expect_error("unix:/s?db=", "invalid database \"\" in the URL of \"guard_redis\"");
  std::string hosts = "redis+cluster://h";
  for (int i = 0; i < 16; ++i) hosts += ",h";
  expect_error(hosts, "more than 16 hosts in the URL of \"guard_redis\"");
  const std::string path(108, '/');
  expect_error("unix:" + path,
               "the path \"" + path + "\" is longer than 107 bytes in the URL of \"guard_redis\"");
}

// Whatever is wrong: nothing that stands before the last '@', and no value behind a '?', is
// repeated.
void secrets_stay_secret(void**) {
  expect_error("redis://u@h", "a user without a password in the URL of \"guard_redis\"");
  expect_error("redis://u:@h", "an empty password in the URL of \"guard_redis\"");
  for (const char* url :
       {"hunter2@h", "redis://:hunter2%@h", "redis://:hunter2%4@h", "redis://:hunter2%zz@h",
        "redis://:hunter2@", "redis://:hunter2@h:0", "redis://:hunter2@h/x", "redis://hunter2@h",
        "redis:/hunter2@h://x", "redis://:x/hunter2@h:0", "unix://u:hunter2@/s", "unix:hunter2@/s",
        "unix:/s?password=hunter2", "unix:/s?db=0&password=hunter2", "redis://h?password=hunter2",
        "redis://h:1?password=hunter2", "redis://h/0?password=hunter2",
        "redis+sentinel://h/m?password=hunter2", "redis+cluster://h?password=hunter2"}) {
    const std::string error = error_of([&] { parse(url); });
    assert_true(error != "no error");
    assert_true(error.find("hunter2") == std::string::npos);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(one_server),  cmocka_unit_test(login),
      cmocka_unit_test(unix_socket), cmocka_unit_test(groups),
      cmocka_unit_test(mistakes),    cmocka_unit_test(secrets_stay_secret),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
