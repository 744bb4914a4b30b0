// Whether event lines are as they were written (src/events/chain.h): what was altered, is missing,
// out of order, there twice, or was added. Needs the checkpoints first, then the log files, in any
// order; memory grows with the workers' lives, the files and what is found, not with the lines.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/event_lines.h"
#include "cli/event_record.h"
#include "core/secret.h"
#include "events/chain.h"

namespace guard::cli {

struct Place {
  std::uint32_t file = 0;  // in the order of begin_file()
  std::uint64_t line = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Finding {
  Place place;
  std::string text;  // fit for a terminal
};

class EventsVerifier {
 public:
  // Beyond these many findings, and as many notes, they are only counted.
  static constexpr std::size_t kListMax = 1000;

  explicit EventsVerifier(core::Secret secret);

  // Of checkpoint files and log files alike: the name that findings are told with.
  void begin_file(std::string_view name);
  void checkpoint(const LogLine& line);
  void log_line(const LogLine& line);
  // Behind the last line.
  void finish();

  // In the order of files and lines. What is not as it was written.
  const std::vector<Finding>& findings() const { return findings_; }
  std::uint64_t finding_count() const { return finding_count_; }
  // What nothing proves, or is worth knowing, though nothing speaks against it.
  const std::vector<Finding>& notes() const { return notes_; }
  std::uint64_t note_count() const { return note_count_; }
  std::string tell(const Finding& finding) const;

  std::uint64_t lines() const { return lines_; }
  // No line, and no checkpoint that is genuine.
  bool is_empty() const { return lines_ == 0 && chains_.empty(); }
  std::size_t chains() const;

 private:
  // A line that claims a number in a chain, under a MAC that is not its own.
  struct Bad {
    Place place;
    std::uint64_t sequence;
  };
  // Numbers that are not where they should be: before the line at `place`.
  struct Hole {
    std::uint64_t from;
    std::uint64_t to;
    Place place;
    std::uint64_t next;  // the number of the line at place
  };
  // What of a chain is in one file.
  struct Segment {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::array<char, events::kPreviousSize> first_previous{};
    events::MacText last_mac{};
    Place first_place;
    Place last_place;
    std::vector<Hole> holes;
  };
  struct Checkpoint {
    std::uint64_t sequence = 0;
    std::uint64_t time_ms = 0;  // of the line that it signs
    std::string when;           // it was written
    events::MacText head{};
    bool end = false;
    Place place;
  };
  // What a checkpoint says of when lines were written: that which it signs before it, all that
  // follow behind it.
  struct Signed {
    std::uint64_t sequence = 0;
    std::uint64_t time_ms = 0;  // of the line that it signs
    std::uint64_t written_ms = 0;
    Place place;
  };
  struct ChainState {
    events::ChainKey root{};
    events::ChainKey leaf{};
    std::uint64_t epoch = ~std::uint64_t{0};
    std::string entity;   // of genuine lines or checkpoints, so ours
    std::string log_key;  // host and log, if a checkpoint names them
    std::vector<Segment> segments;
    std::vector<Bad> bad;
    std::optional<Checkpoint> signed_to;
    std::vector<Signed> history;  // of the checkpoints, some left out if there are many
    std::uint64_t lost = 0;
  };
  using Id = std::array<char, events::kChainIdSize>;
  using Chains = std::map<Id, ChainState>;

  static void remember(ChainState& chain, const Signed& now);
  void find(Place place, std::string text);
  void note(Place place, std::string text);
  std::string at(Place place) const;

  bool is_genuine(const ChainState& chain, std::uint64_t epoch, std::string_view label,
                  std::string_view covered, std::string_view mac);
  bool key_of(ChainState& chain, std::uint64_t epoch);
  ChainState stranger(std::string_view id);

  bool sealed_line(std::string_view text, Place place);
  void bad_line(const Id& id, Place place, std::uint64_t sequence);
  void genuine_line(ChainState& chain, const events::Seal& seal, Place place,
                    std::uint64_t sequence);
  void out_of_order(ChainState& chain, Segment& segment, Place place, std::uint64_t sequence,
                    std::string_view previous);
  bool fill(Segment& segment, std::uint64_t from, std::uint64_t to, Place place,
            std::string_view entity);
  void unsealed_line(const LogLine& line, Place place);
  void flush_run();

  void date_files(ChainState& chain);
  void finish_chain(ChainState& chain);
  void join(ChainState& chain, Segment& before, Segment& after);
  void finish_head(ChainState& chain, const Segment& first);
  // A number from which on all lines of the chain up to `to` are younger than the files, and the
  // checkpoint that proves it.
  struct Younger {
    std::uint64_t from = 0;
    const Signed* proof = nullptr;
  };
  std::optional<Younger> younger(const ChainState& chain, std::uint64_t to) const;
  void finish_tail(ChainState& chain, const Segment& last);
  void finish_unseen(const ChainState& chain);
  void tell_holes(ChainState& chain, Segment& segment);
  void gap(ChainState& chain, std::uint64_t from, std::uint64_t to, Place place, std::uint64_t next,
           std::vector<Hole>& holes);
  bool maybe_older(std::uint64_t time_ms) const;

  core::Secret secret_;
  events::Hmac hmac_;
  EventRecord record_;
  std::vector<std::string> names_;
  Chains chains_;
  std::map<Id, std::vector<Bad>> strangers_;  // claimed by lines of chains not known yet
  std::size_t bad_count_ = 0;
  std::set<std::string> log_keys_;  // of the chains that the files have

  // Lines in a row that are no sealed lines.
  struct Run {
    Place place;
    std::uint64_t count = 0;
    const char* what = nullptr;
  };
  Run run_;
  std::deque<std::pair<Place, std::string>> torn_;  // which may follow as a whole

  std::vector<Finding> findings_;
  std::vector<Finding> notes_;
  std::uint64_t finding_count_ = 0;
  std::uint64_t note_count_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t genuine_ = 0;
  std::uint64_t sealed_ = 0;
  std::uint64_t checkpoints_ = 0;
  std::optional<std::uint64_t> earliest_ms_;  // of genuine lines
  // By host and log, when one of its lines that are here was written at the latest. What a rotation
  // has let go was written before.
  std::map<std::string, std::uint64_t> begun_ms_;
};

}  // namespace guard::cli
