// What a line of the event log says, member by member (docs/events.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/json_parser.h"
#include "core/json_pointer.h"

namespace guard::cli {

// In the order of the table in event_record.cpp.
enum class Field : std::uint8_t {
  timestamp,
  level,
  action,
  code,
  reason,
  sequence,
  policy,
  user_name,
  user_hash,
  address,
  port,
  path,
  query,
  domain,
  scheme,
  http_version,
  request_id,
  method,
  status,
  user_agent,
  trace_id,
  kind,
  decision,
  pointer,
  key_hash,
  count,
  route,
  address_hash,
  page,
  blocked_uri,
  effective_directive,
  hostname,
  entity_id,
  checkpoint_id,
  checkpoint_log,
  checkpoint_sequence,
  checkpoint_epoch,
  checkpoint_time,
  checkpoint_head,
  checkpoint_state,
};
inline constexpr std::size_t kFieldCount = 40;

class EventRecord {
 public:
  EventRecord();

  // Whether line is a JSON object; what the functions below answer lives as long as line does and
  // until the next call.
  bool parse(std::string_view line) noexcept;

  // A scalar as text; empty if there is none, or it is no scalar.
  std::string_view text(Field field) const noexcept;
  // A number without sign, fraction and exponent, or a text of digits.
  std::optional<std::uint64_t> number(Field field) const noexcept;

 private:
  std::vector<core::JsonPointer> pointers_;
  std::unique_ptr<core::JsonParser> parser_;
  const core::JsonDocument* document_ = nullptr;
};

// Milliseconds since the epoch of "2026-11-24T03:36:15.123Z", which is how Guard writes all times.
std::optional<std::uint64_t> time_of(std::string_view timestamp) noexcept;

}  // namespace guard::cli
