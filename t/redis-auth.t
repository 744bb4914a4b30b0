# Who the Redis client is to a server: password, ACL user, database; and that no password is ever said.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking said);

needs_test_build();

sub nginx {
    my ($words, @more) = @_;
    # How soon it answers is not what is asked here.
    return start_asking("$words timeout=5s connect_timeout=5s", { '/incr' => '"send=INCR guard:n"', '/whoami' => '"send=ACL WHOAMI"' }, @more);
}

sub events {
    my ($nginx) = @_;
    return [map { [$_->{labels}{kind}, $_->{rule}{name}, $_->{event}{reason}] } events_of($nginx, qr/^redis/)];
}

sub is_quiet {
    my ($nginx, $name, @secrets) = @_;
    is_deeply [log_problems($nginx)], [], "$name: log";
    for my $file (qw(error.log events.log)) {
        my $text = $nginx->log_text($file);
        ok !(grep { index($text, $_) >= 0 } @secrets), "$name: $file holds no secret";
    }
    return;
}

my $password = 'open-sesame-7';

# The ways to say it.
{
    my $redis = start_redis(
        password => $password,
        acl      => ["user app on >xyzzy:\@/% ~guard:* &* +\@all -\@admin +acl|whoami +client|setname"]
    );
    my $file = $redis->password_file;
    chmod 0600, $file;
    my $address = $redis->address;
    $ENV{GUARD_TEST_URL} = "redis://app:xyzzy%3A%40%2F%25\@$address/1";
    $ENV{GUARD_TEST_PASSWORD} = $password;
    for my $case (
        ['password=file:', "redis://$address password=file:$file", 'default', 0],
        ['password=env:', "redis://$address password=env:GUARD_TEST_PASSWORD", 'default', 0],
        ['password= itself', "redis://$address password=$password", 'default', 0],
        ['password in the URL', "redis://:$password\@$address/2", 'default', 2],
        ['user in the URL', "redis://app:xyzzy%3A%40%2f%25\@$address", 'app', 0],
        ['username=', "redis://$address username=app password=xyzzy:\@/%", 'app', 0],
        ['env:URL', 'env:GUARD_TEST_URL', 'app', 1],
        ['Unix socket', $redis->unix_url . "?db=4 username=app password=xyzzy:\@/%", 'app', 4]
    ) {
        my ($name, $words, $user, $database) = @$case;
        my $nginx = nginx($words, env => [qw(GUARD_TEST_URL GUARD_TEST_PASSWORD)]);
        is said($nginx, '/whoami'), "ok $user", "$name: known as $user";
        like said($nginx), qr/^ok \d/, "$name: may write";
        is $redis->clients->[0]{db}, $database, "$name: database $database";
        is $nginx->stop('QUIT'), undef, "$name: quits";
        is_quiet($nginx, $name, $password, 'xyzzy');
        is_deeply events($nginx), [], "$name: no event";
    }
}

# What a server refuses: it is unavailable, for this reason, and comes back when that is over.
for my $case (
    ['wrong password', 'password=wrong-secret', 'AUTH was refused: WRONGPASS invalid username-password pair or user is disabled.'],
    ['no password', '', 'NOAUTH Authentication required.'],
    ['unknown user', 'username=nobody password=wrong-secret', 'AUTH was refused: WRONGPASS invalid username-password pair or user is disabled.'],
    ['user without rights', 'username=reader password=wrong-secret',
        "NOPERM this user has no permissions to run the 'set' command", 'user reader on >wrong-secret ~* &* +@all -@write'],
    ['user of other keys', 'username=other password=wrong-secret',
        "NOPERM this user has no permissions to access one of the keys used as arguments", 'user other on >wrong-secret ~app:* &* +@all'],
) {
    my ($name, $words, $why, $acl) = @$case;
    my $redis = start_redis(password => $password, acl => [$acl // ()]);
    my $nginx = nginx($redis->url . " $words");
    ok wait_for(sub { @{ events($nginx) } }), "$name: seen";
    is said($nginx), 'unavailable ', "$name: unavailable";
    my ($event) = @{ events($nginx) };
    is $event->[0], 'redis_unavailable', "$name: an event";
    is $event->[1], 'main', "$name: with the name";
    # Redis 7.0.8 and later says it a little differently.
    my $pattern = join '.*', map { quotemeta } split / /, $why;
    like $event->[2], qr/^$pattern/, "$name: with the reason";
    like $nginx->log_text, qr/\[error\].* guard_redis "main" is unavailable: /, "$name: in the log";
    # Somebody puts it right.
    if ($words =~ /username=(\w+)/) {
        $redis->run('ACL', 'SETUSER', $1, 'on', '>wrong-secret', '~*', '&*', '+@all');
    }
    else {
        $redis->run('CONFIG', 'SET', 'requirepass', $words ? 'wrong-secret' : '');
    }
    ok wait_for(sub { said($nginx) =~ /^ok/ }, 3), "$name: put right";
    is $nginx->stop('QUIT'), undef, "$name: quits";
    is_deeply [map { $_->[0] } @{ events($nginx) }], [qw(redis_unavailable redis_recovered)], "$name: both events";
    like $nginx->log_text, qr/\[notice\].* guard_redis "main" is available again/, "$name: in the log";
    is_quiet($nginx, $name, 'wrong-secret', $password);
}

# A password that the server does not ask for, and one that it would repeat.
{
    my $redis = start_redis();
    my $nginx = nginx($redis->url . " password=$password");
    ok wait_for(sub { @{ events($nginx) } }), 'password for a server without one: seen';
    like events($nginx)->[0][2], qr/^AUTH was refused: ERR AUTH <password> called without any password configured/, 'and told';
    $nginx->stop('QUIT');
    is_quiet($nginx, 'password for a server without one', $password);

    my $fake = start_fake_redis(answer => sub { my ($words) = @_; return uc $words->[0] eq 'AUTH' ? "-ERR what is $words->[1]\r\n" : undef });
    $nginx = nginx($fake->url . " password=$password");
    ok wait_for(sub { @{ events($nginx) } }), 'a server that repeats the password: seen';
    is events($nginx)->[0][2], 'AUTH was refused: ERR', 'and not quoted';
    $nginx->stop('QUIT');
    is_quiet($nginx, 'a server that repeats the password', $password);

    $fake = start_fake_redis(answer => sub { my ($words) = @_; return uc $words->[0] eq 'AUTH' ? "-$words->[1]\r\n" : undef });
    $nginx = nginx($fake->url . " password=$password");
    ok wait_for(sub { @{ events($nginx) } }), 'a server that says the password alone: seen';
    is events($nginx)->[0][2], 'AUTH was refused: ', 'and not quoted';
    $nginx->stop('QUIT');
    is_quiet($nginx, 'a server that says the password alone', $password);
}

# SELECT of a database that is not there.
{
    my $redis = start_redis();
    my $nginx = nginx($redis->url . '/99');
    ok wait_for(sub { @{ events($nginx) } }), 'no such database: seen';
    is events($nginx)->[0][2], 'SELECT was refused: ERR DB index is out of range', 'and told';
    is said($nginx), 'unavailable ', 'and nothing is counted in another one';
    $nginx->stop('QUIT');
    is $redis->run('DBSIZE'), 0, 'nothing was written';
    is_quiet($nginx, 'no such database');
}

done_testing;
