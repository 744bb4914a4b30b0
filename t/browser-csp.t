# A real browser and a strict policy: pages with inline scripts work with nonces, injected scripts do not
# run, and what the browser reports of them becomes events; cookies arrive flagged.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Browser qw(browser_modules run_node start_application start_demo);
use Test::Nginx::Guard::Events  qw(events_of);
use Test::Nginx::Guard::Wait    qw(wait_for patient);

my $modules = browser_modules();
my ($app_port, $end_application) = start_application();
my ($demo, $end_demo) = start_demo();
my ($crt, $key) = certificate();
my $tls    = free_port();
my $policy = "default-src 'self'; script-src 'nonce' 'strict-dynamic'; style-src 'nonce'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
my $nginx  = start_nginx(
    no_root_location => 1,
    listen           => ["listen 127.0.0.1:$tls ssl http2;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    config           => <<"EOC",
server_name app.site.test;
guard_event_log \$TEST_NGINX_EVENT_LOG;
guard_headers web;
guard_csrf on;
guard_cookies except=theme;
guard_csp "$policy" report=/csp-reports;
proxy_set_header X-CSP-Nonce \$guard_csp_nonce;
location / { proxy_set_header X-Forwarded-Proto \$guard_scheme; proxy_pass http://$demo; proxy_set_header X-CSP-Nonce \$guard_csp_nonce; }
location /node/ { proxy_pass http://127.0.0.1:$app_port; }
location /static/ { alias html/; sub_filter_once off; sub_filter '{{nonce}}' \$guard_csp_nonce; }
location /none/ { guard_csp off; proxy_pass http://127.0.0.1:$app_port; }
location /report-only/ {
    guard_csp "$policy" report_only report=/csp-reports;
    guard_headers off;
    proxy_pass http://127.0.0.1:$app_port;
}
location /uri/ { guard_csp "$policy; report-uri /csp-reports"; proxy_pass http://127.0.0.1:$app_port; }
location = /csp-reports { guard_csp_report; }
EOC
);
$nginx->write_file('html/page.html', <<'EOP');
<!doctype html><title>static</title>
<script nonce="{{nonce}}">document.documentElement.dataset.own = "ran"</script>
<script>document.documentElement.dataset.injected = "without a nonce"</script>
EOP

my $seen = run_node('policy', [$modules, '/usr/bin/chromium', $tls, patient(30)]);

# What is the application's own works.
my $nonce = qr/^[A-Za-z0-9_-]{22}$/;
is $seen->{demo}{status}, 200, 'the demo application';
is $seen->{demo}{protocol}, 'h2', 'over HTTP/2';
is_deeply [map { /$nonce/ ? 1 : 0 } @{ $seen->{demo}{nonces} }], [1], 'its script has a nonce';
is $seen->{demo}{cache}, 'private, no-store', 'so nobody keeps the page';
like $seen->{demo}{policy}, qr/script-src 'nonce-\Q$seen->{demo}{nonces}[0]\E' 'strict-dynamic'/, 'that of its policy';
isnt $seen->{demo}{nonces}[0], $seen->{again}{nonces}[0], 'which is another the next time';
is $seen->{width}, '704px', 'its inline style counts';
like $seen->{registered}, qr/\A201\n\{"email":"ann\@example\.com","id":1,"name":""\}/, 'and its inline script has sent the form';
is $seen->{static}{own}, 'ran', 'a static page with a nonce by sub_filter works too';

# What is not its own does not.
is $seen->{static}{injected}, '', 'a script without a nonce does not run';
for my $name (qw(script handler base stale uri)) {
    is $seen->{$name}{own}, 'ran', "$name: the page's own script runs";
    is $seen->{$name}{injected}, '', "$name: the injected one does not";
}
like $seen->{base_uri}, qr{^https://app\.site\.test:$tls/node/reflect}, 'nor does an injected <base> count';
is $seen->{none}{injected}, 'script', 'without a policy it does run';
is $seen->{report_only}{injected}, 'script', 'and with one that only reports';

# The browser's reports.
my $base = "https://app.site.test:$tls";
sub reports {
    return sort map { join ' ', @{ $_->{labels} }{qw(disposition effective_directive blocked_uri)}, $_->{url}{original} =~ s/^\Q$base\E//r }
        events_of($nginx, qr/^csp_violated/);
}
my @expected = sort(
    'enforce script-src-elem inline /node/reflect', 'enforce script-src-attr inline /node/reflect', 'enforce base-uri https://evil.test/ /node/reflect',
    'enforce script-src-elem inline /static/page.html', 'report script-src-elem inline /report-only/node/reflect', 'enforce script-src-elem inline /uri/node/reflect');
wait_for(sub { scalar(my @got = reports()) >= @expected });
is_deeply [reports()], \@expected, 'each kind of violation has become an event, once';
my ($event) = grep { $_->{labels}{effective_directive} eq 'script-src-elem' && $_->{url}{original} eq "$base/node/reflect" } events_of($nginx, qr/^csp_violated/);
is $event->{labels}{source_url}, "$base/node/reflect", 'with the place that did it';
like $event->{user_agent}{original}, qr/Chrome/, 'by Chromium';
is $event->{http}{version}, '2', 'over HTTP/2';
is scalar(grep { index($nginx->log_text('events.log'), $_) >= 0 } 'documentElement', 'q='), 0, 'without what was injected';

# Cookies.
is_deeply [sort { $a->{name} cmp $b->{name} } @{ $seen->{cookies} }], [
    { name => '__Host-id', secure => JSON::PP::true, httpOnly => JSON::PP::true,  sameSite => 'Lax' },
    { name => 'sid',       secure => JSON::PP::true, httpOnly => JSON::PP::true,  sameSite => 'Lax' },
    { name => 'theme',     secure => JSON::PP::false, httpOnly => JSON::PP::false, sameSite => 'Lax' },
], 'cookies arrive flagged';
is $seen->{readable}, 'theme=dark', 'and scripts read only the one that is excepted';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
is_deeply [events_of($nginx, qr/^(?!csp_violated|config_loaded)/)], [], 'nothing else has happened';
$end_application->();
$end_demo->();
done_testing;
