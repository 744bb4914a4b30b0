# guard_csp and guard_csp_add: what is sent and when, nonces, and what becomes of the application's own
# policy. t/csp-config.t has the mistakes.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

# The application: answers with what its path names, and writes what it was given into its page.
my $upstream = start_upstream(
    sub {
        my ($request) = @_;
        my ($kind)   = $request->{target} =~ m{/(\w+)(?:\?|\z)};
        my $nonce    = join ',', map { $_->[1] } grep { $_->[0] =~ /^x[_-]csp[_-]nonce\z/i } @{ $request->{fields} };
        $nonce = 'none' if $nonce eq '';
        my $seen     = join ',', map { lc $_->[0] } grep { $_->[0] =~ /^(?:if-|range)/i } @{ $request->{fields} };
        my ($query)  = $request->{target} =~ /\?(.*)/;
        my $body     = "nonce=$nonce seen=$seen <script nonce=\"$nonce\">ours()</script>" . ($query // '');
        my %type     = (html => 'text/html; charset=utf-8', json => 'application/json', svg => 'image/svg+xml', none => undef);
        my @fields   = ('ETag: "x"', 'Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT', 'Cache-Control: public, max-age=60',
            'Expires: Sat, 01 Jan 2050 00:00:00 GMT', 'Accept-Ranges: bytes');
        push @fields, "Content-Type: $type{$kind}" if $type{$kind};
        push @fields, q{Content-Security-Policy: img-src 'none'}, q{Content-Security-Policy-Report-Only: font-src 'none'}
            if header_of($request->{fields}, 'X-Own');
        push @fields, map { "$_: max-age=60" } qw(CDN-Cache-Control Example-CDN-Cache-Control Surrogate-Control)
            if header_of($request->{fields}, 'X-Targeted');
        my $status = header_of($request->{fields}, 'X-Status') // '200 OK';
        $body = '' if $status =~ /^304/;
        return join '', "HTTP/1.1 $status\r\n", (map { "$_\r\n" } @fields), 'Content-Length: ', length $body, "\r\n\r\n",
            $request->{method} eq 'HEAD' ? '' : $body;
    }
);
my $up = 'http://127.0.0.1:' . $upstream->port;

my $nginx = start_nginx(
    no_root_location => 1,
    config           => <<"EOC",
underscores_in_headers on;
proxy_set_header X-CSP-Nonce \$guard_csp_nonce;
location /none/ { proxy_pass $up; }
location /fixed/ { guard_csp "default-src 'self';  base-uri 'none';; SCRIPT-SRC 'self'"; proxy_pass $up; }
location /replace/ { guard_csp "default-src 'self'; base-uri 'none'" replace; proxy_pass $up; }
location /both/ {
    guard_csp "default-src 'self'; base-uri 'none'" replace;
    guard_csp "default-src 'none'; report-uri /r" report_only replace;
    proxy_pass $up;
}
location /nonce/ {
    guard_csp "script-src 'nonce' 'strict-dynamic'; object-src 'none'; base-uri 'none'; style-src 'nonce'";
    proxy_pass $up;
    error_page 502 /sorry/static.html;
}
location /bare/ {
    guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'";
    proxy_set_header X-Other 1;
    proxy_pass $up;
}
location /sorry/ {
    guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'";
    alias html/;
    sub_filter_once off;
    sub_filter '{{nonce}}' \$guard_csp_nonce;
}
location /variable/ { guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'"; add_header X-Nonce \$guard_csp_nonce; proxy_pass $up; }
location /web/ {
    guard_headers web;
    location /web/plain/ { proxy_pass $up; }
    location /web/add/ { guard_csp_add img-src data: https://img.example; guard_csp_add object-src 'self'; proxy_pass $up; }
    location /web/nonce/ { guard_csp_add script-src 'nonce'; proxy_pass $up; }
    location /web/over/ { guard_headers web override; guard_csp_add script-src 'nonce'; proxy_pass $up; }
    location /web/off/ { guard_csp off; proxy_pass $up; }
    location /web/report/ { guard_csp "default-src 'none'" report_only report=/reports; proxy_pass $up; }
}
location /levels/ {
    guard_csp "default-src 'self'; base-uri 'none'";
    guard_csp_add script-src https://a.example;
    location /levels/deeper/ { guard_csp_add script-src https://b.example; proxy_pass $up; }
    location /levels/other/ { guard_csp "default-src 'none'"; proxy_pass $up; }
    proxy_pass $up;
}
location /api/ { guard_headers api; proxy_pass $up; }
EOC
);
$nginx->write_file('html/static.html', '<script nonce="{{nonce}}">ours()</script>');

sub get {
    my ($path, @words) = @_;
    return request($nginx->port, GET => $path, @words);
}

# All values of a field of a response, joined.
sub values_of {
    my ($response, $name) = @_;
    return join ' | ', map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $response->{fields} };
}
sub csp    { return values_of($_[0], 'Content-Security-Policy') }
sub report { return values_of($_[0], 'Content-Security-Policy-Report-Only') }
my @own = (headers => ['X-Own: 1']);

is csp(get('/none/html')), '', 'none: nothing';
is csp(get('/fixed/html')), "default-src 'self'; base-uri 'none'; script-src 'self'", 'a policy, as browsers read it';
is values_of(get('/fixed/html'), 'ETag'), '"x"', 'without a nonce the validators stay';
is csp(get('/fixed/html', @own)), "img-src 'none' | default-src 'self'; base-uri 'none'; script-src 'self'", 'beside the application\'s';
is csp(get('/replace/html', @own)), "default-src 'self'; base-uri 'none'", 'replace';
is csp(get('/replace/json', @own)), "img-src 'none'", 'replace takes nothing where nothing is sent instead';
is csp(get('/web/over/json', @own)), "img-src 'none'", 'nor does override';
is csp(get('/replace/html', headers => ['X-Own: 1', 'X-Status: 304 Not Modified'])), '', 'but from a 304, which is about a document perhaps';
is report(get('/replace/html', @own)), "font-src 'none'", 'replace takes only the field of its own name';
is csp(get('/both/html', @own)),    "default-src 'self'; base-uri 'none'",  'both: enforced';
is report(get('/both/html', @own)), "default-src 'none'; report-uri /r",    'both: reported';

# Documents only.
is csp(get('/fixed/json')), '', 'not with JSON';
isnt csp(get('/fixed/svg')),  '', 'with SVG';
isnt csp(get('/fixed/none')), '', 'where the type is missing';
is csp(get('/fixed/html', headers => ['X-Status: 304 Not Modified'])), '', 'not with 304';
for my $kind (qw(html json)) {
    is csp(get("/api/$kind")), "default-src 'none'; frame-ancestors 'none'", "api: with $kind";
}
is values_of(get('/web/plain/json'), 'X-Frame-Options'), '', 'web: what is about documents, not with JSON';
is values_of(get('/web/plain/json'), 'X-Content-Type-Options'), 'nosniff', 'web: the rest, with JSON';

# Nonces.
my $word = qr/[A-Za-z0-9_-]{22}/;
my %known;
for my $i (1 .. 3) {
    my $response = get('/nonce/html', headers => ['X-CSP-Nonce: forged']);
    my ($nonce) = csp($response) =~ /^script-src 'nonce-($word)' 'strict-dynamic'; object-src 'none'; base-uri 'none'; style-src 'nonce-\g1'\z/;
    ok $nonce, 'the policy has a nonce' or diag csp($response);
    ok !$known{$nonce}++, 'a fresh one';
    like $response->{body}, qr/\Anonce=\Q$nonce\E seen= /, 'the application has the same';
    is values_of($response, $_->[0]), $_->[1], "$_->[0] of a response with a nonce"
        for ['Cache-Control', 'private, no-store'], ['ETag', ''], ['Last-Modified', ''], ['Expires', ''], ['Accept-Ranges', ''];
}
{
    my $response = get('/nonce/html?<script>evil()</script>');
    like $response->{body}, qr{<script>evil\(\)</script>\z}, 'a script that the application reflects is not touched';
    is scalar(() = $response->{body} =~ /nonce="/g), 1, 'and has no nonce';
}
{
    my $response = get('/bare/html', headers => ['X-CSP-Nonce: forged', 'x-csp-nonce: again', 'X-Csp-Nonce: and again', 'X_CSP_Nonce: for CGI']);
    like csp($response), qr/'nonce-$word'/, 'a location that does not hand on the nonce has one';
    like $response->{body}, qr/\Anonce=none /, 'and the application never sees the client\'s';
}
{
    my @targeted = (headers => ['X-Targeted: 1']);
    my @names = qw(CDN-Cache-Control Example-CDN-Cache-Control Surrogate-Control);
    is join('', map { values_of(get('/nonce/html', @targeted), $_) } @names), '', 'nor does a CDN hear that it may keep it';
    is join(' ', map { values_of(get('/fixed/html', @targeted), $_) } @names), 'max-age=60 max-age=60 max-age=60', 'which it may without a nonce';
}
is values_of(get('/nonce/json'), 'ETag'), '"x"', 'what is no document keeps its validators';
is values_of(get('/nonce/json'), 'Cache-Control'), 'public, max-age=60', 'and may be kept';
{
    my $response = get('/variable/html');
    my ($nonce) = csp($response) =~ /'nonce-($word)'/;
    is values_of($response, 'X-Nonce'), $nonce, 'the variable';
    is get('/none/html')->{body} =~ /nonce=none/, 1, 'no nonce where no policy has one';
}

# Conditional requests.
my @conditional = ('If-None-Match: "x"', 'If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT', 'If-Range: "x"', 'Range: bytes=0-3');
sub seen {
    my ($path, @headers) = @_;
    my ($seen) = get($path, headers => \@headers)->{body} =~ / seen=(\S*) /;
    return $seen;
}
is seen('/nonce/html', @conditional), '', 'conditions do not reach the application';
is seen('/nonce/html', 'X-A: 1', $conditional[0], 'X-B: 2', @conditional[1, 2, 3], 'X-C: 3'), '', 'wherever they stand';
is seen('/nonce/html', $conditional[3]), 'range', 'a range without a condition does';
is seen('/nonce/html', 'Sec-Fetch-Dest: image', @conditional), 'if-none-match,if-modified-since,if-range,range', 'nor are those of images taken';
is seen('/nonce/html', 'Sec-Fetch-Dest: document', @conditional), '', 'those of documents are';
is seen('/fixed/html', @conditional), 'if-none-match,if-modified-since,if-range,range', 'without a nonce they do';
{
    my $response = request($nginx->port, PUT => '/nonce/html', body => 'x', headers => ['If-Match: "x"', 'If-None-Match: *']);
    like $response->{body}, qr/ seen=if-match,if-none-match /, 'the conditions of a write stay';
}
{
    my $response = get('/nonce/html', headers => ['X-Status: 304 Not Modified']);
    is $response->{code}, 304, '304 of the application: status';
    is csp($response), '', '304 of the application: no policy';
}
{
    my @many = map { "X-Filler-$_: $_" } 1 .. 30;
    is seen('/nonce/html', @many[0 .. 18], $conditional[0], $many[19], @conditional[1, 2, 3], @many[20 .. 29]), '', 'among many fields';
    is seen('/nonce/html', 'X-CSP-Nonce: a', @many[0 .. 17], 'X-CSP-Nonce: b', 'X-CSP-Nonce: c', 'If-None-Match: "x"'), '', 'at the end of a list';
}

# A static page, through sub_filter.
{
    my $modified = 'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT';
    my $response = get('/sorry/static.html', headers => [$modified, 'Range: bytes=0-3']);
    is $response->{code}, 200, 'a static page is sent as a whole';
    my ($nonce) = csp($response) =~ /'nonce-($word)'/;
    is $response->{body}, qq{<script nonce="$nonce">ours()</script>}, 'with its nonce';
    is values_of($response, 'Last-Modified') . values_of($response, 'ETag'), '', 'without validators';
}

# Additions.
is csp(get('/web/plain/html')),
    "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests", 'web';
is csp(get('/web/plain/html', @own)), "img-src 'none'", 'web steps back';
is csp(get('/web/add/html')),
    "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'self'; frame-ancestors 'none'; upgrade-insecure-requests; img-src 'self' data: https://img.example",
    'web and what is added';
like csp(get('/web/nonce/html')), qr/; script-src 'self' 'nonce-$word'\z/, 'web and a nonce';
is csp(get('/web/nonce/html', @own)), "img-src 'none'", 'web steps back with a nonce, too';
like csp(get('/web/over/html', @own)), qr/\Adefault-src 'self'; [^|]*; script-src 'self' 'nonce-$word'\z/, 'override, with a nonce, too';
is values_of(get('/web/over/html', @own), 'Cache-Control'), 'private, no-store', 'which is for nobody to keep';
is csp(get('/web/off/html')), '', 'web without a policy';
is csp(get('/levels/html')), "default-src 'self'; base-uri 'none'; script-src 'self' https://a.example", 'added';
is csp(get('/levels/deeper/html')), "default-src 'self'; base-uri 'none'; script-src 'self' https://a.example https://b.example", 'added below';
is csp(get('/levels/other/html')), "default-src 'none'", 'another policy below';
{
    my $response = get('/web/report/html');
    like csp($response), qr/^default-src 'self'; /, 'report_only: the profile\'s is enforced';
    is report($response), "default-src 'none'; report-uri /reports; report-to guard-csp", 'report_only: reported';
    is values_of($response, 'Reporting-Endpoints'), 'guard-csp="/reports"', 'report_only: to whom';
    is values_of(get('/web/report/json'), 'Reporting-Endpoints'), '', 'only with documents';
}

# HEAD, and an answer of nginx itself.
{
    my $response = request($nginx->port, HEAD => '/nonce/html');
    like csp($response), qr/'nonce-$word'/, 'HEAD';
    is values_of($response, 'Cache-Control'), 'private, no-store', 'HEAD: private';
    $upstream->stop;
    $response = get('/nonce/html');
    is $response->{code}, 502, 'error_page: status';
    my ($nonce) = csp($response) =~ /'nonce-($word)'/;
    is $response->{body}, qq{<script nonce="$nonce">ours()</script>}, 'error_page: its nonce';
    is get('/bare/html')->{code}, 502, 'nginx\'s own page: status';
    like csp(get('/bare/html')), qr/'nonce-$word'/, 'nginx\'s own page';
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
