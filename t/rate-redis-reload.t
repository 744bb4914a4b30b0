# Reloads and a binary upgrade under load, while every request is counted in Redis: none fails, none is
# counted twice and none is forgotten.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $redis = start_redis();
# Answers late enough that requests wait whenever workers change.
my $fake = start_fake_redis(behind => $redis, behave => 'delay 0.01');

my @algorithms = qw(fixed_window sliding_window);
my $quota      = 1_000_000;

for my $url ($fake->url, $fake->unix_url) {
    my $kind  = $url =~ /^redis/ ? 'TCP' : 'Unix socket';
    my $nginx = start_nginx(
        daemon      => 1,
        workers     => 2,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=5s;\n"
            . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
            # What could not be asked would be refused.
            . join('', map { "guard_rate_policy $_ rate=$quota/day key=all algorithm=$_ redis=main on_error=closed;\n" } @algorithms),
        config => "root html;\n" . join '', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms
    );
    my %load = map { $_ => start_load($nginx, "/$_/", clients => 3, pause => 0.002) } @algorithms;
    is $nginx->hup, undef, "$kind: reload $_" for 1 .. 3;
    is $nginx->usr2(winch => 1), undef, "$kind: upgrade, workers first";
    is $nginx->hup, undef, "$kind: reload after it";
    is $nginx->usr2, undef, "$kind: upgrade, all at once";
    for my $algorithm (@algorithms) {
        wait_for(sub { 60 < (() = $nginx->log_text('access.log') =~ m{"GET /$algorithm/ }g) });
        my $result = $load{$algorithm}->finish;
        is_deeply $result->{codes}, { 200 => $result->{total} }, "$kind: $algorithm: no request failed";
        cmp_ok $result->{total}, '>', 50, "$kind: $algorithm: and there were some";
        my $told = header_of(request($nginx->port, GET => "/$algorithm/")->{fields}, 'RateLimit');
        my $left = $quota - $result->{total} - 1;
        like $told, qr/^"$algorithm";r=$left;t=\d+\z/, "$kind: $algorithm: each was counted once";
    }
    is $nginx->stop('QUIT'), undef, "$kind: stops";
    is_deeply [log_problems($nginx)], [], "$kind: nothing bad in the log";
    unlike $nginx->log_text, qr/open socket/, "$kind: nothing is left open";
    my ($events) = read_events($nginx->log_file('events.log'));
    is_deeply [grep { !/^config_loaded\z/ } map { $_->{labels}{kind} } @$events], [], "$kind: no outage";
    ok wait_for(sub { @{ $redis->clients } == 0 }), "$kind: all connections are closed";
    $redis->run('FLUSHALL');
}

done_testing();
