// An event as one line of JSON by the Elastic Common Schema 9.4. No byte that a client chose can
// end the line, forge a member or make it longer than its limit: see docs/events.md for what is
// where.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/event.h"
#include "events/policy.h"
#include "events/request_facts.h"

namespace guard::events {

// Bytes of a line with its line feed.
inline constexpr std::size_t kLineMax = 8192;
// The same for a pipe, of which only writes up to PIPE_BUF (at least 4096 on Linux) are atomic.
inline constexpr std::size_t kPipeLineMax = 4096;

// Who writes: the same for all lines of one worker.
struct Writer {
  std::string host;     // of the machine
  std::string version;  // Guard's own
  std::uint64_t process_id = 0;
  std::uint64_t started_ms = 0;  // since the epoch; with the process id it names one worker's life
};

// process.entity_id
std::string entity_id(const Writer& writer);

class EcsEncoder {
 public:
  // For configuration or worker start: may throw std::bad_alloc.
  explicit EcsEncoder(const Writer& writer);

  // Writes the line, which ends in its only line feed, and answers its size, or 0 if out is smaller
  // than kPipeLineMax - kSealSize (chain.h). request is null for an event of the worker itself.
  // now_ms is since the epoch. A text that is too long is cut, ends in U+2026 and is named in
  // labels.truncated; with less room than kLineMax texts are cut earlier.
  std::size_t encode(const core::Event& event, const RequestFacts* request,
                     const PrivacyPolicy& privacy, std::uint64_t sequence, std::uint64_t now_ms,
                     std::span<char> out) noexcept;

 private:
  // The members that depend on the kind alone, ready to be copied.
  struct KindText {
    std::string head;          // "event":{... with "action", unless the event names its own
    std::string categories;    // "category": up to "type":
    std::string type;          // of what was refused or merely happened
    std::string allowed_type;  // the same where nothing was refused: "allowed" for "denied"
    std::string tail;          // "outcome": and what follows it
  };

  struct SeverityText {
    std::string level;   // the end of the timestamp, "log"
    std::string number;  // "severity":
  };

  std::array<KindText, core::kEventKindCount> kinds_;
  std::array<SeverityText, 7> severities_;
  std::string writer_;
  std::uint64_t second_ = 0;
  std::array<char, 20> date_{};  // "2026-11-24T03:36:15." of second_
};

}  // namespace guard::events
