# guard_health_check of real databases, PostgreSQL and MariaDB: well, starting or full, hung, killed, and well again.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use JSON::PP ();
use Test::Nginx::Guard::Databases qw(have_databases database_root start_postgres start_mariadb postgres_file);
use Test::Nginx::Guard::Authority qw(authority);
use Test::Nginx::Guard::SlowProxy;
use Test::Nginx::Guard::TcpReply;

plan skip_all => 'no PostgreSQL and MariaDB on this machine (scripts/setup --test)' unless have_databases();

my ($pg_port, $my_port, $early_port, $mute_port, $odd_port) = map { free_port() } 1 .. 5;
# MariaDB blocks hosts that break off connections, after three here, but never 127.0.0.1.
my $from_elsewhere = Test::Nginx::Guard::SlowProxy->new($my_port, from => '127.0.0.2');
my $files = authority();
sub slurp { my ($name) = @_; open my $in, '<', $name or die "$name: $!\n"; local $/; return <$in> }
my $nginx = start_nginx(
    http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_health_check pg postgres://127.0.0.1:$pg_port interval=1s timeout=900ms fall=1;\n"
        . "guard_health_check maria mysql://127.0.0.1:$my_port interval=1s timeout=900ms fall=1;\n"
        . "guard_health_check elsewhere mysql://127.0.0.1:@{[ $from_elsewhere->port ]} interval=1s timeout=900ms fall=1 optional;\n"
        # Of these only TLS is looked at.
        . join('', map { "guard_health_check $_ interval=1s timeout=900ms fall=1 optional;\n" }
            "unverified postgres://127.0.0.1:$pg_port tls_verify=off", "verified postgres://127.0.0.1:$pg_port tls_ca=$files->{ca}",
            "named postgres://127.0.0.1:$pg_port tls_ca=$files->{ca} tls_name=redis.example", "misnamed postgres://127.0.0.1:$pg_port tls_ca=$files->{ca} tls_name=other.example",
            "stranger postgres://127.0.0.1:$pg_port tls_ca=$files->{other_ca}", "early postgres://127.0.0.1:$early_port", "mute postgres://127.0.0.1:$mute_port", "odd postgres://127.0.0.1:$odd_port"),
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
becomes('unverified', 'pass', undef, 'without TLS, where nobody asks for it');
becomes('verified', 'fail', qr/^the server offers no TLS\z/, 'but not where TLS is to be verified');
becomes('maria', 'pass', undef, 'MariaDB is well');

# Probes break off nothing, by whatever plugin MariaDB wants the user to log in; of users who are not there it takes that of another.
{
    my $sql = sub { my ($text) = @_; my $said = `mariadb --no-defaults -uroot -S @{[ database_root() ]}/maria/s -N -e "$text" 2>&1`; $? == 0 or die "$text: $said\n"; return $said };
    my $logins = sub { my ($count) = $sql->("SHOW GLOBAL STATUS LIKE 'Aborted_connects'") =~ /(\d+)/; return $count };
    $sql->("INSTALL SONAME 'auth_ed25519'");
    $sql->(join '', map { "CREATE USER other$_\@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x');" } 1 .. 40);
    becomes('elsewhere', 'pass', undef, 'probes from elsewhere');
    for my $plugin ('', "ed25519 USING PASSWORD('x')", "mysql_native_password USING PASSWORD('x')") {
        $sql->("CREATE OR REPLACE USER guard_health\@'%' IDENTIFIED VIA $plugin") if $plugin;
        # Those of 127.0.0.1 and of elsewhere.
        my $before = $logins->();
        ok wait_for(sub { $logins->() >= $before + 2 * 5 }, 30), 'more than it takes to be blocked';
        my $check = check_of('elsewhere');
        is $check->{status}, 'pass', 'no host is blocked: ' . ($plugin || 'nobody of that name') or diag explain $check;
    }
    $sql->('DROP USER guard_health');
}

kill STOP => $_ for $pg, $maria;
becomes('pg', 'fail', qr/^no answer in time\z/, 'PostgreSQL hangs');
becomes('maria', 'fail', qr/^no answer in time\z/, 'MariaDB hangs');
kill CONT => $_ for $pg, $maria;
becomes('pg', 'pass', undef, 'PostgreSQL goes on');
becomes('maria', 'pass', undef, 'MariaDB goes on');

kill KILL => $_ for $pg, $maria;
becomes('pg', 'fail', undef, 'PostgreSQL is dead');
becomes('maria', 'fail', undef, 'MariaDB is dead');
waitpid $_, 0 for $pg, $maria;

# Full: it answers, but takes nobody.
unlink database_root() . '/pg/data/postmaster.pid';
$pg = start_postgres($pg_port, max_connections => 1, superuser_reserved_connections => 0);
becomes('pg', 'pass', undef, 'PostgreSQL is back');
end_process($pg);

# TLS, for everybody but the one who must not come in at all: the server's log tells by which way he came.
my %tls = (ssl => 'on', ssl_cert_file => postgres_file('server.crt', slurp($files->{cert})), ssl_key_file => postgres_file('server.key', slurp($files->{key})));
postgres_file('data/pg_hba.conf', "host all guard_health all reject\n");
$pg = start_postgres($pg_port, %tls);
becomes('unverified', 'pass', undef, 'TLS that nobody looks at');
becomes('verified', 'pass', undef, 'TLS that is verified by its address');
becomes('named', 'pass', undef, 'and by another name');
becomes('misnamed', 'fail', qr/other\.example|name|host/i, 'not by one that the certificate has not');
becomes('stranger', 'fail', qr/certificate|issuer/i, 'nor by an authority that does not know it');
becomes('pg', 'fail', qr/certificate|issuer/i, 'the system does not know this one either');
my $log = slurp(database_root() . '/pg.log');
like $log, qr/rejects connection for host "127\.0\.0\.1", user "guard_health", database "guard_health", SSL encryption/, 'StartupMessage came over TLS';
unlike $log =~ s/.*rejects connection[^\n]*SSL encryption\n//sr, qr/rejects connection[^\n]*no encryption/, 'and never again without';
kill STOP => $pg;
becomes('verified', 'fail', qr/^no answer in time\z/, 'it hangs');
kill CONT => $pg;
becomes('verified', 'pass', undef, 'and goes on');
end_process($pg);

# What a server may say to SSLRequest besides.
my @fakes = map { Test::Nginx::Guard::TcpReply->new(target => $_->[0], reply => $_->[1], query_length => 8, delay => 0, no_close => 1, record => database_root() . "/fake-$_->[0]") }
    [$early_port, "SR\0\0\0\x17"], [$mute_port, 'S'], [$odd_port, ['S', 'no TLS at all, but many words of something else']];
becomes('early', 'fail', qr/^the server speaks before it was asked\z/, 'words before TLS count for nothing');
becomes('mute', 'fail', qr/^no answer in time\z/, 'a handshake that does not come to an end');
becomes('odd', 'fail', qr/\A(?!no answer)./, 'and one that is none');
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
my ($events) = read_events($nginx->log_file('events.log'));
my @reasons = map { $_->{event}{reason} } grep { $_->{labels}{kind} eq 'health_changed' && $_->{rule}{name} eq 'pg' } @$events;
cmp_ok scalar(@reasons), '>=', 7, 'each change is an event';
my $changes = join '', map { /verdict is pass now\z/ ? 'P' : /verdict is fail now: no answer in time\z/ ? 'L' : 'F' } @reasons;
# That a server that is well is late once more is the machine's doing.
1 while $changes =~ s/PLP/P/;
like $changes, qr/\AFP(?:[FL]P)?[FL]\z/, 'and nothing else' or diag join "\n", @reasons;

done_testing();
