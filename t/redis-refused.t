# Commands that Redis refuses while it is well otherwise: for want of a right, or since it does not know them. That is said, and
# an outage is told once, whatever else succeeds meanwhile.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking said);
use Test::Nginx::Guard::Wait qw(scaled);

needs_test_build();

my @outage = qw(redis_unavailable redis_recovered);

# An nginx that counts in REDIS as the user app, who lacks what WITHOUT says.
sub counting {
    my ($redis, $without, $policy) = @_;
    $redis->run('ACL', 'SETUSER', 'app', 'on', '>xyzzy', '~*', '&*', '+@all', split ' ', $without);
    return start_nginx(
        http_config => 'guard_redis main ' . $redis->unix_url . " username=app password=xyzzy timeout=2s;\nguard_key_secret 0123456789abcdef;\n"
            . "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_rate_policy api rate=1000/hour key=\$arg_k redis=main $policy;",
        config => "root html;\nlocation / { guard_rate api; try_files /index.html =404; }"
    );
}

sub code_of { my ($nginx, $k) = @_; return request($nginx->port, GET => "/?k=$k")->{code} }
sub connections { my ($redis) = @_; return $redis->info('stats')->{total_connections_received} }
sub reasons { my ($nginx) = @_; return map { $_->{event}{reason} } events_of($nginx, qr/^redis_unavailable/) }

# EVAL alone: that the script is not known is no success between two refusals.
{
    my $redis = start_redis();
    my $nginx = counting($redis, '-eval', 'on_error=closed');
    is_deeply [map { code_of($nginx, $_) } 1 .. 5], [(503) x 5], 'without EVAL: closed';
    ok wait_for(sub { redis_events($nginx) }), 'without EVAL: five are enough';
    like((reasons($nginx))[0], qr/^NOPERM .*eval/, 'without EVAL: the reason');
    my $before = connections($redis);
    my $n      = 5;
    # It stands again after each five.
    ok wait_for(sub { code_of($nginx, ++$n); connections($redis) >= $before + 4 }, 20), 'without EVAL: again and again';
    is_deeply [redis_events($nginx)], ['redis_unavailable'], 'without EVAL: told once';
    $redis->run('ACL', 'SETUSER', 'app', '+eval');
    ok wait_for(sub { code_of($nginx, ++$n) == 200 }), 'without EVAL: until it is allowed';
    ok wait_for(sub { 2 == redis_events($nginx) }, 20), 'without EVAL: which is told, too';
    ends_well($nginx, 'without EVAL', events => [@outage]);
}

# Interval sync asks for the time as well, which is allowed.
{
    my $redis = start_redis();
    my $nginx = counting($redis, '-eval -evalsha', 'sync=20ms');
    my $n     = 0;
    ok wait_for(sub { code_of($nginx, ++$n); redis_events($nginx) }, 20), 'without scripts: seen';
    my $before = connections($redis);
    ok wait_for(sub { code_of($nginx, ++$n); connections($redis) >= $before + 3 }, 20), 'without scripts: again and again';
    is_deeply [redis_events($nginx)], ['redis_unavailable'], 'without scripts: told once';
    $redis->run('ACL', 'SETUSER', 'app', '+@all');
    ok wait_for(sub { 2 == redis_events($nginx) }, 30), 'without scripts: until they are allowed';
    ends_well($nginx, 'without scripts', events => [@outage]);
}

# Rights to some keys alone: that others can be written proves nothing for long.
{
    my $redis = start_redis(acl => ['user app on >xyzzy ~guard:probe ~guard:b* &* +@all']);
    my $nginx = start_asking(
        $redis->unix_url . ' username=app password=xyzzy timeout=2s',
        { '/a' => '"send=INCR guard:a"', '/b' => '"send=INCR guard:b"' }
    );
    is said($nginx, '/b'), 'ok 1', 'some keys: before';
    my $before = connections($redis);
    # Each five of the one kind in a row end with a connection, and then one of the other succeeds.
    my $round = sub {
        said($nginx, '/a') for 1 .. 5;
        wait_for(sub { said($nginx, '/b') =~ /^ok/ }) or die "never back\n";
        return connections($redis) >= $before + 5;
    };
    ok wait_for($round, 20), 'some keys: again and again';
    is_deeply [redis_events($nginx)], [@outage, 'redis_unavailable'], 'some keys: it is believed once';
    $redis->run('ACL', 'SETUSER', 'app', '~*');
    like said($nginx, '/a'), qr/^ok/, 'some keys: until others may be written';
    ok wait_for(sub { 4 == redis_events($nginx) }, 20), 'some keys: which is told once nothing was refused for long';
    ends_well($nginx, 'some keys', events => [@outage, @outage]);
}

# What goes well keeps the breaker closed; then a line tells of what does not.
{
    my $redis = start_redis(acl => ['user app on >xyzzy ~* &* +@all -append']);
    my $nginx = start_asking(
        $redis->unix_url . ' username=app password=xyzzy timeout=2s',
        { '/incr' => '"send=INCR guard:n"', '/append' => '"send=APPEND guard:t x"', '/nonsense' => '"send=NONSENSE x"' }
    );
    my $line = qr/\[error\] .*guard_redis "main" refuses commands: NOPERM [^\n]*append/;
    for my $round (1 .. 5) {
        unlike $nginx->log_text, $line, "others go on: nothing is said yet, round $round";
        like said($nginx, '/append'), qr/^error NOPERM/, "others go on: refused, round $round";
        is said($nginx, '/incr'), "ok $round", "others go on: in spite of it, round $round";
    }
    like $nginx->log_text, $line, 'others go on: the fifth is said';
    said($nginx, '/nonsense') for 1 .. 6;
    is said($nginx, '/incr'), 'ok 6', 'others go on';
    is scalar(() = $nginx->log_text =~ /refuses commands/g), 1, 'others go on: once a minute';
    ends_well($nginx, 'others go on', events => [], allowed => ['error']);
}

# A worker whose clock stands still while it works, and so is behind what another one has noted: once a minute all the same.
{
    my $fake  = start_fake_redis(answer => sub { my ($words) = @_; return $words->[0] eq 'APPEND' ? "-NOPERM append\r\n" : undef });
    my $nginx = start_asking(
        $fake->url . ' timeout=5s',
        { '/incr' => '"send=INCR guard:n"; add_header X-Worker $pid', '/append' => '"send=APPEND guard:t x"', '/stall' => '"send=INCR guard:n" stall=400ms' },
        workers => 2
    );
    my $send = sub { my ($to, $target) = @_; syswrite $to, "GET $target HTTP/1.1\r\nHost: localhost\r\n\r\n"; return };
    my $read = sub {
        my ($from) = @_;
        my $head = '';
        while (defined(my $line = readline $from)) { last if $line =~ /^\r?\n/; $head .= $line }
        my ($size) = $head =~ /^Content-Length: (\d+)/mi;
        read $from, my ($body), $size;
        return $head;
    };
    # Connections to either worker.
    my %of;
    ok wait_for(sub {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n";
        $send->($socket, '/incr');
        push @{ $of{$1} }, $socket if $read->($socket) =~ /^X-Worker: (\d+)/m;
        return 2 == grep { @$_ >= 3 } values %of;
    }, 20), 'behind: connections to both';
    my ($first, $second) = values %of;
    for my $to ($first, $second) {
        for (1 .. 4) { $send->($to->[0], $_), $read->($to->[0]) for '/append', '/incr' }
    }
    unlike $nginx->log_text, qr/refuses commands/, 'behind: nothing is said yet';
    # While it works, what it has to do next arrives, and then an answer.
    $fake->behave('delay ' . scaled(0.2));
    $send->($first->[0], '/append');
    select undef, undef, undef, 0.05;
    $send->($first->[1], '/stall');
    select undef, undef, undef, 0.05;
    $send->($first->[2], '/stall');
    select undef, undef, undef, 0.25;
    $send->($second->[0], '/append');
    like $read->($_), qr/^X-Redis: /m, 'behind: answers' for $second->[0], @$first[0 .. 2];
    is scalar(() = $nginx->log_text =~ /refuses commands/g), 1, 'behind: said once';
    ends_well($nginx, 'behind', events => [], allowed => ['error']);
}

# A node of a cluster by the URL of a single server: nobody follows where it sends its clients.
{
    my $moved = "-MOVED 7186 127.0.0.1:7001\r\n";
    my $fake  = start_fake_redis(answer => sub { my ($words) = @_; return $words->[0] eq 'CLIENT' ? undef : $moved });
    my $nginx = start_asking($fake->url, { '/incr' => '"send=INCR guard:n"' });
    ok wait_for(sub { redis_events($nginx) }), 'one node, without the slot of the probe: seen';
    is((reasons($nginx))[0], 'MOVED 7186 127.0.0.1:7001', 'one node, without the slot of the probe: the reason');
    is said($nginx), 'unavailable ', 'one node, without the slot of the probe: unavailable';
    ends_well($nginx, 'one node, without the slot of the probe', events => ['redis_unavailable']);

    $fake  = start_fake_redis(answer => sub { my ($words) = @_; return $words->[0] eq 'APPEND' ? $moved : undef });
    $nginx = start_asking($fake->url, { '/incr' => '"send=INCR guard:n"', '/append' => '"send=APPEND guard:t x"' });
    for my $round (1 .. 5) {
        like said($nginx, '/append'), qr/^error MOVED/, "one node: elsewhere, round $round";
        like said($nginx, '/incr'),   qr/^ok/,          "one node: here, round $round";
    }
    like $nginx->log_text, qr/\[error\] .*guard_redis "main" refuses commands: MOVED 7186 /, 'one node: the fifth is said';
    ends_well($nginx, 'one node', events => [], allowed => ['error']);
}

# As Redis 5 and 6 say it of a command in a script.
for my $case (
    ['OOM', "OOM command not allowed when used memory > 'maxmemory'.", 5],
    ['MISCONF', 'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.', 5],
    ['READONLY', "READONLY You can't write against a read only replica.", 1]
) {
    my ($name, $cause, $enough) = @$case;
    my $place = '@user_script:27: @user_script: 27: ';
    my $said  = "ERR Error running script (call to f_f73d40f2cb3d0b12ff0d9e2e2a8f6f1d7d0c2b0a): $place-$cause";
    my $fake  = start_fake_redis(answer => sub { my ($words) = @_; return $words->[0] eq 'INCR' ? "-$said\r\n" : undef });
    my $nginx = start_asking($fake->url, { '/incr' => '"send=INCR guard:n"' });
    like said($nginx), qr/^error ERR Error running script/, "in a script: $name" for 1 .. $enough;
    ok wait_for(sub { redis_events($nginx) }), "in a script: $name: it is unavailable";
    is((reasons($nginx))[0], $said, "in a script: $name: the reason");
    ends_well($nginx, "in a script: $name");
}

done_testing;
