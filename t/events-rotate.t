# rotate= and keep= of the event log's file: many workers, reloads, a worker that is killed, rights.

use strict;
use warnings;
use lib 't/lib';
use File::Temp ();
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Guardctl qw(guardctl);
use Test::Nginx::Guard::Refusals;

my $json   = JSON::PP->new->utf8;
my $config = 'location / { guard_path strict; root html; }';
# A whole line, and nothing of another one in it: what these requests hold needs no escape.
my $shape = qr/\A\{"\@timestamp":"[0-9TZ:.-]{24}","log":\{"level":"\w+"\},"event":\{[^{}]*\}(?:,"\w+":\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})+\}\n\z/;

sub files_of {
    my ($log) = @_;
    my ($folder, $base) = $log =~ m{^(.*)/([^/]*)\z};
    opendir my $in, $folder or die "$folder: $!\n";
    my @numbers = sort { $b <=> $a } map { /^\Q$base\E\.(\d+)\z/ ? $1 : () } readdir $in;
    return ((map { "$log.$_" } @numbers), $log);
}

sub slurp {
    my ($name) = @_;
    open my $in, '<:raw', $name or die "$name: $!\n";
    local $/;
    return <$in>;
}

# Looks at all lines of FILES, oldest first; returns how often each path was refused and the
# sequence numbers of each worker, in order.
sub look {
    my ($name, @files) = @_;
    my ($bad, $n, %paths, %numbers) = (0, 0);
    for my $line (map { split /^/, slurp($_) } @files) {
        my $whole = $line =~ $shape && ($n++ % 50 != 0 || eval { $json->decode($line); 1 });
        $whole or do { diag("no event: $line") if $bad++ < 3; next };
        my ($worker)   = $line =~ /"entity_id":"([^"]+)"/;
        my ($sequence) = $line =~ /"sequence":(\d+)/;
        push @{ $numbers{$worker} }, $sequence;
        $paths{$1}++ if $line =~ /"path":"([^"]+)"/;
    }
    is $bad, 0, "$name: every line is one event";
    return (\%paths, \%numbers);
}

sub ends_clean {
    my ($nginx, $name) = @_;
    is $nginx->stop, undef, "$name: stops";
    is_deeply [log_problems($nginx)], [], "$name: log";
    return;
}

sub nginx_with {
    my ($words, %word) = @_;
    return make_nginx(
        http_config      => "guard_event_log \$TEST_NGINX_EVENT_LOG $words;",
        config           => $config,
        no_root_location => 1,
        %word
    );
}

{
    my $name  = 'eight workers, and a reload';
    my $nginx = nginx_with('rotate=256k keep=100', workers => 8);
    is $nginx->start, undef, "$name: starts";
    my ($clients, $each) = (4, 1500);
    is many_clients($nginx, $clients, $each), 0, "$name: all refused";
    is $nginx->hup, undef, "$name: HUP";
    is many_clients($nginx, $clients, $each), 0, "$name: all refused again";
    ends_clean($nginx, $name);

    my @files = files_of($nginx->log_file('events.log'));
    cmp_ok scalar(@files), '>', 20, "$name: many files";
    # Others write on while a worker renames; one that the machine held up there may have let a file grow.
    cmp_ok((sort { $b <=> $a } map { -s } @files)[1], '<', 256 * 1024 * 4, "$name: but for one perhaps, none grows on");
    my ($paths, $numbers) = look($name, @files);
    my @wanted = map { my $client = "c$_"; map { "/$client-$_%2f" } 1 .. $each } 1 .. $clients;
    is scalar(grep { ($paths->{$_} // 0) != 2 } @wanted), 0, "$name: none lost, none more often than asked for";
    cmp_ok scalar(keys %$numbers), '>', 1, "$name: more than one worker";
    for my $worker (sort keys %$numbers) {
        my @got = @{ $numbers->{$worker} };
        is "@got", "@{[1 .. @got]}", "$name: sequence of $worker, in the order of the files";
    }
}

{
    my $name  = 'keep';
    my $nginx = nginx_with('rotate=64k keep=2', workers => 2);
    is $nginx->start, undef, "$name: starts";
    refuse($nginx, 1500, 'k');
    ends_clean($nginx, $name);
    my $log = $nginx->log_file('events.log');
    is_deeply [files_of($log)], ["$log.2", "$log.1", $log], "$name: two old files";
    my ($paths, $numbers) = look($name, files_of($log));
    ok !$paths->{'/k-1%2f'} && $paths->{'/k-1500%2f'}, "$name: the oldest lines are gone, the last is there";
    for my $worker (sort keys %$numbers) {
        my @got = @{ $numbers->{$worker} };
        is "@got", "@{[$got[0] .. $got[-1]]}", "$name: what is left of $worker has no gap";
    }
}

{
    my $name  = 'somebody else renames, and root tests the configuration';
    my $nginx = nginx_with('rotate=10m', workers => 2, main_config => 'user nobody nogroup;');
    chmod 0755, $nginx->root;
    chmod 0777, $nginx->root . '/logs';
  SKIP: {
        skip "$name: needs root", 1 if $> != 0;
        is $nginx->start, undef, "$name: starts";
        my $log = $nginx->log_file('events.log');
        refuse($nginx, 5, 'before');
        ok wait_for(sub { slurp($log) =~ /before-5%2f/ }, 5), "$name: writes";
        rename $log, "$log.old" or die "rename: $!\n";
        is + ($nginx->test_config)[0], 0, "$name: nginx -t makes the file";
        ok -e $log, "$name: of course";
        refuse($nginx, 5, 'after');
        ok wait_for(sub { slurp($log) =~ /after-5%2f/ }, 5), "$name: workers may write to it";
        ends_clean($nginx, $name);
        unlike $nginx->log_text, qr/rotation of event log/, "$name: without complaints";
    }
}

{
    my $name  = 'somebody else renames';
    my $nginx = nginx_with('rotate=10m', workers => 2);
    is $nginx->start, undef, "$name: starts";
    my $log = $nginx->log_file('events.log');
    refuse($nginx, 100, 'before');
    rename $log, "$log.old" or die "rename: $!\n";
    refuse($nginx, 100, 'after');
    ok wait_for(sub { -e $log && slurp($log) =~ /after-100%2f/ }, 5), "$name: a new file, without a signal";
    ends_clean($nginx, $name);
    my ($paths) = look($name, "$log.old", $log);
    is scalar(grep { ($paths->{$_} // 0) == 1 } map { expected_paths($_, 100) } qw(before after)), 200, "$name: none lost";
}

{
    my $name  = 'a worker is killed';
    my $nginx = nginx_with('rotate=64k', workers => 1);
    is $nginx->start, undef, "$name: starts";
    my $log = $nginx->log_file('events.log');
    refuse($nginx, 300, 'flushed');
    ok wait_for(sub { join('', map { slurp($_) } files_of($log)) =~ /flushed-300%2f/ }, 5), "$name: flushed";
    refuse($nginx, 20, 'buffered');
    my ($worker) = $nginx->worker_pids;
    kill KILL => $worker;
    ok wait_for(sub { my @now = $nginx->worker_pids; @now == 1 && $now[0] != $worker }, 5), "$name: another takes its place";
    refuse($nginx, 100, 'later');
    is $nginx->stop, undef, "$name: stops";
    my ($paths, $numbers) = look($name, files_of($log));
    is scalar(grep { ($paths->{$_} // 0) == 1 } expected_paths('flushed', 300), expected_paths('later', 100)), 400, "$name: only what was buffered can be missing";
    for my $life (sort keys %$numbers) {
        my @got = @{ $numbers->{$life} };
        is "@got", "@{[1 .. @got]}", "$name: $life ends early, without a gap";
    }
}

# A chain runs through the files that rotation makes, and says which of them are gone.
{
    my $name = 'chain';
    my $key  = File::Temp->new;
    print {$key} "a secret of the tests\n";
    $key->flush;
    for my $keep (100, 2) {
        my $nginx  = nginx_with("rotate=64k keep=$keep chain=file:$key checkpoints=\$TEST_NGINX_SERVER_ROOT/logs/checks.log checkpoint_interval=200ms", workers => 2);
        my $log    = $nginx->log_file('events.log');
        my $verify = sub { return guardctl('events', 'verify', "--key=file:$key", '--checkpoints=' . $nginx->log_file('checks.log'), @_) };
        my $times  = 0;
        for my $life ('first', 'second') {
            is $nginx->start, undef, "$name, keep=$keep: starts";
            refuse($nginx, 250, "$life-$_") for 1 .. 2;
            is $nginx->hup, undef, "$name, keep=$keep: reloads";
            refuse($nginx, 250, "$life-3");
            ends_clean($nginx, "$name, keep=$keep: $life life");
        }
        my @files = files_of($log);
        my ($code, $text) = $verify->(reverse @files);
        is $code, 0, "$name, keep=$keep: as it was written" or diag $text;
        if ($keep == 2) {
            is scalar(@files), 3, "$name, keep=$keep: three files";
            like $text, qr/^note: .*(?:head unverified|unseen)/m, "$name, keep=$keep: what was given up is said";
            next;
        }
        cmp_ok scalar(@files), '>', 10, "$name, keep=$keep: many files";
        like $text, qr/^${\ scalar @files} files, 150\d lines, \d+ chains: as they were written\n\z/m, "$name, keep=$keep: without a note";
        is +($verify->('--strict', @files))[0], 0, "$name, keep=$keep: --strict has none to count";
        # The one with the middle line of the worker that wrote most: of others its first may be in there, which could be
        # older than all files.
        my (undef, $numbers) = look("$name, keep=$keep", @files);
        my ($worker) = sort { @{ $numbers->{$b} } <=> @{ $numbers->{$a} } } keys %$numbers;
        my $middle   = int @{ $numbers->{$worker} } / 2;
        my @rest     = grep { slurp($_) !~ /"sequence":$middle\b.*"entity_id":"$worker"/ } @files;
        is scalar(@rest), @files - 1, "$name, keep=$keep: one of them is removed";
        ($code, $text) = $verify->(@rest);
        is $code, 1, "$name, keep=$keep: it is missed";
        like $text, qr/: missing: numbers? .* of worker $worker, before /, "$name, keep=$keep: by its lines";
    }
}

SKIP: {
    skip 'needs root to have another user', 1 if $> != 0;
    my $name  = 'rights';
    my $nginx = nginx_with('rotate=64k', main_config => 'user nobody nogroup;', workers => 2);
    my $folder = $nginx->root . '/logs';
    chmod 0755, $nginx->root, $folder;
    my ($status, $text) = $nginx->test_config;
    isnt $status, 0, "$name: nginx -t says no";
    like $text, qr/\[emerg\] "rotate=" needs a directory where the workers' user "nobody" may rename files, "\Q$folder\E" is not writable for it in \S+:\d+$/m, "$name: and why";
    chmod 01777, $folder;
    (undef, $text) = $nginx->test_config;
    like $text, qr/\[emerg\] "rotate=" needs .* "\Q$folder\E" is sticky in /, "$name: nor a sticky one";

    # What the workers' user puts there does not have root open another file.
    chmod 0777, $folder;
    my $victim = $nginx->root . '/of-root';
    for my $case (['a link', sub { symlink $victim, $_[0] }], ['a directory', sub { mkdir $_[0] }], ['a pipe', sub { system('mkfifo', $_[0]) == 0 }]) {
        my ($what, $make) = @$case;
        my $log = $nginx->log_file('events.log');
        unlink $log;
        rmdir $log;
        ok $make->($log), "$name: $what";
        ($status, $text) = $nginx->test_config;
        isnt $status, 0, "$name: is refused";
        like $text, qr/\[emerg\] "rotate=" of "[^"]+events\.log", which is no regular file in \S+:\d+$/m, "$name: and why";
        ok !-e $victim, "$name: and nothing is made behind it";
        unlink $log;
        rmdir $log;
    }

    # What root has made first may be renamed by the worker, and reopened after.
    chmod 0777, $folder;
    is $nginx->start, undef, "$name: starts";
    refuse($nginx, 500, 'r');
    ends_clean($nginx, $name);
    my @files = files_of($nginx->log_file('events.log'));
    cmp_ok scalar(@files), '>', 3, "$name: rotated";
    my ($paths) = look($name, @files);
    is scalar(grep { ($paths->{$_} // 0) == 1 } expected_paths('r', 500)), 500, "$name: none lost";
}

# A file that cannot be renamed (it is mounted there, or was made append-only) grows on, and what was rotated before stays.
SKIP: {
    my $name = 'cannot be renamed';
    skip "$name: needs root to mount a file", 1 if $> != 0;
    my $nginx = nginx_with('rotate=64k keep=3');
    my $log   = $nginx->log_file('events.log');
    for my $file ($log, map { "$log.$_" } 1 .. 3) {
        open my $out, '>', $file or die "$file: $!\n";
        print {$out} "$file\n" if $file ne $log;
        close $out or die "$file: $!\n";
    }
    skip "$name: cannot mount here", 1 if system('mount', '--bind', $log, $log) != 0;
    my $ok = eval {
        is $nginx->start, undef, "$name: starts";
        for my $batch (1 .. 5) {
            refuse($nginx, 150, "b$batch");
            ok wait_for(sub { slurp($log) =~ /b$batch-150%2f/ }), "$name: it grows on, $batch";
        }
        ok wait_for(sub { $nginx->log_text =~ /\[error\] .*rotation of event log "\Q$log\E" failed, it goes on as it is \(16: / }), "$name: it is said";
        is scalar(() = $nginx->log_text =~ /rotation of event log/g), 1, "$name: once";
        # The oldest had its time.
        is slurp("$log.$_"), "$log.$_\n", "$name: $_ is as it was" for 1 .. 2;
        1;
    };
    my $error = $@;
    # nginx has it open.
    system 'umount', '--lazy', $log;
    die $error if !$ok;
   
    refuse($nginx, 20, 'again');
    ok wait_for(sub { -s $log < 50_000 && slurp($log) =~ /again-20%2f/ }), "$name: it is rotated once it can be";
    is slurp("$log.$_"), "$log." . ($_ - 1) . "\n", "$name: $_ is what @{[$_ - 1]} was" for 2 .. 3;
    ends_clean($nginx, $name);
}

done_testing;
