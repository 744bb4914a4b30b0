# What Redis has taken and was given back may be asked for again, also where others have heard in between that
# it was taken.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(code_of);
use Test::Nginx::Guard::Ending qw(ends_well);

plan skip_all => 'needs the test build of the module' unless -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

my $redis      = start_redis();
my $fake       = start_fake_redis(behind => $redis);
my @algorithms = qw(gcra sliding_window fixed_window sliding_log);
my $nginx      = start_nginx(
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $fake->unix_url . " timeout=5s;\n"
        . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
        . "guard_rate_policy first rate=9/day key=all redis=main on_error=closed;\n"
        . join('', map { "guard_rate_policy $_ rate=1/day key=all phase=inner redis=main algorithm=$_;\n" } @algorithms),
    config => "root html;\nlocation /first/ { guard_rate first; alias html/; }\n"
        . join('', map { "location /refused/$_/ { guard_rate $_; guard_test inner refuse=403 at=charge; alias html/; }\nlocation /open/$_/ { guard_rate $_; alias html/; }\n" } @algorithms)
);

is code_of($nginx, '/first/'), 200, 'Redis is connected';
for my $algorithm (@algorithms) {
    $fake->behave('hold');
    my @held;
    for my $i (1 .. 3) {
        my $asked = $fake->commands;
        push @held, request_raw($nginx->port, "GET /refused/$algorithm/?$i HTTP/1.1\r\nHost: x\r\n\r\n", expect => 0, timeout => 0.02, hold => 1);
        ok wait_for(sub { $fake->commands > $asked }), "$algorithm: Redis is asked, $i";
    }
    $fake->behave('pass');
    for my $one (@held) {
        my $result = request_raw($nginx->port, '', connection => $one->{connection}, methods => ['GET'], timeout => 3);
        is $result->{responses}[0]{code}, 403, "$algorithm: another check refuses";
    }
    ok wait_for(sub { !@{ $redis->run('KEYS', "guard:$algorithm:*") } }), "$algorithm: what was taken is given back";
    ok wait_for(sub { code_of($nginx, "/open/$algorithm/") == 200 }), "$algorithm: and may be taken";
    is code_of($nginx, "/open/$algorithm/"), 429, "$algorithm: once";
}

ends_well($nginx, 'refund', events => []);

done_testing();
