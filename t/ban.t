# guard_ban: what is weighed, who is banned and for how long, and who never is.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP qw(decode_json);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Wait qw(patient);

# Clients are told apart by realip; without X-Client a client is 127.0.0.1.
my $common = <<'EOC';
guard_event_log $TEST_NGINX_EVENT_LOG;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
log_format verdict "$uri $guard_verdict $guard_code";
EOC

my $policies = <<'EOC';
guard_rate_policy once rate=1/day key=$arg_k;
guard_ban_policy status    score=3  half_life=10m duration=1h weights=404:1,5xx:3;
guard_ban_policy refusals  score=3  half_life=10m duration=1h weights=rate.*:1,path_refused:3;
guard_ban_policy foreign   score=3  half_life=10m duration=1h weights=404:1 cross_site_weights=404:3;
guard_ban_policy honey     score=10 half_life=10m duration=1h weights=x_honeypot:10;
guard_ban_policy closed    score=1  half_life=10m duration=1h weights=404:1 status=444;
guard_ban_policy friends   score=1  half_life=10m duration=1h weights=404:1 exempt=198.51.100.0/24,2001:db8:f::/48;
guard_ban_policy brief     score=1  half_life=10m duration=3s weights=404:1;
guard_ban_policy forwarded score=1  half_life=10m duration=1h weights=404:1 key=$http_x_forwarded_for;
guard_ban_policy gone      score=2  half_life=10m duration=1h weights=408:2,499:1;
guard_ban_policy agent     score=1  half_life=10m duration=1h weights=404:1 key=$http_user_agent;
guard_ban_policy any       score=3  half_life=10m duration=1h weights=4xx:1;
guard_ban_policy tiny      score=9  half_life=10m duration=1h weights=404:1 key=$arg_k zone=64k;
EOC

my $locations = <<'EOC';
root html;
guard_trusted_proxies 192.0.2.9;
access_log logs/verdict.log verdict;
location /status/   { guard_ban status;    alias html/; location = /status/fails { return 503; } }
location /refusals/ { guard_ban refusals;  guard_path strict; guard_rate once; alias html/; }
location /watched/  { guard_ban refusals;  guard_mode observe path rate; guard_path strict; guard_rate once; alias html/; }
location /foreign/  { guard_ban foreign;   alias html/; }
location /honey/    { guard_ban honey;     alias html/; location = /honey/wp-login.php { guard_event x_honeypot on=all; return 404; } }
location /closed/   { guard_ban closed;    alias html/; }
location /friends/  { guard_ban friends;   alias html/; }
location /brief/    { guard_ban brief;     alias html/; }
location /forwarded/ { guard_ban forwarded; alias html/; }
location /gone/     { guard_ban gone;      client_body_timeout 100ms; proxy_pass http://127.0.0.1:SLOW/; }
location /agent/    { guard_ban agent;     alias html/; }
location /tiny/     { guard_ban tiny;      alias html/; }
location /observed/ { guard_ban status;    guard_mode observe ban; alias html/; }
location /beside/   { guard_ban status;    guard_trusted_proxies 127.0.0.1; alias html/; }
location /off/      { guard_ban status;    guard_mode off ban; alias html/; }
location /paged/    { guard_ban status; error_page 404 /page.html; alias html/; location /paged/twice/ { error_page 404 /status/page.html; alias html/; } }
location = /page.html        { return 200 page; }
location = /status/page.html { guard_ban status; return 200 page; }
location /any/      { guard_ban any; alias html/; }
location = /reports { guard_ban any; guard_csp_report rate=1; }
location /both/     { guard_ban status; guard_ban honey; alias html/;
    location /both/added/    { guard_ban +agent; alias html/; }
    location /both/replaced/ { guard_ban agent; alias html/; }
    location /both/none/     { guard_ban off; alias html/; } }
EOC

# It answers only whoever waits for it.
my $slow = start_upstream(sub {
    my ($request, $socket) = @_;
    if ($request->{target} =~ /never/) { 1 while sysread $socket, my $nothing, 1024; return }
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlate\n";
});
$locations =~ s/SLOW/$slow->port/e;
my ($crt, $key) = certificate();
my $tls = free_port();
my @listen = ("listen $tls ssl http2;", "ssl_certificate $crt;", "ssl_certificate_key $key;");
my $nginx = start_nginx(listen => \@listen, http_config => $common . $policies, config => $locations);

# A GET of TARGET by CLIENT.
sub from {
    my ($client, $target, @headers) = @_;
    unshift @headers, "X-Client: $client" if defined $client;
    return request($nginx->port, GET => $target, headers => \@headers) // { code => 'none', fields => [], body => '' };
}
sub codes { my ($client, $target, $count, @headers) = @_; return join ' ', map { from($client, $target, @headers)->{code} } 1 .. $count }

# The lines about bans that were written since the last call.
my $seen = 0;
sub bans {
    my ($count) = @_;
    my @all;
    wait_for(sub {
        my ($events) = read_events($nginx->log_file('events.log'));
        @all = grep { $_->{labels}{kind} eq 'client_banned' } @$events;
        return @all >= $seen + $count;
    });
    my @new = @all[$seen .. $#all];
    $seen = @all;
    return @new;
}

# Over the score by answers' statuses.
{
    is codes('203.0.113.1', '/status/none', 3), '404 404 404', 'three misses';
    my $refused = from('203.0.113.1', '/status/');
    is $refused->{code}, 403, 'the fourth request is refused';
    is header_of($refused->{fields}, 'Content-Type'), 'application/problem+json', 'by a problem';
    my $problem = decode_json($refused->{body});
    like delete $problem->{instance}, qr/^urn:request:[0-9a-f]{32}\z/, 'with the request';
    is_deeply $problem, {
        type => 'about:blank', title => 'Client banned', status => 403, code => 'ban.status',
        detail => 'Too much of what came from this client was suspicious'
    }, 'which says why';
    is codes('203.0.113.1', '/status/', 3), '403 403 403', 'and so on';
    is codes('203.0.113.2', '/status/', 1), '200',         'but not another client';
    is codes('203.0.113.1', '/honey/',  1), '200',         'nor where the policy does not apply';

    my ($event, @more) = bans(1);
    is_deeply \@more, [], 'one event for the ban';
    my $end = delete $event->{event}{end};
    like $end, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'with its end';
    require Time::Local;
    my @end = $end =~ /(\d+)/g;
    my $left = Time::Local::timegm(@end[5, 4, 3, 2], $end[1] - 1, $end[0]) - time;
    cmp_ok abs($left - 3600), '<', 60, 'in an hour';
    is subset_problem({
        event  => { action => 'client-banned', code => 'ban.status', risk_score => 3, outcome => 'success', severity => 3 },
        rule   => { name => 'status' },
        source => { ip => '203.0.113.1' },
        labels => { kind => 'client_banned', decision => 'denied', key_hash => 're:[0-9a-f]{16}' }
    }, $event), undef, 'and score, policy, client';
}

# What Guard refuses weighs by its code and kind, each time, and not by its status.
is codes('203.0.113.3', '/refusals/?k=a', 5), '200 429 429 429 403', 'each refusal by a rate counts, told of or not';
is codes('203.0.113.4', '/refusals//?k=b', 2), '400 403',            'a refused path';
is codes('203.0.113.5', '/status/fails', 1),   '503',                'a class of statuses';
is codes('203.0.113.5', '/status/', 1),        '403',                'bans, too';
is scalar(my @three = bans(3)), 3, 'an event for each of them';

# What was only observed never bans.
is codes('203.0.113.6', '/watched//?k=c', 9), join(' ', ('200') x 9), 'observed refusals';
is codes('203.0.113.6', '/refusals/',     1), '200', 'ban nobody';

# Where bans are observed, nobody is refused, and nobody elsewhere for what was counted there.
is codes('203.0.113.7', '/observed/none', 5), '404 404 404 404 404', 'an observed ban refuses nothing';
is codes('203.0.113.7', '/status/',       1), '200',                 'and none but there is made of it';
my ($watched, @more) = bans(1);
is_deeply [$watched->{labels}{decision}, $watched->{event}{risk_score}, scalar @more], ['observed', 3, 0], 'it is told once, as observed';
is codes('203.0.113.1', '/observed/', 1), '200', 'who is banned passes where bans are observed';
is codes('203.0.113.1', '/off/',      1), '200', 'and where they are off';
# A line is written once the answer has left.
my @verdicts;
wait_for(sub { @verdicts = grep { m{^/o} } split /\n/, $nginx->log_text('verdict.log'); @verdicts >= 7 });
is_deeply \@verdicts,
    ['/observed/none passed -', '/observed/none passed -', '/observed/none passed -', '/observed/none observed ban.status',
    '/observed/none observed ban.status', '/observed/index.html observed ban.status', '/off/index.html passed -'], 'as the verdict says';

# What another site's page can bring about.
my @cross = ('Sec-Fetch-Site: cross-site');
is codes('203.0.113.8', '/status/none', 9, @cross), join(' ', ('404') x 9), 'a page of another site bans nobody';
is codes('203.0.113.8', '/status/none', 9, 'Sec-Fetch-Site: same-site'), join(' ', ('404') x 9), 'nor one of another host';
is codes('203.0.113.8', '/status/none', 9, 'Referer: https://evil.example/'), join(' ', ('404') x 9), 'nor in an old browser';
is codes('203.0.113.8', '/honey/wp-login.php', 2, @$_), '404 404', 'nor by a honey route' for \@cross, ['Sec-Fetch-Site: same-site'], ['Origin: https://evil.example'];
is codes('203.0.113.8', '/status/',    1), '200', 'not at all';
is codes('203.0.113.8', '/foreign/no', 2, @cross), '404 403', 'unless that was weighed';
is codes('203.0.113.9', '/status/no', 4, 'Sec-Fetch-Site: same-origin'), '404 404 404 403', 'a page of the site itself';
is codes('203.0.113.10', '/honey/wp-login.php', 1), '404', 'a honey route';
is codes('203.0.113.10', '/honey/', 1), '403', 'bans at once';
is scalar(my @four = bans(3)), 3, 'which are three bans';

# Who is never banned.
is codes(undef, '/status/none', 5), '404 404 404 404 404', 'loopback';
is codes('::1', '/status/none', 5), '404 404 404 404 404', 'in either family';
is codes('198.51.100.77', '/friends/none', 3), '404 404 404', 'an exempt network';
is codes('2001:db8:f::1', '/friends/none', 3), '404 404 404', 'of IPv6';
is codes('198.51.101.1', '/friends/none', 2), '404 403', 'not the one beside it';
is scalar(my @one = bans(1)), 1, 'which is one ban';
is codes('192.0.2.9', '/status/none', 9), join(' ', ('404') x 9), 'a trusted proxy';
my ($proxy, @again) = bans(1);
is subset_problem({
    event  => { reason => 'A trusted proxy has the score of a banned client and is not banned: requests are not told apart by their clients', severity => 4, end => undef },
    source => { ip => '192.0.2.9' },
    labels => { decision => 'allowed' }
}, $proxy), undef, 'which is told';
is_deeply \@again, [], 'once';
is codes(undef, '/beside/none', 9), join(' ', ('404') x 9), 'one on this machine';
my ($beside, @more_of_it) = bans(1);
is subset_problem({ event => { code => 'ban.status', severity => 4 }, source => { ip => '127.0.0.1' }, labels => { decision => 'allowed' } }, $beside), undef, 'is told of, too';
is_deeply \@more_of_it, [], 'once';
is codes(undef, '/beside/', 1), '200', 'and is not banned';
is codes('203.0.113.11', '/forwarded/none', 3, 'X-Forwarded-For: 192.0.2.9'), '404 404 404', 'whoever pretends to be one does not get it banned';
is codes('203.0.113.11', '/forwarded/none', 2, 'X-Forwarded-For: 192.0.2.10'), '404 403', 'other keys';
is codes('203.0.113.11', '/forwarded/none', 3), '404 404 404', 'and an empty key is nobody';
is scalar(@again = bans(2)), 2, 'two events more';

# What a client is.
is codes('2001:db8:0:1::1', '/status/none', 3), '404 404 404', 'an IPv6 client';
is codes('2001:db8:0:1:ffff::9', '/status/', 1), '403', 'is its /64';
is codes('2001:db8:0:2::1', '/status/', 1), '200', 'and no more';
is codes('203.0.113.12', '/agent/none', 2, 'User-Agent: bot'), '404 403', 'or whatever the key says';
is codes('203.0.113.13', '/agent/', 1, 'User-Agent: bot'), '403', 'whoever sends it';

# Several policies, and what becomes of them on inner levels.
is codes('203.0.113.10', '/both/', 1), '403', 'the second of two policies';
is codes('203.0.113.1',  '/both/', 1), '403', 'and the first';
is codes('203.0.113.1',  '/both/added/', 1), '403', '+NAME keeps what is inherited';
is codes('203.0.113.14', '/both/added/', 1, 'User-Agent: bot'), '403', 'and adds to it';
is codes('203.0.113.1',  '/both/replaced/', 1), '200', 'NAME replaces it';
is codes('203.0.113.14', '/both/replaced/', 1, 'User-Agent: bot'), '403', 'by its own';
is codes('203.0.113.1',  '/both/none/', 1, 'User-Agent: bot'), '200', 'off clears it';

# Where an error page is another location's, a status weighs where it was earned, and once.
is codes('203.0.113.40', '/paged/none',       4), '404 404 404 403', 'behind an error page without the policy';
is codes('203.0.113.41', '/paged/twice/none', 4), '404 404 404 403', 'behind one with it';
is codes('203.0.113.42', '/page.html',        5), '200 200 200 200 200', 'the page itself weighs nothing';

# Browsers report of their own accord, and are told when it is too much.
for my $report (1 .. 6) {
    my $body = qq({"csp-report":{"document-uri":"https://a.example/$report","effective-directive":"img-src","blocked-uri":"inline"}});
    my $code = request($nginx->port, POST => '/reports', body => $body,
        headers => ['X-Client: 203.0.113.43', 'Content-Type: application/csp-report', 'Sec-Fetch-Site: same-origin'])->{code};
    is $code, $report == 1 ? 204 : 429, "report $report";
}
is codes('203.0.113.43', '/any/none', 4), '404 404 404 403', 'which weighs nothing, but what the client does';

# 444: nothing is answered, and the connection is closed.
is codes('203.0.113.15', '/closed/none', 1), '404', 'a miss';
my $closed = request_raw($nginx->port, "GET /closed/ HTTP/1.1\r\nHost: x\r\nX-Client: 203.0.113.15\r\n\r\n", expect => 0);
is_deeply [$closed->{raw}, $closed->{eof} ? 1 : 0], ['', 1], 'no answer, and the end';

# A ban ends.
is codes('203.0.113.16', '/brief/none', 2), '404 403', 'banned for three seconds';
ok wait_for(sub { from('203.0.113.16', '/brief/')->{code} eq '200' }), 'and then no more';

# What ends without an answer has a status in the log alone: a body that does not come, a client that does not wait.
{
    my $unanswered = sub {
        my ($client, $text, $waits) = @_;
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $nginx->port) or die "nginx: $!\n";
        my $lines = () = $nginx->log_text('verdict.log') =~ m{^/gone/}mg;
        print {$socket} "$text HTTP/1.1\r\nHost: localhost\r\nX-Client: $client\r\n\r\n";
        if ($waits) { local $/; <$socket> }
        close $socket;
        ok wait_for(sub { my $now = () = $nginx->log_text('verdict.log') =~ m{^/gone/}mg; $now > $lines }), "$text: logged";
        return;
    };
    is codes('203.0.113.30', '/gone/', 1), '200', 'not banned';
    $unanswered->('203.0.113.30', "POST /gone/ HTTP/1.1\r\nContent-Length: 5\r\nX-Not:", 1);
    is codes('203.0.113.30', '/gone/', 1), '403', 'too slow: banned';
    $unanswered->('203.0.113.31', 'GET /gone/never', 0) for 1 .. 2;
    is codes('203.0.113.31', '/gone/', 1), '403', 'gone twice: banned';
}

# Over TLS, and over HTTP/2: one client whatever it speaks; a 444 closes the connection of HTTP/1.1 and the stream of HTTP/2.
for my $version ('--http1.1', '--http2') {
    my $over = sub {
        my ($client, $target) = @_;
        my ($code, $spoken) = split / /, qx(curl -sk $version --max-time @{[ patient(5) ]} -o /dev/null -w '%{http_code} %{http_version}' -H 'X-Client: $client' https://127.0.0.1:$tls$target);
        return $code eq '000' ? $code : "$code over $spoken";
    };
    my $number = $version eq '--http2' ? 2 : '1.1';
    my $client = $version eq '--http2' ? '203.0.113.21' : '203.0.113.20';
    is join(', ', map { $over->($client, '/status/none') } 1 .. 4), join(', ', ("404 over $number") x 3, "403 over $number"), "$version: banned over TLS";
    is codes($client, '/status/', 1), '403', 'and over plain HTTP';
    is $over->($client, '/closed/none'), "404 over $number", 'weighed';
    is $over->($client, '/closed/'), '000', 'closed without an answer';
    my $told = sub { join ' ', map { $_->{rule}{name} } grep { $_->{labels}{kind} eq 'client_banned' && $_->{source}{ip} eq $client } @{ (read_events($nginx->log_file('events.log')))[0] } };
    ok wait_for(sub { $told->() eq 'status closed' }), 'two events' or diag $told->();
}

is $nginx->hup, undef, 'reloads';
is codes('203.0.113.1', '/status/', 1), '403', 'a ban survives a reload';
is codes('203.0.113.17', '/status/none', 2), '404 404', 'below the score';
is $nginx->hup, undef, 'reloads again';
is codes('203.0.113.17', '/status/none', 2), '404 403', 'a score survives it, too';
my $log = $nginx->log_file('events.log');
$nginx->configure(listen => \@listen, http_config => $common =~ s/\$TEST_NGINX_EVENT_LOG/$log/r . $policies =~ s/(policy status .*) weights/$1 exempt=203.0.113.1 weights/r, config => $locations);
is $nginx->hup, undef, 'reloads with an exemption';
is codes('203.0.113.1', '/status/', 1), '200', 'which lifts the ban';

# Far more clients than a small zone has room for: the most suspicious stay.
is codes('203.0.113.18', '/tiny/none?k=bad', 9), join(' ', ('404') x 9), 'banned in a small zone';
for my $start (map { 500 * $_ } 0 .. 19) {
    my @requests = map { "GET /tiny/none?k=$_ HTTP/1.1\r\nHost: x\r\nX-Client: 203.0.113.18\r\n" . ($_ == $start + 499 ? "Connection: close\r\n" : '') . "\r\n" }
        $start .. $start + 499;
    my $result = request_raw($nginx->port, join('', @requests), expect => 500);
    my %codes;
    ++$codes{ $_->{code} } for @{ $result->{responses} };
    is_deeply \%codes, { 404 => 500 }, "the clients from $start" or last;
}
is codes('203.0.113.18', '/tiny/?k=bad', 1), '403', 'the ban is still there after thousands of others';
is $nginx->stop, undef, 'stops';
my ($events) = read_events($nginx->log_file('events.log'));
my @pressure = grep { $_->{labels}{kind} eq 'table_pressure' } @$events;
cmp_ok scalar @pressure, '>=', 1, 'and the pressure is told';
is $pressure[0]{rule}{name}, 'tiny', 'with the policy';

is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

done_testing();
