# normalize=account: whichever way a client writes a name, it is one key. What becomes of which text is
# tried in t/unit/normalize_test.cpp.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_root_location();
run_tests();

__DATA__

=== TEST 1: capitals, full-width letters and blanks make no other key
--- http_config
guard_rate_policy login rate=3/day key=$login_name normalize=account;
--- config
guard_json_set $login_name /name;
location / { guard_json on; guard_rate login; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{\"name\":\"Alice\@Example.com \"}",
 "POST /\n{\"name\":\"\xef\xbc\xa1\xef\xbc\xac\xef\xbc\xa9\xef\xbc\xa3\xef\xbc\xa5\@example.com\"}",
 "POST /\n{\"name\":\"alice\@example.com\"}",
 "POST /\n{\"name\":\"\\u3000al\\u200Dice\@EXAMPLE\\uff0ecom\"}",
 "POST /\n{\"name\":\"alice\@example.org\"}",
 "POST /\n{\"name\":\"\xd0\xb0lice\@example.com\"}"]
--- error_code eval
[200, 200, 200, 429, 200, 200]
--- raw_response_headers_like eval
["RateLimit: \"login\";r=2;t=", "RateLimit: \"login\";r=1;t=", "RateLimit: \"login\";r=0;t=",
 "Retry-After: (28800|2879\\d)\r\n(?:.*\r\n)*RateLimit-Policy: \"login\";q=3;w=86400\r\nRateLimit: \"login\";r=0;t=\\1\r\n",
 "RateLimit: \"login\";r=2;t=", "RateLimit: \"login\";r=2;t="]
--- response_body_like eval
["^ok\$", "^ok\$", "^ok\$",
 qr'^\{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"detail":"Rate policy \\"login\\" allows 3 requests per day","instance":"urn:request:[0-9a-f]{32}","code":"rate.login","violated-policies":\["login"\]\}$',
 "^ok\$", "^ok\$"]


=== TEST 2: in every algorithm, and without the word each spelling is a key
--- http_config
guard_rate_policy gcra rate=1/day key=$arg_k normalize=account;
guard_rate_policy window rate=1/day key=$arg_k normalize=account algorithm=sliding_window;
guard_rate_policy log rate=1/day key=$arg_k normalize=account algorithm=sliding_log;
guard_rate_policy fixed rate=1/day key=$arg_k normalize=account algorithm=fixed_window;
guard_rate_policy none rate=1/day key=$arg_k normalize=none;
guard_rate_policy unsaid rate=1/day key=$arg_k;
--- config
root html;
location /gcra/ { guard_rate gcra; alias html/; }
location /window/ { guard_rate window; alias html/; }
location /log/ { guard_rate log; alias html/; }
location /fixed/ { guard_rate fixed; alias html/; }
location /none/ { guard_rate none; alias html/; }
location /unsaid/ { guard_rate unsaid; alias html/; }
--- request eval
[map { ("GET /$_/?k=Stra\xc3\x9fe", "GET /$_/?k=STRASSE") } qw(gcra window log fixed none unsaid)]
--- error_code eval
[(200, 429) x 4, (200, 200) x 2]


=== TEST 3: white space alone is an empty key, and so is nothing that can be seen
--- http_config
guard_rate_policy user rate=1/day key=$http_user normalize=account empty=refuse;
--- config
location / { guard_rate user; root html; }
--- request eval
["GET /", "GET /", "GET /", "GET /"]
--- more_headers eval
["User: \xe3\x80\x80\xc2\xa0", "User: \xe2\x80\x8b", "User: a", "User:\xc2\xa0A\xc2\xa0"]
--- error_code eval
[400, 400, 200, 429]
--- response_body_like eval
["\"code\":\"key.missing\"", "\"code\":\"key.missing\"", "html", "\"code\":\"rate.user\""]


=== TEST 4: what is not UTF-8 is a key of its own, and never refused
--- http_config
guard_rate_policy user rate=1/day key=$arg_k normalize=account empty=refuse;
--- config
location / { guard_rate user; root html; }
--- request eval
["GET /?k=A\xff", "GET /?k=a\xff", "GET /?k=A\xfe", "GET /?k=A\xc3", "GET /?k=A\xff", "GET /?k=\xff", "GET /?k=A", "GET /?k=a"]
--- error_code eval
[200, 200, 200, 200, 429, 200, 200, 429]


=== TEST 5: each variable by itself; addresses as they are
--- http_config
guard_rate_policy pair rate=1/day key=$binary_remote_addr$guard_client_net$arg_a/$arg_b normalize=account;
--- config
location / { guard_rate pair; root html; }
--- request eval
["GET /?a=X&b=YZ", "GET /?a=XY&b=Z", "GET /?a=x&b=yz", "GET /?a=xy&b=z", "GET /?a=xyz", "GET /?b=xyz"]
--- error_code eval
[200, 200, 429, 429, 200, 200]


=== TEST 6: binary addresses are not read as letters
--- http_config
guard_rate_policy pair rate=1/day key=$binary_remote_addr$arg_a normalize=account;
real_ip_header X-Real-IP;
set_real_ip_from 127.0.0.1;
--- config
location / { guard_rate pair; root html; }
--- request eval
["GET /?a=x", "GET /?a=x", "GET /?a=X"]
--- more_headers eval
["X-Real-IP: 65.65.65.65", "X-Real-IP: 97.97.97.97", "X-Real-IP: 65.65.65.65"]
--- error_code eval
[200, 200, 429]


=== TEST 7: a capture, which has no name
--- http_config
guard_rate_policy tenant rate=1/day key=$1 normalize=account;
--- config
location ~ ^/t/([^/]+) { guard_rate tenant; root html; try_files /index.html =404; }
--- request eval
["GET /t/Ann", "GET /t/%EF%BC%A1nn", "GET /t/bob"]
--- error_code eval
[200, 429, 200]


=== TEST 8: any length is counted, cheaply, and padding makes no other key
--- http_config
guard_rate_policy user rate=1/day key=$user normalize=account;
guard_json_limits string=1m size=1m;
client_max_body_size 1m;
--- config
guard_json_set $user /user;
location / { guard_json on; guard_rate user; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{\"user\":\"alice\"}", "POST /\n{\"user\":\"Alice" . " " x 65536 . "\"}", "POST /\n{\"user\":\"Ali" . "\\u200d" x 10000 . "ce\"}",
 "POST /\n{\"user\":\"" . "A" x 65536 . "\"}", "POST /\n{\"user\":\"" . "A" x 65536 . "\"}", "POST /\n{\"user\":\"" . "a" x 65536 . "\"}"]
--- error_code eval
[200, 429, 429, 200, 429, 200]


=== TEST 9: in Redis
--- http_config
guard_key_secret 0123456789abcdef;
guard_redis main $TEST_NGINX_REDIS_URL timeout=2s;
guard_rate_policy user rate=1/day key=$arg_k normalize=account redis=main;
--- config
location / { guard_rate user; root html; }
--- redis
--- request eval
["GET /?k=Ann", "GET /?k=ANN", "GET /?k=bob"]
--- error_code eval
[200, 429, 200]


=== TEST 10: a number is one key, however JSON writes it
--- http_config
guard_rate_policy login rate=3/day key=$user_id normalize=account;
--- config
guard_json_set $user_id /user_id;
location / { guard_json on; guard_rate login; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
[map { "POST /\n{\"user_id\":$_}" } '42', '42.0', '4.2e1', '420e-1', '42.000', '"42"', '42.00000000000000000001', '43.0', '42.5', '0', '-0', '-0.0', '0e5']
--- error_code eval
[200, 200, 200, (429) x 4, (200) x 5, 429]


=== TEST 11: what an application trims makes no name that is not counted
--- http_config
guard_rate_policy login rate=1/day key=$login_name;
--- config
guard_json_set $login_name /name;
location / { guard_json on; guard_rate login; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
[map { "POST /\n{\"name\":\"$_\"}" } 'ann', 'ann\n', '\tann', 'ann \r\n ', 'ann\u0000', '\u000bann\u007f', 'bob']
--- error_code eval
[200, (429) x 5, 200]
