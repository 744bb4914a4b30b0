package Test::Nginx::Guard::Fixtures;

# What a block wants around nginx: files, an application, a server for TCP, a Redis; and what they have seen.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard::Checks qw(expand check_fields);
use Test::Nginx::Guard::FakeRedis;
use Test::Nginx::Guard::Redis;
use Test::Nginx::Guard::Section qw(seconds line_of);
use Test::Nginx::Guard::TcpReply;
use Test::Nginx::Guard::Upstream;

our @EXPORT_OK = qw(write_user_files start_upstream check_upstream start_tcp start_redis check_redis_calls);

# --- user_files
sub write_user_files {
    my ($server, $block) = @_;
    my $files = $block->user_files // return;
    if (!ref $files) {
        my @parsed;
        for my $line (split /^/, $files) {
            if ($line =~ /^>>> (\S+)(?:\s+(\S+))?/) { push @parsed, [$1, '', $2] }
            elsif (@parsed)                         { $parsed[-1][1] .= $line }
        }
        $files = \@parsed;
    }
    for my $file (@$files) {
        my ($path, $content, $date) = @$file;
        $path = $server->html . "/$path" unless $path =~ m{^/};
        $server->write_file($path, expand($content // '', $block->name));
        if ($date) {
            local $ENV{TZ} = 'GMT';
            system('touch', '-t', $date, $path) == 0 or die "touch -t $date failed\n";
        }
    }
    return;
}

# --- upstream
sub start_upstream {
    my ($server, $block, $fixture) = @_;
    my $what = $block->upstream;
    $what = eval "sub { $what }" // die $@ if !ref $what && $what =~ /^\s*my\s*\(/;    ## no critic
    $fixture->{upstream} = Test::Nginx::Guard::Upstream->new(
        port   => $ENV{TEST_NGINX_UPSTREAM_PORT},
        record => $server->log_file('upstream.jsonl'),
        what   => ref $what ? $what : expand($what, $block->name)
    );
    return;
}

# --- upstream_requests and its like.
sub check_upstream {
    my ($block, $upstream) = @_;
    my $name     = $block->name;
    my $requests = $upstream->requests;
    if (defined $block->upstream_requests) {
        Test::More::is(scalar @$requests, line_of($block->upstream_requests), "$name - upstream_requests")
            or Test::More::diag(map { "$_->{method} $_->{target}\n" } @$requests);
    }
    if (defined $block->upstream_body) {
        my $expected = $block->upstream_body;
        my @expected = ref $expected eq 'ARRAY' ? @$expected : $expected;
        Test::More::is(scalar @$requests, scalar @expected, "$name - upstream_body - number of requests") if ref $expected eq 'ARRAY';
        for my $i (0 .. $#expected) {
            my $title = "$name - upstream_body (req $i)";
            my $want  = ref $expected eq 'ARRAY' ? $expected[$i] : expand($expected[$i], $name);
            if (ref $want eq 'Regexp') { Test::More::like($requests->[$i]{body}, $want, $title); next }
            # A body in a block ends with a line end that a request's body has not.
            my $got = $requests->[$i] && $requests->[$i]{body};
            $got .= "\n" if defined $got && !ref $expected && $want =~ /\n\z/ && $got !~ /\n\z/;
            Test::More::is($got, $want, $title);
        }
    }
    for my $section (grep { defined $block->$_ } qw(upstream_headers upstream_headers_like)) {
        my $expected = $block->$section;
        my @expected = ref $expected eq 'ARRAY' ? @$expected : $expected;
        for my $i (0 .. $#expected) {
            check_fields("$name - upstream", $requests->[$i], $expected[$i], $section =~ /like/);
        }
    }
    if (defined $block->upstream_line) {
        my $expected = $block->upstream_line;
        my @expected = ref $expected eq 'ARRAY' ? @$expected : split /\n/, $expected;
        Test::More::is(join("\n", map { "$_->{method} $_->{target}" } @$requests), join("\n", @expected), "$name - upstream_line");
    }
    return;
}

# --- tcp_listen
sub start_tcp {
    my ($server, $block, $fixture) = @_;
    my $length = line_of($block->tcp_query_len);
    $fixture->{tcp} = Test::Nginx::Guard::TcpReply->new(
        target       => expand($block->tcp_listen, $block->name),
        reply        => scalar $block->tcp_reply,
        query_length => $length // (defined $block->tcp_query ? length $block->tcp_query : undef),
        delay        => seconds($block->tcp_reply_delay),
        no_close     => defined $block->tcp_no_close,
        shutdown     => line_of($block->tcp_shutdown),
        record       => $server->log_file('tcp_query')
    );
    return;
}

# --- redis: "down", or one word a line: password TEXT, tls, tls mutual, maxmemory SIZE, acl LINE, config LINE;
# "fake BEHAVIOUR" puts a FakeRedis in front.
# PLACE: where the blocks expect it.
sub start_redis {
    my ($block, $fixture, %place) = @_;
    my (%word, $fake);
    for my $line (grep { /\S/ } split /\n/, expand($block->redis, $block->name)) {
        my ($name, $value) = split ' ', $line, 2;
        if    ($name eq 'down') { return }
        elsif ($name eq 'fake') { $fake = $value }
        elsif ($name =~ /^(?:password|tls|maxmemory)$/) { $word{$name} = $value // 1 }
        elsif ($name =~ /^(?:acl|config)$/) { push @{ $word{$name} }, $value }
        else                                { die "unknown word \"$name\" in --- redis\n" }
    }
    $fixture->{redis} = Test::Nginx::Guard::Redis->new(%word, defined $fake ? () : %place);
    $fixture->{fake_redis} = Test::Nginx::Guard::FakeRedis->new(behind => $fixture->{redis}, behave => $fake, %place)
        if defined $fake;
    return;
}

# Lines of "COMMAND COUNT": how often it was called, by others than the tests themselves.
sub check_redis_calls {
    my ($block, $redis) = @_;
    for my $line (grep { /\S/ } split /\n/, $block->redis_calls) {
        my ($command, $count) = split ' ', $line;
        Test::More::is($redis->calls($command), $count, $block->name . " - redis_calls - $command");
    }
    return;
}

1;
