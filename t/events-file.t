# The event log's file: many workers, rotation by renaming, named pipes, a disk without space.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use POSIX qw(mkfifo);
use IO::Select;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Refusals;

my $json = JSON::PP->new->utf8;

my $http_config = 'guard_event_log $TEST_NGINX_EVENT_LOG;';
my $config      = 'location / { guard_path strict; root html; }';

sub ends_clean {
    my ($nginx, $name) = @_;
    is $nginx->stop, undef, "$name: stops";
    is_deeply [log_problems($nginx)], [], "$name: log";
    return;
}

{
    my $name  = 'two workers';
    my $nginx = start_nginx(workers => 2, http_config => $http_config, config => $config, no_root_location => 1);
    is many_clients($nginx, 4, 1500), 0, "$name: all refused";
    ends_clean($nginx, $name);
    my @paths = paths_of($name, $nginx->log_text('events.log'));
    is join("\n", sort @paths), join("\n", sort map { expected_paths("c$_", 1500) } 1 .. 4), "$name: none lost, none twice";
}

{
    my $name  = 'rotation';
    my $nginx = start_nginx(workers => 2, http_config => $http_config, config => $config, no_root_location => 1);
    my $log   = $nginx->log_file('events.log');
    refuse($nginx, 200, 'before');
    rename $log, "$log.1" or die "rename: $!\n";
    refuse($nginx, 200, 'between');
    is $nginx->usr1, undef, "$name: USR1";
    ok wait_for(sub { -e $log }, 5), "$name: the file is there again";
    refuse($nginx, 200, 'after');
    ends_clean($nginx, $name);
    my @paths = paths_of($name, $nginx->log_text('events.log.1'), $nginx->log_text('events.log'));
    is join("\n", sort @paths), join("\n", sort map { expected_paths($_, 200) } qw(before between after)), "$name: none lost";
    cmp_ok scalar(() = $nginx->log_text('events.log') =~ /after-/g), '>', 0, "$name: the new file is written";
}

{
    my $name  = 'reload';
    my $nginx = start_nginx(workers => 2, http_config => $http_config, config => $config, no_root_location => 1);
    refuse($nginx, 50, 'before');
    is $nginx->hup, undef, "$name: HUP";
    refuse($nginx, 50, 'after');
    ends_clean($nginx, $name);
    my $text = $nginx->log_text('events.log');
    my @paths = paths_of($name, $text);
    is join("\n", sort @paths), join("\n", sort map { expected_paths($_, 50) } qw(before after)), "$name: none lost";
    is scalar(() = $text =~ /"config_loaded"/g), 2, "$name: config_loaded once for each configuration";
}

{
    my $name  = 'a worker that dies';
    my $nginx = start_nginx(workers => 1, http_config => $http_config, config => $config, no_root_location => 1);
    refuse($nginx, 5, 'before');
    my $written = sub { my ($tag) = @_; return wait_for(sub { $nginx->log_text('events.log') =~ /$tag-5%2f/ }) };
    ok $written->('before'), "$name: writes";
    my ($victim) = $nginx->worker_pids;
    kill KILL => $victim;
    ok wait_for(sub { grep { $_ != $victim } $nginx->worker_pids }), "$name: another one follows";
    refuse($nginx, 5, 'after');
    is $nginx->stop, undef, "$name: stops";
    is_deeply [log_problems($nginx, 'alert')], [], "$name: log";
    my $text = $nginx->log_text('events.log');
    like $text, qr/after-5%2f/, "$name: which writes, too";
    is scalar(() = $text =~ /"config_loaded"/g), 1, "$name: and has loaded no other configuration";
}

{
    my $name  = 'pipe';
    my $nginx = make_nginx(workers => 2, http_config => $http_config, config => $config, no_root_location => 1);
    my $log   = $nginx->log_file('events.log');
    mkfifo($log, 0600) or die "mkfifo: $!\n";
    is $nginx->start, undef, "$name: starts without a reader";
    my $text = '';
    sysopen my $pipe, $log, POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "$log: $!\n";
    # More at a time than the pipe takes, and not more than a worker keeps until somebody reads.
    for my $part (1 .. 4) {
        refuse($nginx, 250, "p$part");
        my $complete = wait_for(
            sub {
                while (sysread $pipe, my $piece, 65536) { $text .= $piece }
                return (() = $text =~ /path_refused/g) == 250 * $part;
            },
            20
        );
        ok $complete, "$name: all has come through";
    }
    is $nginx->usr1, undef, "$name: USR1 does not wait for the pipe";
    refuse($nginx, 1, 'again');
    ok wait_for(sub { while (sysread $pipe, my $piece, 65536) { $text .= $piece } return $text =~ /again-1/ }, 5),
        "$name: goes on after USR1";
    my @paths = paths_of($name, $text);
    is join("\n", sort @paths), join("\n", sort((map { expected_paths("p$_", 250) } 1 .. 4), '/again-1%2f')), "$name: none lost";
    close $pipe;
    ends_clean($nginx, $name);
}

{
    my $name  = 'pipe without a reader';
    my $nginx = make_nginx(http_config => $http_config, config => $config, no_root_location => 1);
    my $log   = $nginx->log_file('events.log');
    mkfifo($log, 0600) or die "mkfifo: $!\n";
    is $nginx->start, undef, "$name: starts";
    refuse($nginx, 3000, 'n');
    ok wait_for(sub { $nginx->log_text =~ /\[error\] .*write\(\) to event log ".*" failed, its lines are kept \(11: / }, 10), "$name: it is said";
    sysopen my $pipe, $log, POSIX::O_RDONLY() | POSIX::O_NONBLOCK() or die "$log: $!\n";
    my $text = '';
    my $told = wait_for(sub { while (sysread $pipe, my $piece, 65536) { $text .= $piece } return $text =~ /events_lost.*\n\z/ }, 10);
    ok $told, "$name: events_lost when a reader comes";
    my ($lost) = $text =~ /"kind":"events_lost","count":"(\d+)"/;
    is scalar(() = $text =~ /"path_refused"/g) + ($lost // 0), 3000, "$name: the count is exact";
    my @bad = grep { !eval { $json->decode($_) } } split /^/, $text;
    is scalar(@bad), 0, "$name: every line is one event";
    close $pipe;
    ends_clean($nginx, $name);
}

# THEN is called with an nginx whose event log is on a disk, a tmpfs, that is nearly full, the disk's folder, and code that
# makes room.
sub on_a_full_disk {
    my ($name, $workers, $then) = @_;
  SKIP: {
        skip "$name: needs root for a small tmpfs", 1 if $> != 0;
        my $nginx  = make_nginx(workers => $workers, http_config => $http_config, config => $config, no_root_location => 1);
        my $folder = $nginx->root . '/small';
        mkdir $folder;
        my $mounted = system('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', $folder) == 0;
        skip "$name: cannot mount a tmpfs here", 1 if !$mounted;
        (my $conf = $http_config) =~ s/\$TEST_NGINX_EVENT_LOG/$folder\/events.log/;
        $nginx->configure(http_config => $conf, config => $config, no_root_location => 1);
        # Not first the ballast: what that leaves may be too little once more.
        my $make_room = sub { system 'mount', '-o', 'remount,size=4m', $folder; unlink "$folder/ballast"; return };
        my $ok = eval {
            is $nginx->start, undef, "$name: starts";
            open my $ballast, '>', "$folder/ballast" or die "ballast: $!\n";
            print $ballast 'x' x 200_000;
            close $ballast or die "ballast: $!\n";
            $then->($nginx, $folder, $make_room);
            ends_clean($nginx, $name);
            1;
        };
        my $problem = $@;
        system 'umount', '-l', $folder;
        die $problem if !$ok;
    }
    return;
}

sub says_that_it_is_full { my ($nginx) = @_; return wait_for(sub { $nginx->log_text =~ /\[error\].*write\(\) to event log .* failed, its lines are kept/ }, 5) }
sub events_in { my ($text) = @_; return grep { ref } map { eval { $json->decode($_) } } split /^/, $text }
sub broken_in { my ($text) = @_; return grep { !eval { $json->decode($_) } } split /^/, $text }
sub text_of { my ($file) = @_; open my $in, '<:raw', $file or return ''; local $/; return <$in> }

{
    my $name = 'no space';
    on_a_full_disk($name, 1, sub {
        my ($nginx, $folder, $make_room) = @_;
        refuse($nginx, 1500, 's');
        ok says_that_it_is_full($nginx), "$name: is logged";
        is scalar(() = $nginx->log_text =~ /its lines are kept/g), 1, "$name: once";
        $make_room->();
        my $text;
        ok wait_for(sub { ($text = text_of("$folder/events.log")) =~ /events_lost.*\n\z/ }), "$name: events_lost when there is space";
        my ($lost) = $text =~ /"kind":"events_lost","count":"(\d+)"/;
        my %seen = map { $_ => 1 } map { $_->{url}{path} // () } events_in($text);
        is scalar(keys %seen) + ($lost // 0), 1500, "$name: the count is exact";
        cmp_ok scalar(broken_in($text)), '<=', 1, "$name: at most the line that the full disk tore is broken";
    });
}

# Whoever comes first when there is room must not write behind the line of another one that the full disk tore.
{
    my $name = 'no space, and another worker comes first';
    on_a_full_disk($name, 2, sub {
        my ($nginx, $folder, $make_room) = @_;
        my ($tearing, $other) = $nginx->worker_pids;
        kill STOP => $other;
        refuse($nginx, 150, 'torn');
        ok says_that_it_is_full($nginx), "$name: is logged";
        unlike text_of("$folder/events.log"), qr/\n\z/, "$name: a line is torn";
        kill STOP => $tearing;
        kill CONT => $other;
        $make_room->();
        refuse($nginx, 3, 'first');
        ok wait_for(sub { text_of("$folder/events.log") =~ /first-3%2f.*\n\z/ }), "$name: it writes";
        kill CONT => $tearing;
        my $text;
        ok wait_for(sub { ($text = text_of("$folder/events.log")) =~ /torn-150%2f.*\n/ }), "$name: the one that had torn it follows";
        my %seen = map { $_ => 1 } map { $_->{url}{path} // () } events_in($text);
        is_deeply [grep { !$seen{$_} } (map { expected_paths($_->[0], $_->[1]) } ['torn', 150], ['first', 3])], [], "$name: none is lost";
        is scalar(broken_in($text)), 1, "$name: the torn line is the only broken one";
    });
}

# The same of a line that an nginx before this one has left.
{
    my $name  = 'a torn line from before';
    my $nginx = make_nginx(workers => 2, http_config => $http_config, config => $config, no_root_location => 1);
    open my $out, '>', $nginx->log_file('events.log') or die "events.log: $!\n";
    print {$out} qq({"\@timestamp":"whole"}\n{"\@timestamp":"to);
    close $out or die "events.log: $!\n";
    is $nginx->start, undef, "$name: starts";
    refuse($nginx, 3, 'new');
    ends_clean($nginx, $name);
    my $text = $nginx->log_text('events.log');
    is_deeply [broken_in($text)], [qq({"\@timestamp":"to\n)], "$name: is ended";
    is join(' ', sort map { $_->{url}{path} // $_->{labels}{kind} // $_->{'@timestamp'} } events_in($text)), join(' ', sort(expected_paths('new', 3), qw(config_loaded whole))), "$name: all else is whole";
}

# Or that of a worker of the configuration before this one.
{
    my $name = 'no space, and a reload';
    on_a_full_disk($name, 1, sub {
        my ($nginx, $folder, $make_room) = @_;
        refuse($nginx, 150, 'torn');
        ok says_that_it_is_full($nginx), "$name: is logged";
        my ($torn) = text_of("$folder/events.log") =~ /([^\n]+)\z/;
        isnt $torn, undef, "$name: a line is torn";
        is $nginx->hup, undef, "$name: reloads";
        ok wait_for(sub { $nginx->log_text =~ /\[error\].*lines of event log .* are lost/ }), "$name: what the old worker had is lost";
        $make_room->();
        refuse($nginx, 3, 'after');
        my $text;
        ok wait_for(sub { ($text = text_of("$folder/events.log")) =~ /after-3%2f.*\n\z/ }), "$name: the new one writes";
        is_deeply [broken_in($text)], ["$torn\n"], "$name: on a line of its own";
        is scalar(grep { $_->{labels}{kind} eq 'config_loaded' } events_in($text)), 2, "$name: from the first on";
    });
}

done_testing;
