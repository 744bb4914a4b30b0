# What nginx -t says about guard_lockout_policy and guard_lockout. The words of one policy are tried in
# t/unit/lockout_policy_test.cpp; here is what takes more than one directive, and one of each kind.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

run_tests();

__DATA__

=== TEST 1: a word that is none
--- http_config
guard_lockout_policy login key=$remote_user on=login_failed
                     limits=5 window=15m duration=30m;
--- config_error
unknown parameter "limits=", did you mean "limit="? in http_config:2

=== TEST 2: a kind that is none
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_faild limit=5 window=15m duration=30m;
--- config_error
unknown event kind "login_faild", did you mean "login_failed"? in http_config:1

=== TEST 3: a variable that is none
--- http_config
guard_lockout_policy login key=$nothing$guard_client_net on=login_failed limit=5 window=15m duration=30m;
--- config_error
[warn] lockout policy "login" is applied nowhere: no "guard_lockout login" names it in http_config:1
[warn] nothing makes the variable "$nothing" in http_config:1
unknown "nothing" variable

=== TEST 4: defined twice
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m;
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m;
--- config_error
lockout policy "login" is defined twice in http_config:2

=== TEST 5: a policy that is none
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m;
--- config
location / { guard_lockout logni; }
--- config_error
unknown lockout policy "logni", did you mean "login"? in config:1

=== TEST 6: used before it is defined
--- config
guard_lockout login;
--- config_error
unknown lockout policy "login", a policy must be defined before it is used in config:1

=== TEST 7: twice at one level
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m;
--- config
guard_lockout login;
guard_lockout login;
--- config_error
lockout policy "login" is applied twice at the same level in config:2

=== TEST 8: off beside others
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m;
--- config
guard_lockout login;
guard_lockout off;
--- config_error
"guard_lockout off" beside other "guard_lockout" of the same level in config:2

=== TEST 9: a success that would clear what is another's
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m
                     reset_on=login_succeeded;
--- config_error
/lockout policy "login" has "reset_on=", but no variable of "key=\$guard_client_net" comes from the body: a client who knows one account could clear what he has failed with others; write "account" if the key does hold the account in .*:\d+$/

=== TEST 10: a variable of the body, declared later, and the flag
--- http_config
guard_lockout_policy login key=$email$guard_client_net on=login_failed limit=5 window=15m duration=30m reset_on=login_succeeded;
guard_lockout_policy basic key=$remote_user$guard_client_net on=login_failed limit=5 window=15m duration=30m reset_on=login_succeeded account;
--- config
guard_json_set $email /email;
location /x { guard_lockout login; guard_lockout basic; return 204; }
--- request
GET /x
--- error_code: 204

=== TEST 11: the account alone, at a low limit
--- http_config
guard_lockout_policy login key=$remote_user on=login_failed limit=5 window=15m duration=30m;
guard_lockout_policy many key=$remote_user on=login_failed limit=20 window=15m duration=30m;
guard_event login_failed on=401;
guard_lockout login; guard_lockout many;
--- config_warning
lockout policy "login" lets anybody lock the account of another with 5 failures: add "$guard_client_net" to its key, and use a second policy with the account alone and a higher limit, of 20 or more in http_config:1

=== TEST 12: a zone that is too small for one set
--- http_config
guard_lockout_policy login key=$guard_client_net distinct=$remote_user on=login_failed limit=1000 window=15m duration=30m zone=64k;
--- config_error
"zone=64k" holds too few keys with "limit=1000": use at least 329k in http_config:1

=== TEST 13: words that are missing
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed window=15m duration=30m;
--- config_error
"limit=" is missing in http_config:1

=== TEST 14: outside of http
--- config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m;
--- config_error
"guard_lockout_policy" directive is not allowed here in config:1

=== TEST 15: a Redis that is none
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m redis=main;
--- config_error
unknown Redis "main", a "guard_redis" must define it before it is used in http_config:1

=== TEST 16: a Redis without a secret
--- http_config
guard_redis main redis://127.0.0.1:1;
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m redis=main;
--- config_error
lockout policy "login" counts in Redis, which needs "guard_key_secret", the same on every nginx in http_config:2

=== TEST 17: no Redis that could fail
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=5 window=15m duration=30m on_error=open;
--- config_error
"on_error=" has no meaning without "redis=" in http_config:1

=== TEST 18: guard_lockout_admin with a word that is none
--- config
location = /locks { guard_lockout_admin pubic; }
--- config_error
unexpected word "pubic", did you mean "public"? in config:1

=== TEST 19: guard_lockout_admin twice
--- config
location = /locks {
    guard_lockout_admin;
    guard_lockout_admin public;
}
--- config_error
"guard_lockout_admin" directive is duplicate in config:3

=== TEST 20: more failures than are kept one by one
--- http_config
guard_lockout_policy login key=$guard_client_net on=login_failed limit=1001 window=15m duration=30m;
--- config_error
invalid value "1001" of "limit", a number from 1 to 1000 is expected in http_config:1

=== TEST 21: more distinct values than are counted
--- http_config
guard_lockout_policy login key=$guard_client_net distinct=$remote_user on=login_failed limit=100001 window=15m duration=30m;
--- config_error
invalid value "100001" of "limit", a number from 1 to 100000 is expected in http_config:1

=== TEST 22: as many as there may be, in the smallest zone
--- http_config
guard_lockout_policy login key=$guard_client_net distinct=$remote_user on=login_failed limit=100000 window=15m duration=30m zone=329k;
guard_lockout_policy few key=$guard_client_net distinct=$remote_user on=login_failed limit=64 window=15m duration=30m zone=68k;
guard_lockout_policy failures key=$guard_client_net on=login_failed limit=1000 window=15m duration=30m zone=504k;
--- config
location /x { guard_lockout login; guard_lockout few; guard_lockout failures; return 204; }
--- request
GET /x
--- error_code: 204

=== TEST 23: nothing makes what is counted
--- http_config
guard_lockout_policy login key=$remote_user$guard_client_net on=login_failed,x_otp_failed limit=5 window=15m duration=30m;
guard_lockout_policy unused key=$remote_user$guard_client_net on=x_never limit=5 window=15m duration=30m;
--- config
location /x { guard_lockout login; guard_event login_succeeded on=200; guard_event x_otp_faild on=401; return 204; }
--- config_warning
lockout policy "login" never counts anything: no "guard_event" makes "login_failed" of the application's answers in http_config:1
lockout policy "unused" is applied nowhere: no "guard_lockout unused" names it in http_config:2

=== TEST 24: something does, or Guard itself
--- http_config
guard_lockout_policy login key=$remote_user$guard_client_net on=login_failed,x_otp_failed limit=5 window=15m duration=30m;
guard_lockout_policy json key=$guard_client_net on=json_refused limit=5 window=15m duration=30m;
guard_lockout_policy files key=$guard_client_net on=file_refused limit=5 window=15m duration=30m;
--- config
location /x { guard_lockout login; guard_lockout json; guard_lockout files; return 204; }
location /otp { guard_event x_otp_failed on=401; return 204; }
--- request
GET /x
--- error_code: 204
--- no_error_log
[warn]

=== TEST 25: a forgotten dollar
--- http_config
guard_lockout_policy login key=email$guard_client_net on=login_failed limit=5 window=15m duration=30m;
guard_lockout_policy spray key=$guard_client_net distinct=$user:email on=login_failed limit=5 window=15m duration=30m;
guard_ban_policy bots key=$guard_client_net-tenant score=50 half_life=1h duration=1d weights=401:1;
guard_sessions users key=tenant:$cookie_sid window=1m;
map $http_x_tenant $tenant { default $http_x_tenant; }
--- config
guard_json_set $email /email;
guard_json_set $user /user;
--- config_warning
lockout policy "login" is applied nowhere: no "guard_lockout login" names it in http_config:1
lockout policy "spray" is applied nowhere: no "guard_lockout spray" names it in http_config:2
ban policy "bots" is applied nowhere: no "guard_ban bots" names it in http_config:3
lockout policy "login" has "email" in its key "email$guard_client_net" as a text, which is the same for all: write "$email" if the variable is meant in http_config:1
lockout policy "spray" has "email" in its distinct "$user:email" as a text, which is the same for all: write "$email" if the variable is meant in http_config:2
ban policy "bots" has "tenant" in its key "$guard_client_net-tenant" as a text, which is the same for all: write "$tenant" if the variable is meant in http_config:3
guard_sessions "users" has "tenant" in its key "tenant:$cookie_sid" as a text, which is the same for all: write "$tenant" if the variable is meant in http_config:4
"guard_json_set" has no effect: there is no "guard_json", "guard_json_schema" or "guard_openapi" where it holds in config:1
"guard_json_set" has no effect: there is no "guard_json", "guard_json_schema" or "guard_openapi" where it holds in config:2

=== TEST 26: a key from the body, applied where nothing takes it from there
--- http_config
guard_lockout_policy login key=$email$guard_client_net on=json_refused limit=5 window=15m duration=30m;
guard_lockout_policy spray key=$guard_client_net distinct=$email on=json_refused limit=5 window=15m duration=30m;
guard_lockout_policy unused key=$email$guard_client_net on=json_refused limit=5 window=15m duration=30m;
--- config
guard_json_set $email /email;
guard_lockout login;
location /a/ { guard_lockout +spray; guard_exempt off; }
location /b/ {
    guard_lockout spray;
    guard_json on;
    location /b/c { guard_lockout login; guard_json off; }
    location /b/d { guard_lockout +login; }
}
--- config_warning
lockout policy "unused" is applied nowhere: no "guard_lockout unused" names it in http_config:3
lockout policy "login" is applied where "$email" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:2
lockout policy "spray" is applied where "$email" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:3
lockout policy "login" is applied where "$email" is always empty: it is taken from the body where "guard_json_set" names it and "guard_json", "guard_json_schema" or "guard_openapi" checks the body in config:7

=== TEST 27: nothing makes what clears it
--- http_config
guard_lockout_policy login key=$arg_u$guard_client_net on=json_refused limit=5 window=15m duration=30m reset_on=login_succeeded,x_otp_passed account;
guard_lockout_policy other key=$arg_u$guard_client_net on=json_refused limit=5 window=15m duration=30m reset_on=x_passed,x_otp_passed account;
guard_lockout_policy unused key=$arg_u$guard_client_net on=json_refused limit=5 window=15m duration=30m reset_on=x_never account;
--- config
location /x { guard_lockout login; guard_lockout other; guard_event x_passed on=200; return 204; }
--- config_warning
lockout policy "login" is never cleared by "reset_on=": no "guard_event" makes "login_succeeded" of the application's answers in http_config:1
lockout policy "unused" is applied nowhere: no "guard_lockout unused" names it in http_config:3

=== TEST 28: what tells of the answer is not known yet
--- http_config
guard_lockout_policy login key=$guard_client_net$Upstream_Http_X_User on=json_refused limit=5 window=15m duration=30m;
guard_lockout_policy spray key=$guard_client_net distinct=$status on=json_refused limit=5 window=15m duration=30m;
guard_lockout_policy fine key=$guard_client_net$arg_status on=json_refused limit=5 window=15m duration=30m;
guard_lockout login; guard_lockout spray; guard_lockout fine;
--- config_warning
lockout policy "login" is asked before there is an answer, and "$upstream_http_x_user" of its key tells of that: it says nothing yet, except after an internal redirect that an answer has led to in http_config:1
lockout policy "spray" is asked before there is an answer, and "$status" of its distinct tells of that: it says nothing yet, except after an internal redirect that an answer has led to in http_config:2
