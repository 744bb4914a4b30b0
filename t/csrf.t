# guard_csrf: what comes from another site, as far as browsers of today and of yesterday say so.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my ($crt, $key) = certificate();
my $upstream = start_upstream("status 200\nbody from the application");
my $up       = '127.0.0.1:' . $upstream->port;
my $page     = start_upstream("status 200\nheader Content-Type: text/html; charset=utf-8\nbody <p>a page");
my $login    = start_upstream("status 200\nheader Set-Cookie: other=1\nheader Set-Cookie: sid=new; Path=/; HttpOnly\nbody welcome");
my ($page_up, $login_up) = map { '127.0.0.1:' . $_->port } $page, $login;
my $tls      = free_port();
my $nginx    = start_nginx(
    http_config      => 'guard_event_log $TEST_NGINX_EVENT_LOG;',
    listen           => ["listen $tls ssl http2;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    no_root_location => 1,
    config           => <<"EOC",
guard_trusted_proxies 127.0.0.0/8;
guard_csrf on trusted=https://app.example.com,https://*.apps.example.com except=/hooks/,/login/callback;
location / { proxy_pass http://$up; }
location /token {
    guard_csrf token session=sid trusted=https://app.example.com except=/token/hook;
    proxy_set_header X-CSRF-Token \$guard_csrf_token;
    proxy_pass http://$up;
}
location /token/page { guard_csrf token session=sid; proxy_set_header X-CSRF-Token \$guard_csrf_token; proxy_pass http://$page_up; }
location /token/login { guard_csrf token session=sid; proxy_pass http://$login_up; }
location /token/flagged { guard_csrf token session=sid; guard_cookies; proxy_pass http://$login_up; }
location /token/observed { guard_mode observe csrf; guard_csrf token session=sid; proxy_pass http://$up; }
location /token/off { guard_mode off csrf; guard_csrf token session=sid; proxy_pass http://$page_up; }
location ~ ^/(hooks|pages)/rewritten { rewrite ^ /index.php?route=\$uri last; }
location /renamed { rewrite ^ /hooks/renamed last; }
location = /index.php { proxy_pass http://$up; }
location /off { guard_csrf off; proxy_pass http://$up; }
location /observed { guard_mode observe csrf; proxy_pass http://$up; }
location /switched-off { guard_mode off csrf; proxy_pass http://$up; }
location /exempt { guard_exempt 127.0.0.0/8 csrf; proxy_pass http://$up; }
location /page { error_page 403 /sorry.html; proxy_pass http://$up; }
location = /sorry.html { return 200 "sorry"; }
location /named { error_page 403 \@named; proxy_pass http://$up; }
location \@named { proxy_pass http://$up; }
location /tried { try_files /none /elsewhere; }
location /elsewhere { proxy_pass http://$up; }
location /ws { proxy_http_version 1.1; proxy_set_header Upgrade \$http_upgrade; proxy_set_header Connection upgrade; proxy_pass http://$up; }
EOC
);

sub ask { my ($method, $path, @headers) = @_; return request($nginx->port, $method, $path, headers => \@headers) }

sub code_is {
    my ($code, $method, $path, @headers) = @_;
    return is ask($method, $path, @headers)->{code}, $code, substr join(' | ', "$code $method $path", @headers), 0, 200;
}

my $site   = 'Sec-Fetch-Site:';
my $origin = 'Origin:';

# The cases of Go's own test (net/http/csrf_test.go), by what they say, with our answer.
code_is(200, POST => '/', "$site same-origin");
code_is(200, POST => '/', "$site none");
code_is(403, POST => '/', "$site cross-site");
code_is(403, POST => '/', "$site same-site");
code_is(200, POST => '/');
code_is(200, POST => '/', "$origin http://localhost");
code_is(403, POST => '/', "$origin https://evil.example");
code_is(403, POST => '/', "$origin null");
code_is(200, $_ => '/', "$site cross-site") for qw(GET HEAD OPTIONS);
code_is(403, $_ => '/', "$site cross-site") for qw(POST PUT PATCH DELETE MERGE);

# Sec-Fetch-Site decides before Origin does.
code_is(200, POST => '/', "$site same-origin", "$origin null");
code_is(200, POST => '/', "$site none", "$origin https://evil.example");
code_is(403, POST => '/', "$site cross-site", "$origin http://localhost");
code_is(403, POST => '/', "$site $_", "$origin http://localhost") for 'Same-Origin', 'same-origin, cross-site', 'x';
code_is(403, POST => '/', "$site same-origin", "$site same-origin");
code_is(200, POST => '/', $site, "$origin http://localhost");
code_is(403, POST => '/', $site, "$origin https://evil.example");

# Origin and Host.
code_is(200, POST => '/', "$origin http://localhost:80");
code_is(403, POST => '/', "$origin http://localhost:8080");
code_is(200, POST => '/', "$origin http://localhost:8080", 'Host: localhost:8080');
code_is(403, POST => '/', "$origin http://localhost", 'Host: localhost:8080');
code_is(200, POST => '/', "$origin http://LOCALHOST");
code_is(200, POST => '/', "$origin http://[::1]:81", 'Host: [::1]:81');
code_is(403, POST => '/', "$origin $_") for 'http://localhost.evil.example', 'http://evillocalhost', 'http://localhost@evil.example',
    'http://localhost/', 'localhost', 'http://evil.example,http://localhost', 'http:localhost', 'http://localhost#';
code_is(403, POST => '/', "$origin http://localhost", "$origin http://localhost");
code_is(200, POST => '/', $origin);

# The scheme: https: where we see plain HTTP may be a proxy that we do not know; the other way round it is another site.
code_is(200, POST => '/', "$origin https://localhost");
code_is(200, POST => '/', "$origin https://localhost", 'X-Forwarded-Proto: https');
code_is(403, POST => '/', "$origin http://localhost",  'X-Forwarded-Proto: https');

# Trusted origins, exempt paths.
code_is(200, POST => '/', "$origin https://app.example.com", $_) for "$site cross-site", 'X-A: b';
code_is(200, POST => '/', "$origin https://a.apps.example.com", "$site same-site");
code_is(403, POST => '/', "$origin $_", "$site cross-site") for 'http://app.example.com', 'https://app.example.com.evil.example', 'https://apps.example.com';
code_is(403, POST => '/', "$origin https://app.example.com", "$origin https://app.example.com", "$site cross-site");
code_is(200, POST => $_, "$site cross-site") for '/hooks/a', '/hooks/', '/login/callback', '/login/callback/x';
# Whatever a front controller makes of them.
code_is(200, POST => $_, "$site cross-site") for '/hooks/rewritten', '/hooks/rewritten?a=/b', '/renamed';
code_is(403, POST => $_, "$site cross-site") for '/pages/rewritten', '/pages/rewritten?/hooks/', '/hooks/rewritten/..;/a', '/hooks/%2e%2e/pages/rewritten';
code_is(403, POST => $_, "$site cross-site") for '/hooks', '/login/callbacks', '/hooks/../', '/Hooks/a';
# What an application may take for another path is none of them.
code_is(403, POST => $_, "$site cross-site")
    for '/hooks/..;/admin', '/hooks/%2e%2e%5Cadmin', '/hooks/%252e%252e/admin', '/admin/..%2Fhooks/a', '/admin/../hooks/a', '/admin%2F../hooks/a', '//hooks/a';
code_is(200, POST => $_, "$site cross-site") for '/off', '/observed', '/switched-off', '/exempt';

# A WebSocket.
my @upgrade = ('Connection: upgrade', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13');
code_is(403, GET => '/ws', "$origin https://evil.example", @upgrade, "Upgrade: $_") for 'websocket', 'WebSocket', 'h2c, websocket/13';
code_is(403, GET => '/ws', "$site cross-site", @upgrade, 'Upgrade: websocket');
code_is(200, GET => '/ws', "$origin http://localhost", @upgrade, 'Upgrade: websocket');
code_is(200, GET => '/ws', "$origin https://app.example.com", @upgrade, 'Upgrade: websocket');
code_is(200, GET => '/ws', @upgrade, 'Upgrade: websocket');
code_is(200, GET => '/ws', "$origin https://evil.example", @upgrade, "Upgrade: $_") for 'h2c', 'websockets';

# The token.
sub cookies { return map { $_->[1] } grep { lc $_->[0] eq 'set-cookie' } @{ $_[0]{fields} } }

sub token_of {
    my ($response, $name) = @_;
    my ($token) = map { /\A([0-9a-f]{64}); Path=\/; SameSite=Lax\z/ ? $1 : () } cookies_named($response, 'csrf-token');
    isnt $token, undef, "$name: a token is set";
    return $token // '';
}
sub cookies_named { my ($response, $name) = @_; return map { /\A\Q$name\E=(.*)\z/ ? $1 : () } cookies($response) }

my $anonymous = token_of(ask(GET => '/token/page'), 'a page');
my $mine      = token_of(ask(GET => '/token/page', 'Cookie: sid=me'), 'a page of a session');
isnt $anonymous, token_of(ask(GET => '/token/page'), 'another page'), 'tokens differ';
is_deeply [cookies(ask(GET => '/token/page', "Cookie: sid=me; csrf-token=$mine"))], [], 'who has one keeps it';
is header_of($page->requests->[-1]{fields}, 'X-CSRF-Token'), $mine, 'the application gets it';
token_of(ask(GET => '/token/page', "Cookie: sid=other; csrf-token=$mine"), 'a page of another session');
my $kept = token_of(ask(GET => '/token/page', 'X-CSRF-Token: forged', 'Cookie: sid=me'), 'a page, asked for with a field');
is header_of($page->requests->[-1]{fields}, 'X-CSRF-Token'), $kept, 'the application gets the new one';
is_deeply [cookies(ask(GET => '/token'))], [], 'what is no page sets none';
is_deeply [cookies(ask(GET => '/token/off'))], [], 'nor does what is off';
my $login_answer = ask(POST => '/token/login', "$site same-origin", "Cookie: csrf-token=$anonymous");
is_deeply [(cookies($login_answer))[0, 1]], ['other=1', 'sid=new; Path=/; HttpOnly'], 'the application begins a session';
my $new = token_of($login_answer, 'the answer to a login');
my $flagged = ask(POST => '/token/flagged', "$site same-origin", "Cookie: csrf-token=$anonymous");
token_of($flagged, 'guard_cookies leaves the token to scripts, which have to read it:');
is_deeply [cookies_named($flagged, 'sid')], ['new; Path=/; HttpOnly; SameSite=Lax'], 'and flags the others';

code_is(200, POST => '/token', "Cookie: sid=me; csrf-token=$mine", "X-CSRF-Token: $mine");
code_is(200, POST => '/token', "Cookie: csrf-token=$mine; a=b; sid=me", "X-CSRF-Token: $mine");
code_is(200, POST => '/token', "Cookie: sid=new; csrf-token=$new", "X-CSRF-Token: $new");
code_is(200, POST => '/token', "Cookie: csrf-token=$anonymous", "X-CSRF-Token: $anonymous");
code_is(200, POST => '/token', 'Cookie: sid=me', "Cookie: csrf-token=$mine", "X-CSRF-Token: $mine");
# What a browser says is enough.
code_is(200, POST => '/token', "$site same-origin");
code_is(200, POST => '/token', "$origin http://localhost");
code_is(200, POST => '/token', "$origin https://app.example.com");
code_is(200, POST => '/token/hook');
code_is(200, GET => '/token');
code_is(200, POST => '/token/observed');
my $changed = $mine =~ s/(.)\z/$1 eq '0' ? '1' : '0'/er;
my $other_random = ($mine =~ s/\A(.)/$1 eq '0' ? '1' : '0'/er);
for my $headers (
    [], ["Cookie: sid=me; csrf-token=$mine"], ["X-CSRF-Token: $mine"], ["Cookie: sid=me", "X-CSRF-Token: $mine"],
    ["Cookie: sid=other; csrf-token=$mine", "X-CSRF-Token: $mine"], ["Cookie: csrf-token=$mine", "X-CSRF-Token: $mine"],
    ["Cookie: sid=me; csrf-token=$anonymous", "X-CSRF-Token: $anonymous"], ["Cookie: sid=me; csrf-token=$mine", "X-CSRF-Token: $anonymous"],
    ["Cookie: sid=me; csrf-token=$changed", "X-CSRF-Token: $changed"], ["Cookie: sid=me; csrf-token=$other_random", "X-CSRF-Token: $other_random"],
    ["Cookie: sid=me; csrf-token=$mine; csrf-token=$mine", "X-CSRF-Token: $mine"], ["Cookie: sid=me; sid=me; csrf-token=$mine", "X-CSRF-Token: $mine"],
    ["Cookie: sid=me; csrf-token=$mine", "X-CSRF-Token: $mine", "X-CSRF-Token: $mine"], ["Cookie: sid=me; csrf-token=$mine", 'X-CSRF-Token:'],
    ["Cookie: sid=me; csrf-token=", 'X-CSRF-Token:'], ["Cookie: sid=me; csrf-token=x", 'X-CSRF-Token: x'], ["Cookie: sid=me; __Host-csrf-token=$mine", "X-CSRF-Token: $mine"],
    ["Cookie: sid=me; csrf-token=$mine", "X-CSRF-Token: $mine", "$origin https://evil.example"], ["Cookie: sid=me; csrf-token=$mine", "X-CSRF-Token: $mine", "$site cross-site"],
    ['Cookie: sid=' . 'a' x 5000 . "; csrf-token=$mine", "X-CSRF-Token: $mine"],
) {
    code_is(403, POST => '/token', @$headers);
}
my $refused = ask(POST => '/token', 'Cookie: sid=me');
like $refused->{body}, qr/"detail":"nothing says where the request comes from, and it has no valid token",.*"code":"csrf\.cross_site"/, 'without a token: body';
my $given = token_of($refused, 'the refusal');
code_is(200, POST => '/token', "Cookie: sid=me; csrf-token=$given", "X-CSRF-Token: $given");

# The whole refusal.
my $response = ask(POST => '/', "$site cross-site");
is header_of($response->{fields}, 'Content-Type'), 'application/problem+json', 'a problem';
is $response->{body} =~ s/request:[0-9a-f]{32}/request:ID/r, join(',', '{"type":"about:blank"', '"title":"Cross-site request not allowed"', '"status":403',
    '"detail":"the browser says that another site has sent the request"', '"instance":"urn:request:ID"', '"code":"csrf.cross_site"}') . "\n", 'its body';
like ask(POST => '/', "$origin https://evil.example")->{body}, qr/"detail":"the request's Origin is not this site",/, 'the other reason';

# Error pages; internal redirects; the body that came along.
$response = ask(POST => '/page', "$site cross-site");
is "$response->{code} $response->{body}", '403 sorry', 'error_page';
my $reached = @{ $upstream->requests };
$response = ask(POST => '/named', "$site cross-site");
is $response->{code}, 403, 'error_page to a named location';
like $response->{body}, qr/csrf\.cross_site/, 'is not used';
is scalar @{ $upstream->requests }, $reached, 'the application does not see it';
code_is(403, POST => '/tried', "$site cross-site");
code_is(200, POST => '/tried', "$site same-origin");
$response = request($nginx->port, POST => '/', headers => ["$site cross-site"], body => 'x' x 100_000);
is $response->{code}, 403, 'with a body';

# Over HTTPS the cookie has a name that no other host can set.
sub fetch {
    my ($path, @options) = @_;
    open my $out, '-|', 'curl', '-sSik', '--connect-to', "::127.0.0.1:$tls", @options, "https://localhost:$tls$path" or die "curl: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    return $text;
}
for my $version ('--http1.1', '--http2') {
    my ($token) = fetch('/token/page', $version, '-HCookie: sid=me') =~ /^set-cookie: __Host-csrf-token=([0-9a-f]{64}); Path=\/; SameSite=Lax; Secure\r$/mi;
    isnt $token, undef, "$version: a token is set";
    like fetch('/token', $version, '-da=b', "-HCookie: sid=me; __Host-csrf-token=$token", "-HX-CSRF-Token: $token"), qr{\AHTTP/\S+ 200 }, "$version: it counts";
    like fetch('/token', $version, '-da=b', "-HCookie: sid=me; csrf-token=$token", "-HX-CSRF-Token: $token"), qr{\AHTTP/\S+ 403 }, "$version: not under the other name";
}

# A reload keeps the key.
is $nginx->hup, undef, 'reloads';
code_is(200, POST => '/token', "Cookie: sid=me; csrf-token=$mine", "X-CSRF-Token: $mine");

# TLS and HTTP/2, where the host is :authority.
for my $case (['', '200'], ["-HOrigin: https://localhost:$tls", 200], ["-HOrigin: http://localhost:$tls", 403], ['-HOrigin: https://localhost', 403],
    ['-HOrigin: https://evil.example', 403], ['-HSec-Fetch-Site: cross-site', 403], ['-HSec-Fetch-Site: same-origin', 200]) {
    my ($header, $code) = @$case;
    for my $version ('--http1.1', '--http2') {
        my @command = ('curl', '-sSk', '-o/dev/null', '-w%{http_code}', '--connect-to', "::127.0.0.1:$tls", $version, '-da=b', $header || (), "https://localhost:$tls/");
        open my $out, '-|', @command or die "curl: $!\n";
        is join('', <$out>), $code, "$version $header";
    }
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
my ($events) = read_events($nginx->log_file('events.log'));
my @ours = grep { $_->{labels}{kind} eq 'csrf_refused' } @$events;
my @observed = grep { $_->{labels}{decision} eq 'observed' } @ours;
is scalar @observed, 2, 'two were observed';
is subset_problem({
    event => { action => 'csrf-refused', code => 'csrf.cross_site', type => ['allowed'], reason => 'the browser says that another site has sent the request' },
    url   => { path => '/observed' },
}, $observed[0]), undef, 'as an event';
is_deeply [grep { $_->{http}{response}{status_code} != 403 || $_->{event}{code} ne 'csrf.cross_site' } @ours], [], 'all events have code and status';
cmp_ok scalar @ours, '>', 40, 'each refusal has one';
done_testing;
