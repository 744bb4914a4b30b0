# Commands that Redis refuses while it is well otherwise: for want of a right, or since it does not know them. That is said, and
# an outage is told once, whatever else succeeds meanwhile.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well redis_events);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::TestCommand qw(needs_test_build start_asking said);

needs_test_build();

sub reasons { my ($nginx) = @_; return map { $_->{event}{reason} } events_of($nginx, qr/^redis_unavailable/) }

# As Redis 5 and 6 say it of a command in a script.
for my $case (
    ['OOM', "OOM command not allowed when used memory > 'maxmemory'.", 5],
    ['MISCONF', 'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.', 5],
    ['READONLY', "READONLY You can't write against a read only replica.", 1]
) {
    my ($name, $cause, $enough) = @$case;
    my $place = '@user_script:27: @user_script: 27: ';
    my $said  = "ERR Error running script (call to f_f73d40f2cb3d0b12ff0d9e2e2a8f6f1d7d0c2b0a): $place-$cause";
    my $fake  = start_fake_redis(answer => sub { my ($words) = @_; return $words->[0] eq 'INCR' ? "-$said\r\n" : undef });
    my $nginx = start_asking($fake->url, { '/incr' => '"send=INCR guard:n"' });
    like said($nginx), qr/^error ERR Error running script/, "in a script: $name" for 1 .. $enough;
    ok wait_for(sub { redis_events($nginx) }), "in a script: $name: it is unavailable";
    is((reasons($nginx))[0], $said, "in a script: $name: the reason");
    ends_well($nginx, "in a script: $name");
}

done_testing;
