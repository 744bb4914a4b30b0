# scripts/demo/incident: what goes wrong with a running demo is noticed by a real Prometheus, delivered by a real Alertmanager, and over
# when it is repaired.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard::Wait qw(patient);

my $said = `scripts/demo/incident --seconds @{[ patient(90) ]} 2>&1`;
is $?, 0, 'the incident ends well' or diag $said;
like $said, qr/^\s*[\d.]+s  all of it was noticed, told, and is over$/m, 'and says so';

# The storm lasts a while on a slow machine: its alert may be told before the last password has been guessed.
cmp_ok index($said, (14 * 5) . ' passwords were guessed, by a list'), '>', index($said, 'nothing is wrong'), 'a login storm';

my $rest = $said;
for (
    ['the demo runs, Prometheus scrapes it, nothing is wrong', 'at first all is well'],
    ['GuardCredentialStuffing is firing, says a webhook', 'a login storm is an alert'],
    ['Redis was killed', 'Redis goes'],
    ['the application was killed: requests fail from now on', 'and the application'],
    ['the repair begins', 'then somebody comes'],
    ['Redis and the application run again, and the database; the disk has room', 'and all is repaired'],
) {
    my ($text, $title) = @$_;
    my $at = index $rest, $text;
    cmp_ok $at, '>=', 0, $title or next;
    $rest = substr $rest, $at;
}

# On a machine where this may not mount anything, the disk cannot be filled.
my $mountable = index($said, 'left out: the full disk') < 0;
is $mountable, index($said, 'a disk is almost full') >= 0, 'a disk is filled, or that is said to be left out';
note 'left out: the full disk, since no tmpfs may be mounted here' if !$mountable;
my $database = index($said, 'left out: the database') < 0;
is $database, index($said, 'the database was killed') >= 0, 'a database is killed, or that is said to be left out';
for (
    ['GuardRedisDown', 'webhook'], ['GuardRedisDown', 'mail'], ['GuardHighErrorRate', 'webhook'], ['GuardHealthCheckFailing', 'mail'],
    ['GuardCredentialStuffing', 'webhook'], $database ? (['GuardDatabaseDown', 'webhook'], ['GuardDatabaseDown', 'mail']) : (), $mountable ? ['GuardDiskLow', 'mail'] : ()
) {
    my ($alert, $way) = @$_;
    my ($firing, $resolved) = (index($said, "$alert is firing, says a $way"), rindex $said, "$alert is resolved, says a $way");
    ok $firing >= 0 && $resolved > $firing, "$alert is told by $way, and that it is over";
    # Redis is back before the application has started, and that may be told at once.
    cmp_ok $resolved, '>', index($said, 'the repair begins'), "$alert: not before it was repaired" if $alert ne 'GuardCredentialStuffing';
}
done_testing;
