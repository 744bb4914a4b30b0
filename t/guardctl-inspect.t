# guardctl inspect: what a request meets in the rules, at the desk.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard::Guardctl qw(answers_of guardctl);

my $dir = tempdir(CLEANUP => 1);
my $answers = answers_of('inspect');

# What other tests have compiled is not compiled again.
my @cache = ('--cache', ($ENV{GUARD_BUILD} || 'build') . '/patterns');
sub answers { my ($name, $words, @rest) = @_; return $answers->($name, [@cache, @$words], @rest) }

sub file {
    my ($name, $text) = @_;
    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!\n";
    print $out $text;
    close $out;
    return "$dir/$name";
}

my $browser = "Host: shop.example.com\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0\nAccept: */*\n";
my $sqli    = file('sqli', "GET /?id=1%27%20or%20%271%27=%271 HTTP/1.1\n$browser\n");
answers('an injection', [$sqli], 1, <<'EOT', '');
942100 ARGS:id: SQL Injection Attack Detected via libinjection
949110 TX:anomaly_score: Inbound Anomaly Score Exceeded (Total Score: 5)
score 5: sql_injection 5
refused: 403 inspect.sqli, by rule 949110
EOT
answers('a threshold', ['--threshold', 6, $sqli], 0, <<'EOT', '');
942100 ARGS:id: SQL Injection Attack Detected via libinjection
score 5: sql_injection 5
passes
EOT
answers('options with "=", and behind the file', [$sqli, '--threshold=6', '--paranoia=1'], 0, <<'EOT', '');
942100 ARGS:id: SQL Injection Attack Detected via libinjection
score 5: sql_injection 5
passes
EOT
answers('an ordinary request', [file('plain', "GET /?q=shoes+and+socks HTTP/1.1\r\n$browser\r\n")], 0, "score 0\npasses\n", '');

my $long = 'a' x 150;
answers('a long value', ['--rules', file('dollar.conf', qq{SecRule ARGS "\@rx \\\$\\{.*\\}" "id:1,phase:2,deny,status:418,msg:'x'"\n}), '--rules',
    file('other.conf', qq{SecRule ARGS:b "\@streq c" "id:2,phase:2,pass,msg:'a b'"\n}),
    file('long', "POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 163\n\nb=c&a=\${$long}\nno more")],
    1, "1 ARGS:a: x\nscore 0\nrefused: 418 inspect.generic, by rule 1\n", '');
answers('an excerpt, fit for a terminal', ['--excerpt', '--rules', "$dir/other.conf", '--rules',
    file('name.conf', qq{SecRule ARGS "\@contains x" "id:3,phase:2,pass,msg:'m %{MATCHED_VAR}',logdata:'l %{MATCHED_VAR}'"\n}),
    file('escape', "GET /?a%1b=x%1b%5b31m HTTP/1.1\n\n")],
    0, "3 ARGS:a\\u{1b}: m x\\u{1b}[31m\n    in: x\\u{1b}[31m\n    found: l x\\u{1b}[31m\nscore 0\npasses\n", '');

my ($code, $out, $err) = guardctl('inspect', '--vocabulary');
is $code, 0, 'the vocabulary: exit code';
is $err, '', 'the vocabulary: no errors';
my @lines = split /\n/, $out;
is_deeply [grep { !/\A(?:directive|variable|operator|transformation|action|ctl) [a-z0-9_]+(?: ignored)?\z/ } @lines], [], 'the vocabulary: a word a line';
for my $line ('directive secrule', 'directive secauditlog ignored', 'variable args', 'operator rx', 'operator rbl ignored', 'transformation lowercase', 'action setvar', 'action initcol ignored', 'ctl ruleengine') {
    is scalar(grep { $_ eq $line } @lines), 1, "the vocabulary: $line";
}

my $system_file = file('system', "GET /?a=/etc/services HTTP/1.1\r\n$browser\r\n");
my $found       = "440001 ARGS:a: Absolute Path of a System File\n949110 TX:anomaly_score: Inbound Anomaly Score Exceeded (Total Score: 5)\nscore 5: lfi 5\nrefused: 403 inspect.lfi, by rule 949110\n";
answers('the extension', [$system_file], 1, $found, '');
answers('the extension, asked for', ['--rules', 'crs-extended', $system_file], 1, $found, '');
# What is printed are the rules themselves: they can be read.
($code, $out, $err) = guardctl('inspect', '--extension');
is "$code $err", '0 ', '--extension';
answers('the extension, printed', ['--rules', file('extension.conf', $out), '--rules', 'crs', $system_file], 1, $found, '');
answers('the Core Rule Set alone', ['--rules', 'crs', $system_file], 0, "score 0\npasses\n", '');

my $see = "Try \"guardctl inspect --help\".\n";
answers('no file', ["$dir/none"], 2, '', "guardctl: cannot read \"$dir/none\": No such file or directory\n");
answers('no request', [file('empty', '')], 2, '', "guardctl: no request line, as in \"GET / HTTP/1.1\"\n$see");
answers('nothing', [], 2, '', "guardctl: \"inspect\" needs the file of a request, or \"-\"\n$see");
answers('an unknown option', ['--level', 1, $sqli], 2, '', "guardctl: unknown option \"--level\" of \"inspect\"\n$see");
answers('two files', [$sqli, $sqli], 2, '', "guardctl: unexpected word \"$sqli\", \"inspect\" reads one file\n$see");
answers('no value', [$sqli, '--paranoia'], 2, '', "guardctl: \"--paranoia\" needs a value\n$see");
answers('a wrong rule', ['--rules', file('wrong.conf', qq{\nSecRule ARGS "\@rxx a" "id:1,deny"\n}), $sqli], 2, '',
    "guardctl: $dir/wrong.conf:2: unknown operator \"\@rxx\"\n");

answers('rules that mean nothing', ['--rules', file('loose.conf', qq{SecAction "id:1,phase:1,pass,nolog,skipAfter:END"\nSecRuleRemoveById 2\nSecRequestBodyLimit 1\n}), $sqli], 0,
    "score 0\npasses\n", "guardctl: $dir/loose.conf:2: no rule is meant by \"2\"\nguardctl: $dir/loose.conf:1: no SecMarker \"END\" is behind it, the rest of the phase is skipped\n");

# Compiled patterns in files, as for nginx.
my $own   = file('own.conf', qq{SecRule ARGS:a "\@rx ^a+\$" "id:4,phase:2,deny,msg:'x'"\n});
my $match = file('match', "GET /?a=aaa HTTP/1.1\n\n");
my @said  = (1, "4 ARGS:a: x\nscore 0\nrefused: 403 inspect.generic, by rule 4\n");
sub keeps { my ($name, $cache, $errors) = @_; return $answers->($name, ['--cache', $cache, '--rules', $own, $match], @said, $errors) }
sub kept { return sort glob "$dir/patterns/*" }
keeps('an empty cache', "$dir/patterns", '');
my ($kept, @others) = kept();
ok $kept, 'the patterns are kept';
is sprintf('%o %o', map { (stat)[2] & 07777 } "$dir/patterns", $kept), '700 600', 'for the user alone';
my @before = map { (stat)[1] } kept();
keeps('a full cache', "$dir/patterns", '');
is_deeply [map { (stat)[1] } kept()], \@before, 'what is kept is used, not made anew';
chmod 0666, $kept;
keeps('a file that others can write', "$dir/patterns", qq{guardctl: "$kept": not as Guard has written it: it is made anew\n});
isnt +(stat $kept)[1], $before[0], 'which is made anew';
unlink $kept, @others;
keeps('no cache', 'off', '');
is_deeply [kept()], [], 'nothing is kept';
chmod 0755, "$dir/patterns";
$answers->('a cache that others can read', ['--cache', "$dir/patterns", '--rules', $own, $match], 2, '',
    qq{guardctl: "$dir/patterns" must be for the user who starts nginx alone: chown $> $dir/patterns && chmod 700 $dir/patterns\n});
$answers->('no such directory', ['--cache', "$dir/none/at/all", '--rules', $own, $match], 2, '', qq{guardctl: cannot make "$dir/none/at/all": No such file or directory\n});

($code, $out, $err) = guardctl('inspect', '--paranoia', 5, $sqli);
is $code, 2, 'no such level: exit code';
like $err, qr/^guardctl: .*"5".*--paranoia/, 'no such level: errors';

done_testing;
