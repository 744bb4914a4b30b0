#include "lockout/ban_policy.h"

#include <vector>

#include "unit.h"

namespace {

using guard::core::Event;
using guard::core::EventKind;
using guard::lockout::BanPolicy;
using guard::lockout::BanWeights;
using guard::lockout::Cause;
using guard::unit::expect_error;
using guard::unit::expect_text;

BanPolicy parse(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_ban_policy");
  guard::core::Words all(words);
  return guard::lockout::parse_ban_policy(all);
}

BanPolicy parse_with(std::vector<std::string_view> more) {
  std::vector<std::string_view> words = {"p", "score=10", "half_life=10m", "duration=1h"};
  words.insert(words.end(), more.begin(), more.end());
  return parse(words);
}

BanWeights weights(std::string_view text, Cause cause = Cause::client) {
  BanWeights all;
  all.read("weights", text, cause);
  return all;
}

Event event(EventKind kind, std::string_view code = {}) {
  Event made;
  made.kind = kind;
  made.code = code;
  return made;
}

void has_defaults(void**) {
  BanPolicy policy = parse_with({"weights=404:1"});
  expect_text(policy.name, "p");
  expect_text(policy.key, "$guard_client_net");
  assert_int_equal(policy.variables.size(), 1);
  assert_int_equal(policy.score, 10);
  assert_int_equal(policy.half_life_us(), 600'000'000);
  assert_int_equal(policy.duration_ms(), 3'600'000);
  assert_int_equal(policy.status, 403);
  assert_int_equal(policy.zone_size, 10 << 20);
  assert_true(policy.exempt.empty());
  expect_text(policy.code(), "ban.p");
  expect_text(policy.zone_name(), "guard_ban:p");
  assert_true(policy.has_statuses());
}

void reads_all_words(void**) {
  BanPolicy policy =
      parse_with({"key=$remote_addr$http_x", "weights=login_failed:5", "cross_site_weights=404:2",
                  "exempt=192.0.2.0/24,2001:db8::/32", "status=444", "zone=1m"});
  assert_int_equal(policy.variables.size(), 2);
  assert_int_equal(policy.status, 444);
  assert_int_equal(policy.zone_size, 1 << 20);
  assert_true(policy.exempt.contains(*guard::core::parse_address("192.0.2.7")));
  assert_int_equal(policy.weights_of(Cause::client).of_status(404), 0);
  assert_int_equal(policy.weights_of(Cause::elsewhere).of_status(404), 2);
  assert_true(policy.has_statuses());
}

void says_what_is_wrong(void**) {
  expect_error(
      [] {
        parse({"p", "half_life=1m", "duration=1h", "weights=404:1"});
      },
      "\"score=\" is missing");
  expect_error(
      [] {
        parse({"p", "score=1", "duration=1h", "weights=404:1"});
      },
      "\"half_life=\" is missing");
  expect_error(
      [] {
        parse({"p", "score=1", "half_life=1m", "weights=404:1"});
      },
      "\"duration=\" is missing");
  expect_error([] { parse_with({}); }, "\"weights=\" is missing");
  expect_error(
      [] {
        parse_with({"weights=404:1", "key=x"});
      },
      "no variable in \"key=x\": all clients would be banned at once, did you mean \"key=$x\"?");
  expect_error(
      [] {
        parse_with({"weights=404:1", "status=404"});
      },
      "invalid value \"404\" of \"status\", 403 or 444 (the connection is closed) is "
      "expected");
  assert_true(guard::unit::error_of([] {
                parse_with({"weights=404:1", "exempt=192.0.2.1/24"});
              }).find("192.0.2.0/24") != std::string::npos);
}

void weighs_kinds_codes_and_statuses(void**) {
  BanWeights all = weights(
      "injection_detected:10,inspect.sqli:50,inspect.*:20,rate.*:2,rate.api:0,"
      "404:1,4xx:3,500:7");
  assert_int_equal(all.of_event(event(EventKind::injection_detected)), 10);
  assert_int_equal(all.of_event(event(EventKind::injection_detected, "inspect.sqli")), 50);
  assert_int_equal(all.of_event(event(EventKind::injection_detected, "inspect.xss")), 20);
  assert_int_equal(all.of_event(event(EventKind::rate_limited, "rate.login")), 2);
  assert_int_equal(all.of_event(event(EventKind::rate_limited, "rate.api")), 0);
  assert_int_equal(all.of_event(event(EventKind::rate_limited, "key.missing")), 0);
  assert_int_equal(all.of_event(event(EventKind::login_failed)), 0);
  assert_int_equal(all.of_status(404), 1);
  assert_int_equal(all.of_status(401), 3);
  assert_int_equal(all.of_status(499), 3);
  assert_int_equal(all.of_status(500), 7);
  assert_int_equal(all.of_status(501), 0);
  assert_int_equal(all.of_status(399), 0);
}

void the_longest_code_counts(void**) {
  for (std::string_view text :
       {"json.*:1,json.s*:2,json.syntax:3", "json.syntax:3,json.s*:2,json.*:1"}) {
    BanWeights all = weights(text);
    assert_int_equal(all.of_event(event(EventKind::json_refused, "json.syntax")), 3);
    assert_int_equal(all.of_event(event(EventKind::json_refused, "json.size")), 2);
    assert_int_equal(all.of_event(event(EventKind::json_refused, "json.depth")), 1);
    assert_int_equal(all.of_event(event(EventKind::json_refused, "jsonx.depth")), 0);
  }
}

void refuses_wrong_weights(void**) {
  expect_error([] { weights("login_failed"); },
               "invalid \"login_failed\" in \"weights=\", a kind of event, a code or a status with "
               "a weight is expected, as in \"login_failed:5\", \"inspect.sqli:50\", \"rate.*:2\" "
               "or \"404:1\"");
  expect_error([] { weights("login_failed:x"); },
               "invalid value \"x\" of \"login_failed\", a number from 0 to 1000000 is expected");
  expect_error([] { weights("404:1,404:2"); }, "two weights for \"404\"");
  expect_error([] { weights("login_failed:0,login_failed:2"); },
               "two weights for \"login_failed\"");
  expect_error([] { weights("rate.*:0,rate.*:2"); }, "two weights for \"rate.*\"");
  expect_error([] { weights("200:1"); },
               "invalid status \"200\", 400 to 599, \"4xx\" or \"5xx\" is expected");
  expect_error([] { weights("3xx:1"); },
               "invalid status \"3xx\", 400 to 599, \"4xx\" or \"5xx\" is expected");
  expect_error([] { weights("*:1"); },
               "invalid code \"*\", one like \"inspect.sqli\" or \"rate.*\" is expected");
  expect_error([] { weights("rate.a*b:1"); },
               "invalid code \"rate.a*b\", one like \"inspect.sqli\" or \"rate.*\" is expected");
  expect_error([] { weights("rate.:1"); },
               "invalid code \"rate.\", one like \"inspect.sqli\" or \"rate.*\" is expected");
  expect_error([] { weights("inspct.sqli:1"); },
               "unknown code \"inspct.sqli\", did you mean \"inspect\"?");
  expect_error([] { weights("ban.*:1"); }, "\"ban.*\": that a client is banned weighs nothing");
  expect_error([] { weights("client_banned:1"); }, "\"client_banned\" is no event of a client");
  expect_error([] { weights("redis_recovered:1"); }, "\"redis_recovered\" is no event of a client");
  std::string many = "login_failed:1";
  for (int status = 400; status < 464; ++status) many += "," + std::to_string(status) + ":1";
  expect_error([&] { weights(many); }, "more than 64 weights in \"weights=\"");
}

// What another site's page can bring about weighs only where that is said.
void foreign_events_need_their_own_word(void**) {
  for (std::string_view text :
       {"csrf_refused:1", "origin_refused:1", "csp_violated:1", "csrf.*:1", "cors.origin:1"}) {
    std::string what(text.substr(0, text.rfind(':')));
    expect_error([&] { weights(text); },
                 "\"" + what +
                     "\" in \"weights=\" can be caused by a page of another site, in the browser "
                     "of a visitor who knows nothing of it: weigh it in \"cross_site_weights=\" if "
                     "it is to count all the same");
    weights(text, Cause::elsewhere);
  }
}

void uses(void**) {
  guard::core::Words plain({"guard_ban", "bots"});
  assert_false(guard::lockout::parse_ban_use(plain).adds);
  guard::core::Words added({"guard_ban", "+bots"});
  assert_true(guard::lockout::parse_ban_use(added).adds);
  expect_text(guard::lockout::parse_ban_use(added).name, "bots");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(has_defaults),
      cmocka_unit_test(reads_all_words),
      cmocka_unit_test(says_what_is_wrong),
      cmocka_unit_test(weighs_kinds_codes_and_statuses),
      cmocka_unit_test(the_longest_code_counts),
      cmocka_unit_test(refuses_wrong_weights),
      cmocka_unit_test(foreign_events_need_their_own_word),
      cmocka_unit_test(uses),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
