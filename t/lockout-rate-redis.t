# Lockouts and rate limits that one request asks of Redis go together: one round trip for both. Who is refused by one of
# them gets back what the other has taken, and of a key that is known to be locked the other does not hear at all.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Login qw(start_login);
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;
my $app = start_login();
my $redis = start_redis();
my $other = start_redis();
my $fake  = start_fake_redis(behind => $redis);
my $proxy = 'proxy_pass http://127.0.0.1:' . $app->port . ';';

sub node {
    my ($url) = @_;
    return start_nginx(
        workers     => 1,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=4s;\nguard_redis other " . $other->unix_url . ";\n" . <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_lockout_policy login key=$email on=login_failed limit=3 window=15m duration=30m redis=main;
guard_lockout_policy sure key=$email on=login_failed limit=3 window=15m duration=30m redis=main on_error=closed;
guard_lockout_policy away key=$email on=login_failed limit=3 window=15m duration=30m redis=other;
guard_rate_policy each rate=5/day burst=5 key=$email redis=main;
guard_rate_policy log algorithm=sliding_log rate=5/day key=$email redis=main;
guard_rate_fields legacy;
EOC
        config => <<"EOC",
guard_json_set \$email /email;
guard_json on;
guard_event login_failed on=401;
location = /login { guard_lockout login; guard_rate each; $proxy }
location = /log { guard_lockout login; guard_rate log; $proxy }
location = /sure { guard_lockout sure; guard_rate each; $proxy }
location = /away { guard_lockout away; guard_rate each; $proxy }
location = /observe { guard_mode observe lockout; guard_lockout login; guard_rate each; $proxy }
location = /lock { guard_lockout login; $proxy }
location = /left { guard_rate each cost=0; $proxy }
location = /left-log { guard_rate log cost=0; $proxy }
EOC
    );
}
my ($one, $two) = (node($fake->unix_url), node($redis->unix_url));    # begin() asks the first

sub body_of { my ($user, $password) = @_; return $json->encode({ email => "$user\@example.com", password => $password // 'wrong' }) }
sub try {
    my ($nginx, $path, $user, $password) = @_;
    return request($nginx->port, POST => $path, body => body_of($user, $password), headers => ['Content-Type: application/json'])
        // { code => 'none', fields => [], body => '' };
}
sub codes { my ($nginx, $path, $user, $count, $password) = @_; return join ' ', map { try($nginx, $path, $user, $password)->{code} } 1 .. $count }
sub code_of { my ($response) = @_; return (eval { $json->decode($response->{body}) } // {})->{code} // '' }
# A request whose answer is read later.
sub begin {
    my ($path, $user, $password) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $one->port) // die "connect: $!\n";
    my $body = body_of($user, $password);
    print {$socket} "POST $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body";
    return $socket;
}
sub finish { my ($socket) = @_; local $/; my $text = <$socket> // ''; return $text =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none' }
# What is left of a rate limit in Redis.
sub left { my ($user, $path) = @_; return header_of(try($two, $path // '/left', $user, 'right')->{fields}, 'X-RateLimit-Remaining') }
# How many attempts hold a place there.
sub places {
    my $count = 0;
    $count += $redis->run('ZCARD', $_) for grep { /\.attempts$/ } @{ $redis->run('KEYS', '*') };
    return $count;
}
sub has_places { my ($count) = @_; return wait_for(sub { places() == $count }) }
# How many commands come before any of them is answered.
sub together {
    my ($count, $path, $user) = @_;
    has_places(0) or return 'not given back';
    my $before = $fake->commands;
    $fake->behave('hold');
    my $socket = begin($path, $user, 'right');
    my $together = wait_for(sub { my $n = $fake->commands - $before; return $n == $count && "$n" });
    $fake->behave('pass');
    return ($together // 'late: ' . ($fake->commands - $before)) . ' ' . finish($socket);
}

# Scripts and connections are there from here on.
is codes($_, '/login', 'first', 1, 'right'), '200', 'works' for $one, $two;
is codes($_, '/log', 'first', 1, 'right'), '200', 'works' for $one, $two;
ok has_places(0), 'a place is given back';

# One round trip.
is together(2, $_, 'ann'), '2 200', "$_: both are asked at once" for qw(/login /log /sure);
is together(1, '/away', 'ann'), '1 200', 'of two Redis, either at once';
ok has_places(0), 'given back';
is left('ann'), 2, 'each has taken one of the quota';
is left('ann', '/left-log'), 4, 'of its own';

# Over the rate, of which this nginx does not know: the place is free again, and the application not asked.
is codes($two, '/login', 'bob', 5, 'right'), '200 200 200 200 200', 'as many as may';
ok has_places(0), 'given back';
my $response = try($one, '/login', 'bob', 'right');
is "$response->{code} " . code_of($response), '429 rate.each', 'one more is refused by the rate';
ok has_places(0), 'its place is given back';
my $calls = $fake->commands;
is codes($one, '/login', 'bob', 20, 'right'), join(' ', (429) x 20), 'so are others';
is $fake->commands, $calls, 'for which Redis is not asked';

# Locked, of which this nginx does not know: what the rate has taken is there again. From then on the rate is not asked.
is codes($two, '/lock', 'cid', 4), '401 401 401 429', 'three failures lock';
for my $case (['/login', '/left'], ['/log', '/left-log']) {
    my ($path, $look) = @$case;
    for my $i (1 .. 7) {
        $response = try($one, $path, 'cid', 'right');
        is "$response->{code} " . code_of($response), '429 lockout.login', "$path: locked: $i";
    }
    ok wait_for(sub { left('cid', $look) == 5 }), "$path: nothing of the quota is gone";
}
$calls = $fake->commands;
is codes($one, '/login', 'cid', 3, 'right'), '429 429 429', 'locked';
is $fake->commands - $calls, 3, 'and only the lock is asked for';
is codes($one, '/observe', 'cid', 2, 'right'), '200 200', 'who is only observed passes';
is left('cid'), 3, 'and the rate counts him';

# The lock is lifted: both are asked, one after the other, since this nginx could not know.
$redis->run('DEL', grep { /\.lock$/ } @{ $redis->run('KEYS', '*') });
is codes($one, '/login', 'cid', 1, 'right'), '200', 'lifted';
is left('cid'), 2, 'and counted';
is together(2, '/login', 'cid'), '2 200', 'then together again';

# Both at once, from either nginx: never more than either allows.
{
    my @sockets = map { begin('/login', 'dan') } 1 .. 40;
    my %count;
    ++$count{ finish($_) } for @sockets;
    is_deeply \%count, { 401 => 3, 429 => 37 }, 'of 40 guesses at once three get through';
    is scalar(grep { ($_->{body} // '') =~ /"dan\@/ } @{ $app->requests }), 3, 'to the application';
    ok wait_for(sub { left('dan') == 2 }), 'the others have their quota back';
}

# Redis does not answer: all that a request may wait is the time of one question.
$fake->behave('hang');
{
    my $begun = time;
    is codes($one, '/login', 'eve', 1, 'right'), '200', 'local: passes';
    cmp_ok time - $begun, '<', scaled(7), 'and has not waited twice';
    is codes($one, '/sure', 'eve', 1, 'right'), '503', 'closed: does not';
}
# Clients that do not wait for it.
$fake->behave('hold');
close $_ for map { begin($_, 'fay') } (qw(/login /log /sure /away)) x 5;
$fake->behave('pass');
ok wait_for(sub { try($one, '/sure', 'gil', 'right')->{code} == 200 }), 'Redis is back';

ends_well($one, 'one', allowed => []);
ends_well($two, 'two', allowed => []);

# A worker that shuts down still hears both answers.
{
    $redis->run('FLUSHALL');
    $one = node($fake->unix_url);
    is codes($one, '/login', 'hal', 1, 'right'), '200', 'works';
    ok has_places(0), 'given back';
    my $before = $fake->commands;
    $fake->behave('hold');
    my $socket = begin('/login', 'hal', 'right');
    ok wait_for(sub { $fake->commands - $before == 2 }), 'asked';
    kill HUP => $one->pid;
    ok wait_for(sub { $one->log_text =~ /gracefully shutting down/ }), 'reloads';
    $fake->behave('pass');
    is finish($socket), 200, 'and is answered';
    ends_well($one, 'last', allowed => []);
}

done_testing();
