# guard_event: events from the application's own answer, whatever nginx makes of it afterwards.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Events qw(read_events subset_problem);

# The application answers with the status that the query asks for.
sub application {
    my ($request) = @_;
    my ($status) = $request->{target} =~ /status=(\d+)/;
    my @fields;
    push @fields, "X-Failed: $1" if $request->{target} =~ /failed=(\w*)/;
    push @fields, 'X-Accel-Redirect: /files/index.html' if $request->{target} =~ /accel/;
    return if ($status // 0) == 0;
    my $body = "from the application\n";
    return join "\r\n", "HTTP/1.1 $status Status", @fields, 'Connection: close', 'Content-Length: ' . length $body, '', $body;
}

# [location's name, its lines, requests: [target, status of the client, events], ...]. Each request's
# events are expected in this order, as "KIND" or [KIND, subset of the event].
my $proxy = 'proxy_pass http://127.0.0.1:UPSTREAM;';
my @cases = (
    ['login', "guard_route login; guard_event login_failed on=401,403 user=\$arg_user; guard_event login_succeeded on=200 user=\$arg_user; $proxy",
        ['?status=401&user=ada', 401, ['login_failed', { event => { action => 'login', outcome => 'failure' }, user => { hash => 're:[0-9a-f]{32}' }, http => { response => { status_code => 401 } }, labels => { route => 'login', decision => undef } }]],
        ['?status=403&user=ada', 403, 'login_failed'],
        ['?status=200&user=ada', 200, ['login_succeeded', { event => { outcome => 'success' } }]],
        ['?status=204', 204],
        ['?status=404', 404]],

    ['classes', "guard_event x_any on=all; guard_event logout on=2xx; guard_event x_client on=4xx,500; $proxy",
        ['?status=200', 200, ['x_any', { event => { action => 'x_any', category => ['web'], type => ['info'], outcome => 'unknown', severity => 5 } }], 'logout'],
        ['?status=302', 302, 'x_any'],
        ['?status=499', 499, 'x_any', 'x_client'],
        ['?status=500', 500, 'upstream_failed', 'x_any', 'x_client'],
        ['?status=501', 501, 'upstream_failed', 'x_any']],

    ['condition', "guard_event login_failed on=200,302 if=\$upstream_http_x_failed; guard_event login_succeeded on=200; $proxy",
        ['?status=200&failed=yes', 200, 'login_failed'],
        ['?status=302&failed=1', 302, 'login_failed'],
        ['?status=200&failed=0', 200, 'login_succeeded'],
        ['?status=200&failed=', 200, 'login_succeeded'],
        ['?status=200', 200, 'login_succeeded']],

    # An answer does not mean both: what has if= is closer to it, then the failure.
    ['opposite', "guard_event login_succeeded on=200; guard_event x_any on=200; guard_event login_failed on=200 if=\$upstream_http_x_failed; $proxy",
        ['?status=200&failed=1', 200, 'x_any', 'login_failed'],
        ['?status=200', 200, 'login_succeeded', 'x_any']],
    ['opposite_default', "guard_event token_refused on=all; guard_event token_refreshed on=2xx if=\$upstream_http_x_failed; $proxy",
        ['?status=200&failed=1', 200, 'token_refreshed'],
        ['?status=200', 200, 'token_refused']],
    ['opposite_class', "guard_event login_succeeded on=all; guard_event login_failed on=4xx; $proxy",
        ['?status=401', 401, 'login_failed'],
        ['?status=200', 200, 'login_succeeded']],

    ['first', "guard_event_privacy user=clear; guard_event login_failed on=401 user=one; guard_event login_failed on=4xx user=two; $proxy",
        ['?status=401', 401, ['login_failed', { user => { name => 'one' } }]],
        ['?status=400', 400, ['login_failed', { user => { name => 'two' } }]]],

    # Before error_page, in the location that has asked, and once.
    ['page', "guard_route page; proxy_intercept_errors on; error_page 401 =200 /files/index.html; guard_event login_failed on=401; guard_event x_ok on=200; $proxy",
        ['?status=401', 200, ['login_failed', { labels => { route => 'page' }, http => { response => { status_code => 401 } } }]]],
    ['named', "guard_route named; proxy_intercept_errors on; error_page 401 = \@other; guard_event login_failed on=401; $proxy",
        ['?status=401', 200, ['login_failed', { labels => { route => 'named' } }]]],
    ['accel', "guard_event x_download on=200; $proxy",
        ['?status=200&accel', 200, 'x_download']],
    ['failed', "guard_route failed; error_page 500 502 =404 /files/index.html; proxy_intercept_errors on; $proxy",
        ['?status=500', 404, ['upstream_failed', { labels => { route => 'failed' }, event => { category => ['web'], type => ['error'], outcome => 'failure', reason => 'The application answered with a server error' }, http => { response => { status_code => 500 } } }]],
        ['?none', 404, ['upstream_failed', { event => { reason => 'The application gave no valid answer' }, http => { response => { status_code => 502 } } }]]],
    ['retry', 'proxy_next_upstream error http_503; guard_event x_ok on=200; proxy_pass http://both;',
        ['?status=200', 200, 'x_ok']],

    # Without an upstream: the location itself answers.
    ['honey', 'guard_event x_honeypot on=all; return 404;', ['', 404, ['x_honeypot', { http => { response => { status_code => 404 } } }]]],
    ['honey_page', 'guard_route honey; guard_event x_honeypot on=404; error_page 404 /files/index.html; return 404;',
        ['', 404, ['x_honeypot', { labels => { route => 'honey' } }]]],
    ['file', 'guard_event file_uploaded on=2xx; alias html/;', ['index.html', 200, 'file_uploaded'], ['missing', 404]],
    ['tried', 'guard_event x_tried on=all; try_files /nothing /files/index.html;', ['', 200]],
    ['fallback', 'guard_event x_static on=404; root nowhere; error_page 404 = @app;', ['?status=201', 201, ['x_app', { http => { response => { status_code => 201 } } }]]],

    # What nginx refuses is not the application's answer; nor is what Guard refuses.
    ['denied', "deny all; guard_event x_denied on=all; $proxy", ['?status=200', 403]],
    ['denied_page', "deny all; guard_event x_denied on=all; error_page 403 =200 /files/index.html; $proxy", ['?status=200', 200]],
    ['asked', "auth_request /auth/; guard_event login_failed on=all; $proxy", ['?status=200', 401]],
    ['included', 'guard_event x_page on=200; ssi on; ssi_types *; alias html/;', ['include.html?status=401', 200, 'x_page']],
    ['refused', "guard_path strict; guard_event x_refused on=all; $proxy", ['a%2fb?status=200', 400, 'path_refused']],
    ['refused_page', "guard_path strict; guard_event x_refused on=all; error_page 400 /files/index.html; $proxy", ['a%2fb?status=200', 400, 'path_refused']],
    ['observed', "guard_mode observe; guard_path strict; guard_event x_seen on=200; $proxy", ['a%2fb?status=200', 200, 'path_refused', 'x_seen']],

    # But what has been answered before its page is refused has been answered.
    ['page_refused', "guard_route page; proxy_intercept_errors on; error_page 401 =200 /strict/index.html; guard_event login_failed on=401; $proxy",
        ['a%2fb?status=401', 400, 'path_refused', ['login_failed', { labels => { route => 'page' }, http => { response => { status_code => 401 } } }]]],
    ['named_refused', "proxy_intercept_errors on; error_page 401 = \@strict; guard_event login_failed on=401; $proxy", ['a%2fb?status=401', 400, 'path_refused', 'login_failed']],
    ['failed_refused', "error_page 502 /strict/index.html; $proxy", ['a%2fb?none', 400, 'path_refused', 'upstream_failed']],
    ['honey_refused', 'guard_event x_honeypot on=404; error_page 404 /strict/index.html; return 404;', ['a%2fb', 400, 'path_refused', ['x_honeypot', { http => { response => { status_code => 404 } } }]]],
    ['fallback_refused', 'guard_event x_static on=404; root nowhere; error_page 404 = @strict;', ['a%2fb', 400, 'path_refused']],
    ['refused_fails', "guard_path strict; guard_error_page allow; guard_event x_refused on=all; error_page 400 = \@gone; $proxy", ['a%2fb?status=200', 500, 'path_refused']],

    # A connection that is closed without an answer: by the location itself, or by the page behind an answer.
    ['closed', 'guard_event x_honeypot on=444; return 444;', ['', undef, ['x_honeypot', { http => { response => { status_code => 444 } } }]]],
    ['closed_page', "guard_route closed; proxy_intercept_errors on; error_page 401 = \@closed; guard_event login_failed on=401; $proxy",
        ['?status=401', undef, ['login_failed', { labels => { route => 'closed' }, http => { response => { status_code => 401 } } }]]],
    ['closed_file', 'guard_event x_missing on=404; root nowhere; error_page 404 @closed;', ['a', undef, 'x_missing']],
    ['closed_refused', "guard_path strict; guard_event x_refused on=all; guard_error_page allow; error_page 400 = \@closed; $proxy", ['a%2fb?status=200', undef, 'path_refused']],
    ['closed_denied', "deny all; error_page 403 = \@closed; guard_event x_denied on=all; $proxy", ['?status=200', undef]],

    # Inheritance.
    ['inherits', "guard_event x_outer on=2xx; location /inherits/replaced { guard_event x_inner on=2xx; $proxy } location /inherits/more { guard_event +x_inner on=2xx; $proxy } location /inherits/off { guard_event off; $proxy } $proxy",
        ['?status=200', 200, 'x_outer'],
        ['replaced?status=200', 200, 'x_inner'],
        ['more?status=200', 200, 'x_outer', 'x_inner'],
        ['off?status=200', 200]],
    ['user_missing', "guard_event x_user on=200 user=\$arg_user; $proxy", ['?status=200', 200, ['x_user', { user => undef }]]],
);

my $upstream = start_upstream(\&application);
my $config = join "\n", map {
    my ($name, $lines) = @$_;
    $lines =~ s/UPSTREAM/$upstream->{port}/ge;
    "location /$name/ { $lines }";
} @cases;
$config .= <<"EOC";
location /files/ { guard_route files; internal; alias html/; }
location \@closed { return 444; }
location /strict/ { internal; guard_path strict; alias html/; }
location \@strict { guard_path strict; guard_event x_strict on=all; proxy_pass http://127.0.0.1:$upstream->{port}; }
location \@gone { guard_event x_gone on=all; proxy_intercept_errors on; error_page 500 /files/index.html; rewrite ^ /?status=500 break; proxy_pass http://127.0.0.1:$upstream->{port}; }
location \@other { guard_route other; guard_event x_other on=all; rewrite ^ /?status=200 break; proxy_pass http://127.0.0.1:$upstream->{port}; }
location \@app { guard_event x_app on=all; proxy_pass http://127.0.0.1:$upstream->{port}; }
location /auth/ { internal; guard_event x_auth on=all; rewrite ^ /?status=401 break; proxy_pass http://127.0.0.1:$upstream->{port}; }
EOC

my $nginx = make_nginx(
    http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nupstream both { server 127.0.0.1:1; server 127.0.0.1:$upstream->{port} backup; }",
    config      => $config,
    no_root_location => 1,
);
$nginx->write_file('html/include.html', '<!--# include virtual="/login/?status=401&user=ada" -->');
is $nginx->start, undef, 'starts';

my @expected;
for my $case (@cases) {
    my ($name, undef, @requests) = @$case;
    for my $request (@requests) {
        my ($target, $status, @events) = @$request;
        my $answer = request($nginx->port, GET => "/$name/$target");
        is defined $answer ? $answer->{code} : undef, $status, "/$name/$target";
        push @expected, map { ["/$name/$target", ref $_ ? @$_ : ($_, {})] } @events;
    }
}
is scalar(grep { $_->{target} eq '/login/?status=401&user=ada' } @{ $upstream->requests }), 2, 'once by itself, once included';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';

my ($events) = read_events($nginx->log_file('events.log'));
my @got = grep { $_->{labels}{kind} ne 'config_loaded' } @$events;
is join("\n", map { "$_->{url}{path} $_->{labels}{kind}" } @got), join("\n", map { (my $path = $_->[0]) =~ s/\?.*//; "$path $_->[1]" } @expected), 'the events, each once, in order';
for my $i (0 .. $#expected) {
    my $problem = subset_problem($expected[$i][2], $got[$i]);
    is $problem, undef, "$expected[$i][1] of $expected[$i][0]";
}

# What a cache has of earlier says nothing of the application that fails now: that it was not there, or that it was.
{
    my $caching = start_nginx(
        http_config => 'guard_event_log $TEST_NGINX_EVENT_LOG; proxy_cache_path $TEST_NGINX_SERVER_ROOT/cache keys_zone=one:1m;',
        config      => <<"EOC");
location / {
    proxy_cache one; proxy_cache_key one; proxy_cache_valid 200 1s; proxy_cache_use_stale error timeout http_500;
    add_header X-Cache \$upstream_cache_status always;
    proxy_pass http://127.0.0.1:$upstream->{port};
}
EOC
    my $stale = sub { my ($target) = @_; return wait_for(sub { my $answer = request($caching->port, GET => $target); return $answer->{code} == 200 && header_of($answer->{fields}, 'X-Cache') eq 'STALE' }) };
    is request($caching->port, GET => '/?status=200')->{code}, 200, 'stale: an answer to keep';
    ok $stale->('/none'), 'stale: instead of none';
    ok $stale->('/?status=500'), 'stale: instead of an error';
    is $caching->stop, undef, 'stale: stops';
    my ($stale_events) = read_events($caching->log_file('events.log'));
    is_deeply [map { "$_->{http}{response}{status_code} $_->{event}{reason}" } grep { $_->{labels}{kind} eq 'upstream_failed' } @$stale_events],
        ['502 The application gave no valid answer', '500 The application answered with a server error'], 'stale: each is called what it is';
}
done_testing;
