package Test::Nginx::Guard::FakeRedis;

# What stands for a Redis that misbehaves, on a port and a Unix socket: it either passes commands on to a
# real one and spoils the replies, or makes up replies itself. How, can be changed while clients are
# connected.

use strict;
use warnings;

use Errno ();
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOL_SOCKET SO_LINGER AF_UNIX SOCK_STREAM PF_UNSPEC);
use Test::Nginx::Guard::Port qw(free_port);
use Test::Nginx::Guard::Process qw(spawn end_process);
use Test::Nginx::Guard::Resp qw(parse_command parse_reply);
use Test::Nginx::Guard::Wait qw(patient);
use Time::HiRes qw(time);

my $owner = $$;

# Words: behind (a Redis; without it the replies are made up), answer (code that is called with the words
# of a command and the number of the connection, and returns the bytes of the reply; undef: what would be
# said otherwise), behave (how it begins), port, env (as of Redis).
sub new {
    my ($class, %word) = @_;
    my $self = bless {%word}, $class;
    $self->{port} //= free_port();
    $self->{directory} = tempdir('guard-fake-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    $self->{socket} //= "$self->{directory}/redis.sock";
    $self->{mode} = check_mode($self->{behave} // 'pass');
    my @listeners = $self->listen_all;
    socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
    $self->{pid} = spawn(
        sub {
            close $here;
            $self->serve($there, @listeners);
        }
    );
    close $there;
    close $_ for @listeners;
    $self->{control} = $here;
    if (defined $word{env}) {
        @ENV{ map { "TEST_NGINX_$word{env}_$_" } qw(URL PORT SOCKET UNIX) } =
            ($self->url, $self->port, $self->{socket}, $self->unix_url);
    }
    return $self;
}

sub port     { return $_[0]{port} }
sub socket   { return $_[0]{socket} }
sub address  { return "127.0.0.1:$_[0]{port}" }
sub url      { return 'redis://' . $_[0]->address }
sub unix_url { return "unix:$_[0]{socket}" }

sub listen_all {
    my ($self) = @_;
    unlink $self->{socket};
    my @listeners = (
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 128, ReuseAddr => 1),
        IO::Socket::UNIX->new(Local => $self->{socket}, Listen => 128)
    );
    die "fake redis on port $self->{port}: $!\n" if grep { !$_ } @listeners;
    return @listeners;
}

# How each of these spoils what the real one, or the made-up answers, would say:
#   pass             not at all
#   delay SECONDS    later
#   hold             as soon as it behaves otherwise
#   hang             never: over a connection on which a reply is missing nothing is said later either
#   garbage          bytes that are no protocol
#   flood            a reply without an end
#   twice            each reply twice: more replies than commands
#   cut BYTES        only so many bytes of the next reply of a connection, which is then closed
#   error TEXT       an error instead
#   close            connections are closed, and new ones as soon as they are there
#   reset            the same by RST
#   refuse           connections are closed, and new ones refused
#   lose COMMAND     a connection is closed when such a command comes over it
my %argument = (
    pass => qr/^$/, delay => qr/^[\d.]+$/, hold => qr/^$/, hang => qr/^$/, garbage => qr/^$/, flood => qr/^$/, twice => qr/^$/,
    cut => qr/^\d+$/, error => qr/^[^\r\n]+$/, close => qr/^$/, reset => qr/^$/, refuse => qr/^$/,
    lose => qr/^\w+$/
);

sub check_mode {
    my ($text) = @_;
    my ($name, $value) = split ' ', $text, 2;
    my $pattern = $argument{$name} // die "unknown behaviour \"$name\" of a fake redis\n";
    ($value // '') =~ $pattern or die "wrong argument of behaviour \"$text\"\n";
    return [$name, $value];
}

# Behaves so from now on; returns when it does.
sub behave {
    my ($self, $text) = @_;
    check_mode($text);
    $self->ask("behave $text");
    return;
}

# How many connections there were, and how many commands arrived.
sub connections { return (split ' ', $_[0]->ask('count'))[0] }
sub commands    { return (split ' ', $_[0]->ask('count'))[1] }

sub ask {
    my ($self, $line) = @_;
    syswrite $self->{control}, "$line\n" or die "fake redis is gone\n";
    IO::Select->new($self->{control})->can_read(patient(5)) or die "fake redis does not answer\n";
    sysread $self->{control}, my $answer, 4096 or die "fake redis is gone\n";
    return $answer;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} // return;
    end_process($pid, 2, 'TERM');
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop if $$ == $owner;
    return;
}

# From here on in the process that serves. A connection is {client, server, in (bytes of commands not yet
# whole), seen (bytes of replies not yet whole), out ([due, bytes]...), number, cut, stuck, closing}.

sub serve {
    my ($self, $control, @listeners) = @_;
    $SIG{PIPE} = 'IGNORE';
    @$self{qw(listeners by_handle made got)} = (\@listeners, {}, 0, 0);
    while (1) {
        my $now = time;
        $self->write_out($_, $now) for $self->all;
        my @due = map { $_->{out}[0][0] } grep { @{ $_->{out} } && $_->{out}[0][0] > $now } $self->all;
        my ($next) = sort { $a <=> $b } grep { $_ ne 'inf' } @due;
        my @stuck = map { $_->{client} } grep { @{ $_->{out} } && $_->{out}[0][0] <= $now } $self->all;
        my @sources = ($control, @{ $self->{listeners} }, map { $_->{client}, $_->{server} // () } $self->all);
        my ($ready) = IO::Select->select(IO::Select->new(@sources), IO::Select->new(@stuck), undef, defined $next ? $next - $now : undef);
        for my $handle (@{ $ready // [] }) {
            if ($handle == $control) { $self->obey($control) or return }
            elsif (grep { $_ == $handle } @{ $self->{listeners} }) { $self->welcome($handle) }
            elsif (my $one = $self->{by_handle}{$handle}) {
                $handle == $one->{client} ? $self->from_client($one) : $self->from_server($one);
            }
        }
    }
    return;
}

sub all {
    my ($self) = @_;
    my %one = map { $_ => $_ } values %{ $self->{by_handle} };
    return values %one;
}

sub obey {
    my ($self, $control) = @_;
    sysread $control, my $line, 4096 or return 0;
    chomp $line;
    if ($line =~ s/^behave //) {
        $self->{mode} = check_mode($line);
        my $name = $self->{mode}[0];
        if ($name =~ /^(?:close|reset|refuse)$/) { $self->drop($_) for $self->all }
        for my $one ($self->all) {
            delete $one->{cut};
            my @held = grep { $_->[0] eq 'inf' } $one->{out}->@*;
            $_->[0] = 0 for @held;
            $self->write_out($one, time) if @held;
        }
        if ($name eq 'refuse') { close $_ for splice @{ $self->{listeners} } }
        elsif (!@{ $self->{listeners} }) { $self->{listeners} = [$self->listen_all] }
    }
    syswrite $control, "$self->{made} $self->{got}\n";
    return 1;
}

sub drop {
    my ($self, $one) = @_;
    setsockopt $one->{client}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $self->{mode}[0] eq 'reset';
    for my $handle (grep { defined } @$one{qw(client server)}) {
        delete $self->{by_handle}{$handle};
        close $handle;
    }
    $one->{out} = [];
    $one->{gone} = 1;
    return;
}

sub welcome {
    my ($self, $listener) = @_;
    my $client = $listener->accept or return;
    my $one = { client => $client, in => '', seen => '', out => [], number => ++$self->{made} };
    if ($self->{mode}[0] =~ /^(?:close|reset)$/) { $self->drop($one); return }
    if (my $behind = $self->{behind}) {
        $one->{server} = IO::Socket::UNIX->new(Peer => $behind->socket);
        if (!$one->{server}) { $self->drop($one); return }
        $self->{by_handle}{ $one->{server} } = $one;
    }
    $client->blocking(0);
    $self->{by_handle}{$client} = $one;
    return;
}

sub from_client {
    my ($self, $one) = @_;
    my $n = sysread $one->{client}, $one->{in}, 65536, length $one->{in};
    return if !defined $n && $!{EAGAIN};
    if (!$n) { $self->drop($one); return }
    while (!$one->{gone}) {
        my $before  = $one->{in};
        my $command = parse_command(\$one->{in}) or last;
        ++$self->{got};
        my ($mode, $word) = @{ $self->{mode} };
        $one->{stuck} = 1 if $mode eq 'hang';
        if ($mode eq 'lose' && lc $word eq lc $command->[0]) { $self->drop($one); return }
        my $bytes = $self->{answer} ? $self->{answer}->($command, $one->{number}) : undef;
        if (defined $bytes) { $self->say($one, $bytes) }
        elsif ($one->{server}) {
            syswrite $one->{server}, substr $before, 0, length($before) - length $one->{in};
        }
        else { $self->say($one, made_up(@$command)) }
    }
    return;
}

sub made_up {
    my ($name) = @_;
    return lc $name eq 'ping' ? "+PONG\r\n" : "+OK\r\n";
}

sub from_server {
    my ($self, $one) = @_;
    my $n = sysread $one->{server}, $one->{seen}, 65536, length $one->{seen};
    if (!$n) { $self->drop($one); return }
    while (!$one->{gone}) {
        my (undef, $length) = parse_reply($one->{seen});
        last unless defined $length;
        $self->say($one, substr $one->{seen}, 0, $length, '');
    }
    return;
}

# One whole reply on its way to the client, spoilt.
sub say {
    my ($self, $one, $bytes) = @_;
    my ($name, $value) = @{ $self->{mode} };
    my $due = 0;
    $one->{stuck} = 1 if $name eq 'hang';
    return if $one->{stuck} || $one->{cut};
    if    ($name eq 'delay')   { $due   = time + $value }
    elsif ($name eq 'hold')    { $due   = 'inf' }
    elsif ($name eq 'garbage') { $bytes = "\0\x{ff}HTTP/1.1 400 Bad Request\r\n\r\n" }
    elsif ($name eq 'flood')   { $bytes = "\$500000000\r\n" . ('x' x 4_000_000) }
    elsif ($name eq 'twice')   { $bytes .= $bytes }
    elsif ($name eq 'error')   { $bytes = "-$value\r\n" }
    elsif ($name eq 'cut')     { $bytes = substr $bytes, 0, $value; $one->{cut} = 1 }
    push @{ $one->{out} }, [$due, $bytes];
    $self->write_out($one, time);
    return;
}

sub write_out {
    my ($self, $one, $now) = @_;
    while (!$one->{gone} && @{ $one->{out} } && $one->{out}[0][0] <= $now) {
        my $first = $one->{out}[0];
        if (length $first->[1]) {
            my $n = syswrite $one->{client}, $first->[1];
            return if !defined $n && $!{EAGAIN};
            if (!$n) { $self->drop($one); return }
            substr $first->[1], 0, $n, '';
            next if length $first->[1];
        }
        shift @{ $one->{out} };
    }
    $self->drop($one) if $one->{cut} && !@{ $one->{out} } && !$one->{gone};
    return;
}

1;
