# guard_upload_scan and a scanner that is away, or has too much to do: who is refused at once, who waits and for how long,
# and what is told of it.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Clamd   qw(start_clamd start_fake_clamd eicar);
use Test::Nginx::Guard::Events  qw(read_events events_of);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics);
use Test::Nginx::Guard::Uploads qw(form post_form begin_form said file_event);
use Test::Nginx::Guard::Wait    qw(wait_for scaled);
use Time::HiRes qw(time);

my $clamd    = start_clamd();
my $fake     = start_fake_clamd();
my $narrow   = start_fake_clamd();
my $upstream = start_upstream('body taken');
my $limit    = scaled(300) . 'ms';

my $pass = "proxy_pass http://127.0.0.1:$upstream->{port};";
my $nginx = start_nginx(
    http_config => 'guard_event_log $TEST_NGINX_EVENT_LOG;',
    config      => <<"EOC");
guard_upload names=any;
location = /metrics { guard_upload off; guard_metrics; }
location /u { guard_upload_scan unix:$clamd->{socket} timeout=60s; $pass }
location /hasty { guard_upload_scan unix:$clamd->{socket} timeout=$limit; $pass }
location /pass { guard_upload_scan unix:$clamd->{socket} timeout=60s on_error=pass; $pass }
location /gone { guard_upload_scan unix:/none/clamd.ctl; $pass }
location /fake { guard_upload_scan unix:$fake->{socket} timeout=60s scan_max=1k; $pass }
location /narrow { guard_upload_scan unix:$narrow->{socket} timeout=60s connections=2 queue=3; $pass }
location /hurried { guard_upload_scan unix:$narrow->{socket} timeout=$limit; $pass }
location /hurriedpass { guard_upload_scan unix:$narrow->{socket} timeout=$limit on_error=pass queue=3; $pass }
EOC
my $port = $nginx->port;

sub post { return post_form($port, @_) }
sub metric { my ($name, $scanner) = @_; my ($family, $more) = split /,/, $name, 2; return parse_metrics(scrape($port, '/metrics')->{body})->{ "$family\{scanner=\"$scanner\"" . ($more ? ",$more" : '') . '}' } }
# "KIND SCANNER" of what was told of scanners since the last call, once there are COUNT.
my $told = 0;
sub told {
    my ($count) = @_;
    my @all;
    wait_for(sub { my ($events) = read_events($nginx->log_file('events.log')); @all = grep { $_->{labels}{kind} =~ /^scanner_/ } @$events; @all >= $told + $count }, 10);
    my @new = splice @all, $told;
    $told += @new;
    return [map { "$_->{labels}{kind} $_->{rule}{name}" } @new];
}
my $real = "unix:$clamd->{socket}";

# Nobody is there: after five failures nobody tries any more.
{
    is post('/gone', ['a.txt', 'a']), '503 upload.scan unreachable', 'nobody is there' for 1 .. 5;
    is_deeply told(1), ['scanner_unavailable unix:/none/clamd.ctl'], 'the fifth time it is told';
    is post('/gone', ['a.txt', 'a']), '503 upload.scan unavailable', 'and not tried any more' for 1 .. 3;
    is metric('guard_scanner_up', 'unix:/none/clamd.ctl'), 0, 'it is not up';
    is metric('guard_scanner_breakers_open', 'unix:/none/clamd.ctl'), 1, 'one worker knows';
    is metric('guard_scanner_files_total,result="failed"', 'unix:/none/clamd.ctl'), 8, 'all of these failed';
    my @lines = grep { m{scanner "unix:/none/clamd\.ctl" is unavailable: connect\(\) to unix:/none/clamd\.ctl failed \(2: No such file or directory\)} } split /^/, $nginx->log_text;
    is scalar @lines, 1, 'one line of the log says why' or diag grep { /unavailable/ } split /^/, $nginx->log_text;
    is scalar(grep { /guard_upload_scan: connect\(\)/ } split /^/, $nginx->log_text), 5, 'beside those of the five';
    is post('/u', ['a.txt', 'a']), '200', 'another scanner goes on';
    is post('/u', ['eicar.com', eicar()]), '422 upload.malware signature', 'and finds what it finds';
    is metric("guard_scanner_files_total,result=\"$_\"", $real), 1, "which is counted as $_" for qw(clean infected);
    is metric('guard_scanner_up', $real), 1, 'it is up';
    is metric('guard_scanner_breakers_open', $real), 0, 'no worker thinks otherwise';
}

# clamd is stopped (SIGSTOP): a few uploads wait for all of their time, then none does. It goes on, and so do they.
{
    $clamd->suspend;
    # Those that are patient are cut off by nobody.
    my $patient = begin_form($port, '/u', form(['a.txt', 'a']));
    is post('/hasty', ['a.txt', 'a']), '503 upload.scan timeout', 'it hangs' for 1 .. 5;
    is_deeply told(1), ["scanner_unavailable $real"], 'which is told';
    is post('/u', ['a.txt', 'a']), '503 upload.scan unavailable', 'nobody waits any more';
    is post('/pass', ['a.txt', 'a'], ['b.txt', 'b']), '200', 'it passes where it may';
    my @allowed;
    wait_for(sub { @allowed = grep { ($_->{labels}{decision} // '') eq 'allowed' } @{ (read_events($nginx->log_file('events.log')))[0] }; @allowed == 2 }, 5);
    is_deeply [map { file_event($_) . ": $_->{event}{reason}" } @allowed],
        [map { "scan_failed allowed upload.scan $_.txt failed: the scanner is unavailable" } qw(a b)], 'as events say';
    $clamd->resume;
    is_deeply told(1), ["scanner_recovered $real"], 'that it goes on is told';
    like scalar <$patient>, qr{\AHTTP/1\.1 200 }, 'who was patient passes';
    is post('/u', ['a.txt', 'a']), '200', 'and so does the next';
    is metric('guard_scanner_up', $real), 1, 'it is up';
}

# It is dead, and started again. A worker that begins meanwhile finds out by itself.
{
    $clamd->stop;
    is post('/u', ['a.txt', 'a']), '503 upload.scan unreachable', 'it is dead' for 1 .. 5;
    is_deeply told(1), ["scanner_unavailable $real"], 'which is told';
    is $nginx->hup, undef, 'a reload';
    ok wait_for(sub { post('/u', ['a.txt', 'a']) eq '503 upload.scan unavailable' }, 10), 'the new worker finds the same';
    is_deeply told(0), [], 'and does not tell it again';
    $clamd->start;
    is_deeply told(1), ["scanner_recovered $real"], 'it is back';
    ok wait_for(sub { post('/u', ['a.txt', 'a']) eq '200' }, 10), 'and asked';
    is_deeply told(0), [], 'told once';
}

# What a file causes is no fault of the scanner's, nor is what it survives: it is asked, and answers.
{
    is post('/fake', ['a.txt', "say INSTREAM size limit exceeded. ERROR\\0\n"]), '503 upload.scan limit', 'over a limit' for 1 .. 6;
    is post('/fake', ['a.txt', 'x' x 2000]), '413 upload.size scan_max', 'over its size' for 1 .. 6;
    is $fake->noted('ping'), 0, 'it is not doubted';
    for my $case (['say nonsense\\0', 'answer'], ['cut', 'broken']) {
        my $pings = $fake->noted('ping');
        is post('/fake', ['a.txt', "$case->[0]\n"]), "503 upload.scan $case->[1]", $case->[0] for 1 .. 5;
        ok wait_for(sub { $fake->noted('ping') == $pings + 1 }), 'it is doubted';
        is post('/fake', ['a.txt', "say stream: OK\\0\n"]), '200', 'and answers, so nothing is otherwise';
    }
    is_deeply told(0), [], 'nothing is told';

    # What is said to PING decides.
    for my $case (["PONG\n", 'its answer to PING is not PONG'], ['stream: OK\\0', 'its answer to PING is not PONG']) {
        my ($answer, $why) = @$case;
        $fake->ping_is($answer =~ s/\\0/\0/r);
        is post('/fake', ['a.txt', "cut\n"]), '503 upload.scan broken', 'five failures' for 1 .. 5;
        is_deeply told(1), ["scanner_unavailable unix:$fake->{socket}"], 'a wrong answer to PING';
        my ($events) = read_events($nginx->log_file('events.log'));
        my ($last) = reverse grep { $_->{labels}{kind} eq 'scanner_unavailable' } @$events;
        is $last->{event}{reason}, $why, 'is named';
        my $scans = $fake->noted('open');
        is post('/fake', ['a.txt', "say stream: OK\\0\n"]), '503 upload.scan unavailable', 'it is away' for 1 .. 3;
        is $fake->noted('open'), $scans, 'nobody asks it';
        $fake->ping_is("PONG\0");
        is_deeply told(1), ["scanner_recovered unix:$fake->{socket}"], 'the right answer';
        is post('/fake', ['a.txt', "say stream: OK\\0\n"]), '200', 'and it is asked';
    }
}

# Two scans at a time and three that wait.
{
    my $waiting = sub { return metric('guard_scanner_waiting_scans', "unix:$narrow->{socket}") };
    my $talking = sub { return metric('guard_scanner_active_scans', "unix:$narrow->{socket}") };
    my $status  = sub { my ($client) = @_; my $line = <$client> // 'none'; return $line =~ m{\AHTTP/1\.1 (\d+) } ? $1 : $line };
    my @clients;
    for my $name (1 .. 5) {
        push @clients, begin_form($port, '/narrow', form(["$name.txt", "turn $name\n"]));
        ok wait_for(sub { $talking->() + $waiting->() == $name }, 10), "$name are there";
        ok wait_for(sub { $narrow->noted("turn $name") }), "$name is scanned" if $name <= 2;
    }
    is_deeply $narrow->notes('turn '), ['turn 1', 'turn 2'], 'the first two are scanned';
    is $waiting->(), 3, 'three wait';
    is post('/narrow', ['a.txt', 'turn 6']), '503 upload.scan busy', 'the next one is too many' for 1 .. 2;
    is post('/hurriedpass', ['a.txt', 'turn 7']), '200', 'or passes';
    # One that waits goes away, another takes its place, and waits no longer than it may.
    close splice @clients, 3, 1;
    ok wait_for(sub { $waiting->() == 2 }, 10), 'a client goes away';
    my $begun = time;
    is post('/hurried', ['a.txt', 'turn 8']), '503 upload.scan busy', 'another waits in its place';
    cmp_ok time - $begun, '>=', scaled(300) / 1000, 'for all of its time';
    is $waiting->(), 2, 'and leaves';
    is $narrow->noted('ping'), 0, 'none of this is a fault of the scanner';
    # While it hangs, those that wait go away with it; those that are being scanned are not given up.
    for my $next ([1, 3], [2, 5]) {
        $narrow->let_go($next->[0]);
        ok wait_for(sub { $narrow->noted("turn $next->[1]") }), "after $next->[0] comes $next->[1]";
    }
    $narrow->let_go;
    is_deeply [map { $status->($_) } @clients], [(200) x 4], 'all others pass';
    is_deeply $narrow->notes('turn '), [map { "turn $_" } 1, 2, 3, 5], 'in the order in which they came';
    is $waiting->(), 0, 'nobody waits';
    is $talking->(), 0, 'nor is anything scanned';
}

# Those that wait do not wait for a scanner that is away.
{
    $narrow->hold;
    $narrow->ping_is(undef);
    my $held = begin_form($port, '/narrow', form(['a.txt', "turn held\n"]));
    ok wait_for(sub { $narrow->noted('turn held') == 1 }), 'one is being scanned';
    is post('/hurried', ['a.txt', "hang\n"]), '503 upload.scan timeout', 'others fail beside it' for 1 .. 5;
    # Until PING is late, it is still asked: one more is scanned, and two wait.
    my ($last, @waiting) = map { begin_form($port, '/narrow', form(["$_.txt", "turn $_\n"])) } qw(last never never);
    is_deeply told(1), ["scanner_unavailable unix:$narrow->{socket}"], 'PING is not answered';
    for my $client (@waiting) { like scalar <$client>, qr{\AHTTP/1\.1 503 }, 'who waits is sent away' }
    $narrow->let_go;
    like scalar <$held>, qr{\AHTTP/1\.1 200 }, 'who was being scanned is not';
    # On a machine that is busy it may have come too late.
    like scalar <$last>, qr{\AHTTP/1\.1 (?:200|503) }, 'nor is the other one';
    is_deeply told(1), ["scanner_recovered unix:$narrow->{socket}"], 'since a scan was answered, it is there again';
    is $narrow->noted('turn never'), 0, 'those that were sent away were not scanned';
    is post('/narrow', ['a.txt', "say stream: OK\\0\n"]), '200', 'the next one is';
}

# The worker that has told of it dies while the scanner comes back: the one in its place tells that, without any upload.
{
    my $other  = start_fake_clamd();
    my $server = start_nginx(
        http_config => 'guard_event_log $TEST_NGINX_EVENT_LOG;',
        config      => "location /u { guard_upload names=any; guard_upload_scan unix:$other->{socket} timeout=60s; $pass }"
    );
    my $kinds = sub { return join ' ', map { $_->{labels}{kind} } events_of($server, qr/^scanner_/) };
    $other->ping_is(undef);
    is post_form($server->port, '/u', ['a.txt', "cut\n"]), '503 upload.scan broken', 'successor: it fails' for 1 .. 5;
    ok wait_for(sub { $kinds->() eq 'scanner_unavailable' }, 10), 'successor: it is away';
    my $pings = $other->noted('ping');
    ok wait_for(sub { $other->noted('ping') > $pings }, 10), 'successor: and is asked again, in vain';
    $other->ping_is("PONG\0");
    kill 'KILL', $server->worker_pids;
    ok wait_for(sub { $kinds->() eq 'scanner_unavailable scanner_recovered' }, 10), 'successor: that it is back is told' or diag $kinds->();
    is $server->stop, undef, 'successor: stops';
    is_deeply [grep { !/exited on signal 9/ } log_problems($server)], [], 'successor: nothing bad in the log';
}

# A worker that goes says nothing of it: nobody would take that back.
{
    my $other  = start_fake_clamd();
    my $server = start_nginx(
        workers     => 1,
        http_config => 'guard_event_log $TEST_NGINX_EVENT_LOG;',
        config      => "location = /metrics { guard_metrics; }\nlocation /u { guard_upload names=any; guard_upload_scan unix:$other->{socket} timeout=60s; $pass }"
    );
    my $metrics = sub { return parse_metrics(scrape($server->port, '/metrics')->{body}) };
    my $form    = form(['a.txt', "cut\n"]);
    my $head    = "POST /u HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " . length($form) . "\r\n\r\n";
    my ($last, @late) = map { request_raw($server->port, $head, hold => 1, expect => 0, timeout => 0.05) } 1 .. 6;
    $other->ping_is("NO\0");
    is $server->hup, undef, 'leaving: a reload';
    is said(request_raw($server->port, $form, connection => $_->{connection}, methods => ['POST'])->{responses}[0]), '503 upload.scan broken', 'leaving: it fails' for @late;
    ok wait_for(sub { $other->noted('ping') }), 'leaving: the old worker asks, in vain';
    undef $last;
    ok wait_for(sub { $metrics->()->{'guard_workers{state="exiting"}'} == 0 }), 'leaving: and is gone';
    $other->ping_is("PONG\0");
    is $metrics->()->{"guard_scanner_up{scanner=\"unix:$other->{socket}\"}"}, 1, 'leaving: the others know nothing of it';
    is join(' ', map { $_->{labels}{kind} } events_of($server, qr/^scanner_/)), '', 'leaving: nor do events';
    is $server->stop, undef, 'leaving: stops';
    is_deeply [log_problems($server)], [], 'leaving: nothing bad in the log';
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
my @errors = grep { /\[error\]/ && !/guard_upload_scan: / } split /^/, $nginx->log_text;
is_deeply \@errors, [], 'nor errors but those of the scanner';
done_testing;
