package Test::Nginx::Guard::Metrics;

# What guard_metrics says, as numbers, and what promtool says of it.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use Test::Nginx::Guard::Client qw(connect_to exchange);

our @EXPORT_OK = qw(scrape parse_metrics promtool_says);

# The answer of TARGET, with ACCEPT if it is given.
sub scrape {
    my ($port, $target, $accept) = @_;
    my $field = defined $accept ? "Accept: $accept\r\n" : '';
    my $connection = connect_to(port => $port);
    my $result = exchange($connection, ["GET $target HTTP/1.1\r\nHost: localhost\r\n${field}Connection: close\r\n\r\n"], expect => 1, methods => ['GET']);
    return $result->{responses}[0];
}

# {NAME{LABELS} => value}; dies of a series that is there twice, or apart from its family.
sub parse_metrics {
    my ($text) = @_;
    my (%value, %done, $family);
    for my $line (split /\n/, $text) {
        next if $line =~ /^# (?:HELP|UNIT|EOF)/;
        if ($line =~ /^# TYPE (\S+)/) {
            die "$1 is there twice\n" if $done{$1}++;
            $family = $1;
            next;
        }
        my ($series, $value) = $line =~ /^(\S+?(?:\{.*?\})?) (\S+)(?: # .*)?\z/ or die "no sample: $line\n";
        die "$series is not of $family\n" unless index($series, $family) == 0;
        die "$series is there twice\n" if exists $value{$series};
        $value{$series} = $value;
    }
    return \%value;
}

# Empty: it has nothing to say.
sub promtool_says {
    my ($text) = @_;
    my $file = File::Temp->new;
    print $file $text;
    $file->flush;
    return scalar `promtool check metrics 2>&1 <\Q$file\E`;
}

1;
