# A Redis that is called by a name: which addresses are tried, in what order, and what a resolver changes.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Dns;
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking said);

needs_test_build();

my $redis = start_redis();
my $port  = $redis->port;

# Nothing listens on Redis's port of these.
my @nobody = map { "127.0.0.1$_" } 1 .. 7;

sub nginx {
    my ($dns) = @_;
    return start_asking(
        "redis://redis.invalid:$port timeout=2s",
        { '/' => '"send=PING"' },
        before => "resolver @{[$dns->address]} valid=1s ipv6=off;"
    );
}

# What became of the command, WANTED if that comes in time.
sub ask {
    my ($nginx, $wanted) = @_;
    my $what;
    wait_for(sub { $what = said($nginx, '/'); return $what eq $wanted });
    return $what;
}

sub kinds {
    my ($nginx) = @_;
    return [map { $_->{labels}{kind} . ': ' . ($_->{event}{reason} // '') } events_of($nginx, qr/^redis/)];
}

# One address of eight is right. nginx begins anywhere among them.
{
    my $dns   = Test::Nginx::Guard::Dns->new('redis.invalid' => [@nobody, '127.0.0.1']);
    my $nginx = nginx($dns);
    is ask($nginx, 'ok PONG'), 'ok PONG', 'one of eight';
    for my $round (1 .. 4) {
        my $had = $redis->clients->[0]{id};
        $redis->run('CLIENT', 'KILL', 'ID', $had);
        ok wait_for(sub { my $client = $redis->clients->[0]; $client && $client->{id} != $had && $client->{name} eq 'guard-main' }),
            "one of eight: another connection, $round";
        is ask($nginx, 'ok PONG'), 'ok PONG', "one of eight: works, $round";
    }
    is $nginx->stop('QUIT'), undef, 'one of eight: stops';
    is_deeply kinds($nginx), [], 'one of eight: it has never been away';
    is_deeply [log_problems($nginx)], [], 'one of eight: log';
}

# None of them is: that is said once, and a name that gets another address is seen.
{
    my $dns   = Test::Nginx::Guard::Dns->new('redis.invalid' => \@nobody);
    my $nginx = nginx($dns);
    is ask($nginx, 'unavailable '), 'unavailable ', 'moves: nobody is there';
    $dns->set('redis.invalid' => ['127.0.0.1']);
    is ask($nginx, 'ok PONG'), 'ok PONG', 'moves: found';
    is $nginx->stop('QUIT'), undef, 'moves: stops';
    is_deeply kinds($nginx), ['redis_unavailable: connect() failed (111: Connection refused)', 'redis_recovered: '], 'moves: events';
    is_deeply [log_problems($nginx)], [], 'moves: log';
}

# The name does not exist, and then it does.
{
    my $dns   = Test::Nginx::Guard::Dns->new;
    my $nginx = nginx($dns);
    is ask($nginx, 'unavailable '), 'unavailable ', 'no name: unavailable';
    $dns->set('redis.invalid' => ['127.0.0.1']);
    is ask($nginx, 'ok PONG'), 'ok PONG', 'no name: it is there now';
    is $nginx->stop('QUIT'), undef, 'no name: stops';
    is_deeply kinds($nginx), ['redis_unavailable: Host not found', 'redis_recovered: '], 'no name: events';
    is_deeply [log_problems($nginx)], [], 'no name: log';
    ok scalar(grep { $_ eq 'redis.invalid' } @{ $dns->asked }) >= 2, 'no name: asked for with each connection';
}

# The name server says nothing: what the name was when the configuration was read is tried soon.
{
    my $dns   = Test::Nginx::Guard::Dns->silent;
    my $nginx = start_asking("redis://localhost:$port", { '/' => '"send=PING"' }, before => "resolver @{[$dns->address]} ipv6=off;");
    is ask($nginx, 'ok PONG'), 'ok PONG', 'silence: by what was known';
    is $nginx->stop('QUIT'), undef, 'silence: stops';
    is_deeply kinds($nginx), [], 'silence: it has never been away';
    is_deeply [log_problems($nginx)], [], 'silence: log';
    ok $dns->was_asked, 'silence: the name server was asked';
}

# What a worker knows before it does anything else has its event as well.
for (['a name that nobody knows', "redis://redis.invalid:$port", 'its name is not known'],
    ['no socket', 'unix:/nonexistent/redis.sock', 'connect() to unix:/nonexistent/redis.sock failed (2: No such file or directory)']) {
    my ($what, $url, $why) = @$_;
    my $nginx = start_asking($url, { '/' => '"send=PING"' });
    is ask($nginx, 'unavailable '), 'unavailable ', "$what: unavailable";
    is $nginx->stop('QUIT'), undef, "$what: stops";
    is_deeply kinds($nginx), ["redis_unavailable: $why"], "$what: its event";
}

done_testing();
