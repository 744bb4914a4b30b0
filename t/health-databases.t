# guard_health_check of real databases, PostgreSQL and MariaDB: well, starting or full, hung, killed, and well again.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use JSON::PP ();
use Test::Nginx::Guard::Databases qw(have_databases database_root start_postgres start_mariadb);

plan skip_all => 'no PostgreSQL and MariaDB on this machine (scripts/setup --test)' unless have_databases();

my ($pg_port, $my_port) = (free_port(), free_port());
my $nginx = start_nginx(
    http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_health_check pg postgres://127.0.0.1:$pg_port interval=1s timeout=300ms fall=1;\n"
        . "guard_health_check maria mysql://127.0.0.1:$my_port interval=1s timeout=300ms fall=1;\n",
    config => "location = /health { guard_health; }\n"
);

sub check_of {
    my ($name) = @_;
    my $json = JSON::PP->new->decode(request($nginx->port, GET => '/health')->{body});
    return $json->{checks}{"$name:responseTime"}[0];
}
sub becomes {
    my ($name, $status, $output, $title) = @_;
    my $got;
    ok wait_for(sub { $got = check_of($name); $got->{status} eq $status && (!defined $output || ($got->{output} // '') =~ $output) }, 30), $title or diag(explain $got);
    return;
}

becomes('pg', 'fail', qr/Connection refused/, 'PostgreSQL refuses');
becomes('maria', 'fail', qr/Connection refused/, 'MariaDB refuses');
my $pg    = start_postgres($pg_port);
my $maria = start_mariadb($my_port);
becomes('pg', 'pass', undef, 'PostgreSQL is well');
becomes('maria', 'pass', undef, 'MariaDB is well');

kill STOP => $_ for $pg, $maria;
becomes('pg', 'fail', qr/^no answer in time\z/, 'PostgreSQL hangs');
becomes('maria', 'fail', qr/^no answer in time\z/, 'MariaDB hangs');
kill CONT => $_ for $pg, $maria;
becomes('pg', 'pass', undef, 'PostgreSQL goes on');
becomes('maria', 'pass', undef, 'MariaDB goes on');

# MariaDB blocks hosts that break off connections, three here: probes are none of those.
my $errors = sub { my @rows = `mariadb --no-defaults -uroot -S @{[ database_root() ]}/maria/s -N -e "SHOW GLOBAL STATUS LIKE 'Connection_errors%'"`; my $sum = 0; $sum += (split)[1] for @rows; return $sum };
is $errors->(), 0, 'probes are no connection errors';

kill KILL => $_ for $pg, $maria;
becomes('pg', 'fail', undef, 'PostgreSQL is dead');
becomes('maria', 'fail', undef, 'MariaDB is dead');
waitpid $_, 0 for $pg, $maria;

# Full: it answers, but takes nobody.
unlink database_root() . '/pg/data/postmaster.pid';
$pg = start_postgres($pg_port, max_connections => 1, superuser_reserved_connections => 0);
becomes('pg', 'pass', undef, 'PostgreSQL is back');
end_process($pg);
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
my ($events) = read_events($nginx->log_file('events.log'));
my @kinds = map { $_->{labels}{kind} } grep { $_->{rule}{name} eq 'pg' } grep { $_->{labels}{kind} eq 'health_changed' } @$events;
is scalar(@kinds), 6, 'each change is an event, and nothing else';

done_testing();
