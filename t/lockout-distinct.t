# Lockouts that count many distinct values, by HyperLogLog in shared memory: spraying from one network is locked within the
# error that docs/directives.md states, and so are many networks at one account; nobody else is, and no value counts twice.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Login qw(start_login);

my $json = JSON::PP->new->utf8->canonical;

my $app = start_login();
my $login = 'guard_json on; guard_event login_failed on=401 user=$email; proxy_pass http://127.0.0.1:' . $app->port . ';';

# By this secret the estimates are always the same.
my $nginx = start_nginx(
    workers     => 4,
    connections => 1024,
    http_config => <<'EOC',
guard_key_secret 0123456789abcdef;
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy user=clear;
set_real_ip_from 127.0.0.1;
real_ip_header X-Real-IP;
guard_lockout_policy spray key=$guard_client_net distinct=$email on=login_failed limit=100 window=15m duration=10m zone=1m;
guard_lockout_policy account key=$email distinct=$guard_client_net on=login_failed limit=100 window=15m duration=10m zone=1m;
guard_lockout_policy widest key=$guard_client_net distinct=$email on=login_failed limit=100000 window=15m duration=10m zone=330k;
EOC
    config => <<"EOC",
guard_json_set \$email /email;
location /spray { guard_lockout spray; guard_lockout widest; $login }
location /account { guard_lockout account; $login }
location = /locks { guard_lockout_admin; }
EOC
);

sub try {
    my ($path, $user, $from, $password) = @_;
    return request(
        $nginx->port, POST => $path,
        body    => $json->encode({ email => $user, password => $password // 'wrong' }),
        headers => ['Content-Type: application/json', "X-Real-IP: $from"]
    ) // { code => 'none', fields => [], body => '' };
}
sub code_of { my @words = @_; return try(@words)->{code} }

# How often codes come, of as many attempts; attempt: what the n-th is answered.
sub tally {
    my ($count, $attempt) = @_;
    my %codes;
    ++$codes{ $attempt->($_) } for 1 .. $count;
    return \%codes;
}

# How many attempts from the first-th on are answered 401 before one is not.
sub failures {
    my ($first, $attempt) = @_;
    my $count = 0;
    ++$count while $count < 300 && $attempt->($first + $count) eq 401;
    return $count;
}

# Four times the standard error of 2^10 registers.
sub is_about {
    my ($count, $limit, $name) = @_;
    return ok abs($count - $limit) <= 4 * 0.0325 * $limit, "$name: $count";
}

sub locks { my ($policy) = @_; return grep { $_->{rule}{name} eq $policy } events_of($nginx, qr/^account_locked$/) }

# One password with many accounts.
{
    my $attempt = sub { my ($n) = @_; return code_of('/spray', "user$n\@example.com", '192.0.2.1') };
    is_deeply tally(150, sub { my ($n) = @_; code_of('/spray', "user$n\@example.com", '192.0.2.1', 'right') }), { 200 => 150 }, 'successes are none';
    is_about failures(1, $attempt), 100, 'spraying locks the network';
    my $locked = try('/spray', 'user1@example.com', '192.0.2.1', 'right');
    is $locked->{code}, 429, 'for all accounts';
    like header_of($locked->{fields}, 'Retry-After'), qr/^(?:600|5\d\d)$/, 'for as long as it says';
    is $json->decode($locked->{body})->{code}, 'lockout.spray', 'by the policy';
    is code_of('/spray', 'user1@example.com', '192.0.2.2'), 401, 'other networks are not';
    ok wait_for(sub { locks('spray') }), 'which is an event';
    my @locks = locks('spray');
    is_deeply [map { $_->{source}{ip} } @locks], ['192.0.2.1'], 'once';

    my $answer = request($nginx->port, DELETE => "/locks?key=$locks[0]{labels}{key_hash}");
    is $answer->{code}, 200, 'an operator lifts it';
    is_about failures(1, $attempt), 100, 'then it begins anew, with the same accounts';
}
{
    my @answers = map { try('/spray', 'same@example.com', '192.0.2.3') } 1 .. 300;
    is scalar(grep { $_->{code} == 401 } @answers), 300, 'one account is one value, however often it fails';
    is code_of('/spray', 'other@example.com', '192.0.2.3'), 401, 'and takes no place of another';
}

# Many networks at one account.
{
    is_about failures(1, sub { my ($n) = @_; code_of('/account', 'ann@example.com', "198.51.100.$n") }), 100, 'many networks lock the account';
    is code_of('/account', 'ann@example.com', '203.0.113.1', 'right'), 429, 'from wherever';
    is code_of('/account', 'bob@example.com', '198.51.100.1'), 401, 'another account is not';
    is_deeply tally(300, sub { code_of('/account', 'cid@example.com', '198.51.100.1') }), { 401 => 300 }, 'one network is one value';
}

# All at once.
{
    open my $out, '-|', 'scripts/attack/guess', '--path', '/spray', '--users', 'slow-{}@example.com', '127.0.0.1:' . $nginx->port or die "guess: $!\n";
    my $codes = eval { $json->decode(do { local $/; <$out> }) } // {};
    close $out;
    is_about $codes->{401} // 0, 100, '500 accounts at once: so many get through';
    is(($codes->{401} // 0) + ($codes->{429} // 0), 500, 'the others are refused');
    # As many as may be under way at once are estimated at a few less, or more.
    is_about $codes->{401} + failures(1, sub { my ($n) = @_; code_of('/spray', "more$n\@example.com", '127.0.0.1') }), 100, 'and with a few more';
    is code_of('/spray', 'more1@example.com', '127.0.0.1'), 429, 'the network is locked';
}

# The application never says.
{
    my $silent = 0;
    ++$silent while $silent < 300 && code_of('/spray', "silent$silent\@example.com", '192.0.2.4') eq 502;
    is_about $silent, 100, 'attempts without an answer count';
    my $full = try('/spray', 'new@example.com', '192.0.2.4');
    like header_of($full->{fields}, 'Retry-After'), qr/^1(?:1\d\d|0[5-9]\d)$/, 'till the window ends, and its last quarter';
    is code_of('/spray', 'silent1@example.com', '192.0.2.4'), 502, 'whoever is counted may go on';
    is_deeply [grep { $_->{source}{ip} eq '192.0.2.4' } locks('spray')], [], 'nothing is locked';
}

# A reload keeps what is counted.
{
    is_deeply tally(50, sub { my ($n) = @_; code_of('/spray', "user$n\@example.com", '192.0.2.5') }), { 401 => 50 }, 'half of it';
    is $nginx->hup, undef, 'reload';
    is_about 50 + failures(51, sub { my ($n) = @_; code_of('/spray', "user$n\@example.com", '192.0.2.5') }), 100, 'goes on';
    is code_of('/account', 'ann@example.com', '203.0.113.1'), 429, 'and locks stay';
}

ends_well($nginx, 'lockout-distinct');
$app->stop;
done_testing;
