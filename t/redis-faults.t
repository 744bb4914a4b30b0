# What the Redis client does when Redis does not: nothing waits longer than timeout=, next to nothing
# while the breaker is open, it comes back by itself, and each outage is one event in either direction.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Wait qw(scaled);
use Time::HiRes qw(time);

plan skip_all => 'needs the test build of the module' unless -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

my $locations = <<'EOC';
root html;
add_header X-Redis $guard_test_redis always;
location /one { guard_test front redis=main "send=INCR guard:count"; try_files /index.html =404; }
location /stall { guard_test front redis=main "send=INCR guard:count" stall=200ms; try_files /index.html =404; }
location /free { try_files /index.html =404; }
EOC

sub nginx {
    my ($url, %word) = @_;
    my $words = delete $word{words} // '';
    return start_nginx(
        http_config => "guard_redis main $url $words;\nguard_event_log \$TEST_NGINX_EVENT_LOG;",
        config      => $locations,
        %word
    );
}

# (what became of the command, milliseconds that it took as nginx sees it)
sub ask {
    my ($nginx, $path) = @_;
    my $response = request($nginx->port, GET => $path // '/one', timeout => 5);
    return ('nothing', 0) unless $response && $response->{code} == 200;
    my ($what, $time) = (header_of($response->{fields}, 'X-Redis') // '') =~ /^(.*) (\d+)\z/;
    return ($what // 'none', $time // 0);
}

sub recovers {
    my ($nginx, $name) = @_;
    my $begin = time;
    my $ok    = wait_for(sub { (ask($nginx))[0] =~ /^ok/ }, 5);
    my $took  = time - $begin;
    ok $ok, "$name: recovers";
    cmp_ok $took, '<', scaled(2), "$name: within two seconds";
    return;
}

# The events of Redis, without those that say that nginx has started.
sub events {
    my ($nginx) = @_;
    my ($events) = read_events($nginx->log_file('events.log'));
    return grep { $_->{labels}{kind} =~ /^redis_/ } @$events;
}

sub is_over {
    my ($nginx, $name, @kinds) = @_;
    is $nginx->stop('QUIT'), undef, "$name: quits at once";
    is_deeply [map { $_->{labels}{kind} } events($nginx)], \@kinds, "$name: events" or diag $nginx->log_text;
    is_deeply [log_problems($nginx)], [], "$name: log";
    is scalar(() = $nginx->log_text =~ /guard_redis "main" is unavailable/g), (grep { /unavailable/ } @kinds) + 0, "$name: one line";
    return;
}

my @outage = qw(redis_unavailable redis_recovered);

# Real servers

for my $url (qw(url unix_url)) {
    my $redis = start_redis();
    my $nginx = nginx($redis->$url);
    is_deeply [(ask($nginx))[0]], ['ok 1'], "$url: answers";
    $redis->kill;
    my ($what, $time) = ask($nginx);
    isnt $what, 'ok 2', "$url, killed: $what";
    cmp_ok $time, '<', scaled(60), "$url, killed: soon";
    wait_for(sub { (ask($nginx))[0] =~ /^unavailable/ }, 3);
    cmp_ok((ask($nginx))[1], '<', scaled(5), "$url, killed: then at once");
    $redis->start;
    recovers($nginx, "$url, killed");
    is_over($nginx, "$url, killed", @outage);
}

{
    my $redis = start_redis();
    my $nginx = nginx($redis->url);
    is_deeply [(ask($nginx))[0]], ['ok 1'], 'answers';
    $redis->suspend;
    my @all = map { [ask($nginx)] } 1 .. 8;
    is_deeply [map { $_->[0] } @all], [('timeout ') x 5, ('unavailable ') x 3], 'stopped: five time out';
    cmp_ok $_->[1], '<', scaled(70), "stopped: $_->[0]" for @all[0 .. 4];
    cmp_ok $_->[1], '<', scaled(5), "stopped: $_->[0]" for @all[5 .. 7];
    $redis->resume;
    recovers($nginx, 'stopped');
    is_over($nginx, 'stopped', @outage);
}

# Two requests whose work holds the worker up, one after the other, for longer than timeout= together with
# a Redis that takes a while: neither command has waited long.
{
    my $redis = start_redis();
    my $fake  = start_fake_redis(behind => $redis);
    my $nginx = nginx($fake->url, words => 'timeout=150ms');
    is_deeply [(ask($nginx))[0]], ['ok 1'], 'held up: answers';
    $fake->behave('delay 0.02');
    for my $round (1 .. 3) {
        my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . $nginx->port) or die "connect: $@\n" } 1 .. 3;
        syswrite $_, "GET /stall HTTP/1.0\r\nHost: localhost\r\n\r\n" for @sockets;
        my @became = map { join('', readline $_) =~ /^X-Redis: (\w+)/m ? $1 : 'nothing' } @sockets;
        is_deeply \@became, [('ok') x 3], "held up: the time that the worker takes is not Redis's, round $round";
    }
    is_over($nginx, 'held up');
}

done_testing;
