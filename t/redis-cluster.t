# A cluster: each command reaches the node that has its key, wherever the slot moves and whoever becomes its
# master; what cannot be reached fails within timeout=, and comes back by itself.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking ask said);

needs_test_build();

my %locations = (
    '/incr' => '"send=INCR guard:$arg_k"',
    '/mset' => '"send=MSET guard:$arg_k 1 guard:$arg_l 2"',
    '/many' => '"send=SET guard:{$arg_k#} x" times=10000',
    '/ping' => 'send=PING'
);

sub nginx { my ($words, @more) = @_; return start_asking($words, \%locations, @more) }

# How often a node has answered with this error, besides to the tests themselves.
sub errors {
    my ($node, $code) = @_;
    return ($node->info('errorstats')->{"errorstat_$code"} // '') =~ /count=(\d+)/ ? $1 : 0;
}

sub ours { my ($node) = @_; return scalar grep { $_->{name} eq 'guard-main' } @{ $node->clients } }

# A key in a slot of this node's.
sub key_of {
    my ($cluster, $node) = @_;
    for my $n (1 .. 1000) { return "{z$n}" if $cluster->master_of("guard:{z$n}") == $node }
    die "no key\n";
}

my @outage = qw(redis_unavailable redis_recovered);

{
    my $cluster = start_cluster(password => 'open-sesame');
    my @nodes = $cluster->nodes;
    my $nginx = nginx($cluster->url . ' password=open-sesame timeout=10s');

    # Keys of all slots; who gets one of another's says MOVED.
    is said($nginx, "/many?k=$_"), 'ok OK', "every slot: $_" for 'a' .. 'l';
    my %empty;
    for my $node (@nodes) {
        my ($range) = grep { $_->[2][1] == $node->port } @{ $node->run('CLUSTER', 'SLOTS') };
        my @counts = $node->connection->pipeline(map { ['CLUSTER', 'COUNTKEYSINSLOT', $_] } $range->[0] .. $range->[1]);
        $empty{ $node->port } = grep { $_ == 0 } @counts;
        is errors($node, 'MOVED'), 0, 'every slot: no detours';
    }
    is_deeply [values %empty], [0, 0, 0], 'every slot: has a key';
    # But for those of probes, which live for a second.
    ok wait_for(sub { my $keys = 0; $keys += $_->run('DBSIZE') for @nodes; return $keys == 120_000 }), 'every slot: all keys are there';
    like said($nginx, '/ping'), qr/^ok PONG/, 'a command without a key goes to any node';

    # MOVED: followed, and remembered.
    my $key = key_of($cluster, $nodes[0]);
    my $slot = $cluster->slot_of("guard:$key");
    is said($nginx, "/incr?k=$key"), 'ok 1', 'MOVED: before';
    $cluster->move_slot($slot, $nodes[1]);
    is said($nginx, "/incr?k=$key"), 'ok 2', 'MOVED: the command goes on';
    is errors($nodes[0], 'MOVED'), 1, 'MOVED: once';
    is said($nginx, "/incr?k=$key"), 'ok 3', 'MOVED: the slot is known';
    is errors($nodes[0], 'MOVED'), 1, 'MOVED: no more';

    # ASK: as long as the slot is on its way, and for this command only.
    my $source = $cluster->begin_move($slot, $nodes[2]);
    is said($nginx, "/incr?k=$key"), 'ok 4', 'ASK: what is still there';
    is errors($source, 'ASK'), 0, 'ASK: not yet';
    is said($nginx, "/incr?k=${key}new"), 'ok 1', 'ASK: a new key';
    is errors($source, 'ASK'), 1, 'ASK: asked for';
    is $nodes[2]->run('CLUSTER', 'COUNTKEYSINSLOT', $slot), 1, 'ASK: it is at the new node';

    # TRYAGAIN: one key here, one there.
    my ($what, $time) = ask(my $hurried = nginx($cluster->url . ' password=open-sesame timeout=1s'), "/mset?k=$key&l=${key}new");
    like $what, qr/^(?:unavailable|timeout) \z/, 'TRYAGAIN: until timeout=';
    cmp_ok $time, '>=', 990, 'TRYAGAIN: not sooner';
    cmp_ok $time, '<', scaled(2500), 'TRYAGAIN: and not longer';
    cmp_ok errors($source, 'TRYAGAIN'), '>', 3, 'TRYAGAIN: again and again';
    cmp_ok errors($source, 'TRYAGAIN'), '<', scaled(150), 'TRYAGAIN: with pauses';
    ends_well($hurried, 'TRYAGAIN', events => []);
    my $before = errors($source, 'TRYAGAIN');
    my $mover = spawn(sub {
        wait_for(sub { errors($source, 'TRYAGAIN') > $before });
        $cluster->move_keys($slot, $source, $nodes[2]);
    });
    is said($nginx, "/mset?k=$key&l=${key}new"), 'ok OK', 'TRYAGAIN: done once both are there';
    cmp_ok errors($source, 'TRYAGAIN'), '>', $before, 'TRYAGAIN: was said';
    end_process($mover, 5, 'TERM');
    $cluster->end_move($slot, $source, $nodes[2]);
    is said($nginx, "/incr?k=$key"), 'ok 2', 'moved';
    ends_well($nginx, 'moving', events => []);
    unlike $nginx->log_text, qr/open-sesame/, 'no password in the log';

    # Any seed will do; wrong passwords will not.
    my $port = free_port();
    $nginx = nginx("redis+cluster://127.0.0.1:$port," . $nodes[1]->address . ' password=open-sesame timeout=2s');
    is said($nginx, "/incr?k=$key"), 'ok 3', 'a seed that is down is passed over';
    ends_well($nginx, 'a seed that is down', events => []);
    $nodes[0]->suspend;
    $nginx = nginx('redis+cluster://' . join(',', map { $_->address } @nodes) . ' password=open-sesame timeout=5s connect_timeout=1s');
    like said($nginx, '/incr?k=' . key_of_others($cluster, $nodes[1])), qr/^ok /, 'a seed that hangs is passed over';
    $nodes[0]->resume;
    is $nginx->stop('QUIT'), undef, 'a seed that hangs: quits';
    $nginx = nginx($cluster->url . ' password=wrong');
    ok wait_for(sub { redis_events($nginx) }), 'wrong password: seen';
    is said($nginx, '/incr?k=x'), 'unavailable ', 'wrong password: unavailable';
    is((events_of($nginx, qr/^redis_/))[0]{event}{reason}, 'AUTH was refused by a node of the cluster', 'wrong password: the reason');
    ends_well($nginx, 'wrong password', events => ['redis_unavailable']);
}

# Asked of a node that answers.
sub key_of_others {
    my ($cluster, $node) = @_;
    for my $n (1 .. 1000) {
        my $slot = $node->run('CLUSTER', 'KEYSLOT', "guard:{o$n}");
        return "{o$n}" if $cluster->master_of_slot($slot, $node) == $node;
    }
    die "no key\n";
}

# A user that may do little else.
{
    my $cluster = start_cluster(config => ['user app on >open-sesame ~guard:* +incr +set +ping +client|setname +cluster|slots +asking']);
    my @nodes = $cluster->nodes;
    my $nginx = nginx($cluster->url . ' username=app password=open-sesame timeout=2s');
    my @keys = map { key_of($cluster, $_) } @nodes;
    is_deeply [map { said($nginx, "/incr?k=$_") } @keys], [('ok 1') x 3], 'an ACL user: on every node';
    my $slot = $cluster->slot_of("guard:$keys[0]");
    $cluster->begin_move($slot, $nodes[1]);
    is said($nginx, "/incr?k=$keys[0]new"), 'ok 1', 'an ACL user: ASK';
    ends_well($nginx, 'an ACL user', events => []);
    $nodes[0]->run('CLUSTER', 'SETSLOT', $slot, 'STABLE');

    # All are down when nginx starts, and come.
    $_->kill for @nodes;
    $nginx = nginx($cluster->url);
    ok wait_for(sub { redis_events($nginx) }), 'no node at the start: seen';
    my ($what, $time) = ask($nginx, '/incr?k=x');
    is $what, 'unavailable ', 'no node at the start: unavailable';
    cmp_ok $time, '<', scaled(500), 'no node at the start: at once, not at the end of its timeout';
    $_->start for @nodes;
    $cluster->wait_for_state('ok');
    ok wait_for(sub { said($nginx, '/incr?k=x') =~ /^ok/ }, 5), 'no node at the start: found when they come';
    ok wait_for(sub { 2 == redis_events($nginx) }), 'no node at the start: told when all have come';
    ends_well($nginx, 'no node at the start', events => [@outage]);
}

# A master is lost, and its replica takes over.
{
    my $cluster = start_cluster(replicas => 1, node_timeout => 1, config => ['cluster-require-full-coverage no']);
    my ($lost, $other) = $cluster->masters;
    my $nginx = nginx($cluster->url . ' timeout=2s');
    my ($key, $other_key) = map { key_of($cluster, $_) } $lost, $other;
    my $slot = $cluster->slot_of("guard:$key");
    is said($nginx, "/incr?k=$key"), 'ok 1', 'failover: before';
    $lost->run('WAIT', 1, 1000);
    $lost->kill;
    my ($slowest, $failed, $others_failed) = (0, 0, 0);
    ok wait_for(sub {
        ++$others_failed if said($nginx, "/incr?k=$other_key") !~ /^ok/;
        my ($what, $time) = ask($nginx, "/incr?k=$key");
        $slowest = $time if $time > $slowest;
        ++$failed if $what !~ /^ok/;
        return $what eq 'ok 2';
    }, 30), 'failover: the replica is found, and has what was counted';
    cmp_ok $failed, '>', 0, 'failover: for a while there was nobody';
    is $others_failed, 0, 'failover: the other slots do not notice';
    cmp_ok $slowest, '<', scaled(1500), 'failover: whose master is lost fails at once';
    my $new = $cluster->master_of_slot($slot, $other);

    # In good order, with the one that has come back: not one command fails.
    $lost->start;
    $cluster->wait_for_state('ok');
    wait_for(sub { $cluster->replicas_of($new) }, 30) or die "no replica\n";
    $lost->wait_for_sync;
    my $patient = nginx($cluster->url . ' timeout=30s');
    my $load = start_load($patient, "/incr?k=$key", clients => 2);
    is $cluster->failover($new)->port, $lost->port, 'failover in good order';
    is errors($new, 'CLUSTERDOWN'), 0, 'failover in good order: always somebody';
    my $result = $load->finish;
    # The master keeps its clients waiting for up to five seconds, which some of them may not have waited for.
    my ($count) = said($patient, "/incr?k=$key") =~ /^ok (\d+)\z/;
    cmp_ok $count, '>=', 3 + $result->{codes}{200}, 'failover in good order: nothing was lost';
    cmp_ok $count, '<=', 3 + $result->{total}, 'failover in good order: nothing was counted twice';
    ends_well($patient, 'failover in good order', events => []);
    ok wait_for(sub { said($nginx, "/incr?k=$key") =~ /^ok/ }, 5), 'failover in good order: others follow, too';
    ok wait_for(sub { ours($new) == 0 }, 10), 'the connection to who has no slots any more is closed';
    is ours($_), 1, 'one to each of the others' for $cluster->masters;
    is_deeply [map { $_->{event}{reason} =~ s/(?<=\d: ).*//r } events_of($nginx, qr/^redis_/)],
        ['node ' . $lost->address . ': ', 'the slots of ' . $lost->address . ' are served'], 'failover: which master it was';
    ends_well($nginx, 'failover', events => [@outage]);
}

# One is lost for good: the cluster is down, or just those slots are.
for my $covered ('yes', 'no') {
    my $cluster = start_cluster(node_timeout => 1, config => ["cluster-require-full-coverage $covered"]);
    my ($lost, $other) = $cluster->masters;
    my ($key, $other_key) = map { key_of($cluster, $_) } $lost, $other;
    my $nginx = nginx($cluster->url . ' timeout=2s');
    is said($nginx, "/incr?k=$_"), 'ok 1', "coverage $covered: before" for $key, $other_key;
    $lost->kill;
    wait_for(sub { $other->run('CLUSTER', 'INFO') =~ /cluster_slots_fail:[1-9]/ }, 20) or die "not lost\n";
    wait_for(sub { $other->run('CLUSTER', 'INFO') =~ /cluster_state:fail/ }, 20) if $covered eq 'yes';
    my ($what, $time) = ask($nginx, "/incr?k=$key");
    is $what, 'unavailable ', "coverage $covered: what is lost";
    cmp_ok $time, '<', scaled(1500), "coverage $covered: is so at once";
    if ($covered eq 'yes') {
        my @said = map { said($nginx, "/incr?k=$other_key") } 1 .. 4;
        is_deeply [grep { !/^error CLUSTERDOWN The cluster is down|^unavailable/ } @said], [], 'coverage yes: the others are down, too';
        my $none = sub { my @what = map { said($nginx, "/incr?k=" . key_of($cluster, $_)) } ($cluster->running)[0, 1]; !grep { $_ ne 'unavailable ' } @what };
        ok wait_for($none), 'coverage yes: then nobody is asked any more';
    }
    else {
        is_deeply [map { said($nginx, "/incr?k=$other_key") } 2 .. 9], [map { "ok $_" } 2 .. 9], 'coverage no: the others are there';
    }
    is_deeply [map { $_->{event}{reason} =~ s/(?<=\d: ).*//r } events_of($nginx, qr/^redis_/)], ['node ' . $lost->address . ': '], "coverage $covered: which it was, once";
    $lost->start;
    $cluster->wait_for_state('ok');
    ok wait_for(sub { 2 == grep { said($nginx, "/incr?k=$_") =~ /^ok/ } $key, $other_key }, 10), "coverage $covered: comes back by itself";
    ok wait_for(sub { 2 == redis_events($nginx) }), "coverage $covered: and so is its end";
    ends_well($nginx, "coverage $covered", events => [@outage]);
}

# A master that is lost is taken out of the cluster, and nobody gets its slots: that is no end of the outage.
{
    my $cluster = start_cluster(node_timeout => 1, config => ['cluster-require-full-coverage no']);
    my ($first, $lost, $third) = $cluster->masters;
    my ($key, $other_key) = map { key_of($cluster, $_) } $lost, $first;
    my $id    = $lost->run('CLUSTER', 'MYID');
    my ($gap) = grep { $_->[2][1] == $lost->port } @{ $first->run('CLUSTER', 'SLOTS') };
    my $nginx = nginx($cluster->url . ' timeout=2s');
    is said($nginx, "/incr?k=$_"), 'ok 1', 'nobody: before' for $key, $other_key;
    $lost->kill;
    ok wait_for(sub { said($nginx, "/incr?k=$key"); redis_events($nginx) }, 10), 'nobody: one is lost';
    $_->run('CLUSTER', 'FORGET', $id) for $first, $third;
    my $asked = sub { my $all = 0; $all += $_->calls('cluster|slots') for $first, $third; return $all };
    my $before = $asked->();
    ok wait_for(sub { $asked->() > $before + 2 }, 10), 'nobody: the map is asked for until somebody has them';
    is said($nginx, "/incr?k=$key"), 'unavailable ', 'nobody: has them';
    is said($nginx, "/incr?k=$other_key"), 'ok 2', 'nobody: the others go on';
    is_deeply [redis_events($nginx)], ['redis_unavailable'], 'nobody: it is not over';

    my $late = nginx($cluster->url . ' timeout=2s');
    ok wait_for(sub { redis_events($late) }, 5), 'nobody: from the start';
    is((events_of($late, qr/^redis_/))[0]{event}{reason}, "nobody has slot $gap->[0]", 'nobody: which slot it is');

    $third->run('CLUSTER', 'ADDSLOTSRANGE', @$gap[0, 1]);
    for my $one ($nginx, $late) {
        ok wait_for(sub { 2 == redis_events($one) }, 10), 'nobody: somebody has them';
        ok wait_for(sub { said($one, "/incr?k=$key") =~ /^ok/ }, 5), 'nobody: and answers';
        ends_well($one, 'nobody', events => [@outage]);
    }
}

# What nodes are called.
{
    my $files = authority();
    my $cluster = start_cluster(tls => 1);
    my $tls = "tls_ca=$files->{ca} timeout=2s connect_timeout=2s";
    my @keys = map { key_of($cluster, $_) } $cluster->nodes;
    for my $more ('', ' tls_name=redis.example') {
        my $nginx = nginx($cluster->url . " $tls$more");
        is_deeply [grep { !/^ok/ } map { said($nginx, "/incr?k=$_") } @keys], [], "TLS$more: every node";
        ends_well($nginx, "TLS$more", events => []);
    }
    my $nginx = nginx($cluster->url . " $tls tls_name=other.example");
    ok wait_for(sub { redis_events($nginx) }), 'TLS, another name: refused';
    is((events_of($nginx, qr/^redis_/))[0]{event}{reason}, 'the certificate of the server is for another name', 'TLS, another name: the reason');
    ends_well($nginx, 'TLS, another name', events => ['redis_unavailable']);

    # By name; nothing is asked of a resolver, since the cluster tells the addresses, too.
    $_->run('CONFIG', 'SET', 'cluster-announce-hostname', 'redis.example', 'cluster-preferred-endpoint-type', 'hostname') for $cluster->nodes;
    my ($first) = $cluster->nodes;
    wait_for(sub { 3 == grep { $_->[2][0] eq 'redis.example' } @{ $first->run('CLUSTER', 'SLOTS') } }) or die "no names\n";
    $nginx = nginx('rediss+cluster://' . $first->address . " $tls");
    is_deeply [grep { !/^ok/ } map { said($nginx, "/incr?k=$_") } @keys], [], 'names: every node';
    ends_well($nginx, 'names', events => []);
    $_->run('CONFIG', 'SET', 'cluster-announce-hostname', 'other.example') for $cluster->nodes;
    wait_for(sub { 3 == grep { $_->[2][0] eq 'other.example' } @{ $first->run('CLUSTER', 'SLOTS') } }) or die "no names\n";
    $nginx = nginx('rediss+cluster://' . $first->address . " $tls");
    ok wait_for(sub { redis_events($nginx) }), 'names of which there is no certificate: refused';
    ends_well($nginx, 'names of which there is no certificate', events => ['redis_unavailable']);

    # Nodes that do not know what they are called are where the seed is.
    $_->run('CONFIG', 'SET', 'cluster-preferred-endpoint-type', 'unknown-endpoint') for $cluster->nodes;
    $nginx = nginx('rediss+cluster://localhost:' . $first->port . " $tls");
    is_deeply [grep { !/^ok/ } map { said($nginx, "/incr?k=$_") } @keys], [], 'unknown names: every node';
    $cluster->move_slot($cluster->slot_of("guard:$keys[0]"), ($cluster->nodes)[1]);
    like said($nginx, "/incr?k=$keys[0]"), qr/^ok /, 'unknown names: MOVED';
    ends_well($nginx, 'unknown names', events => []);
}

done_testing;
