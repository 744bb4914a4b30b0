# What an application says over FastCGI, uwsgi and SCGI is heard as over HTTP: its own status makes events, counts for
# lockouts and bans, and it is sent the nonce of the page and no client's own.

use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Process qw(spawn end_process);
use Test::Nginx::Guard::Wait qw(patient);

# Reads so many bytes; undef: there are no more.
sub take {
    my ($socket, $size) = @_;
    my $bytes = '';
    while (length $bytes < $size) {
        IO::Select->new($socket)->can_read(patient(3)) or return;
        sysread $socket, $bytes, $size - length $bytes, length $bytes or return;
    }
    return $bytes;
}

# How a request is read, as (its parameters, its body), and how an answer is written.
my %speaks = (
    fastcgi => {
        read => sub {
            my ($socket) = @_;
            my ($text, $body, %params) = ('', '');
            while (1) {
                my (undef, $type, undef, $size, $padding) = unpack 'CCnnCx', take($socket, 8) // return;
                my $content = $size ? take($socket, $size) : '';
                take($socket, $padding) if $padding;
                $text .= $content if $type == 4;
                $body .= $content if $type == 5;
                last              if $type == 5 && !$size;
            }
            while (length $text) {
                my @size = map { my ($one) = unpack 'C', $text; $one & 128 ? unpack('N', substr $text, 0, 4, '') & 0x7fffffff : unpack('C', substr $text, 0, 1, '') } 1, 2;
                my ($name, $value) = map { substr $text, 0, $_, '' } @size;
                $params{$name} = $value;
            }
            return (\%params, $body);
        },
        write => sub { my ($text) = @_; return pack('CCnnCx', 1, 6, 1, length $text, 0) . $text . pack('CCnnCx', 1, 3, 1, 8, 0) . "\0" x 8 },
    },
    uwsgi => {
        read => sub {
            my ($socket) = @_;
            my (undef, $size) = unpack 'CvC', take($socket, 4) // return;
            my %params = unpack '(v/a v/a)*', take($socket, $size);
            return (\%params, take($socket, $params{CONTENT_LENGTH} || 0));
        },
        write => sub { return "HTTP/1.1 $_[0]" =~ s/Status: //r },
    },
    scgi => {
        read => sub {
            my ($socket) = @_;
            my $size = '';
            while (1) {
                my $digit = take($socket, 1) // return;
                last if $digit eq ':';
                $size .= $digit;
            }
            my @words = split /\0/, take($socket, $size + 1), -1;
            pop @words;    # the comma behind the last
            my %params = @words;
            return (\%params, take($socket, $params{CONTENT_LENGTH} || 0));
        },
        write => sub { return $_[0] },
    },
);

# Who has the password "right" gets 200, others 401; the body says what nonce there is.
my %listener = map { $_ => IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64) // die "listen: $!\n" } keys %speaks;
my %server = map {
    my $kind = $_;
    $kind => spawn(sub {
        $SIG{PIPE} = 'IGNORE';
        while (1) {
            my $socket = $listener{$kind}->accept or next;
            my ($params, $body) = $speaks{$kind}{read}->($socket);
            next if !$params;
            my $status = $body =~ /"right"/ ? '200 OK' : $body =~ /"broken"/ ? '500 No' : '401 Unauthorized';
            my $nonce  = join ' ', map { "$_=$params->{$_}" } grep { /NONCE/ } sort keys %$params;
            syswrite $socket, $speaks{$kind}{write}->("Status: $status\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\n\r\n$nonce");
        }
    });
} keys %speaks;

sub locations {
    my ($kind) = @_;
    my $pass = "${kind}_pass 127.0.0.1:" . $listener{$kind}->sockport . ';';
    return <<"EOC";
location /$kind/ {
    ${kind}_param REQUEST_METHOD \$request_method;
    ${kind}_param CONTENT_LENGTH \$content_length;
    ${kind}_param HTTP_X_CSP_NONCE \$guard_csp_nonce;
    guard_json on;
    guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'";
    guard_cookies;
    guard_event login_failed on=401 user=\$email;
    guard_event login_succeeded on=200 user=\$email;
    $pass
    location /$kind/login { guard_lockout login; $pass }
    location /$kind/banned { guard_ban misses; $pass }
    location /$kind/paged { guard_lockout login; ${kind}_intercept_errors on; error_page 401 =200 /page; $pass }
}
location /front/$kind { guard_json on; guard_lockout login; try_files /none /$kind/asked; }
EOC
}
my $nginx = start_nginx(
    http_config => <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_event_privacy user=clear;
underscores_in_headers on;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_lockout_policy login key=$email$guard_client_net on=login_failed limit=2 window=15m duration=30m;
guard_ban_policy misses score=3 half_life=10m duration=1h weights=401:1;
EOC
    config => join('', "guard_json_set \$email /email;\nlocation = /page { return 200 page; }\n", map { locations($_) } sort keys %speaks)
);

sub ask {
    my ($target, $user, $password, @headers) = @_;
    return request($nginx->port, POST => $target, body => JSON::PP::encode_json({ email => $user, password => $password }),
        headers => ['Content-Type: application/json', @headers]);
}
sub codes { my ($target, $user, $count, $password, @headers) = @_; return join ' ', map { ask($target, $user, $password // 'wrong', @headers)->{code} } 1 .. $count }
sub told { my ($kind, $user) = @_; return scalar grep { $_->{user}{name} eq $user } events_of($nginx, qr/^$kind$/) }

for my $kind (sort keys %speaks) {
    is codes("/$kind/login", "ann-$kind", 4), '401 401 429 429', "$kind: failures lock";
    is codes("/$kind/login", "bob-$kind", 4, 'right'), '200 200 200 200', "$kind: successes do not";
    is codes("/$kind/login", "cid-$kind", 4, 'broken'), '500 500 500 500', "$kind: nor an application that fails";
    is codes("/$kind/paged", "dan-$kind", 3), '200 200 429', "$kind: behind an error page the application's own status counts";
    is codes("/front/$kind", "eve-$kind", 3), '401 401 429', "$kind: behind try_files";
    is codes("/$kind/banned", "fay-$kind", 4, 'wrong', "X-Client: 192.0.2." . length $kind), '401 401 401 403', "$kind: and for bans";
    ok wait_for(sub { told('account_locked', "eve-$kind") == 1 && told('login_succeeded', "bob-$kind") == 4 }), "$kind: events";
    is told('login_failed', "dan-$kind"), 2, "$kind: of each failure";

    my $page = ask("/$kind/", "nonce-$kind", 'right', 'X-CSP-Nonce: evil', 'X_CSP_Nonce: evil');
    my ($nonce) = header_of($page->{fields}, 'Content-Security-Policy') =~ /'nonce-([\w-]{22})'/;
    is $page->{body}, "HTTP_X_CSP_NONCE=$nonce", "$kind: has the nonce of the policy, and no other";
    is header_of($page->{fields}, 'Set-Cookie'), 'a=b; HttpOnly; SameSite=Lax', "$kind: cookies are flagged";
}
ends_well($nginx, 'nginx');
end_process($_) for values %server;
done_testing;
