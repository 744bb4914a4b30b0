# The harness itself, on nginx without our module: what should pass passes, and each expectation that is
# not met fails, and says so.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;

$ENV{TEST_NGINX_LOAD_MODULES} = '';
delete $ENV{TEST_NGINX_SERVER_PORT};
my $lib       = abs_path(dirname(__FILE__) . '/lib');
my $directory = tempdir(CLEANUP => 1);

# Runs a .t file of BLOCKS: (its exit status, its TAP).
sub run_file {
    my ($name, $blocks, $head) = @_;
    $head //= "use Test::Nginx::Socket 'no_plan';\nno_root_location();\nrun_tests();\n";
    open my $out, '>', "$directory/$name.t" or die $!;
    print $out "$head\n__DATA__\n$blocks";
    close $out;
    open my $in, '-|', "$^X -I$lib $directory/$name.t 2>&1" or die $!;
    my $tap = do { local $/; <$in> };
    close $in;
    return ($? >> 8, $tap);
}

# The blocks are in the DATA section of this file: those named "fails: ..." must have a failing test
# whose title has the words behind the arrow, and those named "passes: ..." none.
my $data = do { local $/; <DATA> };
my (@good, @bad);
for my $block (split /^(?==== )/m, $data) {
    next unless $block =~ /^=== (passes|fails): /;
    push @{ $1 eq 'passes' ? \@good : \@bad }, $block;
}

{
    my ($status, $tap) = run_file('passes', join '', @good);
    is $status, 0, 'blocks that should pass do' or diag $tap;
    unlike $tap, qr/^not ok/m, 'no failing test among them';
    for my $block (@good) {
        my ($name) = $block =~ /^=== (.*)/;
        like $tap, qr/^ok \d+ - \Q$name\E/m, $name;
    }
    local $ENV{TEST_NGINX_USE_HUP} = 1;
    ($status, $tap) = run_file('hup', join '', @good);
    is $status, 0, 'they do with one nginx that is reloaded' or diag $tap;
}

{
    my ($status, $tap) = run_file('fails', join '', @bad);
    is $status, scalar(@bad), 'each block that should fail has one failing test' or diag $tap;
    for my $block (@bad) {
        my ($name, $words) = $block =~ /^=== (.*?) -> (.*)/;
        like $tap, qr/^not ok \d+ - \Q$name -> $words\E - \Q$words\E/m, $name;
    }
}

# A process that dies of a signal, as a module at fault does.
{
    local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'handle_segv=0';
    my ($status, $tap) = run_file(
        'crash', <<'BLOCK');
=== worker is killed
--- config
    location / { return 200 "ok\n"; }
--- init
my ($master) = do { open my $in, '<', $ENV{TEST_NGINX_SERVER_ROOT} . '/logs/nginx.pid'; <$in> =~ /(\d+)/ };
kill 'SEGV', Test::Nginx::Guard::Process::children_of($master);
Test::Nginx::Guard::Wait::wait_for(sub { Test::Nginx::Guard::Server::slurp($ENV{TEST_NGINX_SERVER_ROOT} . '/logs/error.log') =~ /signal 11/ });
--- request
GET /
BLOCK
    like $tap, qr/^not ok .*error\.log has: .*\[alert\].*exited on signal 11/m, 'a crashed worker fails the block';
}

# The same file twice at once: ports and directories do not meet.
{
    my $blocks = "=== TEST 1: one\n--- config\n    location / { return 200 \$server_port; }\n--- request\nGET /\n"
        . "--- response_body chomp\n\$TEST_NGINX_SERVER_PORT\n";
    my @outcomes;
    my @pids = map {
        my $i = $_;
        spawn(sub { my ($status, $tap) = run_file("parallel$i", $blocks x 3); die $tap if $status })
    } 1 .. 3;
    for my $pid (@pids) { waitpid $pid, 0; push @outcomes, $? >> 8 }
    is_deeply \@outcomes, [0, 0, 0], 'files run side by side';
}

# Plans count what the published Test::Nginx counts.
{
    my ($status, $tap) = run_file('plan', <<'BLOCKS', <<'HEAD');
=== TEST 1: one
--- config
    location /t { return 200 "ok\n"; }
--- request
GET /t
--- response_headers
Content-Length: 3
!X-None
--- response_body
ok
--- no_error_log
[error]
[warn]

=== TEST 2: two
--- config
    location /a { return 200 "a"; }
    location /b { return 201 "b"; }
--- request eval
["GET /a", "GET /b"]
--- error_code eval
[200, 201]
--- response_body eval
["a", "b"]
BLOCKS
    use Test::Nginx::Socket;
    repeat_each(2);
    plan tests => repeat_each() * (6 + 4);
    run_tests();
HEAD
    ok $status == 0 && $tap =~ /^1\.\.20$/m, 'plan, repeat_each' or diag $tap;
}

# The functions for test files that are programs.
{
    my $upstream = start_upstream(["body one", sub { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo" }]);
    my $port     = $upstream->port;
    my $nginx    = start_nginx(
        workers => 2,
        daemon  => 1,
        config  => "location / { proxy_pass http://127.0.0.1:$port; }\nlocation /v { return 200 old; }"
    );
    my $response = request($nginx->port, POST => '/x', body => 'abc', headers => ['X-A: 1']);
    is $response->{body}, "one\n", 'request';
    is request($nginx->port, GET => '/')->{body}, 'two', 'upstream: code for the second request';
    my $seen = $upstream->requests;
    is_deeply [map { "$_->{method} $_->{target} $_->{body}" } @$seen], ['POST /x abc', 'GET / '],
        'upstream: requests';
    is header_of($seen->[0]{fields}, 'x-a'), 1, 'upstream: fields';

    my @old = $nginx->worker_pids;
    is scalar(@old), 2, 'workers';
    $nginx->configure(config => 'location /v { return 200 new; }');
    is $nginx->hup, undef, 'hup';
    my %old = map { $_ => 1 } @old;
    ok !(grep { $old{$_} } $nginx->worker_pids), 'hup: new workers';
    is request($nginx->port, GET => '/v')->{body}, 'new', 'hup: new configuration';
    $nginx->configure(config => 'bogus;');
    like $nginx->hup, qr/refused to reload.*unknown directive "bogus"/, 'hup: refused';
    my ($status, $output) = $nginx->test_config;
    like $nginx->in_sections($output), qr/unknown directive "bogus" in config:1$/m, 'test_config';
    $nginx->configure(config => 'location /v { return 200 newer; }');
    my $pid = $nginx->pid;
    is $nginx->usr2, undef, 'usr2';
    isnt $nginx->pid, $pid, 'usr2: new master';
    is request($nginx->port, GET => '/v')->{body}, 'newer', 'usr2: serves';
    is scalar(my @problems = log_problems($nginx)), 1, 'log_problems: the refused reload';
    is_deeply [log_problems($nginx, 'emerg')], [], 'log_problems: allowed';
    is $nginx->stop, undef, 'stop';
    ok !$nginx->is_listening, 'stop: the port is free';
    $upstream->stop;
}

# Framing, without nginx.
{
    require Test::Nginx::Guard::Client;
    my $parse = sub { Test::Nginx::Guard::Client::parse_responses(@_) };
    my ($got, $rest) = $parse->("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\nmore", ['GET'], 1);
    is_deeply [map { [$_->{code}, $_->{body}, @{ $_->{interim} }] } @$got], [[200, 'abc', 100]], 'chunked with a trailer behind a 100';
    is $rest, 'more', 'what follows is left';
    ($got) = $parse->("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ['GET'], 0);
    like $got->[0]{malformed}, qr/malformed chunk size/, 'malformed chunk';
    ($got) = $parse->("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", ['GET'], 0);
    is scalar(@$got), 0, 'not yet complete';
    ($got) = $parse->("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", ['GET'], 1);
    is $got->[0]{complete}, 0, 'cut short';
    ($got) = $parse->("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ['HEAD', 'GET'], 0);
    is_deeply [map { [$_->{code}, $_->{body}] } @$got], [[200, ''], [304, '']], 'HEAD and 304 have no body';
    is subset_problem({ a => [1, { b => 're:x+' }] }, { a => [1, { b => 'xx', c => 1 }], d => 2 }), undef, 'subset';
    is subset_problem({ a => 1 }, { a => '1' }), '/a is "1", not 1', 'not a subset: type';
    is subset_problem({ a => undef }, {}), undef, 'null or absent';
}

done_testing;

__DATA__
=== passes: a response in full
--- config
    location / { add_header X-A b; return 201 "hello $request_method\n"; }
--- request
POST /x
a=b
--- more_headers
X-B: c
--- error_code: 201
--- response_headers
X-A: b
!X-C
--- response_headers_like
X-A: [a-z]
--- raw_response_headers_like: Content-Type: text/plain\r\n
--- raw_response_headers_unlike: X-C
--- response_body
hello POST
--- no_error_log
[error]
--- access_log
"POST /x HTTP/1.1" 201

=== passes: lists of requests and packets
--- config
    location / { return 204; }
    location /b { return 200 "$http_x"; }
    location /n { return 304; }
--- request eval
["GET /", "HEAD /b", ["GE", "T /b HT", { value => "TP/1.1\n", delay_before => 0.05 }], "GET /n"]
--- more_headers eval
["", "", "X: 1", ""]
--- error_code eval
[204, 200, 200, 304]
--- response_body eval
["", "", "1", ""]

=== passes: pipelined requests
--- config
    location /a { return 200 "a"; }
    location /b { return 404 "b"; }
--- pipelined_requests eval
["GET /a", "HEAD /a", "GET /b"]
--- error_code eval
[200, 200, 404]
--- response_body eval
["a", "", "b"]

=== passes: malformed bytes in packets
--- config
    location / { return 200 "x"; }
--- raw_request eval
["GET / HT", "TP/1.1\r\nHost: a b\r\n\r\n"]
--- error_code: 400

=== passes: an early answer to a large body
--- config
    location / { client_max_body_size 1k; }
--- request eval
"POST /\n" . ("x" x 3_000_000)
--- error_code: 413
--- error_log
client intended to send too large body

=== passes: no answer at all
--- config
    location / { return 444; }
--- request
GET /
--- error_code:

=== passes: an upstream that echoes
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
echo
chunked
header X-U: v
--- request eval
"POST /q?x\r\n3\r\nabc\r\n0\r\n\r\n"
--- more_headers
Transfer-Encoding: chunked
--- response_headers
X-U: v
--- response_body chomp
abc
--- upstream_requests: 1
--- upstream_line
POST /q?x
--- upstream_body
abc
--- upstream_headers_like
Host: 127\.0\.0\.1:\d+
!Transfer-Encoding

=== passes: an upstream that dies in the middle
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; proxy_buffering off; }
--- upstream
body_size 1000
abort 10
--- request
GET /
--- truncated
--- error_log
[error]

=== passes: a client that leaves
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
hang
--- request
GET /
--- timeout: 0.2
--- abort
--- ignore_response
--- upstream_requests: 1

=== passes: 100 Continue
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
echo
--- request
POST /
abc
--- more_headers
Expect: 100-continue
--- interim: 100
--- response_body chomp
abc

=== passes: TLS
--- tls
--- config
    location / { return 200 "$scheme"; }
--- request
GET /
--- response_body chomp
https

=== passes: HTTP/2 in the clear
--- http2
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; add_header X-P $server_protocol; }
--- upstream
echo
--- request
POST /
abc
--- response_headers
X-P: HTTP/2.0
--- response_body chomp
abc
--- upstream_headers
!Accept
!Content-Type

=== passes: HTTP/2 over TLS
--- http2
--- tls
--- config
    location / { return 200 "$scheme $server_protocol"; }
--- request
GET /
--- response_body chomp
https HTTP/2.0

=== passes: a fake TCP server
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_RAND_PORT_1; proxy_set_header Host a; }
--- tcp_listen: $TEST_NGINX_RAND_PORT_1
--- tcp_reply eval
"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"
--- tcp_query eval
"GET / HTTP/1.0\r\nHost: a\r\nConnection: close\r\n\r\n"
--- request
GET /
--- response_body chomp
hi

=== passes: a reload between two rounds
--- workers: 2
--- reload
--- config
    location / { return 200 "ok\n"; }
--- request
GET /
--- response_body
ok

=== passes: events
--- http_config
    log_format ev escape=json '{"a":"$request_method","b":[1,{"c":"x"}],"d":$status}';
--- config
    location / { access_log $TEST_NGINX_EVENT_LOG ev; return 200 "ok\n"; }
--- request eval
["GET /", "POST /"]
--- event_log
{"a":"GET","b":[1,{}],"e":null}
{"a":"re:P.*T","d":200}
--- no_event_log
PATCH

=== passes: must_die
--- config
    bogus on;
--- must_die
--- error_log
unknown directive "bogus"

=== passes: the line of nginx -t
--- http_config
    # a comment
--- config
    # another
    bogus on;
--- config_error
unknown directive "bogus" in config:2

=== passes: a place in an included file
--- user_files
>>> bad.conf
# one
bogus;
--- http_config
    include $TEST_NGINX_HTML_DIR/bad.conf;
--- config_error
unknown directive "bogus" in bad.conf:2

=== passes: grep_error_log
--- config
    location / { root $TEST_NGINX_HTML_DIR; }
--- request
GET /nn
--- error_code: 404
--- grep_error_log eval: qr/open\(\) ".*?" failed/
--- grep_error_log_out eval
qr{\Aopen\(\) ".*/nn" failed\n\z}

=== passes: user files
--- user_files
>>> a/b.txt
port $TEST_NGINX_SERVER_PORT
--- config
    location / { root $TEST_NGINX_HTML_DIR; }
--- request
GET /a/b.txt
--- response_body
port $TEST_NGINX_SERVER_PORT

=== passes: an allowed alert
--- main_config
    worker_rlimit_nofile 64;
--- config
    location / { return 200; }
--- init
$server::log = "$ENV{TEST_NGINX_SERVER_ROOT}/logs/error.log";
open my $out, '>>', $server::log; print $out "2000/01/01 00:00:00 [alert] 1#1: made up\n"; close $out;
--- request
GET /
--- allow_log: alert

=== fails: the status -> status code ok
--- config
    location / { return 200; }
--- request
GET /
--- error_code: 201

=== fails: the second status -> status code ok
--- config
    location / { return 200; }
--- request eval
["GET /", "GET /"]
--- error_code eval
[200, 404]

=== fails: the status that is not named -> status code ok
--- config
    location / { return 404; }
--- request
GET /

=== fails: a pipelined response -> status code ok
--- config
    location / { return 200; }
--- pipelined_requests eval
["GET /", "GET /"]
--- error_code eval
[200, 500]

=== fails: the body -> response_body - response is expected
--- config
    location / { return 200 "a"; }
--- request
GET /
--- response_body
a

=== fails: a pattern for the body -> response_body_like - response is expected
--- config
    location / { return 200 "a"; }
--- request
GET /
--- response_body_like: ^b

=== fails: a pattern against the body -> response_body_unlike - response is expected
--- config
    location / { return 200 "a"; }
--- request
GET /
--- response_body_unlike: a

=== fails: a pattern against the body beside one for it -> response_body_unlike - response is expected
--- config
    location / { return 200 "a"; }
--- request
GET /
--- response_body_like: a
--- response_body_unlike: a

=== fails: a pattern for the fields beside the fields -> header X-A like ok
--- config
    location / { add_header X-A b; return 200; }
--- request
GET /
--- response_headers
X-A: b
--- response_headers_like
X-A: ^c

=== fails: a section that there is not -> unknown section "eror_log"
--- config
    location / { return 200; }
--- request
GET /
--- eror_log: a

=== fails: a field -> header X-A ok
--- config
    location / { add_header X-A b; return 200; }
--- request
GET /
--- response_headers
X-A: c

=== fails: a field that is twice there -> header X-A ok
--- config
    location / { add_header X-A b; add_header X-A b; return 200; }
--- request
GET /
--- response_headers
X-A: b

=== fails: a field that must be absent -> header X-A not present
--- config
    location / { add_header X-A b; return 200; }
--- request
GET /
--- response_headers
!X-A

=== fails: a pattern for a field -> header X-A like ok
--- config
    location / { add_header X-A bb; return 200; }
--- request
GET /
--- response_headers_like
X-A: b

=== fails: the raw head -> raw resp headers like
--- config
    location / { return 200; }
--- request
GET /
--- raw_response_headers_like: X-None

=== fails: not in the raw head -> raw resp headers unlike
--- config
    location / { return 200; }
--- request
GET /
--- raw_response_headers_unlike: Server

=== fails: a line that is not logged -> pattern "never said" matches
--- config
    location / { return 200; }
--- request
GET /
--- error_log
never said

=== fails: a line that is logged -> pattern "open()" does not match
--- config
    location / { root $TEST_NGINX_HTML_DIR; }
--- request
GET /none
--- error_code: 404
--- no_error_log
open()

=== fails: a grep -> grep_error_log_out
--- config
    location / { root $TEST_NGINX_HTML_DIR; }
--- request
GET /none
--- error_code: 404
--- grep_error_log: open()
--- grep_error_log_out

=== fails: the access log -> pattern " 500 " matches
--- config
    location / { return 200; }
--- request
GET /
--- access_log eval
[" 500 "]

=== fails: an alert -> error.log has
--- config
    location / { return 200; }
--- init
open my $out, '>>', "$ENV{TEST_NGINX_SERVER_ROOT}/logs/error.log"; print $out "2000/01/01 00:00:00 [alert] 1#1: made up\n"; close $out;
--- request
GET /

=== fails: a sanitizer report -> sanitizer or valgrind report
--- config
    location / { return 200; }
--- init
open my $out, '>>', "$ENV{TEST_NGINX_SERVER_ROOT}/logs/sanitizer.1"; print $out "ERROR: AddressSanitizer: made up\n"; close $out;
--- request
GET /

=== fails: nginx that should die -> die as expected
--- config
    location / { return 200; }
--- must_die

=== fails: a warning where none is expected -> config_warning - lines of nginx -t
--- config
types { text/html html; text/plain html; }
--- config_warning

=== fails: another line of nginx -t -> config_error - lines of nginx -t
--- config
    bogus on;
--- config_error
unknown directive "bogus" in config:2

=== fails: nothing must reach the upstream -> upstream_requests
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
--- request
GET /
--- upstream_requests: 0

=== fails: what reaches the upstream -> upstream_body
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
--- request
POST /
a
--- upstream_body
b

=== fails: a response that is cut short -> the response is complete
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; proxy_buffering off; }
--- upstream
body_size 1000
abort 10
--- request
GET /

=== fails: too many events -> event_log - number of events
--- http_config
    log_format ev escape=json '{"a":"$request_method"}';
--- config
    location / { access_log $TEST_NGINX_EVENT_LOG ev; return 200 "ok\n"; }
--- request eval
["GET /", "GET /"]
--- event_log
{"a":"GET"}

=== fails: another event -> event_log - event 1
--- http_config
    log_format ev escape=json '{"a":"$request_method"}';
--- config
    location / { access_log $TEST_NGINX_EVENT_LOG ev; return 200 "ok\n"; }
--- request
GET /
--- event_log
{"a":"POST"}

=== fails: an event that is no JSON -> event_log - event 1
--- http_config
    log_format ev '{"a":"$request_method"';
--- config
    location / { access_log $TEST_NGINX_EVENT_LOG ev; return 200 "ok\n"; }
--- request
GET /
--- event_log
{"a":"GET"}

=== fails: an event where none may be -> no events
--- config
    location / { access_log $TEST_NGINX_EVENT_LOG; return 200 "ok\n"; }
--- request
GET /
--- no_event_log

=== fails: a server that is silent -> client socket timed out
--- config
    location / { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- upstream
hang
--- request
GET /
--- timeout: 0.2
--- error_code:

=== fails: an interim response that does not come -> interim responses
--- config
    location / { return 200; }
--- request
GET /
--- interim: 100

=== fails: a configuration that is refused -> nginx ended
--- config
    bogus;
--- request
GET /
