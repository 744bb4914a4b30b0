// The answers of guard_health.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "health/board.h"
#include "health/policy.h"

namespace guard::health {

struct Entry {
  const CheckPolicy* policy = nullptr;
  Standing standing;
};

struct Report {
  Status status = Status::pass;
  std::span<const Entry> entries;
  bool draining = false;
  std::uint64_t now_ms = 0;  // since 1970
};

inline constexpr std::string_view kHealthType = "application/health+json";

// application/health+json (draft-inadarei-api-health-check-06), with a line feed behind it.
std::string health_json(const Report& report);
// {"status":"healthy","timestamp":"...","services":{"database":"healthy"}}
std::string simple_json(const Report& report);
// Either, for those who are told nothing else.
std::string status_json(Status status, bool simple);

// "2026-01-31T12:00:00.000Z"
void append_time(std::string& out, std::uint64_t ms);

}  // namespace guard::health
