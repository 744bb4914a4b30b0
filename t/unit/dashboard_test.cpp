// The page of guard_dashboard, the figures it asks for, and the events.

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/event_ring.h"
#include "core/metric_digest.h"
#include "dashboard/page.h"
#include "dashboard/policy.h"
#include "unit.h"

namespace core = guard::core;
namespace dashboard = guard::dashboard;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

constexpr core::MetricFamily kCounter = {"guard_things", core::MetricType::counter, "", "Things"};
constexpr core::MetricFamily kGauge = {"guard_size", core::MetricType::gauge, "", "Size"};
constexpr core::MetricFamily kTimes = {"guard_wait_seconds", core::MetricType::histogram, "seconds",
                                       "Times"};

const dashboard::PageParts kParts = {"<style>{{style}}</style><script>{{script}}</script>",
                                     "b { }",
                                     "run();",
                                     "u { }",
                                     "var uPlot;",
                                     "LICENCE\n"};

void a_page(void**) {
  const dashboard::Page page = dashboard::make_page(kParts);
  expect_text(page.text,
              "<style>\nu { }\nb { }</style>"
              "<script>\n/*\nLICENCE\n*/\nvar uPlot;\nrun();</script>");
  // By openssl dgst -sha256 -binary | base64.
  expect_text(page.policy,
              "default-src 'none'; "
              "script-src 'sha256-Awbk3SAl0/V4XKVpPHi0N7aaXleEolsi00Zx4C/+eT8='; "
              "style-src 'sha256-CkNZChLz0RdpcKZWNs8hc8Mav8ec8wEXK0XQr1ISJs4='; "
              "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
              "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'");
}

void no_page(void**) {
  dashboard::PageParts parts = kParts;
  parts.chart_script = {};
  expect_error([&] { dashboard::make_page(parts); },
               "no \"guard_dashboard\" in this build: its charts are drawn by uPlot, which npm did "
               "not bring when Guard was built; install npm, and run scripts/build again");
  parts = kParts;
  parts.script = "'</script>'";
  expect_error([&] { dashboard::make_page(parts); },
               "a part of the page of \"guard_dashboard\" holds \"</script\"");
  parts = kParts;
  parts.html = "{{style}} {{style}} {{script}}";
  expect_error([&] { dashboard::make_page(parts); },
               "the page of \"guard_dashboard\" has not \"{{style}}\" once");
  parts.html = "{{style}}";
  expect_error([&] { dashboard::make_page(parts); },
               "the page of \"guard_dashboard\" has not \"{{script}}\" once");
}

void what_a_page_has(void**) {
  assert_int_equal(dashboard::parse_after("17"), 17);
  for (const char* text : {"", "x", "-1", "1e9", "17 ", "99999999999999999999"}) {
    assert_int_equal(dashboard::parse_after(text), 0);
  }
  assert_int_equal(dashboard::first_event(0, 0), 1);
  assert_int_equal(dashboard::first_event(0, 100), 1);
  assert_int_equal(dashboard::first_event(0, 101), 2);
  assert_int_equal(dashboard::first_event(100, 101), 101);
  assert_int_equal(dashboard::first_event(101, 101), 102);
  assert_int_equal(dashboard::first_event(5, 400), 301);
  assert_int_equal(dashboard::first_event(500, 400), 301);
}

bool write_things(void*, std::size_t index, core::MetricText& out) {
  if (index == 0) out.sample("server=\"a\",route=\"/\",method=\"GET\",status=\"2xx\"", 3, 0);
  if (index == 1) out.sample("server=\"b\",route=\"/\\\"x\",method=\"PUT\",status=\"2xx\"", 4, 0);
  if (index == 2) out.sample("server=\"b\",route=\"/\",method=\"PUT\",status=\"5xx\"", 0, 0);
  if (index == 3) out.sample("status=\"4xx\",word=\"a\\\\\\\"\\n\t\"", 1500, 3);
  if (index == 4)
    out.sample("server=\"a\",route=\"= /health\",method=\"GET\",status=\"5xx\"", 5, 0);
  return index < 5;
}

bool write_size(void*, std::size_t index, core::MetricText& out) {
  if (index == 0) out.sample("server=\"a\"", 0, 0);
  if (index == 1) out.sample("server=\"b\"", 0.25);
  if (index == 2) out.sample("server=\"c\"", 0.0 / 0.0);
  return index < 3;
}

bool write_times(void*, std::size_t index, core::MetricText& out) {
  if (index > 1) return false;
  const std::string labels = index == 0 ? "server=\"a\",route=\"/\"" : "server=\"a\",route=\"/b\"";
  out.bucket(labels, 5, 3, 1, nullptr);
  out.bucket(labels, 1000, 3, 2, nullptr);
  out.bucket(labels, std::nullopt, 3, 4, nullptr);
  out.sum_and_count(labels, 2500, 3, 4);
  return true;
}

void a_digest(void**) {
  core::MetricRegistry registry;
  registry.add(kCounter, write_things, nullptr);
  registry.add(kGauge, write_size, nullptr);
  registry.add(kTimes, write_times, nullptr);
  core::MetricDigest digest;
  for (int i = 0; i < 2; ++i) {
    expect_text(
        digest.write(registry),
        R"({"guard_things":[[{"status":"2xx"},7],[{"status":"4xx","word":"a\\\"\n\t"},1.5]],)"
        R"("guard_size":[[{"server":"a"},0],[{"server":"b"},0.25],[{"server":"c"},null]],)"
        R"("guard_wait_seconds":[[{},{"bounds":[0.005,1],"counts":[2,4,8],"sum":5}]]})");
  }
}

struct Memory {
  alignas(64) std::array<std::byte, 600 * 1024> bytes{};
};

std::string get(const core::EventRing& ring, std::uint64_t number) {
  std::string line;
  return ring.get(number, line) ? line : "none";
}

void a_ring(void**) {
  auto memory = std::make_unique<Memory>();
  core::EventRing ring;
  expect_text(get(ring, 1), "none");
  ring.put("nowhere");
  assert_false(ring.attach(std::span(memory->bytes).first(core::EventRing::bytes() - 1)));
  assert_true(ring.attach(memory->bytes));
  assert_int_equal(ring.last(), 0);
  ring.put("first");
  ring.put("");
  ring.put(std::string(core::EventRing::kLineMax + 1, 'x'));
  ring.put(std::string(core::EventRing::kLineMax, 'y'));
  assert_int_equal(ring.last(), 2);
  expect_text(get(ring, 1), "first");
  expect_text(get(ring, 2), std::string(core::EventRing::kLineMax, 'y'));
  expect_text(get(ring, 0), "none");
  expect_text(get(ring, 3), "none");

  core::EventRing other;
  assert_true(other.attach(memory->bytes));
  expect_text(get(other, 1), "first");
  for (std::size_t i = 0; i < core::EventRing::kSlots; ++i) other.put(std::to_string(i));
  expect_text(get(ring, 1), "none");
  expect_text(get(ring, ring.last()), std::to_string(core::EventRing::kSlots - 1));
  expect_text(get(ring, ring.last() - core::EventRing::kSlots + 1), "0");

  // Damaged: it is not told.
  const std::string marked = "a line that is looked for";
  ring.put(marked);
  const auto found = std::search(memory->bytes.begin(), memory->bytes.end(),
                                 reinterpret_cast<const std::byte*>(marked.data()),
                                 reinterpret_cast<const std::byte*>(marked.data()) + marked.size());
  *found ^= std::byte{1};
  expect_text(get(ring, ring.last()), "none");
}

// Whoever dies while writing leaves a place that is used again later.
void a_dead_writer(void**) {
  auto memory = std::make_unique<Memory>();
  core::EventRing ring;
  assert_true(ring.attach(memory->bytes));
  ring.put("first");
  ring.put("second");
  auto* number = reinterpret_cast<std::uint64_t*>(
      std::search(memory->bytes.begin(), memory->bytes.end(),
                  reinterpret_cast<const std::byte*>("first"),
                  reinterpret_cast<const std::byte*>("first") + 5) -
      24);
  assert_int_equal(*number, 2);
  *number = 3;
  expect_text(get(ring, 1), "none");
  for (std::size_t i = 0; i < core::EventRing::kSlots - 1; ++i) ring.put("x");
  expect_text(get(ring, core::EventRing::kSlots + 1), "none");
  for (std::size_t i = 0; i < core::EventRing::kSlots; ++i) ring.put("y");
  expect_text(get(ring, 2 * core::EventRing::kSlots + 1), "y");
}

void whole_lines_only(void**) {
  guard::unit::skip_under_valgrind();
  auto memory = std::make_unique<Memory>();
  core::EventRing ring;
  assert_true(ring.attach(memory->bytes));
  std::atomic<bool> done{false};
  std::vector<std::thread> writers;
  for (char letter : {'a', 'b', 'c'}) {
    writers.emplace_back([&, letter] {
      core::EventRing own;
      own.attach(memory->bytes);
      for (std::size_t i = 0; !done; ++i) own.put(std::string(1 + (i * 97) % 3000, letter));
    });
  }
  std::size_t read = 0;
  bool whole = true;
  std::string line;
  while (read < 20'000 && whole) {
    const std::uint64_t last = ring.last();
    for (std::uint64_t number = last > 128 ? last - 127 : 1; number <= last; ++number) {
      if (!ring.get(number, line)) continue;
      ++read;
      whole = whole && line.find_first_not_of(line[0]) == std::string::npos;
    }
  }
  done = true;
  for (std::thread& writer : writers) writer.join();
  assert_true(whole);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_page),           cmocka_unit_test(no_page),
      cmocka_unit_test(what_a_page_has),  cmocka_unit_test(a_digest),
      cmocka_unit_test(a_ring),           cmocka_unit_test(a_dead_writer),
      cmocka_unit_test(whole_lines_only),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
