# What event lines say about people: the user's name, as guard_event_privacy has it, and the keys under
# which names and addresses are hashed.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

plan skip_all => 'needs the test build of the module' unless -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

my $config = <<'EOC';
guard_test front user=$arg_user;
root html;
location /default/ { alias html/; }
location /hash/ { guard_event_privacy user=hash address=hash; alias html/; }
location /clear/ { guard_event_privacy user=clear; alias html/; }
location /off/ { guard_event_privacy user=off; alias html/; }
EOC

# Lines of login_failed for TARGETS, asked of a fresh nginx with SECRET (a line of http, or nothing).
sub events_of {
    my ($secret, @targets) = @_;
    my $nginx = start_nginx(http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\n$secret", config => $config);
    is request($nginx->port, GET => $_)->{code}, 200, "$_: passes" for @targets;
    is $nginx->stop, undef, 'stops';
    is_deeply [log_problems($nginx)], [], 'log';
    my ($events, $lines) = read_events($nginx->log_file('events.log'));
    my @own = grep { ($events->[$_]{labels}{kind} // '') eq 'login_failed' } 0 .. $#$lines;
    return map { { %{ $events->[$_] }, line => $lines->[$_] } } @own;
}

my @targets = map { "/$_/?user=lovelace" } qw(default hash clear off);
my ($default, $hash, $clear, $off) = events_of('', @targets, '/default/');

like $default->{user}{hash}, qr/^[0-9a-f]{32}\z/, 'by default the name is hashed';
is_deeply [keys %{ $default->{user} }], ['hash'], 'and nothing else is said';
unlike $default->{line}, qr/lovelace/, 'the name is nowhere in the line';
is $hash->{user}{hash}, $default->{user}{hash}, 'user=hash is the default, and one name has one hash';
is_deeply $clear->{user}, { name => 'lovelace' }, 'user=clear: the name';
ok !exists $off->{user}, 'user=off: nothing';
unlike $off->{line}, qr/lovelace/, 'user=off: nowhere in the line';

my (undef, $other, undef, undef, $nobody, $address) =
    events_of('', @targets, '/default/', '/hash/?user=127.0.0.1');
isnt $other->{user}{hash}, $hash->{user}{hash}, 'another nginx has drawn another key';
ok !exists $nobody->{user}, 'no name, no hash';
isnt $address->{user}{hash}, $address->{labels}{address_hash}, 'one text as a name and as an address: two hashes';

my $secret = 'guard_key_secret env:GUARD_TEST_SECRET;';
my ($first, $again, $changed) = map {
    local $ENV{GUARD_TEST_SECRET} = $_;
    (events_of($secret, '/hash/?user=lovelace'))[0];
} qw(one-secret one-secret another);
is $again->{user}{hash}, $first->{user}{hash}, 'guard_key_secret: the same hash in another nginx';
is $again->{labels}{address_hash}, $first->{labels}{address_hash}, 'guard_key_secret: of the address as well';
isnt $changed->{user}{hash}, $first->{user}{hash}, 'another secret, another hash';

# A drawn key stays as long as nginx runs.
{
    my $nginx = start_nginx(http_config => 'guard_event_log $TEST_NGINX_EVENT_LOG;', config => $config);
    request($nginx->port, GET => '/hash/?user=lovelace');
    is $nginx->hup, undef, 'reloads';
    request($nginx->port, GET => '/hash/?user=lovelace');
    is $nginx->stop, undef, 'stops';
    my ($events) = read_events($nginx->log_file('events.log'));
    my @hashes = map { $_->{user}{hash} // () } @$events;
    is scalar(@hashes), 2, 'two events';
    is $hashes[1], $hashes[0], 'a reload keeps the drawn key';
}

# What a client writes as its name forges nothing.
my ($hostile) = events_of('', '/clear/?user=x"},"event":{"action":"forged"},"a":{"b":"\\');
is_deeply $hostile->{user}, { name => 'x"},"event":{"action":"forged"},"a":{"b":"\\' }, 'a hostile name is text';
isnt $hostile->{event}{action}, 'forged', 'and no field';

done_testing;
