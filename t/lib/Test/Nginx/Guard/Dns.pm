package Test::Nginx::Guard::Dns;

# A name server for nginx's `resolver`: answers A questions from a table that can be changed while it runs.

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Test::Nginx::Guard::Process qw(spawn);
use Test::Nginx::Guard::Wait qw(wait_for);

# addresses: what each name has, {name => [address, ...]}; names that are not there do not exist.
sub new {
    my ($class, %addresses) = @_;
    my $self = bless { directory => tempdir('guard-dns-XXXXXX', TMPDIR => 1, CLEANUP => 1) }, $class;
    $self->set(%addresses);
    my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "no socket for a name server: $!\n";
    $self->{port} = $socket->sockport;
    $self->{pid} = spawn(sub { answer($socket, "$self->{directory}/table", "$self->{directory}/asked") });
    return $self;
}

# One that takes questions, and answers none.
sub silent {
    my ($class) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1') or die "no socket for a name server: $!\n";
    return bless { socket => $socket, port => $socket->sockport }, $class;
}

# Whether the silent one was asked anything.
sub was_asked { my ($self) = @_; return IO::Select->new($self->{socket})->can_read(0) ? 1 : 0 }

sub address { return "127.0.0.1:$_[0]{port}" }

sub set {
    my ($self, %addresses) = @_;
    my $table = "$self->{directory}/table";
    open my $out, '>', "$table.new" or die "$table.new: $!\n";
    print {$out} "$_ @{ $addresses{$_} }\n" for sort keys %addresses;
    close $out or die "$table.new: $!\n";
    rename "$table.new", $table or die "$table: $!\n";
    return;
}

# The names that were asked for, in order.
sub asked {
    my ($self) = @_;
    open my $in, '<', "$self->{directory}/asked" or return [];
    chomp(my @names = <$in>);
    return \@names;
}

sub lookup {
    my ($table, $wanted) = @_;
    open my $in, '<', $table or return;
    while (my $line = <$in>) {
        my ($name, @addresses) = split ' ', $line;
        return \@addresses if $name eq $wanted;
    }
    return;
}

# RFC 1035: the question comes back, behind it an answer for each address, good for a second.
sub answer {
    my ($socket, $table, $asked) = @_;
    open my $log, '>', $asked or die "$asked: $!\n";
    $log->autoflush(1);
    while (my $from = recv $socket, my $question, 512, 0) {
        my ($id, undef, undef, undef, undef, undef, $rest) = unpack 'n6a*', $question;
        my ($name, $at) = ('', 0);
        while (my $length = ord substr $rest, $at, 1) {
            $name .= ($name eq '' ? '' : '.') . substr $rest, $at + 1, $length;
            $at += 1 + $length;
        }
        my $type = unpack 'n', substr $rest, $at + 1, 2;
        print {$log} "$name\n" if $type == 1;
        my $addresses = lookup($table, $name);
        my @records   = map { pack 'nnnNna4', 0xc00c, 1, 1, 1, 4, pack 'C4', split /[.]/ } $type == 1 ? @{ $addresses // [] } : ();
        my $flags     = $addresses ? 0x8180 : 0x8183;
        send $socket, pack('n6', $id, $flags, 1, scalar @records, 0, 0) . substr($rest, 0, $at + 5) . join('', @records), 0, $from;
    }
    return;
}

1;
