# The Redis servers of the harness, without nginx: real ones, sentinels, a cluster, and the fake one.

use strict;
use warnings;
use lib 't/lib';

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path ();
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::UNIX;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Pace    qw(at_our_pace);
use Test::Nginx::Guard::Process qw(state_of);
use Test::Nginx::Guard::Resp qw(encode_command parse_command parse_reply);
use Test::Nginx::Guard::Wait qw(patient);
use Time::HiRes qw(time);

# The protocol.
{
    my $bytes = "*4\r\n\$1\r\na\r\n\$-1\r\n:5\r\n*1\r\n-ERR x\r\n+rest";
    my ($reply, $length) = parse_reply($bytes);
    is $length, length($bytes) - 5, 'parse_reply: length';
    is_deeply [@$reply[0 .. 2], ${ $reply->[3][0] }], ['a', undef, 5, 'ERR x'], 'parse_reply: values';
    is_deeply [parse_reply(substr $bytes, 0, $_)], [], "parse_reply: only $_ bytes" for 1 .. $length - 1;
    my $commands = encode_command('SET', 'k', "a\r\nb") . "PING x\r\n" . '*1';
    is_deeply [map { parse_command(\$commands) } 1 .. 2], [['SET', 'k', "a\r\nb"], ['PING', 'x']], 'parse_command';
    is parse_command(\$commands), undef, 'parse_command: not whole';
}

# The limits of guard_redis where nginx is slow.
{
    my %cases = (
        'guard_redis a redis://h;'                                => 'guard_redis a redis://h connect_timeout=8000ms timeout=4000ms;',
        'guard_redis a unix:/s timeout=2s pool=2;'                => 'guard_redis a unix:/s timeout=8000ms pool=2 connect_timeout=8000ms;',
        'guard_redis a env:X connect_timeout=5ms timeout=30s;'    => 'guard_redis a env:X connect_timeout=20ms timeout=60000ms;',
        'guard_redis a rediss+cluster://h timeout=5x;'            => 'guard_redis a rediss+cluster://h timeout=5x connect_timeout=8000ms;',
        "x y;\nguard_redis a redis://h timeout=1s; x timeout=1s;" =>
            "x y;\nguard_redis a redis://h timeout=4000ms connect_timeout=8000ms; x timeout=1s;",
        'guard_redis a;'                                          => 'guard_redis a;',
    );
    is at_our_pace($_, 4), $cases{$_}, "pace: $_" for sort keys %cases;
    is at_our_pace('guard_redis a redis://h timeout=50ms;', 1), 'guard_redis a redis://h timeout=50ms connect_timeout=2000ms;', 'pace: as fast as ever';
    is at_our_pace(undef, 4), undef, 'pace: nothing';
}

sub client { return Test::Nginx::Guard::Resp->new(@_) }

# One server.
{
    my $redis = start_redis(env => 'REDIS', acl => ['user app on >pw ~guard:* +@all -flushall']);
    is $redis->run('SET', 'a', 1), 'OK', 'run';
    is $redis->run('GET', 'b'), undef, 'run: null';
    is_deeply $redis->run('MGET', 'a', 'b'), [1, undef], 'run: array';
    ok !eval { $redis->run('LPUSH', 'a', 1); 1 }, 'run: error';
    like $@, qr/^WRONGTYPE /, 'run: its text';
    is client(port   => $ENV{TEST_NGINX_REDIS_PORT})->run('GET', 'a'),   1, 'port, environment';
    is client(socket => $ENV{TEST_NGINX_REDIS_SOCKET})->run('GET', 'a'), 1, 'socket';
    is $ENV{TEST_NGINX_REDIS_URL}, $redis->url, 'url';
    my $app = client(port => $redis->port, user => 'app', password => 'pw');
    $app->run('CLIENT', 'SETNAME', 'here');
    is_deeply [map { "$_->{user} $_->{name}" } @{ $redis->clients }], ['app here'], 'clients';
    ok !eval { $app->run('GET', 'a') }, 'acl';
    is $redis->calls('GET'), 3, 'calls';

    $redis->suspend;
    my $slow = client(port => $redis->port, timeout => 0.1);
    ok !eval { $slow->run('PING') }, 'suspend';
    $redis->resume;
    $slow->{timeout} = patient(5);
    is $slow->read_reply, 'PONG', 'resume';
    my $pid = $redis->pid;
    $redis->kill;
    ok !is_alive($pid), 'kill';
    ok !eval { client(port => $redis->port) }, 'kill: nobody listens';
    $redis->start;
    is $redis->run('GET', 'a'), undef, 'restarted empty';
    $redis->suspend;
    $pid = $redis->pid;
    $redis->stop;
    ok !is_alive($pid), 'a suspended one stops';
}

{
    my $redis = start_redis(password => 'secret', maxmemory => '1mb');
    ok !eval { client(port => $redis->port)->run('GET', 'a'); 1 }, 'password';
    like $@, qr/^NOAUTH /, 'password: text';
    is client(port => $redis->port, password => 'secret')->run('GET', 'a'), undef, 'password: given';
    ok !eval { $redis->run('SET', $_, 'x' x 100_000) for 1 .. 20; 1 }, 'maxmemory';
    like $@, qr/^OOM /, 'maxmemory: text';
    open my $in, '<', $redis->password_file;
    is <$in>, 'secret', 'password_file';
    my $replica = start_redis(password => 'secret', replica_of => $redis);
    is $replica->run('ROLE')->[0], 'slave', 'replica';
    ok !eval { $replica->run('SET', 'k', 'x'); 1 }, 'replica: read-only';
    ok !$replica->is_master && $redis->is_master, 'is_master';
}

# What is not well configured says so.
ok !eval { start_redis(config => ['bogus yes']); 1 }, 'a wrong configuration';
like $@, qr/redis-server is ended: .*bogus yes/s, 'a wrong configuration: why';

# TLS.
{
    my $files = authority();
    for my $case (['server', 1, 1], ['mutual', 0, 1]) {
        my ($kind, $bare, $with) = @$case;
        my $redis = start_redis(tls => $kind eq 'mutual' ? 'mutual' : 1);
        like $redis->url, qr{^rediss://127\.0\.0\.1:\d+$}, "tls $kind: url";
        my $try = sub {
            my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $redis->port, @_) or return 0;
            print $socket "PING\r\n";
            return (scalar(<$socket>) // '') eq "+PONG\r\n" ? 1 : 0;
        };
        my @verify = (SSL_ca_file => $files->{ca}, SSL_verifycn_name => 'redis.example', SSL_verifycn_scheme => 'default');
        is $try->(@verify), $bare, "tls $kind: without a certificate";
        is $try->(@verify, SSL_cert_file => $files->{client_cert}, SSL_key_file => $files->{client_key}), $with, "tls $kind: with one";
        is $try->(SSL_ca_file => $files->{other_ca}), 0, "tls $kind: another authority";
        is $try->(@verify, SSL_verifycn_name => 'other.example'), 0, "tls $kind: another name";
        is $redis->run('PING'), 'PONG', "tls $kind: run";
    }
}

# Sentinel.
{
    my $group = start_sentinel(password => 'secret', sentinel_password => 'guarded', replicas => 2);
    my $first = $group->master;
    is $first->port, ($group->servers)[0]->port, 'sentinel: master';
    is scalar($group->replicas), 2, 'sentinel: replicas';
    like $group->url, qr{^redis\+sentinel://127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+/mymaster$}, 'sentinel: url';
    $first->run('SET', 'k', 'v');
    is $first->run('WAIT', 2, 15_000), 2, 'sentinel: replication';
    my $second = $group->failover;
    isnt $second->port, $first->port, 'sentinel: failover';
    is $second->run('GET', 'k'), 'v', 'sentinel: failover keeps the data';
    $group->wait_until_agreed;
    $second->kill;
    my $third = $group->wait_for_other_master($second);
    ok $third->is_master, 'sentinel: the master is killed';
    $second->start;
    $group->wait_until_agreed;
    ok !$second->is_master, 'sentinel: it comes back as a replica';
}

# Cluster.
{
    my $cluster = start_cluster(replicas => 1);
    is scalar($cluster->nodes),   6, 'cluster: nodes';
    is scalar($cluster->masters), 3, 'cluster: masters';
    my $slot = $cluster->slot_of('{user}1');
    is $slot, 5474, 'cluster: slot';
    my $master = $cluster->master_of('{user}1');
    $cluster->run('SET', "{user}$_", $_) for 1 .. 5;
    my ($other) = grep { $_ != $master } $cluster->masters;
    ok !eval { $other->run('GET', '{user}1'); 1 }, 'cluster: another master';
    is $@, "MOVED $slot " . $master->address . "\n", 'cluster: MOVED';

    my $source = $cluster->begin_move($slot, $other);
    is $source, $master, 'cluster: begin_move';
    is $cluster->move_keys($slot, $master, $other, 2), 2, 'cluster: move_keys';
    my %said;
    ++$said{ eval { $master->run('GET', "{user}$_") } // $@ } for 1 .. 5;
    is delete $said{ "ASK $slot " . $other->address . "\n" }, 2, 'cluster: ASK';
    is_deeply [values %said], [1, 1, 1], 'cluster: the others are still there';
    $cluster->move_keys($slot, $master, $other);
    $cluster->end_move($slot, $master, $other);
    is $cluster->master_of_slot($slot, $_), $other, 'cluster: end_move' for $cluster->masters;
    is $cluster->run('GET', '{user}3'), 3, 'cluster: the keys came along';
    $cluster->move_slot($slot, $master);
    is $cluster->run('GET', '{user}3'), 3, 'cluster: and back';

    my $new = $cluster->failover($master);
    ok $new->is_master && !$master->is_master, 'cluster: failover';
    is $cluster->run('GET', '{user}3'), 3, 'cluster: failover keeps the data';
    wait_for(sub { $cluster->replicas_of($new) });
    $master->wait_for_sync;
    $new->kill;
    is $cluster->wait_for_other_master($slot, $new)->port, $master->port, 'cluster: a master is killed';
    $cluster->wait_for_state('ok');
    $master->kill;
    $cluster->wait_for_state('fail');
    ok !eval { ($cluster->running)[0]->run('GET', '{user}1'); 1 }, 'cluster: slots without a node';
    like $@, qr/^CLUSTERDOWN /, 'cluster: CLUSTERDOWN';
    $master->start;
    $cluster->wait_for_state('ok');
    pass 'cluster: recovers';
}

# The fake one.
{
    my $redis = start_redis();
    $redis->run('SET', 'a', 'value');
    my $fake = start_fake_redis(behind => $redis);
    # What it says: "|" is an end, "..." that nothing comes for a while behind all that is WANTED.
    my $said = sub {
        my ($wanted, %word) = @_;
        my $socket = $word{socket} ? IO::Socket::UNIX->new(Peer => $fake->socket)
            : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $fake->port);
        $socket or return 'refused';
        # What was closed before it could be written to says so when it is read.
        local $SIG{PIPE} = 'IGNORE';
        syswrite $socket, $word{bytes} // "GET a\r\n";
        my $bytes = '';
        while (1) {
            IO::Select->new($socket)->can_read("$bytes..." eq $wanted ? 0.3 : patient(3)) or return "$bytes...";
            my $n = sysread $socket, $bytes, 65536, length $bytes;
            return "$bytes|reset" if !defined $n;
            return "$bytes|" if !$n || length $bytes > 1_000_000;
        }
    };
    my $value = "\$5\r\nvalue\r\n...";
    is $said->($value), $value, 'fake: pass';
    is $said->($value, socket => 1), $value, 'fake: by its Unix socket';
    is_deeply [$fake->connections, $fake->commands], [2, 2], 'fake: counts';
    $fake->behave('delay 0.2');
    my $begin = time;
    is $said->($value), $value, 'fake: delay';
    cmp_ok time - $begin, '>', 0.4, 'fake: delay in seconds';
    for my $case (
        ['hang',        '...'],
        ['garbage',     "\0\x{ff}HTTP/1.1 400 Bad Request\r\n\r\n..."],
        ['twice',       "\$5\r\nvalue\r\n\$5\r\nvalue\r\n..."],
        ['cut 6',       "\$5\r\nva|"],
        ['error OOM x', "-OOM x\r\n..."],
        ['close',       '|'],
        ['reset',       '|'],
        ['refuse',      'refused'],
        ['pass',        "\$5\r\nvalue\r\n..."]
        )
    {
        $fake->behave($case->[0]);
        my $got = $said->($case->[1]);
        $got =~ s/reset$// if $case->[0] =~ /close|reset/;    # what was written to it may be lost
        is $got, $case->[1], "fake: $case->[0]";
    }
    # Replies come in the order of the commands: where one is missing, none can follow.
    my $stuck = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $fake->port);
    my $count = $fake->commands;
    $fake->behave('hang');
    syswrite $stuck, "GET a\r\n";
    ok wait_for(sub { $fake->commands == $count + 1 }), 'fake: hang: it hears';
    $fake->behave('pass');
    syswrite $stuck, "PING\r\n";
    ok wait_for(sub { $fake->commands == $count + 2 }), 'fake: hang: still';
    is $said->($value), $value, 'fake: hang: a new connection is answered';
    ok !IO::Select->new($stuck)->can_read(0.3), 'fake: hang: the old one never is';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $fake->port);
    print $socket "PING\r\n";
    is scalar(<$socket>), "+PONG\r\n", 'fake: an open connection';
    $fake->behave('reset');
    ok !defined sysread($socket, my $nothing, 1) && $!{ECONNRESET}, 'fake: an open connection is reset';
    $fake->behave('flood');
    like $said->(''), qr/^\$500000000\r\nx{60000}/, 'fake: flood';
    ok !eval { $fake->behave('sing'); 1 }, 'fake: unknown behaviour';

    my $alone = start_fake_redis(answer => sub { my ($words, $connection) = @_; return $words->[0] eq 'GET' ? "+$words->[1] $connection\r\n" : undef });
    my $client = client(port => $alone->port);
    is_deeply [$client->pipeline(['PING'], ['GET', 'x'], ['SET', 'a', 'b'])], ['PONG', 'x 1', 'OK'], 'fake: made-up replies';
    my $pid = $alone->{pid};
    $alone->stop;
    ok !is_alive($pid), 'fake: stop';
}

# Several nginx, and clients side by side.
{
    local $ENV{TEST_NGINX_LOAD_MODULES} = '';
    my @fleet = start_fleet(4, config => 'location / { return 200; } location /x { return 404; }');
    is scalar(keys %{ { map { $_->port => 1 } @fleet } }), 4, 'fleet';
    my $result = hammer(\@fleet, sub { $_[1] % 2 ? '/x' : '/' }, clients => 3, count => 8);
    is_deeply $result->{codes}, { 200 => 12, 404 => 12 }, 'hammer: codes';
    cmp_ok $result->{slowest}, '>', 0, 'hammer: slowest';
    ok wait_for(sub { !grep { 6 != (() = $_->log_text('access.log') =~ /\n/g) } @fleet }), 'hammer: all of the fleet';
    my $load = start_load($fleet[0], '/', clients => 2);
    wait_for(sub { (() = $fleet[0]->log_text('access.log') =~ /\n/g) > 20 });
    $result = $load->finish;
    cmp_ok $result->{total}, '>', 14, 'load: until it is finished';
    is_deeply [keys %{ $result->{codes} }], [200], 'load: codes';
    is $result->{total}, scalar @{ $result->{requests} }, 'load: each request';
}

# In blocks; nothing is left behind.
{
    my $directory = tempdir(CLEANUP => 1);
    my $lib = abs_path(dirname(__FILE__) . '/lib');
    my $run = sub {
        my ($name, $blocks) = @_;
        open my $out, '>', "$directory/$name.t" or die $!;
        print $out "use Test::Nginx::Socket 'no_plan';\nno_root_location();\nrun_tests();\n__DATA__\n$blocks";
        close $out;
        local $ENV{TEST_NGINX_LOAD_MODULES} = '';
        open my $in, '-|', "$^X -I$lib $directory/$name.t 2>&1" or die $!;
        my $tap = do { local $/; <$in> };
        close $in;
        return ($? >> 8, $tap);
    };
    my $block = <<'BLOCK';
=== TEST 1: real
--- redis
password secret
config databases 3
--- init
my $client = Test::Nginx::Guard::Resp->new(port => $ENV{TEST_NGINX_REDIS_PORT}, password => 'secret');
$client->run('SET', 'a', $client->run('CONFIG', 'GET', 'databases')->[1]);
--- config
    location / { return 200 "$TEST_NGINX_REDIS_URL $TEST_NGINX_REDIS_UNIX $TEST_NGINX_REDIS_PORT"; }
--- request
GET /
--- response_body eval
"redis://127.0.0.1:$ENV{TEST_NGINX_REDIS_PORT} unix:$ENV{TEST_NGINX_REDIS_SOCKET} $ENV{TEST_NGINX_REDIS_PORT}"
--- redis_calls
set 1
get 0

=== TEST 2: another one, and fake
--- redis
fake twice
--- init
my $client = Test::Nginx::Guard::Resp->new(port => $ENV{TEST_NGINX_REDIS_PORT});
$client->run('PING') eq 'PONG' && $client->read_reply eq 'PONG' or die;
--- config
    location / { return 204; }
--- request
GET /
--- error_code: 204
--- redis_calls
ping 2

=== TEST 3: down
--- redis: down
--- init
eval { Test::Nginx::Guard::Resp->new(port => $ENV{TEST_NGINX_REDIS_PORT}) } and die;
--- config
    location / { return 204; }
--- request
GET /
--- error_code: 204
BLOCK
    my ($status, $tap) = $run->('blocks', $block);
    is $status, 0, 'blocks' or diag $tap;
    ($status, $tap) = $run->('fails', $block =~ s/get 0/get 1/r);
    like $tap, qr/^not ok \d+ - TEST 1: real - redis_calls - get/m, 'blocks: redis_calls fails';
    is $status, 1, 'blocks: one failure' or diag $tap;
}

# A test that is killed takes its servers along, even those that are stopped.
{
    pipe my $reader, my $writer or die $!;
    my $pid = spawn(
        sub {
            my $redis = start_redis();
            $redis->suspend;
            syswrite $writer, $redis->pid . ' ' . dirname($redis->socket) . "\n";
            sleep 60;
        }
    );
    my ($redis, $directory) = split ' ', scalar <$reader>;
    is state_of($redis), 'T', 'a suspended server';
    kill 'KILL', $pid;
    waitpid $pid, 0;
    ok wait_for(sub { !is_alive($redis) }), 'does not outlive its test';
    File::Path::remove_tree($directory);
}

done_testing;
