package Test::Nginx::Guard::Authority;

# An authority of our own and what it has signed, made once a process: a certificate for servers
# (localhost, redis.example, 127.0.0.1) and one for clients; and another authority that signed neither.

use strict;
use warnings;

use Exporter 'import';
use File::Temp qw(tempdir);
use POSIX ();

our @EXPORT_OK = qw(authority);

my $made;

sub openssl {
    my (@words) = @_;
    my $pid = open my $out, '-|' // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec 'openssl', @words or print "$!\n";
        POSIX::_exit(127);
    }
    my $said = join '', <$out>;
    close $out or die "openssl @words: $said\n";
    return;
}

sub make_authority {
    my ($directory, $name) = @_;
    openssl(qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30),
        '-subj', "/CN=$name", '-out', "$directory/$name.crt", '-keyout', "$directory/$name.key");
    return;
}

sub make_certificate {
    my ($directory, $name, $alternatives) = @_;
    open my $extensions, '>', "$directory/$name.ext" or die "$directory/$name.ext: $!\n";
    print $extensions "subjectAltName=$alternatives\n";
    close $extensions;
    openssl(qw(req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes), '-subj', "/CN=$name",
        '-out', "$directory/$name.csr", '-keyout', "$directory/$name.key");
    openssl(qw(x509 -req -days 30 -CAcreateserial), '-in', "$directory/$name.csr", '-out', "$directory/$name.crt",
        '-CA', "$directory/ca.crt", '-CAkey', "$directory/ca.key", '-extfile', "$directory/$name.ext");
    return;
}

# {ca, cert, key, client_cert, client_key, other_ca}: paths of PEM files.
sub authority {
    return $made if $made;
    my $directory = tempdir('guard-ca-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    make_authority($directory, $_) for qw(ca other);
    make_certificate($directory, 'server', 'DNS:localhost,DNS:redis.example,IP:127.0.0.1');
    make_certificate($directory, 'client', 'DNS:client.example');
    return $made = {
        ca          => "$directory/ca.crt",
        cert        => "$directory/server.crt",
        key         => "$directory/server.key",
        client_cert => "$directory/client.crt",
        client_key  => "$directory/client.key",
        other_ca    => "$directory/other.crt"
    };
}

1;
