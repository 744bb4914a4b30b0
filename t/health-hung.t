# guard_health_check of a disk that does not answer: it holds up the worker that looks, and no other.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;

plan skip_all => 'sanitizers must be loaded first, and valgrind has a loader of its own' if defined $ENV{ASAN_OPTIONS} || $ENV{TEST_NGINX_USE_VALGRIND};

# Workers of another user read them.
my $folder = tempdir(CLEANUP => 1);
chmod 0755, $folder;
my ($hangs, $library) = ("$folder/hangs", "$folder/hanging_disk.so");
is system('cc', '-O1', '-shared', '-fPIC', '-o', $library, 't/lib/hanging_disk.c', '-ldl'), 0, 'a disk that hangs';
my @checks = qw(disk beside third);
my $nginx  = make_nginx(
    workers     => 3,
    env         => [qw(HANGING_DISK HANGING_PATH)],
    http_config => join('', map { "guard_health_check $_ disk:$folder warn=0% fail=0% interval=1s fall=2;\n" } @checks) . "guard_health_check memory memory: warn=0% fail=0% interval=1s;\n",
    config      => 'location / { guard_health; }'
);
{
    local @ENV{qw(LD_PRELOAD HANGING_DISK HANGING_PATH)} = ($library, $hangs, $folder);
    is $nginx->start, undef, 'starts' or BAIL_OUT($nginx->log_text);
}
my $told;
sub health {
    my $answer = request($nginx->port, GET => '/', timeout => 2) or return;
    return $told = JSON::PP->new->decode($answer->{body})->{checks};
}
sub become {
    my ($wanted, $name) = @_;
    ok wait_for(sub {
        my $checks = health() or return;
        return join(' ', sort map { my $check = $checks->{"$_:free"}[0]; $check->{status} . ($check->{output} // '') } @checks) eq $wanted;
    }), $name or diag explain $told;
    return;
}
become('pass pass pass', 'a disk with room');
open my $out, '>', $hangs or die $!;
close $out;
become('failan earlier look has not come back pass pass', 'that it hangs is a failure of the check that found it');
is scalar(grep { (request($nginx->port, GET => '/', timeout => 5) // { code => 0 })->{code} != 503 } 1 .. 50), 0, 'and all are answered: no other check looks meanwhile';
my $before = health()->{'memory:available'}[0]{time};
ok wait_for(sub { my $checks = health(); return $checks && $checks->{'memory:available'}[0]{time} ne $before }), 'but what cannot hang';
unlink $hangs;
become('pass pass pass', 'it goes on');
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
