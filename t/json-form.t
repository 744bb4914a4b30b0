# guard_json_schema ... forms=on: forms are held to the schema that JSON is held to, and reach the application as they were sent.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $files = <<'EOS';
>>> signup.json
{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["email","age"],"additionalProperties":false,
 "properties":{"email":{"type":"string","format":"email","maxLength":254},"age":{"type":"integer","minimum":0,"maximum":150},
 "news":{"type":"boolean"},"phone":{"type":["null","integer"]},"note":{"type":"string"},
 "tags":{"type":"array","maxItems":3,"items":{"enum":["a","b","c"]}},"ids":{"$ref":"ids.json"}}}
>>> ids.json
{"type":"array","items":{"type":"integer"}}
>>> open.json
{"type":"object","properties":{"n":{"type":"integer"}}}
EOS

our $config = <<'EOC';
location /signup {
    guard_json_schema $TEST_NGINX_HTML_DIR/signup.json forms=on;
    guard_json_set $email /email lower;
    guard_json_set $age /age;
    guard_json_set $tag /tags/1;
    add_header X-Seen "$email $age $tag" always;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
location /json { guard_json_schema $TEST_NGINX_HTML_DIR/signup.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /off { guard_json_schema $TEST_NGINX_HTML_DIR/signup.json forms=off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /open { guard_json_schema $TEST_NGINX_HTML_DIR/open.json forms=on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /twice { guard_json_schema $TEST_NGINX_HTML_DIR/open.json forms=on; guard_json_limits duplicates=allow; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /small { guard_json_schema $TEST_NGINX_HTML_DIR/open.json forms=on; guard_json_limits size=20 keys=2 string=6; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /spooled { client_body_buffer_size 1k; guard_json_schema $TEST_NGINX_HTML_DIR/open.json forms=on; guard_json_set $n /n;
    add_header X-Seen "$n" always; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe json; guard_json_schema $TEST_NGINX_HTML_DIR/signup.json forms=on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /first { guard_json_schema $TEST_NGINX_HTML_DIR/open.json forms=on; guard_json_set $n /n; add_header X-Seen "$n" always; try_files /none @second; }
location @second { guard_json_schema $TEST_NGINX_HTML_DIR/open.json; guard_json_set $n /n; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
EOC

# The whole problem body; errors as [pointer, keyword, detail], keyword undef where there is none.
sub problem {
    my ($status, $code, $title, $detail, @error) = @_;
    my $list = join ',', map { qq({"detail":"$_->[2]","pointer":"$_->[0]") . (defined $_->[1] ? qq(,"keyword":"$_->[1]") : '') . '}' } @error;
    my $errors = @error ? qq(,"errors":[$list]) : '';
    my $text = quotemeta(qq({"type":"about:blank","title":"$title","status":$status,"detail":"$detail",)
        . qq("instance":"urn:request:ID","code":"$code"$errors}));
    $text =~ s/ID/[0-9a-f]{32}/;
    return "^$text\n\$";
}

sub violated {
    return problem(422, 'json.schema', 'Body does not satisfy the schema', 'the form is not as the schema wants it', @_);
}

sub malformed {
    my ($detail, $pointer) = @_;
    return problem(400, 'json.syntax', 'Malformed form', $detail, [$pointer, undef, $detail]);
}

sub post {
    my ($target, $fields, $body) = @_;
    return "POST $target HTTP/1.1\r\nHost: localhost\r\n$fields" . "Content-Length: " . length($body) . "\r\n\r\n$body";
}

our $form = "Content-Type: application/x-www-form-urlencoded\r\n";
our $good = 'email=Ann%40example.com&age=17&tags=a&tags=b&news=true&phone=null&ids=7&note=1+%2B+1';

run_tests();

__DATA__

=== TEST 1: a form as the schema wants it passes as it was sent, and so does JSON; values are variables
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
[main::post('/signup', $::form, $::good), main::post('/signup', "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n", 'email=a%40b.example&age=0'),
 main::post('/signup', "Content-Type: application/json\r\n", '{"email":"a@b.example","age":1,"tags":["a","c"]}')]
--- error_code eval
[200, 200, 200]
--- response_headers eval
["X-Seen: ann\@example.com 17 b", "X-Seen: a\@b.example 0", "X-Seen: a\@b.example 1 c"]
--- response_body eval
[$::good, 'email=a%40b.example&age=0', '{"email":"a@b.example","age":1,"tags":["a","c"]}']

=== TEST 2: the whole answer says each thing that is wrong, and no value
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- request
POST /signup
email=nobody&age=17.5&news=on&phone=&tags=a&tags=zeta&ids=x&is_admin=true&a%5Bb%5D=1
--- error_code: 422
--- response_headers
Content-Type: application/problem+json
Cache-Control: no-store
--- response_body_like eval
main::violated(['#/email', 'format', 'must be of the format \"email\"'], ['#/age', 'type', 'must be an integer'], ['#/news', 'type', 'must be a boolean'],
 ['#/phone', 'type', 'must be null or an integer'], ['#/tags/1', 'enum', 'must be one of \"a\", \"b\", \"c\"'], ['#/ids/0', 'type', 'must be an integer'],
 ['#/is_admin', 'additionalProperties', 'is not a known member'], ['#/a%5Bb%5D', 'additionalProperties', 'is not a known member'])
--- response_body_unlike: nobody|zeta|\b17\b
--- upstream_requests: 0

=== TEST 3: over HTTP/2 and TLS
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- http2
--- tls
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- request
POST /signup
email=a%40b.example&age=old
--- error_code: 422
--- response_body_like eval
main::violated(['#/age', 'type', 'must be an integer'])
--- upstream_requests: 0

=== TEST 4: what is no form in UTF-8 is refused; an encoding, an empty form, an override as with JSON
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
[main::post('/signup', "", $::good), main::post('/signup', "Content-Type: text/plain\r\n", $::good),
 main::post('/signup', "Content-Type: multipart/form-data; boundary=x\r\n", $::good),
 main::post('/signup', "Content-Type: application/x-www-form-urlencoded; charset=iso-8859-1\r\n", $::good),
 main::post('/signup', "Content-Type: application/x-www-form-urlencoded, text/plain\r\n", $::good),
 main::post('/signup', $::form . $::form, $::good), main::post('/signup', $::form . "Content-Type: application/json\r\n", $::good),
 main::post('/signup', "${main::form}Content-Encoding: gzip\r\n", $::good), main::post('/signup', $::form, ''),
 main::post('/signup', "${main::form}X-HTTP-Method-Override: DELETE\r\n", $::good)]
--- error_code eval
[(415) x 8, 400, 400]
--- response_body_like eval
[main::problem(415, 'json.media_type', 'JSON or a form required', 'the request has no Content-Type'),
 (main::problem(415, 'json.media_type', 'JSON or a form required', 'the Content-Type is neither a JSON type nor that of a form in UTF-8')) x 4,
 (main::problem(415, 'json.media_type', 'JSON or a form required', 'the request has several Content-Types')) x 2,
 main::problem(415, 'json.content_encoding', 'Content-Encoding refused', 'a form must be sent without Content-Encoding'),
 main::malformed('the body is empty at byte 0', '#'), main::problem(400, 'json.method_override', 'Method override refused', 'the method must be that of the request line')]
--- upstream_requests: 0

=== TEST 5: off by default
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- pipelined_requests eval
["POST /json\n$::good", "POST /off\n$::good"]
--- error_code eval
[415, 415]
--- response_body_like eval
[(main::problem(415, 'json.media_type', 'JSON required', 'the Content-Type is not a JSON type')) x 2]
--- upstream_requests: 0

=== TEST 6: what applications read in different ways
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
[map { main::post('/open', $::form, $_) } 'a=1;b=2', 'a', 'a=1&=2', 'a=%', 'a=%u0041', 'a=b%00c', "a=\0", "a=1\n", 'a=%C0%AF', "a=\xE9", 'a=%ED%A0%80', 'a=1&a=2', 'a=1&%61=2', 'n=1&n=2']
--- error_code eval
[(400) x 14]
--- response_body_like eval
[main::malformed('a \";\" that is not encoded as %3B at byte 3', '#/a'), main::malformed('expected a \"=\" behind a name at byte 1', '#'),
 main::malformed('a field has no name at byte 4', '#'), (main::malformed('a \"%\" without two hexadecimal digits behind it at byte 2', '#/a')) x 2,
 main::malformed('U+0000 in a form at byte 3', '#/a'), main::malformed('a control character that is not encoded at byte 2', '#/a'),
 main::malformed('a control character that is not encoded at byte 3', '#/a'),
 (main::problem(400, 'json.encoding', 'Body is not UTF-8', 'bytes that decode to no UTF-8 at byte 2', ['#/a', undef, 'bytes that decode to no UTF-8 at byte 2'])) x 3,
 (map { main::problem(400, 'json.duplicate_key', 'Repeated member name', "a name is repeated at byte 4", ["#/$_", 'duplicates', "a name is repeated at byte 4"]) } qw(a a n))]
--- upstream_requests: 0

=== TEST 7: and what they read alike
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- pipelined_requests eval
["POST /open\n&&a=1&", "POST /open\na=b=c", "POST /open\na=b%3Bc", "POST /open\na[]=1&a[x]=2", "POST /open\na%0D%0A=b%0D%0A", "POST /open\nn=%31%32&x=", "POST /open\n&",
 "POST /twice\na=1&a=2"]
--- error_code eval
[(200) x 8]
--- response_body eval
["&&a=1&", "a=b=c", "a=b%3Bc", "a[]=1&a[x]=2", "a%0D%0A=b%0D%0A", "n=%31%32&x=", "&", "a=1&a=2"]

=== TEST 8: the limits are those of JSON
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- pipelined_requests eval
["POST /small\na=%22%22%22%22%22", "POST /small\na=1&b=2&c=3", "POST /small\na=1234567", "POST /small\na=1&b=123456789012345", "POST /open\nn=" . '1' x 400]
--- error_code eval
[200, 400, 400, 413, 400]
--- response_body_like eval
['^a=', main::problem(400, 'json.keys', 'Too many members', 'the form has too many names at byte 8', ['#', 'keys', 'the form has too many names at byte 8']),
 main::problem(400, 'json.string', 'String too long', 'a string is too long at byte 2', ['#/a', 'string', 'a string is too long at byte 2']),
 main::problem(413, 'json.size', 'Body too large', 'the body is too large'),
 main::problem(400, 'json.number', 'Number out of range', 'a number is out of range at byte 0', ['#/n', 'number', 'a number is out of range at byte 0'])]

=== TEST 9: chunked, and spooled to a file
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
["POST /signup HTTP/1.1\r\nHost: localhost\r\n${main::form}Transfer-Encoding: chunked\r\n\r\n"
 . CORE::join('', map { sprintf("%x\r\n%s\r\n", length, $_) } $::good =~ /(.{1,7})/g) . "0\r\n\r\n",
 main::post('/spooled', $::form, 'x=' . 'y' x 50_000 . '&n=12'), main::post('/spooled', $::form, 'x=' . 'y' x 50_000 . '&n=%3')]
--- error_code eval
[200, 200, 400]
--- response_headers eval
["X-Seen: ann\@example.com 17 b", "X-Seen: 12", "X-Seen: "]

=== TEST 10: observed: it passes, and the event says what would have been refused
--- user_files eval: $::files
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- pipelined_requests eval
["POST /observed\nage=-1", "POST /observed\n$::good"]
--- error_code eval
[200, 200]
--- event_log
{"event":{"action":"schema-violation","code":"json.schema"},"labels":{"kind":"schema_violated","decision":"observed","json_pointer":"/age"}}

=== TEST 11: the event of a refusal
--- user_files eval: $::files
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- request
POST /signup
email=a%40b.example&age=1&age=2
--- error_code: 400
--- response_body_like eval
main::problem(400, 'json.duplicate_key', 'Repeated member name', 'a name is repeated at byte 26', ['#/age', 'duplicates', 'a name is repeated at byte 26'])
--- event_log
{"event":{"action":"json-refused","code":"json.duplicate_key"},"http":{"response":{"status_code":400}},"labels":{"kind":"json_refused","decision":"denied","json_pointer":"/age"}}

=== TEST 12: a value of a form is the key of a rate policy
--- user_files eval: $::files
--- upstream
echo
--- http_config
guard_rate_policy login rate=1/hour key=$who phase=inner;
--- config
location /rate { guard_json_schema $TEST_NGINX_HTML_DIR/signup.json forms=on; guard_json_set $who /email; guard_rate login; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- pipelined_requests eval
["POST /rate\nemail=a%40b.example&age=1", "POST /rate\nage=1&email=%61%40b.example", "POST /rate\nemail=c%40b.example&age=1"]
--- error_code eval
[200, 429, 200]

=== TEST 13: after an internal redirect, a location that takes no forms
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- request
POST /first
n=5
--- error_code: 415
--- response_body_like eval
main::problem(415, 'json.media_type', 'JSON required', 'the Content-Type is not a JSON type')
--- upstream_requests: 0

=== TEST 14: fields that an application may read as one that the schema knows (PHP, Rack, qs for Node, ASP.NET)
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
[map { main::post('/open', $::form, $_) } 'n=1&n[]=x', 'n[$ne]=x', 'n=1&+n=x', 'N=x', 'n[=x', '[n]=x', 'n]=x', '!n=x', 'nn[]=1&N.=1&m[n]=1&n=2']
--- error_code eval
[(422) x 8, 200]
--- response_body_like eval
[(map { main::violated(["#/$_", undef, 'must be written as the schema names it']) } 'n%5B%5D', 'n%5B$ne%5D', '%20n', 'N', 'n%5B', '%5Bn%5D', 'n%5D', '!n'), '^nn']

=== TEST 15: what the query says of a field of the form, servlets and Flask take before it
--- user_files eval: $::files
--- upstream
status 204
--- config eval: $::config
--- raw_request eval
[(map { main::post("/open?$_", $::form, 'n=5&a=1') } 'n=6', 'x=1&%6e=6', 'n=5&n=6', 'N=5', 'n[]=5', 'x=1;n=6', 'n'), main::post('/open?n=5', $::form, 'a=1'),
 (map { main::post("/open?$_", $::form, 'n=5&a=1') } 'n=5', '%6E=%35&x=y', 'a=2', 'm=6&', 'nn=n&x;y=%zz'), main::post('/open?n=6', "Content-Type: application/json\r\n", '{"n":5}')]
--- error_code eval
[(422) x 8, (204) x 6]
--- response_body_like eval
[(main::problem(422, 'json.schema', 'Body does not satisfy the schema', 'the query names a field of the form with another value')) x 8, ('') x 6]
