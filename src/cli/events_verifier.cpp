#include "cli/events_verifier.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "cli/printable.h"

namespace guard::cli {

namespace {

constexpr std::size_t kBadMax = 10'000;
constexpr std::size_t kHolesMax = 64;
constexpr std::size_t kTornMax = 16;
constexpr std::size_t kHistoryMax = 1024;  // of a chain
// How much later than its time a line may reach its file, and so the file that follows a rotation.
constexpr std::uint64_t kSlackMs = 5000;

std::string_view view(std::span<const char> text) {
  return {text.data(), text.size()};
}

std::string numbers(std::uint64_t from, std::uint64_t to) {
  if (from == to) return "number " + std::to_string(from);
  return "numbers " + std::to_string(from) + " to " + std::to_string(to);
}

std::string of(std::string_view entity) {
  return " of worker " + std::string(entity);
}

template <std::size_t size>
std::array<char, size> copy_of(std::string_view text) {
  std::array<char, size> copy{};
  std::copy_n(text.begin(), std::min(size, text.size()), copy.begin());
  return copy;
}

}  // namespace

EventsVerifier::EventsVerifier(core::Secret secret) : secret_(std::move(secret)) {}

void EventsVerifier::begin_file(std::string_view name) {
  flush_run();
  for (auto& [place, text] : std::exchange(torn_, {})) {
    find(place, "torn: the beginning of a line, by a full disk, a killed worker or an edit");
  }
  names_.push_back(printable(name, 512));
}

void EventsVerifier::find(Place place, std::string text) {
  ++finding_count_;
  if (findings_.size() < kListMax) findings_.push_back({place, std::move(text)});
}

void EventsVerifier::note(Place place, std::string text) {
  ++note_count_;
  if (notes_.size() < kListMax) notes_.push_back({place, std::move(text)});
}

std::string EventsVerifier::at(Place place) const {
  return names_[place.file] + ":" + std::to_string(place.line);
}

std::string EventsVerifier::tell(const Finding& finding) const {
  return (finding.place.line == 0 ? names_[finding.place.file] : at(finding.place)) + ": " +
         finding.text;
}

std::size_t EventsVerifier::chains() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      chains_, [](const auto& chain) { return !chain.second.segments.empty(); }));
}

// Keys

EventsVerifier::ChainState EventsVerifier::stranger(std::string_view id) {
  ChainState chain;
  chain.root = events::chain_root(hmac_, secret_, id);
  return chain;
}

bool EventsVerifier::key_of(ChainState& chain, std::uint64_t epoch) {
  if (chain.epoch == epoch) return true;
  chain.epoch = ~std::uint64_t{0};
  if (!events::chain_leaf(hmac_, chain.root, epoch, chain.leaf)) return false;
  chain.epoch = epoch;
  return true;
}

bool EventsVerifier::is_genuine(const ChainState& chain, std::uint64_t epoch,
                                std::string_view label, std::string_view covered,
                                std::string_view mac) {
  events::ChainKey expected{};
  if (chain.epoch != epoch || !hmac_.compute(chain.leaf, {label, covered}, expected)) return false;
  const events::MacText text = events::mac_text(expected);
  return CRYPTO_memcmp(text.data(), mac.data(), text.size()) == 0;
}

// Checkpoints

void EventsVerifier::checkpoint(const LogLine& line) {
  const Place place{static_cast<std::uint32_t>(names_.size() - 1), line.number};
  const auto seal = events::parse_checkpoint(line.text);
  if (!seal) {
    // What else a log of syslog may hold is no concern of ours.
    if (line.ended && line.text.find("guard.checkpoints") != std::string_view::npos) {
      find(place, "altered or appended: a checkpoint that Guard did not write");
    }
    return;
  }
  const bool parsed = record_.parse(seal->text);
  const std::string_view id = parsed ? record_.text(Field::checkpoint_id) : std::string_view{};
  const auto sequence = record_.number(Field::checkpoint_sequence);
  const auto epoch = record_.number(Field::checkpoint_epoch);
  const std::string_view head = record_.text(Field::checkpoint_head);
  bool genuine =
      id.size() == events::kChainIdSize && sequence && epoch && head.size() == events::kMacSize;
  if (genuine) {
    const Id key = copy_of<events::kChainIdSize>(id);
    const auto known = chains_.find(key);
    ChainState fresh;
    if (known == chains_.end()) fresh = stranger(id);
    ChainState& chain = known == chains_.end() ? fresh : known->second;
    genuine = key_of(chain, *epoch) &&
              is_genuine(chain, *epoch, events::kCheckpointLabel, seal->covered, seal->mac);
    if (genuine) {
      ++checkpoints_;
      chain.entity = printable(record_.text(Field::entity_id), 64);
      chain.log_key = std::string(record_.text(Field::hostname)) + '\n' +
                      std::string(record_.text(Field::checkpoint_log));
      const std::uint64_t time_ms = record_.number(Field::checkpoint_time).value_or(0);
      Checkpoint now{*sequence,
                     time_ms,
                     printable(record_.text(Field::timestamp), 32),
                     copy_of<events::kMacSize>(head),
                     record_.text(Field::checkpoint_state) == "end",
                     place};
      const auto& before = chain.signed_to;
      if (before && before->sequence == now.sequence && before->head != now.head) {
        find(place, "forged: signs another line as " + numbers(now.sequence, now.sequence) +
                        of(chain.entity) + " than " + at(before->place));
      }
      if (!before || now.sequence > before->sequence ||
          (now.sequence == before->sequence && now.end)) {
        chain.signed_to = std::move(now);
      }
      if (const auto written = time_of(record_.text(Field::timestamp))) {
        remember(chain, {*sequence, time_ms, *written, place});
      }
      if (known == chains_.end()) chains_.emplace(key, std::move(fresh));
    }
  }
  if (!genuine) {
    find(place, "altered or appended: a checkpoint that Guard did not write under this secret");
  }
}

void EventsVerifier::remember(ChainState& chain, const Signed& now) {
  auto& history = chain.history;
  if (history.size() == kHistoryMax) {
    for (std::size_t i = 1; i < kHistoryMax / 2; ++i) history[i] = history[2 * i];
    history.resize(kHistoryMax / 2);
  }
  history.push_back(now);
}

// Lines

void EventsVerifier::log_line(const LogLine& line) {
  ++lines_;
  const Place place{static_cast<std::uint32_t>(names_.size() - 1), line.number};
  std::string_view text = line.text;
  // A worker that could not finish its line leaves the next one, of another worker, behind it.
  const std::size_t start = text.rfind(events::kLineStart);
  const bool glued = start != std::string_view::npos && start != 0 && line.whole;
  if (glued) text.remove_prefix(start);
  if (!line.whole || !sealed_line(text, place)) {
    unsealed_line(line, place);
    return;
  }
  flush_run();
  for (auto torn = torn_.begin(); torn != torn_.end();) {
    if (text.starts_with(torn->second)) {
      note(torn->first, "torn: the beginning of line " + std::to_string(line.number) +
                            ", by a disk that was full");
      torn = torn_.erase(torn);
    } else {
      ++torn;
    }
  }
  if (glued) unsealed_line({line.text.substr(0, start), line.number, true, true}, place);
}

// A line of the form of a sealed one, genuine or not; false for any other.
bool EventsVerifier::sealed_line(std::string_view text, Place place) {
  const auto seal = events::parse_seal(text);
  if (!seal || !text.starts_with(events::kLineStart)) return false;
  ++sealed_;
  // No number, or one that is too large: never genuine.
  std::uint64_t sequence = ~std::uint64_t{0};
  if (record_.parse(text)) sequence = record_.number(Field::sequence).value_or(sequence);
  const Id id = copy_of<events::kChainIdSize>(seal->chain_id);
  const std::uint64_t epoch = events::epoch_of(sequence);
  const auto known = chains_.find(id);
  if (known != chains_.end()) {
    ChainState& chain = known->second;
    if (key_of(chain, epoch) && is_genuine(chain, epoch, {}, seal->covered, seal->mac)) {
      genuine_line(chain, *seal, place, sequence);
      return true;
    }
  } else {
    ChainState chain = stranger(seal->chain_id);
    if (key_of(chain, epoch) && is_genuine(chain, epoch, {}, seal->covered, seal->mac)) {
      if (const auto claimed = strangers_.find(id); claimed != strangers_.end()) {
        chain.bad = std::move(claimed->second);
        strangers_.erase(claimed);
      }
      chain.entity = printable(record_.text(Field::entity_id), 64);
      genuine_line(chains_.emplace(id, std::move(chain)).first->second, *seal, place, sequence);
      return true;
    }
  }
  bad_line(id, place, sequence);
  return true;
}

void EventsVerifier::bad_line(const Id& id, Place place, std::uint64_t sequence) {
  if (bad_count_ == kBadMax) {
    find(place, "altered or appended: Guard did not write this line under this secret");
    return;
  }
  ++bad_count_;
  const auto known = chains_.find(id);
  (known != chains_.end() ? known->second.bad : strangers_[id]).push_back({place, sequence});
}

void EventsVerifier::genuine_line(ChainState& chain, const events::Seal& seal, Place place,
                                  std::uint64_t sequence) {
  ++genuine_;
  const std::string_view mac = seal.mac;
  if (const auto time = time_of(record_.text(Field::timestamp))) {
    earliest_ms_ = std::min(earliest_ms_.value_or(*time), *time);
  }
  if (chain.signed_to && chain.signed_to->sequence == sequence &&
      view(chain.signed_to->head) != mac) {
    find(place, "forged: the checkpoint at " + at(chain.signed_to->place) +
                    " signs another line as " + numbers(sequence, sequence) + of(chain.entity));
  }
  if (chain.segments.empty() || chain.segments.back().first_place.file != place.file) {
    Segment segment;
    segment.first = segment.last = sequence;
    segment.first_previous = copy_of<events::kPreviousSize>(seal.previous);
    segment.last_mac = copy_of<events::kMacSize>(mac);
    segment.first_place = segment.last_place = place;
    chain.segments.push_back(std::move(segment));
    return;
  }

  Segment& segment = chain.segments.back();
  if (sequence <= segment.last) {
    out_of_order(chain, segment, place, sequence, seal.previous);
    return;
  }
  if (seal.previous == view(segment.last_mac).substr(0, events::kPreviousSize)) {
    // Guard itself knows nothing between them: what the numbers skip was lost before it was sealed.
    chain.lost += sequence - segment.last - 1;
    std::erase_if(chain.bad, [&](const Bad& bad) {
      if (bad.place.file != place.file || bad.place < segment.last_place) return false;
      find(bad.place,
           "appended: Guard did not write this line, and none is missing here" + of(chain.entity));
      return true;
    });
  } else if (sequence == segment.last + 1) {
    find(place, "forged: " + numbers(sequence, sequence) + of(chain.entity) +
                    " does not follow the line at " + at(segment.last_place));
  } else {
    gap(chain, segment.last + 1, sequence - 1, place, sequence, segment.holes);
  }
  segment.last = sequence;
  segment.last_mac = copy_of<events::kMacSize>(mac);
  segment.last_place = place;
}

// Numbers that are not here, but for lines that claim one of them and were altered.
void EventsVerifier::gap(ChainState& chain, std::uint64_t from, std::uint64_t to, Place place,
                         std::uint64_t next, std::vector<Hole>& holes) {
  std::set<std::uint64_t> altered;
  std::erase_if(chain.bad, [&](const Bad& bad) {
    if (bad.sequence < from || bad.sequence > to || !altered.insert(bad.sequence).second) {
      return false;
    }
    find(bad.place, "altered: " + numbers(bad.sequence, bad.sequence) + of(chain.entity));
    return true;
  });
  for (std::uint64_t number : altered) {
    if (number > from) holes.push_back({from, number - 1, place, next});
    from = number + 1;
  }
  if (from <= to) holes.push_back({from, to, place, next});
  while (holes.size() > kHolesMax) {
    find(holes.front().place, "missing: " + numbers(holes.front().from, holes.front().to) +
                                  of(chain.entity) + " before " +
                                  numbers(holes.front().next, holes.front().next));
    holes.erase(holes.begin());
  }
}

// Whether the numbers are all missing in one hole, which is then smaller: they stand at place.
bool EventsVerifier::fill(Segment& segment, std::uint64_t from, std::uint64_t to, Place place,
                          std::string_view entity) {
  for (auto hole = segment.holes.begin(); hole != segment.holes.end(); ++hole) {
    if (from < hole->from || to > hole->to) continue;
    find(place, "reordered: " + numbers(from, to) + of(entity) + ", which belongs before " +
                    numbers(hole->next, hole->next) + " at " + at(hole->place));
    const Hole rest{to + 1, hole->to, hole->place, hole->next};
    hole->to = from - 1;
    if (hole->from > hole->to) {
      hole = segment.holes.erase(hole);
    } else {
      ++hole;
    }
    if (rest.from <= rest.to) segment.holes.insert(hole, rest);
    return true;
  }
  return false;
}

void EventsVerifier::out_of_order(ChainState& chain, Segment& segment, Place place,
                                  std::uint64_t sequence, std::string_view previous) {
  if (sequence < segment.first) {
    find(place, "reordered: " + numbers(sequence, sequence) + of(chain.entity) +
                    ", which belongs before " + numbers(segment.first, segment.first) + " at " +
                    at(segment.first_place));
    if (sequence + 1 < segment.first) {
      segment.holes.push_back(
          {sequence + 1, segment.first - 1, segment.first_place, segment.first});
    }
    segment.first = sequence;
    segment.first_previous = copy_of<events::kPreviousSize>(previous);
    return;
  }
  if (fill(segment, sequence, sequence, place, chain.entity)) return;
  find(place, "duplicated: " + numbers(sequence, sequence) + of(chain.entity) + " again");
}

void EventsVerifier::unsealed_line(const LogLine& line, Place place) {
  const bool guards =
      line.text.starts_with(events::kLineStart) || events::kLineStart.starts_with(line.text);
  if (!line.ended) {
    flush_run();
    if (guards && !line.text.empty()) {
      note(place, "incomplete: the last line, which is not there to its end");
      return;
    }
  }
  const bool complete = line.whole && record_.parse(line.text);
  if (guards && !complete && line.whole && !line.text.empty()) {
    flush_run();
    if (torn_.size() == kTornMax) {
      find(torn_.front().first,
           "torn: the beginning of a line, by a full disk, a killed worker "
           "or an edit");
      torn_.pop_front();
    }
    torn_.emplace_back(place, line.text);
    return;
  }
  const char* what = "appended: no line of Guard's";
  if (guards && complete) what = "appended: carries no seal, or was written without chain=";
  if (run_.what != what || run_.place.file != place.file ||
      run_.place.line + run_.count != place.line) {
    flush_run();
    run_ = {place, 0, what};
  }
  ++run_.count;
}

void EventsVerifier::flush_run() {
  if (run_.what == nullptr) return;
  std::string text = run_.what;
  if (run_.count > 1) {
    text += ", " + std::to_string(run_.count) + " lines up to line " +
            std::to_string(run_.place.line + run_.count - 1);
  }
  find(run_.place, std::move(text));
  run_ = {};
}

// Behind the last line

bool EventsVerifier::maybe_older(std::uint64_t time_ms) const {
  return earliest_ms_ && time_ms < *earliest_ms_ + kSlackMs;
}

void EventsVerifier::finish() {
  flush_run();
  for (auto& [place, text] : std::exchange(torn_, {})) {
    find(place, "torn: the beginning of a line, by a full disk, a killed worker or an edit");
  }
  if (genuine_ == 0 && sealed_ != 0) {
    // With another secret nothing can be said of any line.
    findings_.clear();
    finding_count_ = 0;
    strangers_.clear();
    find({static_cast<std::uint32_t>(names_.size() - 1), 0},
         "no line in any file fits this secret: is it the one of \"chain=\"?");
  }
  for (auto& [id, chain] : chains_) {
    if (chain.segments.empty() || chain.log_key.empty()) continue;
    log_keys_.insert(chain.log_key);
    date_files(chain);
  }
  std::uint64_t without = 0;
  for (auto& [id, chain] : chains_) {
    if (chain.segments.empty()) {
      finish_unseen(chain);
    } else {
      finish_chain(chain);
      if (!chain.signed_to) ++without;
    }
    for (const Bad& bad : chain.bad) {
      const bool there = std::ranges::any_of(chain.segments, [&](const Segment& segment) {
        return bad.sequence >= segment.first && bad.sequence <= segment.last;
      });
      find(bad.place,
           there ? "appended: Guard did not write this line; " +
                       numbers(bad.sequence, bad.sequence) + of(chain.entity) + " is another one"
                 : "altered or appended: Guard did not write this line" + of(chain.entity));
    }
  }
  for (const auto& [id, bad_lines] : strangers_) {
    for (const Bad& bad : bad_lines) {
      find(bad.place, "altered or appended: Guard did not write this line under this secret");
    }
  }
  if (without != 0 && !names_.empty()) {
    note({static_cast<std::uint32_t>(names_.size() - 1), 0},
         "tail unverified: there is no checkpoint of " + std::to_string(without) +
             (without == 1 ? " chain" : " chains") +
             ", so that lines may be missing at the end of each, and whole chains");
  }
  const auto earlier = [](const Finding& a, const Finding& b) { return a.place < b.place; };
  std::ranges::stable_sort(findings_, earlier);
  std::ranges::stable_sort(notes_, earlier);
}

// The first of the chain's lines was written when a checkpoint signed it, if not before.
void EventsVerifier::date_files(ChainState& chain) {
  std::ranges::sort(chain.history, {}, &Signed::sequence);
  const std::uint64_t first = std::ranges::min(chain.segments, {}, &Segment::first).first;
  for (const Signed& one : chain.history) {
    if (one.sequence < first) continue;
    const auto known = begun_ms_.try_emplace(chain.log_key, one.written_ms).first;
    known->second = std::min(known->second, one.written_ms);
    return;
  }
}

std::optional<EventsVerifier::Younger> EventsVerifier::younger(const ChainState& chain,
                                                               std::uint64_t to) const {
  const auto begun = begun_ms_.find(chain.log_key);
  if (begun == begun_ms_.end()) return std::nullopt;
  const std::uint64_t since = begun->second + kSlackMs;
  for (const Signed& one : chain.history) {
    if (one.sequence > to) break;
    if (one.sequence != 0 && one.time_ms >= since) return Younger{one.sequence, &one};
    if (one.sequence < to && one.written_ms >= since) return Younger{one.sequence + 1, &one};
  }
  return std::nullopt;
}

void EventsVerifier::finish_chain(ChainState& chain) {
  std::ranges::sort(chain.segments, [](const Segment& a, const Segment& b) {
    return std::pair(a.first, a.first_place) < std::pair(b.first, b.first_place);
  });
  finish_head(chain, chain.segments.front());
  Segment* furthest = &chain.segments.front();
  for (Segment& segment : std::span(chain.segments).subspan(1)) {
    join(chain, *furthest, segment);
    if (segment.last > furthest->last) furthest = &segment;
  }
  for (Segment& segment : chain.segments) tell_holes(chain, segment);
  finish_tail(chain, *furthest);
  if (chain.lost != 0) {
    note(furthest->last_place, "lost: " + std::to_string(chain.lost) + " lines" + of(chain.entity) +
                                   " were never written, for want of space; no line was removed");
  }
}

void EventsVerifier::join(ChainState& chain, Segment& before, Segment& after) {
  if (after.first <= before.last) {
    if (fill(before, after.first, after.last, after.first_place, chain.entity)) return;
    find(after.first_place,
         "duplicated: " + numbers(after.first, std::min(after.last, before.last)) +
             of(chain.entity) + " again, as from " + at(before.first_place));
    return;
  }
  if (view(after.first_previous) == view(before.last_mac).substr(0, events::kPreviousSize)) {
    chain.lost += after.first - before.last - 1;
  } else if (after.first == before.last + 1) {
    find(after.first_place, "forged: " + numbers(after.first, after.first) + of(chain.entity) +
                                " does not follow the line at " + at(before.last_place));
  } else {
    gap(chain, before.last + 1, after.first - 1, after.first_place, after.first, after.holes);
  }
}

void EventsVerifier::tell_holes(ChainState& chain, Segment& segment) {
  for (const Hole& hole : segment.holes) {
    find(hole.place, "missing: " + numbers(hole.from, hole.to) + of(chain.entity) + ", before " +
                         numbers(hole.next, hole.next));
  }
}

void EventsVerifier::finish_head(ChainState& chain, const Segment& first) {
  if (view(first.first_previous) == events::kFirstPrevious) {
    chain.lost += first.first - 1;
    return;
  }
  if (first.first <= 1) {
    find(first.first_place, "forged: number 1" + of(chain.entity) + " follows another line");
    return;
  }
  std::uint64_t started = 0;
  for (char c : chain.entity) {
    if (c < '0' || c > '9' || started > ~std::uint64_t{0} / 16) break;
    started = started * 10 + static_cast<unsigned>(c - '0');
  }
  std::vector<Hole> holes;
  gap(chain, 1, first.first - 1, first.first_place, first.first, holes);
  const auto provable = younger(chain, first.first - 1);
  for (const Hole& hole : holes) {
    const std::string before = of(chain.entity) + ", before " + numbers(hole.next, hole.next);
    if (!maybe_older(started)) {
      find(hole.place, "missing: " + numbers(hole.from, hole.to) + before);
      continue;
    }
    const std::uint64_t from = provable ? std::max(provable->from, hole.from) : hole.to + 1;
    if (from > hole.from) {
      note(hole.place, "head unverified: " + numbers(hole.from, std::min(from - 1, hole.to)) +
                           of(chain.entity) + " are in no file, but may be older than the files");
    }
    if (from <= hole.to) {
      find(hole.place, "missing: " + numbers(from, hole.to) + before +
                           ", which are younger than the files: the checkpoint at " +
                           at(provable->proof->place) + " signs " +
                           numbers(provable->proof->sequence, provable->proof->sequence));
    }
  }
}

void EventsVerifier::finish_tail(ChainState& chain, const Segment& last) {
  const auto& known = chain.signed_to;
  if (!known) return;  // said once for all
  const std::string signs = " the checkpoint at " + at(known->place) + " of " + known->when +
                            " signs " + numbers(known->sequence, known->sequence);
  if (known->sequence > last.last) {
    std::vector<Hole> holes;
    gap(chain, last.last + 1, known->sequence, last.last_place, known->sequence + 1, holes);
    for (const Hole& hole : holes) {
      find(hole.place, "missing: " + numbers(hole.from, hole.to) + of(chain.entity) +
                           ", behind this line, its last;" + signs);
    }
    return;
  }
  if (known->end && known->sequence == last.last) {
    std::erase_if(chain.bad, [&](const Bad& bad) {
      if (bad.sequence <= last.last) return false;
      find(bad.place,
           "appended: Guard did not write this line;" + signs + of(chain.entity) + " as the last");
      return true;
    });
    return;
  }
  if (known->end) {
    find(last.last_place, "forged: " + numbers(last.last, last.last) + of(chain.entity) +
                              " is written, but" + signs + " as the last");
    return;
  }
  note(last.last_place, "tail unverified: this is the last line" + of(chain.entity) +
                            ", and nothing says that no other was behind it;" + signs);
}

void EventsVerifier::finish_unseen(const ChainState& chain) {
  const auto& known = chain.signed_to;
  if (!known || known->sequence == 0) return;
  if (!log_keys_.empty() && !log_keys_.contains(chain.log_key)) return;
  const std::string what = "all lines, " + numbers(1, known->sequence) + "," + of(chain.entity);
  if (maybe_older(known->time_ms)) {
    note(known->place, "unseen: " + what + " are in no file, but may be older than the files");
  } else {
    find(known->place, "missing: " + what + " are in no file");
  }
}

}  // namespace guard::cli
