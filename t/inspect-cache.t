# Compiled patterns in files: who reads the same rules again compiles nothing, and nothing is believed that somebody else
# could have written.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $nginx = make_nginx();
my $cache = $nginx->root . '/patterns';
my %config = (
    http_config => "guard_inspect_cache $cache;",
    config      => 'guard_inspect on; guard_inspect_rules ' . $nginx->root . '/own.conf;',
);
my @rules = map { qq(SecRule ARGS:$_ "\@rx ^$_+\$" "id:@{[ ord ]},phase:1,deny,status:403"\n) } 'a' .. 'c';

sub write_rules {
    $nginx->write_file('own.conf', join '', @_);
    return;
}

# What is told of the last start or reload: how many were compiled, came from files, and were there.
sub told {
    my @lines = $nginx->log_text =~ /guard_inspect: (\d+) sets of patterns compiled, (\d+) from \S+(?: cache)?, (\d+) in memory/g;
    return "@lines[-3 .. -1]";
}
sub files { return sort glob "$cache/*" }

sub restart {
    $nginx->stop;
    is $nginx->start, undef, 'starts';
    is request($nginx->port, GET => '/?a=aaa')->{code}, 403, 'refuses';
    is request($nginx->port, GET => '/?a=b')->{code}, 200, 'and passes';
    return told();
}

write_rules(@rules);
$nginx->configure(%config);
is $nginx->start, undef, 'starts with an empty cache';
is told(), '2 0 0', 'compiles';
my @files = files();
is scalar @files, 2, 'and keeps it';
is sprintf('%o', (stat $cache)[2] & 07777), '700', 'in a directory of its own';
is sprintf('%o', (stat $files[0])[2] & 07777), '600', 'and a file of its own';
is restart(), '0 2 0', 'compiles nothing at the next start';
is $nginx->hup, undef, 'reloads';
is told(), '0 0 2', 'nor at a reload, where it is in memory';

write_rules(@rules[0 .. 1]);
is $nginx->hup, undef, 'reloads other rules';
is told(), '1 0 1', 'compiles what is other';
is scalar(() = files()), 3, 'and keeps it as well';

# What a disk or a person can do to a file.
my ($good) = do { local (@ARGV, $/) = $files[0]; <> };
write_rules(@rules);
for my $bad (
    ['cut off'         => substr $good, 0, 100],
    ['empty'           => ''],
    ['changed'         => substr($good, 0, 200) . chr(ord(substr $good, 200, 1) ^ 1) . substr $good, 201],
    ['of another kind' => "x$good"],
    ['longer'          => "${good}x"],
) {
    my ($name, $bytes) = @$bad;
    open my $out, '>', $files[0] or die $!;
    print $out $bytes;
    close $out;
    is restart(), '1 1 0', "is compiled again where the file is $name";
    like $nginx->log_text, qr/\[warn\].*\Q$files[0]\E": not as Guard has written it: it is made anew/, 'and that is said';
    is restart(), '0 2 0', 'once';
}
chmod 0666, $files[0];
is restart(), '1 1 0', 'is not believed where others can write it';
unlink $files[0];
symlink '/etc/passwd', $files[0];
is restart(), '1 1 0', 'nor where it is a link';
ok !-l $files[0], 'which is replaced';

sub refused {
    my ($name, $wanted) = @_;
    my ($status, $said) = $nginx->test_config;
    isnt $status, 0, $name;
    like $said, $wanted, 'and is told why';
    return;
}
$nginx->stop;
chmod 0755, $cache;
refused('a directory that others can read is refused', qr/"\Q$cache\E" must be for the user who starts nginx alone: chown $> \Q$cache\E && chmod 700 \Q$cache\E in /);
open my $other, '>', "$cache/other" or die "$cache/other: $!\n";
close $other;
refused('one that holds other files, too, and no advice to take it from them', qr/"\Q$cache\E" holds other files: name a directory of its own, which is for the user who starts nginx alone in /);
unlink "$cache/other";
chmod 0700, $cache;
$nginx->configure(%config, http_config => "guard_inspect_cache $cache/none/at/all;");
refused('a directory that cannot be made', qr{cannot make "\Q$cache\E/none/at/all": No such file or directory in });
rename $cache, "$cache.real";
symlink "$cache.real", $cache;
$nginx->configure(%config);
refused('a link to one', qr/cannot open "\Q$cache\E": (?:Too many levels of symbolic links|Not a directory) in /);
unlink $cache;

$nginx->configure(%config, http_config => 'guard_inspect_cache off;');
is restart(), '2 0 0', 'compiles without a cache';
ok !-e $cache, 'and makes none';
is_deeply [log_problems($nginx)], [], 'no problem is logged';

done_testing();
