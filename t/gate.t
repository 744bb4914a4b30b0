# What a refusal becomes: status, fields, body, error pages; and what happens to the connection.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: the front gate refuses with a problem body
--- config
location /x { guard_test front refuse=403; root html; }
--- request
GET /x
--- error_code: 403
--- response_headers
Content-Type: application/problem+json
Cache-Control: no-store
Retry-After:
--- response_body_like: \A\{"type":"about:blank","title":"Test refusal","status":403,"instance":"urn:request:[0-9a-f]{32}","code":"test.front"\}\n?\z

=== TEST 2: the inner gate refuses; nginx has no text for 422
--- config
location /x { guard_test inner refuse=422; root html; }
--- request
GET /x
--- error_code: 422
--- raw_response_headers_like: \AHTTP/1.1 422 Unprocessable Content\r\n
--- response_body_like: "status":422.*"code":"test.inner"

=== TEST 3: Retry-After
--- config
location /x { guard_test front refuse=429; root html; }
--- request
GET /x
--- error_code: 429
--- response_headers
Retry-After: 7
--- response_body_like: "status":429

=== TEST 4: HTML where Accept prefers it
--- config
location /x { guard_test front refuse=403; root html; }
--- request
GET /x
--- more_headers
Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8
--- error_code: 403
--- response_headers
Content-Type: text/html; charset=utf-8
--- response_body_like: (?s)\A<!doctype html>.*Test refusal.*</html>\n?\z

=== TEST 5: guard_problem json
--- config
location /x { guard_problem json; guard_test front refuse=403; root html; }
--- request
GET /x
--- more_headers
Accept: text/html
--- error_code: 403
--- response_headers
Content-Type: application/problem+json
--- response_body_like: "code":"test.front"

=== TEST 6: guard_problem off is nginx's own page
--- config
location /x { guard_problem off; guard_test front refuse=429; root html; }
--- request
GET /x
--- error_code: 429
--- response_headers
Content-Type: text/html
Retry-After: 7
--- response_body_like: <center><h1>429 Too Many Requests</h1></center>

=== TEST 7: guard_problem off and a status nginx has no page for
--- config
location /x { guard_problem off; guard_test inner refuse=422; root html; }
--- request
GET /x
--- error_code: 422
--- raw_response_headers_like: \AHTTP/1.1 422 Unprocessable Content\r\n
--- response_body:

=== TEST 8: HEAD
--- config
location /x { guard_test front refuse=403; root html; }
--- request
HEAD /x
--- error_code: 403
--- response_headers
Content-Type: application/problem+json
--- response_body:

=== TEST 9: a user's error page, with the refusal's fields, is not refused again
--- config
error_page 429 /sorry.html;
guard_test front refuse=429;
location /x { root html; }
location /sorry.html { return 429 "sorry $guard_verdict $guard_code"; }
--- request
GET /x
--- error_code: 429
--- response_headers
Retry-After: 7
--- response_body: sorry refused test.front

=== TEST 10: an error page with another status
--- config
error_page 403 =200 /sorry;
location /x { guard_test front refuse=403; root html; }
location /sorry { return 200 "fine"; }
--- request
GET /x
--- error_code: 200
--- response_body: fine

=== TEST 11: an error page in a named location would hand the request to the application
--- config
error_page 403 @app;
location /x { guard_test front refuse=403; root html; }
location @app { return 200 "the application"; }
--- request
GET /x
--- error_code: 403
--- response_body_like: "code":"test.front"

=== TEST 12: unless guard_error_page allows it
--- config
error_page 403 @app;
guard_error_page allow;
location /x { guard_test front refuse=403; root html; }
location @app { return 200 "the application: $guard_verdict"; }
--- request
GET /x
--- error_code: 403
--- response_body: the application: refused

=== TEST 13: an error page in a named location, by variable
--- config
set $page @app;
error_page 403 $page;
location /x { guard_test front refuse=403; root html; }
location @app { return 200 "the application"; }
--- request
GET /x
--- error_code: 403
--- response_body_like: "code":"test.front"

=== TEST 14: error_page of an ordinary status stays gated
--- config
error_page 404 @app;
location /x { root html; }
location @app { guard_test inner refuse=422; root html; }
--- request
GET /x
--- error_code: 422
--- response_body_like: "code":"test.inner"

=== TEST 15: the connection stays usable after refusals, with bodies small and unread
--- config
location /x { guard_test front refuse=403; root html; }
location /y { guard_test inner refuse=422 body=1k; root html; }
--- pipelined_requests eval
["POST /x\nhello", "POST /y\nhello", "GET /", "POST /x\n" . ("x" x 5000), "GET /"]
--- error_code eval
[403, 422, 200, 403, 200]
--- response_body_like eval
["test.front", "test.inner", "It works", "test.front", "It works"]

=== TEST 16: no 100 Continue before a refusal
--- config
location /x { guard_test front refuse=403; root html; }
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", {value => "hello", delay_before => 0.1}]
--- error_code: 403
--- response_body_like: "code":"test.front"
--- interim:

=== TEST 17: the verdicts
--- config
location /none { return 200 "$guard_verdict,$guard_code"; }
location /passed { guard_test front; add_header X-Verdict "$guard_verdict,$guard_code"; root html; try_files /index.html =404; }
location /observed { guard_mode observe; guard_test front refuse=403; guard_test inner refuse=422;
  add_header X-Verdict "$guard_verdict,$guard_code"; root html; try_files /index.html =404; }
--- pipelined_requests eval
["GET /none", "GET /passed", "GET /observed"]
--- error_code eval
[200, 200, 200]
--- response_headers eval
["X-Verdict: ", "X-Verdict: passed,", "X-Verdict: observed,test.front"]
--- response_body_like eval
["^none,\$", "It works", "It works"]

=== TEST 18: over HTTP/2
--- http2
--- config
location /x { guard_test front refuse=429; root html; }
--- request
GET /x
--- error_code: 429
--- response_headers
retry-after: 7
content-type: application/problem+json
--- response_body_like: "code":"test.front"

=== TEST 19: satisfy any does not admit past the gates
--- config
location /x { satisfy any; allow all; guard_test front refuse=403; root html; }
location /y { satisfy any; allow all; guard_test inner refuse=422; root html; }
location /z { satisfy any; deny all; auth_basic x; auth_basic_user_file /dev/null; guard_test front; guard_test inner refuse=422; root html; }
--- pipelined_requests eval
["GET /x", "GET /y", "GET /z"]
--- error_code eval
[403, 422, 401]
--- response_body_like eval
["test.front", "test.inner", "401"]

=== TEST 20: a charge that refuses gives back what others took
--- config
location /x { guard_test front at=charge refuse=429; root html; }
location /y { guard_test inner; guard_test front; root html; try_files /index.html =404; }
--- pipelined_requests eval
["GET /x", "GET /y"]
--- error_code eval
[429, 200]
--- response_body_like eval
["test.front", "It works"]
--- no_error_log
guard test refund

=== TEST 21: a named error page is not handed the request where guard_problem is off either
--- config
error_page 403 @app;
guard_problem off;
location /x { guard_test front refuse=403; root html; }
location /y { guard_error_page allow; guard_test front refuse=403; root html; }
location @app { return 200 "the application"; }
--- pipelined_requests eval
["GET /x", "GET /y"]
--- error_code eval
[403, 403]
--- response_body_like eval
["<h1>403 Forbidden</h1>", "the application"]
