# guard_openapi responses=: what the application answers is held to the document as well.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

our $document = <<'EOF';
>>> api.json
{"openapi":"3.0.3","info":{"title":"Users","version":"1"},"paths":{
 "/user":{"get":{"operationId":"readUser","responses":{
   "200":{"description":"it","content":{"application/json":{"schema":{"$ref":"#/components/schemas/User"}},"text/csv":{"schema":{"type":"string"}}}},
   "4XX":{"description":"no","content":{"application/*":{"schema":{"type":"object","required":["error"]}}}},
   "404":{"description":"none","content":{"application/json":{"schema":{"type":"object","required":["missing"]}}}},
   "201":{"description":"free","content":{"application/json":{}}},
   "default":{"$ref":"#/components/responses/Other"}}}},
 "/list":{"get":{"operationId":"list","responses":{"200":{"description":"all","content":{"application/json":{"schema":{"type":"array","items":{"type":"integer"}}}}}}}},
 "/small.json":{"get":{"operationId":"small","responses":{"200":{"description":"a file","content":{"application/json":{"schema":{"type":"array","items":{"type":"integer"}}}}}}}},
 "/big.json":{"get":{"operationId":"big","responses":{"200":{"description":"a file","content":{"application/json":{"schema":{"type":"string"}}}}}}}},
 "components":{
  "responses":{"Other":{"description":"x","content":{"application/json":{"schema":{"type":"object","maxProperties":0}}}}},
  "schemas":{"User":{"type":"object","required":["id","name","secret"],"additionalProperties":false,"properties":{
   "id":{"type":"integer","readOnly":true},"name":{"type":"string"},"secret":{"type":"string","writeOnly":true}}}}}}
>>> small.json
[1,2,3]
>>> big.json
"not in this test"
EOF

# What the upstream answers, by the query.
our %answer = (
    good => [200, 'application/json', '{"id":1,"name":"ann"}'],
    charset => [200, 'application/json; charset=utf-8', '{"id":2,"name":"bob"}'],
    csv => [200, 'text/csv', 'a,b'],
    html => [500, 'text/html', '<p>sorry'],
    free => [201, 'application/json', 'anything'],
    range4 => [403, 'application/json', '{"error":1}'],
    exact => [404, 'application/json', '{"missing":1}'],
    other => [500, 'application/json', '{}'],
    none => [200, 'application/problem+json', '{"id":"x"}'],
    leak => [200, 'application/json', '{"id":1,"name":"ann","password":"hunter2"}'],
    type => [200, 'application/json', '{"id":"1","name":"ann"}'],
    java => [200, 'application/json;charset=ISO-8859-1', '{"id":1,"name":"ann","password":"hunter2"}'],
    php => [200, 'application/json; charset=utf8', '{"id":1,"name":"ann","password":"hunter2"}'],
    latin => [200, 'application/json;charset=ISO-8859-1', "{\"id\":1,\"name\":\"ren\xe9\"}"],
    missing => [200, 'application/json', '{"id":1}'],
    broken => [200, 'application/json', '{"id":1,"name":'],
    twice => [200, 'application/json', '{"id":1,"name":"a","name":"b"}'],
    empty => [200, 'application/json', ''],
    bad4 => [422, 'application/hal+json', '{}'],
    bad404 => [404, 'application/json', '{"error":1}'],
    bad5 => [503, 'application/json', '{"trace":"at line 3"}'],
    gzip => [200, 'application/json', "\x1f\x8b", "Content-Encoding: gzip\r\n"],
    identity => [200, 'application/json', '{"id":1,"name":"ann"}', "Content-Encoding: identity\r\n"],
    part => [206, 'application/json', '{"id":1', "Content-Range: bytes 0-6/40\r\n"],
    numbers => [200, 'application/json', '[' . join(',', 1 .. 5000) . ']'],
    handed => [200, 'text/plain', '', "X-Accel-Redirect: /inside/user?leak\r\n"],
    apart => [200, 'text/plain', '', "X-Accel-Redirect: /apart/user?leak\r\n"],
    large => [200, 'application/json', '[' . join(',', 1 .. 20000) . ']'],
);

our $upstream = sub {
    my ($request, $socket) = @_;
    my ($name, $how) = $request->{target} =~ /\?(\w+)(?:&(\w+))?/;
    $name //= 'leak';
    my ($status, $type, $body, $fields) = @{ $answer{$name} };
    my $head = "HTTP/1.1 $status Status\r\nContent-Type: $type\r\n" . ($fields // '') . "X-App: yes\r\n";
    return "${head}Connection: close\r\n\r\n$body" if ($how // '') eq 'close';
    return "${head}Transfer-Encoding: chunked\r\n\r\n" . join('', map { sprintf("%x\r\n%s\r\n", length $_, $_) } $body =~ /(.{1,3000})/gs) . "0\r\n\r\n"
        if ($how // '') eq 'chunked';
    if (($how // '') eq 'cut') {
        syswrite $socket, "${head}Content-Length: 100\r\n\r\n$body";
        return undef;
    }
    return "${head}Content-Length: " . length($body) . "\r\n\r\n" . ($request->{method} eq 'HEAD' ? '' : $body);
};

our $config = <<'EOC';
add_header X-Operation "$guard_openapi_operation" always;
add_header X-Good yes;
location / {
    guard_openapi $TEST_NGINX_HTML_DIR/api.json responses=enforce responses_size=32k;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
    location ~ json$ { root $TEST_NGINX_HTML_DIR; types { application/json json; } if_modified_since before; }
}
location /stream/ {
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/stream responses=enforce responses_size=32k;
    proxy_buffering off;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
}
location /zip/ {
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/zip responses=enforce responses_size=32k;
    gzip on;
    gzip_min_length 1;
    gzip_types application/json;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
}
location /watched/ {
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/watched responses=observe responses_size=32k;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
}
location /observed/ {
    guard_mode observe openapi;
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/observed responses=enforce responses_size=32k;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
}
location /exempt/ {
    guard_exempt 127.0.0.1 openapi;
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/exempt responses=enforce;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
}
location /off/ {
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/off;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/;
}
location = /asked {
    auth_request /user;
    empty_gif;
}
EOC

sub gets { return [map { my ($method, $target, $fields) = @$_; "$method $target HTTP/1.1\r\nHost: localhost\r\n" . ($fields // '') . "\r\n" } @_] }

sub body { return $answer{ $_[0] }[2] }

our $bad = '^' . quotemeta('{"type":"about:blank","title":"Bad response of the application","status":502,'
    . '"instance":"urn:request:') . '[0-9a-f]{32}' . quotemeta('","code":"openapi.response"}') . "\n\$";

our $event = '{"event":{"action":"response-violation","code":"openapi.response"},"http":{"response":{"status_code":502}},"labels":{"kind":"response_violated","decision":"denied","route":"readUser"}}';

run_tests();

__DATA__

=== TEST 1: what is as the document says, and what it says nothing of, comes as it was sent
--- user_files eval: $::document
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', "/user?$_"] } qw(good charset csv html free range4 exact other none good&chunked good&close identity))
--- error_code eval
[200, 200, 200, 500, 201, 403, 404, 500, 200, 200, 200, 200]
--- response_body eval
[map { main::body($_) } qw(good charset csv html free range4 exact other none good good identity)]
--- response_headers eval
["Content-Type: application/json\nContent-Length: 21\nX-App: yes\nX-Good: yes\nX-Operation: readUser", ("X-App: yes\nX-Operation: readUser") x 11]
--- event_log
{"event":{"action":"upstream-failed"},"http":{"response":{"status_code":500}},"labels":{"kind":"upstream_failed","route":"readUser"}}
{"event":{"action":"upstream-failed"},"http":{"response":{"status_code":500}},"labels":{"kind":"upstream_failed","route":"readUser"}}

=== TEST 2: what is not is kept from the client, who is told nothing of it
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', "/user?$_"] } qw(leak type missing broken twice empty bad4 bad404 bad5 leak&chunked leak&close empty&close java php latin))
--- error_code eval
[(502) x 15]
--- response_body_like eval
[($::bad) x 15]
--- response_headers eval
[("Content-Type: application/problem+json\nCache-Control: no-store\nX-App: \nX-Good: \nX-Operation: readUser") x 15]

=== TEST 3: the events name the place, and no value
--- user_files eval: $::document
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', "/user?$_"] } qw(leak type missing broken))
--- error_code eval
[(502) x 4]
--- event_log
{"event":{"action":"response-violation","code":"openapi.response","reason":"is not a known member"},"http":{"response":{"status_code":502}},"labels":{"kind":"response_violated","decision":"denied","route":"readUser"}}
{"event":{"action":"response-violation","code":"openapi.response","reason":"must be an integer"},"labels":{"kind":"response_violated","decision":"denied"}}
{"event":{"action":"response-violation","code":"openapi.response","reason":"must have the member \"name\""},"labels":{"decision":"denied"}}
{"event":{"action":"response-violation","code":"openapi.response","reason":"the body ends before its JSON value does"},"labels":{"decision":"denied"}}

=== TEST 4: what cannot be judged is refused as well, else a client's Accept-Encoding or Range would decide
--- user_files eval: $::document
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', $_] } qw(/user?gzip /user?part /list?numbers /list?numbers&chunked /list?large))
--- error_code eval
[502, 502, 200, 200, 502]
--- response_body_like eval
[($::bad) x 2, ('^' . quotemeta(main::body('numbers')) . '$') x 2, $::bad]
--- event_log
{"event":{"code":"openapi.response","reason":"the answer has a Content-Encoding"}}
{"event":{"code":"openapi.response","reason":"the answer is a part only"}}
{"event":{"code":"openapi.response","reason":"the answer is larger than \"responses_size\""}}

=== TEST 5: too large without a length: the answer is cut off and replaced
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- request
GET /list?large&chunked
--- error_code: 502
--- response_body_like eval
$::bad
--- response_headers
Connection: close

=== TEST 6: nothing is judged that has no body
--- user_files eval: $::document
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(['HEAD', '/user?leak'], ['HEAD', '/user?gzip'], ['HEAD', '/list?large'])
--- error_code eval
[200, 200, 200]
--- response_headers eval
["Content-Length: 42\nX-App: yes", "Content-Encoding: gzip", "Content-Length: " . length main::body('large')]
--- no_event_log

=== TEST 7: a file: unchanged since, and a range, which comes whole
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(['GET', '/small.json'], ['GET', '/small.json', "If-Modified-Since: Tue, 01 Jan 2199 00:00:00 GMT\r\n"], ['GET', '/small.json', "Range: bytes=0-2\r\n"])
--- error_code eval
[200, 304, 200]
--- response_body eval
["[1,2,3]\n", '', "[1,2,3]\n"]

=== TEST 8: without proxy_buffering, and with nginx's own gzip
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(['GET', '/stream/user?good'], ['GET', '/stream/user?leak'], ['GET', '/stream/list?numbers&chunked'], ['GET', '/stream/user?leak&chunked'],
    ['GET', '/zip/user?good', "Accept-Encoding: gzip\r\n"], ['GET', '/zip/user?leak', "Accept-Encoding: gzip\r\n"])
--- error_code eval
[200, 502, 200, 502, 200, 502]
--- response_body_like eval
['^' . quotemeta(main::body('good')) . '$', $::bad, '^' . quotemeta(main::body('numbers')) . '$', $::bad, "^\x1f\x8b", $::bad]
--- response_headers eval
["X-Good: yes", "X-Good: ", "X-Good: yes", "X-Good: ", "Content-Encoding: gzip\nX-Good: yes", "Content-Encoding: \nX-Good: "]

=== TEST 9: over HTTP/2 and TLS
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- http2
--- tls
--- request
GET /user?leak
--- error_code: 502
--- response_body_like eval
$::bad

=== TEST 10: a long one over HTTP/2 and TLS
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- http2
--- tls
--- request
GET /list?numbers&chunked
--- error_code: 200
--- response_body eval
main::body('numbers')

=== TEST 11: too large without a length, over HTTP/2 and TLS
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- http2
--- tls
--- request
GET /list?large&chunked
--- error_code: 502
--- response_body_like eval
$::bad

=== TEST 12: observed: all comes as it was sent, and the events say what would have been refused
--- user_files eval: $::document
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(['GET', '/watched/user?good'], ['GET', '/watched/user?leak'], ['GET', '/observed/user?type&chunked'], ['GET', '/watched/list?large'],
    ['GET', '/observed/list?large&chunked'], ['GET', '/watched/user?gzip'], ['GET', '/off/user?leak'], ['GET', '/exempt/user?leak'])
--- error_code eval
[(200) x 8]
--- response_body eval
[map { main::body($_) } qw(good leak type large large gzip leak leak)]
--- event_log
{"event":{"code":"openapi.response","reason":"is not a known member"},"labels":{"kind":"response_violated","decision":"observed","route":"readUser"}}
{"event":{"code":"openapi.response","reason":"must be an integer"},"labels":{"decision":"observed"}}
{"event":{"code":"openapi.response","reason":"the answer is larger than \"responses_size\""},"labels":{"decision":"observed"}}
{"event":{"code":"openapi.response","reason":"the answer is larger than \"responses_size\""},"labels":{"decision":"observed"}}
{"event":{"code":"openapi.response","reason":"the answer has a Content-Encoding"},"labels":{"decision":"observed"}}

=== TEST 13: what Guard refuses is no answer of the application; subrequests are left alone
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(['GET', '/none?leak'], ['GET', '/asked?leak'])
--- error_code eval
[404, 200]
--- response_body_like eval
['"code":"openapi.path"', '^GIF']

=== TEST 14: an answer that ends too early is not passed for a whole one
--- user_files eval: $::document
--- upstream eval: $::upstream
--- config eval: $::config
--- request
GET /user?good&cut
--- ignore_response
--- error_log
upstream prematurely closed connection
--- allow_log: error

=== TEST 15: an answer is judged as the operation's where a named location, or another by X-Accel-Redirect, gives it; unless that says otherwise, or it is an error page of nginx's
--- user_files eval
$::document . ">>> page.json\n{\"sorry\":1}\n"
--- upstream eval: $::upstream
--- config
add_header X-Good yes;
location /try/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/try responses=enforce; try_files /nothing @app; }
location /old/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/old responses=enforce; error_page 404 = @app; log_not_found off; }
location /watched/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/watched responses=observe; try_files /nothing @app; }
location /handed/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/handed responses=enforce; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /page/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/page responses=enforce; proxy_intercept_errors on; error_page 403 503 /page.json;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location = /page.json { root html; types { application/json json; } }
location /inside/ { internal; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /apart/ { internal; guard_openapi off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location @app { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::gets((map { ['GET', $_] } '/try/user?leak', '/try/user?good', '/old/user?leak', '/old/user?good', '/watched/user?leak', '/handed/user?handed', '/handed/user?apart', '/page/user?bad5', '/page/user?range4', '/try/user?leak', '/inside/user?leak'))
--- error_code eval
[502, 200, 502, 200, 200, 502, 200, 503, 403, 502, 404]
--- response_body_like eval
[$::bad, '"ann"', $::bad, '"ann"', 'hunter2', $::bad, 'hunter2', 'sorry', 'sorry', $::bad, '']

=== TEST 16: an answer that the slice module puts together is a part to who judges it
--- user_files eval
$::document . ">>> long.json\n" . '"' . "x" x 3000 . '"' . "\n"
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
types { application/json json; }
--- config
location /origin/ { alias html/; }
location = /big.json { guard_openapi $TEST_NGINX_HTML_DIR/api.json responses=enforce; slice 1k; proxy_set_header Range $slice_range; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/long.json; }
location = /small.json { guard_openapi $TEST_NGINX_HTML_DIR/api.json responses=observe; slice 1k; proxy_set_header Range $slice_range; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/long.json; }
--- request eval
["GET /big.json", "GET /small.json"]
--- error_code eval
[502, 200]
--- response_body_like eval
['"code":"openapi.response"[^x]*$', '^"x{3000}"$']
--- event_log
{"event":{"code":"openapi.response","reason":"the answer is a part only","type":["error"]},"url":{"path":"/big.json"},"labels":{"decision":"denied"}}
{"event":{"code":"openapi.response","reason":"the answer is a part only","type":["error"]},"url":{"path":"/small.json"},"labels":{"decision":"observed"}}
