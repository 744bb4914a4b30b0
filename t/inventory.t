# scripts/inventory: every word that the Core Rule Set names is known, and one that is not is told of.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $inventory = abs_path(dirname(__FILE__) . '/../scripts/inventory');
my $dir       = tempdir(CLEANUP => 1);

sub run {
    my $out = qx{@_ 2>&1};
    return ($? >> 8, $out);
}

sub rules {
    my ($text) = @_;
    open my $out, '>', "$dir/x.conf" or die "$dir/x.conf: $!\n";
    print $out $text;
    close $out;
    return;
}

my ($code, $out) = run($inventory, '--check');
is $code, 0, 'CRS 3.3 and 4, and the table: exit code';
like $out, qr/\Ainventory: 1\d\d words, 0 wrong\n\z/, 'CRS 3.3 and 4, and the table';

rules(<<'EOT');
# SecRule NONE "@none" "none"
SecRule ARGS|!ARGS:/a|b/|&TX:x|XML:/*|REQUEST_HEADERS:User-Agent \
    "!@streq a b" \
    "id:1,phase:2,\
    t:none,t:urlDecodeUni,\
    msg:'it\'s, %{FILES.x}',\
    ctl:ruleRemoveTargetById=1;ARGS:y,setvar:'ip.z=+%{TX.a}'"
SecRule ARGS a "id:2"
EOT
($code, $out) = run($inventory, "$dir/x.conf");
is $out, join("\n",
    (map {"action $_"} qw(ctl id msg phase setvar t)), 'ctl ruleremovetargetbyid', 'directive secrule', (map {"operator $_"} qw(rx streq)),
    'transformation urldecodeuni', (map {"variable $_"} qw(args files ip request_headers tx xml)), ''), 'the words of rules';

for my $gap (['SecAction "id:1,frob"', 'action frob'], ['SecAction "id:1,t:frob"', 'transformation frob'], ['SecAction "id:1,ctl:frob=On"', 'ctl frob'],
    ['SecRule ARGS "@frob a" "id:1"', 'operator frob'], ['SecRule ARGS|FROB:x "a" "id:1"', 'variable frob'], ['SecFrob On', 'directive secfrob'],
    ['SecAction "id:1,msg:\'%{FROB.a}\'"', 'variable frob'])
{
    rules("$gap->[0]\n");
    ($code, $out) = run($inventory, '--check', "$dir/x.conf");
    is $code, 1, "$gap->[1]: exit code";
    like $out, qr/\A\Q$dir\E\/x\.conf: $gap->[1] is unknown to Guard\ninventory: \d+ words, 1 wrong\n\z/, $gap->[1];
}

done_testing;
