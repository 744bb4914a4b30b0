# guard_csp and guard_csp_add: the exact line for every mistake, and what nginx -t warns of.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: no words
--- config
guard_csp "";
--- config_error
empty policy of "guard_csp" in config:1

=== TEST 2: an unknown word
--- config
guard_csp "default-src 'none'" reportonly;
--- config_error
unexpected word "reportonly", did you mean "report_only"? in config:1

=== TEST 3: two policies
--- config
guard_csp "default-src 'none'";
guard_csp "default-src 'none'";
--- config_error
duplicate "guard_csp", write one policy in config:2

=== TEST 4: two that report
--- config
guard_csp "default-src 'none'" report_only report=/a;
guard_csp "default-src 'none'" report_only report=/a;
--- config_error
duplicate "guard_csp" with "report_only", write one policy in config:2

=== TEST 5: off and not
--- config
guard_csp "default-src 'none'";
guard_csp off;
--- config_error
"guard_csp off" after "guard_csp" in config:2

=== TEST 6: not and off
--- config
guard_csp off;
guard_csp "default-src 'none'";
--- config_error
"guard_csp" after "guard_csp off" in config:2

=== TEST 7: off twice
--- config
guard_csp off;
guard_csp off;
--- config_error
"guard_csp" directive is duplicate in config:2

=== TEST 8: a comma
--- config
guard_csp "default-src 'none', script-src 'self'";
--- config_error
"," in policy "default-src 'none', script-src 'self'" would begin another policy, write "%2C" in a path in config:1

=== TEST 9: a variable
--- config
guard_csp "default-src $host";
--- config_error
variable in policy "default-src $host", it could bring a policy of its own with it in config:1

=== TEST 10: report= of another kind
--- config
guard_csp "default-src 'none'" report=//evil.example/;
--- config_error
invalid value "//evil.example/" of "report=", a path or an https URL is expected in config:1

=== TEST 11: report= with a quote
--- config
guard_csp "default-src 'none'" 'report=/a"b';
--- config_error
invalid character in value "/a"b" of "report=" in config:1

=== TEST 12: report= beside report-uri
--- config
guard_csp "default-src 'none'; report-uri /a" report=/b;
--- config_error
"report=" beside the policy's own "report-uri" in config:1

=== TEST 13: guard_header of the same name
--- config
guard_csp "default-src 'none'";
guard_header content-security-policy "default-src 'self'";
--- config_error
"guard_csp" beside "guard_header content-security-policy", say the policy with one of them in config:1

=== TEST 14: an unknown directive to add to
--- config
guard_csp_add script-scr https://a.example;
--- config_error
unknown directive "script-scr", did you mean "script-src"? in config:1

=== TEST 15: a directive without sources
--- config
guard_csp_add report-uri /a;
--- config_error
nothing can be added to "report-uri", it has no list of sources in config:1

=== TEST 16: no source
--- config
guard_csp_add img-src;
--- config_error
invalid number of arguments in "guard_csp_add" directive in config:1

=== TEST 17: an invalid source
--- config
guard_csp_add img-src 'https://a b';
--- config_error
invalid source "https://a b" of "img-src" in config:1

=== TEST 18: 'none'
--- config
guard_csp_add img-src "'none'";
--- config_error
"'none'" cannot be added in config:1

=== TEST 19: nothing to add to
--- config
guard_csp_add img-src data:;
--- config_error
"guard_csp_add img-src" has nothing to add to: there is neither "guard_csp" nor "guard_headers" in config:1

=== TEST 20: what nothing restricts
--- config
guard_csp "default-src 'none'; frame-ancestors 'none'";
location /a {
    guard_csp_add form-action https://a.example;
}
--- config_error
"guard_csp_add form-action" has nothing to add to: no directive of the policy restricts it in config:3

=== TEST 21: a nonce under proxy_cache
--- http_config
proxy_cache_path $TEST_NGINX_SERVER_ROOT/cache keys_zone=one:1m;
--- config
proxy_cache one;
location /a {
    guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'";
    proxy_pass http://127.0.0.1:1;
}
--- config_error
a nonce under a cache or store: a page that is kept would be sent with the nonce of another response, use hashes, or turn the cache off here in config:3

=== TEST 22: a nonce under fastcgi_store
--- config
guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'";
location /a {
    fastcgi_store on;
    fastcgi_pass 127.0.0.1:1;
}
--- config_error
a nonce under a cache or store: a page that is kept would be sent with the nonce of another response, use hashes, or turn the cache off here in config:1

=== TEST 23: a cache without a nonce, and a nonce without a cache
--- http_config
proxy_cache_path $TEST_NGINX_SERVER_ROOT/cache keys_zone=one:1m;
--- config
proxy_cache one;
location /a { guard_csp "default-src 'none'"; proxy_pass http://127.0.0.1:1; }
location /b { guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'"; proxy_cache off; proxy_pass http://127.0.0.1:1; }
location /c { guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'"; root html; }
--- config_warning

=== TEST 24: warnings
--- config
location /1 { guard_csp "default-src 'self'; base-uri 'none'; script-scr 'self'"; }
location /2 { guard_csp "default-src 'self'; base-uri 'none'; img-src self"; }
location /3 { guard_csp "default-src 'self' 'unsafe-inline'; base-uri 'none'"; }
location /4 { guard_csp "script-src 'self'"; }
location /5 { guard_csp "default-src 'self'; base-uri 'none'; default-src 'none'"; }
location /6 { guard_csp "default-src 'self'; base-uri 'none'; img-src 'slef' https://a_b:x/"; }
location /7 { guard_csp "default-src 'none'; upgrade-insecure-requests" report_only; }
location /8 { guard_csp "default-src 'self'; base-uri 'none'; script-src 'nonce-abc'"; }
location /9 { guard_csp "default-src 'nonce' 'unsafe-inline' 'strict-dynamic' https:; base-uri 'none'; plugin-types a/b"; }
--- config_warning
unknown directive "script-scr", did you mean "script-src"? in config:1
source "self" of "img-src" is the name of a host without its quotes, write "'self'" in config:2
"'unsafe-inline'" in "default-src" without a nonce or a hash lets injected scripts run, use "'nonce'" in config:3
neither "object-src" nor "default-src": plugins run, add "object-src 'none'" in config:4
no "base-uri": an injected <base> takes scripts from elsewhere, add "base-uri 'none'" in config:4
directive "default-src" is there twice, browsers heed the first only in config:5
invalid source "'slef'" of "img-src", did you mean "'self'"? in config:6
invalid source "https://a_b:x/" of "img-src" in config:6
directive "upgrade-insecure-requests" has no effect here, the policy only reports in config:7
the policy only reports, but to nobody: neither "report-to" nor "report-uri" in config:7
a nonce of "script-src" that never changes protects from nothing, write "'nonce'" for a fresh one in config:8
directive "plugin-types" is obsolete, browsers ignore it in config:9

=== TEST 25: guard_csp_report, numbers out of range
--- config
location /r { guard_csp_report size=512; }
--- config_error
invalid value "512" of "size=", a size from 1k to 1m is expected in config:1

=== TEST 26: more for one than for all
--- config
location /r { guard_csp_report rate=200; }
--- config_error
"total=120" is less than "rate=200" in config:1

=== TEST 27: twice
--- config
location /r { guard_csp_report; guard_csp_report; }
--- config_error
"guard_csp_report" directive is duplicate in config:1

=== TEST 28: two sizes of what all share
--- config
location /a { guard_csp_report zone=1m; }
location /b { guard_csp_report; }
location /c { guard_csp_report zone=2m; }
--- config_error
another "zone=" than that of an earlier "guard_csp_report", all locations share one in config:3

=== TEST 29: beside what answers as well
--- config
location /r {
    guard_csp_report;
    proxy_pass http://127.0.0.1:1;
}
--- config_error
"guard_csp_report" beside another directive that answers here in config:2

=== TEST 30: a word that is none
--- config
location /r { guard_csp_report rat=2; }
--- config_error
unknown parameter "rat=", did you mean "rate="? in config:1

=== TEST 30: what is added is looked at like what is there
--- http_config
guard_csp_add script-src 'unsafe-inline';
guard_headers web;
--- config
guard_header X-A a;
location /a { guard_csp_add img-src data:; root html; }
location /b {
    guard_csp "default-src 'self'; base-uri 'none'";
    guard_csp_add script-src https://a.example;
    guard_csp_add script-src 'unsafe-eval' https://*;
    location /b/a { guard_header X-A b; }
    location /b/b { guard_csp_add img-src data:; }
}
location /c { guard_csp "default-src 'self' *; base-uri 'none'"; guard_csp_add script-src https:; }
location /d { guard_csp "default-src 'self'; base-uri 'none'"; guard_csp_add script-src 'unsafe-inline' 'nonce'; }
--- config_warning
"*" in "default-src" lets scripts from anywhere run in config:10
"'unsafe-inline'" in "script-src" without a nonce or a hash lets injected scripts run, use "'nonce'" in http_config:1
"https://*" in "script-src" lets scripts from anywhere run in config:6
"*" in "script-src" lets scripts from anywhere run in config:10
"https:" in "script-src" lets scripts from anywhere run in config:10
