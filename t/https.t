# guard_https: who is redirected, to where, and who is refused.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();
run_tests();

__DATA__

=== TEST 1: a safe method by 301, others by 308, to the same target
--- config
guard_https redirect;
location / { root html; }
--- request eval
["GET /a%20b?c=d&e", "HEAD /x", "POST /x\nbody", "DELETE /x", "PUT /x\nbody", "PATCH /x\nbody"]
--- error_code eval
[301, 301, 308, 308, 308, 308]
--- response_headers eval
["Location: https://localhost/a%20b?c=d&e", map { "Location: https://localhost/x" } 1 .. 5]

=== TEST 2: another port
--- config
guard_https redirect port=8443;
location / { root html; }
--- request
GET /x
--- error_code: 301
--- response_headers
Location: https://localhost:8443/x

=== TEST 3: a Host that is none of ours does not get into Location
--- config
server_name app.example *.app.example ~^re\d+\.example$;
guard_https redirect;
location / { root html; }
--- server_name: first.example
--- request eval
["GET /", "GET /", "GET /", "GET /", "GET /", "GET /", "GET /", "GET /"]
--- more_headers eval
["Host: evil.example", "Host: app.example:8080", "Host: APP.example", "Host: a.app.example", "Host: re12.example",
 "Host: app.example.evil.example", "Host: 127.0.0.1:1", "Host: first.example\@evil.example"]
--- error_code eval
[301, 301, 301, 301, 301, 301, 301, 301]
--- response_headers eval
["Location: https://first.example/", "Location: https://app.example/", "Location: https://app.example/",
 "Location: https://a.app.example/", "Location: https://re12.example/", "Location: https://first.example/",
 "Location: https://127.0.0.1/", "Location: https://first.example/"]

=== TEST 4: GET http://evil.example/x HTTP/1.0
--- config
guard_https redirect;
location / { root html; }
--- raw_request eval
"GET http://evil.example/x HTTP/1.0\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://localhost/x

=== TEST 5: GET /y HTTP/1.0
--- config
guard_https redirect;
location / { root html; }
--- raw_request eval
"GET /y HTTP/1.0\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://localhost/y

=== TEST 6: GET http://localhost?q HTTP/1.0
--- config
guard_https redirect;
location / { root html; }
--- raw_request eval
"GET http://localhost?q HTTP/1.0\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://localhost/?q

=== TEST 7: GET //evil.example/ HTTP/1.0
--- config
guard_https redirect;
location / { root html; }
--- raw_request eval
"GET //evil.example/ HTTP/1.0\r\n\r\n"
--- error_code: 301
--- response_headers
Location: https://localhost//evil.example/

=== TEST 8: a server without a name takes the Host
--- config
guard_https redirect;
location / { root html; }
--- server_name: _
--- request
GET /x
--- more_headers
Host: any.example
--- error_code: 301
--- response_headers
Location: https://any.example/x

=== TEST 9: neither a name nor a Host
--- config
guard_https redirect;
location / { root html; }
--- server_name: _
--- raw_request eval
"GET /x HTTP/1.0\r\n\r\n"
--- error_code: 403
--- response_body_like: "code":"https.required"

=== TEST 10: require
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
guard_https require;
location / { root html; }
--- request
GET /x
--- error_code: 403
--- response_headers
Content-Type: application/problem+json
--- response_body_like: \A\{"type":"about:blank","title":"HTTPS is required","status":403,"detail":"This resource is only available over HTTPS","instance":"urn:request:[0-9a-f]{32}","code":"https.required"\}\n?\z
--- event_log
{"event":{"action":"https-refused","code":"https.required","type":["denied"]},"http":{"response":{"status_code":403}},"labels":{"kind":"https_refused","decision":"denied"}}

=== TEST 11: except
--- config
guard_https redirect except=/health,/.well-known/acme-challenge/ /ok;
location / { root html; try_files /index.html =404; }
--- request eval
["GET /health", "GET /health/live?x", "GET /healthz", "GET /.well-known/acme-challenge/t", "GET /ok", "GET /health/../x",
 "GET /x/../health", "GET /health/..;/x", "GET /x%2F../health"]
--- error_code eval
[200, 200, 301, 200, 200, 301, 301, 301, 301]

=== TEST 12: over TLS nothing happens
--- config
guard_https redirect;
location / { root html; try_files /index.html =404; }
--- tls
--- request
GET /x
--- error_code: 200

=== TEST 13: over TLS and HTTP/2 nothing happens
--- config
guard_https require;
location / { root html; try_files /index.html =404; }
--- tls
--- http2
--- request
GET /x
--- error_code: 200

=== TEST 14: the scheme of a trusted proxy
--- config
guard_https require;
guard_trusted_proxies 127.0.0.1;
location / { root html; try_files /index.html =404; }
--- request eval
["GET /x", "GET /x", "GET /x"]
--- more_headers eval
["X-Forwarded-Proto: https", "X-Forwarded-Proto: http", ""]
--- error_code eval
[200, 403, 403]

=== TEST 15: nobody is trusted unless said
--- config
guard_https require;
location / { root html; }
--- request
GET /x
--- more_headers
X-Forwarded-Proto: https
--- error_code: 403

=== TEST 16: off below, other policy below
--- config
guard_https redirect;
location /off { guard_https off; root html; try_files /index.html =404; }
location /api { guard_https require; root html; }
--- request eval
["GET /off", "GET /api", "GET /x"]
--- error_code eval
[200, 403, 301]

=== TEST 17: observed
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
guard_https redirect;
guard_mode observe https;
location / { root html; try_files /index.html =404; }
--- request
GET /x
--- error_code: 200
--- event_log
{"event":{"action":"https-refused","type":["allowed"]},"labels":{"decision":"observed"}}

=== TEST 18: redirects carry the security headers, and no HSTS
--- config
guard_https redirect;
guard_headers web;
location / { root html; }
--- request
GET /x
--- error_code: 301
--- response_headers
X-Content-Type-Options: nosniff
X-Frame-Options: deny
Strict-Transport-Security:

=== TEST 19: a redirect is not handed to a named error page
--- upstream
body the application
--- config
guard_https redirect;
error_page 301 308 @app;
location /x { root html; }
location /y { guard_error_page allow; root html; }
location @app { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- request eval
["GET /x", "POST /x\nsecret", "GET /y"]
--- error_code eval
[301, 308, 301]
--- response_body_like eval
["<h1>301 Moved Permanently</h1>", "<h1>308 Permanent Redirect</h1>", "the application"]
--- upstream_requests: 1

=== TEST 20: what an exception leads to is one too
--- config
guard_https redirect except=/health,/.well-known/acme-challenge/;
error_page 404 /missing.html;
location /health { try_files /none /page; }
location /page { root html; try_files /index.html =404; }
location /strict { guard_https require; root html; }
location /health/strict { try_files /none /strict; }
location /health/front { rewrite ^ /page last; }
location / { root html; }
--- request eval
["GET /health", "GET /.well-known/acme-challenge/none", "GET /page", "GET /none", "GET /health/strict", "GET /health/front"]
--- error_code eval
[200, 404, 301, 301, 403, 200]

=== TEST 21: nor does one that is no host but ends like a name of ours
--- config
server_name *.app.example ~\.re\.example$;
guard_https redirect;
location / { root html; }
--- server_name: first.example
--- request eval
[map { "GET /" } 1 .. 8]
--- more_headers eval
["Host: evil.example#.app.example", "Host: evil.example?.app.example", "Host: evil.example\\.app.example",
 "Host: evil.example\@.app.example", "Host: evil.example%2f.app.example", "Host: a_b-1.app.example",
 "Host: evil.example#.re.example", "Host: a.re.example"]
--- error_code eval
[map { 301 } 1 .. 8]
--- response_headers eval
[(map { "Location: https://first.example/" } 1 .. 5), "Location: https://a_b-1.app.example/",
 "Location: https://first.example/", "Location: https://a.re.example/"]

=== TEST 22: without a name, no redirect for what is no host
--- config
guard_https redirect;
location / { root html; }
--- server_name: _
--- request
GET /x
--- more_headers
Host: any.example#a
--- error_code: 403
--- response_headers
! Location
