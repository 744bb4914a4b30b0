# Several nginx that count by themselves and tell Redis every so often. What they let through together beyond
# the quota is at most (nodes - 1) times what a node lets through before it hears of the others: what is left
# of the quota, or what is offered to it within sync= and a round trip, whichever is less.

use strict;
use warnings;
use lib 't/lib';
use List::Util qw(min max sum0);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Load qw(most_within);
use Test::Nginx::Guard::Wait qw(scaled);

my $redis      = start_redis();
my @algorithms = qw(gcra sliding_window fixed_window);

sub milliseconds { my ($time) = @_; return $time =~ /^(\d+)ms$/ ? $1 : 1000 * ($time =~ s/s$//r) }

# Words: nodes, quota, sync, clients (of each node), url, trip (milliseconds).
sub bounded {
    my (%word) = @_;
    my $url   = $word{url} // $redis->unix_url;
    my @nginx = start_fleet(
        $word{nodes},
        workers     => 2,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=2s;\n"
            . join('', map { "guard_rate_policy $_ rate=$word{quota}/day key=\$arg_k algorithm=$_ redis=main sync=$word{sync};\n" } @algorithms),
        config => "root html;\n" . join '', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms
    );
    # Nobody begins before the nodes know Redis's clock.
    for my $nginx (@nginx) {
        my $k = 'warm' . $nginx->port;
        request($nginx->port, GET => "/gcra/?k=$k");
    }
    wait_for(sub { @{ $redis->run('KEYS', 'guard:gcra:*') } >= @nginx });

    for my $algorithm (@algorithms) {
        my $name = "$word{nodes} nodes, $algorithm $word{quota}/day, sync=$word{sync}" . ($word{trip} ? ", $word{trip} ms away" : '');
        # A worker that is held up by the machine is blind for longer than it would be: of three rounds one must do.
        my ($admitted, $most, $bound);
        for my $try (1 .. 3) {
            # Each node has clients of its own, so that what is offered to it is known.
            my @load = map { start_load([$_], "/$algorithm/?k=x$try", clients => $word{clients}) } @nginx;
            my ($done, $asked) = (0, 0);
            my $ended = wait_for(
                sub {
                    # Nobody lets anything through any more.
                    my $passed = grep { request($_->port, GET => "/$algorithm/?k=x$try")->{code} == 200 } @nginx;
                    $asked += $passed;
                    return $passed == 0 && ++$done == 3;
                },
                30
            );
            my @results = map { $_->finish } @load;
            ok $ended, "$name: comes to an end";
            $admitted = $asked + sum0(map { $_->{codes}{200} // 0 } @results);
            is_deeply [grep { !/^(?:200|429)$/ } map { keys %{ $_->{codes} } } @results], [], "$name: nothing but answers";

            # The most that any node was asked for in the time in which it can know nothing of the others, while
            # anything passed at all. A machine that is busy is late with everything, twice.
            my $blind = (milliseconds($word{sync}) + ($word{trip} // 1)) / 1000 + scaled(0.02);
            $most     = $asked + max(map { most_within($blind, $_) } @results);
            $bound    = $word{quota} + ($word{nodes} - 1) * min($word{quota}, $most);
            cmp_ok $admitted, '>=', $word{quota}, "$name: and not less than the quota ($admitted)";
            last if $admitted <= $bound;
        }
        cmp_ok $admitted, '<=', $bound, "$name: at most $bound ($most a node unheard)";
    }
    for my $nginx (@nginx) {
        is $nginx->stop('QUIT'), undef, 'stops';
        is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
    }
    $redis->run('FLUSHALL');
    return;
}

bounded(nodes => 2, quota => 1000, sync => '100ms', clients => 2);
bounded(nodes => 3, quota => 600,  sync => '20ms',  clients => 1);
bounded(nodes => 4, quota => 400,  sync => '200ms', clients => 1);
# More is asked for at once than the quota holds.
bounded(nodes => 2, quota => 100, sync => '2s', clients => 2);
{
    my $fake = start_fake_redis(behind => $redis);
    $fake->behave('delay 0.03');
    bounded(nodes => 2, quota => 600, sync => '100ms', clients => 1, url => $fake->unix_url, trip => 35);
}

done_testing();
