# scripts/build by itself: what scripts/test has compiled is not compiled again for scripts/run.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Spec;
use File::Temp qw(tempdir);
use IPC::Run qw(run timeout);
use Test::More;

plan skip_all => 'other builds have flags of their own'
    if $ENV{TEST_NGINX_BINARY} || $ENV{TEST_NGINX_USE_VALGRIND} || $ENV{GUARD_TEST_ASAN};

my $root  = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $build = File::Spec->rel2abs($ENV{GUARD_BUILD} // "$root/build");
local $ENV{GUARD_BUILD} = $build;

# What is there, and from when.
my $modules = "$build/objs/{Makefile,*.h,*.so,addon/*/*.o,prelude/*} $build/native/src/*/*.o";
my $all     = "$modules $build/native/t/unit/*.o";

sub compiled { my ($files) = @_; return { map { $_ => (stat)[9] } glob $files } }

# scripts/test may still be compiling the unit tests; or nobody has.
for my $case ([$modules, '--test'], [$all], [$all, '--test'], [$all]) {
    my ($files, @words) = @$case;
    my $before = compiled($files);
    my $said = '';
    ok(run(["$root/scripts/build", @words], '>&', \$said, timeout(570)), "scripts/build @words") or diag($said);
    is($said, '', 'has nothing to say');
    is_deeply(compiled($files), $before, 'and nothing to compile');
}

# What npm has brought once is there without a network, which nobody asks for again.
SKIP: {
    skip 'no network may be left here', 5 if system('unshare --net true 2>/dev/null') != 0;
    my $offline = sub { my @command = @_; my $said = ''; return (run(['unshare', '--net', @command], '>&', \$said, timeout(570)), $said) };
    my $before = compiled($all);
    is_deeply [$offline->("$root/scripts/build", '--test')], [1, ''], 'builds without a network';
    is_deeply compiled($all), $before, 'and compiles nothing';
    my $empty = tempdir('guard-build-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    local $ENV{npm_config_cache} = "$empty/cache";
    my ($done, $said) = $offline->("$root/scripts/node-packages", 'src/dashboard', $empty);
    ok !$done, 'what is not there cannot be had';
    like $said, qr/^scripts\/node-packages: npm could not install them \(no network\?\)\n\z/m, 'which is said';
    ok !-e "$empty/installed.json", 'and tried again the next time';
}

# What each script does stands at its top, and --help prints that.
for my $script (qw(build test setup lint image run)) {
    my $said = '';
    ok(run(["$root/scripts/$script", '--help'], '>&', \$said, timeout(60)), "scripts/$script --help");
    like($said, qr{\A[A-Z][^\n]+\n.*^  scripts/$script }ms, 'says what it does') or diag($said);
    unlike($said, qr/^#|set -/m, 'and nothing else');
}

# A plain source tree, by either name.
for my $name (qw(NGINX_SRC NGX_SRC)) {
    my $said = '';
    ok(!run(["$root/scripts/build"], '>&', \$said, init => sub { delete @ENV{qw(NGINX_SRC NGX_SRC)}; $ENV{$name} = '/no/nginx' }, timeout(60)), "$name: none there");
    like($said, qr{^scripts/build: no nginx source tree in /no/nginx }m, "$name: is said");
}

# nginx's own build would say that there is no compiler.
{
    my $folder = tempdir('guard build XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $refused = qr/\Ascripts\/build: neither configure nor make can work in "\Q$folder\E[^"\n]*": [^\n]+\n\z/;
    my $said = '';
    ok(!run(["$root/scripts/build"], '>&', \$said, init => sub { $ENV{GUARD_BUILD} = "$folder/build" }, timeout(60)), 'a folder with blanks to build in');
    like($said, $refused, 'is named');
    mkdir "$folder/scripts" or die;
    copy("$root/scripts/build", "$folder/scripts/build") or die;
    $said = '';
    ok(!run(['bash', "$folder/scripts/build"], '>&', \$said, init => sub { delete $ENV{GUARD_BUILD} }, timeout(60)), 'a folder with blanks to build from');
    like($said, $refused, 'is named');
}
done_testing;
