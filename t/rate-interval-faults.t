# Interval sync when workers die, nginx reloads, or Redis is not what it should be: requests neither fail nor
# wait for it, and what was counted is told in the end.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(code_of codes);
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Wait qw(scaled);
use Time::HiRes qw(time);

my $redis = start_redis();

# Words: url, timeout, workers, sync, policies (more lines), config (more locations).
sub nginx {
    my (%word) = @_;
    my $url  = $word{url} // $redis->unix_url;
    my $sync = $word{sync} // '100ms';
    return start_nginx(
        workers     => $word{workers} // 2,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=" . ($word{timeout} // '1s') . ";\n"
            . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
            . "guard_rate_policy fixed rate=1000000/day key=\$arg_k algorithm=fixed_window redis=main sync=$sync;\n"
            . "guard_rate_policy gcra rate=1000/day key=\$arg_k redis=main sync=$sync;\n"
            . ($word{policies} // ''),
        config => "root html;\nlocation /fixed/ { guard_rate fixed; alias html/; }\nlocation /gcra/ { guard_rate gcra; alias html/; }\n"
            . "location /free/ { alias html/; }\n"
            . ($word{config} // '')
    );
}

# The sum of what Redis has been told for fixed.
sub told {
    my $sum = 0;
    $sum += $redis->run('GET', $_) // 0 for @{ $redis->run('KEYS', 'guard:fixed:*') };
    return $sum;
}

sub is_told {
    my ($wanted, $name) = @_;
    wait_for(sub { (eval { told() } // -1) == $wanted }, 5);
    is told(), $wanted, $name;
    return;
}

# Whatever the number of workers and keys, one worker speaks to Redis, twice in sync=.
{
    my $nginx = nginx(workers => 3);
    my $load = start_load([$nginx], sub { "/fixed/?k=$_[0]" }, clients => 3);
    ok wait_for(sub { told() > 0 }), 'lease: somebody tells';
    $redis->run('CONFIG', 'RESETSTAT');
    my $begin = time;
    ok wait_for(sub { $redis->calls('TIME') >= 20 }), 'lease: rounds';
    # All of one moment: rounds go on.
    my $stats   = $redis->info('commandstats');
    my %calls   = map { $_ => ($stats->{ 'cmdstat_' . lc } // '') =~ /calls=(\d+)/ ? $1 : 0 } qw(TIME GET SET EVALSHA EVAL);
    my $seconds = time - $begin;
    my $result  = $load->finish;
    cmp_ok $calls{TIME}, '<=', $seconds * 20 + 2, 'lease: no more rounds than one worker makes';
    cmp_ok $calls{TIME}, '>=', $seconds * 20 / scaled(3), 'lease: and not many less';
    cmp_ok $calls{EVALSHA} + $calls{EVAL}, '<=', $calls{TIME} + 1, 'lease: one call a round';
    cmp_ok $calls{SET}, '<=', 3 * ($calls{TIME} + 1), 'lease: one exchange a key and round';
    is $calls{GET}, $calls{SET}, 'lease: no more than it takes';
    is_told($result->{codes}{200}, 'lease: and all is told');

    # Of the workers, one after the other is killed: whoever had the job has a successor.
    my @workers = $nginx->worker_pids;
    my $sum     = $result->{codes}{200};
    for my $pid (@workers) {
        kill 'KILL', $pid;
        ok wait_for(sub { my @now = $nginx->worker_pids; @now == 3 && !grep { $_ == $pid } @now }), 'killed: replaced by nginx';
        my $begun = time;
        $sum += grep { code_of($nginx, '/fixed/?k=killed') == 200 } 1 .. 10;
        is_told($sum, 'killed: somebody else tells');
        cmp_ok time - $begun, '<', scaled(4), 'killed: soon';
    }
    # One that hangs with the job (all do in turn): another one takes over when its lease is over.
    for my $pid ($nginx->worker_pids) {
        kill 'STOP', $pid;
        my $before = told();
        # Whoever is stopped does not answer all that he has accepted.
        my $told = wait_for(
            sub { eval { request($nginx->port, GET => '/fixed/?k=stopped', timeout => 0.2) }; told() > $before }, 10);
        ok $told, 'hangs: somebody else tells';
        kill 'CONT', $pid;
    }
    ends_well($nginx, 'lease', empties => $redis, allowed => ['alert']);
}

# Reloads under load: the old workers and the new ones count and tell as one.
{
    my $nginx = nginx(sync => '50ms');
    my $load  = start_load([$nginx], sub { '/fixed/?k=' . $_[1] % 3 }, clients => 3);
    for (1 .. 4) {
        my $before = told();
        ok wait_for(sub { told() > $before + 20 }), 'reload: load';
        is $nginx->hup, undef, 'reload: reloads';
    }
    my $result = $load->finish;
    is_deeply [grep { $_ != 200 } keys %{ $result->{codes} }], [], 'reload: nothing fails';
    is_told($result->{codes}{200}, "reload: nothing is lost of $result->{codes}{200}, nothing is counted twice");
    ends_well($nginx, 'reload', empties => $redis);
}

# One request that counts is enough to find out about a Redis that hangs: the question is put again until it is answered.
{
    my $nginx = nginx(
        workers  => 1,
        timeout  => '100ms',
        policies => "guard_rate_policy open rate=5/day key=\$arg_k algorithm=fixed_window redis=main sync=100ms on_error=open;\n",
        config   => "location /open/ { guard_rate open; alias html/; }\n"
    );
    is codes($nginx, '/open/?k=full', 6), '200 200 200 200 200 429', 'asks again: a quota is used up';
    ok wait_for(sub { @{ $redis->run('KEYS', 'guard:open:*') } }), 'asks again: told';
    $redis->suspend;
    is code_of($nginx, '/open/?k=a'), 200, 'asks again: one counts';
    ok wait_for(sub { code_of($nginx, '/open/?k=full') == 200 }), 'asks again: Redis is found to be away';
    $redis->resume;
    ok wait_for(sub { code_of($nginx, '/open/?k=full') == 429 }), 'asks again: and to be there';
    ends_well($nginx, 'asks again', empties => $redis);
}

# Before, during and after an outage. Words: url, begin, end, timeout, quiet (nobody notices).
sub outage {
    my ($name, %word) = @_;
    my $nginx = nginx(
        url => $word{url},
        timeout  => $word{timeout} // '250ms',
        policies => join('', map { "guard_rate_policy $_ rate=100/day key=\$arg_k algorithm=fixed_window redis=main sync=100ms on_error=$_;\n" } qw(open closed)),
        config   => "location /open/ { guard_rate open; alias html/; }\nlocation /closed/ { guard_rate closed; alias html/; }\n"
    );
    is codes($nginx, '/fixed/?k=a', 10), join(' ', (200) x 10), "$name: before";
    is_told(10, "$name: told");
    is codes($nginx, "/$_/?k=a", 1), '200', "$name: $_: before" for qw(open closed);
    is codes($nginx, "/$_/?k=full", 101), join(' ', (200) x 100, 429), "$name: $_: a quota is used up" for qw(open closed);

    # Who has not heard yet counts; a quota must not end while we ask.
    my $key   = 0;
    my $fresh = sub { my ($policy, $count) = @_; return join ' ', map { code_of($nginx, "/$policy/?k=fresh" . ++$key) } 1 .. $count };

    my $free = start_load([$nginx], '/free/', clients => 2, count => 100)->finish;
    $word{begin}->();
    my $load = start_load([$nginx], '/fixed/?k=a', clients => 2, count => 100, pause => 0.005)->finish;
    is_deeply $load->{codes}, { 200 => 200 }, "$name: every request passes";
    my $median = sub { my @s = sort { $a <=> $b } map { $_->{seconds} } @{ $_[0]{requests} }; $s[@s / 2] };
    cmp_ok $median->($load), '<', $median->($free) + scaled(0.1), "$name: none waits";
    is_deeply [grep { !/^(?:200|429)$/ } map { code_of($nginx, "/gcra/?k=$_") } 1 .. 5], [], "$name: nothing fails";
    unless ($word{quiet}) {
        ok wait_for(sub { $fresh->('closed', 20) eq join ' ', (503) x 20 }), "$name: on_error=closed refuses";
        my $response = request($nginx->port, GET => '/closed/?k=b');
        is JSON::PP::decode_json($response->{body})->{code}, 'rate.unavailable', "$name: with its code";
        is header_of($response->{fields}, 'Retry-After'), 1, "$name: and Retry-After";
        # Each policy has a worker of its own that finds out.
        my $silent = sub { !defined header_of(request($nginx->port, GET => "/open/?k=$_[0]")->{fields}, 'RateLimit') };
        ok wait_for(sub { 20 == grep { $silent->('b') } 1 .. 20 }), "$name: on_error=open tells no numbers";
        is codes($nginx, '/open/?k=c', 120), join(' ', (200) x 120), "$name: passes, uncounted";
        ok $silent->('c'), "$name: and still tells none";
        is code_of($nginx, '/open/?k=full'), 200, "$name: on_error=open passes whom a count known here would refuse";
        is code_of($nginx, '/closed/?k=full'), 503, "$name: on_error=closed does not go by it either";
    }

    $word{end}->();
    my $sum = 210;
    ok wait_for(
        sub {
            # Whoever is told nothing has nothing to make up for.
            ++$sum if code_of($nginx, '/fixed/?k=a') == 200;
            return (eval { told() } // 0) >= 210;
        },
        10
    ), "$name: afterwards, Redis is told what it has missed";
    is_told($sum, "$name: exactly");
    ok wait_for(sub { $fresh->('closed', 3) eq '200 200 200' }), "$name: on_error=closed is over" unless $word{quiet};
    my @kinds;
    wait_for(
        sub {
            my ($events) = read_events($nginx->log_file('events.log'));
            @kinds = grep { /^redis_/ } map { $_->{labels}{kind} } @$events;
            return @kinds >= ($word{quiet} ? 0 : 2);
        },
        3
    );
    # A busy machine may be too late for Redis once more.
    splice @kinds, 2 unless $word{quiet};
    is_deeply \@kinds, $word{quiet} ? [] : ['redis_unavailable', 'redis_recovered'], "$name: events";
    ends_well($nginx, $name, empties => $redis);
    return;
}

outage('killed', url => $redis->url, begin => sub { $redis->kill }, end => sub { $redis->start });
outage('stopped', url => $redis->unix_url, begin => sub { $redis->suspend }, end => sub { $redis->resume });
{
    my $fake = start_fake_redis(behind => $redis);
    my $pass = sub { $fake->behave('pass') };
    outage('slow', quiet => 1, timeout => '5s', url => $fake->unix_url, begin => sub { $fake->behave('delay 0.05') }, end => $pass);
}
{
    my $fake = start_fake_redis(behind => $redis);
    outage('closed', url => $fake->url, begin => sub { $fake->behave('close') }, end => sub { $fake->behave('pass') });
}

# A Redis that is restarted, empty, while nobody looks: the next round tells it what is known here.
{
    my $nginx = nginx();
    is codes($nginx, '/fixed/?k=a', 10), join(' ', (200) x 10), 'empty: before';
    is_told(10, 'empty: told');
    $redis->run('FLUSHALL');
    is code_of($nginx, '/fixed/?k=a'), 200, 'empty: one more';
    is_told(11, 'empty: Redis knows all of it again');
    ends_well($nginx, 'empty', empties => $redis);
}

# One that refuses what it is told is heard of, but not with every round.
{
    my $refuses = tempdir(CLEANUP => 1) . '/refuses';
    # Its own answers may not overtake those of the Redis behind it: the time comes with each round as well.
    my $fake = start_fake_redis(
        behind => $redis,
        answer => sub {
            my ($command) = @_;
            return sprintf "*2\r\n:%d\r\n:%d\r\n", time, 1e6 * (time - int time) if $command->[0] eq 'TIME';
            return -e $refuses && $command->[0] =~ /^EVAL/ ? "-ERR not you\r\n" : undef;
        }
    );
    my $nginx = nginx(url => $fake->unix_url);
    is code_of($nginx, '/fixed/?k=a'), 200, 'refuses: before';
    is_told(1, 'refuses: told');
    open my $file, '>', $refuses or die "$refuses: $!\n";
    is codes($nginx, '/fixed/?k=a', 20), join(' ', (200) x 20), 'refuses: requests pass';
    my $line = qr/\[error\] .*guard_redis "main" refuses commands: ERR not you/;
    ok wait_for(sub { $nginx->log_text =~ $line }), 'refuses: said';
    my $heard = $fake->commands;
    ok wait_for(sub { $fake->commands > $heard + 6 }), 'refuses: tried again';
    is scalar(() = $nginx->log_text =~ /$line/g), 1, 'refuses: said once';
    unlink $refuses;
    is_told(21, 'refuses: told once it does not');
    ends_well($nginx, 'refuses', empties => $redis);
}

# What somebody else has put there is written over: the other keys of the call are told as well.
{
    my $nginx = nginx();
    is code_of($nginx, '/fixed/?k=a'), 200, 'another: before';
    is_told(1, 'another: told');
    my ($key) = @{ $redis->run('KEYS', 'guard:fixed:*') };
    $redis->run('DEL', $key);
    $redis->run('HSET', $key, 'a', 'b');
    is code_of($nginx, "/fixed/?k=$_"), 200, "another: $_" for qw(a b);
    is_told(3, 'another: all is told');
    ends_well($nginx, 'another', empties => $redis);
}

done_testing();
