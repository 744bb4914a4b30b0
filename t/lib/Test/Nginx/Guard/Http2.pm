package Test::Nginx::Guard::Http2;

# HTTP/2 frame by frame, over TCP without TLS, for what no client or server at hand does.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(preface frame fields get_frame take_frame frames_of data_of status_of DATA HEADERS RST_STREAM SETTINGS END_STREAM END_HEADERS ACK INITIAL_WINDOW_SIZE);

use constant {
    DATA        => 0,
    HEADERS     => 1,
    RST_STREAM  => 3,
    SETTINGS    => 4,
    END_STREAM  => 1,
    ACK         => 1,
    END_HEADERS => 4,

    INITIAL_WINDOW_SIZE => 4
};

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

# What a client begins with. SETTINGS: identifiers and values.
sub preface {
    my (@settings) = @_;
    return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(SETTINGS, 0, 0, pack '(nN)*', @settings);
}

# Names and values of up to 126 bytes as HPACK's literals, which need no table.
sub fields {
    my (@pairs) = @_;
    my $block = '';
    while (my ($name, $value) = splice @pairs, 0, 2) {
        $block .= "\0" . pack 'C/a C/a', $name, $value;
    }
    return $block;
}

# A whole GET.
sub get_frame {
    my ($stream, $target) = @_;
    return frame(HEADERS, END_HEADERS | END_STREAM, $stream,
        fields(':method' => 'GET', ':scheme' => 'http', ':path' => $target, ':authority' => 'localhost'));
}

# The first frame of BYTES, as [type, flags, stream, payload], which is taken from them; undef: it is not whole.
sub take_frame {
    my ($bytes) = @_;
    return if length $$bytes < 9;
    my ($high, $low, $type, $flags, $stream) = unpack 'CnCCN', $$bytes;
    my $length = $high << 16 | $low;
    return if length $$bytes < 9 + $length;
    my $payload = substr $$bytes, 9, $length;
    substr $$bytes, 0, 9 + $length, '';
    return [$type, $flags, $stream, $payload];
}

# Those of STREAM in BYTES.
sub frames_of {
    my ($stream, $bytes) = @_;
    my @frames;
    while (my $frame = take_frame(\$bytes)) {
        push @frames, $frame if $frame->[2] == $stream;
    }
    return @frames;
}

# What STREAM has said in BYTES, without its header.
sub data_of { return join '', map { $_->[3] } grep { $_->[0] == DATA } frames_of(@_) }

# Of the first header that STREAM has in BYTES, as nginx writes it; undef: there is none.
sub status_of {
    my ($header) = grep { $_->[0] == HEADERS } frames_of(@_);
    return if !$header;
    my $block = $header->[3] =~ s/^\x20//r;
    my %indexed = (0x88 => 200, 0x89 => 204, 0x8a => 206, 0x8b => 304, 0x8c => 400, 0x8d => 404, 0x8e => 500);
    return $indexed{ ord $block } // ($block =~ /^\x48\x03(\d{3})/ ? $1 : undef);
}

1;
