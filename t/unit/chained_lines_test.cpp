#include "events/chained_lines.h"

#include <cstring>
#include <string>
#include <vector>

#include "unit.h"

using namespace guard::events;
namespace core = guard::core;

namespace {

constexpr std::uint64_t kTime = 1'795'491'000'000;

// Keeps what it takes, and refuses what it is told to.
class Kept : public LineSink {
 public:
  std::vector<std::string> taken;
  std::size_t refuse = 0;  // that many of the next
  std::size_t kept_back = 0;
  int flushes = 0;

  std::size_t room() const noexcept override { return 1000; }
  bool append(std::string_view line, const LineFacts& facts) noexcept override {
    if (refuse != 0) {
      --refuse;
      lose();
      return false;
    }
    assert_int_equal(facts.time_ms, kTime);
    taken.emplace_back(line);
    return true;
  }
  bool flush() noexcept override {
    ++flushes;
    return taken.size() < 100;
  }
  bool pending() const noexcept override { return false; }
  std::size_t waiting() const noexcept override { return kept_back; }
  std::string_view why() const noexcept override { return "why"; }
};

struct Lines {
  Chain chain{core::Secret("0123456789abcdef"), {"1-1", "host", "/log"}};
  Kept* kept = new Kept;
  ChainedLines lines{chain, std::unique_ptr<LineSink>(kept)};
  std::uint64_t sequence = 0;

  std::string text(std::uint64_t number) const {
    return "{\"@timestamp\":\"x\",\"n\":" + std::to_string(number) + "}\n";
  }
  void append() {
    ++sequence;
    assert_true(lines.append(text(sequence), {core::Severity::info, "kind", sequence, kTime}));
  }
  // Whether what was taken is a chain; the links, which are the MACs' beginnings.
  void expect_chain() const {
    std::string previous(kFirstPrevious);
    for (const std::string& line : kept->taken) {
      assert_int_equal(line.back(), '\n');
      const auto seal = parse_seal(std::string_view(line).substr(0, line.size() - 1));
      assert_true(seal.has_value());
      guard::unit::expect_text(seal->previous, previous);
      previous = seal->mac.substr(0, kPreviousSize);
    }
  }
};

void seals_what_waits_when_it_is_flushed(void**) {
  Lines it;
  it.append();
  it.append();
  assert_true(it.lines.pending());
  assert_int_equal(it.kept->taken.size(), 0);
  assert_int_equal(it.chain.sequence(), 0);
  assert_true(it.lines.flush());
  assert_false(it.lines.pending());
  assert_int_equal(it.kept->taken.size(), 2);
  assert_int_equal(it.chain.sequence(), 2);
  assert_int_equal(it.kept->flushes, 1);
  assert_true(it.kept->taken[0].starts_with("{\"@timestamp\":\"x\",\"n\":1,\"guard\""));
  it.expect_chain();
  assert_true(it.lines.finish());
  assert_int_equal(it.kept->taken.size(), 2);
}

void seals_a_full_batch_by_itself(void**) {
  Lines it;
  for (std::size_t i = 0; i < 3 * ChainedLines::kBatch + 1; ++i) it.append();
  assert_int_equal(it.kept->taken.size(), 3 * ChainedLines::kBatch);
  assert_int_equal(it.kept->flushes, 0);
  it.lines.flush();
  assert_int_equal(it.kept->taken.size(), it.sequence);
  it.expect_chain();
}

// Long lines fill the memory before there are many of them.
void keeps_long_lines_whole(void**) {
  Lines it;
  const std::string line =
      "{\"@timestamp\":\"" + std::string(kLineMax - kSealSize - 18, 'x') + "\"}\n";
  assert_int_equal(line.size() + kSealSize, kLineMax);
  for (std::uint64_t i = 1; i <= 2 * ChainedLines::kBatch; ++i) {
    assert_true(it.lines.append(line, {core::Severity::info, "kind", i, kTime}));
  }
  it.lines.flush();
  assert_int_equal(it.kept->taken.size(), 2 * ChainedLines::kBatch);
  for (const std::string& taken : it.kept->taken) assert_int_equal(taken.size(), kLineMax);
  it.expect_chain();
  assert_false(it.lines.append(line + "\n", {core::Severity::info, "kind", 1000, kTime}));
  assert_int_equal(it.lines.take_lost(), 1);
}

// A gap in the numbers, and none in the links.
void links_what_the_sink_took(void**) {
  Lines it;
  it.append();
  it.lines.flush();
  it.kept->refuse = 2;
  for (int i = 0; i < 4; ++i) it.append();
  it.lines.flush();
  assert_int_equal(it.kept->taken.size(), 3);
  assert_int_equal(it.lines.lost(), 2);
  assert_int_equal(it.lines.take_lost(), 2);
  assert_int_equal(it.lines.lost(), 0);
  it.expect_chain();
  assert_non_null(std::strstr(it.kept->taken[1].c_str(), "\"n\":4,"));
}

void counts_what_is_lost(void**) {
  Lines it;
  it.append();
  it.kept->kept_back = 2;
  assert_int_equal(it.lines.waiting(), 3);
  it.lines.flush();
  it.lines.give_up();
  assert_int_equal(it.lines.take_lost(), 2);
  // A number that was there already.
  assert_true(it.lines.append(it.text(1), {core::Severity::info, "kind", 1, kTime}));
  assert_true(it.lines.flush());
  assert_int_equal(it.lines.lost(), 1);
  assert_int_equal(it.kept->taken.size(), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(seals_what_waits_when_it_is_flushed),
      cmocka_unit_test(seals_a_full_batch_by_itself),
      cmocka_unit_test(keeps_long_lines_whole),
      cmocka_unit_test(links_what_the_sink_took),
      cmocka_unit_test(counts_what_is_lost),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
