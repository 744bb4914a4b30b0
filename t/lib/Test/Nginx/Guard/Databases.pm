package Test::Nginx::Guard::Databases;

# Real PostgreSQL and MariaDB, with data of their own, which are still there when they are started again.

use strict;
use warnings;

use Exporter 'import';
use File::Temp qw(tempdir);
use Test::Nginx::Guard::Process qw(spawn_program);

our @EXPORT_OK = qw(have_databases database_root start_postgres start_mariadb postgres_file);

my ($postgres_bin) = sort glob '/usr/lib/postgresql/*/bin';
sub have_databases { return $postgres_bin && -x '/usr/sbin/mariadbd' }

my $root = tempdir('guard-db-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $root;

# The folder of all of it: pg/, maria/ (with the socket "s"), and logs.
sub database_root { return $root }

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

# Listens on PORT, with user and password "postgres"; MORE are settings. Answers its process.
sub start_postgres {
    my ($port, %more) = @_;
    my $data = "$root/pg/data";
    if (!-d $data) {
        owned('pg', 'postgres');
        open my $password, '>', "$root/password" or die $!;
        print {$password} "postgres\n";
        close $password;
        quiet(as_user('postgres'), "$postgres_bin/initdb", '-D', $data, '-A', 'scram-sha-256', '-U', 'postgres', "--pwfile=$root/password", '--no-sync');
    }
    return spawn_program("$root/pg.log", as_user('postgres'), "$postgres_bin/postgres", '-D', $data, '-p', $port, '-c', 'listen_addresses=127.0.0.1', '-c', "unix_socket_directories=$root/pg",
        '-c', 'fsync=off', map { ('-c', "$_=$more{$_}") } keys %more);
}

# A file that PostgreSQL alone can read, as it wants its key to be; answers its name.
sub postgres_file {
    my ($name, $text) = @_;
    open my $out, '>', "$root/pg/$name" or die "$root/pg/$name: $!\n";
    print {$out} $text;
    close $out;
    chmod 0600, "$root/pg/$name";
    chown +(getpwnam 'postgres')[2, 3], "$root/pg/$name" if $> == 0;
    return "$root/pg/$name";
}

# The same of MariaDB. A server that starts removes what others have in the same directory for
# temporary tables.
sub start_mariadb {
    my ($port) = @_;
    my $data  = "$root/maria/data";
    my @where = ("--datadir=$data", "--tmpdir=$root/maria");
    if (!-d $data) {
        owned('maria', 'mysql');
        quiet(as_user('mysql'), 'mariadb-install-db', '--no-defaults', @where, '--auth-root-authentication-method=normal', '--skip-test-db');
    }
    return spawn_program("$root/maria.log", as_user('mysql'), '/usr/sbin/mariadbd', '--no-defaults', @where, "--port=$port", '--bind-address=127.0.0.1', "--socket=$root/maria/s", "--pid-file=$root/maria/pid",
            '--innodb-buffer-pool-size=8M', '--innodb-flush-log-at-trx-commit=0', '--max-connect-errors=3', '--skip-log-bin');
}

1;
