package Test::Nginx::Guard::Guardctl;

# guardctl from outside.

use strict;
use warnings;

use Exporter 'import';
use IPC::Open3 qw(open3);
use Symbol qw(gensym);

our @EXPORT_OK = qw(guardctl guardctl_path);

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

1;
