#include "cli/event_record.h"

#include <charconv>
#include <chrono>

namespace guard::cli {

namespace {

constexpr std::array<std::string_view, kFieldCount> kPointers = {
    "/@timestamp",
    "/log/level",
    "/event/action",
    "/event/code",
    "/event/reason",
    "/event/sequence",
    "/rule/name",
    "/user/name",
    "/user/hash",
    "/source/ip",
    "/source/port",
    "/url/path",
    "/url/query",
    "/url/domain",
    "/url/scheme",
    "/http/version",
    "/http/request/id",
    "/http/request/method",
    "/http/response/status_code",
    "/user_agent/original",
    "/trace/id",
    "/labels/kind",
    "/labels/decision",
    "/labels/json_pointer",
    "/labels/key_hash",
    "/labels/count",
    "/labels/route",
    "/labels/address_hash",
    "/url/original",
    "/labels/blocked_uri",
    "/labels/effective_directive",
    "/observer/hostname",
    "/process/entity_id",
    "/guard/checkpoint/id",
    "/guard/checkpoint/log",
    "/guard/checkpoint/sequence",
    "/guard/checkpoint/epoch",
    "/guard/checkpoint/time",
    "/guard/checkpoint/head",
    "/guard/checkpoint/state",
};
static_assert(static_cast<std::size_t>(Field::checkpoint_state) + 1 == kFieldCount);

template <class Number>
bool digits(std::string_view text, Number& out) noexcept {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && stop == end && text.front() >= '0' && text.front() <= '9';
}

}  // namespace

EventRecord::EventRecord() : parser_(std::make_unique<core::JsonParser>()) {
  for (std::string_view pointer : kPointers) pointers_.emplace_back(pointer);
}

bool EventRecord::parse(std::string_view line) noexcept {
  core::JsonLimits limits = core::widest_json_limits();
  limits.depth = 32;
  limits.keys = 4096;
  document_ = parser_->parse(line, limits);
  if (document_ != nullptr && document_->root().type != core::JsonType::object) {
    document_ = nullptr;
  }
  return document_ != nullptr;
}

std::string_view EventRecord::text(Field field) const noexcept {
  if (document_ == nullptr) return {};
  const core::JsonNode* node = pointers_[static_cast<std::size_t>(field)].find(*document_);
  return node == nullptr ? std::string_view{} : document_->scalar(*node).value_or("");
}

std::optional<std::uint64_t> EventRecord::number(Field field) const noexcept {
  const std::string_view value = text(field);
  std::uint64_t number = 0;
  if (value.empty() || !digits(value, number)) return {};
  return number;
}

std::optional<std::uint64_t> time_of(std::string_view timestamp) noexcept {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  if (timestamp.size() != kForm.size()) return {};
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = timestamp[i] >= '0' && timestamp[i] <= '9';
    if (kForm[i] == '0' ? !digit : timestamp[i] != kForm[i]) return {};
  }
  const auto at = [timestamp](std::size_t from, std::size_t size) {
    unsigned number = 0;
    (void)digits(timestamp.substr(from, size), number);
    return number;
  };
  using namespace std::chrono;
  const year_month_day date(year(static_cast<int>(at(0, 4))), month(at(5, 2)), day(at(8, 2)));
  const unsigned hour = at(11, 2);
  const unsigned minute = at(14, 2);
  const unsigned second = at(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return {};
  const auto days = sys_days(date).time_since_epoch().count();
  if (days < 0) return {};
  return static_cast<std::uint64_t>(days) * 86'400'000 +
         (hour * 3600ULL + minute * 60ULL + second) * 1000 + at(20, 3);
}

}  // namespace guard::cli
