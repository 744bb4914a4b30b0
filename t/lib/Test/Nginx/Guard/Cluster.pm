package Test::Nginx::Guard::Cluster;

# A real Redis Cluster on loopback: masters that share the slots evenly, each with or without a replica.

use strict;
use warnings;

use Test::Nginx::Guard::Port qw(free_port);
use Test::Nginx::Guard::Redis;
use Test::Nginx::Guard::Wait qw(wait_for wait_within scaled);

use constant SLOTS => 16384;

# Words: masters (3), replicas (0: of each master), node_timeout (seconds: 2), password, tls, config (more
# lines for the nodes).
sub new {
    my ($class, %word) = @_;
    my $self = bless { masters => 3, replicas => 0, node_timeout => 2, %word }, $class;
    my $count = $self->{masters} * (1 + $self->{replicas});
    my @words = map { $_ => $self->{$_} } grep { defined $self->{$_} } qw(password tls);
    my @config = (
        'cluster-enabled yes', 'cluster-config-file nodes.conf', 'cluster-replica-validity-factor 0',
        'cluster-node-timeout ' . int scaled($self->{node_timeout}) * 1000,
        $self->{tls} ? 'tls-cluster yes' : ()
    );
    for (1 .. $count) {
        my $bus = free_port();
        my $node = Test::Nginx::Guard::Redis->new(
            @words,
            bus    => $bus,
            config => [@config, "cluster-port $bus", @{ $self->{config} // [] }]
        );
        push @{ $self->{nodes} }, $node;
    }
    my ($first, @others) = $self->nodes;
    my $number = 0;
    $_->run('CLUSTER', 'SET-CONFIG-EPOCH', ++$number) for $self->nodes;
    $first->run('CLUSTER', 'MEET', '127.0.0.1', $_->port, $_->{bus}) for @others;
    for my $i (0 .. $self->{masters} - 1) {
        my ($from, $to) = map { int SLOTS * $_ / $self->{masters} } $i, $i + 1;
        $self->{nodes}[$i]->run('CLUSTER', 'ADDSLOTSRANGE', $from, $to - 1);
    }
    $self->wait_for_state('ok', nodes => $count);
    for my $i ($self->{masters} .. $count - 1) {
        my ($master, $replica) = @{ $self->{nodes} }[$i % $self->{masters}, $i];
        $replica->run('CLUSTER', 'REPLICATE', $master->run('CLUSTER', 'MYID'));
    }
    $_->wait_for_sync for @{ $self->{nodes} }[$self->{masters} .. $count - 1];
    # All must know of all replicas: those that have the votes, and the answers to CLUSTER SLOTS.
    wait_for(sub { !grep { my $node = $_; grep { @$_ != 3 + $self->{replicas} } @{ $node->run('CLUSTER', 'SLOTS') } } $self->nodes }, 20)
        or die "the replicas of the cluster are not known\n";
    return $self;
}

sub nodes   { return @{ $_[0]{nodes} } }
sub running { return grep { $_->pid } $_[0]->nodes }

sub url {
    my ($self) = @_;
    return ($self->{tls} ? 'rediss' : 'redis') . '+cluster://' . join ',', map { $_->address } $self->nodes;
}

# Until all that run say that the cluster's state is STATE ("ok" or "fail"), and know of NODES nodes.
sub wait_for_state {
    my ($self, $state, %word) = @_;
    wait_for(
        sub {
            for my $node ($self->running) {
                my %info = map { /^(\w+):(.*)$/ ? ($1 => $2) : () } split /\r\n/, $node->run('CLUSTER', 'INFO');
                return if $info{cluster_state} ne $state;
                return if defined $word{nodes} && $info{cluster_known_nodes} != $word{nodes};
            }
            return 1;
        },
        30
    ) or die "the cluster does not become $state: " . join("\n", map { $_->log_text } $self->nodes) . "\n";
    return;
}

sub slot_of { my ($self, $key) = @_; return (($self->running)[0])->run('CLUSTER', 'KEYSLOT', $key) }

# The node that has SLOT, as NODE sees it; without NODE as it sees itself, since others may believe the one before
# for a while when a slot has moved.
sub master_of_slot {
    my ($self, $slot, $node) = @_;
    if (!$node) {
        my @running = $self->running;
        for my $one (@running) {
            my $found = $self->master_of_slot($slot, $one);
            return $found if $found && $found == $one;
        }
        $node = $running[0];
    }
    for my $range (@{ $node->run('CLUSTER', 'SLOTS') }) {
        my ($from, $to, $master) = @$range;
        next if $slot < $from || $slot > $to;
        my ($found) = grep { $_->port == $master->[1] } $self->nodes;
        return $found;
    }
    return;
}

sub master_of { my ($self, $key) = @_; return $self->master_of_slot($self->slot_of($key)) }

sub replicas_of {
    my ($self, $master) = @_;
    my $port = $master->port;
    return grep {
        my $role = $_->run('ROLE');
        $role->[0] eq 'slave' && $role->[2] == $port
    } $self->running;
}

# The masters that run and have slots.
sub masters {
    my ($self) = @_;
    my %port = map { $_->[2][1] => 1 } @{ ($self->running)[0]->run('CLUSTER', 'SLOTS') };
    return grep { $port{ $_->port } } $self->running;
}

# Runs a command whose first argument is a key where that key lives.
sub run {
    my ($self, @words) = @_;
    return $self->master_of($words[1])->run(@words);
}

# Moves SLOT to the node TARGET in three steps, between which clients meet ASK and TRYAGAIN:
# begin_move() opens it, move_keys() takes COUNT keys (all), end_move() tells everybody.
sub begin_move {
    my ($self, $slot, $target) = @_;
    my $source = $self->master_of_slot($slot);
    $target->run('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $source->run('CLUSTER', 'MYID'));
    $source->run('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $target->run('CLUSTER', 'MYID'));
    return $source;
}

# Returns how many were moved.
sub move_keys {
    my ($self, $slot, $source, $target, $count) = @_;
    my $moved = 0;
    while (!defined $count || $moved < $count) {
        my @keys = @{ $source->run('CLUSTER', 'GETKEYSINSLOT', $slot, defined $count ? $count - $moved : 100) } or last;
        $source->run('MIGRATE', '127.0.0.1', $target->port, '', 0, 5000, 'AUTH2', 'harness', 'any', 'KEYS', @keys);
        $moved += @keys;
    }
    return $moved;
}

sub end_move {
    my ($self, $slot, $source, $target) = @_;
    my $id = $target->run('CLUSTER', 'MYID');
    # The target first, so that there is no moment without an owner.
    my %first = ($target => 0, $source => 1);
    $_->run('CLUSTER', 'SETSLOT', $slot, 'NODE', $id)
        for sort { ($first{$a} // 2) <=> ($first{$b} // 2) } $self->masters;
    return;
}

# Moves SLOT with all its keys.
sub move_slot {
    my ($self, $slot, $target) = @_;
    my $source = $self->begin_move($slot, $target);
    $self->move_keys($slot, $source, $target);
    $self->end_move($slot, $source, $target);
    return;
}

# Until a node other than OLD has SLOT, in the eyes of all that run; returns it.
sub wait_for_other_master {
    my ($self, $slot, $old) = @_;
    return wait_for(
        sub {
            my ($one, @more) = map { $self->master_of_slot($slot, $_) // $old } $self->running;
            return if $one == $old || grep { $_ != $one } @more;
            return $one;
        },
        30
    ) // die "there is no failover: " . join("\n", map { $_->log_text } $self->nodes) . "\n";
}

# The replica takes over in good order (CLUSTER FAILOVER); returns it.
sub failover {
    my ($self, $master) = @_;
    my ($replica) = $self->replicas_of($master);
    my ($slot) = map { $_->[0] } grep { $_->[2][1] == $master->port } @{ $master->run('CLUSTER', 'SLOTS') };
    # One that takes longer than five seconds is given up.
    for (1 .. 5) {
        eval { $replica->run('CLUSTER', 'FAILOVER') };
        last if wait_within(scaled(6), sub { $replica->is_master });
    }
    return $self->wait_for_other_master($slot, $master);
}

1;
