# What nginx -t says about guard_redis. The words of one directive and every URL are tried in t/unit/
# redis_policy_test.cpp and redis_url_test.cpp; here is what only nginx knows, and one of each kind.

use strict;
use warnings;
use lib 't/lib';
use Test::Nginx::Guard::Authority qw(authority);
use Test::Nginx::Socket 'no_plan';

my $files = authority();
$ENV{ 'TEST_NGINX_TLS_' . uc $_ } = $files->{$_} for keys %$files;
$ENV{GUARD_URL_SERVER} = 'redis://app:open-sesame@127.0.0.1:9';
$ENV{GUARD_URL_BROKEN} = 'redis://app:open-sesame@127.0.0.1:99999';
$ENV{GUARD_URL_NO_SCHEME} = 'open-sesame';
no_long_string();
run_tests();

__DATA__

=== TEST 1: too few words
--- http_config
guard_redis main;
--- config_error
invalid number of arguments in "guard_redis" directive in http_config:1

=== TEST 2: a bad name
--- http_config
guard_redis a/b redis://127.0.0.1;
--- config_error
invalid Redis name "a/b", up to 64 letters, digits, "_", "." and "-" are expected, and not "off" in http_config:1

=== TEST 3: defined twice
--- http_config
guard_redis main redis://127.0.0.1;
guard_redis main redis://127.0.0.2;
--- config_error
Redis "main" is defined twice in http_config:2

=== TEST 4: only in http
--- config
guard_redis main redis://127.0.0.1;
--- config_error
"guard_redis" directive is not allowed here in config:1

=== TEST 5: a scheme that is nearly one
--- http_config
guard_redis main redsi://127.0.0.1;
--- config_error
unknown scheme "redsi://" in the URL of "guard_redis", did you mean "redis://"? in http_config:1

=== TEST 6: a URL without a scheme may be a password
--- http_config
guard_redis main open-sesame;
--- config_error
no scheme in the URL of "guard_redis", one like "redis://127.0.0.1:6379" is expected in http_config:1

=== TEST 7: a bad port, and a password before it
--- http_config
guard_redis main redis://app:open-sesame@127.0.0.1:99999;
--- config_error
invalid port "99999" in the URL of "guard_redis" in http_config:1

=== TEST 8: a password in the URL
--- http_config
guard_redis main redis://app:open-sesame@127.0.0.1:9;
--- config_warning
the password in the URL of "guard_redis" can be read in the configuration, use "password=file:" or "password=env:" in http_config:1

=== TEST 9: a password in the directive
--- http_config
guard_redis main redis://127.0.0.1:9 password=open-sesame;
--- config_warning
the secret of "password" can be read in the configuration, use "file:" or "env:" in http_config:1

=== TEST 10: both
--- http_config
guard_redis main redis://:open-sesame@127.0.0.1:9 password=xyzzy;
--- config_error
"password=" beside a password in the URL in http_config:1

=== TEST 11: a file that is not there
--- http_config
guard_redis main redis://127.0.0.1:9 password=file:/nonexistent/password;
--- config_error
open() "/nonexistent/password" failed (2: No such file or directory) in http_config:1

=== TEST 12: a URL from the environment
--- main_config
env GUARD_URL_SERVER;
--- http_config
guard_redis main env:GUARD_URL_SERVER;
--- config_warning

=== TEST 13: one that a binary upgrade would lose
--- http_config
guard_redis main env:GUARD_URL_SERVER;
--- config_warning
environment variable "GUARD_URL_SERVER" of "guard_redis" needs "env GUARD_URL_SERVER;" before "http", or a binary upgrade loses it in http_config:1

=== TEST 14: one that is not set
--- http_config
guard_redis main env:GUARD_NO_SUCH_VARIABLE;
--- config_error
environment variable "GUARD_NO_SUCH_VARIABLE" of "guard_redis" is not set in http_config:1

=== TEST 15: one that holds no URL
--- main_config
env GUARD_URL_NO_SCHEME;
--- http_config
guard_redis main env:GUARD_URL_NO_SCHEME;
--- config_error
no scheme in the URL of "guard_redis", one like "redis://127.0.0.1:6379" is expected in http_config:1

=== TEST 16: one with a mistake
--- main_config
env GUARD_URL_BROKEN;
--- http_config
guard_redis main env:GUARD_URL_BROKEN;
--- config_error
invalid port "99999" in the URL of "guard_redis" in http_config:1

=== TEST 17: a name that does not resolve is no failed start
--- http_config
guard_redis main redis://guard.invalid;
--- config_warning
host "guard.invalid" of Redis "main" is not found, it is taken as unavailable in http_config:1

=== TEST 18: every word
--- http_config
guard_redis main rediss://127.0.0.1:9/3 username=app password=file:$TEST_NGINX_TLS_KEY timeout=20ms connect_timeout=1s pool=3
    tls_ca=$TEST_NGINX_TLS_CA tls_cert=$TEST_NGINX_TLS_CLIENT_CERT tls_key=$TEST_NGINX_TLS_CLIENT_KEY
    tls_name=redis.example tls_verify=on prefix=app:;
guard_redis sock unix:/nonexistent/redis.sock?db=2;
guard_redis unverified rediss://localhost:9 tls_verify=off;
guard_redis system rediss://localhost:9;
--- config_warning

=== TEST 19: words of TLS without TLS
--- http_config
guard_redis main redis://127.0.0.1:9 tls_verify=off;
--- config_error
"tls_verify=" without a "rediss://" URL in http_config:1

=== TEST 20: a certificate without its key
--- http_config
guard_redis main rediss://127.0.0.1:9 tls_cert=$TEST_NGINX_TLS_CLIENT_CERT;
--- config_error
"tls_cert=" and "tls_key=" need each other in http_config:1

=== TEST 21: a file of authorities that is not there
--- http_config
guard_redis main rediss://127.0.0.1:9 tls_ca=/nonexistent/ca.pem;
--- config_error
open() "/nonexistent/ca.pem" failed (2: No such file or directory) in http_config:1

=== TEST 22: a file of authorities with none in it
--- http_config
guard_redis main rediss://127.0.0.1:9 tls_ca=$TEST_NGINX_TLS_KEY;
--- config_error
/SSL_CTX_load_verify_locations\(".*server\.key"\) failed.* the authorities in ".*server\.key" cannot be used, see the line before in http_config:1\z/

=== TEST 23: a certificate that is none
--- http_config
guard_redis main rediss://127.0.0.1:9 tls_cert=$TEST_NGINX_TLS_KEY tls_key=$TEST_NGINX_TLS_KEY;
--- config_error
/cannot load certificate ".*server\.key".* the certificate in ".*server\.key" cannot be used, see the line before in http_config:1\z/

=== TEST 24: a key of another certificate
--- http_config
guard_redis main rediss://127.0.0.1:9 tls_cert=$TEST_NGINX_TLS_CLIENT_CERT tls_key=$TEST_NGINX_TLS_KEY;
--- config_error
/key values mismatch/

=== TEST 25: a time that is none
--- http_config
guard_redis main redis://127.0.0.1:9 timeout=5x;
--- config_error
invalid value "5x" of "timeout", a time from 1ms to 1m is expected in http_config:1

=== TEST 26: a pool that is too large
--- http_config
guard_redis main redis://127.0.0.1:9 pool=65;
--- config_error
invalid value "65" of "pool", a number from 1 to 64 is expected in http_config:1

=== TEST 27: a prefix that would decide about slots
--- http_config
guard_redis main redis://127.0.0.1:9 "prefix={guard}:";
--- config_error
invalid value "{guard}:" of "prefix", up to 64 printable ASCII characters without "{" and "}" are expected in http_config:1

=== TEST 28: a word that nobody knows
--- http_config
guard_redis main redis://127.0.0.1:9 time_out=5ms;
--- config_error
unknown parameter "time_out=", did you mean "timeout="? in http_config:1

=== TEST 29: sentinels without the name of the master
--- http_config
guard_redis main redis+sentinel://127.0.0.1:1,127.0.0.1:2;
--- config_error
no name of the master, as in "/mymaster", in the URL of "guard_redis" in http_config:1

=== TEST 30: a password for sentinels that there are not
--- http_config
guard_redis main redis://127.0.0.1:1 sentinel_password=env:PATH;
--- config_error
"sentinel_password=" without a "redis+sentinel://" URL in http_config:1
