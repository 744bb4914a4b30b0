#include "core/census.h"

#include <algorithm>
#include <vector>

#include "core/clock.h"
#include "core/core_config.h"
#include "core/counter_cas.h"
#include "core/words.h"
#include "core/zone_metrics.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

constexpr std::uint64_t kPiece = 32768;        // entries: a fraction of a millisecond
constexpr std::uint64_t kRoundAtLeast = 1000;  // milliseconds from one round to the next

MainConf& main_of(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_module));
}

}  // namespace

void Census::add_to(ngx_conf_t* cf, MetricRegistry& registry) {
  block_ = &registry.block("census " + subject_.zone, kWords);
  registry.add(kZoneUsed, write_used, this);
  registry.add(kZoneEvictions, write_evictions, this);
  if (subject_.in_force != nullptr) registry.add(*subject_.in_force, write_in_force, this);
  static constexpr LeasedJob::Work kWork = {lease, run,
                                            [](void* /*context*/) noexcept { return false; }};
  add_job(cf, kInterval, kWork, this);
}

std::uint64_t& Census::lease(void* context) noexcept {
  auto& self = *static_cast<Census*>(context);
  std::uint64_t* words = self.block_->shared();
  return words == nullptr ? self.own_lease_ : words[kLease];
}

void Census::run(void* context, bool fresh) noexcept {
  static_cast<Census*>(context)->step(fresh);
}

void Census::step(bool fresh) noexcept {
  std::uint64_t* words = block_->shared();
  if (words == nullptr || ngx_exiting != 0) return;
  const std::uint64_t now_ms = microseconds() / 1000;
  if (fresh) begun_ms_ = 0;
  if (fresh || next_ == 0) {
    if (begun_ms_ != 0 && now_ms < begun_ms_ + kRoundAtLeast) return;
    begun_ms_ = now_ms;
    next_ = 0;
    tally_ = {};
  }
  const std::uint64_t sets = subject_.sets(subject_.context);
  const std::uint64_t count =
      std::min(std::max<std::uint64_t>(kPiece / subject_.ways, 1), sets - std::min(next_, sets));
  subject_.add(subject_.context, next_, count, tally_);
  next_ += count;
  if (next_ < sets) return;
  next_ = 0;
  store(words[kEntries], tally_.entries);
  store(words[kPlaces], sets * subject_.ways);
  store(words[kInForce], tally_.in_force);
  store(words[kDone], 1);
}

std::uint64_t Census::read(Word word) const noexcept {
  const std::uint64_t* words = block_->shared();
  return words == nullptr ? 0 : load(words[word]);
}

bool Census::read_use(std::uint64_t& used, std::uint64_t& places) const noexcept {
  used = read(kEntries);
  places = read(kPlaces);
  return read(kDone) != 0 && places != 0;
}

bool Census::write_used(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& self = *static_cast<const Census*>(context);
  std::uint64_t used = 0;
  std::uint64_t places = 0;
  if (!self.read_use(used, places)) return true;
  out.sample(metric_labels({{"zone", self.subject_.zone}}),
             static_cast<double>(used) / static_cast<double>(places));
  return true;
}

bool Census::write_evictions(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const Subject& subject = static_cast<const Census*>(context)->subject_;
  out.sample(metric_labels({{"zone", subject.zone}}), subject.evictions(subject.context));
  return true;
}

bool Census::write_in_force(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& self = *static_cast<const Census*>(context);
  out.sample(self.subject_.labels, self.read(kInForce));
  return true;
}

void check_zone_use(ngx_conf_t* cf, std::string_view zone, std::string_view who) {
  std::vector<std::string_view> names;
  for (const auto& census : main_of(cf).censuses) {
    if (census->zone() == zone) return;
    names.push_back(census->zone());
  }
  const ngx_shm_zone_t* found = find_zone(cf->cycle, zone);
  if (found == nullptr) fail("unknown zone \"", zone, "\" of ", who, suggestion(zone, names));
  if (found->tag == &ngx_http_guard_module) {
    fail("zone \"", zone, "\" of ", who, " is as full as it will ever be");
  }
}

bool zone_use(ngx_cycle_t* cycle, std::string_view zone, std::uint64_t& used,
              std::uint64_t& places) noexcept {
  const MainConf* main = main_conf(cycle);
  if (main == nullptr) return false;
  for (const auto& census : main->censuses) {
    if (census->zone() == zone) return census->read_use(used, places);
  }
  const ngx_shm_zone_t* found = find_zone(cycle, zone);
  return found != nullptr && pages_in_use(*found, used, places);
}

const ngx_shm_zone_t* find_zone(const ngx_cycle_t* cycle, std::string_view name) noexcept {
  for (const ngx_list_part_t* part = &cycle->shared_memory.part; part != nullptr;
       part = part->next) {
    const auto* zones = static_cast<const ngx_shm_zone_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (ngx::to_view(zones[i].shm.name) == name) return &zones[i];
    }
  }
  return nullptr;
}

bool pages_in_use(const ngx_shm_zone_t& zone, std::uint64_t& used, std::uint64_t& places) noexcept {
  if (zone.tag == &ngx_http_guard_module || zone.shm.addr == nullptr) return false;
  const auto* slab = reinterpret_cast<const ngx_slab_pool_t*>(zone.shm.addr);
  if (slab->end <= slab->start) return false;
  places = static_cast<std::uint64_t>(slab->end - slab->start) >> ngx_pagesize_shift;
  used = places - std::min<std::uint64_t>(slab->pfree, places);
  return places != 0;
}

void want_metrics(ngx_conf_t* cf) {
  main_of(cf).metrics_wanted = true;
}

bool metrics_wanted(ngx_conf_t* cf) {
  return main_of(cf).metrics_wanted;
}

void add_census(ngx_conf_t* cf, Census::Subject subject) {
  main_of(cf).censuses.push_back(std::make_unique<Census>(std::move(subject)));
}

void start_censuses(ngx_conf_t* cf) {
  MainConf& main = main_of(cf);
  for (const auto& census : main.censuses) census->add_to(cf, main.metrics);
}

}  // namespace guard::core
