# A request that waits in a gate: its client goes away, the configuration is reloaded, the worker is
# asked to quit. Nothing is lost, nothing is left behind.

use strict;
use warnings;
use lib 't/lib';
use Socket ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Http2 qw(preface frame fields DATA HEADERS END_STREAM END_HEADERS INITIAL_WINDOW_SIZE);

plan skip_all => 'needs the test build of the module' unless -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

my $config = <<'EOC';
location /short { guard_test front wait=300ms; root html; try_files /index.html =404; }
location /long { guard_test front wait=1h; root html; }
location /inner { guard_test inner wait=1h body=1k; root html; }
location /charge { guard_test front at=charge wait=1h; guard_test inner; root html; }
location /body { guard_test inner body=64k; root html; }
location /spooled { client_body_buffer_size 1k; guard_test inner body=64k; root html; }
location /json { client_body_buffer_size 1k; guard_json required; proxy_pass http://127.0.0.1:1; }
location /fine { guard_test front; root html; try_files /index.html =404; }
EOC

sub nginx { return start_nginx(config => $config, @_) }

sub logged { my ($nginx, $text) = @_; return scalar(() = $nginx->log_text =~ /\Q$text\E/g) }

sub ends_clean {
    my ($nginx, $name) = @_;
    is $nginx->stop('QUIT'), undef, "$name: quits at once";
    is_deeply [log_problems($nginx)], [], "$name: log";
    return;
}

# Opens a connection, sends HEAD and leaves it open.
sub held {
    my ($nginx, $head) = @_;
    my $result = request_raw($nginx->port, $head, hold => 1, timeout => 0.2, expect => 0);
    return $result->{connection};
}

for my $how (qw(FIN RST)) {
    for my $path (qw(/long /inner /charge)) {
        my $nginx = nginx();
        my $body = $path eq '/inner' ? "Content-Length: 2\r\n\r\nhi" : "\r\n";
        my $connection = held($nginx, "POST $path HTTP/1.1\r\nHost: localhost\r\n$body");
        ok wait_for(sub { logged($nginx, 'guard test waits') }), "$how on $path: it waits";
        my $socket = ref $connection eq 'HASH' ? $connection->{socket} : $connection;
        setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0) if $how eq 'RST';
        close $socket;
        undef $connection;
        ok wait_for(sub { logged($nginx, 'guard test abandon') == 1 }, 5), "$how on $path: the check is told";
        is request($nginx->port, GET => '/fine')->{code}, 200, "$how on $path: the worker goes on";
        ends_clean($nginx, "$how on $path");
    }
}

{
    my $nginx = nginx();
    my $connection = held($nginx, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhi");
    close(ref $connection eq 'HASH' ? $connection->{socket} : $connection);
    undef $connection;
    ok wait_for(sub { logged($nginx, 'prematurely closed') == 1 }, 5), 'abort while the body is read: seen';
    ends_clean($nginx, 'abort while the body is read');
}

# However the body comes, nothing is left of it: no file, no request, no connection.
for my $case (
    ['in memory', '/body', "Content-Length: 100\r\n\r\nhi"],
    ['in chunks', '/body', "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"],
    ['in a file', '/spooled', "Content-Length: 60000\r\n\r\n" . 'x' x 30000],
    ['in a file, in chunks', '/spooled', "Transfer-Encoding: chunked\r\n\r\n" . (sprintf("%x\r\n%s\r\n", 30000, 'x' x 30000)) . "5\r\nhel"],
    ['of a JSON request', '/json', "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n[" . '1,' x 10000],
) {
    my ($name, $path, $rest) = @$case;
    for my $how (qw(FIN RST)) {
        my $nginx = nginx();
        my ($worker) = $nginx->worker_pids;
        my $root  = $nginx->root;
        my $files = sub {
            return grep { defined && m{^socket:|^\Q$root\E/(?!logs/)} } map { readlink } glob "/proc/$worker/fd/*";
        };
        # What the start has left may still be closed.
        my %before = map { $_ => 1 } $files->();
        my $more   = sub { return grep { !$before{$_} } $files->() };
        my $connection = held($nginx, "POST $path HTTP/1.1\r\nHost: localhost\r\n$rest");
        ok wait_for(sub { scalar $more->() }, 5), "$how of a body $name: it is being read";
        my $socket = ref $connection eq 'HASH' ? $connection->{socket} : $connection;
        setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0) if $how eq 'RST';
        close $socket;
        undef $connection;
        ok wait_for(sub { !$more->() }, 5), "$how of a body $name: no connection and no file is open"
            or diag $more->();
        my @left = grep { -f } glob $nginx->root . '/client_body_temp/*';
        is_deeply \@left, [], "$how of a body $name: no file is left";
        is request($nginx->port, GET => '/fine')->{code}, 200, "$how of a body $name: the worker goes on";
        ends_clean($nginx, "$how of a body $name");
    }
}

# What is left of the body of a refused request is no other request, whoever writes the answer.
{
    my $nginx = nginx(
        http_config => 'log_format line \'$request_uri $status\'; access_log $TEST_NGINX_SERVER_ROOT/logs/lines.log line;',
        config      => <<'EOC');
guard_json on;
location / { root html; }
location /problem { root html; }
location /own { error_page 415 /page; root html; }
location /nginx { guard_problem off; root html; }
location /hidden { guard_problem off; error_page 415 @page; root html; }
location /page { return 200 page; }
location @page { return 200 page; }
location /smuggled { return 200; }
EOC
    for my $path (qw(/problem /own /nginx /hidden)) {
        my $begun = request_raw($nginx->port, "POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=latin1\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nhello", hold => 1);
        is $begun->{responses}[0]{code}, 415, "refused at $path while its body is on its way";
        my $rest = request_raw($nginx->port, "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", connection => $begun->{connection}, expect => 0);
        is $rest->{raw}, '', "refused at $path: no answer to what is left of it";
    }
    ends_clean($nginx, 'refused while its body is on its way');
    is_deeply [split /\n/, $nginx->log_text('lines.log')], [map { "$_ 415" } qw(/problem /own /nginx /hidden)], 'refused while its body is on its way: and nothing else has been asked';
}

# Nor is it one to whom the error page comes from. Over HTTP/2 a body may have no length, and the client may take no answer meanwhile.
{
    my $upstream = start_upstream('body page');
    my $nginx = nginx(
        listen => ['listen 127.0.0.1:' . (my $port = free_port()) . ' http2;'],
        config => 'error_page 413 /page; location /cut { guard_test inner body=100; root html; } location /large { client_max_body_size 100; guard_test inner body=64k; root html; } location /page { proxy_ignore_client_abort on; proxy_pass http://127.0.0.1:' . $upstream->port . '; }',
    );
    for my $case (['/cut', 0], ['/cut', 65535], ['/large', 0], ['/large', 65535]) {
        my ($path, $window) = @$case;
        my $fields = fields(':method' => 'POST', ':path' => $path, ':scheme' => 'http', ':authority' => 'localhost');
        my $begun = request_raw(
            $port,
            preface(INITIAL_WINDOW_SIZE, $window) . frame(HEADERS, END_HEADERS, 1, $fields) . frame(DATA, 0, 1, 'x' x 90),
            hold => 1, expect => 0, timeout => 0.2
        );
        my $cut = request_raw($port, frame(DATA, 0, 1, 'x' x 90), connection => $begun->{connection}, hold => 1, expect => 0, timeout => 0.5);
        like $cut->{raw}, qr/\x03413/, "HTTP/2, $path, a window of $window: refused";
        request_raw($port, frame(DATA, END_STREAM, 1, 'x'), connection => $cut->{connection}, expect => 0, timeout => 0.5);
    }
    is_deeply [map { join ' ', $_->{method} // 'none', $_->{target} // '', length($_->{body} // '') } @{ $upstream->requests }], [('GET /page 0') x 4], 'HTTP/2: the upstream is asked for the pages alone';
    ends_clean($nginx, 'HTTP/2, refused while its body is on its way');
}

# Whether the upstream hears of a client that has gone is nginx's to say, also for a request that has waited.
{
    my $upstream = start_upstream("delay 0.5\nbody done");
    my $pass     = 'proxy_ignore_client_abort on; proxy_pass http://127.0.0.1:' . $upstream->port . ';';
    my $nginx = nginx(
        http_config => 'log_format line \'$request_uri $upstream_status\'; access_log $TEST_NGINX_SERVER_ROOT/logs/lines.log line;',
        config      => "location /none { $pass } location /front { guard_test front wait=20ms; $pass } location /inner { guard_test inner wait=20ms body=1k; $pass }",
    );
    my $asked = 0;
    for my $path (qw(/none /front /inner)) {
        my $connection = held($nginx, "POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi");
        ++$asked;
        ok wait_for(sub { @{ $upstream->requests } == $asked }, 5), "$path: the upstream is asked";
        close(ref $connection eq 'HASH' ? $connection->{socket} : $connection);
        undef $connection;
        ok wait_for(sub { my @lines = split /\n/, $nginx->log_text('lines.log'); @lines == $asked && $lines[-1] eq "$path 200" }, 5), "$path: and heard, though the client has gone"
            or diag $nginx->log_text('lines.log');
    }
    ends_clean($nginx, 'a client that has gone');
}

for my $how (qw(hup QUIT)) {
    my $nginx = nginx();
    my ($reader, $writer);
    pipe $reader, $writer or die;
    my $pid = fork // die;
    if ($pid == 0) {
        my $response = request($nginx->port, GET => '/short');
        syswrite $writer, ($response ? $response->{code} : 'none') . "\n";
        POSIX::_exit(0);
    }
    close $writer;
    ok wait_for(sub { logged($nginx, 'guard test waits') }, 5), "$how while a request waits: it waits";
    is $how eq 'hup' ? $nginx->hup : $nginx->stop('QUIT'), undef, "$how while a request waits: works";
    is scalar(<$reader>), "200\n", "$how while a request waits: it is answered";
    waitpid $pid, 0;
    if ($how eq 'hup') {
        is request($nginx->port, GET => '/fine')->{code}, 200, 'and the new worker answers';
        $nginx->stop('QUIT');
    }
    is_deeply [log_problems($nginx)], [], "$how while a request waits: log";
}

{
    my $nginx = nginx();
    my $connection = held($nginx, "GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ok wait_for(sub { logged($nginx, 'guard test waits') }), 'TERM while a request waits: it waits';
    is $nginx->stop('TERM'), undef, 'TERM while a request waits: stops';
    is_deeply [log_problems($nginx)], [], 'TERM while a request waits: log';
}

{
    my $nginx = nginx(listen => ["listen " . (my $h2 = free_port()) . " http2;"]);
    my $client = spawn(sub { exec qw(curl -s -o /dev/null --http2-prior-knowledge), "http://127.0.0.1:$h2/long" or die "curl: $!\n" });
    ok wait_for(sub { logged($nginx, 'guard test waits') }), 'HTTP/2: a request waits';
    is end_process($client, 10, 'TERM'), 'TERM', 'HTTP/2: the client gives up';
    ok wait_for(sub { logged($nginx, 'guard test abandon') == 1 }, 5), 'HTTP/2: the check is told';
    ends_clean($nginx, 'HTTP/2');
}

done_testing;
