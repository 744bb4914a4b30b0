#include "core/census.h"

#include <algorithm>

#include "core/clock.h"
#include "core/core_config.h"
#include "core/counter_cas.h"
#include "core/zone_metrics.h"

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

bool Census::write_used(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& self = *static_cast<const Census*>(context);
  const std::uint64_t places = self.read(kPlaces);
  if (self.read(kDone) == 0 || places == 0) return true;
  const double used = static_cast<double>(self.read(kEntries)) / static_cast<double>(places);
  out.sample(metric_labels({{"zone", self.subject_.zone}}), used);
  return true;
}

bool Census::write_in_force(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& self = *static_cast<const Census*>(context);
  out.sample(self.subject_.labels, self.read(kInForce));
  return true;
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
