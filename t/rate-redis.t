# Limits that count in Redis while the request waits, as one nginx sees them: the same answers as from
# shared memory, one call for what a request asks, nothing asked for what is over its limit, and nothing
# in Redis by which a client could be known.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(get codes);
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);

my $redis = start_redis();
my $test_build = -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

# Words: policies (lines), config, and those of start_nginx.
sub nginx {
    my (%word) = @_;
    my $url = delete $word{url} // $redis->unix_url . ' timeout=5s';
    return start_nginx(
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url;\nguard_event_log \$TEST_NGINX_EVENT_LOG;\n"
            . delete $word{policies},
        config => 'root html; add_header X-Remaining "$guard_rate_remaining" always;' . "\n" . delete $word{config},
        %word
    );
}

sub scripts { return $redis->calls('EVALSHA') + $redis->calls('EVAL') }

sub keys_in { return sort @{ $redis->run('KEYS', '*') } }

# Each algorithm.
{
    my %quota = (gcra => 3, sliding_window => 3, sliding_log => 3, fixed_window => 3);
    my $nginx = nginx(
        policies => join('', map { "guard_rate_policy $_ rate=3/day key=\$arg_k algorithm=$_ redis=main;\n" } sort keys %quota),
        config   => join('', map { "location /$_/ { guard_rate $_; alias html/; }\n" } sort keys %quota)
    );
    for my $algorithm (sort keys %quota) {
        my @responses = map { get($nginx, "/$algorithm/?k=secret\@example.com") } 1 .. 4;
        is join(' ', map { $_->{code} } @responses), '200 200 200 429', "$algorithm: the quota, then no more";
        my @told = map { header_of($_->{fields}, 'RateLimit') } @responses;
        like $told[$_], qr/^"$algorithm";r=@{[2 - $_]};t=\d+$/, "$algorithm: what is left of it, $_" for 0 .. 2;
        like $told[3], qr/^"$algorithm";r=0;t=\d+$/, "$algorithm: nothing is left";
        is header_of($responses[0]{fields}, 'X-Remaining'), 2, "$algorithm: \$guard_rate_remaining";
        cmp_ok header_of($responses[3]{fields}, 'Retry-After'), '>=', ($told[3] =~ /t=(\d+)/)[0],
            "$algorithm: Retry-After is not before t";
        is codes($nginx, "/$algorithm/?k=other", 1), 200, "$algorithm: another key has its own";
        my $before = scripts();
        is codes($nginx, "/$algorithm/?k=secret\@example.com", 50), join(' ', (429) x 50), "$algorithm: a flood is refused";
        is scripts(), $before, "$algorithm: and costs Redis nothing";
    }
    my @keys = keys_in();
    is scalar(grep { /^guard:(\w+):\{[0-9a-f]{32}\}\z/ && $quota{$1} } @keys), 8, 'two keys of each policy' or diag "@keys";
    # Which ends a second after it was written.
    is_deeply [grep { !/^guard:\w+:\{[0-9a-f]{32}\}\z/ && $_ ne 'guard:probe' } @keys], [], 'and at most the probe of the client';
    ok !(grep { $redis->run('PTTL', $_) == -1 } @keys), 'every key has an end';
    my $all = join ' ', @keys, map { $redis->run('GET', $_) // '' } @keys;
    unlike $all, qr/127\.0\.0\.1|secret|example|other/, 'neither addresses nor names are in Redis';
    ok wait_for(sub { events_of($nginx, qr/^rate_limited\z/) == 4 }), 'one event for each key that was refused';
    ends_well($nginx, 'algorithms', empties => $redis);
}

# Several windows, several policies: one call, and all or nothing.
{
    my $nginx = nginx(
        policies => <<'EOC',
guard_rate_policy multi rate=2/minute,3/day key=$arg_k redis=main;
guard_rate_policy wide rate=5/day key=$arg_k redis=main algorithm=sliding_window;
guard_rate_policy narrow rate=1/day key=$arg_n redis=main algorithm=sliding_log;
guard_rate_policy here rate=4/day key=$arg_l;
EOC
        config => <<'EOC');
location /multi/ { guard_rate multi; alias html/; }
location /both/ { guard_rate wide; guard_rate narrow; alias html/; }
location /wide/ { guard_rate wide; alias html/; }
location /mixed/ { guard_rate wide; guard_rate here; alias html/; }
location /dry/ { guard_rate wide; guard_rate narrow dry_run; alias html/; }
location /cost/ { guard_rate wide cost=$arg_c; alias html/; }
EOC
    is codes($nginx, '/multi/?k=a', 3), '200 200 429', 'windows: the smaller one refuses';
    is_deeply [grep { /multi/ } map { s/\{.*\}/{}/r } keys_in()], ['guard:multi:{}.day', 'guard:multi:{}.minute'],
        'windows: a key each';
    my ($tags) = { map { /\{(.*)\}/ ? ($1 => 1) : () } grep { /multi/ } keys_in() };
    is scalar(keys %$tags), 1, 'windows: of one hash tag';

    my $before = scripts();
    my $response = get($nginx, '/both/?k=b&n=1');
    is $response->{code}, 200, 'policies: pass';
    is scripts() - $before, 1, 'policies: are one call';
    is header_of($response->{fields}, 'RateLimit-Policy'), '"wide";q=5;w=86400, "narrow";q=1;w=86400', 'policies: both are told';
    like header_of($response->{fields}, 'RateLimit'), qr/^"narrow";r=0;t=/, 'policies: the strictest';
    is codes($nginx, '/both/?k=b&n=1', 3), '429 429 429', 'policies: one refuses';
    like header_of(get($nginx, '/wide/?k=b')->{fields}, 'RateLimit'), qr/^"wide";r=3;/, 'policies: so nothing was taken of the other';

    # Of another client's key n, so that the mirror knows nothing of it when wide is taken.
    is codes($nginx, '/mixed/?k=c&l=1', 5), '200 200 200 200 429', 'mixed: shared memory refuses';
    like header_of(get($nginx, '/wide/?k=c')->{fields}, 'RateLimit'), qr/^"wide";r=0;/, 'mixed: nothing was taken in Redis';

    is codes($nginx, '/dry/?k=d&n=2', 3), '200 200 200', 'dry_run: refuses nothing';
    is codes($nginx, '/both/?k=e&n=2', 1), 429, 'dry_run: counts';
    like header_of(get($nginx, '/wide/?k=d')->{fields}, 'RateLimit'), qr/^"wide";r=1;/, 'dry_run: holds the other policy back from nothing';
    is codes($nginx, '/cost/?k=f&c=0', 2), '200 200', 'cost: 0 passes';
    is scalar(grep { /wide/ } keys_in()), 3, 'cost: 0 leaves nothing in Redis';
    is codes($nginx, '/cost/?k=f&c=4', 2), '200 429', 'cost: 4 of 5';
    is codes($nginx, '/cost/?k=f&c=0', 1), 200, 'cost: 0 passes for ever';
    is codes($nginx, '/cost/?k=f&c=1', 2), '200 429', 'cost: a refusal of 4 says nothing about 1';
    # 0 of 5 are left of f: a refusal holds for what costs as much or more, which Redis is not asked about.
    is codes($nginx, '/cost/?k=h&c=2', 1), 200, 'cost: 2 of 5';
    $before = scripts();
    is codes($nginx, '/cost/?k=h&c=4', 1) . ' ' . codes($nginx, '/cost/?k=h&c=5', 2), '429 429 429', 'cost: 4 and 5 are more than is left';
    is scripts(), $before, 'cost: which the mirror knows';
    is codes($nginx, '/cost/?k=h&c=3', 1), 200, 'cost: 3 is not';
    is scripts(), $before + 1, 'cost: so Redis is asked';
    is codes($nginx, '/cost/?k=g&c=6', 1), 429, 'cost: more than there ever is';
    is codes($nginx, '/cost/?k=g&c=999999999999', 1), 429, 'cost: absurd';
    ok wait_for(sub { grep { $_->{rule}{name} eq 'narrow' && $_->{labels}{decision} eq 'observed' } events_of($nginx, qr/^rate_limited\z/) }),
        'dry_run: says what it would have refused';
    ends_well($nginx, 'policies', empties => $redis);
}

# Redis forgets its scripts; two policies of different servers.
{
    my $other = start_redis();
    my $nginx = nginx(
        policies => 'guard_redis other ' . $other->url . " timeout=5s;\n" . <<'EOC',
guard_rate_policy a rate=2/day key=$arg_k redis=main;
guard_rate_policy b rate=1/day key=$arg_k redis=other;
EOC
        config => <<'EOC');
location /a/ { guard_rate a; alias html/; }
location /b/ { guard_rate b; alias html/; }
location /ab/ { guard_rate a; guard_rate b; alias html/; }
EOC
    is codes($nginx, '/a/?k=1', 1), 200, 'scripts: are sent';
    $redis->run('SCRIPT', 'FLUSH');
    is codes($nginx, '/a/?k=1', 2), '200 429', 'scripts: are sent again';
    is codes($nginx, '/ab/?k=2', 2), '200 429', 'two servers: both are asked';
    ok wait_for(sub { get($nginx, '/a/?k=3')->{code} == 200 && scripts() > 0 }), 'two servers: go on';
    is codes($nginx, '/b/?k=3', 1), 200, 'two servers: each has its counts';
    # The mirror of b is full: nothing is taken of a. Without it, b refuses while a is taken, and is given back.
    $nginx->stop('QUIT');
    $nginx->start;
    is codes($nginx, '/ab/?k=3', 1), 429, 'two servers: what one of them has taken';
    ok wait_for(sub { codes($nginx, '/a/?k=3&again', 1) eq '200' }), 'two servers: is given back when the other refuses';
    ends_well($nginx, 'servers', empties => $redis);
}

# What other checks refuse is given back.
SKIP: {
    skip 'needs the test build of the module', 1 unless $test_build;
    my $nginx = nginx(
        policies => "guard_rate_policy g rate=5/day key=all phase=inner redis=main;\n"
            . "guard_rate_policy w rate=5/day key=all phase=inner redis=main algorithm=fixed_window;\n"
            . "guard_rate_policy l rate=5/day key=all phase=inner redis=main algorithm=sliding_log;\n",
        config => <<'EOC');
guard_rate g;
guard_rate w;
guard_rate l;
location /refused/ { guard_test inner refuse=403 at=charge; alias html/; }
location /open/ { alias html/; }
EOC
    is codes($nginx, '/refused/', 7), join(' ', (403) x 7), 'refund: refused by another check';
    my $response = get($nginx, '/open/');
    is $response->{code}, 200, 'refund: everything was given back';
    like header_of($response->{fields}, 'RateLimit'), qr/;r=4;/, 'refund: all of it';
    ends_well($nginx, 'refund', empties => $redis);
}

# Only observed, and exempt.
{
    my $nginx = nginx(
        policies => "guard_rate_policy a rate=1/day key=\$arg_k redis=main;\n",
        config   => "location /observed/ { guard_mode observe rate; guard_rate a; alias html/; }\n"
            . "location /exempt/ { guard_exempt 127.0.0.0/8 rate; guard_rate a; alias html/; }\n"
    );
    is codes($nginx, '/observed/?k=1', 3), '200 200 200', 'observe: refuses nothing';
    ok wait_for(sub { events_of($nginx, qr/^rate_limited\z/) == 1 }), 'observe: says what it would have refused';
    my $before = scripts();
    is codes($nginx, '/exempt/?k=2', 2), '200 200', 'exempt: passes';
    is scripts(), $before, 'exempt: is not counted';
    ends_well($nginx, 'modes', empties => $redis);
}

# Keys from the body, in the inner gate.
{
    my $nginx = nginx(
        policies => "guard_rate_policy login rate=2/day key=\$email redis=main algorithm=sliding_log;\n",
        config   => "guard_json_set \$email /email lower;\nlocation / { guard_json on; guard_rate login; root html; try_files /index.html =404; }\n"
    );
    my $login = sub {
        return request($nginx->port, PUT => '/', headers => ['Content-Type: application/json'], body => qq({"email":"$_[0]"}))->{code};
    };
    is join(' ', map { $login->('ann@example.com') } 1 .. 3), '405 405 429', 'body: its values are keys';
    is $login->('bob@example.com'), 405, 'body: another one';
    unlike join(' ', keys_in()), qr/ann|bob|example/, 'body: which nobody can read in Redis';
    ends_well($nginx, 'body', empties => $redis);
}

# Many at once over the same connection, by two workers.
{
    my $nginx = nginx(
        workers  => 2,
        policies => join('', map { "guard_rate_policy $_ rate=60/day key=\$arg_k algorithm=$_ redis=main;\n" } qw(gcra sliding_log fixed_window sliding_window)),
        config   => join('', map { "location /$_/ { guard_rate $_; alias html/; }\n" } qw(gcra sliding_log fixed_window sliding_window))
    );
    for my $algorithm (qw(gcra sliding_log fixed_window sliding_window)) {
        my $result = hammer([$nginx], "/$algorithm/?k=x", clients => 6, count => 20);
        is_deeply $result->{codes}, { 200 => 60, 429 => 60 }, "$algorithm: exactly the quota";
    }
    ends_well($nginx, 'workers', empties => $redis);
}

# Clients that go away while Redis thinks.
{
    my $fake = start_fake_redis(behind => $redis, behave => 'pass');
    my $nginx = nginx(
        url      => $fake->unix_url . ' timeout=2s',
        policies => "guard_rate_policy a rate=100/day key=\$arg_k redis=main;\nguard_rate_policy b rate=100/day key=\$arg_k redis=main;\n",
        config   => "location /a/ { guard_rate a; alias html/; }\nlocation /ab/ { guard_rate a; guard_rate b; alias html/; }\n"
    );
    is codes($nginx, '/a/?k=1', 1), 200, 'gone: connected';
    my $left = 0;
    for my $target ('/a/?k=1', '/ab/?k=1') {
        $fake->behave('hold');
        my @held;
        for my $i (1 .. 5) {
            my $asked = $fake->commands;
            push @held, request_raw($nginx->port, "GET $target HTTP/1.1\r\nHost: x\r\n\r\n", expect => 0, timeout => 0.02, hold => 1);
            ok wait_for(sub { $fake->commands > $asked }), "gone: Redis is asked, $i ($target)";
        }
        close $_->{connection}{socket} for @held[0, 2, 4];
        $left += 3;
        ok wait_for(sub { $left == (() = $nginx->log_text('access.log') =~ /" 499 /g) }), "gone: they have left ($target)";
        $fake->behave('pass');
        for my $i (1, 3) {
            my $result = request_raw($nginx->port, '', connection => $held[$i]{connection}, methods => ['GET'], timeout => 3);
            is $result->{responses}[0]{code}, 200, "gone: the others have their answers ($target)";
        }
    }
    is codes($nginx, '/a/?k=1', 1), 200, 'gone: it goes on';
    ends_well($nginx, 'gone', empties => $redis);
}

# The user that docs/operations.md gives to Guard may do what it takes, and nothing else.
{
    open my $file, '<', 'docs/operations.md' or die "docs/operations.md: $!\n";
    my ($user) = map { /^(user guard on >SECRET .*)$/ ? $1 : () } <$file>;
    $user =~ s/SECRET/secret-of-guard/;
    my $guarded = start_redis(password => 'admin', acl => [$user]);
    my @algorithms = qw(fixed_window gcra sliding_log sliding_window);
    my $nginx = nginx(
        url      => $guarded->unix_url . ' username=guard password=secret-of-guard',
        policies => join('', map { "guard_rate_policy $_ rate=2/day key=\$arg_k algorithm=$_ redis=main on_error=closed;\n" } @algorithms)
            . "guard_rate_policy told rate=2/day key=\$arg_k algorithm=sliding_window redis=main sync=20ms on_error=closed;\n",
        config   => join('', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms, 'told')
    );
    is codes($nginx, "/$_/?k=1", 3), '200 200 429', "rights: $_" for @algorithms, 'told';
    ok wait_for(sub { @{ $guarded->run('KEYS', 'guard:told:*') } }), 'rights: and Redis is told';
    is scalar(events_of($nginx, qr/^redis_unavailable\z/)), 0, 'rights: Redis was never away';
    ends_well($nginx, 'rights', empties => $redis);
}

done_testing();
