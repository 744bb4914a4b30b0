package Test::Nginx::Guard::Wait;

# Waiting for a condition, never for a length of time.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

our @EXPORT_OK = qw(wait_for wait_within scaled patient);

# Programs under valgrind or sanitizers are slower; every limit is stretched by this factor.
our $Scale = $ENV{TEST_NGINX_USE_VALGRIND} ? 15 : $ENV{GUARD_TEST_ASAN} ? 3 : 1;

sub scaled { return $_[0] * $Scale }

# How long to wait, at the most, for what comes in SECONDS on a machine that does nothing else. It is generous: what
# does come costs no time, and a busy machine is no fault of what is tested.
sub patient { return 4 * scaled($_[0]) }

# Calls CONDITION until it returns something true, and returns that; undef after SECONDS.
sub wait_within {
    my ($seconds, $condition) = @_;
    my $end  = time + $seconds;
    my $step = 0.002;
    while (1) {
        my $value = $condition->();
        return $value if $value;
        return if time >= $end;
        select undef, undef, undef, $step;
        $step *= 1.5 if $step < 0.05;
    }
}

# The same for what must become true: it is given up, patiently, after TIMEOUT seconds (10 unless given).
sub wait_for {
    my ($condition, $timeout) = @_;
    return wait_within(patient($timeout // 10), $condition);
}

1;
