package Test::Nginx::Guard::Process;

# What /proc says about processes, and ending them.

use strict;
use warnings;

use Exporter 'import';
use POSIX qw(WNOHANG);
use Test::Nginx::Guard::Wait qw(wait_within scaled);

our @EXPORT_OK = qw(is_alive state_of children_of title_of takes_connections end_process spawn spawn_program die_with_parent);

# A test that is interrupted ends what it started.
for my $signal (qw(INT TERM HUP PIPE)) {
    $SIG{$signal} //= sub { exit 1 };
}

my %prctl = (x86_64 => 157, aarch64 => 167);

# The kernel ends this process, by SIGTERM or SIGNAL, when its parent dies in whatever way; it stays so
# over exec.
sub die_with_parent {
    my ($parent, $signal) = @_;
    my $number = $prctl{ (POSIX::uname())[4] } // return;
    syscall $number, 1, $signal // POSIX::SIGTERM(), 0, 0, 0;
    POSIX::_exit(1) if getppid != $parent;
    return;
}

sub stat_of {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return;
    my $line = <$in> // return;
    my ($state, $parent) = $line =~ /\) (\S) (\d+)/ or return;
    return ($state, $parent);
}

# A zombie is dead: nobody may be there to reap it once its parent is gone.
sub is_alive {
    my ($pid) = @_;
    waitpid $pid, WNOHANG;
    my ($state) = stat_of($pid) or return 0;
    return $state !~ /[ZX]/;
}

# The letter of ps: "T" is stopped. Undef: there is no such process.
sub state_of { return (stat_of($_[0]))[0] }

# The processes below PID, of those that the kernel has numbered after it: as long as its numbers have not begun
# anew there are no others, and to read the state of every process of the machine is what a test would spend
# most of its time on.
sub children_of {
    my ($pid) = @_;
    my $all = last_pid() < $pid;
    my @found;
    opendir my $proc, '/proc' or return;
    for my $entry (grep { /^[0-9]+$/ && ($all || $_ > $pid) } readdir $proc) {
        my ($state, $parent) = stat_of($entry) or next;
        push @found, $entry if $parent == $pid && $state !~ /[ZX]/;
    }
    return sort { $a <=> $b } @found;
}

# The number of the youngest process; 0 where the kernel does not say.
sub last_pid {
    open my $in, '<', '/proc/loadavg' or return 0;
    return (<$in> // '') =~ / ([0-9]+)$/ ? $1 : 0;
}

# The command line, as a process may have rewritten it.
sub title_of {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/cmdline" or return '';
    local $/;
    my $title = <$in> // '';
    $title =~ tr/\0/ /;
    return $title;
}

# Whether the process has a socket on which it listens for TCP.
sub takes_connections {
    my ($pid) = @_;
    my %open = map { $_ => 1 } map { (readlink($_) // '') =~ /^socket:\[([0-9]+)\]\z/ ? $1 : () } glob "/proc/$pid/fd/*";
    for my $table (qw(tcp tcp6)) {
        open my $in, '<', "/proc/$pid/net/$table" or next;
        for my $line (<$in>) {
            my ($state, $inode) = (split ' ', $line)[3, 9];
            return 1 if $state eq '0A' && $open{$inode};
        }
    }
    return 0;
}

# Runs CODE in a child process, which ends when CODE returns. The tests' own endings do not run there.
sub spawn {
    my ($code) = @_;
    my $parent = $$;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE __DIE__);
    die_with_parent($parent);
    eval { $code->(); 1 } or print STDERR $@;
    POSIX::_exit($@ ? 1 : 0);
}

# Runs a program that writes to the file OUTPUT; it is killed should this process die.
sub spawn_program {
    my ($output, @command) = @_;
    my $parent = $$;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE __DIE__);
    # A stopped process would not heed a gentler signal.
    die_with_parent($parent, POSIX::SIGKILL());
    open STDIN,  '<',  '/dev/null';
    open STDOUT, '>>', $output;
    open STDERR, '>&', \*STDOUT;
    exec { $command[0] } @command or print STDERR "$command[0]: $!\n";
    POSIX::_exit(127);
}

# Signals PID and waits until it is gone; stronger signals follow, TIMEOUT seconds apart. Returns
# the signal that did it.
sub end_process {
    my ($pid, $timeout, @signals) = @_;
    for my $signal (@signals, 'KILL') {
        kill $signal, $pid;
        return $signal if wait_within(scaled($timeout // 10), sub { !is_alive($pid) });
    }
    return;
}

1;
