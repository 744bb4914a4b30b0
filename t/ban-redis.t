# Bans that nginx tell each other of through Redis: who is banned by one is refused by all a moment later, from shared
# memory, without a question to Redis; who is lifted on one is lifted on all; and nothing of it is in clear text.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);

# So long that all have heard of it before it ends: they look every quarter of a second.
my $brief = scaled(4) . 's';

sub node {
    my ($url, %word) = @_;
    return start_nginx(
        workers     => 2,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=2s;\n" . <<'EOC' =~ s/BRIEF/$brief/r,
guard_event_log $TEST_NGINX_EVENT_LOG;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_ban_policy misses score=3 half_life=10m duration=1h weights=404:1 redis=main;
guard_ban_policy brief  score=1 half_life=10m duration=BRIEF weights=404:1 redis=main;
EOC
        config => <<'EOC',
root html;
location /misses/  { guard_ban misses; alias html/; }
location /brief/   { guard_ban brief;  alias html/; }
location /watched/ { guard_ban misses; guard_mode observe ban; alias html/; }
location = /locks  { guard_lockout_admin; }
EOC
        %word
    );
}

my @nodes;
sub code_of { my ($node, $target, $client) = @_; return request($nodes[$node]->port, GET => $target, headers => ["X-Client: $client"])->{code} }
sub codes { my ($node, $target, $client, $count) = @_; return join ' ', map { code_of($node, $target, $client) } 1 .. $count }
sub everywhere { my ($target, $client, $code) = @_; return wait_for(sub { !grep { code_of($_, $target, $client) != $code } 0 .. $#nodes }) }
sub told { return map { scalar events_of($_, qr/^client_banned$/) } @nodes }

sub shared {
    my ($name, $redis, $url) = @_;
    @nodes = map { node($url) } 1 .. 4;
    is codes(0, '/misses/none', '192.0.2.1', 4), '404 404 404 403', "$name: one node bans a client";
    ok everywhere('/misses/', '192.0.2.1', 403), "$name: all refuse it";
    is codes(1, '/misses/', '192.0.2.2', 1), '200', "$name: and nobody else";
    is codes(1, '/misses/none', '2001:db8::1', 4), '404 404 404 403', "$name: another node another client";
    ok everywhere('/misses/', '2001:db8::2', 403), "$name: by its network";
    ok wait_for(sub { join(' ', told()) eq '1 1 0 0' }), "$name: each ban is told of by the node that made it";
    return;
}

{
    my $redis = start_redis();
    shared('one Redis', $redis, $redis->unix_url);
    is scalar(grep { /192\.0|2001/ } map { $redis->run('ZRANGE', $_, 0, -1)->@* } grep { /list$/ } $redis->run('KEYS', '*')->@*), 0,
        'no address is in Redis';

    # Refusals come from shared memory.
    $redis->suspend;
    is codes(2, '/misses/', '192.0.2.1', 50), join(' ', (403) x 50), 'a stopped Redis delays no refusal';
    is codes(2, '/misses/', '192.0.2.2', 20), join(' ', (200) x 20), 'nor anybody else';
    $redis->resume;

    # Observed bans are nobody else's.
    is codes(0, '/watched/none', '192.0.2.3', 4), '404 404 404 404', 'an observed ban';
    is codes(0, '/misses/none', '192.0.2.4', 3), '404 404 404', 'and one after it';
    ok everywhere('/misses/', '192.0.2.4', 403), 'which all know';
    is code_of(1, '/misses/', '192.0.2.3'), 200, 'the observed one is not';

    # It ends everywhere, and can begin anew.
    is codes(3, '/brief/none', '192.0.2.5', 1), '404', 'a brief ban';
    ok everywhere('/brief/', '192.0.2.5', 403), 'is everywhere';
    ok everywhere('/brief/', '192.0.2.5', 200), 'till it is over';
    is codes(2, '/brief/none', '192.0.2.5', 1), '404', 'and again';
    ok everywhere('/brief/', '192.0.2.5', 403), 'everywhere';

    # Who comes later hears of all that holds.
    push @nodes, node($redis->unix_url);
    ok everywhere('/misses/', '192.0.2.1', 403), 'a node that is started later knows it';
    is request($nodes[4]->port, DELETE => '/locks?client=192.0.2.1')->{code}, 200, 'an operator lifts a ban there';
    ok everywhere('/misses/', '192.0.2.1', 200), 'and it is lifted everywhere';
    is $nodes[0]->hup, undef, 'a reload';
    ok everywhere('/misses/', '2001:db8::3', 403), 'keeps bans';
    is code_of(0, '/misses/', '192.0.2.1'), 200, 'and what was lifted';

    # Redis has forgotten everything: nodes have not.
    $redis->run('FLUSHALL');
    is codes(0, '/misses/none', '192.0.2.6', 3), '404 404 404', 'a ban after Redis has lost all';
    ok everywhere('/misses/', '192.0.2.6', 403), 'is everywhere';
    ok everywhere('/misses/', '2001:db8::3', 403), 'as older ones are';
    ends_well($_, 'node') for @nodes;
}
{
    my $cluster = start_cluster();
    shared('cluster', $cluster, $cluster->url);
    ends_well($_, 'cluster: node') for @nodes;
}
done_testing;
