# The four mistakes that every directive can meet, unknown, missing, contradictory and duplicate words:
# the exact line of nginx -t for each that no other file has. The tables of the rooms are in *-config.t.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $long = 'r' x 65;

# [section, lines, message and line in that section]
my @cases = (
    # guard_mode: repeated lines overrule each other, so there is no duplicate.
    [config => 'guard_mode;', 'invalid number of arguments in "guard_mode" directive', 1],
    [config => 'guard_mode on;', 'invalid value "on" of "guard_mode", it must be "enforce", "observe" or "off"', 1],
    [config => 'guard_mode enforce observe;', 'unknown feature "observe" in "guard_mode"', 1],
    [config => 'guard_mode observe RATE;', 'unknown feature "RATE" in "guard_mode", did you mean "rate"?', 1],
    [config => 'guard_mode Observe;', 'invalid value "Observe" of "guard_mode", it must be "enforce", "observe" or "off"', 1],

    [http_config => 'guard_break_glass;', 'invalid number of arguments in "guard_break_glass" directive', 1],
    [http_config => "guard_break_glass a;\nguard_break_glass b;", '"guard_break_glass" directive is duplicate', 2],
    [http_config => 'guard_break_glass "";', 'empty path in "guard_break_glass" directive', 1],
    [config => 'guard_break_glass a;', '"guard_break_glass" directive is not allowed here', 1],

    [config => 'guard_exempt;', 'invalid number of arguments in "guard_exempt" directive', 1],
    [config => 'guard_exempt 10.0.0.0/8 rat;', 'unknown feature "rat" in "guard_exempt", did you mean "rate"?', 1],
    [config => "guard_exempt 10.0.0.0/8;\nguard_exempt off;", '"guard_exempt off" beside other exemptions', 2],
    [config => "guard_exempt off;\nguard_exempt 10.0.0.0/8;", '"guard_exempt" after "guard_exempt off"', 2],
    [config => "guard_exempt off;\nguard_exempt off;", '"guard_exempt off" beside other exemptions', 2],
    [config => 'guard_exempt off rate;', 'unexpected word "rate" after "off"', 1],
    [config => 'guard_exempt 10.0.0.0/33;', 'invalid network "10.0.0.0/33", an address or a network like "192.0.2.0/24" is expected', 1],

    [config => 'guard_metrics;', '"guard_metrics" directive is not allowed here', 1],
    [config => "location /x {\nguard_metrics;\nguard_metrics;\n}", '"guard_metrics" directive is duplicate', 3],
    [config => 'location /x { guard_metrics publik; }', 'unexpected word "publik", did you mean "public"?', 1],
    [http_config => "guard_metrics_buckets 1s;\nguard_metrics_buckets 1s;", '"guard_metrics_buckets" directive is duplicate', 2],
    [http_config => 'guard_metrics_buckets 1s 1s;', 'bucket "1s" of "guard_metrics_buckets" is not above the one before it', 1],
    [http_config => "guard_metrics_zone 1m;\nguard_metrics_zone 1m;", '"guard_metrics_zone" directive is duplicate', 2],
    [http_config => 'guard_metrics_zone 4k;', 'invalid value "4k" of "guard_metrics_zone", a size from 1m to 1g is expected', 1],

    [http_config => "guard_error_report https://key\@localhost/1;\nguard_error_report https://key\@localhost/2;", '"guard_error_report" directive is duplicate', 2],
    [http_config => 'guard_error_report https://localhost/1;', '"guard_error_report" is given no DSN of Sentry, one like "https://KEY@HOST/PROJECT" is expected', 1],
    # A DSN is quoted nowhere, wherever it stands.
    [http_config => 'guard_error_report environment=a https://key@localhost/1;', 'unexpected word "https://..."', 1],
    [http_config => 'guard_error_report env:DSN https://key@localhost/1?a=b;', 'unknown parameter "https://...="', 1],
    [http_config => 'guard_error_report file:https://key@localhost/1;', 'secret file of "guard_error_report" must be an absolute path', 1],
    [http_config => 'guard_error_report env:https://key@localhost/1;', 'invalid environment variable name in "guard_error_report"', 1],
    [http_config => 'guard_error_report;', 'invalid number of arguments in "guard_error_report" directive', 1],
    [http_config => 'guard_error_report https://key@localhost/1 environment=a/b;', 'invalid value "a/b" of "environment=", up to 64 letters, digits, ".", "_", "@", "+" or "-" are expected', 1],
    [http_config => 'guard_sessions users;', 'invalid number of arguments in "guard_sessions" directive', 1],
    [http_config => 'guard_sessions users key=$cookie_a;', '"window=" is missing', 1],
    [http_config => 'guard_sessions users key=sid window=1m;', 'no variable in "key=sid": all requests would be one session, did you mean "key=$sid"?', 1],
    [http_config => 'guard_sessions users key=$cookie_a window=10ms;', 'invalid value "10ms" of "window", a time from 1s to 31d is expected', 1],
    [http_config => 'guard_sessions users key=$cookie_a window=1m windw=2m;', 'unknown parameter "windw=", did you mean "window="?', 1],
    [http_config => 'guard_sessions users key=$cookie_a window=1m window=2m;', 'duplicate parameter "window="', 1],
    [http_config => "guard_sessions users key=\$cookie_a window=1m;\nguard_sessions users key=\$cookie_a window=1m;", 'sessions "users" are defined twice', 2],
    [http_config => 'guard_sessions users key=$cookie_a window=1m redis=gone;', 'unknown Redis "gone", a "guard_redis" must define it before it is used', 1],
    [http_config => "guard_redis main redis://127.0.0.1;\nguard_sessions users key=\$cookie_a window=1m redis=main;", 'guard_sessions "users" counts in Redis, which needs "guard_key_secret", the same on every nginx', 2],
    [config => 'guard_sessions users key=$cookie_a window=1m;', '"guard_sessions" directive is not allowed here', 1],
    # Of two directives that answer nginx takes the last.
    [config => "location /x {\nguard_metrics;\nguard_health;\n}", '"guard_health" beside another directive that answers here', 3],
    [config => "location /x {\nguard_metrics;\nproxy_pass http://127.0.0.1:9;\n}", '"guard_metrics" beside another directive that answers here', 2],
    [config => "location /x {\nstub_status;\nguard_dashboard;\n}", '"guard_dashboard" beside another directive that answers here', 3],
    [config => "location /x {\nguard_lockout_admin;\nstub_status;\n}", '"guard_lockout_admin" beside another directive that answers here', 2],
    [config => 'guard_dashboard;', '"guard_dashboard" directive is not allowed here', 1],
    [config => "location /x {\nguard_dashboard;\nguard_dashboard;\n}", '"guard_dashboard" directive is duplicate', 3],
    [config => 'location /x { guard_dashboard publik; }', 'unexpected word "publik", did you mean "public"?', 1],

    [config => "location /x {\nguard_health;\nguard_health;\n}", '"guard_health" directive is duplicate', 3],
    [config => 'location /x { guard_health live ready; }', '"live" and "ready" in one "guard_health"', 1],
    [config => 'guard_health;', '"guard_health" directive is not allowed here', 1],
    [http_config => 'guard_health_check a;', 'invalid number of arguments in "guard_health_check" directive', 1],
    [http_config => "guard_health_check a memory:;\nguard_health_check a disk:/;", 'health check "a" is defined twice', 2],
    [http_config => 'guard_health_check a redis:gone;', 'unknown Redis "gone", a "guard_redis" must define it before it is used', 1],
    [http_config => 'guard_health_check a zone:gone;', 'unknown zone "gone" of health check "a"', 1],
    [http_config => "guard_rate_policy api rate=1/day;\nguard_health_check a zone:guard_rate:abi;", 'unknown zone "guard_rate:abi" of health check "a", did you mean "guard_rate:api"?', 2],
    [http_config => "guard_sessions users key=\$cookie_a window=1m;\nguard_health_check a zone:guard_sessions:users;", 'zone "guard_sessions:users" of health check "a" is as full as it will ever be', 2],
    [http_config => 'guard_health_check a mysql://127.0.0.1 tls_name=x;', '"tls_name=" of health check "a", which does not use TLS', 1],
    [http_config => 'guard_health_check a tcp://127.0.0.1:1 fail=1s;', '"fail=" of tcp check "a" is its "timeout="', 1],
    [http_config => join("\n", map { "guard_health_check c$_ memory:;" } 1 .. 65), 'more than 64 health checks', 65],
    [http_config => "guard_drain a;\nguard_drain b;", '"guard_drain" directive is duplicate', 2],
    [http_config => 'guard_drain "";', 'empty path in "guard_drain" directive', 1],

    [config => "guard_upload;\nguard_upload off;", '"guard_upload" directive is duplicate', 2],
    [config => 'guard_upload off types=image/png;', 'unexpected word "types=image/png" after "off"', 1],
    [config => 'guard_upload on;', 'unexpected word "on", "guard_upload" is on without it', 1],
    [config => 'guard_upload types=png;', 'unknown type "png" in "types", one like "image/png" is expected', 1],
    [config => 'guard_upload strict;', 'unexpected word "strict"', 1],
    [config => 'guard_upload type=image/png;', 'unknown parameter "type=", did you mean "types="?', 1],
    [config => 'guard_upload types=image/png types=image/gif;', 'duplicate parameter "types="', 1],
    [config => 'guard_upload max_file=0;', 'invalid value "0" of "max_file", a size from 1 to 1024g is expected', 1],
    [config => 'guard_upload names=loose;', 'invalid value "loose" of "names", it must be "strict" or "any"', 1],
    [config => 'guard_upload contents=loose;', 'invalid value "loose" of "contents", it must be "strict" or "any"', 1],
    [config => 'guard_upload max_ratio=0;', 'invalid value "0" of "max_ratio", a number from 1 to 1000000 is expected', 1],
    [config => 'guard_upload_scan;', 'invalid number of arguments in "guard_upload_scan" directive', 1],
    [config => "guard_upload_scan off;\nguard_upload_scan off;", '"guard_upload_scan" directive is duplicate', 2],
    [config => 'guard_upload_scan clamd;', 'invalid address "clamd" of a scanner, "unix:/path" or "tcp:host:port" is expected', 1],
    [config => 'guard_upload_scan tcp:::1:3310;', 'invalid address "tcp:::1:3310" of a scanner, "unix:/path" or "tcp:host:port" is expected', 1],
    [config => 'guard_upload_scan tcp:127.0.0.1:0;', 'invalid address "tcp:127.0.0.1:0" of a scanner, "unix:/path" or "tcp:host:port" is expected', 1],
    [config => 'guard_upload_scan unix:/c on_errors=pass;', 'unknown parameter "on_errors=", did you mean "on_error="?', 1],
    [config => 'guard_upload_scan unix:/c on_error=open;', 'invalid value "open" of "on_error=", it must be "refuse" or "pass"', 1],
    [config => 'guard_upload_scan unix:/c connections=0;', 'invalid value "0" of "connections=", a number from 1 to 1000 is expected', 1],
    [config => 'guard_upload_scan unix:/c queue=10001;', 'invalid value "10001" of "queue=", a number from 0 to 10000 is expected', 1],
    [config => "guard_upload;\nguard_upload_scan unix:/c connections=2;\nlocation /a { guard_upload_scan unix:/c connections=4; }", '"connections=" of the scanner "unix:/c" is 2 elsewhere, and all that name it share it', 3],
    [config => "guard_upload;\nguard_upload_scan unix:/c queue=2;\nlocation /a { guard_upload_scan unix:/c queue=0; }", '"queue=" of the scanner "unix:/c" is 2 elsewhere, and all that name it share it', 3],
    [config => 'guard_upload_scan unix:/c scan_max=8g;', 'invalid value "8g" of "scan_max=", a size from 1 to 4294967295 is expected', 1],

    [config => 'guard_event;', 'invalid number of arguments in "guard_event" directive', 1],
    [config => 'guard_event login_failed;', '"on=" is missing', 1],
    [config => 'guard_event login_faild on=401;', 'unknown event kind "login_faild", did you mean "login_failed"?', 1],
    [config => 'guard_event rate_limited on=429;', 'event kind "rate_limited" is Guard\'s own, an answer of the application cannot mean it', 1],
    [config => 'guard_event logout no=200;', 'unknown parameter "no=", did you mean "on="?', 1],
    [config => 'guard_event logout on=2x;', 'invalid status "2x" in "on=", a status from 200 to 599, a class like "4xx", or "all" is expected', 1],
    [config => 'guard_event logout on=200 if=yes;', 'invalid value "yes" of "if=", a variable like "$login_failed" is expected', 1],
    [config => "guard_event logout on=200;\nguard_event off;", '"guard_event off" beside other events of the same level', 2],
    [config => "guard_event logout on=200;\nguard_event logout on=200;", 'duplicate event "logout"', 2],
    [config => "guard_event logout on=200;\nguard_event +logout on=201;", '"guard_event +logout": kinds with and without "+" cannot stand at the same level', 2],

    [config => 'guard_problem;', 'invalid number of arguments in "guard_problem" directive', 1],
    [config => 'guard_problem json off;', 'invalid number of arguments in "guard_problem" directive', 1],
    [config => 'guard_error_page;', 'invalid number of arguments in "guard_error_page" directive', 1],
    [config => "guard_error_page allow;\nguard_error_page refuse;", '"guard_error_page" directive is duplicate', 2],
    [config => 'guard_path;', 'invalid number of arguments in "guard_path" directive', 1],
    [config => "guard_path strict;\nguard_path off;", '"guard_path" directive is duplicate', 2],
    [config => 'guard_route;', 'invalid number of arguments in "guard_route" directive', 1],
    [config => "guard_route a;\nguard_route a;", '"guard_route" directive is duplicate', 2],
    [config => 'guard_route "";', 'invalid route name "", up to 64 letters, digits, "_", ".", ":", "-" are expected', 1],
    [config => "guard_route $long;", "invalid route name \"$long\", up to 64 letters, digits, \"_\", \".\", \":\", \"-\" are expected", 1],

    [config => 'guard_trusted_proxies;', 'invalid number of arguments in "guard_trusted_proxies" directive', 1],
    [config => 'guard_trusted_proxies proxy.example;',
        'invalid network "proxy.example", an address or a network like "192.0.2.0/24" is expected', 1],
    [config => 'guard_trusted_proxies 10.0.0.0/8 10.0.0.1/8;',
        'invalid network "10.0.0.1/8", it has bits behind its mask, did you mean "10.0.0.0/8"?', 1],
    [config => 'guard_trusted_proxies off 10.0.0.0/8;', 'unexpected word "10.0.0.0/8" after "off"', 1],
    [config => 'guard_trusted_proxies 10.0.0.0/8 off;', 'invalid network "off", an address or a network like "192.0.2.0/24" is expected', 1],
    [config => "guard_trusted_proxies 10.0.0.0/8;\nguard_trusted_proxies 11.0.0.0/8;", '"guard_trusted_proxies" directive is duplicate', 2],

    [http_config => 'guard_key_secret;', 'invalid number of arguments in "guard_key_secret" directive', 1],
    [http_config => 'guard_key_secret env:;', 'invalid environment variable name in "guard_key_secret"', 1],
    [http_config => "guard_key_secret env:PATH;\nguard_key_secret env:PATH;", '"guard_key_secret" directive is duplicate', 2],

    [config => 'guard_headers;', 'invalid number of arguments in "guard_headers" directive', 1],
    [config => 'guard_headers web api;', 'unexpected word "api"', 1],
    [config => 'guard_headers web override override;', 'duplicate parameter "override"', 1],
    [config => "guard_csp default-src 'self';", 'unexpected word "self", the policy is one word: put it into quotes', 1],
    [config => 'guard_csp upgrade-insecure-requests reportonly;', 'unexpected word "reportonly", did you mean "report_only"?', 1],
    [config => 'guard_header;', 'invalid number of arguments in "guard_header" directive', 1],
    [config => 'guard_header X-A on=204;', 'no value of header field "X-A" before "on="', 1],
    [config => 'guard_header X-A if=$arg_a on=2xx;', 'no value of header field "X-A" before "if="', 1],
    [config => 'guard_header X-A b c;', 'unexpected word "c"', 1],
    [config => "guard_header X-A b;\nguard_header X-A off;", 'duplicate header field "X-A"', 2],
    [config => 'guard_hsts off preload;', 'unexpected word "preload" after "off"', 1],
    [config => 'guard_hsts includeSubDomains includeSubDomains;', 'duplicate parameter "includeSubDomains"', 1],
    [config => 'guard_hsts max-age=;', '"max-age=" needs a value', 1],
    [config => 'guard_hsts max_age=1;', 'unknown parameter "max_age=", did you mean "max-age="?', 1],
    [config => 'guard_https;', 'invalid number of arguments in "guard_https" directive', 1],
    [config => 'guard_https off port=443;', 'unexpected word "port=443" after "off"', 1],
    [config => 'guard_https redirect require;', 'unexpected word "require"', 1],
    [config => 'guard_https redirect port=443 port=444;', 'duplicate parameter "port="', 1],
    [config => 'guard_https redirect prot=443;', 'unknown parameter "prot=", did you mean "port="?', 1],
    [config => 'guard_hide_headers;', 'invalid number of arguments in "guard_hide_headers" directive', 1],
    [config => 'guard_hide_headers off X-A;', 'unexpected word "X-A" after "off"', 1],
    [config => 'guard_hide_headers ON;', 'unexpected word "ON", did you mean "on"?', 1],
    [config => 'guard_hide_headers Off;', 'unexpected word "Off", did you mean "off"?', 1],
    [config => 'guard_hide_headers X-A off;', 'unexpected word "off"', 1],

    [config => 'guard_json required on;', 'invalid number of arguments in "guard_json" directive', 1],
    [config => 'guard_json_set;', 'invalid number of arguments in "guard_json_set" directive', 1],
    [config => 'guard_json_set $a /a lower lower;', 'duplicate parameter "lower"', 1],
    [config => 'guard_json_set $a /a trim=on;', '"trim" takes no value', 1],

    [http_config => 'guard_rate_policy;', 'invalid number of arguments in "guard_rate_policy" directive', 1],
    [http_config => 'guard_rate_policy api;', '"rate=" is missing', 1],
    [http_config => 'guard_rate_policy api rate=1/hour rate=1/day;', 'duplicate parameter "rate="', 1],
    [http_config => 'guard_rate_policy api rate=1/hour brust=2;', 'unknown parameter "brust=", did you mean "burst="?', 1],
    [http_config => 'guard_rate_policy api rate=1/hour burst=2 algorithm=sliding_log;',
        '"burst=" has no meaning with "algorithm=sliding_log"', 1],
    [config => 'guard_rate;', 'invalid number of arguments in "guard_rate" directive', 1],
    [http_config => "guard_rate_policy api rate=1/hour;\nguard_rate api dry_run dry_run;", 'duplicate parameter "dry_run"', 2],
    [http_config => "guard_rate_policy api rate=1/hour;\nguard_rate api dryrun;", 'unexpected word "dryrun", did you mean "dry_run"?', 2],
    [http_config => "guard_rate_policy api rate=1/hour;\nguard_rate off dry_run;", 'unexpected word "dry_run" after "off"', 2],
    [config => "guard_rate off;\nguard_rate off;", '"guard_rate off" beside other "guard_rate" of the same level', 2],
    [config => 'guard_rate_fields;', 'invalid number of arguments in "guard_rate_fields" directive', 1],

    [config => 'guard_inspect;', 'invalid number of arguments in "guard_inspect" directive', 1],
    [config => 'guard_inspect yes;', 'invalid value "yes" of "guard_inspect", it must be "on" or "off"', 1],
    [config => "guard_inspect off;\nguard_inspect off;", '"guard_inspect" directive is duplicate', 2],
    [config => 'guard_inspect_rules;', 'invalid number of arguments in "guard_inspect_rules" directive', 1],
    [config => "guard_inspect_rules crs;\nguard_inspect_rules crs;", '"guard_inspect_rules" directive is duplicate', 2],
    [config => 'guard_inspect_paranoia 5;', 'invalid value "5" of "guard_inspect_paranoia", a number from 1 to 4 is expected', 1],
    [config => "guard_inspect_paranoia 1;\nguard_inspect_paranoia 2;", '"guard_inspect_paranoia" directive is duplicate', 2],
    [config => 'guard_inspect_threshold 0;', 'invalid value "0" of "guard_inspect_threshold", a number from 1 to 10000 is expected', 1],
    [config => "guard_inspect_threshold 5;\nguard_inspect_threshold 5;", '"guard_inspect_threshold" directive is duplicate', 2],
    [config => 'guard_inspect_budget 1k;', 'invalid value "1k" of "guard_inspect_budget", a size from 64k to 1024g is expected', 1],
    [config => 'guard_inspect_budget 1m on_budgt=pass;', 'unknown parameter "on_budgt=", did you mean "on_budget="?', 1],
    [config => 'guard_inspect_budget 1m on_budget=drop;', 'invalid value "drop" of "on_budget=", it must be "refuse" or "pass"', 1],
    [config => "guard_inspect_budget 1m;\nguard_inspect_budget 2m;", '"guard_inspect_budget" directive is duplicate', 2],
    [config => 'guard_inspect_exclude;', 'invalid number of arguments in "guard_inspect_exclude" directive', 1],
    [config => 'guard_inspect_exclude tg=a;', 'unknown parameter "tg=", did you mean "tag="?', 1],
    [config => 'guard_inspect_exclude id=1 tag=2;', '"guard_inspect_exclude" takes "id=" or "tag=", not both', 1],
    [config => "guard_inspect_exclude tag=a;\nguard_inspect_exclude off;", '"guard_inspect_exclude off" beside other exclusions', 2],
    [config => "guard_inspect_exclude off;\nguard_inspect_exclude tag=a;", '"guard_inspect_exclude" after "guard_inspect_exclude off"', 2],
    [config => 'guard_inspect_response;', 'invalid number of arguments in "guard_inspect_response" directive', 1],
    [config => 'guard_inspect_response on size=1;', 'invalid value "1" of "size=", a size from 1k to 16m is expected', 1],
    [config => 'guard_inspect_response on threshold=0;', 'invalid value "0" of "threshold=", a number from 1 to 10000 is expected', 1],
    [config => 'guard_inspect_response on types=text/html,text;', 'invalid type "text" in "types=", one like text/html or +json is expected', 1],
    [config => 'guard_inspect_response on type=text/html;', 'unknown parameter "type=", did you mean "types="?', 1],
    [config => 'guard_inspect_response off size=1k;', '"guard_inspect_response off" takes nothing else', 1],
    [config => "guard_inspect_response on;\nguard_inspect_response on;", '"guard_inspect_response" directive is duplicate', 2],
    # What is found of rules once all has been read is told where it was said.
    [config => "guard_inspect on;\nguard_inspect_rules /nonexistent.conf;\nguard_inspect_paranoia 2;\nlocation /a { }", 'no rule file "/nonexistent.conf"', 2],
    [config => "guard_inspect on;\nguard_inspect_rules /etc;\nlocation /a { }", 'cannot read the rule file "/etc": Is a directory', 2],
    [config => "guard_inspect_rules /dev/null;\nlocation /a {\nguard_inspect on;\nguard_inspect_exclude tag=a;\nguard_inspect_exclude id=one;\n}", '"one" is no rule id and no range of them', 5],
    [http_config => "guard_inspect_rules /dev/null;\nguard_inspect_exclude target=ARGZ:a;\nguard_inspect on;", 'unknown variable "ARGZ"', 2],
    [http_config => "guard_inspect_cache /nonexistent/cache;\nguard_inspect_rules /dev/null;\nguard_inspect on;", 'cannot make "/nonexistent/cache": No such file or directory', 1],
    [config => "location /a {\nguard_inspect on;\nguard_inspect_rules /dev/null;\nguard_inspect_response on;\nguard_openapi $ENV{PWD}/conf.d/openapi/items.json responses=observe;\n}",
        'the answers of a location are judged by "guard_openapi" or by "guard_inspect_response", not by both', 4],
    [config => "guard_upload_scan unix:/c;\nlocation /a { }", '"guard_upload_scan" scans nothing, no location that it stands for has "guard_upload"', 1],
    [config => "guard_inspect_libinjection on;\nguard_inspect_libinjection off;", '"guard_inspect_libinjection" directive is duplicate', 2],

    [config => 'guard_event_log;', 'invalid number of arguments in "guard_event_log" directive', 1],
    [config => 'guard_event_log logs/e min=error min=info;', 'duplicate parameter "min="', 1],
    [config => "guard_event_log off;\nguard_event_log off;", '"guard_event_log off" beside other event logs', 2],
    [config => "guard_event_log logs/e;\nguard_event_log stderr;", 'event log "stderr" would be a file of that name: write "/dev/stderr", or "./stderr" if a file is meant', 2],
    [config => 'guard_event_privacy;', 'invalid number of arguments in "guard_event_privacy" directive', 1],
    [config => 'guard_event_privacy user=hash user=off;', 'duplicate parameter "user="', 1],
    [config => 'guard_event_privacy usr=hash;', 'unknown parameter "usr=", did you mean "user="?', 1],
    [config => 'guard_event_privacy address=;', '"address=" needs a value', 1],
);

my $server = make_nginx();
for my $case (@cases) {
    my ($section, $text, $message, $line) = @$case;
    (my $name = $text) =~ s/\n/ /g;
    $server->configure($section => $text);
    my ($status, $output) = $server->test_config;
    is $status >> 8, 1, "$name: nginx -t fails";
    my @said = map { s/^nginx: \[emerg\] //r } grep { /\[emerg\]/ } split /\n/, $server->in_sections($output);
    is "@said", "$message in $section:$line", "$name: its line";
}

# What rules are warned of.
{
    my $rules = $server->root . '/own.conf';
    open my $file, '>', $rules or die "$rules: $!\n";
    print {$file} qq{SecRule ARGS "\@rx a" "id:1,phase:2,deny,tag:'attack-xss'"\nSecRuleRemoveById 2\n};
    close $file;
    $server->configure(config => "guard_inspect on;\nguard_inspect_rules $rules;\nguard_inspect_exclude id=1;\nguard_inspect_exclude id=942998-942999;\n"
            . "location /a {\nguard_inspect_exclude tag=attack-xss target=ARGS:a;\nguard_inspect_exclude tag=attack-xxs;\n}");
    my ($status, $output) = $server->test_config;
    is $status, 0, 'rules that mean nothing: nginx -t';
    my @said = map { /\[warn\] (?:\d+#\d+: )?(.*)/ ? $1 : () } split /\n/, $server->in_sections($output);
    is_deeply [sort @said],
        [sort 'no rule is meant by "942998-942999" in config:4', 'no rule is meant by "attack-xxs" in config:7', (qq{$rules:2: no rule is meant by "2" in config:2}) x 2],
        'rules that mean nothing: the lines of the warnings';
}

sub never_reached {
    my ($word, $directive, $max, $line) = @_;
    my ($name) = $word =~ /^(\w+=)/;
    return qq("$word" of "$directive" is never reached: nginx refuses what is over "client_max_body_size", $max where it holds; write a larger one, or a smaller "$name" in config:$line);
}

# What is defined, or refined, and does nothing.
for my $case (["guard_rate_policy api rate=1/hour;\nguard_rate_policy other rate=1/hour;", 'guard_rate other;', 'rate policy "api" is applied nowhere: no "guard_rate api" names it in http_config:1'],
    ['guard_lockout_policy login key=$arg_a$guard_client_net on=login_failed limit=5 window=1m duration=1m;', '', 'lockout policy "login" is applied nowhere: no "guard_lockout login" names it in http_config:1'],
    ["\nguard_ban_policy bots score=1 half_life=1s duration=1s weights=404:1;", 'guard_ban off;', 'ban policy "bots" is applied nowhere: no "guard_ban bots" names it in http_config:2'],
    ['guard_rate_policy api rate=1/hour;', 'location /x { guard_rate api; }'],
    ['guard_inspect off;', "guard_inspect_paranoia 2;\nguard_inspect_rules /dev/null;", '"guard_inspect_paranoia" has no effect: there is no "guard_inspect on" in config:1'],
    ["guard_inspect_rules /dev/null;\nguard_inspect_paranoia 2;", 'location /x { guard_inspect on; }'],
    ['guard_json_limits size=1k;', 'location /x { guard_json on; }'],
    ['', "location /x { guard_json on; }\nlocation /y {\nguard_json_limits size=1k;\nguard_json_set \$a /a;\nlocation /y/z { guard_json_schema off; }\n}",
        map { "\"$_->[0]\" has no effect: there is no \"guard_json\", \"guard_json_schema\" or \"guard_openapi\" where it holds in config:$_->[1]" } ['guard_json_limits', 3], ['guard_json_set', 4]],
    ['', "guard_json_set \$a /a;\nguard_json_limits size=2k;\nlocation /y { guard_json_limits size=1k; guard_openapi $ENV{PWD}/conf.d/openapi/items.json; }",
        '"guard_json_limits" has no effect: there is no "guard_json", "guard_json_schema" or "guard_openapi" where it holds in config:2'],
    # A size that nginx's own limit cuts off, wherever it holds.
    ['', "location /z { client_max_body_size 1m; guard_json on;\nguard_json_limits size=8m;\nlocation /z/x { client_max_body_size 1500k; } }", never_reached('size=8m', 'guard_json_limits', '1500k', 2)],
    ['', "location /z { client_max_body_size 1m; guard_json on;\nguard_json_limits size=1025k;\nlocation /z/x { guard_json_limits size=1000; client_max_body_size 1000; location /z/x/y { guard_json_limits size=1001; } } }",
        never_reached('size=1025k', 'guard_json_limits', '1m', 2), never_reached('size=1001', 'guard_json_limits', '1000', 3)],
    ['', "location /z { client_max_body_size 1m; guard_json on; guard_json_limits size=8m;\nlocation /z/x { client_max_body_size 8m; } }"],
    ['', "location /z { client_max_body_size 1m; guard_json on; guard_json_limits size=8m;\nlocation /z/x { client_max_body_size 0; } }"],
    ['', "location /z { client_max_body_size 8k; guard_json on; guard_json_limits depth=4; guard_upload max_files=2; }"],
    ['', "location /x { client_max_body_size 1m; guard_json on; guard_json_limits size=1m; guard_upload max_file=1m; }\nlocation /y { guard_upload max_file=9m; client_max_body_size 10m; }"],
    ['', "location /x { client_max_body_size 8m; error_page 404 \@app; }\nlocation \@app { client_max_body_size 1m; guard_json on; guard_json_limits size=8m; }"],
    ['', "location /z { client_max_body_size 1m; guard_upload max_file=2m;\nlocation /z/x { guard_upload off; client_max_body_size 8m; } }", never_reached('max_file=2m', 'guard_upload', '1m', 1)]) {
    my ($http, $config, @warnings) = @$case;
    $server->configure(http_config => $http, config => $config);
    my ($status, $output) = $server->test_config;
    is $status, 0, "$http $config: nginx -t";
    is_deeply [map { /\[warn\] (?:\d+#\d+: )?(.*)/ ? $1 : () } split /\n/, $server->in_sections($output)], \@warnings, "$http $config: what is warned of";
}

# Words that are not even text.
for my $case (["guard_mode \"obs\xff\x01\";", "invalid value \"obs\xff\x01\" of \"guard_mode\""],
    ["guard_route \"\xc3\xa9\";", "invalid route name \"\xc3\xa9\""],
    ["guard_json_set \$a \"/\xff~\";", "invalid JSON Pointer \"/\xff~\""]) {
    my ($text, $message) = @$case;
    $server->configure(config => $text);
    my ($status, $output) = $server->test_config;
    is $status >> 8, 1, 'bytes that are no text: nginx -t fails';
    like $output, qr/\[emerg\] \Q$message\E/, 'bytes that are no text: its line';
}

done_testing;
