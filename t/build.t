# scripts/build by itself: what scripts/test has compiled is not compiled again for scripts/run.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
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
done_testing;
