# guard_metrics: what it says of Redis, upstreams, bodies, certificates, workers, full zones and lost lines, to the number where
# there is one.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Guardctl qw(guardctl);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics);
use Time::HiRes qw(time);
use Time::Local qw(timegm);

my $redis    = start_redis();
my $upstream = start_upstream("delay 0.2\nstatus 200\nbody late");
my ($crt, $key) = certificate();
my $tls = free_port();

# Of a server of the same name, on another port, which ends later.
my $later = tempdir('guard-later-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @later = ("$later/crt", "$later/key");
system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 300 -subj /CN=localhost -out $later[0] -keyout $later[1] 2>/dev/null") == 0 or die "openssl: $?\n";

# A log that takes nothing.
my $full = '/dev/full';
my $begun = time;
my $nginx = start_nginx(
    workers     => 1,
    listen      => ["listen $tls ssl;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    http_config => <<"EOC",
guard_key_secret 0123456789abcdef;
guard_redis store @{[ $redis->url ]} timeout=200ms;
guard_rate_policy shared rate=1000/day key=\$arg_k redis=store on_error=open;
guard_rate_policy small  rate=1/day key=\$arg_k zone=64k;
guard_event_log $full;
server {
    listen @{[ free_port() ]} ssl;
    server_name localhost;
    ssl_certificate $later[0];
    ssl_certificate_key $later[1];
}
EOC
    config => <<"EOC",
root html;
location = /metrics { guard_metrics; }
location /shared/ { guard_rate shared; alias html/; }
location /small/  { guard_rate small; alias html/; }
location /path/   { guard_path strict; alias html/; }
location /json/   { guard_json_schema $ENV{PWD}/t/data/metrics.json; proxy_pass http://127.0.0.1:@{[ $upstream->port ]}; }
location /slow/   { proxy_pass http://127.0.0.1:@{[ $upstream->port ]}; }
EOC
);
my $port = $nginx->port;

sub metrics { return parse_metrics(scrape($port, '/metrics')->{body}) }
sub until_it_says {
    my ($series, $wanted, $name) = @_;
    my $got;
    ok wait_for(sub { $got = metrics()->{$series}; defined $got && (ref $wanted ? $wanted->($got) : $got == $wanted) }, 10), $name or diag "$series " . ($got // 'is not there');
    return;
}

# Where and when
{
    my $m = metrics();
    my ($build) = grep { /^guard_build_info/ } keys %$m;
    my ($running) = (guardctl('--version'))[1] =~ /(\d+\.\d+\.\d+)/;
    my ($of_nginx) = `@{[ $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx' ]} -v 2>&1` =~ m{nginx/(\S+)};
    is $build, qq(guard_build_info{version="$running",nginx="$of_nginx"}), 'the versions';
    my ($month, $day, $time, $year) = qx(openssl x509 -in $crt -noout -enddate) =~ /=(\w{3}) +(\d+) ([\d:]+) (\d{4}) GMT/;
    my %month = map { (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$_] => $_ } 0 .. 11;
    my ($h, $min, $s) = split /:/, $time;
    my @ends = map { $m->{$_} } grep { /^guard_certificate_not_after_time_seconds/ } keys %$m;
    is_deeply \@ends, [timegm($s, $min, $h, $day, $month{$month}, $year)], 'the end of the certificate that ends first';
    cmp_ok $m->{guard_config_load_time_seconds}, '>=', int $begun, 'when the configuration was loaded: not before nginx began';
    cmp_ok $m->{guard_config_load_time_seconds}, '<=', time, 'nor later than now';
    is $m->{guard_worker_starts_total}, 1, 'one worker';
    cmp_ok $m->{'guard_worker_cpu_seconds_total{worker="0"}'}, '<', 30, 'its CPU time';
    cmp_ok $m->{'guard_worker_connections{worker="0"}'}, '>', 0, 'and connections';
}

# Connections
{
    my $before = metrics()->{guard_connections_accepted_total};
    request($port, GET => '/') for 1 .. 5;
    my $m = metrics();
    is $m->{guard_connections_accepted_total} - $before, 6, 'five connections, and that of the scrape';
    is $m->{guard_connections_handled_total}, $m->{guard_connections_accepted_total}, 'none was dropped';
    my $held = Test::Nginx::Guard::Client::connect_to(port => $port);
    until_it_says('guard_connections{state="waiting"}', 1, 'one that has not asked yet');
    undef $held;
}

# Redis
{
    my $of = sub { return metrics()->{"guard_redis_$_[0]" . '{redis="store"}'} };
    until_it_says('guard_redis_up{redis="store"}', 1, 'Redis is up');
    # The first time Redis does not know the script: an error, and a second command.
    is request($port, GET => '/shared/?k=first')->{code}, 200, 'the first';
    is $of->('errors_total'), 1, 'NOSCRIPT';
    my ($commands, $connects, $trips) = map { $of->($_) } qw(commands_total connects_total round_trip_seconds_count);
    is $connects, 1, 'by one connection';
    is request($port, GET => "/shared/?k=$_")->{code}, 200, "counted in Redis: $_" for 1 .. 7;
    is $of->('commands_total') - $commands, 7, 'a command each';
    is $of->('round_trip_seconds_count') - $trips, 7, 'a round trip each';
    is $of->('errors_total'),   1, 'no other error';
    is $of->('timeouts_total'), 0, 'nothing was late';
    is $of->('waiting_commands'), 0, 'nothing waits';
    my $time = $of->('round_trip_seconds_sum');
    $redis->run('CLIENT', 'PAUSE', 60);
    is request($port, GET => '/shared/?k=7')->{code}, 200, 'a slow one';
    cmp_ok $of->('round_trip_seconds_sum') - $time, '>', 0.03, 'its time is counted';
    # A key of the wrong type is an error of Redis's.
    my ($name) = grep { /shared/ } @{ $redis->run('KEYS', '*') };
    $redis->run('DEL', $name);
    $redis->run('LPUSH', $name, 'x');
    request($port, GET => "/shared/?k=$_") for 1 .. 7, 'first';
    is $of->('errors_total'), 2, 'another error is counted';
    $redis->run('DEL', $name);
    $redis->suspend;
    is request($port, GET => '/shared/?k=late')->{code}, 200, 'open while Redis hangs';
    until_it_says('guard_redis_timeouts_total{redis="store"}', sub { $_[0] >= 1 }, 'a command was late');
    is request($port, GET => '/shared/?k=late')->{code}, 200, 'and again' for 1 .. 5;
    until_it_says('guard_redis_breakers_open{redis="store"}', 1, 'the breaker is open');
    is $of->('up'), 0, 'Redis is down';
    $redis->resume;
    until_it_says('guard_redis_up{redis="store"}', 1, 'up again');
    until_it_says('guard_redis_breakers_open{redis="store"}', 0, 'the breaker is closed');
    cmp_ok $of->('connects_total'), '>', 1, 'by another connection';
}

# A worker that goes is there as long as its clients: its figures are not those of the reload.
{
    my $held = request_raw($port, "GET / HTTP/1.1\r\nHost: localhost\r\n", hold => 1, expect => 0, timeout => 0.05);
    my $late = sub { request($port, GET => "/shared/?k=$_[0]") };
    $redis->suspend;
    until_it_says('guard_redis_breakers_open{redis="store"}', sub { $late->('away'); $_[0] == 1 }, 'the breaker is open again');
    is $nginx->hup, undef, 'a reload meanwhile';
    until_it_says('guard_workers{state="exiting"}', 1, 'an old worker still has a client');
    $redis->resume;
    until_it_says('guard_redis_up{redis="store"}', 1, 'Redis is up again');
    until_it_says('guard_redis_breakers_open{redis="store"}', 0, 'and no worker says otherwise');
    undef $held;
    until_it_says('guard_workers{state="exiting"}', 0, 'it is gone');
}

# Upstreams and bodies
{
    my $begun = time;
    is request($port, GET => '/slow/')->{code}, 200, 'a slow answer';
    my $took = time - $begun;
    my $m    = metrics();
    my ($count) = map { $m->{$_} } grep { m{^guard_upstream_duration_seconds_count.*"/slow/"} } keys %$m;
    my ($sum)   = map { $m->{$_} } grep { m{^guard_upstream_duration_seconds_sum.*"/slow/"} } keys %$m;
    is $count, 1, 'one answer of the upstream';
    cmp_ok $sum, '>=', 0.15,          'which took as long as it did';
    cmp_ok $sum, '<=', $took + 0.001, 'and no longer';
    my ($late) = map { $m->{$_} } grep { m{^guard_upstream_duration_seconds_bucket.*"/slow/".*le="0.1"} } keys %$m;
    is $late, 0, 'more than a tenth of a second';
    my $before = $m->{guard_json_duration_seconds_count} // 0;
    request($port, POST => '/json/', body => '{"a":1}', headers => ['Content-Type: application/json']) for 1 .. 3;
    is metrics()->{guard_json_duration_seconds_count} - $before, 3, 'three bodies';
}

# More keys than a zone has room for
{
    my @requests = map { "GET /small/?k=$_ HTTP/1.1\r\nHost: x\r\n" . ($_ % 500 == 0 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 12_000;
    while (my @some = splice @requests, 0, 500) { request_raw($port, join('', @some), expect => 500) }
    my $evicted = metrics()->{'guard_zone_evictions_total{zone="guard_rate:small"}'};
    # 64k hold at most 4,096 states of 16 bytes.
    cmp_ok $evicted, '>', 12_000 - 4096 - 1, 'what had to go is counted';
    cmp_ok $evicted, '<', 12_000, 'and no more than there was';
    until_it_says('guard_zone_used_ratio{zone="guard_rate:small"}', sub { $_[0] > 0.9 }, 'the zone is full');
}

# A log that is full: 256k of lines are kept, the rest is lost and counted.
{
    my $before = metrics();
    my $taken = qq(guard_event_log_lines_total{log="$full",result="taken"});
    my $lost  = qq(guard_event_log_lines_total{log="$full",result="lost"});
    my $refused = $before->{'guard_refusals_total{code="path.ambiguous",verdict="enforced"}'} // 0;
    my @requests = map { "GET /path/x%2f$_ HTTP/1.1\r\nHost: x\r\n" . ($_ == 600 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 600;
    my %codes;
    ++$codes{ $_->{code} } for @{ request_raw($port, join('', @requests), expect => 600)->{responses} };
    is_deeply \%codes, { 400 => 600 }, 'all are refused';
    my $m = metrics();
    is $m->{'guard_refusals_total{code="path.ambiguous",verdict="enforced"}'} - $refused, 600, 'and counted';
    is $m->{'guard_events_total{kind="path_refused"}'}, 600, 'an event each';
    is(($m->{$taken} // 0) + $m->{$lost} - ($before->{$taken} // 0) - ($before->{$lost} // 0), 600, 'each line was taken or lost');
    cmp_ok $m->{$lost} - ($before->{$lost} // 0), '>', 0, 'some were lost';
}

# A worker dies.
{
    my ($worker) = $nginx->worker_pids;
    kill KILL => $worker;
    until_it_says('guard_worker_starts_total', 3, 'another one begins');
    until_it_says('guard_worker_crashes_total', 1, 'and the dead one is counted');
}

$nginx->stop;
ok !(grep { !/exited on signal 9|No space left on device|event log|redis|Redis|zone/ } log_problems($nginx)), 'nothing else in the log' or diag join '', log_problems($nginx);
done_testing;
