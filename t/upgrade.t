# A binary upgrade as docs/operations.md has it, with the modules' files replaced, under load: every request is answered,
# no event is lost, and what old workers have signed and new ones do is one genuine log.

use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Guardctl qw(guardctl);
use Test::Nginx::Guard::Process qw(spawn);

plan skip_all => 'nginx would start itself anew without valgrind' if $ENV{TEST_NGINX_USE_VALGRIND};

my $build = abs_path($ENV{GUARD_BUILD} // 'build');
my $place = tempdir(CLEANUP => 1);
my @files = map { "ngx_http_guard_${_}module.so" } '', 'inspect_';

# As install does: another file of that name.
sub install {
    for my $file (@files) {
        copy("$build/$file", "$place/$file.new") or die "$file: $!\n";
        rename "$place/$file.new", "$place/$file" or die "$file: $!\n";
    }
    return;
}

install();
local $ENV{TEST_NGINX_LOAD_MODULES} = '';
my $nginx = make_nginx(daemon => 1, workers => 2);
my $key   = $nginx->write_file('conf/key', 'a secret of the upgrade');
chmod 0600, $key;
$nginx->configure(
    main_config => join('', map { "load_module $place/$_;\n" } @files),
    http_config => "guard_event_log logs/events.json rotate=64k keep=1000 chain=file:$key checkpoints=logs/checkpoints.json;\n"
        . 'guard_inspect_rules /dev/null;',
    config => 'guard_path strict; guard_inspect on; location /empty { empty_gif; }'
);
is($nginx->start, undef, 'it starts') or BAIL_OUT($nginx->log_text);

my $answers = $nginx->log_file('answers');
my $client  = spawn(sub {
    open my $out, '>', $answers or die "$answers: $!\n";
    $out->autoflush;
    until (-e "$answers.enough") {
        print {$out} request($nginx->port, GET => $_)->{code}, "\n" for '/empty', '/a%2fb';
    }
});
sub some_more {
    my $before = -s $answers // 0;
    return wait_for(sub { (-s $answers // 0) > $before + 200 });
}

ok(some_more(), 'requests are answered');
my $old = $nginx->pid;
for my $winch (1, 0) {
    my $name = $winch ? 'upgraded, workers first' : 'upgraded, all at once';
    install();
    is($nginx->usr2(winch => $winch), undef, $name);
    ok(some_more(), "$name: requests are answered");
}
isnt($nginx->pid, $old, 'by another master');
open my $enough, '>', "$answers.enough" or die $!;
waitpid $client, 0;
is($nginx->stop, undef, 'it stops');
is_deeply([log_problems($nginx)], [], 'log');

open my $in, '<', $answers or die "$answers: $!\n";
my %code;
while (<$in>) { chomp; $code{$_}++ }
is_deeply([sort keys %code], [200, 400], 'every request was answered as it should') or diag(explain(\%code));
my ($status, $said) = guardctl('events', 'verify', "--key=file:$key", '--checkpoints', $nginx->log_file('checkpoints.json'), glob $nginx->log_file('events.json') . '*');
is($status, 0, 'the log is genuine') or diag($said);
# One line for each configuration says that it is loaded.
is(($said =~ /, (\d+) lines, \d+ chains: as they were written/)[0], $code{400} + 3, 'and has every refusal') or diag($said);
done_testing;
