// The newest events of this nginx, in shared memory, for whoever shows them. They are written by
// the event log's encoder, so they say as little of users and addresses as the log may
// (guard_event_privacy).
#pragma once

#include "core/event_ring.h"
#include "ngx/compat.h"

namespace guard::core {

// Somebody shows them. While directives are read.
void keep_recent_events(ngx_conf_t* cf);

// Of the configuration that runs; null: nobody shows them.
EventRing* recent_events(ngx_cycle_t* cycle) noexcept;

}  // namespace guard::core
