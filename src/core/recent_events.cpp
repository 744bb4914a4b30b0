#include "core/recent_events.h"

#include <algorithm>

#include "core/core_config.h"
#include "core/zone_metrics.h"
#include "ngx/zone.h"

namespace guard::core {

namespace {

constexpr std::size_t kZoneSize = std::size_t{576} << 10;

void format(std::span<std::byte> memory, void* context) noexcept {
  // kZoneSize has room for it.
  static_cast<EventRing*>(context)->attach(memory);
}

bool adopt(std::span<std::byte> memory, void* context) noexcept {
  return static_cast<EventRing*>(context)->attach(memory);
}

// The oldest makes room for the newest, as it should: none is given up.
ZoneUse use_of(void* context) noexcept {
  const std::uint64_t lines = static_cast<const EventRing*>(context)->last();
  return {std::min<std::uint64_t>(lines, EventRing::kSlots), EventRing::kSlots, 0};
}

}  // namespace

void keep_recent_events(ngx_conf_t* cf) {
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
  if (main.recent_events) return;
  main.recent_events = std::make_unique<EventRing>();
  EventRing* ring = main.recent_events.get();
  const ngx::Zone* zone =
      ngx::Zone::add(cf, "guard_recent_events", kZoneSize, EventRing::bytes(), format, adopt, ring);
  add_zone_metrics(cf, *zone, use_of, ring);
  need_client_key(cf);
}

EventRing* recent_events(ngx_cycle_t* cycle) noexcept {
  const MainConf* main = main_conf(cycle);
  return main == nullptr ? nullptr : main->recent_events.get();
}

}  // namespace guard::core
