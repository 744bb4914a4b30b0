#include "core/words.h"

#include <array>
#include <limits>

#include "unit.h"

namespace core = guard::core;
using guard::unit::error_of;
using guard::unit::expect_error;
using namespace std::chrono_literals;

namespace {

void numbers(void**) {
  assert_int_equal(core::parse_number("burst=", "1", 1, 1000000), 1);
  assert_int_equal(core::parse_number("burst=", "1000000", 1, 1000000), 1000000);
  assert_int_equal(core::parse_number("burst=", "007", 1, 1000000), 7);
  assert_true(core::parse_number("n=", "18446744073709551615", 0,
                                 std::numeric_limits<std::uint64_t>::max()) ==
              std::numeric_limits<std::uint64_t>::max());
  for (const char* bad : {"x", "", "0", "1000001", "-1", "+1", " 1", "1 ", "1e3", "0x10", "1.0",
                          "18446744073709551616", "99999999999999999999999999"}) {
    expect_error([&] { core::parse_number("burst=", bad, 1, 1000000); },
                 (std::string("invalid value \"") + bad +
                  "\" of \"burst=\", a number from 1 to 1000000 is expected"));
  }
  expect_error([] { core::parse_number("n=", "18446744073709551616", 0, UINT64_MAX); },
               "invalid value \"18446744073709551616\" of \"n=\", a number is expected");
  expect_error([] { core::parse_number("n=", "0", 1, UINT64_MAX); },
               "invalid value \"0\" of \"n=\", a number of at least 1 is expected");
}

void sizes(void**) {
  assert_int_equal(core::parse_size("zone=", "512", 0, UINT64_MAX), 512);
  assert_int_equal(core::parse_size("zone=", "16k", 0, UINT64_MAX), 16384);
  assert_int_equal(core::parse_size("zone=", "16K", 0, UINT64_MAX), 16384);
  assert_int_equal(core::parse_size("zone=", "10m", 0, UINT64_MAX), 10485760);
  assert_int_equal(core::parse_size("zone=", "1g", 0, UINT64_MAX), 1073741824);
  assert_int_equal(core::parse_size("zone=", "1G", 0, UINT64_MAX), 1073741824);
  assert_int_equal(core::parse_size("zone=", "17179869183g", 0, UINT64_MAX) >> 30, 17179869183);
  for (const char* bad : {"", "k", "1t", "1kk", "10mb", "-1k", "1 k", "1.5m", "17179869184g",
                          "18014398509481984k", "31k", "1025m"}) {
    expect_error([&] { core::parse_size("zone=", bad, 32 * 1024, 1024ULL * 1024 * 1024); },
                 (std::string("invalid value \"") + bad +
                  "\" of \"zone=\", a size from 32k to 1g is expected"));
  }
  expect_error([] { core::parse_size("size=", "x", 1000, 1536); },
               "invalid value \"x\" of \"size=\", a size from 1000 to 1536 is expected");
}

void times(void**) {
  const auto time = [](std::string_view value) {
    return core::parse_time("window=", value, 0ms, std::chrono::milliseconds::max()).count();
  };
  assert_int_equal(time("100ms"), 100);
  assert_int_equal(time("5s"), 5000);
  assert_int_equal(time("5"), 5000);
  assert_int_equal(time("0"), 0);
  assert_int_equal(time("1m30s"), 90000);
  assert_int_equal(time("1m 30s"), 90000);
  assert_int_equal(time("1m 30"), 90000);
  assert_int_equal(time("1m30"), 90000);
  assert_int_equal(time("2h"), 7200000);
  assert_int_equal(time("1d"), 86400000);
  assert_int_equal(time("1w"), 604800000);
  assert_int_equal(time("1M"), 2592000000);
  assert_int_equal(time("1y"), 31536000000);
  assert_int_equal(time("1y1M1w1d1h1m1s1ms"),
                   31536000000 + 2592000000 + 604800000 + 86400000 + 3600000 + 60000 + 1000 + 1);
  assert_int_equal(time("9223372036854775807ms"), INT64_MAX);
  for (const char* bad : {"",
                          " ",
                          "s",
                          "ms",
                          "1x",
                          "1s1m",
                          "1m1m",
                          "1ms1s",
                          "1s 1",
                          "1 1",
                          "1s5",
                          "1 s",
                          "-1s",
                          "1.5s",
                          "+1",
                          "9223372036854775808ms",
                          "584542046y1y",
                          "18446744073709551616ms",
                          "18446744073709551615",
                          "99ms",
                          "61m"}) {
    expect_error([&] { core::parse_time("timeout=", bad, 100ms, 1h); },
                 (std::string("invalid value \"") + bad +
                  "\" of \"timeout=\", a time from 100ms to 1h is expected"));
  }
  expect_error([] { core::parse_time("t=", "x", 0ms, 90s); },
               "invalid value \"x\" of \"t=\", a time from 0 to 90s is expected");
  expect_error([] { core::parse_time("t=", "0", 1ms, std::chrono::milliseconds::max()); },
               "invalid value \"0\" of \"t=\", a time of at least 1ms is expected");
}

void choices(void**) {
  static constexpr std::array<std::string_view, 3> kAlgorithms = {"gcra", "sliding_log", "fixed"};
  assert_int_equal(core::parse_choice("algorithm=", "gcra", kAlgorithms), 0);
  assert_int_equal(core::parse_choice("algorithm=", "fixed", kAlgorithms), 2);
  expect_error([] { core::parse_choice("algorithm=", "gcar", kAlgorithms); },
               "invalid value \"gcar\" of \"algorithm=\", it must be \"gcra\", \"sliding_log\" or "
               "\"fixed\"");
  expect_error([] { core::parse_choice("algorithm=", "", kAlgorithms); },
               "invalid value \"\" of \"algorithm=\", it must be \"gcra\", \"sliding_log\" or "
               "\"fixed\"");

  assert_true(core::parse_on_off("guard_json", "on"));
  assert_true(core::parse_on_off("guard_json", "ON"));
  assert_false(core::parse_on_off("guard_json", "off"));
  expect_error([] { core::parse_on_off("guard_json", "yes"); },
               "invalid value \"yes\" of \"guard_json\", it must be \"on\" or \"off\"");
}

void suggestions(void**) {
  static constexpr std::array<std::string_view, 4> kNames = {"auth", "reset", "api", "upload"};
  assert_string_equal(core::suggestion("auht", kNames).c_str(), ", did you mean \"auth\"?");
  assert_string_equal(core::suggestion("apii", kNames).c_str(), ", did you mean \"api\"?");
  assert_string_equal(core::suggestion("rsetx", kNames).c_str(), ", did you mean \"reset\"?");
  assert_string_equal(core::suggestion("AUTH", kNames).c_str(), ", did you mean \"auth\"?");
  assert_string_equal(core::suggestion("Auht", kNames).c_str(), ", did you mean \"auth\"?");
  assert_string_equal(core::suggestion("resting", kNames).c_str(), "");
  assert_string_equal(core::suggestion("xyi", kNames).c_str(), "");
  assert_string_equal(core::suggestion("", kNames).c_str(), "");
  assert_string_equal(core::suggestion(std::string(5000, 'a'), kNames).c_str(), "");
  assert_string_equal(core::suggestion("auth", {}).c_str(), "");
}

void splitting(void**) {
  const auto parts = core::split("a,,bc,", ',');
  assert_int_equal(parts.size(), 4);
  assert_true(parts[0] == "a" && parts[1].empty() && parts[2] == "bc" && parts[3].empty());
  assert_int_equal(core::split("", ',').size(), 1);
}

void reads(void**) {
  core::Words words({"guard_rate_policy", "auth", "rate=5/minute", "dry_run", "key=$arg_a=b"});
  assert_true(words.directive() == "guard_rate_policy");
  assert_int_equal(words.size(), 4);
  assert_true(words[0] == "auth");
  assert_int_equal(words.all().size(), 4);
  words.read(1, {"rate", "key", "burst"}, {"dry_run", "nodelay"});
  assert_true(words.required("rate") == "5/minute");
  assert_true(words.named("key") == "$arg_a=b");
  assert_false(words.named("burst").has_value());
  assert_true(words.flag("dry_run"));
  assert_false(words.flag("nodelay"));
  expect_error([&] { words.required("burst"); }, "\"burst=\" is missing");
}

void refuses(void**) {
  const auto read = [](std::vector<std::string_view> more) {
    std::vector<std::string_view> all = {"guard_rate", "auth"};
    all.insert(all.end(), more.begin(), more.end());
    return error_of([&] { core::Words(all).read(1, {"key", "burst"}, {"dry_run"}); });
  };
  assert_string_equal(read({}).c_str(), "no error");
  assert_string_equal(read({"brust=5"}).c_str(),
                      "unknown parameter \"brust=\", did you mean \"burst=\"?");
  assert_string_equal(read({"password=hunter2"}).c_str(), "unknown parameter \"password=\"");
  assert_string_equal(read({"=5"}).c_str(), "unknown parameter \"=\"");
  assert_string_equal(read({"key=a", "key=b"}).c_str(), "duplicate parameter \"key=\"");
  assert_string_equal(read({"dry_run", "dry_run"}).c_str(), "duplicate parameter \"dry_run\"");
  assert_string_equal(read({"key="}).c_str(), "\"key=\" needs a value");
  assert_string_equal(read({"key"}).c_str(), "\"key=\" needs a value");
  assert_string_equal(read({"dry_run=on"}).c_str(), "\"dry_run\" takes no value");
  assert_string_equal(read({"dryrun"}).c_str(),
                      "unexpected word \"dryrun\", did you mean \"dry_run\"?");
  assert_string_equal(read({"whatever"}).c_str(), "unexpected word \"whatever\"");
  // A URL may hold a secret.
  assert_string_equal(read({"https://key@host/1"}).c_str(), "unexpected word \"https://...\"");
  assert_string_equal(read({"https://key@host/?a=b"}).c_str(),
                      "unknown parameter \"https://...=\"");
  expect_error([] { core::Words({"guard_rate"}).read(1, {}); },
               "invalid number of arguments in \"guard_rate\" directive");
  expect_error([] { core::Words({"guard_rate", "a", "b"}).read(1, {}); }, "unexpected word \"b\"");
}

void off(void**) {
  assert_true(core::Words({"guard_rate", "off"}).is_off());
  assert_false(core::Words({"guard_rate", "auth"}).is_off());
  assert_false(core::Words({"guard_rate", "auth", "off"}).is_off());
  assert_false(core::Words({"guard_rate"}).is_off());
  expect_error(
      [] {
        core::Words({"guard_rate", "off", "auth"}).is_off();
      },
      "unexpected word \"auth\" after \"off\"");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(numbers), cmocka_unit_test(sizes),       cmocka_unit_test(times),
      cmocka_unit_test(choices), cmocka_unit_test(suggestions), cmocka_unit_test(splitting),
      cmocka_unit_test(reads),   cmocka_unit_test(refuses),     cmocka_unit_test(off),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
