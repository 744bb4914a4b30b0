// Every nginx header, inside extern "C", and all that differs between nginx 1.22 and mainline. So
// far nothing has to: an ngx_table_elt_t, which 1.23.0 made a linked list, is cleared as a whole
// (*header = {}) before it is filled in.
#pragma once

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
}
