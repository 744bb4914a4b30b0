# A Redis that tells nonsense, as one whose clock is wrong for a moment does: it is believed once, and asked
# again when a quota could be there.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(code_of);
use Test::Nginx::Guard::Ending qw(ends_well);

my $redis = start_redis();

# Of each policy and key the first answer is made up: that as much is used up as the protocol can say.
my %asked;
my $fake = start_fake_redis(
    behind => $redis,
    answer => sub {
        my ($command) = @_;
        return unless $command->[0] =~ /^EVAL/;
        my ($kind, $sign) = $command->[3] =~ /guard:(\w+?)_(\w+):/ or return;
        return if $asked{ $command->[3] }++;
        my ($level, $passes) = $sign eq 'passed' ? (9007199254740991, 1) : (-9007199254740992, 0);
        return "*1\r\n:$level\r\n" if $kind eq 'gcra';
        my ($seconds, $microseconds) = @{ $redis->run('TIME') };
        my $now = 1_000_000 * $seconds + $microseconds;
        my $log = join '', map { ":$_\r\n" } $passes, ('-9223372036854775808', '9223372036854775807', '-9000000000000000000');
        return "*2\r\n:$now\r\n*4\r\n$log";
    }
);
my @policies = map { my $kind = $_; map { "${kind}_$_" } qw(passed refused) } qw(gcra log);
my $nginx = start_nginx(
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $fake->unix_url . " timeout=5s;\n"
        . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
        . join('', map { "guard_rate_policy $_ rate=3/second key=all redis=main algorithm=" . (/log/ ? 'sliding_log' : 'gcra') . ";\n" } @policies),
    config => "root html;\n" . join('', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @policies)
);

is code_of($nginx, "/$_/"), /passed/ ? 200 : 429, "$_: the answer" for @policies;
ok wait_for(sub { code_of($nginx, "/$_/") == 200 }), "$_: Redis is asked again" for @policies;

ends_well($nginx, 'lies', events => []);

done_testing();
