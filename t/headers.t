# The response fields of guard_headers, guard_header, guard_hsts and guard_hide_headers: the whole
# set, on every status that a client can get, and who wins.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $permissions = join ', ', map { "$_=" . ($_ eq 'sync-xhr' ? '(self)' : '()') } qw(
    accelerometer autoplay camera cross-origin-isolated display-capture encrypted-media fullscreen geolocation gyroscope
    keyboard-map magnetometer microphone midi payment picture-in-picture publickey-credentials-get screen-wake-lock sync-xhr usb
    web-share xr-spatial-tracking clipboard-read clipboard-write gamepad hid idle-detection interest-cohort serial unload);

my @web_document = (
    'Content-Security-Policy' =>
        "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests",
    'X-Frame-Options'            => 'deny',
    'Permissions-Policy'         => $permissions,
    'Cross-Origin-Opener-Policy' => 'same-origin',
    'X-DNS-Prefetch-Control'     => 'off',
    'X-XSS-Protection'           => '0',
);
my @any = (
    'X-Content-Type-Options'            => 'nosniff',
    'Referrer-Policy'                   => 'no-referrer',
    'Cross-Origin-Resource-Policy'      => 'same-origin',
    'X-Permitted-Cross-Domain-Policies' => 'none',
);
my @api_document = (
    'Content-Security-Policy' => "default-src 'none'; frame-ancestors 'none'",
    'X-Frame-Options'         => 'deny',
    'X-XSS-Protection'        => '0',
);
my @no_store = ('Cache-Control'             => 'no-store, max-age=0');
my @hsts     = ('Strict-Transport-Security' => 'max-age=63072000; includeSubDomains');
my %web      = (@web_document, @any);

# Fields that say something about the message or the resource, and none about security.
my %ordinary = map { lc $_ => 1 } qw(
    Server Date Content-Type Content-Length Connection Location Last-Modified ETag Accept-Ranges Transfer-Encoding Content-Range
    Allow Keep-Alive Retry-After X-Test);

# Every other field of a response, as one text a field, sorted: two of a name would be two lines.
sub set_of {
    my ($response) = @_;
    return 'no response' unless $response;
    return join "\n", sort map { "$_->[0]: $_->[1]" } grep { !$ordinary{ lc $_->[0] } } @{ $response->{fields} };
}

sub set {
    my %fields = @_;
    return join "\n", sort map { "$_: $fields{$_}" } keys %fields;
}

my ($crt, $key) = certificate();
my $upstream = start_upstream([
    "status 200\nheader Content-Type: text/html\nheader X-Test: plain\nbody up"
]);
my $rude = start_upstream([(
    "status 200\nheader Content-Type: text/html\nheader X-Frame-Options: SAMEORIGIN\nheader x-content-type-options: upstream\nheader X-Content-Type-Options: twice\n"
        . "header Strict-Transport-Security: max-age=1\nheader Cache-Control: private\nheader X-Powered-By: PHP/5.3\n"
        . "header X-AspNet-Version: 4\nheader Server: Rude/1.0\nheader X-Test: kept\nbody rude"
)]);
my $cached = start_upstream(
    sub {
        my ($request) = @_;
        my $status = $request->{target} =~ /none/ ? '404 Not Found' : '200 OK';
        return "HTTP/1.1 $status\r\nContent-Type: text/html\r\nX-Test: upstream\r\nX-Frame-Options: SAMEORIGIN\r\nETag: \"x\"\r\n"
            . "Content-Length: 6\r\nConnection: close\r\n\r\n" . ($request->{method} eq 'HEAD' ? '' : 'cached');
    }
);
my $cached_up = '127.0.0.1:' . $cached->port;
my $up     = '127.0.0.1:' . $upstream->port;
my $rude_up = '127.0.0.1:' . $rude->port;
my $dead   = free_port();
my $tls    = free_port();

my $nginx = start_nginx(
    http_config => <<"EOC",
guard_rate_policy ranges rate=100/minute key=\$remote_addr;
limit_req_zone \$uri zone=one:1m rate=1r/m;
proxy_cache_path cache keys_zone=pages:1m;
map \$arg_v \$from_client { default \$arg_v; crlf "a\\r\\nSet-Cookie: evil=1"; }
EOC
    listen           => ["listen $tls ssl http2;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    no_root_location => 1,
    config           => <<"EOC",
default_type text/html;
guard_headers web;
location = /index.html { root html; }
location /files/ { alias html/; }
location /return { return 200 "x"; }
location /empty { return 204; }
location /moved { return 301 /return; }
location /bad { return 400; }
location /internal-error { return 500; }
location /limited { limit_req zone=one; limit_req_status 429; root html; try_files /index.html =404; }
location /small { client_max_body_size 1; proxy_pass http://$up; }
location /proxied { proxy_pass http://$up; }
location /zipped { gzip on; gzip_min_length 1; gzip_types text/html text/css application/json; types { text/html html; application/json json; } alias html/; }
location /cached { proxy_cache pages; proxy_cache_valid 200 404 1h; add_header X-Cache \$upstream_cache_status always; proxy_pass http://$cached_up; }
location /cached-with-csp {
    guard_csp_add img-src data:;
    guard_cookies;
    proxy_cache pages;
    proxy_cache_valid 200 1h;
    add_header X-Cache \$upstream_cache_status always;
    proxy_pass http://$cached_up;
}
location /dead { proxy_pass http://127.0.0.1:$dead; }
location /page { error_page 404 /sorry.html; root html; }
location = /sorry.html { internal; root html; }
location /named { error_page 404 = \@named; root html; }
location \@named { return 404 "named"; }
location /refused { guard_test front refuse=403; root html; }
location /type { default_type ''; types { text/html html; application/xhtml+xml xhtml; image/svg+xml svg; application/xml xml; text/xml text;
    application/atom+xml atom; application/json json; text/plain txt; text/javascript js; image/png png; text/html-x x; application/xmlx y;
    text/xsl xsl; text/rdf rdf; "text/plain, text/html" list; "text/plain;a=b,text/html" lists; "text/html," comma; html bare; */* any; unknown/unknown unknown;
    application/unknown unknowing; "multipart/x-mixed-replace;boundary=x" mixed; multipart/mixed parts; application/xslt z; text/xs w; } alias html/; }
location /api-type { guard_headers api; types { application/json json; } alias html/; }
location /explicit { guard_header X-Frame-Options SAMEORIGIN; types { application/json json; } alias html/; }
location /conditional {
    guard_headers web;
    guard_header Clear-Site-Data '"cookies"' on=2xx,303 if=\$arg_out;
    guard_header X-Frame-Options SAMEORIGIN if=\$arg_embed;
    guard_header X-Error yes on=4xx;
    location /conditional/gone { return 404; }
    location /conditional/added { add_header X-Error own always; add_header X-Frame-Options own; proxy_pass http://$up; }
    proxy_pass http://$up;
}
location /api { guard_headers api; proxy_pass http://$up; }
location /off { guard_headers off; proxy_pass http://$up; }
location /api-moved { guard_headers api; error_page 404 /sorry.html; root html; }

location /rude { proxy_pass http://$rude_up; }
location /rude-override { guard_headers web override; proxy_pass http://$rude_up; }
location /rude-header {
    guard_header X-Frame-Options DENY;
    guard_header X-Content-Type-Options off;
    guard_hsts max-age=60;
    proxy_pass http://$rude_up;
}
location /rude-hidden { guard_headers off; guard_hide_headers on; proxy_pass_header Server; proxy_pass http://$rude_up; }
location /rude-named { guard_headers off; guard_hide_headers X-Test Server; proxy_pass http://$rude_up; }
location /rude-hidden-set { guard_headers off; guard_hide_headers X-Test; guard_header X-Test ours; proxy_pass http://$rude_up; }
location /added { add_header X-Frame-Options SAMEORIGIN always; add_header Cache-Control public; expires 1h; return 200 "x"; }
location /variables {
    guard_headers off;
    guard_header X-Id "\$request_method-\$arg_id";
    guard_header X-Client \$from_client;
    guard_header Server mine;
    return 200 "x";
}
location /merge {
    guard_headers off;
    guard_header X-A outer;
    guard_header X-B outer;
    location /merge/inner { guard_header X-B inner; guard_header X-C inner; return 200 "x"; }
    location /merge/off { guard_header X-A off; return 200 "x"; }
    return 200 "x";
}
location /hsts-off { guard_hsts off; return 200 "x"; }
location /hsts-preload { guard_headers off; guard_hsts max-age=1y includeSubDomains preload; return 200 "x"; }
location /ranges/ {
    guard_csp "default-src 'self'; object-src 'none'; base-uri 'none'" report=/reports;
    guard_csp "default-src https:; object-src 'none'; base-uri 'none'" report_only report=/reports;
    guard_cors https://app.example;
    guard_rate ranges;
    guard_rate_fields both;
    add_header X-Always yes always;
    alias html/;
}
location /ranges-judged/ { guard_headers web; guard_header X-Done yes on=2xx; guard_header X-Count \$connection_requests\$msec; guard_csrf token session=sid; guard_cookies; alias html/; }
location /ranges-page/ { guard_header X-First yes; guard_csp "default-src 'self'; object-src 'none'; base-uri 'none'"; error_page 416 /ranges-other/index.html; alias html/; }
location /ranges-other/ { guard_headers api; guard_header X-Second yes; types { application/json html; } alias html/; }
location /rude-hidden-now { guard_headers web; guard_hide_headers X-Test X-Frame-Options; guard_header X-Test ours if=\$arg_a; guard_header X-Frame-Options ours if=\$arg_a; proxy_pass http://$rude_up; }
location /hide { guard_headers off; guard_hide_headers on; root html; }
EOC
);

sub get { return request($nginx->port, GET => @_) }

# The whole set, on every status and kind of answer.
my $modified = do {
    my $response = get('/index.html');
    header_of($response->{fields}, 'Last-Modified');
};
my @cases = (
    ['static file',                200, ['/index.html']],
    ['return',                     200, ['/return']],
    ['204',                        204, ['/empty']],
    ['206',                        206, ['/index.html', headers => ['Range: bytes=0-3']]],
    ['301',                        301, ['/moved']],
    ['400 of return',              400, ['/bad']],
    ['404',                        404, ['/files/none']],
    ['405',                        405, ['/index.html'], 'PUT'],
    ['413',                        413, ['/small', body => 'long'], 'POST'],
    ['416',                        416, ['/index.html', headers => ['Range: bytes=9999-']]],
    ['500',                        500, ['/internal-error']],
    ['502',                        502, ['/dead']],
    ['HEAD',                       200, ['/index.html'], 'HEAD'],
    ['HEAD of 404',                404, ['/files/none'], 'HEAD'],
    ['proxied',                    200, ['/proxied']],
    ['error_page to a file',       404, ['/page/none']],
    ['error_page to a named one',  404, ['/named/none']],
    ['internal redirect',          200, ['/limited/1']],
    ['429',                        429, ['/limited/1']],
    ['refusal of a gate',          403, ['/refused']],
);
$nginx->write_file('html/sorry.html', 'sorry');
for my $case (@cases) {
    my ($name, $status, $words, $method) = @$case;
    my $response = request($nginx->port, $method // 'GET', @$words);
    is $response && $response->{code}, $status, "$name: status";
    my %expected = %web;
    %expected = (@any, 'Cache-Control' => 'no-store') if $name eq 'refusal of a gate';
    is set_of($response), set(%expected), "$name: the whole set, once";
}

# That a range cannot be satisfied nginx finds out when the fields have been added, and adds them again for its error page.
{
    my $response = get('/ranges/index.html', headers => ['Range: bytes=9999-', 'Origin: https://app.example']);
    is $response->{code}, 416, 'no such part';
    my %times;
    ++$times{ lc $_->[0] } for @{ $response->{fields} };
    is_deeply [grep { $times{$_} > 1 } sort keys %times], [], 'each field once';
    like header_of($response->{fields}, 'Content-Security-Policy'), qr/object-src 'none'/, 'the policy is there';
    is header_of($response->{fields}, 'Access-Control-Allow-Origin'), 'https://app.example', 'CORS, too';
    is header_of($response->{fields}, 'X-Always'), 'yes', 'and what add_header says';

    $response = get('/ranges-judged/index.html', headers => ['Range: bytes=9999-']);
    is $response->{code}, 416, 'no such part';
    is header_of($response->{fields}, 'X-Done'), undef, 'what belongs to the other status is not there';
    is scalar(grep { $_->[0] eq 'X-Count' } @{ $response->{fields} }), 1, 'what changes is there once';
    my @cookies = map { $_->[1] } grep { $_->[0] eq 'Set-Cookie' } @{ $response->{fields} };
    is scalar @cookies, 1, 'one token';
    like $cookies[0], qr/^csrf-token=[0-9a-f]{64}; Path=\/; SameSite=Lax$/, 'which scripts can read';

    $response = get('/ranges-page/index.html', headers => ['Range: bytes=9999-']);
    is $response->{code}, 416, 'no such part, with a page of another location';
    is set_of($response), set(@api_document, @any, @no_store, 'X-Second' => 'yes'), 'has the fields of that one alone';
}

# Requests that never reach a location.
for my $case (
    ['400 of a malformed request line', 400, "GET / FOO\r\n\r\n"],
    ['400 without a Host',              400, "GET / HTTP/1.1\r\n\r\n"],
    ['400 of a bad field',              400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
    ['414',                             414, 'GET /' . 'x' x 40000 . " HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['405 of TRACE',                    405, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['501',                             501, "POST /return HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ['505',                             505, "GET / HTTP/9.1\r\nHost: a\r\n\r\n"],
) {
    my ($name, $status, $bytes) = @$case;
    my $response = request_raw($nginx->port, $bytes)->{responses}[0];
    is $response && $response->{code}, $status, "$name: status";
    is set_of($response), set(%web), "$name: the whole set, once";
}

# A 304 has only what does not depend on the type.
{
    my $response = get('/index.html', headers => ["If-Modified-Since: $modified"]);
    is $response->{code}, 304, '304: status';
    is set_of($response), set(@any), '304: only fields that do not depend on the type';
}

# What is about documents goes out with documents.
$nginx->write_file("html/a.$_", 'x') for qw(html xhtml svg xml text atom json txt js png x y none
    xsl rdf list lists comma mixed bare any unknown unknowing parts z w);
is set_of(get("/type/a.$_")), set(%web), "web, a document: $_" for qw(html xhtml svg xml text atom none);
# What a browser makes a document of all the same; Chromium all but rdf and mixed, which are Firefox's, and the last four where nothing says "nosniff".
is set_of(get("/type/a.$_")), set(%web), "web, a document by its browser: $_" for qw(xsl list lists comma rdf mixed bare any unknown unknowing);
is set_of(get("/type/a.$_")), set(@any), "web, no document: $_" for qw(json txt js png x y parts z w);
is set_of(get('/api-type/a.json')), set(@api_document, @any, @no_store), 'api: whatever the type';
is set_of(get('/explicit/a.json')), set(@any, 'X-Frame-Options' => 'SAMEORIGIN'), 'guard_header: whatever the type';

# What nginx has compressed.
$nginx->write_file('html/long.html', 'long ' x 200);
$nginx->write_file('html/long.json', 'long ' x 200);
for my $case (['html', 1, %web], ['json', 1, @any], ['html', 0, %web]) {
    my ($type, $gzip, %expected) = @$case;
    my $response = get("/zipped/long.$type", headers => $gzip ? ['Accept-Encoding: gzip'] : []);
    is header_of($response->{fields}, 'Content-Encoding') // '', $gzip ? 'gzip' : '', "gzip, $type, $gzip: so it is";
    is set_of($response), set(%expected, $gzip ? ('Content-Encoding' => 'gzip') : ()), "gzip, $type, $gzip: the whole set, once";
}

# What comes out of nginx's cache: nothing of ours is kept with it, nothing is there twice.
for my $round (qw(MISS HIT HIT)) {
    my %cached = (%web, 'X-Frame-Options' => 'SAMEORIGIN', 'X-Cache' => $round);
    is set_of(get('/cached/a')), set(%cached), "cached: the whole set, once, $round";
    is set_of(get('/cached/none')), set(%cached), "cached: 404, $round";
    %cached = (%cached, 'Content-Security-Policy' => "$web{'Content-Security-Policy'}; img-src 'self' data:");
    is set_of(get('/cached-with-csp/a')), set(%cached), "cached: another policy, $round";
}
is set_of(request($nginx->port, HEAD => '/cached/a')), set(%web, 'X-Frame-Options' => 'SAMEORIGIN', 'X-Cache' => 'HIT'), 'cached: HEAD';
{
    my $response = get('/cached/a', headers => ['If-None-Match: "x"']);
    is $response->{code}, 304, 'cached: 304';
    is set_of($response), set(@any, 'X-Frame-Options' => 'SAMEORIGIN', 'X-Cache' => 'HIT'), 'cached: 304 has what does not depend on the type, and the application\'s own';
}

# One connection: each answer has its own set.
{
    my @paths = ('/index.html', '/type/a.json', '/files/none', '/off', '/api', '/empty', '/proxied', '/index.html');
    my $bytes = join '', map { "GET $_ HTTP/1.1\r\nHost: a\r\n\r\n" } @paths;
    my $result = request_raw($nginx->port, $bytes, expect => scalar @paths);
    is_deeply [map { set_of($_) } @{ $result->{responses} }],
        [set(%web), set(@any), set(%web), '', set(@api_document, @any, @no_store), set(%web), set(%web), set(%web)], 'keep-alive: each answer has its own set';
}

# Conditions.
is set_of(get('/conditional')), set(%web), 'conditions: none is met';
is set_of(get('/conditional?out=0')), set(%web), 'conditions: "0" is none';
is set_of(get('/conditional?out=1')), set(%web, 'Clear-Site-Data' => '"cookies"'), 'conditions: a variable';
is set_of(get('/conditional?embed=1')), set(%web, 'X-Frame-Options' => 'SAMEORIGIN'), 'conditions: in place of the profile\'s';
is set_of(get('/conditional/gone?out=1')), set(%web, 'X-Error' => 'yes'), 'conditions: a status';
is set_of(get('/conditional/added')), set(%web, 'X-Error' => 'own', 'X-Frame-Options' => 'own'), 'conditions: what is there stays where none is met';
is set_of(get('/conditional/added?embed=1')), set(%web, 'X-Error' => 'own', 'X-Frame-Options' => 'SAMEORIGIN'), 'conditions: and goes where one is';

is set_of(get('/api')), set(@api_document, @any, @no_store), 'api: the whole set';
is set_of(get('/off')), '', 'off: nothing';
is set_of(get('/api-moved/none')), set(%web), 'error_page into another location: that location decides';

# Who wins.
my %rude = (
    'X-Frame-Options'        => 'SAMEORIGIN',
    'Cache-Control'          => 'private',
    'X-Powered-By'           => 'PHP/5.3',
    'X-AspNet-Version'       => '4',
);
{
    my $twice = "X-Content-Type-Options: twice\nx-content-type-options: upstream";
    my %expected = (%web, %rude);
    delete $expected{'X-Content-Type-Options'};
    is set_of(get('/rude')), join("\n", sort split(/\n/, set(%expected)), split /\n/, $twice),
        'upstream before profile; HSTS of the upstream goes on plain HTTP';
    is set_of(get('/rude-override')), set(%rude, %web), 'override: profile before upstream, and no field twice';
    %expected = (%web, %rude, 'X-Frame-Options' => 'DENY');
    delete $expected{'X-Content-Type-Options'};
    is set_of(get('/rude-header')), join("\n", sort split(/\n/, set(%expected)), split /\n/, $twice),
        'guard_header before upstream; off leaves the upstream\'s and drops the profile\'s';
}
is set_of(get('/added')), do {
    my %expected = (%web, 'X-Frame-Options' => 'SAMEORIGIN');
    my $got = set_of(get('/added'));
    my @cache = map { "Cache-Control: $_" } ('max-age=3600', 'public');
    my ($expires) = $got =~ /^(Expires: .*)$/m;
    join "\n", sort split(/\n/, set(%expected)), @cache, $expires;
}, 'add_header before profile, expires beside it';

# Hidden fields.
{
    my $response = get('/rude-hidden');
    is header_of($response->{fields}, 'Server'), 'nginx', 'hidden: Server without version, and not the upstream\'s';
    is header_of($response->{fields}, 'X-Test'), 'kept', 'hidden: an ordinary field stays';
    is set_of($response), join("\n",
        'Cache-Control: private', 'Strict-Transport-Security: max-age=1', 'X-Content-Type-Options: twice',
        'X-Frame-Options: SAMEORIGIN', 'x-content-type-options: upstream'), 'hidden: the telling fields are gone';
    $response = get('/rude-named');
    is header_of($response->{fields}, 'Server'), undef, 'named: no Server at all';
    is header_of($response->{fields}, 'X-Test'), undef, 'named: gone';
    is header_of($response->{fields}, 'X-Powered-By'), 'PHP/5.3', 'named: only the named ones';
    is header_of(get('/rude-hidden-set')->{fields}, 'X-Test'), 'ours', 'hidden and set: ours alone';
    is_deeply [map { header_of(get('/rude-hidden-now?a=1')->{fields}, $_) } qw(X-Test X-Frame-Options)], ['ours', 'ours'], 'hidden and set now and then: ours';
    is_deeply [map { header_of(get('/rude-hidden-now')->{fields}, $_) } qw(X-Test X-Frame-Options)], [undef, 'deny'], 'else hidden all the same';
    $response = get('/hide/none');
    is $response->{code}, 404, 'nginx\'s own page';
    is header_of($response->{fields}, 'Server'), 'nginx', 'nginx\'s own page: no version in the field';
    like $response->{body}, qr{<center>nginx</center>}, 'nginx\'s own page: no version in the body';
}

# Variables.
{
    my $response = get('/variables?id=7');
    is set_of($response), 'X-Id: GET-7', 'a value from variables; an empty one is not sent';
    is header_of($response->{fields}, 'Server'), 'mine', 'Server is replaced';
    is header_of(get('/variables?v=ok')->{fields}, 'X-Client'), 'ok', 'a value from the client';
    $response = get('/variables?v=crlf');
    is $response->{code}, 200, 'a value with a line end: answered';
    is set_of($response), 'X-Id: GET-', 'a value with a line end is not sent';
    like $nginx->log_text, qr/\[warn\].*header field "X-Client" is not sent, its value has a control character/,
        'a value with a line end is logged';
}

is set_of(get('/merge')),       "X-A: outer\nX-B: outer",              'guard_header: outer';
is set_of(get('/merge/inner')), "X-A: outer\nX-B: inner\nX-C: inner", 'guard_header merges per name';
is set_of(get('/merge/off')),   'X-B: outer',                          'guard_header off';

# HTTPS and HTTP/2.
sub curl {
    my ($path, @options) = @_;
    open my $out, '-|', 'curl', '-sSik', '--connect-to', "::127.0.0.1:$tls", @options, "https://localhost:$tls$path" or die "curl: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    my ($head) = split /\r\n\r\n/, $text;
    my ($line, @fields) = split /\r\n/, $head;
    return { line => $line, fields => [map { [split /: /, $_, 2] } @fields] };
}

for my $version ('--http1.1', '--http2') {
    my $case = $version eq '--http2' ? sub { lc $_[0] } : sub { $_[0] };
    my @more = ('/empty', '/moved', '/bad', '/internal-error', '/dead', '/page/none', '/named/none', '/limited/1');
    for my $path ('/return', '/files/none', '/proxied', '/refused', @more) {
        my $response = curl($path, $version);
        my %expected = (%web, @hsts);
        %expected = (@any, @hsts, 'Cache-Control' => 'no-store') if $path eq '/refused';
        is set_of($response), set(map { $case->($_) => $expected{$_} } keys %expected), "TLS $version $path: the set with HSTS";
    }
    my $response = curl('/rude-header', $version);
    is header_of($response->{fields}, 'Strict-Transport-Security'), 'max-age=60', "TLS $version: guard_hsts before upstream";
    is header_of(curl('/rude', $version)->{fields}, 'Strict-Transport-Security'), 'max-age=1', "TLS $version: upstream before profile";
    is header_of(curl('/hsts-off', $version)->{fields}, 'Strict-Transport-Security'), undef, "TLS $version: guard_hsts off";
    is header_of(curl('/hsts-preload', $version)->{fields}, 'Strict-Transport-Security'),
        'max-age=31536000; includeSubDomains; preload', "TLS $version: guard_hsts";
}
is header_of(get('/hsts-preload')->{fields}, 'Strict-Transport-Security'), undef, 'no HSTS on plain HTTP';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
