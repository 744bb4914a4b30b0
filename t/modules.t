# The two module files: the second works with the first of its own build, named before it, and says what is wrong
# otherwise; what it needs besides is not asked of those who load the first alone.

use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;

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
done_testing;
