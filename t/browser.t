# A real browser in front of nginx with Guard, the demo application and one that protects itself from
# nothing: what it lets pages do, what it refuses them, and what reaches the applications.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Browser qw(browser_modules run_node start_application start_demo);
use Test::Nginx::Guard::Wait    qw(patient);

my $modules = browser_modules();
my ($app_port, $end_application) = start_application();
my ($demo, $end_demo) = start_demo();
my ($crt, $key) = certificate();
my $tls  = free_port();
my $page = tempdir(CLEANUP => 1);
open my $out, '>', "$page/page.html" or die "$page/page.html: $!\n";
print $out "<!doctype html><title>another site</title>\n";
close $out;
chmod 0755, $page;

my $others = join "\n", map { "server { listen 127.0.0.1:$tls ssl http2; server_name $_.test; root $page; }" } qw(friend.site evil);
my $nginx  = start_nginx(
    no_root_location => 1,
    http_config      => <<"EOC",
ssl_certificate $crt;
ssl_certificate_key $key;
guard_event_log \$TEST_NGINX_EVENT_LOG;
$others
server {
    listen 127.0.0.1:$tls ssl http2;
    server_name app.site.test;
    guard_headers web;
    guard_cors https://friend.site.test:$tls methods=GET,POST,PUT headers=Content-Type,X-Token expose=X-Total credentials;
    guard_csrf on trusted=https://friend.site.test:$tls;
    location / { proxy_set_header X-Forwarded-Proto \$guard_scheme; proxy_pass http://$demo; }
    location /node/ { proxy_pass http://127.0.0.1:$app_port; }
    location /node/open/ { guard_cors *; proxy_pass http://127.0.0.1:$app_port; }
    location /node/socket {
        proxy_http_version 1.1;
        proxy_set_header Upgrade \$http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_pass http://127.0.0.1:$app_port;
    }
}
EOC
    config => 'location / { return 404; }',
);

my $seen = run_node('scenario', [$modules, '/usr/bin/chromium', $tls, patient(30)]);

# Our own pages.
is $seen->{title}, 'Demo application', 'the demo is there';
is $seen->{headers}{'x-frame-options'}, 'deny', 'with its fields';
is $seen->{headers}{vary}, 'Origin', 'and Vary';
is_deeply $seen->{own}{post}, { type => 'basic', status => 200, total => '7', other => '8', text => '{"method":"POST","cookie":"sid=secret","body":"a=b"}' },
    'our own page posts';
is $seen->{own}{form}, '{"method":"POST","cookie":"sid=secret","body":"a=b"}', 'and sends a form, though its Referrer-Policy makes Origin null';
is $seen->{own}{socket}, 'sid=secret', 'and opens a WebSocket';

# An origin that is allowed and trusted.
my $friend = $seen->{friend};
my %answer = (type => 'cors', status => 200, total => '7', other => undef);
is_deeply $friend->{get}, { %answer, text => '{"method":"GET","cookie":"sid=secret","body":""}' }, 'an allowed origin reads with cookies, and what is exposed';
is_deeply $friend->{without}, { %answer, text => '{"method":"GET","cookie":"","body":""}' }, 'and without';
is_deeply $friend->{put}, { %answer, text => '{"method":"PUT","cookie":"sid=secret","body":"{}"}' }, 'and changes, after a preflight';
is_deeply $friend->{patch}, { error => 'TypeError' }, 'but not by another method';
is_deeply $friend->{field}, { error => 'TypeError' }, 'nor with another field';
is_deeply $friend->{open}, { type => 'cors', status => 200, total => undef, other => undef, text => '{"method":"GET","cookie":"","body":""}' },
    'it reads what is open to all';
is_deeply $friend->{open_with}, { error => 'TypeError' }, 'but not with cookies';
is $friend->{socket}, 'sid=secret', 'its WebSocket opens';
is $friend->{form}, 200, 'its form passes';
is_deeply $friend->{stranger}, { get => { %answer, text => '{"method":"GET","cookie":"","body":""}' }, socket => 'none' }, 'and all that without a cookie';

# One that is not.
my $evil = $seen->{evil};
is_deeply $evil->{$_}, { error => 'TypeError' }, "another origin: $_ fails" for qw(get without put patch field open_with);
is_deeply $evil->{open}, { type => 'cors', status => 200, total => undef, other => undef, text => '{"method":"GET","cookie":"","body":""}' },
    'another origin reads what is open to all';
is $evil->{socket}, 'refused', 'its WebSocket does not open';
is $evil->{form}, 403, 'its form is refused';
is_deeply $evil->{stranger}, { get => { error => 'TypeError' }, socket => 'refused' }, 'nor is there more for it without a cookie';

# Nobody frames us.
for my $name (qw(friend evil)) {
    is $seen->{$name}{frame}{shown}, 0, "$name: nothing of the page is in the frame";
    isnt $seen->{$name}{frame}{url}, "https://app.site.test:$tls/", "$name: nor its address";
}

# What the application has seen: whatever it would have done is not undone by a browser that keeps the answer to itself.
my @evil = grep { /evil/ } @{ $seen->{reached} };
is_deeply \@evil, ['GET /node/read?evil', 'GET /node/read?without-evil', 'GET /node/open/read?evil', 'GET /node/open/read?with-evil',
    'GET /node/read?stranger-evil'],
    'of another origin only reading has reached the application';
is_deeply [grep { !/evil|own|login|form|fetch/ } @{ $seen->{reached} }], [
    'GET /node/read?friend', 'GET /node/read?without-friend', 'PUT /node/change?put-friend', 'GET /node/open/read?friend',
    'GET /node/open/read?with-friend', 'POST /node/change?silent-friend', 'WEBSOCKET /node/socket?friend',
    'GET /node/read?stranger-friend', 'WEBSOCKET /node/socket?stranger-friend',
], 'and no preflight';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
$end_application->();
$end_demo->();

my ($events) = read_events($nginx->log_file('events.log'));
my %count;
$count{ join ' ', $_->{event}{code}, $_->{http}{request}{method}, $_->{url}{path} }++ for grep { $_->{event}{code} } @$events;
is_deeply \%count, {
    'cors.origin OPTIONS /node/change'     => 3,
    'cors.origin OPTIONS /node/read'       => 2,
    'csrf.cross_site POST /node/change'    => 2,
    'csrf.cross_site GET /node/socket'     => 2,
}, 'each refusal is an event';
done_testing;
