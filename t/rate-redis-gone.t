# Many clients that go away while their requests wait for Redis, in every way in which one can, beside others
# that stay: those have their answers, each is counted once, and nothing is left behind.

use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SHUT_WR);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Http2 qw(preface frame get_frame take_frame HEADERS RST_STREAM);
use Test::Nginx::Guard::Wait qw(scaled);
use Time::HiRes qw(time);

my $redis  = start_redis();
my $fake   = start_fake_redis(behind => $redis);
my $h2     = free_port();
my $quota  = 1_000_000;
my $many   = 40;
my $others = 4;

my $nginx = start_nginx(
    workers     => 2,
    connections => 1024,
    listen      => ["listen 127.0.0.1:$h2 http2;"],
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $fake->url . " timeout=20s;\n" . <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_rate_policy a rate=1000000/day key=$arg_k algorithm=fixed_window redis=main on_error=closed;
guard_rate_policy b rate=900000/hour,990000/day key=$arg_k redis=main on_error=closed;
guard_rate_policy c rate=60/day key=$arg_k algorithm=sliding_log redis=main on_error=closed;
guard_rate_policy d rate=1000000/day key=all redis=main on_error=closed;
guard_rate_policy e rate=1000000/day key=all redis=main on_error=closed;
EOC
    config => <<'EOC');
root html;
location /a/ { guard_rate a; alias html/; }
location /d/ { guard_rate d; alias html/; }
location /e/ { guard_rate e; alias html/; }
location = /status { stub_status; }
location /abc/ { guard_rate a; guard_rate b; guard_rate c dry_run; alias html/; }
EOC

sub connected {
    my ($port) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => scaled(5)) // die "connect: $!\n";
}

sub asking {
    my ($target) = @_;
    my $socket = connected($nginx->port);
    syswrite $socket, "GET $target HTTP/1.1\r\nHost: x\r\n\r\n";
    return $socket;
}

my $cancel = pack 'N', 8;

# The streams that got the status 200 (an indexed field) until all of WANTED did or nothing comes any more.
sub answered {
    my ($socket, @wanted) = @_;
    my ($raw, %status) = ('');
    my $until = time + scaled(10);
    while (time < $until && grep { !exists $status{$_} } @wanted) {
        IO::Select->new($socket)->can_read(0.1) or next;
        sysread($socket, $raw, 65536, length $raw) or last;
        while (my $frame = take_frame(\$raw)) {
            my ($type, undef, $stream, $payload) = @$frame;
            $status{$stream} = $payload =~ /\A\x88/ ? 200 : 'other' if $type == HEADERS;
        }
    }
    return \%status;
}

my %ways = (
    FIN => sub {
        my ($target) = @_;
        my @all = map { asking($target) } 1 .. $many;
        return sub { close $_ for @all };
    },
    'half a FIN' => sub {
        my ($target) = @_;
        my @all = map { asking($target) } 1 .. $many;
        return sub { shutdown $_, SHUT_WR for @all };
    },
    RST => sub {
        my ($target) = @_;
        my @all = map { asking($target) } 1 .. $many;
        return sub {
            for (@all) { setsockopt $_, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0; close $_ }
        };
    },
    'RST_STREAM' => sub {
        my ($target) = @_;
        my $socket  = connected($h2);
        my @streams = map { 2 * $_ + 1 } 0 .. $many - 1;
        syswrite $socket, preface() . join '', map { get_frame($_, $target) } @streams;
        my @gone = grep { $_ % 4 == 1 } @streams;
        my @stay = grep { $_ % 4 == 3 } @streams;
        return sub {
            syswrite $socket, join '', map { frame(RST_STREAM, 0, $_, $cancel) } @gone;
            # Those that stay, and what else is under way.
            ok wait_for(sub { waiting() <= @stay + $others }), "RST_STREAM: $target: nobody waits for those that were given up";
            $fake->behave('pass');
            my $status = answered($socket, @stay);
            is_deeply [map { $status->{$_} } @stay], [(200) x @stay], "RST_STREAM: $target: the other streams have their answers";
            is_deeply [grep { exists $status->{$_} } @gone], [], "RST_STREAM: $target: those that were given up, none";
        };
    },
    'an HTTP/2 connection' => sub {
        my ($target) = @_;
        my $socket = connected($h2);
        syswrite $socket, preface()
            . join '', map { get_frame(2 * $_ + 1, $target) } 0 .. $many - 1;
        return sub { close $socket };
    },
);

sub scripts { return $redis->calls('EVALSHA') + $redis->calls('EVAL') }

# What Redis has counted of KEY by now.
sub counted {
    my ($key) = @_;
    my $told = header_of(request($nginx->port, GET => "/a/?k=$key", timeout => 10)->{fields}, 'RateLimit') // '';
    my ($left) = $told =~ /^"a";r=(\d+);/ or return -1;
    return $quota - $left - 1;
}

# What Redis has counted of all keys, as a fixed window keeps it: the lowest 20 bits.
sub counted_of_all {
    my $sum = 0;
    $sum += $redis->run('GET', $_) % 2**20 for @{ $redis->run('KEYS', 'guard:a:*') };
    return $sum;
}

# How many requests wait, besides the one that asks.
sub waiting {
    my ($writing) = request($nginx->port, GET => '/status')->{body} =~ /Writing: (\d+)/;
    return $writing - 1;
}

is counted('first'), 0, 'Redis is asked';
for my $way (sort keys %ways) {
    for my $target ('/a/?k=', '/abc/?k=') {
        my $key = 'gone' . $way =~ tr/A-Za-z//cdr . length $target;
        my $before = counted_of_all();
        $fake->behave('hold');
        my $leave = $ways{$way}->("$target$key");
        ok wait_for(sub { waiting() == $many && counted_of_all() == $before + $many }), "$way: $target: all of them wait";
        my $asked = scripts();
        my $load  = start_load($nginx, "${target}stay$key", clients => $others);
        ok wait_for(sub { scripts() > $asked && waiting() == $many + $others }), "$way: $target: and so do others";
        $leave->();
        $fake->behave('pass');
        my $after = counted($key);
        cmp_ok $after, '<=', $many, "$way: $target: none is counted twice";
        my $result = $load->finish;
        is_deeply $result->{codes}, { 200 => $result->{total} }, "$way: $target: all that stay have their answers";
        cmp_ok $result->{total}, '>=', $others, "$way: $target: and there were some";
        is counted("stay$key"), $result->{total}, "$way: $target: each of them was counted once";
        is counted($key), $after + 1, "$way: $target: nothing was counted later";
    }
}

# Given up in the turn in which it asks: its call is never written, and there is no answer to wait for behind that of
# the one before, who has to ask once more.
for my $round (1 .. 3) {
    my $socket = connected($h2);
    $redis->run('SCRIPT', 'FLUSH');
    syswrite $socket, preface() . get_frame(1, '/d/') . get_frame(3, '/e/') . frame(RST_STREAM, 0, 3, $cancel);
    is_deeply answered($socket, 1), { 1 => 200 }, "given up at once: the other has its answer, $round";
}

is $nginx->stop('QUIT'), undef, 'stops: nobody waits any more';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
my ($events) = read_events($nginx->log_file('events.log'));
is_deeply [grep { /^redis_/ } map { $_->{labels}{kind} } @$events], [], 'Redis was never away';

done_testing();
