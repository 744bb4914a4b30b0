# Each (check, policy) runs once per main request, whatever internal redirects it makes; a policy that
# only the new location has still runs. The other modules' handlers run beside the gates.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();
run_tests();

__DATA__

=== TEST 1: index
--- config
guard_test front wait=1ms;
location / { root html; index index.html; add_header X-Verdict $guard_verdict; }
--- request
GET /
--- response_headers
X-Verdict: passed
--- response_body_like: It works

=== TEST 2: index into a location with a policy of its own
--- config
guard_test front;
location / { root html; index index.html; }
location /index.html { guard_test inner refuse=422; root html; }
--- request
GET /
--- error_code: 422
--- response_body_like: test.inner

=== TEST 3: try_files into a named location
--- config
location /x { try_files /none @app; }
location @app { guard_test front refuse=403; return 200 never; }
location /y { try_files /none @free; }
location @free { return 200 "free"; }
location /z { guard_test inner refuse=422; try_files /none @free; }
location /w { try_files /none @gated; }
location @gated { guard_test inner refuse=422; proxy_pass http://127.0.0.1:1; }
--- pipelined_requests eval
["GET /y", "GET /z", "GET /w"]
--- error_code eval
[200, 422, 422]
--- response_body_like eval
["^free\$", "test.inner", "test.inner"]

=== TEST 4: the inner gate runs before try_files
--- config
location / { guard_test inner refuse=422; root html; try_files /index.html =404; }
--- request
GET /
--- error_code: 422
--- response_body_like: test.inner

=== TEST 5: error_page, then a waiting check in the page's location
--- config
location /x { error_page 404 /page; root html; }
location /page { guard_test front wait=20ms; guard_test inner wait=20ms; root html; try_files /index.html =404; }
--- request
GET /x
--- error_code: 404
--- response_body_like: It works

=== TEST 6: X-Accel-Redirect from an upstream
--- upstream
header X-Accel-Redirect: /internal
--- config
location /x { guard_test front wait=5ms; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /internal { internal; guard_test inner refuse=422; root html; }
--- request
GET /x
--- error_code: 422
--- response_body_like: test.inner

=== TEST 7: auth_request: its subrequest is not gated, its answer is obeyed
--- config
guard_test front wait=5ms;
location /x { auth_request /auth; guard_test inner refuse=422; root html; }
location /y { auth_request /denied; guard_test inner refuse=422; root html; }
location /auth { guard_test front refuse=403; return 204; }
location /denied { return 403; }
--- pipelined_requests eval
["GET /x", "GET /y"]
--- error_code eval
[422, 403]
--- response_body_like eval
["test.inner", "403 Forbidden"]

=== TEST 8: mirror sends only what the gates let through
--- upstream
body mirrored
--- config
location /refused { mirror /mirror; guard_test inner refuse=422; root html; }
location /passed { mirror /mirror; guard_test inner body=1k; root html; try_files /index.html =404; }
location /mirror { internal; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/mirror; }
--- pipelined_requests eval
["POST /refused\nhello", "POST /passed\nhello"]
--- error_code eval
[422, 405]
--- response_body_like eval
["test.inner", "405"]
--- upstream_requests: 1
--- upstream_body eval
["hello"]

=== TEST 9: limit_req delays beside a waiting check
--- http_config
limit_req_zone $binary_remote_addr zone=one:1m rate=10r/s;
--- config
location /x { limit_req zone=one burst=1; guard_test front wait=5ms; guard_test inner; root html; try_files /index.html =404; }
--- pipelined_requests eval
["GET /x", "GET /x", "GET /x"]
--- error_code eval
[200, 200, 200]
--- response_body_like eval
["It works", "It works", "It works"]

=== TEST 10: SSI subrequests are not gated, their page is
--- config
location /page { ssi on; guard_test inner; root html; try_files /page.html =404; ssi_types *; }
location /part { guard_test inner refuse=422; root html; try_files /index.html =404; }
--- user_files
>>> page.html
<!--#include virtual="/part" -->.
--- request
GET /page
--- response_body_like: It works

=== TEST 11: a check that waits in both gates and both rounds
--- config
location /x { guard_test front wait=5ms; guard_test inner wait=5ms at=charge body=1k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
echo
--- request
POST /x
hello
--- response_body: hello

=== TEST 12: pipelined requests behind a waiting one
--- config
location /x { guard_test front wait=30ms; root html; try_files /index.html =404; }
location /y { return 200 "y"; }
--- pipelined_requests eval
["GET /x", "GET /y", "GET /x", "GET /y"]
--- response_body_like eval
["It works", "^y\$", "It works", "^y\$"]

=== TEST 13: PUT that DAV serves
--- config
location /dav/ { guard_test inner body=1m; root html; dav_methods PUT; create_full_put_path on; }
--- request
PUT /dav/file
hello
--- error_code: 201
--- response_body:

=== TEST 14: break glass and observe beside a real mode
--- config
location /x { guard_mode observe; guard_mode enforce upload; guard_test front refuse=403; guard_test inner refuse=422; root html; }
location /off { guard_mode off ban; guard_test front refuse=403; guard_test inner refuse=422; root html; }
--- pipelined_requests eval
["GET /x", "GET /off"]
--- error_code eval
[422, 422]
--- response_body_like eval
["test.inner", "test.inner"]

=== TEST 15: limit_req refuses what the front gate has let through; the inner gate does not see it
--- http_config
limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
log_format verdict '$status $guard_verdict'; access_log $TEST_NGINX_SERVER_ROOT/logs/access.log verdict;
--- config
location /x { limit_req zone=one; guard_test front wait=5ms; guard_test inner; root html; try_files /index.html =404; }
--- pipelined_requests eval
["GET /x", "GET /x"]
--- error_code eval
[200, 503]
--- response_body_like eval
["It works", "503 Service Temporarily Unavailable"]
--- access_log
200 passed
503 passed

=== TEST 16: X-Accel-Redirect to a named location
--- upstream
header X-Accel-Redirect: @internal
--- config
location /x { guard_test front wait=5ms; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location @internal { guard_test inner refuse=422; root html; }
--- request
POST /x
hello
--- error_code: 422
--- response_body_like: test.inner

=== TEST 17: error_page after error_page
--- config
recursive_error_pages on;
location /x { error_page 404 /first; guard_test front; root html; }
location /first { error_page 404 /second; root html; }
location /second { guard_test front wait=5ms; guard_test inner wait=5ms; error_page 422 /page; guard_test inner refuse=422; root html; }
location /page { guard_test inner refuse=403; return 422 "page $guard_verdict $guard_code"; }
--- request
GET /x
--- error_code: 422
--- response_body: page refused test.inner

=== TEST 18: rewrite in a location, and post_action
--- upstream
body ok
--- http_config
log_format verdict '$uri $status $guard_verdict'; access_log $TEST_NGINX_SERVER_ROOT/logs/access.log verdict;
--- config
location /x { rewrite ^ /y last; }
location /y { guard_test front wait=5ms; post_action /after; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /after { internal; guard_test front wait=5ms; guard_test inner; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- request
GET /x
--- response_body
ok
--- upstream_line
GET /y
GET /after
--- access_log
/after 200 passed

=== TEST 19: a refusal in a post_action sends nothing and ends the request
--- upstream
body ok
--- config
location /y { guard_test front; post_action /after; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /after { internal; guard_test inner refuse=422; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- pipelined_requests eval
["GET /y", "GET /y"]
--- response_body eval
["ok\n", "ok\n"]
--- upstream_line
GET /y
GET /y

=== TEST 20: what the access log says of a refusal with an error page
--- http_config
log_format verdict '$uri $status $guard_verdict $guard_code'; access_log $TEST_NGINX_SERVER_ROOT/logs/access.log verdict;
--- config
location /x { guard_test front refuse=403; error_page 403 /index.html; }
location = /index.html { root html; }
location /y { guard_error_page allow; guard_test inner wait=5ms refuse=422; error_page 422 = @named; }
location @named { return 200 "named"; }
--- pipelined_requests eval
["GET /x", "GET /y"]
--- error_code eval
[403, 200]
--- response_body_like eval
["It works", "named"]
--- access_log
/index.html 403 refused test.front
/y 200 refused test.inner

=== TEST 21: what was only observed is refused where it is enforced
--- config
guard_test front refuse=403;
location /x { guard_mode observe; try_files /none @app; }
location /y { guard_mode observe; try_files /none @inner; }
location /z { guard_mode observe; try_files /none @observed; }
location @app { root html; try_files /index.html =404; }
location @inner { guard_mode observe ban; guard_test inner refuse=422; root html; try_files /index.html =404; }
location @observed { guard_mode observe; root html; try_files /index.html =404; }
--- http_config
log_format verdict '$status $guard_verdict $guard_code'; access_log $TEST_NGINX_SERVER_ROOT/logs/access.log verdict;
guard_event_log $TEST_NGINX_EVENT_LOG;
--- pipelined_requests eval
["GET /x", "GET /y", "GET /z"]
--- error_code eval
[403, 422, 200]
--- response_body_like eval
["test.front", "test.inner", "It works"]
--- access_log
403 refused test.front
422 refused test.front
200 observed test.front
--- event_log
{"event":{"type":["allowed"]},"url":{"path":"/x"},"labels":{"decision":"observed"}}
{"event":{"type":["denied"]},"url":{"path":"/x"},"labels":{"decision":"denied"}}
{"event":{"type":["allowed"]},"url":{"path":"/y"},"labels":{"decision":"observed"}}
{"event":{"type":["denied"]},"url":{"path":"/y"},"labels":{"decision":"denied"}}
{"event":{"type":["allowed"]},"url":{"path":"/z"},"labels":{"decision":"observed"}}

=== TEST 22: what is only observed is told once, whatever internal redirects come
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
guard_path strict;
guard_https require;
guard_mode observe;
location / { root html; index index.html; }
location = /index.html { root html; }
location = /enforced/index.html { guard_mode observe https; alias html/index.html; }
location /enforced/ { alias html/; index index.html; }
--- request eval
["GET //", "GET //enforced/"]
--- error_code eval
[200, 400]
--- event_log
{"event":{"code":"https.required","type":["allowed"]},"url":{"path":"//"}}
{"event":{"code":"path.ambiguous","type":["allowed"]},"url":{"path":"//"}}
{"event":{"code":"https.required","type":["allowed"]},"url":{"path":"//enforced/"}}
{"event":{"code":"path.ambiguous","type":["allowed"]},"url":{"path":"//enforced/"}}
{"event":{"code":"path.ambiguous","type":["denied"]},"url":{"path":"//enforced/"}}

=== TEST 23: a refusal behind X-Accel-Redirect has its own type, without the charset of the upstream's
--- upstream
header X-Accel-Redirect: /internal
header Content-Type: text/plain; charset=koi8-r
--- config
location /x { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /internal { internal; guard_test inner refuse=422; root html; }
--- request eval
["GET /x", "GET /x"]
--- more_headers eval
["", "Accept: text/html"]
--- error_code eval
[422, 422]
--- response_headers eval
["Content-Type: application/problem+json", "Content-Type: text/html; charset=utf-8"]
