// guardctl events: the event log for people. Each of its own commands has a file of its own and a
// line in the table of events_command.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace guard::cli {

int run_events(std::span<const std::string_view> words);

int verify_events(std::span<const std::string_view> words);
int explain_event(std::span<const std::string_view> words);
int tail_events(std::span<const std::string_view> words);
int count_events(std::span<const std::string_view> words);

// The words of one of them: options of the form "--name VALUE" or "--name=VALUE", flags, and what
// is left; "--" ends the options.
class EventWords {
 public:
  // named and flags are without their dashes. Throws UsageError.
  EventWords(std::string_view command, std::span<const std::string_view> words,
             std::span<const std::string_view> named, std::span<const std::string_view> flags);

  bool flag(std::string_view name) const;
  // The last of that name.
  std::optional<std::string_view> named(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::string_view>& rest() const { return rest_; }

 private:
  std::vector<std::string_view> flags_;
  std::vector<std::pair<std::string_view, std::string_view>> named_;
  std::vector<std::string_view> rest_;
};

// Standard output; throws if it takes nothing.
void print(std::string_view text);
void flush_output();

inline constexpr Command kEventsCommand = {
    "events", "verify|explain|tail|stats ...",
    "read the event log: is it genuine, why was a request refused",
    "verify --key SECRET [--checkpoints FILE]... [--strict] FILE...\n"
    "               Whether the lines of logs with chain= are as they were written. Give all\n"
    "               files that a log was rotated into, in any order.\n"
    "               SECRET is file:/PATH, env:NAME or the secret itself, as in chain=. Says\n"
    "               which lines were altered or appended, are missing, out of order, or there\n"
    "               twice, and, as a note, what nothing proves, such as \"tail unverified\".\n"
    "  --checkpoints=FILE  what checkpoints= wrote; may be repeated. Without it, what was cut\n"
    "               off the end of a log cannot be missed\n"
    "  --strict     count notes as findings\n"
    "\n"
    "explain [--conf FILE] REQUEST_ID FILE...\n"
    "               Why a request was refused: all that the log says about it. REQUEST_ID is\n"
    "               that of \"instance\" in the answer, with or without \"urn:request:\".\n"
    "  --conf=FILE  nginx's configuration, or what nginx -T prints, to name the lines of the\n"
    "               directives that decided\n"
    "\n"
    "tail [-f] [-n N] FILE\n"
    "               The last N events (10), a line each; -f goes on with those that come, also\n"
    "               when the log is rotated. Of a pipe -f prints all events as they come.\n"
    "\n"
    "stats [--kind KIND]... [--top N] FILE...\n"
    "               How many events there are of each kind, code, policy, route and path, from\n"
    "               which clients, users and user agents most come; N (10) lines of each.\n"
    "  --kind=KIND  counts only events of this kind; may be repeated\n"
    "\n"
    "A FILE may be compressed by gzip, as logrotate does; \"-\" is standard input.\n"
    "\n"
    "Exit codes: 0 done; verify: every line is as it was written; 1 verify: a line is not, or a\n"
    "note with --strict; explain: no such request; or a file cannot be read; 2 the command line\n"
    "is wrong.\n",
    run_events};

}  // namespace guard::cli
