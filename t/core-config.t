# Core's directives: what they do, and the exact line for every mistake.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: guard_mode, unknown mode
--- config
guard_mode enforced;
--- config_error
invalid value "enforced" of "guard_mode", it must be "enforce", "observe" or "off" in config:1

=== TEST 2: guard_mode, unknown feature
--- config
guard_mode observe jsn;
--- config_error
unknown feature "jsn" in "guard_mode", did you mean "json"? in config:1

=== TEST 3: guard_exempt by address and by variable
--- http_config
map $http_x_internal $internal { default 0; secret 1; }
--- config
location /addr { guard_exempt 127.0.0.0/8; guard_test front refuse=403; guard_test inner refuse=422; root html; try_files /index.html =404; }
location /other { guard_exempt 10.0.0.0/8; guard_test front refuse=403; root html; }
location /part { guard_exempt 127.0.0.1 ban; guard_test front refuse=403; guard_test inner refuse=422; root html; }
location /var { guard_exempt $internal; guard_test front refuse=403; root html; try_files /index.html =404; }
--- request eval
["GET /addr", "GET /other", "GET /part", "GET /var", "GET /var"]
--- more_headers eval
["", "", "", "", "X-Internal: secret"]
--- error_code eval
[200, 403, 422, 403, 200]
--- response_body_like eval
["It works", "test.front", "test.inner", "test.front", "It works"]

=== TEST 4: guard_exempt, host bits
--- config
guard_exempt 10.0.0.1/8;
--- config_error
invalid network "10.0.0.1/8", it has bits behind its mask, did you mean "10.0.0.0/8"? in config:1

=== TEST 5: guard_exempt, not a network
--- config
guard_exempt office;
--- config_error
invalid network "office", an address or a network like "192.0.2.0/24" is expected in config:1

=== TEST 6: guard_problem
--- config
guard_problem html;
--- config_error
invalid value "html" of "guard_problem", it must be "auto", "json" or "off" in config:1

=== TEST 7: duplicates
--- config
guard_problem json;
guard_problem off;
--- config_error
"guard_problem" directive is duplicate in config:2

=== TEST 8: guard_error_page
--- config
guard_error_page yes;
--- config_error
invalid value "yes" of "guard_error_page", it must be "refuse" or "allow" in config:1

=== TEST 9: guard_route
--- config
guard_route "a b";
--- config_error
invalid route name "a b", up to 64 letters, digits, "_", ".", ":", "-" are expected in config:1

=== TEST 10: guard_path
--- config
guard_path on;
--- config_error
invalid value "on" of "guard_path", it must be "off" or "strict" in config:1

=== TEST 11: guard_key_secret only in http
--- config
guard_key_secret abc;
--- config_error
"guard_key_secret" directive is not allowed here in config:1

=== TEST 12: guard_key_secret, missing file
--- http_config
guard_key_secret file:/nonexistent/secret;
--- config_error
open() "/nonexistent/secret" failed (2: No such file or directory) in http_config:1

=== TEST 13: $guard_scheme and $guard_client_net
--- config
location /own { return 200 "$guard_scheme $guard_client_net"; }
location /trusting { guard_trusted_proxies 127.0.0.0/8; return 200 "$guard_scheme"; }
location /elsewhere { guard_trusted_proxies 10.0.0.0/8; return 200 "$guard_scheme"; }
location /off { guard_trusted_proxies off; return 200 "$guard_scheme"; }
--- request eval
["GET /own", "GET /trusting", "GET /trusting", "GET /elsewhere", "GET /off", "GET /trusting"]
--- more_headers eval
["X-Forwarded-Proto: https", "X-Forwarded-Proto: https", "", "X-Forwarded-Proto: https", "X-Forwarded-Proto: https", "X-Forwarded-Proto: javascript"]
--- response_body eval
["http 127.0.0.1", "https", "http", "http", "http", "http"]

=== TEST 14: the peer is trusted, not the address that realip put in its place
--- config
set_real_ip_from 127.0.0.1;
real_ip_header X-Forwarded-For;
location /a { guard_trusted_proxies 127.0.0.1; return 200 "$guard_scheme $guard_client_net"; }
location /b { guard_trusted_proxies 192.0.2.0/24; return 200 "$guard_scheme $guard_client_net"; }
location /c { return 200 "$guard_client_net"; }
--- request eval
["GET /a", "GET /b", "GET /c"]
--- more_headers eval
["X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https", "X-Forwarded-For: 2001:db8:1:2:3:4:5:6"]
--- response_body eval
["https 192.0.2.7", "http 192.0.2.7", "2001:db8:1:2::/64"]

=== TEST 15: the gate sees realip's address at location level too
--- config
location /a { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; guard_exempt 192.0.2.7; guard_test front refuse=403; root html; try_files /index.html =404; }
--- request eval
["GET /a", "GET /a"]
--- more_headers eval
["X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 192.0.2.8"]
--- error_code eval
[200, 403]
--- response_body_like eval
["It works", "test.front"]

=== TEST 16: variables that something makes, whoever and wherever
--- http_config
guard_rate_policy a rate=5/minute key=$arg_a$http_x_a$cookie_c$upstream_http_x_b$sent_http_x_c$remote_addr$Request_ID;
guard_rate_policy b rate=5/minute key=$of_map$of_set$of_json$of_regex$sub$guard_scheme;
map $arg_m $of_map { default 1; }
--- config
server_name ~^(?<sub>\w+)$ localhost;
guard_json_set $of_json /a;
location ~ ^/(?<of_regex>a)/ { set $of_set 1; guard_rate a; guard_rate b cost=${of_set}; }
location /x { guard_header X-A $1-$bytes_sent; return 200; }
--- request
GET /x
--- response_headers
X-A: -0
--- no_error_log
nothing makes the variable

=== TEST 17: a variable that nothing makes, named twice
--- http_config
guard_rate_policy a rate=5/minute key=$nobody;
guard_rate a;
--- config
guard_exempt $nobody;
--- config_error
[warn] nothing makes the variable "$nobody" in http_config:1
unknown "nobody" variable

=== TEST 18: what was asked for before realip had the address, and before the location was known, is asked for again
--- http_config
guard_rate_policy client rate=1/hour;
--- config
guard_trusted_proxies 127.0.0.1;
set $early "$guard_client_net $guard_scheme";
add_header X-Early "$early" always;
add_header X-Now   "$guard_client_net $guard_scheme" always;
location /off { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; guard_rate client; guard_trusted_proxies off; guard_https require; root html; try_files /index.html =404; }
location /trusting { set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; guard_rate client; guard_https require; root html; try_files /index.html =404; }
--- request eval
["GET /trusting", "GET /trusting", "GET /trusting", "GET /off"]
--- more_headers eval
[map { "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.$_" } 7, 8, 7, 9]
--- error_code eval
[200, 200, 429, 403]
--- response_headers eval
[(map { "X-Early: 127.0.0.1 https\nX-Now: 192.0.2.$_ https" } 7, 8, 7), "X-Early: 127.0.0.1 https\nX-Now: 192.0.2.9 http"]

=== TEST 19: guard_exempt: a variable is not asked for before a check that it is about
--- http_config
map $granted $exempt { default 0; yes 1; }
--- config
location /x { auth_request /auth; auth_request_set $granted $upstream_http_x_granted; guard_exempt $exempt upload; guard_test front; guard_test inner refuse=422; root html; try_files /index.html =404; }
location /auth { internal; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
header X-Granted: yes
--- request
GET /x
--- response_body_like: It works
