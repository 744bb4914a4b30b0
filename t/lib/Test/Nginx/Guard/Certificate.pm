package Test::Nginx::Guard::Certificate;

# A certificate of our own for localhost, made once a process.

use strict;
use warnings;

use Exporter 'import';
use File::Temp qw(tempdir);

our @EXPORT_OK = qw(certificate);

my ($directory, $made);

# (certificate file, key file); the files are there once `make => 1` was said.
sub certificate {
    my (%word) = @_;
    $directory //= tempdir('guard-cert-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my @files = ("$directory/localhost.crt", "$directory/localhost.key");
    if ($word{make} && !$made++) {
        my $said = qx{openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \\
            -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \\
            -out $files[0] -keyout $files[1] 2>&1};
        die "openssl: $said\n" if $?;
    }
    return @files;
}

1;
