# guard_csp_report: browsers' reports of what a policy forbids, as events; what is refused, what is told
# once, and how much at most. t/browser.t has a real browser's.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client qw(connect_to);
use Test::Nginx::Guard::Events qw(read_events events_of);
use Test::Nginx::Guard::Wait   qw(wait_for);

my $json = JSON::PP->new->utf8->canonical;

# Rules that refuse everything, as the Core Rule Set does what says application/reports+json.
my $rules = tempdir(CLEANUP => 1) . '/rules.conf';
open my $out, '>', $rules or die "$rules: $!\n";
print {$out} "SecRuleEngine On\nSecAction \"id:1,phase:2,deny,status:403\"\n";
close $out or die "$rules: $!\n";
my $described = $rules =~ s/rules\.conf\z/api.json/r;
open $out, '>', $described or die "$described: $!\n";
print {$out} '{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"a"}}}}}}';
close $out or die "$described: $!\n";
chmod 0755, $rules =~ s{/[^/]+\z}{}r or die "$rules: $!\n";

my $nginx = start_nginx(
    no_root_location => 1,
    config           => <<"EOA" . <<'EOC',
location /inspected/ {
    guard_inspect on;
    guard_inspect_rules $rules;
    location /inspected/reports { guard_csp_report rate=1000 total=10000; }
    location /inspected/metrics { guard_metrics; }
    location /inspected/asked { guard_inspect on; guard_csp_report; }
}
location /json/ {
    guard_json required;
    location /json/reports { guard_csp_report rate=1000 total=10000; }
    location /json/asked { guard_json required; guard_csp_report; }
}
location /described/ {
    guard_openapi $described base=/described;
    location /described/reports { guard_csp_report rate=1000 total=10000; }
    location /described/metrics { guard_metrics; }
    location /described/asked { guard_openapi $described base=/described; guard_csp_report; }
}
EOA
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_headers api;
location /csp { guard_csp_report rate=1000 total=10000; }
location /spooled { client_body_buffer_size 1k; guard_csp_report rate=1000 total=10000; }
location /query { guard_event_privacy query=on; guard_csp_report rate=1000 total=10000; }
location /small { guard_csp_report size=1k rate=1000 total=10000; }
location /few { guard_csp_report rate=3 total=10000; }
location /soon { guard_csp_report rate=1000 total=10000 window=4s; }
location /strict { guard_csrf on; guard_json on; guard_csp_report rate=1000 total=10000; }
EOC
);

# The two kinds of bodies, with what Chromium and Firefox put into them.
sub single {
    my (%word) = @_;
    return $json->encode({ 'csp-report' => {
        'document-uri' => 'https://app.example/page?session=1#top', 'referrer' => '', 'violated-directive' => 'script-src-elem',
        'effective-directive' => 'script-src-elem', 'original-policy' => "script-src 'self'", 'disposition' => 'enforce',
        'blocked-uri' => 'https://evil.example/x.js?steal=1', 'line-number' => 7, 'column-number' => 3,
        'source-file' => 'https://app.example/own.js?v=1', 'status-code' => 200, 'script-sample' => 'secret()', %word } });
}

sub violation {
    my (%word) = @_;
    return { age => 3, type => 'csp-violation', url => 'https://app.example/page', user_agent => 'Browser/1', body => {
        documentURL => 'https://app.example/page?session=1', blockedURL => 'inline', effectiveDirective => 'script-src-elem',
        originalPolicy => "script-src 'self'", disposition => 'enforce', statusCode => 200, lineNumber => 9, columnNumber => 1,
        sourceFile => 'https://app.example/page?session=1', sample => 'secret()', referrer => '', %word } };
}
my ($single, $list) = ('application/csp-report', 'application/reports+json');

my $clients = 0;
sub post {
    my ($target, $type, $body, %word) = @_;
    my $client = delete $word{client} // '10.0.' . ++$clients . '.1';
    my @headers = (@{ delete $word{headers} // [] }, "X-Client: $client");
    push @headers, "Content-Type: $type" if defined $type;
    return request($nginx->port, POST => $target, headers => \@headers, body => $body, %word);
}

# The events that a request brings about: (status, events).
my $told = 0;
sub told {
    my $response = post(@_);
    my @events;
    wait_for(sub { @events = events_of($nginx, qr/^csp_violated/); @events > $told }) if $response->{code} == 204;
    my @new = @events[$told .. $#events];
    $told += @new;
    return ($response->{code}, @new);
}

# The whole line.
my ($status, $event) = told('/csp?q=1', "$single; charset=utf-8", single(), client => '10.1.2.3', headers => ['User-Agent: Browser/1', 'Host: app.example']);
is $status, 204, 'a report is taken';
delete @{$event}{qw(@timestamp observer process)};
like delete $event->{http}{request}{id}, qr/^[0-9a-f]{32}$/, 'with a request id';
like delete $event->{http}{request}{body}{bytes}, qr/^[45]\d\d$/, 'and the size of the body';
like delete $event->{event}{sequence}, qr/^\d+$/, 'and a number';
delete $event->{source}{port};
is_deeply $event, {
    log        => { level => 'notice' },
    event      => { kind => 'event', module => 'guard', dataset => 'guard.events', action => 'csp-violation', category => ['web'], type => ['info'],
        outcome => 'unknown', severity => 5, reason => 'A browser blocked what the policy does not allow' },
    source     => { ip => '10.1.2.3' },
    url        => { original => 'https://app.example/page', path => '/csp', domain => 'app.example', scheme => 'http' },
    http       => { version => '1.1', request => { method => 'POST', body => {} }, response => { status_code => 204 } },
    user_agent => { original => 'Browser/1' },
    labels     => { kind => 'csp_violated', blocked_uri => 'https://evil.example/x.js',
        source_url => 'https://app.example/own.js', source_line => '7', effective_directive => 'script-src-elem', disposition => 'enforce' },
    ecs => { version => '9.4.0' },
}, 'its event is this, without queries, and no sample';

($status, $event) = told('/query', $single, single('document-uri' => 'https://app.example/query?session=1#top'));
is_deeply [$event->{url}{original}, @{ $event->{labels} }{qw(blocked_uri source_url)}], ['https://app.example/query?session=1', 'https://evil.example/x.js?steal=1',
    'https://app.example/own.js?v=1'], 'with query=on their queries, never fragments';

# The Reporting API: several in one body, of which only those of CSP count.
is post('/csp', $list, $json->encode([
    violation(), violation(blockedURL => 'eval', disposition => 'report'), { type => 'deprecation', body => { id => 'x' } },
    violation(blockedURL => 'data', effectiveDirective => 'img-src', sourceFile => undef, lineNumber => undef) ]))->{code}, 204, 'a list is taken';
my @events;
wait_for(sub { @events = events_of($nginx, qr/^csp_violated/); @events >= 5 });
@events = @events[2 .. 4];
$told = 5;
my %labels = (kind => 'csp_violated', source_url => 'https://app.example/page', source_line => '9',
    effective_directive => 'script-src-elem', disposition => 'enforce');
is_deeply [map { $_->{labels} } @events], [
    { %labels, blocked_uri => 'inline' }, { %labels, blocked_uri => 'eval', disposition => 'report' },
    { (map { $_ => $labels{$_} } qw(kind disposition)), blocked_uri => 'data', effective_directive => 'img-src' },
], 'and each violation is an event';
is_deeply [map { $_->{url}{original} } @events], [('https://app.example/page') x 3], 'of its page';
is $events[1]{event}{reason}, 'A browser would have blocked what the policy does not allow', 'of a policy that only reports too';

# Told once, whatever the query; a body that nginx has spooled; other policies in front.
my $twice = my $report = single('document-uri' => 'https://app.example/twice?1');
is scalar(told('/csp', $single, $report)), 1, 'the first of two is told';
is post('/csp', $single, single('document-uri' => 'https://app.example/twice?2'))->{code}, 204, 'the second is taken';
($status, $event) = told('/spooled', $single, single('document-uri' => 'https://app.example/spooled', 'original-policy' => 'x' x 20_000));
is "$status $event->{url}{original}", '204 https://app.example/spooled', 'the next event is another: a body in a file';
($status, $event) = told('/strict', $list, $json->encode([violation(documentURL => 'https://app.example/strict')]), headers => ['Sec-Fetch-Site: same-origin']);
is "$status $event->{url}{original}", '204 https://app.example/strict', 'behind guard_csrf and guard_json';
is post('/strict', $list, $json->encode([violation()]), headers => ['Sec-Fetch-Site: cross-site'])->{code}, 403, 'where others may not report';

# What Guard answers itself reaches no application, and is not searched.
($status, $event) = told('/inspected/reports', $list, $json->encode([violation(documentURL => 'https://app.example/inspected')]));
is "$status $event->{url}{original}", '204 https://app.example/inspected', 'behind guard_inspect';
is request($nginx->port, GET => $_->[0])->{code}, $_->[1], "GET $_->[0]" for ['/inspected/metrics', 200], ['/inspected/page', 403];
is post('/inspected/asked', $list, $json->encode([violation()]))->{code}, 403, 'unless it is said there';

# Nor held to what an application takes.
for my $where ('json', 'described') {
    ($status, $event) = told("/$where/reports", $single, single('document-uri' => "https://app.example/$where"));
    is "$status " . ($event->{url}{original} // ''), "204 https://app.example/$where", "below guard_json required, or guard_openapi: $where";
}
is request($nginx->port, GET => $_->[0])->{code}, $_->[1], "GET $_->[0]" for ['/described/metrics', 200], ['/described/page', 404];
is post($_->[0], $single, single())->{code}, $_->[1], "$_->[0]: unless it is said there" for ['/json/asked', 415], ['/described/asked', 404];

# What was not told is counted.
$report = single('document-uri' => 'https://app.example/soon');
($status, $event) = told('/soon', $single, $report);
ok !exists $event->{labels}{count}, 'the first event stands for one report';
my $sent = 1;
is post('/soon', $single, $report)->{code}, 204, 'the second one within the window is none';
ok wait_for(sub { $sent++; post('/soon', $single, $report); events_of($nginx, qr/^csp_violated/) > $told }), 'when the window is over, there is one more';
$event = (events_of($nginx, qr/^csp_violated/))[$told++];
cmp_ok $event->{labels}{count}, '>=', 2, 'which says for how many it stands';
cmp_ok $event->{labels}{count}, '<=', $sent, 'and not for more than there were';

# Hostile and broken bodies: none of them is an event.
my $before = $told;
my @bad = (
    [411, $single, '', 'nothing'], [400, $single, '{', 'half a body'], [400, $single, '[]', 'another kind of JSON'], [400, $single, 'null', 'null'],
    [400, $single, '{"csp-report":[]}', 'no object'], [400, $single, "{\"csp-report\":{\"document-uri\":\"\xff\"}}", 'no UTF-8'],
    [400, $single, '{"csp-report":{"document-uri":"a","document-uri":"b"}}', 'a name twice'],
    [400, $single, ('[' x 5000), 'brackets'], [400, $single, ('{"a":' x 20) . '1' . ('}' x 20), 'too deep'],
    [400, $single, '{"csp-report":{' . join(',', map { "\"m$_\":1" } 1 .. 2001) . '}}', 'too many names'],
    [400, $list, '{}', 'a list that is none'], [400, $list, '[1]', 'a list of numbers'], [400, $list, '[' . join(',', ('{}') x 201) . ']', 'too many reports'],
    [204, $single, '{"csp-report":{}}', 'nothing in it'], [204, $list, '[]', 'an empty list'], [204, $list, '[{"type":"csp-violation"}]', 'no body'],
    [204, $list, '[{"type":"csp-violation","body":7}]', 'a number for a body'],
    [204, $single, single('document-uri' => ''), 'no page'], [204, $single, single('document-uri' => 'https://user:pw@app.example/'), 'a password in the page'],
    [204, $single, single('effective-directive' => "x\"y\n", 'violated-directive' => 'A' x 100), 'no directive'],
    [204, $single, single('blocked-uri' => 'chrome-extension'), 'what an extension did'],
    [204, $single, single('source-file' => 'moz-extension://1234/x.js'), 'and Firefox\'s'],
    [415, undef, single(), 'no type'], [415, 'application/json', single(), 'another type'], [415, 'text/plain', single(), 'one that needs no preflight'],
    [413, $single, 'x' x 70_000, 'too large'],
);
for my $case (@bad) {
    my ($expected, $type, $body, $name) = @$case;
    is post('/csp', $type, $body)->{code}, $expected, "$name: $expected";
}
is post('/small', $single, single('blocked-uri' => 'chrome-extension'))->{code}, 204, 'up to size=';
is post('/small', $single, single('original-policy' => 'x' x 1000))->{code}, 413, 'and not beyond';
is scalar(told('/csp', $single, single('document-uri' => 'https://app.example/after'))), 1, 'afterwards there is one more event';
is $told, $before + 1, 'and none of those before it was one';

my $response = request($nginx->port, GET => '/csp');
is "$response->{code} " . (header_of($response->{fields}, 'Allow') // ''), '405 POST', 'only POST';
is post('/csp', $single, "5\r\nhello\r\n0\r\n\r\n", headers => ['Transfer-Encoding: chunked'])->{code}, 411, 'a body of unknown size is not read';
my $two = request_raw($nginx->port, join('', map { "POST /csp HTTP/1.1\r\nHost: a\r\nContent-Type: $_\r\nContent-Length: 17\r\n\r\n{\"csp-report\":{}}" } 'text/html', $single), expect => 2);
is join(' ', map { $_->{code} } @{ $two->{responses} }), '415 204', 'what is refused does not spoil the connection';

# A body that comes in pieces, and one whose sender goes away.
{
    my $body = single('document-uri' => 'https://app.example/pieces');
    my $head = "POST /spooled HTTP/1.1\r\nHost: a\r\nX-Client: 10.8.8.8\r\nContent-Type: $single\r\nContent-Length: " . length($body) . "\r\n\r\n";
    my $gone = connect_to(port => $nginx->port)->{socket};
    $gone->print($head, substr $body, 0, 100);
    close $gone;
    my $slow = request_raw($nginx->port, [$head . substr($body, 0, 100), { value => substr($body, 100, 100), delay_before => 0.05 }, { value => substr($body, 200), delay_before => 0.05 }]);
    is $slow->{responses}[0]{code}, 204, 'a body in pieces';
    wait_for(sub { events_of($nginx, qr/^csp_violated/) > $told });
    is scalar(my @got = events_of($nginx, qr/^csp_violated/)), ++$told, 'is one event, and half a body is none';
}

# What a report holds cannot break the line.
($status, $event) = told('/csp', $single, single('document-uri' => "https://app.example/\x{0}\x{1f}\"\\\n{\"labels\":{}}" . ('y' x 5000)));
like $event->{url}{original}, qr{^https://app\.example/\0\x1f"\\\n\{"labels":\{\}\}y+\x{2026}$}, 'a wild URL is escaped and cut';
is $event->{labels}{truncated}, 'url.original', 'which the line says';

# Each client has its own rate.
my @statuses = map { post('/few', $single, single('document-uri' => "https://app.example/few/$_"), client => '10.9.9.9')->{code} } 1 .. 5;
is "@statuses", '204 204 204 429 429', 'so many events in a minute for one client';
$response = post('/few', $single, 'x', client => '10.9.9.9');
like header_of($response->{fields}, 'Retry-After'), qr/^(?:[1-5]?\d|60)$/, 'then the browser is told to wait';
is post('/few', $single, single('document-uri' => 'https://app.example/few/6'), client => '10.9.8.8')->{code}, 204, 'another client is heard';
@statuses = map { post('/few', $single, single('document-uri' => 'https://app.example/few/same'), client => '10.9.7.7')->{code} } 1 .. 9;
is "@statuses", join(' ', (204) x 9), 'the same again and again costs nothing of it';

# A reload forgets nothing.
$nginx->hup;
is post('/few', $single, 'x', client => '10.9.9.9')->{code}, 429, 'after a reload the rate holds';
is post('/csp', $single, $twice)->{code}, 204, 'and what was told';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
is scalar(grep { ($_->{url}{original} // '') eq 'https://app.example/twice' } events_of($nginx, qr/^csp_violated/)), 1, 'is not told again';
is scalar(grep { !defined } @{ (read_events($nginx->log_file('events.log')))[0] }), 0, 'every line is JSON';

# All clients together, from two workers.
$nginx = start_nginx(
    no_root_location => 1,
    workers          => 2,
    config           => <<'EOC',
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_event_log $TEST_NGINX_EVENT_LOG;
location / { guard_csp_report rate=1 total=10; }
EOC
);
my %count;
$count{ post('/', $single, single('document-uri' => "https://app.example/$_"), client => "10.$_.0.1")->{code} }++ for 1 .. 30;
is_deeply \%count, { 204 => 10, 429 => 20 }, 'no more than total= in a minute';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
is scalar(my @all = events_of($nginx, qr/^csp_violated/)), 10, 'which are the events';

done_testing;
