# guard_metrics: scrapes of 500 routes, a twentieth of the time, hold up no other request. Held against the time that a scrape takes, so
# that neither a slow machine nor a sanitizer makes a difference: were it made in one piece, requests would wait for most of that.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Process qw(spawn end_process);
use Time::HiRes qw(time sleep);

my $routes = 500;
my $nginx = start_nginx(
    workers => 1,
    config  => "keepalive_requests 10000000;\n" . join('', map { "location = /r$_ { guard_route route-$_; return 204; }\n" } 1 .. $routes) . "location = /metrics { guard_metrics; }\n",
);

my $connection = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $nginx->port, Proto => 'tcp') or die "connect: $!\n";
$connection->autoflush;

sub ask_for {
    my ($target) = @_;
    print {$connection} "GET $target HTTP/1.1\r\nHost: x\r\n\r\n";
    my $answer = '';
    sysread $connection, $answer, 65536, length $answer or die "no answer: $!\n" until $answer =~ /\r\n\r\n/;
    die "not a 204: $answer\n" if $answer !~ m{\AHTTP/1\.1 204 .*\r\n\r\n\z}s;
    return;
}

# 500 requests a second, and how long each was late: from when it was due, so that those count as well that wait behind one that is
# held up.
sub lateness {
    my ($seconds) = @_;
    my ($begun, @late) = (time);
    for my $i (0 .. 500 * $seconds) {
        my $due = $begun + $i / 500;
        my $now = time;
        sleep $due - $now if $due > $now;
        ask_for('/r1');
        push @late, time - $due;
    }
    return sort { $a <=> $b } @late;
}
sub p99 { my (@times) = @_; return $times[0.99 * @times] }

sub scrape_time {
    my $begun = time;
    my $answer = request($nginx->port, GET => '/metrics');
    my $took = time - $begun;
    is scalar(() = $answer->{body} =~ /^guard_request_duration_seconds_count\{[^}]*route="route-\d+"\} \d+$/mg), $routes, 'all routes are there';
    return $took;
}

ask_for("/r$_") for 1 .. $routes;
my ($alone) = sort { $a <=> $b } map { scrape_time() } 1 .. 3;

# p99 while DISTURB, which takes as long as a scrape, is called a twentieth of the time, less that of a calm time before.
sub added {
    my ($disturb) = @_;
    my $calm = p99(lateness(0.6));
    my $disturber = spawn(sub {
        while (1) { $disturb->(); sleep 19 * $alone }
    });
    my $disturbed = p99(lateness(1.2));
    end_process($disturber);
    return $disturbed - $calm;
}

# The machine does other things as well: of several rounds one must do, and where scrapes hold up requests none can.
my $scraped;
for (1 .. 8) {
    $scraped = added(sub { request($nginx->port, GET => '/metrics') });
    last if $scraped < $alone / 2;
}
cmp_ok $scraped, '<', $alone / 2, 'p99 of a running load stays as it was';

# This would see it.
my ($worker) = $nginx->worker_pids;
my $stopped;
for (1 .. 8) {
    $stopped = added(sub { kill STOP => $worker; sleep $alone; kill CONT => $worker });
    kill CONT => $worker;
    last if $stopped > $alone / 2;
}
cmp_ok $stopped, '>', $alone / 2, 'and would not, were a scrape made in one piece';
note sprintf 'a scrape takes %.1f ms; it adds %.2f ms to p99, in one piece it would add %.2f ms', map { 1000 * $_ } $alone, $scraped, $stopped;
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
done_testing;
