// The nonce of a response, for the modules of this room: what must not happen to a response that
// has one is in nonce_module.cpp. It is made for one request, so nobody may keep it, compare it or
// have a part of it.
#pragma once

#include "ngx/config.h"

namespace guard::headers {

// Configuration, while locations are merged: the policy of this location, which stands at place,
// has a nonce. Fails where what the upstream answers is kept.
void expect_nonce(ngx_conf_t* cf, const ngx::Place& place);

// Takes the validators from a response, and lets nobody keep it.
void make_private(ngx_http_request_t* r) noexcept;

}  // namespace guard::headers
