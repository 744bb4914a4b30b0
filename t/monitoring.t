# conf.d/monitoring: Prometheus and Alertmanager take it, each alert is tried and explained, and each query of the Grafana dashboard
# gets an answer from a real Prometheus that scrapes a real Guard; those of PostgreSQL from its exporter.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Clamd     qw(start_fake_clamd);
use Test::Nginx::Guard::Databases qw(have_databases start_postgres);
use Test::Nginx::Guard::Process   qw(spawn_program end_process);
use Test::Nginx::Guard::Uploads   qw(post_form);

my $dir = 'conf.d/monitoring';
sub slurp { my ($name) = @_; open my $in, '<', $name or die "$name: $!\n"; local $/; return <$in> }
sub says_well { my ($title, $command, $pattern) = @_; my $said = `$command 2>&1`; ok $? == 0 && $said =~ $pattern, $title or diag $said; return }

# Their own tools take them.
says_well('promtool takes prometheus.yml and rules.yml', "promtool check config $dir/prometheus.yml", qr/SUCCESS.*SUCCESS/s);
says_well('promtool finds nothing doubtful in the rules', "promtool check rules --lint=all --lint-fatal $dir/rules.yml", qr/SUCCESS: \d+ rules found/);
says_well('amtool takes alertmanager.yml', "amtool check-config $dir/alertmanager.yml", qr/SUCCESS/);
says_well('the rules fire and do not fire as t/monitoring says', 'promtool test rules t/monitoring/rules_test.yml', qr/SUCCESS/);
for (['severity=critical kind=service', 'pager'], ['severity=warning kind=dependency', 'operators'], ['severity=warning kind=attack', 'security'], ['severity=critical kind=attack', 'pager,security']) {
    my ($labels, $receivers) = @$_;
    is `amtool config routes test --config.file=$dir/alertmanager.yml $labels 2>/dev/null`, "$receivers\n", "$labels goes to $receivers";
}

# What follows from another alert is not told, and nothing else is silenced.
{
    my $folder = tempdir('guard-alertmanager-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $port   = free_port();
    my $alertmanager = spawn_program("$folder/log", 'prometheus-alertmanager', "--config.file=$dir/alertmanager.yml", "--storage.path=$folder/data",
        "--web.listen-address=127.0.0.1:$port", '--cluster.listen-address=');
    my @sent = map { my %label = map { split /=/, $_, 2 } split; { labels => { instance => 'a', %label } } } (
        'alertname=GuardDiskLow severity=critical check=disk', 'alertname=GuardDiskLow severity=warning check=disk', 'alertname=GuardDiskLow severity=warning check=disk-logs',
        'alertname=GuardCertificateExpires severity=critical server=old key=ED25519', 'alertname=GuardCertificateExpires severity=warning server=shop key=ED25519',
        'alertname=GuardCertificateExpires severity=warning server=old key=rsaEncryption', 'alertname=GuardRedisDown severity=critical redis=main',
        'alertname=GuardBreakerOpen severity=warning redis=main', 'alertname=GuardBreakerOpen severity=warning redis=other',
        'alertname=GuardCredentialStuffing severity=critical', 'alertname=GuardFailedLogins severity=warning', 'alertname=GuardFailedLogins severity=warning instance=b',
        'alertname=GuardDown severity=critical instance=c', 'alertname=GuardBreakGlass severity=critical instance=c',
        'alertname=GuardDown severity=critical instance=', 'alertname=Elsewhere severity=warning instance=',
    );
    my $body = JSON::PP->new->utf8->encode(\@sent);
    ok wait_for(sub { eval { request($port, POST => '/api/v2/alerts', headers => ['Content-Type: application/json'], body => $body)->{code} == 200 } }, 20), 'Alertmanager takes alerts' or diag slurp("$folder/log");
    my $told;
    wait_for(sub { $told = eval { JSON::PP->new->utf8->decode(request($port, GET => '/api/v2/alerts')->{body}) }; return $told && @$told == @sent }, 20);
    my @silent = map { my $of = $_->{labels}; join ' ', map { $of->{$_} } sort keys %$of } grep { @{ $_->{status}{inhibitedBy} } } @{ $told // [] };
    is_deeply [sort @silent], [
        'GuardBreakGlass c critical', 'GuardBreakerOpen a main warning', 'GuardDiskLow disk a warning', 'GuardFailedLogins a warning',
    ], 'of these, what follows from another';
    end_process($alertmanager, 10, 'TERM');
}

# No alert without both tests and its page of the runbook.
my $rules = slurp("$dir/rules.yml");
my $tests = slurp('t/monitoring/rules_test.yml');
my ($runbook) = slurp('docs/operations.md') =~ /^## Alert runbook\n(.*?)^## /ms;
my @alerts = $rules =~ /^\s*- alert: (\w+)$/mg;
cmp_ok scalar @alerts, '>=', 15, 'alerts are found';
for my $alert (@alerts) {
    like $tests, qr/alertname: $alert\n\s+eval_time: \S+\n\s+exp_alerts:/, "$alert: a test that it fires";
    # That of certificates shows at one time which of them it is not about.
    like $tests, $alert eq 'GuardCertificateExpires' ? qr/instance="c:80", server="example\.com"/ : qr/\{ alertname: $alert, eval_time: \w+ \}/, "$alert: a test that it does not";
    like $runbook, qr/^### $alert\n\n- \*\*Means\*\*: .+\n- \*\*Look first\*\*: .+\n- \*\*Do\*\*: .+\n/m, "$alert: what it means, where to look first, what to do";
}
is_deeply [$runbook =~ /^### (\w+)$/mg], [grep { my $one = $_; grep { $_ eq $one } @alerts } $runbook =~ /^### (\w+)$/mg], 'and the runbook has no other';

# What is asked for is there at all.
my %known = map { $_ => 1 } slurp('docs/metrics.md') =~ /^\| `(guard_\w+)`/mg;
my $board = JSON::PP->new->utf8->decode(slurp("$dir/grafana-guard.json"));
my @panels = grep { $_->{type} ne 'row' } @{ $board->{panels} };
my @queries = map { my $panel = $_; map { [$panel->{title}, $_->{expr}] } @{ $panel->{targets} } } @panels;
cmp_ok scalar @queries, '>', 30, 'queries are found';
my %used = map { $_ => 1 } map { s/_(?:bucket|sum|count)\z//r } map { /\b(guard_\w+)\b/g } $rules =~ s/^(?:#|.*(?:name|summary):) .*$//mgr, map { $_->[1] } @queries;
delete $used{guard};
is_deeply [grep { !$known{$_} } sort keys %used], [], 'every metric of rules and dashboard is one of Guard';
my ($watched) = slurp('docs/operations.md') =~ /^## What to watch\n(.*?)^## /ms;
my @watched = map { /\b(guard_\w+)\b/g } map { /`([^`]+)`/g } $watched =~ /^\| (`.*?) \|/mg;
cmp_ok scalar @watched, '>', 15, 'what to watch';
is_deeply [grep { !$known{s/_(?:bucket|sum|count)\z//r} } @watched], [], 'and so is all that is to be watched';
my %place;
ok !$place{"$_->{gridPos}{x} $_->{gridPos}{y}"}++, "$_->{title}: a place of its own" for @{ $board->{panels} };
is_deeply [sort { $a <=> $b } map { $_->{id} } @{ $board->{panels} }], [1 .. @{ $board->{panels} }], 'and a number';

# A real Guard with all that the dashboard speaks of, scraped by a real Prometheus.
my $app = start_upstream(sub {
    my ($request) = @_;
    my $status = $request->{target} =~ /login/ ? 401 : $request->{target} =~ /broken/ ? 500 : 200;
    return "HTTP/1.1 $status Status\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n";
});
my $redis = start_redis();
my $clamd = start_fake_clamd();
my $own   = tempdir('guard-rules-XXXXXX', TMPDIR => 1, CLEANUP => 1) . '/own.conf';
{
    open my $out, '>', $own or die $!;
    print {$out} qq(SecRuleEngine On\nSecRule ARGS "\@contains attack" "id:1,phase:2,deny,tag:'attack-sqli'"\n);
    close $out;
    chmod 0755, $own =~ s{/[^/]*\z}{}r;
}
my ($crt, $key) = certificate();
my ($tls, $prometheus_port) = (free_port(), free_port());
my $proxy = 'proxy_pass http://127.0.0.1:' . $app->port . ';';
local $ENV{GUARD_TEST_SECRET} = 'e' x 64;
my $nginx = start_nginx(
    workers     => 2,
    env         => ['GUARD_TEST_SECRET'],
    listen      => ["listen 127.0.0.1:$tls ssl;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    http_config => <<"EOC",
guard_event_log \$TEST_NGINX_EVENT_LOG;
guard_key_secret env:GUARD_TEST_SECRET;
guard_redis main @{[ $redis->url ]};
guard_health_check disk disk:/ warn=0% fail=0% interval=1s;
guard_health_check database tcp://127.0.0.1:@{[ $redis->port ]} interval=1s;
guard_rate_policy api rate=1/day key=\$arg_k redis=main zone=1m;
guard_lockout_policy login key=\$guard_client_net on=login_failed limit=2 window=15m duration=30m zone=1m;
guard_ban_policy scanners score=1 half_life=10m duration=1h weights=404:1 zone=1m;
guard_sessions clients key=\$guard_client_net window=1h redis=main;
EOC
    config => <<"EOC");
location = /metrics { guard_metrics; }
location /api/ { guard_rate api; $proxy }
location /watched/ { guard_mode observe; guard_rate api; $proxy }
location /login { guard_lockout login; guard_event login_failed on=401; $proxy }
location /inspected { guard_inspect on; guard_inspect_rules $own; $proxy }
location /upload { guard_upload names=any; guard_upload_scan unix:$clamd->{socket}; $proxy }
location / { guard_ban scanners; $proxy }
EOC
my $folder = tempdir('guard-prometheus-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $configuration = slurp("$dir/prometheus.yml");
$configuration =~ s/_interval: 15s/_interval: 500ms/g;
$configuration =~ s/127\.0\.0\.1:8080/127.0.0.1:@{[ $nginx->port ]}/;
my $exporter_port = free_port();
$configuration =~ s/127\.0\.0\.1:9187/127.0.0.1:$exporter_port/;
for (['prometheus.yml', $configuration], ['rules.yml', $rules]) {
    open my $out, '>', "$folder/$_->[0]" or die $!;
    print {$out} $_->[1];
    close $out;
}
my $postgres_port = free_port();
my ($postgres, $exporter);
if (have_databases()) {
    $postgres = start_postgres($postgres_port);
    local $ENV{DATA_SOURCE_NAME} = "postgresql://postgres:postgres\@127.0.0.1:$postgres_port/postgres?sslmode=disable";
    $exporter = spawn_program("$folder/exporter.log", 'prometheus-postgres-exporter', "--web.listen-address=127.0.0.1:$exporter_port");
}
my $prometheus = spawn_program("$folder/prometheus.log", 'prometheus', "--config.file=$folder/prometheus.yml", "--storage.tsdb.path=$folder/data",
    "--web.listen-address=127.0.0.1:$prometheus_port", '--log.level=warn');

sub ask { my ($target) = @_; return request($nginx->port, GET => $target)->{code} }
sub work {
    ask($_) for '/api/?k=a', '/api/?k=b', '/watched/?k=a', '/login', '/', '/broken', '/inspected?a=fine', '/inspected?a=attack';
    post_form($nginx->port, '/upload', ['a.txt', "say stream: OK\\0\n"]);
    post_form($nginx->port, '/upload', ['a.txt', "say stream: X FOUND\\0\n"]);
    return;
}

# The values of a query; none: Prometheus does not answer yet, or has no data.
sub values_of {
    my ($query) = @_;
    my $escaped = join '', map { sprintf '%%%02x', ord } split //, $query;
    my $answer = eval { request($prometheus_port, GET => "/api/v1/query?query=$escaped") } or return;
    my $json = eval { JSON::PP->new->utf8->decode($answer->{body}) } or return;
    die "$query: $json->{error}\n" if ($json->{status} // '') ne 'success';
    my $result = $json->{data}{result};
    return grep { $_ ne 'NaN' } map { $_->{value}[1] } @$result;
}

my %waiting = map { $_->[1] => $_->[0] } @queries;
my %wanted = %waiting;
wait_for(sub {
    work();
    for my $expression (sort keys %waiting) {
        delete $waiting{$expression} if values_of($expression =~ s/\$__rate_interval/10s/gr =~ s/\$instance/.*/gr);
    }
    return !%waiting;
}, 40);
ok !exists $waiting{$_}, "$wanted{$_}: $_" for sort keys %wanted;
diag slurp("$folder/prometheus.log") if %waiting;

# Rules are evaluated, and none of them fires that has no reason to.
my $answer = JSON::PP->new->utf8->decode(request($prometheus_port, GET => '/api/v1/rules')->{body});
my %state = map { $_->{name} => $_ } map { @{ $_->{rules} } } @{ $answer->{data}{groups} };
is_deeply [sort keys %state], [sort @alerts], 'Prometheus has all rules';
is_deeply [grep { $state{$_}{health} ne 'ok' } sort keys %state], [], 'and can evaluate them';
is_deeply [grep { $state{$_}{state} eq 'firing' && !/^GuardCertificateExpires$/ } sort keys %state], [], 'none fires yet';

# What the rules of PostgreSQL ask for, its exporter has.
SKIP: {
    skip 'no PostgreSQL on this machine (scripts/setup --test)', 2 if !$exporter;
    ok wait_for(sub { my ($up) = values_of('pg_up'); return $up }, 30), 'PostgreSQL is up, says its exporter' or diag slurp("$folder/exporter.log");
    my ($expression) = $rules =~ /alert: GuardPostgresConnections\s+expr: (.*?) > /;
    my $share;
    ok wait_for(sub { ($share) = values_of($expression); return defined $share && $share > 0 && $share < 0.5 }, 30), 'and how many of its connections are taken' or diag $share;
    end_process($_, 10, 'INT') for $exporter, $postgres;
}
end_process($prometheus, 10, 'TERM');
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
done_testing;
