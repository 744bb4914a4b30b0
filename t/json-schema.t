# guard_json_schema: bodies are held to a schema, whatever way they come, and the answer says what to mend.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $files = <<'EOF';
>>> order.json
{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["email","order"],"additionalProperties":false,
 "properties":{"email":{"type":"string","format":"email","maxLength":254},"order":{"type":"array","minItems":1,"maxItems":100000,
 "items":{"$ref":"item.json"}}}}
>>> item.json
{"type":"object","required":["id","name","price"],"additionalProperties":false,"properties":{"id":{"type":"integer","minimum":1},
 "name":{"type":"string","minLength":1,"maxLength":100,"pattern":"^[a-z0-9 ]+$"},"price":{"type":"number","minimum":0,"maximum":100000},
 "tags":{"type":"array","maxItems":10,"uniqueItems":true,"items":{"enum":["alpha","beta","gamma"]}},"ok":{"type":"boolean"}}}
>>> bomb.json
{"type":"object","properties":{"name":{"type":"string","pattern":"^(a*)*b$"}}}
>>> tree.json
{"anyOf":[{"type":"object","required":["x"],"properties":{"a":{"$ref":"#"}}},{"type":"object","properties":{"a":{"$ref":"#"}},"required":["y"]}]}
>>> old.json
{"properties":{"n":{"minimum":3,"exclusiveMinimum":true}}}
>>> scalar.json
{"type":["integer","null"],"minimum":-5}
EOF

our $config = <<'EOC';
location /order {
    guard_json_schema $TEST_NGINX_HTML_DIR/order.json;
    guard_json_set $email /email;
    add_header X-Email "$email" always;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
    location /order/off { guard_json off; guard_json_schema off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
    location /order/inherited { guard_json_limits size=2k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
}
location /one { guard_json_schema $TEST_NGINX_HTML_DIR/order.json errors=1; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /annotate { guard_json_schema $TEST_NGINX_HTML_DIR/order.json formats=annotate; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe json; guard_json_schema $TEST_NGINX_HTML_DIR/order.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /bomb { guard_json_schema $TEST_NGINX_HTML_DIR/bomb.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /tree { guard_json_schema $TEST_NGINX_HTML_DIR/tree.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /old { guard_json_schema $TEST_NGINX_HTML_DIR/old.json draft=4; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /scalar { guard_json_schema $TEST_NGINX_HTML_DIR/scalar.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /put { guard_json_schema $TEST_NGINX_HTML_DIR/scalar.json methods=PUT; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
EOC

# The whole problem body; errors as [pointer, keyword, detail].
sub problem {
    my (@error) = @_;
    my $list = join(',', map { qq({"detail":"$_->[2]","pointer":"$_->[0]","keyword":"$_->[1]"}) } @error);
    my $text = quotemeta(qq({"type":"about:blank","title":"Body does not satisfy the schema","status":422,)
        . qq("detail":"the body is JSON, but not as the schema wants it","instance":"urn:request:ID","code":"json.schema","errors":[$list]}));
    $text =~ s/ID/[0-9a-f]{32}/;
    return "^$text\n\$";
}

our $good = '{"email":"a@example.com","order":[{"id":1,"name":"tea 2","price":3.5,"tags":["alpha","beta"],"ok":true}]}';
our $bad = '{"email":"nobody","x/y":1,"order":[{"id":0.5,"name":"TEA","price":1e6,"tags":["alpha","zeta","alpha"],"ok":1},{}]}';
our @errors = (
    ['#/email', 'format', 'must be of the format \"email\"'],
    ['#/x~1y', 'additionalProperties', 'is not a known member'],
    ['#/order/0/id', 'type', 'must be an integer'],
    ['#/order/0/name', 'pattern', 'must match the pattern ^[a-z0-9 ]+$'],
    ['#/order/0/price', 'maximum', 'must be at most 100000'],
    ['#/order/0/tags/1', 'enum', 'must be one of \"alpha\", \"beta\", \"gamma\"'],
    ['#/order/0/tags', 'uniqueItems', 'must not have equal elements'],
    ['#/order/0/ok', 'type', 'must be a boolean'],
    ['#/order/1', 'required', 'must have the member \"id\"'],
    ['#/order/1', 'required', 'must have the member \"name\"'],
);

run_tests();

__DATA__

=== TEST 1: a body as the schema wants it passes unchanged
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /order\n$::good", "PUT /order/inherited\n$::good", "PATCH /annotate\n" . $::good =~ s/a\@example.com/nobody/r, "POST /old\n{\"n\":3.1}", "POST /scalar\nnull",
 "POST /scalar\n-5.0"]
--- error_code eval
[(200) x 6]
--- response_body eval
[$::good, $::good, $::good =~ s/a\@example.com/nobody/r, '{"n":3.1}', 'null', '-5.0']

=== TEST 2: the whole answer says each thing that is wrong, up to ten, and no value
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- request eval
"POST /order\n$::bad"
--- error_code: 422
--- response_headers
Content-Type: application/problem+json
Cache-Control: no-store
--- response_body_like eval
main::problem(@::errors)
--- response_body_unlike: nobody|zeta|TEA
--- upstream_requests: 0

=== TEST 3: errors=1, and where the schema is inherited or another draft
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /one\n$::bad", "POST /order/inherited\n[]", "POST /old\n{\"n\":3}", "POST /scalar\n1.5", "POST /scalar\n-6"]
--- error_code eval
[(422) x 5]
--- response_body_like eval
[main::problem($::errors[0]), main::problem(['#', 'type', 'must be an object']), main::problem(['#/n', 'minimum', 'must be greater than 3']),
 main::problem(['#', 'type', 'must be an integer or null']), main::problem(['#', 'minimum', 'must be at least -5'])]
--- upstream_requests: 0

=== TEST 4: over HTTP/2 and TLS
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- http2
--- tls
--- more_headers
Content-Type: application/json
--- request eval
"POST /order\n$::bad"
--- error_code: 422
--- response_body_like eval
main::problem(@::errors)
--- upstream_requests: 0

=== TEST 5: nothing slips past: no type, another type, two types, an encoding, an empty body, an override
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
[map { my ($method, $fields, $body) = @$_; "$method /order HTTP/1.1\r\nHost: localhost\r\n$fields" . "Content-Length: " . length($body) . "\r\n\r\n$body" }
 ['POST', "", '1'], ['POST', "Content-Type: text/plain\r\n", '1'], ['POST', "Content-Type: application/json\r\nContent-Type: text/plain\r\n", '1'],
 ['POST', "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", '1'], ['POST', "Content-Type: application/json\r\n", ''],
 ['POST', "Content-Type: application/json\r\nX-HTTP-Method-Override: GET\r\n", $::good],
 ['POST', "Content-Type: application/x-www-form-urlencoded\r\n", 'email=a'], ['PUT', "", ''], ['PATCH', "", '']]
--- error_code eval
[415, 415, 415, 415, 400, 400, 415, 415, 415]
--- response_body_like eval
[(map { "\"code\":\"json.$_\"" } qw(media_type media_type media_type content_encoding syntax method_override media_type media_type media_type))]
--- upstream_requests: 0

=== TEST 6: a body with any method is held to the schema; only those in methods= must have one
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
[map { my ($method, $target, $body) = @$_; my $type = length $body ? "Content-Type: application/json\r\nContent-Length: " . length($body) . "\r\n" : '';
       "$method $target HTTP/1.1\r\nHost: localhost\r\n$type\r\n$body" }
 ['DELETE', '/order', '{}'], ['GET', '/order', '{}'], ['QUERY', '/order', '{}'], ['GET', '/order', ''], ['DELETE', '/order', ''],
 ['POST', '/put', '"x"'], ['POST', '/put', ''], ['PUT', '/put', ''], ['PUT', '/put', '7']]
--- error_code eval
[422, 422, 422, 200, 200, 422, 200, 415, 200]

=== TEST 7: what parsers disagree about
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /scalar\n1,2", "POST /scalar\n[1]//x", "POST /scalar\nNaN", "POST /scalar\nInfinity", "POST /scalar\n\xef\xbb\xbf1", "POST /scalar\n\"\\ud800\"",
 "POST /old\n{\"n\":4,\"n\":1}", "POST /old\n{\"n\":4,\"\\u006e\":1}", "POST /scalar\n-5.00000000000000000000000000000000001",
 "POST /scalar\n100000000000000000000000000000000000000000000001", "POST /scalar\n+1", "POST /scalar\n0x10", "POST /scalar\n1 \0"]
--- error_code eval
[400, 400, 400, 400, 400, 400, 400, 400, 422, 200, 400, 400, 400]
--- response_body_like eval
[(map { "\"code\":\"json.$_\"" } qw(syntax syntax syntax syntax encoding encoding duplicate_key duplicate_key schema)), '^1', (map { "\"code\":\"json.$_\"" } qw(syntax syntax syntax))]

=== TEST 8: a pattern that would run away
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /bomb\n{\"name\":\"" . 'a' x 100 . "bc\"}", "POST /bomb\n{\"name\":\"aab\"}"]
--- error_code eval
[422, 200]
--- response_body_like eval
['"detail":"a pattern of the schema would take too long on a string of the body".*"code":"json.pattern_limit"\}', 'aab']

=== TEST 9: a schema that would run away
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- request eval
"POST /tree\n" . '{"a":' x 31 . '1' . '}' x 31
--- error_code: 422
--- response_body_like: "detail":"the schema would take too long on the body".*"code":"json.schema_limit"\}

=== TEST 10: observed: it passes, and the event says what would have been refused
--- user_files eval: $::files
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /observed\n[1]", "POST /observed\n$::good"]
--- error_code eval
[200, 200]
--- event_log
{"event":{"action":"schema-violation","code":"json.schema"},"labels":{"kind":"schema_violated","decision":"observed","json_pointer":null}}

=== TEST 11: the event of a refusal
--- user_files eval: $::files
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- more_headers
Content-Type: application/json
--- request eval
"POST /order\n$::bad"
--- error_code: 422
--- event_log
{"event":{"action":"schema-violation","code":"json.schema"},"rule":{"id":"order.json"},"error":{"message":"must be of the format \"email\""},"http":{"response":{"status_code":422}},"labels":{"kind":"schema_violated","decision":"denied","json_pointer":"/email"}}

=== TEST 12: variables are set before; chunked, spooled to a file, and switched off
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- raw_request eval
["POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
 . CORE::join('', map { sprintf("%x\r\n%s\r\n", length, $_) } $::good =~ /(.{1,7})/g) . "0\r\n\r\n",
 "POST /order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " . (length($::good) + 100_000) . "\r\n\r\n$::good" . ' ' x 100_000,
 "POST /order/off HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"]
--- error_code eval
[200, 200, 200]
--- response_headers eval
["X-Email: a\@example.com", "X-Email: a\@example.com", ""]

=== TEST 13: a reload takes the schema anew
--- user_files eval: $::files
--- upstream
echo
--- config eval: $::config
--- reload
--- more_headers
Content-Type: application/json
--- request eval
"POST /order\n$::good"
--- error_code: 200
