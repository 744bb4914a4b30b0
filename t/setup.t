# scripts/setup on machines that lack something: one clear sentence each, and nothing is changed.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $setup = abs_path(dirname(__FILE__) . '/../scripts/setup');
my $bin = tempdir(CLEANUP => 1);

# Nothing is in reach but these, and what a case puts beside them.
my @tools = qw(bash env dirname realpath sort mktemp sed head rm mv cat chmod true grep);
sub reset_bin {
    unlink glob "$bin/*";
    for my $tool (@tools) {
        my ($path) = grep { -x } map { "$_/$tool" } qw(/usr/bin /bin);
        symlink $path, "$bin/$tool" or die "$tool: $!\n" if $path;
    }
    return;
}

sub fake {
    my ($name, $script) = @_;
    open my $out, '>', "$bin/$name" or die "$name: $!\n";
    print $out "#!/bin/bash\n$script\n";
    close $out;
    chmod 0755, "$bin/$name";
    return;
}

# (exit status, what it said); PREFIX is a command to run it under.
sub run_setup {
    my ($words, @prefix) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<',  '/dev/null';
        open STDERR, '>&', \*STDOUT;
        $ENV{PATH} = $bin;
        exec @prefix, $setup, @$words or exit 127;
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $text);
}

sub says {
    my ($name, $status, $pattern, $words, @prefix) = @_;
    my ($got, $text) = run_setup($words // [], @prefix);
    is $got, $status, "$name: exit status";
    like $text, $pattern, "$name: says so";
    return;
}

# All of the packages are there but nginx.
my $all = 'shift 3; for p in "$@"; do echo -n "installed:$p "; done';
my $but_nginx = 'shift 3; for p in "$@"; do [ "$p" = nginx ] || echo -n "installed:$p "; done; exit 1';

reset_bin();
says('no apt', 1, qr/\Ascripts\/setup: this system has no apt: install by hand what scripts\/setup --list names\n\z/);
says('the list', 0, qr/^nginx\n(?:.*\n)*nginx-dev\n/m, ['--list']);
says('an unknown word', 2, qr/\Ascripts\/setup: unknown word "--tests"\n\z/, ['--tests']);

fake('dpkg-query', $all);
fake('apt-get', 'echo called; exit 1');
fake('id', 'echo 1000');
says('nothing is missing', 0, qr/\A\z/, ['--all']);

fake('dpkg-query', $but_nginx);
says('no root and no sudo', 1, qr/\Ascripts\/setup: needs root to install nginx: run it once as root, or install sudo\n\z/);
fake('sudo', 'exit 1');
says('no root and no terminal for sudo', 1,
    qr/\Ascripts\/setup: needs root to install nginx, and sudo wants a password: run it in a terminal\n\z/);
fake('sudo', '[ "$2" = true ] && exit 0; echo "asked: ${*##*/}"');
says('no root, but sudo', 0, qr/\Aasked: setup --test\n\z/, ['--test']);

SKIP: {
    # What it writes to /usr/sbin while it installs goes to a folder that only it sees.
    my @apart = ('/usr/bin/unshare', '-m', '/bin/sh', '-c', 'mount -t tmpfs tmpfs /usr/sbin && "$@"; s=$?; ls -A /usr/sbin; exit $s', 'sh');
    my $possible = $> == 0 && system("/usr/bin/unshare -m /bin/sh -c 'mount -t tmpfs tmpfs /usr/sbin' 2>/dev/null") == 0;
    skip 'needs root and a mount namespace', 12 if !$possible;
    symlink "/bin/$_", "$bin/$_" for qw(mount ls);
    fake('id', 'echo 0');
    fake('update-rc.d', 'exit 0');
    my $begin = 'scripts/setup: installing nginx\n';

    fake('apt-get', 'echo "E: Unable to locate package nginx"; exit 100');
    says('no network', 1,
        qr/\A${begin}scripts\/setup: Debian's package server cannot be reached \(no network\?\), and these are missing: nginx\n\z/, [], @apart);
    fake('apt-get', 'case "$*" in *update*) exit 0;; esac; echo "E: nginx is held"; exit 100');
    says('apt refuses', 1, qr/\A${begin}scripts\/setup: apt could not install nginx: nginx is held\n\z/, [], @apart);
    fake('apt-get', 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend"; exit 100');
    says('apt is busy', 1, qr/\A${begin}scripts\/setup: apt says: Could not get lock \/var\/lib\/dpkg\/lock-frontend\n\z/, [], @apart);
    # Services are held back while packages are installed, unless they run already, and only then.
    for my $case (['one that does not run', 3, 101], ['one that runs', 0, 0]) {
        my ($name, $running, $expected) = @$case;
        fake('service', "exit $running");
        fake('apt-get', "/usr/sbin/policy-rc.d nginx start; echo \$? >$bin/policy");
        says("installing, $name", 0, qr/\A${begin}\z/, [], @apart);
        open my $in, '<', "$bin/policy" or die "no policy was asked\n";
        is <$in>, "$expected\n", "installing, $name: the answer of policy-rc.d";
        close $in;
    }
}

done_testing;
