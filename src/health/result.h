// What a probe has found.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "health/verdict.h"

namespace guard::health {

inline constexpr std::size_t kMaxOutput = 104;

struct Result {
  Status status = Status::unknown;
  // Of a disk and memory: free bytes; of a zone: thousandths that are free; of a certificate:
  // seconds left; of all others: microseconds that the answer took. Nothing where there was no
  // answer, or where what is to be looked at is not there.
  std::optional<std::int64_t> value;
  // Of a disk (bytes or inodes, whichever are scarcer), memory, a zone: thousandths of the whole
  // that are free.
  std::uint64_t share = 0;
  std::array<char, kMaxOutput> output_bytes{};
  std::size_t output_size = 0;

  // Why it is no pass.
  std::string_view output() const noexcept { return {output_bytes.data(), output_size}; }
  // Printable ASCII, cut where there is no room: it may come from outside.
  void say(std::string_view text) noexcept {
    for (const char c : text) {
      if (output_size == output_bytes.size()) return;
      output_bytes[output_size++] = c >= ' ' && c < 0x7f ? c : '?';
    }
  }
};

}  // namespace guard::health
