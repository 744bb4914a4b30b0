# Clients that reach an IPv6 socket over IPv4 are the same clients.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $port  = free_port();
my $nginx = make_nginx();
$nginx->configure(
    no_root_location => 1,
    listen           => ["listen [::]:$port ipv6only=off;"],
    config           => <<'EOC');
root html;
server_name localhost;
location /names/ { return 200 "$guard_client_net $guard_scheme\n"; }
location /trusted/ { guard_trusted_proxies 127.0.0.1; return 200 "$guard_scheme\n"; }
location /exempt/ { guard_path strict; guard_exempt 127.0.0.0/8 path; alias html/; }
location /redirect/ { guard_https redirect; alias html/; }
EOC
is $nginx->start, undef, 'starts';

# Status, body and Location of a GET.
sub get {
    my ($url, @options) = @_;
    open my $out, '-|', 'curl', '-s', '-g', '--path-as-is', '-w', "%{http_code} %{redirect_url}", @options, $url or die "curl: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    return $text;
}

is get("http://127.0.0.1:$port/names/"), "127.0.0.1 http\n200 ", 'their names';
is get("http://127.0.0.1:$port/trusted/", '-H', 'X-Forwarded-Proto: https'), "https\n200 ", 'guard_trusted_proxies';
like get("http://127.0.0.1:$port/exempt//"), qr/200 \z/, 'guard_exempt';
like get("http://127.0.0.1:$port/redirect/"), qr{301 https://127\.0\.0\.1/redirect/\z}, 'a redirect names the address that they came to';
like get("http://127.0.0.1:$port/redirect/", '-H', 'Host: 127.0.0.2'), qr{301 https://localhost/redirect/\z}, 'and no other';
SKIP: {
    skip 'no IPv6 here', 1 if !-e '/proc/net/if_inet6' || get("http://[::1]:$port/names/") !~ /200/;
    like get("http://[::1]:$port/redirect/"), qr{301 https://\[::1\]/redirect/\z}, 'over IPv6';
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
