# TLS to Redis: who is believed, and that nothing is said to anybody else.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking said);

needs_test_build();

sub nginx {
    my ($words) = @_;
    return start_asking("$words timeout=500ms connect_timeout=2s", { '/incr' => '"send=INCR guard:n" times=2000' });
}

sub events { my ($nginx) = @_; return events_of($nginx, qr/^redis/) }

my $files = authority();
my $ca    = "tls_ca=$files->{ca}";
my $own   = "tls_cert=$files->{client_cert} tls_key=$files->{client_key}";

my $redis  = start_redis(tls => 1);
my $mutual = start_redis(tls => 'mutual');
my $plain  = start_redis();
my $port   = $redis->port;

for my $case (
    ['an address', $redis->url . " $ca"],
    ['a name', "rediss://localhost:$port $ca"],
    ['tls_name', "rediss://localhost:$port $ca tls_name=redis.example"],
    ['not verified', "rediss://localhost:$port tls_verify=off"],
    ['not verified, another name', "rediss://localhost:$port tls_verify=off tls_name=wrong.example"],
    ['a certificate of our own', $mutual->url . " $ca $own"],
    ['a certificate that nobody asks for', $redis->url . " $ca $own"]
) {
    my ($name, $words) = @$case;
    my $nginx = nginx($words);
    like said($nginx), qr/^ok \d+000\z/, "$name: answers";
    like said($nginx), qr/^ok \d+000\z/, "$name: and again";
    is $nginx->stop('QUIT'), undef, "$name: quits";
    is_deeply [events($nginx)], [], "$name: no event";
    is_deeply [log_problems($nginx)], [], "$name: log";
}

my $logins = $redis->calls('auth');    # of the tests themselves
for my $case (
    ['an authority that did not sign it', $redis->url . " tls_ca=$files->{other_ca}", qr/^unable to get local issuer certificate|^self-signed/],
    ['the authorities of the system', $redis->url, qr/^unable to get local issuer certificate|^self-signed|^unable to verify/],
    ['a wrong name', "rediss://localhost:$port $ca tls_name=wrong.example", qr/^the certificate of the server is for another name\z/],
    ['a wrong address', "rediss://127.0.0.2:$port $ca", qr/^connect\(\)|^the certificate of the server is for another name\z/],
    ['no certificate of our own', $mutual->url . " $ca", qr/certificate required|handshake failure|reset by peer|closed/],
    ['a server without TLS', 'rediss://' . $plain->address . " $ca", qr/^SSL_do_handshake\(\) failed|closed|no connection within/],
    ['TLS where there is none of ours', 'redis://' . $redis->address, qr/closed|reply|reset|no answer/]
) {
    my ($name, $words, $why) = @$case;
    my $nginx = nginx("$words password=open-sesame");
    ok wait_for(sub { events($nginx) }, 5), "$name: seen";
    is said($nginx), 'unavailable ', "$name: unavailable";
    my @events = events($nginx);
    is scalar @events, 1, "$name: one event";
    is $events[0]{labels}{kind}, 'redis_unavailable', "$name: of the right kind";
    like $events[0]{event}{reason}, $why, "$name: with the reason";
    is $nginx->stop('QUIT'), undef, "$name: quits";
    is_deeply [log_problems($nginx)], [], "$name: log";
    unlike $nginx->log_text, qr/open-sesame/, "$name: no password in the log";
}
is $redis->calls('auth'), $logins, 'nobody who was not believed was told the password';

# Lost and found again.
{
    my $nginx = nginx($redis->url . " $ca");
    like said($nginx), qr/^ok/, 'answers';
    $redis->kill;
    ok wait_for(sub { said($nginx) =~ /^unavailable/ }), 'killed';
    $redis->start;
    ok wait_for(sub { said($nginx) =~ /^ok/ }, 3), 'recovers';
    is $nginx->stop('QUIT'), undef, 'quits';
    is_deeply [map { $_->{labels}{kind} } events($nginx)], [qw(redis_unavailable redis_recovered)], 'both events';
    is_deeply [log_problems($nginx)], [], 'log';
}

done_testing;
