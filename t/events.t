# The event log: the line of every refusal, what privacy leaves of it, and bytes that try to break
# or forge it.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();
run_tests();

__DATA__

=== TEST 1: the whole line of a refusal
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_route items; guard_test front refuse=429; root html; }
--- request
POST /items/7?token=secret
body
--- more_headers
User-Agent: tester/1.0
Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
--- error_code: 429
--- event_log_like eval
[qr/\A\{"\@timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","log":\{"level":"\w+"\},"event":\{"kind":"\w+","module":"guard","dataset":"guard\.events","action":"[a-z-]+","category":\[[a-z",_]+\],"type":\["denied"\],"outcome":"success","severity":\d,"sequence":2,"code":"test\.front","reason":"Test refusal"\},"source":\{"ip":"127\.0\.0\.1","port":\d+\},"url":\{"path":"\/items\/7","domain":"localhost","scheme":"http"\},"http":\{"version":"1\.1","request":\{"id":"[0-9a-f]{32}","method":"POST","body":\{"bytes":4\}\},"response":\{"status_code":429\}\},"user_agent":\{"original":"tester\/1\.0"\},"trace":\{"id":"0af7651916cd43dd8448eb211c80319c"\},"labels":\{"kind":"\w+","decision":"denied","route":"items"\},"observer":\{"vendor":"Guard","product":"Guard","type":"waf","version":"[0-9.]+","hostname":"[^"]+"\},"process":\{"pid":\d+,"entity_id":"\d+-\d+"\},"ecs":\{"version":"9\.4\.0"\}\}\n\z/]

=== TEST 2: every start says config_loaded, once
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { return 204; }
--- workers: 3
--- request
GET /
--- error_code: 204
--- event_log
{"event":{"action":"config-loaded","sequence":1},"labels":{"kind":"config_loaded"},"source":null,"http":null}

=== TEST 3: json, with the pointer of the offence
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_json on; guard_json_limits depth=2; proxy_pass http://127.0.0.1:1; }
--- request
POST /
{"a":{"b":{"c":1}}}
--- more_headers
Content-Type: application/json
--- error_code: 400
--- event_log
{"event":{"action":"json-refused","code":"json.depth","category":["api","web"],"type":["denied"]},"http":{"response":{"status_code":400}},"labels":{"kind":"json_refused","decision":"denied"}}

=== TEST 4: rate
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_rate_policy one rate=1/minute key=$remote_addr burst=1;
--- config
location / { guard_rate one; root html; try_files /index.html =404; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 429]
--- event_log
{"event":{"action":"rate-limit-exceeded","code":"rate.one"},"rule":{"name":"one"},"http":{"response":{"status_code":429}},"labels":{"kind":"rate_limited","key_hash":"re:[0-9a-f]+"}}

=== TEST 5: path
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_path strict; root html; }
--- request
GET /a%2fb
--- error_code: 400
--- event_log
{"event":{"action":"path-refused","code":"path.ambiguous","kind":"alert"},"url":{"path":"/a%2fb"},"labels":{"kind":"path_refused"}}

=== TEST 6: observed: let through, and the line says so
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_mode observe;
--- config
location / { guard_path strict; root html; try_files /index.html =404; }
--- request
GET /a%2fb
--- error_code: 200
--- event_log
{"event":{"action":"path-refused","type":["allowed"]},"labels":{"decision":"observed"}}

=== TEST 7: min
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG min=error;
--- config
location / { guard_path strict; root html; }
--- request
GET /a%2fb
--- error_code: 400
--- no_event_log

=== TEST 8: off below, and several logs
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_log logs/second.log min=error;
--- config
location /off { guard_event_log off; guard_path strict; root html; }
location / { guard_path strict; root html; }
--- request eval
["GET /off/a%2fb", "GET /a%2fb"]
--- error_code eval
[400, 400]
--- event_log
{"url":{"path":"/a%2fb"}}

=== TEST 9: an inner log takes the place of the outer one
--- http_config
guard_event_log logs/outer.log;
--- config
location / { guard_event_log $TEST_NGINX_EVENT_LOG; guard_path strict; root html; }
--- request
GET /a%2fb
--- error_code: 400
--- event_log
{"url":{"path":"/a%2fb"}}

=== TEST 10: query on, address as its network
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy query=on address=network;
--- config
location / { guard_path strict; root html; }
--- request
GET /a%2fb?x=1
--- error_code: 400
--- event_log
{"source":{"ip":"127.0.0.0","port":null},"url":{"path":"/a%2fb","query":"x=1"}}

=== TEST 11: address hashed
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy address=hash;
--- config
location / { guard_path strict; root html; }
--- request
GET /a%2fb
--- error_code: 400
--- no_event_log: 127.0.0
--- event_log
{"source":null,"labels":{"address_hash":"re:[0-9a-f]{32}"}}

=== TEST 12: quotes, escapes and invalid UTF-8 in fields and path
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_path strict; root html; }
--- raw_request eval
"GET /a%2fb\"},\"event\":{\"forged\":1}\\ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
. "User-Agent: x\"}\n,\"labels\":{\x1b[31m\xff\xfe\xe2\x80\xa8\r\n\r\n"
--- error_code: 400
--- ignore_response
--- no_event_log: "forged":1

=== TEST 13: quotes and ANSI escapes arrive as text
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_path strict; root html; }
--- raw_request eval
"GET /a%2fb\"},\"event\":{\"forged\":1}\\ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
. "User-Agent: x\"},\"labels\":{\x1b[31m\xff\xe2\x80\xa8\r\n\r\n"
--- error_code: 400
--- event_log_like eval
[qr/\A[\x20-\x7e\x80-\xff]*"path":"\/a%2fb\\"\},\\"event\\":\{\\"forged\\":1\}\\\\"[\x20-\x7e\x80-\xff]*"original":"x\\"\},\\"labels\\":\{\\u001b\[31m\xef\xbf\xbd\\u2028"[\x20-\x7e\x80-\xff]*\n\z/]

=== TEST 14: a path and a User-Agent of 30 KB: cut, marked, within 8 KB
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
large_client_header_buffers 4 64k;
--- config
location / { guard_path strict; root html; }
--- raw_request eval
"GET /a%2fb" . "\x22" x 30000 . " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: " . "\\" x 30000 . "\r\n\r\n"
--- error_code: 400
--- event_log_like eval
[qr/\A(?=.{0,8191}\n\z).*\xe2\x80\xa6".*"truncated":"url\.path,user_agent\.original"/]

=== TEST 15: TLS and HTTP/2
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_test front refuse=403; root html; }
--- tls
--- http2
--- request
GET /x
--- error_code: 403
--- event_log
{"url":{"scheme":"https"},"http":{"version":"2"},"tls":{"version":"re:1\\.[23]","version_protocol":"tls"}}

=== TEST 16: the error page of a refusal is no second event
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
error_page 403 /index.html;
location / { guard_test front refuse=403; root html; }
--- request
GET /x
--- error_code: 403
--- event_log
{"event":{"code":"test.front"},"url":{"path":"/x"}}

=== TEST 17: a traceparent that is none is left out
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_test front refuse=403; root html; }
--- request
GET /x
--- more_headers
Traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01
--- error_code: 403
--- event_log
{"trace":null}

=== TEST 18: guard_event_log syslog:127.0.0.1;
--- config
guard_event_log syslog:127.0.0.1;
--- config_error
"127.0.0.1" in "syslog:", did you mean "syslog:server=127.0.0.1"? in config:1

=== TEST 19: guard_event_log redis:main:events;
--- config
guard_event_log redis:main:events;
--- config_error
unknown Redis "main", a "guard_redis" must define it before it is used in config:1

=== TEST 20: guard_event_log logs/e rotate=1k;
--- config
guard_event_log logs/e rotate=1k;
--- config_error
invalid value "1k" of "rotate=", a size of at least 64k is expected in config:1

=== TEST 21: guard_event_log logs/e keep=5;
--- config
guard_event_log logs/e keep=5;
--- config_error
"keep=" without "rotate=" in config:1

=== TEST 22: guard_event_log logs/e chain=file:/k;
--- config
guard_event_log logs/e chain=file:/k;
--- config_error
open() "/k" failed (2: No such file or directory) in config:1

=== TEST 23: guard_event_log logs/e format=cef;
--- config
guard_event_log logs/e format=cef;
--- config_error
invalid value "cef" of "format=", it must be "ecs" in config:1

=== TEST 24: guard_event_log logs/e min=warn;
--- config
guard_event_log logs/e min=warn;
--- config_error
invalid value "warn" of "min=", it must be "critical", "error", "warning", "notice" or "info" in config:1

=== TEST 25: guard_event_log logs/e mni=error;
--- config
guard_event_log logs/e mni=error;
--- config_error
unknown parameter "mni=", did you mean "min="? in config:1

=== TEST 26: guard_event_log '';
--- config
guard_event_log '';
--- config_error
empty path in "guard_event_log" directive in config:1

=== TEST 27: guard_event_log logs/e min=error;
--- config
guard_event_log logs/e;
guard_event_log logs/e min=error;
--- config_error
duplicate event log "logs/e" in config:2

=== TEST 28: guard_event_log off;
--- config
guard_event_log logs/e;
guard_event_log off;
--- config_error
"guard_event_log off" beside other event logs in config:2

=== TEST 29: guard_event_log logs/e;
--- config
guard_event_log off;
guard_event_log logs/e;
--- config_error
"guard_event_log" after "guard_event_log off" in config:2

=== TEST 30: guard_event_log off logs/e;
--- config
guard_event_log off logs/e;
--- config_error
unexpected word "logs/e" after "off" in config:1

=== TEST 31: guard_event_privacy user=plain;
--- config
guard_event_privacy user=plain;
--- config_error
invalid value "plain" of "user=", it must be "hash", "clear" or "off" in config:1

=== TEST 32: guard_event_privacy address=off;
--- config
guard_event_privacy address=off;
--- config_error
invalid value "off" of "address=", it must be "clear", "hash" or "network" in config:1

=== TEST 33: guard_event_privacy query=yes;
--- config
guard_event_privacy query=yes;
--- config_error
invalid value "yes" of "query=", it must be "on" or "off" in config:1

=== TEST 34: guard_event_privacy on;
--- config
guard_event_privacy on;
--- config_error
unexpected word "on", "guard_event_privacy" is on without it in config:1

=== TEST 35: guard_event_privacy user=hash;
--- config
guard_event_privacy user=off;
guard_event_privacy user=hash;
--- config_error
"guard_event_privacy" directive is duplicate in config:2

=== TEST 36: a path that cannot be written
--- config
guard_event_log no/such/folder/e;
--- config_error
/open\(\) ".*no\/such\/folder\/e" failed \(2: No such file or directory\)/

=== TEST 37: neither credentials nor bodies nor queries
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_rate_policy token rate=1/day key=$http_authorization$cookie_session$arg_token;
--- config
guard_path strict;
guard_rate token;
guard_json required;
location / { proxy_pass http://127.0.0.1:1; }
--- more_headers
Authorization: Bearer hidden-one
Proxy-Authorization: Basic hidden-two
Cookie: session=hidden-three
X-API-Key: hidden-four
Referer: http://localhost/?hidden-five
Content-Type: application/json
--- request eval
["POST /a//?token=hidden-six\n{}", "POST /a?token=hidden-six\n{\"password\":\"hidden-seven\",\"password\":\"hidden-eight\"}",
 "POST /b?token=hidden-six\n[\"hidden-nine\",hidden-ten]", "POST /c?token=hidden-six\n{}", "POST /c?token=hidden-six\n{}"]
--- error_code eval
[400, 400, 429, 429, 429]
--- event_log
{"event":{"code":"path.ambiguous"}}
{"event":{"code":"json.duplicate_key"},"labels":{"json_pointer":"/password"}}
{"event":{"code":"rate.token"}}
--- no_event_log
hidden

=== TEST 38: a name with CR, LF, ANSI escapes, bytes that are no UTF-8 and the ends of lines that only JavaScript knows
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy user=clear;
--- config
location / { guard_event login_failed on=404 user=$uri; return 404; }
--- request
GET /a%0D%0A%7B%22event%22:%7B%22action%22:%22forged%22%7D%7D%0A%1B[2J%7F%FF%E2%80%A8%E2%80%A9z
--- error_code: 404
--- event_log_like eval
[qr/\A[\x20-\x7e\x80-\xff]*"user":\{"name":"\/a\\r\\n\{\\"event\\":\{\\"action\\":\\"forged\\"\}\}\\n\\u001b\[2J\\u007f\xef\xbf\xbd\\u2028\\u2029z"\}[\x20-\x7e\x80-\xff]*\n\z/]

=== TEST 39: a header field of 64 KB
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
large_client_header_buffers 4 128k;
--- config
location / { guard_path strict; root html; }
--- raw_request eval
"GET /a%2fb HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: " . "\xff" x 65536 . "\r\nReferer: " . "\x1b" x 60000 . "\r\n\r\n"
--- error_code: 400
--- event_log_like eval
[qr/\A(?=.{0,8191}\n\z)[^\x00-\x1f\x7f]*\xe2\x80\xa6".*"truncated":"user_agent\.original"[^\x00-\x1f\x7f]*\n\z/]

=== TEST 40: the application's own answer over TLS and HTTP/2, with a trace
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location / { guard_event login_failed on=401 user=$arg_user; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- tls
--- http2
--- upstream
status 401
--- request
GET /x?user=ada
--- more_headers
Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
--- error_code: 401
--- event_log
{"event":{"action":"login","outcome":"failure"},"user":{"hash":"re:[0-9a-f]{32}"},"http":{"version":"2","response":{"status_code":401}},"tls":{"version":"re:1\\.[23]"},"trace":{"id":"0af7651916cd43dd8448eb211c80319c"}}

=== TEST 41: checkpoints= alone
--- config
guard_event_log logs/e checkpoints=logs/c;
--- config_error
"checkpoints=" without "chain=": there is nothing to sign in config:1

=== TEST 42: checkpoints in the log itself
--- config
guard_event_log logs/e chain=one checkpoints=logs/e;
--- config_error
checkpoints in an event log, "logs/e": they need a place of their own in config:1

=== TEST 43: events among checkpoints
--- config
guard_event_log logs/e chain=one checkpoints=logs/c;
guard_event_log logs/c;
--- config_error
"logs/c" is for checkpoints already in config:2

=== TEST 44: two chains of one log
--- config
guard_event_log logs/e chain=one;
location / { guard_event_log logs/e chain=two; }
--- config_error
another "chain=" or "checkpoints=" of event log "logs/e" than before in config:2

=== TEST 45: the secret of a chain in the configuration
--- config
guard_event_log logs/e chain=0123456789abcdef;
--- config_warning
the secret of "chain=" can be read in the configuration, use "file:" or "env:" in config:1

=== TEST 46: a user without a variable, and a forgotten dollar
--- config
guard_json_set $email /email;
location /a { guard_json on; guard_event login_failed on=401 user=email; guard_event login_succeeded on=200 user=$email; }
location /b { guard_event login_failed on=401 user=the-one; guard_event x_a on=200 user=$arg_tenant/email; }
--- config_warning
guard_event "login_failed" names "email" in all its events: write "user=$email" if the variable is meant in config:2
guard_event "login_failed" names "the-one" in all its events in config:3
guard_event "x_a" has "email" in its user "$arg_tenant/email" as a text, which is the same for all: write "$email" if the variable is meant in config:3

=== TEST 47: a user from the body, where nothing takes it from there
--- config
guard_json_set $email /email;
guard_event logout on=200 user=$email;
location /a { guard_event +login_failed on=401 user=$email; }
location /b { guard_json on; guard_event login_failed on=401 user=$email; try_files /none @app; location /b/c { guard_event +x_a on=200; } location /b/d { guard_event off; } }
location /c { guard_json on; }
location @app { guard_event x_b on=200 user=$email; }
--- config_warning
guard_event "login_failed" is applied where "$email" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:3

=== TEST 48: a file for each host, which there is not
--- config
guard_event_log "logs/$host-${server_port}.json";
guard_event_log syslog:server=127.0.0.1:1,tag=a$b;
location /a { guard_event_log "logs/$host-${server_port}.json" min=error; }
--- config_warning
event log "logs/$host-${server_port}.json" is one file: no variable is looked up in its name in config:1
