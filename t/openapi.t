# guard_openapi: a request is an operation of the document, with the parameters and the body that it describes, or is refused.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

our $document = <<'EOF';
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"servers":[{"url":"https://{host}/v1","variables":{"host":{"default":"api.example.com"}}}],
 "paths":{
  "/orders":{
   "parameters":[{"$ref":"#/components/parameters/Limit"}],
   "get":{"operationId":"listOrders","deprecated":true,"parameters":[
     {"name":"state","in":"query","schema":{"type":"string","enum":["open","closed"]}},
     {"name":"ids","in":"query","schema":{"type":"array","maxItems":3,"items":{"type":"integer"}}},
     {"name":"tags","in":"query","explode":false,"schema":{"type":"array","items":{"type":"string","maxLength":4}}},
     {"name":"pipes","in":"query","style":"pipeDelimited","explode":false,"schema":{"type":"array","items":{"type":"boolean"}}},
     {"name":"spaces","in":"query","style":"spaceDelimited","explode":false,"schema":{"type":"array","items":{"type":"number"}}},
     {"name":"filter","in":"query","style":"deepObject","schema":{"type":"object","additionalProperties":false,"properties":{"min":{"type":"integer"},"name":{"type":"string"}}}},
     {"name":"created","in":"query","style":"deepObject","explode":true,"schema":{"anyOf":[{"type":"object","properties":{"gt":{"type":"integer"}}},{"type":"integer"}]}},
     {"name":"box","in":"query","schema":{"type":"object","properties":{"width":{"type":"integer"},"height":{"type":"integer"}}}},
     {"name":"page","in":"query","schema":{"oneOf":[{"type":"string","enum":["last"]},{"type":"integer","minimum":1}]}},
     {"name":"where","in":"query","content":{"application/json":{"schema":{"type":"object","required":["a"]}}}},
     {"name":"user_id","in":"query","schema":{"type":"string"}},
     {"name":"also[]","in":"query","schema":{"type":"array","items":{"type":"integer"}}},
     {"name":"part[a]","in":"query","schema":{"type":"integer"}},
     {"name":"X-Rate","in":"header","schema":{"type":"integer","format":"int32"}},
     {"name":"X-List","in":"header","schema":{"type":"array","items":{"type":"integer"}}},
     {"name":"sid","in":"cookie","schema":{"type":"string","pattern":"^[0-9a-f]+$"}}]},
   "post":{"operationId":"createOrder","requestBody":{"required":true,"content":{
     "application/json":{"schema":{"$ref":"#/components/schemas/Order"}},
     "application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/Order"}},
     "text/csv":{}}}}},
  "/orders/latest":{"get":{"operationId":"latestOrder"},"trace":{}},
  "/orders/{id}":{
   "parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer","minimum":1}}],
   "get":{"operationId":"readOrder"},
   "delete":{},
   "patch":{"requestBody":{"content":{"application/*":{"schema":{"type":"object","properties":{"note":{"type":"string","nullable":true}}}}}}}},
  "/orders/{id}/items/{list}.{format}":{
   "get":{"operationId":"items","parameters":[
     {"name":"id","in":"path","required":true,"schema":{"type":"string"}},
     {"name":"list","in":"path","required":true,"schema":{"type":"array","items":{"type":"integer"}}},
     {"name":"format","in":"path","required":true,"schema":{"enum":["csv","json"]}}]}}},
 "components":{
  "parameters":{"Limit":{"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":100,"default":10}}},
  "schemas":{"Order":{"type":"object","required":["id","name","price"],"additionalProperties":false,"properties":{
    "id":{"type":"integer","readOnly":true},"name":{"type":"string","minLength":1},"price":{"type":"number","minimum":0,"exclusiveMinimum":true}}}}}}
>>> new.json
{"openapi":"3.1.0","info":{"title":"New","version":"1"},"servers":[{"url":"//api.example.com/new/"}],"paths":{"/a":{"put":{"requestBody":{"required":true,"content":{"*/*":{"schema":{"$ref":"#a"}}}}}},
 "/b":{"$ref":"#/components/pathItems/B"}},
 "components":{"pathItems":{"B":{"get":{"parameters":[{"$ref":"more.json#/N"}]}}},
 "schemas":{"A":{"$anchor":"a","type":["integer","null"],"exclusiveMinimum":3}}}}
>>> more.json
{"N":{"name":"n","in":"query","required":true,"schema":{"$ref":"#/S"}},"S":{"const":7}}
EOF

our $config = <<'EOC';
location / {
    guard_openapi $TEST_NGINX_HTML_DIR/api.json;
    add_header X-Operation "$guard_openapi_operation" always;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
    location /v1/pass { guard_openapi $TEST_NGINX_HTML_DIR/api.json unknown=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
    location /v1/off { guard_openapi off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
}
location /new { guard_openapi $TEST_NGINX_HTML_DIR/new.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed/ {
    guard_mode observe openapi;
    guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/observed/;
    proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT;
}
EOC

sub requests {
    return [map { my ($line, $fields, $body) = @$_;
        my $length = defined $body ? "Content-Length: " . length($body) . "\r\n" : '';
        "$line HTTP/1.1\r\nHost: localhost\r\n" . ($fields // '') . "$length\r\n" . ($body // '') } @_];
}

# The problem body of a bad parameter; errors as [in, name, keyword, detail, pointer].
sub bad {
    my $list = join(',', map {
        my ($in, $name, $keyword, $detail, $pointer) = @$_;
        qq({"detail":"$detail","in":"$in","name":"$name") . ($pointer ? qq(,"pointer":"#$pointer") : '') . ($keyword ? qq(,"keyword":"$keyword"}) : '}')
    } @_);
    my $text = quotemeta(qq({"type":"about:blank","title":"Bad parameter","status":422,"detail":"a parameter is not as the API wants it",)
        . qq("instance":"urn:request:ID","code":"openapi.parameter","errors":[$list]}));
    $text =~ s/ID/[0-9a-f]{32}/;
    return "^$text\n\$";
}

sub problem {
    my ($status, $code, $title, $detail) = @_;
    return '^' . quotemeta(qq({"type":"about:blank","title":"$title","status":$status,"detail":"$detail","instance":"urn:request:))
        . '[0-9a-f]{32}' . quotemeta(qq(","code":"$code"})) . "\n\$";
}

our @good = map { [$_] } (
    'GET /v1/orders', 'HEAD /v1/orders?limit=100', 'GET /v1/orders?state=open&limit=1&utm=x&utm=y', 'GET /v1/orders?ids=1&ids=-2&ids=3', 'GET /v1/orders?tags=a,b%2Cc',
    'GET /v1/orders?pipes=true|false%7Ctrue', 'GET /v1/orders?pipes=True|False', 'GET /v1/orders?spaces=1+2.5%203e2', 'GET /v1/orders?filter[min]=3&filter%5Bname%5D=5', 'GET /v1/orders?created[gt]=3', 'GET /v1/orders?created=3', 'GET /v1/orders?width=3&height=4',
    'GET /v1/orders?page=last', 'GET /v1/orders?page=7', 'GET /v1/orders?where=%7B%22a%22%3A1%7D', 'GET /v1/orders/latest', 'GET /v1/orders/12',
    'GET /v1/orders/x%20y/items/1,2,3.json', 'DELETE /v1/orders/5', 'GET /v1/off/unknown', 'POST /v1/pass', 'GET /new/b?n=7',
    'GET /v1/orders?also[]=1&also%5B%5D=2', 'GET /v1/orders?part[a]=1&part[b]=x', 'GET /v1/orders?limits[]=1&sort=a;x=1&un.known[a]=1;b=2');

our @bad = (
    ['limit=101', ['query', 'limit', 'maximum', 'must be at most 100']],
    ['limit=x', ['query', 'limit', 'type', 'must be an integer']],
    ['limit=', ['query', 'limit', 'type', 'must be an integer']],
    ['limit=007', ['query', 'limit', 'type', 'must be an integer']],
    ['limit=1&limit=2', ['query', 'limit', '', 'must not be repeated']],
    ['limit=1&%6cimit=1', ['query', 'limit', '', 'must not be repeated']],
    ['state=Open', ['query', 'state', 'enum', 'must be one of \"open\", \"closed\"']],
    ['state=open%zz', ['query', 'state', '', 'is not well-formed: an escape, or no UTF-8']],
    ['state=%ff', ['query', 'state', '', 'is not well-formed: an escape, or no UTF-8']],
    ['ids=1&ids=b', ['query', 'ids', 'type', 'must be an integer', '/1']],
    ['ids=1&ids=2&ids=3&ids=4', ['query', 'ids', 'maxItems', 'must have at most 3 elements']],
    ['tags=a,b&tags=c', ['query', 'tags', '', 'must not be repeated']],
    ['tags=a,hello', ['query', 'tags', 'maxLength', 'must have at most 4 characters', '/1']],
    ['pipes=True|TRUE', ['query', 'pipes', 'type', 'must be a boolean', '/1']],
    ['pipes=true|yes', ['query', 'pipes', 'type', 'must be a boolean', '/1']],
    ['filter[min]=x', ['query', 'filter', 'type', 'must be an integer', '/min']],
    ['filter[other]=1', ['query', 'filter', 'additionalProperties', 'is not a known member', '/other']],
    ['filter[min]=1&filter[min]=2', ['query', 'filter', '', 'must not repeat a member']],
    ['filter[min%00]=1', ['query', 'filter', '', 'is not well-formed: an escape, or no UTF-8']],
    ['filter=1', ['query', 'filter', '', 'must be written as NAME[MEMBER]=VALUE']],
    ['created=3&created[gt]=4', ['query', 'created', '', 'must be written as NAME[MEMBER]=VALUE']],
    ['created=3&created=4', ['query', 'created', '', 'must not be repeated']],
    ['filter[min][x]=1', ['query', 'filter', '', 'must not nest deeper than NAME[MEMBER]=VALUE']],
    ['width=a', ['query', 'box', 'type', 'must be an integer', '/width']],
    ['where=1],[2', ['query', 'where', '', 'must be a JSON text']],
    ['where=%7B%7D', ['query', 'where', 'required', 'must have the member \"a\"']],
    (map { [$_, ['query', 'limit', '', 'must be written as the document names it']] }
        'limit[]=1', 'limit%5B$ne%5D=1', 'limit[=1', '%20limit=1', '++limit=1', 'limit%00x=1', 'Limit=101', 'x=1;limit=101', 'limit=1;%6cimit=101', '!limit=101', '%21limit=101'),
    ['ids[0]=x', ['query', 'ids', '', 'must be written as the document names it']],
    ['%20filter[min]=x', ['query', 'filter', '', 'must be written as the document names it']],
    ['width[]=1', ['query', 'box', '', 'must be written as the document names it']],
    ['user.id=x', ['query', 'user_id', '', 'must be written as the document names it']],
    ['also[0]=x', ['query', 'also[]', '', 'must be written as the document names it']],
    ['limit=0&ids=x', ['query', 'ids', 'type', 'must be an integer', '/0'], ['query', 'limit', 'minimum', 'must be at least 1']],
);

our $json = "Content-Type: application/json\r\n";
our $form = "Content-Type: application/x-www-form-urlencoded\r\n";

run_tests();

__DATA__

=== TEST 1: operations of the document pass, and every style of parameters
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(@::good)
--- error_code eval
[(200) x @::good]

=== TEST 2: parameters that are not as the document says
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(map { ["GET /v1/orders?$_->[0]"] } @::bad)
--- error_code eval
[(422) x @::bad]
--- response_body_like eval
[map { my (undef, @errors) = @$_; main::bad(@errors) } @::bad]
--- upstream_requests: 0

=== TEST 3: parameters in the path, in header fields and in cookies
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['GET /v1/orders/0'], ['GET /v1/orders/x'], ['GET /v1/orders/1/items/1,x.csv'], ['GET /v1/orders/1/items/1.xml'],
    ['GET /v1/orders', "X-Rate: 2147483648\r\n"], ['GET /v1/orders', "X-Rate: 1\r\nx-rate: 1\r\n"], ['GET /v1/orders', "X-List: 1, 2,x\r\n"],
    ['GET /v1/orders', "Cookie: a=b; sid=xyz\r\n"], ['GET /v1/orders', "Cookie: sid=ab; sid=cd\r\n"], ['GET /v1/orders', "Cookie: sid =xyz\r\n"], ['GET /v1/orders', "Cookie: sid=ab; sid\t=cd\r\n"], ['GET /new/b'], ['GET /new/b?n=8'],
    ['GET /v1/orders', "X-List: 1,2\r\nx-list: 3,x\r\n"], ['GET /v1/orders', "X-List: 1\r\nX-List: 2, 3\r\n"],
    ['GET /v1/orders', "X-Rate: 5\r\nX-List: 1, 2\r\nCookie: sid=0af\r\n"])
--- error_code eval
[(422) x 14, 200, 200]
--- response_body_like eval
[main::bad(['path', 'id', 'minimum', 'must be at least 1']), main::bad(['path', 'id', 'type', 'must be an integer']),
 main::bad(['path', 'list', 'type', 'must be an integer', '/1']), main::bad(['path', 'format', 'enum', 'must be one of \\"csv\\", \\"json\\"']),
 main::bad(['header', 'x-rate', 'format', 'must be of the format \\"int32\\"']), main::bad(['header', 'x-rate', '', 'must not be repeated']),
 main::bad(['header', 'x-list', 'type', 'must be an integer', '/2']), main::bad(['cookie', 'sid', 'pattern', 'must match the pattern ^[0-9a-f]+$']),
 main::bad(['cookie', 'sid', '', 'must not be repeated']), main::bad(['cookie', 'sid', 'pattern', 'must match the pattern ^[0-9a-f]+$']),
 main::bad(['cookie', 'sid', '', 'must not be repeated']), main::bad(['query', 'n', '', 'is missing']), main::bad(['query', 'n', 'const', 'must be 7']), main::bad(['header', 'x-list', 'type', 'must be an integer', '/3']), '', '']

=== TEST 4: neither path nor method
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['GET /v1/orders/'], ['GET /orders'], ['GET /v1/Orders'], ['GET /v1/orders/1/items/.csv'], ['GET /v1'])
--- error_code eval
[(404) x 5]
--- response_body_like eval
[(main::problem(404, 'openapi.path', 'Unknown path', 'the API has no such path')) x 5]
--- upstream_requests: 0

=== TEST 5: a method that the path does not have is told which it has; a preflight is none of them
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['PUT /v1/orders'], ['POST /v1/orders/latest'], ['OPTIONS /v1/orders'], ['OPTIONS /v1/orders', "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n"],
    ['OPTIONS /v1/orders', "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n$::json", '{}'],
    ['OPTIONS /v1/orders', "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\nX-HTTP-Method-Override: POST\r\n"])
--- error_code eval
[405, 405, 405, 200, 405, 405]
--- response_headers eval
["Allow: GET, POST, HEAD", "Allow: GET, HEAD, TRACE", "Allow: GET, POST, HEAD", "", "Allow: GET, POST, HEAD", "Allow: GET, POST, HEAD"]
--- response_body_like eval
[(main::problem(405, 'openapi.method', 'Method not allowed', 'the path has no such method')) x 3, '', (main::problem(405, 'openapi.method', 'Method not allowed', 'the path has no such method')) x 2]

=== TEST 6: ambiguous paths are refused before
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['GET /v1/orders/..%2f12'], ['GET /v1//orders'], ['GET /v1/orders/a%2fb'], ['GET /v1/orders;x=1'])
--- error_code eval
[(400) x 4]
--- response_body_like eval
[('"code":"path.ambiguous"') x 4]
--- upstream_requests: 0

=== TEST 7: bodies by media type
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['POST /v1/orders', $::json, '{"name":"tea","price":2}'], ['POST /v1/orders', $::json, '{"name":"tea","price":2,"id":3}'],
    ['POST /v1/orders', $::form, 'name=5&price=2.5'], ['POST /v1/orders', "Content-Type: Text/CSV; charset=utf-8\r\n", 'a,b'],
    ['PATCH /v1/orders/3', "Content-Type: application/merge-patch+json\r\n", '{"note":null}'], ['PATCH /v1/orders/3'], ['PUT /new/a', $::json, '4'])
--- error_code eval
[(200) x 7]
--- response_body eval
['{"name":"tea","price":2}', '{"name":"tea","price":2,"id":3}', 'name=5&price=2.5', 'a,b', '{"note":null}', '', '4']

=== TEST 8: nothing slips past
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['POST /v1/orders', $::json, '{"name":"","price":0,"x":1}'], ['POST /v1/orders', $::form, 'name=tea&price=x'], ['POST /v1/orders', $::json, '{"name":'],
    ['POST /v1/orders'], ['POST /v1/orders', $::json, ''], ['POST /v1/orders', '', '{}'], ['POST /v1/orders', "Content-Type: text/plain\r\n", '{}'],
    ['POST /v1/orders', "${\$::json}Content-Type: text/csv\r\n", '{}'], ['POST /v1/orders', "${\$::json}Content-Encoding: gzip\r\n", '{}'],
    ['POST /v1/orders', "Content-Type: application/json, text/csv\r\n", '{}'], ['POST /v1/orders', "${\$::json}X-HTTP-Method-Override: GET\r\n", '{}'],
    ['PATCH /v1/orders/3', "Content-Type: application/xml\r\n", '<a/>'], ['DELETE /v1/orders/3', $::json, '{}'], ['GET /v1/orders', "X-HTTP-Method: DELETE\r\n"],
    ['PUT /new/a', $::json, '3'], ['PUT /new/a', "Content-Type: text/plain\r\n", '4'])
--- error_code eval
[422, 422, 400, 422, 422, 415, 415, 415, 415, 415, 400, 415, 415, 400, 422, 415]
--- response_body_like eval
['"code":"json.schema","errors":\[\{"detail":"must have at least 1 character","pointer":"#/name","keyword":"minLength"\},\{"detail":"must be greater than 0","pointer":"#/price","keyword":"minimum"\},\{"detail":"is not a known member","pointer":"#/x","keyword":"additionalProperties"\}\]',
 '"code":"json.schema","errors":\[\{"detail":"must be a number","pointer":"#/price","keyword":"type"\}\]', '"code":"json.syntax"',
 (main::problem(422, 'openapi.body', 'Body missing', 'the operation needs a body')) x 2,
 main::problem(415, 'json.media_type', 'Media type not allowed', 'the request has no Content-Type'),
 main::problem(415, 'json.media_type', 'Media type not allowed', 'the Content-Type is none that the operation takes'),
 main::problem(415, 'json.media_type', 'Media type not allowed', 'the request has several Content-Types'), '"code":"json.content_encoding"',
 main::problem(415, 'json.media_type', 'Media type not allowed', 'the Content-Type is none that the operation takes'), '"code":"json.method_override"',
 main::problem(415, 'json.media_type', 'Media type not allowed', 'the Content-Type is none that the operation takes'),
 main::problem(415, 'openapi.body', 'Body not allowed', 'the operation takes no body'), '"code":"json.method_override"', '"code":"json.schema"',
 '"code":"json.media_type"']
--- upstream_requests: 0

=== TEST 9: what parsers disagree about is refused here too
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(map { ['POST /v1/orders', $::json, $_] } '{"name":"a","price":2,"price":-2}', '{"name":"a","price":2,"pric\\u0065":-2}', '{"name":"a","price":NaN}',
    '{"name":"a","price":2}//', '{"name":"a","price":2} {}', "\xef\xbb\xbf{\"name\":\"a\",\"price\":2}", '{"name":"\\udc00","price":2}', '{"name":"a","price":2,}',
    '{"name":"a","price":1e400}', '{"name":"a","price":0.00000000000000000000000000000000000001}', '{"name":"a","price":-0.00000000000000000000000000000000000001}', '{"name":"a","price":1e-400}')
--- error_code eval
[(400) x 9, 200, 422, 422]
--- response_body_like eval
[(map { "\"code\":\"json.$_\"" } qw(duplicate_key duplicate_key syntax syntax syntax encoding encoding syntax number)), '^\{"name"', ('"code":"json.schema"') x 2]
--- upstream_requests: 1

=== TEST 10: what is deprecated says so, and the operation has a name
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['GET /v1/orders'], ['GET /v1/orders?limit=0'], ['DELETE /v1/orders/3'])
--- error_code eval
[200, 422, 200]
--- response_headers eval
["Deprecation: \@0\nX-Operation: listOrders", "Deprecation: \@0\nX-Operation: listOrders", "Deprecation: \nX-Operation: DELETE /orders/{id}"]

=== TEST 11: over HTTP/2 and TLS
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- http2
--- tls
--- more_headers
Content-Type: application/json
--- request
POST /v1/orders?limit=1000
{"name":"tea","price":2}
--- error_code: 422
--- response_body_like eval
main::bad(['query', 'limit', 'maximum', 'must be at most 100'])
--- upstream_requests: 0

=== TEST 12: observed: it passes, and the events say what would have been refused, by operation
--- user_files eval: $::document
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::config
--- raw_request eval
main::requests(['GET /observed/orders?limit=0'], ['GET /observed/none'])
--- error_code eval
[200, 200]
--- event_log
{"event":{"action":"schema-violation","code":"openapi.parameter"},"labels":{"kind":"schema_violated","decision":"observed","route":"listOrders"}}
{"event":{"action":"schema-violation","code":"openapi.path"},"labels":{"kind":"schema_violated","decision":"observed"}}

=== TEST 13: forms whose properties are written by an encoding
--- user_files
>>> forms.json
{"openapi":"3.0.3","info":{"title":"Pay","version":"1"},"paths":{
 "/charge":{"post":{"requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{
   "encoding":{"items":{"style":"deepObject","explode":true},"meta":{"style":"deepObject"},"expand":{"explode":false}},
   "schema":{"$ref":"#/components/schemas/Charge"}}}}}},
 "/plain":{"post":{"requestBody":{"required":true,"content":{"application/x-www-form-urlencoded":{
   "schema":{"$ref":"#/components/schemas/Charge"}}}}}}},
 "components":{"schemas":{"Charge":{"type":"object","additionalProperties":false,"required":["amount"],"properties":{
   "amount":{"type":"integer"},"expand":{"type":"array","items":{"enum":["a","b"]}},
   "meta":{"anyOf":[{"type":"object","additionalProperties":{"type":"string","maxLength":3}},{"type":"string","enum":[""]}]},
   "items":{"type":"array","maxItems":2,"items":{"type":"object","additionalProperties":false,"properties":{
     "price":{"type":"object","properties":{"unit":{"type":"integer","minimum":1}}},"note":{"type":"string"}}}}}}}}}
--- upstream
echo
--- config
guard_openapi $TEST_NGINX_HTML_DIR/forms.json;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ['POST /charge', $::form, $_] }
    'amount=1&items[0][price][unit]=5&items%5B1%5D[note]=x&meta[k]=abc&expand=a,b', 'amount=1&meta=',
    'amount=1&items[0][price][unit]=0', 'amount=1&items[0][unknown]=1', 'amount=1&meta[k]=abcd', 'amount=1&expand=a,c',
    'amount=1&items[0][note]=x&items[1][note]=y&items[2][note]=z',
    'amount=1&items[1][note]=x', 'amount=1&meta[k]=a&meta[k]=b', 'amount=1&meta[k=a', 'amount=1&amount[x]=2'), ['POST /plain', $::form, 'amount=1&meta[k]=a'])
--- error_code eval
[200, 200, (422) x 5, (400) x 3, 422, 422]
--- response_body_like eval
['^amount=1&items', '^amount=1&meta=\z', '"detail":"must be at least 1","pointer":"#/items/0/price/unit"', '"detail":"is not a known member","pointer":"#/items/0/unknown"',
 '"pointer":"#/meta', '"pointer":"#/expand/1","keyword":"enum"', '"pointer":"#/items","keyword":"maxItems"',
 'elements that are not numbered from 0, in order', '"code":"json.duplicate_key"', 'brackets in a name that is not written as NAME\[MEMBER\]',
 ('is not a known member') x 2]
--- no_error_log
[error]

=== TEST 14: fields whose names CGI and WSGI do not tell apart
--- user_files eval: $::document
--- upstream
echo
--- config eval: "underscores_in_headers on;" . $::config
--- raw_request eval
main::requests(['GET /v1/orders', "X_Rate: x\r\n"], ['GET /v1/orders', "X-Rate: 1\r\nX_RATE: x\r\n"], ['GET /v1/orders', "X-Rate: 1\r\nX_Rates: x\r\n"])
--- error_code eval
[422, 422, 200]
--- response_body_like eval
[(main::bad(['header', 'x-rate', '', 'must be written as the document names it'])) x 2, '']

=== TEST 15: what is too much is told of a parameter that it would hold
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests(['GET /v1/orders', 'Cookie: ' . 'a=;' x 1001 . "\r\n"], ['GET /v1/orders?' . '&a' x 1001])
--- error_code eval
[422, 422]
--- response_body_like eval
[main::bad(['cookie', 'sid', '', 'cannot be told from so many cookies']), '"detail":"cannot be told from a query that is not well-formed or too long","in":"query"']

=== TEST 16: cookies that an application may read as one that the document names (ASP.NET, PHP, Rack), or as a member of a parameter
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests((map { ['GET /v1/orders', "Cookie: $_\r\n"] } 'SID=xyz', 'sid=ab; Sid=xyz', 'sid[a]=xyz', 'a=b; sid[]=xyz', '%73id=xyz', 'a=b,sid=xyz', 'a="b", SID=xyz'),
    ['GET /v1/orders?Width=a'], ['GET /v1/orders?x=1;Height=a'],
    (map { ['GET /v1/orders', "Cookie: $_\r\n"] } 'sid=ab; sidx[a]=1; other=a,b; inside=xsid=1; %73=1; side=1,sid', 'a=b,sids=x; sid=0f'), ['GET /v1/orders?Widths=a&width=1'])
--- error_code eval
[(422) x 9, (200) x 3]
--- response_body_like eval
[(main::bad(['cookie', 'sid', '', 'must be written as the document names it'])) x 7, (main::bad(['query', 'box', '', 'must be written as the document names it'])) x 2, ('') x 3]

=== TEST 17: variables from bodies that the document describes, JSON and forms
--- user_files eval: $::document
--- upstream
status 204
--- config
guard_json_set $name /name;
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_set_header X-Seen "<$name>"; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ['POST /v1/orders', "Content-Type: $_->[0]\r\n", $_->[1]] } ['application/json', '{"name":"a","price":1}'], ['application/x-www-form-urlencoded', 'name=a&price=1'],
    ['application/json', '{"name":"a","price":1,"Name":"b"}']))
--- error_code eval
[204, 204, 400]
--- response_body_like eval
['', '', '"code":"json.duplicate_key"']
--- upstream_headers eval
['X-Seen: <a>', 'X-Seen: <a>']

=== TEST 18: names of cookies with what Python (also in UTF-8), PHP and Node take away, or without a value; one in other letters is held to the schema
--- user_files eval: $::document
--- upstream
status 204
--- config eval: $::config
--- raw_request eval
main::requests((map { ['GET /v1/orders', "Cookie: $_\r\n"] } (map { ("sid=ab; ${_}sid=xyz", "sid$_=xyz") } "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\xe2\x80\x83", "\xc2\xa0 "), 'sid', 'a=1; sid ; b=2', 'a,sid=xyz',
    'SID=ab; Sid=xyz'),
    (map { ['GET /v1/orders', "Cookie: $_\r\n"] } 'SID=ab', 'sid=01; SID=ff; Sid=0', "\xc2\xa0sids=x; \xc3\xa9=1; side", 'x, y=z'))
--- error_code eval
[(422) x 18, (204) x 4]
--- response_body_like eval
[(main::bad(['cookie', 'sid', '', 'must be written as the document names it'])) x 18, ('') x 4]

=== TEST 19: brackets that are not closed (PHP) or stand around a name (Rack, qs for Node), and a name that ends at a ";"
--- user_files eval: $::document
--- upstream
echo
--- config eval: $::config
--- raw_request eval
main::requests((map { ["GET /v1/orders?$_"] } 'user[id=x', 'user%5Bid=x', '[user_id]=x', 'user_id]=x', '%5D%5Buser_id=x', 'user_id;=x'), (map { ["GET /v1/orders?$_"] } 'user[id]=x', 'a[user_id]=x', 'user_id=x;y'))
--- error_code eval
[(422) x 6, (200) x 3]
--- response_body_like eval
[(main::bad(['query', 'user_id', '', 'must be written as the document names it'])) x 6, ('') x 3]

=== TEST 20: a segment that can be divided in more than one way holds parameters in each way, and a name that stands twice in a path both times
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Files","version":"1"},"paths":{
 "/f/{name}.{type}":{"get":{"parameters":[
   {"name":"name","in":"path","required":true,"schema":{"type":"string","pattern":"^[a-z]+$"}},
   {"name":"type","in":"path","required":true,"schema":{"type":"string","maxLength":6}}]}},
 "/c/{a}...{b}--{c}":{"get":{"parameters":[
   {"name":"a","in":"path","required":true,"schema":{"type":"string","pattern":"^[a-z.]+$"}},
   {"name":"b","in":"path","required":true,"schema":{"type":"string","pattern":"^[a-z-]+$"}},
   {"name":"c","in":"path","required":true,"schema":{"type":"string","pattern":"^[a-z-]+$"}}]}},
 "/in/{id}/of/{id}":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}]}}}}
--- upstream
echo
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ["GET $_"] } '/f/a.tar', '/f/evil.ph.txt', '/f/a..b', '/f/a.tar.gzip', '/f/.a.b', '/c/a...b--c', '/c/a...b...c--d', '/c/a....b--c', '/c/a...b----c',
    '/c/a...b--c--1', '/in/1/of/2', '/in/x/of/2', '/in/1/of/x'))
--- error_code eval
[200, 422, 422, 422, 422, 200, 422, 422, 200, 422, 200, 422, 422]
--- response_body_like eval
['', main::bad(['path', 'name', 'pattern', 'must match the pattern ^[a-z]+$']), main::bad(['path', 'name', 'pattern', 'must match the pattern ^[a-z]+$']),
 main::bad(['path', 'name', 'pattern', 'must match the pattern ^[a-z]+$'], ['path', 'type', 'maxLength', 'must have at most 6 characters']),
 main::bad(['path', 'name', 'pattern', 'must match the pattern ^[a-z]+$']), '', main::bad(['path', 'b', 'pattern', 'must match the pattern ^[a-z-]+$']),
 main::bad(['path', 'b', 'pattern', 'must match the pattern ^[a-z-]+$']), '', main::bad(['path', 'c', 'pattern', 'must match the pattern ^[a-z-]+$']), '',
 (main::bad(['path', 'id', 'type', 'must be an integer'])) x 2]

=== TEST 21: "nullable" without a "type" beside it, in JSON, in a form and in a query
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Null","version":"1"},"paths":{"/a":{
 "get":{"parameters":[{"name":"n","in":"query","schema":{"nullable":true,"anyOf":[{"type":"integer"},{"type":"boolean"}]}}]},
 "post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}},"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/A"}}}}}}},
 "components":{"schemas":{"B":{"type":"integer","minimum":3},"A":{"type":"object","properties":{"b":{"nullable":true,"allOf":[{"$ref":"#/components/schemas/B"}]}}}}}}
--- upstream
echo
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ['POST /a', $::json, $_] } '{"b":null}', '{"b":3}', '{"b":2}', '{"b":"null"}'), (map { ['POST /a', $::form, "b=$_"] } 'null', '3', '2', 'x'),
    (map { ["GET /a?n=$_"] } 'null', '5', 'true', 'x'))
--- error_code eval
[200, 200, 422, 422, 200, 200, 422, 422, 200, 200, 200, 422]
--- response_body_like eval
['', '', '"detail":"must be at least 3","pointer":"#/b"', '"detail":"must be an integer","pointer":"#/b"', '', '', '"detail":"must be at least 3"', '"detail":"must be an integer"', '', '', '', '"name":"n"']

=== TEST 22: the method is that of the request line, whatever the query says, unless the document names the parameter
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Posts","version":"1"},"paths":{"/a":{"get":{},"post":{}},"/b":{"post":{"parameters":[{"name":"_method","in":"query","schema":{"enum":["PUT"]}}]}}}}
--- upstream
echo
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests(map { [$_] } 'POST /a?_method=DELETE', 'GET /a?x=1&_method=DELETE', 'POST /a?method=DELETE', 'POST /b?_method=PUT', 'POST /b?_method=DELETE', 'POST /b?.method=DELETE')
--- error_code eval
[400, 400, 200, 200, 422, 422]
--- response_body_like eval
[('"code":"json.method_override"') x 2, '', '', '"code":"openapi.parameter"', '"code":"openapi.parameter"']

=== TEST 23: an operation without a body may come with what turns out to be none
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Jobs","version":"1"},"paths":{"/a":{"get":{},"post":{}},
 "/b":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object"}}}}}},"/c":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object"}}}}}}}}
--- upstream
echo
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
[(map { "$_ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" } 'GET /a', 'POST /a', 'POST /b', 'POST /c'),
 (map { "$_ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n" } 'GET /a', 'POST /a'),
 "POST /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n2\r\n }\r\n0\r\n\r\n"]
--- error_code eval
[200, 200, 200, 422, (415) x 3]
--- response_body_like eval
[('') x 3, '"code":"openapi.body"', '"code":"openapi.body"', '"code":"openapi.body"', '"code":"json.media_type"']
--- upstream_requests: 3

=== TEST 24: where what is unknown passes, what an application may take for an operation of the document does not
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Items","version":"1"},"servers":[{"url":"/v1"}],"paths":{
 "/":{"get":{}},
 "/items":{"post":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["name"]}}}}}},
 "/items/{id}/":{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}]}},
 "/files/{Name}.CSV":{"get":{"parameters":[{"name":"Name","in":"path","required":true,"schema":{"type":"string"}}]}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json unknown=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ["POST $_", $::json, '{}'] } '/v1/Items', '/v1/items/', '/V1/ITEMS'), (map { ["GET $_"] } '/v1/items/5', '/v1/iteMs/x', '/v1/files/a.csv', '/v1', '/V1/'),
    (map { ["POST $_", $::json, '{}'] } '/v1/items.json', '/v1/Items.json/'), ['DELETE /v1/items', "X-HTTP-Method-Override: POST\r\n"], ['PATCH /v1/items?_method=POST'],
    (map { ["GET $_"] } '/v1/items.json', '/v1/.x', '/v1/item', '/v1/items', '/v1/files/a.tsv', '/', '/v2/items'),
    ['POST /v1/others/?_method=PUT', $::json, '{}'], ['POST /v1/items.a.b', $::json, '{}'])
--- error_code eval
[(404) x 10, 400, 400, (204) x 9]
--- response_body_like eval
[(main::problem(404, 'openapi.path', 'Unknown path', 'the path must be written as the document names it')) x 10,
 (main::problem(400, 'json.method_override', 'Method override refused', 'the method must be that of the request line')) x 2, ('') x 9]
--- upstream_requests: 9

=== TEST 25: an operation is found by its method as well: frameworks that find theirs so take a name for a parameter
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Users","version":"1"},"paths":{
 "/users/me":{"get":{"operationId":"me"}},
 "/users/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string","maxLength":4}}],
  "get":{"operationId":"read"},"put":{"operationId":"write","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","additionalProperties":false}}}}}},
 "/users/mine":{"get":{"operationId":"mine"}}}}
--- upstream
status 204
--- config
add_header X-Operation "$guard_openapi_operation" always;
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /pass/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/pass unknown=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests(['GET /users/me'], ['GET /users/you'], ['PUT /users/me', $::json, '{}'], ['PUT /users/me', $::json, '{"admin":true}'], ['PUT /users/mine', $::json, '{}'],
    ['POST /users/me'], ['PUT /pass/users/me', $::json, '{"admin":true}'], ['POST /pass/users/me', $::json, '{"admin":true}'])
--- error_code eval
[204, 204, 204, 422, 204, 405, 422, 204]
--- response_headers eval
["X-Operation: me", "X-Operation: read", ("X-Operation: write") x 3, "Allow: GET, HEAD", "X-Operation: write", "X-Operation: "]
--- upstream_requests: 5

=== TEST 26: a form that the document says nothing of is not read, and is not cut
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Notes","version":"1"},"paths":{"/a":{"post":{"requestBody":{"content":{"application/x-www-form-urlencoded":{}}}}}}}
--- upstream
echo
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; guard_json_limits size=1k; proxy_read_timeout 2s; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
my $head = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n";
["${head}Content-Length: 2000\r\n\r\n" . 'x' x 2000, "${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n7d0\r\n" . 'x' x 2000 . "\r\n0\r\n\r\n"]
--- error_code eval
[200, 200]
--- response_body eval
['x' x 2000, 'x' x 2000]

=== TEST 27: what Express and ASP.NET, to which letters are the same in any case, or Rails take for another operation is refused, though a template holds it
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Orders","version":"1"},"paths":{
 "/orders/bulk":{"patch":{"operationId":"bulk","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","additionalProperties":false}}}}}},
 "/orders/bulk/":{"delete":{"operationId":"clear"}},
 "/orders/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
  "get":{"operationId":"read"},"patch":{"operationId":"change","requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object"}}}}}},
 "/logs/day":{"get":{"operationId":"day"}},"/logs/{name}.{type}":{"get":{"operationId":"log","parameters":[{"name":"name","in":"path","required":true,"schema":{"type":"string"}},{"name":"type","in":"path","required":true,"schema":{"type":"string"}}]}},
 "/Reports/{id}":{"get":{"operationId":"report","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}]}},
 "/items/{id}":{"get":{"operationId":"item","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}]}},
 "/items/{id}/":{"put":{"operationId":"put","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}]}}}}
--- upstream
status 204
--- config
add_header X-Operation "$guard_openapi_operation" always;
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /pass/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/pass unknown=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests(['PATCH /orders/BULK', $::json, '{"x":1}'], ['PATCH /pass/orders/bulK', $::json, '{"x":1}'], ['DELETE /pass/orders/Bulk'], ['DELETE /pass/orders/bulk'],
    ['PATCH /orders/bulk.json', $::json, '{"x":1}'], ['DELETE /pass/orders/Bulk.x'], (map { [$_] } 'GET /orders/bulk.json', 'GET /items/bulk.json', 'GET /orders/.x', 'GET /logs/day.csv', 'GET /logs/x.csv'), ['PATCH /orders/bulk.a.json', $::json, '{"x":1}'],
    ['PATCH /orders/Bulky', $::json, '{"x":1}'], ['GET /orders/BULK'], ['PATCH /orders/bulk', $::json, '{}'], ['GET /Reports/BULK'], ['GET /items/A'], ['PUT /items/A/'], ['DELETE /pass/orders/x'])
--- error_code eval
[(404) x 6, (204) x 13]
--- response_body_like eval
[(main::problem(404, 'openapi.path', 'Unknown path', 'the path must be written as the document names it')) x 6, ('') x 13]
--- response_headers eval
['X-Operation: change', 'X-Operation: change', ('X-Operation: ') x 2, 'X-Operation: change', 'X-Operation: ', 'X-Operation: read', 'X-Operation: item', 'X-Operation: read', ('X-Operation: log') x 2, 'X-Operation: change', 'X-Operation: change', 'X-Operation: read', 'X-Operation: bulk', 'X-Operation: report', 'X-Operation: item', 'X-Operation: put', 'X-Operation: ']
--- upstream_requests: 13

=== TEST 28: a whole number has no exponent where it comes as text, of which Ruby's to_i and JavaScript's parseInt would make another one
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Pages","version":"1"},"paths":{"/p/{n}":{
 "parameters":[{"name":"n","in":"path","required":true,"schema":{"type":"integer","maximum":100}}],
 "get":{"parameters":[{"name":"size","in":"query","schema":{"type":"integer","maximum":100}},{"name":"price","in":"query","schema":{"type":"number","maximum":100}},
  {"name":"one","in":"query","schema":{"enum":[1,2]}},{"name":"both","in":"query","schema":{"oneOf":[{"type":"integer"},{"type":"string","maxLength":4}]}},
  {"name":"list","in":"query","schema":{"type":"array","items":{"type":"integer","maximum":9}}},{"name":"deep","in":"query","style":"deepObject","schema":{"type":"object","properties":{"a":{"type":"integer","maximum":9}}}}]},
 "post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"age":{"type":"integer","maximum":100}}}},"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"age":{"type":"integer","maximum":100}}}}}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ["GET /p/$_"] } '10000e-2', '1?size=10000e-2', '1?one=200e-2', '1?list=1&list=900e-2', '1?deep[a]=900e-2', '1?both=10000e-2'), ['POST /p/1', $::form, 'age=10000e-2'],
    (map { ["GET /p/$_"] } '100', '1?size=5.0', '1?price=1e-7', '1?price=1e2', '1?one=2', '1?both=1e-1'), ['POST /p/1', $::json, '{"age":1e2}'])
--- error_code eval
[(422) x 7, (204) x 7]
--- response_body_like eval
[main::bad(['path', 'n', 'type', 'must be an integer']), main::bad(['query', 'size', 'type', 'must be an integer']), main::bad(['query', 'one', 'enum', 'must be one of 1, 2']),
 main::bad(['query', 'list', 'type', 'must be an integer', '/1']), main::bad(['query', 'deep', 'type', 'must be an integer', '/a']), main::bad(['query', 'both', 'maxLength', 'must have at most 4 characters']),
 '"code":"json.schema","errors":\[\{"detail":"must be an integer","pointer":"#/age","keyword":"type"\}\]', ('') x 7]

=== TEST 29: media types as ASP.NET describes them: text/json is JSON, and a range may have a suffix
--- user_files
>>> api.json
{"openapi":"3.0.1","info":{"title":"Shop","version":"1"},"paths":{"/a":{"post":{"requestBody":{"content":{
  "application/json":{"schema":{"$ref":"#/components/schemas/A"}},"text/json":{"schema":{"$ref":"#/components/schemas/A"}},"application/*+json":{"schema":{"$ref":"#/components/schemas/A"}}}}}},
 "/b":{"post":{"requestBody":{"content":{"text/*":{"schema":{"$ref":"#/components/schemas/A"}},"application/*":{"schema":{"type":"object","maxProperties":0}},"application/*+json":{"schema":{"$ref":"#/components/schemas/A"}}}}}}},
 "components":{"schemas":{"A":{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { my $to = $_; map { ["POST $to", "Content-Type: $_\r\n", '{"n":1}'], ["POST $to", "Content-Type: $_\r\n", '{}'] } 'text/json', 'TEXT/JSON; charset=utf-8', 'application/merge-patch+json' } '/a', '/b'),
    ['POST /b', $::json, '{}'], (map { ["POST /a", "Content-Type: $_\r\n", '{"n":1}'] } 'text/json; charset=utf-16', 'text/+json', 'application/json+x'))
--- error_code eval
[((204, 422) x 6), 204, 415, 415, 415]
--- response_body_like eval
[(('', '"code":"json.schema"') x 6), '', ('"code":"json.media_type"') x 3]
--- no_error_log
[warn]

=== TEST 30: a parameter that the document describes may be named as a field of the form; another may not
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Pay","version":"1"},"paths":{"/pay":{"post":{"parameters":[{"name":"page","in":"query","schema":{"type":"integer"}}],
 "requestBody":{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"price":{"type":"integer","minimum":1},"page":{"type":"integer"}}}}}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests(map { ["POST /pay$_", $::form, 'price=5&page=2'] } '?price=-1', '?page=3&price=1', '?page=x', '?page=3', '?price=5')
--- error_code eval
[(422) x 3, (204) x 2]
--- response_body_like eval
[(main::problem(422, 'json.schema', 'Body does not satisfy the schema', 'the query names a field of the form with another value')) x 2, '"code":"openapi.parameter"', ('') x 2]

=== TEST 31: dates, times and durations as Spring, .NET and FastAPI write them under these names: without an offset or seconds, with fractions
--- user_files
>>> api.json
{"openapi":"3.1.0","info":{"title":"Times","version":"1"},"paths":{"/t":{
 "get":{"parameters":[{"name":"at","in":"query","schema":{"type":"string","format":"date-time"}},{"name":"opens","in":"query","schema":{"type":"string","format":"time"}},
  {"name":"for","in":"query","schema":{"type":"string","format":"duration"}}]},
 "post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"at":{"type":"string","format":"date-time"}}}}}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ["GET /t?$_"] } 'at=2026-01-02T03:04:05', 'at=2026-01-02T03:04', 'at=2026-01-02T03:04:05.123%2B01:00', 'opens=10:00:00', 'opens=10:00', 'for=PT1H5S', 'for=-PT1.5S'),
    ['POST /t', $::json, '{"at":"2026-01-02T03:04:05"}'], (map { ["GET /t?$_"] } 'at=2026-01-02', 'at=2026-02-30T03:04:05', 'opens=25:00', 'for=1H'), ['POST /t', $::json, '{"at":"tomorrow"}'])
--- error_code eval
[(204) x 8, (422) x 5]
--- response_body_like eval
[('') x 8, (map { main::bad(['query', $_->[0], 'format', "must be of the format \\\"$_->[1]\\\""]) } ['at', 'date-time'], ['at', 'date-time'], ['opens', 'time'], ['for', 'duration']), '"code":"json.schema"']

=== TEST 32: a number that no double holds is none in a parameter either
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Pay","version":"1"},"paths":{"/pay":{"get":{"parameters":[{"name":"price","in":"query","schema":{"type":"number","minimum":1}}]}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests(map { ["GET /pay?price=$_"] } '1e400', '1e99999999999', '1e308', '12.5')
--- error_code eval
[422, 422, 204, 204]
--- response_body_like eval
[(main::bad(['query', 'price', 'type', 'must be a number'])) x 2, '', '']

=== TEST 33: a body that can be held to no schema goes around the one of another type, unless it is refused; where there is no other it passes
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{
 "/orders":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}},"multipart/form-data":{"schema":{"$ref":"#/components/schemas/Order"}},"application/x-www-form-urlencoded":{}}}}},
 "/files":{"post":{"requestBody":{"content":{"multipart/form-data":{"schema":{"type":"object"}}}}}}},
 "components":{"schemas":{"Order":{"type":"object","required":["price"],"properties":{"price":{"type":"integer","minimum":1}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json unchecked=refuse; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /loose/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/loose; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
my $multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
my $body = "--b\r\nContent-Disposition: form-data; name=\"price\"\r\n\r\n-1\r\n--b--\r\n";
main::requests(['POST /orders', $multipart, $body], ['POST /orders', $::form, 'price=-1'], ['POST /orders', $::json, '{"price":1}'], ['POST /orders', $multipart], ['POST /orders', "${multipart}Transfer-Encoding: chunked\r\n\r\n0\r\n"],
    ['POST /files', $multipart, $body], ['POST /loose/orders', $multipart, $body], ['POST /loose/orders', $::form, 'price=-1'])
--- error_code eval
[415, 415, (204) x 6]
--- response_body_like eval
[(main::problem(415, 'json.media_type', 'Media type not allowed', 'bodies of this type cannot be held to the document')) x 2, ('') x 6]

=== TEST 34: where what is unknown passes, a body names no method that the document has
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Orders","version":"1"},"paths":{
 "/orders":{"post":{"requestBody":{"content":{"application/x-www-form-urlencoded":{}}}},"get":{}},
 "/orders/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],
  "patch":{"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","additionalProperties":false}}}}}}}}
--- upstream
status 204
--- config
client_body_buffer_size 1k;
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json unknown=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /seen/ { guard_mode observe; guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/seen unknown=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
my $multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
my $part = sub { "--b\r\nContent-Disposition: form-data; name=\"$_[0]\"\r\n\r\nPATCH\r\n--b--\r\n" };
main::requests(['POST /orders/5', $::form, 'price=-1&_method=PATCH'], ['POST /orders/5', $::form, '%5Fmethod=PATCH'], ['POST /orders/5', '', '_method=PATCH'], ['POST /orders/5', $multipart, $part->('_method')],
    ['POST /orders/5', $::json, '{"_method":"PATCH"}'], ['POST /orders/5', $::form, 'a=' . 'x' x 5000 . '&_method=PATCH'],
    ['POST /orders/5', "${\$::form}Transfer-Encoding: chunked\r\n\r\n7\r\na=1&_me\r\n9\r\nthod=PUT&\r\n0\r\n"],
    ['POST /orders/5', "Content-Type: application/jsonl\r\n", '{"_method":"PATCH"}'], ['POST /orders/5', "Content-Type: APPLICATION/X-WWW-Form-urlencoded,x\r\n", '_method=PATCH'],
    ['POST /orders/5', $::form, 'payment_method=card'], ['POST /orders/5', $multipart, $part->('pay_method')], ['POST /orders/5'], ['DELETE /orders/5', $::form, '_method=PATCH'],
    ['POST /others', $::form, '_method=PATCH'], ['POST /seen/orders/5', $::form, '_method=PATCH'], (map { ['POST /orders/5', "Content-Type: $_\r\n", '_method=PATCH'] } 'application/octet-stream', 'application/grpc', 'application/grpc+json'))
--- error_code eval
[(400) x 9, (204) x 9]
--- response_body_like eval
[(main::problem(400, 'json.method_override', 'Method override refused', 'the method must be that of the request line')) x 9, ('') x 9]
--- upstream_requests: 9

=== TEST 35: to Laravel a body is JSON if its Content-Type has "/json" or "+json" anywhere
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{"/orders":{"post":{"requestBody":{"content":{
 "application/json":{"schema":{"$ref":"#/components/schemas/Order"}},"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/Order"}},"text/csv":{}}}}}},
 "components":{"schemas":{"Order":{"type":"object","required":["price"],"properties":{"price":{"type":"integer","minimum":1}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
my $both = '{"a=":"&price=2&b=","price":-1}';
main::requests((map { ['POST /orders', "Content-Type: $_\r\n", $both] } 'application/x-www-form-urlencoded; a="/json"', 'text/csv; a="/json"', 'text/csv; a=b+json', 'text/csv;/json'),
    ['POST /orders', "Content-Type: text/csv; header=present\r\n", 'a,b'], ['POST /orders', "Content-Type: application/json; profile=\"a/json\"\r\n", '{"price":1}'], ['POST /orders', "Content-Type: application/x-www-form-urlencoded; a=b\r\n", 'price=1'])
--- error_code eval
[(415) x 4, (204) x 3]
--- response_body_like eval
[('"code":"json.media_type"') x 4, ('') x 3]
--- upstream_requests: 3

=== TEST 36: a member that is called as a property but for its case is one to Go and ASP.NET
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{"/orders":{
 "post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}}},
 "put":{"requestBody":{"content":{"application/json":{"schema":{"allOf":[{"$ref":"#/components/schemas/Order"},{"type":"object","minProperties":1}]}}}}},
 "patch":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","additionalProperties":{"type":"integer"},"properties":{"price":{"type":"integer","minimum":1},"Price":{"type":"integer"}}}}}}}}},
 "components":{"schemas":{"Order":{"type":"object","properties":{"price":{"type":"integer","minimum":1},"description":{"type":"string","maxLength":3},
   "lines":{"type":"array","items":{"type":"object","required":["unit"],"properties":{"unit":{"type":"integer","minimum":1}}}},
   "closed":{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer"}}}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ['POST /orders', $::json, $_] } '{"price":1,"Price":-1}', '{"DESCRIPTION":"much too long"}', '{"de\u017fcription":"much too long"}', '{"other":1,"lines":[{"unit":1},{"unit":1,"UNIT":-1}]}', '{"pr\u0049ce":-1}', '{"closed":{"A":1}}'),
    ['PUT /orders', $::json, '{"PRICE":-1}'], ['PATCH /orders', $::json, '{"pRice":1}'],
    (map { ['POST /orders', $::json, $_] } '{"price":1,"Prices":-1,"x":2,"":3,"descriptions":"much","DescriptioX":"much"}', '{"lines":[{"unit":1,"units":1}]}'), ['PUT /orders', $::json, '{"price":1,"Other":2}'], ['PATCH /orders', $::json, '{"Price":1,"price":2,"x":3}'])
--- error_code eval
[(422) x 8, (204) x 4]
--- response_body_like eval
[(map { qr{"errors":\[\{"detail":"must be written as the schema names it","pointer":"#$_","keyword":"properties"\}\]} } '/Price', '/DESCRIPTION', '/de%C5%BFcription', '/lines/1/UNIT', '/prIce'), '"is not a known member","pointer":"#/closed/A"',
 (map { qr{"errors":\[\{"detail":"must be written as the schema names it","pointer":"#$_","keyword":"properties"\}\]} } '/PRICE', '/pRice'), ('') x 4]

=== TEST 37: what the query says of a member of the body, Rails and Laravel may take for it
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{"/orders":{"parameters":[{"name":"page","in":"query","schema":{"type":"integer"}},
  {"name":"box","in":"query","schema":{"type":"object","properties":{"size":{"type":"integer"}}}}],
 "post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}}},
 "put":{"requestBody":{"content":{"*/*":{"schema":{"$ref":"#/components/schemas/Order"}}}}},"patch":{"requestBody":{"content":{"application/json":{}}}}}},
 "components":{"schemas":{"Order":{"oneOf":[{"type":"array","items":{"type":"integer"}},
   {"type":"object","properties":{"price":{"type":"integer","minimum":1},"page":{"type":"integer"},"size":{"type":"integer"},"to":{"type":"object","properties":{"city":{"type":"string"}}}}}]}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ["POST /orders?$_", $::json, '{"a":1}'] } 'price=-1', 'a=2&pric%65=-1', 'price[]=-1', '!price=-1', 'to[city]=x', 'order[price]=-1', 'order.price=-1'), ['POST /orders?price=-1', $::json, '{"price":1}'], ['PUT /orders?price=-1', $::json, '{}'],
    (map { ["POST /orders?$_", $::json, '{"price":1}'] } 'price=1', 'prices=2', 'page=2', 'size=2', 'a=price', 'order[prices]=2&order.=1&[]=1'), ['POST /orders?price=-1', $::json, '[1]'], ['PATCH /orders?price=-1', $::json, '{}'])
--- error_code eval
[(422) x 9, (204) x 8]
--- response_body_like eval
[('"detail":"the query names a member of the body with another value","instance":"[^"]*","code":"json.schema"') x 9, ('') x 8]
--- upstream_requests: 8

=== TEST 38: the body of a POST names another method to Rails and Laravel, which its schema leaves open
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{"/orders/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],
  "post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}},"application/x-www-form-urlencoded":{"schema":{"$ref":"#/components/schemas/Order"}}}}},
  "put":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"price":{"type":"integer","minimum":1}}}}}}}},
 "/any":{"post":{"requestBody":{"content":{"application/json":{},"application/x-www-form-urlencoded":{},"text/csv":{}}}}},
 "/said":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","properties":{"_method":{"enum":["PUT"]}}}}}}}},
 "/closed":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"object","additionalProperties":false}}}}}}},
 "components":{"schemas":{"Order":{"type":"object","properties":{"note":{"type":"string"}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /seen/ { guard_mode observe; guard_openapi $TEST_NGINX_HTML_DIR/api.json base=/seen; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests(['POST /orders/5', $::json, '{"price":-1,"_method":"PUT"}'], ['POST /orders/5', $::json, '{"\u005fmethod":"PUT"}'], ['POST /orders/5', $::form, 'note=a&%5Fmethod=DELETE'], ['POST /any', $::json, '{"_method":"PUT"}'],
    ['POST /any', $::form, 'a=1&_method=PUT'], ['POST /closed', $::json, '{"_method":"PUT"}'], ['POST /said', $::json, '{"_method":"GET"}'],
    ['POST /orders/5', $::json, '{"note":"_method","pay_method":"card","a":{"_method":1}}'], ['POST /orders/5', $::form, 'note=_method'], ['PUT /orders/5', $::json, '{"price":1,"_method":"DELETE"}'], ['POST /any', $::json, '["_method"]'],
    ['POST /any', $::form, 'payment_method=card'], ['POST /any', "Content-Type: text/csv\r\n", '_method'], ['POST /said', $::json, '{"_method":"PUT"}'], ['POST /seen/orders/5', $::json, '{"_method":"PUT"}'], ['POST /any'])
--- error_code eval
[(400) x 5, (422) x 2, (204) x 9]
--- response_body_like eval
[(main::problem(400, 'json.method_override', 'Method override refused', 'the method must be that of the request line')) x 5, ('"code":"json.schema"') x 2, ('') x 9]
--- upstream_requests: 9

=== TEST 39: to ASP.NET what stands behind the name of an action's parameter is the parameter that the document has
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{"/orders":{
 "get":{"parameters":[{"name":"limit","in":"query","schema":{"type":"integer","maximum":100}},{"name":"Address.City","in":"query","schema":{"type":"string","maxLength":3}},{"name":"a.limit","in":"query","schema":{"type":"integer"}},
   {"name":"box","in":"query","schema":{"type":"object","properties":{"size":{"type":"integer"}}}},{"name":"sid","in":"cookie","schema":{"type":"string"}}]},
 "post":{"requestBody":{"content":{"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"price":{"type":"integer","minimum":1},"x.price":{"type":"integer"}}}}}}}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { ["GET /orders?$_"] } 'query.limit=1000', 'Q.Limit=1000', 'q.Address.City=Long', 'q.size=x'), ['POST /orders', $::form, 'order.price=-1'], ['POST /orders?o.price=-1', $::form, 'a=1'],
    (map { ["GET /orders?$_"] } 'a.limit=1000', 'q.limits=1000', 'limit=5&q.=1&.=2&utm.source=x&q[limit]=1'), ['GET /orders', "Cookie: connect.sid=x\r\n"], ['POST /orders', $::form, 'x.price=-1&order.prices=1&order.=2'])
--- error_code eval
[(422) x 6, (204) x 5]
--- response_body_like eval
[('"code":"openapi.parameter"') x 4, ('"code":"json.schema"') x 2, ('') x 5]
--- upstream_requests: 5

=== TEST 40: Express, Rails and chi look for a route before they decode the path
--- user_files
>>> api.json
{"openapi":"3.0.3","info":{"title":"Shop","version":"1"},"paths":{
 "/orders/bulk":{"post":{},"get":{}},"/orders/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"integer"}}}}}},
 "/orders/{id}:cancel":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"post":{}},
 "/files/{name}.{type}":{"parameters":[{"name":"name","in":"path","required":true,"schema":{"type":"string"}},{"name":"type","in":"path","required":true,"schema":{"type":"string"}}],"get":{}},
 "/files/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"get":{},"put":{}},"/a b/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"get":{}},"/{any}/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}},{"name":"any","in":"path","required":true,"schema":{"type":"string"}}],"get":{}}}}
--- upstream
status 204
--- config
location / { guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /old/ { rewrite ^/old(/.*)$ $1 break; guard_openapi $TEST_NGINX_HTML_DIR/api.json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- raw_request eval
main::requests((map { [$_] } 'POST /orders/%62ulk', 'POST /orders/bul%6B?a=1', 'POST /orders/5%3acancel', 'GET /files/a%2Ejson', 'GET /f%69les/a', 'POST http://localhost/orders/%62ulk', 'GET /orders/%62ulk'),
    (map { [$_] } 'POST /orders/bulk', 'POST /orders/%35%7e', 'POST /orders/urn%3A5:cancel', 'POST /orders/a%20b:cancel', 'GET /files/a%2Ejson.gz', 'PUT /files/a%2Ejson', 'GET /a%20b/5', 'GET /a%20b/%35', 'POST /old/orders/%62ulk', 'GET /any/5%25'))
--- error_code eval
[(404) x 7, (204) x 10]
--- response_body_like eval
[(main::problem(404, 'openapi.path', 'Unknown path', 'the path must be written as the document names it')) x 7, ('') x 10]
--- upstream_requests: 10
