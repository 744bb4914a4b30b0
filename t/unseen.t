# What nginx answers before the gates, as docs/directives.md lists it: $guard_verdict is none there,
# although a check that would refuse everything is configured.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

our $log = "log_format verdict '\$status \$guard_verdict'; access_log \$TEST_NGINX_SERVER_ROOT/logs/access.log verdict;"
    . " large_client_header_buffers 2 1k; client_header_timeout 1s;";
our $config = <<'EOC';
guard_test front refuse=418;
guard_test inner refuse=418;
location / { root html; }
location /return { return 204; }
location /rewrite { rewrite ^ /x permanent; }
location /small { client_max_body_size 5; }
location /internal { internal; }
location /proxied/ { proxy_pass http://127.0.0.1:1; }
EOC

run_tests();

__DATA__

=== TEST 1: with these checks, everything else is refused
--- http_config eval: $::log
--- config eval: $::config
--- request
GET /
--- error_code: 418
--- access_log
418 refused

=== TEST 2: the rewrite module
--- http_config eval: $::log
--- config eval: $::config
--- pipelined_requests eval
["GET /return", "GET /rewrite"]
--- error_code eval
[204, 301]
--- access_log
204 none
301 none
--- no_access_log
refused

=== TEST 3: no HTTP
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"GET / HTTP/1.1 x\r\nHost: localhost\r\n\r\n"
--- error_code: 400
--- response_body_like: 400 Bad Request
--- access_log
400 none

=== TEST 4: no Host
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"GET / HTTP/1.1\r\n\r\n"
--- error_code: 400
--- response_body_like: 400 Bad Request
--- access_log
400 none

=== TEST 5: two lengths
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
--- error_code: 400
--- response_body_like: 400 Bad Request
--- access_log
400 none

=== TEST 6: TRACE
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- error_code: 405
--- response_body_like: 405 Not Allowed
--- access_log
405 none

=== TEST 7: CONNECT
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- error_code: 400
--- response_body_like: 400 Bad Request
--- access_log
400 none

=== TEST 8: a long request line
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"GET /" . ("a" x 3000) . " HTTP/1.1\r\nHost: localhost\r\n\r\n"
--- error_code: 414
--- response_body_like: 414 Request-URI Too Large
--- access_log
414 none

=== TEST 9: a long header field
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"GET / HTTP/1.1\r\nHost: localhost\r\nX: " . ("a" x 3000) . "\r\n\r\n"
--- error_code: 400
--- response_body_like: 400 Request Header Or Cookie Too Large
--- access_log
400 none

=== TEST 10: an unknown transfer coding
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n"
--- error_code: 501
--- response_body_like: 501 Not Implemented
--- access_log
501 none

=== TEST 11: an unknown version
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"GET / HTTP/3.1\r\nHost: localhost\r\n\r\n"
--- error_code: 505
--- response_body_like: 505 HTTP Version Not Supported
--- access_log
505 none

=== TEST 12: a Content-Length over client_max_body_size
--- http_config eval: $::log
--- config eval: $::config
--- request
POST /small
hello hello
--- error_code: 413
--- response_body_like: 413 Request Entity Too Large
--- access_log
413 none

=== TEST 13: headers that do not come
--- http_config eval: $::log
--- config eval: $::config
--- raw_request eval
"GET / HTTP/1.1\r\nHost"
--- error_code:
--- access_log
408 none

=== TEST 14: an internal location, and the slash of a proxied one
--- http_config eval: $::log
--- config eval: $::config
--- pipelined_requests eval
["GET /internal", "GET /proxied"]
--- error_code eval
[404, 301]
--- response_body_like eval
["404 Not Found", "301 Moved"]
--- access_log
404 none
301 none

=== TEST 15: what ACCESS refuses, the front gate has seen and the inner gate has not
--- http_config eval: $::log
--- config
location /seen { guard_test front; guard_test inner refuse=418; deny all; }
location /unseen { guard_test inner refuse=418; deny all; }
--- pipelined_requests eval
["GET /seen", "GET /unseen"]
--- error_code eval
[403, 403]
--- response_body_like eval
["403 Forbidden", "403 Forbidden"]
--- access_log
403 passed
403 none

=== TEST 16: plain HTTP on a TLS port
--- tls: listen
--- http_config eval: $::log
--- config
guard_test front refuse=418;
guard_test inner refuse=418;
location /plain { guard_mode off; proxy_pass http://127.0.0.1:$TEST_NGINX_TLS_PORT/; }
--- request
GET /plain
--- error_code: 400
--- response_body_like: The plain HTTP request was sent to HTTPS port
--- access_log
400 none
