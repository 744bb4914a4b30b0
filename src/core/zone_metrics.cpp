#include "core/zone_metrics.h"

#include <string>

#include "core/metrics.h"
#include "ngx/pool.h"

namespace guard::core {

namespace {

struct Subject {
  const ngx::Zone* zone;
  ReadZoneUse read;
  void* context;
  std::size_t bytes;  // where there is nothing to read

  std::string labels() const { return metric_labels({{"zone", zone->name()}}); }
  ZoneUse use() const noexcept {
    return read != nullptr ? read(context) : ZoneUse{bytes, zone->memory().size(), 0};
  }
};

bool write_used(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& subject = *static_cast<const Subject*>(context);
  const ZoneUse use = subject.use();
  out.sample(subject.labels(), static_cast<double>(use.used) / static_cast<double>(use.places));
  return true;
}

bool write_evictions(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& subject = *static_cast<const Subject*>(context);
  out.sample(subject.labels(), subject.use().evictions);
  return true;
}

void add(ngx_conf_t* cf, const Subject& subject) {
  auto* kept = ngx::pool_new<Subject>(cf->pool, subject);
  metrics_of(cf).add(kZoneUsed, write_used, kept);
  metrics_of(cf).add(kZoneEvictions, write_evictions, kept);
}

}  // namespace

void add_zone_metrics(ngx_conf_t* cf, const ngx::Zone& zone, ReadZoneUse read, void* context) {
  add(cf, {&zone, read, context, 0});
}

void add_zone_metrics(ngx_conf_t* cf, const ngx::Zone& zone, std::size_t bytes) {
  add(cf, {&zone, nullptr, nullptr, bytes});
}

}  // namespace guard::core
