# Every published kind of event: a real request, or what else causes it, and the exact line.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use POSIX qw(mkfifo);
use Test::Nginx::Guard;
use Test::Nginx::Guard::Clamd   qw(start_fake_clamd);
use Test::Nginx::Guard::Uploads qw(form);

my $upstream = start_upstream("status 401\nbody no");
my $taker    = start_upstream('body taken');
my $redis    = start_redis();
my $document = '{"openapi":"3.1.0","info":{"title":"a","version":"1"},"paths":{"/openapi/":{"get":{"parameters":[{"name":"n","in":"query","schema":{"type":"integer"}}]}},'
    . '"/":{"get":{"responses":{"200":{"description":"a","content":{"application/json":{"schema":{"type":"integer"}}}}}}}}}';

# What of a line differs from run to run, as a pattern.
my %part = (
    time   => qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/,
    id     => qr/[0-9a-f]{32}/,
    hash   => qr/[0-9a-f]{32}/,
    key    => qr/[0-9a-f]{16}/,
    number => qr/\d+/,
    any    => qr/[^"\\]+/,
    rest   => qr/"observer":\{"vendor":"Guard","product":"Guard","type":"waf","version":"[0-9.]+","hostname":"[^"]+"\},"process":\{"pid":\d+,"entity_id":"\d+-\d+"\},"ecs":\{"version":"9\.4\.0"\}\}/,
);

sub line_like {
    my ($text) = @_;
    my $pattern = join '', map { /\A<(\w+)>\z/ ? $part{$1} // die "no part $1\n" : quotemeta } split /(<\w+>)/, $text;
    return qr/\A$pattern\n\z/;
}

# [kind, level, severity, action, categories, types, outcome]
sub event_of {
    my ($kind, $level, $severity, $action, $category, $type, $outcome, %more) = @_;
    my $list = sub { '[' . join(',', map { qq("$_") } split /,/, $_[0]) . ']' };
    my $page = defined $more{page} ? qq("original":"$more{page}",) : '';
    my $rule = defined $more{rule_id} ? qq("rule":{"id":$more{rule_id}},) : defined $more{rule} ? qq("rule":{"name":"$more{rule}"},) : '';
    my $threat = $kind eq 'injection_detected' ? '"threat":{"framework":"MITRE ATT&CK","technique":{"id":["T1190"]}},' : '';
    my $event_kind = $category =~ /intrusion_detection/ ? 'alert' : 'event';
    my $says = join '', map { defined $more{$_} ? qq(,"$_":"$more{$_}") : () } qw(code reason);
    $says .= qq(,"risk_score":$more{score}) if defined $more{score};
    $says .= ',"end":"<time>"'              if $more{end};
    # Whom realip has found has no port unless the proxy says it.
    my $source = defined $more{ip} ? qq("ip":"$more{ip}") : '"ip":"127.0.0.1","port":<number>';
    return qq({"\@timestamp":"<time>","log":{"level":"$level"},$threat"event":{"kind":"$event_kind","module":"guard","dataset":"guard.events",)
        . qq("action":"$action","category":${\ $list->($category)},"type":${\ $list->($type)},"outcome":"$outcome","severity":$severity,"sequence":<number>$says},)
        . $rule . (defined $more{message} ? qq("error":{"message":"$more{message}"},) : '')
        . (defined $more{user} ? qq("user":{"$more{user}"},) : '')
        . ($more{worker} ? '' : qq("source":{$source},"url":{$page"path":"$more{path}","domain":"localhost","scheme":"http"},)
            . qq("http":{"version":"1.1","request":{"id":"<id>","method":") . ($more{method} // 'GET') . '"'
            . (defined $more{bytes} ? qq(,"body":{"bytes":$more{bytes}}) : '')
            . qq(},"response":{"status_code":$more{status}}},)
            . qq("user_agent":{"original":"kinds/1"},))
        . (defined $more{file} ? qq("file":{$more{file}},) : '')
        . qq("labels":{"kind":"$kind") . ($more{labels} // '') . qq(},<rest>);
}

my @of_application = (
    ['login_failed', 'warning', 4, 'login', 'authentication', 'start', 'failure'],
    ['login_succeeded', 'info', 6, 'login', 'authentication,session', 'start', 'success'],
    ['logout', 'info', 6, 'logout', 'authentication,session', 'end', 'success'],
    ['account_locked', 'warning', 4, 'account-locked', 'iam,authentication', 'user,change', 'success'],
    ['account_unlocked', 'notice', 5, 'account-unlocked', 'iam,authentication', 'user,change', 'success'],
    ['password_reset_requested', 'notice', 5, 'password-reset-requested', 'iam', 'user,change', 'success'],
    ['password_changed', 'notice', 5, 'password-changed', 'iam', 'user,change', 'success'],
    ['token_refreshed', 'info', 6, 'token-refresh', 'authentication,session', 'start,info', 'success'],
    ['token_refused', 'warning', 4, 'token-refused', 'authentication,api', 'start,denied', 'failure'],
    ['key_refused', 'warning', 4, 'key-refused', 'authentication,api', 'start,denied', 'failure'],
    ['file_uploaded', 'info', 6, 'file-upload', 'file,web', 'creation', 'success'],
    ['file_refused', 'warning', 4, 'file-refused', 'intrusion_detection,file,web', 'denied', 'success'],
    ['x_own', 'notice', 5, 'x_own', 'web', 'info', 'unknown'],
);

# [location's lines, request, expected line]
my @cases = map {
    my @kind = @$_;
    ["guard_event $kind[0] on=401 user=\$arg_user; proxy_pass http://127.0.0.1:$upstream->{port};", [GET => "/$kind[0]/?user=ada"],
        event_of(@kind, path => "/$kind[0]/", status => 401, user => 'hash":"<hash>')];
} @of_application;
push @cases,
    ['proxy_pass http://127.0.0.1:1;', [GET => '/failed/'],
        event_of('upstream_failed', 'error', 3, 'upstream-failed', 'web', 'error', 'failure', reason => 'The application gave no valid answer', path => '/failed/', status => 502)],
    ['guard_https require; root html;', [GET => '/https/'],
        event_of('https_refused', 'notice', 5, 'https-refused', 'network,web', 'denied', 'success', code => 'https.required', reason => 'This resource is only available over HTTPS', path => '/https/', status => 403, labels => ',"decision":"denied"')],
    ['guard_path strict; root html;', [GET => '/path/a%2fb'],
        event_of('path_refused', 'warning', 4, 'path-refused', 'intrusion_detection,web', 'denied', 'success', code => 'path.ambiguous', reason => 'the path holds an encoded slash (%2F)', path => '/path/a%2fb', status => 400, labels => ',"decision":"denied"')],
    ['guard_json required; root html;', [POST => '/json/', body => '{"a":1,"a":2}', headers => ['Content-Type: application/json']],
        event_of('json_refused', 'warning', 4, 'json-refused', 'api,web', 'denied', 'success', code => 'json.duplicate_key', reason => 'an object has two members of the same name at byte 7', path => '/json/', method => 'POST', bytes => 13, status => 400, labels => ',"decision":"denied","json_pointer":"/a"')],
    ['guard_openapi api.json; root html;', [GET => '/openapi/?n=x'],
        event_of('schema_violated', 'warning', 4, 'schema-violation', 'api,web', 'denied', 'success', code => 'openapi.parameter', reason => 'a parameter is not as the API wants it', rule_id => '"api.json"', message => 'must be an integer', path => '/openapi/', status => 422, labels => ',"decision":"denied","route":"GET /openapi/"')],
    ['guard_openapi api.json base=/response responses=enforce; types { } default_type application/json; alias conf/; index api.json;', [GET => '/response/'],
        event_of('response_violated', 'error', 3, 'response-violation', 'api,web', 'error', 'failure', code => 'openapi.response', reason => 'must be an integer', rule_id => '"api.json"', path => '/response/', status => 502, labels => ',"decision":"denied","route":"GET /"')],
    ['guard_rate none; root html;', [GET => '/rate/'],
        event_of('rate_limited', 'warning', 4, 'rate-limit-exceeded', 'api,web', 'denied,access', 'success', code => 'rate.none', reason => 'Rate policy \\"none\\" allows 1 request per day', rule => 'none', path => '/rate/', status => 429, labels => ',"decision":"denied","key_hash":"<key>"')];

my $config = join "\n", map {
    my ($lines, $request) = @$_;
    my ($name) = $request->[1] =~ m{^/(\w+)/};
    "location /$name/ { $lines }";
} @cases;
my $nginx = make_nginx();
$nginx->write_file('conf/api.json', $document);
my $glass = $nginx->root . '/glass';
my $log   = $nginx->log_file('events.log');
$nginx->configure(
    http_config => "guard_event_log $log;\nguard_redis main " . $redis->url . ";\nguard_break_glass $glass;\nguard_rate_policy none rate=1/day key=\$uri burst=1;",
    config => $config,
    no_root_location => 1
);
is $nginx->start, undef, 'nginx starts';

my @expected = (event_of('config_loaded', 'info', 6, 'config-loaded', 'configuration', 'info', 'success', worker => 1));
request($nginx->port, GET => '/rate/');
for my $case (@cases) {
    my (undef, $request, $line) = @$case;
    my ($method, $target, %word) = @$request;
    request($nginx->port, $method => $target, %word, headers => ['User-Agent: kinds/1', @{ $word{headers} // [] }]);
    push @expected, $line;
}

# Of the worker itself.
my $lines = sub { my ($events, $lines) = read_events($log); return @$lines };
my $happens = sub {
    my ($kind) = @_;
    ok wait_for(sub { grep { /"kind":"$kind"/ } $lines->() }, 10), $kind;
};
my $before = @expected;
ok wait_for(sub { $lines->() >= $before }, 5), 'all lines are written';
$nginx->write_file($glass, '');
$happens->('break_glass');
push @expected, event_of('break_glass', 'critical', 2, 'break-glass', 'configuration', 'change', 'success', reason => 'break glass is in force, everything only observes', worker => 1);
$redis->stop;
$happens->('redis_unavailable');
push @expected, event_of('redis_unavailable', 'error', 3, 'redis-unavailable', 'database', 'error', 'failure', reason => '<any>', rule => 'main', worker => 1);
$redis->start;
$happens->('redis_recovered');
push @expected, event_of('redis_recovered', 'notice', 5, 'redis-recovered', 'database', 'info', 'success', rule => 'main', worker => 1);
is $nginx->stop, undef, 'nginx stops';
is_deeply [log_problems($nginx)], [], 'log';

my %seen;

sub lines_are {
    my ($got, $expected) = @_;
    is scalar(@$got), scalar(@$expected), 'as many lines as were expected';
    for my $i (0 .. $#$expected) {
        my ($kind) = $expected->[$i] =~ /"labels":\{"kind":"(\w+)"/;
        my $like = line_like($expected->[$i]);
        like $got->[$i] // '', $like, "the line of $kind";
        $seen{$kind} = 1;
    }
    return;
}
lines_are([$lines->()], \@expected);

# What features tell of requests, and of what they watch.
{
    my $clamd  = start_fake_clamd();
    my $absent = free_port();
    my $second = make_nginx();
    my $root   = $second->root;
    my $record = $second->log_file('events.log');
    $second->write_file('conf/own.conf', qq{SecRule ARGS:a "\@rx ^b+\$" "id:1,phase:1,deny,tag:'attack-rce'"\n});
    $second->configure(
        http_config => <<"EOC",
guard_event_log $record;
guard_inspect_rules $root/conf/own.conf;
guard_lockout_policy once key=\$arg_user on=login_failed limit=1 window=1m duration=1m reset_on=login_succeeded account;
guard_ban_policy once score=1 half_life=1m duration=1h weights=404:1;
guard_rate_policy tiny rate=5/day key=\$arg_k zone=64k;
guard_health_check probe tcp://127.0.0.1:$absent interval=1s rise=1 fall=1;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
EOC
        config => <<"EOC",
root html;
location = /csp { guard_csp_report; }
location = /csrf { guard_csrf on; }
location = /cors { guard_cors https://a.example; }
location = /inspect { guard_inspect on; }
location = /lock { guard_lockout once; guard_event login_failed on=401 user=\$arg_user; proxy_pass http://127.0.0.1:$upstream->{port}; }
location = /unlock { guard_mode observe lockout; guard_lockout once; guard_event login_succeeded on=200 user=\$arg_user; proxy_pass http://127.0.0.1:$taker->{port}; }
location = /picture { guard_upload types=image/png; proxy_pass http://127.0.0.1:$taker->{port}; }
location = /text { guard_upload types=text/plain; proxy_pass http://127.0.0.1:$taker->{port}; }
location = /scan { guard_upload types=text/plain; guard_upload_scan unix:$root/clamd.sock; proxy_pass http://127.0.0.1:$taker->{port}; }
location = /ban { guard_ban once; }
location = /tiny { guard_rate tiny; error_log logs/tiny.log; }
EOC
        no_root_location => 1
    );
    is $second->start, undef, 'features: starts';
    my $ask = sub {
        my ($method, $target, $headers, @word) = @_;
        return request($second->port, $method => $target, headers => ['User-Agent: kinds/1', @$headers], @word);
    };
    my @alert  = ('intrusion_detection,web', 'denied', 'success');
    my $denied = ',"decision":"denied"';
    my $form   = ['Content-Type: multipart/form-data; boundary=b'];
    my $body   = form(['a.txt', 'some words of text']);
    my $file   = '"name":"a.txt","extension":"txt","size":18,"mime_type":"text/plain","hash":{"sha256":"00a3cb840da17829a4bd8032403a7b46f8628f1ce74d6ec2f399461001dd0eac"}';
    my $of     = ',"declared_type":"text/plain","scan"';

    $ask->(POST => '/csp', ['Content-Type: application/csp-report'], body => '{"csp-report":{"document-uri":"https://a.example/page?session=1",'
        . '"effective-directive":"script-src-elem","blocked-uri":"https://evil.example/x.js?steal=1","disposition":"enforce"}}');
    $ask->(POST => '/csrf', ['Sec-Fetch-Site: cross-site'], body => 'a=b');
    $ask->(OPTIONS => '/cors', ['Origin: https://evil.example', 'Access-Control-Request-Method: PUT']);
    $ask->(GET => '/inspect?a=bbb', []);
    $ask->(GET => '/lock?user=ada', []);
    $ask->(GET => '/unlock?user=ada', []);
    $ask->(POST => '/picture', $form, body => $body);
    $ask->(POST => '/text', $form, body => $body);
    $ask->(GET => '/ban', ['X-Client: 192.0.2.1']);
    $ask->(POST => '/scan', $form, body => $body) for 1 .. 5;
    my @of_requests = (
        event_of('csp_violated', 'notice', 5, 'csp-violation', 'web', 'info', 'unknown', reason => 'A browser blocked what the policy does not allow', path => '/csp', method => 'POST', bytes => 180, status => 204,
            page => 'https://a.example/page', labels => ',"blocked_uri":"https://evil.example/x.js","effective_directive":"script-src-elem","disposition":"enforce"'),
        event_of('csrf_refused', 'warning', 4, 'csrf-refused', @alert, code => 'csrf.cross_site', reason => 'the browser says that another site has sent the request', path => '/csrf', method => 'POST', bytes => 3, status => 403, labels => $denied),
        event_of('origin_refused', 'notice', 5, 'origin-refused', @alert, code => 'cors.origin', reason => 'the origin is not allowed', path => '/cors', method => 'OPTIONS', status => 403, labels => $denied),
        event_of('injection_detected', 'error', 3, 'rule-match', @alert, code => 'inspect.rce', reason => 'The request looks like an attack', path => '/inspect', status => 403, rule_id => '["1"]', labels => $denied),
        event_of('login_failed', 'warning', 4, 'login', 'authentication', 'start', 'failure', path => '/lock', status => 401, user => 'hash":"<hash>'),
        event_of('account_locked', 'warning', 4, 'account-locked', 'iam,authentication', 'user,change', 'success', code => 'lockout.once', reason => 'Locked for 60 seconds, lock 1 in a row', end => 1, rule => 'once', path => '/lock', status => 401,
            user => 'hash":"<hash>', labels => ',"key_hash":"<hash>"'),
        event_of('rate_limited', 'warning', 4, 'rate-limit-exceeded', 'api,web', 'allowed,access', 'success', code => 'lockout.once', reason => 'Wait before the next attempt', rule => 'once', path => '/unlock', status => 429,
            user => 'hash":"<hash>', labels => ',"decision":"observed","key_hash":"<hash>"'),
        event_of('login_succeeded', 'info', 6, 'login', 'authentication,session', 'start', 'success', path => '/unlock', status => 200, user => 'hash":"<hash>'),
        event_of('account_unlocked', 'notice', 5, 'account-unlocked', 'iam,authentication', 'user,change', 'success', code => 'lockout.once', reason => 'A success lifted the lock', rule => 'once', path => '/unlock', status => 200,
            user => 'hash":"<hash>', labels => ',"key_hash":"<hash>"'),
        event_of('file_refused', 'warning', 4, 'file-refused', 'intrusion_detection,file,web', 'denied', 'success', code => 'upload.type', reason => 'the type of a file is not allowed', path => '/picture', method => 'POST', bytes => 120, status => 415,
            file => '"name":"a.txt","extension":"txt"', labels => qq($denied$of:"none")),
        event_of('file_uploaded', 'info', 6, 'file-upload', 'file,web', 'creation', 'success', path => '/text', method => 'POST', bytes => 120, status => 200, file => $file, labels => qq($of:"none")),
        event_of('client_banned', 'error', 3, 'client-banned', 'intrusion_detection,network', 'denied', 'success', code => 'ban.once', reason => q{The client's score is over the policy's}, score => 1, end => 1, rule => 'once', ip => '192.0.2.1', path => '/ban', status => 404,
            labels => qq($denied,"key_hash":"<key>")),
        (event_of('scan_failed', 'error', 3, 'scan-failed', 'file,malware,web', 'error', 'failure', code => 'upload.scan', reason => 'the scanner cannot be reached', path => '/scan', method => 'POST', bytes => 120, status => 503,
            file => $file, labels => qq($denied$of:"failed"))) x 5
    );
    my @written;
    wait_for(sub { my (undef, $all) = read_events($record); @written = grep { /"http":/ } @$all; return @written >= @of_requests }, 10);
    lines_are(\@written, \@of_requests);

    # Of the worker, in whatever order.
    symlink $clamd->{socket}, "$root/clamd.sock" or die "clamd.sock: $!\n";
    for my $start (map { 500 * $_ } 0 .. 9) {
        request_raw($second->port, join('', map { "GET /tiny?k=$_ HTTP/1.1\r\nHost: localhost\r\n\r\n" } $start .. $start + 499), expect => 500);
    }
    my $socket = "unix:$root/clamd.sock";
    my @of_worker = (
        ['health_changed', 'error', 3, 'health-changed', 'host', 'info', 'unknown', reason => q{The check's verdict is fail now: connect() failed (111: Connection refused)}, rule => 'probe'],
        ['scanner_unavailable', 'error', 3, 'scanner-unavailable', 'malware', 'info', 'failure', reason => "connect() to $socket failed (2: No such file or directory)", rule => $socket],
        ['scanner_recovered', 'notice', 5, 'scanner-recovered', 'malware', 'info', 'success', rule => $socket],
        ['table_pressure', 'warning', 4, 'table-pressure', 'host', 'info', 'unknown', reason => 'The zone is too small: counts of clients that are still limited were given up', rule => 'tiny', labels => ',"count":"<number>"']
    );
    for my $event (@of_worker) {
        my @line;
        ok wait_for(sub { my (undef, $all) = read_events($record); (@line) = grep { /"kind":"$event->[0]"/ } @$all }, 10), $event->[0];
        lines_are([$line[0]], [event_of(@$event, worker => 1)]);
    }
    is $second->stop, undef, 'features: stops';
    is_deeply [log_problems($second, 'error')], [], 'features: log';
}

# Lines that could not be written, once they can.
{
    my $third  = make_nginx();
    my $record = $third->log_file('events.log');
    $third->configure(http_config => "guard_event_log $record;", config => 'guard_path strict; root html;', no_root_location => 1);
    mkfifo($record, 0600) or die "mkfifo: $!\n";
    is $third->start, undef, 'lost: starts';
    request_raw($third->port, join('', map { "GET /a%2fb HTTP/1.1\r\nHost: localhost\r\n\r\n" } 1 .. 100), expect => 100) for 1 .. 30;
    ok wait_for(sub { $third->log_text =~ /its lines are kept/ }, 10), 'lost: kept while there is room';
    sysopen my $pipe, $record, POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "$record: $!\n";
    my ($text, $line) = ('');
    ok wait_for(sub { while (sysread $pipe, my $piece, 65536) { $text .= $piece } ($line) = $text =~ /^(.*"events_lost".*\n)/m }, 10), 'lost: and then told';
    lines_are([$line], [event_of('events_lost', 'error', 3, 'events-lost', 'host', 'info', 'failure', reason => qq(Lines for \\"$record\\" could not be written), worker => 1, labels => ',"count":"<number>"')]);
    close $pipe;
    is $third->stop, undef, 'lost: stops';
}

# None is forgotten here: the vocabulary is that of the docs, which t/docs.t holds to the code.
open my $in, '<', 'docs/events.md' or die "docs/events.md: $!\n";
my @vocabulary = map { /^\| `(\w+)` \|.*\|.*\|.*\|.*\|.*\|.*\|/ ? $1 : () } <$in>;
close $in;
cmp_ok scalar @vocabulary, '>', 30, 'the vocabulary';
is_deeply [grep { !$seen{$_} } @vocabulary], [], 'each of its kinds was seen';
done_testing;
