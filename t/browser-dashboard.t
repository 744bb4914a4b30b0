# The page of guard_dashboard in a real browser: what it shows, of hostile requests too, that it can be used by all, and that it does not grow.
# GUARD_PICTURES=docs renews the pictures of the documentation; GUARD_HOURS=24 takes as many polls as so many hours have.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Browser qw(browser_modules run_node);
use Test::Nginx::Guard::Certificate qw(certificate);
use Test::Nginx::Guard::Ending  qw(ends_well);
use Test::Nginx::Guard::Wait    qw(patient);

my $modules = browser_modules();
my $app   = start_upstream(sub {
    my ($request) = @_;
    my $status = $request->{target} =~ /login/ ? 401 : $request->{target} =~ /broken/ ? 502 : 200;
    return "HTTP/1.1 $status Status\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n";
});
my $redis = start_redis();
my $gone  = free_port();
my ($certificate) = certificate(make => 1);    # for thirty days
my $nginx = start_nginx(
    workers     => 2,
    http_config => <<"EOC",
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_event_privacy user=clear;
guard_redis store @{[ $redis->url ]};
guard_redis away redis://127.0.0.1:$gone;
guard_health_check database tcp://127.0.0.1:@{[ $redis->port ]} interval=1s;
guard_health_check payments tcp://127.0.0.1:$gone interval=1s fall=1 optional;
guard_health_check disk disk:/dev warn=100% fail=0% optional;
guard_health_check tls certificate:$certificate interval=1s optional;
guard_rate_policy api rate=3/day key=\$guard_client_net zone=1m;
guard_lockout_policy login key=\$guard_client_net on=login_failed limit=2 window=15m duration=30m zone=1m;
guard_ban_policy scanners score=3 half_life=10m duration=1h weights=404:1 zone=1m;
guard_key_secret 0123456789abcdef;
guard_sessions visitors key=\$http_x_client window=1h;
guard_sessions members key=\$http_x_client window=1h redis=away;
EOC
    config => <<"EOC");
root html;
location = /guard { guard_dashboard; }
location /api/ { guard_rate api; guard_event x_seen on=200 user=\$arg_user; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }
location /login { guard_lockout login; guard_event login_failed on=401; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }
location /broken { proxy_pass http://127.0.0.1:@{[ $app->port ]}; }
location / { guard_ban scanners; }
EOC
my $port = $nginx->port;
sub ask { my ($target, $client, @headers) = @_; return request($port, GET => $target, headers => ["X-Client: $client", @headers])->{code} }

# What an attacker sends to whoever looks.
my $hostile = q{<img/src=x/onerror="document.documentElement.dataset.injected=1"><script>document.documentElement.dataset.injected=2</script>};
my $path = join '', map { sprintf '%%%02X', ord } split //, $hostile;
is ask("/api/$path?user=<script>document.documentElement.dataset.injected=3</script>", '192.0.2.9', "User-Agent: $hostile", "Referer: $hostile"), 200, 'a hostile request';
is ask('/api/x', '192.0.2.1'), 200, 'requests' for 1 .. 3;
is ask('/api/x', '192.0.2.1'), 429, 'too many' for 1 .. 2;
is ask('/login', '192.0.2.2'), 401, 'a failed login' for 1 .. 2;
is ask('/login', '192.0.2.2'), 429, 'locked';
is ask('/none', '192.0.2.3'), 404, 'a scanner' for 1 .. 3;
is ask('/none', '192.0.2.3'), 403, 'banned';
is ask('/broken', '192.0.2.4'), 502, 'broken';
ok wait_for(sub {
    my $text = request($port, GET => '/guard?data=0')->{body};
    return $text =~ /"guard_lockouts":\[\[\{"policy":"login"\},1\]\]/ && $text =~ /"guard_bans":\[\[\{"policy":"scanners"\},1\]\]/
        && $text =~ /"guard_redis_up":\[(?:\[[^\]]*\],)*\[\{"redis":"away"\},0\]/
        && $text =~ /"check":"payments","status":"fail"\},1\]/ && $text =~ /"check":"database","status":"pass"\},1\]/
        && $text =~ /"guard_health_remaining_seconds":\[\[\{"check":"tls"\},259[01]\d{3}\]/;
}, 15), 'all of it has been counted';

my $pictures = $ENV{GUARD_PICTURES} // tempdir(CLEANUP => 1);
my $polls = $ENV{GUARD_HOURS} ? 3600 * $ENV{GUARD_HOURS} : 900;
my $seen = run_node('dashboard', [$modules, '/usr/bin/chromium', "http://127.0.0.1:$port/guard", $pictures, $polls, patient(30)], limit => 120 + $polls / 20);

# What it shows.
is $seen->{now}{'Lockouts in force'}[1], '1', 'locks';
is $seen->{now}{'Bans in force'}[1], '1', 'bans';
is_deeply $seen->{now}{'Sessions visitors'}, ['', '2', ''], 'sessions that got an answer';
is_deeply $seen->{now}{'Sessions members'}, ['warn', '2', 'of this nginx alone'], 'and those of this nginx alone, while Redis is away';
is_deeply [map { $seen->{health}{$_}[0] . ' ' . $seen->{health}{$_}[1] } 'Redis store', 'Redis away', 'database', 'payments', 'disk'],
    ['good up', 'bad down', 'good pass', 'bad fail', 'warn warn'], 'health and Redis';
is $seen->{health}{tls}[2], '29 days left', 'whole days that are left, as the check counts them';
is_deeply [sort map { "@$_[0, 1, 3]" } @{ $seen->{refusals} }], ['ban.scanners enforced 1', 'lockout.login enforced 1', 'rate.api enforced 2'], 'refusals by code';
is_deeply [sort map { "$_->[0]: $_->[3]" } @{ $seen->{policies} }], ['ban scanners: 1 banned', 'lockout login: 1 locked', 'rate api: '], 'policies';
ok scalar(grep { $_->[0] eq 'guard_lockout:login' && $_->[1] eq '1 MB' && $_->[2] =~ /^0(?:\.\d)? %$/ && $_->[3] eq '0' } @{ $seen->{zones} }), 'zones' or diag explain $seen->{zones};
like $seen->{build}, qr{^\S+ on nginx \d+\.\d+\.\d+$}, 'which versions';
is_deeply [@{ $seen->{node} }[0 .. 3]], ['Workers', '2', 'Workers that crashed', '0'], 'workers';
is_deeply $seen->{canvases}, [(JSON::PP::true) x 3], 'three charts are drawn';
is_deeply [grep { !/^(?:config_loaded|health_changed|redis_unavailable)/ } map { $_->[2] } @{ $seen->{events} }],
    [qw(client_banned rate_limited account_locked login_failed login_failed rate_limited), ('x_seen') x 4], 'events, the newest first' or diag explain $seen->{events};

is_deeply [grep { $_->[0] !~ /\A[1-9]\d? [A-Z][a-z]+ \d\d:\d\d:\d\d\z/ } @{ $seen->{events} }], [], 'each with its day: the last hundred may be of many';

# Of what attackers send nothing runs, and all is shown as it is.
my ($event) = grep { $_->[2] eq 'x_seen' && $_->[4] eq '192.0.2.9' } @{ $seen->{events} };
is $event->[5], "GET /api/$path 200", 'a hostile path is text';
is $event->[6], '<script>document.documentElement.dataset.injected=3</script>', 'so is a hostile user';
is_deeply $seen->{injected}, ['', 0], 'nothing of it has run, nothing has become an element';
is $seen->{blocked}, 'TypeError', 'and were there a hole, the browser would not fill it';
is_deeply [grep { !/ERR_INTERNET_DISCONNECTED|requires '?Trusted(?:HTML)?/i } @{ $seen->{said} }], [], 'the browser has nothing to complain of';
is_deeply [grep { !m{^(?:http://127\.0\.0\.1:$port/guard(?:\?data=\d+)?|data:,)$} } @{ $seen->{asked} }], [], 'nothing else is asked for';

# Everybody can use it.
is_deeply $seen->{violations}, { light => [], dark => [], phone => [] }, 'axe-core finds no violation';
cmp_ok $seen->{rules}, '>', 20, 'of many rules';
is_deeply $seen->{overflow}, { light => 0, dark => 0, phone => 0 }, 'nothing is wider than the screen';
is_deeply $seen->{broken}, { light => [], dark => [], phone => [] }, 'no word is broken in two';
is_deeply [@$seen{qw(first before)}, @{ $seen->{paused} }, @{ $seen->{resumed} }], ['Skip to the figures', 'pause', 'true', 'Paused', 'Paused', 'false', 'Live'], 'by keyboard, and also for an answer that is late';
is $seen->{reachable}, JSON::PP::true, 'all that scrolls can be reached by keyboard';
is_deeply [map { $_->[2] } @{ $seen->{filtered} }], ['account_locked'], 'the filter';
like $seen->{shown}, qr/^1 of \d+$/, 'says how many it shows';
is_deeply $seen->{nothing}, [['No event fits the filter.']], 'and if there is none';
is_deeply [sort { $a cmp $b } map { $_->[1] } @{ $seen->{severe} }], [sort { $a cmp $b } grep { /^(?:error|critical)$/ } map { $_->[1] } @{ $seen->{events} }], 'by severity';
ok scalar @{ $seen->{severe} }, 'of which there are some';

# Figures that are known: each second 100 requests, 10 of each status.
like $seen->{legends}[0], qr/\A2xx 10 .*4xx 10 5xx 10\z/, 'requests of each status a second';
is $seen->{legends}[1], 'median 46 ms 95 % 246 ms 99 % 875 ms', 'percentiles of their times';
is_deeply $seen->{busy}{'Median time'}, ['', '46 ms', '95 %: 246 ms'], 'and those of the last ten seconds';

# Less than a hundredth of a core (docs/performance.md), which a machine that does other things as well may not show.
cmp_ok $_, '<', scaled(0.03), 'and it works little for them' or diag explain $seen->{work} for $seen->{work}{light};
diag explain $seen->{work} if $ENV{GUARD_HOURS} || $ENV{GUARD_PICTURES};

# Not more with time.
my $heap = $seen->{heap};
my $grown = ($heap->{end} - $heap->{middle}) / ($polls - ($polls / 3 > 500 ? $polls / 3 : 500));
cmp_ok $grown * 86400, '<', 64 << 20, 'a day leaves memory as it is' or diag explain $heap;
diag sprintf '%d polls: %.1f MB in use after a third of them, %.1f MB at the end', $polls, map { $heap->{$_} / 1e6 } qw(middle end) if $ENV{GUARD_HOURS};
is $heap->{events}, 100, 'a hundred events are kept';
like $heap->{newest}, qr/poll $polls$/, 'the newest ones';
cmp_ok $heap->{nodes}, '<', 2000, 'and as many elements as they need';

# Whatever time it is, the charts are about the last minutes, and the figures about the seconds they name.
for my $step (['hour', 'after an hour without a look'], ['back', 'when the clock goes back'], ['on', 'and on again']) {
    my ($first, $later) = @{ $seen->{steps}{ $step->[0] } }{qw(first later)};
    cmp_ok $_->{span}, '<=', 300, "five minutes $step->[1]" for $first, $later;
    cmp_ok $_->{span}, '>', 9, 'and not less than there is to see' for $later;
    is $later->{end}, 0, 'up to the newest';
    is $first->{failed}, '0 in 10 s', 'nothing is made up';
    is_deeply [@$later{qw(failed legend)}], ['100 in 10 s', '5xx 10'], 'and soon they are true again';
}
is_deeply [map { "$_" } @{ $seen->{restarted} }{qw(failed legend whole)}], ['50 in 10 s', '5xx 10', '1'], 'figures and events are those of the nginx that runs'
    or diag explain $seen->{restarted};
cmp_ok $seen->{restarted}{events}, '<=', 6, 'and no others';
for my $name (qw(light dark phone)) {
    cmp_ok -s "$pictures/dashboard-$name.png", '>', 10_000, "a picture: $name";
    ok -s "docs/dashboard-$name.png", "docs has one: $name";
}

ends_well($nginx, 'the end', allowed => ['error']);
done_testing;
