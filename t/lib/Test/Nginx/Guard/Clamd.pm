package Test::Nginx::Guard::Clamd;

# A real clamd with signatures of its own, and a peer that answers like one, or like none. Neither needs a network.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Exporter 'import';
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use Test::Nginx::Guard::Port qw(free_port);
use Test::Nginx::Guard::Process qw(spawn spawn_program end_process is_alive);
use Test::Nginx::Guard::Wait qw(wait_for scaled);

our @EXPORT_OK = qw(start_clamd start_fake_clamd eicar);

# The test file of EICAR, in two pieces, so that no scanner takes this file for one.
sub eicar { return 'X5O!P%@AP[4\PZX54(P^)7CC)7}$' . 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*' }

# It knows eicar() and whatever has "guard-test-malware" in it; takes files of up to limit => BYTES (100k). lines => TEXT is
# more of its clamd.conf, which comes first.
sub start_clamd {
    my (%word) = @_;
    my $root = tempdir('guard-clamd-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $root;
    mkdir "$root/db" or die $!;
    my $write = sub { open my $out, '>', "$root/$_[0]" or die $!; print {$out} $_[1]; close $out or die $! };
    $write->('db/own.hdb', md5_hex(eicar()) . ':' . length(eicar()) . ":Eicar-Test-Signature\n");
    $write->('db/own.ndb', 'Guard.Test.Pattern:0:*:' . unpack('H*', 'guard-test-malware') . "\n");
    my $self = bless { root => $root, socket => "$root/clamd.sock", port => free_port(), owner => $$ }, __PACKAGE__;
    $write->('clamd.conf', join '', map { "$_\n" } ($word{lines} // (),
        "DatabaseDirectory $root/db", "LocalSocket $self->{socket}", 'LocalSocketMode 666', "TCPSocket $self->{port}",
        'TCPAddr 127.0.0.1', 'Foreground yes', 'MaxThreads 4', 'AlertExceedsMax yes', 'MaxFileSize 50k',
        "StreamMaxLength @{[ $word{limit} // '100k' ]}", ($> == 0 ? 'User root' : ())));
    $self->start;
    return $self;
}

sub start {
    my ($self) = @_;
    unlink $self->{socket};
    $self->{pid} = spawn_program("$self->{root}/log", 'clamd', "--config-file=$self->{root}/clamd.conf");
    my $ready = wait_for(sub { return 'ended' if !is_alive($self->{pid}); return $self->pings && 'ready' }, 30) // 'late';
    return if $ready eq 'ready';
    open my $log, '<', "$self->{root}/log";
    die "clamd is $ready: " . join('', <$log>);
}

sub pings {
    my ($self) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $self->{socket}) or return 0;
    print {$socket} "zPING\0";
    $socket->flush;
    return (<$socket> // '') eq "PONG\0";
}

sub socket { return $_[0]{socket} }
sub port   { return $_[0]{port} }

sub suspend { kill STOP => $_[0]{pid}; return }
sub resume  { kill CONT => $_[0]{pid}; return }

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    end_process($pid, 10, 'KILL');
    # Its threads may hold the socket for a moment longer.
    wait_for(sub { !IO::Socket::UNIX->new(Peer => $self->{socket}) });
    return;
}

sub DESTROY { my ($self) = @_; $self->stop if $self->{owner} == $$; return }

# Listens on a Unix socket. What a file's first line says it does:
#   say TEXT      answers TEXT once it has all of it; "\0" is NUL
#   early TEXT    answers as soon as it has that line
#   drip TEXT     answers byte by byte
#   cut           closes when it has all of it
#   reset         closes when it has that line
#   hang          never answers
#   count         answers how many bytes have come, as the name of something it has found
#   turn NAME     notes "turn NAME", and answers that it is clean once let_go() was called
# It answers PING as ping_is() says, else as clamd does. It notes "open" and "gone" for each scan, "ping" for each PING.
sub start_fake_clamd {
    my $root = tempdir('guard-clamd-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $root;
    my $self = bless { root => $root, socket => "$root/fake.sock", owner => $$ }, __PACKAGE__;
    my $listener = IO::Socket::UNIX->new(Local => $self->{socket}, Listen => 64) or die $!;
    chmod 0666, $self->{socket};
    $self->{pid} = spawn(sub {
        local $SIG{CHLD} = 'IGNORE';
        local $SIG{PIPE} = 'IGNORE';
        while (1) {
            my $peer = $listener->accept or next;
            spawn(sub { $SIG{PIPE} = 'IGNORE'; serve($peer, $root) });
            close $peer;
        }
    });
    return $self;
}

# From now on. Without an answer it hangs.
sub ping_is {
    my ($self, $answer) = @_;
    open my $out, '>', "$self->{root}/ping.new" or die $!;
    print {$out} $answer // '';
    close $out or die $!;
    rename "$self->{root}/ping.new", "$self->{root}/ping" or die $!;
    return;
}

# What waits for its turn to end, or will; with a NAME, that one alone.
sub let_go { my ($self, @name) = @_; open my $out, '>', join ' ', "$self->{root}/go", @name or die $!; return }
sub hold   { my ($self) = @_; unlink "$self->{root}/go"; return }

sub answer_ping {
    my ($peer, $root) = @_;
    note($root, 'ping');
    my $answer = "PONG\0";
    if (open my $in, '<', "$root/ping") { local $/; $answer = <$in> // '' }
    syswrite $peer, $answer if length $answer;
    while (sysread $peer, my $raw, 100) { }
    return;
}

sub note {
    my ($root, $word) = @_;
    open my $out, '>>', "$root/notes" or die $!;
    syswrite $out, "$word\n";
    return;
}

# What it has noted that begins with WORD, in order.
sub notes {
    my ($self, $word) = @_;
    open my $in, '<', "$self->{root}/notes" or return [];
    chomp(my @lines = <$in>);
    return [grep { /^\Q$word\E/ } @lines];
}

# How often it has noted WORD.
sub noted {
    my ($self, $word) = @_;
    open my $in, '<', "$self->{root}/notes" or return 0;
    return scalar grep { $_ eq "$word\n" } <$in>;
}

sub serve {
    my ($peer, $root) = @_;
    my ($raw, $content, $ended) = ('', '', 0);
    my $read = sub {
        sysread $peer, $raw, 65536, length $raw or return 0;
        return 1;
    };
    my $out = sub { my ($text) = @_; $text =~ s/\\0/\0/g; syswrite $peer, $text };
    my $more = 1;
    while ($more && length $raw < 10) {
        return answer_ping($peer, $root) if $raw eq "zPING\0";
        $more = $read->();
    }
    return if !length $raw;    # of a client that went away before it said anything
    note($root, 'open');
    return note($root, 'bad') if substr($raw, 0, 10, '') ne "zINSTREAM\0";
    while (!$ended) {
        while (length $raw >= 4 && !$ended) {
            my $size = unpack 'N', $raw;
            last if length $raw < 4 + $size;
            $ended = !$size;
            $content .= substr $raw, 4, $size;
            substr $raw, 0, 4 + $size, '';
        }
        if ($content =~ /\Aearly (.*)\n/) { $out->($1); last }
        return note($root, 'gone') if $content =~ /\Areset\n/;
        last if $ended;
        return note($root, 'gone') if !$read->();
    }
    my ($word, $rest) = $content =~ /\A(\w+) ?(.*)/;
    $rest =~ s/\\0/\0/g;
    if    (!defined $word)    { }
    elsif ($word eq 'say')    { $out->($rest) }
    elsif ($word eq 'drip')   { for (split //, $rest) { $out->($_) or last; select undef, undef, undef, 0.02 } }
    elsif ($word eq 'count')  { $out->('stream: Bytes.' . length($content) . ' FOUND\0') }
    elsif ($word eq 'cut')    { return note($root, 'gone') }
    elsif ($word eq 'turn')   { note($root, "turn $rest"); wait_for(sub { -e "$root/go" || -e "$root/go $rest" }, 60); $out->('stream: OK\0') }
    while ($read->()) { }
    return note($root, 'gone');
}

1;
