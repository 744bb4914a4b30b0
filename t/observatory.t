# MDN's HTTP Observatory, the real one, on the demo application with guard_headers web.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Browser qw(browser_modules run_node start_demo);

my $modules   = browser_modules();
my $authority = authority();
my ($demo, $end_demo) = start_demo();
my $tls   = free_port();
my $nginx = start_nginx(
    no_root_location => 1,
    listen           => ["listen 127.0.0.1:$tls ssl http2;", "ssl_certificate $authority->{cert};", "ssl_certificate_key $authority->{key};"],
    config           => <<"EOC",
guard_headers web;
guard_hide_headers on;
guard_https redirect;
guard_csrf on;
location / { proxy_set_header X-Forwarded-Proto \$guard_scheme; proxy_pass http://$demo; }
EOC
);

sub scan { return run_node('observatory', [$modules, $nginx->port, $tls], NODE_EXTRA_CA_CERTS => $authority->{ca}) }

my $scan = scan();
is $scan->{grade}, 'A+', 'grade';
cmp_ok $scan->{score}, '>=', 115, 'score';
is $scan->{status}, 200, 'of the page itself';
is_deeply [grep { !$scan->{tests}{$_}{pass} } sort keys %{ $scan->{tests} }], [], 'no test fails';
diag(map { "$_: $scan->{tests}{$_}{result} $scan->{tests}{$_}{modifier}\n" } sort keys %{ $scan->{tests} })
    if $ENV{TEST_VERBOSE} || $scan->{score} < 115;

# The same without Guard: what was measured is Guard.
$nginx->configure(
    no_root_location => 1,
    listen => ["listen 127.0.0.1:$tls ssl http2;", "ssl_certificate $authority->{cert};", "ssl_certificate_key $authority->{key};"],
    config => "location / { proxy_pass http://$demo; }",
);
is $nginx->hup, undef, 'reloads';
cmp_ok scan()->{score}, '<', 50, 'the score without Guard';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
$end_demo->();
done_testing;
