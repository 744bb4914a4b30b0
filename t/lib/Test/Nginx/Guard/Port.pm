package Test::Nginx::Guard::Port;

# Free ports on 127.0.0.1 for servers that tests start. A port is held by a lock on a file for as
# long as this process lives, so that `prove -j` never hands one port to two test files.

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock O_RDWR O_CREAT);
use File::Spec;
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port);

# Below the range from which the kernel draws the ports of outgoing connections.
use constant { FIRST => 12000, COUNT => 18000 };

my @held;
my $next = ($$ * 131) % COUNT;

sub free_port {
    my $directory = File::Spec->tmpdir . '/guard-test-ports';
    if (!-d $directory && mkdir $directory) {
        chmod 01777, $directory;
    }
    for (1 .. COUNT) {
        my $port = FIRST + $next;
        $next = ($next + 1) % COUNT;
        sysopen my $lock, "$directory/$port", O_RDWR | O_CREAT, 0666 or next;
        flock $lock, LOCK_EX | LOCK_NB or next;
        my $probe = IO::Socket::INET->new(
            LocalAddr => '0.0.0.0',
            LocalPort => $port,
            Listen    => 1,
            ReuseAddr => 1,
            Proto     => 'tcp'
        ) or next;
        close $probe;
        push @held, $lock;
        return $port;
    }
    die "no free port\n";
}

1;
