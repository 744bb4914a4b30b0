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
sub compiled {
    return { map { $_ => (stat)[9] } glob "$build/objs/{Makefile,*.h,*.so,addon/*/*.o,prelude/*} $build/native/{src/*/*,t/unit/*}.o" };
}

for my $words (['--test'], [], ['--test']) {
    my $before = compiled();
    my $said = '';
    ok(run(["$root/scripts/build", @$words], '>&', \$said, timeout(570)), "scripts/build @$words") or diag($said);
    is($said, '', 'has nothing to say');
    is_deeply(compiled(), $before, 'and nothing to compile');
}
done_testing;
