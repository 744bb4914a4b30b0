# guard_json_limits: every limit at its bound and over it.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $limits = <<'EOC';
guard_json on;
location /size { guard_json_limits size=20; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /depth { guard_json_limits depth=3; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /keys { guard_json_limits keys=3; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /string { guard_json_limits string=4; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /array { guard_json_limits array=3; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /int64 { guard_json_limits number=int64; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /any { guard_json_limits number=any; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /twice { guard_json_limits duplicates=allow; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /defaults { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe; guard_json_limits size=20; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
EOC

sub problem {
    my ($code, $title, $detail, $pointer, $keyword) = @_;
    ($keyword) = $code =~ /(\w+)$/ unless defined $keyword;
    my $text = qq({"type":"about:blank","title":"$title","status":400,"detail":"$detail",)
        . qq("instance":"urn:request:ID","code":"$code",)
        . qq("errors":[{"detail":"$detail","pointer":"$pointer","keyword":"$keyword"}]});
    $text = quotemeta($text);
    $text =~ s/ID/[0-9a-f]{32}/;
    return "^$text\n\$";
}

sub chunked {
    return join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @_) . "0\r\n\r\n";
}

our $too_large = '^\{"type":"about:blank","title":"Body too large","status":413,"detail":"the body is too large",'
    . '"instance":"urn:request:[0-9a-f]{32}","code":"json.size"\}' . "\n\$";

run_tests();

__DATA__

=== TEST 1: size
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /size\n[123456789,12345678]", "POST /size\n[123456789,123456789]", "POST /size\n[1]"]
--- error_code eval
[200, 413, 200]
--- response_body_like eval
['^\[123456789,12345678\]$', $::too_large, '^\[1\]$']
--- upstream_requests: 2

=== TEST 2: size, in chunks
--- upstream
echo
--- config eval: $::limits
--- raw_request eval
"POST /size HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
  . main::chunked('[123456789,', '123456789]')
--- error_code: 413
--- response_body_like eval: $::too_large
--- upstream_requests: 0

=== TEST 3: size, over HTTP/2
--- upstream
echo
--- http2
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- request
POST /size
[123456789,123456789]
--- error_code: 413
--- response_body_like eval: $::too_large
--- upstream_requests: 0

=== TEST 4: size, observed: the whole body reaches the application
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- request
POST /observed
[123456789,123456789]
--- response_body: [123456789,123456789]

=== TEST 5: size, the default is 1m
--- timeout: 60
--- upstream
status 204
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
my $strings = '["' . CORE::join('","', ('x' x 60000) x 17) . '","';
my $left = 1048576 - length($strings) - 2;
["POST /defaults\n$strings" . ('x' x $left) . '"]', "POST /defaults\n$strings" . ('x' x ($left + 1)) . '"]']
--- error_code eval
[204, 413]
--- response_body_like eval
['^$', $::too_large]
--- upstream_requests: 1

=== TEST 6: depth
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /depth\n[[[1]],{\"a\":{}}]", "POST /depth\n[{\"a\":[[]]}]", "POST /depth\n" . ("[" x 100000), "POST /defaults\n" . ("[" x 32) . ("]" x 32), "POST /defaults\n" . ("[" x 33) . ("]" x 33)]
--- error_code eval
[200, 400, 400, 200, 400]
--- response_body_like eval
['^\[\[\[1\]\],\{"a":\{\}\}\]$', main::problem('json.depth', 'JSON nested too deeply', 'containers are nested too deeply at byte 7', '#/0/a/0'),
 main::problem('json.depth', 'JSON nested too deeply', 'containers are nested too deeply at byte 3', '#/0/0/0'), '^\[{32}\]{32}$',
 main::problem('json.depth', 'JSON nested too deeply', 'containers are nested too deeply at byte 32', '#' . ('/0' x 32))]
--- upstream_requests: 2

=== TEST 7: keys
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /keys\n{\"a\":{\"b\":1,\"c\":2}}", "POST /keys\n{\"a\":{\"b\":1,\"c\":2},\"d\":3}", "POST /keys\n[{\"a\":1},{\"a\":1},{\"a\":1},{\"a\":1}]"]
--- error_code eval
[200, 400, 400]
--- response_body_like eval
['^\{"a":\{"b":1,"c":2\}\}$', main::problem('json.keys', 'Too many members', 'objects have too many members at byte 19', '#'),
 main::problem('json.keys', 'Too many members', 'objects have too many members at byte 26', '#/3')]
--- upstream_requests: 1

=== TEST 8: strings and names, unescaped
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /string\n{\"abcd\":[\"\\u00e9\\u00e9\",\"\\n\\n\\n\\n\"]}", "POST /string\n[1,\"abcde\"]", "POST /string\n{\"abcde\":1}", "POST /string\n[\"\xc3\xa9\xc3\xa9x\"]"]
--- error_code eval
[200, 400, 400, 400]
--- response_body_like eval
['abcd', main::problem('json.string', 'String too long', 'a string is too long at byte 3', '#/1'),
 main::problem('json.string', 'String too long', 'a string is too long at byte 1', '#'), main::problem('json.string', 'String too long', 'a string is too long at byte 1', '#/0')]
--- upstream_requests: 1

=== TEST 9: arrays
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /array\n[1,[1,2,3],3]", "POST /array\n{\"a\":[1,2,3,4]}"]
--- error_code eval
[200, 400]
--- response_body_like eval
['^\[1,\[1,2,3\],3\]$', main::problem('json.array', 'Array too long', 'an array has too many elements at byte 11', '#/a')]
--- upstream_requests: 1

=== TEST 10: numbers that a double holds
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /defaults\n[1.7976931348623157e308,18446744073709551616,1e-400]", "POST /defaults\n[1,1e400]", "POST /defaults\n-1.8e308"]
--- error_code eval
[200, 400, 400]
--- response_body_like eval
['^\[1.79', main::problem('json.number', 'Number out of range', 'a number is out of range at byte 3', '#/1'),
 main::problem('json.number', 'Number out of range', 'a number is out of range at byte 0', '#')]
--- upstream_requests: 1

=== TEST 11: numbers that 64 bits hold
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /int64\n[9223372036854775807,-9223372036854775808,1.5e300]", "POST /int64\n9223372036854775808", "POST /int64\n-9223372036854775809", "POST /int64\n1e400"]
--- error_code eval
[200, 400, 400, 400]
--- response_body_like eval
['^\[922', ('json.number') x 3]
--- upstream_requests: 1

=== TEST 12: any number, but none without an end
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /any\n[1e400,-1E99999," . ("9" x 1000) . "]", "POST /any\n[" . ("9" x 1001) . "]", "POST /any\n1e1000000001"]
--- error_code eval
[200, 400, 400]
--- response_body_like eval
['^\[1e400', main::problem('json.number', 'Number out of range', 'a number is too long at byte 1', '#/0'),
 main::problem('json.number', 'Number out of range', 'a number is out of range at byte 0', '#')]
--- upstream_requests: 1

=== TEST 13: repeated names allowed
--- upstream
echo
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- request
POST /twice
{"a":1,"a":2}
--- response_body: {"a":1,"a":2}

=== TEST 14: an inner level replaces all words
--- upstream
echo
--- http_config
guard_json_limits depth=1 array=1;
--- config
guard_json on;
location /outer { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /inner { guard_json_limits depth=2; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
["POST /outer\n[[]]", "POST /outer\n[1,2]", "POST /inner\n[[],2]", "POST /inner\n[[[]]]"]
--- error_code eval
[400, 400, 200, 400]
--- response_body_like eval
['json.depth', 'json.array', '^\[\[\],2\]$', 'json.depth']
--- error_log
"guard_json_limits" of an inner level replaces all that the outer level says with it

=== TEST 15: many names in one object, then the first again
--- upstream
status 204
--- config eval: $::limits
--- more_headers
Content-Type: application/json
--- pipelined_requests eval
my $members = CORE::join(',', map { "\"n$_\":1" } 1 .. 9999);
["POST /defaults\n{$members}", "POST /defaults\n{$members,\"n1\":2}", "POST /defaults\n{$members,\"x\":1,\"y\":1}"]
--- error_code eval
[204, 400, 400]
--- response_body_like eval
['^$', main::problem('json.duplicate_key', 'Repeated member name', 'an object has two members of the same name at byte 98884', '#/n1', 'duplicates'), 'json.keys']
--- upstream_requests: 1
