// The shared memory of metrics over configurations, its words over lanes, and the texts.
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/metric_histogram.h"
#include "core/metric_memory.h"
#include "core/metric_text.h"
#include "core/refusal_counters.h"
#include "metrics/policy.h"
#include "metrics/route_slots.h"
#include "core/accept.h"
#include "unit.h"

namespace core = guard::core;
namespace metrics = guard::metrics;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

constexpr core::MetricFamily kCounter = {"guard_things", core::MetricType::counter, "", "Things"};
constexpr core::MetricFamily kTimes = {"guard_wait_seconds", core::MetricType::histogram, "seconds",
                                       "Times"};
constexpr core::MetricFamily kGauge = {"guard_size_bytes", core::MetricType::gauge, "bytes",
                                       "Size"};

pid_t gone() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

// As the zone of a page-aligned mapping is.
class Zone {
 public:
  explicit Zone(std::size_t size)
      : bytes_(static_cast<std::byte*>(std::aligned_alloc(4096, size)), std::free), size_(size) {
    std::fill_n(bytes_.get(), size, std::byte{0});
  }
  std::span<std::byte> memory() { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::byte, void (*)(void*)> bytes_;
  std::size_t size_;
};

std::string text_of(const core::MetricRegistry& registry, core::MetricFormat format) {
  std::string text;
  core::MetricText out(format, text);
  for (const auto& family : registry.families()) {
    out.begin(*family.about);
    for (const auto& source : family.sources) {
      for (std::size_t i = 0; source.write(source.context, i, out);) ++i;
    }
  }
  out.end();
  return text;
}

void counts_go_on(void**) {
  Zone zone(1U << 20);
  core::MetricMemory memory;
  assert_true(memory.format(zone.memory()));
  std::uint64_t crashed = 0;
  assert_non_null(memory.enter(getpid(), 0, 1, 1, crashed));

  core::MetricRegistry first;
  const core::Counter& a = first.counter(kCounter, core::metric_labels({{"kind", "a"}}));
  const core::Counter& b = first.counter(kCounter, core::metric_labels({{"kind", "b"}}));
  assert_ptr_equal(&a, &first.counter(kCounter, "kind=\"a\""));
  a.add();  // nobody reads yet
  assert_true(first.resolve(memory));
  a.add(3);
  b.add(4);
  expect_text(text_of(first, core::MetricFormat::prometheus),
              "# HELP guard_things_total Things\n# TYPE guard_things_total counter\n"
              "guard_things_total{kind=\"a\"} 3\nguard_things_total{kind=\"b\"} 4\n");

  // Another configuration, which knows b and c: both count in the same words.
  core::MetricMemory later;
  assert_true(later.adopt(zone.memory()));
  core::MetricRegistry second;
  const core::Counter& c = second.counter(kCounter, "kind=\"c\"");
  const core::Counter& b2 = second.counter(kCounter, "kind=\"b\"");
  assert_true(second.resolve(later));
  b2.add();
  b.add();
  assert_int_equal(b.value(), 6);
  assert_int_equal(b2.value(), 6);
  assert_int_equal(c.value(), 0);
  expect_text(text_of(second, core::MetricFormat::openmetrics),
              "# HELP guard_things Things\n# TYPE guard_things counter\n"
              "guard_things_total{kind=\"c\"} 0\nguard_things_total{kind=\"b\"} 6\n# EOF\n");
  core::MetricMemory::leave(memory.workers()[0]);
}

double use_of(const core::MetricMemory& memory) {
  std::uint64_t used = 0;
  std::uint64_t places = 0;
  memory.read_use(used, places);
  return static_cast<double>(used) / static_cast<double>(places);
}

// What no living configuration names makes room, and nothing else does.
void room_is_given_again(void**) {
  Zone zone(1U << 19);
  core::MetricMemory memory;
  assert_true(memory.format(zone.memory()));
  std::uint64_t crashed = 0;
  core::MetricWorker* worker = memory.enter(getpid(), 0, 1, 1, crashed);
  auto fill = [&](const std::string& prefix, std::uint64_t generation) {
    std::size_t count = 0;
    while (memory.claim(prefix + std::to_string(count), 64, generation) != nullptr) ++count;
    return count;
  };
  const std::uint64_t one = memory.begin_generation();
  const std::size_t room = fill("one", one);
  assert_in_range(room, 10, 2000);
  assert_true(use_of(memory) > 0.9);
  assert_int_equal(memory.refused(), 1);
  std::uint64_t* first = memory.claim("one0", 64, one);
  assert_non_null(first);
  core::add_metric(first, 7);
  // The worker still counts for it.
  const std::uint64_t two = memory.begin_generation();
  assert_int_equal(fill("two", two), 0);
  const std::uint64_t three = memory.begin_generation();
  assert_int_equal(fill("three", three), 0);
  assert_ptr_equal(memory.claim("one0", 64, three), first);
  assert_int_equal(memory.sum(first), 7);
  // It is gone: all but what the third configuration has named are free.
  core::MetricMemory::leave(*worker);
  const std::uint64_t four = memory.begin_generation();
  assert_int_equal(fill("four", four), room - 1);
  assert_int_equal(memory.sum(first), 7);
  assert_int_equal(memory.refused(), 4);
  // Of which nobody counts in most.
  memory.begin_generation();
  assert_true(use_of(memory) > 0.9);
  memory.begin_generation();
  assert_true(use_of(memory) == 0);
  std::uint64_t* again = memory.claim("four1", 64, four);
  assert_int_equal(memory.sum(again), 0);
  // Too much for anything.
  assert_null(memory.claim("large", 1U << 30, four));
}

void damaged_or_small(void**) {
  Zone small(4096);
  core::MetricMemory memory;
  assert_false(memory.format(small.memory()));
  Zone zone(1U << 20);
  assert_false(memory.adopt(zone.memory()));
  assert_true(memory.format(zone.memory()));
  Zone other(1U << 19);
  assert_true(memory.format(other.memory()));
  assert_false(memory.adopt(zone.memory().first(1U << 19)));
  // What bytes_for() says is enough.
  const std::size_t bytes = core::MetricMemory::bytes_for(10'000, 300);
  Zone exact((bytes + 4095) / 4096 * 4096);
  assert_true(memory.format(exact.memory().first(bytes)));
  const std::uint64_t generation = memory.begin_generation();
  for (int i = 0; i < 100; ++i) {
    assert_non_null(memory.claim("x" + std::to_string(i), 100, generation));
  }
}

void lanes_add_up(void**) {
  guard::unit::skip_under_valgrind();
  Zone zone(1U << 20);
  core::MetricMemory memory;
  assert_true(memory.format(zone.memory()));
  core::MetricRegistry registry;
  const core::Counter& counter = registry.counter(kCounter, {});
  assert_true(registry.resolve(memory));
  std::uint64_t crashed = 0;
  for (std::uint64_t number : {0, 3, 9}) {
    core::MetricWorker* worker = memory.enter(getpid(), number, 1, 1, crashed);
    assert_non_null(worker);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 10'000; ++k) counter.add();
      });
    }
    for (auto& thread : threads) thread.join();
    core::MetricMemory::leave(*worker);
  }
  assert_int_equal(counter.value(), 120'000);
}

void workers_are_known(void**) {
  Zone zone(1U << 20);
  core::MetricMemory memory;
  assert_true(memory.format(zone.memory()));
  core::MetricRegistry registry;
  const core::WorkerGauge& gauge = registry.worker_gauge(kGauge, {});
  assert_true(registry.resolve(memory));
  std::uint64_t crashed = 0;
  core::MetricWorker* dead = memory.enter(static_cast<std::uint64_t>(gone()), 5, 1, 1, crashed);
  assert_non_null(dead);
  assert_int_equal(crashed, 0);
  assert_int_equal(registry.enter(memory, getpid(), 0), 1);
  gauge.set(17);
  // Of another configuration's gauges nobody knows what they mean.
  core::MetricWorker* stranger = memory.enter(getppid(), 1, 1, 99, crashed);
  stranger->gauges[0].store(1000);
  expect_text(text_of(registry, core::MetricFormat::prometheus),
              "# HELP guard_size_bytes Size\n# TYPE guard_size_bytes gauge\nguard_size_bytes 17\n");
  registry.leave();
  assert_int_equal(registry.gauge_sum(0), 0);
  assert_non_null(memory.enter(static_cast<std::uint64_t>(gone()), 5, 1, 1, crashed));
  assert_int_equal(memory.forget_dead(), 1);
  assert_int_equal(memory.forget_dead(), 0);

  assert_true(memory.put_in_force(1, 1000));
  assert_false(memory.put_in_force(1, 2000));
  assert_true(memory.put_in_force(2, 3000));
  assert_int_equal(memory.configurations(), 2);
  assert_int_equal(memory.in_force_since_ms(), 3000);
}

void texts(void**) {
  expect_text(core::metric_labels({{"a", "b\"c\\d\ne"}, {"f", "g\xff"}}),
              "a=\"b\\\"c\\\\d\\ne\",f=\"g\xef\xbf\xbd\"");
  auto decimal = [](std::uint64_t number, unsigned decimals) {
    std::string out;
    core::append_decimal(out, number, decimals);
    return out;
  };
  expect_text(decimal(0, 3), "0");
  expect_text(decimal(5, 3), "0.005");
  expect_text(decimal(1500, 3), "1.5");
  expect_text(decimal(1000, 3), "1");
  expect_text(decimal(12, 0), "12");
  expect_text(decimal(~std::uint64_t{0}, 6), "18446744073709.551615");

  std::string text;
  core::MetricText out(core::MetricFormat::openmetrics, text);
  out.begin(kTimes);
  const core::Exemplar exemplar{"request_id=\"00\"", 3, 1'700'000'000'250};
  out.bucket("a=\"b\"", 5, 3, 1, &exemplar);
  out.bucket("a=\"b\"", 1000, 3, 1, nullptr);
  out.bucket("", std::nullopt, 3, 2, nullptr);
  out.sum_and_count("", 2003, 3, 2);
  out.end();
  expect_text(text,
              "# HELP guard_wait_seconds Times\n# TYPE guard_wait_seconds histogram\n"
              "# UNIT guard_wait_seconds seconds\n"
              "guard_wait_seconds_bucket{a=\"b\",le=\"0.005\"} 1 # {request_id=\"00\"} 0.003 "
              "1700000000.25\n"
              "guard_wait_seconds_bucket{a=\"b\",le=\"1.0\"} 1\n"
              "guard_wait_seconds_bucket{le=\"+Inf\"} 2\n"
              "guard_wait_seconds_sum 2.003\nguard_wait_seconds_count 2\n# EOF\n");
  text.clear();
  out.begin(kGauge);
  out.sample("", 0.25);
  out.sample("", -1.0 / 0.0);
  assert_true(text.ends_with("guard_size_bytes 0.25\nguard_size_bytes -Inf\n"));
}

void routes(void**) {
  const metrics::RouteTimes times({10, 100});
  std::vector<std::uint64_t> time_words(times.words());
  std::vector<std::uint64_t> words(metrics::RouteCounts::kWords);
  auto record = [&](const metrics::RequestNumbers& numbers) {
    metrics::RouteCounts::record(words.data(), numbers);
    return times.record(time_words.data(), numbers);
  };
  metrics::RequestNumbers numbers{metrics::Method::post, 404, 100, 200, 10, true, 101};
  assert_int_equal(record(numbers), 0);
  numbers = {metrics::Method::get, 0, 1, 2, 11, false, 0};
  assert_int_equal(record(numbers), 1);
  numbers.milliseconds = 101;
  numbers.status = 700;
  assert_int_equal(record(numbers), 2);
  // POST is third, 4xx fourth; "none" is last.
  assert_int_equal(words[2 * 6 + 3], 1);
  assert_int_equal(words[5], 2);
  assert_int_equal(words[48], 102);
  assert_int_equal(words[49], 204);
  assert_int_equal(metrics::status_class(101), 0);
  assert_int_equal(metrics::status_class(599), 4);
  assert_true(metrics::RouteTimes({10, 101}).fingerprint() != times.fingerprint());
}

void exemplars(void**) {
  using metrics::ExemplarSlot;
  std::uint64_t words[ExemplarSlot::kWords] = {};
  ExemplarSlot::Content content;
  assert_false(ExemplarSlot::get(words, content));
  std::array<std::uint64_t, 2> id;
  assert_false(metrics::parse_request_id("0123", id));
  assert_false(metrics::parse_request_id("0123456789abcdef0123456789abcdeg", id));
  assert_true(metrics::parse_request_id("0123456789abcdef00000000000000ff", id));
  assert_int_equal(id[0], 0x0123456789abcdef);
  assert_int_equal(id[1], 0xff);
  assert_true(ExemplarSlot::is_due(words, 5000));
  ExemplarSlot::put(words, {5000, id, 7});
  assert_true(ExemplarSlot::get(words, content));
  assert_int_equal(content.value, 7);
  assert_int_equal(content.timestamp_ms, 5000);
  assert_int_equal(content.id[0], id[0]);
  // One a second.
  ExemplarSlot::put(words, {5999, id, 8});
  assert_true(ExemplarSlot::get(words, content));
  assert_int_equal(content.value, 7);
  ExemplarSlot::put(words, {6000, id, 9});
  assert_true(ExemplarSlot::get(words, content));
  assert_int_equal(content.value, 9);
  // Of a writer that has died nothing is read, and some time later it is replaced.
  words[0] = 7000 << 1 | 1;
  assert_false(ExemplarSlot::get(words, content));
  ExemplarSlot::put(words, {16'999, id, 10});
  assert_false(ExemplarSlot::get(words, content));
  ExemplarSlot::put(words, {17'000, id, 11});
  assert_true(ExemplarSlot::get(words, content));
  assert_int_equal(content.value, 11);
  // The clock has gone back, by more than workers' clocks differ.
  ExemplarSlot::put(words, {16'999, id, 12});
  ExemplarSlot::put(words, {5000, id, 13});
  assert_true(ExemplarSlot::get(words, content));
  assert_int_equal(content.value, 13);
}

void refusals(void**) {
  Zone zone(1U << 20);
  core::MetricMemory memory;
  assert_true(memory.format(zone.memory()));
  core::MetricRegistry registry;
  core::RefusalCounters counters;
  counters.count("rate.api", core::Action::denied);  // before there is any: counted nowhere
  const core::Counter& allowed = counters.declare(registry, "rate", "api", "rate.api");
  counters.add_to(registry);
  assert_true(registry.resolve(memory));
  std::uint64_t crashed = 0;
  core::MetricWorker* worker = memory.enter(getpid(), 0, 1, 1, crashed);
  allowed.add(5);
  counters.count("rate.api", core::Action::denied);
  counters.count("rate.api", core::Action::observed);
  counters.count("rate.api", core::Action::observed);
  counters.count("json.syntax", core::Action::denied);
  counters.count("new.code", core::Action::denied);
  const std::string text = text_of(registry, core::MetricFormat::prometheus);
  for (const std::string_view line :
       {"guard_refusals_total{code=\"rate.api\",verdict=\"enforced\"} 1\n",
        "guard_refusals_total{code=\"rate.api\",verdict=\"observed\"} 2\n",
        "guard_refusals_total{code=\"json.syntax\",verdict=\"enforced\"} 1\n",
        "guard_refusals_total{code=\"other\",verdict=\"enforced\"} 1\n",
        "guard_policy_requests_total{feature=\"rate\",policy=\"api\",verdict=\"allowed\"} 5\n",
        "guard_policy_requests_total{feature=\"rate\",policy=\"api\",verdict=\"limited\"} 1\n",
        "guard_policy_requests_total{feature=\"rate\",policy=\"api\",verdict=\"observed\"} 2\n"}) {
    assert_true(text.find(line) != std::string::npos);
  }
  core::MetricMemory::leave(*worker);
}

std::vector<std::uint64_t> buckets(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_metrics_buckets");
  return metrics::parse_buckets(core::Words(std::move(words)));
}

void directives(void**) {
  assert_true((buckets({"5ms", "1s"}) == std::vector<std::uint64_t>{5, 1000}));
  expect_error(
      [] {
        buckets({"1s", "1000ms"});
      },
      "bucket \"1000ms\" of \"guard_metrics_buckets\" is not above the one before it");
  expect_error(
      [] { buckets({"x"}); },
      "invalid value \"x\" of \"guard_metrics_buckets\", a time from 1ms to 1d is expected");
  expect_error([] { buckets(std::vector<std::string_view>(33, "1s")); },
               "more than 32 buckets in \"guard_metrics_buckets\"");
}

void accept(void**) {
  assert_true(core::prefers_openmetrics("application/openmetrics-text"));
  assert_true(core::prefers_openmetrics("APPLICATION/OpenMetrics-Text; version=1.0.0, */*;q=0.1"));
  assert_true(core::prefers_openmetrics("application/openmetrics-text;q=0.5, text/plain;q=0.5"));
  assert_false(core::prefers_openmetrics("application/openmetrics-text;q=0.5, */*"));
  assert_false(core::prefers_openmetrics("application/openmetrics-text;q=0"));
  assert_false(core::prefers_openmetrics("application/*"));
  assert_false(core::prefers_openmetrics(""));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(counts_go_on),
      cmocka_unit_test(room_is_given_again),
      cmocka_unit_test(damaged_or_small),
      cmocka_unit_test(lanes_add_up),
      cmocka_unit_test(workers_are_known),
      cmocka_unit_test(texts),
      cmocka_unit_test(routes),
      cmocka_unit_test(exemplars),
      cmocka_unit_test(refusals),
      cmocka_unit_test(directives),
      cmocka_unit_test(accept),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
