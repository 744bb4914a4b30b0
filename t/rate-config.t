# What nginx -t says about guard_rate_policy, guard_rate and guard_rate_fields. The words of one policy are
# tried in t/unit/rate_policy_test.cpp; here is what takes more than one directive, and one of each kind.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

run_tests();

__DATA__

=== TEST 1: a rate that is none
--- http_config
guard_rate_policy api rate=fast;
--- config_error
invalid value "fast" of "rate", a number per second, minute, hour or day is expected, as in "5/minute" in http_config:1

=== TEST 2: nothing to normalize
--- http_config
guard_rate_policy api rate=5/minute
                  normalize=account;
--- config_error
"normalize=account" has no meaning with "key=$guard_client_net" in http_config:2

=== TEST 3: a Redis that is not defined yet
--- http_config
guard_key_secret 0123456789abcdef;
guard_rate_policy api rate=5/minute redis=main;
guard_redis main redis://127.0.0.1;
--- config_error
unknown Redis "main", a "guard_redis" must define it before it is used in http_config:2

=== TEST 4: counters in Redis without a key that all nodes have
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=5/minute redis=main;
--- config_error
/rate policy "api" counts in Redis, which needs "guard_key_secret", the same on every nginx in .*:\d+$/

=== TEST 5: more than Redis can count
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=1/day burst=40000 redis=main;
--- config_error
"burst=40000" takes more than 34722 days to come back, which Redis cannot count in http_config:2

=== TEST 6: what to do without Redis, without Redis
--- http_config
guard_rate_policy api rate=5/minute on_error=open;
--- config_error
"on_error=" has no meaning without "redis=" in http_config:1

=== TEST 7: two rates of one period
--- http_config
guard_rate_policy api rate=5/minute,100/hour,6/minute;
--- config_error
two rates per minute in "rate=5/minute,100/hour,6/minute" in http_config:1

=== TEST 8: defined twice
--- http_config
guard_rate_policy api rate=5/minute;
guard_rate_policy api rate=6/minute;
--- config_error
rate policy "api" is defined twice in http_config:2

=== TEST 9: unknown, nearly right
--- http_config
guard_rate_policy auth rate=5/minute;
--- config
guard_rate auht;
--- config_error
unknown rate policy "auht", did you mean "auth"? in config:1

=== TEST 10: unknown
--- config
guard_rate api;
--- config_error
unknown rate policy "api", a policy must be defined before it is used in config:1

=== TEST 11: applied twice
--- http_config
guard_rate_policy api rate=5/minute;
--- config
guard_rate api;
guard_rate api cost=2;
--- config_error
rate policy "api" is applied twice at the same level in config:2

=== TEST 12: with and without +
--- http_config
guard_rate_policy a rate=5/minute;
guard_rate_policy b rate=5/minute;
--- config
guard_rate a;
guard_rate +b;
--- config_error
"guard_rate +b": names with and without "+" cannot stand at the same level in config:2

=== TEST 13: off beside a name
--- http_config
guard_rate_policy a rate=5/minute;
--- config
guard_rate a;
guard_rate off;
--- config_error
"guard_rate off" beside other "guard_rate" of the same level in config:2

=== TEST 14: a name beside off
--- http_config
guard_rate_policy a rate=5/minute;
--- config
guard_rate off;
guard_rate a;
--- config_error
"guard_rate a" beside "guard_rate off" of the same level in config:2

=== TEST 15: a cost that never passes
--- http_config
guard_rate_policy a rate=5/minute;
--- config
guard_rate a cost=6;
--- config_error
"cost=6" is more than rate policy "a" ever lets through at once, 5 in config:1

=== TEST 16: a cost that never passes the smallest of several windows
--- http_config
guard_rate_policy a rate=50/minute,6/second;
--- config
guard_rate a cost=7;
--- config_error
"cost=7" is more than rate policy "a" ever lets through at once, 6 in config:1

=== TEST 17: an unknown variable in the key
--- http_config
guard_rate_policy a rate=5/minute key=$nobody;
--- must_die
--- error_log
unknown "nobody" variable

=== TEST 18: guard_rate_fields
--- config
guard_rate_fields all;
--- config_error
invalid value "all" of "guard_rate_fields", it must be "draft", "legacy", "both" or "off" in config:1

=== TEST 19: guard_rate_fields twice
--- config
guard_rate_fields draft;
guard_rate_fields off;
--- config_error
"guard_rate_fields" directive is duplicate in config:2

=== TEST 20: a policy outside http
--- config
guard_rate_policy a rate=5/minute;
--- config_error
"guard_rate_policy" directive is not allowed here in config:1

=== TEST 21: too many policies in one location
--- http_config eval
CORE::join "", map { "guard_rate_policy p$_ rate=9/hour zone=64k;\n" } 1 .. 17
--- config eval
CORE::join "", map { "guard_rate p$_;\n" } 1 .. 17
--- config_error
more than 16 rate policies at the same level in config:17

=== TEST 22: burst with several rates
--- http_config
guard_rate_policy a rate=5/minute,9/hour burst=2;
--- config_error
"burst=" has no meaning with several rates, "rate=5/minute,9/hour" in http_config:1

=== TEST 23: burst without gcra
--- http_config
guard_rate_policy a rate=5/minute burst=2 algorithm=sliding_window;
--- config_error
"burst=" has no meaning with "algorithm=sliding_window" in http_config:1

=== TEST 24: a cost with an unknown variable
--- http_config
guard_rate_policy a rate=5/minute;
--- config
guard_rate a cost=$nobody;
--- must_die
--- error_log
unknown "nobody" variable

=== TEST 25: a policy that is called like a window of another
--- http_config
guard_rate_policy api rate=5/minute,100/hour;
guard_rate_policy api.hour rate=9/hour;
--- config_error
rate policies "api" and "api.hour" would both be called "api.hour" in "RateLimit-Policy" in http_config:2

=== TEST 26: an interval that is none
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=500/minute redis=main sync=often;
--- config_error
invalid value "often" of "sync", "strict" or a time from 10ms to 10s is expected in http_config:2

=== TEST 27: an interval that is too long
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=500/hour redis=main sync=1h;
--- config_error
invalid value "1h" of "sync", a time from 10ms to 10s is expected in http_config:2

=== TEST 28: an interval that is too short
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=500/minute redis=main sync=9ms;
--- config_error
invalid value "9ms" of "sync", a time from 10ms to 10s is expected in http_config:2

=== TEST 29: an interval that is longer than a period
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=500/second redis=main sync=5;
--- config_error
"sync=5" is longer than the second of the rate: use at most 1s in http_config:2

=== TEST 30: an interval for what must be exact
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=5/minute algorithm=sliding_log redis=main sync=100ms;
--- config_error
"sync=100ms" has no meaning with "algorithm=sliding_log", which remembers each request: use "sync=strict", or another algorithm in http_config:2

=== TEST 31: an interval without Redis
--- http_config
guard_rate_policy api rate=500/minute sync=100ms;
--- config_error
"sync=" has no meaning without "redis=" in http_config:1

=== TEST 32: an interval without a key that all nodes have
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=500/minute redis=main sync=100ms;
--- config_error
/rate policy "api" counts in Redis, which needs "guard_key_secret", the same on every nginx in .*:\d+$/

=== TEST 33: more than Redis can count by intervals
--- http_config
guard_redis main redis://127.0.0.1;
guard_rate_policy api rate=1/day burst=40000 redis=main sync=100ms;
--- config_error
"burst=40000" takes more than 36500 days to come back, which Redis cannot count in http_config:2

=== TEST 34: an interval for a small quota
--- http_config
guard_key_secret 0123456789abcdef;
guard_redis main redis://127.0.0.1:9;
guard_rate_policy api rate=100/minute,99/second redis=main sync=100ms;
guard_rate_policy large rate=100/minute redis=main sync=100ms;
guard_rate_policy exact rate=5/minute redis=main sync=strict;
guard_rate_policy burst rate=100/minute burst=20 redis=main sync=1s;
guard_rate api; guard_rate large; guard_rate exact; guard_rate burst;
--- config_warning
the secret of "guard_key_secret" can be read in the configuration, use "file:" or "env:" in http_config:1
rate policy "api" lets through 99 at once: for quotas under 100, "sync=strict" is exact, and each nginx may let through as many before it hears of the others in http_config:3
rate policy "burst" lets through 20 at once: for quotas under 100, "sync=strict" is exact, and each nginx may let through as many before it hears of the others in http_config:6

=== TEST 35: a key without a variable, which all requests share
--- http_config
guard_rate_policy mail rate=3/hour
                  key=email normalize=none;
guard_rate_policy braced rate=3/hour "key={email}";
guard_rate_policy words rate=3/hour "key=the e-mail";
guard_rate_policy whole rate=3/hour key=all;
guard_rate mail; guard_rate braced; guard_rate words; guard_rate whole;
--- config_warning
rate policy "mail" counts all requests as one, since its key "email" has no variable: write "key=$email", or "key=all" if that is meant in http_config:2
rate policy "braced" counts all requests as one, since its key "{email}" has no variable: write "key=$email", or "key=all" if that is meant in http_config:3
rate policy "words" counts all requests as one, since its key "the e-mail" has no variable: write "key=all" if that is meant in http_config:4

=== TEST 36: a forgotten dollar beside a variable
--- http_config
guard_rate_policy a rate=3/hour key=email$guard_client_net;
guard_rate_policy b rate=3/hour key=$guard_client_net:tenant:$email;
guard_rate_policy c rate=3/hour key=email:$email-host-$host-mail;
guard_rate_policy d rate=3/hour "key=$guard_client_net|${email}tenant_ids" phase=inner;
guard_rate a; guard_rate b; guard_rate c; guard_rate d;
--- config
guard_json on;
set $tenant $http_x_tenant;
guard_json_set $email /email;
--- config_warning
rate policy "a" has "email" in its key "email$guard_client_net" as a text, which is the same for all: write "$email" if the variable is meant in http_config:1
rate policy "b" has "tenant" in its key "$guard_client_net:tenant:$email" as a text, which is the same for all: write "$tenant" if the variable is meant in http_config:2

=== TEST 37: a key from the body, applied where nothing takes it from there
--- http_config
guard_rate_policy mail rate=3/hour key=$email;
guard_rate_policy both rate=3/hour key=$guard_client_net$Email$name empty=refuse;
guard_rate_policy raw rate=3/hour key=$request_body;
guard_rate_policy front rate=3/hour;
--- config
guard_json_set $email /email;
guard_json_set $weight /weight;
location /a/ {
    guard_rate mail;
    guard_rate front;
    guard_rate raw;
}
location /b/ {
    guard_json on;
    guard_rate both;
    guard_rate raw;
    guard_rate mail;
}
location /c/ { guard_rate front cost=$weight; }
location /d/ { guard_json on; guard_mode off json; guard_rate mail; guard_rate front cost=$weight; }
location /e/ { guard_json_set $name /name; }
--- config_warning
rate policy "mail" is applied where "$email" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:4
rate policy "raw" is applied where "$request_body" is always empty: the body is read where "guard_json", "guard_json_schema" or "guard_openapi" checks it in config:6
rate policy "both" is applied where "$name" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:10
rate policy "front" is applied where "$weight" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:14
rate policy "mail" is applied where "$email" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:15
rate policy "front" is applied where "$weight" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:15
"guard_json_set" has no effect: there is no "guard_json", "guard_json_schema" or "guard_openapi" where it holds in config:16

=== TEST 38: a key from the body that one of the locations takes from there, or the one before an internal redirect
--- http_config
guard_rate_policy mail rate=3/hour key=$email;
guard_rate_policy raw rate=3/hour key=$request_body;
guard_rate_policy some rate=3/hour key=$email$name;
guard_rate_policy front rate=3/hour key=$email phase=inner;
--- config
guard_rate mail;
guard_rate some;
guard_rate raw;
location /a/ { guard_json on; guard_json_set $email /email; try_files /none @app; }
location /b/ { guard_json_schema $TEST_NGINX_HTML_DIR/schema.json; guard_json_set $name /name; location /b/c { guard_rate +front; guard_json_set $email /email; } }
location /c/ { internal; guard_rate mail; guard_rate raw; }
location /d/ { guard_openapi $TEST_NGINX_HTML_DIR/api.json; guard_json_set $email /email; guard_rate mail; guard_rate raw; }
location @app { guard_rate mail; guard_rate front; }
--- user_files
>>> schema.json
{"type":"object"}
>>> api.json
{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"a"}}}}}}
--- config_warning
