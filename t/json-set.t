# guard_json_set: variables from the body.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $set = <<'EOC';
guard_json on;
guard_json_set $email /user/email lower trim;
guard_json_set $first /list/0;
location /x {
    guard_json_set $raw /user/email;
    proxy_set_header X-Email "<$email>";
    proxy_set_header X-First "<$first>";
    proxy_set_header X-Raw "<$raw>";
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
location /replaced {
    guard_json_set $first /list/1;
    proxy_set_header X-First "<$first>";
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
EOC

run_tests();

__DATA__

=== TEST 1: strings, unescaped; lower and trim where asked for
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: application/json
--- request
POST /x
{"user":{"email":" Jane.D\u006fE@Example.com "},"list":[1.50e3]}
--- error_code: 204
--- upstream_headers
X-Email: <jane.doe@example.com>
X-First: <1.50e3>
X-Raw: < Jane.DoE@Example.com >

=== TEST 2: true, false and null
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: application/json
--- request
POST /x
{"user":{"email":null},"list":[true]}
--- error_code: 204
--- upstream_headers
X-Email: <>
X-First: <true>
X-Raw: <>

=== TEST 3: nothing there, and containers
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: application/json
--- request
POST /x
{"user":{},"list":[[1]]}
--- error_code: 204
--- upstream_headers
X-Email: <>
X-First: <>
X-Raw: <>

=== TEST 4: a line break forges no header field
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: application/json
--- request
POST /x
{"user":{"email":"a\r\nX-Admin: yes"},"list":["a\u0000b"]}
--- error_code: 204
--- upstream_headers
X-Email: <>
X-First: <>
X-Raw: <>

=== TEST 5: an inner level replaces one name and keeps the others
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: application/json
--- request
POST /replaced
{"list":["a","b"]}
--- error_code: 204
--- upstream_headers
X-First: <b>

=== TEST 6: a body that is not JSON sets nothing
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: text/plain
--- request
POST /x
{"user":{"email":"a"}}
--- error_code: 204
--- upstream_headers
X-Email: <>
X-First: <>

=== TEST 7: asked for before the body is read, it is not stuck
--- upstream
status 204
--- config
guard_json on;
guard_json_set $name /name;
location /x {
    if ($name) { return 500; }
    set $early "early:$name";
    proxy_set_header X-Early $early;
    proxy_set_header X-Name $name;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
--- more_headers
Content-Type: application/json
--- request
POST /x
{"name":"n"}
--- error_code: 204
--- upstream_headers
X-Early: early:
X-Name: n

=== TEST 8: kept over an internal redirect
--- upstream
status 204
--- config
guard_json on;
guard_json_set $name /name;
location /x { try_files /none @app; }
location @app { proxy_set_header X-Name $name; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- more_headers
Content-Type: application/json
--- request
POST /x
{"name":"n"}
--- error_code: 204
--- upstream_headers
X-Name: n

=== TEST 9: two requests on one connection have values of their own
--- upstream
echo
--- config eval: $::set
--- http_config
log_format values "<$first>";
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /x\n{\"list\":[\"one\"]}", "POST /x\n{\"list\":[]}", "POST /x\n{\"list\":[3]}"]
--- error_code eval
[200, 200, 200]
--- upstream_headers eval
["X-First: <one>", "X-First: <>", "X-First: <3>"]

=== TEST 10: those of the location of an internal redirect
--- upstream
status 204
--- config
guard_json on;
location /x { guard_json_set $name /name; guard_json_set $other /name; try_files /none @app; }
location @app {
    guard_json_set $name /first;
    proxy_set_header X-Name "$name $other";
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
--- more_headers
Content-Type: application/json
--- request
POST /x
{"name":"n","first":"f"}
--- error_code: 204
--- upstream_headers
X-Name: f n

=== TEST 11: a name in other letters, as Go and ASP.NET look for it
--- upstream
status 204
--- config eval: $::set
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /x\n{\"User\":{\"EMAIL\":\"a\@example.com\"}}", "POST /x\n{\"u\x{c5}\x{bf}er\":{\"email\":\"a\@example.com\"}}", "POST /x\n{\"user\":{\"emails\":1,\"mail\":2,\"email\":\"a\@example.com\"},\"users\":3}"]
--- error_code eval
[204, 204, 204]
--- upstream_headers
X-Email: <a@example.com>
X-Raw: <a@example.com>

=== TEST 12: and two of them: applications differ in which they take
--- upstream
status 204
--- config eval
$::set . 'location /twice { guard_json_limits duplicates=allow; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; add_header X-Seen "<$email>" always; }
location /observed { guard_mode observe json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /none { guard_json_set $email ""; guard_json_set $first ""; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }'
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /x\n{\"user\":{\"email\":\"a\",\"Email\":\"b\"}}", "POST /x\n{\"user\":{\"email\":\"a\"},\"USER\":{}}", "POST /x\n{\"LIST\":[],\"list\":[1]}",
 "POST /twice\n{\"user\":{\"email\":\"a\",\"Email\":\"b\"}}", "POST /observed\n{\"user\":{\"email\":\"a\",\"Email\":\"b\"}}", "POST /none\n{\"user\":{\"email\":\"a\",\"Email\":\"b\"}}"]
--- error_code eval
[400, 400, 400, 204, 204, 204]
--- response_body_like eval
[(map { '"title":"Repeated member name","status":400,"detail":"an object has members whose names differ in case alone","instance":"urn:request:[0-9a-f]{32}","code":"json.duplicate_key",'
    . qq("errors":\\[\\{"detail":"an object has members whose names differ in case alone","pointer":"#/$_","keyword":"duplicates"\\}\\]) } qw(user/Email USER list)), ('^$') x 3]
--- raw_response_headers_like eval
['', '', '', 'X-Seen: <b>', '', '']

=== TEST 13: those of the location of an internal redirect, where guard_openapi alone has checked the body
--- user_files
>>> api.json
{"openapi":"3.1.0","info":{"title":"Names","version":"1"},"paths":{"/x":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object"}}}}}}}}
--- upstream
status 204
--- config
guard_openapi $TEST_NGINX_HTML_DIR/api.json;
location /x { guard_json_set $name /name; guard_json_set $other /name; try_files /none @app; }
location @app {
    guard_json_set $name /first;
    guard_json_set $own /own;
    proxy_set_header X-Name "$name $other $own";
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
--- more_headers
Content-Type: application/json
--- request
POST /x
{"name":"n","first":"f","own":"o"}
--- error_code: 204
--- upstream_headers
X-Name: f n o
