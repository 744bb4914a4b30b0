# guard_json: which bodies pass, and the whole answer when one does not, however the body comes.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $json = <<'EOC';
location /on { guard_json on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /required { guard_json required; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe json; guard_json required; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /off { guard_json off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /spooled { client_body_buffer_size 1k; guard_json on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
EOC

# The whole problem body; errors as [detail, pointer, keyword].
sub problem {
    my ($status, $code, $title, $detail, @error) = @_;
    my $text = qq({"type":"about:blank","title":"$title","status":$status,"detail":"$detail",)
        . qq("instance":"urn:request:ID","code":"$code");
    if (@error) {
        $text .= qq(,"errors":[{"detail":"$detail","pointer":"$error[0]");
        $text .= qq(,"keyword":"$error[1]") if defined $error[1];
        $text .= '}]';
    }
    $text = quotemeta($text . '}');
    $text =~ s/ID/[0-9a-f]{32}/;
    return "^$text\n\$";
}

sub chunked {
    return join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @_) . "0\r\n\r\n";
}

sub post {
    my ($target, $fields, $body) = @_;
    return "POST $target HTTP/1.1\r\nHost: localhost\r\n$fields\r\n$body";
}

our $type = "Content-Type: application/json\r\n";

run_tests();

__DATA__

=== TEST 1: JSON passes unchanged
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /on\n{\"a\":[1,2.5e3,\"x\\u00e9\",null,true]}", "PUT /on\n[]", "PATCH /required\n0", "POST /required\n\"\""]
--- error_code eval
[200, 200, 200, 200]
--- response_body eval
["{\"a\":[1,2.5e3,\"x\\u00e9\",null,true]}", "[]", "0", "\"\""]

=== TEST 2: malformed, the whole answer
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- request
POST /on
{"user":{"tags":["a",x]}}
--- error_code: 400
--- response_headers
Content-Type: application/problem+json
Cache-Control: no-store
--- response_body_like eval
main::problem(400, 'json.syntax', 'Malformed JSON', 'expected a value at byte 21', '#/user/tags/1')
--- upstream_requests: 0

=== TEST 3: every kind of malformed
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /on\n{\"a\":1", "POST /on\n{\"a\":1}}", "POST /on\n[1,]", "POST /on\n{a:1}", "POST /on\n[NaN]", "POST /on\n[1]//x", "POST /on\n['a']",
 "POST /on\n[01]", "POST /on\n\"a\x01b\"", "POST /on\n[1]\0", "POST /on\n{\"a\\u0000\":1}", "POST /on\n\"\\x\"", "POST /on\n\"abc"]
--- error_code eval
[(400) x 13]
--- response_body_like eval
[map { "\"code\":\"json.syntax\"" } 1 .. 13]
--- upstream_requests: 0

=== TEST 4: every kind of not UTF-8
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /on\n[\"\xff\"]", "POST /on\n\xef\xbb\xbf{}", "POST /on\n{\0\"\0a\0\"\0:\0001\0}\0", "POST /on\n\0{\0}", "POST /on\n\xff\xfe[\0]\0", "POST /on\n\0\0\0[\0\0\0]",
 "POST /on\n[\"\\ud800\"]", "POST /on\n[\"\xc0\xaf\"]", "POST /on\n[\"\xed\xa0\x80\"]"]
--- error_code eval
[(400) x 9]
--- response_body_like eval
[main::problem(400, 'json.encoding', 'Body is not UTF-8', 'the body is not valid UTF-8 at byte 2', '#/0'),
 main::problem(400, 'json.encoding', 'Body is not UTF-8', 'the body begins with a byte order mark at byte 0', '#'),
 (main::problem(400, 'json.encoding', 'Body is not UTF-8', 'the body is UTF-16 or UTF-32, not UTF-8 at byte 0', '#')) x 2,
 main::problem(400, 'json.encoding', 'Body is not UTF-8', 'the body is UTF-16 or UTF-32, not UTF-8 at byte 0', '#') . "|not valid UTF-8 at byte 0",
 "\"code\":\"json.encoding\"",
 main::problem(400, 'json.encoding', 'Body is not UTF-8', 'an escape stands for half a surrogate pair at byte 2', '#/0'),
 (main::problem(400, 'json.encoding', 'Body is not UTF-8', 'the body is not valid UTF-8 at byte 2', '#/0')) x 2]
--- upstream_requests: 0

=== TEST 5: repeated names, also when written differently
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /on\n{\"a\":1,\"a\":2}", "POST /on\n[{\"x\":{\"role\":1,\"r\\u006fle\":2}}]", "POST /on\n{\"a\":{\"a\":1},\"A\":2}"]
--- error_code eval
[400, 400, 200]
--- response_body_like eval
[main::problem(400, 'json.duplicate_key', 'Repeated member name', 'an object has two members of the same name at byte 7', '#/a', 'duplicates'),
 main::problem(400, 'json.duplicate_key', 'Repeated member name', 'an object has two members of the same name at byte 6', '#/0/x/role', 'duplicates'),
 '^\{"a":\{"a":1\},"A":2\}$']
--- upstream_requests: 1

=== TEST 6: the pointer is escaped as a fragment, whatever the client's names are
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- request eval
"POST /on\n{\"a/b~\\\"\\n<\xc3\xa9\":[x]}"
--- error_code: 400
--- response_body_like eval
main::problem(400, 'json.syntax', 'Malformed JSON', 'expected a value at byte 16', '#/a~1b~0%22%0A%3C%C3%A9/0')
--- upstream_requests: 0

=== TEST 7: in chunks
--- upstream
echo
--- config eval: $::json
--- raw_request eval
[main::post('/on', "Transfer-Encoding: chunked\r\n$::type", "5\r\n{\"a\":"), "\r\n", "2\r\n12\r\n", "1\r\n}\r\n0\r\n\r\n",
 main::post('/on', "Transfer-Encoding: chunked\r\nConnection: close\r\n$::type", main::chunked('{"a":', '1,', '}'))]
--- raw_request_middle_delay: 0.02
--- error_code eval
[200, 400]
--- response_body_like eval
['^\{"a":12\}$', main::problem(400, 'json.syntax', 'Malformed JSON', 'expected a member name in double quotes at byte 7', '#')]
--- upstream_requests: 1

=== TEST 8: garbage between the chunks is nginx's 400
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::post('/on', "Transfer-Encoding: chunked\r\nConnection: close\r\n$::type", "zz\r\n{}\r\n0\r\n\r\n")
--- error_code: 400
--- response_body_like: 400 Bad Request
--- upstream_requests: 0

=== TEST 9: a body that ends early goes nowhere
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::post('/on', "Content-Length: 100\r\n$::type", '{"a":1}')
--- shutdown
--- error_code:
--- ignore_response
--- upstream_requests: 0

=== TEST 10: in a temporary file
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /spooled\n[" . CORE::join(',', 1 .. 20000) . "]", "POST /spooled\n[" . CORE::join(',', 1 .. 20000) . ",]", "POST /on\n[" . CORE::join(',', 1 .. 20000) . "]"]
--- error_code eval
[200, 400, 200]
--- response_body_like eval
['^\[1,2,.*,20000\]$', main::problem(400, 'json.syntax', 'Malformed JSON', 'expected a value at byte 108895', '#/20000'), '^\[1,2,.*,20000\]$']
--- upstream_requests: 2

=== TEST 11: Expect: 100-continue is answered before a body that will be read
--- upstream
echo
--- config eval: $::json
--- raw_request eval
[main::post('/on', "Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n$::type", ''), '{}']
--- raw_request_middle_delay: 0.05
--- interim: 100
--- response_body: {}

=== TEST 12: and not before one that is refused unread
--- upstream
echo
--- config eval: $::json
--- raw_request eval
[main::post('/required', "Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\nContent-Type: text/plain\r\n", ''), '{}']
--- raw_request_middle_delay: 0.05
--- interim: none
--- error_code: 415
--- response_body_like: "code":"json.media_type"
--- upstream_requests: 0

=== TEST 13: over TLS
--- upstream
echo
--- tls
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- request
POST /on
{"a":tru}
--- error_code: 400
--- response_body_like eval
main::problem(400, 'json.syntax', 'Malformed JSON', 'invalid literal at byte 5', '#/a')
--- upstream_requests: 0

=== TEST 14: over HTTP/2 and TLS
--- upstream
echo
--- tls
--- http2
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- request
POST /required
{"a":tru}
--- error_code: 400
--- response_body_like eval
main::problem(400, 'json.syntax', 'Malformed JSON', 'invalid literal at byte 5', '#/a')
--- upstream_requests: 0

=== TEST 15: a GET over HTTP/2 has no body to require JSON of
--- upstream
echo
--- http2
--- config eval: $::json
--- request
GET /required
--- error_code: 200

=== TEST 16: observed, all of it passes
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /observed\n{bad", "POST /observed\n", "POST /observed\n[1]"]
--- error_code eval
[200, 200, 200]
--- response_body eval
["{bad", "", "[1]"]
--- upstream_requests: 3

=== TEST 17: off, nothing is looked at
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
--- request
POST /off
{bad
--- response_body: {bad

=== TEST 18: an inner level replaces, off clears
--- upstream
echo
--- config
guard_json required;
location /a { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /b { guard_json off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /c { guard_json on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- pipelined_requests eval
["POST /a\n{", "POST /b\n{", "POST /c\n{"]
--- error_code eval
[415, 200, 200]
--- response_body_like eval
["json.media_type", '^\{$', '^\{$']

=== TEST 19: an internal redirect is checked once where the policy is the same
--- upstream
echo
--- config
guard_json on;
location /x { try_files /none @app; }
location @app { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /x\n{}", "POST /x\n{"]
--- error_code eval
[200, 400]
--- response_body_like eval
['^\{\}$', "json.syntax"]
--- upstream_requests: 1

=== TEST 20: nothing but blanks
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::post('/on', "Content-Length: 4\r\nConnection: close\r\n$::type", " \t\r\n")
--- error_code: 400
--- response_body_like eval
main::problem(400, 'json.syntax', 'Malformed JSON', 'the body holds only blanks at byte 4', '#')
--- upstream_requests: 0

=== TEST 21: an Upgrade field exempts no body
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::post('/on', "Upgrade: websocket\r\nConnection: upgrade, close\r\nContent-Length: 4\r\n$::type", "{bad")
--- error_code: 400
--- response_body_like: "code":"json.syntax"
--- upstream_requests: 0
