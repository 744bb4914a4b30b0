# checkpoints= of guard_event_log in syslog and in a Redis stream: what is kept there shows that a log was cut.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Guardctl qw(guardctl);
use Test::Nginx::Guard::Refusals;

my $json = JSON::PP->new->utf8;
my $dir  = tempdir(CLEANUP => 1);
my $key  = write_lines('key', "a secret of the tests\n");
chmod 0600, $key;

sub write_lines {
    my ($name, @lines) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$dir/$name: $!\n";
    print {$file} @lines;
    close $file or die "$dir/$name: $!\n";
    return "$dir/$name";
}

sub read_lines {
    my ($name) = @_;
    open my $file, '<:raw', $name or die "$name: $!\n";
    return <$file>;
}

# NAME of the place; DESTINATION of checkpoints=; what the place has now, as lines; whether a worker that ends in order says so there.
sub tried {
    my ($name, $destination, $kept, $says_end, $before) = @_;
    my $nginx = start_nginx(
        workers     => 2,
        http_config => ($before // '') . "\nguard_event_log \$TEST_NGINX_EVENT_LOG chain=file:$key checkpoints=$destination checkpoint_interval=200ms;",
        config           => 'location / { guard_path strict; root html; }',
        no_root_location => 1,
    );
    my $log = $nginx->log_file('events.log');
    my $lines = 1 + 40;  # config_loaded, which a worker that starts late writes behind the others' lines, and the refusals
    refuse($nginx, 40, 'first');
    my (%written, @checkpoints);
    ok wait_for(
        sub {
            @checkpoints = $kept->();
            my @written = grep { /\n\z/ } read_lines($log);    # what is being written is not whole yet
            %written = map { my $line = $json->decode($_); ($line->{process}{entity_id} => $line->{event}{sequence}) } @written;
            my %signed = map { my ($text) = /(\{.*\})/; my $line = $json->decode($text); ($line->{process}{entity_id} => $line->{guard}{checkpoint}{sequence}) } @checkpoints;
            return @written == $lines && !grep { ($signed{$_} // -1) != $written{$_} } keys %written;
        },
        30
    ), "$name: every line is signed";
    is $nginx->stop, undef, "$name: stops";
    is_deeply [log_problems($nginx)], [], "$name: log";
    @checkpoints = $kept->() if wait_for(sub { !$says_end || (grep { /"state":"end"/ } $kept->()) >= keys %written }, 5);

    my $checks = write_lines('checks', @checkpoints);
    my $verify = sub { return guardctl('events', 'verify', "--key=file:$key", "--checkpoints=$checks", @_) };
    my ($code, $out, $err) = $verify->($log);
    is_deeply [$code, $err], [0, ''], "$name: intact" or diag $out;
    my $notes = () = $out =~ /^note: \S+: tail unverified: /mg;
    is $notes, $says_end ? 0 : scalar(keys %written), $says_end ? "$name: to the end" : "$name: nothing says that no line was behind the last" or diag $out;

    my @lines = read_lines($log);
    # Of a worker that wrote more: of one without any line nobody knows whether it is of the time of the files.
    my ($entity) = sort { $written{$b} <=> $written{$a} } keys %written;
    my ($cut)    = grep { $lines[$_] =~ /"entity_id":"\Q$entity\E"/ } reverse 0 .. $#lines;
    splice @lines, $cut, 1;
    ($code, $out, $err) = $verify->(write_lines('cut', @lines));
    is $code, 1, "$name: cut off";
    like $out, qr/: missing: (?:number|all lines, numbers?) .*\Q$entity\E/, "$name: is found";
    return;
}

{
    my $server = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 0) or die "UDP: $!\n";
    my @kept;
    tried('syslog', 'syslog:server=127.0.0.1:' . $server->sockport, sub {
        while (IO::Select->new($server)->can_read(0)) {
            $server->recv(my $datagram, 65536);
            push @kept, "$datagram\n";
        }
        return @kept;
    }, 1);
    like $kept[0] // '', qr/\A<\d+>1 \S+ \S+ guard \d+ \S+ - \{"\@timestamp":"[^\n]*\}\n\z/, 'syslog: RFC 5424';
}
{
    my $redis = start_redis();
    tried('Redis', 'redis:main:proof', sub { return map { "$_->[1][1]\n" } @{ $redis->run('XRANGE', 'guard:proof', '-', '+') } }, 0, 'guard_redis main ' . $redis->url . ';');
}
done_testing;
