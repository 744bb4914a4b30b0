# Lockouts in Redis when Redis goes away and comes back: what on_error= says holds meanwhile, what was locked stays locked,
# and a request that is given up while it waits leaves nothing behind.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Wait qw(scaled);

my $app = start_upstream(
    sub {
        my ($request) = @_;
        my $status = $request->{body} =~ /"right"/ ? 200 : 401;
        return "HTTP/1.1 $status Status\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    }
);
my $redis = start_redis();
my $fake  = start_fake_redis(behind => $redis);
my $proxy = 'proxy_pass http://127.0.0.1:' . $app->port . ';';
my $rule  = 'key=$email on=login_failed limit=2 window=15m duration=30m reset_on=login_succeeded redis=main';

my $nginx = start_nginx(
    workers     => 1,
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $fake->url . " timeout=300ms;\n" . <<"EOC",
guard_event_log \$TEST_NGINX_EVENT_LOG;
guard_lockout_policy local  $rule;
guard_lockout_policy open   $rule on_error=open;
guard_lockout_policy closed $rule on_error=closed;
EOC
    config => <<"EOC",
guard_json_set \$email /email;
guard_json on;
guard_event login_failed on=401 user=\$email;
guard_event login_succeeded on=200 user=\$email;
location = /local { guard_lockout local; $proxy }
location = /open { guard_lockout open; $proxy }
location = /closed { guard_lockout closed; $proxy }
location = /locks { guard_json off; guard_event off; guard_lockout_admin; }
EOC
);

sub body_of { my ($user, $password) = @_; return JSON::PP::encode_json({ email => $user, password => $password // 'wrong' }) }
sub try {
    my ($path, $user, $password) = @_;
    return request($nginx->port, POST => $path, body => body_of($user, $password), headers => ['Content-Type: application/json'])
        // { code => 'none', fields => [], body => '' };
}
sub codes { my ($path, $user, $count, $password) = @_; return join ' ', map { try($path, $user, $password)->{code} } 1 .. $count }
sub lifted { my ($query) = @_; return request($nginx->port, DELETE => "/locks?$query") }
sub told { my ($kind) = @_; return scalar grep { ($_->{labels}{kind} // '') eq $kind } events_of($nginx, qr/./) }

my @paths = qw(/local /open /closed);
is codes($_, 'ann@example.com', 3), '401 401 429', "$_: locked" for @paths;
is codes($_, 'bob@example.com', 1), '401', "$_: one failure" for @paths;
ok wait_for(sub { told('account_locked') == 3 }), 'three locks';

# An answer that does not come in time.
$fake->behave('hang');
is try('/closed', 'cid@example.com')->{code}, 503, 'closed: nobody knows, nobody gets in';
# Where limits are stretched, the connection is seen to hang before this one has given its attempt back.
my $refused = try('/closed', scaled(1) > 1 ? 'eve@example.com' : 'cid@example.com');
is JSON::PP::decode_json($refused->{body})->{code}, 'lockout.unavailable', 'which it says';
is header_of($refused->{fields}, 'Retry-After'), 1, 'for a second';
is codes('/open', 'cid@example.com', 4), '401 401 401 401', 'open: nobody counts';
is codes('/open', 'ann@example.com', 1), '401', 'nor knows who was locked';
is codes('/local', 'ann@example.com', 2), '429 429', 'local: what was locked is remembered';
is codes('/local', 'bob@example.com', 2), '401 429', 'what has failed through this nginx, too';
is codes('/local', 'cid@example.com', 3), '401 401 429', 'and what fails meanwhile';
is codes('/local', 'dan@example.com', 5, 'right'), '200 200 200 200 200', 'successes are given back';
ok wait_for(sub { told('account_locked') == 5 }), 'each of these locks was told of once';
ok wait_for(sub { redis_events($nginx) == 1 }), 'and the outage';

# What an operator lifts meanwhile is not lifted there, which he is told.
my $lift = lifted('account=ann@example.com&policy=open');
is "$lift->{code} " . (JSON::PP::decode_json($lift->{body})->{redis_unavailable} // 'told'), '200 1', 'a lock is lifted here alone';

# It is back: the lock of that time was this nginx's own.
$fake->behave('pass');
ok wait_for(sub { try('/closed', 'dan@example.com', 'right')->{code} == 200 }), 'Redis is back';
is codes('/closed', 'cid@example.com', 3), '401 401 429', 'closed counts from nothing';
is codes($_, 'ann@example.com', 2), '429 429', "$_: what Redis has locked still is" for @paths;
is codes('/local', 'cid@example.com', 1), '401', 'local: Redis knows of no lock';
$lift = lifted('account=ann@example.com&policy=open');
is "$lift->{code} " . (JSON::PP::decode_json($lift->{body})->{redis_unavailable} // 'told'), '200 told', 'a lock is lifted there as well';
ok wait_for(sub { codes('/open', 'ann@example.com', 1, 'right') eq '200' }), 'open: and is gone';

# Clients that do not wait for Redis.
$fake->behave('hang');
for my $i (1 .. 20) {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $nginx->port) // die "connect: $!\n";
    my $body = body_of("gone$i\@example.com");
    print $socket "POST /local HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    close $socket;
}
$fake->behave('pass');
ok wait_for(sub { try('/closed', 'dan@example.com', 'right')->{code} == 200 }), 'they do no harm';

# Its data are gone, and its scripts.
$redis->run('FLUSHALL');
$redis->run('SCRIPT', 'FLUSH');
is codes('/closed', 'ann@example.com', 3), '401 401 429', 'a Redis that has forgotten everything begins anew';
$redis->run('SET', $_, 'x') for map { s/\.lock$/.attempts/r } grep { /\.lock$/ } @{ $redis->run('KEYS', '*') };
$redis->run('DEL', $_) for grep { /\.lock$/ } @{ $redis->run('KEYS', '*') };
is codes('/closed', 'ann@example.com', 1), '503', 'a key of another type is no answer';

ends_well($nginx, 'nginx', allowed => []);
$app->stop;
done_testing;
