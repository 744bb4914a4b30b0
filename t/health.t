# guard_health: what it says to whom, what each kind of check finds of servers that are well, dead, hung, slow or something
# else, and what becomes of it: events, metrics, draining.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client  qw(connect_to exchange);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics promtool_says);

my $application = start_upstream(sub {
    my ($request) = @_;
    my ($status) = $request->{target} =~ /status=(\d+)/;
    my $body = $request->{target} =~ /chunked/ ? '' : '{"status":"pass","deep":{"n":[1,2]}}';
    my $head = 'HTTP/1.1 ' . ($status // 200) . " Status\r\nConnection: close\r\n";
    return "${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n4\r\n\"b\"}\r\n0\r\n\r\n" if $request->{target} =~ /chunked/;
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5000\r\n\r\nshort" if $request->{target} =~ /cut/;
    return "SMTP ready\r\n\r\n" if $request->{target} =~ /other/;
    return "${head}Content-Length: " . length($body) . "\r\n\r\n$body";
});
my $hung = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16) or die $!;    # accepts, says nothing
my $refusing = free_port();
my $redis = start_redis();
my ($certificate) = certificate();
my $app = 'http://127.0.0.1:' . $application->port;
my $drain = File::Temp::tmpnam();

# Who is not to hang has three seconds: that is long for a busy machine, too.
my $checks = <<"EOC";
guard_redis store @{[ $redis->url ]} timeout=500ms;
guard_health_check disk disk:/ warn=0% fail=0%;
guard_health_check small disk:/dev warn=100% fail=0% optional;
guard_health_check memory memory: warn=0% fail=0%;
guard_health_check cert certificate:$certificate warn=1s fail=0;
guard_health_check tcp tcp://127.0.0.1:@{[ $application->port ]} interval=3s timeout=3s;
guard_health_check app $app/health interval=3s timeout=3s pointer=/deep/n/1 equals=2;
guard_health_check chunked $app/chunked interval=3s timeout=3s pointer=/a equals=b;
guard_health_check teapot $app/?status=418 interval=3s timeout=3s status=4xx;
guard_health_check redis redis:store interval=1s;
guard_health_check zone zone:guard_rate:r interval=1s;
EOC
my $bad = <<"EOC";
guard_health_check refused tcp://127.0.0.1:$refusing interval=3s timeout=3s optional;
guard_health_check hung http://127.0.0.1:@{[ $hung->sockport ]}/ interval=1s timeout=100ms optional;
guard_health_check wrong $app/ interval=3s timeout=3s pointer=/status equals=fail optional;
guard_health_check missing $app/ interval=3s timeout=3s pointer=/none equals=fail optional;
guard_health_check error $app/?status=500 interval=3s timeout=3s optional;
guard_health_check cut $app/cut interval=3s timeout=3s pointer=/a equals=b optional;
guard_health_check other $app/other interval=3s timeout=3s optional;
guard_health_check nodisk disk:/no/such/path optional;
guard_health_check nocert certificate:/no/such/file optional;
guard_health_check full disk:/ warn=100% fail=100% optional;
guard_health_check filled zone:pages warn=100% fail=100% interval=1s optional;
guard_health_check ended certificate:$certificate warn=3650d fail=3649d optional;
guard_health_check notpostgres postgres://127.0.0.1:@{[ $application->port ]} interval=1s timeout=200ms optional;
guard_health_check notmysql mysql://127.0.0.1:@{[ $hung->sockport ]} interval=1s timeout=100ms optional;
EOC

my %common = (
    workers     => 2,
    http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_drain $drain;\nguard_https require;\nlimit_req_zone \$uri zone=pages:128k rate=1r/s;\nguard_rate_policy r rate=1/day key=all\$server_port;\nguard_rate r;\n$checks$bad",
    config      => <<'EOC');
root html;
location = /health { guard_health; }
location = /simple { guard_health simple; }
location = /live { guard_health live; }
location = /ready { guard_health ready; }
location = /public { guard_health public; set_real_ip_from 127.0.0.1; real_ip_header X-Real; }
location = /strange { guard_health; set_real_ip_from 127.0.0.1; real_ip_header X-Real; }
location = /held { guard_exempt off; guard_health; }
location = /metrics { guard_https off; guard_rate off; guard_metrics; }
EOC
my $nginx = start_nginx(%common);
my $port  = $nginx->port;

sub health { my ($target, @word) = @_; my $answer = request($port, GET => $target, @word); return ($answer, eval { JSON::PP->new->decode($answer->{body}) }) }
# Says it of all workers, each of which looks for the file of guard_drain by itself.
sub ready_means { my ($code) = @_; return wait_for(sub { !grep { request($port, GET => '/ready')->{code} != $code } 1 .. 12 }, 15) }

# The check of Redis says so, and all workers mean it.
sub redis_is { my ($status, $code) = @_; return wait_for(sub { (health('/health'))[1]{checks}{'redis:responseTime'}[0]{status} eq $status }, 15) && ready_means($code) }

ok ready_means(200), 'ready once all that is needed was seen';
my @bad_names = $bad =~ /^guard_health_check (\w+)/mg;
my $settled = sub { my ($answer, $json) = health('/health'); my %c = %{ $json->{checks} }; return !grep { ($_->[0]{output} // '') eq 'there is no result yet' } values %c };
ok wait_for($settled, 15), 'all have a result';

{
    my ($answer, $json) = health('/health');
    is $answer->{code}, 200, 'what is optional only warns';
    is header_of($answer->{fields}, 'Content-Type'), 'application/health+json', 'type';
    is header_of($answer->{fields}, 'Cache-Control'), 'no-store', 'no cache';
    is $json->{status}, 'warn', 'the worst of all';
    my %check = %{ $json->{checks} };
    is scalar(keys %check), 10 + @bad_names, 'each check once';
    like $check{'disk:free'}[0]{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'when';
    delete $_->[0]{time} for values %check;
    my %value = map { ($_ => delete $check{$_}[0]{observedValue}) } keys %check;
    is_deeply $check{'disk:free'}, [{ componentType => 'system', observedUnit => 'bytes', status => 'pass' }], 'disk';
    cmp_ok $value{'disk:free'}, '>', 0, 'free bytes';
    is $check{'small:free'}[0]{status}, 'warn', 'a threshold of a disk';
    like $check{'small:free'}[0]{output}, qr/^\d+\.\d% of the (?:bytes|inodes) are free\z/, 'and why';
    is_deeply $check{'memory:available'}, [{ componentType => 'system', observedUnit => 'bytes', status => 'pass' }], 'memory';
    is_deeply $check{'cert:remaining'}, [{ componentType => 'system', observedUnit => 's', status => 'pass' }], 'certificate';
    is_deeply $check{'zone:free'}, [{ componentType => 'system', observedUnit => 'percent', status => 'pass' }], 'zone';
    cmp_ok $value{'zone:free'}, '>', 99, 'free entries';
    is_deeply $check{"$_:responseTime"}, [{ componentType => 'component', observedUnit => 'ms', status => 'pass' }], $_ for qw(tcp app chunked teapot);
    is_deeply $check{'redis:responseTime'}, [{ componentType => 'datastore', observedUnit => 'ms', status => 'pass' }], 'redis';
    cmp_ok $value{'app:responseTime'}, '<=', 3000, 'milliseconds';
    my %output = map { my ($name) = /^(\w+):/; ($name => $check{$_}[0]{output}) } grep { $check{$_}[0]{status} eq 'fail' } keys %check;
    like delete $output{refused}, qr/Connection refused/, 'refused';
    like delete $output{ended}, qr/^the certificate ends in \d+ days\z/, 'certificate';
    like delete $output{filled}, qr/^\d+\.\d% of the zone is free\z/, 'zone of another module';
    like delete $output{full}, qr/^\d+\.\d% of the (?:bytes|inodes) are free\z/, 'disk';
    is_deeply \%output, {
        hung        => 'no answer in time',
        wrong       => 'the body says something else at /status',
        missing     => 'the body has no /none',
        error       => 'the status is 500',
        cut         => 'the answer is no HTTP, not whole, or too large',
        other       => 'the answer is no HTTP, not whole, or too large',
        nodisk      => 'No such file or directory',
        nocert      => 'the file cannot be read',
        notpostgres => $output{notpostgres},
        notmysql    => 'no answer in time',
    }, 'what is wrong with each of the others';
    like $output{notpostgres}, qr/^(?:no answer in time|this is no PostgreSQL: .*)\z/, 'another protocol';
}

{
    my ($answer, $json) = health('/simple');
    is header_of($answer->{fields}, 'Content-Type'), 'application/json', 'the simple shape';
    is_deeply [sort keys %$json], [qw(services status timestamp)], 'has three members';
    is "$json->{status} $json->{services}{redis} $json->{services}{small} $json->{services}{hung}", 'degraded healthy degraded unhealthy', 'and three words';
    is +(health('/health?format=simple'))[1]{status}, 'degraded', 'by the query';
    is request($port, GET => '/live')->{body}, qq({"status":"pass"}\n), 'live says no more';
    is request($port, GET => '/strange', headers => ['X-Real: 192.0.2.1'])->{body}, qq({"status":"warn"}\n), 'nor is a stranger told more';
    is request($port, GET => '/health', headers => ['X-Forwarded-For: 192.0.2.1'])->{body}, qq({"status":"warn"}\n), 'nor one whom a proxy has passed on';
    like request($port, GET => '/public', headers => ['X-Real: 192.0.2.1'])->{body}, qr/"checks"/, 'unless it is public';
    is request($port, HEAD => '/health')->{code}, 200, 'HEAD';
    is request($port, POST => '/health', body => 'x')->{code}, 405, 'nothing else';
    is request($port, GET => '/held')->{code}, 403, 'the exemption from HTTPS can be taken away';
    is request($port, GET => '/')->{code}, 403, 'and is of this location';
}

{
    my $got = scrape($port, '/metrics');
    is promtool_says($got->{body}), '', 'promtool has nothing to say';
    my $m = parse_metrics($got->{body});
    is join(' ', map { $m->{"guard_health_status{check=\"$_->[0]\",status=\"$_->[1]\"}"} } ['redis', 'pass'], ['redis', 'fail'], ['small', 'warn'], ['hung', 'fail'], ['hung', 'pass']), '1 0 1 1 0', 'verdicts as metrics';
    cmp_ok $m->{'guard_health_response_seconds{check="app"}'}, '<=', 3, 'and values';
    cmp_ok $m->{'guard_health_free_bytes{check="disk"}'}, '>', 0, 'of disks';
    cmp_ok $m->{'guard_health_free_ratio{check="memory"}'}, '<=', 1, 'of memory';
    cmp_ok $m->{'guard_health_remaining_seconds{check="cert"}'}, '>', 0, 'of certificates';
    cmp_ok $m->{'guard_health_free_bytes{check="full"}'}, '>', 0, 'of what fails for them, too';
    is_deeply [grep { /^guard_health_(?!status)\w+\{check="(?:hung|nodisk|nocert)"\}/ } sort keys %$m], [], 'none where there was no answer, and none where nothing could be looked at';
}

# Draining: this nginx stays alive, but is not ready.
{
    open my $file, '>', $drain or die $!;
    ok ready_means(503), 'draining';
    my ($answer, $json) = health('/ready');
    is_deeply [$json->{status}, $json->{notes}], ['fail', ['draining']], 'and it says so';
    is request($port, GET => '/live')->{code}, 200, 'alive all the same';
    is request($port, GET => '/health')->{code}, 200, 'and well';
    unlink $drain;
    ok ready_means(200), 'ready again';
}

# A failure needs two results in a row, and is an event; so is its end.
{
    $redis->suspend;
    ok redis_is(fail => 503), 'Redis hangs';
    my (undef, $json) = health('/health');
    is $json->{checks}{'redis:responseTime'}[0]{status}, 'fail', 'it is Redis';
    $redis->resume;
    ok redis_is(pass => 200), 'Redis goes on';
    $redis->kill;
    ok redis_is(fail => 503), 'Redis is dead';
    $redis->start;
    ok redis_is(pass => 200), 'Redis is back';
    my $events = sub { [map { $_->{event}{reason} } grep { $_->{labels}{kind} eq 'health_changed' && $_->{rule}{name} eq 'redis' } @{ (read_events($nginx->log_file('events.log')))[0] }] };
    ok wait_for(sub { @{ $events->() } == 4 }), 'four events';
    my $said = $events->();
    like $said->[$_], qr/^The check's verdict is fail now: \S/, 'with why' for 0, 2;
    is $said->[$_], "The check's verdict is pass now", 'and that it is over' for 1, 3;
}

# Verdicts outlive a reload; whoever has the lease may die.
{
    is $nginx->hup, undef, 'reloads';
    is request($port, GET => '/ready')->{code}, 200, 'ready at once after a reload';
    my ($victim) = $nginx->worker_pids;
    kill KILL => $victim;
    $redis->kill;
    ok ready_means(503), 'somebody still probes';
    $redis->start;
    ok ready_means(200), 'and goes on';
    is $nginx->stop, undef, 'stops';
    is_deeply [grep { !/exited on signal 9/ } log_problems($nginx)], [], 'nothing bad in the log';
}

# What workers cannot look at, nginx -t tells.
{
    my $directory = tempdir('guard-health-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $directory;
    { open my $out, '>', "$directory/tls.pem" or die $!; }
    my $warning = sub {
        my ($target) = @_;
        my $tried = make_nginx();
        $tried->configure(main_config => $> == 0 ? 'user nobody nogroup;' : '', http_config => "guard_health_check x $target;");
        my ($status, $text) = $tried->test_config;
        is $status, 0, "$target: accepted";
        return join ' ', $text =~ /\[warn\] (.*health check.*) in \S+:\d+$/mg;
    };
    my $who = $> == 0 ? q(the workers' user "nobody") : 'workers';
    is $warning->("certificate:$directory/none.pem"), qq("$directory/none.pem" of health check "x" cannot be read by $who: No such file or directory), 'a certificate that is not there';
    is $warning->("disk:$directory/none"), qq("$directory/none" of health check "x" cannot be seen by $who: No such file or directory), 'no such path';
    is $warning->("certificate:$directory/tls.pem"), '', 'one that can be read';
    is $warning->("disk:$directory"), '', 'a path that is there';
    SKIP: {
        skip 'only root has another user', 6 if $> != 0;
        chmod 0600, "$directory/tls.pem";
        is $warning->("certificate:$directory/tls.pem"), qq("$directory/tls.pem" of health check "x" cannot be read by $who: Permission denied), 'one that is root\'s alone';
        chmod 0700, $directory;
        is $warning->("disk:$directory/tls.pem"), qq("$directory/tls.pem" of health check "x" cannot be seen by $who: Permission denied), 'in a directory that is';
        is $warning->("disk:$directory"), '', 'which can be seen itself';
    }
}

# A large zone is counted for a while before anything is known of it. Where it could only warn, nobody waits for that.
{
    my $large = start_nginx(
        http_config => "guard_rate_policy large rate=1/day key=all zone=64m;\nguard_health_check only_warns zone:guard_rate:large;",
        config      => 'location = /ready { guard_health ready; } location = /limited { guard_rate large; }',
    );
    my ($answer, $json) = map { $_->{code}, JSON::PP->new->decode($_->{body}) } request($large->port, GET => '/ready');
    is $json->{checks}{'only_warns:free'}[0]{output}, 'there is no result yet', 'a large zone is being counted';
    is "$answer $json->{status}", '200 warn', 'ready all the same';
    is $large->stop, undef, 'stops';
    $large->configure(
        http_config => "guard_rate_policy large rate=1/day key=all zone=64m;\nguard_health_check fails zone:guard_rate:large fail=1%;",
        config      => 'location = /ready { guard_health ready; } location = /limited { guard_rate large; }',
    );
    is $large->start, undef, 'where it may fail';
    is request($large->port, GET => '/ready')->{code}, 503, 'not before it is known that it does not';
    is $large->stop, undef, 'stops';
}

# What OpenSSL has against a file is not held against the next client.
{
    my ($crt, $key) = certificate();
    my $tls  = free_port();
    my $text = File::Temp->new;
    print $text "no certificate\n";
    close $text;
    my $other = start_nginx(
        listen      => ["listen $tls ssl;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
        http_config => "guard_health_check away certificate:/no/such/file;\nguard_health_check text certificate:$text;",
        config      => 'location = /health { guard_health; }',
    );
    ok wait_for(sub { my $body = request($tls, GET => '/health', tls => 1)->{body}; 2 == (() = $body =~ /"output":"the file /g) }), 'both are told';
    is request($tls, GET => '/health', tls => 1)->{code}, 503, 'over TLS';
    is $other->stop, undef, 'stops';
    is_deeply [log_problems($other)], [], 'nothing bad in the log';
}

done_testing();
