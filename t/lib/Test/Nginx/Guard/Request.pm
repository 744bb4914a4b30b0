package Test::Nginx::Guard::Request;

# From the sections of a block to the packets that go over the wire.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(requests_of request_parts);

# The text of `--- more_headers` as lines with CRLF, and whether it says that the body is chunked.
sub header_lines($) {
    my ($text) = @_;
    my ($out, $chunked) = ('', 0);
    for my $line (split /\r?\n/, $text // '') {
        next if $line =~ /^\s*(?:#|$)/;
        my ($name, $value) = split /:\s*/, $line, 2;
        $value //= '';
        $chunked = 1 if lc $name eq 'transfer-encoding' && $value eq 'chunked';
        $out .= "$name: $value\r\n";
    }
    return ($out, $chunked);
}

# A request as written in a block: method, target, version, header text and body.
sub request_parts {
    my ($text, $more_headers, $connection, $host) = @_;
    $text =~ s/\A(?:\s*#[^\n]*\n|\s+)+//;
    my ($line, $body) = split /\r?\n/, $text, 2;
    my ($method, $target, $version) = split ' ', $line // '';
    die "the request line is empty\n" unless defined $method && length $method;
    $target  //= '/';
    $version //= 'HTTP/1.1';
    $body    //= '';
    my ($lines, $chunked) = header_lines($more_headers);
    my $head = '';
    $head .= "Host: $host\r\n"             if $lines !~ /^Host:/mi;
    $head .= "Connection: $connection\r\n" if $lines !~ /^Connection\s*:/mi;
    $head .= $lines;
    if (!$chunked && $body ne '' && $lines !~ /^Content-Length:/mi) {
        $body =~ s/\A\s+|\s+\z//g;
        $head .= 'Content-Length: ' . length($body) . "\r\n";
    }
    return { method => $method, target => $target, version => $version, head => $head, body => $body };
}

# Splits WHOLE where the packets that it was written as were split: the request line at the same
# places, the body at the same places.
sub as_packets {
    my ($packets, $parts) = @_;
    my @packets = map { ref $_ ? {%$_} : { value => $_ } } @$packets;
    my $line    = "$parts->{method} $parts->{target} $parts->{version}\r\n";
    my $head    = "$line$parts->{head}\r\n";
    my $written = join '', map { $_->{value} } @packets;
    my $line_length = $written =~ /\A([^\n]*\n)/ ? length $1 : length $written;
    my $body        = $parts->{body};
    my ($at, $sent) = (0, 0);
    for my $packet (@packets) {
        my $end = $at + length $packet->{value};
        my $out = '';
        if ($at < $line_length) {
            my $upto = $end >= $line_length ? length $head : $end;
            $out  = substr $head, $sent, $upto - $sent;
            $sent = $upto;
        }
        if ($end > $line_length) {
            my $from = $at > $line_length ? $at - $line_length : 0;
            $out .= substr $body, $from, $end - $line_length - $from if $from < length $body;
        }
        $packet->{value} = $out;
        $at = $end;
    }
    $packets[-1]{value} .= substr $head, $sent if $sent < length $head;
    my $rest = length($written) - $line_length;
    $packets[-1]{value} .= substr $body, $rest if $rest >= 0 && $rest < length $body;
    return \@packets;
}

sub nth($$) {
    my ($value, $i) = @_;
    return ref $value eq 'ARRAY' ? $value->[$i] : $value;
}

# The requests of BLOCK, each {packets, methods, parts, expect, close}: one connection each.
sub requests_of {
    my ($block, $host) = @_;
    if (defined(my $raw = $block->raw_request)) {
        my $packets = ref $raw eq 'ARRAY' ? $raw : [$raw];
        my $text    = join '', map { ref $_ ? $_->{value} : $_ } @$packets;
        my @methods = $text =~ m{^([A-Z]+) \S+ HTTP/1\.\d\r?$}mg;
        my ($expect) = sort { $b <=> $a } map { ref $_ eq 'ARRAY' ? scalar @$_ : 1 }
            $block->error_code, $block->response_body, $block->response_headers;
        return { packets => $packets, methods => @methods ? \@methods : ['GET'], expect => $expect // 1 };
    }
    my $more = $block->more_headers // '';
    if (defined(my $list = $block->pipelined_requests)) {
        die "--- pipelined_requests takes a list\n" unless ref $list eq 'ARRAY';
        my ($bytes, @methods) = ('');
        for my $i (0 .. $#$list) {
            my $parts = request_parts($list->[$i], nth($more, $i), $i < $#$list ? 'keep-alive' : 'close', $host);
            $bytes .= "$parts->{method} $parts->{target} $parts->{version}\r\n$parts->{head}\r\n$parts->{body}";
            push @methods, $parts->{method};
        }
        return { packets => [$bytes], methods => \@methods, expect => scalar @$list, close => 1 };
    }
    my $request = $block->request // return;
    my @list = ref $request eq 'ARRAY' ? @$request : ($request);
    my @requests;
    for my $i (0 .. $#list) {
        my $packets = ref $list[$i] eq 'ARRAY' ? $list[$i] : ref $list[$i] eq 'HASH' ? [$list[$i]] : undef;
        my $text  = $packets ? join('', map { ref $_ ? $_->{value} : $_ } @$packets) : $list[$i];
        my $parts = request_parts($text, nth($more, $i), 'close', $host);
        push @requests,
            {
            packets => $packets
            ? as_packets($packets, $parts)
            : ["$parts->{method} $parts->{target} $parts->{version}\r\n$parts->{head}\r\n$parts->{body}"],
            methods => [$parts->{method}],
            parts   => $parts,
            expect  => 1,
            close   => $parts->{head} =~ /^Connection:\s*close/mi ? 1 : 0
            };
    }
    return @requests;
}

1;
