// Event lines that prove what they are: each carries an HMAC-SHA-256 over itself and names the line
// before it. A chain is what one worker writes, in one life, to one log:
//
//   {"@timestamp":...,"guard":{"chain":{"id":"ID","prev":"PREV","mac":"MAC"}}}
//
// ID    names the chain: 96 random bits
// PREV  the first kPreviousSize characters of the MAC of the line before it, all "A" of the first
// MAC   over all bytes of the line before `,"mac":`, under a key that ID and the line's
//       event.sequence lead to (chain_key.h)
//
// IDs and MACs are base64url without padding (RFC 4648, section 5). PREV is in the line, so that
// each line can be checked by itself, whatever is missing before it; and since only what the sink
// took is linked, a line that was lost for want of space leaves a gap in the numbers, but none in
// the links.
//
// Checkpoints are lines of their own, for another place than the log: how far a chain has come.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/secret.h"
#include "events/chain_key.h"

namespace guard::events {

inline constexpr std::size_t kChainIdSize = 16;
inline constexpr std::size_t kMacSize = 43;
inline constexpr std::size_t kPreviousSize = 22;
inline constexpr std::string_view kFirstPrevious = "AAAAAAAAAAAAAAAAAAAAAA";
static_assert(kFirstPrevious.size() == kPreviousSize);

using MacText = std::array<char, kMacSize>;
MacText mac_text(const ChainKey& mac) noexcept;

// What every line begins with, and no text within one can hold.
inline constexpr std::string_view kLineStart = "{\"@timestamp\":\"";

// What seal() adds to a line.
inline constexpr std::string_view kSealHead = ",\"guard\":{\"chain\":{\"id\":\"";
inline constexpr std::string_view kSealPrevious = "\",\"prev\":\"";
inline constexpr std::string_view kSealMac = "\",\"mac\":\"";
inline constexpr std::string_view kSealTail = "\"}}}";
inline constexpr std::size_t kSealSize = kSealHead.size() + kChainIdSize + kSealPrevious.size() +
                                         kPreviousSize + kSealMac.size() + kMacSize +
                                         kSealTail.size() - 1;

// The parts of a line that has the form of a sealed one; says nothing of whether it is genuine.
struct Seal {
  std::string_view covered;  // by the MAC
  std::string_view chain_id;
  std::string_view previous;
  std::string_view mac;
};
// line is without its line feed.
std::optional<Seal> parse_seal(std::string_view line) noexcept;

// open: more may follow. end: the worker has ended in order, and wrote nothing after it.
enum class CheckpointState : std::uint8_t { open, end };

// The parts of a checkpoint line, of the same kind.
struct CheckpointSeal {
  std::string_view covered;
  std::string_view mac;
  std::string_view text;  // from its first brace to its last: the JSON object
};
// line may have other text before and after it, as syslog puts there.
std::optional<CheckpointSeal> parse_checkpoint(std::string_view line) noexcept;
// Before what a checkpoint's MAC covers, so that no line can pass for one.
inline constexpr std::string_view kCheckpointLabel = "checkpoint\n";
inline constexpr std::size_t kCheckpointMax = 4096;  // bytes, with the line feed

// Who writes what.
struct ChainOwner {
  std::string entity_id;  // process.entity_id of the lines
  std::string host;
  std::string log;  // the event log's path or address
};

class Chain {
 public:
  // Draws the id. For a worker's start: throws std::bad_alloc, also if OpenSSL fails.
  Chain(const core::Secret& secret, const ChainOwner& owner);

  // Seals the line in the first `size` bytes of buffer, which end in "}\n"; sequence and now_ms
  // (since the epoch) are the line's. Answers the size it has then, or 0 if there is no room for
  // kSealSize more bytes, the sequence is no later one than before, or OpenSSL fails.
  std::size_t seal(std::span<char> buffer, std::size_t size, std::uint64_t sequence,
                   std::uint64_t now_ms) noexcept;
  // The sink has taken the line: the next one follows it.
  void took() noexcept;

  // The number of the last line that was taken; 0: none.
  std::uint64_t sequence() const { return head_.sequence; }
  // Whether a checkpoint would say something new.
  bool unsigned_lines() const { return signed_ != head_.sequence; }
  // The same, and the last one is at least interval_ms ago, or in the future.
  bool checkpoint_due(std::uint64_t now_ms, std::uint64_t interval_ms) const {
    return unsigned_lines() && now_ms - signed_ms_ >= interval_ms;
  }

  // A line, with its line feed, that signs what was taken so far: to be written only once that has
  // left for its file. 0 if OpenSSL fails; the state is then as before.
  std::size_t checkpoint(CheckpointState state, std::uint64_t now_ms,
                         std::span<char, kCheckpointMax> out) noexcept;

 private:
  struct Head {
    std::uint64_t sequence = 0;
    std::uint64_t time_ms = 0;
    MacText mac{};
  };

  std::array<char, kChainIdSize> id_;
  ChainKeys keys_;
  std::string checkpoint_head_;  // of a checkpoint line, behind its timestamp
  Head head_;
  Head next_;
  std::uint64_t signed_ = ~std::uint64_t{0};
  std::uint64_t signed_ms_ = 0;
};

}  // namespace guard::events
