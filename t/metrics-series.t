# guard_metrics: which series there are. Each server, zone, event log and Redis has its own, named as the configuration names it;
# nothing that clients send makes one; what changes while nginx runs is told at once.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client  qw(connect_to exchange);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics);

my ($redis, $hung) = (start_redis(), start_redis());
my $away  = free_port();
my $other = free_port();
my ($crt, $key) = certificate();
my ($tls, $cache) = (free_port(), File::Temp->newdir);
chmod 0777, $cache;
my $syslog = "syslog:server=127.0.0.1:$away,proto=tcp";
my $stream = 'redis:store:events';
my $nginx  = start_nginx(
    workers     => 2,
    listen      => ["listen 127.0.0.1:$tls ssl;", "ssl_certificate $crt;", "ssl_certificate_key $key;", 'ssl_session_cache shared:tls:1m;'],
    http_config => <<"EOC",
guard_key_secret 0123456789abcdef;
guard_break_glass \$TEST_NGINX_SERVER_ROOT/glass;
guard_redis store @{[ $redis->url ]};
guard_redis hung @{[ $hung->url ]} timeout=60s;
guard_event_log \$TEST_NGINX_EVENT_LOG;
guard_event_log $syslog;
guard_event_log $stream;
guard_rate_policy one rate=100000/day key=\$arg_k zone=1m;
guard_rate_policy late rate=100000/day key=all redis=hung zone=1m;
guard_lockout_policy login key=\$arg_k on=login_failed limit=100 window=15m duration=30m zone=1m;
guard_ban_policy misses score=100000 half_life=10m duration=1h weights=404:1 zone=1m;
limit_req_zone \$arg_x zone=own:64k rate=1r/s;
proxy_cache_path $cache keys_zone=cache:1m;
log_format ids '\$request_id \$uri';
access_log logs/ids.log ids;
server {
    listen 127.0.0.1:$other;
    server_name shop.example *.shop.example;
    location /ordered { return 204; }
}
server {
    listen 127.0.0.1:$other default_server;
    server_name "";
    location / { return 404; }
}
EOC
    config => <<'EOC');
root html;
location = /metrics { guard_metrics; access_log off; }
location /ok/ { return 204; }
location /path/ { guard_path strict; alias html/; }
location /late/ { guard_rate late; alias html/; }
location / { guard_rate one; guard_lockout login; guard_ban misses; }
EOC
my $port = $nginx->port;

sub metrics { return parse_metrics(scrape($port, '/metrics')->{body}) }
sub becomes {
    my ($series, $wanted, $title) = @_;
    my $got;
    ok wait_for(sub { $got = metrics()->{$series}; defined $got && (ref $wanted ? $wanted->($got) : $got == $wanted) }), $title or diag "$series: " . ($got // 'is not there');
    return;
}
sub ask {
    my ($at, $method, $target, $host, @fields) = @_;
    my $text = join "\r\n", "$method $target HTTP/1.1", "Host: $host", 'Connection: close', @fields, '', '';
    return exchange(connect_to(port => $at), [$text], expect => 1, methods => [$method])->{responses}[0]{code};
}

# Servers, by their first name.
{
    is ask($other, GET => '/ordered', 'shop.example'), 204, 'a server';
    is ask($other, GET => '/ordered', 'www.shop.example'), 204, 'by another of its names';
    is ask($other, GET => '/any', 'unknown.example'), 404, 'the one without a name';
    becomes('guard_requests_total{server="shop.example",route="/ordered",method="GET",status="2xx"}', 2, 'a server is counted by its first name');
    becomes('guard_requests_total{server="_",route="/",method="GET",status="4xx"}', 1, 'and the other one as "_"');
}

# Nothing that clients send makes a series.
{
    my @methods = qw(GET BREW);
    my $send = sub {
        my ($word) = @_;
        for my $method (@methods) {
            ask($port, $method => "/ok/$word?k=$word", "$word.example", "User-Agent: $word", "X-Forwarded-For: $word");
            ask($port, $method => "/$word?k=$word&x=$word", $word, "Cookie: $word=$word", "Referer: http://$word/");
            ask($port, $method => "/path/x%2f$word", "$word.example");
            ask($other, $method => "/$word", "$word.shop.example");
            ask($other, $method => "/$word", "$word.example");
        }
        return;
    };
    my $requests = sub { my ($m) = @_; my $sum = 0; $sum += $m->{$_} for grep { /^guard_requests_total\{(?!.*metrics")/ } keys %$m; return $sum };
    $send->('first');
    my $before;
    ok wait_for(sub { $before = metrics(); $requests->($before) == 3 + 10 }), 'one of each kind';
    $send->("made-up-$_") for 1 .. 20;
    my $after;
    ok wait_for(sub { $after = metrics(); $requests->($after) == 3 + 10 * 21 }), 'and many with other words';
    # How connections and zones are used comes and goes.
    my $names = sub { my ($m) = @_; return [grep { !/^guard_zone_used_ratio/ } sort keys %$m] };
    is_deeply $names->($after), $names->($before), 'have no series of their own';
    is scalar(grep { /made-up/ } scrape($port, '/metrics')->{body}), 0, 'and are named nowhere';
}

# Every zone that nginx has, with its size; what is used of those that fill up; what was given up of those that count keys.
{
    my @counting = map { "guard_$_" } qw(rate:one rate:late lockout:login ban:misses);
    my %size = ((map { $_ => 1 << 20 } @counting, qw(cache tls)), own => 64 << 10, guard_metrics => 8 << 20);
    my $m = metrics();
    is $m->{"guard_zone_size_bytes{zone=\"$_\"}"}, $size{$_}, "size of $_" for sort keys %size;
    is_deeply [sort map { /^guard_zone_size_bytes\{zone="(.*)"\}\z/ ? $1 : () } keys %$m], [sort keys %size, qw(guard_node guard_redis:store guard_redis:hung)],
        'and of Guard\'s own, all that there are';
    is $m->{"guard_zone_evictions_total{zone=\"$_\"}"}, 0, "nothing was given up of $_" for @counting;
    becomes("guard_zone_used_ratio{zone=\"$_\"}", sub { $_[0] >= 0 && $_[0] < 0.5 }, "use of $_") for sort @counting, qw(own cache tls);
    becomes('guard_zone_used_ratio{zone="guard_rate:one"}', sub { $_[0] > 0 }, 'which is counted');
}

# Every event log: one that takes all, one that is away and one in Redis.
{
    my $lines = sub { my ($m, $log, $result) = @_; return $m->{qq(guard_event_log_lines_total{log="$log",result="$result"})} };
    my $file = $nginx->log_file('events.log');
    my $written = sub { return scalar @{ (read_events($file))[0] } };
    ok wait_for(sub { my $m = metrics(); my $taken = $lines->($m, $file, 'taken'); $taken && $taken == $written->() && $taken == $redis->run('XLEN', 'guard:events') }),
        'what a file and a stream have is counted';
    my $before = metrics();
    is $lines->($before, $stream, 'taken'), $lines->($before, $file, 'taken'), 'as many lines of the stream as of the file';
    is $lines->($before, $_, 'lost'), 0, "none is lost of $_" for $file, $stream;
    # Each worker keeps 256k of lines for a log that is away.
    my @some = map { "GET /path/x%2f$_ HTTP/1.1\r\nHost: x\r\n" . ($_ % 100 == 0 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 2000;
    while (my @part = splice @some, 0, 100) { request_raw($port, join('', @part), expect => 100) }
    becomes(qq(guard_event_log_lines_total{log="$syslog",result="lost"}), sub { $_[0] > 0 }, 'what a syslog that is away cannot take is lost');
    ok wait_for(sub { my $m = metrics(); $lines->($m, $file, 'taken') - $lines->($before, $file, 'taken') >= 2000 }), 'while the file takes all';
    my $m = metrics();
    is $lines->($m, $file, 'lost'), 0, 'and loses none';
    ok wait_for(sub { my $m = metrics(); $lines->($m, $syslog, 'taken') + $lines->($m, $syslog, 'lost') == $lines->($m, $file, 'taken') }),
        'of the syslog each line is kept for later, or lost';
}

# What waits for Redis.
{
    becomes('guard_redis_up{redis="hung"}', 1, 'a Redis that is there');
    is metrics()->{'guard_redis_waiting_commands{redis="hung"}'}, 0, 'for which nobody waits';
    $hung->suspend;
    my $load = start_load($nginx, '/late/', clients => 3, count => 1);
    becomes('guard_redis_waiting_commands{redis="hung"}', sub { $_[0] >= 1 && $_[0] <= 3 }, 'hangs, and its commands wait');
    # Whose own are answered.
    ok wait_for(sub { my $m = metrics(); my ($of_hung, $of_store) = map { $m->{qq(guard_redis_waiting_commands{redis="$_"})} } qw(hung store); $of_hung >= 1 && $of_store == 0 }),
        'none of another one does';
    $hung->resume;
    is_deeply $load->finish->{codes}, { 200 => 3 }, 'goes on, and all are answered';
    becomes('guard_redis_waiting_commands{redis="hung"}', 0, 'and nothing waits any more');
}

# Break glass.
{
    my $glass = $nginx->root . '/glass';
    is metrics()->{guard_break_glass}, 0, 'no break glass';
    open my $out, '>', $glass or die "$glass: $!\n";
    close $out;
    becomes('guard_break_glass', 1, 'the glass is broken');
    unlink $glass;
    becomes('guard_break_glass', 0, 'and whole again');
}

# An exemplar is a request that has been: its id is in the access log, and its time in the bucket that names it.
{
    my $text = scrape($port, '/metrics', 'application/openmetrics-text')->{body};
    my %uri = map { my ($id, $uri) = split / /, $_, 2; $id => $uri } split /\n/, $nginx->log_text('ids.log');
    my @exemplars = $text =~ /^guard_request_duration_seconds_bucket\{server="localhost",route="([^"]+)",le="([^"]+)"\} \d+ # \{request_id="([0-9a-f]{32})"\} ([\d.]+) /mg;
    cmp_ok scalar @exemplars, '>=', 4, 'exemplars';
    my $wrong = 0;
    while (my ($route, $bound, $id, $value) = splice @exemplars, 0, 4) {
        next if $route eq '= /metrics';
        my $fits = defined $uri{$id} && index($uri{$id}, $route) == 0 && ($bound eq '+Inf' || $value <= $bound);
        ++$wrong if !$fits;
        diag "$route $bound $id $value: " . ($uri{$id} // 'unknown') if !$fits;
    }
    is $wrong, 0, 'are requests of their routes and buckets';
}

is $nginx->stop, undef, 'stops';
ok !(grep { !/event log|redis|Redis|break glass/ } log_problems($nginx)), 'nothing else in the log' or diag join '', log_problems($nginx);
done_testing;
