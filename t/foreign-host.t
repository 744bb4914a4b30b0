# What is for this machine alone is for no browser on it in which another site's name stands for this
# machine (DNS rebinding): the Host must be an address, localhost, or a name of the server. Nor is it for whom a proxy on it has passed
# on by the PROXY protocol, or whose address is what a field says.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Curl qw(curl_request);

my @names = map { free_port() } 1 .. 6;
my $nginx = make_nginx();
my $socket    = $nginx->root . '/s';
my $locations = <<'EOC';
location = /metrics { guard_metrics; }
location = /guard   { guard_dashboard; }
location = /locks   { guard_lockout_admin; }
location = /health  { guard_health; }
location = /public/metrics { guard_metrics public; }
EOC
$nginx->configure(
    no_root_location => 1,
    http_config      => <<"EOC",
guard_lockout_policy login key=\$arg_u on=login_failed limit=1 window=1h duration=1h;
guard_health_check disk disk:/ warn=0% fail=0%;
server { listen 127.0.0.1:$names[0]; listen unix:$socket; server_name app.example.com *.tenant.example ~^re\\d+\\.example\$; $locations }
server { listen 127.0.0.1:$names[1] http2; server_name _; $locations }
server { listen 127.0.0.1:$names[2] proxy_protocol; listen unix:$socket-proxied proxy_protocol; $locations }
server { listen 127.0.0.1:$names[3]; set_real_ip_from 127.0.0.1; real_ip_header CF-Connecting-IP; $locations }
server { listen 127.0.0.1:$names[4]; listen 127.0.0.1:$names[5] http2; guard_cors * methods=GET,DELETE; $locations }
EOC
    config => $locations,
);
is $nginx->start, undef, 'starts';
my @ports = ($nginx->port, @names);

sub code { my ($port, $method, $target, @headers) = @_; return request($port, $method, $target, headers => \@headers)->{code} }

for my $target ('/metrics', '/guard', '/guard?data=0', '/locks') {
    is code($ports[0], GET => $target, "Host: $_"), 200, "$target of $_" for 'localhost', 'LOCALHOST:9000', 'a.localhost', '127.0.0.1', '127.0.0.1:9000', '[::1]:9000', '192.0.2.1', 'localhost.';
    is code($ports[0], GET => $target, "Host: $_"), 403, "not $target of $_" for 'evil.example', 'evil.example:9000', 'localhost.evil.example', '127.0.0.1.evil.example', '127.1', 'app.example.com';
    is code($ports[1], GET => $target, "Host: $_"), 200, "$target of $_, by server_name" for 'app.example.com', 'App.Example.Com:81', 'a.tenant.example', 're12.example', 'localhost';
    is code($ports[1], GET => $target, "Host: $_"), 403, "not $target of $_" for 'evil.example', 'tenant.example', 'xre12.example';
}
is code($ports[0], DELETE => '/locks?account=ann', "Host: $_->[0]", "Origin: http://$_->[0]"), $_->[1], "to lift a lock by $_->[0]" for ['evil.example', 403], ['localhost', 404];
is code($ports[0], GET => '/public/metrics', 'Host: evil.example'), 200, 'public is what it says';
is request_raw($ports[0], "GET /metrics HTTP/1.0\r\n\r\n")->{responses}[0]{code}, 200, 'nor is no Host at all one of others';

my $told = request($ports[0], GET => '/health', headers => ['Host: localhost'])->{body};
like $told, qr/"checks"/, 'health';
like request($ports[0], GET => '/health', headers => ['Host: evil.example'])->{body}, qr/\A\{"status":"\w+"\}\n\z/, 'of which a stranger is told less';

# HTTP/2, with :authority; "_" names nobody.
for (['localhost', 200], ['127.0.0.1', 200], ['evil.example', 403], ['_', 403]) {
    my ($host, $code) = @$_;
    my $request = { parts => { method => 'GET', target => '/metrics', head => "Host: $host\r\n", body => '' } };
    is curl_request($request, port => $names[1], http2 => 1)->{responses}[0]{code}, $code, "over HTTP/2, $host";
}

# No browser asks a Unix socket.
is qx(curl -s -o /dev/null -w '%{http_code}' --unix-socket $socket http://anything/metrics), '200', 'over a Unix socket';

# Of clients that a proxy names nginx knows where they are.
for (['TCP4 192.0.2.1 127.0.0.1 4711 80', 403], ['TCP6 2001:db8::1 ::1 4711 80', 403], ['TCP4 127.0.0.1 127.0.0.1 4711 80', 200], ['TCP6 ::1 ::1 4711 80', 200], ['UNKNOWN', 200]) {
    my ($client, $code) = @$_;
    my $of = sub { my ($target) = @_; return request_raw($names[2], "PROXY $client\r\nGET $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")->{responses}[0] };
    is $of->($_)->{code}, $code, "$_ of PROXY $client" for '/metrics', '/guard', '/locks';
    is $of->('/health')->{body} =~ /"checks"/ ? 200 : 403, $code, "health of PROXY $client";
}
is qx(curl -s -o /dev/null -w '%{http_code}' --haproxy-protocol --unix-socket $socket-proxied http://localhost/metrics), '200', 'the proxy itself, over a Unix socket';

# Nor is an address this machine's because a field says so.
for my $target ('/metrics', '/guard', '/locks') {
    is code($names[3], GET => $target, "Host: localhost", "CF-Connecting-IP: $_"), 403, "not $target of CF-Connecting-IP: $_" for '127.0.0.1', '::1', '192.0.2.1';
    is code($names[3], GET => $target), 200, "$target of who comes by no proxy";
}

# Nor is it for the pages of other sites that guard_cors lets read what is answered there.
is code($names[4], OPTIONS => '/locks', 'Host: localhost', 'Origin: https://evil.example', 'Access-Control-Request-Method: DELETE'), 204, 'a preflight is answered';
for my $origin ('https://evil.example', 'null', 'http://localhost.evil.example', 'http://localhost:9001', 'http://localhost@evil.example', 'localhost:9000', '') {
    is code($names[4], $_->[0] => $_->[1], 'Host: localhost:9000', "Origin: $origin"), 403, "not $_->[0] $_->[1] of the origin '$origin'"
        for [GET => '/metrics'], [GET => '/guard'], [GET => '/guard?data=0'], [GET => '/locks'], [DELETE => '/locks?account=ann'];
    unlike request($names[4], GET => '/health', headers => ['Host: localhost:9000', "Origin: $origin"])->{body}, qr/"checks"/, 'nor the details of health';
}
is code($names[4], GET => '/metrics', "Host: $_->[0]", "Origin: $_->[1]"), 200, "its own page, $_->[1]" for ['localhost:9000', 'http://localhost:9000'], ['127.0.0.1', 'https://127.0.0.1'], ['[::1]:81', 'http://[::1]:81'];
is code($names[4], GET => '/public/metrics', 'Host: localhost', 'Origin: https://evil.example'), 200, 'public is what it says';
for (['http://127.0.0.1', 200], ['https://evil.example', 403]) {
    my ($origin, $code) = @$_;
    my $request = { parts => { method => 'GET', target => '/metrics', head => "Host: 127.0.0.1\r\nOrigin: $origin\r\n", body => '' } };
    is curl_request($request, port => $names[5], http2 => 1)->{responses}[0]{code}, $code, "over HTTP/2, $origin";
}

like $nginx->log_text, qr/\[error\] .*the origin "null" is another site's, so its request is taken for a stranger's, client: 127\.0\.0\.1/, 'and the log says why';
like $nginx->log_text, qr/\[error\] .*the host "evil\.example" is no "server_name" here, so its request is taken for a stranger's: ask by address or as "localhost", or add the name, client: 127\.0\.0\.1/, 'and the log says why';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
