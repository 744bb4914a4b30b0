// How much what a client does weighs: weights= of guard_ban_policy.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"

namespace guard::lockout {

// Whose doing what is weighed is. elsewhere: a page of another site may have caused it, in the
// browser of a visitor who knows nothing of it.
enum class Cause : std::uint8_t { client, elsewhere };

// Whether an event says by itself that another site's page may have caused it.
bool is_from_elsewhere(core::EventKind kind) noexcept;

class BanWeights {
 public:
  static constexpr std::uint32_t kMaxWeight = 1'000'000;
  static constexpr std::size_t kMaxEntries = 64;

  // text: "login_failed:5,inspect.sqli:50,rate.*:2,404:1,4xx:1" of word=text. Kinds of events,
  // codes of refusals, of which the last part may be *, and statuses of answers. Throws
  // ConfigError.
  void read(std::string_view word, std::string_view text, Cause cause);

  // What an event weighs: as its code if there is a weight for it (the longest that fits it), else
  // as its kind.
  std::uint32_t of_event(const core::Event& event) const noexcept;
  // What an answer weighs: as its status if there is a weight for it, else as its class.
  std::uint32_t of_status(std::uint16_t status) const noexcept;

  // Throws ConfigError for a code that is none of these, or the beginning of none.
  void check_codes(std::span<const std::string_view> known) const;

  bool empty() const { return entries_ == 0; }
  bool has(core::EventKind kind) const noexcept;
  // Those that weigh anything.
  std::vector<core::NamedKind> kinds() const;
  bool has_statuses() const { return !statuses_.empty(); }

 private:
  struct Kind {
    core::NamedKind kind;
    std::uint32_t weight;
  };
  struct Code {
    std::string text;
    bool prefix = false;
    std::uint32_t weight = 0;
  };
  struct Status {
    std::uint16_t first;
    std::uint16_t last;
    std::uint32_t weight;
  };

  void add_status(std::string_view what, std::uint32_t weight);
  void add_code(std::string_view what, std::uint32_t weight, std::string_view word, Cause cause);
  void add_kind(std::string_view what, std::uint32_t weight, std::string_view word, Cause cause);

  std::size_t entries_ = 0;
  std::vector<Kind> kinds_;
  std::vector<Code> codes_;       // the longest first
  std::vector<Status> statuses_;  // single ones first
};

}  // namespace guard::lockout
