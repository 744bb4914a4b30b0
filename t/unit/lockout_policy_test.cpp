#include "lockout/lockout_policy.h"

#include <string>

#include "lockout/lockout_account.h"
#include "lockout/lockout_uses.h"
#include "unit.h"

using namespace guard::lockout;
using guard::core::Words;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

Policy parse(std::string_view text) {
  static std::string kept;
  kept = "guard_lockout_policy " + std::string(text);
  Words words(guard::core::split(kept, ' '));
  return parse_policy(words);
}

std::string error(std::string_view text) {
  return guard::unit::error_of([&] { parse(text); });
}

constexpr std::string_view kRest = " on=login_failed limit=5 window=15m duration=30m";

std::string with(std::string_view more) {
  return "login key=$email$guard_client_net" + std::string(kRest) + " " + std::string(more);
}

std::string many(std::string_view limit) {
  return "spray key=$guard_client_net distinct=$email on=login_failed window=15m duration=30m "
         "limit=" +
         std::string(limit);
}

void reads_all_words(void**) {
  Policy policy = parse(
      "login key=${Guard_JSON_email}/$guard_client_net on=login_failed,x_otp_failed limit=5 "
      "window=15m duration=1800s backoff=2 max=1d reset_on=login_succeeded account "
      "distinct=$arg_a empty=skip normalize=none zone=1m");
  expect_text(policy.name, "login");
  assert_int_equal(policy.variables.size(), 2);
  expect_text(policy.variables[0], "guard_json_email");
  assert_int_equal(policy.limit, 5);
  assert_int_equal(policy.window.count(), 900'000);
  assert_int_equal(policy.duration.count(), 1'800'000);
  assert_int_equal(policy.backoff, 2);
  assert_int_equal(policy.longest.count(), 86'400'000);
  assert_true(policy.account);
  assert_true(policy.empty == Empty::skip);
  assert_int_equal(policy.zone_size, 1 << 20);
  guard::core::Event event;
  event.kind = guard::core::EventKind::login_failed;
  assert_true(policy.fails_on(event));
  assert_false(policy.resets_on(event));
  event.kind = guard::core::EventKind::custom;
  event.custom_kind = "x_otp_failed";
  assert_true(policy.fails_on(event));
  event.custom_kind = "x_other";
  assert_false(policy.fails_on(event));
  event.kind = guard::core::EventKind::login_succeeded;
  assert_true(policy.resets_on(event));
}

void defaults(void**) {
  Policy policy = parse(with("backoff=1"));
  assert_true(policy.empty == Empty::refuse);
  assert_true(policy.normalization == guard::core::Normalization::account);
  assert_int_equal(policy.longest.count(), policy.duration.count());
  assert_int_equal(parse(with("backoff=3")).longest.count(), 86'400'000);
  assert_int_equal(policy.zone_size, 10 << 20);
  expect_text(policy.code(), "lockout.login");
  // Times do not decide on the layout, limits do.
  assert_int_equal(policy.layout(), parse(with("backoff=2")).layout());
  assert_int_not_equal(policy.layout(), parse(with("distinct=$a")).layout());
  // What a key takes does not grow with the number of distinct values any more.
  assert_int_equal(parse(many("100000 zone=329k")).limit, 100'000);
}

void mistakes(void**) {
  expect_text(error("login"), "\"key=\" is missing");
  expect_text(error("login key=$email"), "\"on=\" is missing");
  expect_text(error("login key=$email on=login_failed"), "\"limit=\" is missing");
  expect_text(error("off key=$email" + std::string(kRest)),
              "invalid lockout policy name \"off\", up to 64 letters, digits, \"_\", \".\" and "
              "\"-\" are expected, and not \"off\"");
  expect_text(error("login key=email" + std::string(kRest)),
              "\"key=email\" has no variable: whoever fails would lock everybody, did you mean "
              "\"key=$email\"?");
  expect_text(error("login key=an-email" + std::string(kRest)),
              "\"key=an-email\" has no variable: whoever fails would lock everybody");
  expect_text(error("login key=$email on=login_faild limit=5 window=15m duration=30m"),
              "unknown event kind \"login_faild\", did you mean \"login_failed\"?");
  expect_text(error("login key=$email on=login_failed,login_failed limit=5 window=1m duration=1m"),
              "event kind \"login_failed\" stands twice in \"on=\"");
  expect_text(error("login key=$email on=account_locked limit=5 window=1m duration=1m"),
              "\"on=account_locked\": a lock cannot follow from a lock");
  expect_text(error(with("reset_on=login_failed")),
              "event kind \"login_failed\" is both in \"on=\" and in \"reset_on=\"");
  expect_text(error(with("account")), "\"account\" has no meaning without \"reset_on=\"");
  expect_text(error(with("distinct=email")),
              "\"distinct=email\" has no variable, so there is one value of it, did you mean "
              "\"distinct=$email\"?");
  expect_text(error(with("max=1h")), "\"max=\" has no meaning without \"backoff=\" of 2 or more");
  expect_text(error(with("backoff=2 max=1m")), "\"max=1m\" is less than \"duration=30m\"");
  expect_text(error("login key=$email on=login_failed limit=0 window=15m duration=30m"),
              "invalid value \"0\" of \"limit\", a number from 1 to 1000 is expected");
  expect_text(error("login key=$email on=login_failed limit=1001 window=15m duration=30m"),
              "invalid value \"1001\" of \"limit\", a number from 1 to 1000 is expected");
  expect_text(error(many("100001")),
              "invalid value \"100001\" of \"limit\", a number from 1 to 100000 is expected");
  expect_text(error(many("65 zone=64k")),
              "\"zone=64k\" holds too few keys with \"limit=65\": use at least 329k");
}

void a_reset_needs_the_account(void**) {
  auto from_body = [](std::string_view name) { return name == "guard_json_email"; };
  auto policy = [](std::string_view key, std::string_view more) {
    return parse("login key=" + std::string(key) + std::string(kRest) + std::string(more));
  };
  check_reset(policy("$guard_client_net", ""), from_body);
  check_reset(policy("$guard_client_net$guard_json_email", " reset_on=login_succeeded"), from_body);
  check_reset(policy("$arg_user", " reset_on=login_succeeded account"), from_body);
  expect_error(
      [&] { check_reset(policy("$guard_client_net", " reset_on=login_succeeded"), from_body); },
      "lockout policy \"login\" has \"reset_on=\", but no variable of \"key=$guard_client_net\" "
      "comes from the body: a client who knows one account could clear what he has failed with "
      "others; write \"account\" if the key does hold the account");
}

void an_account_alone_is_doubtful(void**) {
  assert_true(key_warning(parse(with("normalize=none"))).empty());
  expect_text(key_warning(parse("login key=$email" + std::string(kRest))),
              "lockout policy \"login\" lets anybody lock the account of another with 5 failures: "
              "add \"$guard_client_net\" to its key, and use a second policy with the account "
              "alone and a higher limit, of 20 or more");
  assert_true(
      key_warning(parse("x key=$email on=login_failed limit=20 window=15m duration=30m")).empty());
  assert_true(key_warning(parse("x key=$guard_client_net" + std::string(kRest))).empty());
}

void accounts(void**) {
  using guard::core::Normalization;
  std::string_view some[] = {"alice@example.com", "tenant"};
  std::string_view same[] = {" ALICE@example.com ", "Tenant"};
  std::string_view blank[] = {"alice@example.com", "  "};
  std::string_view empty[] = {"", "tenant"};
  guard::core::SipKey key{1, 2, 3};
  assert_int_equal(account_hash(key, some, Normalization::account),
                   account_hash(key, same, Normalization::account));
  assert_int_not_equal(account_hash(key, some, Normalization::none),
                       account_hash(key, same, Normalization::none));
  assert_false(is_missing(some, Normalization::account));
  assert_true(is_missing(blank, Normalization::account));
  assert_false(is_missing(blank, Normalization::none));
  assert_true(is_missing(empty, Normalization::none));
  assert_false(is_missing({}, Normalization::account));
}

Use use_of(std::string_view name) {
  Words words({"guard_lockout", name});
  return parse_use(words);
}

void uses(void**) {
  Policy a, b;
  a.name = "a";
  b.name = "b";
  Uses outer, inner;
  outer.add(use_of("a"), "a", a);
  expect_error([&] { outer.add(use_of("a"), "a", a); },
               "lockout policy \"a\" is applied twice at the same level");
  expect_error([&] { outer.add(use_of("+b"), "+b", b); },
               "\"guard_lockout +b\": names with and without \"+\" cannot stand at the same level");
  expect_error([&] { outer.turn_off(); },
               "\"guard_lockout off\" beside other \"guard_lockout\" of the same level");
  inner.add(use_of("+b"), "+b", b);
  expect_text(inner.inherit(outer), "");
  assert_int_equal(inner.list().size(), 2);
  Uses other;
  other.add(use_of("b"), "b", b);
  expect_text(other.inherit(outer), "\"a\"");
  assert_int_equal(other.list().size(), 1);
  Uses off;
  off.turn_off();
  expect_error([&] { off.expect("a"); },
               "\"guard_lockout a\" beside \"guard_lockout off\" of the same level");
  off.inherit(outer);
  assert_true(off.list().empty());
  Uses silent;
  silent.inherit(outer);
  assert_int_equal(silent.list().size(), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(reads_all_words),
      cmocka_unit_test(defaults),
      cmocka_unit_test(mistakes),
      cmocka_unit_test(a_reset_needs_the_account),
      cmocka_unit_test(an_account_alone_is_doubtful),
      cmocka_unit_test(accounts),
      cmocka_unit_test(uses),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
