# guardctl csp: hashes that nginx and browsers agree with, and what nginx -t would say.

use strict;
use warnings;
use lib 't/lib';
use Digest::SHA qw(sha256_base64);
use File::Temp  qw(tempdir);
use Test::More;
use Test::Nginx::Guard::Guardctl qw(answers_of);

my $dir = tempdir(CLEANUP => 1);
*answers = answers_of('csp');

sub file {
    my ($name, $text) = @_;
    open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!\n";
    print $out $text;
    close $out;
    return "$dir/$name";
}

sub hash_of { return "'sha256-" . sha256_base64($_[0]) . "='" }

my $page = file('page.html', <<'EOP');
<!doctype html>
<title>page</title>
<style>p { color: red }</style>
<script>
  if (1 < 2) go("&amp;");
</script>
<!-- <script>not()</script> -->
<script src="/other.js"></script>
<script type="application/json">{}</script>
<p onclick="go(1)">
EOP
answers('a page', ['hash', $page], 0, join('',
    "style-src ${\ hash_of('p { color: red }')} line 3\n",
    "script-src ${\ hash_of(qq(\n  if (1 < 2) go(\"&amp;\");\n))} line 4\n",
    "script-src ${\ hash_of('go(1)')} line 10, attribute \"onclick\", needs 'unsafe-hashes'\n"), '');
answers('a text', ['hash', '--text', file('own.js', 'go(1)')], 0, hash_of('go(1)') . "\n", '');
answers('a text without tags', ['hash', "$dir/own.js"], 1, '',
    "guardctl: no inline script or style in \"$dir/own.js\"; is it the text of one, without its tags? then add \"--text\"\n");
answers('no file', ['hash', "$dir/none"], 1, '', "guardctl: cannot read \"$dir/none\": No such file or directory\n");
answers('control characters', ['hash', file('wild.html', "<p on\e[31m=x>\n<script>a('\1')</script>")], 0,
    "script-src ${\ hash_of('x')} line 1, attribute \"on\xef\xbf\xbd[31m\", needs 'unsafe-hashes'\nscript-src ${\ hash_of(qq(a('\xef\xbf\xbd')))} line 2\n",
    "guardctl: warning: line 2 has control characters or what is not UTF-8, browsers may have another hash\n");

answers('a good policy', ['check', "default-src 'self'; base-uri 'none'"], 0, '', '');
answers('a bad one', ['check', "default-src 'self'; script-scr self"], 1, <<'EOT', '');
unknown directive "script-scr", did you mean "script-src"?
no "base-uri": an injected <base> takes scripts from elsewhere, add "base-uri 'none'"
EOT
answers('one that reports', ['check', '--report-only', "default-src 'self'; base-uri 'none'"], 1,
    "the policy only reports, but to nobody: neither \"report-to\" nor \"report-uri\"\n", '');
answers('one that cannot be sent', ['check', "default-src 'self', img-src *"], 2, '',
    "guardctl: \",\" in policy \"default-src 'self', img-src *\" would begin another policy, write \"%2C\" in a path\n");
answers('an empty one', ['check', ''], 2, '', "guardctl: empty policy of \"guard_csp\"\n");

for my $case ([[], '"csp" needs "hash" or "check"'], [['hsah'], 'unknown command "csp hsah", "hash" or "check" is expected'],
    [['hash'], '"csp hash" needs the file of a page'], [['check'], '"csp check" needs a policy'],
    [['check', 'default-src', 'self'], 'unexpected word "self", the policy is one word: put it into quotes'],
    [['hash', '--txt', 'x'], 'unknown option "--txt" of "csp"'], [['check', 'off'], '"off" is no policy']) {
    answers("csp @{ $case->[0] }", $case->[0], 2, '', "guardctl: $case->[1]\nTry \"guardctl csp --help\".\n");
}

# From standard input.
my $program = Test::Nginx::Guard::Guardctl::guardctl_path();
is qx{printf '<script>a()</script>' | $program csp hash -}, "script-src ${\ hash_of('a()')} line 1\n", 'a page from standard input';
is qx{printf "default-src 'self'" | $program csp check -}, "no \"base-uri\": an injected <base> takes scripts from elsewhere, add \"base-uri 'none'\"\n",
    'a policy from standard input';

done_testing;
