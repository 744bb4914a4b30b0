package Test::Nginx::Guard::Resp;

# A small client of Redis for the tests themselves, and the protocol for both of its ends.

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::Nginx::Guard::Wait qw(scaled patient);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(encode_command parse_command parse_reply);

# A command as the array of bulk strings that goes over the wire.
sub encode_command {
    my (@words) = @_;
    return join '', '*' . @words . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } map { "$_" } @words;
}

# Takes one whole command off the front of BUFFER (a reference): a list reference; undef if more is to come.
sub parse_command {
    my ($buffer) = @_;
    my ($reply, $length) = parse_reply($$buffer) or return;
    substr $$buffer, 0, $length, '';
    return ref $reply eq 'ARRAY' ? $reply : [split ' ', $reply // ''];
}

# The reply at the front of BYTES, and its length; nothing if it is not whole. Null is undef, an array a
# list reference, an error a reference to its text that is blessed into Error.
sub parse_reply {
    my ($bytes, $at) = @_;
    $at //= 0;
    my $end = index $bytes, "\r\n", $at;
    return if $end < 0;
    my ($type, $line) = (substr($bytes, $at, 1), substr($bytes, $at + 1, $end - $at - 1));
    $end += 2;
    return ($line, $end) if $type eq '+' || $type eq ':';
    return (bless(\$line, 'Test::Nginx::Guard::Resp::Error'), $end) if $type eq '-';
    if ($type eq '$') {
        return (undef, $end) if $line < 0;
        return if length $bytes < $end + $line + 2;
        return (substr($bytes, $end, $line), $end + $line + 2);
    }
    if ($type eq '*') {
        return (undef, $end) if $line < 0;
        my @elements;
        for (1 .. $line) {
            (my $element, $end) = parse_reply($bytes, $end) or return;
            return unless defined $end;
            push @elements, $element;
        }
        return (\@elements, $end);
    }
    return (substr($bytes, $at, $end - $at - 2), $end);    # an inline command
}

# Words: socket (a path) or port (of 127.0.0.1), user, password, timeout (5 seconds).
sub new {
    my ($class, %word) = @_;
    my $socket = defined $word{socket}
        ? IO::Socket::UNIX->new(Peer => $word{socket})
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $word{port}, Proto => 'tcp');
    $socket or die 'redis at ' . ($word{socket} // $word{port}) . ": $!\n";
    my $self = bless { socket => $socket, buffer => '', timeout => defined $word{timeout} ? scaled($word{timeout}) : patient(5) }, $class;
    $self->run('AUTH', $word{user} // (), $word{password}) if defined $word{password};
    return $self;
}

# The reply to one command; dies with the text of an error.
sub run {
    my ($self, @words) = @_;
    my ($reply) = $self->pipeline(\@words);
    die "$$reply\n" if ref $reply eq 'Test::Nginx::Guard::Resp::Error';
    return $reply;
}

# The replies to several commands that leave together; errors are among them.
sub pipeline {
    my ($self, @commands) = @_;
    my $bytes = join '', map { encode_command(@$_) } @commands;
    local $SIG{PIPE} = 'IGNORE';
    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;
        die "redis: $!\n" unless $n;
        substr $bytes, 0, $n, '';
    }
    return map { $self->read_reply } @commands;
}

sub read_reply {
    my ($self) = @_;
    my $end = time + $self->{timeout};
    while (1) {
        my ($reply, $length) = parse_reply($self->{buffer});
        if (defined $length) {
            substr $self->{buffer}, 0, $length, '';
            return $reply;
        }
        my $left = $end - time;
        IO::Select->new($self->{socket})->can_read($left > 0 ? $left : 0) or die "redis does not answer\n";
        sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer} or die "redis closed the connection\n";
    }
    return;
}

1;
