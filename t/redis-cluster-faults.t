# What nodes of a cluster may say that is of no use, or meant to harm: nobody waits longer than timeout=, and
# neither connections nor questions grow without bound.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking ask said);
use Time::HiRes qw(time);

needs_test_build();

sub nginx {
    my ($words, @more) = @_;
    return start_asking($words, { '/incr' => '"send=INCR guard:n"', '/many' => '"send=INCR guard:#" times=500' }, @more);
}

sub bulk { my ($text) = @_; return '$' . length($text) . "\r\n$text\r\n" }

# Nodes (host, port)... that have as many slots each.
sub map_of {
    my @nodes = @_;
    my $n     = @nodes;
    return "*$n\r\n" . join '', map {
        my ($from, $to) = (int 16384 * $_ / $n, int(16384 * ($_ + 1) / $n) - 1);
        "*3\r\n:$from\r\n:$to\r\n*4\r\n" . bulk($nodes[$_][0]) . ":$nodes[$_][1]\r\n" . bulk('id') . "*0\r\n"
    } 0 .. $n - 1;
}

# A node that answers commands with what SAYS returns, and CLUSTER SLOTS with MAP, or a map of itself alone.
sub start_node {
    my ($says, %word) = @_;
    my $port = $word{port} // free_port();
    return start_fake_redis(
        port   => $port,
        answer => sub {
            my ($words) = @_;
            return $word{map} // map_of(['127.0.0.1', $port]) if $words->[0] eq 'CLUSTER';
            return $words->[0] =~ /^(?:INCR|ASKING)$/ ? $says->($port, $words) : undef;
        }
    );
}

sub url { return 'redis+cluster://' . join ',', map { $_->address } @_ }

sub quick {
    my ($nginx, $name, $what, $limit) = @_;
    my ($said, $time) = ask($nginx);
    like $said, $what, $name;
    cmp_ok $time, '<', scaled($limit // 150), "$name: at once";
    return;
}

# Those that never say where a key is.
{
    my $node  = start_node(sub { return "-MOVED 1 127.0.0.1:$_[0]\r\n" });
    my $nginx = nginx(url($node) . ' timeout=5s');
    # What is said first on a connection is said then.
    ask($nginx);
    my $before = $node->commands;
    quick($nginx, 'MOVED to itself', qr/^error MOVED 1 /, 1500);
    # Six times that command, and perhaps CLUSTER SLOTS.
    cmp_ok $node->commands - $before, '<=', 8, 'MOVED to itself: a bounded number of times';
    ends_well($nginx, 'MOVED to itself', events => []);

    my ($one, $other) = (free_port(), free_port());
    my @pair = map { my ($own, $next) = @$_; start_node(sub { return "-ASK 1 127.0.0.1:$next\r\n" }, port => $own) } [$one, $other], [$other, $one];
    $nginx = nginx(url(@pair) . ' timeout=5s');
    ask($nginx);
    # The fake's small packets wait for each other.
    my ($said, $time) = ask($nginx);
    like $said, qr/^error ASK 1 /, 'ASK to and fro: ends';
    cmp_ok $time, '<', scaled(2500), 'ASK to and fro: soon';
    cmp_ok $pair[0]->commands + $pair[1]->commands, '<', 40, 'ASK to and fro: a bounded number of times';
    ends_well($nginx, 'ASK to and fro', events => []);
}

{
    my $nobody = free_port();
    my $node   = start_node(sub { return "-MOVED 1 127.0.0.1:$nobody\r\n" });
    my $nginx  = nginx(url($node) . ' timeout=2s');
    quick($nginx, 'MOVED to nowhere', qr/^unavailable /, 1500) for 1 .. 3;
    ends_well($nginx, 'MOVED to nowhere', events => []);
}

for my $case (
    ['a MOVED that makes no sense', "-MOVED 99999 127.0.0.1:1\r\n"],
    ['a MOVED to who has no name',  "-MOVED 1 ?:7000\r\n"],
    ['a MOVED to a file',           "-MOVED 1 unix:/etc/passwd:1\r\n"],
    ['an ASK without a port',       "-ASK 1 127.0.0.1\r\n"],
    ['TRYAGAIN for ever',           "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"]
) {
    my ($name, $reply) = @$case;
    my $node  = start_node(sub { return $reply });
    my $nginx = nginx(url($node) . ' timeout=1s connect_timeout=5s');
    my ($said, $time) = ask($nginx);
    # The last of many attempts may be under way.
    like $said, qr/^(?:unavailable|timeout) \z/, "$name: ends";
    cmp_ok $time, '<', scaled(2000), "$name: within timeout=";
    cmp_ok $node->commands, '<', scaled(150), "$name: asked again with pauses";
    ends_well($nginx, $name, events => []);
}

# Each time somewhere else: connections are bounded, and so are questions.
{
    my $port = 1;
    my $node = start_node(sub { $port = $port % 60_000 + 1; return "-MOVED $port 127.0.0.2:$port\r\n" if $port < 16384; return "-ASK 1 127.0.0.2:$port\r\n" });
    my $nginx = nginx(url($node) . ' timeout=500ms', connections => 64);
    my ($said, $time) = ask($nginx, '/many');
    like $said, qr/^(?:unavailable|timeout) /, 'a wild goose chase: ends';
    cmp_ok $time, '<', scaled(2000), 'a wild goose chase: within timeout=';
    my $begin = time;
    ask($nginx) for 1 .. 50;
    cmp_ok $node->connections, '<', 20 + 2 * (time - $begin), 'a wild goose chase: bounded questions';
    unlike $nginx->log_text, qr/worker_connections are not enough/, 'a wild goose chase: bounded connections';
    is $nginx->stop('QUIT'), undef, 'a wild goose chase: quits at once';
    is_deeply [log_problems($nginx)], [], 'a wild goose chase: log';
}

# Everybody is sent on all the time: the map is asked for at most once a second or so.
{
    my $node;
    my $real = start_redis();
    my $port = free_port();
    $node = start_fake_redis(
        port   => $port,
        answer => sub {
            my ($words) = @_;
            return map_of(['127.0.0.1', $port]) if $words->[0] eq 'CLUSTER';
            return $words->[0] eq 'INCR' ? "-CLUSTERDOWN Hash slot not served\r\n" : undef;
        }
    );
    my $nginx = nginx(url($node) . ' timeout=2s');
    is(said($nginx), 'error CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN: told at once');
    my $begin = time;
    my $load  = start_load($nginx, '/incr', clients => 4);
    wait_for(sub { time - $begin >= 3 });
    my $result = $load->finish;
    my $took   = time - $begin;
    cmp_ok $result->{total}, '>', 50, 'CLUSTERDOWN: for many';
    # One connection for the commands, one for each question: pauses of 50 ms to a second.
    cmp_ok $node->connections, '<=', 2 + 6 + $took * 2, 'CLUSTERDOWN: no storm of questions';
    cmp_ok $node->connections, '>=', 3, 'CLUSTERDOWN: but some';
    ends_well($nginx, 'CLUSTERDOWN', events => []);
}

# Maps
for my $case (
    ['not even a reason', "-\r\n",                         qr/^an error without a reason\z/],
    ['not a cluster',     "-ERR This instance has cluster support disabled\r\n", qr/^ERR This instance has cluster support disabled\z/],
    ['no slots',          "*0\r\n",                          qr/^the node knows of nobody who has slots\z/],
    ['no map',            "+OK\r\n",                         qr/^the node does not tell who has which slots\z/],
    ['nonsense',          "*1\r\n*3\r\n:1\r\n:0\r\n:5\r\n",  qr/^what the node tells of slots makes no sense\z/],
    ['too many masters',  map_of(map { ['127.0.0.1', $_] } 1000 .. 1300), qr/^the cluster has more than 256 masters\z/],
    ['no end',            "*2000000000\r\n",                 qr/^what came is no reply of a node of the cluster\z/],
    ['no protocol',       "HTTP/1.1 400 Bad Request\r\n\r\n", qr/^what came is no reply of a node of the cluster\z/]
) {
    my ($name, $map, $why) = @$case;
    my $node  = start_node(sub { return ":1\r\n" }, map => $map);
    my $nginx = nginx(url($node));
    ok wait_for(sub { redis_events($nginx) }, 5), "$name: seen";
    quick($nginx, $name, qr/^unavailable /);
    like((events_of($nginx, qr/^redis_/))[0]{event}{reason}, $why, "$name: the reason");
    ends_well($nginx, $name, events => ['redis_unavailable']);
}

# The largest map that makes sense: two masters with every other slot each, and two replicas of either.
{
    my @ports = map { free_port() } 1 .. 2;
    my $told  = sub { my ($port) = @_; return "*4\r\n" . bulk('127.0.0.1') . ":$port\r\n" . bulk('0' x 40) . "*2\r\n" . bulk('hostname') . bulk('x' x 60) };
    my $map   = "*16384\r\n" . join '', map { "*5\r\n:$_\r\n:$_\r\n" . $told->($ports[$_ % 2]) . $told->(1) x 2 } 0 .. 16383;
    my @nodes = map { start_node(sub { return ":7\r\n" }, map => $map, port => $_) } @ports;
    my $nginx = nginx(url(@nodes) . ' timeout=5s connect_timeout=5s');
    is(said($nginx), 'ok 7', 'every slot by itself: found');
    ends_well($nginx, 'every slot by itself', events => []);
}

# One seed talks nonsense, or not at all: the other is asked.
{
    my $good = start_node(sub { return ":7\r\n" });
    for my $map ("*0\r\n", '') {
        my $bad   = start_node(sub { return ":1\r\n" }, map => $map);
        my $nginx = nginx(url($bad, $good) . ' timeout=5s connect_timeout=300ms');
        is(said($nginx), 'ok 7', 'the next one is asked');
        ends_well($nginx, 'the next one', events => []);
    }
}

# 200 masters that are nowhere, and then others, and others again.
{
    my $round = 0;
    my $port  = free_port();
    my $node  = start_fake_redis(
        port   => $port,
        answer => sub {
            my ($words) = @_;
            return undef if $words->[0] ne 'CLUSTER';
            ++$round;
            return map_of(map { ["127.0.$round.$_", 1] } 1 .. 200);
        }
    );
    my $nginx = nginx("redis+cluster://127.0.0.1:$port timeout=100ms", connections => 1024);
    ok wait_for(sub { redis_events($nginx) }, 10), 'ever other masters: seen';
    my $asked = $node->connections;
    ok wait_for(sub { $node->connections > $asked + 3 }, 20), 'ever other masters: asked again';
    my ($said, $time) = ask($nginx);
    like $said, qr/^unavailable /, 'ever other masters: unavailable';
    is $nginx->stop('QUIT'), undef, 'ever other masters: quits at once';
    is_deeply [log_problems($nginx)], [], 'ever other masters: log';
}

done_testing;
