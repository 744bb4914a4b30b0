# gRPC through all that may stand in its way: calls of all four kinds, refusals, and an upstream that is away.

use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending  qw(ends_well);
use Test::Nginx::Guard::Http2   qw(preface frame fields take_frame frames_of data_of status_of DATA HEADERS SETTINGS RST_STREAM END_STREAM END_HEADERS ACK);
use Test::Nginx::Guard::Process qw(spawn end_process);
use Test::Nginx::Guard::Wait    qw(patient);

# Reads into BYTES; false: nothing came in time, or the end.
sub read_more {
    my ($socket, $bytes) = @_;
    return IO::Select->new($socket)->can_read(patient(3)) && sysread $socket, $$bytes, 65536, length $$bytes;
}

# An upstream that says back each message at once, and ends a call when its client does.
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64) // die "listen: $!\n";

sub serve {
    my ($socket) = @_;
    my $bytes = '';
    while (length $bytes < 24) { sysread $socket, $bytes, 65536, length $bytes or return }
    substr $bytes, 0, 24, '';
    syswrite $socket, frame(SETTINGS, 0, 0, '');
    while (1) {
        while (my $got = take_frame(\$bytes)) {
            my ($type, $flags, $stream, $payload) = @$got;
            my $said = '';
            $said .= frame(SETTINGS, ACK, 0, '') if $type == SETTINGS && !($flags & ACK);
            $said .= frame(HEADERS, END_HEADERS, $stream, "\x88" . fields('content-type' => 'application/grpc', 'x-powered-by' => 'echo')) if $type == HEADERS;
            $said .= frame(DATA, 0, $stream, $payload) if $type == DATA && length $payload;
            $said .= frame(HEADERS, END_HEADERS | END_STREAM, $stream, fields('grpc-status' => '0')) if ($type == DATA || $type == HEADERS) && $flags & END_STREAM;
            syswrite $socket, $said if length $said;
        }
        sysread $socket, $bytes, 65536, length $bytes or return;
    }
}

my $server = spawn(sub {
    $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $socket = $listener->accept or next;
        if (!fork) { serve($socket); POSIX::_exit(0) }
        close $socket;
    }
});

my $pass = 'grpc_pass grpc://127.0.0.1:' . $listener->sockport . ';';
my $port = free_port();
my $nginx = make_nginx;
$nginx->write_file('own.conf', qq{SecRule REQUEST_HEADERS:X-Probe "\@contains attack" "id:1,phase:1,deny,tag:'attack-generic'"\nSecRule REQUEST_BODY|ARGS "\@contains attack" "id:2,phase:2,deny"\nSecRule RESPONSE_BODY "\@contains attack" "id:3,phase:4,deny"\n});
my $root = $nginx->root;
$nginx->configure(
    listen      => ["listen $port http2;"],
    http_config => "guard_event_log $root/logs/events.log;\nguard_rate_policy calls rate=2/minute burst=2 key=\$guard_client_net;\n",
    config      => <<"END");
guard_headers web;
guard_hide_headers on;
guard_path strict;
guard_csrf on;
guard_json on;
guard_upload;
guard_inspect on;
guard_inspect_rules $root/own.conf;
guard_inspect_response on;
location /echo.Echo/ { $pass }
location /echo.Limited/ { guard_rate calls; $pass }
location /echo.Json/ { guard_json required; $pass }
location /echo.Away/ { grpc_pass grpc://127.0.0.1:1; }
END
is $nginx->start, undef, 'nginx starts';

sub message { return pack 'CN/a', 0, $_[0] }

# Begins a call.
sub call {
    my ($path, %word) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // die "connect: $!\n";
    my $self   = { socket => $socket, bytes => '' };
    say_to($self, preface() . frame(HEADERS, END_HEADERS | ($word{end} ? END_STREAM : 0), 1, fields(
        ':method' => 'POST', ':scheme' => 'http', ':path' => $path, ':authority' => 'localhost',
        'content-type' => $word{type} // 'application/grpc', te => 'trailers', @{ $word{fields} // [] })));
    return $self;
}

sub say_to { my ($self, $bytes) = @_; return syswrite $self->{socket}, $bytes }

# Reads on until WANTED is true of what has come.
sub hear {
    my ($self, $wanted) = @_;
    while (!$wanted->()) { read_more($self->{socket}, \$self->{bytes}) or return }
    return 1;
}

sub data_heard { return data_of(1, $_[0]{bytes}) }
sub is_over { my ($self) = @_; return scalar grep { $_->[0] == RST_STREAM || ($_->[0] != RST_STREAM && $_->[0] <= HEADERS && $_->[1] & END_STREAM) } frames_of(1, $self->{bytes}) }
sub ends_with_trailers { my ($last) = grep { $_->[0] <= HEADERS && $_->[1] & END_STREAM } frames_of(1, $_[0]{bytes}); return $last && $last->[0] == HEADERS }


sub frames_to { my ($bytes) = @_; return join '', map { frame(DATA, 0, 1, $_) } $bytes =~ /(.{1,16000})/gs }

sub ends_as { # NAME CALL STATUS
    my ($name, $call, $status) = @_;
    ok hear($call, sub { is_over($call) }), "$name: it ends";
    is status_of(1, $call->{bytes}), $status, "$name: status";
    return;
}

# Unary, and a stream of either side, as long as windows let it be.
for my $case (['one message', message('hello')], ['a long message', message('x' x 60_000)], ['many messages', join '', map { message("m$_") } 1 .. 500],
    ['none', ''], ['what rules would deny elsewhere', message('an attack')]) {
    my ($name, $messages) = @$case;
    my $call = call('/echo.Echo/Say', end => !length $messages);
    say_to($call, frames_to($messages) . frame(DATA, END_STREAM, 1, '')) if length $messages;
    ends_as($name, $call, 200);
    ok data_heard($call) eq $messages, "$name: messages";
    ok ends_with_trailers($call), "$name: trailers";
}

# Both at once: each message waits for the answer to the one before.
{
    my $call = call('/echo.Echo/Talk');
    my $said = '';
    for my $text ('first', 'second', 'third') {
        say_to($call, frame(DATA, 0, 1, message($text)));
        $said .= message($text);
        ok hear($call, sub { data_heard($call) eq $said }), "a dialogue: $text";
    }
    say_to($call, frame(DATA, END_STREAM, 1, ''));
    ends_as('a dialogue', $call, 200);
}

# Refusals, with the body still to come.
{
    my $call = call('/echo.Echo/Say', fields => ['x-probe' => 'attack']);
    ends_as('denied by its fields', $call, 403);
    like data_heard($call), qr/"code":"inspect.generic"/, 'denied by its fields: why';
    ends_as('where JSON is required', call('/echo.Json/Say'), 415);
    my $json = call('/echo.Echo/Say', type => 'application/grpc+json');
    # Whether there is a body at all the first byte of it says.
    say_to($json, frame(DATA, 0, 1, message('hello')));
    ends_as('JSON of gRPC', $json, 415);
    ends_as('a dot segment', call('/echo.Echo/%2e%2e/Say'), 400);
    ends_as('of another site', call('/echo.Echo/Say', fields => ['sec-fetch-site' => 'cross-site']), 403);
    for my $expected (200, 200, 429) {
        my $limited = call('/echo.Limited/Say');
        say_to($limited, frame(DATA, END_STREAM, 1, message('hello')));
        ends_as("within and over a rate, $expected", $limited, $expected);
    }
    ends_as('an upstream that is away', call('/echo.Away/Say', end => 1), 502);
}

# A client that goes away in the midst, and one that cancels.
for my $how ('goes away', 'cancels') {
    my $call = call('/echo.Echo/Talk');
    say_to($call, frame(DATA, 0, 1, message('hello')));
    ok hear($call, sub { length data_heard($call) }), "$how: has an answer";
    say_to($call, frame(RST_STREAM, 0, 1, pack 'N', 8)) if $how eq 'cancels';
    close $call->{socket} if $how eq 'goes away';
    my $next = call('/echo.Echo/Say');
    say_to($next, frame(DATA, END_STREAM, 1, message('hello')));
    ends_as("$how, and the next one", $next, 200);
}

ends_well($nginx, 'nginx');
my ($events) = read_events("$root/logs/events.log");
is_deeply [map { $_->{event}{code} // $_->{labels}{kind} } @$events],
    ['config_loaded', qw(inspect.generic json.media_type json.media_type path.ambiguous csrf.cross_site rate.calls upstream_failed)], 'events';
end_process($server);
done_testing;
