#include "health/report.h"

#include <time.h>

#include <array>
#include <cstdio>

#include "core/json_escape.h"
#include "core/metric_text.h"
#include "core/version.h"

namespace guard::health {

namespace {

std::string_view simple_name(Status status) noexcept {
  switch (status) {
    case Status::pass:
      return "healthy";
    case Status::warn:
      return "degraded";
    case Status::unknown:
    case Status::fail:
      break;
  }
  return "unhealthy";
}

std::string_view component_type(Kind kind) noexcept {
  switch (kind) {
    case Kind::disk:
    case Kind::memory:
    case Kind::certificate:
    case Kind::zone:
      return "system";
    case Kind::redis:
    case Kind::postgres:
    case Kind::mysql:
      return "datastore";
    case Kind::tcp:
    case Kind::http:
      break;
  }
  return "component";
}

struct Measurement {
  std::string_view name;
  std::string_view unit;
  unsigned decimals;
};

Measurement measurement_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::disk:
      return {"free", "bytes", 0};
    case Kind::memory:
      return {"available", "bytes", 0};
    case Kind::certificate:
      return {"remaining", "s", 0};
    case Kind::zone:
      return {"free", "percent", 1};
    default:
      return {"responseTime", "ms", 3};
  }
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  core::append_json_string(out, value);
}

void append_check(std::string& out, const Entry& entry) {
  const Measurement measurement = measurement_of(entry.policy->kind);
  const Standing& standing = entry.standing;
  core::append_json_string(out, entry.policy->name + ":" + std::string(measurement.name));
  out.append(":[{\"componentType\":");
  core::append_json_string(out, component_type(entry.policy->kind));
  if (standing.last.value) {
    out.append(",\"observedValue\":");
    const std::int64_t value = *standing.last.value;
    if (value < 0) out.push_back('-');
    core::append_decimal(out, static_cast<std::uint64_t>(value < 0 ? -value : value),
                         measurement.decimals);
    append_member(out, "observedUnit", measurement.unit);
  }
  append_member(out, "status", name_of(standing.status));
  if (standing.time_ms != 0) {
    out.append(",\"time\":\"");
    append_time(out, standing.time_ms);
    out.push_back('"');
  }
  if (standing.status == Status::unknown) {
    append_member(out, "output", "there is no result yet");
  } else if (!standing.last.output().empty()) {
    append_member(out, "output", standing.last.output());
  }
  out.append("}]");
}

}  // namespace

void append_time(std::string& out, std::uint64_t ms) {
  const auto seconds = static_cast<time_t>(ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text;
  std::size_t size = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  size += static_cast<std::size_t>(std::snprintf(text.data() + size, text.size() - size, ".%03uZ",
                                                 static_cast<unsigned>(ms % 1000)));
  out.append(text.data(), size);
}

std::string health_json(const Report& report) {
  std::string out = "{\"status\":\"";
  out.append(name_of(report.status)).append("\"");
  append_member(out, "releaseId", core::kVersion);
  if (report.draining) out.append(",\"notes\":[\"draining\"]");
  out.append(",\"checks\":{");
  bool first = true;
  for (const Entry& entry : report.entries) {
    if (!first) out.push_back(',');
    first = false;
    append_check(out, entry);
  }
  return out.append("}}\n");
}

std::string simple_json(const Report& report) {
  std::string out = "{\"status\":\"";
  out.append(simple_name(report.status)).append("\",\"timestamp\":\"");
  append_time(out, report.now_ms);
  out.append("\",\"services\":{");
  bool first = true;
  for (const Entry& entry : report.entries) {
    if (!first) out.push_back(',');
    first = false;
    core::append_json_string(out, entry.policy->name);
    out.append(":\"").append(simple_name(entry.standing.status)).append("\"");
  }
  return out.append("}}\n");
}

std::string status_json(Status status, bool simple) {
  std::string out = "{\"status\":\"";
  out.append(simple ? simple_name(status) : name_of(status));
  return out.append("\"}\n");
}

}  // namespace guard::health
