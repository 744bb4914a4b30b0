# The demo application by itself: its own tests pass, and it is served and stops as scripts/run needs.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IPC::Run qw(run start finish timeout);
use Test::More tests => 7;
use Time::HiRes qw(sleep time);

my $demo = dirname(__FILE__) . '/../scripts/demo';
my @python = ('/usr/bin/python3', '-B');

my $report = '';
ok(run([@python, "$demo/app_test.py"], '>&', \$report, timeout(240)), 'app_test.py passes') or diag($report);

my $state = tempdir(CLEANUP => 1);
my $errors = '';
my $server = start([@python, "$demo/serve.py", $state], '2>', \$errors, timeout(240));
my $until = time + 80;
sleep 0.05 while !-s "$state/address" && time < $until && $server->pumpable;
ok(open(my $file, '<', "$state/address"), 'the address is written') or BAIL_OUT($errors);
chomp(my $address = <$file>);

my $client = HTTP::Tiny->new(timeout => 40, verify_SSL => 0);
my $page = $client->get("http://$address/", {headers => {'X-Forwarded-Proto' => 'https'}});
is($page->{status}, 200, 'the page is there');
like($page->{content}, qr/came over HTTPS/, 'the scheme of the proxy in front is believed');
my $login = $client->post("http://$address/api/auth/login", {
    headers => {'Content-Type' => 'application/json'},
    content => '{"email":"ann@example.com","password":"guess"}',
});
is($login->{status}, 401, 'nobody signs in by guessing');

$server->signal('TERM');
ok(eval { $server->finish; 1 }, 'it ends on SIGTERM') or $server->kill_kill;
is($errors, '', 'and has nothing to complain about');
