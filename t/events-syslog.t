# Event logs in syslog: RFC 5424 over UDP, a Unix socket, and TCP with octet counting; a server that
# goes and comes back.

use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use Socket qw(SOCK_DGRAM SOL_SOCKET SO_RCVBUF);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Metrics qw(scrape parse_metrics);
use Test::Nginx::Guard::Refusals;
use Test::Nginx::Guard::Wait qw(patient);

my $json   = JSON::PP->new->utf8;
my $config = 'location / { guard_path strict; root html; }';

sub nginx_to {
    my ($where) = @_;
    return start_nginx(http_config => "guard_event_log $where;", config => $config, no_root_location => 1);
}

sub ends_clean {
    my ($nginx, $name) = @_;
    is $nginx->stop, undef, "$name: stops";
    is_deeply [log_problems($nginx)], [], "$name: log";
    return;
}

# The next COUNT datagrams; fewer if they do not come.
sub datagrams {
    my ($socket, $count) = @_;
    my @got;
    my $select = IO::Select->new($socket);
    while (@got < $count && $select->can_read(patient(5))) {
        $socket->recv(my $datagram, 65536);
        push @got, $datagram;
    }
    return @got;
}

# MESSAGE by RFC 5424, section 6, with the JSON of KIND in it.
sub is_message {
    my ($message, $priority, $tag, $kind, $name) = @_;
    my $ok = like $message, qr/\A<$priority>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [!-~]{1,255} \Q$tag\E \d+ $kind - \{[^\n]*\}\z/, "$name: RFC 5424";
    my ($time, $pid, $text) = $message =~ /\A<\d+>1 (\S+) \S+ \S+ (\d+) \S+ - (.*)\z/s;
    my $event = $ok ? $json->decode($text) : {};
    is $event->{'@timestamp'}, $time, "$name: its time is the event's";
    is $event->{process}{pid}, $pid,  "$name: its PROCID the worker's";
    is $event->{labels}{kind}, $kind, "$name: its MSGID the kind";
    return;
}

{
    my $name   = 'UDP';
    my $server = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 0) or die "UDP: $!\n";
    my $nginx  = nginx_to('syslog:server=127.0.0.1:' . $server->sockport . ',facility=auth,tag=shop min=warning');
    refuse($nginx, 3, 'u');
    my @got = datagrams($server, 3);
    is scalar(@got), 3, "$name: one datagram each";
    is_message($got[0] // '', 4 * 8 + 4, 'shop', 'path_refused', $name);
    ends_clean($nginx, $name);
}

{
    my $name  = 'Unix socket';
    my $nginx = make_nginx();
    my $path  = $nginx->root . '/log.socket';
    $nginx->configure(http_config => "guard_event_log syslog:server=unix:$path;", config => $config, no_root_location => 1);
    is $nginx->start, undef, "$name: starts though nobody listens";
    refuse($nginx, 3, 'before');
    ok wait_for(sub { $nginx->log_text =~ /\[error\] .*event log "syslog:server=unix:\S+" takes no lines, they are kept: No such file or directory/ }, 5), "$name: it is said that nobody does";
    my $server = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "$path: $!\n";
    my @got = datagrams($server, 4);
    is_message($got[0] // '', 23 * 8 + 6, 'guard', 'config_loaded', "$name, kept");
    is_message($got[3] // '', 23 * 8 + 4, 'guard', 'path_refused',  "$name, kept");
    refuse($nginx, 200, 'after');
    is scalar(datagrams($server, 200)), 200, "$name: all of a burst";
    ends_clean($nginx, $name);
}

# Nobody listens, which UDP says with the next datagram only: what is lost is not told to who is not there, or each
# such line would beget the next.
{
    my $name   = 'UDP, nobody there';
    my $taken  = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 0) or die "UDP: $!\n";
    my $port   = $taken->sockport;
    my $nginx  = make_nginx();
    $nginx->configure(http_config => "guard_event_log syslog:server=127.0.0.1:$port min=warning;\nguard_event_log " . $nginx->log_file('events.log') . ';', config => $config, no_root_location => 1);
    close $taken;
    is $nginx->start, undef, "$name: starts";
    refuse($nginx, 3, 'n');
    ok wait_for(sub { $nginx->log_text =~ /\[error\] .*takes no lines, they are kept: Connection refused/ }, 5), "$name: it is said";
    ok !wait_for(sub { events_of($nginx, qr/^events_lost/) }, 1), "$name: nothing else is, as long as nobody is there";
    my $server = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $port) or die "UDP: $!\n";
    refuse($nginx, 1, 'back');
    my @got = datagrams($server, 2);
    like $got[0] // '', qr/back-1%2f/, "$name: the next line finds somebody";
    like $got[1] // '', qr/"kind":"events_lost","count":"3"/, "$name: who is told what was lost";
    is scalar(() = $nginx->log_text =~ /takes no lines/g), 1, "$name: one line";
    ok wait_for(sub { events_of($nginx, qr/^events_lost/) == 1 }), "$name: one event";
    ends_clean($nginx, $name);
}

# Who is there and reads nothing is slow at first, and then as good as gone.
{
    my $name   = 'Unix socket, hung';
    my $nginx  = make_nginx();
    my $path   = $nginx->root . '/log.socket';
    my $server = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "$path: $!\n";
    $nginx->configure(http_config => "guard_event_log syslog:server=unix:$path min=warning;", config => $config, no_root_location => 1);
    is $nginx->start, undef, "$name: starts";
    my $begin = time;
    refuse($nginx, 1000, 'n');
    # For five seconds, which may be over on a slow machine.
    ok $nginx->log_text !~ /takes no lines/ || time - $begin >= 5, "$name: at first it is waited for";
    ok wait_for(sub { $nginx->log_text =~ /\[error\] .*takes no lines, they are kept: Resource temporarily unavailable/ }, 15), "$name: it is said that it takes none";
    my @got = datagrams($server, 1);
    push @got, datagrams($server, 1) while @got < 2000 && ($got[-1] // '') !~ /events_lost/ && defined $got[-1];
    my ($lost) = ($got[-1] // '') =~ /"kind":"events_lost","count":"(\d+)"/;
    is scalar(grep { /"kind":"path_refused"/ } @got) + ($lost // 0), 1000, "$name: once it reads, what was kept comes";
    is scalar(() = $nginx->log_text =~ /takes no lines/g), 1, "$name: one line";
    ends_clean($nginx, $name);
}

{
    my $name   = 'TCP, hung';
    my $server = IO::Socket::INET->new(Proto => 'tcp', Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "TCP: $!\n";
    setsockopt $server, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096 or die "SO_RCVBUF: $!\n";
    my $nginx = nginx_to('syslog:server=127.0.0.1:' . $server->sockport . ',proto=tcp min=warning');
    refuse($nginx, 8000, 'n');
    ok wait_for(sub { $nginx->log_text =~ /\[error\] .*takes no lines, they are kept: / }, 15), "$name: it is said that it takes none";
    my $peer = $server->accept;
    my ($bytes, $lost) = ('');
    my $select = IO::Select->new($peer);
    while ($bytes !~ /"kind":"events_lost"[^\n]*\z/ && $select->can_read(patient(5))) { sysread $peer, $bytes, 65536, length $bytes or last }
    ($lost) = $bytes =~ /"kind":"events_lost","count":"(\d+)"/;
    is scalar(() = $bytes =~ /"kind":"path_refused"/g) + ($lost // 0), 8000, "$name: once it reads, what was kept comes";
    is scalar(() = $nginx->log_text =~ /takes no lines/g), 1, "$name: one line";
    refuse($nginx, 1, 'more');
    ok wait_for(sub { $select->can_read(1) && sysread($peer, $bytes, 65536, length $bytes) && $bytes =~ /more-1%2f/ }, 5), "$name: and it goes on";
    # One that has had nothing to take for so long that it may have been closed for that is no outage.
    select undef, undef, undef, 5.5;
    close $peer;
    refuse($nginx, 1, 'later');
    ok(IO::Select->new($server)->can_read(patient(5)), "$name: idle, closed and opened again");
    $peer = $server->accept;
    $bytes = '';
    ok wait_for(sub { IO::Select->new($peer)->can_read(1) && sysread($peer, $bytes, 65536, length $bytes) && $bytes =~ /later-1%2f/ }, 5), "$name: without a loss";
    is scalar(() = $nginx->log_text =~ /takes no lines/g), 1, "$name: nor is an outage said";
    ends_clean($nginx, $name);
}

# The messages of a TCP stream by their counts; what is left is an incomplete one.
sub frames {
    my ($bytes) = @_;
    my @frames;
    while ($bytes =~ /\A([1-9]\d{0,4}) /) {
        my $from = length($1) + 1;
        last if length($bytes) < $from + $1;
        push @frames, substr $bytes, $from, $1;
        $bytes = substr $bytes, $from + $1;
    }
    return ($bytes, @frames);
}

{
    my $name   = 'TCP';
    my $listen = sub {
        my ($port) = @_;
        return IO::Socket::INET->new(Proto => 'tcp', LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 5, ReuseAddr => 1) || die "TCP: $!\n";
    };
    # None of those that the kernel gives to others in the meantime, or to nginx itself as it tries to connect.
    my $port   = free_port();
    my $server = $listen->($port);
    my $nginx  = nginx_to("syslog:server=127.0.0.1:$port,proto=tcp min=warning");

    # Until nothing has come for a while, or COUNT messages are there.
    my $receive = sub {
        my ($peer, $done) = @_;
        my ($bytes, @frames) = ('');
        my $select = IO::Select->new($peer);
        while (!$done->(@frames) && $select->can_read(patient(5))) {
            sysread $peer, $bytes, 65536, length $bytes or last;
            ($bytes, my @more) = frames($bytes);
            push @frames, @more;
        }
        is $bytes, '', "$name: no part of a message is left";
        return @frames;
    };

    refuse($nginx, 100, 'first');
    my $peer   = $server->accept;
    my @frames = $receive->($peer, sub { @_ >= 100 });
    is scalar(@frames), 100, "$name: all of them";
    is_message($frames[0] // '', 23 * 8 + 4, 'guard', 'path_refused', $name);
    is scalar(grep { /"sequence":(\d+)/ && $1 == 1 } $frames[0]), 1, "$name: numbered from 1";

    close $peer;
    close $server;
    refuse($nginx, 700, 'gone');
    ok wait_for(sub { $nginx->log_text =~ /\[error\] .*event log "syslog:\S+" takes no lines, they are kept: / }, 5), "$name: an outage is said";
    is scalar(() = $nginx->log_text =~ /takes no lines/g), 1, "$name: once";
    $server = $listen->($port);
    ok(IO::Select->new($server)->can_read(patient(5)), "$name: nginx comes back");
    $peer = $server->accept;
    my @back = $receive->($peer, sub { grep { /events_lost/ } @_ });
    my ($lost) = map { /"kind":"events_lost","count":"(\d+)"/ ? $1 : () } @back;
    cmp_ok $lost // 0, '>', 100, "$name: what was too much is lost";
    is scalar(grep { /"kind":"path_refused"/ } @back) + ($lost // 0), 700, "$name: and counted exactly";
    refuse($nginx, 1, 'quit');
    is $nginx->stop, undef, "$name: stops";
    like join('', $receive->($peer, sub { 0 })), qr/quit-1%2f/, "$name: a worker that quits writes what it has";
    is_deeply [log_problems($nginx)], [], "$name: log";
}

# What a worker has kept until it ends is lost with it, which is counted, and told where somebody listens.
{
    my $name  = 'a worker that ends';
    my $where = 'syslog:server=127.0.0.1:' . free_port() . ',proto=tcp';
    my $nginx = start_nginx(
        http_config      => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_event_log $where;",
        config           => "location = /metrics { guard_metrics; }\n$config",
        no_root_location => 1
    );
    refuse($nginx, 7, 'kept');
    ok wait_for(sub { $nginx->log_text =~ /\[error\].*takes no lines, they are kept/ }), "$name: keeps its lines";
    is $nginx->hup, undef, "$name: reloads";
    ok wait_for(sub { events_of($nginx, qr/^events_lost/) }), "$name: tells the other log";
    my ($told) = events_of($nginx, qr/^events_lost/);
    is_deeply [$told->{labels}{count}, $told->{event}{reason}], [8, qq(Lines for "$where" could not be written)], "$name: how many";
    is parse_metrics(scrape($nginx->port, '/metrics')->{body})->{qq(guard_event_log_lines_total{log="$where",result="lost"})}, 8, "$name: and counts them";
    is $nginx->stop, undef, "$name: stops";
}

done_testing;
