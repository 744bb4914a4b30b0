# Every published kind of event: a real request, or what else causes it, and the exact line.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $upstream = start_upstream("status 401\nbody no");
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
    my $event_kind = $category =~ /intrusion_detection/ ? 'alert' : 'event';
    my $says = join '', map { defined $more{$_} ? qq(,"$_":"$more{$_}") : () } qw(code reason);
    return qq({"\@timestamp":"<time>","log":{"level":"$level"},"event":{"kind":"$event_kind","module":"guard","dataset":"guard.events",)
        . qq("action":"$action","category":${\ $list->($category)},"type":${\ $list->($type)},"outcome":"$outcome","severity":$severity,"sequence":<number>$says},)
        . (defined $more{rule} ? qq("rule":{"name":"$more{rule}"},) : '')
        . (defined $more{user} ? qq("user":{"$more{user}"},) : '')
        . ($more{worker} ? '' : qq("source":{"ip":"127.0.0.1","port":<number>},"url":{"path":"$more{path}","domain":"localhost","scheme":"http"},)
            . qq("http":{"version":"1.1","request":{"id":"<id>","method":") . ($more{method} // 'GET') . '"'
            . (defined $more{bytes} ? qq(,"body":{"bytes":$more{bytes}}) : '')
            . qq(},"response":{"status_code":$more{status}}},)
            . qq("user_agent":{"original":"kinds/1"},))
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
        event_of('schema_violated', 'warning', 4, 'schema-violation', 'api,web', 'denied', 'success', code => 'openapi.parameter', reason => 'a parameter is not as the API wants it', path => '/openapi/', status => 422, labels => ',"decision":"denied","route":"GET /openapi/"')],
    ['guard_openapi api.json base=/response responses=enforce; types { } default_type application/json; alias conf/; index api.json;', [GET => '/response/'],
        event_of('response_violated', 'error', 3, 'response-violation', 'api,web', 'error', 'failure', code => 'openapi.response', reason => 'must be an integer', path => '/response/', status => 502, labels => ',"decision":"denied","route":"GET /"')],
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

my @got = $lines->();
is scalar(@got), scalar(@expected), 'as many lines as were expected';
for my $i (0 .. $#expected) {
    my ($kind) = $expected[$i] =~ /"labels":\{"kind":"(\w+)"/;
    my $like = line_like($expected[$i]);
    like $got[$i] // '', $like, "the line of $kind";
}
done_testing;
