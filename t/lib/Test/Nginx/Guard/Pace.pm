package Test::Nginx::Guard::Pace;

# The limits that a configuration sets for Redis, at the pace of nginx under valgrind or a sanitizer: there
# it needs longer for a turn of its event loop than the 50 ms that a command may wait. Where none is set, the test is
# not about it, and a machine that is busy for so long is no fault of what is tested: it is given more everywhere.

use strict;
use warnings;

use Exporter 'import';
use Test::Nginx::Guard::Wait;

our @EXPORT_OK = qw(at_our_pace);

# What a guard_redis has here that says nothing, and the most that it takes; milliseconds.
my %unsaid = (timeout => 1000, connect_timeout => 2000);
my $most    = 60_000;

sub milliseconds {
    my ($text) = @_;
    my ($number, $unit) = $text =~ /^(\d+)(ms|s|m)\z/ or return;
    return $number * { ms => 1, s => 1000, m => 60_000 }->{$unit};
}

# WORDS of one guard_redis with both limits, stretched by FACTOR. What is no time is left for nginx to complain of.
sub stretch {
    my ($words, $factor) = @_;
    for my $name (sort keys %unsaid) {
        my $limit = sub { my ($own) = @_; $own *= $factor; return ($own > $most ? $most : $own) . 'ms' };
        next if $words =~ s{(?<=\s)\Q$name\E=(\S+)}{"$name=" . (defined milliseconds($1) ? $limit->(milliseconds($1)) : $1)}e;
        $words .= " $name=" . $limit->($unsaid{$name});
    }
    return $words;
}

# The TEXT of a configuration with the limits of all its guard_redis stretched by FACTOR, that of Wait unless given.
sub at_our_pace {
    my ($text, $factor) = @_;
    $factor //= $Test::Nginx::Guard::Wait::Scale;
    return $text if !defined $text;
    $text =~ s{(\bguard_redis\s+\S+\s+(?:rediss?(?:\+\w+)?://|unix:|env:)[^;\n]*)(?=;)}{stretch($1, $factor)}ge;
    return $text;
}

1;
