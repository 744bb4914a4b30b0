package Test::Nginx::Guard::Exchange;

# The requests of a block, and what is answered.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard::Checks  qw(check_response nth_of);
use Test::Nginx::Guard::Client  qw(connect_to exchange);
use Test::Nginx::Guard::Curl    qw(curl_command curl_request);
use Test::Nginx::Guard::Request qw(requests_of);
use Test::Nginx::Guard::Section qw(seconds line_of);

our @EXPORT_OK = qw(run_requests);

# Words: name (of the server), timeout (seconds), body_checks (code for each body), repeat.
sub run_requests {
    my ($server, $block, %word) = @_;
    my $name     = $block->name;
    my @requests = requests_of($block, $word{name});
    my $limit    = seconds($block->timeout) // $word{timeout};
    my $tls      = defined $block->tls && (line_of($block->tls) // '') ne 'listen';
    my $port     = $tls ? $ENV{TEST_NGINX_TLS_PORT} : $server->port;
    my $i        = 0;
    if (!@requests) {
        die "there is no request\n" unless defined $block->no_request || defined $block->config_warning || defined $block->init;
        return;
    }
    if (defined $block->curl) {
        Test::More::diag(join ' ', map { /[^\w\@%+=:,.\/-]/ ? "'" . s/'/'\\''/gr . "'" : $_ }
                curl_command($requests[0], '-', port => $port, tls => $tls, http2 => defined $block->http2));
    }
    for my $request (@requests) {
        my $result;
        if (defined $block->http2) {
            my $options = $block->curl_options;
            $result = curl_request(
                $request,
                port    => $port,
                tls     => $tls,
                http2   => 1,
                timeout => $limit,
                options => [ref $options ? @$options : split ' ', $options // '']
            );
            if (defined $block->curl_error) {
                my $pattern = line_of(nth_of($block->curl_error, $i));
                Test::More::like($result->{error}, qr/$pattern/, "$name - curl_error");
            }
        }
        else {
            my $connection = connect_to(port => $port, tls => $tls, timeout => $limit);
            my $stop_at    = $request->{expect};
            $stop_at = 0 if defined $block->ignore_response && !defined $block->abort;
            $result = exchange(
                $connection, $request->{packets},
                timeout     => $limit,
                methods     => $request->{methods},
                expect      => $stop_at,
                await_close => $request->{close} || !$request->{parts},
                half_close  => defined $block->shutdown
            );
            if ($result->{timed_out} && !defined $block->abort) {
                Test::More::fail("$name - client socket timed out (req $i)");
            }
        }
        if (!defined $block->ignore_response) {
            for my $n (0 .. $request->{expect} - 1) {
                my $response = $result->{responses}[$n];
                if (defined $block->http09) {
                    $response = { code => 200, line => '', fields => [], raw_head => '', body => $result->{raw},
                        interim => [], complete => 1 };
                }
                check_response($block, $response, $i + $n);
                $_->($block, $response ? $response->{body} : undef, $i + $n, $word{repeat}) for @{ $word{body_checks} };
            }
            my $extra = @{ $result->{responses} } - $request->{expect};
            if (!defined $block->http09 && ($extra > 0 || length $result->{rest} && $request->{expect} <= @{ $result->{responses} })) {
                my $what = $extra > 0 ? "$extra more responses than expected" : "bytes behind the last response: $result->{rest}";
                Test::More::fail("$name - $what");
            }
        }
        if (defined $block->wait && line_of($block->wait)) {
            select undef, undef, undef, seconds($block->wait);
        }
        $i += $request->{expect} || 1;
    }
    return;
}

1;
