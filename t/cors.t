# guard_cors: preflights, actual requests, who is another origin, and what becomes of an upstream's own fields.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my ($crt, $key) = certificate();
my $upstream = start_upstream("status 200\nbody from the application");
my $rude     = start_upstream(join "\n", 'status 200', 'header access-control-allow-origin: *',
    'header Access-Control-Allow-Origin: https://evil.example', 'header Access-Control-Allow-Credentials: true',
    'header Access-Control-Expose-Headers: X-Secret', 'header Access-Control-Max-Age: 1', 'header Vary: Accept-Encoding',
    'body rude');
my $varied = start_upstream("status 200\nheader Vary: Accept-Encoding, origin\nbody varied");
my $dead   = free_port();
my $tls    = free_port();
my ($up, $rude_up, $varied_up) = map { '127.0.0.1:' . $_->port } $upstream, $rude, $varied;

my $policy = 'https://app.example.com https://*.apps.example.com:8443 http://plain.example null '
    . 'methods=GET,POST,PUT,DELETE headers=Content-Type,X-Token expose=X-Total,ETag max_age=1h';
my $nginx = start_nginx(
    http_config => <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
limit_req_zone $uri zone=one:1m rate=1r/m;
proxy_cache_path cache keys_zone=cache:1m;
EOC
    listen           => ["listen $tls ssl http2;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    no_root_location => 1,
    config           => <<"EOC",
guard_trusted_proxies 127.0.0.0/8;
guard_cors $policy;
location / { proxy_pass http://$up; }
location /files/ { alias html/; }
location /return { return 200 "x"; }
location /bad { return 400; }
location /auth { deny all; }
location /limited { limit_req zone=one; limit_req_status 429; proxy_pass http://$up; }
location /dead { proxy_pass http://127.0.0.1:$dead; }
location /refused { guard_test front refuse=403; proxy_pass http://$up; }
location /page { error_page 403 404 /sorry.html; guard_test front refuse=403; root html; }
location = /sorry.html { return 200 "sorry"; }
location /off { guard_cors off; proxy_pass http://$rude_up; }
location /rude { proxy_pass http://$rude_up; add_header Access-Control-Allow-Headers evil always; }
location /varied { proxy_pass http://$varied_up; }
location /cached { proxy_cache cache; proxy_cache_valid 200 1m; proxy_ignore_headers Vary; proxy_pass http://$rude_up; }
location /strict { guard_cors $policy strict; proxy_pass http://$up; }
location /credentials {
    guard_cors https://app.example.com capacitor://localhost credentials private_network max_age=0;
    proxy_pass http://$up;
}
location /any { guard_cors * headers=*,Authorization methods=*; proxy_pass http://$up; }
location /observed { guard_mode observe cors; guard_cors $policy strict; proxy_pass http://$up; }
location /observed/rude { guard_mode observe cors; guard_cors $policy; proxy_pass http://$rude_up; }
location /switched-off { guard_mode off cors; guard_cors $policy strict; proxy_pass http://$rude_up; }
location /exempt { guard_exempt 127.0.0.0/8 cors; guard_cors $policy strict; proxy_pass http://$rude_up; }
EOC
);

my $app = 'https://app.example.com';

# The fields that this page is about, sorted; those of HTTP/2 are in lower case.
sub cors_of {
    my ($response) = @_;
    return join "\n", sort map { lc($_->[0]) . ": $_->[1]" }
        grep { $_->[0] =~ /\A(?:vary|access-control-.*)\z/i } @{ $response->{fields} };
}

sub fields { return join "\n", sort @_ }
sub ask    { my ($method, $path, @headers) = @_; return request($nginx->port, $method, $path, headers => \@headers) }

sub preflight {
    my ($path, $origin, $method, @headers) = @_;
    return ask(OPTIONS => $path, "Origin: $origin", "Access-Control-Request-Method: $method", @headers);
}

sub answers {
    my ($name, $response, $code, @fields) = @_;
    is $response->{code}, $code, "$name: status";
    is cors_of($response), fields(@fields), "$name: fields";
    return;
}

sub problem {
    my ($detail) = @_;
    return join(',', '{"type":"about:blank"', '"title":"Cross-origin request not allowed"', '"status":403', "\"detail\":\"$detail\"",
        '"instance":"urn:request:ID"', '"code":"cors.origin"}') . "\n";
}

my $vary    = 'vary: Origin';
my @leave   = ("access-control-allow-origin: $app", $vary);
my @actual  = (@leave, 'access-control-expose-headers: X-Total, ETag');
my @granted = (@leave, 'access-control-allow-methods: GET, POST, PUT, DELETE',
    'access-control-allow-headers: Content-Type, X-Token', 'access-control-max-age: 3600');

# Preflights.
my $response = preflight('/', $app, 'PUT', 'Access-Control-Request-Headers: content-type,x-token');
answers('preflight', $response, 204, @granted);
is $response->{body}, '', 'preflight: no body';
is header_of($response->{fields}, $_), undef, "preflight: no $_" for qw(Content-Type Content-Length Transfer-Encoding);
answers("preflight for $_->[0]", preflight(@$_), 204, @granted)
    for ['/', $app, 'GET'], ['/', $app, 'HEAD'], ['/auth', $app, 'DELETE'], ['/files/none', $app, 'PUT'], ['/dead', $app, 'PUT'],
    ['/', $app, 'POST', 'Access-Control-Request-Headers:  CONTENT-TYPE , x-token,'], ['/', $app, 'PUT', 'Access-Control-Request-Headers:'];
answers('preflight of a private network that is not asked for', preflight('/credentials', $app, 'POST'), 204, @leave,
    'access-control-allow-credentials: true', 'access-control-allow-methods: GET, HEAD, POST', 'access-control-max-age: 0');
answers('preflight of a private network',
    preflight('/credentials', $app, 'POST', 'Access-Control-Request-Private-Network: true'), 204, @leave,
    'access-control-allow-credentials: true', 'access-control-allow-methods: GET, HEAD, POST', 'access-control-max-age: 0',
    'access-control-allow-private-network: true');
answers('preflight for any', preflight('/any', 'https://who.example', 'PURGE', 'Access-Control-Request-Headers: x-a,authorization'),
    204, 'access-control-allow-origin: *', $vary, 'access-control-allow-methods: *',
    'access-control-allow-headers: *, Authorization', 'access-control-max-age: 600');
answers('OPTIONS without Access-Control-Request-Method is no preflight', ask(OPTIONS => '/', "Origin: $app"), 200, @actual);
answers('OPTIONS without Origin is no preflight', ask(OPTIONS => '/', 'Access-Control-Request-Method: PUT'), 200, $vary);
answers('preflight with a body', request($nginx->port, OPTIONS => '/', body => 'x' x 5000,
    headers => ["Origin: $app", 'Access-Control-Request-Method: PUT']), 204, @granted);
answers('one of the own origin passes', preflight('/', 'https://localhost', 'PUT', 'X-Forwarded-Proto: https'), 200, $vary);

# Those that are refused.
my @bad = (
    ['the origin is not allowed',                           '/', 'https://evil.example', 'PUT'],
    ['the method is not open to other origins',             '/', $app, 'PATCH'],
    ['the method is not open to other origins',             '/', $app, 'put'],
    ['a header field is not open to other origins',         '/', $app, 'PUT', 'Access-Control-Request-Headers: x-token,x-other'],
    ['a header field is not open to other origins',         '/', $app, 'PUT', 'Access-Control-Request-Headers: x-toke'],
    ['a header field is not open to other origins',         '/credentials', $app, 'POST', 'Access-Control-Request-Headers: content-type'],
    ['the preflight request is malformed',                  '/', $app, 'P T'],
    ['the preflight request is malformed',                  '/', $app, ''],
    ['the preflight request is malformed',                  '/', $app, 'PUT', 'Access-Control-Request-Headers: x token'],
    ['the preflight request is malformed',                  '/', $app, 'PUT', 'Access-Control-Request-Method: GET'],
    ['the private network is not open to other origins',    '/', $app, 'PUT', 'Access-Control-Request-Private-Network: true'],
    ['the origin is not allowed',                           '/', $app, 'PUT', "Origin: $app"],
);
for my $case (@bad) {
    my ($detail, @words) = @$case;
    my $name = "bad preflight, $words[1] $words[2]: $detail";
    $response = preflight(@words);
    answers($name, $response, 403, $vary);
    is $response->{body} =~ s/request:[0-9a-f]{32}/request:ID/r, problem("$detail"), "$name: body";
}

# Who is another origin.
for my $origin (
    'https://app.example.com', 'HTTPS://App.Example.Com', 'https://app.example.com:443',
    'https://a.apps.example.com:8443', 'https://a.b.apps.example.com:8443', 'http://plain.example', 'http://plain.example:80', 'null',
) {
    answers("origin $origin is allowed", ask(GET => '/', "Origin: $origin"), 200,
        "access-control-allow-origin: $origin", $vary, 'access-control-expose-headers: X-Total, ETag');
}
for my $origin (
    'http://app.example.com', 'https://app.example.com:8443', 'https://app.example.com.evil.example', 'https://evilapp.example.com',
    'https://app.example.com@evil.example', 'https://evil.example#app.example.com', 'https://app.example.com/', 'https://app.example.com ',
    'https://app.example.com,https://evil.example', 'https://app.example.com https://evil.example', 'https://app.example.com:0443',
    'https://app.example.com:', 'https://app.example.com.', 'https://appxexample.com', 'https://app.example.com%00', "https://app.example.com\tx",
    'https://apps.example.com:8443', 'https://.apps.example.com:8443', 'https://a.apps.example.com', 'https://a..apps.example.com:8443',
    'https://evil.example/.apps.example.com:8443', 'https://evil.example:8443.apps.example.com:8443', 'https://evil{.apps.example.com:8443',
    'https://*.apps.example.com:8443', 'https://plain.example', 'NULL', 'nullx', '', 'app.example.com', '//app.example.com', 'https:app.example.com',
    'https://localhost', 'http://localhost:81', 'https://' . 'a' x 5000,
) {
    # What surrounds a field's value is not part of it.
    my $allowed = $origin eq 'https://app.example.com ';
    my $short = length $origin > 60 ? substr($origin, 0, 60) . '...' : $origin;
    answers("origin \"$short\"", ask(GET => '/', "Origin: $origin"), 200, $allowed ? @actual : $vary);
    is ask(GET => '/strict', "Origin: $origin")->{code}, $allowed ? 200 : 403, "origin \"$short\": strict";
}
answers('two origins', ask(GET => '/', "Origin: $app", "Origin: $app"), 200, $vary);

# Actual requests.
answers('no origin', ask(GET => '/'), 200, $vary);
answers("$_ of another origin passes", ask($_ => '/', 'Origin: https://evil.example'), 200, $vary) for qw(GET POST DELETE);
answers('credentials', ask(POST => '/credentials', "Origin: $app"), 200, @leave, 'access-control-allow-credentials: true');
answers('an application for telephones', ask(POST => '/credentials', 'Origin: capacitor://localhost'), 200, $vary,
    'access-control-allow-origin: capacitor://localhost', 'access-control-allow-credentials: true');
answers('any', ask(POST => '/any', "Origin: $_"), 200, 'access-control-allow-origin: *', $vary) for 'https://who.example', 'null';
answers('strict: allowed', ask(POST => '/strict', "Origin: $app"), 200, @actual);
answers('strict: no origin', ask(POST => '/strict'), 200, $vary);
answers('strict: other', ask(GET => '/strict', 'Origin: https://evil.example'), 403, $vary);
my @same = (
    ['http://localhost'], ['http://localhost:80'], ['https://localhost', 'X-Forwarded-Proto: https'],
    ['http://localhost:8080', 'Host: localhost:8080'], ['http://[::1]:8080', 'Host: [::1]:8080'],
    # A page with Referrer-Policy no-referrer says "null" of itself.
    ['https://x.example', 'Sec-Fetch-Site: same-origin'],
);
my @other = (
    ['http://localhost', 'X-Forwarded-Proto: https'], ['https://localhost'], ['http://localhost:8080'], ['http://localhost', 'Host: localhost:8080'],
    ['https://x.example', 'Sec-Fetch-Site: same-site'], ['https://x.example', 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: same-origin'],
    ['http://localhost', 'Host: local_host'],
);
for my $case ((map { [200, @$_] } @same), map { [403, @$_] } @other) {
    my ($code, $origin, @headers) = @$case;
    answers("strict: @$case", ask(POST => '/strict', "Origin: $origin", @headers), $code, $vary);
}

# On every kind of answer.
my %code = ('/files/none' => 404, '/files/index.html' => 200, '/return' => 200, '/bad' => 400, '/auth' => 403, '/dead' => 502, '/refused' => 403, '/page' => 403);
answers("GET $_", ask(GET => $_, "Origin: $app"), $code{$_}, @actual) for sort keys %code;
answers('HEAD', ask(HEAD => '/files/index.html', "Origin: $app"), 200, @actual);
answers('206', ask(GET => '/files/index.html', "Origin: $app", 'Range: bytes=0-1'), 206, @actual);
my $etag = header_of(ask(GET => '/files/index.html')->{fields}, 'ETag');
answers('304', ask(GET => '/files/index.html', "Origin: $app", "If-None-Match: $etag"), 304, @actual);
is join(' ', map { ask(GET => '/limited', "Origin: $app")->{code} } 1, 2), '200 429', 'limit_req';
answers('429', ask(GET => '/limited', "Origin: $app"), 429, @actual);

# An upstream's own fields.
answers('replaced', ask(GET => '/rude', "Origin: $app"), 200, @actual, 'vary: Accept-Encoding');
answers('removed', ask(GET => '/rude', 'Origin: https://evil.example'), 200, $vary, 'vary: Accept-Encoding');
answers('cached', ask(GET => '/cached', "Origin: $_"), 200, ($_ eq $app ? @actual : $vary), 'vary: Accept-Encoding')
    for $app, 'https://evil.example', $app;
answers('Vary is there already', ask(GET => '/varied', "Origin: $app"), 200, @actual[0, 2], 'vary: Accept-Encoding, origin');
my @rude = ('access-control-allow-origin: *', 'access-control-allow-origin: https://evil.example', 'access-control-allow-credentials: true',
    'access-control-expose-headers: X-Secret', 'access-control-max-age: 1', 'vary: Accept-Encoding');
answers("left alone, $_", ask(GET => $_, 'Origin: https://evil.example'), 200, @rude) for '/off', '/switched-off', '/exempt';
answers("a preflight goes to the application, $_", preflight($_, 'https://evil.example', 'PUT'), 200, @rude) for '/off', '/switched-off', '/exempt';

# Observing refuses nothing, and takes nothing away.
answers('observe: bad preflight', preflight('/observed', 'https://evil.example', 'PUT'), 200, $vary);
answers('observe: strict', ask(POST => '/observed', 'Origin: https://evil.example'), 200, $vary);
answers('observe: allowed', ask(POST => '/observed', "Origin: $app"), 200, @actual);
answers('observe: preflight', preflight('/observed', $app, 'PUT'), 204, @granted);
answers('observe: bad preflight of an allowed origin', preflight('/observed', $app, 'PATCH'), 200, @actual);
answers('observe: the application answers', ask(GET => '/observed/rude', 'Origin: https://evil.example'), 200, @rude, $vary);

# TLS and HTTP/2.
sub curl {
    my ($path, @options) = @_;
    open my $out, '-|', 'curl', '-sSik', '--connect-to', "::127.0.0.1:$tls", @options, "https://localhost:$tls$path" or die "curl: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    my ($head) = split /\r\n\r\n/, $text;
    my ($line, @fields) = split /\r\n/, $head;
    return { code => $line =~ / (\d+)/, fields => [map { [split /: /, $_, 2] } @fields] };
}
for my $version ('--http1.1', '--http2') {
    answers("$version: preflight", curl('/', $version, '-XOPTIONS', "-HOrigin: $app", '-HAccess-Control-Request-Method: PUT'), 204, @granted);
    answers("$version: bad preflight", curl('/', $version, '-XOPTIONS', "-HOrigin: $app", '-HAccess-Control-Request-Method: PATCH'), 403, $vary);
    answers("$version: request", curl('/', $version, '-da=b', "-HOrigin: $app"), 200, @actual);
    answers("$version: its own origin", curl('/strict', $version, '-da=b', "-HOrigin: https://localhost:$tls"), 200, $vary);
    answers("$version: another scheme", curl('/strict', $version, '-da=b', "-HOrigin: http://localhost:$tls"), 403, $vary);
    answers("$version: another port", curl('/strict', $version, '-da=b', '-HOrigin: https://localhost'), 403, $vary);
}

# Keep-alive: the connection stays after a preflight and after a refusal.
my $head = "Host: localhost\r\nOrigin: %s\r\nAccess-Control-Request-Method: PUT\r\n\r\n";
my $result = request_raw($nginx->port, join('', map { "OPTIONS / HTTP/1.1\r\n" . sprintf $head, $_ } $app, 'https://evil.example', $app), expect => 3);
is join(' ', map { $_->{code} } @{ $result->{responses} }), '204 403 204', 'pipelined';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
my ($events) = read_events($nginx->log_file('events.log'));
my %count;
$count{ join ' ', $_->{labels}{kind}, $_->{labels}{decision}, $_->{event}{code}, $_->{http}{response}{status_code} }++
    for grep { $_->{labels}{kind} eq 'origin_refused' } @$events;
is $count{'origin_refused observed cors.origin 403'}, 3, 'events of what was observed';
cmp_ok $count{'origin_refused denied cors.origin 403'}, '>', 40, 'events of what was refused';
is scalar(keys %count), 2, 'and no others';
my ($event) = grep { $_->{labels}{kind} eq 'origin_refused' } @$events;
is subset_problem({
    event => { action => 'origin-refused', code => 'cors.origin', reason => 'the origin is not allowed', type => ['denied'] },
    http  => { request => { method => 'OPTIONS' }, response => { status_code => 403 } },
}, $event), undef, 'an event';
is scalar(grep { $_->{method} eq 'OPTIONS' && $_->{target} eq '/' } @{ $upstream->requests }), 3, 'preflights do not reach the application';
done_testing;
