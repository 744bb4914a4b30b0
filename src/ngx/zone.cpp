#include "ngx/zone.h"

#include <string>

#include "core/words.h"
#include "ngx/config.h"

extern "C" ngx_module_t ngx_http_guard_module;

namespace guard::ngx {

namespace {

ngx_shm_zone_t* zone_of_running_cycle(ngx_conf_t* cf, std::string_view name) {
  const ngx_cycle_t* old = cf->cycle->old_cycle;
  if (old == nullptr || ngx_is_init_cycle(old)) return nullptr;
  for (const ngx_list_part_t* part = &old->shared_memory.part; part != nullptr; part = part->next) {
    auto* zones = static_cast<ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (to_view(zones[i].shm.name) == name && zones[i].tag == &ngx_http_guard_module) {
        return &zones[i];
      }
    }
  }
  return nullptr;
}

}  // namespace

Zone* Zone::add(ngx_conf_t* cf, std::string_view name, std::size_t size, std::uint64_t layout,
                Format format, Adopt adopt, void* context) {
  ngx_str_t zone_name = borrow(keep(cf, name));
  ngx_shm_zone_t* zone = ngx_shared_memory_add(cf, &zone_name, size, &ngx_http_guard_module);
  if (zone == nullptr) throw AlreadyLogged{};
  if (zone->data != nullptr) core::fail("zone \"", name, "\" is defined twice");

  Zone* self = pool_new<Zone>(cf->pool, layout, format, adopt, context);
  self->zone_ = zone;
  zone->data = self;
  zone->init = init;

  if (ngx_shm_zone_t* running = zone_of_running_cycle(cf, name)) {
    const bool changed = static_cast<const Zone*>(running->data)->layout_ != layout;
    // Of the two nginx asks the new one whether it takes the memory over, and the old one whether
    // it is to be freed.
    zone->noreuse = running->noreuse = changed ? 1 : 0;
    if (running->shm.size != size) {
      notice(cf, "zone \"" + std::string(name) + "\" is resized from " +
                     std::to_string(running->shm.size) + " to " + std::to_string(size) +
                     " bytes, what it held is lost");
    } else if (changed) {
      notice(cf, "zone \"" + std::string(name) + "\" is laid out anew, what it held is lost");
    }
  }
  return self;
}

std::string_view Zone::name() const {
  return to_view(zone_->shm.name);
}

ngx_int_t Zone::init(ngx_shm_zone_t* zone, void* data) noexcept {
  auto* self = static_cast<Zone*>(zone->data);
  auto* slab = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);

  if (data != nullptr) {
    self->memory_ = static_cast<Zone*>(data)->memory_;
    if (self->adopt_(self->memory_, self->context_)) return NGX_OK;
    ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0, "zone \"%V\" is damaged, restart nginx",
                  &zone->shm.name);
    return NGX_ERROR;
  }

  // The one allocation takes every page; a zone never has a second one.
  std::size_t usable = slab->pfree << ngx_pagesize_shift;
  void* memory = usable == 0 ? nullptr : ngx_slab_alloc(slab, usable);
  if (memory == nullptr) {
    ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0, "zone \"%V\" is too small", &zone->shm.name);
    return NGX_ERROR;
  }
  slab->data = memory;
  self->memory_ = {static_cast<std::byte*>(memory), usable};
  self->format_(self->memory_, self->context_);
  return NGX_OK;
}

}  // namespace guard::ngx
