# phase=auto: where a policy is asked, and what nginx -t says where that cannot be seen.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_root_location();
run_tests();

__DATA__

=== TEST 1: a key through map
--- http_config
map $http_x_user $user { default $http_x_user; }

guard_rate_policy api
                  rate=5/minute key=$user;
guard_rate api;
--- config_warning
rate policy "api" is asked before the body is known, and "$user" of its key is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:4

=== TEST 2: a map that stands after the policy
--- http_config
guard_rate_policy api rate=5/minute key=$host$User;
map $http_x_user $user { default $http_x_user; }
guard_rate api;
--- config_warning
rate policy "api" is asked before the body is known, and "$user" of its key is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:1

=== TEST 3: set
--- http_config
guard_rate_policy api rate=5/minute key=$user;
guard_rate api;
--- config
set $user $http_x_user;
--- config_warning
rate policy "api" is asked before the body is known, and "$user" of its key is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:1

=== TEST 4: geo, split_clients, auth_request_set
--- http_config
geo $net { default 0; 10.0.0.0/8 1; }
split_clients $remote_addr $half { 50% a; * b; }
guard_rate_policy a rate=5/minute key=$net;
guard_rate_policy b rate=5/minute key=$half;
guard_rate_policy c rate=5/minute key=$account;
guard_rate a; guard_rate b; guard_rate c;
--- config
auth_request_set $account $upstream_http_x_account;
--- config_warning
rate policy "a" is asked before the body is known, and "$net" of its key is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:3
rate policy "b" is asked before the body is known, and "$half" of its key is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:4
rate policy "c" is asked before the body is known, and "$account" of its key is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:5

=== TEST 5: phase= is written
--- http_config
map $http_x_user $user { default $http_x_user; }
guard_rate_policy a rate=5/minute key=$user phase=front;
guard_rate_policy b rate=5/minute key=$user phase=inner;
guard_rate a; guard_rate b;
--- config_warning

=== TEST 6: what the policy needs anyhow puts it inside
--- http_config
map $http_x_user $user { default $http_x_user; }
guard_rate_policy a rate=5/minute key=$user$email;
guard_rate a;
--- config
guard_json on;
guard_json_set $email /email;
--- config_warning

=== TEST 7: variables of nginx, of guard, and captures are known in front
--- http_config
guard_rate_policy a rate=5/minute key=$remote_addr$binary_remote_addr$host$uri$args$arg_user$http_x_user$cookie_id;
guard_rate_policy b rate=5/minute key=$limit_rate$request_uri$ssl_protocol$ssl_client_s_dn$ssl_session_id$Server_Name;
guard_rate_policy c rate=5/minute key=$guard_client_net$guard_scheme$remote_user$realip_remote_addr$request_id;
guard_rate_policy d rate=5/minute key=$modern_browser$ancient_browser$msie$uid_got$uid_reset$proxy_host;
guard_rate_policy e rate=5/minute key=$1$tenant;
guard_rate a; guard_rate b; guard_rate c; guard_rate d;
--- config
location ~ ^/t/(?<tenant>\w+) { guard_rate e; }
--- config_warning

=== TEST 8: phase=front and a key from the body
--- http_config
guard_rate_policy front rate=5/minute key=$email phase=front;
guard_rate_policy inner rate=5/minute key=$email phase=inner;
guard_rate_policy auto rate=5/minute key=$email;
guard_rate_policy raw rate=5/minute key=$request_body phase=front;
guard_rate front; guard_rate inner; guard_rate auto; guard_rate raw;
--- config
guard_json on;
guard_json_set $email /email;
--- config_warning
rate policy "front" has "phase=front", where its key "$email" is not known yet in http_config:1
rate policy "raw" has "phase=front", where its key "$request_body" is not known yet in http_config:4

=== TEST 9: what tells of the answer is not known in any phase
--- http_config
guard_rate_policy a rate=5/minute key=$Upstream_Http_X_User;
guard_rate_policy b rate=5/minute key=$host$sent_http_x phase=inner;
guard_rate_policy c rate=5/minute;
guard_rate a; guard_rate b;
guard_rate c cost=$status;
--- config_warning
rate policy "a" is asked before there is an answer, and "$upstream_http_x_user" of its key tells of that: it says nothing yet, except after an internal redirect that an answer has led to in http_config:1
rate policy "b" is asked before there is an answer, and "$sent_http_x" of its key tells of that: it says nothing yet, except after an internal redirect that an answer has led to in http_config:2
rate policy "c" is asked before there is an answer, and "$status" of its cost tells of that: it says nothing yet, except after an internal redirect that an answer has led to in http_config:5

=== TEST 10: a cost through map or set, where it is applied
--- http_config
map $http_x_heavy $heavy { default 1; yes 2; }
guard_rate_policy a rate=5/minute;
guard_rate_policy f rate=5/minute phase=front;
guard_rate_policy i rate=5/minute phase=inner;
guard_rate_policy k rate=5/minute key=$email;
guard_rate a cost=$heavy;
--- config
guard_json     on;
guard_json_set $email  /email;
guard_json_set $weight /weight;
set $light $http_x_light;
location /a/ { guard_rate a cost=$Light; guard_rate f cost=$heavy; guard_rate i cost=$heavy; guard_rate k cost=$heavy; }
location /b/ { guard_rate a cost=$arg_n; guard_rate f cost=3; }
location /c/ { guard_rate a cost=$heavy$weight; }
location /d/ { guard_rate f cost=$weight; guard_rate i cost=$weight; }
location /e/ { }
--- config_warning
rate policy "a" is asked before the body is known, and "$heavy" of its cost is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in http_config:6
rate policy "a" is asked before the body is known, and "$Light" of its cost is made by another directive: write "phase=front", or "phase=inner" if that takes it from the body in config:5
rate policy "f" has "phase=front", where its cost "$weight" is not known yet in config:8

=== TEST 11: a key that holds a variable of the body, whatever its case, is known when it is asked
--- http_config
guard_rate_policy a rate=1/day key=$host${Email} empty=skip;
guard_rate_policy b rate=1/day key=$request_body empty=refuse;
--- config
guard_json_set $email /email;
location /a/ { guard_json on; guard_rate a; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /b/ { guard_json on; guard_rate b; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
["POST /a/\n{\"email\":\"a\"}", "POST /a/\n{\"email\":\"b\"}", "POST /a/\n{\"email\":\"a\"}",
 "POST /b/\n{\"email\":\"a\"}", "POST /b/\n{\"email\":\"b\"}", "POST /b/\n{\"email\":\"a\"}"]
--- error_code eval
[200, 200, 429, 200, 200, 429]

=== TEST 12: phase=inner makes a key through map of the body's variable known
--- http_config
guard_rate_policy a rate=1/day key=$user phase=inner empty=refuse;
map $email $user { default $email; }
--- config
guard_json_set $email /email;
location / { guard_json on; guard_rate a; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
["POST /\n{\"email\":\"a\"}", "POST /\n{\"email\":\"b\"}", "POST /\n{\"email\":\"a\"}"]
--- error_code eval
[200, 200, 429]

=== TEST 13: a user of auth_basic: claimed in front, proven inside
--- http_config
guard_rate_policy front rate=1/day key=$remote_user;
guard_rate_policy inner rate=1/day key=$remote_user phase=inner;
--- config
auth_basic           here;
auth_basic_user_file $TEST_NGINX_HTML_DIR/users;
location /front { guard_rate front; try_files /index.html =404; }
location /inner { guard_rate inner; try_files /index.html =404; }
--- user_files
>>> users
ada:{PLAIN}right
>>> index.html
hello
--- request eval
[("GET /front") x 2, ("GET /inner") x 3]
--- more_headers eval
[(map { "Authorization: Basic $_" } "YWRhOndyb25n", "YWRhOnJpZ2h0"), (map { "Authorization: Basic $_" } "YWRhOndyb25n", "YWRhOnJpZ2h0", "YWRhOnJpZ2h0")]
--- error_code eval
[401, 429, 401, 200, 429]

=== TEST 14: the whole body is the key, also where nginx has put it into a file
--- http_config
guard_rate_policy body rate=1/day key=$request_body;
--- config
client_body_buffer_size 1k;
location / { guard_json on; guard_rate body; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- more_headers
Content-Type: application/json
--- request eval
[map { "POST /\n{\"a\":\"$_\"}" } "x" x 3000, "x" x 3000, "x" x 2999 . "y", "x" x 10, "x" x 10]
--- error_code eval
[200, 429, 200, 200, 429]

=== TEST 15: the operation of an OpenAPI document is known inside
--- http_config
guard_rate_policy each rate=1/day key=$guard_openapi_operation empty=refuse;
map $guard_openapi_operation $price { listB 2; default 1; }
guard_rate_policy priced rate=4/day key=all phase=inner;
--- config
location /v1/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json; guard_rate each; guard_rate priced cost=$price; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: status 200
--- user_files
>>> api.json
{"openapi":"3.0.0","info":{"title":"x","version":"1"},"servers":[{"url":"/v1"}],"paths":{
"/a":{"get":{"operationId":"listA","responses":{"200":{"description":"x"}}}},"/b":{"get":{"operationId":"listB","responses":{"200":{"description":"x"}}}}}}
--- config_warning
--- request eval
["GET /v1/a", "GET /v1/a", "GET /v1/b", "GET /v1/b"]
--- error_code eval
[200, 429, 200, 429]
--- raw_response_headers_like eval
["RateLimit-Policy: \"each\";q=1;w=86400, \"priced\";q=4;w=86400\r\nRateLimit: \"each\";r=0;t=86400\r\n", "RateLimit: \"each\";r=0;", "RateLimit: \"each\";r=0;", "RateLimit: \"each\";r=0;"]

=== TEST 16: what a check of the inner gate makes, asked for in front, or where there is no such check
--- http_config
guard_rate_policy early rate=1/day key=$guard_openapi_operation phase=front;
guard_rate_policy own rate=1/day key=$guard_openapi_Operation$host;
guard_rate_policy other rate=1/day;
--- config
location /v1/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json; guard_rate early; guard_rate own; }
location /else/ { guard_rate own; guard_rate other cost=$guard_openapi_operation; }
location @named { guard_rate own; }
--- user_files
>>> api.json
{"openapi":"3.0.0","info":{"title":"x","version":"1"},"servers":[{"url":"/v1"}],"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"x"}}}}}}
--- config_warning
rate policy "early" has "phase=front", where its key "$guard_openapi_operation" is not known yet in http_config:1
rate policy "own" is applied where "$guard_openapi_operation" is always empty: "guard_openapi" makes it where it checks the request in config:2
rate policy "other" is applied where "$guard_openapi_operation" is always empty: "guard_openapi" makes it where it checks the request in config:2
