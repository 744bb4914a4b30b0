# guard_cookies: what becomes of the application's cookies. t/unit/cookies_test.cpp has the single cases.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();
run_tests();

__DATA__

=== TEST 1: all of it over TLS, and what is there stays
--- config
guard_cookies;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- tls
--- upstream
header Set-Cookie: a=1
header Set-Cookie: b=2; Path=/x; secure; SameSite=Strict
header set-cookie: c=3; HttpOnly; Secure; SameSite=None
header X-Other: Set-Cookie
--- request
GET /
--- raw_response_headers_like
Set-Cookie: a=1; Secure; HttpOnly; SameSite=Lax\r
Set-Cookie: b=2; Path=/x; secure; SameSite=Strict; HttpOnly\r
set-cookie: c=3; HttpOnly; Secure; SameSite=None\r
X-Other: Set-Cookie\r

=== TEST 2: no Secure over plain HTTP
--- config
guard_cookies;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
header Set-Cookie: a=1
--- request
GET /
--- response_headers
Set-Cookie: a=1; HttpOnly; SameSite=Lax

=== TEST 3: Secure behind a trusted proxy that says https
--- config
guard_cookies secure;
guard_trusted_proxies 127.0.0.1;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
header Set-Cookie: a=1
--- request eval
["GET /", "GET /"]
--- more_headers eval
["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"]
--- response_headers eval
["Set-Cookie: a=1; Secure", "Set-Cookie: a=1"]

=== TEST 4: only what is said, and exceptions by name
--- config
guard_cookies httponly samesite=strict except=csrftoken,theme;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- tls
--- upstream
header Set-Cookie: csrftoken=1; Path=/
header Set-Cookie: Theme=1
header Set-Cookie: session=theme
--- request
GET /
--- raw_response_headers_like
Set-Cookie: csrftoken=1; Path=/\r
Set-Cookie: Theme=1; HttpOnly; SameSite=Strict\r
Set-Cookie: session=theme; HttpOnly; SameSite=Strict\r

=== TEST 5: what the prefixes of names demand
--- config
guard_cookies httponly;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- tls
--- http2
--- upstream
header Set-Cookie: __Host-a=1
header Set-Cookie: __Secure-b=2; Path=/x
header Set-Cookie: __host-c=3; Path=/
--- request
GET /
--- raw_response_headers_like
set-cookie: __Host-a=1; Path=/; Secure; HttpOnly\r
set-cookie: __Secure-b=2; Path=/x; Secure; HttpOnly\r
set-cookie: __host-c=3; Path=/; Secure; HttpOnly\r

=== TEST 6: errors and cookies of add_header too; off below
--- config
guard_cookies;
location / { add_header Set-Cookie a=1 always; return 404; }
location /off { guard_cookies off; add_header Set-Cookie a=1 always; return 404; }
--- request eval
["GET /", "GET /off"]
--- error_code eval
[404, 404]
--- response_headers eval
["Set-Cookie: a=1; HttpOnly; SameSite=Lax", "Set-Cookie: a=1"]

=== TEST 7: duplicate
--- config
guard_cookies;
guard_cookies off;
--- config_error
"guard_cookies" directive is duplicate in config:2

=== TEST 8: an unknown word
--- config
guard_cookies secured;
--- config_error
unexpected word "secured", did you mean "secure"? in config:1

=== TEST 9: samesite
--- config
guard_cookies samesite=Lax;
--- config_error
invalid value "Lax" of "samesite=", it must be "lax", "strict" or "none" in config:1

=== TEST 10: samesite=none alone
--- config
guard_cookies samesite=none;
--- config_error
"samesite=none" requires "secure", browsers refuse such cookies without it in config:1

=== TEST 11: except=
--- config
guard_cookies except=a,,b;
--- config_error
invalid cookie name "" of "except=" in config:1

=== TEST 12: except= twice the same
--- config
guard_cookies except=a,a;
--- config_error
duplicate value "a" of "except=" in config:1

=== TEST 13: the cookie of nginx's own userid
--- config
guard_cookies;
userid on;
userid_name uid;
location / { return 200; }
location /own { userid_flags httponly samesite=strict; return 200; }
location /except { guard_cookies except=uid; return 200; }
--- tls
--- request eval
["GET /", "GET /own", "GET /except"]
--- raw_response_headers_like eval
[qr/Set-Cookie: uid=[^;\r]+; path=\/; Secure; HttpOnly; SameSite=Lax\r/,
 qr/Set-Cookie: uid=[^;\r]+; path=\/; httponly; samesite=strict; Secure\r/i,
 qr/Set-Cookie: uid=[^;\r]+; path=\/\r/]
