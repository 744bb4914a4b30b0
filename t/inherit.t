# What an inner level makes of core's directives of an outer one.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();
run_tests();

__DATA__

=== TEST 1: guard_mode: one line of an inner level replaces all of the outer ones, the rest is enforced there
--- http_config
guard_mode observe;
guard_mode off ban;
--- config
guard_test front refuse=403;
guard_path strict;
add_header X-Verdict "$guard_verdict $guard_code";
root html;
location /inherits/ { alias html/; }
location /replaces/ { guard_mode observe ban; alias html/; }
location /repeats/ { guard_mode observe; guard_mode enforce path; alias html/; }
location /later/ { guard_mode enforce path; guard_mode off; alias html/; }
--- request eval
["GET /inherits//", "GET /replaces/", "GET /replaces//", "GET /repeats//", "GET /repeats/", "GET /later//"]
--- error_code eval
[200, 200, 400, 400, 200, 200]
--- response_headers eval
["X-Verdict: observed path.ambiguous", "X-Verdict: observed test.front", "X-Verdict: ", "X-Verdict: ",
 "X-Verdict: observed test.front", "X-Verdict: passed "]
--- error_log
"guard_mode" of an inner level replaces all that the outer level says with it

=== TEST 2: guard_exempt: replaced, and cleared by off
--- http_config
guard_exempt 127.0.0.1;
--- config
guard_path strict;
root html;
location /inherits/ { alias html/; }
location /replaces/ { guard_exempt 10.0.0.0/8; alias html/; }
location /clears/ { guard_exempt off; alias html/; }
location /several/ { guard_exempt 10.0.0.0/8; guard_exempt $arg_staff path; alias html/; }
--- request eval
["GET /inherits//", "GET /replaces//", "GET /clears//", "GET /several//?staff=1", "GET /several//?staff=0", "GET /several//?staff="]
--- error_code eval
[200, 400, 400, 200, 400, 400]
--- error_log
"guard_exempt" of an inner level replaces all that the outer level says with it

=== TEST 3: guard_problem, guard_path, guard_trusted_proxies
--- http_config
guard_problem off;
guard_path strict;
guard_trusted_proxies 127.0.0.1;
--- config
root html;
location /inherits/ { alias html/; }
location /json/ { guard_problem json; alias html/; }
location /off/ { guard_path off; alias html/; }
location /scheme/ { return 200 $guard_scheme; }
location /nobody/ { guard_trusted_proxies off; return 200 $guard_scheme; }
--- more_headers
X-Forwarded-Proto: https
Accept: text/html
--- request eval
["GET /inherits//", "GET /json//", "GET /off//", "GET /scheme/", "GET /nobody/"]
--- error_code eval
[400, 400, 200, 200, 200]
--- response_body_like eval
["<center><h1>400 Bad Request</h1></center>", "\"code\":\"path.ambiguous\"", "It works", "^https\$", "^http\$"]

=== TEST 4: guard_error_page and guard_route
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
guard_error_page allow;
guard_route outer;
error_page 403 @page;
location @page { return 403 "page"; }
location /inherits { guard_test front refuse=403; root html; }
location /refuses { guard_error_page refuse; guard_route inner; guard_test front refuse=403; root html; }
--- request eval
["GET /inherits", "GET /refuses"]
--- error_code eval
[403, 403]
--- response_body_like eval
["^page\$", "\"code\":\"test.front\""]
--- event_log
{"labels":{"route":"outer"}}
{"labels":{"route":"inner"}}

=== TEST 5: what replaces nothing is not spoken of
--- config
guard_mode observe;
location /x { guard_path strict; root html; }
--- request
GET /x//
--- error_code: 404
--- no_error_log
of an inner level replaces
