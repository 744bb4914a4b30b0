# Another check of the same gate refuses when it charges: the rate policies have taken nothing, and of the one that
# nobody has asked until then nothing is told.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

plan skip_all => 'needs the test build of the module'
    unless -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

my $nginx = start_nginx(
    http_config => "guard_rate_policy g rate=5/day phase=inner key=all;\n"
        . "guard_rate_policy l rate=5/day phase=inner key=all algorithm=sliding_log;\n"
        . "guard_rate_policy alone rate=5/day phase=inner key=all;\n",
    config => <<'EOC');
root html;
guard_rate g;
guard_rate l;
location /refused/ { guard_test inner refuse=403 at=charge; alias html/; }
location /open/ { alias html/; }
location /alone/ { guard_rate alone; alias html/; }
location /alone-refused/ { guard_rate alone; guard_test inner refuse=403 at=charge; add_header X-Left "left $guard_rate_remaining" always; alias html/; }
EOC

is request($nginx->port, GET => '/refused/')->{code}, 403, 'refused' for 1 .. 7;
my $response = request($nginx->port, GET => "/open/");
is $response->{code}, 200, 'nothing was charged';
like header_of($response->{fields}, 'RateLimit'), qr/^"[gl]";r=4;t=/, 'nothing at all';
$response = request($nginx->port, GET => '/alone-refused/');
is $response->{code}, 403, 'one policy: refused';
is_deeply [grep { /^RateLimit/ } map { $_->[0] } @{ $response->{fields} }], [], 'one policy: no quota is told';
is header_of($response->{fields}, 'X-Left'), 'left', 'one policy: nor known';
$response = request($nginx->port, GET => '/alone/');
like header_of($response->{fields}, 'RateLimit'), qr/^"alone";r=4;t=/, 'one policy: nothing was charged';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

done_testing();
