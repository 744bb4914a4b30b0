# An answer that is held back until the rules have seen it: its client goes away, or gives up the one stream of many; the
# upstream takes too long, or breaks off; the configuration is reloaded, the worker is asked to quit. Nothing is lost,
# nothing is left behind.

use strict;
use warnings;
use lib 't/lib';
use Socket ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Http2 qw(preface frame get_frame frames_of data_of RST_STREAM);

my $rules = qq{SecRule RESPONSE_BODY "\@contains secret" "id:1,phase:4,deny,tag:'attack-disclosure'"\n};
my $first = 'x' x 3000;

sub sign {
    my ($file) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    close $out;
    return;
}

# The application sends the first part of its answer, and the rest when it is told to. Who hangs up before is noted.
my $app = start_upstream(
    sub {
        my ($request, $socket) = @_;
        my ($how) = $request->{target} =~ /\?(\w+)/
            or return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfine";
        my $last   = $how =~ /secret/ ? 'secret' : 'public';
        my $length = $how =~ /chunked/ ? 'Transfer-Encoding: chunked' : 'Content-Length: 3006';
        my ($part, $rest) = $how =~ /chunked/ ? ("bb8\r\n$first\r\n", "6\r\n$last\r\n0\r\n\r\n") : ($first, $last);
        syswrite $socket, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n$length\r\n\r\n$part";
        my $dir = header_of($request->{fields}, 'X-Signs');
        sign("$dir/sent");
        return if $how =~ /cut/;
        my $ready = '';
        vec($ready, fileno $socket, 1) = 1;

        for (1 .. 6000) {
            if (-e "$dir/go") { syswrite $socket, $rest; last }
            if (select(my $found = $ready, undef, undef, 0.005) && !sysread $socket, my $nothing, 1) { sign("$dir/gone"); last }
        }
        return;
    }
);

my $h2    = free_port();
my $nginx = make_nginx(log_level => 'info');
my ($root, $upstream) = ($nginx->root, $app->port);
$nginx->write_file('own.conf', $rules);
my %config = (
    listen      => ["listen $h2 http2;"],
    http_config => "guard_event_log $root/logs/events.log;",
    config      => <<"END" =~ s/LATE/scaled(2)/er);
guard_inspect on;
guard_inspect_rules $root/own.conf;
guard_inspect_response on;
proxy_http_version 1.1;
proxy_set_header X-Signs $root;
location /held { proxy_pass http://127.0.0.1:$upstream; }
location /stream { proxy_buffering off; proxy_pass http://127.0.0.1:$upstream; }
location /observed { guard_mode observe inspect; proxy_pass http://127.0.0.1:$upstream; }
location /late { proxy_read_timeout LATEs; proxy_pass http://127.0.0.1:$upstream; }
location /ignore { proxy_ignore_client_abort on; proxy_pass http://127.0.0.1:$upstream; }
END
$nginx->configure(%config);
is $nginx->start, undef, 'nginx starts';
my ($worker) = $nginx->worker_pids;

# What the worker has open.
sub open_files { return grep { defined && /^socket:|_temp/ } map { readlink } glob "/proc/$worker/fd/*" }

my %idle = map { $_ => 1 } open_files();

# Whether nginx has read all that the upstream has sent.
sub is_read {
    return unless -e "$root/sent";
    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!\n";
    my $port   = sprintf '%04X', $upstream;
    my @queues = map { (split)[4] } grep { (split)[2] =~ /:$port\z/ && (split)[3] =~ /\A0[18]\z/ } <$in>;
    return @queues && !grep { !/:0{8}\z/ } @queues;
}

# The next answer of the application begins anew.
sub forget { return unlink map { "$root/$_" } qw(sent go gone) }

sub violations {
    my ($events) = read_events("$root/logs/events.log");
    return grep { $_->{labels}{kind} eq 'response_violated' } @$events;
}

# What anybody would have to look at.
sub complaints {
    my ($from) = @_;
    return [grep { /\[(?:warn|error|crit|alert|emerg)\]/ } split /^/, substr $nginx->log_text, $from];
}

sub is_as_before {
    my ($name) = @_;
    ok wait_for(sub { !grep { !$idle{$_} } open_files() }), "$name: no connection and no file is open" or diag open_files();
    is request($nginx->port, GET => '/held')->{body}, 'fine', "$name: the next request is served";
    is +($nginx->worker_pids)[0], $worker, "$name: by the same worker";
    return;
}

# Sends what begins a request, and gives the connection back as soon as its answer has begun.
sub begin {
    my ($name, $port, $bytes) = @_;
    forget();
    my $client = request_raw($port, $bytes, hold => 1, timeout => 0.02, expect => 0);
    ok wait_for(\&is_read), "$name: the answer has begun";
    return $client;
}

sub get { return "GET $_[0] HTTP/1.1\r\nHost: localhost\r\n\r\n" }

for my $case (map { my $path = $_; map { [$path, $_] } qw(FIN RST) } qw(/held?secret /held?secret_chunked /stream?secret /observed?secret)) {
    my ($path, $how) = @$case;
    my $name = "$how, $path";
    my $from = length $nginx->log_text;
    my $client = begin($name, $nginx->port, get($path));
    is $client->{raw}, '', "$name: and nothing of it is sent" unless $path =~ /observed/;
    my $socket = delete $client->{connection}{socket};
    setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0) if $how eq 'RST';
    close $socket;
    ok wait_for(sub { -e "$root/gone" }), "$name: the upstream is let go";
    is_as_before($name);
    is_deeply complaints($from), [], "$name: no complaint";
}

# Where the upstream is read to its end all the same, its answer is judged, and told of.
{
    my $from = length $nginx->log_text;
    my $client = begin('nobody there', $nginx->port, get('/ignore?secret'));
    close delete $client->{connection}{socket};
    sign("$root/go");
    is_as_before('nobody there');
    ok wait_for(sub { violations() == 1 }), 'nobody there: an event';
    is_deeply complaints($from), [], 'nobody there: no complaint';
}

# An upstream that stops in the midst of an answer: what has come is not passed for one.
for my $case (['/late?public', qr/upstream timed out/], ['/held?public_cut', qr/upstream prematurely closed connection/]) {
    my ($path, $why) = @$case;
    forget();
    my $from = length $nginx->log_text;
    my $result = request_raw($nginx->port, get($path), timeout => 10);
    is $result->{raw}, '', "$path: nothing is sent";
    ok $result->{eof}, "$path: and the connection is closed";
    my @lines = @{ complaints($from) };
    is scalar @lines, 1, "$path: a line in the log" or diag @lines;
    like $lines[0], $why, "$path: which says so";
    is_as_before($path);
}

# Reads on until the bytes are enough for WANTED, or nothing more comes.
sub read_on {
    my ($client, $wanted) = @_;
    for (1 .. 50) {
        last if $wanted->($client->{raw});
        my $more = request_raw($h2, '', connection => $client->{connection}, hold => 1, timeout => 0.2, expect => 0);
        $client->{raw} .= $more->{raw};
    }
    return $client->{raw};
}

for my $path ('/held?secret', '/stream?secret', '/observed?secret') {
    my $name = "HTTP/2, $path";
    my $from = length $nginx->log_text;
    my $client = begin($name, $h2, preface() . get_frame(1, $path));
    is_deeply [frames_of(1, $client->{raw})], [], "$name: and nothing of it is sent" unless $path =~ /observed/;
    my $next = request_raw($h2, frame(RST_STREAM, 0, 1, pack 'N', 8) . get_frame(3, '/held'),
        connection => $client->{connection}, hold => 1, timeout => 0.02, expect => 0);
    ok wait_for(sub { -e "$root/gone" }), "$name: the upstream is let go with the stream";
    is data_of(3, read_on($next, sub { data_of(3, @_) eq 'fine' })), 'fine', "$name: another stream is served";
    close delete $client->{connection}{socket};
    is_as_before($name);
    is_deeply complaints($from), [], "$name: no complaint";
}
{
    my $name = 'HTTP/2, hanging up';
    my $from = length $nginx->log_text;
    my $client = begin($name, $h2, preface() . get_frame(1, '/held?secret'));
    close delete $client->{connection}{socket};
    ok wait_for(sub { -e "$root/gone" }), "$name: the upstream is let go";
    is_as_before($name);
    is_deeply complaints($from), [], "$name: no complaint";
}
{
    my $name = 'HTTP/2, a broken answer';
    forget();
    my $from = length $nginx->log_text;
    my $client = request_raw($h2, preface() . get_frame(1, '/held?public_cut'), hold => 1, timeout => 0.2, expect => 0);
    read_on($client, sub { scalar frames_of(1, @_) });
    is_deeply [map { $_->[0] } frames_of(1, $client->{raw})], [RST_STREAM], "$name: the stream is reset, and nothing sent";
    close delete $client->{connection}{socket};
    is_as_before($name);
    my @lines = @{ complaints($from) };
    is scalar @lines, 1, "$name: a line in the log" or diag @lines;
    like $lines[0], qr/upstream prematurely closed connection/, "$name: which says so";
}

# A reload and the end of a worker: what is held is still judged, and sent.
for my $case (['HUP', '/held?public', 200], ['HUP', '/held?secret', 403], ['QUIT', '/held?public', 200], ['QUIT', '/held?secret', 403]) {
    my ($signal, $path, $status) = @$case;
    my $name = "$signal, $path";
    my $from = length $nginx->log_text;
    my $client = begin($name, $nginx->port, "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    if ($signal eq 'HUP') {
        is $nginx->hup, undef, "$name: the configuration is reloaded";
        is request($nginx->port, GET => '/held')->{body}, 'fine', "$name: the new worker serves";
    }
    else {
        kill 'QUIT', $nginx->pid;
        ok wait_for(sub { !$nginx->worker_pids }), "$name: the worker is to quit";
    }
    sign("$root/go");
    my $response = request_raw($nginx->port, '', connection => $client->{connection}, timeout => 10)->{responses}[0];
    is $response->{code}, $status, "$name: the status of the answer";
    like $response->{body}, $status == 200 ? qr/\Ax{3000}public\z/ : qr/"code":"inspect\.disclosure"/, "$name: the answer";
    if ($signal eq 'QUIT') {
        is $nginx->stop, undef, "$name: and ends";
        is_deeply complaints($from), [], "$name: no complaint";
        is $nginx->start, undef, "$name: nginx starts again";
    }
}

# A configuration that judges no answers, and that nginx gives up in the end, changes nothing for a worker that is started
# after it.
{
    my $name  = 'a configuration that fails in the end';
    my @words = ("guard_inspect on;\nguard_inspect_rules $root/own.conf;\n", 'location / { root html; }');
    my $other = start_nginx(config => join "guard_inspect_response on;\n", @words);
    for my $text ('secret', 'public') {
        open my $out, '>', $other->html . "/$text.txt" or die "$text.txt: $!\n";
        print $out $text;
        close $out;
    }
    $other->configure(config => join("\n", @words), listen => ['listen 192.0.2.1:1;'], no_root_location => 1);
    like $other->hup, qr/bind\(\) to 192\.0\.2\.1:1 failed/, "$name: it does";
    my ($old) = $other->worker_pids;
    kill 'KILL', $old;
    ok wait_for(sub { my ($new) = $other->worker_pids; $new && $new != $old }), "$name: another worker";
    is_deeply [map { my $answer = request($other->port, GET => "/$_.txt"); $answer && $answer->{code} } 'secret', 'public'], [403, 200], "$name: it judges answers";
    is $other->stop, undef, "$name: nginx stops";
}

is $nginx->stop, undef, 'nginx stops';
is_deeply [map { $_->{http}{response}{status_code} } violations()], [403, 403, 403],
    'events are of the three answers that were judged: nobody there, reload, quit';

# The answers of a location have one judge.
$nginx->write_file('api.json', '{"openapi":"3.0.3","info":{"title":"a","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"a"}}}}}}');
my $both = 'the answers of a location are judged by "guard_openapi" or by "guard_inspect_response", not by both in ';
my $judge = "guard_openapi $root/api.json responses=enforce;";
for my $case (
    ['in one location', '', "location /api { guard_inspect_response on; $judge root html; }"],
    ['observed', '', "location /api { guard_inspect_response on; guard_openapi $root/api.json responses=observe; root html; }"],
    ['one of them inherited', 'guard_inspect_response on;', "location /api { $judge root html; }"],
    ['the other inherited', $judge, 'location /api { guard_inspect_response on; root html; }'],
) {
    my ($name, $server, $location) = @$case;
    $nginx->configure(config => "guard_inspect on;\nguard_inspect_rules $root/own.conf;\n$server\n$location\n");
    my ($refused, $said) = $nginx->test_config;
    isnt $refused, 0, "both, $name: refused";
    like $said, qr/\[emerg\] \Q$both\E\S+nginx\.conf:\d+\n/, "both, $name: why";
}
for my $case (
    ['each in a location of its own', "location /a { guard_inspect_response on; }\nlocation /b { $judge }"],
    ['the document for requests alone', "location /a { guard_inspect_response on; guard_openapi $root/api.json; }"],
    ['one of them taken back', "guard_inspect_response on;\nlocation /b { guard_inspect_response off; $judge }"],
) {
    my ($name, $text) = @$case;
    $nginx->configure(config => "guard_inspect on;\nguard_inspect_rules $root/own.conf;\n$text\n");
    my ($refused, $said) = $nginx->test_config;
    is $refused, 0, "$name: fine" or diag $said;
}
is_deeply [log_problems($nginx)], [], 'nothing to complain about';

done_testing;
