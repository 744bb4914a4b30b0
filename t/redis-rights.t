# The user of docs/operations.md may do what Guard does with Redis, and nothing else: everything that counts or writes there
# works as that user, Redis has refused nothing, and each of the rights is used.

use strict;
use warnings;
use lib 't/lib';
use File::Temp ();
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending   qw(ends_well);
use Test::Nginx::Guard::Events   qw(events_of);
use Test::Nginx::Guard::Guardctl qw(guardctl);

my $page = do { open my $in, '<', 'docs/operations.md' or die "docs/operations.md: $!\n"; local $/; <$in> };
my ($user) = $page =~ /^```\n(user guard on >SECRET .*)\n```$/m;
my ($desk) = $page =~ /`((?:\+[a-z]+ ?)+)` for `guardctl lockout`/;
ok defined $user && defined $desk, 'the page has a user' or BAIL_OUT('none');
my @more = split / /, $desk;
$user =~ s/SECRET/open-sesame/;

my $redis = start_redis(config => ["$user @more"]);
my $app   = start_upstream(
    sub {
        my ($request) = @_;
        return if $request->{body} =~ /"mute"/;
        my $status = $request->{body} =~ /"right"/ ? 200 : 401;
        return "HTTP/1.1 $status Status\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    }
);
my $proxy = "proxy_pass http://127.0.0.1:" . $app->port . ';';

sub node {
    my ($redis) = @_;
    return start_nginx(
        workers     => 1,
        http_config => 'guard_redis main ' . $redis->unix_url . " username=guard password=open-sesame timeout=2s;\n" . <<'EOC',
guard_key_secret 0123456789abcdef;
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_log redis:main:events;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_rate_policy gcra     rate=3/day key=$arg_k burst=3 redis=main;
guard_rate_policy log      rate=3/day key=$arg_k algorithm=sliding_log redis=main;
guard_rate_policy fixed    rate=3/day key=$arg_k algorithm=fixed_window redis=main;
guard_rate_policy sliding  rate=3/day key=$arg_k algorithm=sliding_window redis=main;
guard_rate_policy interval rate=3/day key=$arg_k burst=3 redis=main sync=100ms;
guard_lockout_policy login key=$email$guard_client_net on=login_failed limit=2 window=15m duration=30m backoff=2 reset_on=login_succeeded redis=main;
guard_lockout_policy spray key=$guard_client_net distinct=$email on=login_failed limit=2 window=15m duration=30m redis=main;
guard_lockout_policy many key=$guard_client_net distinct=$email on=login_failed limit=65 window=15m duration=30m redis=main;
guard_ban_policy misses score=2 half_life=10m duration=1h weights=404:1 redis=main;
guard_sessions users key=$cookie_sid window=1h redis=main;
guard_health_check redis redis:main interval=1s;
EOC
        config => <<"EOC",
root html;
guard_json_set \$email /email;
location /gcra { guard_rate gcra; try_files /index.html =404; }
location /log { guard_rate log; try_files /index.html =404; }
location /fixed { guard_rate fixed; try_files /index.html =404; }
location /sliding { guard_rate sliding; try_files /index.html =404; }
location /interval { guard_rate interval; try_files /index.html =404; }
location = /login { guard_json on; guard_lockout login; guard_event login_failed on=401; guard_event login_succeeded on=200; $proxy }
location = /spray { guard_json on; guard_lockout spray; guard_event login_failed on=401; $proxy }
location = /many { guard_json on; guard_lockout many; guard_event login_failed on=401; guard_event login_succeeded on=200; $proxy }
location /bans/ { guard_ban misses; alias html/; }
location = /locks { guard_lockout_admin; }
location = /health { guard_health; }
location = /metrics { guard_metrics; }
EOC
    );
}
my @nodes = map { node($redis) } 1, 2;

sub code_of {
    my ($node, $method, $target, %word) = @_;
    return request($nodes[$node]->port, $method => $target, %word)->{code};
}
sub login {
    my ($node, $path, $account, $password) = @_;
    return code_of($node, POST => $path, headers => ['Content-Type: application/json', 'X-Client: 192.0.2.1'],
        body => JSON::PP::encode_json({ email => $account, password => $password // 'wrong' }));
}

# All that one node counts, the other one knows.
for my $path (qw(gcra log fixed sliding)) {
    is join(' ', map { code_of($_ % 2, GET => "/$path?k=a") } 1 .. 4), '200 200 200 429', "$path: counts";
}
is join(' ', map { code_of(0, GET => '/interval?k=a') } 1 .. 3), '200 200 200', 'interval: counts';
ok wait_for(sub { code_of(1, GET => '/interval?k=a') == 429 }), 'interval: and tells';

# The client has its answer before Redis has the failure: a success of another node waits for that here.
sub counted_logins { return grep { /attempts|failures|pending/ && /login/ } @{ $redis->run('KEYS', '*') } }
is login(0, '/login', 'ann'), 401, 'lockout: a failure';
ok wait_for(sub { grep { /failures/ } counted_logins() }), 'lockout: is counted';
is login(1, '/login', 'ann', 'right'), 200, 'lockout: a success';
ok wait_for(sub { !counted_logins() }), 'lockout: clears';
is join(' ', map { login($_ % 2, '/login', 'bob') } 1 .. 3), '401 401 429', 'lockout: locks';
is join(' ', map { login($_ % 2, '/spray', "a$_") } 1 .. 3), '401 401 429', 'lockout: by different values';
my @many = map { login($_ % 2, '/many', "a$_", $_ > 50 ? 'mute' : 'wrong') } 1 .. 80;
is join(' ', @many[0 .. 59], $many[-1]), join(' ', (401) x 50, (502) x 10, 429), 'lockout: by many different values';
is join(' ', map { login($_ % 2, '/login', 'mute') } 1 .. 3), '502 502 429', 'lockout: is full';
ok wait_for(sub { 2 <= map { events_of($_, qr/^account_locked/) } @nodes }), 'lockout: told';

is join(' ', map { request($nodes[0]->port, GET => '/bans/none', headers => ['X-Client: 192.0.2.7'])->{code} } 1 .. 3), '404 404 403', 'ban: bans';
ok wait_for(sub { request($nodes[1]->port, GET => '/bans/', headers => ['X-Client: 192.0.2.7'])->{code} == 403 }), 'ban: everywhere';
is code_of(1, DELETE => '/locks?client=192.0.2.7'), 200, 'ban: is lifted';
ok wait_for(sub { request($nodes[0]->port, GET => '/bans/', headers => ['X-Client: 192.0.2.7'])->{code} == 200 }), 'ban: everywhere';

request($nodes[$_ % 2]->port, GET => '/gcra?k=a', headers => ["Cookie: sid=$_"]) for 1 .. 4;
request($nodes[$_ % 2]->port, GET => "/gcra?k=s$_", headers => ["Cookie: sid=$_"]) for 1 .. 4;
ok wait_for(sub { request($nodes[0]->port, GET => '/metrics')->{body} =~ /^guard_sessions\{policy="users"\} 4$/m }, 20), 'sessions: together';
ok wait_for(sub { grep { $_->[1][1] =~ /account_locked/ } @{ $redis->run('XRANGE', 'guard:events', '-', '+') } }), 'events: arrive';
ok wait_for(sub { request($nodes[0]->port, GET => '/health')->{body} =~ /"redis:responseTime":\[\{[^\]]*"status":"pass"/ }), 'health: passes'
    or diag request($nodes[0]->port, GET => '/health')->{body};

my $file = File::Temp->new;
print {$file} "open-sesame\n";
$file->flush;
my $secret = File::Temp->new;
print {$secret} "0123456789abcdef\n";
$secret->flush;
my @desk = ('--redis=' . $redis->unix_url, '--username=guard', "--password=file:$file");
my ($code, $text, $error) = guardctl('lockout', 'list', @desk);
is "$code $error", '0 ', 'guardctl: lists';
like $text, qr/^login\t/m, 'guardctl: a lock';
is +(guardctl('lockout', 'unlock', @desk, "--key-secret=file:$secret", '--account=bob'))[0], 0, 'guardctl: lifts it';
ok wait_for(sub { login(0, '/login', 'bob') == 401 }), 'guardctl: which is so';

my %used = map { /^cmdstat_([^:]+):/ ? ($1 => 1) : () } split /\r\n/, $redis->run('INFO', 'commandstats');
my @refused = @{ $redis->run('ACL', 'LOG') };

# An outage: the probe writes.
$redis->stop;
$redis->start;
ok wait_for(sub { 2 == grep { my $n = $_; events_of($n, qr/^redis_recovered/) == events_of($n, qr/^redis_unavailable/) } @nodes }), 'it comes back';
ok wait_for(sub { code_of(0, GET => '/gcra?k=z') == 200 && login(1, '/login', 'cid') =~ /401|429/ }), 'and counts';

is_deeply [grep { !$used{$_} } "$user @more" =~ /\+([a-z|]+)/g], [], 'each of the rights is used';
is_deeply [map { my %entry = @$_; "$entry{object} for $entry{username}" } @refused, @{ $redis->run('ACL', 'LOG') }], [], 'Redis has refused nothing';
ends_well($_, 'node', allowed => ['error']) for @nodes;

# A right that is missing within a script is said, and not taken for an answer.
{
    my $poor = start_redis(config => [$user =~ s/ \+zadd//r]);
    my $nginx = node($poor);
    @nodes = ($nginx);
    is join(' ', map { login(0, '/login', 'dan') } 1 .. 3), '401 401 429', 'without a right: by shared memory';
    my $count = 0;
    ok wait_for(sub { login(0, '/login', 'eve' . ++$count); $nginx->log_text =~ /\[error\] .*guard_redis "main" is unavailable: ERR .*(?:can't run this command|ACL failure)/ }), 'without a right: is said';
    ok wait_for(sub { events_of($nginx, qr/^redis_unavailable/) }), 'without a right: as an event';
    is $nginx->stop, undef, 'without a right: stops';
}
$app->stop;
done_testing;
