# The Redis client when all is well: how commands travel, and what a server sees of us.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::UNIX;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Resp qw(parse_command);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking said);

needs_test_build();

sub ends_clean { my ($nginx, $name) = @_; return ends_well($nginx, $name, events => []) }

# All that comes with one write of the client arrives with one read: [number of commands, ...].
sub start_recorder {
    my ($path, $record) = @_;
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 8) or die "$path: $!\n";
    return spawn(
        sub {
            my $client = $listener->accept;
            open my $out, '>', $record or die "$record: $!\n";
            $out->autoflush(1);
            my $buffer = '';
            while (sysread $client, $buffer, 1 << 20, length $buffer) {
                my $count = 0;
                ++$count while parse_command(\$buffer);
                print {$out} "$count\n";
                syswrite $client, "+OK\r\n" x $count;
            }
        }
    );
}

# Seconds until the kernel sees whether the server at PORT of 127.0.0.1 is still there, of each connection to it.
sub next_keepalives {
    my ($port) = @_;
    my $to = sprintf '0100007F:%04X', $port;
    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!\n";
    return map { /^\s*\d+: \S+ $to 01 \S+ 02:([0-9A-F]+) / ? hex($1) / 100 : () } <$table>;
}

{
    my $redis = start_redis();
    my $nginx = start_asking(
        $redis->url . '/3 prefix=app: timeout=5s connect_timeout=5s',
        {
            '/incr' => '"send=INCR app:n"', '/text' => '"send=ECHO hello"', '/wrong' => '"send=LPUSH app:n x"', '/null' => '"send=GET nothing"',
            '/many' => '"send=INCR app:many" times=3000', '/front' => '"send=PING"'
        }
    );
    is said($nginx, '/incr'), 'ok 1', 'an integer';
    is said($nginx, '/incr'), 'ok 2', 'and once more';
    is said($nginx, '/text'), 'ok hello', 'a text';
    is said($nginx, '/null'), 'ok ', 'nothing';
    is said($nginx, '/wrong'), 'error WRONGTYPE Operation against a key holding the wrong kind of value', 'an error';
    is said($nginx, '/many'), 'ok 3000', '3000 commands at once';
    is said($nginx, '/many'), 'ok 6000', 'and once more';
    my $clients = $redis->clients;
    is scalar @$clients, 1, 'one connection';
    is $clients->[0]{name}, 'guard-main', 'it has a name';
    my @keepalives = next_keepalives($redis->port);
    is scalar @keepalives, 1, 'the kernel looks after it while it is idle';
    cmp_ok $keepalives[0] // 'inf', '<=', 60, 'within a minute';
    is $clients->[0]{db}, 3, 'and the database of the URL';
    is $redis->run('PTTL', 'app:probe'), -2, 'the probe is not in the other database';
    is $redis->calls('set'), 1, 'one probe';
    ends_clean($nginx, 'TCP');
    is scalar @{ $redis->clients }, 0, 'the connection is closed';
}

{
    my $redis = start_redis();
    my $nginx = start_asking(
        $redis->unix_url . '?db=2 pool=3 timeout=5s connect_timeout=5s',
        { '/incr' => '"send=INCR guard:n"', '/many' => '"send=INCR guard:many" times=3' },
        workers => 2
    );
    is said($nginx, '/incr'), "ok $_", "Unix socket: $_" for 1 .. 6;
    like said($nginx, '/many'), qr/^ok /, 'commands on several connections';
    is $redis->run('DBSIZE'), 0, 'nothing in the first database';
    my $clients = $redis->clients;
    is scalar @$clients, 6, 'three connections of each of two workers';
    is_deeply [map { $_->{db} } @$clients], [(2) x 6], 'all with the database';
    my $busy = grep { $_->{cmd} eq 'incr' } @$clients;
    cmp_ok $busy, '>=', 3, 'the connections of a worker take turns';
    ends_clean($nginx, 'pool');
}

{
    my $place  = File::Temp->newdir;
    my $record = "$place/record";
    my $pid    = start_recorder("$place/redis.sock", $record);
    my $nginx  = start_asking("unix:$place/redis.sock timeout=5s", { '/many' => '"send=INCR guard:n" times=500', '/one' => '"send=INCR guard:n"' });
    my $counts = sub { open my $in, '<', $record or return ''; return join ' ', map { chomp; $_ } <$in> };
    ok wait_for(sub { $counts->() eq '1 1' }), 'the name and the probe, each by itself' or diag $counts->();
    is said($nginx, '/many'), 'ok OK', 'many at once';
    is $counts->(), '1 1 500', 'leave in one write';
    is said($nginx, '/one'), 'ok OK', 'one';
    is $counts->(), '1 1 500 1', 'leaves by itself';
    ends_clean($nginx, 'one write');
    end_process($pid, 2, 'TERM');
}

# What does not fit in the socket's buffer waits here; what is too much is refused at once.
{
    my $redis = start_redis();
    my $value = 'x' x 2000;
    my $nginx = start_asking(
        $redis->url . ' timeout=10s',
        { '/large' => "\"send=SET guard:n $value\" times=5000", '/incr' => '"send=INCR guard:i"', '/over' => '"send=INCR guard:over" times=20000' }
    );
    is said($nginx, '/large'), 'ok OK', '10 MB of commands';
    is $redis->run('STRLEN', 'guard:n'), 2000, 'arrive whole';
    is $redis->calls('set'), 5001, 'all of them';
    is said($nginx, '/incr'), 'ok 1', 'and it goes on';
    is said($nginx, '/over'), 'ok 16384', 'more than 16384 commands: the last replies are those that were sent';
    is $redis->run('GET', 'guard:over'), 16384, 'the others were not';
    is said($nginx, '/incr'), 'ok 2', 'and it goes on';
    ends_clean($nginx, 'too much');
}

# Waiting when the worker is told to go: the answer is waited for.
for my $how (qw(QUIT hup)) {
    my $redis = start_redis();
    my $fake  = start_fake_redis(behind => $redis);
    my $nginx = start_asking($fake->url . ' timeout=3s', { '/incr' => '"send=INCR guard:n"' });
    is said($nginx, '/incr'), 'ok 1', "$how: answers";
    $fake->behave('delay 0.4');
    my $load = start_load($nginx, '/incr', clients => 5, count => 1);
    ok wait_for(sub { $redis->run('GET', 'guard:n') == 6 }), "$how: five wait";
    is $how eq 'hup' ? $nginx->hup : $nginx->stop('QUIT'), undef, "$how: works";
    is_deeply $load->finish->{codes}, { 200 => 5 }, "$how: all are answered";
    $fake->behave('pass');
    if ($how eq 'hup') {
        is said($nginx, '/incr'), 'ok 7', 'the new worker has a connection of its own';
        $nginx->stop('QUIT');
    }
    is_deeply [log_problems($nginx)], [], "$how: log";
    unlike $nginx->log_text, qr/open socket/, "$how: nothing is left open";
    ok wait_for(sub { @{ $redis->clients } == 0 }), "$how: connections are closed";
}

{
    my $redis = start_redis();
    my $fake  = start_fake_redis(behind => $redis, behave => 'delay 0.3');
    my $nginx = start_asking($fake->url . ' timeout=10s connect_timeout=10s', { '/incr' => '"send=INCR guard:n"' });
    my $load  = start_load($nginx, '/incr', clients => 3, count => 1);
    ok wait_for(sub { scalar(() = $nginx->log_text =~ /guard test waits/g) == 3 }), 'TERM: three wait';
    is $nginx->stop('TERM'), undef, 'TERM: stops at once';
    is_deeply [log_problems($nginx)], [], 'TERM: log';
    $load->finish;
}

# Clients that go away while they wait.
{
    my $redis = start_redis();
    my $fake  = start_fake_redis(behind => $redis);
    my $nginx = start_asking($fake->url . ' timeout=5s', { '/incr' => '"send=INCR guard:n" times=10' });
    is said($nginx, '/incr'), 'ok 10', 'aborts: answers';
    $fake->behave('delay 0.5');
    for (1 .. 20) {
        my $result = request_raw($nginx->port, "GET /incr HTTP/1.1\r\nHost: localhost\r\n\r\n", hold => 1, timeout => 0.02, expect => 0);
        my $held = $result->{connection};
        close(ref $held eq 'HASH' ? $held->{socket} : $held);
    }
    ok wait_for(sub { scalar(() = $nginx->log_text =~ /guard test abandon/g) == 20 }), 'aborts: the checks are told';
    $fake->behave('pass');
    like said($nginx, '/incr'), qr/^ok 22\d/, 'aborts: replies still find those whom they belong to';
    is $redis->run('GET', 'guard:n'), 220, 'aborts: what was sent was carried out';
    ends_clean($nginx, 'aborts');
}

done_testing;
