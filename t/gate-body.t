# The body: read once, for all checks, up to the smallest limit, however it comes.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $gated = <<'EOC';
location /x { guard_test inner body=64k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /small { guard_test inner body=100; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /spooled { client_body_buffer_size 1k; guard_test inner body=64k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /file { client_body_in_file_only clean; guard_test inner body=64k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe; guard_test inner body=100; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /tiny { client_max_body_size 10; guard_test inner body=64k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
EOC

sub chunked {
    return join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @_) . "0\r\n\r\n";
}

run_tests();

__DATA__

=== TEST 1: passes on what it has read
--- upstream
echo
--- config eval: $::gated
--- request
POST /x
hello
--- response_body: hello

=== TEST 2: refuses by content, in memory
--- upstream
echo
--- config eval: $::gated
--- request
POST /x
an attack
--- error_code: 403
--- response_body_like: "code":"test.body"
--- upstream_requests: 0

=== TEST 3: refuses by content at the end of a body in a temporary file
--- upstream
echo
--- config eval: $::gated
--- request eval
"POST /spooled\n" . ("x" x 20000) . "attack"
--- error_code: 403
--- response_body_like: "code":"test.body"
--- upstream_requests: 0
--- no_error_log
[error]

=== TEST 4: passes on a body in a temporary file
--- upstream
echo
--- config eval: $::gated
--- request eval
"POST /spooled\n" . ("x" x 20000)
--- response_body eval
"x" x 20000

=== TEST 5: client_body_in_file_only
--- upstream
echo
--- config eval: $::gated
--- pipelined_requests eval
["POST /file\nhello", "POST /file\nattack"]
--- error_code eval
[200, 403]
--- response_body_like eval
["^hello\$", "test.body"]

=== TEST 6: over the limit by Content-Length, not read at all
--- upstream
echo
--- config eval: $::gated
--- pipelined_requests eval
["POST /small\n" . ("x" x 100), "POST /small\n" . ("x" x 101), "POST /x\nhello"]
--- error_code eval
[200, 413, 200]
--- response_body_like eval
["^x{100}\$", "test.size", "^hello\$"]
--- upstream_requests: 2

=== TEST 7: chunked, over the limit in one packet
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
"POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" . main::chunked("x" x 60, "x" x 60)
--- error_code: 413
--- response_body_like: "code":"test.size"
--- upstream_requests: 0

=== TEST 8: chunked, within the limit, split over packets
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
["POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3",
 "\r\nabc\r", "\n2\r\nd", "e\r\n0\r\n\r\n"]
--- raw_request_middle_delay: 0.02
--- response_body_like: ^abcde$

=== TEST 9: chunked, over the limit in a later packet, while the client still sends
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
["POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "40\r\n" . ("x" x 64) . "\r\n",
 "ff\r\n" . ("x" x 64)]
--- raw_request_middle_delay: 0.02
--- error_code: 413
--- response_body_like: "code":"test.size"
--- upstream_requests: 0

=== TEST 10: chunked garbage is nginx's 400
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"
--- error_code: 400
--- response_body_like: 400 Bad Request
--- upstream_requests: 0

=== TEST 11: chunked garbage in a later packet, with an error page
--- upstream
echo
--- config eval
"error_page 400 413 /page; location = /page { guard_test inner body=10 refuse=422; return 400 'page'; }" . $::gated
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n", "zz\r\n"]
--- raw_request_middle_delay: 0.02
--- error_code: 400
--- response_body: page
--- upstream_requests: 0

=== TEST 12: the same with a named location, which the checks still guard
--- upstream
echo
--- config eval
"error_page 400 413 \@app; location \@app { guard_test inner body=64k; proxy_pass http://127.0.0.1:\$TEST_NGINX_UPSTREAM_PORT; }" . $::gated
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n", "zz\r\n"]
--- raw_request_middle_delay: 0.02
--- error_code: 413
--- response_body_like: "code":"test.size"
--- upstream_requests: 0

=== TEST 13: Expect: 100-continue
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "hello"]
--- raw_request_middle_delay: 0.02
--- interim: 100
--- response_body_like: ^hello$

=== TEST 14: over the limit with Expect: 100-continue: no 100
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
["POST /small HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 101\r\nConnection: close\r\n\r\n", {value => "x" x 101, delay_before => 0.1}]
--- error_code: 413
--- response_body_like: "code":"test.size"
--- interim:

=== TEST 15: client_max_body_size is nginx's and wins
--- upstream
echo
--- config eval: $::gated
--- request
POST /tiny
hello hello hello
--- error_code: 413
--- response_body_like: <title>413 Request Entity Too Large</title>

=== TEST 16: what is only observed is never cut
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
"POST /observed HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" . main::chunked("x" x 60, "y" x 60)
--- response_body_like: ^x{60}y{60}$

=== TEST 17: HTTP/2, in and over the limit
--- http2
--- upstream
echo
--- config eval: $::gated
--- request eval
["POST /x\nhello", "POST /small\n" . ("x" x 500), "POST /x\nattack", "POST /spooled\n" . ("x" x 9000)]
--- error_code eval
[200, 413, 403, 200]
--- response_body_like eval
["^hello\$", "test.size", "test.body", "^x{9000}\$"]

=== TEST 18: an empty body, and none
--- upstream
echo
--- config eval: $::gated
--- pipelined_requests eval
["POST /x\n", "GET /x"]
--- error_code eval
[200, 200]
--- response_body_like eval
["^\$", "^\$"]

=== TEST 19: a body that nginx keeps in two buffers
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
my $head = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2006\r\n";
["$head\r\n" . ("x" x 1000) . "att", "ick" . ("y" x 1000), "$head\r\n" . ("x" x 1000) . "att", "ack" . ("y" x 1000),
 "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", "ok"]
--- raw_request_middle_delay: 0.05
--- error_code eval
[200, 403, 200]
--- response_body_like eval
["^x{1000}attick" . "y{1000}\$", "test.body", "^ok\$"]
--- upstream_requests: 2

=== TEST 20: begun in memory, ended in a file
--- upstream
echo
--- config eval: $::gated
--- raw_request eval
my $head = "POST /spooled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5006\r\nConnection: close\r\n";
["$head\r\n" . ("x" x 500) . "att", "ack" . ("y" x 4500)]
--- raw_request_middle_delay: 0.05
--- error_code: 403
--- response_body_like: test.body
--- upstream_requests: 0

=== TEST 21: a body that another module has read already, in the access phase
--- config
location /x { guard_test_read; guard_test inner body=8; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
echo
--- request eval
["POST /x\nhello", "POST /x\nattack", "POST /x\ntoo large for it"]
--- error_code eval
[200, 403, 413]
--- response_body_like eval
["^hello\$", "test.body", "test.size"]

=== TEST 22: over the limit of a check that others come before
--- upstream
echo
--- config
location /x { guard_json on; guard_test inner body=100; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- request eval
["POST /x\n[" . " " x 200 . "]", "POST /x\n" . main::chunked("[" . " " x 200, "]")]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/json\r\nTransfer-Encoding: chunked"]
--- error_code eval
[413, 413]
--- response_body_like eval
['"code":"test.size"', '"code":"test.size"']
--- upstream_requests: 0

=== TEST 23: cut for a check that is exempt when it is asked: the application does not get what is left
--- http_config
map $request_length $late { volatile; default 0; "~^\d{4}" 1; }
--- upstream
echo
--- config
location /x { guard_exempt $late; guard_test inner body=100; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n" . "x" x 50 . "\r\n",
 { value => sprintf("%x\r\n%s\r\n0\r\n\r\n", 2000, "x" x 2000), delay_before => 0.1 }]
--- error_code: 413
--- upstream_requests: 0
--- error_log
at a limit that no check enforces any more

=== TEST 24: what is left of a body that was cut is not given to whom the error page comes from
--- upstream
echo
--- config
location /x { guard_test inner body=100; error_page 413 /page; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /page { proxy_read_timeout 2s; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" . main::chunked("x" x 60, "x" x 60)
--- error_code: 413
--- upstream_requests: 1
--- upstream_body eval
[""]

=== TEST 25: a body that another location has passed on as it came, and not to its end
--- upstream
echo
--- config
location /x { proxy_request_buffering off; error_page 502 = @other; proxy_pass http://127.0.0.1:1; }
location @other { guard_test inner body=64k; proxy_read_timeout 2s; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello"
--- error_code: 413
--- response_body_like: "code":"test.size"
--- upstream_requests: 0

=== TEST 26: the page for a Content-Length over client_max_body_size, which a check of its location would refuse as well
--- config
error_page 413 /page;
location /x { client_max_body_size 100; root html; }
location = /page { guard_test inner body=50; root html; try_files /index.html =404; }
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\nConnection: close\r\n\r\nhello", { value => "x" x 195, delay_before => 0.1 }]
--- error_code: 413
--- response_body_like: It works

=== TEST 27: the same over HTTP/2
--- http2
--- config
error_page 413 /page;
location /x { client_max_body_size 100; root html; }
location = /page { guard_test inner body=50; root html; try_files /index.html =404; }
--- request eval
"POST /x\n" . "x" x 200
--- error_code: 413
--- response_body_like: It works

=== TEST 28: a body that is thrown away before another location is asked lets nobody pass there
--- config
location /x { set $memcached_key x; memcached_pass 127.0.0.1:1; error_page 502 = /page; }
location = /page { guard_test inner refuse=403; root html; try_files /index.html =404; }
--- raw_request eval
["GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\nConnection: close\r\n\r\nhello", { value => "x" x 195, delay_before => 0.1 }]
--- error_code: 403

=== TEST 29: in a named location, where the request is as it was, it is refused
--- upstream
echo
--- config
error_page 413 @app;
location /x { client_max_body_size 100; root html; }
location @app { client_max_body_size 1m; guard_test inner body=50; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
["POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\nConnection: close\r\n\r\nhello", { value => "x" x 195, delay_before => 0.1 }]
--- error_code: 413
--- response_body_like: "code":"test.size"
--- upstream_requests: 0
