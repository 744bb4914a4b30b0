# guard_metrics: exact numbers of real requests, in both formats, over HTTP/1.1 and HTTP/2, with several workers,
# over reloads, and while a scrape of hundreds of routes is on its way.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Curl    qw(curl_request);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics promtool_says);

my $upstream = start_upstream(sub {
    my ($request) = @_;
    my ($status) = $request->{target} =~ /status=(\d+)/;
    my $body = "from the application\n";
    return join "\r\n", 'HTTP/1.1 ' . ($status // 200) . ' Status', 'Connection: close', 'Content-Length: ' . length $body, '', $body;
});

sub words {
    my (%more) = @_;
    my $proxy = 'proxy_pass http://127.0.0.1:' . $upstream->port . ';';
    return (
        http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_metrics_buckets 1ms 1h;\nguard_rate_policy one rate=1/day key=\$arg_k;\n" . ($more{http} // ''),
        config => <<"EOC");
root html;
location / { }
location = /metrics { guard_metrics; }
location = /public { guard_metrics public; allow 127.0.0.1; deny all; }
location /app/ { guard_route app; $proxy }
location = /also-app { guard_route app; $proxy }
location ~ "\\.php\$" { return 404; }
location /page/ { error_page 404 /index.html; error_page 500 =200 /index.html; proxy_intercept_errors on; $proxy }
location /fallback/ { error_page 404 = \@app; }
location \@app { $proxy }
location /limited/ { guard_rate one; alias html/; }
location /watched/ { guard_mode observe; guard_rate one; alias html/; }
location /json/ { guard_json_schema $ENV{PWD}/t/data/metrics.json; alias html/; }
location /if/ { if (\$arg_a) { return 204; } alias html/; }
$more{config}
EOC
}

my $nginx = start_nginx(workers => 3, listen_words => ' http2', words(config => ''));
my $port  = $nginx->port;

sub h2 {
    my ($method, $target) = @_;
    my $request = { parts => { method => $method, target => $target, head => "Host: localhost\r\n", body => '' } };
    return curl_request($request, port => $port, http2 => 1)->{responses}[0];
}

# HTTP/1.1 clients need a listener of their own.
my $plain = start_nginx(workers => 3, words(config => ''));
$port = $plain->port;

sub counts {
    my ($samples, $name) = @_;
    return { map { ($_ => $samples->{$_}) } grep { /^\Q$name\E[{]/ && !m{/metrics"} } keys %$samples };
}

my $s = 'server="localhost"';

# A request is counted when its worker has done with it, which may be after its client has.
sub metrics_with {
    my ($series, $count) = @_;
    my $samples;
    wait_for(sub {
        $samples = parse_metrics(scrape($port, '/metrics')->{body});
        my $got = 0;
        $got += $samples->{$_} for ref $series ? grep { /$series/ } keys %$samples : grep { $_ eq $series } keys %$samples;
        return $got == $count;
    });
    return $samples;
}
{
    is request($port, GET => '/')->{code}, 200, 'a file';
    is request($port, GET => '/')->{code}, 200, 'again';
    is request($port, HEAD => '/')->{code}, 200, 'its head';
    is request($port, GET => '/nothing')->{code}, 404, 'no file';
    is request($port, GET => "/app/?status=$_")->{code}, $_, "the application answers $_" for 200, 201, 404, 500, 503;
    is request($port, POST => '/also-app', body => 'x' x 100)->{code}, 200, 'another location of the same name';
    is request($port, BREW => '/app/')->{code}, 200, 'a method of somebody';
    is request($port, DELETE => '/a.php')->{code}, 404, 'an expression';
    is request($port, GET => '/page/?status=404')->{code}, 404, 'an error page is counted where it was needed';
    is request($port, GET => '/page/?status=500')->{code}, 200, 'as the client saw it';
    is request($port, GET => '/fallback/x')->{code}, 200, 'a fallback answers by itself';
    is request($port, GET => '/if/?a=1')->{code}, 204, 'an if is its location';
    is request_raw($port, "GET / HTTP/1.1\r\n\r\n")->{responses}[0]{code}, 400, 'what reaches no location';
    is request($port, GET => '/limited/?k=a')->{code}, 200, 'within a limit';
    is request($port, GET => '/limited/?k=a')->{code}, 429, 'over it' for 1 .. 2;
    is request($port, GET => '/watched/?k=a')->{code}, 200, 'observed' for 1 .. 3;

    is request($port, POST => '/json/', headers => ['Content-Type: application/json'], body => $_->[1])->{code}, $_->[0], "a body: $_->[1]"
        for [422, '{"a":"x","b":1}'], [422, '{"a":1}'], [400, '{'];

    metrics_with(qr{^guard_requests_total\{(?!.*/metrics)}, 26);
    my $got = scrape($port, '/metrics');
    is $got->{code}, 200, 'the endpoint';
    is header_of($got->{fields}, 'Content-Type'), 'text/plain; version=0.0.4; charset=utf-8', 'Prometheus is the default';
    is header_of($got->{fields}, 'Cache-Control'), 'no-store', 'no cache keeps it';
    is header_of($got->{fields}, 'Vary'), 'Accept', 'by Accept';
    is promtool_says($got->{body}), '', 'promtool has nothing to say';
    my $samples = parse_metrics($got->{body});
    my %counts  = %{ counts($samples, 'guard_requests_total') };
    my %missing = map { s/status="\K\w+/5xx/r => 0 } keys %counts;
    delete @missing{ grep { $counts{$_} } keys %missing };
    my %zeros = map { $_ => delete $counts{$_} } grep { $counts{$_} == 0 } keys %counts;
    is_deeply \%zeros, \%missing, 'failures of each route and method are there before the first, and nothing else is that has not occurred';
    is_deeply \%counts, {
        qq(guard_requests_total{$s,route="/",method="GET",status="2xx"})            => 2,
        qq(guard_requests_total{$s,route="/",method="HEAD",status="2xx"})           => 1,
        qq(guard_requests_total{$s,route="/",method="GET",status="4xx"})            => 1,
        qq(guard_requests_total{$s,route="app",method="GET",status="2xx"})          => 2,
        qq(guard_requests_total{$s,route="app",method="GET",status="4xx"})          => 1,
        qq(guard_requests_total{$s,route="app",method="GET",status="5xx"})          => 2,
        qq(guard_requests_total{$s,route="app",method="POST",status="2xx"})         => 1,
        qq(guard_requests_total{$s,route="app",method="other",status="2xx"})        => 1,
        qq(guard_requests_total{$s,route="~ \\\\.php\$",method="DELETE",status="4xx"}) => 1,
        qq(guard_requests_total{$s,route="/page/",method="GET",status="4xx"})       => 1,
        qq(guard_requests_total{$s,route="/page/",method="GET",status="2xx"})       => 1,
        qq(guard_requests_total{$s,route="\@app",method="GET",status="2xx"})        => 1,
        qq(guard_requests_total{$s,route="/json/",method="POST",status="4xx"})      => 3,
        qq(guard_requests_total{$s,route="/if/",method="GET",status="2xx"})         => 1,
        qq(guard_requests_total{$s,route="-",method="GET",status="4xx"})            => 1,
        qq(guard_requests_total{$s,route="/limited/",method="GET",status="2xx"})    => 1,
        qq(guard_requests_total{$s,route="/limited/",method="GET",status="4xx"})    => 2,
        qq(guard_requests_total{$s,route="/watched/",method="GET",status="2xx"})    => 3,
    }, 'requests by route, method and status, whichever worker they came to';

    is $samples->{qq(guard_request_duration_seconds_count{$s,route="app"})}, 7, 'times of all';
    is $samples->{qq(guard_request_duration_seconds_bucket{$s,route="app",le="$_"})}, 7, "none beyond $_" for '3600', '+Inf';
    cmp_ok $samples->{qq(guard_request_duration_seconds_bucket{$s,route="app",le="0.001"})}, '<=', 7, 'buckets are those of the directive';
    is $samples->{qq(guard_upstream_duration_seconds_count{$s,route="app"})}, 7, 'upstream times of those that had one';
    is $samples->{qq(guard_upstream_duration_seconds_count{$s,route="/"})},   0, 'and of no others';
    my $request = length "POST /also-app HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100\r\n\r\n" . 'x' x 100;
    cmp_ok $samples->{qq(guard_request_bytes_total{$s,route="app"})}, '>', $request, 'bytes of requests';
    cmp_ok $samples->{qq(guard_response_bytes_total{$s,route="app"})}, '>', 7 * 21, 'bytes of responses';
    is $samples->{'guard_refusals_total{code="rate.one",verdict="enforced"}'}, 2, 'refusals, also those that are no events of their own';
    is $samples->{'guard_refusals_total{code="rate.one",verdict="observed"}'}, 3, 'what was only observed';
    is $samples->{'guard_refusals_total{code="path.ambiguous",verdict="enforced"}'}, 0, 'codes are there before they happen';
    is $samples->{'guard_refusals_total{code="other",verdict="enforced"}'}, 0, 'and all are known';
    is $samples->{'guard_policy_requests_total{feature="rate",policy="one",verdict="allowed"}'}, 1, 'what a policy has let through';
    is $samples->{'guard_policy_requests_total{feature="rate",policy="one",verdict="limited"}'}, 2, 'what it has not';
    is $samples->{'guard_policy_requests_total{feature="rate",policy="one",verdict="observed"}'}, 3, 'and what it would not have';
    is $samples->{guard_json_duration_seconds_count}, 3, 'times of JSON bodies';
    is join(' ', map { $samples->{"guard_schema_violations_total{keyword=\"$_\"}"} } qw(type required maximum)), '1 1 0', 'violations by keyword';
    is $samples->{'guard_refusals_total{code="json.schema",verdict="enforced"}'}, 2, 'and their refusals';
    is $samples->{'guard_events_total{kind="rate_limited"}'}, 1, 'events: one for all refusals of the key';
    my $taken = "guard_event_log_lines_total{log=\"@{[ $plain->log_file('events.log') ]}\",result=\"taken\"}";
    ok wait_for(sub { scalar @{ (read_events($plain->log_file('events.log')))[0] } == parse_metrics(scrape($port, '/metrics')->{body})->{$taken} }), 'lines of the event log';
    is $samples->{$taken =~ s/taken"}/lost"}/r}, 0, 'none is lost';
    is $samples->{'guard_zone_evictions_total{zone="guard_rate:one"}'}, 0, 'a zone with room';
    is $samples->{'guard_workers{state="running"}'}, 3, 'workers';
    is $samples->{'guard_config_generation'}, 1, 'the first configuration';
    is $samples->{'guard_break_glass'}, 0, 'no break glass';
    is $samples->{"guard_zone_size_bytes{zone=\"guard_metrics\"}"}, 8 << 20, 'a zone';
    cmp_ok $samples->{"guard_worker_resident_memory_bytes{worker=\"$_\"}"}, '>', 1 << 20, "worker $_: memory" for 0 .. 2;
    cmp_ok abs($samples->{'guard_start_time_seconds'} - time), '<', scaled(60), 'since when';
}

# Both formats, and who gets which.
{
    my $open = scrape($port, '/metrics', 'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2');
    is header_of($open->{fields}, 'Content-Type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'OpenMetrics as Prometheus asks for it';
    like $open->{body}, qr/^# TYPE guard_requests counter$/m, 'a family without its suffix';
    like $open->{body}, qr/^# UNIT guard_request_duration_seconds seconds$/m, 'units';
    like $open->{body}, qr/\n# EOF\n\z/, 'and its end';
    like $open->{body}, qr/^guard_request_duration_seconds_bucket\{\Q$s\E,route="app",le="3600\.0"\} 7 # \{request_id="[0-9a-f]{32}"\} \d+(?:\.\d+)? \d{10}(?:\.\d+)?$/m, 'an exemplar with a request id';
    unlike scrape($port, '/metrics')->{body}, qr/request_id/, 'which Prometheus text does not know';
    for my $plain ('*/*', 'text/plain', 'text/plain, application/openmetrics-text;q=0.5', 'application/openmetrics-text;q=0', 'text/html', '') {
        like header_of(scrape($port, '/metrics', $plain)->{fields}, 'Content-Type'), qr{^text/plain; }, "plain text for \"$plain\"";
    }
    my $head = request($port, HEAD => '/metrics');
    is "$head->{code} $head->{body}", '200 ', 'HEAD';
    is request($port, POST => '/metrics', body => 'x')->{code}, 405, 'nothing else';
    is scrape($port, '/public')->{code}, 200, 'public, by nginx\'s own rules';
    is request($port, GET => '/metrics', headers => ["$_: 192.0.2.1"])->{code}, 403, "nobody whom a proxy has passed on, by $_" for qw(Via X-Forwarded-For);
}

# HTTP/2
{
    $port = $nginx->port;
    is h2(GET => '/app/?status=201')->{code}, 201, 'HTTP/2';
    my $got;
    my $counted = qq(guard_requests_total{$s,route="app",method="GET",status="2xx"} 1\n);
    wait_for(sub { $got = h2(GET => '/metrics'); return index($got->{body}, $counted) >= 0 });
    is promtool_says($got->{body}), '', 'the whole of it over HTTP/2';
    my $samples = parse_metrics($got->{body});
    is $samples->{qq(guard_requests_total{$s,route="app",method="GET",status="2xx"})}, 1, 'counted';
    cmp_ok $samples->{qq(guard_response_bytes_total{$s,route="app"})}, '>', 21, 'bytes of a stream';
    is $nginx->stop, undef, 'stops';
    is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
}

# Counts survive a reload, those of routes that are still there survive another configuration.
{
    $port = $plain->port;
    my $before = parse_metrics(scrape($port, '/metrics')->{body});
    is $plain->hup, undef, 'reloads';
    my $after = parse_metrics(scrape($port, '/metrics')->{body});
    is $after->{$_}, $before->{$_}, "after a reload: $_" for sort keys %{ counts($before, 'guard_requests_total') }, keys %{ counts($before, 'guard_refusals_total') };
    is $after->{guard_config_generation}, 2, 'the second configuration';
    is wait_for(sub { parse_metrics(scrape($port, '/metrics')->{body})->{'guard_workers{state="running"}'} == 3 }), 1, 'only new workers are left';

    my $many = join '', map { "location /route$_/ { return 204; }\n" } 1 .. 500;
    $plain->configure(no_root_location => 1, words(config => $many, http => "guard_rate_policy two rate=1/day key=\$arg_k;\n"));
    is $plain->hup, undef, 'another configuration, of 500 routes';
    is request($port, GET => "/route$_/")->{code}, 204, "route $_" for 1, 500;
    is request($port, GET => '/')->{code}, 200, 'an old route';
    metrics_with(qr{^guard_requests_total\{.*route500}, 1);
    metrics_with(qq(guard_requests_total{$s,route="/",method="GET",status="2xx"}), 3);
    my $got = scrape($port, '/metrics');
    cmp_ok length $got->{body}, '>', 300_000, 'an answer of many pieces';
    is promtool_says($got->{body}), '', 'is whole';
    my $samples = parse_metrics($got->{body});
    is $samples->{qq(guard_requests_total{$s,route="/",method="GET",status="2xx"})}, 3, 'goes on where it was';
    is $samples->{'guard_refusals_total{code="rate.one",verdict="enforced"}'}, 2, 'so do refusals';
    is $samples->{'guard_refusals_total{code="rate.two",verdict="enforced"}'}, 0, 'a new policy begins';
    is $samples->{qq(guard_requests_total{$s,route="/route500/",method="GET",status="2xx"})}, 1, 'so does a new route';
    like scrape($port, '/metrics', 'application/openmetrics-text')->{body}, qr/\n# EOF\n\z/, 'OpenMetrics in pieces ends';

    # A client that reads slowly, and one that goes away.
    my $slow = request_raw($port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", hold => 1, expect => 0, timeout => 0.05);
    is request($port, GET => '/')->{code}, 200, 'others have their turn';
    undef $slow;

    # Crowds on one route while it is scraped.
    my $load = start_load($plain, '/if/?a=1', clients => 4, count => 50);
    scrape($port, '/metrics') for 1 .. 10;
    is_deeply $load->finish->{codes}, { 204 => 200 }, 'a crowd';
    my $crowd = qq(guard_requests_total{$s,route="/if/",method="GET",status="2xx"});
    is metrics_with($crowd, 201)->{$crowd}, 201, 'each of it is counted once';

    # A worker dies.
    my ($victim) = $plain->worker_pids;
    kill KILL => $victim;
    ok wait_for(sub { my $m = eval { parse_metrics(scrape($port, '/metrics')->{body}) }; $m && $m->{guard_worker_crashes_total} == 1 && $m->{'guard_workers{state="running"}'} == 3 }), 'a crash is counted, and replaced';
    is parse_metrics(scrape($port, '/metrics')->{body})->{qq(guard_requests_total{$s,route="/if/",method="GET",status="2xx"})}, 201, 'what it had counted is not lost';

    # And one that was about to go, after which no other starts.
    my $held = request_raw($port, "GET / HTTP/1.1\r\nHost: localhost\r\n", hold => 1, expect => 0, timeout => 0.05);
    my $says = sub {
        my ($crashes, $exiting) = @_;
        return wait_for(sub { my $m = eval { parse_metrics(scrape($port, '/metrics')->{body}) }; $m && $m->{guard_worker_crashes_total} == $crashes && $m->{'guard_workers{state="exiting"}'} == $exiting });
    };
    my @old = $plain->worker_pids;
    is $plain->hup, undef, 'reloads';
    ok $says->(1, 1), 'an old worker still has a client';
    kill KILL => grep { kill 0, $_ } @old;
    ok $says->(2, 0), 'its crash is counted too, and it is exiting no more';
    undef $held;
    is $plain->stop, undef, 'stops';
    is_deeply [grep { !/exited on signal 9/ } log_problems($plain)], [], 'nothing bad in the log';
}

# Other buckets are other counts of times, and of nothing else.
{
    my %config = (config => 'location = /metrics { guard_metrics; } location / { return 204; }', no_root_location => 1);
    my $changed = start_nginx(%config);
    is request($changed->port, GET => '/')->{code}, 204, 'a request' for 1 .. 3;
    my $of = qq(server="localhost",route="/");
    my %count = (requests => qq(guard_requests_total{$of,method="GET",status="2xx"}), bytes => "guard_request_bytes_total{$of}", times => "guard_request_duration_seconds_count{$of}");
    my $m;
    my $counts = sub { $m = parse_metrics(scrape($changed->port, '/metrics')->{body}); return { map { $_ => $m->{ $count{$_} } } keys %count } };
    ok wait_for(sub { ($counts->()->{requests} // 0) == 3 }), 'is counted';
    my $before = $counts->();
    is $before->{times}, 3, 'with its time';
    $changed->configure(%config, http_config => 'guard_metrics_buckets 20ms 1h;');
    is $changed->hup, undef, 'reloads with other buckets';
    is_deeply $counts->(), { %$before, times => 0 }, 'times begin anew, all else goes on';
    ok exists $m->{qq(guard_request_duration_seconds_bucket{$of,le="0.02"})}, 'by the new buckets';
    is $changed->stop, undef, 'stops';
}

# A policy counts a request once, however many locations it comes to.
{
    my $front = start_nginx(
        http_config => <<'EOC',
guard_rate_policy front rate=100/day;
guard_rate_policy inner rate=100/day phase=inner;
guard_ban_policy ban score=100 half_life=1h duration=1h weights=404:1;
guard_lockout_policy lock key=$arg_u$guard_client_net on=login_failed limit=5 window=1h duration=1h;
EOC
        config => 'location = /metrics { guard_metrics; } location /login { guard_rate front; guard_rate inner; guard_ban ban; guard_lockout lock; try_files $uri @app; } '
            . 'location @app { guard_rate front; guard_rate inner; guard_ban ban; guard_lockout lock; guard_event login_failed on=401; proxy_pass http://127.0.0.1:' . $upstream->port . '; }',
    );
    is request($front->port, GET => '/login?u=1')->{code}, 200, 'a request that comes to two locations';
    my $m = parse_metrics(scrape($front->port, '/metrics')->{body});
    is_deeply [map { $m->{"guard_policy_requests_total{feature=\"$_->[0]\",policy=\"$_->[1]\",verdict=\"allowed\"}"} } [rate => 'front'], [rate => 'inner'], [ban => 'ban'], [lockout => 'lock']], [1, 1, 1, 1], 'is one to each policy';
    is $front->stop, undef, 'stops';
}

# Within a page, twice and in many pieces: each goes on where it was, and the page ends where it ends.
{
    my $page = start_nginx(
        config => join('', map { "location /route$_/ { return 204; }\n" } 1 .. 100)
            . 'location = /metrics { guard_metrics; } location = /page { ssi on; default_type text/html; return 200 "<!--#include virtual=\"/metrics\" -->\nmiddle\n<!--#include virtual=\"/metrics\" -->\nend\n"; }',
    );
    my $body = request($page->port, GET => '/page')->{body};
    my @parts = $body =~ /\A(.*)\nmiddle\n(.*)\nend\n\z/s;
    is scalar @parts, 2, 'a page with metrics in it is whole' or diag length($body) . ' bytes, ' . substr $body, -100;
    is scalar(() = $_ =~ /^guard_request_bytes_total\{[^}]*route="\/route/mg), 100, 'all of them' for @parts;
    is promtool_says("$_\n"), '', 'in their order' for @parts;
    is $page->stop, undef, 'stops';
    is_deeply [log_problems($page)], [], 'nothing bad in the log';
}

# What is the machine's own is told however much is asked of it: who watches needs it most when limits refuse, and
# when Redis is away that they count in.
{
    my $gone = free_port();
    my $busy = start_nginx(
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis gone redis://127.0.0.1:$gone;\nguard_rate_policy few rate=1/day redis=gone on_error=closed;\nguard_rate few;\n",
        config      => <<'EOC');
location = /metrics { guard_metrics; }
location = /lockouts { guard_lockout_admin; }
location = /limited { guard_exempt off; guard_metrics; }
location = /public { guard_metrics public; }
EOC
    my $code_of = sub { return request($busy->port, GET => $_[0])->{code} };
    is $code_of->($_), 200, "not limited: $_" for qw(/metrics /lockouts);
    is $code_of->($_), 503, "limited: $_" for qw(/public /limited /index.html);
    is $busy->stop, undef, 'stops';
}

done_testing();
