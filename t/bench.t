# scripts/bench: what its parts make of what they measure, its words, and that it leaves nothing behind.

use strict;
use warnings;
use lib 't/lib';
use IPC::Run qw(run start timeout);
use POSIX qw(:sys_wait_h);
use Test::More;
use Test::Nginx::Guard::Wait qw(wait_for);

my @python = ('/usr/bin/python3', '-B');

sub output_of {
    my (@words) = @_;
    my $text = '';
    run([@words], '<', \undef, '>&', \$text, timeout(480));
    return ($? >> 8, $text);
}

my ($status, $text) = output_of(@python, 'scripts/bench.d/bench_test.py');
is $status, 0, 'bench_test.py passes' or diag $text;

# The words

($status, $text) = output_of('scripts/bench');
is $status, 0, 'no word: exit status';
is join(' ', $text =~ /^(\S+)/mg), 'proxy headers origin rate json schema openapi strict events metrics scrape inspect scale', 'no word: all cases';
for my $case (
    [['nothing'], qr/there is no case "nothing" \(there are: proxy, headers, origin, rate, json, schema, openapi, strict, events, metrics, scrape, inspect, scale\)$/],
    [[qw(rate --rounds 4)],  qr/at least 5 rounds of at least 1 second, please$/],
    [[qw(rate --seconds 0)], qr/at least 5 rounds of at least 1 second, please$/],
    [[qw(rate --only hot)],  qr/--only is for inspect alone$/],
    [['--fast'],             qr/unrecognized arguments: --fast$/]
    )
{
    my ($words, $complaint) = @$case;
    ($status, $text) = output_of('scripts/bench', @$words);
    is $status, 2, "@$words: exit status";
    like $text, $complaint, "@$words: says so";
}

# A run that is interrupted. nginx and Redis of that run are its children, or theirs.

sub lines_of { return grep { length } split /\n/, `$_[0] 2>/dev/null` }

sub descendants {
    my ($pid) = @_;
    my @own = map { split } lines_of("cat /proc/$pid/task/*/children");
    return map { ($_, descendants($_)) } @own;
}

sub is_there { my ($pid) = @_; return -d "/proc/$pid" && `cat /proc/$pid/stat 2>/dev/null` !~ /\) Z / }
sub network_of { my ($pid) = @_; return grep { /guard-bench-$pid-|\bgb$pid\b/ } lines_of('ip netns list; ip -br link') }

SKIP: {
    my @tools = grep { !-x "/usr/bin/$_" } qw(wrk gnuplot perf valgrind redis-server ip);
    skip "needs @tools: scripts/setup --bench", 8 if @tools;
    skip 'Debian\'s nginx does not load this build', 8 if $ENV{GUARD_TEST_ASAN};
    my $name = "guard-bench-$$-try";
    skip 'needs network namespaces', 8 if system("ip netns add $name 2>/dev/null") != 0;
    system("ip netns del $name");

    for my $signal (qw(INT TERM)) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            # What comes first is not what is tried here.
            open STDOUT, '>', '/dev/null';
            open STDERR, '>', '/dev/null';
            exec 'scripts/bench', '--quick', 'scale' or exit 127;
        }
        my @running;
        my $loaded = wait_for(sub {
            return 1 if waitpid($pid, WNOHANG) != 0;
            @running = descendants($pid);
            # wrk is under way, in at least one namespace, with nginx and Redis.
            return grep { `cat /proc/$_/comm 2>/dev/null` eq "wrk\n" } @running;
        }, 120);
        ok $loaded && is_there($pid), "$signal: it measures";
        cmp_ok scalar(network_of($pid)), '>=', 2, "$signal: it has a network";
        kill $signal, $pid;
        my $ended = wait_for(sub { return waitpid($pid, WNOHANG) != 0 }, 60);
        is $ended && $? >> 8, 130, "$signal: exit status";
        wait_for(sub { return !grep { is_there($_) } @running }, 10);
        is_deeply [(map { `cat /proc/$_/comm` } grep { is_there($_) } @running), network_of($pid)], [],
            "$signal: nothing is left";
    }
}

done_testing;
