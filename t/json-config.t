# What nginx -t says of wrong words in guard_json, guard_json_limits and guard_json_set.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

run_tests();

__DATA__

=== TEST 1: guard_json, an unknown word
--- config
guard_json yes;
--- config_error
invalid value "yes" of "guard_json", it must be "off", "on" or "required" in config:1

=== TEST 2: guard_json, too many words
--- config
guard_json on required;
--- config_error
invalid number of arguments in "guard_json" directive in config:1

=== TEST 3: guard_json, no word
--- config
guard_json;
--- config_error
invalid number of arguments in "guard_json" directive in config:1

=== TEST 4: guard_json twice
--- config
guard_json on;
guard_json on;
--- config_error
"guard_json" directive is duplicate in config:2

=== TEST 5: guard_json_limits twice
--- config
guard_json_limits depth=1;
guard_json_limits size=1k;
--- config_error
"guard_json_limits" directive is duplicate in config:2

=== TEST 6: guard_json_limits without words
--- config
guard_json_limits;
--- config_error
invalid number of arguments in "guard_json_limits" directive in config:1

=== TEST 7: an unknown limit
--- config
guard_json_limits size=1m dept=3;
--- config_error
unknown parameter "dept=", did you mean "depth="? in config:1

=== TEST 8: a word that is no limit
--- config
guard_json_limits strict;
--- config_error
unexpected word "strict" in config:1

=== TEST 9: a limit without a value
--- config
guard_json_limits depth=;
--- config_error
"depth=" needs a value in config:1

=== TEST 10: a limit twice
--- config
guard_json_limits depth=1 depth=2;
--- config_error
duplicate parameter "depth=" in config:1

=== TEST 11: size out of range
--- config
guard_json_limits size=257m;
--- config_error
invalid value "257m" of "size", a size from 1 to 256m is expected in config:1

=== TEST 12: size that is none
--- config
guard_json_limits size=1x;
--- config_error
invalid value "1x" of "size", a size from 1 to 256m is expected in config:1

=== TEST 13: depth out of range
--- config
guard_json_limits depth=1025;
--- config_error
invalid value "1025" of "depth", a number from 1 to 1024 is expected in config:1

=== TEST 14: keys out of range
--- config
guard_json_limits keys=0;
--- config_error
invalid value "0" of "keys", a number from 1 to 1000000 is expected in config:1

=== TEST 15: string out of range
--- config
guard_json_limits string=0;
--- config_error
invalid value "0" of "string", a size from 1 to 256m is expected in config:1

=== TEST 16: array out of range
--- config
guard_json_limits array=10000001;
--- config_error
invalid value "10000001" of "array", a number from 1 to 10000000 is expected in config:1

=== TEST 17: number
--- config
guard_json_limits number=decimal;
--- config_error
invalid value "decimal" of "number", it must be "double", "int64" or "any" in config:1

=== TEST 18: duplicates
--- config
guard_json_limits duplicates=on;
--- config_error
invalid value "on" of "duplicates", it must be "reject" or "allow" in config:1

=== TEST 19: guard_json_set without a pointer
--- config
guard_json_set $a;
--- config_error
invalid number of arguments in "guard_json_set" directive in config:1

=== TEST 20: guard_json_set without a variable
--- config
guard_json_set a /a;
--- config_error
invalid variable name "a" in config:1

=== TEST 21: guard_json_set with a bad pointer
--- config
guard_json_set $a a/b;
--- config_error
invalid JSON Pointer "a/b": it must begin with "/" in config:1

=== TEST 22: guard_json_set with a bad escape in the pointer
--- config
guard_json_set $a /a~b;
--- config_error
invalid JSON Pointer "/a~b": "~" must be written as "~0", "/" as "~1" in config:1

=== TEST 23: guard_json_set with an unknown flag
--- config
guard_json_set $a /a upper;
--- config_error
unexpected word "upper" in config:1

=== TEST 24: guard_json_set twice for one name at one level
--- config
guard_json_set $a /a;
guard_json_set $a /b;
--- config_error
duplicate variable "$a" in config:2

=== TEST 25: guard_json_set of a variable of nginx
--- config
guard_json_set $host /a;
--- config_error
the duplicate "host" variable in config:1

=== TEST 26: guard_json_set of a variable of a map
--- http_config
map $uri $known { default 1; }
--- config
guard_json_set $known /a;
--- config_error
the duplicate "known" variable in config:1

=== TEST 27: the same name at two levels
--- config
guard_json_set $a /a;
location /x { guard_json_set $a /b; }
--- request
GET /x
--- error_code: 404
