# Limits that count in shared memory and tell Redis every so often: what one nginx and its Redis see of each
# other, and that requests never wait for it.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(get codes);
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Wait qw(scaled);

my $redis      = start_redis();
my $test_build = -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';
my @algorithms = qw(gcra sliding_window fixed_window);

# Words: policies (lines), config, and those of start_nginx.
sub nginx {
    my (%word) = @_;
    my $url = delete $word{url} // $redis->unix_url . ' timeout=2s';
    return start_nginx(
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url;\nguard_event_log \$TEST_NGINX_EVENT_LOG;\n"
            . delete $word{policies},
        config => 'root html; add_header X-Remaining "$guard_rate_remaining" always;' . "\n" . delete $word{config},
        %word
    );
}

sub remaining { my ($nginx, $target) = @_; return header_of(get($nginx, $target)->{fields}, 'X-Remaining') }

# What Redis has for POLICY: {name => total}, without the probe.
sub totals {
    my ($policy) = @_;
    return { map { $_ => $redis->run('GET', $_) } grep { /^guard:\Q$policy\E:/ } @{ $redis->run('KEYS', '*') } };
}

# The sum of the totals; waits until it is WANTED, and returns what it is.
sub told {
    my ($policy, $wanted) = @_;
    my $sum;
    wait_for(sub { $sum = 0; $sum += $_ // 0 for values %{ totals($policy) }; return $sum == $wanted });
    return $sum;
}

my $each = join '', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms;

# What is in Redis, what it is called, and how long it lives.
{
    my $nginx = nginx(
        policies => join('', map { "guard_rate_policy $_ rate=100/hour key=\$arg_k algorithm=$_ redis=main sync=20ms;\n" } @algorithms),
        config   => $each
    );
    for my $algorithm (@algorithms) {
        is codes($nginx, "/$algorithm/?k=secret\@example.com", 7), join(' ', (200) x 7), "$algorithm: passes";
        my $response = get($nginx, "/$algorithm/?k=secret\@example.com");
        like header_of($response->{fields}, 'RateLimit'), qr/^"$algorithm";r=92;t=\d+$/, "$algorithm: the field tells what is left";
        is header_of($response->{fields}, 'RateLimit-Policy'), qq("$algorithm";q=100;w=3600), "$algorithm: the policy";
        my ($found, @more);
        my $complete = wait_for(
            sub {
                my $totals = totals($algorithm);
                ($found, @more) = keys %$totals;
                return unless defined $found;
                return $totals->{$found} == 8 if $algorithm ne 'gcra';
                # The time at which the quota is whole again: 8 of a hundred of an hour.
                my ($seconds, $microseconds) = @{ $redis->run('TIME') };
                my $rest = $totals->{$found} / 1e6 - $seconds - $microseconds / 1e6;
                return $rest > 8 * 36 - scaled(10) && $rest <= 8 * 36;
            }
        );
        ok $complete, "$algorithm: Redis is told all of it";
        is_deeply \@more, [], "$algorithm: in one key";
        my $number = $algorithm eq 'gcra' ? '' : '\d+';
        like $found, qr/^guard:$algorithm:\{[0-9a-f]{32}\}=$number$/, "$algorithm: which tells nothing of the client";
        my $life = $redis->run('PTTL', $found);
        my $most = $algorithm eq 'sliding_window' ? 7200 : 3600;
        my $least = { gcra => 3600 - scaled(10), sliding_window => 3600 - scaled(10), fixed_window => 0 }->{$algorithm};
        ok $life > 1000 * $least && $life <= 1000 * $most + 1, "$algorithm: it lives as long as it means anything ($life ms)";
    }
    ends_well($nginx, 'keys', empties => $redis);
}

# Windows that are over leave nothing behind.
{
    my $nginx = nginx(
        policies => join('', map { "guard_rate_policy $_ rate=100/second key=\$arg_k algorithm=$_ redis=main sync=20ms;\n" } @algorithms),
        config   => $each
    );
    codes($nginx, "/$_/?k=1", 3) for @algorithms;
    ok wait_for(sub { 3 == grep { %{ totals($_) } } @algorithms }), 'life: all are there';
    ok wait_for(sub { @{ $redis->run('KEYS', 'guard:*:*') } == 0 }, 4), 'life: none is left after two windows and their second of grace';
    ends_well($nginx, 'life', empties => $redis);
}

# What somebody else has told, and that a quota of all nodes ends here, too.
{
    my $nginx = nginx(
        policies => join('', map { "guard_rate_policy $_ rate=100/day key=all algorithm=$_ redis=main sync=20ms;\n" } @algorithms),
        config   => $each
    );
    for my $algorithm (@algorithms) {
        is remaining($nginx, "/$algorithm/"), 99, "$algorithm: nobody else yet";
        my ($key) = wait_for(sub { (keys %{ totals($algorithm) })[0] });
        $redis->run('INCRBY', $key, $algorithm eq 'gcra' ? 70 * 864e6 : 70);
        # Whoever takes nothing is told nothing.
        ok wait_for(sub { remaining($nginx, "/$algorithm/") < 30 }), "$algorithm: hears of others";
        $redis->run('INCRBY', $key, $algorithm eq 'gcra' ? 50 * 864e6 : 50);
        ok wait_for(sub { get($nginx, "/$algorithm/")->{code} == 429 }), "$algorithm: and refuses for what they took";
        my $response = get($nginx, "/$algorithm/");
        like header_of($response->{fields}, 'Retry-After'), qr/^[1-9]\d*$/, "$algorithm: with the time to wait";
    }
    # A flood over the limit is not heard of by Redis at all.
    is codes($nginx, '/gcra/', 1), 429, 'flood: over the limit';
    # What was let through before is told once, however late; a flood is refused as often as it comes.
    my $calls;
    ok wait_for(
        sub {
            $redis->run('CONFIG', 'RESETSTAT');
            is_deeply hammer([$nginx], '/gcra/', clients => 4, count => 50)->{codes}, { 429 => 200 }, 'flood: all are refused';
            select undef, undef, undef, 0.1;
            $calls = join ' ', map { $redis->calls($_) } qw(EVAL EVALSHA GET SET);
            return $calls eq '0 0 0 0';
        }
    ), 'flood: at no cost to Redis' or diag $calls;
    ends_well($nginx, 'others', empties => $redis);
}

# One nginx of two workers lets through the same as without Redis, exactly.
{
    my $nginx = nginx(
        workers  => 2,
        policies => join('', map { "guard_rate_policy $_ rate=100/day key=\$arg_k algorithm=$_ redis=main sync=10ms;\n" } @algorithms),
        config   => $each
    );
    for my $algorithm (@algorithms) {
        my $result = hammer([$nginx], "/$algorithm/?k=a", clients => 6, count => 25);
        is_deeply $result->{codes}, { 200 => 100, 429 => 50 }, "$algorithm: exactly the quota";
        $result = hammer([$nginx], sub { "/$algorithm/?k=$_[0]" }, clients => 4, count => 110);
        is_deeply $result->{codes}, { 200 => 400, 429 => 40 }, "$algorithm: of each key";
    }
    is told('fixed_window', 500), 500, 'workers: Redis is told all of it, once';
    ends_well($nginx, 'workers', empties => $redis);
}

# Costs, several windows, several policies, what is only tried, and what is given back.
{
    my $nginx = nginx(
        policies => "guard_rate_policy a rate=200/hour,300/day key=\$arg_k algorithm=fixed_window redis=main sync=20ms;\n"
            . "guard_rate_policy b rate=100/day key=\$arg_k algorithm=fixed_window redis=main sync=20ms;\n"
            . "guard_rate_policy strict rate=150/day key=\$arg_k algorithm=fixed_window redis=main;\n"
            . "guard_rate_policy here rate=150/day key=\$arg_k algorithm=fixed_window;\n"
            . "guard_rate_policy c rate=200/hour key=\$arg_k algorithm=fixed_window phase=inner redis=main sync=20ms;\n",
        config => "location /cost/ { guard_rate a cost=\$arg_c; alias html/; }\n"
            . "location /tried/ { guard_rate b cost=60 dry_run; alias html/; }\n"
            . "location /all/ { guard_rate b cost=50; guard_rate strict cost=50; guard_rate here cost=50; alias html/; }\n"
            . ($test_build ? "location /back/ { guard_rate c cost=10; guard_test inner refuse=403 at=charge; alias html/; }\n" : '')
            . "location /left/ { guard_rate c; alias html/; }\n"
    );
    is get($nginx, '/cost/?k=1&c=30')->{code}, 200, 'cost: passes';
    is get($nginx, '/cost/?k=1&c=0')->{code},  200, 'cost: nothing passes';
    is get($nginx, '/cost/?k=1&c=171')->{code}, 429, 'cost: too much does not';
    is told('a', 60), 60, 'cost: in both windows, what it cost';
    is_deeply [sort map { s/\{.*\}/{}/r =~ s/\d+$//r } keys %{ totals('a') }], ['guard:a:{}.day=', 'guard:a:{}.hour='],
        'windows: each has a key';

    is codes($nginx, '/tried/?k=2', 3), '200 200 200', 'dry_run: refuses nothing';
    is told('b', 60), 60, 'dry_run: counts what would have passed';
    is codes($nginx, '/all/?k=3', 3), '200 200 429', 'several: b refuses';
    is told('b', 160), 160, 'several: all is told';
    is get($nginx, '/left/?k=4')->{code}, 200, 'given back: before';
    is told('c', 1), 1, 'given back: that is told';
    if ($test_build) {
        is codes($nginx, '/back/?k=4', 3), '403 403 403', 'given back: another check refuses';
        is remaining($nginx, '/left/?k=4'), 198, 'given back: all of it';
        is told('c', 2), 2, 'given back: Redis hears nothing of it in the end';
    }
    ends_well($nginx, 'several', empties => $redis);
}

# A quitting nginx tells what it has not told yet.
{
    my $before = $redis->calls('TIME');
    my $nginx  = nginx(
        workers  => 2,
        policies => "guard_rate_policy late rate=100/minute key=all algorithm=sliding_window redis=main sync=10s;\n",
        config   => "location / { guard_rate late; root html; }\n"
    );
    # The first round comes soon, whatever sync= is.
    ok wait_for(sub { $redis->calls('TIME') > $before }), 'quit: one has the job';
    is codes($nginx, '/', 5), '200 200 200 200 200', 'quit: passes';
    is $nginx->stop('QUIT'), undef, 'quit: stops';
    my $sum = 0;
    $sum += $_ for values %{ totals('late') };
    is $sum, 5, 'quit: all is told';
    ends_well($nginx, 'quit', empties => $redis);
}

done_testing();
