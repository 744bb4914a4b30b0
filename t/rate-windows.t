# The algorithms that count by windows, and policies of several windows.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_root_location();
run_tests();

__DATA__

=== TEST 1: fixed_window: the quota, then a refusal until the window ends
--- http_config
guard_rate_policy api rate=3/day algorithm=fixed_window;
--- config
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=2;t=\\d{1,5}\r\n",
 "RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=1;t=\\d{1,5}\r\n",
 "RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=0;t=\\d{1,5}\r\n",
 "Retry-After: (\\d{1,5})\r\n(?:.*\r\n)*RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=0;t=\\1\r\n"]
--- response_body_like eval
["html", "html", "html",
 qr'^\{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"detail":"Rate policy \\"api\\" allows 3 requests per day","instance":"urn:request:[0-9a-f]{32}","code":"rate.api","violated-policies":\["api"\]\}$']


=== TEST 2: sliding_window: the quota, then a refusal until a part of the window has slid away
--- http_config
guard_rate_policy api rate=3/day algorithm=sliding_window;
--- config
location / { guard_rate api; root html; }
--- request eval
["GET /", "GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=2;t=\\d{5,6}\r\n",
 "RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=1;t=\\d{5,6}\r\n",
 "RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=0;t=\\d{5,6}\r\n",
 "Retry-After: (\\d{5,6})\r\n(?:.*\r\n)*RateLimit-Policy: \"api\";q=3;w=86400\r\nRateLimit: \"api\";r=0;t=\\1\r\n"]
--- response_body_like eval
["html", "html", "html",
 qr'^\{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"detail":"Rate policy \\"api\\" allows 3 requests per day","instance":"urn:request:[0-9a-f]{32}","code":"rate.api","violated-policies":\["api"\]\}$']


=== TEST 3: what costs more comes back later
--- http_config
guard_rate_policy fixed rate=5/day algorithm=fixed_window;
guard_rate_policy sliding rate=5/day algorithm=sliding_window;
--- config
root html;
location /fixed/ { guard_rate fixed cost=3; alias html/; }
location /sliding/ { guard_rate sliding cost=3; alias html/; }
location /more/ { guard_rate sliding cost=5; alias html/; }
--- request eval
["GET /fixed/", "GET /fixed/", "GET /sliding/", "GET /sliding/", "GET /more/"]
--- error_code eval
[200, 429, 200, 429, 429]
--- raw_response_headers_like eval
["RateLimit: \"fixed\";r=2;t=\\d+\r\n", "Retry-After: (\\d+)\r\n(?:.*\r\n)*RateLimit: \"fixed\";r=2;t=\\1\r\n",
 "RateLimit: \"sliding\";r=2;t=\\d+\r\n", "Retry-After: (\\d+)\r\n(?:.*\r\n)*RateLimit: \"sliding\";r=2;t=\\1\r\n",
 "Retry-After: (?!(\\d+)\r\n(?:.*\r\n)*RateLimit: \"sliding\";r=2;t=\\1\r\n)\\d{5,6}\r\n"]


=== TEST 4: quotas come back
--- http_config
guard_rate_policy fixed rate=1/second algorithm=fixed_window;
guard_rate_policy sliding rate=1/second algorithm=sliding_window;
--- config
root html;
location /fixed/ { guard_rate fixed; alias html/; }
location /sliding/ { guard_rate sliding; alias html/; }
--- request eval
["GET /fixed/", "GET /sliding/",
 [{value => "GET /fixed/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", delay_before => 1.1}],
 [{value => "GET /sliding/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", delay_before => 1.1}]]
--- error_code eval
[200, 200, 200, 200]


=== TEST 5: several windows: the narrow one refuses, the wide one is not charged
--- http_config
guard_rate_policy auth rate=2/hour,3/day;
guard_rate_policy other rate=9/hour;
--- config
location / { guard_rate auth; root html; }
--- request eval
["GET /", "GET /", "GET /", "GET /"]
--- error_code eval
[200, 200, 429, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"auth.hour\";q=2;w=3600, \"auth.day\";q=3;w=86400\r\nRateLimit: \"auth.hour\";r=1;t=(?:1800|179\\d)\r\n",
 "RateLimit: \"auth.hour\";r=0;t=(?:1800|179\\d)\r\n",
 "Retry-After: (1800|179\\d)\r\n(?:.*\r\n)*RateLimit-Policy: \"auth.hour\";q=2;w=3600, \"auth.day\";q=3;w=86400\r\nRateLimit: \"auth.hour\";r=0;t=\\1\r\n",
 "RateLimit: \"auth.hour\";r=0;t="]
--- response_body_like eval
["html", "html",
 (qr'^\{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"detail":"Rate policy \\"auth\\" allows 2 requests per hour","instance":"urn:request:[0-9a-f]{32}","code":"rate.auth","violated-policies":\["auth.hour"\]\}$') x 2]


=== TEST 6: several windows: the wide one refuses, and both are named where both do
--- http_config
guard_rate_policy auth rate=600/minute,2/day algorithm=fixed_window;
guard_rate_policy both rate=1/hour,1/day algorithm=sliding_log;
--- config
root html;
location /auth/ { guard_rate auth; alias html/; }
location /both/ { guard_rate both; alias html/; }
--- request eval
["GET /auth/", "GET /auth/", "GET /auth/", "GET /both/", "GET /both/"]
--- error_code eval
[200, 200, 429, 200, 429]
--- raw_response_headers_like eval
["RateLimit: \"auth.day\";r=1;t=", "RateLimit: \"auth.day\";r=0;t=", "RateLimit: \"auth.day\";r=0;t=",
 "RateLimit-Policy: \"both.hour\";q=1;w=3600, \"both.day\";q=1;w=86400\r\n", "Retry-After: (86400|8639\\d)\r\n(?:.*\r\n)*RateLimit: \"both.day\";r=0;t=\\1\r\n"]
--- response_body_like eval
["html", "html", "\"code\":\"rate.auth\",\"violated-policies\":\\[\"auth.day\"\\]\\}\$",
 "html", "\"code\":\"rate.both\",\"violated-policies\":\\[\"both.hour\",\"both.day\"\\]\\}\$"]


=== TEST 7: several windows: legacy fields tell of the strictest
--- http_config
guard_rate_policy auth rate=5/minute,3/day;
--- config
guard_rate_fields both;
location / { guard_rate auth; root html; add_header X-Left "$guard_rate_remaining"; }
--- request
GET /
--- raw_response_headers_like
X-Left: 2\r\n(?:.*\r\n)*RateLimit: "auth.day";r=2;t=(28800|2879\d)\r\nX-RateLimit-Limit: 3\r\nX-RateLimit-Remaining: 2\r\nX-RateLimit-Reset: \1\r\n


=== TEST 8: several windows: dry_run charges all or none, and refuses nothing
--- http_config
guard_rate_policy auth rate=9/hour,1/day;
--- config
root html;
location /dry/ { guard_rate auth dry_run; add_header X-Verdict $guard_verdict; add_header X-Code $guard_code; alias html/; }
location /free/ { guard_rate auth cost=0; alias html/; }
--- request eval
["GET /dry/", "GET /dry/", "GET /dry/", "GET /free/"]
--- error_code eval
[200, 200, 200, 200]
--- raw_response_headers_like eval
["X-Verdict: passed\r\n", "X-Verdict: observed\r\nX-Code: rate.auth\r\n", "X-Verdict: observed\r\nX-Code: rate.auth\r\n",
 "RateLimit: \"auth.day\";r=0;t="]
--- raw_response_headers_unlike eval
["RateLimit", "RateLimit", "RateLimit", "xyzzy"]


=== TEST 9: several windows beside another policy: a refusal of either charges neither
--- http_config
guard_rate_policy auth rate=5/minute,2/day algorithm=sliding_window;
guard_rate_policy api rate=3/day;
--- config
root html;
location /both/ { guard_rate auth; guard_rate api; alias html/; }
location /api/ { guard_rate api; alias html/; }
--- request eval
["GET /both/", "GET /both/", "GET /both/", "GET /api/", "GET /api/"]
--- error_code eval
[200, 200, 429, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"auth.minute\";q=5;w=60, \"auth.day\";q=2;w=86400, \"api\";q=3;w=86400\r\n", "\r\n", "RateLimit: \"auth.day\";r=0;",
 "RateLimit: \"api\";r=0;", "RateLimit: \"api\";r=0;"]


=== TEST 10: as many windows as there may be
--- http_config
guard_rate_policy all rate=9/second,8/minute,7/hour,6/day zone=64k;
--- config
location / { guard_rate all; root html; }
--- request eval
["GET /", "GET /"]
--- raw_response_headers_like eval
["RateLimit-Policy: \"all.second\";q=9;w=1, \"all.minute\";q=8;w=60, \"all.hour\";q=7;w=3600, \"all.day\";q=6;w=86400\r\nRateLimit: \"all.day\";r=5;t=",
 "RateLimit: \"all.day\";r=4;t="]
