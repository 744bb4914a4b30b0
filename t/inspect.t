# guard_inspect: rules over requests, with the Core Rule Set and with rules of one's own.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
no_root_location();

# What no browser's request looks like to the Core Rule Set has these.
our $browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\nAccept: */*\n";
our $own     = 'guard_inspect on; guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;';

run_tests();

__DATA__

=== TEST 1: the Core Rule Set, what it refuses and what passes
--- http_config
guard_inspect on;
--- config
add_header X-Inspect "$guard_code $guard_inspect_score $guard_inspect_rules" always;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /off { guard_inspect off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /wiki { guard_inspect_exclude tag=attack-xss target=ARGS:q; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- request eval
["GET /?id=1%27%20or%20%271%27=%271", "GET /?q=%3Cscript%3Ealert(1)%3C/script%3E", "GET /?file=../../../../etc/passwd",
 "GET /?q=shoes+and+socks&page=2", "GET /off?q=%3Cscript%3Ealert(1)%3C/script%3E",
 "GET /wiki?q=%3Cscript%3Ealert(1)%3C/script%3E",
 "POST /\nname=Maria&comment=It+was+fine%2C+thanks", "POST /\nname=Maria&comment=1%27+union+select+password+from+users--+"]
--- more_headers eval: $::browser . "Content-Type: application/x-www-form-urlencoded"
--- error_code eval
[403, 403, 403, 200, 200, 200, 200, 403]
--- response_body_like eval
['"title":"The request looks like an attack","status":403,"instance":"urn:request:[0-9a-f]+","code":"inspect.sqli"', 'inspect.xss', 'inspect.lfi',
 '', '', '', 'Maria', 'inspect.sqli']
--- no_error_log
[error]

=== TEST 2: rules of one's own, and what the variables say
--- http_config eval: $::own
--- config
add_header X-Inspect "$guard_code $guard_inspect_score $guard_inspect_rules" always;
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule ARGS:a "@rx ^b+$" "id:1,phase:1,deny,status:418,tag:'attack-rce'"
SecRule ARGS "@pm evil wicked" "id:2,phase:2,pass,log,setvar:tx.anomaly_score=+5,tag:'attack-php'"
SecRule TX:anomaly_score "@ge 10" "id:3,phase:2,deny"
--- request eval
["GET /?a=bbb", "GET /?a=bbc", "GET /?x=so+evil", "GET /?x=evil&y=WICKED"]
--- error_code eval
[418, 200, 200, 403]
--- response_headers eval
["X-Inspect: inspect.rce 0 1", "X-Inspect:  0 ", "X-Inspect:  5 2", "X-Inspect: inspect.generic 10 2,3"]

=== TEST 3: JSON, by the names of its members
--- http_config eval: $::own
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecRule ARGS:json.user.names.array_1 "@streq eve" "id:1,phase:2,deny"
--- upstream: echo
--- request eval
['POST /
{"user":{"names":["bob","eve"]}}', 'POST /
{"user":{"names":["eve","bob"]}}', 'POST /
{"user":']
--- more_headers
Content-Type: application/json
--- error_code eval
[403, 200, 400]

=== TEST 4: observed, not refused
--- http_config eval: $::own
--- config
guard_mode observe inspect;
add_header X-Verdict "$guard_verdict $guard_code";
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule ARGS "@contains x" "id:1,phase:1,deny,tag:'attack-xss'"
--- request
GET /?a=x
--- response_headers
X-Verdict: observed inspect.xss

=== TEST 5: more work than the budget has
--- http_config eval: $::own
--- config
guard_inspect_budget 64k;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /pass { guard_inspect_budget 64k on_budget=pass; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecRule ARGS "!@rx ^[a-z]*$" "id:1,phase:2,pass"
--- upstream: echo
--- request eval
["POST /\na=" . "a" x 30000, "POST /pass\na=" . "a" x 30000, "POST /\na=aaa",
 "POST /\na=" . "a" x 100000, "POST /pass\na=" . "a" x 100000]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code eval
[403, 200, 200, 403, 200]
--- response_body_like eval
["inspect.budget", "a=aaa", "a=aaa", "inspect.budget", "a=aaa"]

=== TEST 6: over HTTP/2
--- http2
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule REQUEST_HEADERS:X-Trial "@rx attack" "id:1,phase:1,deny,tag:'attack-rce'"
--- request eval
["GET /", "GET /?"]
--- more_headers eval
["X-Trial: attack", "X-Trial: none"]
--- error_code eval
[403, 200]

=== TEST 7: a mistake in a rule
--- http_config eval: $::own
--- config
--- user_files
>>> own.conf
# A comment
SecRule ARGS "@rxx a" \
  "id:1,deny"
--- must_die
--- error_log
own.conf:2: unknown operator "@rxx"

=== TEST 8: a regex that is none
--- http_config eval: $::own
--- config
--- user_files
>>> own.conf
SecRule ARGS "@rx a(" "id:1,deny"
--- must_die
--- error_log
own.conf:1: the regex of rule 1: missing closing parenthesis

=== TEST 9: no file
--- http_config
guard_inspect on;
guard_inspect_rules /nonexistent/rules.conf;
--- config
--- must_die
--- error_log
no rule file "/nonexistent/rules.conf"

=== TEST 10: an exclusion of nothing
--- http_config
guard_inspect_exclude id=1 tag=2;
--- config
--- must_die
--- error_log
"guard_inspect_exclude" takes "id=" or "tag=", not both

=== TEST 11: a form in parts
--- http_config eval: $::own
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecRule ARGS:note "@contains evil" "id:1,phase:2,deny,tag:'attack-xss'"
SecRule FILES|FILES_NAMES "@rx \.php$" "id:2,phase:2,deny,tag:'attack-injection-php'"
SecRule FILES_SIZES:f "@gt 4" "id:3,phase:2,deny,tag:'attack-generic'"
SecRule MULTIPART_PART_HEADERS "@rx ^content-type:.*html" "id:4,phase:2,t:lowercase,deny,tag:'attack-protocol'"
SecRule MULTIPART_INVALID_PART "@eq 1" "id:5,phase:2,deny,status:418,tag:'attack-generic'"
--- upstream: echo
--- request eval
my $part = sub { "--b\r\nContent-Disposition: form-data; name=\"$_[0]\"\r\n$_[2]\r\n$_[1]\r\n" };
my $file = sub { "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"$_[0]\"\r\nContent-Type: $_[1]\r\n\r\n$_[2]\r\n" };
my $end = "--b--\r\n";
["POST /\n" . $part->('note', 'fine', '') . $file->('a.txt', 'text/plain', 'evil') . $end,
 "POST /\n" . $part->('note', 'so evil', '') . $end,
 "POST /\n" . $file->('a.php', 'text/plain', 'x') . $end,
 "POST /\n" . $file->('a.txt', 'text/plain', '12345') . $end,
 "POST /\n" . $file->('a.txt', 'text/html', '1') . $end,
 "POST /\n" . $part->('note', 'fine', '') . "--b",
 "POST /\n" . $part->('note"; filename="', 'so evil', '') . $end,
 "POST /\n" . $part->('note"; filename="a.txt', 'evil', '') . $end,
 "POST /\n" . $part->('note', 'fine', "Content-Type: text/plain\r\n") . $end]
--- more_headers
Content-Type: multipart/form-data; boundary=b
--- error_code eval
[200, 403, 403, 403, 403, 400, 403, 418, 418]
--- response_body_like eval
['evil', 'inspect.xss', 'inspect.php', 'inspect.generic', 'inspect.protocol', 'inspect.protocol', 'inspect.xss', 'inspect.generic', 'inspect.generic']

=== TEST 12: what is counted: scores, and hits of rules by their ids
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; }
location = /metrics { guard_inspect off; guard_metrics; }
--- user_files
>>> own.conf
SecRule ARGS:a "@rx ^b+$" "id:1,phase:1,deny,status:418,tag:'attack-rce'"
SecRule ARGS "@pm evil wicked" "id:2,phase:2,pass,log,setvar:tx.anomaly_score=+5,tag:'attack-php'"
SecRule ARGS "@pm quiet" "id:4,phase:2,pass,nolog,setvar:tx.anomaly_score=+2"
SecRule TX:anomaly_score "@ge 10" "id:3,phase:2,deny"
--- request eval
['GET /?a=bbb', 'GET /?a=evil', 'GET /?a=evil&b=wicked', 'GET /?a=c', 'GET /?a=quiet', 'GET /metrics']
--- error_code eval
[418, 200, 403, 200, 200, 200]
--- response_body_like eval
[('') x 5, 'guard_inspect_score_bucket\{le="0"\} 2\nguard_inspect_score_bucket\{le="4"\} 3\nguard_inspect_score_bucket\{le="9"\} 4\nguard_inspect_score_bucket\{le="14"\} 5\n'
  . '(?s:.*)guard_inspect_score_sum 17\nguard_inspect_score_count 5\n(?s:.*)guard_inspect_rule_hits_total\{rule="1"\} 1\nguard_inspect_rule_hits_total\{rule="2"\} 2\nguard_inspect_rule_hits_total\{rule="3"\} 1\n#']

=== TEST 13: what an enforced schema has confined is not searched, unless told to
--- http_config eval: $::own
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/order.json;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /all { guard_inspect on trust_schema=off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /none { guard_mode off json; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> order.json
{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["note"],
 "properties":{"kind":{"enum":["<b>","i"]},"note":{"type":"string"},"either":{"anyOf":[{"const":"<b>"},{"type":"integer"}]}}}
>>> own.conf
SecRule ARGS|ARGS_NAMES "@contains <b>" "id:1,phase:2,deny,tag:'attack-xss'"
--- upstream: echo
--- request eval
my $kind = '{"note":"x","kind":"<b>"}';
["POST /\n$kind", "POST /\n{\"note\":\"<b>\",\"kind\":\"i\"}", "POST /\n{\"note\":\"\",\"<b>\":1}", "POST /\n{\"note\":\"\",\"either\":\"<b>\"}",
 "POST /all\n$kind", "POST /observed\n$kind", "POST /observed\n{\"kind\":\"<b>\"}", "POST /none\n$kind", "POST /\n{\"note\":\"\",\"kind\":\"<a>\"}"]
--- more_headers
Content-Type: application/json
--- error_code eval
[200, 403, 403, 403, 403, 200, 403, 403, 422]
--- response_body_like eval
['<b>', ('inspect.xss') x 4, '<b>', ('inspect.xss') x 2, 'json.schema']
--- no_error_log
[error]

=== TEST 14: a parameter that says nothing
--- http_config
guard_inspect off trust_schema=on;
--- config
--- must_die
--- error_log
"trust_schema=" says nothing beside "off"

=== TEST 15: over HTTP/1.1 nothing is a gRPC call, and its body is searched
--- http_config eval: $::own
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_BODY "@contains evil" "id:2,phase:2,deny"
--- upstream: echo
--- request eval
["POST /\nevil", "POST /\ngood"]
--- more_headers
Content-Type: application/grpc
--- error_code eval
[403, 200]

=== TEST 16: over HTTP/2 it is one, and no other type that begins alike
--- http2
--- http_config eval: $::own
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_BODY "@contains evil" "id:2,phase:2,deny"
--- upstream: echo
--- request eval
["POST /\nevil", "POST /\nevil", "POST /\nevil", "POST /\nevil"]
--- more_headers eval
["Content-Type: application/grpc", "Content-Type: application/grpc+proto", "Content-Type: application/grpc;x=y", "Content-Type: application/grpc-web"]
--- error_code eval
[200, 200, 200, 403]

=== TEST 17: what stands behind a "#" is handed on, and searched
--- http_config eval: $::own
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecRule ARGS "@contains evil" "id:1,phase:2,deny"
--- upstream: echo
--- request eval
["GET /?a=1#evil", "GET /?a=1#&b=evil", "GET /#?a=evil", "GET /?a=evil#1", "GET /?a=1#b"]
--- error_code eval
[403, 403, 403, 403, 200]

=== TEST 18: rules that are meant and are not there, and what is read without effect, are told
--- config
root html;
guard_inspect on;
guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;
guard_inspect_exclude id=1;
guard_inspect_exclude id=942998-942999;
guard_inspect_exclude tag=attack-xxs target=ARGS:text;
--- user_files
>>> own.conf
SecRule ARGS "@rx a" "id:1,phase:2,deny,tag:'attack-xss'"
SecRuleRemoveById 2
SecRequestBodyLimit 1024
--- request
GET /index.html?b=b
--- error_log
own.conf:2: no rule is meant by "2"
no rule is meant by "942998-942999" in
no rule is meant by "attack-xxs" in
own.conf:3: SecRequestBodyLimit has no effect in guard
--- no_error_log
no rule is meant by "1"

=== TEST 19: what is read without effect is told once, however many locations read it
--- config
root html;
guard_inspect on;
guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf;
location /2 { guard_inspect_paranoia 2; }
location /3 { guard_inspect_paranoia 3; }
--- user_files
>>> own.conf
SecRule ARGS "@rx a" "id:1,phase:2,deny"
SecRequestBodyLimit 1024
SecAuditEngine On
--- request
GET /index.html
--- grep_error_log eval: qr/own\.conf:\d: \w+ has no effect/
--- grep_error_log_out
own.conf:2: SecRequestBodyLimit has no effect
own.conf:3: SecAuditEngine has no effect

=== TEST 20: conf.d/inspect: bodies that do not say what they are, and Log4j's lookups in fields
--- http_config eval: "guard_inspect on; guard_inspect_rules $ENV{PWD}/conf.d/inspect/bodies.conf crs-extended;"
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- raw_request eval
[map { my ($method, $field, $body) = @$_; "$method / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\nAccept: */*\r\n$field" . (length $body ? 'Content-Length: ' . length($body) . "\r\n" : '') . "\r\n$body" }
    ['POST', '', '{"a":"\u0031"}'], ['POST', "Content-Type:\r\n", '{}'], ['POST', "Content-Type: ;charset=utf-8\r\n", '{}'], ['POST', "Content-Type: application/json\r\n", '{}'],
    ['GET', '', ''], ['POST', "Content-Length: 0\r\n", ''], ['GET', "X-Api: \${jndi:ldap://a/b}\r\n", ''], ['GET', "X-Api: \${\${lower:j}ndi:x}\r\n", ''], ['GET', "X-Price: \$ {5}\r\n", '']]
--- error_code eval
[403, 403, 403, 200, 200, 200, 403, 403, 200]
--- response_body_like eval
[('inspect.protocol') x 3, ('') x 3, ('inspect.rce') x 2, '']

=== TEST 21: redirect answers with its address, which no client can break
--- http_config eval: $::own
--- config
add_header X-Code $guard_code always;
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecDefaultAction "phase:2,log,pass"
SecDefaultAction "phase:1,log,redirect:'https://help.example/blocked'"
SecRule ARGS:a "@streq fixed" "id:1,phase:2,redirect:'https://help.example/report?id=%{rule.id}',tag:'attack-xss'"
SecRule ARGS:a "@beginsWith own" "id:2,phase:2,redirect:'http://%{request_headers.host}/%{args.a}',status:307"
SecRule ARGS:a "@streq none" "id:3,phase:2,redirect:%{tx.nothing}"
SecRule ARGS:a "@streq later" "id:4,phase:2,deny"
SecRule ARGS:a "@streq status" "id:5,phase:2,deny,status:302"
SecRule ARGS:a "@streq front" "id:6,phase:1,block"
SecRule ARGS:a "@streq back" "id:7,phase:2,redirect:'/back',status:404"
SecRuleUpdateActionById 4 "redirect:'http://example.com/report_problem'"
--- request eval
["GET /?a=fixed", "GET /?a=own%0d%0aSet-Cookie:%20a=%22b%22%C3%A9", "GET /?a=none", "GET /?a=later", "GET /?a=status", "GET /?a=front", "GET /?a=back"]
--- error_code eval
[302, 307, 403, 302, 302, 302, 302]
--- response_headers_like eval
["Location: https://help\\.example/report\\?id=1\nX-Code: inspect\\.xss",
 "Location: http://localhost(?::\\d+)?/own%0D%0ASet-Cookie:%20a=%22b%22%C3%A9",
 'Location: ', 'Location: http://example\.com/report_problem', 'Location: ', 'Location: https://help\.example/blocked', 'Location: http://[^/]+/back']
--- no_error_log
[error]

=== TEST 22: the addresses and ports of both ends, and the request as a whole
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; error_page 405 =200 /index.html; }
--- user_files
>>> own.conf
SecRule REMOTE_PORT "!@rx ^[0-9]{2,5}$" "id:1,phase:1,deny"
SecRule SERVER_PORT "!@rx ^[0-9]{2,5}$" "id:2,phase:1,deny"
SecRule SERVER_ADDR "!@ipMatch 127.0.0.1" "id:3,phase:1,deny"
SecRule FULL_REQUEST "@rx X-Trial: full\n(?s:.*)\n\nbody=trial$" "id:4,phase:2,deny,status:418"
SecRule FULL_REQUEST_LENGTH "@gt 5000" "id:5,phase:2,deny,status:413"
--- request eval
["POST /\nbody=trial", "POST /\nbody=trials", "POST /\nbody=" . 'x' x 6000]
--- more_headers
X-Trial: full
Content-Type: application/x-www-form-urlencoded
--- error_code eval
[418, 200, 413]

=== TEST 23: events show what was found where that is asked for, and nowhere else
--- http_config eval
"guard_event_log \$TEST_NGINX_EVENT_LOG; guard_inspect on excerpt=on; guard_inspect_rules \$TEST_NGINX_HTML_DIR/own.conf;"
--- user_files
>>> own.conf
SecRule ARGS "@rx (?i)<script|[\x00-\x1f]" "id:1,phase:2,deny,capture,t:none,t:urlDecodeUni,severity:2,tag:'attack-xss'"
SecRule RESPONSE_BODY "@rx secret" "id:2,phase:4,deny,capture,severity:2,tag:'attack-disclosure'"
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /answer { guard_inspect_response on; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/secret; }
location = /secret { guard_inspect off; default_type text/plain; return 200 "no secret"; }
location /silent { guard_inspect on; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- request eval
["GET /?q=%253CSCRIPT%253E", "GET /?q=" . 'a' x 200 . '0123456789abcdef%3Cscript%3E' . 'z' x 200, "GET /?q=a%0a%22%3Cscript", "GET /silent?q=%3Cscript", "GET /answer"]
--- error_code eval
[(403) x 5]
--- event_log
{"labels":{"variable":"ARGS:q","excerpt":"<SCRIPT>"}}
{"labels":{"variable":"ARGS:q","excerpt":"0123456789abcdef<script>zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"}}
{"labels":{"variable":"ARGS:q","excerpt":"a\n\"<script"}}
{"labels":{"variable":"ARGS:q","excerpt":null}}
{"labels":{"variable":"RESPONSE_BODY","excerpt":"no secret"}}

=== TEST 24: a media type behind what applications take away before it, and types of JSON that they take for it
--- http_config eval: $::own
--- user_files
>>> own.conf
SecRule ARGS "@rx ^evil$" "id:1,phase:2,deny,t:none,tag:'attack-generic'"
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- raw_request eval
[map { my ($type, $body) = @$_; "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n$body" }
    (map { my $before = $_; (["${before}application/x-www-form-urlencoded", 'a=%65vil'], ["${before}application/json", '{"a":"\u0065vil"}'], ["${before}multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nevil\r\n--XX--\r\n"]) }
        "\t", " \x0b\t", "\xc2\xa0"), ["\ttext/xml", '<!DOCTYPE a><a>b</a>'], ['text/json', '{"a":"\u0065vil"}'], ['model/gltf+json', '{"a":"\u0065vil"}'], ['image/svg+xml', 'evil'], ['text/plain', 'a=%65vil']]
--- error_code eval
[(403) x 5, 400, (403) x 2, 400, 400, 403, 403, 200, 200]

=== TEST 25: a body with several Content-Types is none that can be read in one way
--- http_config eval: $::own
--- user_files
>>> own.conf
SecRule ARGS "@rx ^evil$" "id:1,phase:2,deny,t:none,tag:'attack-generic'"
--- config
underscores_in_headers on;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- raw_request eval
[map { my ($fields, $body) = @$_; "POST / HTTP/1.1\r\nHost: localhost\r\n" . CORE::join('', map { "$_\r\n" } @$fields) . "Content-Length: " . length($body) . "\r\n\r\n$body" }
    (map { [$_, '{"a":"&a=%65vil&b="}'] } ['Content-Type: application/x-www-form-urlencoded', 'Content-Type: application/json'], ['Content-Type: application/json', 'content-type: application/x-www-form-urlencoded']),
    [['Content-Type: text/plain', 'Content-Type: text/plain'], 'x'], [['Content-Type: text/plain', 'Content_Type: application/json'], '{}'], [['Content-Type: text/plain', 'Content-Type: application/json'], '']]
--- error_code eval
[400, 400, 400, 400, 200]
--- response_body_like eval
[('"code":"inspect.protocol"') x 4, '']

=== TEST 26: what a rewrite makes an argument is one, besides those of the client, which are counted once
--- http_config eval: $::own
--- user_files
>>> own.conf
SecRule ARGS:id "@contains evil" "id:1,phase:2,deny,t:none,tag:'attack-generic'"
SecRule &ARGS:a "@gt 1" "id:2,phase:2,deny,status:418,t:none,tag:'attack-generic'"
--- config
rewrite ^/item/(.*)$ /show?id=$1 last;
rewrite ^/alone/(.*)$ /show?id=$1? last;
location /show { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- request eval
["GET /item/evil", "GET /item/%65vil?a=1", "GET /alone/evil?a=1", "GET /alone/evil?il", "GET /item/good?a=1", "GET /item/good?a=1&a=2", "GET /item/good?a=1#b", "GET /show?a=1"]
--- error_code eval
[403, 403, 403, 403, 200, 418, 200, 200]

=== TEST 27: pieces of cookies over HTTP/2 are one field, as the application gets them
--- http2
--- http_config eval: $::own
--- user_files
>>> own.conf
SecRule REQUEST_COOKIES:a "@rx ^ev; il$" "id:1,phase:1,deny,t:none,tag:'attack-generic'"
SecRule REQUEST_COOKIES:b "@streq evil" "id:2,phase:1,deny,t:none,tag:'attack-generic'"
SecRule &REQUEST_HEADERS:Cookie "@gt 1" "id:3,phase:1,deny,status:418,t:none,tag:'attack-generic'"
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- request eval
["GET /", "GET /", "GET /"]
--- more_headers eval
["Cookie: a=\"ev\nCookie: il\"", "Cookie: a=1\nCookie: b=evil", "Cookie: a=1\nCookie: b=2"]
--- error_code eval
[403, 403, 200]

=== TEST 28: a body over the budget is refused for that, also where a rule has switched the engine off before
--- http_config eval: $::own
--- config
guard_inspect_budget 64k;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecRule ARGS_GET:off "@eq 1" "id:1,phase:1,pass,nolog,ctl:ruleEngine=Off"
SecRule ARGS_GET:off "@eq 2" "id:2,phase:1,allow,nolog"
SecRule ARGS_GET:off "@eq 3" "id:3,phase:1,pass,nolog,ctl:requestBodyAccess=Off"
--- upstream: echo
--- request eval
["POST /?off=1\n" . "x" x 100, (map { "POST /?off=$_\n" . "x" x 100000 } 1 .. 3), "POST /observed?off=1\n" . "x" x 100000]
--- error_code eval
[200, 403, 403, 403, 200]
--- response_body_like eval
["^x+\$", ("inspect.budget") x 3, "^x{60000}x{40000}\$"]

=== TEST 29: an exclusion of two variables, of which the second would be added to all rules
--- http_config
guard_inspect_exclude target=ARGS:a|ARGS:b;
--- config
--- must_die
--- error_log
"target=" takes one variable, not "ARGS:a|ARGS:b"

=== TEST 30: one of a regex with alternatives is of one variable
--- http_config eval: $::own
--- user_files
>>> own.conf
SecRule ARGS "@rx ^evil$" "id:1,phase:1,deny,tag:'attack-generic'"
--- config
guard_inspect_exclude target=ARGS:/^(a|b)$/;
location / { root html; try_files /index.html =404; }
--- request eval
["GET /?a=evil&b=evil", "GET /?c=evil"]
--- error_code eval
[200, 403]

=== TEST 31: what applications read of a request in another way than it says
--- http_config
guard_inspect on;
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- raw_request eval
my $with = sub { my ($line, $field, $body) = @_; "$line HTTP/1.1\r\nHost: localhost\r\n" . ($::browser =~ s/\n/\r\n/gr) . $field . (length $body ? "\r\nContent-Length: " . length $body : '') . "\r\n\r\n$body" };
my ($form, $xml) = ('Content-Type: application/x-www-form-urlencoded', 'Content-Type: application/xml');
my ($sql, $blind) = ("1' or '1'='1", '1 or true -- ');
[$with->('POST /', $form, qq({"id":"$blind"})), $with->('POST /', 'X-Trial: x', qq({"id":"$blind"})), $with->('POST /', $form, qq({"id":"1\\u0027 or true -- "})), $with->('POST /', $form, '{"id":"one of two"}'),
 $with->('POST /', 'X-Trial: x', "/* a */ {\"id\":\"$blind\"}"), $with->('POST /', 'X-Trial: x', "a=b&id=$blind"), $with->('POST /', 'X-Trial: x', "a=b;id=$blind"), $with->('POST /', 'X-Trial: x', 'a=%7B%22id%22:%221%5Cu0020or true -- %22%7D'),
 $with->('POST /', 'X-Trial: x', 'id=one of two&a'), $with->('POST /', 'X-Trial: x', "a text & i d=$blind"),
 $with->('POST /', 'Content-Type: application/json', qq({"$sql":{}})),
 $with->('POST /', $xml, "<r><a>it's a b; c</a><id>$sql</id></r>"), $with->('POST /', $xml, "<r><a>it's a b; c</a><id>$blind</id></r>"), $with->('POST /', $xml, "<r><a>it's a b; c</a><id>1</id></r>"),
 $with->('GET /', 'Cookie: c=%3Bping%20-c%201%20x', ''), $with->('GET /', 'Cookie: c=O%3A8%3A%22stdClass%22%3A0%3A%7B%7D', ''), $with->('GET /', 'Cookie: c=%7B%22theme%22%3A%22dark%22%7D', ''),
 $with->('GET /?a=b;id=1+or+1=1--+', 'X-Trial: x', ''), $with->('GET /?a=b;id=1', 'X-Trial: x', ''),
 $with->('GET /?filter=%7B%22id%22:%221%20or%20true%20--%20%22%7D', 'X-Trial: x', ''), $with->('GET /?filter=%7B%22id%22:%22one%20of%20two%22%7D', 'X-Trial: x', '')]
--- error_code eval
[403, 403, 403, 200, (403) x 4, 200, 200, 403, 403, 403, 200, 403, 403, 200, 403, 200, 403, 200]
--- response_body_like eval
[('inspect.sqli') x 3, '', ('inspect.sqli') x 4, '', '', ('inspect.sqli') x 3, '', 'inspect.rce', 'inspect.php', '', 'inspect.sqli', '', 'inspect.sqli', '']

=== TEST 32: what else they read so
--- http_config
guard_inspect on;
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- raw_request eval
my $with = sub { my ($line, $field, $body) = @_; "$line HTTP/1.1\r\nHost: localhost\r\n" . ($::browser =~ s/\n/\r\n/gr) . $field . (length $body ? "\r\nContent-Length: " . length $body : '') . "\r\n\r\n$body" };
my ($form, $json) = map { "Content-Type: $_" } qw(application/x-www-form-urlencoded application/json);
my $query = sub { '{"query":"query { product(sku: \\"' . shift . '\\") { name } }"}' };
my $call = sub { '<methodCall><methodName>wp.getPost</methodName><params><param><value>7</value></param><param><value>' . shift . '</value></param></params></methodCall>' };
[$with->('POST /', $json, $query->('1\\\\u0027 or \\\\u00271\\\\u0027=\\\\u00271')), $with->('POST /', $json, $query->('1 or true -- ')), $with->('POST /', $json, $query->('one of two')),
 $with->('POST /', 'X-Trial: x', $call->('1&#39; or &#39;1&#39;=&#39;1')), $with->('POST /', $form, $call->('1&#39; &#111;&#114; &#39;1&#39;&#61;&#39;1')), $with->('POST /', $form, $call->('one of two')),
 $with->('POST /', $form, '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///srv/x">]><a>&e;</a>'),
 $with->('GET /', 'Cookie: c="j%3A%7B%22id%22%3A%221%5Cu0027%20or%20%5Cu00271%5Cu0027%3D%5Cu00271%22%7D"', ''),
 $with->('POST /', $form, 'a=one two three; id=1 or true -- '),
 $with->('POST /', $form, '{"1\\u0027 or \\u00271\\u0027=\\u00271":1}')]
--- error_code eval
[403, 403, 200, 403, 403, 200, 400, 403, 403, 403]

=== TEST 33: an exclusion for all rules does not change how bodies are read
--- http_config
guard_inspect on;
guard_inspect_exclude target=REQUEST_HEADERS;
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream: echo
--- raw_request eval
my $with = sub { my ($type, $body) = @_; "POST / HTTP/1.1\r\nHost: localhost\r\n" . ($::browser =~ s/\n/\r\n/gr) . "Content-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n$body" };
[$with->('application/xml', "<r><id>1' or '1'='1</id></r>"), $with->('application/json', '{"id":1'), $with->('application/json', '{"id":1}')]
--- error_code eval
[403, 400, 200]

=== TEST 34: what is not searched is counted
--- http_config eval: $::own
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/order.json;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> order.json
{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"kind":{"enum":["a","b"]}}}
>>> own.conf
SecRule &ARGS:json.kind "@eq 0" "id:1,phase:2,deny"
--- upstream: echo
--- request eval
["POST /\n{\"kind\":\"a\"}", "POST /\n{\"other\":\"a\"}"]
--- more_headers
Content-Type: application/json
--- error_code eval
[200, 403]

=== TEST 35: rules see what the one before them has matched
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule ARGS "@beginsWith id-" "id:1,phase:2,pass,nolog"
SecRule MATCHED_VAR "@contains evil" "id:2,phase:2,deny"
SecRule ARGS "@beginsWith id-" "id:3,phase:2,pass"
SecRule ARGS "@rx ^nobody" "id:4,phase:2,pass"
SecAction "id:5,phase:2,pass,setvar:'tx.before=<%{MATCHED_VAR}>'"
SecRule TX:before "!@streq <>" "id:6,phase:2,deny"
--- request eval
["GET /?a=id-evil", "GET /?a=id-good", "GET /?a=evil"]
--- error_code eval
[403, 200, 200]

=== TEST 36: rules on several lines
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule ARGS "@pm wget\
  curl" \
    "id:1,\
    phase:2,deny"
# SecRule ARGS "@contains fine" \
  "id:2,\
  phase:2,deny"
# Not these: C:\
SecRule ARGS "@contains evil" "id:3,phase:2,deny"
--- request eval
["GET /?a=curl", "GET /?a=wget", "GET /?a=fine", "GET /?a=evil"]
--- error_code eval
[403, 403, 200, 403]

=== TEST 37: bars among phrases, who the user is, variables that are made while they are looked at
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule ARGS "@pm || && |41 42|" "id:1,phase:2,deny"
SecRule REMOTE_USER "@streq admin" "id:2,phase:1,deny,status:418"
SecRule ARGS_NAMES "@streq anybody" "id:3,phase:2,deny,status:401,chain"
SecRule &REMOTE_USER "@eq 0" "t:none"
SecRule ARGS_NAMES "@streq copy" "id:4,phase:2,pass,setvar:tx.copy_a=1,skipAfter:COPY"
SecMarker COPY
SecRule TX:/^copy_/ "@unconditionalMatch" "id:5,phase:2,pass,setvar:'tx.copy_%{MATCHED_VAR_NAME}=1'"
SecRule &TX:/^copy_/ "@eq 2" "id:6,phase:2,deny,status:409"
--- request eval
["GET /?a=x||y", "GET /?a=x%26%26", "GET /?a=xaby", "GET /?a=x|y", "GET /?a=x", "GET /?anybody", "GET /?anybody", "GET /?copy"]
--- more_headers eval
["", "", "", "", "Authorization: Basic YWRtaW46c2VjcmV0", "Authorization: basic dGltOng=", "Authorization: Bearer dGltOng=", ""]
--- error_code eval
[403, 403, 403, 200, 418, 200, 401, 409]

=== TEST 38: a regex that repeats a group over a long value
--- http_config eval: $::own
--- config
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- user_files
>>> own.conf
SecRule ARGS "!@rx ^(?:[a-z ]|[,.])*$" "id:1,phase:2,deny"
--- upstream: echo
--- request eval
my $text = "it+was+a+fine+day," x 20_000;
["POST /\na=$text", "POST /\na=$text<"]
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- error_code eval
[200, 403]

=== TEST 39: the path from each of its parts on, as far as the sixteenth
--- http_config eval: $::own
--- config
location / { root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecRule PATH_TAILS "@streq 1/x y/2" "id:1,phase:1,deny,status:418"
SecRule PATH_TAILS:2 "@streq two" "id:2,phase:1,deny,status:401"
SecRule &PATH_TAILS "@eq 16" "id:3,phase:1,deny,status:409,chain"
SecRule PATH_TAILS:16 "@streq p/q" "t:none"
SecRule &PATH_TAILS "@eq 0" "id:4,phase:1,deny,status:405"
SecRule PATH_TAILS "@rx [/?]$" "id:5,phase:1,deny,status:410,chain"
SecRule PATH_TAILS:1 "!@rx x" "t:none"
--- request eval
["GET /items/1/x%20y%2f2", "GET //items//1//x%20y/2", "GET /one/two", "GET /two", "GET /two/one/two", "GET /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "GET /", "GET //", "GET /one/two/?q=two"]
--- error_code eval
[418, 200, 401, 200, 200, 409, 405, 405, 410]

=== TEST 40: what excludes the Core Rule Set's rules, its own files and those of others, excludes those of the extension
--- http_config eval: 'guard_inspect on; guard_inspect_rules $TEST_NGINX_HTML_DIR/own.conf crs-extended;'
--- config
location / { root html; try_files /index.html =404; }
location /excluded { guard_inspect_exclude tag=OWASP_CRS target=ARGS:text; root html; try_files /index.html =404; }
--- user_files
>>> own.conf
SecAction "id:1,phase:1,pass,nolog,setvar:tx.crs_exclusions_wordpress=1"
SecRule REQUEST_FILENAME "@beginsWith /edit" "id:2,phase:2,pass,nolog,ctl:ruleRemoveTargetByTag=OWASP_CRS;ARGS:text"
--- request eval
["GET /?text=/etc/services", "GET /edit?text=/etc/services", "GET /edit?other=/etc/services", "GET /excluded?text=/etc/services", "GET /wp-login.php?pwd=/etc/services", "GET /wp-login.php?log=/etc/services"]
--- more_headers eval: $::browser
--- error_code eval
[403, 200, 403, 200, 200, 403]
