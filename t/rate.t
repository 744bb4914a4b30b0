# Rate limits: what passes, what is refused, what the client is told.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_root_location();
run_tests();

__DATA__

=== TEST 1: gcra: the quota, then a refusal, all told
--- http_config
guard_rate_policy api rate=2/hour;
--- config
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"api\";q=2;w=3600\r\nRateLimit: \"api\";r=1;t=(?:1800|179\\d)\r\n",
 "RateLimit-Policy: \"api\";q=2;w=3600\r\nRateLimit: \"api\";r=0;t=(?:1800|179\\d)\r\n",
 "Retry-After: (1800|179\\d)\r\n(?:.*\r\n)*RateLimit-Policy: \"api\";q=2;w=3600\r\nRateLimit: \"api\";r=0;t=\\1\r\n"]
--- response_body_like eval
["html", "html",
 qr'^\{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"detail":"Rate policy \\"api\\" allows 2 requests per hour","instance":"urn:request:[0-9a-f]{32}","code":"rate.api","violated-policies":\["api"\]\}$']


=== TEST 2: sliding_log: the quota, then a refusal until the first one leaves the window
--- http_config
guard_rate_policy reset rate=2/hour algorithm=sliding_log;
--- config
location / { guard_rate reset; root html; }
--- request eval
["GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 429]
--- raw_response_headers_like eval
["RateLimit: \"reset\";r=1;t=(?:3600|359\\d)\r\n", "RateLimit: \"reset\";r=0;t=(?:3600|359\\d)\r\n",
 "Retry-After: (3600|359\\d)\r\n(?:.*\r\n)*RateLimit: \"reset\";r=0;t=\\1\r\n"]


=== TEST 3: quota comes back
--- http_config
guard_rate_policy api rate=600/minute burst=1;
--- config
location / { guard_rate api; root html; }
--- request eval
["GET /", [{value => "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", delay_before => 0.15}]]
--- error_code eval
[200, 200]


=== TEST 4: a refused request charges none of its policies
--- http_config
guard_rate_policy wide rate=2/hour;
guard_rate_policy narrow rate=1/hour;
--- config
root html;
location /both/ { guard_rate wide; guard_rate narrow; alias html/; }
location / { guard_rate wide; }
--- request eval
["GET /both/", "GET /both/", "GET /both/", "GET /", "GET /"]
--- error_code eval
[200, 429, 429, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"wide\";q=2;w=3600, \"narrow\";q=1;w=3600\r\nRateLimit: \"narrow\";r=0;t=",
 "RateLimit: \"narrow\";r=0;t=", "RateLimit: \"narrow\";r=0;t=",
 "RateLimit-Policy: \"wide\";q=2;w=3600\r\nRateLimit: \"wide\";r=0;t=", "RateLimit: \"wide\";r=0;t="]


=== TEST 5: all violated policies are named, the strictest decides
--- http_config
guard_rate_policy short rate=1/minute;
guard_rate_policy long rate=1/hour status=503;
--- config
location / { guard_rate short; guard_rate long; root html; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 503]
--- response_body_like eval
["html", qr'"code":"rate.long","violated-policies":\["short","long"\]\}$']


=== TEST 6: cost
--- http_config
guard_rate_policy api rate=5/hour;
--- config
root html;
location /two/ { guard_rate api cost=2; alias html/; }
location /free/ { guard_rate api cost=0; alias html/; }
--- request eval
["GET /free/", "GET /two/", "GET /two/", "GET /two/", "GET /free/"]
--- error_code eval
[200, 200, 200, 429, 200]
--- raw_response_headers_like eval
["RateLimit: \"api\";r=5\r\n", "RateLimit: \"api\";r=3;t=", "RateLimit: \"api\";r=1;t=", "RateLimit: \"api\";r=1;t=",
 "RateLimit: \"api\";r=1;t="]


=== TEST 7: burst is the capacity
--- http_config
guard_rate_policy api rate=60/hour burst=2;
--- config
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"api\";q=2;w=120\r\nRateLimit: \"api\";r=1;t=(?:60|5\\d)\r\n", "r=0", "Retry-After: (?:60|5\\d)\r\n"]


=== TEST 8: dry_run refuses nothing and is not told
--- http_config
guard_rate_policy api rate=1/hour;
--- config
location / { guard_rate api dry_run; add_header X-Verdict $guard_verdict; add_header X-Code $guard_code; root html; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 200]
--- raw_response_headers_like eval
["X-Verdict: passed\r\n(?!X-Code)", "X-Verdict: observed\r\nX-Code: rate.api\r\n"]
--- raw_response_headers_unlike eval
["RateLimit", "RateLimit"]


=== TEST 9: observe mode refuses nothing and tells nobody to wait
--- http_config
guard_rate_policy api rate=1/hour;
--- config
guard_mode observe rate;
location / { guard_rate api; add_header X-Verdict $guard_verdict; add_header X-Code $guard_code; root html; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 200]
--- raw_response_headers_like eval
["X-Verdict: passed\r\nRateLimit-Policy: ", "X-Verdict: observed\r\nX-Code: rate.api\r\n(?!RateLimit)"]


=== TEST 10: mode off counts nothing
--- http_config
guard_rate_policy api rate=1/hour;
--- config
guard_mode off rate;
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 200]
--- raw_response_headers_unlike eval
["RateLimit", "RateLimit"]


=== TEST 11: empty=skip lets a request without the key pass
--- http_config
guard_rate_policy user rate=1/hour key=$arg_user;
--- config
location / { guard_rate user; root html; }
--- request eval
["GET /", "GET /", "GET /?user=a", "GET /?user=a", "GET /?user=b"]
--- error_code eval
[200, 200, 200, 429, 200]


=== TEST 12: empty=address counts it by its address
--- http_config
guard_rate_policy user rate=1/hour key=$arg_user empty=address;
--- config
location / { guard_rate user; root html; }
--- request eval
["GET /", "GET /", "GET /?user=127.0.0.1"]
--- error_code eval
[200, 429, 200]


=== TEST 13: empty=refuse refuses it
--- http_config
guard_rate_policy user rate=1/hour key=$arg_user empty=refuse;
--- config
location / { guard_rate user; root html; }
--- request
GET /
--- error_code: 400
--- response_body_like: "code":"key.missing"


=== TEST 14: the parts of a compound key are told apart
--- http_config
guard_rate_policy pair rate=1/hour key=$arg_a$arg_b;
--- config
location / { guard_rate pair; root html; }
--- request eval
["GET /?a=x&b=yz", "GET /?a=xy&b=z", "GET /?a=xyz", "GET /?b=xyz", "GET /?a=xy&b=z"]
--- error_code eval
[200, 200, 200, 200, 429]


=== TEST 15: a constant key is one counter for all
--- http_config
guard_rate_policy all rate=1/hour key=all;
--- config
location / { guard_rate all; root html; }
--- request eval
["GET /?a", "GET /?b"]
--- error_code eval
[200, 429]


=== TEST 16: a key from a capture of the location
--- http_config
guard_rate_policy tenant rate=1/hour key=$1;
--- config
location ~ ^/t/(\w+) { guard_rate tenant; root html; try_files /index.html =404; }
--- request eval
["GET /t/a", "GET /t/a", "GET /t/b"]
--- error_code eval
[200, 429, 200]


=== TEST 17: policies with one key do not share counts
--- http_config
guard_rate_policy a rate=1/hour;
guard_rate_policy b rate=1/hour;
--- config
root html;
location /a/ { guard_rate a; alias html/; }
location /b/ { guard_rate b; alias html/; }
--- request eval
["GET /a/", "GET /b/", "GET /a/", "GET /b/"]
--- error_code eval
[200, 200, 429, 429]


=== TEST 18: guard_rate_fields legacy
--- http_config
guard_rate_policy api rate=2/hour;
--- config
guard_rate_fields legacy;
location / { guard_rate api; root html; }
--- request
GET /
--- raw_response_headers_like
X-RateLimit-Limit: 2\r\nX-RateLimit-Remaining: 1\r\nX-RateLimit-Reset: (?:1800|179\d)\r\n
--- raw_response_headers_unlike
\r\nRateLimit


=== TEST 19: guard_rate_fields both
--- http_config
guard_rate_policy api rate=2/hour;
--- config
guard_rate_fields both;
location / { guard_rate api; root html; }
--- request
GET /
--- raw_response_headers_like
RateLimit: "api";r=1;t=(1800|179\d)\r\nX-RateLimit-Limit: 2\r\nX-RateLimit-Remaining: 1\r\nX-RateLimit-Reset: \1\r\n


=== TEST 20: guard_rate_fields off
--- http_config
guard_rate_policy api rate=1/hour;
--- config
guard_rate_fields off;
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 429]
--- raw_response_headers_unlike eval
["RateLimit", "RateLimit"]


=== TEST 21: an inner level replaces, adds or clears
--- http_config
guard_rate_policy outer rate=9/hour;
guard_rate_policy own rate=9/hour;
guard_rate outer;
--- config
root html;
location /inherits/ { alias html/; }
location /replaces/ { guard_rate own; alias html/; }
location /adds/ { guard_rate +own; alias html/; }
location /again/ { guard_rate +outer cost=3; alias html/; }
location /clears/ { guard_rate off; alias html/; }
--- request eval
["GET /inherits/", "GET /replaces/", "GET /adds/", "GET /again/", "GET /clears/"]
--- raw_response_headers_like eval
["RateLimit-Policy: \"outer\";q=9;w=3600\r\n", "RateLimit-Policy: \"own\";q=9;w=3600\r\n",
 "RateLimit-Policy: \"outer\";q=9;w=3600, \"own\";q=9;w=3600\r\n",
 "RateLimit-Policy: \"outer\";q=9;w=3600\r\nRateLimit: \"outer\";r=4;", "\r\n"]
--- raw_response_headers_unlike eval
["own", "outer", "xyzzy", "own", "RateLimit"]
--- grep_error_log eval: qr/"guard_rate" of \S+ \S+ replaces[^\n]*?"outer"/
--- grep_error_log_out eval
[qq{"guard_rate" of location "/replaces/" replaces the inherited "outer"\n}, "", "", "", ""]


=== TEST 22: once per request, whatever internal redirects come
--- http_config
guard_rate_policy api rate=9/hour;
--- config
guard_rate api;
root html;
location / { index index.html; }
location /files/ { try_files /nothing /index.html; }
location = /gone { return 404; error_page 404 /index.html; }
--- request eval
["GET /", "GET /files/x", "GET /gone"]
--- error_code eval
[200, 200, 404]
--- raw_response_headers_like eval
["RateLimit: \"api\";r=8;", "RateLimit: \"api\";r=7;", "RateLimit: \"api\";r=6;"]


=== TEST 23: the error page of a refusal is not refused again, and tells the same
--- http_config
guard_rate_policy api rate=1/hour;
--- config
root html;
location / { guard_rate api; error_page 429 /slow.html; }
location = /slow.html { internal; }
--- user_files
>>> slow.html
slow down
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 429]
--- raw_response_headers_like eval
["RateLimit: \"api\";r=0;", "Retry-After: \\d+\r\n(?:.*\r\n)*RateLimit: \"api\";r=0;"]
--- response_body_like eval
["html", "^slow down\$"]


=== TEST 24: $guard_rate_remaining
--- http_config
guard_rate_policy api rate=5/hour;
--- config
location / { guard_rate api; add_header X-Left "[$guard_rate_remaining]"; root html; }
location /none/ { add_header X-Left "[$guard_rate_remaining]"; alias html/; }
--- request eval
["GET /", "GET /", "GET /none/"]
--- raw_response_headers_like eval
["X-Left: \\[4\\]\r\n", "X-Left: \\[3\\]\r\n", "X-Left: \\[\\]\r\n"]


=== TEST 25: guard_exempt
--- http_config
guard_rate_policy api rate=1/hour;
--- config
guard_exempt $arg_staff rate;
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /", "GET /?staff=1"]
--- error_code eval
[200, 429, 200]


=== TEST 26: HEAD and POST count as well
--- http_config
guard_rate_policy api rate=2/hour;
--- config
location / { guard_rate api; root html; error_page 405 =200 /index.html; }
--- request eval
["HEAD /", "POST /\nbody", "HEAD /"]
--- error_code eval
[200, 200, 429]


=== TEST 27: HTTP/2
--- http_config
guard_rate_policy api rate=2/hour;
--- config
location / { guard_rate api; root html; }
--- http2
--- request eval
["GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 429]


=== TEST 28: TLS
--- http_config
guard_rate_policy api rate=2/hour;
--- config
location / { guard_rate api; root html; }
--- tls
--- request eval
["GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 429]


=== TEST 29: a mass of policies in one request
--- http_config eval
CORE::join "", map { "guard_rate_policy p$_ rate=9/hour key=all zone=64k;\n" } 1 .. 16
--- config eval
'location / { root html; ' . CORE::join("", map { "guard_rate p$_; " } 1 .. 16) . '}'
--- request eval
["GET /", "GET /"]
--- raw_response_headers_like eval
["\"p1\";q=9;w=3600, .*\"p16\";q=9;w=3600\r\n", "r=7"]


=== TEST 30: a key from the body is asked after the body was read
--- http_config
guard_rate_policy reset rate=1/hour key=$reset_email empty=refuse;
guard_rate_policy first rate=9/hour;
--- config
guard_json_set $reset_email /email lower;
location / { guard_json on; guard_rate first; guard_rate reset; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{\"email\":\"A\@x\"}", "POST /\n{\"email\":\"a\@X\"}", "POST /\n{\"email\":\"b\@x\"}", "POST /\n{\"mail\":\"b\@x\"}"]
--- error_code eval
[200, 429, 200, 400]
--- response_body_like eval
["", "\"code\":\"rate.reset\"", "", "\"code\":\"key.missing\""]


=== TEST 31: phase=front comes before the body
--- http_config
guard_rate_policy reset rate=1/hour key=$reset_email phase=front;
--- config
guard_json_set $reset_email /email;
location / { guard_json on; guard_rate reset; root html; }
--- config_warning
rate policy "reset" has "phase=front", where its key "$reset_email" is not known yet in http_config:1
--- request
GET /
--- error_code: 200


=== TEST 32: a cost from a variable
--- http_config
guard_rate_policy api rate=10/day key=all;
map $arg_weight $weight { default $arg_weight; heavy 11; }
--- config
location / { guard_rate api cost=$weight; root html; }
--- request eval
["GET /?weight=4", "GET /", "GET /?weight=", "GET /?weight=two", "GET /?weight=0", "GET /?weight=heavy", "GET /?weight=-3", "GET /?weight=2", "GET /?weight=1"]
--- error_code eval
[200, 200, 200, 200, 200, 429, 200, 200, 429]
--- raw_response_headers_like eval
["RateLimit: \"api\";r=6;t=", "RateLimit: \"api\";r=5;t=", "RateLimit: \"api\";r=4;t=", "RateLimit: \"api\";r=3;t=",
 "RateLimit: \"api\";r=3;t=", "^(?!.*Retry-After).*RateLimit: \"api\";r=3;t=", "RateLimit: \"api\";r=2;t=",
 "RateLimit: \"api\";r=0;t=", "Retry-After: (\\d+)\r\n(?:.*\r\n)*RateLimit: \"api\";r=0;t=\\1\r\n"]


=== TEST 33: a cost from the body puts the policy into the inner gate, the same policy elsewhere stays in front
--- http_config
guard_rate_policy batch rate=10/day key=all;
--- config
guard_json_set $items /count;
location /batch/ { guard_json on; guard_rate batch cost=$items; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location / { guard_rate batch; root html; error_page 405 =200 /index.html; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
["POST /batch/\n{\"count\":6}", "POST /batch/\n{\"count\":5}", "POST /batch/\n{\"count\":3}", "POST /\n{\"count\":3}", "POST /\n{}"]
--- error_code eval
[200, 429, 200, 200, 429]


=== TEST 34: what the front gate has charged stays charged when the inner gate refuses, and an inner policy does not
--- http_config
guard_rate_policy front rate=9/hour;
guard_rate_policy inner rate=9/hour phase=inner;
--- config
guard_json on;
location / { guard_rate front; guard_rate inner; root html; error_page 405 =200 /index.html; }
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{", "POST /\n{}"]
--- error_code eval
[400, 200]
--- raw_response_headers_like eval
["RateLimit: \"front\";r=8;", "RateLimit: \"front\";r=7;"]


=== TEST 35: the same, as the inner policy tells it
--- http_config
guard_rate_policy inner rate=9/hour phase=inner;
--- config
guard_json on;
location / { guard_rate inner; root html; error_page 405 =200 /index.html; }
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{", "POST /\n{}"]
--- error_code eval
[400, 200]
--- raw_response_headers_like eval
["\r\n", "RateLimit: \"inner\";r=8;"]


=== TEST 36: a dry run that only looks lets nobody past the real one of an internal redirect
--- http_config
guard_rate_policy one rate=1/hour;
--- config
location /dry { guard_rate one dry_run; try_files /none @app; }
location /seen { guard_mode observe; guard_rate one; try_files /none @app; }
location @app { guard_rate one; root html; try_files /index.html =404; }
--- request eval
["GET /dry", "GET /dry", "GET /seen", "GET /seen"]
--- error_code eval
[200, 429, 429, 429]
--- raw_response_headers_like eval
["", ("RateLimit-Policy: \"one\";q=1;w=3600\r\nRateLimit: ") x 3]


=== TEST 37: a value from the body that only the location of an internal redirect takes from it
--- http_config
guard_rate_policy login rate=1/hour key=$email;
--- config
guard_json on;
location / { try_files /none @app; }
location @app { guard_json_set $email /email; guard_rate login; root html; error_page 405 =200 /index.html; }
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{\"email\":\"a\"}", "POST /\n{\"email\":\"a\"}", "POST /\n{\"email\":\"b\"}"]
--- error_code eval
[200, 429, 200]


=== TEST 38: a value from the body that was asked for before there was one
--- http_config
guard_rate_policy login rate=1/hour key=$email;
--- config
guard_json on;
guard_json_set $email /email;
location / { set $early "<$email>"; guard_rate login; root html; error_page 405 =200 /index.html; }
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{\"email\":\"a\"}", "POST /\n{\"email\":\"a\"}", "POST /\n{\"email\":\"b\"}"]
--- error_code eval
[200, 429, 200]


=== TEST 39: what a dry run has taken is told where an internal redirect leads to the real one
--- http_config
guard_rate_policy one rate=3/hour;
guard_rate_policy two rate=2/hour,9/day;
--- config
location /dry { guard_rate one dry_run; guard_rate two dry_run; try_files /none @app; }
location /still { guard_rate one dry_run; guard_rate two dry_run; try_files /none @dry; }
location @app { guard_rate one; guard_rate two; add_header X-Left $guard_rate_remaining; root html; try_files /index.html =404; }
location @dry { guard_rate one dry_run; root html; try_files /index.html =404; }
--- request eval
["GET /dry", "GET /still", "GET /still", "GET /dry"]
--- error_code eval
[200, 200, 200, 429]
--- raw_response_headers_like eval
["X-Left: 1\r\nRateLimit-Policy: \"one\";q=3;w=3600, \"two.hour\";q=2;w=3600, \"two.day\";q=9;w=86400\r\nRateLimit: \"two.hour\";r=1;t=1800\r\n",
 "", "", "RateLimit: \"two.hour\";r=0;"]
--- raw_response_headers_unlike eval
["X-RateLimit", ("RateLimit") x 2, "X-RateLimit"]


=== TEST 40: a cost from the body, however JSON writes it
--- http_config
guard_rate_policy batch rate=10/day key=all;
--- config
guard_json_set $items /count;
location / { guard_json on; guard_rate batch cost=$items; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
[map "POST /\n{\"count\":$_}", "6.0", "50e-1", "1e3", "3.5", "0.0", "1"]
--- error_code eval
[200, 429, 429, 200, 200, 429]
