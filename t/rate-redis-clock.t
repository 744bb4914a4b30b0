# What counts by Redis's time goes on where Redis's counts left off, whichever worker has heard of that time.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Time::HiRes qw(time);

# Its clock is ten days ahead; of each key one request has passed, this one.
my $fake = start_fake_redis(
    answer => sub {
        my ($command) = @_;
        return unless $command->[0] =~ /^EVAL/;
        my $now = int 1e6 * (time + 10 * 86400);
        return "*2\r\n:$now\r\n" . (grep({ $_ eq 'l' } @$command) ? "*2\r\n:1\r\n:0\r\n" : ":1\r\n");
    }
);
my @algorithms = qw(fixed_window sliding_window sliding_log);
my $nginx = start_nginx(
    workers     => 2,
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $fake->unix_url . " timeout=2s;\n"
        . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
        . join('', map { "guard_rate_policy $_ rate=3/day key=all algorithm=$_ redis=main;\n" } @algorithms),
    config => "root html;\nlocation = /who { add_header X-Worker \$pid; try_files /index.html =404; }\n"
        . join('', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms)
);

# A connection to each worker.
my @connections;
{
    my %worker;
    ok wait_for(
        sub {
            my $answer = request_raw($nginx->port, "GET /who HTTP/1.1\r\nHost: x\r\n\r\n", hold => 1);
            $worker{ header_of($answer->{responses}[0]{fields}, 'X-Worker') } //= $answer->{connection};
            return keys %worker == 2;
        }
        ),
        'a connection to each worker';
    @connections = values %worker;
}

sub codes_from {
    my ($connection, $target, $count) = @_;
    return join ' ', map {
        request_raw($nginx->port, "GET $target HTTP/1.1\r\nHost: x\r\n\r\n", connection => $connection, hold => 1)->{responses}[0]{code}
    } 1 .. $count;
}

is codes_from($connections[0], "/$_/", 1), 200, "$_: one worker has heard of the time" for @algorithms;
$fake->behave('refuse');
ok wait_for(sub { $nginx->log_text =~ /guard_redis "main" is unavailable/ }), 'Redis is away' or diag $nginx->log_text;
for my $algorithm (@algorithms) {
    is codes_from($connections[0], "/$algorithm/", 1), 200, "$algorithm: it goes on";
    is codes_from($connections[1], "/$algorithm/", 2), '200 429', "$algorithm: and so does the other one, which has not";
    is codes_from($connections[0], "/$algorithm/", 1), 429, "$algorithm: so no more than the quota passes";
}

ends_well($nginx, 'clock', events => ['redis_unavailable']);

done_testing();
