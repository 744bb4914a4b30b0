// guardctl events stats

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "cli/event_lines.h"
#include "cli/event_record.h"
#include "cli/events_command.h"
#include "cli/printable.h"
#include "cli/top_counter.h"
#include "core/event.h"
#include "core/words.h"

namespace guard::cli {

namespace {

constexpr std::size_t kNames = 1000;
constexpr std::size_t kClients = 20'000;
constexpr std::size_t kKeyMax = 256;  // bytes of a text that is counted

class Stats {
 public:
  // kinds: those that are counted; empty: all.
  explicit Stats(std::vector<std::string_view> kinds) : wanted_(std::move(kinds)) {}

  void count(const LogLine& line) {
    if (!line.whole || !record_.parse(line.text) || record_.text(Field::kind).empty()) {
      ++others_;
      return;
    }
    if (!wanted_.empty() &&
        std::ranges::find(wanted_, record_.text(Field::kind)) == wanted_.end()) {
      return;
    }
    ++events_;
    const std::string_view time = record_.text(Field::timestamp);
    if (time_of(time)) {
      if (first_.empty() || time < first_) first_ = time;
      if (time > last_) last_ = time;
    }
    add(kinds_, Field::kind);
    add(decisions_, Field::decision);
    add(codes_, Field::code);
    add(policies_, Field::policy);
    add(routes_, Field::route);
    add(paths_, Field::path);
    add_violation();
    if (!add(clients_, Field::address)) add(clients_, Field::address_hash);
    if (!add(users_, Field::user_name)) add(users_, Field::user_hash);
    add(agents_, Field::user_agent);
  }

  void tell(std::size_t number) const {
    print(std::to_string(events_) + " events");
    if (!first_.empty()) print(" from " + first_ + " to " + last_);
    print("\n");
    if (others_ != 0)
      print(std::to_string(others_) +
            (others_ == 1 ? " line that is no event\n" : " lines that are no events\n"));
    tell("kind", kinds_, number);
    tell("decision", decisions_, number);
    tell("code", codes_, number);
    tell("policy", policies_, number);
    tell("route", routes_, number);
    tell("path", paths_, number);
    tell("violation", violations_, number);
    tell("client", clients_, number);
    tell("user", users_, number);
    tell("user agent", agents_, number);
  }

 private:
  bool add(TopCounter& counter, Field field) const {
    const std::string_view text = record_.text(field);
    if (text.empty()) return false;
    counter.count(text.substr(0, kKeyMax));
    return true;
  }

  // What a policy forbids, and where: the directive, what was blocked, the page.
  void add_violation() {
    const std::string_view directive = record_.text(Field::effective_directive);
    if (directive.empty()) return;
    std::string text(directive.substr(0, kKeyMax / 4));
    for (Field field : {Field::blocked_uri, Field::page}) {
      text.append(" ").append(record_.text(field).substr(0, kKeyMax));
    }
    violations_.count(text);
  }

  static void tell(std::string_view name, const TopCounter& counter, std::size_t number) {
    if (counter.total() == 0) return;
    print("\n");
    print(name);
    print("\n");
    for (const TopCounter::Entry& entry : counter.top(number)) {
      std::string count = std::to_string(entry.count);
      if (count.size() < 10) count.insert(0, 10 - count.size(), ' ');
      std::string line = count + "  " + printable(entry.text);
      if (entry.error != 0)
        line += "  (at least " + std::to_string(entry.count - entry.error) + ")";
      print(line + "\n");
    }
  }

  EventRecord record_;
  std::vector<std::string_view> wanted_;
  std::uint64_t events_ = 0;
  std::uint64_t others_ = 0;
  std::string first_;
  std::string last_;
  TopCounter kinds_{kNames};
  TopCounter decisions_{kNames};
  TopCounter codes_{kNames};
  TopCounter policies_{kNames};
  TopCounter routes_{kNames};
  TopCounter paths_{kClients};
  TopCounter violations_{kNames};
  TopCounter clients_{kClients};
  TopCounter users_{kClients};
  TopCounter agents_{kNames};
};

}  // namespace

int count_events(std::span<const std::string_view> words) {
  static constexpr std::array<std::string_view, 2> kNamed = {"top", "kind"};
  const EventWords parsed("stats", words, kNamed, {});
  if (parsed.rest().empty()) throw UsageError("\"events stats\" needs a file");
  std::size_t number = 10;
  try {
    if (const auto top = parsed.named("top")) number = core::parse_number("--top", *top, 1, kNames);
    for (const std::string_view kind : parsed.all("kind")) (void)core::parse_event_kind(kind);
  } catch (const core::ConfigError& error) {
    throw UsageError(printable(error.what()));
  }
  Stats stats(parsed.all("kind"));
  for (const std::string_view name : parsed.rest()) {
    for_each_line(name, [&](const LogLine& line) { stats.count(line); });
  }
  stats.tell(number);
  return kDone;
}

}  // namespace guard::cli
