package Test::Nginx::Guard::SlowProxy;

# Stands before a server of TCP and passes on what it says only after a while.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Test::Nginx::Guard::Process qw(spawn end_process);

# Before the server of TARGET, a port, to which it comes from the address `from`; without delay.
sub new {
    my ($class, $target, %word) = @_;
    my $root = tempdir('guard-proxy-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64) or die $!;
    my $self = bless { root => $root, port => $listener->sockport, owner => $$ }, $class;
    $self->delay(0);
    $self->{pid} = spawn(sub {
        local $SIG{CHLD} = 'IGNORE';
        local $SIG{PIPE} = 'IGNORE';
        while (1) {
            my $client = $listener->accept or next;
            spawn(sub { serve($client, $target, $root, $word{from}) });
            close $client;
        }
    });
    close $listener;
    return $self;
}

sub port { return $_[0]{port} }

# SECONDS, of each piece of an answer from now on.
sub delay {
    my ($self, $seconds) = @_;
    open my $out, '>', "$self->{root}/new" or die $!;
    print {$out} $seconds;
    close $out or die $!;
    rename "$self->{root}/new", "$self->{root}/delay" or die $!;
    return;
}

sub current_delay {
    my ($root) = @_;
    open my $in, '<', "$root/delay" or return 0;
    return <$in> // 0;
}

sub serve {
    my ($client, $target, $root, $from) = @_;
    my $server = IO::Socket::INET->new(LocalAddr => $from // '127.0.0.1', PeerAddr => '127.0.0.1', PeerPort => $target) or return;
    my $select = IO::Select->new($client, $server);
    while (1) {
        for my $from ($select->can_read) {
            sysread $from, my $bytes, 65536 or return;
            my $to = $from == $client ? $server : $client;
            my $delay = $to == $client ? current_delay($root) : 0;
            select undef, undef, undef, $delay if $delay > 0;
            syswrite $to, $bytes or return;
        }
    }
    return;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    end_process($pid, 10, 'TERM');
    return;
}

# Not the end of the proxy is that of the test.
sub DESTROY { my ($self) = @_; local $?; $self->stop if $self->{owner} == $$; return }

1;
