# Lockouts that four nginx share through Redis: however many guesses are made at once, over whatever protocol and through
# whichever of them, exactly the limit gets to an application that takes 300 ms; a lock holds on all of them and is told
# of once; a success clears it everywhere; and an operator lifts it.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Login qw(start_login);
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->canonical;

my $app = start_login();
my $login = 'guard_json on; guard_event login_failed on=401 user=$email; guard_event login_succeeded on=200 user=$email; '
    . 'proxy_pass http://127.0.0.1:' . $app->port . ';';

sub node {
    my ($url) = @_;
    my $h2 = free_port();
    my $node = start_nginx(
        workers     => 2,
        connections => 1024,
        listen      => ["listen 127.0.0.1:$h2 http2;"],
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=5s;\n" . <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy user=clear;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_lockout_policy login key=$email$guard_client_net on=login_failed limit=5 window=15m duration=30m reset_on=login_succeeded redis=main;
guard_lockout_policy account key=$email on=login_failed limit=20 window=15m duration=5m redis=main;
guard_lockout_policy spray key=$guard_client_net distinct=$email on=login_failed limit=3 window=15m duration=10m redis=main;
guard_lockout_policy many key=$guard_client_net distinct=$email on=login_failed limit=100 window=15m duration=10m redis=main;
guard_lockout_policy networks key=$email distinct=$guard_client_net on=login_failed limit=100 window=15m duration=10m redis=main;
guard_lockout_policy growing key=$email on=login_failed limit=1 window=1m duration=1s backoff=3 max=1h redis=main;
guard_lockout_policy here key=$email on=login_failed limit=3 window=15m duration=5m;
EOC
        config => <<"EOC",
guard_json_set \$email /email;
location /login { guard_lockout login; $login }
location /fronted { guard_json on; guard_lockout login; try_files /none /controller/x; }
location /controller/ { guard_event login_failed on=401 user=\$email; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }
location /both { guard_lockout login; guard_lockout account; guard_lockout here; $login }
location /spray { guard_lockout spray; $login }
location /many { guard_lockout many; $login }
location /networks { guard_lockout networks; $login }
location /growing { guard_lockout growing; $login }
location /observe { guard_lockout login; guard_mode observe lockout; $login }
location = /locks { guard_lockout_admin; }
EOC
    );
    return { nginx => $node, h2 => $h2 };
}

my @nodes;

# What a login through one of the nodes is answered.
sub try {
    my ($node, $path, $user, %word) = @_;
    my $answer = request(
        $nodes[$node]{nginx}->port, POST => $path,
        body    => $json->encode({ email => $user, password => $word{password} // 'wrong' }),
        headers => ['Content-Type: application/json', 'X-Client: ' . ($word{from} // '192.0.2.1')]
    ) // { code => 'none', fields => [], body => '' };
    return $answer;
}
# One after the other, through the nodes in turn.
sub codes { my ($path, $user, $count, @word) = @_; return join ' ', map { try($_ % @nodes, $path, $user, @word)->{code} } 1 .. $count }
sub reached { my ($user) = @_; return scalar grep { ($_->{body} // '') =~ /"\Q$user\E"/ } @{ $app->requests } }
# What stands in Redis as under way or failed, of all keys of POLICY. Redis hears of an outcome when the client has it: what
# is given back is so a while after the answer.
sub attempts {
    my ($redis, $policy) = @_;
    my %count = map { ($_ => $redis->run('ZCARD', $_)) } grep { /lockout:\Q$policy\E:.*attempts/ } @{ $redis->run('KEYS', '*') };
    return join ' ', map { "$_=$count{$_}" } grep { $count{$_} } sort keys %count;
}
sub kinds { my ($kind) = @_; return map { events_of($_->{nginx}, qr/^$kind$/) } @nodes }

# How many attempts are answered 401 before one is not.
sub failures {
    my ($attempt) = @_;
    my $count = 0;
    ++$count while $count < 300 && $attempt->($count + 1) eq 401;
    return $count;
}
# Within four times the standard error of Redis's sketches.
sub is_about { my ($count, $limit, $name) = @_; return ok abs($count - $limit) <= 4 * 0.0081 * $limit, "$name: $count" }

sub guess {
    my ($ports, @words) = @_;
    open my $out, '-|', 'scripts/attack/guess', @words, map { "127.0.0.1:$_" } @$ports or die "guess: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    return eval { $json->decode($text) } // { failed => $text };
}

sub attacked {
    my ($name, $user) = @_;
    my ($one, $two) = map { "slow$_-$user" } 1, 2;
    is_deeply guess([map { $_->{nginx}->port } @nodes], '--path', '/login', '--user', $one), { 401 => 5, 429 => 495 },
        "$name: 500 guesses over HTTP/1.1: five answers";
    is reached($one), 5, "$name: five have reached the application";
    is_deeply guess([map { $_->{h2} } @nodes], '--h2', '--path', '/login', '--user', $two), { 401 => 5, 429 => 495 },
        "$name: 500 over HTTP/2 with a closed window: five answers";
    is reached($two), 5, "$name: five have reached the application";
    ok wait_for(sub { kinds('account_locked') >= 2 }), "$name: locks are told of";
    is join(' ', sort map { ($_->{user} // {})->{name} // "nobody" } kinds('account_locked')), "$one $two", "$name: once each, by one node";
    return;
}

{
    my $redis = start_redis();
    @nodes = map { node($redis->unix_url) } 1 .. 4;
    attacked('one Redis', 'one@example.com');

    my ($lock) = kinds('account_locked');
    is subset_problem({
        event  => { code => 'lockout.login', reason => 'Locked for 1800 seconds, lock 1 in a row', end => 're:2.*Z' },
        rule   => { name => 'login' },
        source => { ip => '127.0.0.1' },
        http   => { request => { id => 're:[0-9a-f]{32}' } },
        labels => { kind => 'account_locked', key_hash => 're:[0-9a-f]{32}' }
    }, $lock), undef, 'which says what it is';
    my @keys = @{ $redis->run('KEYS', '*') };
    is scalar(grep { /example/ } @keys), 0, 'no key in Redis has an account in it';
    my ($one) = grep { /\Q$lock->{labels}{key_hash}\E\}\.lock$/ } @keys;
    like $one, qr/^guard:lockout:login:\{[0-9a-f]{32}\}\.lock$/, 'the lock is a key';
    cmp_ok $redis->run('PTTL', $one), '<=', 1_800_002, 'that ends with the lock';
    is scalar(grep { $redis->run('TTL', $_) < 0 } @keys), 0, 'and no key is there for good';

    # One node after the other.
    is codes('/login', 'ann@example.com', 7), '401 401 401 401 401 429 429', 'failures are counted over all nodes';
    ok wait_for(sub { header_of(try(0, '/login', 'ann@example.com')->{fields}, 'Retry-After') =~ /^1(?:800|79\d)$/ }), 'for half an hour';
    my $rest = attempts($redis, 'login');
    is codes('/login', 'ann@example.com', 2, from => '192.0.2.2', password => 'right'), '200 200', 'the owner elsewhere is not locked';
    is codes('/login', 'ann@example.com', 1), '429', 'whose success lifts nothing here';
    for my $round (1 .. 3) {
        ok wait_for(sub { attempts($redis, 'login') eq $rest }), "given back: $round";
        is codes('/login', 'good@example.com', 4, password => 'right'), '200 200 200 200', "successes are given back: $round";
    }
    ok wait_for(sub { attempts($redis, 'login') eq $rest }), 'given back: all';
    for my $round (1 .. 2) {
        is codes('/fronted', 'front@example.com', 4, password => 'right'), '200 200 200 200', "also where another location asks the application: $round";
        ok wait_for(sub { attempts($redis, 'login') eq $rest }), "which Redis hears: $round";
    }
    is codes('/login', 'mixed@example.com', 4), '401 401 401 401', 'four failures';
    is codes('/login', 'mixed@example.com', 1, password => 'right'), '200', 'and a success';
    ok wait_for(sub { attempts($redis, 'login') eq $rest }), 'once Redis has heard of it';
    is codes('/login', 'mixed@example.com', 6), '401 401 401 401 401 429', 'begin anew';
    is codes('/login', 'silent@example.com', 7), '502 502 502 502 502 429 429', 'what is never answered keeps its place';
    ok wait_for(sub { kinds('account_locked') >= 4 }), 'locks are told of';
    $rest = attempts($redis, 'login');
    for my $round (1, 2) {
        is codes('/login', 'broken@example.com', 4), '500 500 500 500', "what is answered otherwise does not: $round";
        ok wait_for(sub { attempts($redis, 'login') eq $rest }), "given back: $round";
    }

    # Several policies, of which one is not in Redis: of all or of none.
    is join(' ', map { try(0, '/both', 'both@example.com', from => "192.0.2.$_")->{code} } 1 .. 4), '401 401 401 429', 'shared memory says no after three';
    is reached('both@example.com'), 3, 'have reached the application';
    is join(' ', map { try(1 + $_ % 3, '/both', 'both@example.com', from => "192.0.2.$_")->{code} } 1 .. 10), join(' ', (401) x 9, 429),
        'on each node';

    is join(' ', map { codes('/spray', "victim$_\@example.com", 1, from => '192.0.2.20') } 1 .. 5), '401 401 401 429 429', 'spraying: three accounts';
    is codes('/spray', 'victim4@example.com', 1, from => '192.0.2.21'), '401', 'by one network';
    is codes('/spray', 'same@example.com', 6, from => '192.0.2.22'), join(' ', (401) x 6), 'one account counts once';
    $rest = attempts($redis, 'spray');
    for my $user (1 .. 4) {
        is codes('/spray', "new$user\@example.com", 2, from => '192.0.2.22', password => 'right'), '200 200', "and successes not at all: $user";
        ok wait_for(sub { attempts($redis, 'spray') eq $rest }), "given back: $user";
    }

    # Many values, by HyperLogLog.
    is_about(failures(sub { my ($n) = @_; try($n % @nodes, '/many', "victim$n\@example.com", from => '192.0.2.30')->{code} }), 100, 'spraying');
    is codes('/many', 'victim1@example.com', 1, from => '192.0.2.31'), '401', 'by one network';
    is codes('/many', 'same@example.com', 300, from => '192.0.2.32'), join(' ', (401) x 300), 'one account counts once';
    is_about(failures(sub { my ($n) = @_; try($n % @nodes, '/networks', 'ann@example.com', from => "198.51.100.$n")->{code} }), 100, 'many networks');
    is codes('/networks', 'bob@example.com', 1, from => '198.51.100.1'), '401', 'at one account';
    is codes('/networks', 'cid@example.com', 300, from => '198.51.100.1'), join(' ', (401) x 300), 'one network counts once';
    my $codes = guess([map { $_->{nginx}->port } @nodes], '--path', '/many', '--users', 'slow-{}@example.com');
    is_about($codes->{401} // 0, 100, '500 accounts at once');
    is(($codes->{401} // 0) + ($codes->{429} // 0), 500, 'the others are refused');
    # As many as may be under way at once are estimated at one or two less, or more.
    is_about(($codes->{401} // 0) + failures(sub { my ($n) = @_; try(0, '/many', "more$n\@example.com", from => '127.0.0.1')->{code} }), 100, 'with a few more');
    ok wait_for(sub { grep { $_->{rule}{name} eq 'many' && $_->{source}{ip} eq '127.0.0.1' } kinds('account_locked') }), 'the network is locked';
    $rest = attempts($redis, 'many');
    for my $user (1 .. 4) {
        is codes('/many', "new$user\@example.com", 2, from => '192.0.2.32', password => 'right'), '200 200', "successes are given back: $user";
        ok wait_for(sub { attempts($redis, 'many') eq $rest }), "leaving nothing: $user";
    }
    @keys = @{ $redis->run('KEYS', '*') };
    is scalar(grep { /example/ } @keys), 0, 'no key has an account in it';
    my @slices = grep { /\.slice\d$/ } @keys;
    cmp_ok scalar(@slices), '>=', 3, 'there are sketches';
    is scalar(grep { $redis->run('GET', $_) !~ /^HYLL/ } @slices), 0, 'which hold nothing else';
    is scalar(grep { $redis->run('TTL', $_) < 0 } @keys), 0, 'and all of it ends';

    # Whoever is held up for a second comes too late to see it; he tries another account.
    my ($user, $first);
    for my $try (1 .. 10) {
        my $begun = time;
        $user = "growing$try\@example.com";
        is try(0, '/growing', $user)->{code}, 401, 'a lock that grows';
        $first = try(1, '/growing', $user);
        last if time - $begun < 0.9;
    }
    is header_of($first->{fields}, 'Retry-After'), 1, 'is one second at first';
    my $since;
    ok wait_for(sub { $since = time; try(2, '/growing', $user)->{code} == 401 }), 'then it is over';
    # Until Redis has heard that this one failed, too, it is under way, for which one waits a second.
    my $left;
    ok wait_for(sub { $left = header_of(try(3, '/growing', $user)->{fields}, 'Retry-After') // 0; return $left > 1 || time - $since > 1 }), 'and there again';
    cmp_ok $left, '<=', 3, 'for three seconds in a row';
    cmp_ok $left, '>=', 2 - (time - $since), 'and no less';

    is codes('/observe', 'seen@example.com', 8), join(' ', (401) x 8), 'observed: nothing is refused';
    ok wait_for(sub { grep { (($_->{user} // {})->{name} // "") eq "seen\@example.com" } kinds('account_locked') }), 'but the lock is recorded';
    is codes('/login', 'seen@example.com', 1), '429', 'and holds where it is enforced';

    # A reload keeps it all.
    $nodes[0]{nginx}->hup;
    is try(0, '/login', 'ann@example.com')->{code}, 429, 'a reload keeps locks';

    # Who lifts a lock here lifts it for all.
    my $answer = request($nodes[0]{nginx}->port, DELETE => '/locks?account=ann@example.com');
    is $answer->{code}, 200, 'an operator lifts a lock on one node';
    ok wait_for(sub { try(3, '/login', 'ann@example.com')->{code} == 401 }), 'which is lifted on all';
    ends_well($_->{nginx}, 'node') for @nodes;
}
{
    my $cluster = start_cluster();
    @nodes = map { node($cluster->url) } 1 .. 4;
    attacked('cluster', 'cluster@example.com');
    is codes('/login', "user$_\@example.com", 6), '401 401 401 401 401 429', 'cluster: keys of any slot' for 1 .. 5;
    is codes('/both', 'both@example.com', 6), join(' ', (401) x 5, 429), 'cluster: two policies of two slots';
    is_about(failures(sub { my ($n) = @_; try($n % @nodes, '/many', "victim$n\@example.com", from => '192.0.2.30')->{code} }), 100, 'cluster: spraying');
    ends_well($_->{nginx}, 'cluster: node') for @nodes;
}
$app->stop;
done_testing;
