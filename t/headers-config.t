# The directives of this room: the exact line for every mistake.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: guard_headers webb;
--- config
guard_headers webb;
--- config_error
invalid value "webb" of "guard_headers", it must be "off", "web" or "api" in config:1

=== TEST 2: guard_headers api;
--- config
guard_headers web;
guard_headers api;
--- config_error
"guard_headers" directive is duplicate in config:2

=== TEST 3: guard_headers web overide;
--- config
guard_headers web overide;
--- config_error
unexpected word "overide", did you mean "override"? in config:1

=== TEST 4: guard_headers off override;
--- config
guard_headers off override;
--- config_error
unexpected word "override" after "off" in config:1

=== TEST 5: guard_header X-A;
--- config
guard_header X-A;
--- config_error
invalid number of arguments in "guard_header" directive in config:1

=== TEST 6: guard_header 'X A' b;
--- config
guard_header 'X A' b;
--- config_error
invalid header field name "X A" in config:1

=== TEST 7: guard_header X-A '';
--- config
guard_header X-A '';
--- config_error
empty value of header field "X-A", use "off" to send none in config:1

=== TEST 8: guard_header X-A "a\nb";
--- config
guard_header X-A "a\nb";
--- config_error
control character in the value of header field "X-A" in config:1

=== TEST 9: guard_header X-A ' b';
--- config
guard_header X-A ' b';
--- config_error
space around the value of header field "X-A" in config:1

=== TEST 10: guard_header x-a c;
--- config
guard_header X-A b;
guard_header x-a c;
--- config_error
duplicate header field "x-a" in config:2

=== TEST 11: guard_header Content-Length 1;
--- config
guard_header Content-Length 1;
--- config_error
header field "Content-Length" cannot be set, nginx makes it in config:1

=== TEST 12: guard_header Strict-Transport-Security max-age=1;
--- config
guard_header Strict-Transport-Security max-age=1;
--- config_error
header field "Strict-Transport-Security" cannot be set, use "guard_hsts" in config:1

=== TEST 13: guard_header Set-Cookie a=b;
--- config
guard_header Set-Cookie a=b;
--- config_error
header field "Set-Cookie" cannot be set, it would replace the application's cookies in config:1

=== TEST 14: guard_hsts max-age=never;
--- config
guard_hsts max-age=never;
--- config_error
invalid value "never" of "max-age=", a time from 0 to 3650d is expected in config:1

=== TEST 15: guard_hsts preload;
--- config
guard_hsts preload;
--- config_error
"preload" requires "includeSubDomains" and a "max-age=" of at least 31536000 in config:1

=== TEST 16: guard_hsts includeSubdomains;
--- config
guard_hsts includeSubdomains;
--- config_error
unexpected word "includeSubdomains", did you mean "includeSubDomains"? in config:1

=== TEST 17: guard_hsts max-age=1 max-age=2;
--- config
guard_hsts max-age=1 max-age=2;
--- config_error
duplicate parameter "max-age=" in config:1

=== TEST 18: guard_hsts off;
--- config
guard_hsts;
guard_hsts off;
--- config_error
"guard_hsts" directive is duplicate in config:2

=== TEST 19: guard_https on;
--- config
guard_https on;
--- config_error
invalid value "on" of "guard_https", it must be "off", "redirect" or "require" in config:1

=== TEST 20: guard_https redirect port=99999;
--- config
guard_https redirect port=99999;
--- config_error
invalid value "99999" of "port=", a number from 1 to 65535 is expected in config:1

=== TEST 21: guard_https require port=443;
--- config
guard_https require port=443;
--- config_error
"port=" has no meaning with "require" in config:1

=== TEST 22: guard_https redirect except=health;
--- config
guard_https redirect except=health;
--- config_error
invalid value "health" of "except=", it must begin with "/" in config:1

=== TEST 23: guard_https redirect except=/;
--- config
guard_https redirect except=/;
--- config_error
invalid value "/" of "except=", it would except every request in config:1

=== TEST 24: guard_https redirect except=/a /a;
--- config
guard_https redirect except=/a /a;
--- config_error
duplicate value "/a" of "except=" in config:1

=== TEST 25: guard_https off;
--- config
guard_https redirect;
guard_https off;
--- config_error
"guard_https" directive is duplicate in config:2

=== TEST 26: guard_hide_headers 'X A';
--- config
guard_hide_headers 'X A';
--- config_error
invalid header field name "X A" in config:1

=== TEST 27: guard_hide_headers X-A x-a;
--- config
guard_hide_headers X-A x-a;
--- config_error
duplicate header field "x-a" in config:1

=== TEST 28: guard_hide_headers Content-Type;
--- config
guard_hide_headers Content-Type;
--- config_error
header field "Content-Type" cannot be hidden, nginx makes it in config:1

=== TEST 29: guard_hide_headers off;
--- config
guard_hide_headers on;
guard_hide_headers off;
--- config_error
"guard_hide_headers off" after "guard_hide_headers" in config:2

=== TEST 30: guard_hide_headers on;
--- config
guard_hide_headers off;
guard_hide_headers on;
--- config_error
"guard_hide_headers" after "guard_hide_headers off" in config:2

=== TEST 31: guard_hide_headers on on;
--- config
guard_hide_headers on on;
--- config_error
duplicate parameter "on" in config:1

=== TEST 32: an unknown variable
--- config
guard_header X-A $no_such_thing;
--- config_error
[warn] nothing makes the variable "$no_such_thing" in config:1
unknown "no_such_thing" variable

=== TEST 33: guard_header X-A b on=20;
--- config
guard_header X-A b on=20;
--- config_error
invalid value "20" of "on=", a status such as 204 or 4xx is expected in config:1

=== TEST 34: guard_header X-A off if=1;
--- config
guard_header X-A off if=1;
--- config_error
unexpected word "if=1" after "off" in config:1

=== TEST 35: guard_header X-A b if=$no_such_thing;
--- config
guard_header X-A b if=$no_such_thing;
--- config_error
[warn] nothing makes the variable "$no_such_thing" in config:1
unknown "no_such_thing" variable

=== TEST 36: a redirect without a name to validate Host against
--- config
guard_https redirect;
--- server_name: _
--- config_warning
/"guard_https redirect" in the server in .*nginx.conf:\d+ that has no "server_name": any Host is taken for the redirect/

