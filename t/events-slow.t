# Several event logs at once, none of which takes anything: a pipe that nobody reads, syslog servers that hang, over TCP and
# a Unix socket, and a Redis that does not answer. No request waits for any of them, each counts what it has lost, and a
# log that works has it all.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX  qw(mkfifo);
use Socket qw(SOCK_DGRAM SOL_SOCKET SO_RCVBUF);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Refusals;
use Time::HiRes qw(time);

my $redis = start_redis();
my $fake  = start_fake_redis(behind => $redis);
my $tcp   = IO::Socket::INET->new(Proto => 'tcp', Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "TCP: $!\n";
setsockopt $tcp, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096 or die "SO_RCVBUF: $!\n";
my $nginx = make_nginx();
my $root  = $nginx->root;
my $unix  = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$root/log.socket") or die "$root/log.socket: $!\n";
mkfifo("$root/pipe", 0600) or die "mkfifo: $!\n";
sysopen my $pipe, "$root/pipe", POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "$root/pipe: $!\n";
my $log  = $nginx->log_file('events.log');
my @slow = ("$root/pipe", 'syslog:server=127.0.0.1:' . $tcp->sockport . ',proto=tcp', "syslog:server=unix:$root/log.socket", 'redis:main:events');
$nginx->configure(
    http_config      => "guard_redis main " . $fake->unix_url . " timeout=5s;\nguard_event_log $log;\n" . join('', map { "guard_event_log $_;\n" } @slow),
    config           => 'location / { guard_path strict; root html; }',
    no_root_location => 1
);
is $nginx->start, undef, 'starts';
$fake->behave('hang');
my $each = 8000;
refuse($nginx, $each, 'full');

my @time;
for (1 .. 300) {
    my $begun = time;
    my $code  = request($nginx->port, GET => '/late%2f')->{code};
    push @time, time - $begun;
    next if $code == 400;
    fail "refused: $code";
    last;
}
my $longest = (sort { $b <=> $a } @time)[0];
cmp_ok $longest, '<', scaled(1), 'no request waits, even for a moment';

my $told = sub {
    my ($text) = @_;
    return () = $text =~ /takes no lines|failed, its lines are kept/g;
};
ok wait_for(sub { $told->($nginx->log_text) == @slow }, 15), 'what takes nothing is said, of each' or diag $nginx->log_text;
ok wait_for(sub { events_of($nginx, qr/^path_refused/) == $each + @time }), 'the log that works has all';

# Who reads again is told how many are missing; of the others he hears as well.
sub lost_of {
    my ($name, $text) = @_;
    my ($number, $count) = $text =~ /"sequence":(\d+),"reason":"Lines for \\"\Q$name\E\\" could not be written"\}.*?"count":"(\d+)"/ or return;
    my %there = map { $_ => 1 } $text =~ /"sequence":(\d+)/g;
    return ($count, scalar grep { !$there{$_} } 1 .. $number);
}
sub is_told {
    my ($name, $read) = @_;
    my ($count, $missing);
    ok wait_for(sub { ($count, $missing) = lost_of($name, $read->()); return defined $count }, 15), "$name: is told";
    cmp_ok $count // 0, '>', 1000, "$name: that many are lost";
    is $count, $missing, "$name: as many as are missing";
    return;
}
$fake->behave('pass');
my %handle;
@handle{@slow[0 .. 2]} = ($pipe, scalar $tcp->accept, $unix);
for my $name (@slow[0 .. 2]) {
    my $text = '';
    $handle{$name}->blocking(0);
    is_told($name, sub { while (sysread $handle{$name}, my $piece, 65536) { $text .= $piece } return $text });
}
is_told($slow[3], sub { return join "\n", map { $_->[1][1] } @{ $redis->run('XRANGE', 'guard:events', '-', '+') } });
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';

done_testing;
