# scripts/attack/stuffing and spraying against the demo application behind four nginx that share their lockouts: as many
# guesses as the limit get through, the account is not broken into, and its owner signs in as ever.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);

my $state = tempdir(CLEANUP => 1);
my $demo  = spawn(sub { exec '/usr/bin/python3', '-B', 'scripts/demo/serve.py', $state or die "serve.py: $!\n" });
ok wait_for(sub { -s "$state/address" }), 'the demo application is there';
my $address = do { open my $in, '<', "$state/address" or die "address: $!\n"; <$in> };
chomp $address;

my $json  = JSON::PP->new->canonical;
my $right = 'correct horse battery';
sub register {
    my ($email) = @_;
    my ($port) = $address =~ /:(\d+)$/;
    return request($port, POST => '/api/auth/register', headers => ['Content-Type: application/json'],
        body => $json->encode({ email => $email, password => $right }))->{code};
}
is register($_), 201, "$_ registers" for qw(owner@example.com user9@example.com);

my $redis = start_redis();
my @nodes = start_fleet(
    4,
    workers     => 1,
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $redis->unix_url . " timeout=5s;\n" . <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_lockout_policy login   key=$email$guard_client_net on=login_failed limit=5 window=15m duration=30m reset_on=login_succeeded redis=main;
guard_lockout_policy account key=$email on=login_failed limit=50 window=1h duration=15m redis=main;
guard_lockout_policy spray   key=$guard_client_net distinct=$email on=login_failed limit=8 window=1h duration=1h redis=main;
EOC
    config => <<"EOC",
guard_json_set \$email /email;
location /api/auth/login {
    guard_json    on;
    guard_event   login_failed    on=401 user=\$email;
    guard_event   login_succeeded on=200 user=\$email;
    guard_lockout login;
    guard_lockout account;
    guard_lockout spray;
    proxy_pass    http://$address;
}
EOC
);

sub attack {
    my ($script, @words) = @_;
    open my $out, '-|', "scripts/attack/$script", '--owner-password', $right, @words, map { '127.0.0.1:' . $_->port } @nodes
        or die "$script: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    diag $text if $ENV{TEST_VERBOSE};
    return eval { $json->decode($text) } // { failed => $text };
}

sub owner_signs_in { my ($result, $name) = @_; return is "@{ $result->{owner} }", '200 200 200 200', "$name: the owner signs in through each node" }

{
    my $result = attack('stuffing', '--count', 60);
    is $result->{guesses}, 60, 'stuffing: all guesses were made';
    is_deeply $result->{answers}, { 401 => 5, 429 => 55 }, 'stuffing: five got through';
    is $result->{got_through}, 5, 'stuffing: which is the limit';
    is_deeply $result->{broken_into}, [], 'stuffing: nothing is broken into, though the last guess is right';
    like $result->{seconds_to_lock}, qr/^[\d.]+$/, 'stuffing: the time to the lock is told';
    owner_signs_in($result, 'stuffing');
}
{
    # The password of one of many is the one that is tried, but he is not among the first.
    my $result = attack('spraying', '--from', '127.0.0.4', '--count', 60, '--password', 'password1');
    is_deeply $result->{answers}, { 401 => 8, 429 => 52 }, 'spraying: eight accounts were tried';
    is_deeply $result->{broken_into}, [], 'spraying: nothing is broken into';
    owner_signs_in($result, 'spraying');
}
ok wait_for(sub { (map { events_of($_, qr/^account_locked$/) } @nodes) >= 2 }), 'locks are told of';
is scalar(map { events_of($_, qr/^account_locked$/) } @nodes), 2, 'each of them once';

# Whether there is such an account is not to be seen of a lock: the whole answer is the same.
{
    my @answers;
    for my $user ('user9@example.com', 'nobody@example.com') {
        my $ask = sub {
            return request($nodes[$_[0] % 4]->port, POST => '/api/auth/login', headers => ['Content-Type: application/json'],
                body => $json->encode({ email => $user, password => 'wrong' }));
        };
        is $ask->($_)->{code}, 401, "$user: attempt $_" for 1 .. 5;
        # Until the fifth one's outcome is told, its place is taken for a moment only.
        my $answer;
        wait_for(sub { $answer = $ask->(6); return (header_of($answer->{fields}, 'Retry-After') // 0) > 1 });
        is $answer->{code}, 429, "$user: attempt 6";
        my @fields = map { "$_->[0]: $_->[1]" } grep { $_->[0] !~ /^(?:Date|Retry-After)$/i } @{ $answer->{fields} };
        push @answers, join("\n", $answer->{code}, @fields, $answer->{body}) =~ s/urn:request:[0-9a-f]{32}//r;
        like header_of($answer->{fields}, 'Retry-After'), qr/^1(?:800|79\d)$/, "$user: for half an hour";
    }
    is $answers[0], $answers[1], 'the answer is the same for an account that is there and one that is not';
}
ends_well($_, 'node') for @nodes;
end_process($demo);
done_testing;
