# What rate limits say on the event bus.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $nginx = start_nginx(
    http_config => <<'EOC',
guard_event_log $TEST_NGINX_EVENT_LOG;
guard_rate_policy user rate=1/day key=$arg_user;
guard_rate_policy tiny rate=2/day key=$arg_key zone=64k;
EOC
    config => <<'EOC');
root html;
location /user/ { guard_rate user; alias html/; }
location /dry/ { guard_rate user dry_run; alias html/; }
location /tiny/ { guard_rate tiny; alias html/; }
EOC

# Two keys, refused thrice each; a third one that is only observed.
request($nginx->port, GET => "/user/?user=$_") for qw(a b a b a b a b);
request($nginx->port, GET => "/dry/?user=$_")  for qw(c c c);

# Far more keys than the zone has entries, on one connection.
my $keys = 12_000;
for my $start (map { 500 * $_ } 0 .. $keys / 500 - 1) {
    my @requests = map { "HEAD /tiny/?key=$_ HTTP/1.1\r\nHost: x\r\n" . ($_ == $start + 499 ? "Connection: close\r\n" : '') . "\r\n" }
        $start .. $start + 499;
    my $result = request_raw($nginx->port, join('', @requests), expect => 500);
    my %codes;
    ++$codes{ $_->{code} } for @{ $result->{responses} };
    is_deeply \%codes, { 200 => 500 }, "a full table refuses nobody: $start" or last;
}
# Many at once on one key of each algorithm, by two workers: one of them says it.
my @algorithms = qw(gcra sliding_window sliding_log fixed_window);
my $crowd = start_nginx(
    workers     => 2,
    http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\n"
        . join('', map { "guard_rate_policy $_ rate=5/day key=\$arg_k algorithm=$_;\n" } @algorithms)
        . "guard_rate_policy windows rate=5/hour,6/day key=\$arg_k;\nguard_rate_policy missing rate=5/day key=\$arg_k empty=refuse;\n",
    config => "root html;\n" . join '', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms, 'windows', 'missing'
);
is_deeply hammer($crowd, "/$_/?k=a", clients => 6, count => 20)->{codes}, { 200 => 5, 429 => 115 }, "crowd: $_: the quota"
    for @algorithms, 'windows';
is_deeply hammer($crowd, '/missing/', clients => 6, count => 20)->{codes}, { 400 => 120 }, 'crowd: no key';
is_deeply hammer($crowd, '/gcra/?k=b', clients => 6, count => 20)->{codes}, { 200 => 5, 429 => 115 }, 'crowd: another key';
is $crowd->stop, undef, 'crowd: stops';
my %said;
++$said{ $_->{event}{code} . ' ' . ($_->{rule}{name} // '') } for grep { $_->{labels}{kind} eq 'rate_limited' } @{ (read_events($crowd->log_file('events.log')))[0] };
is_deeply \%said, {
    'rate.gcra gcra'                     => 2,
    'key.missing missing'                => 1,
    map { ("rate.$_ $_" => 1) } @algorithms[1 .. 3], 'windows'
}, 'crowd: one event for each key, however many are refused at once';
is_deeply [log_problems($crowd)], [], 'crowd: nothing bad in the log';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

my ($events) = read_events($nginx->log_file('events.log'));
my %by_kind;
push @{ $by_kind{ $_->{labels}{kind} } }, $_ for @$events;

my @limited = @{ $by_kind{rate_limited} // [] };
is_deeply [map { "$_->{rule}{name} $_->{event}{code}" } @limited], [('user rate.user') x 3], 'one event for each key and period';
is scalar(keys %{ { map { $_->{labels}{key_hash} => 1 } @limited } }), 3, 'each with the hash of its key';
like $_->{labels}{key_hash}, qr/^[0-9a-f]{16}\z/, 'which tells nothing' for @limited;

my @pressure = @{ $by_kind{table_pressure} // [] };
cmp_ok scalar @pressure, '>=', 1, 'the full table is reported';
is $pressure[0]{rule}{name}, 'tiny', 'with its policy';
my $lost = 0;
$lost += $_->{labels}{count} for @pressure;
cmp_ok $lost, '>', 0,     'and how many counts it gave up';
cmp_ok $lost, '<', $keys, 'no more than there were';

done_testing();
