#include "core/recent_events.h"

#include "core/core_config.h"
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

}  // namespace

void keep_recent_events(ngx_conf_t* cf) {
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
  if (main.recent_events) return;
  main.recent_events = std::make_unique<EventRing>();
  ngx::Zone::add(cf, "guard_recent_events", kZoneSize, EventRing::bytes(), format, adopt,
                 main.recent_events.get());
  need_client_key(cf);
}

EventRing* recent_events(ngx_cycle_t* cycle) noexcept {
  const MainConf* main = main_conf(cycle);
  return main == nullptr ? nullptr : main->recent_events.get();
}

}  // namespace guard::core
