# Clients that take their time (slowhttptest's slow headers, slow bodies, slow reading) against the
# CoreConnect policy with the timeouts that it ships: nginx lets go of each of them, and honest
# clients are served all the while.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use JSON::PP qw(decode_json);
use lib dirname(__FILE__) . '/lib';
use Test::More;
use Test::Nginx::Guard;
use Time::HiRes qw(sleep time);

plan skip_all => 'slowhttptest is not installed' if !grep { -x "$_/slowhttptest" } split /:/, $ENV{PATH};
plan skip_all => 'timeouts of seconds mean nothing under valgrind' if $ENV{TEST_NGINX_USE_VALGRIND};

my $root = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $port = free_port();
my $nginx = make_nginx(workers => 1);
my $app = start_upstream('body a page', record => $nginx->root . '/upstream');

sub policy {
    my ($file) = @_;
    open my $in, '<', "$root/conf.d/$file" or die "$file: $!\n";
    local $/;
    (my $text = <$in>) =~ s{/var/log/nginx/}{$nginx->root . '/logs/'}ge;
    return $nginx->write_file("conf/$file", $text);
}

my $text = do { open my $in, '<', $nginx->conf_file or die; local $/; <$in> };
my ($modules) = $text =~ /\A((?:load_module .*\n)*)/;
symlink "$root/conf.d/schemas", $nginx->root . '/conf/schemas' or die "schemas: $!\n";
my ($policy, $locations) = map { policy($_) } 'coreconnect.conf', 'coreconnect-locations.conf';
my $user = $> == 0 ? 'user root;' : '';
my $temp = join "\n    ", map { "${_}_temp_path " . $nginx->root . "/${_}_temp;" } qw(client_body proxy fastcgi uwsgi scgi);
my ($logs, $html, $upstream) = ($nginx->root . '/logs', $nginx->html, $app->port);
$nginx->write_file('html/large', 'x' x 16_000_000);
$nginx->write_file('conf/nginx.conf', <<"END");
$modules$user
daemon off;
worker_processes 1;
error_log $logs/error.log info;
pid $logs/nginx.pid;
events { worker_connections 1024; }
http {
    $temp
    include $policy;
    upstream coreconnect_app { server 127.0.0.1:$upstream; keepalive 16; }
    server {
        listen 127.0.0.1:$port;
        guard_https off; # the timeouts are the same, and TLS would cost the machine more than they do
        location = /large { root $html; }
        include $locations;
    }
}
END
my $problem = $nginx->start;
is($problem, undef, 'nginx starts') or BAIL_OUT($problem);

# The timeouts are 10 seconds; each attack lasts twice that.
my %attack = (
    'slow headers' => [qw(-H -i 4 -c 80), '-u', "http://127.0.0.1:$port/"],
    'slow bodies for the application' => [qw(-B -i 13 -c 80 -s 8192), '-u', "http://127.0.0.1:$port/"],
    'slow bodies for Guard\'s own reader' =>
        [qw(-B -i 13 -c 80 -s 8192 -f application/json), '-u', "http://127.0.0.1:$port/api/items"],
    'slow reading' => [qw(-X -n 15 -w 1 -y 2 -z 1 -c 40), '-u', "http://127.0.0.1:$port/large"],
);
my %pid;
for my $name (keys %attack) {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec 'slowhttptest', @{ $attack{$name} }, qw(-r 200 -l 20 -p 3) or POSIX::_exit(127);
    }
    $pid{$name} = $pid;
}
END { kill 'KILL', values %pid }

my ($asked, $served, $slowest) = (0, 0, 0);
my $end = time + 20;
while (time < $end) {
    my $before = time;
    my $status = `curl -s -o /dev/null -w '%{http_code}' --max-time 5 http://127.0.0.1:$port/honest`;
    my $took = time - $before;
    $asked++;
    $served++ if $status eq '200';
    $slowest = $took if $took > $slowest;
    sleep 0.5;
}
is($served, $asked, "all of $asked honest requests are served");
cmp_ok($slowest, '<', scaled(3), 'none of them waits long');

for my $name (sort keys %pid) {
    my $pid = $pid{$name};
    ok(wait_for(sub { waitpid($pid, 1) == $pid }, 15), "$name: the attack is over");
}

# What became of them is what nginx says: slowhttptest does not notice every connection that it loses.
my $stopped = $nginx->stop;
my @accesses = map { eval { decode_json($_) } } split /\n/, $nginx->log_text('coreconnect-access.json');
my %fate = (
    'slow headers'                        => [80, GET  => '/',          408],
    'slow bodies for the application'     => [80, POST => '/',          408],
    'slow bodies for Guard\'s own reader' => [80, POST => '/api/items', 408],
    'slow reading'                        => [40, GET  => '/large',     200],
);
for my $name (sort keys %fate) {
    my ($count, $method, $path, $status) = @{ $fate{$name} };
    # The rest are slowhttptest's own probes, which are quick.
    my @slow = grep { $_->{method} eq $method && $_->{path} eq $path && $_->{request_time} >= 5 } @accesses;
    is(@slow, $count, "$name: each connection was held for a while");
    is((grep { $_->{status} == $status && $_->{request_time} < 10 + scaled(5) } @slow), $count,
        "$name: and let go after its ten seconds");
}
my @readers = grep { $_->{path} eq '/large' && $_->{request_time} >= 5 } @accesses;
is((grep { $_->{bytes_sent} < 16_000_000 } @readers), 40, 'slow reading: before they had it all');

unlike($nginx->log_text('error.log'), qr/\[(?:alert|crit|emerg)\]/, 'with nothing to complain about');
is($stopped, undef, 'nginx stops');
$app->stop;
done_testing;
