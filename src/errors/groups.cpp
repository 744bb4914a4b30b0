#include "errors/groups.h"

#include <algorithm>

namespace guard::errors {

namespace {

std::string_view cut(std::string_view text) {
  return text.substr(0, Groups::kMaxText);
}

}  // namespace

bool Group::is(const Occurrence& other) const {
  return status == other.status && kind == cut(other.kind) && route == cut(other.route) &&
         code == cut(other.code) && server == cut(other.server);
}

// One that has nothing to report, and need not wait any more before it has again.
Group* Groups::find_room(std::uint64_t now_ms) noexcept {
  if (groups_.size() < kMax) return &groups_.emplace_back();
  const auto idle = std::ranges::find_if(
      groups_, [&](const Group& group) { return group.count == 0 && group.due_ms <= now_ms; });
  return idle == groups_.end() ? nullptr : &*idle;
}

bool Groups::add(const Occurrence& occurrence, std::uint64_t now_ms,
                 std::uint64_t wall_ms) noexcept {
  try {
    auto known =
        std::ranges::find_if(groups_, [&](const Group& one) { return one.is(occurrence); });
    if (known != groups_.end()) {
      if (known->count == 0) {
        known->first_ms = wall_ms;
        known->due_ms = std::max(known->due_ms, now_ms);
        known->request_id = cut(occurrence.request_id);
        known->method = cut(occurrence.method);
        known->detail = cut(occurrence.detail);
      }
      ++known->count;
      return true;
    }
    Group made;
    made.kind = cut(occurrence.kind);
    made.server = cut(occurrence.server);
    made.route = cut(occurrence.route);
    made.code = cut(occurrence.code);
    made.method = cut(occurrence.method);
    made.request_id = cut(occurrence.request_id);
    made.detail = cut(occurrence.detail);
    made.status = occurrence.status;
    made.count = 1;
    made.first_ms = wall_ms;
    made.due_ms = now_ms;
    Group* room = find_room(now_ms);
    if (room == nullptr) return false;
    *room = std::move(made);
    return true;
  } catch (...) {
    return false;
  }
}

const Group* Groups::due(std::uint64_t now_ms) const noexcept {
  const Group* found = nullptr;
  for (const Group& group : groups_) {
    if (group.count == 0 || group.due_ms > now_ms) continue;
    if (found == nullptr || group.due_ms < found->due_ms) found = &group;
  }
  return found;
}

std::size_t Groups::pending() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(groups_, [](const Group& group) { return group.count != 0; }));
}

std::uint64_t Groups::next() const noexcept {
  std::uint64_t next = kNever;
  for (const Group& group : groups_) {
    if (group.count != 0) next = std::min(next, group.due_ms);
  }
  return next;
}

void Groups::reported(const Group& group, std::uint64_t count, std::uint64_t now_ms) noexcept {
  const Occurrence same{group.kind, group.server, group.route, group.code,
                        {},         {},           {},          group.status};
  for (Group& one : groups_) {
    if (!one.is(same)) continue;
    one.count -= std::min(count, one.count);
    one.due_ms = now_ms + kInterval;
    return;
  }
}

}  // namespace guard::errors
