# Which media types, encodings and methods guard_json takes for what.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $json = <<'EOC';
location /on { guard_json on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /required { guard_json required; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
EOC

sub problem {
    my ($status, $code, $title, $detail) = @_;
    my $text = qq({"type":"about:blank","title":"$title","status":$status,"detail":"$detail",)
        . qq("instance":"urn:request:ID","code":"$code"});
    $text = quotemeta($text);
    $text =~ s/ID/[0-9a-f]{32}/;
    return "^$text\n\$";
}

# One request for each list of field lines, to target, with body.
sub requests {
    my ($target, $body, @fields) = @_;
    return [map {
        my $fields = join('', map { "$_\r\n" } @$_);
        "POST $target HTTP/1.1\r\nHost: localhost\r\n$fields" . "Content-Length: " . length($body) . "\r\n\r\n$body"
    } @fields];
}

our $unfit = main::problem(415, 'json.media_type', 'JSON required', 'the Content-Type is not one well-formed JSON type in UTF-8');
our $other = main::problem(415, 'json.media_type', 'JSON required', 'the Content-Type is not a JSON type');
our $none = main::problem(415, 'json.media_type', 'JSON required', 'the request has no Content-Type');
our $several = main::problem(415, 'json.media_type', 'JSON required', 'the request has several Content-Types');
our $encoded = main::problem(415, 'json.content_encoding', 'Content-Encoding refused', 'a JSON body must be sent without Content-Encoding');
our $override = main::problem(400, 'json.method_override', 'Method override refused', 'the method must be that of the request line');

run_tests();

__DATA__

=== TEST 1: types that are JSON
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/required', '[1]', ['Content-Type: application/json'], ['content-type: APPLICATION/JSON;charset=UTF-8'],
  ['Content-Type: application/json; charset="utf-8"'], ['Content-Type: application/vnd.api+json; ext="x"'], ['Content-Type: application/merge-patch+json;'],
  ['Content-Type: text/json'])
--- error_code eval
[(200) x 6]
--- response_body eval
[('[1]') x 6]

=== TEST 2: on: their bodies are checked
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/on', '[x]', ['Content-Type: application/json'], ['content-type: APPLICATION/JSON;charset=UTF-8'],
  ['Content-Type: application/json; charset="utf-8"'], ['Content-Type: application/vnd.api+json; ext="x"'], ['Content-Type: text/json'])
--- error_code eval
[(400) x 5]
--- response_body_like eval
[('json.syntax') x 5]
--- upstream_requests: 0

=== TEST 3: on: other bodies pass unread
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/on', '[x]', ['Content-Type: text/plain'], [], ['Content-Type: application/x-www-form-urlencoded'], ['Content-Type: text/x-json'],
  ['Content-Type: application/x-ndjson', 'Content-Encoding: gzip'], ['Content-Type: text/plain', 'Content-Type: text/html'], ['Content-Type:'],
  ['Content-Type: application/grpc+proto'])
--- error_code eval
[(200) x 8]
--- response_body eval
[('[x]') x 8]

=== TEST 4: on: what speaks of JSON, but not clearly, is refused
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/on', '[1]', ['Content-Type: application/json; charset=utf-16'], ['Content-Type: application/json; charset=utf-8; charset=utf-16'],
  ['Content-Type: application/json, text/plain'], ['Content-Type: text/plain, application/json'], ['Content-Type: application/json; charset'],
  ['Content-Type: text/plain', 'Content-Type: application/json'], ['Content-Type: application/json', 'Content-Type: application/json'],
  ['Content-Type: application/json', 'Content-Encoding: gzip'], ['Content-Type: application/grpc+json'],
  ['Content-Type: text/plain; a="/json"'], ['Content-Type: text/plain; a=b+JSON'], ['Content-Type: application/x-www-form-urlencoded; a=/json'])
--- error_code eval
[(415) x 12]
--- response_body_like eval
[($::unfit) x 5, ($::several) x 2, $::encoded, ($::unfit) x 4]
--- upstream_requests: 0

=== TEST 5: required: anything else is refused
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/required', '[1]', ['Content-Type: text/plain'], [], ['Content-Type:'], ['Content-Type: application/x-www-form-urlencoded'], ['Content-Type: text/x-json'],
  ['Content-Type: application/json; charset=latin1'], ['Content-Type: text/plain', 'Content-Type: application/json'],
  ['Content-Type: application/json', 'Content-Type: text/plain'], ['Content-Type: application/json', 'Content-Encoding: gzip'],
  ['Content-Type: application/json', 'Content-Encoding: identity'], ['Content-Type: application/grpc+json'])
--- error_code eval
[(415) x 11]
--- response_body_like eval
[$::other, $::none, ($::other) x 3, $::unfit, ($::several) x 2, ($::encoded) x 2, $::unfit]
--- upstream_requests: 0

=== TEST 6: required: the whole answer
--- upstream
echo
--- config eval: $::json
--- request
POST /required
[1]
--- error_code: 415
--- response_headers
Content-Type: application/problem+json
Cache-Control: no-store
--- response_body_like eval: $::none
--- upstream_requests: 0

=== TEST 7: required: no empty body, and none without a type
--- upstream
echo
--- config eval: $::json
--- raw_request eval
my $json = "Content-Type: application/json\r\n";
["POST /required HTTP/1.1\r\nHost: x\r\n$json\r\n",
 "PUT /required HTTP/1.1\r\nHost: x\r\n${json}Content-Length: 0\r\n\r\n",
 "PATCH /required HTTP/1.1\r\nHost: x\r\n\r\n",
 "POST /required HTTP/1.1\r\nHost: x\r\n${json}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
--- error_code eval
[400, 400, 415, 400]
--- response_body_like eval
['the body is empty', 'the body is empty', $::none, 'the body is empty']
--- upstream_requests: 0

=== TEST 8: required: methods without a body pass, with one they do not
--- upstream
echo
--- config eval: $::json
--- raw_request eval
["GET /required HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /required HTTP/1.1\r\nHost: x\r\n\r\n", "DELETE /required HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS /required HTTP/1.1\r\nHost: x\r\n\r\n",
 "GET /required HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n[1]", "DELETE /required HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\n[1]",
 "DELETE /required HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Type: application/json\r\n\r\n[x]",
 "DELETE /required HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[1]"]
--- error_code eval
[200, 200, 200, 200, 415, 415, 400, 200]
--- response_body_like eval
['', '', '', '', $::none, $::other, 'json.syntax', '^\[1\]$']
--- upstream_requests: 5

=== TEST 9: required: no other method by a header field
--- upstream
echo
--- config eval: $::json
--- raw_request eval
[map { "GET /required HTTP/1.1\r\nHost: x\r\n$_: POST\r\n\r\n" } 'X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override']
--- error_code eval
[400, 400, 400]
--- response_body_like eval
[($::override) x 3]
--- upstream_requests: 0

=== TEST 10: on: a method override is none of its business
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
X-HTTP-Method-Override: PUT
--- request
POST /on
[1]
--- response_body: [1]

=== TEST 11: on: an empty body is nothing to check
--- upstream
echo
--- config eval: $::json
--- more_headers
Content-Type: application/json
Content-Length: 0
--- request
POST /on
--- error_code: 200

=== TEST 12: on: bytes around the type that an application may strip, or inside that it may not mind
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/on', '{"a":1,"a":2}', map { ["Content-Type: $_"] } "application/json\xa0", "application/json\x0b", "\x0capplication/json",
  "\xef\xbb\xbfapplication/json", "application/json\x85; charset=utf-8", "application/json \x01", "application/\xff+json",
  "application/x\x01+json", "\t application/json\t", "application/+json")
--- error_code eval
[(415) x 9, 400]
--- response_body_like eval
[($::unfit) x 9, 'json.duplicate_key']
--- upstream_requests: 0

=== TEST 13: a NUL in a field is nginx's 400
--- upstream
echo
--- config eval: $::json
--- raw_request eval
"POST /on HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\0\r\nContent-Length: 2\r\n\r\n{}"
--- error_code: 400
--- response_body_like: 400 Bad Request
--- upstream_requests: 0

=== TEST 14: required: an encoding that is none, and one that says nothing
--- upstream
echo
--- config eval: $::json
--- raw_request eval
main::requests('/required', '[1]', ['Content-Type: application/json', "Content-Encoding: \xff\x01"], ['Content-Type: application/json', 'Content-Encoding:'])
--- error_code eval
[415, 415]
--- response_body_like eval
[($::encoded) x 2]
--- upstream_requests: 0

=== TEST 15: required: where "_" is let through in names, nor by one that is written with it (CGI and WSGI tell it from "-" no more)
--- upstream
echo
--- config eval: "underscores_in_headers on;" . $::json
--- raw_request eval
[map { "GET /required HTTP/1.1\r\nHost: x\r\n$_: POST\r\n\r\n" } 'X_HTTP_METHOD_OVERRIDE', 'x-http_method', 'X_Method-Override', 'X_Other_Method']
--- error_code eval
[400, 400, 400, 200]
--- response_body_like eval
[($::override) x 3, '']
--- upstream_requests: 1

=== TEST 16: where "_" is let through in names, a Content_Type is a second Content-Type, and a Content_Encoding one of the body
--- upstream
echo
--- config eval: "underscores_in_headers on;" . $::json
--- raw_request eval
main::requests('/required', '[1]', ['Content-Type: application/json', 'Content_Type: text/plain'], ['Content-Type: application/json', 'Content_Encoding: gzip'])
--- error_code eval
[415, 415]
--- response_body_like eval
[$::several, $::encoded]
--- upstream_requests: 0

=== TEST 17: required: nor by the parameter of the query from which Laravel, Symfony and WordPress take the method, however PHP or Rack would read its name
--- upstream
echo
--- config eval: $::json
--- raw_request eval
[(map { "GET /required?$_ HTTP/1.1\r\nHost: x\r\n\r\n" } '_method=DELETE', 'a=1&%5Fm%65thod=PUT', 'a;_method=PUT', '.method=PUT', '[method=PUT', '_METHOD', '_method%00=PUT', '+++%20_method=PUT', ('[' x 50) . '_method]=PUT', '_method[]=PUT',
    'method=PUT', '__method=PUT', 'a=_method', '_methods=1', 'a[_method]=1', 'x_method=PUT'), "POST /required?_method=PUT HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "GET /on?_method=PUT HTTP/1.1\r\nHost: x\r\n\r\n"]
--- error_code eval
[(400) x 10, (200) x 6, 400, 200]
--- response_body_like eval
[($::override) x 10, ('') x 6, $::override, '']
--- upstream_requests: 7

=== TEST 18: required: what may be a body and turns out to be none
--- upstream
echo
--- config eval: $::json
--- raw_request eval
[(map { "$_ /required HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" } 'GET', 'DELETE', 'POST'),
 "GET /required HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
 "GET /required HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmore\r\n1\r\nx\r\n0\r\n\r\n"]
--- error_code eval
[200, 200, 415, 415, 415]
--- upstream_requests: 2
