# guard_dashboard: the document and its policy, the figures it asks for, events of hostile requests among them, and who may see all that.

use strict;
use warnings;
use lib 't/lib';
use Digest::SHA qw(sha256_base64);
use File::Temp ();
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Curl    qw(curl_request);
use Test::Nginx::Guard::Ending  qw(ends_well);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics promtool_says);

my $app = start_upstream("status 401\nbody wrong");
my $redis = start_redis();
my $h2 = free_port();
my $nginx = start_nginx(
    workers     => 2,
    listen      => ["listen 127.0.0.1:$h2 http2;"],
    http_config => <<"EOC",
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_redis store @{[ $redis->url ]};
guard_health_check disk disk:/ warn=0% fail=0%;
guard_rate_policy one rate=1/day key=\$arg_k zone=1m;
guard_rate_policy windows rate=5/second,50/day algorithm=sliding_window key=\$arg_k zone=1m;
guard_rate_policy logs rate=5/day algorithm=sliding_log key=\$arg_k zone=1m;
guard_lockout_policy login key=\$guard_client_net on=login_failed limit=2 window=15m duration=30m zone=1m;
guard_ban_policy misses score=1 half_life=10m duration=1h weights=404:1 zone=1m;
guard_ban_policy watched score=1 half_life=10m duration=1h weights=404:1 zone=1m;
limit_req_zone \$arg_x zone=own:64k rate=1r/s;
EOC
    config => <<"EOC");
root html;
guard_headers web;
add_header Content-Security-Policy "default-src 'self'" always;
location = /guard { guard_dashboard; }
location = /open { guard_dashboard public; }
location = /metrics { guard_metrics; }
location /limited/ { guard_rate one; guard_rate windows; guard_rate logs; alias html/; }
location /login { guard_lockout login; guard_event login_failed on=401 user=\$arg_user; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }
location /hashed/ { guard_event_privacy user=off address=hash; guard_event x_seen on=404 user=\$arg_user; alias html/; }
location /clear/ { guard_event_privacy user=clear address=network query=on; guard_event x_clear on=404 user=\$arg_user; alias html/; }
location /files/ { guard_ban misses; alias html/; }
location /watched/ { guard_ban watched; guard_mode observe ban; alias html/; }
EOC
my $port = $nginx->port;

sub code_of { my ($target, %word) = @_; return request($port, ($word{method} // 'GET') => $target, headers => ["X-Client: $word{client}"])->{code} }

sub data {
    my ($after) = @_;
    my $answer = request($port, GET => '/guard?data=' . ($after // ''));
    return eval { JSON::PP->new->utf8->decode($answer->{body}) } || die "no JSON: $answer->{body}\n";
}
# The value of the series of a family that has all these labels.
sub value_of {
    my ($json, $family, %label) = @_;
    my ($series) = grep { my $got = $_->[0]; !grep { ($got->{$_} // '') ne $label{$_} } keys %label } @{ $json->{metrics}{$family} // [] };
    return $series && $series->[1];
}

# The document.
my $page = request($port, GET => '/guard');
is $page->{code}, 200, 'the page';
my %expected = (
    'Content-Type' => 'text/html; charset=utf-8', 'Cache-Control' => 'no-store', 'X-Content-Type-Options' => 'nosniff',
    'Referrer-Policy' => 'no-referrer', 'Cross-Origin-Resource-Policy' => 'same-origin', 'Content-Length' => length $page->{body},
);
is header_of($page->{fields}, $_), $expected{$_}, "the page: $_" for sort keys %expected;
my ($style)  = $page->{body} =~ m{<style>(.*)</style>}s;
my ($script) = $page->{body} =~ m{<script>(.*)</script>}s;
my @policies = map { $_->[1] } grep { lc $_->[0] eq 'content-security-policy' } @{ $page->{fields} };
is_deeply \@policies, ["default-src 'none'; script-src 'sha256-" . sha256_base64($script) . "='; style-src 'sha256-" . sha256_base64($style) . "='; img-src data:; "
    . "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"],
    'one policy, by which what is in it runs, and nothing else';
is_deeply [$page->{body} =~ m{<script|<style|<link|<img|<iframe|<base|<object}g], ['<link', '<style', '<script'], 'one script, one style';
is_deeply [grep { !m{^http://www\.w3\.org/2000/svg$|^https://github\.com/leeoniya/uPlot$} } $page->{body} =~ m{(https?://[\w./-]+)}g], [], 'nothing comes from elsewhere';
like $page->{body}, qr/Copyright \(c\) \d+ Leon Sorokin/, "uPlot's licence goes with it";
is_deeply [$page->{body} =~ /\{\{\w+\}\}/g], [], 'all of its parts are there';
is scalar(() = $script =~ /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/g), 0, 'nothing is set but as text';
is_deeply [grep { /\b(?:onclick|onload|style)=/ } split /\n/, $page->{body} =~ s{<(script|style)>.*?</\1>}{}gsr], [], 'no handler and no style in the elements';
my $head = request($port, HEAD => '/guard');
is "$head->{code} $head->{body} " . header_of($head->{fields}, 'Content-Length'), '200  ' . length $page->{body}, 'HEAD';
is request($port, POST => '/guard', body => 'x')->{code}, 405, 'nothing else';
my $second = curl_request({ parts => { method => 'GET', target => '/guard', head => "Host: localhost\r\n", body => '' } }, port => $h2, http2 => 1)->{responses}[0];
is $second->{code}, 200, 'over HTTP/2';
is $second->{body}, $page->{body}, 'the same';

# Figures.
my $json = data();
my $answer = request($port, GET => '/guard?data=0');
is header_of($answer->{fields}, 'Content-Type'), 'application/json', 'figures are JSON';
is header_of($answer->{fields}, 'Cache-Control'), 'no-store', 'which no cache keeps';
is_deeply [sort keys %$json], [qw(events last metrics now)], 'all of it';
cmp_ok abs($json->{now} / 1000 - time), '<', scaled(30), 'and when';
is code_of('/limited/?k=a', client => '192.0.2.1'), 200, 'a request';
is code_of('/limited/?k=a', client => '192.0.2.1'), 429, 'one that is refused' for 1 .. 2;
is code_of('/login', client => '192.0.2.2'), 401, 'a failed login' for 1 .. 2;
is code_of('/login', client => '192.0.2.2'), 429, 'is locked';
is code_of('/files/none', client => '192.0.2.3'), 404, 'a miss';
is code_of('/files/none', client => '192.0.2.3'), 403, 'is banned';
is code_of('/watched/none', client => '192.0.2.4'), 404, 'a miss that is only observed' for 1 .. 2;
my @zones = qw(guard_rate:one guard_rate:windows guard_rate:logs guard_lockout:login guard_ban:misses guard_ban:watched);
# All that still comes by itself is there before figures and events are looked at.
ok wait_for(sub { (value_of(data(), 'guard_health_status', check => 'disk', status => 'pass') // 0) == 1 }), 'health';
ok wait_for(sub {
    $json = data();
    return (value_of($json, 'guard_lockouts', policy => 'login') // 0) == 1 && (value_of($json, 'guard_bans', policy => 'misses') // 0) == 1
        && !grep { !value_of($json, 'guard_zone_used_ratio', zone => $_) } @zones;
}, 15), 'locks and bans in force are counted';
is value_of($json, 'guard_bans', policy => 'watched'), 0, 'not those that are only observed';
is value_of($json, 'guard_refusals', code => 'rate.one', verdict => 'enforced'), 2, 'refusals';
is value_of($json, 'guard_refusals', code => 'cors.origin', verdict => 'enforced'), undef, 'without what has not happened';
is value_of($json, 'guard_policy_requests', policy => 'one', verdict => 'limited'), 2, 'policies';
is value_of($json, 'guard_redis_up', redis => 'store'), 1, 'Redis';
is_deeply [map { $_->[0] } @{ $json->{metrics}{guard_requests} }], [map { { status => $_ } } sort map { $_->[0]{status} } @{ $json->{metrics}{guard_requests} }],
    'requests by status alone, whatever their routes' or diag(JSON::PP::encode_json($json->{metrics}{guard_requests}));
my $times = value_of($json, 'guard_request_duration_seconds');
is join(' ', @{ $times->{bounds} }), '0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10', 'times: the bounds';
is scalar @{ $times->{counts} }, 12, 'and a count for each, and for what is beyond';
cmp_ok $times->{counts}[11], '>=', 10, 'of all requests';
is scalar @{ $json->{metrics}{guard_request_duration_seconds} }, 1, 'of all routes together';
# What it is of a zone that is in use.
{
    my $text = scrape($port, '/metrics')->{body};
    is promtool_says($text), '', 'promtool has nothing to say';
    my $samples = parse_metrics($text);
    is $samples->{'guard_lockouts{policy="login"}'}, 1, 'the same as a metric';
    is $samples->{'guard_bans{policy="misses"}'}, 1, 'and of bans';
    for my $zone (@zones) {
        my $used = $samples->{"guard_zone_used_ratio{zone=\"$zone\"}"} // 0;
        ok $used > 0 && $used < 0.01, "$zone is used a little" or diag $used;
    }
    my $used = $samples->{'guard_zone_used_ratio{zone="own"}'};
    ok $used > 0 && $used < 1, "a zone of nginx's own, too" or diag $used;
}

# Events: the newest, numbered, and only what is new.
is_deeply [map { $_->{labels}{kind} } grep { $_->{labels}{kind} !~ /^(?:config_loaded|health_changed)/ } @{ $json->{events} }],
    [qw(rate_limited login_failed login_failed account_locked rate_limited client_banned client_banned)], 'events, without a log'
    or diag join ' ', map { $_->{labels}{kind} } @{ $json->{events} };
my ($failed) = grep { $_->{labels}{kind} eq 'login_failed' } @{ $json->{events} };
is $failed->{source}{ip}, '192.0.2.2', 'with the client';
is_deeply data($json->{last})->{events}, [], 'a page that has all gets none';
is scalar @{ data($json->{last} - 1)->{events} }, 1, 'one that lacks one gets that';
is scalar @{ data($_)->{events} }, scalar @{ $json->{events} }, "\"$_\" is none" for '', 'x', '-1', '1e9', '99999999999999999999', $json->{last} + 5;
is $json->{last}, scalar @{ $json->{events} }, 'they are numbered from 1 on';

# What clients send stays what it is, and privacy is that of a log.
my $hostile = q{<script>alert(1)</script>"'\\&} . "\xff\xe2\x80\xa8";
my $escaped = join '', map { sprintf '%%%02x', ord } split //, $hostile;
is request($port, GET => "/clear/none$escaped?user=$escaped", headers => ['X-Client: 192.0.2.77', "User-Agent: $hostile"])->{code}, 404, 'a hostile request';
is request($port, GET => "/hashed/none?user=alice", headers => ['X-Client: 192.0.2.78'])->{code}, 404, 'one whose sender is not told';
my $after = data($json->{last});
my ($clear, $hashed) = map { my $kind = $_; grep { $_->{labels}{kind} eq $kind } @{ $after->{events} } } qw(x_clear x_seen);
is $clear->{source}{ip}, '192.0.2.0', 'the network of the address alone';
is $clear->{user}{name}, $escaped, 'the user as it came';
is $clear->{url}{path}, "/clear/none$escaped", 'the path as it came';
like $clear->{user_agent}{original}, qr/\A<script>alert\(1\)<\/script>"'\\&\x{fffd}/, 'bytes that are no UTF-8 become it';
ok !exists $hashed->{source} && !exists $hashed->{user}, 'neither address nor user';
like $hashed->{labels}{address_hash}, qr/^[0-9a-f]{32}$/, 'but its hash';
unlike JSON::PP::encode_json($hashed), qr/alice|192\.0\.2/, 'nowhere';

# Many, from several connections at once: whole lines, the last hundred.
my $load = start_load($nginx, '/hashed/none', clients => 4, count => 60);
my $broken = 0;
for (1 .. 20) {
    my $answer = request($port, GET => '/guard?data=');
    $broken++ if !eval { JSON::PP->new->utf8->decode($answer->{body}) };
}
is_deeply $load->finish->{codes}, { 404 => 240 }, 'a crowd';
is $broken, 0, 'no line is torn meanwhile';
my $many = data();
is $many->{last}, $after->{last} + 240, 'all are numbered';
is scalar @{ $many->{events} }, 100, 'the last hundred are there';

# They stay over a reload, as all counts do.
is $nginx->hup, undef, 'reloads';
ok wait_for(sub { grep { $_->{labels}{kind} eq 'config_loaded' } @{ data($many->{last})->{events} } }), 'events go on where they were';
is value_of(data(), 'guard_lockouts', policy => 'login'), 1, 'so do locks';

# Polled each second it takes less than a hundredth of a core: ten milliseconds of CPU time for one answer, here with 500 routes that
# have all been asked for. Of five rounds one must do: of other work on the machine CPU time knows a little, too.
{
    my $large = start_nginx(
        workers => 1,
        config  => join('', map { "location = /r$_ { guard_route route-$_; return 204; }\n" } 1 .. 500) . "location = /guard { guard_dashboard; }\n",
    );
    my @asked = map { "GET /r$_ HTTP/1.1\r\nHost: x\r\n" . ($_ % 100 == 0 ? "Connection: close\r\n" : '') . "\r\n" } 1 .. 500;
    while (my @some = splice @asked, 0, 100) { request_raw($large->port, join('', @some), expect => 100) }
    my ($worker) = $large->worker_pids;
    # Nanoseconds on a processor, as the kernel counts them.
    my $on_cpu = sub { open my $in, '<', "/proc/$worker/schedstat" or die "schedstat: $!\n"; return (split ' ', <$in>)[0] / 1e9 };
    my $took;
    for (1 .. 5) {
        my $before = $on_cpu->();
        request($large->port, GET => '/guard?data=') for 1 .. 50;
        $took = ($on_cpu->() - $before) / 50;
        last if $took < scaled(0.01);
    }
    cmp_ok $took, '<', scaled(0.01), 'a poll of 500 routes takes less than ten milliseconds of CPU time';
    note sprintf 'a poll takes %.2f ms', 1000 * $took;
    is $large->stop, undef, 'stops';
}

# Strangers.
for my $target ('/guard', '/guard?data=0') {
    is request($port, GET => $target, headers => ["$_: 192.0.2.1"])->{code}, 403, "$target is not for whom a proxy has passed on, by $_" for qw(Via Forwarded X-Forwarded-For X-Real-IP);
    is request($port, GET => $target, headers => ['X-Client: 192.0.2.1'])->{code}, 403, "$target is not for another machine";
}
is request($port, GET => '/open', headers => ['X-Client: 192.0.2.1'])->{code}, 200, 'public is what it says';
my $refused = request($port, GET => '/guard', headers => ['Via: x']);
is scalar(() = $refused->{body} =~ /script/g), 0, 'a stranger gets nothing of the page';

# A rate for all holds for nobody who looks from this machine.
{
    my $few = start_nginx(http_config => 'guard_rate_policy few rate=1/day; guard_rate few;', config => 'root html; location = /guard { guard_dashboard; } location = /open { guard_dashboard public; }');
    is_deeply [map { request($few->port, GET => '/guard?data=0')->{code} } 1 .. 3], [200, 200, 200], 'the page asks as often as it wants';
    is_deeply [map { request($few->port, GET => '/open?data=0')->{code} } 1 .. 2], [200, 429], 'but where it is public';
    is $few->stop, undef, 'stops';
}

# What a load balancer is told is no request that has failed.
{
    my $folder = File::Temp->newdir;
    chmod 0755, "$folder" or die $!;
    my $drained = start_nginx(http_config => "guard_drain $folder/drain;", config => 'root html; location = /guard { guard_dashboard; } location = /health/ready { guard_health ready; } location = /failed { return 500; }');
    my $counted = sub { return value_of(JSON::PP->new->utf8->decode(request($drained->port, GET => '/guard?data=')->{body}), 'guard_requests', status => '5xx') };
    open my $out, '>', "$folder/drain" or die $!;
    close $out;
    ok wait_for(sub { request($drained->port, GET => '/health/ready')->{code} == 503 }), 'it drains';
    is $counted->(), undef, 'nothing has failed';
    is request($drained->port, GET => '/failed')->{code}, 500, 'but what has';
    is $counted->(), 1, 'does count';
    is $drained->stop, undef, 'stops';
}

# Where npm brought no uPlot, a build has its texts empty; what nginx says of that is in t/unit/dashboard_test.cpp.
{
    my $folder = File::Temp->newdir;
    is system('scripts/embed', "$folder/page.h", "$folder/none"), 0, 'a page without uPlot';
    open my $in, '<', "$folder/page.h" or die "page.h: $!\n";
    my $header = do { local $/; <$in> };
    my %text = $header =~ /std::string_view (k\w+) =\nR"guard_page\((.*?)\)guard_page";/gs;
    is join(' ', sort grep { $text{$_} eq '' } keys %text), 'kChartLicence kChartScript kChartStyle', 'lacks that and nothing else';
}

ends_well($nginx, 'the end');
done_testing;
