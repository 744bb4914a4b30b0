# What nginx -t says about guard_ban_policy and guard_ban. The words of one policy are tried in
# t/unit/ban_policy_test.cpp; here is what takes more than one directive, and one of each kind.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

run_tests();

__DATA__

=== TEST 1: what is missing
--- http_config
guard_ban_policy bots score=10 half_life=1m weights=404:1;
--- config_error
"duration=" is missing in http_config:1

=== TEST 2: a kind that is none
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h
                 weights=login_faild:1;
--- config_error
unknown event kind "login_faild", did you mean "login_failed"? in http_config:2

=== TEST 3: what another site can cause
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=csrf_refused:1;
--- config_error
"csrf_refused" in "weights=" can be caused by a page of another site, in the browser of a visitor who knows nothing of it: weigh it in "cross_site_weights=" if it is to count all the same in http_config:1

=== TEST 4: defined twice
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1;
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1;
--- config_error
ban policy "bots" is defined twice in http_config:2

=== TEST 5: a key from the body
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1
                 key=$email;
--- config
location /login { guard_json_set $email /email; }
--- config_error
ban policy "bots" is asked before the body is read, and "$email" of its key comes from the body in http_config:2

=== TEST 6: and one from another check of the inner gate
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1
                 key=$host$guard_openapi_operation;
--- config_error
ban policy "bots" is asked before the body is read, and "$guard_openapi_operation" of its key is known only after that in http_config:2

=== TEST 7: an unknown policy
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1;
--- config
guard_ban bot;
--- config_error
unknown ban policy "bot", did you mean "bots"? in config:1

=== TEST 8: a policy that comes too late
--- http_config
guard_ban bots;
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1;
--- config_error
unknown ban policy "bots", a policy must be defined before it is used in http_config:1

=== TEST 9: applied twice
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1;
--- config
guard_ban bots;
guard_ban bots;
--- config_error
ban policy "bots" is applied twice at the same level in config:2

=== TEST 10: with and without +
--- http_config
guard_ban_policy a score=10 half_life=1m duration=1h weights=404:1;
guard_ban_policy b score=10 half_life=1m duration=1h weights=404:1;
--- config
guard_ban a;
guard_ban +b;
--- config_error
"guard_ban +b": names with and without "+" cannot stand at the same level in config:2

=== TEST 11: off beside others
--- http_config
guard_ban_policy a score=10 half_life=1m duration=1h weights=404:1;
--- config
guard_ban a;
guard_ban off;
--- config_error
"guard_ban off" beside other "guard_ban" of the same level in config:2

=== TEST 12: others beside off
--- http_config
guard_ban_policy a score=10 half_life=1m duration=1h weights=404:1;
--- config
guard_ban off;
guard_ban a;
--- config_error
"guard_ban a" beside "guard_ban off" of the same level in config:2

=== TEST 13: a zone that is too small
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=404:1 zone=1k;
--- config_error
/invalid value "1k" of "zone", a size from 64k to 16g is expected/

=== TEST 14: a Redis that is none
--- http_config
guard_ban_policy bots score=3 half_life=10m duration=1h weights=404:1 redis=main;
--- config_error
unknown Redis "main", a "guard_redis" must define it before it is used in http_config:1

=== TEST 15: a Redis without a secret
--- http_config
guard_redis main redis://127.0.0.1:1;
guard_ban_policy bots score=3 half_life=10m duration=1h weights=404:1 redis=main;
--- config_error
ban policy "bots" counts in Redis, which needs "guard_key_secret", the same on every nginx in http_config:2

=== TEST 16: a code that is none
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h
                 weights=404:1,inspect.sql:50;
--- config_error
unknown code "inspect.sql", did you mean "inspect.sqli"? in http_config:2

=== TEST 17: a code of a policy that is none, among those of another site
--- http_config
guard_rate_policy api rate=1/second;
guard_ban_policy bots score=10 half_life=1m duration=1h cross_site_weights=rate.apo:50;
--- config_error
unknown code "rate.apo", did you mean "rate.api"? in http_config:2

=== TEST 18: codes of policies that follow, or of which there may be none
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=rate.api:1,rate.a*:1,lockout.login:2,lockout.*:1,json.sch*:2 cross_site_weights=csrf.*:1,cors.origin:0;
guard_rate_policy api rate=1/second;
guard_lockout_policy login key=$http_x_name$guard_client_net on=login_failed limit=5 window=1m duration=1m;
--- config
location /x { guard_ban bots; guard_rate api; guard_lockout login; guard_event login_failed on=401; }
--- request
GET /
--- error_code: 200
--- no_error_log
[warn]

=== TEST 19: a beginning of no code
--- http_config
guard_ban_policy bots score=10 half_life=1m duration=1h weights=json.shema*:2;
--- config_error
/unknown code "json.shema\*"/

=== TEST 20: what nothing makes, and what no request is about any more
--- http_config
guard_key_secret 0123456789abcdef0123456789abcdef;
guard_redis main redis://127.0.0.1:1;
guard_lockout_policy here key=$http_x_name$guard_client_net on=login_failed limit=5 window=1m duration=1m;
guard_lockout_policy there key=$http_x_name$guard_client_net on=login_failed limit=5 window=1m duration=1m redis=main;
guard_ban_policy bots score=10 half_life=1m duration=1h weights=login_failed:1,x_honeypot:10,path_refused:1,file_refused:1,logout:0;
guard_ban_policy locks score=10 half_life=1m duration=1h weights=account_locked:1 cross_site_weights=x_honeypot:1;
guard_ban_policy unused score=10 half_life=1m duration=1h weights=x_never:1;
--- config
location /x { guard_ban bots; guard_ban locks; guard_lockout here; guard_lockout there; guard_event login_failed on=401; }
--- config_warning
the secret of "guard_key_secret" can be read in the configuration, use "file:" or "env:" in http_config:1
ban policy "bots" weighs "x_honeypot", but no "guard_event" makes that of the application's answers in http_config:5
ban policy "locks" weighs "account_locked", but not that of lockout policy "there", which Redis tells when the request is over: weigh "lockout.there" or what it counts in http_config:6
ban policy "locks" weighs "x_honeypot", but no "guard_event" makes that of the application's answers in http_config:6
ban policy "unused" is applied nowhere: no "guard_ban unused" names it in http_config:7

=== TEST 21: an account that is locked in shared memory
--- http_config
guard_lockout_policy here key=$http_x_name$guard_client_net on=login_failed limit=5 window=1m duration=1m;
guard_ban_policy locks score=10 half_life=1m duration=1h weights=account_locked:1;
--- config
location /x { guard_ban locks; guard_lockout here; guard_event login_failed on=401; }
--- request
GET /
--- error_code: 200
--- no_error_log
[warn]

=== TEST 22: a key that tells of the answer is not known yet
--- http_config
guard_ban_policy bots key=$guard_client_net$sent_http_x_user score=10 half_life=1m duration=1h weights=json_refused:1;
guard_ban_policy fine key=$guard_client_net$http_x_status score=10 half_life=1m duration=1h weights=json_refused:1;
guard_ban bots; guard_ban fine;
--- config_warning
ban policy "bots" is asked before there is an answer, and "$sent_http_x_user" of its key tells of that: it says nothing yet, except after an internal redirect that an answer has led to in http_config:1
