# chain= and checkpoints= of guard_event_log, with guardctl events verify: four workers across a reload, a
# rotation, a restart and a kill -9; and each way to tamper with what they wrote.

use strict;
use warnings;
use lib 't/lib';
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Guardctl qw(guardctl);

my $json = JSON::PP->new->utf8;
my $dir  = tempdir(CLEANUP => 1);

sub slurp {
    my ($name) = @_;
    open my $file, '<:raw', $name or die "$name: $!\n";
    local $/;
    return scalar(<$file>) // '';
}

sub spew {
    my ($name, @lines) = @_;
    open my $file, '>:raw', $name or die "$name: $!\n";
    print {$file} @lines;
    close $file or die "$name: $!\n";
    return $name;
}

sub lines_of { return split /^/, slurp($_[0]) }

my $key = spew("$dir/key", "a secret of the tests\n");
chmod 0600, $key;
my $other_key = spew("$dir/other", "another\n");

my $nginx = start_nginx(
    workers     => 4,
    http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG chain=file:$key checkpoints=\$TEST_NGINX_SERVER_ROOT/logs/checks.log"
        . ' checkpoint_interval=200ms;',
    config           => 'location / { guard_path strict; root html; }',
    no_root_location => 1,
);
my $log    = $nginx->log_file('events.log');
my $checks = $nginx->log_file('checks.log');

sub verify {
    my ($secret, @words) = @_;
    return guardctl('events', 'verify', "--key=file:$secret", @words);
}

# Refusals side by side while CODE runs; the count of them.
sub during {
    my ($code) = @_;
    my $load = start_load($nginx, '/x%2f', clients => 8, pause => 0.01);
    $code->();
    my $result = $load->finish;
    is_deeply [keys %{ $result->{codes} }], [400], 'all are refused';
    return $result->{total};
}

my $sent = 0;
# The lines of FILE by the worker with this number.
my $by = sub {
    my ($pid, $file) = @_;
    return scalar grep { /"entity_id":"\d+-$pid"/ } -e $file ? lines_of($file) : ();
};
my $all_write = sub {
    my ($life) = @_;
    ok wait_for(sub { 4 <= grep { $by->($_, $log) } $nginx->worker_pids }), "$life: all four workers write";
};
$sent += during(sub {
    $all_write->('the first life');
    is $nginx->hup, undef, 'reloads under load';
    $all_write->('the second life');
    my ($writer) = $nginx->worker_pids;
    rename $log, "$log.1" or die "rename: $!\n";
    is $nginx->usr1, undef, 'reopens under load';
    ok wait_for(sub { $by->($writer, $log) >= 6 }), 'one of them goes on in the new file';
});
is $nginx->stop, undef, 'stops';
is $nginx->start, undef, 'starts again';
$sent += during(sub { $all_write->('the third life') });

# The worker with the most lines, once all of them have left and are signed.
my $signed = sub {
    # What is being written is not whole yet.
    my $whole = sub { return map { $json->decode($_) } grep { /\n\z/ } map { lines_of($_) } @_ };
    my %signed = map { $_->{process}{entity_id} => $_->{guard}{checkpoint} } $whole->($checks);
    my (%written, $count);
    for ($whole->("$log.1", $log)) {
        $written{ $_->{process}{entity_id} } = $_->{event}{sequence};
        ++$count if $_->{labels}{kind} eq 'path_refused';
    }
    return $count == $sent && !grep({ ($signed{$_}{sequence} // 0) != $written{$_} } keys %written) && \%written;
};
my $written = wait_for($signed, 15);
ok $written, 'every line is there and signed';
my %pid_of = map { $_ => (split /-/)[1] } keys %$written;
my ($killed) = sort { $written->{$b} <=> $written->{$a} } grep { my $pid = $pid_of{$_}; grep { $_ == $pid } $nginx->worker_pids } keys %$written;
kill 'KILL', $pid_of{$killed};
ok wait_for(sub { my @pids = $nginx->worker_pids; @pids == 4 && !grep { $_ == $pid_of{$killed} } @pids }, 10), 'another worker takes its place';
# And one that has lines in its buffer alone: they are lost, and nothing is made up for them.
is request($nginx->port, GET => '/z%2f')->{code}, 400, 'refused';
my ($second) = $nginx->worker_pids;
kill 'KILL', $second;
ok wait_for(sub { my @pids = $nginx->worker_pids; @pids == 4 && !grep { $_ == $second } @pids }, 10), 'and of another one';
is $nginx->stop, undef, 'stops at the end';

my @files = ("--checkpoints=$checks", $log, "$log.1");
{
    my ($code, $out, $err) = verify($key, @files);
    is $err, '', 'intact: no errors';
    is $code, 0, 'intact: exit code';
    my @notes = $out =~ /^(note: .*)$/mg;
    my @mine  = grep { /\Q$killed\E/ } @notes;
    is scalar(@mine), 1, 'the killed worker has a note';
    my $last = $written->{$killed};
    like $mine[0] // '', qr/\Anote: \S+events\.log:\d+: tail unverified: this is the last line of worker \Q$killed\E, and nothing says that no other was behind it; the checkpoint at \S+checks\.log:\d+ of \S+Z signs number $last\z/,
        'which says up to where it is proven';
    my @others = grep { !/\Q$killed\E/ } @notes;
    ok !(grep { !/tail unverified: .* of worker \d+-$second,/ } @others), 'no other has but the second one, if it wrote anything' or diag $out;
    my $lines = () = (slurp($log) . slurp("$log.1")) =~ /\n/g;
    my %chains = map { $_->{guard}{chain}{id} => 1 } map { $json->decode($_) } lines_of($log), lines_of("$log.1");
    cmp_ok scalar(keys %chains), '>=', 12, 'four workers lived three times';
    my $notes = @notes == 1 ? '1 note' : @notes . ' notes';
    like $out, qr/^2 files, $lines lines, ${\scalar keys %chains} chains: as they were written, $notes\n\z/m, 'the summary';
    is +(verify($key, '--strict', @files))[0], 1, '--strict counts notes';
    my ($again_code, $again) = verify($key, $files[0], @files[2, 1]);
    is $again_code, 0, 'files in another order: exit code';
    is $again, $out, 'files in another order: the same';
}

# Tampering

my @old = lines_of("$log.1");
my @new = lines_of($log);
my @checks = lines_of($checks);
# A worker of the second life with lines in both files that ended in order; one of the first that was slow to quit may
# have written a few to the second as well.
my (%first, %last, %lines);
for (map { $json->decode($_) } @old) { $first{ $_->{process}{entity_id} } = 1 }
for my $i (0 .. $#new) {
    my $writer = $json->decode($new[$i])->{process}{entity_id};
    $last{$writer}{at} = $i;
    ++$lines{$writer};
}
my @both = sort { $lines{$b} <=> $lines{$a} } grep { $last{$_} } sort keys %first;
ok scalar(@both), 'a worker wrote to both files';
my $entity = $both[0];
my @at = grep { $new[$_] =~ /"entity_id":"\Q$entity\E"/ } 0 .. $#new;
cmp_ok scalar(@at), '>=', 6, 'and enough of them';
my $number = sub { return $json->decode($_[0])->{event}{sequence} };

my $base = "$dir/t.log";
# NAME, a subroutine that changes copies of the lines, and what of it verify says (a pattern for each finding).
sub tampered {
    my ($name, $change, @expected) = @_;
    my %text = (old => [@old], new => [@new], checks => [@checks]);
    $change->(\%text);
    my @words = ($text{checks} ? ('--checkpoints', spew("$base.checks", @{ $text{checks} })) : ());
    my ($code, $out, $err) = verify($key, @words, spew($base, @{ $text{new} }), $text{old} ? spew("$base.1", @{ $text{old} }) : ());
    is $code, @expected ? 1 : 0, "$name: exit code";
    is $err, '', "$name: errors";
    my @found = grep { !/^note: / && !/^\d+ files?, / } split /\n/, $out;
    is scalar(@found), scalar(@expected), "$name: findings" or diag $out;
    like $found[$_] // '', qr/\A$expected[$_]/, "$name: finding $_" for 0 .. $#expected;
    return $out;
}

my ($i, $n) = ($at[2], $number->($new[$at[2]]));
my $line = $i + 1;
my $worker = "of worker \Q$entity\E";
tampered('nothing', sub { });
tampered('altered', sub { $_[0]{new}[$i] =~ s/127\.0\.0\.1/127.0.0.2/ }, "\Q$base\E:$line: altered: number $n $worker\$");
tampered('missing', sub { splice @{ $_[0]{new} }, $i, 1 },
    "\Q$base\E:$at[3]: missing: number $n $worker, before number ${\($n + 1)}\$");
tampered('reordered', sub { @{ $_[0]{new} }[$at[2], $at[3]] = @{ $_[0]{new} }[$at[3], $at[2]] },
    "\Q$base\E:${\($at[3] + 1)}: reordered: number $n $worker, which belongs before number ${\($n + 1)} at \Q$base\E:$line\$");
tampered('duplicated', sub { push @{ $_[0]{new} }, $new[$i] }, "\Q$base\E:${\(@new + 1)}: duplicated: number $n $worker again\$");
tampered('appended, by hand', sub { push @{ $_[0]{new} }, "{\"message\":\"hello\"}\n" }, "\Q$base\E:${\(@new + 1)}: appended: no line of Guard's\$");
tampered('appended, without a seal', sub { push @{ $_[0]{new} }, $new[$i] =~ s/,"guard":.*/}/r },
    "\Q$base\E:${\(@new + 1)}: appended: carries no seal, or was written without chain=\$");
tampered('appended, a changed copy', sub { push @{ $_[0]{new} }, $new[$i] =~ s/"port":/"port":1/r },
    "\Q$base\E:${\(@new + 1)}: appended: Guard did not write this line; number $n $worker is another one\$");
my $end = $last{$entity}{at};
my $end_number = $number->($new[$end]);
tampered('cut off', sub { splice @{ $_[0]{new} }, $end, 1 },
    "\Q$base\E:\\d+: missing: number $end_number $worker, behind this line, its last; the checkpoint at \\S+ of \\S+Z signs number $end_number\$");
my ($killed_at) = grep { $new[$_] =~ /"entity_id":"\Q$killed\E"/ } reverse 0 .. $#new;
tampered('cut off, of a killed worker', sub { splice @{ $_[0]{new} }, $killed_at, 1 },
    "\Q$base\E:\\d+: missing: number $written->{$killed} of worker \Q$killed\E, behind this line, its last; the checkpoint ");
like tampered('cut off, without checkpoints', sub { splice @{ $_[0]{new} }, $end, 1; $_[0]{checks} = undef }),
    qr/^note: \S+: tail unverified: there is no checkpoint of \d+ chains, so that lines may be missing at the end of each, and whole chains$/m,
    'cut off, without checkpoints: is said';
tampered('a checkpoint is altered', sub { $_[0]{checks}[-1] =~ s/"state":"end"/"state":"all"/ }, "\Q$base\E\\.checks:${\scalar @checks}: altered or appended: a checkpoint that Guard did not write under this secret\$");
{
    # All of a worker that began after the first line; within five seconds of that it may have been rotated away.
    # Not the second one that was killed: what it wrote last need not be signed.
    my ($gone) = grep { !$first{$_} && $_ ne $killed && !/-$second\z/ } sort keys %last;
    # Perhaps it has refused the last request of all.
    my $count = $number->($new[$last{$gone}{at}]);
    my @left = grep { !/"entity_id":"\Q$gone\E"/ } @new;
    my (undef, $out) = verify($key, "--checkpoints=$checks", spew($base, @left), spew("$base.1", @old));
    like $out, qr/(?:missing|unseen): all lines, numbers? 1(?: to $count)?, of worker \Q$gone\E are in no file/, 'a whole worker is gone: said';
}
{
    my ($code, $out) = verify($key, "--checkpoints=$checks", $log);
    is $code, 0, 'the oldest file is gone: may be, for its age';
    like $out, qr/^note: .*head unverified: numbers? 1(?: to \d+)? of worker \Q$entity\E are in no file, but may be older than the files$/m, 'and is said';
    ($code, $out) = verify($other_key, @files);
    is $code, 1, 'another secret: exit code';
    my @findings = grep { !/^note: |^\d+ files?, / } split /\n/, $out;
    is scalar(@findings), 1, 'another secret: one finding, however many lines there are' or diag $out;
    like $findings[0], qr/^\S+: no line in any file fits this secret: is it the one of "chain="\?$/, 'which says so';
}
my @killed = map { "$_ exited on signal 9" } sort { $a <=> $b } $pid_of{$killed}, $second;
is_deeply [sort { $a cmp $b } map { /(\d+ exited on signal 9)/ ? $1 : $_ } log_problems($nginx)], [sort { $a cmp $b } @killed], 'the log has no other problem';

done_testing;
