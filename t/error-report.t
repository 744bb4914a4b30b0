# guard_error_report: what fails arrives at a server that speaks Sentry's protocol over TLS, once for what is the same, without anything
# of the client; and what becomes of it when that server wants less, refuses, is away or is somebody else.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Test::Nginx::Guard;
use Test::Nginx::Guard::Authority qw(authority);
use Test::Nginx::Guard::Metrics   qw(scrape parse_metrics);
use Test::Nginx::Guard::Wait      qw(patient);

my $files = authority();
my $dir = tempdir(CLEANUP => 1);

# What Sentry answers, as a file says it.
sub set_answer { my ($text) = @_; open my $out, '>', "$dir/new" or die $!; print {$out} $text; close $out; rename "$dir/new", "$dir/answer" or die $!; return }
set_answer("200 OK\r\n");
my $receiver = start_upstream(sub {
    open my $in, '<', "$dir/answer" or die $!;
    local $/;
    my $head = <$in>;
    return "HTTP/1.1 ${head}Connection: close\r\nContent-Length: 2\r\n\r\n{}";
});
my $sentry = start_nginx(
    listen_words => " ssl; ssl_certificate $files->{cert}; ssl_certificate_key $files->{key}; access_log off",
    config       => 'location / { proxy_pass http://127.0.0.1:' . $receiver->port . '; }',
);
my $app = start_upstream(sub {
    my ($request) = @_;
    my ($status) = $request->{target} =~ m{/(\d+)};
    return "HTTP/1.1 $status Status\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n";
});
my $dead = free_port();
my $key  = '0123456789abcdef0123456789abcdef';
local $ENV{GUARD_TEST_SECRET} = "https://$key\@localhost:" . $sentry->port . '/deep/42';

sub reporting {
    my ($words, $metrics) = @_;
    $metrics //= 'location = /metrics { guard_metrics; }';
    return start_nginx(
        workers     => 1,
        env         => ['GUARD_TEST_SECRET'],
        http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_drain $dir;\nguard_error_report env:GUARD_TEST_SECRET $words;\n",
        config      => "$metrics\nlocation = /ready { guard_health ready; }\nlocation /dead/ { proxy_pass http://127.0.0.1:$dead; }\nlocation /own/ { return 503; }\n"
            . "error_page 500 /page.html;\nlocation = /page.html { return 200 page; }\nlocation /paged/ { proxy_intercept_errors on; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }\n"
            . "location /soft/ { error_page 502 =200 /page.html; proxy_pass http://127.0.0.1:$dead; }\nlocation /instead/ { guard_event_log off; proxy_intercept_errors on; error_page 500 = \@other; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }\n"
            . "location \@other { return 200 other; }\n"
            . join('', map { "location /$_/ { guard_route $_; proxy_pass http://127.0.0.1:@{[ $app->port ]}; }\n" } qw(a b c d e f)),
    );
}
my $words = "environment=staging release=shop\@1.2 tls_ca=$files->{ca}";
my $nginx = reporting($words);

sub code_of { my ($target, @headers) = @_; return request($nginx->port, GET => $target, headers => \@headers)->{code} }
sub counted { my ($result) = @_; return parse_metrics(scrape($nginx->port, '/metrics')->{body})->{"guard_error_reports_total{result=\"$result\"}"} }
# The envelopes that have arrived so far, once there are so many.
sub envelopes {
    my ($count) = @_;
    wait_for(sub { @{ $receiver->requests } >= $count }, 15);
    return map { my @lines = split /\n/, $_->{body}; +{ %$_, lines => [@lines], head => JSON::PP::decode_json($lines[0]), item => JSON::PP::decode_json($lines[1]), event => JSON::PP::decode_json($lines[2]) } }
        @{ $receiver->requests };
}
sub kinds { return map { join ' ', grep { length } map { $_ // '' } @{ $_->{event}{tags} }{qw(kind route status)} } @_ }

# The application fails.
my $begin = time;
is code_of('/a/500?password=hunter2', 'Cookie: sid=hunter2', 'Authorization: Bearer hunter2', 'User-Agent: hunter2', 'X-Forwarded-For: 192.0.2.99'), 500, 'the application fails';
my ($first) = envelopes(1);
is "$first->{method} $first->{target}", 'POST /deep/api/42/envelope/', 'an envelope';
my %field = map { lc $_->[0] => $_->[1] } @{ $first->{fields} };
like $field{'x-sentry-auth'}, qr{^Sentry sentry_version=7, sentry_client=guard/[\d.]+, sentry_key=$key$}, 'with the key of the DSN';
is $field{'content-type'}, 'application/x-sentry-envelope', 'of its type';
is scalar @{ $first->{lines} }, 3, 'three lines';
is_deeply $first->{item}, { type => 'event', length => length $first->{lines}[2] }, 'one event';
my $event = $first->{event};
like $event->{event_id}, qr/^[0-9a-f]{32}$/, 'its id';
is $first->{head}{event_id}, $event->{event_id}, 'the same in the head';
cmp_ok abs($event->{timestamp} - time), '<', scaled(30), 'when';
like delete $event->{tags}{request_id}, qr/^[0-9a-f]{32}$/, 'the request id';
delete @$event{qw(event_id timestamp server_name)};
is delete $event->{sdk}{name}, 'guard', 'by whom';
delete $event->{sdk};
is_deeply $event, {
    platform => 'other', level => 'error', logger => 'guard', environment => 'staging', release => 'shop@1.2', transaction => 'a',
    message  => { formatted => 'a answers 500' }, fingerprint => ['guard', 'server_error', 'localhost', 'a', '', '500'],
    tags     => { kind => 'server_error', server => 'localhost', route => 'a', method => 'GET', status => '500' }, extra => { occurrences => 1 },
}, 'and nothing else';
unlike $first->{body}, qr/hunter2|password|192\.0\.2|127\.0\.0\.1/, 'nothing of the client';

# Grouped by route and status; who has just been told is not told again.
is code_of('/ready'), 503, 'a load balancer is sent elsewhere, which is none';
is code_of('/a/500'), 500, 'the same again' for 1 .. 20;
is request($nginx->port, HUNTER => '/a/503')->{code}, 503, 'another status, and a method of the client\'s own';
is code_of('/dead/'), 502, 'an upstream that is not there';
is code_of('/own/'), 503, "nginx's own";
is code_of('/paged/500'), 500, 'behind an error page';
is code_of('/soft/'), 200, 'an upstream that is not there, of which clients see nothing';
is code_of('/instead/500'), 200, 'and one that fails, and another that answers in its place';
is code_of('/a/404'), 404, 'what is no failure of the server';
my @all;
wait_for(sub { @all = envelopes(1); 7 == keys %{ { map { $_ => 1 } kinds(@all) } } });
# What is the same is told after half a minute, which may be over on a slow machine.
@all = grep { $_->{event}{extra}{occurrences} == 1 } @all if time - $begin > 29;
is_deeply [sort(kinds(@all))], ['server_error /instead/ 500', 'server_error /own/ 503', 'server_error /paged/ 500', 'server_error a 500', 'server_error a 503', 'upstream_failed /dead/ 502', 'upstream_failed /soft/ 502'], 'one report for each';
is((grep { $_->{event}{tags}{route} eq '/dead/' } @all)[0]{event}{message}{formatted}, '/dead/ answers 502, its upstream failed', 'of the upstream');
is((grep { $_->{event}{tags}{status} eq '503' && $_->{event}{tags}{route} eq 'a' } @all)[0]{event}{tags}{method}, 'other', 'whose words are not told');
unlike join('', map { $_->{body} } @all), qr/HUNTER/, 'nowhere';
ok wait_for(sub { counted('sent') >= 7 }), 'counted';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
unlike $nginx->log_text, qr/$key|sentry_key/, 'without the DSN';

# Nor does it take metrics to tell what was asked for from its error page.
{
    my $told = @{ $receiver->requests };
    my $bare = reporting($words, '');
    is request($bare->port, GET => '/paged/500')->{code}, 500, 'without metrics, behind an error page';
    my @new;
    wait_for(sub { @new = envelopes($told + 1); splice @new, 0, $told; return @new });
    is_deeply [kinds(@new)], ['server_error /paged/ 500'], 'it is told of what was asked for';
    is $bare->stop, undef, 'stops';
}

# Requests have the names that metrics have: of a location, else of its API description.
{
    my $told = @{ $receiver->requests };
    my $operation = sub { return { operationId => $_[0], parameters => [{ name => 'id', in => 'path', required => JSON::PP::true, schema => { type => 'integer' } }], responses => { 200 => { description => 'ok' } } } };
    open my $out, '>', "$dir/api.json" or die $!;
    print {$out} JSON::PP::encode_json({ openapi => '3.1.0', info => { title => 'things', version => '1' }, paths => { '/api/{id}' => { get => $operation->('getThing') }, '/named/{id}' => { get => $operation->('getOther') } } });
    close $out or die $!;
    my $proxy = "guard_openapi $dir/api.json; proxy_pass http://127.0.0.1:" . $app->port . ';';
    my $described = start_nginx(
        workers     => 1,
        env         => ['GUARD_TEST_SECRET'],
        http_config => "guard_error_report env:GUARD_TEST_SECRET $words;\n",
        config      => "location = /metrics { guard_metrics; }\nlocation /api/ { $proxy }\nlocation /named/ { guard_route named; $proxy }",
    );
    is request($described->port, GET => "/$_/500")->{code}, 500, "a name: /$_/" for qw(api named);
    my @new;
    wait_for(sub { @new = envelopes($told + 2); splice @new, 0, $told; return @new == 2 });
    my $samples = parse_metrics(scrape($described->port, '/metrics')->{body});
    my @counted = sort map { /route="([^"]+)",method="GET",status="5xx"/ && $samples->{$_} > 0 ? $1 : () } keys %$samples;
    is_deeply \@counted, [qw(getThing named)], 'a name: in metrics';
    is_deeply [sort map { $_->{event}{tags}{route} } @new], \@counted, 'a name: in reports, the same';
    is $described->stop, undef, 'stops';
}

# Sentry wants less. From here on nothing fails twice that was told.
$nginx = reporting($words);
my $told = @{ $receiver->requests };
set_answer("429 Too Many Requests\r\nRetry-After: 2\r\n");
my $limited = time;
is code_of('/b/500'), 500, 'more than Sentry wants';
ok wait_for(sub { counted('limited') == 1 }), 'is answered so';
set_answer("200 OK\r\nX-Sentry-Rate-Limits: 1:error:organization\r\n");
is code_of('/c/500'), 500, 'meanwhile more fails';
ok wait_for(sub { counted('sent') >= 1 }), 'and is sent when it may be';
cmp_ok time - $limited, '>=', 1.9, 'not before';
ok wait_for(sub { counted('sent') == 2 }), 'so is what waited behind it';
is scalar @{ $receiver->requests }, $told + 3, 'without a try in between';
set_answer("200 OK\r\n");

# Whoever may try again at once does so with a pause all the same, and a longer one each time.
{
    my $bored = reporting($words);
    my $of    = sub { my ($result) = @_; return parse_metrics(scrape($bored->port, '/metrics')->{body})->{"guard_error_reports_total{result=\"$result\"}"} };
    set_answer("429 Too Many Requests\r\nRetry-After: 0\r\n");
    my $begun = time;
    is request($bored->port, GET => '/a/500')->{code}, 500, 'more than Sentry wants, though not for how long';
    ok wait_for(sub { $of->('limited') >= 3 }), 'it is tried again';
    cmp_ok time - $begun, '>=', 2.9, 'after a second, then twice as long each time';
    set_answer("200 OK\r\n");
    ok wait_for(sub { $of->('sent') == 1 }), 'until it is taken';
    is $bored->stop, undef, 'stops';
    $told = @{ $receiver->requests } - 3;
}

# Nobody is there.
is $sentry->stop, undef, 'Sentry goes';
my $begun = time;
is code_of('/d/500'), 500, 'a failure is answered as ever';
cmp_ok time - $begun, '<', patient(2), 'and at once';
ok wait_for(sub { counted('failed') >= 1 }), 'it cannot be told';
is code_of('/d/500'), 500, 'more of it' for 1 .. 3;
is $sentry->start, undef, 'Sentry is back';
my ($kept) = (envelopes($told + 4))[$told + 3];
is_deeply [kinds($kept)], ['server_error d 500'], 'what was kept is told';
is $kept->{event}{extra}{occurrences}, 4, 'all of it';
ok wait_for(sub { $nginx->log_text =~ /\[notice\].*error reports are sent again/ }), 'and the log says so';
is scalar(() = $nginx->log_text =~ /\[error\].*error reports cannot be sent, they are kept: connect\(\).*refused|\[error\].*error reports cannot be sent/g), 1, 'the outage is one line';

# Nobody is there, and the worker goes: what it could not tell is counted.
{
    my $alone = reporting("tls_ca=$files->{other_ca}");
    my $of    = sub { my ($result) = @_; return parse_metrics(scrape($alone->port, '/metrics')->{body})->{"guard_error_reports_total{result=\"$result\"}"} };
    is request($alone->port, GET => "/$_/500")->{code}, 500, 'a failure' for qw(a b);
    ok wait_for(sub { $of->('failed') >= 1 }), 'that cannot be told';
    is $alone->hup, undef, 'reloads';
    ok wait_for(sub { $of->('dropped') == 2 }), 'and is counted as dropped';
    is $alone->stop, undef, 'stops';
}

# A reload goes on.
is $nginx->hup, undef, 'reloads';
is code_of('/e/500'), 500, 'a failure afterwards';
is_deeply [kinds((envelopes($told + 5))[$told + 4])], ['server_error e 500'], 'is told';

# Sentry refuses.
set_answer("403 Forbidden\r\n");
is code_of('/f/500'), 500, 'what Sentry refuses';
ok wait_for(sub { counted('refused') == 1 }), 'is not sent again';
ok wait_for(sub { $nginx->log_text =~ /\[error\].*error reports are refused with status 403, is the DSN of "guard_error_report" right\?/ }), 'and the log says why';
is counted('dropped'), 0, 'there was room for all';
unlike $nginx->log_text, qr/$key|sentry_key/, 'the DSN is nowhere in the log';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx, 'error')], [], 'log';

# Somebody else is there.
set_answer("200 OK\r\n");
$nginx = reporting("tls_ca=$files->{other_ca}");
my $before = @{ $receiver->requests };
is code_of('/a/500'), 500, 'a failure';
ok wait_for(sub { counted('failed') >= 1 }), 'is not told to whom the authority does not know';
ok wait_for(sub { $nginx->log_text =~ /\[error\].*error reports cannot be sent, they are kept: .*certificate/ }), 'and the log says why';
is scalar @{ $receiver->requests }, $before, 'nothing has reached it';
unlike $nginx->log_text, qr/$key/, 'the DSN is nowhere in the log';
is $nginx->stop, undef, 'stops';
is $sentry->stop, undef, 'stops';
done_testing;
