# guard_inspect_response: what the application answers is searched as well, by rules of the phases 3 to 5.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

our $rules = <<'EOF';
>>> own.conf
SecRule REQUEST_HEADERS:X-Who "@rx ." "id:1,phase:1,pass,nolog,setvar:tx.who=%{MATCHED_VAR},setvar:tx.%{MATCHED_VAR}=5"
SecRule ARGS:skip "@eq 1" "id:2,phase:1,pass,nolog,ctl:ruleRemoveById=12"
SecRule ARGS:raw "@eq 1" "id:3,phase:2,pass,nolog,ctl:responseBodyAccess=Off"
SecRule ARGS:free "@eq 1" "id:4,phase:1,allow,nolog"
SecRule ARGS:free "@eq 2" "id:5,phase:1,allow:request,nolog"
SecRule ARGS:off "@eq 1" "id:6,phase:1,pass,nolog,ctl:ruleEngine=Off"
SecRule ARGS:free "@eq 2" "id:7,phase:2,deny"
SecRule RESPONSE_STATUS "@rx ^501" "id:10,phase:3,deny,status:500,tag:'attack-disclosure'"
SecRule RESPONSE_HEADERS:X-App "@streq bad" "id:11,phase:3,deny"
SecRule RESPONSE_BODY "@contains secret" "id:12,phase:4,deny,severity:4,tag:'attack-disclosure'"
SecRule RESPONSE_BODY "@rx token=[0-9]{4}" "id:13,phase:4,t:none,t:lowercase,deny,tag:'attack-rce',setvar:tx.outbound_anomaly_score=+7"
SecRule TX:who "@streq eve" "id:14,phase:4,deny,chain"
  SecRule TX:eve "@eq 5" "chain"
    SecRule RESPONSE_CONTENT_TYPE "@beginsWith text/html" "chain"
      SecRule REQUEST_URI "@contains eve"
SecRule OUTBOUND_DATA_ERROR "@eq 1" "id:15,phase:4,deny,chain"
  SecRule RESPONSE_BODY "@beginsWith strict"
SecRule RESPONSE_PROTOCOL "@streq HTTP/1.1" "id:16,phase:4,deny,chain"
  SecRule RESPONSE_HEADERS:Content-Length "@eq 7"
SecRule RESPONSE_STATUS "@ge 200" "id:17,phase:5,deny"
>>> small.txt
a secret
>>> fine.txt
fine
EOF

# What the upstream answers, by the query.
our %answer = (
    fine   => [200, 'text/html',                        '<p>fine!'],
    length => [200, 'text/plain',                       'seven b'],
    secret => [200, 'text/plain; charset=utf-8',        'a secret'],
    token  => [200, 'application/problem+json',         '{"TOKEN":"Token=1234"}'],
    status => [501, 'text/html',                        'sorry'],
    away   => [503, 'text/html',                        'sorry'],
    field  => [200, 'text/html',                        'a field', "X-App: bad\r\n"],
    eve    => [200, 'text/html',                        'not for all'],
    image  => [200, 'image/png',                        'a secret'],
    events => [200, 'text/event-stream',                "data: a secret\n\n"],
    gzip   => [200, 'text/plain',                       "\x1f\x8b secret", "Content-Encoding: gzip\r\n"],
    part   => [206, 'text/plain',                       'a secret', "Content-Range: bytes 0-7/40\r\n"],
    empty  => [200, 'text/html',                        ''],
    late   => [200, 'text/plain',                       ('x' x 70000) . 'secret'],
    early  => [200, 'text/plain',                       'secret' . ('x' x 70000)],
    strict => [200, 'text/plain',                       'strict' . ('x' x 70000)],
    exact  => [200, 'text/plain',                       ('x' x 32762) . 'secret'],
    sql    => [500, 'text/html',                        'You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version'],
    index  => [200, 'text/html',                        '<html><head><title>Index of /</title></head><body><h1>Index of /</h1>'],
    php    => [200, 'text/html',                        '<?php $a = $_GET["a"]; ?>'],
    page   => [200, 'text/html',                        '<!doctype html><title>Shoes</title><p>An error occurred in my SQL class, said the teacher.'],
);

our $upstream = sub {
    my ($request, $socket) = @_;
    my ($name, $how) = $request->{target} =~ /\?(\w+)(?:&(\w+))?/;
    my ($status, $type, $body, $fields) = @{ $answer{ $name // 'secret' } };
    $how //= '';
    my $head = "HTTP/1.1 $status Status\r\nContent-Type: $type\r\n" . ($fields // '') . "X-Upstream: yes\r\n";
    return "${head}Connection: close\r\n\r\n$body" if $how eq 'close';
    return "${head}Transfer-Encoding: chunked\r\n\r\n" . join('', map { sprintf("%x\r\n%s\r\n", length $_, $_) } $body =~ /(.{1,3000})/gs) . "0\r\n\r\n"
        if $how eq 'chunked';
    if ($how eq 'cut') {
        syswrite $socket, "${head}Content-Length: 100\r\n\r\n$body";
        return undef;
    }
    return "${head}Content-Length: " . length($body) . "\r\n\r\n" . ($request->{method} eq 'HEAD' ? '' : $body);
};

our $config = <<'EOC';
add_header X-Good yes;
guard_inspect on;
guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;
guard_inspect_response on size=32k;
location / {
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
    location ~ txt$ { root $TEST_NGINX_HTML_DIR; if_modified_since before; }
}
location /stream/ { proxy_buffering off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /zip/ { gzip on; gzip_min_length 1; gzip_types text/plain; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /observed/ { guard_mode observe inspect; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /exempt/ { guard_exempt 127.0.0.1 inspect; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /off/ { guard_inspect_response off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /images/ { guard_inspect_response on types=image/png; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /page/ { proxy_intercept_errors on; error_page 503 /fine.txt; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location /leak/ { proxy_intercept_errors on; error_page 503 /small.txt; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
location = /asked { auth_request /stream/; empty_gif; }
EOC

sub gets { return [map { my ($method, $target, $fields) = @$_; "$method $target HTTP/1.1\r\nHost: localhost\r\n" . ($fields // '') . "\r\n" } @_] }

sub body { return $answer{ $_[0] }[2] }

sub refused {
    my ($status, $category) = @_;
    return '^' . quotemeta(qq({"type":"about:blank","title":"The answer would tell what it must not","status":$status,"instance":"urn:request:)) . '[0-9a-f]{32}'
        . quotemeta(qq(","code":"inspect.$category"})) . "\n\$";
}

sub whole { return '^' . quotemeta(body($_[0])) . '$' }

run_tests();

__DATA__

=== TEST 1: what the rules do not mind comes as it was sent
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', "/?$_"] } qw(fine fine&chunked fine&close empty empty&chunked image events gzip eve late late&chunked))
--- error_code eval
[(200) x 11]
--- response_body eval
[map { main::body($_) } qw(fine fine fine empty empty image events gzip eve late late)]
--- response_headers eval
["Content-Type: text/html\nX-Upstream: yes\nX-Good: yes\nContent-Length: 8", ("X-Upstream: yes\nX-Good: yes") x 10]
--- no_event_log

=== TEST 2: what they deny is kept from the client, with each variable of an answer
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets((map { ['GET', "/?$_"] } qw(secret secret&chunked secret&close token status field part length exact)), ['GET', '/?eve', "X-Who: eve\r\n"])
--- error_code eval
[403, 403, 403, 403, 500, 403, 403, 403, 403, 403]
--- response_body_like eval
[(main::refused(403, 'disclosure')) x 3, main::refused(403, 'rce'), main::refused(500, 'disclosure'), main::refused(403, 'generic'), main::refused(403, 'disclosure'),
 main::refused(403, 'generic'), main::refused(403, 'disclosure'), main::refused(403, 'generic')]
--- response_headers eval
[("Content-Type: application/problem+json\nCache-Control: no-store\nX-Upstream: \nX-Good: ") x 10]

=== TEST 3: of a longer body the beginning is searched, and a rule can ask whether it was longer
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', $_] } qw(/?late /stream/?late /stream/?late&chunked /?early))
--- error_code eval
[200, 200, 200, 403]
--- response_body_like eval
[(main::whole('late')) x 3, main::refused(403, 'disclosure')]

=== TEST 4: the same where nginx buffers nothing
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- request
GET /stream/?early&chunked
--- error_code: 403
--- response_body_like eval
main::refused(403, 'disclosure')
--- response_headers
Connection: close

=== TEST 5: a rule that asks
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- request
GET /?strict
--- error_code: 403
--- response_body_like eval
main::refused(403, 'generic')

=== TEST 6: what rules of the request have said of the answer's
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets((map { ['GET', "/?secret&plain&$_"] } qw(skip=1 raw=1 free=1 free=2 off=1 skip=2)), ['GET', '/?eve', "X-Who: bob\r\n"])
--- error_code eval
[200, 200, 200, 403, 200, 403, 200]
--- response_body_like eval
[(main::whole('secret')) x 3, main::refused(403, 'disclosure'), main::whole('secret'), main::refused(403, 'disclosure'), main::whole('eve')]

=== TEST 7: events name the rules, observed or not; switches
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', $_] } qw(/?secret /observed/?token&chunked /observed/?early /off/?secret /exempt/?secret /images/?image /images/?secret))
--- error_code eval
[403, 200, 200, 200, 200, 403, 200]
--- response_body_like eval
[main::refused(403, 'disclosure'), main::whole('token'), main::whole('early'), (main::whole('secret')) x 2, main::refused(403, 'disclosure'), main::whole('secret')]
--- event_log
{"event":{"action":"response-violation","code":"inspect.disclosure"},"http":{"response":{"status_code":403}},"labels":{"kind":"response_violated","decision":"denied","variable":"RESPONSE_BODY"},"rule":{"id":["12","17"]}}
{"event":{"code":"inspect.rce","risk_score":7},"labels":{"kind":"response_violated","decision":"observed"},"rule":{"id":["13","17"]}}
{"event":{"code":"inspect.disclosure"},"labels":{"decision":"observed"}}
{"event":{"code":"inspect.disclosure"},"labels":{"decision":"denied"}}

=== TEST 8: what is encoded passes, and the error log tells; the score of an answer
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- http_config
log_format score '$uri score "$guard_inspect_response_score"';
--- config
error_log logs/error.log info;
access_log logs/access.log score;
guard_inspect on;
guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;
guard_inspect_response on;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::gets(map { ['GET', $_] } qw(/?gzip /a?token /b?fine))
--- error_code eval
[200, 403, 200]
--- error_log
the answer has a Content-Encoding and is not judged
--- access_log eval
['/ score ""', '/a score "7"', '/b score "0"']

=== TEST 9: nothing is judged that has no body
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(['HEAD', '/?secret'], ['GET', '/small.txt', "If-Modified-Since: Tue, 01 Jan 2199 00:00:00 GMT\r\n"])
--- error_code eval
[200, 304]
--- response_headers eval
["Content-Length: 8\nX-Upstream: yes", "X-Good: yes"]

=== TEST 10: files, error pages and subrequests
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', $_] } qw(/small.txt /fine.txt /page/?away /leak/?away /asked))
--- error_code eval
[403, 200, 503, 403, 200]
--- response_body_like eval
[main::refused(403, 'disclosure'), '^fine$', '^fine$', main::refused(403, 'disclosure'), '^GIF']

=== TEST 11: without proxy_buffering, and with nginx's own gzip
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(['GET', '/stream/?fine'], ['GET', '/stream/?secret&chunked'], ['GET', '/zip/?length', "Accept-Encoding: gzip\r\n"], ['GET', '/zip/?late', "Accept-Encoding: gzip\r\n"],
    ['GET', '/zip/?secret', "Accept-Encoding: gzip\r\n"])
--- error_code eval
[200, 403, 403, 200, 403]
--- response_body_like eval
[main::whole('fine'), main::refused(403, 'disclosure'), main::refused(403, 'generic'), "^\x1f\x8b", main::refused(403, 'disclosure')]

=== TEST 12: over HTTP/2 and TLS
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- http2
--- tls
--- request
GET /?secret
--- error_code: 403
--- response_body_like eval
main::refused(403, 'disclosure')

=== TEST 13: a long one over HTTP/2 and TLS
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- http2
--- tls
--- request
GET /?late&chunked
--- error_code: 200
--- response_body eval
main::body('late')

=== TEST 14: a long one that is denied, over HTTP/2 and TLS
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- http2
--- tls
--- request
GET /?early&chunked
--- error_code: 403
--- response_body_like eval
main::refused(403, 'disclosure')

=== TEST 15: an answer that ends too early is not passed for a whole one
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- config eval: $::config
--- request
GET /?fine&cut
--- ignore_response
--- error_log
upstream prematurely closed connection
--- allow_log: error

=== TEST 16: the Core Rule Set
--- upstream eval: $::upstream
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
guard_inspect on;
guard_inspect_response on;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /more/ { guard_inspect_response on threshold=5; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT/; }
--- raw_request eval
main::gets(map { ['GET', $_, "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\nAccept: */*\r\n"] }
    qw(/?fine /?page /?sql /?index /?php /more/?index /more/?sql))
--- error_code eval
[200, 200, 403, 403, 403, 200, 403]
--- response_body_like eval
[(map { main::whole($_) } qw(fine page)), (main::refused(403, 'disclosure')) x 3, main::whole('index'), main::refused(403, 'disclosure')]
--- event_log
{"event":{"action":"upstream-failed"}}
{"event":{"action":"response-violation","code":"inspect.disclosure","risk_score":5},"labels":{"kind":"response_violated"},"rule":{"id":["951230","959100","980140"]}}
{"event":{"code":"inspect.disclosure","risk_score":4},"rule":{"id":["950130","959100","980140"]}}
{"event":{"code":"inspect.disclosure"},"rule":{"id":["953120","959100","980140"]}}
{"event":{"action":"upstream-failed"}}
{"event":{"code":"inspect.disclosure","risk_score":5}}

=== TEST 17: redirect sends the client elsewhere
--- user_files
>>> own.conf
SecRule RESPONSE_BODY "@contains secret" "id:1,phase:4,redirect:'http://example.com/%{request_headers.x-way}',tag:'attack-disclosure'"
SecRule RESPONSE_STATUS "@eq 501" "id:2,phase:3,redirect:/sorry,status:303"
--- upstream eval: $::upstream
--- config eval: $::config
--- raw_request eval
main::gets(map { ['GET', $_, "X-Way: a b\r\n"] } qw(/?secret /?status /observed/?secret))
--- error_code eval
[302, 303, 200]
--- response_headers_like eval
["Location: http://example\\.com/a%20b\nContent-Type: application/problem\\+json", 'Location: (?:http://[^/]+)?/sorry', 'Location: ']
--- response_body_like eval
['"status":302,.*"code":"inspect.disclosure"', '"status":303', '^a secret$']

=== TEST 18: the answer of a named location is searched where the one that led to it has answers searched, unless it says otherwise
--- user_files eval: $::rules
--- upstream eval: $::upstream
--- http_config eval: 'guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;'
--- config
location /try/ { guard_inspect on; guard_inspect_response on; try_files /nothing @app; }
location /apart/ { guard_inspect on; guard_inspect_response on; try_files /nothing @apart; }
location @app { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location @apart { guard_inspect_response off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::gets(['GET', '/try/?secret'], ['GET', '/apart/?secret'])
--- error_code eval
[403, 200]
--- response_body_like eval
['"code":"inspect.disclosure"', '^a secret$']

=== TEST 19: what the slice module puts together passes, since Guard does not see the slices behind the first one
--- user_files eval
$::rules . ">>> long.txt\n" . "secret\n" . "x" x 3000 . "\n"
--- http_config eval: 'guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;'
--- config
location /origin/ { alias html/; }
location /sliced/ {
    guard_inspect on;
    guard_inspect_response on;
    slice 1k;
    proxy_set_header Range $slice_range;
    proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/;
}
location /observed/ { guard_mode observe; guard_inspect on; guard_inspect_response on; slice 1k; proxy_set_header Range $slice_range; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/origin/; }
--- raw_request eval
main::gets(['GET', '/sliced/long.txt'], ['GET', '/sliced/long.txt', "Range: bytes=2000-2009\r\n"], ['GET', '/observed/long.txt'])
--- error_code eval
[200, 206, 200]
--- response_body_like eval
["^secret\nx{3000}\n\$", "^x{10}\$", "^secret\nx{3000}\n\$"]
--- error_log
the answer comes in slices and is not judged
