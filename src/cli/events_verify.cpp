// guardctl events verify

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <stdexcept>

#include "cli/events_command.h"
#include "cli/events_verifier.h"
#include "cli/printable.h"
#include "core/words.h"

namespace guard::cli {

namespace {

core::Secret secret_of(const EventWords& words) {
  const auto word = words.named("key");
  if (!word) throw UsageError("\"events verify\" needs \"--key SECRET\"");
  try {
    core::SecretWord parsed = core::parse_secret("--key", *word);
    if (parsed.kind == core::SecretKind::literal) {
      (void)std::fprintf(stderr,
                         "guardctl: warning: others can see the secret of \"--key\" among the "
                         "processes, use \"file:\" or \"env:\"\n");
    }
    return std::move(parsed.secret);
  } catch (const core::ConfigError& error) {
    throw UsageError(error.what());
  }
}

// The same file twice would look like duplicated lines.
void refuse_twice(std::span<const std::string_view> names) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::set<std::string_view> seen_names;
  for (const std::string_view name : names) {
    struct stat info {};
    const bool known = name != "-" && ::stat(std::string(name).c_str(), &info) == 0;
    const bool fresh = known && S_ISREG(info.st_mode)
                           ? seen.emplace(info.st_dev, info.st_ino).second
                           : seen_names.insert(name).second;
    if (!fresh) throw UsageError("\"" + printable(name) + "\" is given twice");
  }
}

// By the time of their first lines, so that findings come in the order of time; what cannot be
// looked at twice comes last.
std::vector<std::string_view> by_time(const std::vector<std::string_view>& names) {
  std::vector<std::pair<std::string, std::string_view>> order;
  for (const std::string_view name : names) {
    std::array<char, 64> start{};
    std::size_t size = 0;
    struct stat info {};
    if (name != "-" && ::stat(std::string(name).c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      size = LogFile(name).read(start.data(), start.size());
    }
    std::string text(start.data(), size);
    if (!text.starts_with(events::kLineStart)) text = "~";
    order.emplace_back(std::move(text), name);
  }
  std::ranges::stable_sort(order, {}, [](const auto& pair) { return pair.first; });
  std::vector<std::string_view> sorted;
  sorted.reserve(order.size());
  for (const auto& [start, name] : order) sorted.push_back(name);
  return sorted;
}

std::string counted(std::uint64_t number, std::string_view what) {
  return std::to_string(number) + " " + std::string(what) + (number == 1 ? "" : "s");
}

void tell(const EventsVerifier& verifier, const std::vector<Finding>& list, std::uint64_t count,
          std::string_view what) {
  for (const Finding& finding : list) {
    if (what == "note") print("note: ");
    print(verifier.tell(finding) + "\n");
  }
  if (count > list.size()) print("and " + counted(count - list.size(), what) + " more\n");
}

}  // namespace

int verify_events(std::span<const std::string_view> words) {
  static constexpr std::array<std::string_view, 2> kNamed = {"key", "checkpoints"};
  static constexpr std::array<std::string_view, 1> kFlags = {"strict"};
  const EventWords parsed("verify", words, kNamed, kFlags);
  core::Secret secret = secret_of(parsed);
  if (parsed.rest().empty()) throw UsageError("\"events verify\" needs a file");
  const std::vector<std::string_view> checkpoints = parsed.all("checkpoints");
  std::vector<std::string_view> all = checkpoints;
  all.insert(all.end(), parsed.rest().begin(), parsed.rest().end());
  refuse_twice(all);

  EventsVerifier verifier(std::move(secret));
  for (const std::string_view name : checkpoints) {
    verifier.begin_file(name);
    for_each_line(name, [&](const LogLine& line) { verifier.checkpoint(line); });
  }
  for (const std::string_view name : by_time(parsed.rest())) {
    verifier.begin_file(name);
    for_each_line(name, [&](const LogLine& line) { verifier.log_line(line); });
  }
  verifier.finish();
  if (verifier.is_empty() && verifier.finding_count() == 0) {
    throw std::runtime_error(
        "nothing to verify: there is no line in any file, and no checkpoint that proves that none "
        "was written");
  }

  tell(verifier, verifier.findings(), verifier.finding_count(), "finding");
  tell(verifier, verifier.notes(), verifier.note_count(), "note");
  print(counted(parsed.rest().size(), "file") + ", " + counted(verifier.lines(), "line") + ", " +
        counted(verifier.chains(), "chain") + ": " +
        (verifier.finding_count() == 0 ? std::string("as they were written")
                                       : counted(verifier.finding_count(), "finding")) +
        (verifier.note_count() == 0 ? "" : ", " + counted(verifier.note_count(), "note")) + "\n");
  const bool good =
      verifier.finding_count() == 0 && (!parsed.flag("strict") || verifier.note_count() == 0);
  return good ? kDone : kFailed;
}

}  // namespace guard::cli
