package Test::Nginx::Guard::Refusals;

# Many refusals of guard_path in a short time, and what is found of them in event logs.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use POSIX ();
use Test::More ();
use Test::Nginx::Guard::Client qw(connect_to exchange);

our @EXPORT = qw(refuse many_clients paths_of expected_paths);

my $json = JSON::PP->new->utf8;

# COUNT refusals over one connection after the other, pipelined.
sub refuse {
    my ($nginx, $count, $tag) = @_;
    my $at_once = 100;
    my $sent = 0;
    while ($sent < $count) {
        my $n = $count - $sent < $at_once ? $count - $sent : $at_once;
        my $bytes = '';
        for my $i (1 .. $n) {
            my $last = $i == $n ? "Connection: close\r\n" : '';
            $bytes .= "GET /$tag-" . ($sent + $i) . "%2f HTTP/1.1\r\nHost: localhost\r\n$last\r\n";
        }
        my $result = exchange(connect_to(port => $nginx->port), [$bytes], expect => $n, methods => [('GET') x $n]);
        my $got = grep { $_->{code} == 400 } @{ $result->{responses} };
        die "$got of $n refused\n" if $got != $n;
        $sent += $n;
    }
    return;
}

# The paths of all refusals in TEXT; dies at a line that is no event. Checks the sequence numbers.
sub paths_of {
    my ($name, @texts) = @_;
    my (@paths, %sequences);
    my $bad = 0;
    for my $line (map { split /^/ } @texts) {
        my $event = eval { $json->decode($line) };
        if (ref $event ne 'HASH' || $line !~ /\n\z/) { $bad++; Test::More::diag("no event: $line"); next }
        push @{ $sequences{ $event->{process}{entity_id} } }, $event->{event}{sequence};
        push @paths, $event->{url}{path} if $event->{labels}{kind} eq 'path_refused';
    }
    Test::More::is $bad, 0, "$name: every line is one event";
    for my $worker (sort keys %sequences) {
        my @got = @{ $sequences{$worker} };
        Test::More::is "@got", "@{[1 .. @got]}", "$name: sequence of $worker";
    }
    return @paths;
}

sub expected_paths {
    my ($tag, $count) = @_;
    return map { "/$tag-$_%2f" } 1 .. $count;
}

sub many_clients {
    my ($nginx, $clients, $count) = @_;
    my @children;
    for my $client (1 .. $clients) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            my $ok = eval { refuse($nginx, $count, "c$client"); 1 };
            warn $@ if !$ok;
            POSIX::_exit($ok ? 0 : 1);
        }
        push @children, $pid;
    }
    return grep { waitpid($_, 0); $? } @children;
}

1;
