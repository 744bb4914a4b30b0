package Test::Nginx::Guard::Browser;

# Programs of t/browser: those of Node with the npm packages of build/browser and Debian's Chromium.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use Fcntl qw(:flock O_RDONLY O_CREAT);
use File::Spec;
use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::Nginx::Guard::Process qw(spawn end_process);
use Test::Nginx::Guard::Wait qw(wait_for patient);

our @EXPORT_OK = qw(browser_modules run_node ask_talisman start_application start_demo);

my $root = abs_path(__FILE__) =~ s{/t/lib/Test/Nginx/Guard/Browser\.pm\z}{}r;

# The folder of the packages, which are installed if they are not there.
sub browser_modules {
    system("$root/scripts/node-packages") == 0 or die "no packages for t/browser\n";
    return "$root/build/browser/node_modules";
}

# What t/browser/NAME.mjs WORDS prints, as JSON, within `limit` seconds (120) on a machine that does nothing else. Whatever else is given is added to its
# environment. Meanwhile no bench makes or removes network links (scripts/bench.d/network.py): Chromium would give up
# what it loads.
sub run_node {
    my ($name, $words, %environment) = @_;
    my $limit = patient(delete $environment{limit} // 120);
    sysopen my $lock, File::Spec->tmpdir . '/guard-network.lock', O_RDONLY | O_CREAT, 0666 or die "guard-network.lock: $!\n";
    flock $lock, LOCK_SH or die "guard-network.lock: $!\n";
    local %ENV = (%ENV, %environment);
    # Node is not under test: the sanitizer's runtime has no place in it.
    delete @ENV{qw(ASAN_OPTIONS UBSAN_OPTIONS LD_PRELOAD)};
    open my $out, '-|', 'timeout', '-k', 5, $limit, 'node', "$root/t/browser/$name.mjs", @$words or die "node: $!\n";
    my $text = do { local $/; <$out> } // '';
    close $out or die "t/browser/$name.mjs ended with $?: $text\n";
    return JSON::PP::decode_json($text);
}

# Flask-Talisman with these keywords each: t/browser/talisman.py.
sub ask_talisman {
    my (@keywords) = @_;
    open my $out, '-|', '/usr/bin/python3', '-B', "$root/t/browser/talisman.py", @keywords or die "python3: $!\n";
    my $text = do { local $/; <$out> };
    close $out or die "t/browser/talisman.py fails\n";
    return JSON::PP::decode_json($text);
}

# t/browser/application.mjs: (its port, a function that ends it).
sub start_application {
    my $pid = open2(my $out, my $in, 'node', "$root/t/browser/application.mjs");
    my $port = <$out> // die "t/browser/application.mjs does not start\n";
    chomp $port;
    return ($port, sub { close $in; waitpid $pid, 0; return });
}

# The demo application: (its address, a function that ends it).
sub start_demo {
    my $state = tempdir(CLEANUP => 1);
    my $pid = spawn(sub { exec '/usr/bin/python3', '-B', "$root/scripts/demo/serve.py", $state or die "python3: $!\n" });
    wait_for(sub { -s "$state/address" }, 20) or die "the demo application does not start\n";
    open my $in, '<', "$state/address" or die "$state/address: $!\n";
    chomp(my $address = <$in>);
    return ($address, sub { end_process($pid, 5, 'TERM'); return });
}

1;
