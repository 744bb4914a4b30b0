package Test::Nginx::Guard::Client;

# An HTTP/1.x client that sends exactly the bytes it is given, in the packets it is given, over TCP
# or TLS, and reads responses by their framing. It reads while it sends, so that an early answer to
# an unfinished body, followed by a reset, is not lost.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EINPROGRESS);
use Exporter 'import';
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC SHUT_WR);
use Time::HiRes qw(time);
use Test::Nginx::Guard::Wait qw(scaled patient);

our @EXPORT_OK = qw(connect_to exchange parse_responses parse_head header_of);

# Connects to ADDRESS:PORT. With tls => 1 the stream goes through `openssl s_client`, whose words
# can be given as tls_words => [...].
sub connect_to {
    my (%to) = @_;
    my $address = $to{address} // '127.0.0.1';
    if ($to{tls}) {
        socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            open STDIN,  '<&', $theirs;
            open STDOUT, '>&', $theirs;
            open STDERR, '>',  '/dev/null';
            exec 'openssl', 's_client', '-quiet', '-connect', "$address:$to{port}", '-servername',
                $to{name} // 'localhost', @{ $to{tls_words} // [] }
                or POSIX::_exit(127);
        }
        close $theirs;
        $ours->autoflush(1);
        return { socket => $ours, pid => $pid };
    }
    my $socket = IO::Socket::INET->new(
        PeerAddr => $address,
        PeerPort => $to{port},
        Proto    => 'tcp',
        Timeout  => defined $to{timeout} ? scaled($to{timeout}) : patient(3)
    ) or die "connect to $address:$to{port}: $!\n";
    setsockopt $socket, 6, 1, 1;
    return { socket => $socket };
}

sub hang_up {
    my ($connection) = @_;
    close $connection->{socket};
    if ($connection->{pid}) {
        kill 'TERM', $connection->{pid};
        waitpid $connection->{pid}, 0;
    }
    return;
}

# The head of a message: (first line, [[name, value], ...]).
sub parse_head {
    my ($text) = @_;
    my ($first, @lines) = split /\r?\n/, $text;
    my @fields;
    for my $line (@lines) {
        if ($line =~ /^[ \t]+(.*)/ && @fields) {
            $fields[-1][1] .= " $1";
            next;
        }
        my ($name, $value) = $line =~ /^([^:]*?)\s*:[ \t]*(.*?)[ \t]*$/ or next;
        push @fields, [$name, $value];
    }
    return ($first // '', \@fields);
}

# All values of a field joined by ", "; undef if there is none.
sub header_of {
    my ($fields, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name } @$fields;
    return @values ? join(', ', @values) : undef;
}

# Decodes a chunked body that starts at OFFSET: (body, offset behind it, trailer text), an empty list if it
# is not complete, or (undef, reason) if it is malformed.
sub decode_chunked {
    my ($raw, $offset) = @_;
    my $body = '';
    while (1) {
        my $end = index $raw, "\r\n", $offset;
        return if $end < 0;
        my $line = substr $raw, $offset, $end - $offset;
        my ($size) = $line =~ /^([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?$/
            or return (undef, "malformed chunk size \"$line\"");
        $offset = $end + 2;
        my $length = hex $size;
        if ($length == 0) {
            return ($body, $offset + 2, '') if substr($raw, $offset, 2) eq "\r\n";
            my $last = index $raw, "\r\n\r\n", $offset;
            return if $last < 0;
            return ($body, $last + 4, substr $raw, $offset, $last - $offset + 2);
        }
        return if length $raw < $offset + $length + 2;
        $body .= substr $raw, $offset, $length;
        $offset += $length;
        return (undef, 'no line end behind a chunk') if substr($raw, $offset, 2) ne "\r\n";
        $offset += 2;
    }
}

# Splits what a server sent into responses. METHODS are the methods of the requests, in order.
# Returns ([responses], rest): a response is {code, line, fields, raw_head, body, interim, close,
# complete, malformed}; interim is a list of the 1xx responses before it. What is not complete is a
# response only if EOF says that nothing follows.
sub parse_responses {
    my ($raw, $methods, $eof) = @_;
    my @responses;
    my @interim;
    my $offset = 0;
    while ($offset < length $raw) {
        my $end = index $raw, "\r\n\r\n", $offset;
        if ($end < 0) {
            last unless $eof && substr($raw, $offset) =~ m{^HTTP/};
            $end = length($raw) - 4;
        }
        my $head = substr $raw, $offset, $end + 2 - $offset;
        my ($line, $fields) = parse_head($head);
        my ($code) = $line =~ m{^HTTP/\d+(?:\.\d+)? (\d{3})\b} or last;
        my $start = $end + 4;
        if ($code >= 100 && $code < 200 && $code != 101) {
            push @interim, $code;
            $offset = $start;
            next;
        }
        my $method   = $methods->[@responses] // $methods->[-1] // 'GET';
        my $response = {
            code     => $code,
            line     => $line,
            fields   => $fields,
            raw_head => $head,
            body     => '',
            interim  => [@interim],
            complete => 1
        };
        @interim = ();
        my $coding = header_of($fields, 'Transfer-Encoding');
        my $length = header_of($fields, 'Content-Length');
        $response->{close} = (header_of($fields, 'Connection') // '') =~ /\bclose\b/i
            || $line =~ m{^HTTP/1\.0} && (header_of($fields, 'Connection') // '') !~ /keep-alive/i;
        if ($method eq 'HEAD' || $code == 204 || $code == 304) {
            $offset = $start;
        }
        elsif (defined $coding && $coding =~ /chunked/i) {
            my ($body, $behind, $trailer) = decode_chunked($raw, $start);
            if (defined $behind && !defined $body) {
                $response->{malformed} = $behind;
                $response->{complete}  = 0;
                $response->{body}      = substr $raw, $start;
                $offset                = length $raw;
            }
            elsif (!defined $behind) {
                last unless $eof;
                $response->{complete} = 0;
                $response->{body}     = substr $raw, $start;
                $offset               = length $raw;
            }
            else {
                @$response{qw(body trailer)} = ($body, $trailer);
                $offset = $behind;
            }
        }
        elsif (defined $length && $length =~ /^\d+$/) {
            if (length($raw) - $start < $length) {
                last unless $eof;
                $response->{complete} = 0;
            }
            $response->{body} = substr $raw, $start, $length;
            $offset = $start + length $response->{body};
        }
        else {
            last unless $eof;
            $response->{body}  = substr $raw, $start;
            $response->{close} = 1;
            $offset            = length $raw;
        }
        push @responses, $response;
        last if $response->{malformed};
    }
    return (\@responses, substr($raw, $offset), \@interim);
}

# Sends PACKETS (strings, or {value, delay_before, delay_after} with seconds) and reads.
# Words: timeout (seconds without progress; patient(3)), expect (number of responses after which to stop; 0:
# read to the end), methods, half_close (no more will be sent), hold (keep the connection, given back as connection).
# Returns {raw, responses, rest, interim, eof, reset, timed_out, unsent}.
sub exchange {
    my ($connection, $packets, %word) = @_;
    my $socket  = $connection->{socket};
    my $timeout = defined $word{timeout} ? scaled($word{timeout}) : patient(3);
    my $expect  = $word{expect} // 0;
    my $methods = $word{methods} // ['GET'];
    my @queue   = map { ref $_ ? {%$_} : { value => $_ } } @$packets;
    my %result  = (raw => '', eof => 0, reset => 0, timed_out => 0);
    my $pending = '';
    my $not_before = 0;
    my $last_step  = time;
    my $closed     = 0;
    local $SIG{PIPE} = 'IGNORE';
    $socket->blocking(0);

    while (1) {
        if ($pending eq '' && @queue && time >= $not_before) {
            if (my $delay = delete $queue[0]{delay_before}) {
                $not_before = time + $delay;
            }
            else {
                my $packet = shift @queue;
                $pending    = $packet->{value};
                $not_before = time + ($packet->{delay_after} // 0);
                utf8::encode($pending) if utf8::is_utf8($pending);
                next if $pending eq '';
            }
        }
        if ($word{half_close} && !$closed && $pending eq '' && !@queue) {
            shutdown $socket, SHUT_WR;
            $closed = 1;
        }
        my $reads = IO::Select->new($socket);
        my $writes = $pending ne '' ? IO::Select->new($socket) : undef;
        my $wait = $last_step + $timeout - time;
        $wait = $not_before - time if @queue && $pending eq '' && $not_before - time < $wait;
        if ($wait <= 0 && @queue && $pending eq '') {
            $last_step = time;
            next;
        }
        # Time in which only we were held up is no silence of the server: what can be sent or read now comes first.
        my ($readable, $writable) = IO::Select->select($reads, $writes, undef, $wait > 0 ? $wait : 0);
        if ($wait <= 0 && !@{ $readable // [] } && !@{ $writable // [] }) {
            $result{timed_out} = 1;
            last;
        }
        if ($writable && @$writable) {
            my $n = syswrite $socket, $pending;
            if (defined $n) {
                substr $pending, 0, $n, '';
                $last_step = time;
            }
            elsif ($! != EAGAIN && $! != EINTR) {
                # What the server sent before it closed is still to be read.
                $pending = '';
                @queue   = ();
                $result{reset} = 1;
            }
        }
        if ($readable && @$readable) {
            my $n = sysread $socket, my $bytes, 65536;
            if (!defined $n) {
                next if $! == EAGAIN || $! == EINTR;
                @result{qw(eof reset)} = (1, 1);
                last;
            }
            if ($n == 0) {
                $result{eof} = 1;
                last;
            }
            $result{raw} .= $bytes;
            $last_step = time;
            if ($expect) {
                my ($responses) = parse_responses($result{raw}, $methods, 0);
                last if @$responses >= $expect && !($responses->[-1]{close} && $word{await_close});
            }
        }
    }
    $result{unsent} = length($pending) + @queue;
    @result{qw(responses rest interim)} = parse_responses($result{raw}, $methods, $result{eof} || $result{timed_out});
    if ($word{hold}) { $result{connection} = $connection }
    else             { hang_up($connection) }
    return \%result;
}

1;
