# guard_metrics: how large each shared zone of Guard is, how much of it is in use, and what it had no room for.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending  qw(ends_well);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics promtool_says);

my $redis = start_redis();

# Fifty places to be counted in, which is more than half of what 1m has room for.
my $places = File::Temp->new(SUFFIX => '.conf');
chmod 0644, "$places";
sub name_places {
    my ($prefix) = @_;
    open my $file, '>', "$places" or die "$places: $!";
    print $file "location /$prefix$_/ { return 204; }\n" for 1 .. 50;
    close $file or die "$places: $!";
    return;
}
name_places('first');

my $nginx = start_nginx(
    workers     => 2,
    http_config => <<"EOC",
guard_key_secret 0123456789abcdef;
guard_metrics_zone 1m;
guard_redis store @{[ $redis->url ]};
guard_rate_policy one rate=1000/day key=\$arg_k zone=64k;
guard_lockout_policy login key=\$arg_k on=login_failed limit=100 window=15m duration=30m zone=64k;
guard_ban_policy misses score=100 half_life=10m duration=1h weights=404:1 zone=64k;
guard_sessions users key=\$arg_k window=1h;
guard_health_check disk disk:/ warn=0% fail=0%;
guard_health_check memory memory: warn=0% fail=0%;
guard_health_check reports zone:guard_csp_report warn=100% fail=100%;
EOC
    config => <<"EOC",
root html;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
location = /metrics { guard_metrics; }
location = /guard { guard_dashboard; }
location = /csp { guard_csp_report zone=64k rate=100000 total=100000; }
location = /upload { guard_upload; guard_upload_scan unix:/none/clamd.ctl; return 204; }
location /keys/ { guard_rate one; guard_lockout login; guard_ban misses; alias html/; }
location /none/ { guard_ban misses; }
include $places;
EOC
);
my $port = $nginx->port;

sub text    { return scrape($port, '/metrics')->{body} }
sub metrics { return parse_metrics(text()) }
sub used    { my ($m, $zone) = @_; return $m->{"guard_zone_used_ratio{zone=\"$zone\"}"} }
sub evicted { my ($m, $zone) = @_; return $m->{"guard_zone_evictions_total{zone=\"$zone\"}"} }
sub becomes {
    my ($read, $zone, $wanted, $title) = @_;
    my $got;
    ok wait_for(sub { $got = $read->(metrics(), $zone); defined $got && $wanted->($got) }), $title or diag "$zone: " . ($got // 'is not there');
    return;
}

# Places that never change, as a share of the zone.
my %fixed = ('guard_node' => 0.1, 'guard_redis:store' => 0.01, 'guard_scanner:unix:/none/clamd.ctl' => 0.01, 'guard_sessions:users' => 1);
my @counting = qw(guard_rate:one guard_lockout:login guard_ban:misses guard_csp_report);
my @zones = sort keys %fixed, @counting, qw(guard_health guard_recent_events guard_metrics);

# All have all three figures.
{
    my $m;
    ok wait_for(sub { $m = metrics(); !grep { !defined used($m, $_) } @zones }), 'the use of every zone is known soon';
    is_deeply [sort map { /^guard_zone_size_bytes\{zone="(.*)"\}\z/ ? $1 : () } keys %$m], \@zones, 'and these are all there are';
    for my $zone (@zones) {
        my $used = used($m, $zone) // -1;
        ok $used >= 0 && $used <= 1, "$zone: a share" or diag $used;
        is evicted($m, $zone), 0, 'and nothing was given up';
    }
    is promtool_says(text()), '', 'promtool has nothing to say';
}

# What changes when it should, and what never does.
{
    my $before = metrics();
    ok used($before, $_) > 0 && used($before, $_) < $fixed{$_}, "$_ holds what it is for" or diag used($before, $_) for sort keys %fixed;
    is used($before, 'guard_health'), 3 / 64, 'three checks of 64';
    request($port, GET => "/keys/?k=$_") for 1 .. 20;
    request($port, GET => '/none/x', headers => ["X-Client: 192.0.2.$_"]) for 1 .. 2;
    becomes(\&used, $_, sub { $_[0] > (used($before, $_) // 0) }, "$_ is used more") for qw(guard_rate:one guard_ban:misses);
    is used(metrics(), $_), used($before, $_), "$_ is not" for sort keys %fixed;
}

# Reports of browsers.
{
    my $json = JSON::PP->new->canonical;
    my $post = sub {
        my @pages = @_;
        my $body = $json->encode([map { { type => 'csp-violation', url => "https://app.example/$_", body => {
            documentURL => "https://app.example/$_", blockedURL => 'inline', effectiveDirective => 'script-src-elem', disposition => 'enforce' } } } @pages]);
        return request($port, POST => '/csp', body => $body, headers => ['Content-Type: application/reports+json'])->{code};
    };
    is used(metrics(), 'guard_csp_report'), 0, 'no report yet';
    is $post->('page'), 204, 'one';
    becomes(\&used, 'guard_csp_report', sub { $_[0] > 0 && $_[0] < 0.01 }, 'takes a place');
    # 64k hold at most 4096 of 16 bytes.
    my $made = 0;
    while ($made < 8000) { $post->(map { 'p' . ++$made } 1 .. 20) == 204 or die 'a report was refused' }
    my $evicted = evicted(metrics(), 'guard_csp_report');
    ok $evicted > 8000 - 4096 && $evicted < 8000, 'what had to go is counted' or diag $evicted;
    becomes(\&used, 'guard_csp_report', sub { $_[0] > 0.9 }, 'and the zone is full');
    is used(metrics(), 'guard_recent_events'), 1, 'so is that of recent events, of which the oldest make room';
    is evicted(metrics(), 'guard_recent_events'), 0, 'as they are meant to';
}

# Metrics themselves: what the configuration before had is kept for now, and the next finds too little room beside it.
{
    my $before = metrics();
    my $used = used($before, 'guard_metrics');
    ok $used > 0.5 && $used < 0.95, 'more than half is in use' or diag $used;
    is $nginx->hup, undef, 'reloads with the same names';
    is used(metrics(), 'guard_metrics'), $used, 'and uses as much';
    name_places('second');
    my @counting = $nginx->worker_pids;
    is $nginx->hup, undef, 'reloads with others';
    my $m = metrics();
    my $uncounted = evicted($m, 'guard_metrics');
    ok $uncounted > 0 && $uncounted <= 50, 'some of which are not counted' or diag $uncounted;
    cmp_ok used($m, 'guard_metrics'), '>', 0.9, 'since the zone is full';
    like $nginx->log_text, qr/zone "guard_metrics" has no room beside what old configurations count/, 'as the log says';
    ok wait_for(sub { !grep { kill 0, $_ } @counting }), 'the old workers end';
    is $nginx->hup, undef, 'once more';
    ok wait_for(sub { $m = metrics(); used($m, 'guard_metrics') < 0.95 }), 'when the old ones are gone there is room' or diag used($m, 'guard_metrics');
    is evicted($m, 'guard_metrics'), $uncounted, 'and nothing more goes uncounted';
    is request($port, GET => "/second$_/")->{code}, 204, 'a place' for 1, 50;
    ok wait_for(sub { my $now = metrics(); 2 == grep { m{^guard_requests_total\{.*route="/second(?:1|50)/"} && $now->{$_} == 1 } keys %$now }), 'is counted from now on';
}

ends_well($nginx, 'zones');
done_testing;
