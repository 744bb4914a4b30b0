# The files of conf.d, included as their comments say.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(time);
use Test::Nginx::Guard;

my $policies = dirname(__FILE__) . '/../conf.d';
my $nginx    = make_nginx(workers => 1);
my $root     = $nginx->root;
my $app      = start_upstream(
    sub {
        my ($request) = @_;
        my $status = $request->{body} =~ /"wrong password"/ ? '401 Unauthorized' : '200 OK';
        return "HTTP/1.1 $status\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\nfrom the application";
    },
    record => "$root/upstream"
);

symlink abs_path("$policies/schemas"), "$root/conf/schemas" or die "$root/conf/schemas: $!\n";

# The text of a policy; its files are put below the test's own root.
sub policy {
    my ($name) = @_;
    open my $in, '<', "$policies/$name.conf" or die "$name: $!\n";
    local $/;
    my $text = <$in>;
    $text =~ s{/var/log/nginx/}{$root/logs/}g;
    $text =~ s{/etc/nginx/guard-break-glass}{$root/break-glass};
    return $nginx->write_file("conf/$name.conf", $text);
}

my ($modules) = do { open my $in, '<', $nginx->conf_file or die; local $/; <$in> =~ /\A((?:load_module .*\n)*)/ };
my $head = join "\n", $> == 0 ? 'user root;' : '', 'daemon off;', 'worker_processes 1;',
    "pid $root/logs/nginx.pid;", 'events { worker_connections 128; }';
my $logs_and_temp = join ' ', "access_log $root/logs/access.log;",
    map { "${_}_temp_path $root/${_}_temp;" } qw(client_body proxy fastcgi uwsgi scgi);

sub configure {
    my ($http, $server) = @_;
    $nginx->write_file('conf/nginx.conf', sprintf <<'END', $modules, $head, $logs_and_temp, $http, $app->port, $nginx->port, $server);
%s%s
http {
    %s
    %s
    upstream coreconnect_app { server 127.0.0.1:%d; keepalive 4; }
    server { listen 127.0.0.1:%d; server_name localhost; %s }
}
END
    return;
}

sub includes { return join ' ', map { 'include ' . policy($_) . ';' } @_ }

sub curl { my ($words) = @_; return scalar `curl -s -i --max-time 10 $words` }
my $base = 'http://127.0.0.1:' . $nginx->port;

my $proxy = 'location / { proxy_pass http://coreconnect_app; }';
for my $env ('env-development', 'env-production') {
    for my $case (['guard', $proxy], ['coreconnect', includes('coreconnect-locations')]) {
        my ($name, $server) = @$case;
        configure(includes($name, $env), $server);
        my ($status, $text) = $nginx->test_config;
        is($status, 0, "$name with $env is accepted") or diag($text);
        unlike($text, qr/\[(?:warn|alert|crit|emerg)\]/, "$name with $env: without a warning");
    }
}

configure(includes('guard'), $proxy);
is($nginx->start, undef, 'guard.conf by itself: nginx starts');
my $page = curl("$base/");
like($page, qr{\AHTTP/1\.1 200 .*from the application}s, 'the application is there');
like($page, qr/^$_\r$/mi, 'with fields') for 'X-Content-Type-Options: nosniff', 'X-Frame-Options: deny', 'Referrer-Policy: same-origin';
like(curl("--json '{' $base/"), qr{\AHTTP/1\.1 400 .*json\.syntax}s, 'broken JSON is refused');
like(curl("-d a=b $base/"), qr{\AHTTP/1\.1 200 }, 'a form is not');
like(curl("--path-as-is $base/a%2f..%2fb"), qr{\AHTTP/1\.1 400 .*path\.ambiguous}s, 'an ambiguous path is refused');
is($nginx->stop, undef, 'nginx stops');
my ($events) = read_events("$root/logs/guard-events.json");
is_deeply([sort grep { defined } map { $_->{event}{code} } @$events], ['json.syntax', 'path.ambiguous'], 'both are events');

unlink "$root/logs/guard-events.json";
my $locations = includes('coreconnect-locations');
configure(includes('coreconnect', 'env-development'), "guard_https off; $locations");
is($nginx->start, undef, 'coreconnect.conf with env-development.conf: nginx starts');
my $login = '{"email":"ann@example.com","password":"guess"}';
my @status = map { curl("--json '$login' '$base/api/auth/login?n=$_'") =~ m{\AHTTP/1\.1 (\d+)} } 1 .. 7;
is_deeply(\@status, [(200) x 7], 'nothing is refused');
my @hostile = (["/a\xff?q", 'localhost', "a\xc3"], ["/b/\xc3\xa9", "b\xff.example", "b\xc3\xa9"], ['/c', "\xc3\xa9", "\xff"], ['/d', 'localhost', "d\t\"\\"]);
for my $case (@hostile) {
    my ($path, $host, $text) = @$case;
    my $answer = request_raw($nginx->port, "GET $path HTTP/1.1\r\nHost: $host\r\nReferer: $text\r\nUser-Agent: $text\r\nConnection: close\r\n\r\n");
    is($answer->{responses}[0]{code}, 200, 'bytes that are not UTF-8 pass here');
}
is($nginx->stop, undef, 'nginx stops');
($events) = read_events("$root/logs/guard-events.json");
my @observed = grep { ($_->{event}{code} // '') eq 'rate.auth' && $_->{labels}{decision} eq 'observed' } @$events;
# One event a client and period says it.
is(@observed, 1, 'but recorded');
is($observed[0]{url}{query}, 'n=6', 'with the query');
is_deeply([map { $_->{labels}{kind} } grep { exists $_->{user} } @$events], [('login_succeeded') x 7], 'each login is an event about somebody');
my @accesses = map { decode_json($_) } split /\n/, $nginx->log_text('coreconnect-access.json');
is_deeply([map { $_->{guard_verdict} } splice @accesses, 0, 7], [('passed') x 5, ('observed') x 2], 'also in the access log');
is_deeply([map { [@$_{qw(path host referrer user_agent)}] } @accesses],
    [['/a', 'localhost', 'a', 'a'], ['/b/', 'b', 'b', 'b'], ['/c', '', '', ''], ['/d', 'localhost', ("d\t\"\\") x 2]],
    'which is UTF-8, whatever clients send');

configure(includes('coreconnect', 'env-production'), "guard_https off; $locations");
is($nginx->start, undef, 'coreconnect.conf with env-production.conf: nginx starts');
# What an endpoint does not take: each schema, once.
for my $case (
    ['POST', 'items', '{"title":""}', '#/title'], ['POST', 'items', '{"title":"a","owner":1}', '#/owner'],
    ['PUT', 'items/1', '{"title":"a","done":"yes"}', '#/done'], ['PUT', 'items/1', '{"title":"a"}', '#'],
    ['POST', 'auth/refresh', '{"refresh_token":"a b"}', '#/refresh_token'],
) {
    my ($method, $path, $body, $pointer) = @$case;
    like(curl("-X $method --json '$body' $base/api/$path"), qr{\AHTTP/1\.1 422 .*"code":"json\.schema".*"pointer":"\Q$pointer\E"}s,
        "$method $path: $body is refused");
}
like(curl("-X PUT --json '{\"title\":\"a\",\"done\":true}' $base/api/items/1"), qr{\AHTTP/1\.1 200}, 'a change as it should be passes');
like(curl("-X DELETE $base/api/items/1"), qr{\AHTTP/1\.1 200}, 'and so does DELETE, without a body');
is($nginx->stop, undef, 'nginx stops');

# A WebSocket, by the location of docs/operations.md: the handshake is handed on, no other Upgrade, and none from elsewhere.
{
    open my $in, '<', dirname(__FILE__) . '/../docs/operations.md' or die "operations.md: $!\n";
    my ($location) = do { local $/; <$in> } =~ /^## WebSockets\n.*?^```nginx server\n(.*?)^```$/ms;
    $location =~ s{http://127\.0\.0\.1:5000}{http://coreconnect_app};
    my $from = 'curl -s -o /dev/null --max-time 10 -H "Connection: Upgrade" -H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="';
    configure(includes('coreconnect', 'env-production'), "guard_https off; $locations $location");
    is($nginx->start, undef, 'coreconnect.conf with a WebSocket: nginx starts');
    my $upgraded = sub {
        my ($words) = @_;
        unlink "$root/upstream";
        my $code = `$from -w '%{http_code}' $words`;
        my @fields = sort map { lc "$_->[0]: $_->[1]" } grep { $_->[0] =~ /^(?:Upgrade|Connection|X-Forwarded-Proto)\z/i } map { @{ $_->{fields} } } @{ $app->requests };
        return join ' | ', $code, @fields;
    };
    my $handshake = 'connection: upgrade | upgrade: websocket | x-forwarded-proto: http';
    is($upgraded->("-H 'Upgrade: websocket' $base/socket"), "200 | $handshake", 'a handshake');
    is($upgraded->("-H 'Upgrade: h2c' $base/socket"), "200 | $handshake", 'which is of a WebSocket, whatever the client says');
    is($upgraded->("-H 'Upgrade: websocket' -H 'Sec-Fetch-Site: cross-site' $base/socket"), '403', 'not of another site');
    is($upgraded->("-H 'Upgrade: websocket' $base/"), '200 | x-forwarded-proto: http', 'elsewhere it is handed on as a plain request');
    is($nginx->stop, undef, 'nginx stops');
}

# The operator's call of docs/directives.md, as it is written there.
configure(includes('coreconnect', 'env-production'), $locations);
is($nginx->start, undef, 'coreconnect.conf with env-production.conf: it starts with HTTPS alone');
like(curl("$base/"), qr{\AHTTP/1\.1 301 }, 'which is where plain HTTP leads');
like(curl("-X DELETE 'http://localhost:@{[ $nginx->port ]}/guard/lockouts?account=ann\@example.com'"), qr{\AHTTP/1\.1 404 .*"lockouts":\[\]}s,
    'but not where an operator on the machine asks for locks');
is($nginx->stop, undef, 'nginx stops');

configure(includes('coreconnect', 'env-production'), "guard_https off; $locations");
is($nginx->start, undef, 'coreconnect.conf with env-production.conf: it starts again, with new budgets');
my $guess = qq(--json '{"email":"ann\@example.com","password":"wrong password"}' $base/api/auth/login);
my @codes = map { curl($guess) =~ m{\AHTTP/1\.1 (\d+)} } 1 .. 6;
is_deeply(\@codes, [(401) x 5, 429], 'the sixth guess at a password is refused');
@codes = map { curl(qq(--json '{"email":"ann\@example.com"}' $base/api/auth/password-reset)) =~ m{\AHTTP/1\.1 (\d+)} } 1 .. 4;
is_deeply(\@codes, [200, 200, 200, 429], 'the fourth password reset is refused');
@codes = map { curl("-F a=b $base/api/upload") =~ m{\AHTTP/1\.1 (\d+)} } 1 .. 11;
is_deeply(\@codes, [(200) x 10, 429], 'the eleventh upload is refused');
# A burst of a hundred, and what comes back while they are made.
my $began = time;
my @many = split /\n/, `curl -s -o /dev/null -w '%{http_code}\n' '$base/api/items?n=[1-120]'`;
my $most = 100 + (time - $began) * 100 / 60 + 1;
is_deeply([@many[0 .. 99]], [(200) x 100], 'a hundred calls pass');
cmp_ok(scalar(grep { $_ == 200 } @many), '<=', $most, 'and no more than come back');
is_deeply([grep { $_ != 200 && $_ != 429 } @many], [], 'the others are refused');
$nginx->write_file("$root/break-glass", '');
ok(wait_for(sub { curl("-F a=b $base/api/upload") =~ m{\AHTTP/1\.1 200} }, 5), 'nothing is, once the glass is broken');
is($nginx->stop, undef, 'nginx stops');
($events) = read_events("$root/logs/guard-events.json");
my %kinds;
$kinds{ $_->{labels}{kind} }++ for @$events;
is($kinds{login_failed}, 5, 'what the application answered of logins');
is_deeply([map { "$_->{event}{code}: $_->{event}{reason}" } grep { $_->{labels}{kind} eq 'account_locked' } @$events],
    ['lockout.login: Locked for 1800 seconds, lock 1 in a row'], 'five have locked the account for half an hour');
is($kinds{password_reset_requested}, 3, 'what the application answered of password resets');
is($kinds{file_uploaded}, 11, 'and of uploads');
unlike($nginx->log_text($_), qr/\[(?:alert|crit|emerg)\]/, "nothing to complain about in $_") for qw(error.log stderr.log);
$app->stop;
done_testing;
