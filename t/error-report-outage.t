# guard_error_report: what Guard itself has to say that is an error, and refusals by their code; and a Sentry that is away for a
# minute while more fails than has room: bounded, counted, and told when it is back.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Test::Nginx::Guard;
use Test::Nginx::Guard::Authority qw(authority);
use Test::Nginx::Guard::Metrics   qw(scrape parse_metrics);
use Test::Nginx::Guard::Refusals  qw(refuse);
use Test::Nginx::Guard::Wait      qw(patient wait_within);

my $room  = 64;    # issues that a worker keeps
my $more  = 6;
my $files = authority();
my $redis = start_redis();
my $gone  = free_port();
local $ENV{GUARD_TEST_SECRET};

# A server that takes envelopes, and what it has got.
sub make_sentry {
    my $receiver = start_upstream("status 200\nbody {}");
    my $front    = make_nginx(
        listen_words => " ssl; ssl_certificate $files->{cert}; ssl_certificate_key $files->{key}; access_log off",
        config       => 'location / { proxy_pass http://127.0.0.1:' . $receiver->port . '; }',
    );
    return ($front, sub { return map { JSON::PP::decode_json((split /\n/, $_->{body})[2]) } @{ $receiver->requests } });
}

sub reporting {
    my ($sentry, $http, $config) = @_;
    $ENV{GUARD_TEST_SECRET} = 'https://abcdef@localhost:' . $sentry->port . '/42';
    return start_nginx(
        workers     => 1,
        env         => ['GUARD_TEST_SECRET'],
        http_config => "guard_error_report env:GUARD_TEST_SECRET tls_ca=$files->{ca};\n$http",
        config      => "location = /metrics { guard_metrics; }\n$config",
    );
}
sub counted {
    my ($nginx, $result) = @_;
    return parse_metrics(scrape($nginx->port, '/metrics')->{body})->{"guard_error_reports_total{result=\"$result\"}"};
}
sub code_of { my ($nginx, $target) = @_; return request($nginx->port, GET => $target)->{code} }

# The minute begins: more issues than there is room for, and many of the same.
my ($away, $away_events) = make_sentry();
my $nginx = reporting($away, '', join '', map { "location = /r$_ { guard_route route-$_; return 500; }\n" } 1 .. $room + $more);
my $begun = time;
is code_of($nginx, "/r$_"), 500, "issue $_" for 1 .. $room + $more;
is_deeply start_load($nginx, '/r1', clients => 2, count => 50)->finish->{codes}, { 500 => 100 }, 'and many that are known';
is counted($nginx, 'dropped'), $more, 'what finds no room is dropped, and counted';
ok wait_for(sub { counted($nginx, 'failed') >= 2 }), 'nobody takes the rest';

# Meanwhile, where Sentry is there: errors that no request has made.
{
    my ($sentry, $events) = make_sentry();
    is $sentry->start, undef, 'another Sentry';
    my $own = reporting($sentry, <<"EOC", <<'EOC2');
guard_key_secret 0123456789abcdef;
guard_redis store @{[ $redis->url ]};
guard_event_log redis:store:events min=warning;
guard_health_check payments tcp://127.0.0.1:$gone interval=1s fall=1;
guard_health_check fine disk:/ warn=0% fail=0%;
guard_rate_policy closed rate=100/day key=all redis=store on_error=closed;
EOC
location /closed { guard_route checkout; guard_rate closed; root html; }
location / { guard_path strict; root html; }
EOC2
    my $of = sub { my ($kind) = @_; return grep { $_->{tags}{kind} eq $kind } $events->() };
    my $told = sub { my ($kind, $count) = @_; return wait_for(sub { $of->($kind) >= ($count // 1) }, 15) };
    ok $told->('health_changed'), 'a check that fails is an error';
    $redis->stop;
    ok wait_for(sub { code_of($own, '/closed') == 503 }), 'a refusal without Redis';
    ok $told->('server_error'),      'is told';
    ok $told->('redis_unavailable'), 'and so is that Redis is away';
    my ($error) = $of->('server_error');
    is_deeply [@{ $error->{tags} }{qw(route code status)}], ['checkout', 'rate.unavailable', 503], 'by its route and code';
    is_deeply $error->{fingerprint}, ['guard', 'server_error', 'localhost', 'checkout', 'rate.unavailable', '503'], 'of which an issue is made';
    my ($redis_event) = $of->('redis_unavailable');
    is $redis_event->{tags}{code}, 'store', 'Redis has its name';
    ok !exists $redis_event->{tags}{request_id} && !exists $redis_event->{tags}{route}, 'and is of no request';
    my ($health) = $of->('health_changed');
    is $health->{tags}{code}, 'payments', 'so has the check';
    like $health->{message}{formatted}, qr/\Ahealth_changed: The check's verdict is fail now: .*refused/, 'and says why';
    refuse($own, 900, 'lost');
    $redis->start;
    ok $told->('events_lost'), 'lines that were lost are an error';
    is_deeply [sort keys %{ { map { $_->{tags}{kind} => 1 } $events->() } }], [qw(events_lost health_changed redis_unavailable server_error)], 'what is none is not told';
    is counted($own, 'dropped'), 0, 'there was room for all';
    is $own->stop, undef, 'stops';
    is $sentry->stop, undef, 'stops';
}

# The minute is over. Tries were a second, then twice as long apart.
ok defined wait_within(patient(60), sub { time - $begun >= 60 }), 'a minute';
my $tries = counted($nginx, 'failed');
ok $tries >= 2 && $tries <= 7, 'few tries in a minute' or diag $tries;
is code_of($nginx, '/r2'), 500, 'requests are answered as ever';
is $away->start, undef, 'Sentry is back';
ok wait_for(sub { counted($nginx, 'sent') >= $room }, 60), 'and all that was kept is told' or diag counted($nginx, 'sent');
my @events = $away_events->();
my %times;
$times{ $_->{transaction} } += $_->{extra}{occurrences} for @events;
is_deeply \%times, { (map { ("route-$_" => 1) } 1 .. $room), 'route-1' => 101, 'route-2' => 2 }, 'each issue, with how often it came';
is counted($nginx, 'dropped'), $more, 'nothing more is dropped';
is code_of($nginx, '/metrics'), 200, 'and all goes on';
is scalar(() = $nginx->log_text =~ /\[error\]/g), 1, 'the outage is one line of the log';
is scalar(() = $nginx->log_text =~ /\[notice\].*error reports are sent again/g), 1, 'and its end another';
unlike $nginx->log_text, qr/abcdef/, 'without the DSN';
is $nginx->stop, undef, 'stops';
is $away->stop, undef, 'stops';
done_testing;
