# Counts that several workers share, that survive a reload, and that a changed zone loses with a notice.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $locations = <<'EOC';
root html;
location /gcra/ { guard_rate gcra; alias html/; }
location /log/ { guard_rate log; alias html/; }
EOC

sub http_config {
    my ($gcra, $log) = @_;
    return "guard_rate_policy gcra $gcra key=all;\nguard_rate_policy log $log key=all algorithm=sliding_log;\n";
}

# The codes of COUNT requests to TARGET by each of CLIENTS processes at once: {code => how often}.
sub codes_of {
    my ($port, $target, $clients, $count) = @_;
    my @readers;
    for (1 .. $clients) {
        pipe(my $reader, my $writer) or die "pipe: $!";
        my $pid = fork() // die "fork: $!";
        if (!$pid) {
            my $text = '';
            for (1 .. $count) {
                my $response = request($port, GET => $target);
                $text .= ($response ? $response->{code} : 'none') . "\n";
            }
            print {$writer} $text;
            close $writer;
            require POSIX;
            POSIX::_exit(0);
        }
        close $writer;
        push @readers, [$reader, $pid];
    }
    my %codes;
    for my $one (@readers) {
        my ($reader, $pid) = @$one;
        while (my $line = <$reader>) { chomp $line; ++$codes{$line} }
        waitpid $pid, 0;
    }
    return \%codes;
}

# How many pieces of shared memory of 10m the master has.
sub zones_of_10m {
    my ($nginx) = @_;
    my $path = '/proc/' . $nginx->pid . '/maps';
    open my $in, '<', $path or die "$path: $!\n";
    no warnings 'portable';
    return scalar grep { /^(\w+)-(\w+) rw-s/ && hex($2) - hex($1) == 10 << 20 } <$in>;
}

my $nginx = start_nginx(
    workers     => 2,
    http_config => http_config('rate=70/day', 'rate=50/day'),
    config      => $locations
);

is_deeply codes_of($nginx->port, '/gcra/', 4, 25), { 200 => 70, 429 => 30 }, 'gcra: two workers admit exactly the quota';
is_deeply codes_of($nginx->port, '/log/',  4, 25), { 200 => 50, 429 => 50 }, 'sliding_log: two workers admit exactly the quota';

is $nginx->hup, undef, 'reloads';
is request($nginx->port, GET => '/gcra/')->{code}, 429, 'gcra: a reload keeps the count';
is request($nginx->port, GET => '/log/')->{code},  429, 'sliding_log: a reload keeps the count';

$nginx->configure(
    http_config => http_config('rate=70/day burst=100', 'rate=50/day zone=2m'),
    config      => $locations
);
is $nginx->hup, undef, 'reloads with a larger burst and another zone';
my $response = request($nginx->port, GET => '/gcra/');
is $response->{code}, 200, 'a larger burst lets more pass';
like header_of($response->{fields}, 'RateLimit'), qr/^"gcra";r=29;t=/, 'and keeps the count';
$response = request($nginx->port, GET => '/log/');
like header_of($response->{fields}, 'RateLimit'), qr/^"log";r=49;t=/, 'a resized zone begins anew';
like $nginx->log_text,
    qr/\[notice\].* zone "guard_rate:log" is resized from 10485760 to 2097152 bytes, what it held is lost/, 'and says so';

$nginx->configure(
    http_config => http_config('rate=71/day burst=100', 'rate=50/day zone=2m'),
    config      => $locations
);
is $nginx->hup, undef, 'reloads with another rate';
$response = request($nginx->port, GET => '/gcra/');
like header_of($response->{fields}, 'RateLimit'), qr/^"gcra";r=99;t=/, 'another rate begins anew';
like $nginx->log_text, qr/\[notice\].* zone "guard_rate:gcra" is laid out anew, what it held is lost/, 'and says so';
is zones_of_10m($nginx), 1, 'and the master keeps no memory that nobody uses';

is $nginx->hup, undef, 'reloads what was laid out anew';
is zones_of_10m($nginx), 1, 'whose memory stays';
$response = request($nginx->port, GET => '/gcra/');
like header_of($response->{fields}, 'RateLimit'), qr/^"gcra";r=98;t=/, 'with its count';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

done_testing();
