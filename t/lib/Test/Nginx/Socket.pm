package Test::Nginx::Socket;

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::Base ();
use Test::More ();
use Test::Nginx::Guard::Certificate   qw(certificate);
use Test::Nginx::Guard::Checks        qw(expand);
use Test::Nginx::Guard::Configuration qw(hint_on check_config_lines check_death);
use Test::Nginx::Guard::Events        qw(check_events events_for);
use Test::Nginx::Guard::Exchange      qw(run_requests);
use Test::Nginx::Guard::Fixtures
    qw(write_user_files start_upstream check_upstream start_tcp start_redis check_redis_calls);
use Test::Nginx::Guard::Logs    qw(show_logs check_logs check_clean);
use Test::Nginx::Guard::Port    qw(free_port);
use Test::Nginx::Guard::Section qw(line_of run_code);
use Test::Nginx::Guard::Server;
use Test::Nginx::Guard::Skip qw(skip_reason);
use Test::Nginx::Guard::Wait qw(wait_for);

our $VERSION = '0.29';
our @ISA     = ('Test::Base');
our @EXPORT  = qw(
    run_tests run_test repeat_each plan workers worker_connections log_level timeout
    master_on master_off master_process_enabled no_shuffle no_long_string no_root_location
    use_hup no_nginx_manager env_to_nginx bail_out html_dir server_root server_port
    server_port_for_client server_name server_addr config_preamble add_block_preprocessor
    add_cleanup_handler add_response_body_check check_accum_error_log is_str
);

my %setting = (
    repeat      => 1,
    workers     => 1,
    master      => ($ENV{TEST_NGINX_MASTER_PROCESS} // 'on') eq 'on',
    connections => 256,
    log_level   => $ENV{TEST_NGINX_LOG_LEVEL} || 'info',
    timeout     => $ENV{TEST_NGINX_TIMEOUT} || undef,
    name        => 'localhost',
    preamble    => '',
    hup         => $ENV{TEST_NGINX_USE_HUP},
);
my (@env, @preprocessors, @cleanups, @body_checks);

# The paths and ports are fixed when the module is loaded: sections with the eval filter are read
# before the first server starts, and may use them.
my $server = Test::Nginx::Guard::Server->new(
    port => $ENV{TEST_NGINX_SERVER_PORT} || free_port(),
    $ENV{TEST_NGINX_SERVROOT} ? (root => $ENV{TEST_NGINX_SERVROOT}) : ()
);
our $ServerPort          = $server->port;
our $ServerPortForClient = $server->port;
{
    my ($crt, $key) = certificate();
    @ENV{
        qw(TEST_NGINX_SERVER_PORT TEST_NGINX_CLIENT_PORT TEST_NGINX_SERVER_ROOT TEST_NGINX_HTML_DIR
            TEST_NGINX_EVENT_LOG TEST_NGINX_TLS_PORT TEST_NGINX_UPSTREAM_PORT TEST_NGINX_CRT TEST_NGINX_KEY)
        }
        = (
        $server->port, $server->port, $server->root, $server->html, $server->log_file('events.log'),
        free_port(), free_port(), $crt, $key
        );
}

# Where --- redis will be. The socket is not in the server's root, which is emptied.
my %redis_place = (port => free_port(), socket => tempdir('guard-redis-XXXXXX', TMPDIR => 1, CLEANUP => 1) . '/redis.sock');
@ENV{qw(TEST_NGINX_REDIS_PORT TEST_NGINX_REDIS_SOCKET TEST_NGINX_REDIS_URL TEST_NGINX_REDIS_UNIX)} =
    (@redis_place{qw(port socket)}, "redis://127.0.0.1:$redis_place{port}", "unix:$redis_place{socket}");

sub plan { return Test::Base::plan(@_) }
sub repeat_each        { $setting{repeat}      = $_[0] if @_; return $setting{repeat} }
sub workers            { $setting{workers}     = $_[0] if @_; return $setting{workers} }
sub worker_connections { $setting{connections} = $_[0] if @_; return $setting{connections} }
sub log_level          { $setting{log_level}   = $_[0] if @_; return $setting{log_level} }
sub timeout            { $setting{timeout}     = $_[0] if @_; return $setting{timeout} }
sub server_name        { $setting{name}        = $_[0] if @_; return $setting{name} }
sub config_preamble    { $setting{preamble}    = $_[0]; return }
sub master_on          { $setting{master}      = 1; return }
sub master_off         { $setting{master}      = 0; return }
sub no_root_location   { $setting{no_root}     = 1; return }
sub use_hup            { $setting{hup}         = 1; return }
sub master_process_enabled { $setting{master} = $_[0] ? 1 : 0 if @_; return $setting{master} ? 'on' : 'off' }
sub env_to_nginx            { push @env, map { /\s/ ? "'$_'" : $_ } @_; return }
sub add_block_preprocessor  { push @preprocessors, $_[0]; return }
sub add_cleanup_handler     { push @cleanups, $_[0]; return }
sub add_response_body_check { push @body_checks, $_[0]; return }
sub html_dir               { return $server->html }
sub server_root            { return $server->root }
sub server_port            { return $server->port }
sub server_port_for_client { return $server->port }
sub server_addr            { return '127.0.0.1' }
# What is always so here.
sub no_shuffle            { return }
sub no_long_string        { return }
sub check_accum_error_log { return }
sub no_nginx_manager      { die "no_nginx_manager is not supported\n" }
sub bail_out              { $server->stop; Test::More::BAIL_OUT(join '', @_); return }

sub is_str {
    my ($got, $expected, $title) = @_;
    return ref $expected eq 'Regexp'
        ? Test::More::like($got, $expected, $title)
        : Test::More::is($got, $expected, $title);
}

sub run_tests {
    for my $block (Test::Base::blocks()) {
        run_test($block);
    }
    finish_server();
    $_->() for @cleanups;
    return;
}

# Stops the server; what it wrote in doing so belongs to the last block.
my $last_block;

sub finish_server {
    return unless $server->pid;
    my $signal  = $last_block && line_of($last_block->stop);
    my $problem = $server->stop($signal ? uc $signal : ());
    Test::More::fail(($last_block ? $last_block->name : 'end') . " - $problem")
        if $problem && !($last_block && defined $last_block->allow_exit);
    return;
}

sub run_test {
    my ($block) = @_;
    for my $preprocessor (@preprocessors) {
        my $changed = $preprocessor->($block);
        $block = $changed if ref $changed && $changed->can('name');
    }
    my $name    = $block->name;
    my $builder = Test::More->builder;
    if (my ($count, $reason) = skip_reason($block)) {
        $builder->skip("$name - $reason") for 1 .. $count;
        return;
    }
    my $failed_before = grep { !$_ } $builder->summary;
    my %fixture;
    my $done = eval {
        local $SIG{__DIE__} = 'DEFAULT';
        check_sections($block);
        run_block($block, \%fixture);
        1;
    };
    my $error = $@;
    Test::More::fail("$name - $error") unless $done;
    $fixture{upstream}->stop if $fixture{upstream};
    $fixture{tcp}->finish($name) if $fixture{tcp};
    if (!$done) {
        finish_server();
    }
    # After nginx, which would otherwise see it go.
    if ($fixture{redis}) {
        finish_server();
        $_->stop for grep { defined } @fixture{qw(fake_redis redis)};
    }
    show_logs($server) if (grep { !$_ } $builder->summary) > $failed_before;
    return;
}

# All that a block may have: a misspelt section would assert nothing.
my %known = map { $_ => 1 } qw(
    main_config http_config config post_main_config server_name user_files init request more_headers raw_request raw_request_middle_delay
    pipelined_requests error_code error_code_like response_headers response_headers_like raw_response_headers_like
    raw_response_headers_unlike response_body response_body_like response_body_unlike response_body_filters error_log no_error_log
    grep_error_log grep_error_log_out access_log no_access_log log_level must_die timeout abort shutdown ignore_response http09 wait
    http2 curl curl_options curl_error tcp_listen tcp_reply tcp_reply_delay tcp_query tcp_query_len tcp_no_close tcp_shutdown
    reload_fails skip_nginx skip_eval ONLY SKIP LAST
    config_error config_warning allow_log allow_exit tls workers master_process stop reload upstream upstream_requests upstream_line
    upstream_body upstream_headers upstream_headers_like redis redis_calls event_log event_log_like no_event_log interim truncated
    no_request
);

sub check_sections {
    my ($block) = @_;
    my ($unknown) = grep { !$known{$_} } @{ $block->{_section_order}[0] // [] };
    die qq(unknown section "$unknown"\n) if defined $unknown;
    return;
}

# The sections of the block as the words of Server's configure().
sub sections {
    my ($block) = @_;
    my $name = $block->name;
    my %word = map { $_ => expand($block->$_, $name) } qw(main_config http_config config post_main_config);
    my $tls = defined $block->tls || join("\n", map { $_ // '' } values %word) =~ /\Q$ENV{TEST_NGINX_CRT}\E/;
    certificate(make => 1) if $tls;
    $word{config} = join "\n", grep { length } $setting{preamble}, $word{config} // '' if length $setting{preamble};
    if (defined $block->tls) {
        $word{listen} = [
            "listen $ENV{TEST_NGINX_TLS_PORT} ssl" . (defined $block->http2 ? ' http2;' : ';'),
            "ssl_certificate $ENV{TEST_NGINX_CRT};",
            "ssl_certificate_key $ENV{TEST_NGINX_KEY};"
        ];
    }
    elsif (defined $block->http2) {
        $word{listen_words} = ' http2';
    }
    $word{server_name}      = line_of($block->server_name) // $setting{name};
    $word{no_root_location} = $setting{no_root};
    $word{as_written}       = defined $block->config_error;
    return %word;
}

sub run_block {
    my ($block, $fixture) = @_;
    my $name  = $block->name;
    my $dying = defined $block->must_die || defined $block->config_error;
    my $keep  = $server->pid && $setting{hup} && !$dying;
    if ($keep) {
        truncate $_, 0 for grep { -f } map { $server->log_file($_) } qw(error.log access.log events.log stderr.log);
    }
    else {
        finish_server();
        $server->reset_root;
    }
    $last_block = $block;
    @$server{qw(workers master connections log_level env)} = (
        line_of($block->workers) // $setting{workers},
        defined $block->master_process ? line_of($block->master_process) eq 'on' : $setting{master} || $setting{hup},
        $setting{connections}, line_of($block->log_level) // $setting{log_level}, \@env
    );
    write_user_files($server, $block);
    $server->configure(sections($block));
    run_code($block, 'post_setup_server_root');

    if (defined $block->config_error || defined $block->config_warning) {
        check_config_lines($server, $block);
    }
    return check_death($server, $block, $setting{repeat}) if $dying;

    start_upstream($server, $block, $fixture) if defined $block->upstream;
    start_redis($block, $fixture, %redis_place) if defined $block->redis;
    if ($keep) {
        my $problem = $server->hup;
        die "$problem\n" if $problem && !defined $block->reload_fails;
    }
    else {
        my $problem = $server->start;
        die $problem . hint_on($problem) . "\n" if $problem;
    }
    run_code($block, 'init');

    my $seen   = { error => 0, access => 0 };
    my %asking = (name => $setting{name}, timeout => $setting{timeout}, body_checks => \@body_checks);
    for my $repeat (0 .. $setting{repeat} - 1) {
        start_tcp($server, $block, $fixture) if defined $block->tcp_listen;
        if ($repeat && defined $block->reload) {
            my $problem = $server->hup;
            Test::More::fail("$name - reload: $problem") if $problem;
        }
        run_requests($server, $block, %asking, repeat => $repeat);
        if ($fixture->{tcp}) {
            (delete $fixture->{tcp})->finish($name, scalar $block->tcp_query, line_of($block->tcp_query_len));
        }
        # The last look at the logs is after the stop: by then, all has been written.
        my $last = $repeat == $setting{repeat} - 1;
        if ($last && defined $block->reload && $setting{repeat} == 1) {
            my $problem = $server->hup;
            Test::More::fail("$name - reload: $problem") if $problem;
            run_requests($server, $block, %asking, repeat => $repeat);
        }
        finish_server() if $last && !$setting{hup};
        check_logs($server, $block, $repeat, $seen);
    }
    $fixture->{upstream}->stop if $fixture->{upstream};
    check_upstream($block, $fixture->{upstream}) if $fixture->{upstream};
    check_redis_calls($block, $fixture->{redis}) if defined $block->redis_calls;
    my $rounds = $setting{repeat} == 1 && defined $block->reload ? 2 : $setting{repeat};
    if ($setting{hup} && defined $block->event_log) {
        my @expected = ref $block->event_log ? @{ $block->event_log } : grep { /\S/ } split /\n/, $block->event_log;
        wait_for(sub { @{ (events_for($block, $ENV{TEST_NGINX_EVENT_LOG}))[1] } >= @expected * $rounds }, 3);
    }
    check_events($block, $ENV{TEST_NGINX_EVENT_LOG}, $rounds);
    check_clean($server, $block);
    return;
}

1;

__END__

=head1 NAME

Test::Nginx::Socket - nginx under test, described in blocks

=head1 SYNOPSIS

    use Test::Nginx::Socket 'no_plan';
    repeat_each(2);
    no_root_location();
    run_tests();

    __DATA__

    === TEST 1: what it shows
    --- config
        location / { return 200 "hello\n"; }
    --- request
    GET /
    --- response_body
    hello
    --- no_error_log
    [error]

=head1 DESCRIPTION

The block format of the published Test::Nginx::Socket on Debian's libtest-base-perl, so that a test file runs under
either. Each block gets a fresh nginx with a master and one worker, a port and a root directory of its own; all waits are for
conditions. Besides what a block asserts, its error log must have no [alert], [crit] or [emerg], no sanitizer or
valgrind may report anything, nginx must end in good order, and a response must be complete and nothing may follow it. That is
not counted as a test unless it fails.

As there, every block's server has a C<location /> for its html directory, unless the file calls C<no_root_location()>, and
C<client_max_body_size 30m>: say yours in a location.

=head1 SECTIONS AS PUBLISHED

main_config, http_config, config, post_main_config, server_name, user_files, init, request (text, or by eval a list of
requests, each text or a list of packets C<{value, delay_before, delay_after}>), more_headers, raw_request, pipelined_requests,
error_code, error_code_like, response_headers, response_headers_like, raw_response_headers_like,
raw_response_headers_unlike, response_body, response_body_like, response_body_unlike, response_body_filters, error_log,
no_error_log, grep_error_log, grep_error_log_out, access_log, no_access_log, log_level, must_die, timeout, abort, shutdown,
ignore_response, http09, wait, http2, curl, curl_options, curl_error, tcp_listen, tcp_reply, tcp_reply_delay, tcp_query,
tcp_query_len, tcp_no_close, tcp_shutdown, reload_fails, skip_nginx, skip_eval; ONLY, SKIP, LAST and the filters of
L<Test::Base>. An empty C<error_code> says that the connection ends without a response.

C<$TEST_NGINX_NAME> is replaced in configurations, files and expectations: SERVER_PORT, SERVER_ROOT, HTML_DIR, RAND_PORT_1 and
so on, here also TLS_PORT, UPSTREAM_PORT, EVENT_LOG, CRT and KEY (the certificate for localhost), REDIS_URL, REDIS_UNIX (the same
by its Unix socket, unix:PATH), REDIS_PORT, REDIS_SOCKET. They are in the environment before the eval filter runs; a test file may
set more of them before run_tests().

=head1 SECTIONS OF OUR OWN

=over

=item config_error, config_warning

The [emerg] line (or [warn] lines) of C<nginx -t>, exactly; a line may begin with another level in brackets. Places are
written as "in config:3": the line in that section of the block, from its first line that is not empty; files
under html and conf by their names there. C</PATTERN/> is a pattern. config_error also demands exit status 1, and nothing is
started.

=item allow_log: alert crit emerg

Levels that the error log may have. A line that C<error_log> expects is allowed as well.

=item allow_exit

nginx may end with any status.

=item tls

The server also listens on $TEST_NGINX_TLS_PORT with a self-made certificate and the request goes there. With C<http2>
as well, HTTP/2 over TLS. C<tls: listen> leaves the request in the clear.

=item workers: 2, master_process: off, stop: term

=item reload

A reload between the repeats, awaited; with one repeat, the requests are made once more after it.

=item upstream

A fake application on 127.0.0.1:$TEST_NGINX_UPSTREAM_PORT. Its words are those of
L<Test::Nginx::Guard::Upstream>: status, header, body, body_size, echo, chunked, delay, abort, hang, close, http10; by eval
also code, or a list with an entry for each request.

=item upstream_requests, upstream_line, upstream_body, upstream_headers, upstream_headers_like

How many requests reached it; their "METHOD target" lines; body and header fields of the first, or by eval a list for all.

=item redis

A real redis-server of the block's own at $TEST_NGINX_REDIS_URL and $TEST_NGINX_REDIS_UNIX. Lines: C<password TEXT>, C<tls>,
C<tls mutual>, C<maxmemory SIZE>, C<acl LINE>, C<config LINE>; C<fake BEHAVIOUR> puts a L<Test::Nginx::Guard::FakeRedis> in front;
C<down>: nothing is there.

=item redis_calls

Lines "COMMAND COUNT": how often Redis carried it out.

=item event_log, event_log_like, no_event_log

The lines of the file $TEST_NGINX_EVENT_LOG: each expected line is a JSON object which the event at that place must
contain ("re:PATTERN" in a string is a pattern, null stands for null or absent), the number is exact; or a pattern for each; or no
event at all, or none with these texts. C<config_loaded>, which every start says, does not count unless the block speaks of it. Looked
at after nginx has stopped, when all has been written.

=item interim: 100

The 1xx responses before the response; "none" for none.

=item truncated

The response is cut short.

=item no_request

Starting is enough.

=back

=head1 ENVIRONMENT

TEST_NGINX_BINARY (/usr/sbin/nginx), TEST_NGINX_LOAD_MODULES (else the module in GUARD_BUILD or build/, the one with the test-only
checks first, and the second file where a section has a directive of it; empty for none), TEST_NGINX_USE_HUP (one nginx for all blocks, reloaded), TEST_NGINX_USE_VALGRIND (1, or
valgrind's options; the harness's limits and those of guard_redis are then stretched, see L<Test::Nginx::Guard::Pace>), TEST_NGINX_LOG_LEVEL (info), TEST_NGINX_TIMEOUT, TEST_NGINX_SERVER_PORT, TEST_NGINX_SERVROOT,
TEST_NGINX_NO_CLEAN (keep the root directory), TEST_NGINX_MASTER_PROCESS.

=head1 SEE ALSO

L<Test::Nginx::Guard> for test files that are programs.

=cut
