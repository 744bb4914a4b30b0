# SECRET words: what is warned of, and that no secret is quoted.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();
run_tests();

__DATA__

=== TEST 1: a secret in the configuration
--- http_config
guard_key_secret correct-horse;
--- config
--- request
GET /
--- error_code: 200
--- error_log
the secret of "guard_key_secret" can be read in the configuration
--- no_error_log
correct-horse

=== TEST 2: an environment variable that nginx does not have
--- http_config
guard_key_secret env:GUARD_NO_SUCH_VARIABLE;
--- config
--- must_die
--- error_log
environment variable "GUARD_NO_SUCH_VARIABLE" of "guard_key_secret" is not set

=== TEST 3: an environment variable that a binary upgrade would lose
--- http_config
guard_key_secret env:PATH;
--- config
--- request
GET /
--- error_code: 200
--- error_log
environment variable "PATH" of "guard_key_secret" needs "env PATH;" before "http"

=== TEST 4: an environment variable that is passed on
--- main_config
env PATH;
--- http_config
guard_key_secret env:PATH;
--- config
--- request
GET /
--- error_code: 200
--- no_error_log
env PATH;

=== TEST 5: a key that is too short
--- http_config
guard_key_secret fifteen-letters;
--- config
--- request
GET /
--- error_code: 200
--- error_log
the secret of "guard_key_secret" can be guessed, it has 15 of at least 16 bytes: let "guardctl secret" make one
--- no_error_log
fifteen-letters

=== TEST 6: the key of a chain, in a file
--- user_files
>>> key
one
--- config
guard_event_log logs/e chain=file:$TEST_NGINX_SERVER_ROOT/html/key;
--- config_warning
/secret of "chain=" can be guessed, it has 3 of at least 16 bytes: let "guardctl secret" make one in config:1/
