package Test::Nginx::Guard::Ending;

# How an nginx ends, and what it has then said.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard qw(log_problems);
use Test::Nginx::Guard::Events qw(events_of);

our @EXPORT_OK = qw(ends_well redis_events);

# The kinds of what it has told of Redis.
sub redis_events {
    my ($nginx) = @_;
    return map { $_->{labels}{kind} } events_of($nginx, qr/^redis_/);
}

# It quits when told to, and its log is clean. Words: events (the kinds of what it has told of Redis, exactly;
# not looked at unless given), allowed (levels that the log may have), empties (a Redis of the file's own, which is
# emptied for the next one).
sub ends_well {
    my ($nginx, $name, %word) = @_;
    Test::More::is($nginx->stop('QUIT'), undef, "$name: quits at once");
    if ($word{events}) {
        Test::More::is_deeply([redis_events($nginx)], $word{events}, "$name: events") or Test::More::diag($nginx->log_text);
    }
    Test::More::is_deeply([log_problems($nginx, @{ $word{allowed} // [] })], [], "$name: nothing bad in the log");
    $word{empties}->run('FLUSHALL') if $word{empties};
    return;
}

1;
