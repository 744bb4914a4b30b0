#include "core/refusal_counters.h"

#include <algorithm>

namespace guard::core {

namespace {

constexpr MetricFamily kRefusals = {
    "guard_refusals", MetricType::counter, "",
    "Requests that were refused, or that would have been but were only observed"};

constexpr MetricFamily kPolicies = {"guard_policy_requests", MetricType::counter, "",
                                    "Requests that a policy was asked about, by what it said"};

// All that is no policy's. t/docs.t compares it with docs/directives.md.
constexpr auto kFixedCodes = std::to_array<std::string_view>({
    "cors.origin",         "csrf.cross_site",      "https.required",    "inspect.budget",
    "inspect.disclosure",  "inspect.generic",      "inspect.java",      "inspect.lfi",
    "inspect.nodejs",      "inspect.php",          "inspect.protocol",  "inspect.rce",
    "inspect.rfi",         "inspect.scanner",      "inspect.session",   "inspect.sqli",
    "inspect.unavailable", "inspect.xss",          "json.array",        "json.content_encoding",
    "json.depth",          "json.duplicate_key",   "json.encoding",     "json.keys",
    "json.media_type",     "json.method_override", "json.number",       "json.pattern_limit",
    "json.schema",         "json.schema_limit",    "json.size",         "json.string",
    "json.syntax",         "json.unavailable",     "key.missing",       "lockout.unavailable",
    "openapi.body",        "openapi.method",       "openapi.parameter", "openapi.path",
    "openapi.response",    "path.ambiguous",       "rate.unavailable",  "upload.count",
    "upload.malware",      "upload.multipart",     "upload.name",       "upload.scan",
    "upload.size",         "upload.type",
});

}  // namespace

void RefusalCounters::add_to(MetricRegistry& registry) {
  codes_.insert(codes_.end(), kFixedCodes.begin(), kFixedCodes.end());
  std::ranges::sort(codes_);
  codes_.erase(std::unique(codes_.begin(), codes_.end()), codes_.end());
  auto counters = [&registry](std::string_view code) {
    auto one = [&](std::string_view verdict) {
      return &registry.counter(kRefusals, metric_labels({{"code", code}, {"verdict", verdict}}));
    };
    return std::array{one("enforced"), one("observed")};
  };
  for (const std::string& code : codes_) rows_.push_back({code, counters(code)});
  other_ = {"other", counters("other")};
}

std::vector<std::string_view> RefusalCounters::codes() const {
  std::vector<std::string_view> all(kFixedCodes.begin(), kFixedCodes.end());
  all.insert(all.end(), codes_.begin(), codes_.end());
  return all;
}

// What a policy has refused is counted by its code.
bool RefusalCounters::write_policy(void* context, std::size_t index, MetricText& out) {
  if (index != 0) return false;
  const auto& policy = *static_cast<const Policy*>(context);
  const Row& row = policy.all->row_of(policy.code);
  const auto write = [&](std::string_view verdict, const Counter& counter) {
    out.sample(policy.labels + ",verdict=\"" + std::string(verdict) + "\"", counter.value());
  };
  write("allowed", *policy.allowed);
  write("limited", *row.counters[0]);
  write("observed", *row.counters[1]);
  return true;
}

const Counter& RefusalCounters::declare(MetricRegistry& registry, std::string_view feature,
                                        std::string_view name, std::string_view code) {
  codes_.emplace_back(code);
  std::string labels = metric_labels({{"feature", feature}, {"policy", name}});
  Policy& policy = policies_.emplace_back();
  policy = {this, &registry.hidden_counter("allowed{" + labels + "}"), labels, std::string(code)};
  registry.add(kPolicies, write_policy, &policy);
  return *policy.allowed;
}

const RefusalCounters::Row& RefusalCounters::row_of(std::string_view code) const noexcept {
  const auto found = std::ranges::lower_bound(rows_, code, {}, &Row::code);
  return found != rows_.end() && found->code == code ? *found : other_;
}

void RefusalCounters::count(std::string_view code, Action action) const noexcept {
  const Counter* counter = row_of(code).counters[action == Action::denied ? 0 : 1];
  if (counter != nullptr) counter->add();
}

}  // namespace guard::core
