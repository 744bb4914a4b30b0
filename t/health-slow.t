# guard_health_check of PostgreSQL, MariaDB and Redis that are well but slow: within warn=, above it, above timeout=, and back.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Databases qw(have_databases start_postgres start_mariadb);
use Test::Nginx::Guard::SlowProxy;

plan skip_all => 'no PostgreSQL and MariaDB on this machine (scripts/setup --test)' unless have_databases();

# Seconds, at the pace of this machine.
my ($warn, $timeout) = (scaled(0.3), scaled(1.8));
my %port  = (pg => free_port(), maria => free_port());
my $redis = start_redis();
my $pg    = start_postgres($port{pg});
my $maria = start_mariadb($port{maria});
my %proxy = map { $_->[0] => Test::Nginx::Guard::SlowProxy->new($_->[1]) } ['pg', $port{pg}], ['maria', $port{maria}], ['store', $redis->port];
my $limits = sprintf 'interval=%dms timeout=%dms warn=%dms fall=1', map { 1000 * $_ } $timeout, $timeout, $warn;
my $nginx = start_nginx(
    # The harness stretches guard_redis by itself.
    http_config => <<"EOC",
guard_event_log \$TEST_NGINX_EVENT_LOG;
guard_redis store redis://127.0.0.1:@{[ $proxy{store}->port ]} timeout=1800ms connect_timeout=1800ms;
guard_health_check pg postgres://127.0.0.1:@{[ $proxy{pg}->port ]} tls_verify=off $limits;
guard_health_check maria mysql://127.0.0.1:@{[ $proxy{maria}->port ]} $limits;
guard_health_check store redis:store interval=@{[ 1000 * $timeout ]}ms warn=@{[ 1000 * $warn ]}ms fall=1;
EOC
    config => "location / { guard_health; }\n");

my $answer;
sub checks {
    $answer = request($nginx->port, GET => '/');
    my $json = JSON::PP->new->decode($answer->{body});
    return { map { $_ => $json->{checks}{"$_:responseTime"}[0] } qw(pg maria store) };
}
# All of them, once they are.
sub become {
    my ($status, $output, $title) = @_;
    my $got;
    wait_for(sub { $got = checks(); !grep { $_->{status} ne $status } values %$got }, 30);
    is_deeply { map { $_ => $got->{$_}{status} } keys %$got }, { map { $_ => $status } qw(pg maria store) }, $title or diag(explain $got);
    for my $name (sort keys %$got) {
        $output ? like($got->{$name}{output}, $output->{$name} // $output->{''}, "$name says why") : ok(!exists $got->{$name}{output}, "$name says nothing");
    }
    return $got;
}
sub slow { $_->delay($_[0]) for values %proxy; return }

become('pass', undef, 'quick');
is $answer->{code}, 200, 'is well';

# Of two answers one after the other, which both are late.
slow($warn * 1.1);
my $got = become('warn', { '' => qr/\Athe answer took long\z/ }, 'slow');
is $answer->{code}, 200, 'is a warning';
cmp_ok $got->{$_}{observedValue}, '>=', 1000 * $warn, "$_: how slow is said" for sort keys %$got;

slow($timeout * 2);
become('fail', { '' => qr/\Ano answer in time\z/, store => qr/timeout|in time|within/ }, 'slower than the timeout');
is $answer->{code}, 503, 'is a failure';

slow(0);
become('pass', undef, 'quick again');
is $answer->{code}, 200, 'is well again';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
end_process($_) for $pg, $maria;
my ($events) = read_events($nginx->log_file('events.log'));
for my $name (qw(pg maria store)) {
    my @changes = map { $_->{event}{reason} // '' } grep { $_->{labels}{kind} eq 'health_changed' && $_->{rule}{name} eq $name } @$events;
    # The first look may come before the server takes anybody.
    cmp_ok scalar @changes, '>=', 3, "$name: each change is an event";
}
done_testing;
