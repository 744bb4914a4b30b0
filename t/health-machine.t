# guard_health_check of the machine: disks that fill up, by bytes and by files, and memory, of the machine and of the control groups
# that nginx is in. Disks are tmpfs; what groups say is in files of this test's own, which groups it is in says the kernel.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;

plan skip_all => 'needs root to mount' if $> != 0;
# What is mounted is seen by this process alone.
if (!$ENV{GUARD_OWN_MOUNTS}) {
    plan skip_all => 'cannot mount here' if system('unshare --mount true 2>/dev/null') != 0;
    $ENV{GUARD_OWN_MOUNTS} = 1;
    exec 'unshare', '--mount', '--propagation', 'private', $^X, '-I', 't/lib', $0 or die "unshare: $!\n";
}

# Not removed with all that is in it: groups are mounted there.
my $folder = tempdir('guard-machine-XXXXXX', TMPDIR => 1);
chmod 0755, $folder;
sub mounted {
    my ($type, $options, $where) = @_;
    return -d $where || mkdir($where) && system('mount', '-t', $type, ($options ? ('-o', $options) : ()), 'guard-test', $where) == 0;
}
sub write_text { my ($name, $text) = @_; open my $out, '>', $name or die "$name: $!\n"; print {$out} $text; close $out or die "$name: $!\n"; return }
sub slurp { my ($name) = @_; open my $in, '<', $name or die "$name: $!\n"; local $/; return <$in> }

my ($disk, $files, $groups, $meminfo) = map { "$folder/$_" } qw(disk files groups meminfo);
die "cannot mount a tmpfs\n" if !mounted(tmpfs => 'size=1m,mode=755', $disk) || !mounted(tmpfs => 'size=1m,nr_inodes=101,mode=755', $files);

# A group within a group: this process and all that it starts.
my $outer = "guard-test-$$";
my $group_is_real = mounted(cgroup2 => undef, $groups) && mkdir("$groups/$outer") && mkdir("$groups/$outer/inner")
    && eval { write_text("$groups/$outer/inner/cgroup.procs", $$); 1 };
my ($own) = slurp('/proc/self/cgroup') =~ /^0::(.*)$/m;
END {
    if (defined $groups) {
        local $?;
        if ($group_is_real) {
            write_text("$groups/cgroup.procs", $$);
            wait_for(sub { !-d "$groups/$outer/inner" || rmdir "$groups/$outer/inner" }) && rmdir "$groups/$outer" or diag "$groups/$outer: $!";
        }
        system 'umount', '--lazy', '/proc/meminfo';
        unlink $meminfo;
        for my $place ($disk, $files, $groups, $folder) {
            system 'umount', '--lazy', $place if $place ne $folder;
            rmdir $place or diag "$place: $!";
        }
    }
}
is $own, "/$outer/inner", 'in a group of its own' if $group_is_real;

# What the kernel says of memory.
sub machine_says { my ($percent) = @_; return write_text($meminfo, "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: ${percent}0000 kB\n") }
machine_says(90);
die "cannot mount a file\n" if system('mount', '--bind', $meminfo, '/proc/meminfo') != 0;

# What groups say.
my $said = '/sys/fs/cgroup';
my $can_say = $group_is_real && system("mount -t tmpfs -o mode=755 guard-test $said") == 0;
sub group_says {
    my ($group, $limit, $used, $cache) = @_;
    my $path = $said;
    for my $part (grep { length } split m{/}, $group) { mkdir($path .= "/$part") }
    write_text("$path/memory.stat",    "anon 1\ninactive_file $cache\n");
    write_text("$path/memory.current", "$used\n");
    write_text("$path/memory.max",     "$limit\n");
    return;
}

my $nginx = start_nginx(
    workers     => 2,
    http_config => <<"EOC",
guard_health_check disk disk:$disk warn=50% fail=20% interval=1s fall=1;
guard_health_check files disk:$files warn=50% fail=20% interval=1s fall=1;
guard_health_check memory memory: warn=50% fail=20% interval=1s fall=1;
EOC
    config => "location / { guard_health; }\nlocation = /metrics { guard_metrics; }\n"
);
my $answer;
sub becomes {
    my ($name, $status, $output, $code, $title, $value) = @_;
    my $got;
    my $unit = $name eq 'memory' ? 'available' : 'free';
    ok wait_for(sub {
        $answer = request($nginx->port, GET => '/');
        $got    = JSON::PP->new->decode($answer->{body})->{checks}{"$name:$unit"}[0];
        return $got->{status} eq $status && ($got->{output} // '') =~ $output && $answer->{code} == $code && (!defined $value || $got->{observedValue} == $value);
    }), $title or diag explain $answer->{code}, $got;
    return;
}

# By bytes.
becomes('disk', 'pass', qr/\A\z/, 200, 'an empty disk, all of which is free', 1 << 20);
write_text("$disk/some", 'x' x (600 << 10));
becomes('disk', 'warn', qr/\A41\.\d% of the bytes are free\z/, 200, 'three fifths of a disk are taken, and what is left is told', 424 << 10);
write_text("$disk/more", 'x' x (300 << 10));
becomes('disk', 'fail', qr/\A12\.\d% of the bytes are free\z/, 503, 'a disk is nearly full', 124 << 10);
unlink "$disk/$_" for qw(some more);
becomes('disk', 'pass', qr/\A\z/, 200, 'and has room again');

# By files, while there is room.
write_text("$files/$_", '') for 1 .. 60;
becomes('files', 'warn', qr/\A39\.\d% of the inodes are free\z/, 200, 'many files');
write_text("$files/$_", '') for 61 .. 90;
becomes('files', 'fail', qr/\A9\.\d% of the inodes are free\z/, 503, 'more than there is room for soon');
like request($nginx->port, GET => '/metrics')->{body}, qr/^guard_health_free_ratio\{check="files"\} 0\.09\d$/m, 'is what is told of its share';
unlink "$files/$_" for 1 .. 90;
becomes('files', 'pass', qr/\A\z/, 200, 'and few again');

# Memory of the machine.
becomes('memory', 'pass', qr/\A\z/, 200, 'much memory is available', 900_000 << 10);
machine_says(49);
becomes('memory', 'warn', qr/\A49\.0% of the memory is available\z/, 200, 'less than one wants');
machine_says(19);
becomes('memory', 'fail', qr/\A19\.0% of the memory is available\z/, 503, 'nearly none');
machine_says(90);
becomes('memory', 'pass', qr/\A\z/, 200, 'and much again');

# And of groups.
SKIP: {
    skip 'no control groups of version 2 may be made here', 6 if !$can_say;
    my $mb = 1 << 20;
    group_says('/', 100 * $mb, 40 * $mb, 0);
    becomes('memory', 'pass', qr/\A\z/, 200, 'the group of a container, which is all that is seen of it', 60 * $mb);
    group_says('/', 100 * $mb, 70 * $mb, 10 * $mb);
    becomes('memory', 'warn', qr/\A40\.0% of the memory/, 200, 'without what the kernel may drop');
    unlink "$said/memory.$_" for qw(max current stat);
    group_says("/$outer/inner", 100 * $mb, 70 * $mb, 0);
    becomes('memory', 'warn', qr/\A30\.0% of the memory/, 200, 'a group of its own, as of a service of systemd');
    group_says("/$outer", 200 * $mb, 190 * $mb, 0);
    becomes('memory', 'fail', qr/\A5\.0% of the memory/, 503, 'one around it, which has less');
    group_says("/$outer", 'max', 190 * $mb, 0);
    becomes('memory', 'warn', qr/\A30\.0% of the memory/, 200, 'or has no limit');
    group_says("/$outer/inner", 'max', 70 * $mb, 0);
    becomes('memory', 'pass', qr/\A\z/, 200, 'none of them has one: what counts is the machine', 900_000 << 10);
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
done_testing;
