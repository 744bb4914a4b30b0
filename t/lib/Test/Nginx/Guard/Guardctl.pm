package Test::Nginx::Guard::Guardctl;

# guardctl from outside.

use strict;
use warnings;

use Exporter 'import';
use IPC::Open3 qw(open3);
use Symbol qw(gensym);
use Test::More;

our @EXPORT_OK = qw(guardctl guardctl_path answers_of);

sub guardctl_path { return ($ENV{GUARD_BUILD} || 'build') . '/guardctl' }

# (exit code, standard output, standard error), which must not be larger than a pipe takes
sub guardctl {
    my @words = @_;
    my $pid = open3(my $in, my $out, my $err = gensym, guardctl_path(), @words);
    close $in;
    local $/;
    my ($text, $errors) = (scalar <$out>, scalar <$err>);
    waitpid $pid, 0;
    return ($? >> 8, $text // '', $errors // '');
}

# A sub that tests what COMMAND answers to words: its exit code, its output and its errors, each under a name.
sub answers_of {
    my ($command) = @_;
    return sub {
        my ($name, $words, $code, $out, $err) = @_;
        my ($got_code, $got_out, $got_err) = guardctl($command, @$words);
        is $got_code, $code, "$name: exit code";
        is $got_out,  $out,  "$name: output";
        is $got_err,  $err,  "$name: errors";
        return;
    };
}

1;
