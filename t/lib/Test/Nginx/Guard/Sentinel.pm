package Test::Nginx::Guard::Sentinel;

# One master with replicas, and sentinels that watch it: real ones, which know each other from the start.

use strict;
use warnings;

use Test::Nginx::Guard::Port qw(free_port);
use Test::Nginx::Guard::Redis;
use Test::Nginx::Guard::Wait qw(wait_for scaled);

# Words: name (mymaster), replicas (1), sentinels (3), down_after (seconds: 2, since sentinels by themselves do not
# take a machine that stood still for longer for a server that is down), password (of the servers),
# sentinel_password, tls (of all), config (more lines for the servers).
sub new {
    my ($class, %word) = @_;
    my $self = bless { name => 'mymaster', replicas => 1, sentinels => 3, down_after => 2, %word }, $class;
    my @words = map { $_ => $self->{$_} } grep { defined $self->{$_} } qw(password tls config);
    my $master = Test::Nginx::Guard::Redis->new(@words);
    my @replicas = map { Test::Nginx::Guard::Redis->new(@words, replica_of => $master) } 1 .. $self->{replicas};
    $self->{servers} = [$master, @replicas];

    my $name = $self->{name};
    my @peers = map { { port => free_port(), id => sprintf '%040x', $_ } } 1 .. $self->{sentinels};
    my $quorum = int(@peers / 2) + 1;
    for my $own (@peers) {
        my @config = (
            "sentinel myid $own->{id}",
            "sentinel monitor $name 127.0.0.1 " . $master->port . " $quorum",
            "sentinel down-after-milliseconds $name " . int scaled($self->{down_after}) * 1000,
            "sentinel failover-timeout $name 10000",
            (map { "sentinel known-replica $name 127.0.0.1 " . $_->port } @replicas),
            (map { "sentinel known-sentinel $name 127.0.0.1 $_->{port} $_->{id}" } grep { $_ != $own } @peers)
        );
        push @config, "sentinel auth-pass $name $self->{password}" if defined $self->{password};
        push @config, "sentinel sentinel-pass $self->{sentinel_password}" if defined $self->{sentinel_password};
        push @{ $self->{peers} }, Test::Nginx::Guard::Redis->new(
            sentinel => 1,
            port     => $own->{port},
            tls      => $self->{tls},
            password => $self->{sentinel_password},
            config   => \@config
        );
    }
    # By themselves they take ten seconds to look at a server again.
    $_->run('SENTINEL', 'DEBUG', 'info-period', 500, 'publish-period', 500) for $self->peers;
    $self->wait_until_agreed;
    return $self;
}

sub name    { return $_[0]{name} }
sub servers { return @{ $_[0]{servers} } }
sub peers   { return @{ $_[0]{peers} } }

sub url {
    my ($self) = @_;
    return ($self->{tls} ? 'rediss' : 'redis') . '+sentinel://' . join(',', map { $_->address } $self->peers) . "/$self->{name}";
}

# The sentinels that run.
sub awake { return grep { $_->pid } $_[0]->peers }

# The server that SENTINEL (the first that runs) takes for the master; undef if it is none of ours.
sub master {
    my ($self, $sentinel) = @_;
    $sentinel //= ($self->awake)[0] // return;
    my $answer = $sentinel->run('SENTINEL', 'get-master-addr-by-name', $self->{name}) // return;
    my ($server) = grep { $_->port == $answer->[1] } $self->servers;
    return $server;
}

sub replicas {
    my ($self) = @_;
    my $master = $self->master;
    return grep { $_ != $master } $self->servers;
}

# Until all sentinels see master and each other alive, and the replicas that run are in sync: only then a
# failover is possible.
sub wait_until_agreed {
    my ($self) = @_;
    my $running = grep { $_->pid } $self->servers;
    wait_for(
        sub {
            my %names;
            for my $sentinel ($self->awake) {
                my %master = @{ $sentinel->run('SENTINEL', 'MASTER', $self->{name}) };
                return if $master{flags} ne 'master' || $master{'num-other-sentinels'} != $self->peers - 1
                    || (eval { $sentinel->run('SENTINEL', 'CKQUORUM', $self->{name}) } // '') !~ /^OK/;    # its "no" is an error
                my @good = grep { my %one = @$_; $one{flags} eq 'slave' && $one{'master-link-status'} eq 'ok' }
                    @{ $sentinel->run('SENTINEL', 'REPLICAS', $self->{name}) };
                return if @good < $running - 1;
                ++$names{ $master{port} };
            }
            my $master = $self->master // return;
            return keys %names == 1 && $master->pid && $master->is_master;
        },
        30
    ) or die "the sentinels do not agree: " . join("\n", map { $_->log_text } $self->peers) . "\n";
    return;
}

# Until they agree on another master than OLD, which is then returned.
sub wait_for_other_master {
    my ($self, $old) = @_;
    return wait_for(
        sub {
            my $new = $self->master // return;
            return if $new == $old || grep { ($self->master($_) // $old) != $new } $self->awake;
            return $new->is_master && $new;
        },
        30
    ) // die "there is no failover: " . join("\n", map { $_->log_text } $self->peers) . "\n";
}

# Asks for a failover and returns the new master when all sentinels know it.
sub failover {
    my ($self) = @_;
    my $old = $self->master;
    # Refused for a moment while a sentinel still looks for a good replica.
    wait_for(sub { eval { ($self->awake)[0]->run('SENTINEL', 'FAILOVER', $self->{name}) } })
        or die "SENTINEL FAILOVER: $@\n";
    return $self->wait_for_other_master($old);
}

1;
