# guard_health_check of real databases, PostgreSQL and MariaDB: well, starting or full, hung, killed, and well again.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use File::Temp qw(tempdir);
use Test::Nginx::Guard;
use JSON::PP ();
use Test::Nginx::Guard::Process qw(spawn_program);

my ($postgres_bin) = sort glob '/usr/lib/postgresql/*/bin';
plan skip_all => 'no PostgreSQL and MariaDB on this machine (scripts/setup --test)' unless $postgres_bin && -x '/usr/sbin/mariadbd';

my $root = tempdir('guard-db-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $root;

# Databases do not run as root.
sub as_user {
    my ($user) = @_;
    return $> == 0 ? ('setpriv', "--reuid=$user", "--regid=$user", '--clear-groups') : ();
}

sub quiet {
    my (@command) = @_;
    my $output = `@{[ map { quotemeta } @command ]} 2>&1`;
    die "$command[0] failed: $output\n" if $?;
    return;
}

sub owned {
    my ($name, $user) = @_;
    mkdir "$root/$name" or die $!;
    chown +(getpwnam $user)[2, 3], "$root/$name" if $> == 0;
    return "$root/$name";
}

sub start_postgres {
    my ($port, %more) = @_;
    my $data = "$root/pg/data";
    if (!-d $data) {
        owned('pg', 'postgres');
        quiet(as_user('postgres'), "$postgres_bin/initdb", '-D', $data, '-A', 'scram-sha-256', '-U', 'postgres', '--pwfile=/etc/hostname', '--no-sync');
    }
    return spawn_program("$root/pg.log", as_user('postgres'), "$postgres_bin/postgres", '-D', $data, '-p', $port, '-c', 'listen_addresses=127.0.0.1', '-c', "unix_socket_directories=$root/pg",
        '-c', 'fsync=off', map { ('-c', "$_=$more{$_}") } keys %more);
}

sub start_mariadb {
    my ($port) = @_;
    my $data = "$root/maria/data";
    if (!-d $data) {
        owned('maria', 'mysql');
        quiet(as_user('mysql'), 'mariadb-install-db', '--no-defaults', "--datadir=$data", '--auth-root-authentication-method=normal', '--skip-test-db');
    }
    return spawn_program("$root/maria.log", as_user('mysql'), '/usr/sbin/mariadbd', '--no-defaults', "--datadir=$data", "--port=$port", '--bind-address=127.0.0.1', "--socket=$root/maria/s", "--pid-file=$root/maria/pid",
            '--innodb-buffer-pool-size=8M', '--innodb-flush-log-at-trx-commit=0', '--max-connect-errors=3', '--skip-log-bin');
}

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
my $errors = sub { my @rows = `mariadb --no-defaults -uroot -S $root/maria/s -N -e "SHOW GLOBAL STATUS LIKE 'Connection_errors%'"`; my $sum = 0; $sum += (split)[1] for @rows; return $sum };
is $errors->(), 0, 'probes are no connection errors';

kill KILL => $_ for $pg, $maria;
becomes('pg', 'fail', undef, 'PostgreSQL is dead');
becomes('maria', 'fail', undef, 'MariaDB is dead');
waitpid $_, 0 for $pg, $maria;

# Full: it answers, but takes nobody.
unlink "$root/pg/data/postmaster.pid";
$pg = start_postgres($pg_port, max_connections => 1, superuser_reserved_connections => 0);
becomes('pg', 'pass', undef, 'PostgreSQL is back');
end_process($pg);
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
my ($events) = read_events($nginx->log_file('events.log'));
my @kinds = map { $_->{labels}{kind} } grep { $_->{rule}{name} eq 'pg' } grep { $_->{labels}{kind} eq 'health_changed' } @$events;
is scalar(@kinds), 6, 'each change is an event, and nothing else';

done_testing();
