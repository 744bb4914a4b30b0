// What guard_inspect and its like have configured, for what asks the rules. Done by
// inspect_module.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "inspect/inspection.h"
#include "inspect/policy.h"
#include "ngx/compat.h"

namespace guard::inspect {

struct Policy {
  std::shared_ptr<const Program> program;
  Budget budget;
  bool trust_schema = true;
  bool excerpt = false;
  ResponsePolicy response;
};

// Of the location that the request is in; null: off.
const Policy* policy_of(const ngx_http_request_t* r) noexcept;

// All that some location uses.
std::vector<const Program*> programs_of(const ngx_cycle_t* cycle);

// For metrics: the anomaly score of a request, and the rules that have found something in it, or in
// its answer.
void count_score(const ngx_http_request_t* r, std::int64_t score) noexcept;
void count_rules(const ngx_http_request_t* r, const std::vector<Match>& matches) noexcept;

}  // namespace guard::inspect
