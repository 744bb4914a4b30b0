package Test::Nginx::Guard::Curl;

# Requests through curl, for HTTP/2 (with prior knowledge, or over TLS).

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use Test::Nginx::Guard::Client qw(parse_head);
use Test::Nginx::Guard::Wait qw(scaled patient);

our @EXPORT_OK = qw(curl_command curl_request);

# The command for REQUEST (as Request.pm makes it). Words: port, tls, http2, timeout, options.
sub curl_command {
    my ($request, $body_file, %word) = @_;
    my $parts = $request->{parts} // die "only --- request can be sent through curl\n";
    my @command = ('curl', '-sS', '-i', '--raw', '--path-as-is', '-g');
    push @command, '--max-time', defined $word{timeout} ? scaled($word{timeout}) : patient(3);
    push @command, $word{tls} ? ('-k', $word{http2} ? '--http2' : '--http1.1')
        : $word{http2}        ? '--http2-prior-knowledge'
        :                       '--http1.1';
    push @command, $parts->{method} eq 'HEAD' ? '-I' : ('-X', $parts->{method});
    my %given;
    for my $line (split /\r\n/, $parts->{head}) {
        my ($name, $value) = split /:\s*/, $line, 2;
        next if lc $name eq 'connection';
        next if lc $name eq 'host' && $value eq 'localhost';
        next if lc $name eq 'content-length';
        $given{ lc $name } = 1;
        push @command, '-H', length $value ? "$name: $value" : "$name;";
    }
    # curl's own fields stay away, so that the request is the one that is written in the block.
    push @command, '-H', "$_:" for grep { !$given{ lc $_ } } qw(User-Agent Accept Content-Type Expect);
    push @command, '--data-binary', "\@$body_file" if length $parts->{body};
    push @command, @{ $word{options} // [] };
    my $scheme = $word{tls} ? 'https' : 'http';
    push @command, '--connect-to', "::127.0.0.1:$word{port}", "$scheme://localhost:$word{port}$parts->{target}";
    return @command;
}

# Debian's curl 7.88 loses a response that is complete, but followed by RST_STREAM(NO_ERROR), while it
# still sends the body: on some machines two of three of stock nginx's own `return 413`, too. RFC 9113,
# section 8.1, lets a server answer so.
my $stream_error = 92;
my $tries        = 60;

# Returns {raw, responses, error} as exchange() does; error is curl's own message if it failed.
sub curl_request {
    my ($request, %word) = @_;
    my $result;
    for (1 .. $tries) {
        $result = run_curl($request, %word);
        my $lost = $result->{status} == $stream_error && !@{ $result->{responses} };
        last if !$lost || !length $request->{parts}{body};
    }
    return $result;
}

sub run_curl {
    my ($request, %word) = @_;
    my $body = File::Temp->new;
    print $body $request->{parts}{body};
    $body->flush;
    my $errors  = File::Temp->new;
    my @command = curl_command($request, $body->filename, %word);
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        $SIG{__DIE__} = 'DEFAULT';
        open STDERR, '>&', $errors;
        exec @command or POSIX::_exit(127);
    }
    binmode $out;
    my $raw = do { local $/; <$out> } // '';
    close $out;
    my $status = $? >> 8;
    my $error = do { local $/; seek $errors, 0, 0; <$errors> } // '';
    my @interim;
    my ($head, $rest) = split /\r\n\r\n/, $raw, 2;
    while (defined $head && $head =~ m{^HTTP/\S+ (1\d\d)}) {
        push @interim, $1;
        ($head, $rest) = split /\r\n\r\n/, $rest // '', 2;
    }
    return { raw => $raw, responses => [], error => $error, rest => '', status => $status }
        unless defined $head && length $head;
    my ($line, $fields) = parse_head($head);
    my ($code) = $line =~ m{^HTTP/\S+ (\d{3})};
    my $response = {
        code     => $code,
        line     => $line,
        fields   => $fields,
        raw_head => "$head\r\n",
        body     => $rest // '',
        interim  => \@interim,
        complete => $status == 0
    };
    return { raw => $raw, responses => [$response], error => $status ? $error : '', rest => '', status => $status };
}

1;
