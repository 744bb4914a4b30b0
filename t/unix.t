# Clients on a Unix socket, which have no address.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $nginx = make_nginx();
my $socket = $nginx->root . '/s';
$nginx->configure(
    no_root_location => 1,
    listen           => ["listen unix:$socket;"],
    http_config      => "guard_event_log " . $nginx->log_file('events.log') . ";\nguard_rate_policy one rate=1/day;",
    config           => <<'EOC');
root html;
location /names/ { return 200 "$guard_client_net $guard_scheme\n"; }
location /trusted/ { guard_trusted_proxies unix:; return 200 "$guard_scheme\n"; }
location /others/ { guard_trusted_proxies 0.0.0.0/0 ::/0; return 200 "$guard_scheme\n"; }
location /strict/ { guard_path strict; alias html/; }
location /exempt/ { guard_path strict; guard_exempt unix: path; alias html/; }
location /everyone/ { guard_path strict; guard_exempt 0.0.0.0/0; guard_exempt ::/0; alias html/; }
location /rate/ { guard_rate one; alias html/; }
EOC
is $nginx->start, undef, 'starts';

# (status, body) of a GET, over the socket unless a port is given.
sub get {
    my ($target, @options) = @_;
    push @options, '--unix-socket', $socket unless grep { $_ eq '--connect-to' } @options;
    open my $out, '-|', 'curl', '-s', '--path-as-is', '-w', '%{http_code}', @options, "http://localhost$target" or die "curl: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    my ($body, $status) = $text =~ /\A(.*?)(\d{3})\z/s;
    return ($status, $body);
}

my @proto = ('-H', 'X-Forwarded-Proto: https');
is_deeply [get('/names/')], [200, "unix http\n"], 'their names';
is_deeply [get('/names/', @proto)], [200, "unix http\n"], 'nobody is trusted unless said';
is_deeply [get('/trusted/', @proto)], [200, "https\n"], 'guard_trusted_proxies unix:';
is_deeply [get('/trusted/', @proto, '--connect-to', '::127.0.0.1:' . $nginx->port)], [200, "http\n"],
    'which is nobody on a TCP socket';
is_deeply [get('/others/', @proto)], [200, "http\n"], 'all addresses are not the socket';
is((get('/strict//'))[0], 400, 'refused');
is((get('/exempt//'))[0], 200, 'guard_exempt unix:');
is((get('/exempt//', '--connect-to', '::127.0.0.1:' . $nginx->port))[0], 400, 'which is nobody on a TCP socket');
is((get('/everyone//'))[0], 400, 'all addresses are not the socket');
is_deeply [map { (get('/rate/'))[0] } 1 .. 2], [200, 429], 'they share one count';
is((get('/rate/', '--connect-to', '::127.0.0.1:' . $nginx->port))[0], 200, 'which is not that of an address');

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
my ($events) = read_events($nginx->log_file('events.log'));
my @refused = grep { ($_->{labels}{kind} // '') eq 'path_refused' } @$events;
is scalar(@refused), 3, 'each refusal is an event';
ok !exists $refused[0]{source}, 'without an address' or diag explain $refused[0]{source};
is $refused[1]{source}{ip}, '127.0.0.1', 'or with it';
done_testing;
