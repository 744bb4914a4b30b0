# What limits do when their Redis does not: each as its on_error= says, none longer than timeout=, none at
# all once the breaker is open, and all by themselves again when Redis is back.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(get);
use Test::Nginx::Guard::Ending qw(redis_events);
use Test::Nginx::Guard::Wait qw(scaled);
use Time::HiRes qw(time);

my $redis = start_redis();

my $policies = <<'EOC';
guard_rate_policy local rate=10/day key=$arg_k redis=main;
guard_rate_policy log rate=10/day key=$arg_k redis=main algorithm=sliding_log;
guard_rate_policy window rate=10/day key=$arg_k redis=main algorithm=sliding_window;
guard_rate_policy open rate=3/day key=$arg_k redis=main on_error=open;
guard_rate_policy closed rate=10/day key=$arg_k redis=main on_error=closed;
guard_rate_policy tried rate=10/day key=$arg_k redis=main on_error=closed;
guard_rate_policy here rate=1000/day key=$arg_k;
EOC
my $config = <<'EOC';
root html;
location /local/ { guard_rate local; alias html/; }
location /log/ { guard_rate log; alias html/; }
location /window/ { guard_rate window; alias html/; }
location /open/ { guard_rate open; alias html/; }
location /closed/ { guard_rate closed; alias html/; }
location /free/ { guard_rate closed cost=0; alias html/; }
location /both/ { guard_rate here; guard_rate closed; alias html/; }
location /here/ { guard_rate here; alias html/; }
location /tried/ { guard_rate tried dry_run; alias html/; }
location /observed/ { guard_mode observe; guard_rate closed; alias html/; }
EOC

sub nginx {
    my ($url, $timeout) = @_;
    return start_nginx(
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=$timeout connect_timeout=500ms;\n"
            . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n$policies",
        config => $config
    );
}

# (code, response, seconds)
sub ask {
    my ($nginx, $target) = @_;
    my $begin    = time;
    my $response = get($nginx, $target, timeout => 10);
    return ($response->{code}, $response, time - $begin);
}

sub codes { my ($nginx, $target, $count) = @_; return join ' ', map { (ask($nginx, $target))[0] } 1 .. $count }

my $key = 0;

# Before, during and after: WORDS of one outage: url, timeout (milliseconds), begin, end, restarted (Redis has
# forgotten), immediate (the breaker finds out without waiting).
sub outage {
    my ($name, %word) = @_;
    my $limit = $word{timeout} / 1000;
    my $nginx = nginx($word{url}, "$word{timeout}ms");
    my $k     = ++$key;
    my @all   = qw(local log window open closed);
    is codes($nginx, "/$_/?k=$k", 2), '200 200', "$name: $_: before" for @all;

    $word{begin}->();
    my $slowest = 0;
    my $asking  = sub {
        my ($target) = @_;
        my ($code, $response, $seconds) = ask($nginx, "$target?k=$k");
        $slowest = $seconds if $seconds > $slowest;
        return ($code, $response, $seconds);
    };
    # Everybody meets it before the breaker opens; and after.
    my %codes = map { $_ => [] } @all;
    my $response;
    for (1 .. 9) {
        for my $policy (@all) {
            my ($code, $got) = $asking->("/$policy/");
            push @{ $codes{$policy} }, $code;
            $response = $got if $policy eq 'closed';
        }
    }
    for my $policy (qw(local log window)) {
        is "@{ $codes{$policy} }", '200 200 200 200 200 200 200 200 429', "$name: $policy: counts on where Redis left off";
    }
    is "@{ $codes{open} }",   join(' ', (200) x 9), "$name: open: passes";
    is "@{ $codes{closed} }", join(' ', (503) x 9), "$name: closed: refuses";
    is header_of($response->{fields}, 'Retry-After'), 1, "$name: closed: Retry-After";
    is header_of($response->{fields}, 'RateLimit'), undef, "$name: closed: tells no numbers";
    my $problem = JSON::PP::decode_json($response->{body});
    is $problem->{code},   'rate.unavailable', "$name: closed: code";
    is $problem->{status}, 503,                "$name: closed: status";
    is codes($nginx, "/free/?k=$k", 1), 200, "$name: closed: what costs nothing passes";
    is codes($nginx, "/both/?k=$k", 1), 503, "$name: one of two policies is closed";
    my ($here) = map { header_of($_->{fields}, 'RateLimit') } (ask($nginx, "/here/?k=$k"))[1];
    like $here, qr/;r=999;/, "$name: and nothing was taken of the other";
    is codes($nginx, "/tried/?k=$k",    2), '200 200', "$name: dry_run refuses nothing";
    is codes($nginx, "/observed/?k=$k", 2), '200 200', "$name: observed, neither";
    cmp_ok $slowest, '<', scaled($limit + 0.75), "$name: nobody waits longer than timeout=";

    my @quick = sort { $a <=> $b } map { ($asking->('/closed/'))[2] } 1 .. 21;
    cmp_ok $quick[10], '<', scaled($limit / 4), "$name: the breaker is open: nobody waits";
    is codes($nginx, "/open/?k=$k", 5), '200 200 200 200 200', "$name: open: still";

    $word{end}->();
    my $begin = time;
    ok wait_for(sub { (ask($nginx, "/closed/?k=back$k"))[0] == 200 }, 5), "$name: is back";
    cmp_ok time - $begin, '<', scaled(2), "$name: within two seconds";
    # The mirror knows what it has let through itself.
    is codes($nginx, "/local/?k=$k", 2), '429 429', "$name: local: what it let through counts";
    # A command that was given up may have been carried out.
    my ($count, $left) = $word{restarted} ? (4, qr/^200 200 200 429$/) : (2, qr/^(?:200|429) 429$/);
    like codes($nginx, "/open/?k=$k", $count), $left, "$name: open: Redis counts again";
    is $nginx->stop('QUIT'), undef, "$name: stops";
    is_deeply [redis_events($nginx)], ['redis_unavailable', 'redis_recovered'], "$name: one event each way";
    is_deeply [log_problems($nginx)], [], "$name: nothing bad in the log";
    unlike $nginx->log_text, qr/0123456789abcdef/, "$name: no secret in the log";
    $redis->run('FLUSHALL');
    return;
}

outage('killed', url => $redis->url, timeout => 250, restarted => 1, begin => sub { $redis->kill }, end => sub { $redis->start });
outage('stopped', url => $redis->unix_url, timeout => 250, begin => sub { $redis->suspend }, end => sub { $redis->resume });
outage(
    'out of memory',
    url     => $redis->unix_url,
    timeout => 250,
    begin   => sub { $redis->run('CONFIG', 'SET', 'maxmemory', 1) },
    end     => sub { $redis->run('CONFIG', 'SET', 'maxmemory', 0) }
);
outage(
    'wrong password',
    url     => $redis->url,
    timeout => 250,
    begin   => sub { $redis->run('ACL', 'SETUSER', 'default', 'resetpass', '>xyzzy'); $redis->run('CLIENT', 'KILL', 'TYPE', 'normal') },
    end     => sub { $redis->run('ACL', 'SETUSER', 'default', 'nopass') }
);
{
    my $fake = start_fake_redis(behind => $redis);
    outage(
        'always too late',
        url     => $fake->url,
        timeout => 250,
        begin   => sub { $fake->behave('delay ' . scaled(0.4)) },
        end     => sub { $fake->behave('pass') }
    );
}
{
    my $master = start_redis();
    outage(
        'read-only',
        url       => $redis->unix_url,
        timeout => 250,
        restarted => 1,
        begin     => sub { $redis->run('REPLICAOF', '127.0.0.1', $master->port) },
        end       => sub { $redis->run('REPLICAOF', 'NO', 'ONE'); $redis->run('FLUSHALL') }
    );
}
for my $how ('delay 5', 'hang', 'garbage', 'flood', 'twice', 'close', 'reset', 'refuse', 'error LOADING x', 'error BUSY x', 'error NOPERM x') {
    my $fake = start_fake_redis(behind => $redis);
    outage(
        $how,
        url     => $fake->url,
        timeout => $how =~ /^(?:delay|hang)/ ? 250 : 1000,
        begin   => sub { $fake->behave($how) },
        end     => sub { $fake->behave('pass') }
    );
}

# Slow, but not too slow: nobody notices but by his watch.
{
    my $fake  = start_fake_redis(behind => $redis, behave => 'delay 0.05');
    my $nginx = nginx($fake->unix_url, '2s');
    my ($code, $response, $seconds) = ask($nginx, '/closed/?k=slow');
    is $code, 200, 'slow: answers';
    cmp_ok $seconds, '>=', 0.04, 'slow: when Redis has answered';
    is codes($nginx, '/closed/?k=slow', 10), join(' ', (200) x 9, 429), 'slow: exactly';
    my ($quickest) = sort { $a <=> $b } map { (ask($nginx, '/closed/?k=slow'))[2] } 1 .. 9;
    cmp_ok $quickest, '<', scaled(0.03), 'slow: what is over its limit does not wait';
    is $nginx->stop('QUIT'), undef, 'slow: stops';
    is_deeply [redis_events($nginx)], [], 'slow: no event';
}

# A Redis that has lost the script is asked twice, but nobody waits longer for that.
{
    my $fake  = start_fake_redis(behind => $redis);
    my $nginx = nginx($fake->unix_url, '1600ms');
    is codes($nginx, '/closed/?k=script', 1), 200, 'script lost: before';
    $fake->behave('delay ' . scaled(1.2));
    $redis->run('SCRIPT', 'FLUSH');
    my ($code, undef, $seconds) = ask($nginx, '/closed/?k=script');
    is $code, 503, 'script lost: the second answer is too late';
    cmp_ok $seconds, '<', scaled(2.2), 'script lost: nobody waits for it';
    is $nginx->stop('QUIT'), undef, 'script lost: stops';
}

# Restarted empty, without anybody asking meanwhile: it is as if nobody had come before.
{
    my $nginx = nginx($redis->url, '500ms');
    is codes($nginx, '/closed/?k=r', 9), join(' ', (200) x 9), 'restarted: before';
    $redis->restart;
    ok wait_for(sub { codes($nginx, '/closed/?k=r', 1) eq '200' }, 5), 'restarted: goes on';
    is codes($nginx, '/closed/?k=r', 3), '200 200 200', 'restarted: with what the new one says';
    is $nginx->stop('QUIT'), undef, 'restarted: stops';
    is_deeply [log_problems($nginx)], [], 'restarted: nothing bad in the log';
}

# A reply that ends in the middle.
{
    my $fake  = start_fake_redis(behind => $redis);
    my $nginx = nginx($fake->unix_url, '2s');
    is codes($nginx, '/local/?k=cut', 1), 200, 'cut: before';
    $fake->behave('cut 3');
    my ($code, undef, $seconds) = ask($nginx, '/local/?k=cut');
    is $code, 200, 'cut: the mirror counts';
    cmp_ok $seconds, '<', scaled(1.5), 'cut: at once';
    $fake->behave('pass');
    ok wait_for(sub { codes($nginx, '/closed/?k=cut', 1) eq '200' }, 5), 'cut: goes on';
    is $nginx->stop('QUIT'), undef, 'cut: stops';
    my @events = redis_events($nginx);
    ok @events == 0 || "@events" eq 'redis_unavailable redis_recovered', 'cut: at most one event each way' or diag "@events";
    is_deeply [log_problems($nginx)], [], 'cut: nothing bad in the log';
}

# Redis is not there when nginx starts.
{
    my $port  = free_port();
    my $nginx = nginx("redis://127.0.0.1:$port", '100ms');
    is codes($nginx, '/local/?k=start', 11), join(' ', (200) x 10, 429), 'start: shared memory counts';
    is codes($nginx, '/closed/?k=start', 1), 503, 'start: closed is closed';
    my $late = start_redis(port => $port);
    ok wait_for(sub { codes($nginx, '/closed/?k=start', 1) eq '200' }, 5), 'start: Redis comes later';
    is $nginx->stop('QUIT'), undef, 'start: stops';
    is_deeply [log_problems($nginx)], [], 'start: nothing bad in the log';
}

done_testing();
