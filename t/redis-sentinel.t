# A master that sentinels name: found, followed when another becomes it, and lost without harm.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking ask said);
use Test::Nginx::Guard::Wait qw(scaled);
use Time::HiRes qw(time);

needs_test_build();

sub nginx { my ($words, @more) = @_; return start_asking($words, { '/incr' => '"send=INCR guard:n"' }, @more) }

# The connections of nginx; the sentinels have some, too.
sub ours {
    my ($redis) = @_;
    return grep { $_->{name} eq 'guard-main' } @{ $redis->clients };
}

my @outage = qw(redis_unavailable redis_recovered);

{
    my $group = start_sentinel(password => 'open-sesame', sentinel_password => 'xyzzy');
    my $nginx = nginx($group->url . '/2 password=open-sesame sentinel_password=xyzzy', workers => 2);
    is said($nginx), 'ok 1', 'the master is found';
    my $master = $group->master;
    is((ours($master))[0]{db}, 2, 'with the database');

    # Asked for: the old master becomes a replica, which closes the connections.
    my $new = $group->failover;
    ok wait_for(sub { said($nginx) =~ /^ok/ }, 3), 'after a failover: follows';
    ok wait_for(sub { ours($new) == 2 }, 3), 'after a failover: both workers';
    # Twenty in a row: what is held up once, the machine holds up; what is so each time, the failover. Whoever is not
    # sent at once waits for a second, the timeout.
    ok wait_for(sub { !grep { $_->[1] > scaled(500) } map { [ask($nginx)] } 1 .. 20 }), 'after a failover: at the usual pace';

    # Killed: somebody else takes over once the sentinels agree.
    $group->wait_until_agreed;
    $master->run('GET', 'guard:n');
    $new->kill;
    my ($slowest, $lost) = (0, 0);
    my $found = wait_for(sub {
        my ($what, $time) = ask($nginx);
        $slowest = $time if $time > $slowest;
        ++$lost if $what !~ /^ok/;
        return $what =~ /^ok/ && $lost && $master->is_master;
    }, 30);
    ok $found, 'master killed: the other one is found';
    cmp_ok $slowest, '<', scaled(1500), 'master killed: no request waits longer than its timeout, as the failover takes';
    cmp_ok $lost, '>', 0, 'master killed: for a while there was none';
    unlike $nginx->log_text, qr/open-sesame|xyzzy/, 'no password in the log';
    is $nginx->stop('QUIT'), undef, 'quits at once';
    is_deeply [log_problems($nginx)], [], 'log';
    my @kinds = redis_events($nginx);
    is $kinds[-1], 'redis_recovered', 'the last event';
    is scalar(grep { $_ eq 'redis_unavailable' } @kinds), scalar(grep { $_ eq 'redis_recovered' } @kinds), 'events in pairs';
    cmp_ok scalar @kinds, '<=', 4, 'one each way for each outage';
}

# Sentinels that are down do not matter, as long as one answers; nor do all, while the master is there.
{
    my $group = start_sentinel(replicas => 0, sentinels => 2);
    my ($first, $second) = $group->peers;
    $first->kill;
    my $nginx = nginx($group->url);
    is said($nginx), 'ok 1', 'one of two sentinels: the master is found';
    $second->kill;
    is said($nginx), 'ok 2', 'no sentinel: the master is known';
    ends_well($nginx, 'no sentinel', events => []);

    $nginx = nginx($group->url);
    ok wait_for(sub { redis_events($nginx) }), 'no sentinel at the start: seen';
    my ($what, $time) = ask($nginx);
    is $what, 'unavailable ', 'no sentinel at the start: unavailable';
    cmp_ok $time, '<', scaled(500), 'no sentinel at the start: at once, not at the end of its timeout';
    $second->start;
    ok wait_for(sub { said($nginx) =~ /^ok/ }, 5), 'no sentinel at the start: found when it comes';
    ends_well($nginx, 'no sentinel at the start', events => [@outage]);
}

# One that hangs is passed over.
{
    my $group = start_sentinel(replicas => 0, sentinels => 2);
    my ($first) = $group->peers;
    $first->suspend;
    my $nginx = nginx($group->url . ' connect_timeout=200ms');
    ok wait_for(sub { said($nginx) =~ /^ok/ }, 3), 'the first sentinel hangs: the second is asked';
    $first->resume;
    is $nginx->stop('QUIT'), undef, 'quits';
    is_deeply [log_problems($nginx)], [], 'log';
}

# One that is cut off from the others, and does not know what they have decided, or that names itself.
{
    my $redis   = start_redis();
    my $replica = start_redis(replica_of => $redis);
    my $away    = free_port();
    my $naming  = sub {
        my ($port) = @_;
        return sub { my ($words) = @_; return $words->[0] eq 'SENTINEL' ? "*2\r\n\$9\r\n127.0.0.1\r\n\$" . length($port) . "\r\n$port\r\n" : undef };
    };
    my $good = start_fake_redis(answer => $naming->($redis->port));
    my $own  = free_port();
    for my $case (['a server that is away', $away], ['a replica', $replica->port], ['itself', $own]) {
        my ($name, $port) = @$case;
        my $liar  = start_fake_redis(port => $own, answer => $naming->($port));
        my $nginx = nginx('redis+sentinel://' . $liar->address . ',' . $good->address . '/mymaster');
        ok wait_for(sub { said($nginx) =~ /^ok/ }, 5), "a sentinel that names $name: another one is asked";
        ends_well($nginx, "a sentinel that names $name", events => [@outage]);
        $liar->stop;
    }
}

# A master by name (sentinel announce-hostnames): without a resolver, it is where a host of the URL of that name is.
{
    my $redis = start_redis();
    my $port  = $redis->port;
    my $fake  = start_fake_redis(
        answer => sub {
            my ($words) = @_;
            return $words->[0] eq 'SENTINEL' ? "*2\r\n\$9\r\nlocalhost\r\n\$" . length($port) . "\r\n$port\r\n" : undef;
        }
    );
    my $nginx = nginx('redis+sentinel://localhost:' . $fake->port . '/mymaster');
    is said($nginx), 'ok 1', 'a master by name: is where the sentinel of that name is';
    ends_well($nginx, 'a master by name', events => []);
}

# What sentinels may say wrongly.
for my $case (
    ['another name', sub { undef }, qr/^a sentinel does not know the master\z/, 'nosuchmaster'],
    ['wrong password', undef, qr/^AUTH was refused by a sentinel\z/, 'mymaster', 'sentinel_password=wrong'],
    ['nonsense', "+OK\r\n", qr/^a sentinel does not name the master\z/],
    ['no port', "*2\r\n\$9\r\n127.0.0.1\r\n\$1\r\n0\r\n", qr/^a sentinel does not name the master\z/],
    ['a port too large', "*2\r\n\$9\r\n127.0.0.1\r\n\$5\r\n65536\r\n", qr/^a sentinel does not name the master\z/],
    ['a long host', "*2\r\n\$300\r\n" . ('a' x 300) . "\r\n\$1\r\n1\r\n", qr/^a sentinel does not name the master\z/],
    ['a name without a resolver', "*2\r\n\$12\r\nmaster.local\r\n\$4\r\n6379\r\n", qr/^its name is not known\z/],
    ['no protocol', "HTTP/1.1 400 Bad Request\r\n\r\n", qr/^what came is no reply of a sentinel\z/],
    ['a replica', 'replica', qr/^the server that the sentinels name is not the master\z/]
) {
    my ($name, $answer, $why, $master, $words) = @$case;
    my ($group, $url, @more);
    if (!defined $answer || ref $answer) {
        $group = start_sentinel(replicas => 0, sentinels => 1, sentinel_password => 'xyzzy');
        $url = $group->url =~ s/mymaster/$master/r . ' ' . ($words // 'sentinel_password=xyzzy');
    }
    else {
        if ($answer eq 'replica') {
            push @more, start_redis();
            push @more, start_redis(replica_of => $more[0]);
            my $port = $more[1]->port;
            $answer = "*2\r\n\$9\r\n127.0.0.1\r\n\$" . length($port) . "\r\n$port\r\n";
        }
        push @more, start_fake_redis(answer => sub { return $answer });
        $url = 'redis+sentinel://' . $more[-1]->address . '/mymaster';
    }
    my $nginx = nginx($url);
    ok wait_for(sub { redis_events($nginx) }, 5), "$name: seen";
    is(said($nginx), 'unavailable ', "$name: unavailable");
    my ($reason) = map { $_->{event}{reason} } events_of($nginx, qr/^redis_unavailable\z/);
    like $reason, $why, "$name: with the reason";
    ends_well($nginx, $name, events => ['redis_unavailable']);
}

# What is refused to us is no want of a master.
for my $case (
    ['a sentinel without its password', { sentinel_password => 'xyzzy' }, '', qr/^NOAUTH Authentication required\.\z/],
    ['a master without its password', { password => 'open-sesame' }, '', qr/^ROLE was refused: NOAUTH Authentication required\.\z/],
    ['a user without ROLE', { config => ['user app on >xyzzy ~* &* +@all -role'] }, 'username=app password=xyzzy', qr/^ROLE was refused: NOPERM /]
) {
    my ($name, $servers, $words, $why) = @$case;
    my $group = start_sentinel(replicas => 0, sentinels => 1, %$servers);
    my $nginx = nginx($group->url . " $words");
    ok wait_for(sub { redis_events($nginx) }, 5), "$name: seen";
    my ($reason) = map { $_->{event}{reason} } events_of($nginx, qr/^redis_unavailable\z/);
    like $reason, $why, "$name: with the reason";
    ends_well($nginx, $name, events => ['redis_unavailable']);
}

# Over TLS, the sentinels, too.
{
    my $files = authority();
    my $group = start_sentinel(replicas => 0, sentinels => 1, tls => 1);
    my $nginx = nginx($group->url . " tls_ca=$files->{ca} timeout=500ms connect_timeout=2s");
    is(said($nginx), 'ok 1', 'TLS: the master is found');
    ends_well($nginx, 'TLS', events => []);
}

done_testing;
