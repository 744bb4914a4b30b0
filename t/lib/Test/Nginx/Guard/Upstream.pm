package Test::Nginx::Guard::Upstream;

# A fake application server. It answers as it is told, be it slowly, partly or not at all, and
# writes down every request that reaches it.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::Nginx::Guard::Client qw(parse_head header_of);
use Test::Nginx::Guard::Process qw(spawn end_process);
use Test::Nginx::Guard::Wait qw(scaled);

# Reads `--- upstream` words, one a line:
#   status 201 Created     header Name: value     body TEXT     body_size BYTES
#   echo                   the request's body is the response's
#   chunked                the body goes as chunks, not with a length
#   delay SECONDS          before the answer
#   abort BYTES            only so many bytes of the body, then a reset connection
#   hang                   reads the request and never answers
#   close                  closes without an answer
#   http10                 closes after the answer
sub parse_words {
    my ($text) = @_;
    my %answer = (status => '200 OK', headers => [], body => "ok\n");
    for my $line (split /\n/, $text) {
        $line =~ s/^\s+|\s+$//g;
        next if $line eq '' || $line =~ /^#/;
        my ($word, $rest) = split ' ', $line, 2;
        if    ($word eq 'status')    { $answer{status} = $rest =~ / / ? $rest : "$rest Status" }
        elsif ($word eq 'header')    { push @{ $answer{headers} }, $rest }
        elsif ($word eq 'body')      { $answer{body} = ($rest // '') . "\n" }
        elsif ($word eq 'body_size') { $answer{body} = 'x' x $rest }
        elsif ($word =~ /^(?:delay|abort)$/) { $answer{$word} = $rest }
        elsif ($word =~ /^(?:echo|chunked|hang|close|http10)$/) { $answer{$word} = 1 }
        else { die "unknown upstream word \"$word\"\n" }
    }
    return \%answer;
}

# WHAT is the words, a code reference, or a list of either, of which the last answers all further
# requests. Code is called with the request {method, target, version, fields, body, number} and the
# socket, and returns the bytes of the response, or undef if it has sent what it wanted itself; the
# connection is then closed.
sub new {
    my ($class, %word) = @_;
    my $what = $word{what} // '';
    my @answers = map { ref $_ ? $_ : parse_words($_) } ref $what eq 'ARRAY' ? @$what : $what;
    my $listener = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        LocalPort => $word{port},
        Listen    => 128,
        ReuseAddr => 1,
        Proto     => 'tcp'
    ) or die "upstream on port $word{port}: $!\n";
    my $self = bless { port => $listener->sockport, record => $word{record}, answers => \@answers }, $class;
    open my $record, '>', $self->{record} or die "$self->{record}: $!\n";
    close $record;
    $self->{pid} = spawn(sub { $self->serve($listener) });
    close $listener;
    return $self;
}

sub port { return $_[0]{port} }

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} // return;
    end_process($pid, 2, 'TERM');
    return;
}

# What has arrived: [{method, target, version, fields, body, complete}].
sub requests {
    my ($self) = @_;
    open my $in, '<', $self->{record} or return [];
    return [map { JSON::PP::decode_json($_) } grep { /\n\z/ } <$in>];
}

sub serve {
    my ($self, $listener) = @_;
    my @children;
    $SIG{CHLD} = 'IGNORE';
    $SIG{PIPE} = 'IGNORE';
    $SIG{TERM} = sub { kill 'KILL', @children; POSIX::_exit(0) };
    while (1) {
        my $socket = $listener->accept or next;
        my $pid = spawn(sub { $SIG{PIPE} = 'IGNORE'; close $listener; $self->converse($socket) });
        push @children, $pid;
        @children = grep { kill 0, $_ } @children;
        close $socket;
    }
    return;
}

sub read_request {
    my ($socket, $buffer) = @_;
    my $fill = sub { return sysread $socket, $$buffer, 65536, length $$buffer };
    while ($$buffer !~ /\r\n\r\n/) {
        $fill->() or return length $$buffer ? { raw => $$buffer, complete => 0 } : undef;
    }
    my ($head) = $$buffer =~ /\A(.*?\r\n)\r\n/s;
    substr $$buffer, 0, length($head) + 2, '';
    my ($line, $fields) = parse_head($head);
    my ($method, $target, $version) = split ' ', $line;
    my %request = (
        method   => $method,
        target   => $target,
        version  => $version,
        fields   => $fields,
        body     => '',
        complete => 1
    );
    if ((header_of($fields, 'Transfer-Encoding') // '') =~ /chunked/i) {
        while (1) {
            my ($body, $behind) = Test::Nginx::Guard::Client::decode_chunked($$buffer, 0);
            if (defined $behind) {
                $request{body} = $body // '';
                substr $$buffer, 0, defined $body ? $behind : length $$buffer, '';
                last;
            }
            if (!$fill->()) { @request{qw(body complete)} = ($$buffer, 0); last }
        }
    }
    elsif (my $length = header_of($fields, 'Content-Length')) {
        while (length $$buffer < $length) {
            if (!$fill->()) { $request{complete} = 0; last }
        }
        $request{body} = substr $$buffer, 0, $length, '';
    }
    return \%request;
}

sub note {
    my ($self, $request) = @_;
    my $line = JSON::PP->new->latin1->canonical->encode($request) . "\n";
    open my $out, '>>', $self->{record} or return;
    flock $out, 2;
    syswrite $out, $line;
    my $number = 0;
    if (open my $in, '<', $self->{record}) { $number++ while <$in> }
    close $out;
    return $number;
}

sub converse {
    my ($self, $socket) = @_;
    my $buffer = '';
    while (my $request = read_request($socket, \$buffer)) {
        my $number = $self->note($request) // 1;
        return unless $request->{complete};
        $request->{number} = $number;
        my $answers = $self->{answers};
        my $answer  = $answers->[$number - 1] // $answers->[-1];
        if (ref $answer eq 'CODE') {
            my $bytes = $answer->($request, $socket) // return;
            send_all($socket, $bytes);
            return if $bytes =~ /\A[^\n]*\n(?:[^\r\n]+\r?\n)*Connection: *close/i;
            next;
        }
        $self->answer($socket, $request, $answer) or return;
    }
    return;
}

sub send_all {
    my ($socket, $bytes) = @_;
    while (length $bytes) {
        my $n = syswrite $socket, $bytes or return;
        substr $bytes, 0, $n, '';
    }
    return 1;
}

sub answer {
    my ($self, $socket, $request, $answer) = @_;
    select undef, undef, undef, $answer->{delay} if $answer->{delay};
    return if $answer->{close};
    if ($answer->{hang}) {
        1 while sysread $socket, my $ignored, 65536;
        return;
    }
    my $body = $answer->{echo} ? $request->{body} : $answer->{body};
    my ($code) = $answer->{status} =~ /^(\d+)/;
    my $bodiless = $code == 204 || $code == 304;
    my $head = "HTTP/1.1 $answer->{status}\r\n" . join '', map { "$_\r\n" } @{ $answer->{headers} };
    $head .= "Connection: close\r\n" if $answer->{http10};
    if (!$bodiless) {
        $head .= $answer->{chunked} ? "Transfer-Encoding: chunked\r\n" : 'Content-Length: ' . length($body) . "\r\n";
    }
    my $payload = $bodiless || $request->{method} eq 'HEAD' ? ''
        : $answer->{chunked} ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body)
        :                      $body;
    if (defined $answer->{abort}) {
        send_all($socket, "$head\r\n" . substr $payload, 0, $answer->{abort});
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        return;
    }
    return send_all($socket, "$head\r\n$payload") && !$answer->{http10};
}

1;
