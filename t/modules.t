# The two module files: the second works with the first of its own build, named before it, and says what is wrong
# otherwise; what it needs besides is not asked of those who load the first alone. Neither gets into the way of other
# people's modules, nor they into ours: nchan has a hiredis of its own, with other structures.

use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Answers qw(codes);

my $build  = abs_path($ENV{GUARD_BUILD} // 'build');
my $first  = "$build/ngx_http_guard_module.so";
my $tested = "$build/ngx_http_guard_test_module.so";
my $second = "$build/ngx_http_guard_inspect_module.so";
local $ENV{TEST_NGINX_LOAD_MODULES} = '';

sub loaded {
    my (@files) = @_;
    my $nginx = make_nginx();
    $nginx->configure(main_config => join("\n", map { "load_module $_;" } @files), config => 'guard_mode enforce;');
    my ($status, $output) = $nginx->test_config;
    return ($status, $output);
}

for my $core ($first, $tested) {
    my ($name) = $core =~ m{([^/]*)\z};
    my ($status, $output) = loaded($core, $second);
    is($status, 0, "after $name") or diag($output);
}
is((loaded($first))[0], 0, 'and the first without it');

for my $files ([$second, $first], [$second]) {
    my ($status, $output) = loaded(@$files);
    isnt($status, 0, @$files > 1 ? 'before the first' : 'without the first');
    like($output, qr/\[emerg\] dlopen\(\) "\Q$second\E" failed \(ngx_http_guard_module\.so: cannot open shared object file/,
        'names what is missing');
}

# The second file of another build: the version that it asks for is nobody's.
my $bytes = do { open my $in, '<:raw', $second or die "$second: $!\n"; local $/; <$in> };
my ($version) = $bytes =~ /\0(GUARD_[0-9.]+_[0-9a-f]{12})\0/ or die "$second asks for no version\n";
my $other = 'GUARD_' . ('9' x (length($version) - length 'GUARD_'));
$bytes =~ s/\0\Q$version\E\0/\0$other\0/;
my $place = tempdir(CLEANUP => 1) . '/ngx_http_guard_inspect_module.so';
open my $out, '>:raw', $place or die "$place: $!\n";
print {$out} $bytes;
close $out or die "$place: $!\n";
my ($status, $output) = loaded($first, $place);
isnt($status, 0, 'of another build');
like($output, qr/\[emerg\] dlopen\(\) "\Q$place\E" failed \(\S*ngx_http_guard_module\.so: version `$other' not found/,
    'names the version that is not there');

# What the files need of the system.
sub needs { return join ' ', sort grep { !/^linux-vdso/ } map { /Shared library: \[(.*?)\]/ } `readelf -d $_[0]` }
unlike(needs($first), qr/libhs|libmagic|libxml2|libmodsecurity/, 'the first file needs none of the second one\'s libraries');
like(needs($second), qr/\bngx_http_guard_module\.so\b/, 'the second needs the first');
unlike(needs($first), qr/hiredis/, 'no module loaded later finds a hiredis that the first file has brought');

SKIP: {
    skip 'sanitizers and valgrind want to be loaded first', 3 if defined $ENV{ASAN_OPTIONS} || $ENV{TEST_NGINX_USE_VALGRIND};
    my $redis = start_redis();
    my $nginx = make_nginx();
    my $other = $nginx->root . '/other_hiredis.so';
    is(system('cc', '-shared', '-fPIC', '-o', $other, 't/lib/other_hiredis.c'), 0, 'another hiredis');
    $nginx->configure(
        main_config => "load_module $first;",
        http_config => 'guard_key_secret 0123456789abcdef; guard_redis main redis://127.0.0.1:' . $redis->port . ";\n"
            . 'guard_rate_policy one rate=1/hour key=$arg_k redis=main on_error=closed;',
        config => 'location = /limited { guard_rate one; empty_gif; }',
    );
    {
        local $ENV{LD_PRELOAD} = $other;
        is($nginx->start, undef, 'loaded before the first file') or diag($nginx->log_text);
    }
    is(codes($nginx, '/limited?k=a', 2), '200 429', 'is not what reads the replies');
    $nginx->stop;
}
done_testing;
