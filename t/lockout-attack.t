# What scripts/attack/guess does to a lockout whose application takes 300 ms for an answer: 500 guesses at once,
# over HTTP/1.1 and over HTTP/2 by a client that lets no response through. As many as the limit get to the
# application, whatever the way.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);

my $app = start_upstream("status 401\ndelay 0.3\nbody wrong");

sub nginx {
    my ($more, $policy, @listen) = @_;
    return (
        workers     => 2,
        connections => 2048,
        listen      => \@listen,
        http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\n$more"
            . "guard_lockout_policy login key=\$email\$guard_client_net on=login_failed limit=5 window=15m duration=30m $policy;\n",
        config => 'guard_json_set $email /email; location / { guard_json on; guard_event login_failed on=401; guard_lockout login; '
            . 'proxy_pass http://127.0.0.1:' . $app->port . '; }',
    );
}

sub guess {
    my ($servers, @words) = @_;
    my @targets = map { '127.0.0.1:' . $_ } @$servers;
    open my $out, '-|', 'scripts/attack/guess', @words, @targets or die "guess: $!\n";
    my $text = do { local $/; <$out> };
    close $out;
    return eval { JSON::PP::decode_json($text) } // { failed => $text };
}

sub reached { my ($user) = @_; return scalar grep { ($_->{body} // '') =~ /"\Q$user\E"/ } @{ $app->requests } }

my $h2  = free_port();
my $one = start_nginx(nginx('', '', "listen 127.0.0.1:$h2 http2;"));
is_deeply guess([$one->port], '--user', 'h1@example.com'), { 401 => 5, 429 => 495 }, 'HTTP/1.1: five answers';
is reached('h1@example.com'), 5, 'HTTP/1.1: five have reached the application';
is_deeply guess([$h2], '--h2', '--user', 'h2@example.com'), { 401 => 5, 429 => 495 }, 'HTTP/2 with a closed window: five answers';
is reached('h2@example.com'), 5, 'HTTP/2: five have reached the application';
ends_well($one, 'one nginx');
$app->stop;
done_testing;
