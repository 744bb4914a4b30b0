# Several nginx that tell a cluster every so often, while the slot of what they count goes from master to master:
# what they let through together stays within the bound of interval sync, and no request notices.

use strict;
use warnings;
use lib 't/lib';
use List::Util qw(max min sum0);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(code_of);
use Test::Nginx::Guard::Load qw(most_within);
use Test::Nginx::Guard::Wait qw(scaled);

my $nodes      = 3;
my $quota      = 900;
my $sync       = 100;    # milliseconds
my @algorithms = qw(gcra sliding_window fixed_window);

my $cluster = start_cluster();
my @masters = $cluster->nodes;
my @nginx   = start_fleet(
    $nodes,
    workers     => 2,
    http_config => 'guard_key_secret 0123456789abcdef; guard_redis main ' . $cluster->url . " timeout=5s;\n"
        . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
        . join('', map { "guard_rate_policy $_ rate=$quota/day key=\$arg_k algorithm=$_ redis=main sync=${sync}ms;\n" } @algorithms),
    config => "root html;\n" . join '', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms
);

sub keys_of { my ($policy) = @_; return map { @{ $_->run('KEYS', "guard:$policy:*") } } @masters }

# Nobody begins before the nodes know the cluster's clock.
for my $algorithm (@algorithms) {
    code_of($_, "/$algorithm/?k=warm" . $_->port) for @nginx;
    ok wait_for(sub { keys_of($algorithm) >= $nodes }), "$algorithm: all nodes tell";
}

for my $algorithm (@algorithms) {
    # The machine may hold up a worker, or whoever moves the slot: of three rounds one must do.
    my ($admitted, $most, $bound, $slowest);
    my $sent_on = 0;
    for my $try (1 .. 3) {
        my %before = map { $_ => 1 } keys_of($algorithm);
        my @load   = map { start_load([$_], "/$algorithm/?k=x$try", clients => 1, pause => 0.004) } @nginx;
        my ($key) = @{ wait_for(sub { my @new = grep { !$before{$_} } keys_of($algorithm); return @new ? \@new : undef }) // [] };
        ok $key, "$algorithm: told";
        my $slot = $cluster->slot_of($key);
        my ($asked, $moves, $done) = (0, 0, 0);
        my $ended = wait_for(
            sub {
                my $source = $cluster->master_of_slot($slot);
                my ($target) = grep { $_ != $source } @masters[map { ($moves + $_) % 3 } 0 .. 2];
                my $seen = $target->calls('asking');
                $cluster->begin_move($slot, $target);
                $cluster->move_keys($slot, $source, $target);
                # The source sends all on, for a while.
                wait_for(sub { $target->calls('asking') > $seen + 2 }, 0.5) and ++$sent_on;
                $cluster->end_move($slot, $source, $target);
                ++$moves;
                my $passed = grep { code_of($_, "/$algorithm/?k=x$try") == 200 } @nginx;
                $asked += $passed;
                return $passed == 0 && ++$done == 3;
            },
            60
        );
        my @results = map { $_->finish } @load;
        ok $ended, "$algorithm: comes to an end";
        is_deeply [grep { !/^(?:200|429)$/ } map { keys %{ $_->{codes} } } @results], [], "$algorithm: nothing but answers";

        # As in rate-interval-nodes.t; an exchange that is sent on makes three round trips of one.
        my $blind = ($sync + 3) / 1000 + scaled(0.02);
        $slowest  = max(map { $_->{slowest} } @results);
        $most     = $asked + max(map { most_within($blind, $_) } @results);
        $admitted = $asked + sum0(map { $_->{codes}{200} // 0 } @results);
        $bound    = $quota + ($nodes - 1) * min($quota, $most);
        cmp_ok $admitted, '>=', $quota, "$algorithm: and not less than the quota ($admitted)";

        # What Redis has in the end is what was let through.
        ok wait_for(
            sub {
                my @totals = map { $cluster->run('GET', $_) } grep { !$before{$_} } keys_of($algorithm);
                return @totals == 1 && ($algorithm eq 'gcra' || $totals[0] == $admitted);
            }
        ), "$algorithm: every node's counts have arrived, once";
        last if $admitted <= $bound && $slowest < scaled(1) && $sent_on >= 3;
    }
    cmp_ok $sent_on, '>=', 3, "$algorithm: exchanges were sent on";
    cmp_ok $slowest, '<', scaled(1), "$algorithm: nobody waits for the cluster";
    cmp_ok $admitted, '<=', $bound, "$algorithm: at most $bound ($most a node unheard)";
}

for my $nginx (@nginx) {
    my ($events) = read_events($nginx->log_file('events.log'));
    is_deeply [grep { /^redis_/ } map { $_->{labels}{kind} } @$events], [], 'slots that move are no event';
    is $nginx->stop('QUIT'), undef, 'stops';
    is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
}

done_testing();
