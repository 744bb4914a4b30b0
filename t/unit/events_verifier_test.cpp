#include "cli/events_verifier.h"

#include <algorithm>
#include <map>
#include <vector>

#include "events/chain.h"
#include "unit.h"

namespace cli = guard::cli;
namespace core = guard::core;
namespace events = guard::events;
using guard::unit::expect_text;

namespace {

constexpr std::string_view kSecret = "a secret of the tests";
constexpr std::uint64_t kStart = 1795491000000;  // 2026-11-24T03:30:00Z
using Lines = std::vector<std::string>;

std::string two(std::uint64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

// A worker: writes lines a second apart, from its start on.
class Worker {
 public:
  explicit Worker(std::string name, std::string_view secret = kSecret, std::uint64_t start = kStart)
      : entity_(std::to_string(start) + "-" + name),
        start_(start),
        chain_(core::Secret(secret), {entity_, "host", "/log"}) {}

  const std::string& entity() const { return entity_; }
  std::uint64_t now() const { return start_ + sequence_ * 1000; }

  std::string line(std::string_view text = "x") {
    std::string line = made(text);
    chain_.took();
    return line;
  }
  // Sealed, but not taken by the sink.
  std::string made(std::string_view text = "x") {
    ++sequence_;
    std::string line =
        "{\"@timestamp\":\"2026-11-24T03:" + two(30 + sequence_ / 60) + ":" + two(sequence_ % 60) +
        ".000Z\",\"event\":{\"sequence\":" + std::to_string(sequence_) + "},\"text\":\"" +
        std::string(text) + "\",\"process\":{\"entity_id\":\"" + entity_ + "\"}}\n";
    const std::size_t size = line.size();
    line.resize(size + events::kSealSize);
    assert_int_equal(chain_.seal(line, size, sequence_, now()), line.size());
    line.pop_back();
    return line;
  }
  Lines lines(std::size_t count) {
    Lines made;
    while (made.size() < count) made.push_back(line());
    return made;
  }
  std::string checkpoint(events::CheckpointState state = events::CheckpointState::open) {
    std::array<char, events::kCheckpointMax> out;
    const std::size_t size = chain_.checkpoint(state, now(), out);
    assert_true(size > 1);
    return {out.data(), size - 1};
  }
  std::string end() { return checkpoint(events::CheckpointState::end); }

 private:
  std::string entity_;
  std::uint64_t start_;
  events::Chain chain_;
  std::uint64_t sequence_ = 0;
};

// What the verifier says: findings, then notes after "-".
std::string verdict(const std::vector<Lines>& files, const Lines& checkpoints = {},
                    bool ended = true) {
  cli::EventsVerifier verifier{core::Secret(kSecret)};
  std::uint64_t number = 0;
  if (!checkpoints.empty()) {
    verifier.begin_file("checks");
    for (const std::string& line : checkpoints) verifier.checkpoint({line, ++number, true, true});
  }
  char name = 'a';
  for (const Lines& lines : files) {
    verifier.begin_file(std::string(1, name++));
    number = 0;
    for (const std::string& line : lines) {
      ++number;
      verifier.log_line({line, number, true, ended || number != lines.size()});
    }
  }
  verifier.finish();
  std::string text;
  for (const auto& finding : verifier.findings()) text += verifier.tell(finding) + "\n";
  text += "-\n";
  for (const auto& note : verifier.notes()) text += verifier.tell(note) + "\n";
  return text;
}

// A whole log of one worker with its checkpoints, as one kind of tampering leaves it.
struct Log {
  Worker worker{"7"};
  Lines checkpoints{worker.checkpoint()};
  Lines lines = worker.lines(9);
  Log() {
    checkpoints.push_back(worker.end());
    of = " of worker " + worker.entity();
    behind = " the checkpoint at checks:2 of 2026-11-24T03:30:09.000Z signs number 9";
  }
  std::string of;
  std::string behind;
  std::string verdict() const { return ::verdict({lines}, checkpoints); }
};

void intact(void**) {
  Log log;
  expect_text(log.verdict(), "-\n");
}

void altered(void**) {
  Log log;
  log.lines[3].replace(log.lines[3].find("\"x\""), 3, "\"y\"");
  expect_text(log.verdict(), "a:4: altered: number 4" + log.of + "\n-\n");
  Log first;
  first.lines[0].replace(first.lines[0].find("\"x\""), 3, "\"y\"");
  expect_text(first.verdict(), "a:1: altered: number 1" + first.of + "\n-\n");
  Log last;
  last.lines[8].replace(last.lines[8].find("\"x\""), 3, "\"y\"");
  expect_text(last.verdict(), "a:9: altered: number 9" + last.of + "\n-\n");
  // The MAC itself.
  Log mac;
  char& digit = mac.lines[4][mac.lines[4].size() - 20];
  digit = digit == 'A' ? 'B' : 'A';
  expect_text(mac.verdict(), "a:5: altered: number 5" + mac.of + "\n-\n");
}

void every_byte_counts(void**) {
  const Log log;
  for (std::size_t i = 0; i < log.lines[4].size(); ++i) {
    Lines lines = log.lines;
    lines[4][i] = static_cast<char>(lines[4][i] ^ 1);
    assert_false(verdict({lines}, log.checkpoints).starts_with("-"));
  }
  for (std::size_t i = 0; i < log.checkpoints[1].size(); ++i) {
    Lines checkpoints = log.checkpoints;
    checkpoints[1][i] = static_cast<char>(checkpoints[1][i] ^ 1);
    assert_false(verdict({log.lines}, checkpoints) == "-\n");
  }
}

void missing(void**) {
  Log log;
  log.lines.erase(log.lines.begin() + 2, log.lines.begin() + 4);
  expect_text(log.verdict(), "a:3: missing: numbers 3 to 4" + log.of + ", before number 5\n-\n");
  Log first;
  Worker other("8", kSecret, kStart - 3'000);
  first.lines.erase(first.lines.begin());
  first.lines.insert(first.lines.begin(), other.line());
  first.checkpoints.push_back(other.end());
  // The other worker's line says how far back the files go.
  const std::string said = first.verdict();
  expect_text(said, "-\na:2: head unverified: number 1" + first.of +
                        " are in no file, but may be older than the files\n");
}

void cut_tail(void**) {
  Log log;
  log.lines.resize(7);
  expect_text(log.verdict(), "a:7: missing: numbers 8 to 9" + log.of +
                                 ", behind this line, its last;" + log.behind + "\n-\n");
  log.checkpoints.pop_back();
  expect_text(log.verdict(),
              "-\na:7: tail unverified: this is the last line" + log.of +
                  ", and nothing says that no other was behind it; the checkpoint at checks:1 of "
                  "2026-11-24T03:30:00.000Z signs number 0\n");
  log.checkpoints.clear();
  expect_text(log.verdict(),
              "-\na: tail unverified: there is no checkpoint of 1 chain, so that lines may be "
              "missing at the end of each, and whole chains\n");
}

void reordered(void**) {
  Log log;
  std::swap(log.lines[3], log.lines[4]);
  expect_text(log.verdict(),
              "a:5: reordered: number 4" + log.of + ", which belongs before number 5 at a:4\n-\n");
  Log first;
  std::swap(first.lines[0], first.lines[1]);
  expect_text(first.verdict(), "a:2: reordered: number 1" + first.of +
                                   ", which belongs before number 2 at a:1\n-\n");
  Log last;
  std::rotate(last.lines.begin() + 2, last.lines.begin() + 3, last.lines.end());
  expect_text(last.verdict(),
              "a:9: reordered: number 3" + last.of + ", which belongs before number 4 at a:3\n-\n");
}

void duplicated(void**) {
  Log log;
  log.lines.push_back(log.lines[2]);
  expect_text(log.verdict(), "a:10: duplicated: number 3" + log.of + " again\n-\n");
  Log next;
  next.lines.insert(next.lines.begin() + 3, next.lines[2]);
  expect_text(next.verdict(), "a:4: duplicated: number 3" + next.of + " again\n-\n");
  Log copied;
  expect_text(verdict({copied.lines, {copied.lines[4], copied.lines[5]}}, copied.checkpoints),
              "b:1: duplicated: numbers 5 to 6" + copied.of + " again, as from a:1\n-\n");
}

void appended(void**) {
  Log log;
  Lines lines = log.lines;
  lines.insert(lines.begin() + 3, "rubbish");
  lines.insert(lines.begin() + 4, "more");
  expect_text(verdict({lines}, log.checkpoints),
              "a:4: appended: no line of Guard's, 2 lines up to line 5\n-\n");
  lines = log.lines;
  lines.push_back("{\"@timestamp\":\"2026-11-24T03:36:15.123Z\"}");
  expect_text(verdict({lines}, log.checkpoints),
              "a:10: appended: carries no seal, or was written without chain=\n-\n");
  // Made under another secret, and from a genuine line.
  Worker forger("7", "a guess");
  lines = log.lines;
  lines.insert(lines.begin() + 1, forger.line());
  expect_text(verdict({lines}, log.checkpoints),
              "a:2: altered or appended: Guard did not write this line under this secret\n-\n");
  lines = log.lines;
  std::string forged = lines[4];
  forged.replace(forged.find("\"x\""), 3, "\"z\"");
  lines.insert(lines.begin() + 5, forged);
  expect_text(
      verdict({lines}, log.checkpoints),
      "a:6: appended: Guard did not write this line, and none is missing here" + log.of + "\n-\n");
  lines = log.lines;
  forged = lines[8];
  forged.replace(forged.find("\"sequence\":9"), 12, "\"sequence\":10");
  lines.push_back(forged);
  expect_text(verdict({lines}, log.checkpoints), "a:10: appended: Guard did not write this line;" +
                                                     log.behind + log.of + " as the last\n-\n");
}

void glued(void**) {
  Log log;
  Lines lines = log.lines;
  lines[5] = "rubbish" + lines[5];
  expect_text(verdict({lines}, log.checkpoints), "a:6: appended: no line of Guard's\n-\n");
  lines = log.lines;
  lines[5] += "x";
  assert_false(verdict({lines}, log.checkpoints).starts_with("-"));
  lines = log.lines;
  lines[5] += "\r";
  assert_false(verdict({lines}, log.checkpoints).starts_with("-"));
}

void torn_by_a_full_disk(void**) {
  Log log;
  Worker other("8");
  Lines lines = log.lines;
  // Its beginning, behind it another worker's line, then all of it.
  lines.insert(lines.begin() + 4, lines[4].substr(0, 60) + other.line());
  expect_text(verdict({lines}, {log.checkpoints[0], log.checkpoints[1], other.end()}),
              "-\na:5: torn: the beginning of line 6, by a disk that was full\n");
  lines = log.lines;
  lines.insert(lines.begin() + 4, lines[4].substr(0, 60) + "z");
  expect_text(verdict({lines}, log.checkpoints),
              "a:5: torn: the beginning of a line, by a full disk, a killed worker or an edit\n"
              "-\n");
}

void incomplete_last_line(void**) {
  Worker worker("7");
  Lines lines = worker.lines(3);
  const Lines checkpoints = {worker.checkpoint()};
  lines.push_back(worker.line().substr(0, 100));
  expect_text(verdict({lines}, checkpoints, false),
              "-\na:3: tail unverified: this is the last line of worker " + worker.entity() +
                  ", and nothing says that no other was behind it; the checkpoint at checks:1 of "
                  "2026-11-24T03:30:03.000Z signs number 3\n"
                  "a:4: incomplete: the last line, which is not there to its end\n");
}

void lost_lines_are_no_tampering(void**) {
  Worker worker("7");
  Lines lines = worker.lines(3);
  (void)worker.made();
  (void)worker.made();
  for (const std::string& line : worker.lines(200)) lines.push_back(line);
  expect_text(verdict({lines}, {worker.end()}),
              "-\na:203: lost: 2 lines of worker " + worker.entity() +
                  " were never written, for want of space; no line was removed\n");
  lines.erase(lines.begin() + 3);
  expect_text(verdict({lines}, {worker.end()}), "a:4: missing: numbers 4 to 6 of worker " +
                                                    worker.entity() + ", before number 7\n-\n");
}

void rotated_files_in_any_order(void**) {
  Worker one("1");
  Worker two("2");
  std::vector<Lines> files(4);
  Lines checkpoints = {one.checkpoint(), two.checkpoint()};
  for (Lines& file : files) {
    for (int i = 0; i < 50; ++i) {
      file.push_back(one.line());
      if (i % 3 == 0) file.push_back(two.line());
    }
  }
  checkpoints.push_back(one.end());
  checkpoints.push_back(two.end());
  std::array<std::size_t, 4> order = {0, 1, 2, 3};
  do {
    const std::vector<Lines> given = {files[order[0]], files[order[1]], files[order[2]],
                                      files[order[3]]};
    expect_text(verdict(given, checkpoints), "-\n");
  } while (std::ranges::next_permutation(order).found);
  // One is gone: both chains say between which lines.
  expect_text(verdict({files[0], files[1], files[3]}, checkpoints),
              "c:1: missing: numbers 101 to 150 of worker " + one.entity() +
                  ", before number 151\nc:2: missing: numbers 35 to 51 of worker " + two.entity() +
                  ", before number 52\n-\n");
  // The oldest may have been let go.
  assert_true(verdict({files[1], files[2], files[3]}, checkpoints).starts_with("-\na:1: head"));
  // A line that was carried from one file to another.
  files[3].push_back(files[0][6]);
  files[0].erase(files[0].begin() + 6);
  assert_false(verdict(files, checkpoints).starts_with("-"));
}

void whole_life_missing(void**) {
  Worker one("1");
  const Lines lines = one.lines(20);
  Worker two("2", kSecret, kStart + 60'000);
  (void)two.lines(5);
  expect_text(verdict({lines}, {two.checkpoint(), one.end()}),
              "checks:1: missing: all lines, numbers 1 to 5, of worker " + two.entity() +
                  " are in no file\n-\n");
  Worker old("3", kSecret, kStart - 60'000);
  (void)old.lines(5);
  assert_true(verdict({lines}, {old.end(), one.end()}).starts_with("-\nchecks:1: unseen: "));
}

void start_of_a_life_missing(void**) {
  Worker one("1");
  Lines lines = one.lines(3);
  Worker two("2", kSecret, kStart + 60'000);
  const Lines others = two.lines(5);
  lines.insert(lines.end(), others.begin() + 2, others.end());
  expect_text(verdict({lines}, {one.end(), two.end()}),
              "a:4: missing: numbers 1 to 2 of worker " + two.entity() + ", before number 3\n-\n");
}

// Two workers, a line of each a second, and all ten seconds a checkpoint of each.
struct Pair {
  Worker one{"1"};
  Worker two{"2"};
  Lines checkpoints{one.checkpoint(), two.checkpoint()};
  Lines lines;
  Pair() {
    for (int second = 1; second <= 60; ++second) {
      lines.push_back(one.line());
      lines.push_back(two.line());
      if (second % 10 != 0) continue;
      checkpoints.push_back(one.checkpoint());
      checkpoints.push_back(two.checkpoint());
    }
  }
};

void head_of_one_worker_missing(void**) {
  Pair log;
  Lines left;
  for (std::size_t i = 0; i < log.lines.size(); ++i) {
    if (i % 2 == 0 || i >= 70) left.push_back(log.lines[i]);
  }
  // The first checkpoint says that the other's first line was there after ten seconds.
  const std::string said = verdict({left}, log.checkpoints);
  const std::string of = " of worker " + log.two.entity();
  expect_text(said.substr(0, said.find("-\n")),
              "a:37: missing: numbers 20 to 35" + of +
                  ", before number 36, which are younger than the files: the checkpoint at "
                  "checks:6 signs number 20\n");
  assert_true(said.find("a:37: head unverified: numbers 1 to 19" + of) != std::string::npos);
}

void rotated_away_at_any_line(void**) {
  Pair log;
  for (std::size_t gone = 0; gone < log.lines.size(); ++gone) {
    const Lines left(log.lines.begin() + static_cast<std::ptrdiff_t>(gone), log.lines.end());
    assert_true(verdict({left}, log.checkpoints).starts_with("-\n"));
  }
}

// Lines that had to wait for space on the disk, behind younger ones of another worker.
void rotated_away_before_late_lines(void**) {
  Worker one("1");
  Worker late("2");
  Lines checkpoints = {one.checkpoint(), late.checkpoint()};
  (void)one.lines(30);
  checkpoints.push_back(one.checkpoint());
  Lines left = late.lines(30);
  checkpoints.push_back(late.checkpoint());
  left.push_back(one.line());
  const std::string said = verdict({left}, checkpoints);
  assert_true(said.starts_with("-\n"));
  assert_true(said.find("a:31: head unverified: numbers 1 to 30 of") != std::string::npos);
}

void head_missing_among_many_checkpoints(void**) {
  Worker one("1");
  Worker two("2");
  Lines checkpoints = {one.checkpoint(), two.checkpoint()};
  Lines left;
  for (int second = 1; second <= 1500; ++second) {
    left.push_back(one.line());
    const std::string line = two.line();
    if (second > 1000) left.push_back(line);
    checkpoints.push_back(one.checkpoint());
    checkpoints.push_back(two.checkpoint());
  }
  assert_true(verdict({left}, checkpoints).starts_with("a:1002: missing: numbers "));
}

// Somebody who has the secret writes history anew: checkpoints elsewhere still tell.
void rewritten_with_the_secret(void**) {
  Log log;
  // The same chain cannot be made again without its id, so a checkpoint is made to disagree.
  Worker one("1");
  Lines lines = one.lines(4);
  const std::string at_four = one.checkpoint();
  std::string other = at_four;
  const std::size_t head = other.find("\"head\":\"") + 8;
  other[head] = other[head] == 'A' ? 'B' : 'A';
  expect_text(verdict({lines}, {other, one.end()}),
              "checks:1: altered or appended: a checkpoint that Guard did not write under this "
              "secret\n-\n");
}

void wrong_secret(void**) {
  Worker one("1", "another");
  expect_text(verdict({one.lines(2)}, {one.checkpoint()}),
              "a: no line in any file fits this secret: is it the one of \"chain=\"?\n-\n");
}

void checkpoints_in_syslog(void**) {
  Log log;
  for (std::string& line : log.checkpoints) {
    line = "<134>1 2026-11-24T03:36:15Z host guard - - - " + line + " \r";
  }
  log.checkpoints.insert(log.checkpoints.begin(), "Nov 24 03:36:15 host cron[1]: something else");
  expect_text(log.verdict(), "-\n");
}

void other_logs_checkpoints(void**) {
  Log log;
  events::Chain other(core::Secret(kSecret), {"1795491000000-9", "host", "/other"});
  std::string line = "{\"@timestamp\":\"2026-11-24T03:30:05.000Z\",\"event\":{\"sequence\":1}}\n";
  const std::size_t size = line.size();
  line.resize(size + events::kSealSize);
  assert_int_equal(other.seal(line, size, 1, kStart + 5000), line.size());
  other.took();
  std::array<char, events::kCheckpointMax> out;
  const std::size_t length = other.checkpoint(events::CheckpointState::end, kStart + 6000, out);
  log.checkpoints.emplace_back(out.data(), length - 1);
  expect_text(log.verdict(), "-\n");
}

void hostile_lines(void**) {
  Log log;
  Lines lines = log.lines;
  std::string seal = lines[0].substr(lines[0].find(",\"guard\""));
  for (const std::string& text :
       {std::string(), std::string("\x1b[31m"), "{\"@timestamp\":\"\"" + seal, seal,
        "{\"@timestamp\":\"\",\"event\":{\"sequence\":99999999999999999999}" + seal,
        "{\"@timestamp\":\"\",\"event\":{\"sequence\":\"1\"}" + seal,
        "{\"@timestamp\":\"\",\"event\":{\"sequence\":274877906943}" + seal,
        std::string(3, '\0')}) {
    lines.insert(lines.begin() + 4, text);
  }
  const std::string said = verdict({lines}, log.checkpoints);
  assert_true(std::ranges::count(said, '\n') >= 7);
  assert_true(said.ends_with("-\n"));
  assert_true(said.find('\x1b') == std::string::npos);
}

void keys_reach_every_epoch(void**) {
  events::Hmac hmac;
  const core::Secret secret{kSecret};
  events::ChainKeys keys(secret, "0123456789abcdef");
  const events::ChainKey root = events::chain_root(hmac, secret, "0123456789abcdef");
  for (const std::uint64_t epoch : {0ULL, 1ULL, 2ULL, 3ULL, 7ULL, 8ULL, 1000ULL, 1001ULL}) {
    events::ChainKey leaf{};
    events::ChainKey one{};
    events::ChainKey other{};
    assert_true(keys.advance(epoch));
    assert_int_equal(keys.epoch(), epoch);
    assert_true(events::chain_leaf(hmac, root, epoch, leaf));
    assert_true(hmac.compute(leaf, {"te", "xt"}, other));
    for (int line = 0; line < 2; ++line) {
      assert_true(keys.compute({"text"}, one));
      assert_true(one == other);
    }
  }
  assert_false(keys.advance(1000));
  events::ChainKey leaf{};
  assert_false(events::chain_leaf(hmac, root, std::uint64_t{1} << 32, leaf));
}

// RFC 4231, test case 2.
void hmac_of_the_rfc(void**) {
  events::Hmac hmac;
  events::ChainKey mac{};
  const std::string_view key = "Jefe";
  for (int i = 0; i < 2; ++i) {
    assert_true(hmac.compute({reinterpret_cast<const unsigned char*>(key.data()), key.size()},
                             {"what do ya want ", "for nothing?"}, mac));
    assert_int_equal(mac[0], 0x5b);
    assert_int_equal(mac[31], 0x43);
  }
  const events::MacText text = events::mac_text(mac);
  expect_text({text.data(), text.size()}, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
}

void seals_need_room(void**) {
  events::Chain chain(core::Secret(kSecret), {"1-1", "h", "l"});
  std::string line = "{\"a\":1}\n";
  const std::size_t size = line.size();
  line.resize(size + events::kSealSize - 1);
  assert_int_equal(chain.seal(line, size, 1, 0), 0);
  line.resize(size + events::kSealSize);
  assert_int_equal(chain.seal(line, size, 0, 0), 0);
  assert_int_equal(chain.seal(line, size, events::kSequenceMax + 1, 0), 0);
  assert_int_equal(chain.sequence(), 0);
  assert_true(chain.unsigned_lines());
  std::array<char, events::kCheckpointMax> out;
  assert_true(chain.checkpoint(events::CheckpointState::open, 0, out) > 0);
  assert_false(chain.unsigned_lines());
  assert_int_equal(chain.seal(line, size, 1, 0), line.size());
  assert_false(chain.unsigned_lines());
  chain.took();
  assert_true(chain.unsigned_lines());
}

void longest_checkpoint_fits(void**) {
  const std::string wide(5000, '\x01');
  events::Chain chain(core::Secret(kSecret), {wide, wide, wide});
  std::array<char, events::kCheckpointMax> out;
  assert_true(chain.checkpoint(events::CheckpointState::open, ~std::uint64_t{0} >> 20, out) > 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(intact),
      cmocka_unit_test(altered),
      cmocka_unit_test(every_byte_counts),
      cmocka_unit_test(missing),
      cmocka_unit_test(cut_tail),
      cmocka_unit_test(reordered),
      cmocka_unit_test(duplicated),
      cmocka_unit_test(appended),
      cmocka_unit_test(glued),
      cmocka_unit_test(torn_by_a_full_disk),
      cmocka_unit_test(incomplete_last_line),
      cmocka_unit_test(lost_lines_are_no_tampering),
      cmocka_unit_test(rotated_files_in_any_order),
      cmocka_unit_test(whole_life_missing),
      cmocka_unit_test(start_of_a_life_missing),
      cmocka_unit_test(head_of_one_worker_missing),
      cmocka_unit_test(rotated_away_at_any_line),
      cmocka_unit_test(rotated_away_before_late_lines),
      cmocka_unit_test(head_missing_among_many_checkpoints),
      cmocka_unit_test(rewritten_with_the_secret),
      cmocka_unit_test(wrong_secret),
      cmocka_unit_test(checkpoints_in_syslog),
      cmocka_unit_test(other_logs_checkpoints),
      cmocka_unit_test(hostile_lines),
      cmocka_unit_test(keys_reach_every_epoch),
      cmocka_unit_test(hmac_of_the_rfc),
      cmocka_unit_test(seals_need_room),
      cmocka_unit_test(longest_checkpoint_fits),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
