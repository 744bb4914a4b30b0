# The rsyslog example of docs/events.md as it is printed there, but for port and file: each event arrives as the line of
# JSON that it is, a long one as well, across a restart of rsyslog.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Refusals;

my $rsyslog = '/usr/sbin/rsyslogd';
plan skip_all => 'no rsyslog on this machine (scripts/setup --test)' if !-x $rsyslog;

my $page = do { open my $in, '<', 'docs/events.md' or die "docs/events.md: $!\n"; local $/; <$in> };
my ($example) = $page =~ m{^```\n(global\(maxMessageSize.*?)^```$}ms;
ok defined $example, 'the page has an example' or BAIL_OUT('none');

my $port  = free_port();
my $nginx = make_nginx();
my $root  = $nginx->root;
my $out   = "$root/guard.json";
$nginx->configure(
    http_config      => "guard_event_log syslog:server=127.0.0.1:$port,proto=tcp;\nlarge_client_header_buffers 4 64k;",
    config           => 'location / { guard_event_privacy query=on; guard_path strict; root html; }',
    no_root_location => 1
);
is $example =~ s{port="5514"}{port="$port"}g + $example =~ s{/var/log/guard\.json}{$out}g, 2, 'its port and its file';
$nginx->write_file('rsyslog.conf', $example);
is qx($rsyslog -N1 -f $root/rsyslog.conf 2>&1) =~ s/^rsyslogd: (?:version .*|End of config validation run\. Bye\.)\n//mgr, '', 'rsyslog has nothing to say of it';

my $listens = sub { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) };
sub start_rsyslog {
    my $pid = spawn(sub { exec $rsyslog, '-n', '-f', "$root/rsyslog.conf", '-i', 'NONE' or die "$rsyslog: $!\n" });
    ok wait_for($listens), 'rsyslog listens';
    return $pid;
}
sub paths {
    my ($events) = read_events($out);
    is scalar(grep { !defined } @$events), 0, 'every line is one event';
    return map { $_->{url}{path} } grep { $_->{labels}{kind} eq 'path_refused' } @$events;
}

my $pid = start_rsyslog();
is $nginx->start, undef, 'starts';
refuse($nginx, 200, 'first');
is request($nginx->port, GET => '/long%2f' . '"' x 10_000 . '?' . '"' x 10_000, headers => ['User-Agent: ' . "\e" x 30_000])->{code}, 400, 'a long one';
ok wait_for(sub { -e $out && (read_events($out))[1]->@* >= 202 }), 'all arrive';
my @got = paths();
is_deeply [@got[0 .. 199]], [expected_paths('first', 200)], 'in order';
my $last = (read_events($out))[1][-1];
cmp_ok length $last, '>', 4500, 'a long one as well';
like $last, qr/"truncated":"url\.path,url\.query,user_agent\.original"/, 'which Guard has cut, and nobody else';

end_process($pid);
ok wait_for(sub { !$listens->() }), 'rsyslog is gone';
refuse($nginx, 100, 'meanwhile');
$pid = start_rsyslog();
refuse($nginx, 100, 'later');
# What had left when the connection broke is lost, and not more.
ok wait_for(sub { (read_events($out))[1][-1] =~ /later-100%2f/ }, 10), 'and is there again';
my %there = map { $_ => 1 } paths();
is scalar(grep { !$there{$_} } expected_paths('later', 100)), 0, 'what came after that arrives';
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx, 'error')], [], 'log';
end_process($pid);
done_testing;
