# guard_sessions: who counts and for how long, over reloads, and together with other nodes through a real Redis, which is
# stopped, killed, and comes back without memory.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics promtool_says);
use Time::HiRes qw(time);

my $application = start_upstream("status 200\nbody fine");
my %config = (
    workers => 2,
    config  => <<"EOC",
root html;
location = /metrics { guard_metrics; }
location /app/  { proxy_pass http://127.0.0.1:@{[ $application->port ]}; }
location /none/ { alias html/gone/; }
location /fail/ { return 503; }
location /moved/ { return 302 /app/; }
location /cors/ { guard_cors https://a.example; proxy_pass http://127.0.0.1:@{[ $application->port ]}; }
location /once/ { guard_rate once; alias html/; }
EOC
);

# One request for each of SESSIONS, over one connection; the statuses.
sub visit {
    my ($nginx, $target, @sessions) = @_;
    my $bytes = join '', map { "GET $target HTTP/1.1\r\nHost: x\r\n" . (length $_ ? "Cookie: sid=$_\r\n" : '') . "\r\n" } @sessions;
    my $result = request_raw($nginx->port, $bytes, expect => scalar @sessions);
    my %seen;
    $seen{ $_->{code} }++ for $result->{responses}->@*;
    return join ' ', map { "$_ x $seen{$_}" } sort keys %seen;
}
sub metric { my ($nginx, $series) = @_; return parse_metrics(scrape($nginx->port, '/metrics')->{body})->{$series} }
sub active { my ($nginx, $policy) = @_; return metric($nginx, qq(guard_sessions{policy="$policy"})) }
sub shared { my ($nginx, $policy) = @_; return metric($nginx, qq(guard_sessions_shared{policy="$policy"})) }
sub becomes {
    my ($nginx, $policy, $wanted, $name) = @_;
    my $got;
    ok wait_for(sub { ($got = active($nginx, $policy)) == $wanted }), $name or diag "$got instead of $wanted";
    return;
}
sub becomes_shared {
    my ($nginx, $wanted, $name) = @_;
    ok wait_for(sub { shared($nginx, 'users') == $wanted }), $name;
    return;
}

# One nginx. Small numbers are exact for these keys under this secret.
{
    my $policies = <<'EOC';
guard_key_secret 0123456789abcdef;
guard_rate_policy once rate=1/day burst=1 key=$server_name;
guard_sessions users key=$cookie_sid window=1h;
guard_sessions moment key=$cookie_sid window=10s;
guard_sessions pairs key=$cookie_sid$uri window=1h;
EOC
    my $nginx = start_nginx(%config, http_config => $policies);
    is active($nginx, 'users'), 0, 'nobody was there yet';
    is visit($nginx, '/app/', 1 .. 50), '200 x 50', 'fifty sessions';
    is active($nginx, 'users'), 50, 'are counted by whichever worker';
    ok wait_for(sub { visit($nginx, '/app/', 1 .. 50); abs(active($nginx, 'moment') - 50) <= 2 }, 30), 'by another policy, too';
    is visit($nginx, '/app/', 1 .. 50), '200 x 50', 'the same again';
    is active($nginx, 'users'), 50, 'are nobody new';
    is visit($nginx, '/app/', ('') x 5), '200 x 5', 'requests without a session';
    is visit($nginx, '/none/', 60 .. 69), '404 x 10', 'answers that say no';
    is visit($nginx, '/fail/', 70 .. 79), '503 x 10', 'answers that failed';
    is visit($nginx, '/once/', 49, 80 .. 89), '200 x 1 429 x 10', 'and what Guard refused';
    is active($nginx, 'users'), 50, 'are no activity';
    is visit($nginx, '/moved/', 90 .. 91), '302 x 2', 'a redirect';
    is visit($nginx, '/app/', 'x' x 900, 'X' x 900, '%00', "\xff", '"'), '200 x 5', 'and odd ones';
    is active($nginx, 'users'), 57, 'are';
    is active($nginx, 'pairs'), 60, 'a key of two variables counts pairs, one without a session and that of this test\'s own too';
    is $nginx->hup, undef, 'a reload';
    is active($nginx, 'users'), 57, 'keeps them';
    is shared($nginx, 'users'), undef, 'there is nobody to share with';
    becomes($nginx, 'moment', 0, 'what was longer ago than the window does not count');
    ok wait_for(sub { visit($nginx, '/app/', 1); active($nginx, 'moment') == 1 }), 'one comes back, and counts again';

    # Within 2.5 %, from memory that does not grow.
    visit($nginx, '/moved/', map { "s$_" } 500 * $_ .. 500 * $_ + 499) for 0 .. 7;
    cmp_ok abs(active($nginx, 'users') - 4057), '<=', 101, 'four thousand more' or diag active($nginx, 'users');
    my $text = scrape($nginx->port, '/metrics')->{body};
    is promtool_says($text), '', 'promtool finds nothing';
    unlike $text, qr/s1999|x{20}/, 'no label is a client\'s';
    is scalar(() = $text =~ /^guard_sessions\{/mg), 3, 'one series for each policy';
    $nginx->configure(%config, http_config => $policies =~ s/sid\$uri/sid\$arg_u/r);
    is $nginx->hup, undef, 'a reload with another key';
    is active($nginx, 'pairs'), 0, 'by which nobody has counted yet';
    cmp_ok active($nginx, 'users'), '>', 3900, 'while the other policy goes on';
    ends_well($nginx, 'one nginx');
}

sub node {
    my ($url, %more) = @_;
    my $secret = $more{secret} // '0123456789abcdef';
    return start_nginx(%config, http_config => <<"EOC");
guard_key_secret $secret;
guard_rate_policy once rate=1/day key=\$server_name;
guard_redis main $url timeout=@{[ $more{timeout} // '2s' ]};
guard_sessions users key=\$cookie_sid window=@{[ $more{window} // '1h' ]} redis=main;
guard_event_log \$TEST_NGINX_EVENT_LOG;
EOC
}

# Many: one Redis
{
    my $redis = start_redis();
    my @nodes = map { node($redis->url, timeout => '300ms') } 1 .. 2;
    becomes_shared($_, 1, 'a node finds its Redis') for @nodes;
    is visit($nodes[0], '/app/', map { "alice-$_" } 1 .. 40), '200 x 40', 'sessions of one node';
    is visit($nodes[1], '/app/', map { "alice-$_" } 21 .. 60), '200 x 40', 'and of another, half of them the same';
    becomes($_, 'users', 60, 'both know how many there are in all') for @nodes;
    my @keys = sort grep { /\d\z/ } $redis->run('KEYS', '*')->@*;
    like "@keys", qr/\A(?:guard:sessions:\{users\}\.300000\.[0-9a-f]{16}\.\d+ ?)+\z/, 'in Redis there are sketches';
    is scalar(grep { /alice/ || $redis->run('GET', $_) !~ /\AHYLL/ || $redis->run('GET', $_) =~ /alice/ } @keys), 0, 'and no key of a session';
    cmp_ok $redis->run('PTTL', $keys[0]), '>', 3_000_000, 'which end by themselves';
    is $nodes[1]->hup, undef, 'a reload';
    becomes($nodes[1], 'users', 60, 'keeps what all know');

    # Stopped: it answers nothing, and nobody waits for it.
    $redis->suspend;
    my $begun = time;
    is visit($nodes[0], '/app/', map { "bob-$_" } 1 .. 5), '200 x 5', 'while Redis hangs, requests are answered';
    cmp_ok time - $begun, '<', scaled(2), 'without waiting';
    becomes_shared($_, 0, 'the metric says that a node is on its own') for @nodes;
    is active($nodes[0], 'users'), 45, 'and it counts what it has seen itself';
    is active($nodes[1], 'users'), 40, 'as the other one does';
    $redis->resume;
    becomes_shared($_, 1, 'Redis goes on') for @nodes;
    becomes($_, 'users', 65, 'and all are known to all, with those that came meanwhile') for @nodes;

    # Killed, and back without any memory.
    $redis->kill;
    becomes_shared($_, 0, 'Redis is dead') for @nodes;
    is visit($nodes[1], '/app/', map { "carol-$_" } 1 .. 5), '200 x 5', 'others come meanwhile';
    $redis->start;
    like $redis->run('INFO', 'persistence'), qr/^rdb_last_load_keys_loaded:0\r?$/m, 'Redis is back, and has loaded nothing';
    becomes($_, 'users', 70, 'nodes have told it again all that they know') for @nodes;
    $redis->run('FLUSHALL');
    becomes($_, 'users', 70, 'or when it forgets all') for @nodes;
    ok wait_for(sub { my @there = grep { /\d\z/ } $redis->run('KEYS', '*')->@*; @there && $redis->run('PFCOUNT', @there) == 70 }), 'which is then there once more';

    # What a node has told stays when it is gone, and others hear of it who were not there.
    ends_well($nodes[0], 'node 1');
    is_deeply [(redis_events($nodes[0]))[-2, -1]], [qw(redis_unavailable redis_recovered)], 'which has told of Redis';
    push @nodes, node($redis->url);
    becomes($nodes[2], 'users', 70, 'a new node knows at once');

    # Somebody else's value in the place of a sketch.
    $redis->run('SET', $_, 'something') for grep { /\.\d+\z/ } $redis->run('KEYS', '*')->@*;
    becomes_shared($nodes[2], 0, 'what is no sketch is not counted');
    is active($nodes[2], 'users'), 0, 'each counts alone then';
    $redis->run('FLUSHALL');
    becomes_shared($nodes[2], 1, 'till it is gone');
    becomes($nodes[2], 'users', 45, 'and what the living have seen is all there is');
    ends_well($_, 'node') for @nodes[ 1, 2 ];
}

# A cluster, where all that one call names must be in one place; and a window that passes.
{
    my $cluster = start_cluster();
    my @nodes = map { node($cluster->url, window => '4s') } 1 .. 2;
    becomes_shared($_, 1, 'cluster: a node finds it') for @nodes;
    is visit($nodes[0], '/app/', 1 .. 10), '200 x 10', 'cluster: one node';
    is visit($nodes[1], '/app/', 6 .. 15), '200 x 10', 'cluster: another one';
    # They come again, lest the window be over before both have heard of all.
    for my $node (@nodes) {
        ok wait_for(sub { visit($nodes[0], '/app/', 1 .. 10); visit($nodes[1], '/app/', 6 .. 15); active($node, 'users') == 15 }), 'cluster: both know all';
    }
    becomes($nodes[0], 'users', 0, 'cluster: till the window is over');
    ends_well($_, 'cluster', events => []) for @nodes;
}
done_testing;
