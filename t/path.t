# guard_path strict.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

our $config = 'guard_path strict; location / { root html; try_files /index.html =404; }';
our @bad = ('/a%2fb', '/a%2Fb', '/a%5cb', '/a\\b', '/a/%2e%2e/b', '/a/../b', '/a/./b', '/a//b', '/a;x=1/b',
    '/a%252fb', '/a%c0%afb', '/a%ffb', '/a%01b', '/..;/a', '/a%0db');
our @good = ('/', '/a/b', '/a%20b', '/a%C3%A9', '/a.b/c..d', '/a?x=%2f..//;%00', '/~a/b-c_d');

run_tests();

__DATA__

=== TEST 1: what is ambiguous
--- config eval: $::config
--- request eval
[map { "GET $_" } @::bad]
--- error_code eval
[map { 400 } @::bad]
--- response_body_like eval
[map { '"title":"Ambiguous path","status":400,"detail":"[^"]+","instance":"urn:request:[0-9a-f]+","code":"path.ambiguous"' } @::bad]

=== TEST 2: what is not
--- config eval: $::config
--- request eval
[map { "GET $_" } @::good]
--- response_body_like eval
[map { 'It works' } @::good]

=== TEST 3: over HTTP/2
--- http2
--- config eval: $::config
--- curl_options: --path-as-is
--- request eval
["GET /a%2fb", "GET /a"]
--- error_code eval
[400, 200]
--- response_body_like eval
["path.ambiguous", "It works"]

=== TEST 4: off
--- config
guard_path off;
location / { return 200 "fine"; }
--- request
GET /a//b
--- response_body: fine
