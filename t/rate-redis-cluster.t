# Limits that are counted in a cluster: exact while slots move, and as on_error= says where nobody has a slot.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(code_of);
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Time::HiRes qw(time);

sub fleet {
    my ($count, $cluster, $policies, $config, $words, @more) = @_;
    return start_fleet(
        $count,
        workers     => 2, @more,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $cluster->url . " $words;\n"
            . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n$policies",
        config => "root html;\n$config"
    );
}

# The slot of the one key of this policy.
sub slot_of {
    my ($cluster, $policy) = @_;
    my ($key) = map { @{ $_->run('KEYS', "guard:$policy:*") } } $cluster->masters;
    return $cluster->slot_of($key);
}

# Four nginx, and the slot of what they count goes from node to node all the time.
{
    my $cluster = start_cluster();
    my @nodes   = $cluster->nodes;
    my @nginx   = fleet(
        4, $cluster,
        "guard_rate_policy gcra rate=1000/day key=\$arg_k redis=main on_error=closed;\n"
            . "guard_rate_policy sliding rate=1000/day key=\$arg_k algorithm=sliding_window redis=main on_error=closed;\n",
        'location /gcra/ { guard_rate gcra; alias html/; } location /sliding/ { guard_rate sliding; alias html/; }',
        'timeout=10s'
    );
    for my $policy (qw(gcra sliding)) {
        is code_of($nginx[0], "/$policy/?k=a"), 200, "$policy: the first";
        my $slot = slot_of($cluster, $policy);
        my $load = start_load(\@nginx, "/$policy/?k=a", clients => 8, pause => 0.002);
        my $asks = 0;
        for my $i (1 .. 9) {
            my $source = $cluster->master_of_slot($slot);
            my ($target) = grep { $_ != $source } @nodes[map { ($i + $_) % 3 } 0 .. 2];
            $cluster->begin_move($slot, $target);
            # The key is still there, then it is not: all are sent on, for a while.
            $cluster->move_keys($slot, $source, $target);
            my $seen = $target->calls('asking');
            wait_for(sub { $target->calls('asking') > $seen + 10 }, 2) and ++$asks;
            $cluster->end_move($slot, $source, $target);
        }
        my $own = 1;
        wait_for(sub { my $code = code_of($nginx[1], "/$policy/?k=a"); ++$own if $code == 200; return $code == 429 }, 60)
            or die "the limit is not reached\n";
        my $result = $load->finish;
        is $result->{codes}{200} + $own, 1000, "$policy: admitted is allowed, exactly";
        is_deeply [sort keys %{ $result->{codes} }], [200, 429], "$policy: nothing else came" or diag explain $result->{codes};
        cmp_ok $asks, '>=', 3, "$policy: while they were sent on";
    }
    is_deeply [map { redis_events($_) } @nginx], [], 'slots that move are no event';
    ends_well($_, 'moving') for @nginx;
}

# A script that wants two keys, of which one has been moved: it has to wait, and none of both is taken twice.
{
    my $cluster = start_cluster();
    my @nodes   = $cluster->nodes;
    my ($nginx) = fleet(
        1, $cluster, "guard_rate_policy two rate=20/hour,30/day key=\$arg_k redis=main on_error=closed;\n",
        'location / { guard_rate two; }', 'timeout=10s'
    );
    is code_of($nginx, '/?k=a'), 200, 'two windows: before';
    my $slot   = slot_of($cluster, 'two');
    my $source = $cluster->master_of_slot($slot);
    my ($target) = grep { $_ != $source } @nodes;
    $cluster->begin_move($slot, $target);
    is $cluster->move_keys($slot, $source, $target, 1), 1, 'two windows: one of both is moved';
    my $load  = start_load($nginx, '/?k=a', clients => 4, count => 7);
    my $tried = sub { $source->info('errorstats')->{errorstat_TRYAGAIN} };
    ok wait_for($tried), 'two windows: TRYAGAIN';
    $cluster->move_keys($slot, $source, $target);
    $cluster->end_move($slot, $source, $target);
    is_deeply $load->finish->{codes}, { 200 => 19, 429 => 9 }, 'two windows: admitted is allowed, exactly';
    my @keys = @{ $target->run('KEYS', 'guard:two:*') };
    is scalar @keys, 2, 'two windows: both keys are in one slot';
    ends_well($nginx, 'two windows');
}

# One of both stays where it is for longer than anybody waits: the request is decided by on_error=, and once the slot
# has moved Redis counts on from where it was.
{
    my $cluster = start_cluster();
    my @nodes   = $cluster->nodes;
    my @ways    = qw(local open closed);
    my ($nginx) = fleet(
        1, $cluster,
        join('', map { "guard_rate_policy $_ rate=5/hour,20/day key=\$arg_k redis=main on_error=$_;\n" } @ways),
        join('', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @ways), 'timeout=300ms'
    );
    my %stuck = (local => '200 200 200 429', open => '200 200 200 200', closed => '503 503 503 503');
    my $codes = sub { my ($way, $count) = @_; return join ' ', map { code_of($nginx, "/$way/?k=a", timeout => 10) } 1 .. $count };
    for my $way (@ways) {
        is $codes->($way, 2), '200 200', "stuck, $way: before";
        my $slot   = slot_of($cluster, $way);
        my $source = $cluster->master_of_slot($slot);
        my ($target) = grep { $_ != $source } @nodes;
        $cluster->begin_move($slot, $target);
        $cluster->move_keys($slot, $source, $target, 1);
        my @took;
        my @got = map { my $begun = time; my $code = $codes->($way, 1); push @took, time - $begun; $code } 1 .. 4;
        is "@got", $stuck{$way}, "stuck, $way: as it says";
        # The machine may hold up one of them.
        @took = sort { $a <=> $b } @took;
        cmp_ok $took[2], '<', scaled(0.5), "stuck, $way: nobody waits longer than timeout=";
        cmp_ok $took[3], '<', scaled(2), "stuck, $way: not even the slowest";
        ok $source->info('errorstats')->{errorstat_TRYAGAIN}, "stuck, $way: TRYAGAIN";
        $cluster->move_keys($slot, $source, $target);
        $cluster->end_move($slot, $source, $target);
        # Redis has not heard of what was let through meanwhile; who was refused by the mirror is refused until it says otherwise.
        is $codes->($way, 4), $way eq 'local' ? '429 429 429 429' : '200 200 200 429', "stuck, $way: goes on";
    }
    is_deeply [redis_events($nginx)], [], 'stuck: a slot is no outage';
    ends_well($nginx, 'stuck');
}

# A master is killed while many count, and its replica goes on.
{
    my $cluster = start_cluster(replicas => 1, node_timeout => 1, config => ['cluster-require-full-coverage no']);
    my @nginx   = fleet(
        2, $cluster,
        "guard_rate_policy much rate=1000000/day key=\$arg_k redis=main;\nguard_rate_policy few rate=20/day key=\$arg_k redis=main on_error=closed;\n",
        'location /much/ { guard_rate much; alias html/; } location /few/ { guard_rate few; alias html/; }',
        'timeout=500ms', workers => 1
    );
    is code_of($nginx[$_ % 2], '/few/?k=a'), 200, 'failover: counted' for 1 .. 12;
    my $slot   = slot_of($cluster, 'few');
    my $master = $cluster->master_of_slot($slot);
    $master->run('WAIT', 1, 1000);
    my $load = start_load(\@nginx, sub { "/much/?k=$_[1]" }, clients => 4, pause => 0.005);
    $master->kill;
    my ($other) = grep { $_->is_master } $cluster->running;
    is code_of($nginx[0], '/few/?k=a'), 503, 'failover: closed is closed';
    $cluster->wait_for_other_master($slot, $master);
    ok wait_for(sub { code_of($nginx[0], '/few/?k=a') == 200 }, 10), 'failover: goes on';
    my $result = $load->finish;
    is_deeply [keys %{ $result->{codes} }], [200], 'failover: no request failed';
    cmp_ok $result->{slowest}, '<', scaled(2), 'failover: none waited long';
    # 13 are counted; the other nginx has not noticed anything yet, perhaps.
    ok wait_for(sub { code_of($nginx[1], '/few/?k=a') == 200 }, 10), 'failover: of all nginx';
    is join(' ', map { code_of($nginx[$_ % 2], '/few/?k=a') } 1 .. 8), '200 200 200 200 200 200 429 429', 'failover: nothing was forgotten';
    ok wait_for(sub { !grep { 2 != redis_events($_) } @nginx }), 'failover: its end is told';
    is_deeply [map { redis_events($_) } @nginx], [(qw(redis_unavailable redis_recovered)) x 2], 'failover: one event each way';
    ends_well($_, 'failover') for @nginx;
}

# A master is lost for good, and with it the cluster.
{
    my $cluster = start_cluster(node_timeout => 1);
    my ($lost)  = $cluster->nodes;
    my ($nginx) = fleet(
        1, $cluster,
        "guard_rate_policy local rate=5/day key=\$arg_k redis=main;\nguard_rate_policy closed rate=5000/day key=\$arg_k redis=main on_error=closed;\n",
        'location /local/ { guard_rate local; alias html/; } location /closed/ { guard_rate closed; alias html/; }',
        'timeout=500ms'
    );
    is code_of($nginx, "/local/?k=$_"), 200, 'down: before' for 1 .. 5;
    $lost->kill;
    $cluster->wait_for_state('fail');
    ok wait_for(sub { code_of($nginx, '/closed/?k=' . rand) for 1 .. 20; redis_events($nginx) }, 20), 'down: told';
    is_deeply [map { code_of($nginx, '/closed/?k=' . rand) } 1 .. 5], [(503) x 5], 'down: closed is closed';
    for my $k (1 .. 5) {
        is join(' ', map { code_of($nginx, "/local/?k=$k") } 1 .. 5), '200 200 200 200 429', 'down: shared memory goes on counting';
    }
    $lost->start;
    $cluster->wait_for_state('ok');
    ok wait_for(sub { 20 == grep { $_ == 200 } map { code_of($nginx, '/closed/?k=' . rand) } 1 .. 20 }, 20), 'down: comes back by itself';
    ok wait_for(sub { 2 == redis_events($nginx) }), 'down: its end is told';
    is_deeply [redis_events($nginx)], [qw(redis_unavailable redis_recovered)], 'down: one event each way';
    ends_well($nginx, 'down');
}

done_testing;
