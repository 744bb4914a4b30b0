# What the Redis client does when Redis does not: nothing waits longer than timeout=, next to nothing
# while the breaker is open, it comes back by itself, and each outage is one event in either direction.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics);
use Test::Nginx::Guard::Process qw(is_alive);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking ask said);
use Test::Nginx::Guard::Wait qw(scaled);
use Time::HiRes qw(time);

needs_test_build();

sub nginx {
    my ($redis, @more) = @_;
    # What nobody says is 50 and 500 ms; the harness would say more.
    $redis .= ' timeout=50ms' unless $redis =~ / timeout=/;
    $redis .= ' connect_timeout=500ms' unless $redis =~ / connect_timeout=/;
    return start_asking($redis, { '/incr' => '"send=INCR guard:count"', '/stall' => '"send=INCR guard:count" stall=200ms' }, @more);
}

sub recovers {
    my ($nginx, $name) = @_;
    my $begin = time;
    my $ok    = wait_for(sub { said($nginx) =~ /^ok/ }, 5);
    my $took  = time - $begin;
    ok $ok, "$name: recovers";
    cmp_ok $took, '<', scaled(2), "$name: within two seconds";
    return;
}

sub is_over {
    my ($nginx, $name, @kinds) = @_;
    ends_well($nginx, $name, events => \@kinds);
    is scalar(() = $nginx->log_text =~ /guard_redis "main" is unavailable/g), (grep { /unavailable/ } @kinds) + 0, "$name: one line";
    return;
}

my @outage = qw(redis_unavailable redis_recovered);

# Real servers

for my $url (qw(url unix_url)) {
    my $redis = start_redis();
    my $nginx = nginx($redis->$url . ' timeout=1s');
    is said($nginx), 'ok 1', "$url: answers";
    $redis->kill;
    my ($what, $time) = ask($nginx);
    isnt $what, 'ok 2', "$url, killed: $what";
    cmp_ok $time, '<', scaled(1500), "$url, killed: soon";
    wait_for(sub { said($nginx) =~ /^unavailable/ }, 3);
    cmp_ok((ask($nginx))[1], '<', scaled(500), "$url, killed: then at once");
    $redis->start;
    recovers($nginx, "$url, killed");
    is_over($nginx, "$url, killed", @outage);
}

{
    my $redis = start_redis();
    my $nginx = nginx($redis->url . ' timeout=100ms');
    is said($nginx), 'ok 1', 'answers';
    $redis->suspend;
    my @all = map { [ask($nginx)] } 1 .. 8;
    # Where limits are stretched, five requests may take so long that the connection is seen to hang before.
    my $five = scaled(1) > 1 ? '{1,5}' : '{5}';
    like join('', map { $_->[0] } @all), qr/^(timeout )$five(unavailable ){3,}$/, 'stopped: five time out';
    cmp_ok $_->[1], '<', scaled($_->[0] eq 'timeout ' ? 750 : 200), "stopped: $_->[0]" for @all;
    $redis->resume;
    recovers($nginx, 'stopped');
    is_over($nginx, 'stopped', @outage);
}

# One that has as many clients as it takes says so to a new one, and closes.
{
    my $redis = start_redis();
    my $nginx = nginx($redis->url . ' timeout=1s');
    is said($nginx), 'ok 1', 'full: answers';
    $redis->run('CONFIG', 'SET', 'maxclients', 1);
    $redis->run('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    ok wait_for(sub { said($nginx); redis_events($nginx) }), 'full: seen';
    is((events_of($nginx, qr/^redis_/))[0]{event}{reason}, 'ERR max number of clients reached', 'full: the reason');
    $redis->run('CONFIG', 'SET', 'maxclients', 100);
    recovers($nginx, 'full');
    is_over($nginx, 'full', @outage);
}

# Requests whose work holds the worker up, one after the other, for longer than timeout= together with a Redis that takes a
# while: no command has waited long. Where workers accept in turn, nginx looks at its timers before it reads.
for my $case (['held up', 3], ['held up, accepting in turn', 8, workers => 2, main_config => 'events { worker_connections 64; accept_mutex on; }']) {
    my ($name, $clients, @more) = @$case;
    my $redis = start_redis();
    my $fake  = start_fake_redis(behind => $redis);
    my $nginx = nginx($fake->url . ' timeout=150ms', @more);
    is said($nginx), 'ok 1', "$name: answers";
    $fake->behave('delay 0.02');
    for my $round (1 .. 3) {
        my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n" } 1 .. $clients;
        syswrite $_, "GET /stall HTTP/1.0\r\nHost: localhost\r\n\r\n" for @sockets;
        my @became = map { join('', readline $_) =~ /^X-Redis: (\w+)/m ? $1 : 'nothing' } @sockets;
        is_deeply \@became, [('ok') x $clients], "$name: the time that the worker takes is not Redis's, round $round";
    }
    is_over($nginx, $name);
}

# One turn of the worker that takes longer than a server may be silent. The next turn begins with a request that came
# before the answer, or before the news that the connection was closed.
for my $case (['pass', 20], ['close', 1], ['reset', 1]) {
    my ($then, $answered) = @$case;
    my $name = "held up for long, then $then";
    my $fake    = start_fake_redis();
    # What is left of the turns may take longer than a new connection may.
    my $nginx   = nginx($fake->url . ' timeout=2s connect_timeout=30s');
    my $connect = sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n" };
    my $waits   = sub { return scalar(() = $nginx->log_text =~ /guard test waits/g) };
    is said($nginx), 'ok OK', "$name: answers";
    my @sockets = map { $connect->() } 1 .. 20;
    syswrite $_, 'GET /stall HTTP' for @sockets;
    is said($nginx), 'ok OK', "$name: all are accepted";
    my ($waited, $sent) = ($waits->(), $fake->commands);
    $fake->behave('hold');
    syswrite $sockets[0], "/1.0\r\nHost: localhost\r\n\r\n";
    wait_for(sub { $fake->commands > $sent });
    # The first few of these are a turn, the others are the next.
    syswrite $_, "/1.0\r\nHost: localhost\r\n\r\n" for @sockets[1 .. 18];
    wait_for(sub { $waits->() >= $waited + 8 });
    syswrite $sockets[19], "/1.0\r\nHost: localhost\r\n\r\n";
    $fake->behave($_) for $then, 'pass';
    my @became = map { join('', readline $_) =~ /^X-Redis: (\w+)/m ? $1 : 'nothing' } @sockets;
    is_deeply [@became[-$answered .. -1]], [('ok') x $answered], "$name: the time that the worker takes is not Redis's";
    is_over($nginx, $name);
}

# The same where the commands are those of the long turn, and the answers are not there when the next one begins.
{
    my $fake  = start_fake_redis();
    my $nginx = nginx($fake->url . ' timeout=1s');
    is said($nginx), 'ok OK', 'sent late: answers';
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n" } 1 .. 16;
    syswrite $_, 'GET /stall HTTP' for @sockets;
    is said($nginx), 'ok OK', 'sent late: all are accepted';
    my $waits  = sub { return scalar(() = $nginx->log_text =~ /guard test waits/g) };
    my $waited = $waits->();
    $fake->behave('delay 0.3');
    my ($worker) = $nginx->worker_pids;
    kill STOP => $worker;
    syswrite $_, "/1.0\r\nHost: localhost\r\n\r\n" for @sockets[0 .. 14];
    kill CONT => $worker;
    ok wait_for(sub { $waits->() >= $waited + 8 }), 'sent late: a turn of three seconds';
    syswrite $sockets[15], "/1.0\r\nHost: localhost\r\n\r\n";
    my @became = map { join('', readline $_) =~ /^X-Redis: (\w+)/m ? $1 : 'nothing' } @sockets;
    is_deeply \@became, [('ok') x 16], 'sent late: they are not late for that';
    is_over($nginx, 'sent late');
}

# A Redis that is so far away that it takes longer to come to it than a command may wait: who asks before there is a
# connection has no answer in time, which is no outage.
{
    my $fake    = start_fake_redis(behave => 'delay ' . scaled(0.8));
    my $nginx   = nginx($fake->url . ' timeout=1s connect_timeout=5s');
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n" } 1 .. 8;
    syswrite $_, "GET /incr HTTP/1.0\r\nHost: localhost\r\n\r\n" for @sockets;
    like join('', readline $_), qr/^X-Redis: (?:ok|unavailable) /m, 'far away: at the start' for @sockets;
    ok wait_for(sub { said($nginx) eq 'ok OK' }, 5), 'far away: answers';
    is_over($nginx, 'far away');
}

# Something ends each connection soon after it stands, while nobody asks: it is not opened again at once, and that five find
# none is an outage.
{
    my $redis = start_redis();
    my $nginx = nginx($redis->url);
    ok wait_for(sub { said($nginx) =~ /^ok/ }), 'soon ended: answers';
    my $told = wait_for(
        sub {
            # It stands: the probe has come.
            wait_for(sub { (($redis->clients->[0] // {})->{cmd} // '') =~ /^(?:set|incr)\z/ });
            $redis->run('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
            said($nginx) for 1 .. 6;
            return $nginx->log_text =~ /guard_redis "main" is unavailable: (.*)/ ? $1 : undef;
        },
        20
    );
    is $told, 'the connection was closed by the other side', 'soon ended: told, with the reason';
    recovers($nginx, 'soon ended');
    is_over($nginx, 'soon ended', @outage);
}

# A Redis that takes connections, and ends each over the first command of some kind: no command succeeds between the
# losses, so the fifth is the last for a while, however slowly they come.
{
    my $fake  = start_fake_redis();
    my $nginx = nginx($fake->url . ' timeout=1s');
    is said($nginx), 'ok OK', 'lost: answers';
    $fake->behave('lose INCR');
    for my $loss (1 .. 5) {
        my $commands = $fake->commands;
        is said($nginx), 'lost ', "lost: connection $loss";
        # The next one stands: CLIENT SETNAME and the probe have come.
        ok wait_for(sub { $fake->commands >= $commands + 3 }), "lost: another one after $loss" if $loss < 5;
    }
    ok wait_for(sub { (redis_events($nginx))[0] }), 'lost: the fifth is told';
    $fake->behave('pass');
    ok wait_for(sub { said($nginx) eq 'ok OK' }), 'lost: recovers';
    is_over($nginx, 'lost', @outage);
}

# A Redis that lets us connect and set a key, and refuses the commands that count: that it is there again says nothing.
{
    my $dir  = tempdir(CLEANUP => 1);
    my $fake = start_fake_redis(answer => sub { my ($command) = @_; return lc $command->[0] eq 'incr' && -e "$dir/refuses" ? "-NOPERM no permission\r\n" : undef });
    my $nginx = nginx($fake->url . ' timeout=1s');
    is said($nginx), 'ok OK', 'refused: answers';
    open my $flag, '>', "$dir/refuses" or die $!;
    my $connections = $fake->connections;
    # It is lost after each five.
    my $refused = wait_for(sub { said($nginx); return $fake->connections >= $connections + 5 }, 20);
    ok $refused, 'refused: again and again';
    is_deeply [redis_events($nginx)], ['redis_unavailable'], 'refused: told, and not that it is there again';
    unlink "$dir/refuses";
    ok wait_for(sub { said($nginx) eq 'ok OK' }), 'refused: recovers';
    ends_well($nginx, 'refused', events => \@outage);
}

# A Redis that takes as long as timeout=, a little more or less: what it answers just in time says nothing of the next command.
{
    my $dir    = tempdir(CLEANUP => 1);
    my $begins = sub { open my $flag, '>', "$dir/$_[0]" or die $! };
    my $fake   = start_fake_redis(
        answer => sub {
            my ($command) = @_;
            return unless -e "$dir/late";
            return '' if lc $command->[0] eq 'incr' && -e "$dir/too-late";
            select undef, undef, undef, scaled(0.07);    # as timeout= is
            return;
        }
    );
    my $nginx = nginx($fake->url . ' timeout=100ms');
    is said($nginx), 'ok OK', 'late: answers';
    $begins->($_) for qw(too-late late);
    my $connections = $fake->connections;
    my $late        = wait_for(sub { said($nginx); return $fake->connections >= $connections + 4 }, 20);
    ok $late, 'late: again and again';
    is_deeply [redis_events($nginx)], ['redis_unavailable'], 'late: told, and not that it is there again';
    unlink "$dir/too-late";
    said($nginx) for 1 .. 8;
    is_deeply [redis_events($nginx)], ['redis_unavailable'], 'late: just in time is not there again either';
    unlink "$dir/late";
    ok wait_for(sub { said($nginx) eq 'ok OK' }), 'late: recovers';
    ends_well($nginx, 'late', events => \@outage);
}

# Another Redis since a reload, and the one before is shut down: that a worker of the old configuration, which a client
# keeps alive, has lost it says nothing.
{
    my $before = start_fake_redis();
    my $after  = start_redis();
    my $nginx  = make_nginx();
    my $config = sub {
        my ($redis) = @_;
        return (
            http_config => 'guard_redis main ' . $redis->url . ";\nguard_event_log " . $nginx->log_file('events.log') . ';',
            config      => "root html;\nadd_header X-Redis \$guard_test_redis always;\nlocation = /metrics { guard_metrics; }\n"
                . 'location /incr { guard_test front redis=main "send=INCR guard:count"; try_files /index.html =404; }'
        );
    };
    $nginx->configure($config->($before));
    is $nginx->start, undef, 'moved: starts';
    is said($nginx), 'ok OK', 'moved: answers';
    my ($old) = $nginx->worker_pids;
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n";
    syswrite $client, 'GET /incr HT';
    # Accepted before the reload.
    is said($nginx), 'ok OK', 'moved: goes on';
    $nginx->configure($config->($after));
    is $nginx->hup, undef, 'moved: a reload';
    is said($nginx), 'ok 1', 'moved: another one answers';
    $before->behave('close');
    my $connections = $before->connections;
    ok wait_for(sub { $before->connections > $connections + 2 }), 'moved: the old worker tries in vain';
    ok is_alive($old), 'moved: it is still there';
    is said($nginx), 'ok 2', 'moved: the new one goes on';
    my $up = parse_metrics(scrape($nginx->port, '/metrics')->{body})->{'guard_redis_up{redis="main"}'};
    is $up, 1, 'moved: it is up';
    close $client;
    ends_well($nginx, 'moved', events => []);
}

done_testing;
