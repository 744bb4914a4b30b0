# `if` in a location of Guard's own: nginx makes a location of the block, and asks the handler of the one around it.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_root_location();
run_tests();

__DATA__

=== TEST 1: reports are taken, whatever policies are around
--- config
location /csp {
    guard_json required;
    location = /csp/reports { guard_csp_report size=1k; if ($http_x_if) { set $x 1; } }
}
--- more_headers
X-If: 1
Content-Type: application/csp-report
--- request eval
["POST /csp/reports\n{\"csp-report\":{}}", "POST /csp/reports\n" . "x" x 2000]
--- error_code eval
[204, 413]

=== TEST 2: what is public stays so, what is not does not become it, and neither is what rates hold for
--- http_config
guard_rate_policy one rate=1/day;
--- config
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_rate one;
location = /health { guard_health live public; if ($http_x_if) { set $x 1; } }
location = /metrics { guard_metrics; if ($http_x_if) { set $x 1; } }
location = /guard { guard_dashboard; if ($http_x_if) { set $x 1; } }
location = /locks { guard_lockout_admin; if ($http_x_if) { set $x 1; } }
location = /public/metrics { guard_metrics public; guard_rate off; if ($http_x_if) { set $x 1; } }
location = /public/guard { guard_dashboard public; guard_rate off; if ($http_x_if) { set $x 1; } }
location = /public/locks { guard_lockout_admin public; guard_rate off; if ($http_x_if) { set $x 1; } }
--- more_headers
X-If: 1
X-Client: 192.0.2.1
--- request eval
["GET /health", "GET /health", "GET /metrics", "GET /guard", "GET /locks",
 "GET /public/metrics", "GET /public/guard", "GET /public/locks"]
--- error_code eval
[200, 200, 403, 403, 403, 200, 200, 200]

=== TEST 3: the page has its own policy
--- config
guard_headers web;
location = /guard { guard_dashboard; if ($http_x_if) { set $x 1; } }
--- more_headers
X-If: 1
--- request
GET /guard
--- response_headers_like
Content-Security-Policy: default-src 'none'; script-src 'sha256-.*

=== TEST 4: health is that of its words
--- http_config
guard_drain $TEST_NGINX_SERVER_ROOT/html/drain;
--- config
location = /ready { guard_health ready; if ($http_x_if) { set $x 1; } }
location = /live { guard_health live; if ($http_x_if) { set $x 1; } }
--- user_files
>>> drain
--- more_headers
X-If: 1
--- request eval
["GET /ready", "GET /live"]
--- error_code eval
[503, 200]
