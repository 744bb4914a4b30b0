package Test::Nginx::Guard;

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use Test::Nginx::Guard::Authority   qw(authority);
use Test::Nginx::Guard::Certificate qw(certificate);
use Test::Nginx::Guard::Checks      qw(clean_log_problems);
use Test::Nginx::Guard::Client      qw(connect_to exchange header_of);
use Test::Nginx::Guard::Cluster;
use Test::Nginx::Guard::Events qw(read_events subset_problem);
use Test::Nginx::Guard::FakeRedis;
use Test::Nginx::Guard::Load;
use Test::Nginx::Guard::Port        qw(free_port);
use Test::Nginx::Guard::Process     qw(spawn end_process is_alive children_of);
use Test::Nginx::Guard::Redis;
use Test::Nginx::Guard::Sentinel;
use Test::Nginx::Guard::Server;
use Test::Nginx::Guard::Upstream;
use Test::Nginx::Guard::Wait qw(wait_for scaled);

our @EXPORT = qw(
    start_nginx make_nginx start_upstream request request_raw header_of wait_for scaled free_port
    certificate read_events subset_problem spawn end_process is_alive children_of log_problems
    authority start_redis start_fake_redis start_sentinel start_cluster start_fleet start_load hammer
);

my @server_words = qw(workers master log_level connections env port root name daemon);

# An nginx that is configured but not started. Words: those of a block (main_config, http_config,
# config, post_main_config, listen) and of Server.
sub make_nginx {
    my (%word) = @_;
    my %own = map { exists $word{$_} ? ($_ => delete $word{$_}) : () } @server_words;
    my $server = Test::Nginx::Guard::Server->new(%own);
    my %known = (
        TEST_NGINX_SERVER_PORT => $server->port,
        TEST_NGINX_SERVER_ROOT => $server->root,
        TEST_NGINX_HTML_DIR    => $server->html,
        TEST_NGINX_EVENT_LOG   => $server->log_file('events.log')
    );
    for my $section (grep { defined $word{$_} && !ref $word{$_} } keys %word) {
        $word{$section} =~ s/\$(TEST_NGINX_\w+)/$known{$1} \/\/ $ENV{$1} \/\/ die "\$$1 is not set\n"/ge;
    }
    certificate(make => 1);
    $word{no_root_location} //= ($word{config} // '') =~ m{\blocation\s+/\s*\{};
    $server->configure(%word);
    return $server;
}

# The same, started; dies with nginx's own words if it does not start.
sub start_nginx {
    my $server  = make_nginx(@_);
    my $problem = $server->start;
    die "$problem\n" if $problem;
    return $server;
}

# COUNT of them, alike but for their ports and directories.
sub start_fleet {
    my ($count, @words) = @_;
    return map { start_nginx(@words) } 1 .. $count;
}

# See the modules of these names for words and methods.
sub start_redis      { return Test::Nginx::Guard::Redis->new(@_) }
sub start_fake_redis { return Test::Nginx::Guard::FakeRedis->new(@_) }
sub start_sentinel   { return Test::Nginx::Guard::Sentinel->new(@_) }
sub start_cluster    { return Test::Nginx::Guard::Cluster->new(@_) }

# Clients that get TARGET (text, or code that is called with the numbers of client and request) from one of
# SERVERS after the other, each over a connection of its own; words: those of Load. finish() ends them.
sub start_load {
    my ($servers, $target, %word) = @_;
    my @ports = map { $_->port } ref $servers eq 'ARRAY' ? @$servers : $servers;
    return Test::Nginx::Guard::Load->new(
        request => sub {
            my ($client, $i) = @_;
            return request($ports[($client + $i) % @ports], GET => ref $target ? $target->($client, $i) : $target);
        },
        %word
    );
}

# The same, to its end: what finish() returns. The word count is needed.
sub hammer {
    my ($servers, $target, %word) = @_;
    die "hammer() without a count\n" unless $word{count};
    return start_load($servers, $target, %word)->finish;
}

# WHAT is as in --- upstream; words: port, record.
sub start_upstream {
    my ($what, %word) = @_;
    return Test::Nginx::Guard::Upstream->new(
        what   => $what,
        port   => $word{port}   // free_port(),
        record => $word{record} // scalar File::Temp::tmpnam()
    );
}

# Sends PACKETS (bytes, or a list of packets) to PORT and returns what exchange() of Client returns.
# Words: those of connect_to() and exchange(); expect is 1 unless given.
sub request_raw {
    my ($port, $packets, %word) = @_;
    $packets = [$packets] unless ref $packets eq 'ARRAY';
    my $bytes = join '', map { ref $_ ? $_->{value} : $_ } @$packets;
    my @methods = $bytes =~ m{^([A-Z]+) \S+ HTTP/1\.\d\r?$}mg;
    my $connection = $word{connection} // connect_to(%word, port => $port);
    return exchange($connection, $packets, expect => 1, methods => @methods ? \@methods : ['GET'], %word);
}

# One request; returns the response, undef if none came. Words: headers (a list of "Name: value"),
# body, and those of request_raw().
sub request {
    my ($port, $method, $target, %word) = @_;
    my @headers = @{ delete $word{headers} // [] };
    my $body = delete $word{body} // '';
    unshift @headers, 'Host: localhost' unless grep { /^Host:/i } @headers;
    push @headers, 'Connection: close' unless grep { /^Connection:/i } @headers;
    push @headers, 'Content-Length: ' . length $body
        if length $body && !grep { /^(?:Content-Length|Transfer-Encoding):/i } @headers;
    my $head = join '', map { "$_\r\n" } "$method $target HTTP/1.1", @headers;
    my $result = request_raw($port, "$head\r\n$body", methods => [$method], %word);
    return $result->{responses}[0];
}

# What SERVER has logged that no test may cause: lines of [alert], [crit] and [emerg], and reports of
# sanitizers and valgrind. ALLOWED: levels that are fine.
sub log_problems {
    my ($server, @allowed) = @_;
    my $allowed = @allowed ? '(?:' . join('|', @allowed) . ')' : '(?!)';
    my @problems = grep { /\[(?:alert|crit|emerg)\]/ && !/\[$allowed\]/ } split /^/, $server->log_text;
    my $reports = $server->tool_reports;
    return (@problems, length $reports ? $reports : ());
}

1;

__END__

=head1 NAME

Test::Nginx::Guard - nginx under test for .t files that are programs

=head1 SYNOPSIS

    use Test::More;
    use Test::Nginx::Guard;

    my $upstream = start_upstream("status 200\nbody hello");
    my $nginx = start_nginx(
        http_config => 'guard_rate_policy p rate=1/minute key=$remote_addr;',
        config      => "location / { proxy_pass http://127.0.0.1:" . $upstream->port . "; }",
    );
    my $response = request($nginx->port, GET => '/', headers => ['X-A: b']);
    is $response->{code}, 200;
    is header_of($response->{fields}, 'Content-Type'), 'text/plain';

    my $result = request_raw($nginx->port, ["POST / HTTP/1.1\r\n", { value => "Host: x\r\n\r\n", delay_before => 0.1 }]);
    is $nginx->hup, undef, 'reloads';
    is $nginx->stop, undef, 'stops';
    is_deeply [log_problems($nginx)], [];

=head1 FUNCTIONS

=over

=item start_nginx(WORDS), make_nginx(WORDS)

An object with C<port>, C<root>, C<html>, C<log_file(NAME)>, C<log_text(NAME)>, C<pid>, C<worker_pids>, and
C<start>, C<hup>, C<usr1>, C<usr2>, C<stop(SIGNAL)>, each of which waits until it is done and returns undef or what went
wrong; C<test_config> runs C<nginx -t> and returns (wait status, output), C<in_sections(TEXT)> turns "nginx.conf:47" into
"config:3", C<configure(WORDS)> writes another configuration for C<hup>. C<usr2> needs C<< daemon => 1 >>.

=item request(PORT, METHOD, TARGET, WORDS), request_raw(PORT, PACKETS, WORDS)

A response is {code, line, fields, raw_head, body, interim, close, complete}; request_raw() returns
{raw, responses, rest, eof, reset, timed_out, unsent}. Words: timeout, expect (number of responses; 0: until
the end), methods, half_close, await_close, tls, hold (gives back {connection}, which can be handed to the next request_raw).

=item start_upstream(WHAT, WORDS)

See C<--- upstream> in L<Test::Nginx::Socket>; has C<port>, C<requests>, C<stop>.

=item start_redis(WORDS), start_fake_redis(WORDS), start_sentinel(WORDS), start_cluster(WORDS)

Real servers, a group with sentinels, a cluster of three masters, and one in front of a real one (or alone)
that spoils the replies. See L<Test::Nginx::Guard::Redis>, L<Test::Nginx::Guard::FakeRedis>,
L<Test::Nginx::Guard::Sentinel>, L<Test::Nginx::Guard::Cluster>. All have C<url>:

    my $redis = start_redis(password => 'secret', env => 'REDIS');    # $TEST_NGINX_REDIS_URL in blocks
    $redis->run('SET', 'key', 'value');
    $redis->suspend; $redis->resume; $redis->kill; $redis->start;
    my $fake = start_fake_redis(behind => $redis);
    $fake->behave('delay 0.05');

=item start_fleet(COUNT, WORDS)

Several nginx that differ by port and directory only.

=item hammer(SERVERS, TARGET, WORDS), start_load(SERVERS, TARGET, WORDS)

Concurrent clients; see L<Test::Nginx::Guard::Load>.

=item authority()

Files for TLS: {ca, cert, key, client_cert, client_key, other_ca}.

=item wait_for(CONDITION, SECONDS)

The value of CONDITION once it is true, undef if it does not become so.

=item certificate()

(certificate file, key file) for localhost.

=item read_events(FILE), subset_problem(EXPECTED, GOT)

See L<Test::Nginx::Guard::Events>.

=back

=cut
