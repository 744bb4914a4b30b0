package Test::Nginx::Guard::Wait;

# Waiting for a condition, never for a length of time.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

our @EXPORT_OK = qw(wait_for scaled);

# Programs under valgrind or sanitizers are slower; every limit is stretched by this factor.
our $Scale = $ENV{TEST_NGINX_USE_VALGRIND} ? 15 : $ENV{GUARD_TEST_ASAN} ? 3 : 1;

sub scaled { return $_[0] * $Scale }

# Calls CONDITION until it returns something true, and returns that; undef after TIMEOUT seconds
# (10 unless given).
sub wait_for {
    my ($condition, $timeout) = @_;
    my $end  = time + scaled($timeout // 10);
    my $step = 0.002;
    while (1) {
        my $value = $condition->();
        return $value if $value;
        return if time >= $end;
        select undef, undef, undef, $step;
        $step *= 1.5 if $step < 0.05;
    }
}

1;
