# guard_lockout_admin: an operator on the machine sees the locks and bans of the shared memory, and lifts them.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP qw(decode_json);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);

my $app   = start_upstream("status 401\nbody wrong");
my $login = 'guard_json on; guard_event login_failed on=401; proxy_pass http://127.0.0.1:' . $app->port . ';';
my $nginx = start_nginx(
    workers     => 2,
    http_config => <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy user=clear;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_lockout_policy login key=$email$guard_client_net on=login_failed limit=2 window=15m duration=30m;
guard_lockout_policy account key=$email on=login_failed limit=30 window=15m duration=5m;
guard_lockout_policy address key=$guard_client_net on=login_failed limit=1 window=15m duration=5m;
guard_lockout_policy tenant key=$tenant$email on=login_failed limit=1 window=15m duration=5m account reset_on=login_succeeded;
guard_ban_policy misses score=2 half_life=10m duration=1h weights=404:1;
guard_ban_policy agents score=1 half_life=10m duration=1h weights=404:1 key=$http_user_agent$guard_client_net;
EOC
    config => <<"EOC",
guard_json_set \$email /email;
guard_json_set \$tenant /tenant;
root html;
location /login { guard_lockout login; guard_lockout account; $login }
location /address { guard_lockout address; $login }
location /tenant { guard_lockout tenant; $login }
location /files/ { guard_ban misses; alias html/; }
location /agents/ { guard_ban agents; alias html/; }
location /watched/ { guard_ban misses; guard_mode observe ban; alias html/; }
location = /locks { guard_lockout_admin; }
location = /open { guard_lockout_admin public; }
EOC
);

sub admin {
    my ($method, $target, @headers) = @_;
    return request($nginx->port, $method => $target, headers => \@headers) // { code => 'none', fields => [], body => '' };
}
sub listed { my ($query) = @_; return decode_json(admin(GET => '/locks' . ($query // ''))->{body}) }
sub lifted {
    my ($query) = @_;
    my $answer = admin(DELETE => "/locks?$query");
    my $list = decode_json($answer->{body});
    return join ' ', $answer->{code}, scalar @{ $list->{lockouts} // [] }, scalar @{ $list->{bans} // [] };
}
sub code_of {
    my ($method, $target, $client, $body, @headers) = @_;
    return request($nginx->port, $method => $target, body => $body // '',
        headers => ["X-Client: $client", 'Content-Type: application/json', @headers])->{code};
}
sub login { my ($path, $client, $body) = @_; return code_of(POST => $path, $client, $body) }
sub missed { my ($path, $client, @headers) = @_; return code_of(GET => "$path" . 'none', $client, '', @headers) }
sub kinds { my ($kind) = @_; return events_of($nginx, qr/^$kind$/) }

is_deeply listed(), { lockouts => [], bans => [], truncated => JSON::PP::false }, 'nothing is locked at first';

my $ann = '{"email":"Ann+x@example.com"}';
is join(' ', map { login('/login', '192.0.2.1', $ann) } 1 .. 3), '401 401 429', 'an account is locked';
is login('/login', '192.0.2.2', $ann), 401, 'for that address';
my ($lock, @more) = @{ listed()->{lockouts} };
is_deeply \@more, [], 'one lock is listed';
is subset_problem({ policy => 'login', key => 're:[0-9a-f]{32}', account => 're:[0-9a-f]{16}', locks_in_a_row => 1 }, $lock), undef,
    'by hashes';
cmp_ok abs($lock->{seconds_left} - 1790), '<=', 10, 'with the time that is left';
ok wait_for(sub { kinds('account_locked') }), 'it was an event';
is $lock->{key}, (kinds('account_locked'))[0]{labels}{key_hash}, 'which names the same key';

# By the name of the account, in any spelling that is the same one; only locks go.
is lifted('account=bob@example.com'),             '404 0 0', 'another account has no lock';
is lifted('account=ann%2bX@EXAMPLE.com&policy=address'), '404 0 0', 'nor has this one in another policy';
is lifted('account=ann%2bX@EXAMPLE.com'),         '200 1 0', 'its own is lifted';
is lifted('account=ann%2bX@EXAMPLE.com'),         '404 0 0', 'once';
is join(' ', map { login('/login', '192.0.2.1', $ann) } 1 .. 3), '401 401 429', 'and failures begin anew';
ok wait_for(sub { kinds('account_unlocked') }), 'an event says so';
my ($unlocked) = kinds('account_unlocked');
is subset_problem({
    event  => { code => 'lockout.login', reason => 'An operator lifted the lock' },
    rule   => { name => 'login' },
    user   => { name => 'ann+X@EXAMPLE.com' },
    source => { ip => '127.0.0.1' },
    labels => { kind => 'account_unlocked', key_hash => $lock->{key} }
}, $unlocked), undef, 'who, what, where from';

# By its key, by its address, by all variables that name the account.
is lifted("key=$lock->{key}"), '200 1 0', 'by its key';
is login('/address', '2001:db8::1', $ann), 401, 'an address fails';
is login('/address', '2001:db8::2', $ann), 429, 'and is locked';
is lifted('account=2001:db8::%2f64'), '200 1 0', 'by the address that is the key';
is login('/tenant', '192.0.2.3', '{"email":"ann","tenant":"a"}'), 401, 'an account of two parts fails';
is lifted('account=ann'),           '404 0 0', 'one part is another account';
is lifted('account=a&account=ann'), '200 1 0', 'both are it';

# Bans.
is join(' ', map { missed('/files/', '192.0.2.7') } 1 .. 3),           '404 404 403', 'a client is banned';
is join(' ', map { missed('/watched/', '2001:db8:1::1') } 1 .. 3),     '404 404 404', 'another would be';
is join(' ', map { missed('/agents/', '192.0.2.8', 'User-Agent: bad') } 1 .. 2), '404 403', 'an agent';
my @bans = sort { $a->{score} <=> $b->{score} || $a->{observed} <=> $b->{observed} } @{ listed()->{bans} };
is join(' ', map { "$_->{policy} $_->{score} " . ($_->{observed} ? 1 : 0) } @bans), 'agents 1 0 misses 2 0 misses 2 1', 'all are listed';
cmp_ok abs($bans[1]{seconds_left} - 3590), '<=', 10, 'with their time';
ok wait_for(sub { kinds('client_banned') == 3 }), 'they were events';
my ($event) = grep { $_->{source}{ip} eq '192.0.2.7' } kinds('client_banned');
like $event->{labels}{key_hash}, qr/\Q$bans[1]{key}\E$/, 'whose keys end alike';
is scalar @{ listed('?policy=agents')->{bans} }, 1, 'of one policy';
is lifted('client=192.0.2.9'),                   '404 0 0', 'a client without a ban';
is lifted('client=192.0.2.7'),                   '200 0 1', 'a ban is lifted';
is join(' ', map { missed('/files/', '192.0.2.7') } 1 .. 3), '404 404 403', 'the score begins anew';
is lifted("key=$event->{labels}{key_hash}"),     '200 0 1', 'by the key of its event';
is lifted('client=2001:db8:1::99'),              '200 0 1', 'by an address of its network';
is lifted('client=bad&client=192.0.2.8'),        '200 0 1', 'by all variables of its key';
is_deeply listed()->{bans}, [], 'no bans are left';

# Who may ask, and how.
my $answer = admin(GET => '/locks');
is header_of($answer->{fields}, $_->[0]), $_->[1], "$_->[0] is $_->[1]" for ['Content-Type', 'application/json'], ['Cache-Control', 'no-store'];
is admin(GET => '/locks', 'X-Client: 192.0.2.1')->{code}, 403, 'another machine may not';
is admin(DELETE => '/locks?account=x', 'X-Client: 192.0.2.1')->{code}, 403, 'nor lift';
is admin(GET => '/locks', "$_: 192.0.2.1")->{code}, 403, "nor one that a proxy has passed on, by $_" for 'X-Forwarded-For', 'Forwarded', 'via', 'X-Real-IP';
is admin(GET => '/open', 'X-Client: 192.0.2.1')->{code}, 200, 'public: anybody may';
is admin(HEAD => '/locks')->{code}, 200, 'HEAD';
is admin(POST => '/locks')->{code}, 405, 'no other method';
my %wrong = (
    ''                        => 'say what to lift: "account", "client" or "key"',
    '?policy=login'           => 'say what to lift: "account", "client" or "key"',
    '?account='               => 'a word has no value',
    '?account'                => 'a word has no value',
    '?acount=x'               => 'a word is none of "policy", "key", "account" and "client"',
    '?account=%4'             => 'a "%" without two hexadecimal digits behind it',
    '?key=12345678901'        => '"key" is not 12 to 32 hexadecimal digits',
    '?key=x12345678901'       => '"key" is not 12 to 32 hexadecimal digits',
    '?policy=a&policy=b'      => '"policy" and "key" can be said once',
    '?' . 'account=x&' x 9    => 'more than 8 words'
);
for my $query (sort keys %wrong) {
    my $refused = admin(DELETE => "/locks$query");
    is "$refused->{code} " . decode_json($refused->{body})->{error}, "400 $wrong{$query}", "DELETE $query";
}
ends_well($nginx, 'nginx');
$app->stop;
done_testing;
