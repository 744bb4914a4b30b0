# guard_path strict.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

our $config = 'guard_path strict; location / { root html; try_files /index.html =404; }';
our @bad = ('/a%2fb', '/a%2Fb', '/a%5cb', '/a\\b', '/a/%2e%2e/b', '/a/../b', '/a/./b', '/a//b', '/a;x=1/b',
    '/a%252fb', '/a%c0%afb', '/a%ffb', '/a%01b', '/..;/a', '/a%0db', '/a?b=c#d');
our @good = ('/', '/a/b', '/a%20b', '/a%C3%A9', '/a.b/c..d', '/a?x=%2f..//;%00%23', '/~a/b-c_d');

run_tests();

__DATA__

=== TEST 1: what is ambiguous
--- config eval: $::config
--- request eval
[map { "GET $_" } @::bad]
--- error_code eval
[map { 400 } @::bad]
--- response_body_like eval
[map { '"title":"Ambiguous path","status":400,"detail":"[^"]+","instance":"urn:request:[0-9a-f]+","code":"path.ambiguous"' } @::bad]

=== TEST 2: what is not
--- config eval: $::config
--- request eval
[map { "GET $_" } @::good]
--- response_body_like eval
[map { 'It works' } @::good]

=== TEST 3: over HTTP/2
--- http2
--- config eval: $::config
--- curl_options: --path-as-is
--- request eval
["GET /a%2fb", "GET /a"]
--- error_code eval
[400, 200]
--- response_body_like eval
["path.ambiguous", "It works"]

=== TEST 4: off
--- config
guard_path off;
location / { return 200 "fine"; }
--- request
GET /a//b
--- response_body: fine

=== TEST 5: the detail names the ambiguity
--- config eval: $::config
--- request eval
["GET /a%2Fb", "GET //index.html", "GET /index.html;x=1", "GET /a%5Cb", "GET /%252e%252e/", "GET /%0d%0a", "GET /%ff", "GET /a#b", "GET /a/../b"]
--- error_code eval
[(400) x 9]
--- response_body_like eval
["an encoded slash", "an empty segment", "a path parameter", "an encoded backslash", "encoded twice", "an encoded control", "not valid UTF-8", "a fragment", "a dot segment"]

=== TEST 6: observed, not refused
--- config
guard_mode observe path;
add_header X-Verdict "$guard_verdict $guard_code";
guard_path strict;
location / { root html; }
--- request
GET //index.html
--- error_code: 200
--- response_headers
X-Verdict: observed path.ambiguous

=== TEST 7: what proxy_pass with a path would decode into a parameter
--- config
guard_path strict;
location /app/ { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location = /app/admin { return 403; }
--- upstream
body ok
--- request
GET /app/admin%3Bx
--- error_code: 400
--- response_body_like: the path holds a path parameter
--- upstream_requests: 0

=== TEST 8: a wrong word
--- http_config
guard_path loose;
--- config
--- must_die
--- error_log
invalid value "loose" of "guard_path", it must be "off" or "strict"
