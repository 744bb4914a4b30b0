package Test::Nginx::Guard::TcpReply;

# The fake TCP server of --- tcp_listen, tcp_reply, tcp_reply_delay, tcp_query, tcp_query_len,
# tcp_no_close and tcp_shutdown.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More ();
use Test::Nginx::Guard::Process qw(spawn end_process);
use Test::Nginx::Guard::Wait qw(wait_for patient);

# Words: target (a port or a socket's path), reply (bytes, a list of them, or code that is called
# with the query), query_length, delay, no_close, shutdown, record (file that takes the query).
sub new {
    my ($class, %word) = @_;
    my $target = $word{target};
    $target =~ s/\s+\z//;
    my $listener;
    if ($target =~ /^\d+\z/) {
        $listener = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $target, Listen => 16, ReuseAddr => 1, Proto => 'tcp');
    }
    else {
        unlink $target;
        $listener = IO::Socket::UNIX->new(Local => $target, Listen => 16);
    }
    $listener or die "tcp_listen $target: $!\n";
    unlink $word{record};
    my $self = bless {%word}, $class;
    $self->{pid} = spawn(sub { $self->serve($listener) });
    close $listener;
    return $self;
}

sub serve {
    my ($self, $listener) = @_;
    $SIG{PIPE} = 'IGNORE';
    my @kept;
    while (1) {
        my $socket = $listener->accept or next;
        my $query  = '';
        my $enough = $self->{query_length} // 1;
        while (length $query < $enough) {
            IO::Select->new($socket)->can_read(patient(3)) or last;
            sysread $socket, $query, 65536, length $query or last;
        }
        open my $out, '>>', $self->{record} or die "$self->{record}: $!\n";
        binmode $out;
        syswrite $out, $query;
        close $out;
        select undef, undef, undef, $self->{delay} if $self->{delay};
        my $reply = $self->{reply};
        $reply = $reply->($query) if ref $reply eq 'CODE';
        for my $bytes (ref $reply eq 'ARRAY' ? @$reply : $reply // ()) {
            syswrite $socket, $bytes;
        }
        shutdown $socket, $self->{shutdown} if defined $self->{shutdown};
        if ($self->{no_close} || defined $self->{shutdown}) { push @kept, $socket }
        else                                                { close $socket }
    }
    return;
}

sub query {
    my ($self) = @_;
    open my $in, '<:raw', $self->{record} or return '';
    local $/;
    return <$in> // '';
}

# Ends the server and checks what it got: EXPECTED bytes and LENGTH, each if defined.
sub finish {
    my ($self, $name, $expected, $length) = @_;
    my $enough = $length // length($expected // '');
    wait_for(sub { length $self->query >= $enough }, 3);
    end_process($self->{pid}, 2, 'TERM');
    my $got = $self->query;
    Test::More::is(length $got, $length, "$name - tcp_query_len ok") if defined $length;
    Test::More::is($got, $expected, "$name - tcp_query ok") if defined $expected;
    return;
}

1;
