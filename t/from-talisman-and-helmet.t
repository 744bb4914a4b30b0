# docs/from-talisman-and-helmet.md, row by row: what it says of Guard is what nginx sends, and what it says
# of Talisman and helmet is what they send.

use strict;
use warnings;
use utf8;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Browser qw(browser_modules run_node ask_talisman);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $page = do {
    open my $in, '<:encoding(UTF-8)', 'docs/from-talisman-and-helmet.md' or die "docs: $!\n";
    local $/;
    <$in>;
};

# The tables: their heads and rows, each a list of cells.
my %rows;
my $table = '';
for my $line (split /\n/, $page) {
    my ($row) = $line =~ /^\| (.*) \|$/ or do { $table = ''; next };
    my @cells = split / \| /, $row;
    next if $cells[0] =~ /^---/;
    if (!$table) { $table = $cells[0]; next }
    push @{ $rows{$table} }, \@cells;
}
is join(',', map { "$_ " . @{ $rows{$_} } } sort keys %rows), 'Talisman 10,helmet 14,there 26', 'the page has three tables';

sub code { return $_[0] =~ /`([^`]+)`/g }

# "Name: value": a pattern for the value, where "…" is anything.
sub field {
    my ($text) = @_;
    my ($name, $value) = $text =~ /^([\w-]+): (.*)$/ or return;
    return ($name, join '.+', map { quotemeta } split /…/, $value, -1);
}

# A location for each set of directives.
my (%path, $locations);
sub path_of {
    my ($directives) = @_;
    if (!$path{$directives}) {
        $path{$directives} = '/' . (1 + keys %path) . '/';
        $locations .= "location $path{$directives} { $directives proxy_pass http://UPSTREAM/; }\n";
    }
    return $path{$directives};
}
my $web = 'guard_headers web;';
my (@fields, @requests);
for my $library (qw(helmet Talisman)) {
    for my $row (@{ $rows{$library} }) {
        my ($option, $theirs, $ours, $words) = @$row;
        # In brackets stands what Talisman 1.1 does otherwise.
        ($theirs, $words) = map { s/ \(.*\)$//r } $theirs, $words;
        my ($sent)   = $theirs eq 'nothing' ? () : code($theirs);
        my ($guard)  = $ours =~ /^nothing/  ? () : code($ours);
        my ($name)   = field($sent // $guard // 'X: ');
        my ($change) = code($words);
        is_deeply [$sent], [$guard], "$library, $option: the same" if $words eq 'the same';
        push @fields, ["$library, $option: ours", path_of($web), $name, $guard];
        # Browsers read both the same, and the policy is written with a space behind each ";".
        my $expected = $sent && $name eq 'Content-Security-Policy' ? $sent =~ s/;(?! )/; /gr : $sent;
        push @fields, ["$library, $option: theirs", path_of($change ? "$web $change" : $web), $name, $expected];
    }
}
for my $row (@{ $rows{there} }) {
    my ($what, $guard, $request, $answer) = @$row;
    my ($directives) = code($guard);
    my ($method, $path, $scheme, $headers) = (code($request))[0] =~ m{^(GET|POST|OPTIONS) (/\w*) (https?)(?: (.*))?$} or die "no request: $request\n";
    # except= names paths of the server.
    my $prefix = path_of($directives =~ s{except=/}{except=/PREFIX/}r) =~ s{/$}{}r;
    $locations =~ s{/PREFIX/}{$prefix/};
    push @requests, [$what, $method, $prefix . $path, $scheme, [split /, /, $headers // ''], $prefix, code($answer)];
}

my $upstream = start_upstream("status 200\nheader Content-Type: text/html\nheader Set-Cookie: session=1\nheader X-Powered-By: Express\nbody page");
$locations =~ s/UPSTREAM/'127.0.0.1:' . $upstream->port/ge;
my ($crt, $key) = certificate();
my $tls   = free_port();
my $nginx = start_nginx(
    no_root_location => 1,
    listen           => ["listen $tls ssl;", "ssl_certificate $crt;", "ssl_certificate_key $key;"],
    config           => "server_name localhost;\n$locations",
);

sub ask {
    my ($method, $path, $scheme, @headers) = @_;
    return request($scheme eq 'https' ? $tls : $nginx->port, $method => $path, headers => \@headers, $scheme eq 'https' ? (tls => 1) : ());
}

sub values_of {
    my ($response, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $response->{fields} };
}

for my $case (@fields) {
    my ($what, $path, $name, $expected) = @$case;
    next unless length $name;
    my @got = values_of(ask(GET => $path, 'https'), $name);
    if (!defined $expected) { is_deeply \@got, [], "$what: no $name"; next }
    my (undef, $pattern) = field($expected);
    is scalar @got, 1, "$what: $name is there once";
    like $got[0] // '', qr/\A$pattern\z/, "$what: its value";
}

for my $case (@requests) {
    my ($what, $method, $path, $scheme, $headers, $prefix, @answers) = @$case;
    my $response = ask($method, $path, $scheme, @$headers);
    for my $answer (@answers) {
        if    ($answer =~ /^\d+$/)       { is $response->{code}, $answer, "$what: $answer" }
        elsif ($answer =~ /^no ([\w-]+)/) { is_deeply [values_of($response, $1)], [], "$what: $answer" }
        else {
            my ($name, $pattern) = field($answer) or die "no answer: $answer\n";
            my @got = map { s{https://localhost\K\Q$prefix\E}{}r } values_of($response, $name);
            is scalar @got, 1, "$what: $name is there once";
            like $got[0] // '', qr/\A$pattern\z/, "$what: its value";
        }
    }
}

# helmet itself.
my $helmet = run_node('helmet', [browser_modules()]);
my %documented = map { my ($sent) = code($_->[1]); $sent ? $sent =~ /^([\w-]+): (.*)$/ : () } @{ $rows{helmet} };
my $lower = sub { my %of = @_; return { map { lc $_ => $of{$_} } keys %of } };
is_deeply $lower->(%documented), $lower->(%$helmet), 'helmet sends what the page says';

# Talisman itself: what it sends by default, and what its options are about, by the names of fields.
my @options = grep { @{ $_->[0] } } map { [[grep { /^\w+=/ } code($_->[0] =~ /^Talisman: ([^;]*)/ ? $1 : '')], code($_->[3])] } @{ $rows{there} };
my $talisman = ask_talisman('', map { join ', ', @{ $_->[0] } } @options);
my %default  = map { lc $_->[0] => $_->[1] } @{ $talisman->{''}{fields} };
delete @default{qw(content-type content-length vary set-cookie)};
%documented = map { my ($sent) = $_->[1] =~ /^nothing/ ? () : code($_->[1]); $sent ? $sent =~ /^([\w-]+): (.*)$/ : () } @{ $rows{Talisman} };
is_deeply $lower->(%documented), \%default, 'Talisman sends what the page says';
is_deeply $talisman->{''}{plain}, [([302, 'https://localhost/']) x 2], 'Talisman redirects with 302, forms too';
is $talisman->{''}{forwarded}, 200, 'Talisman believes X-Forwarded-Proto';
is $talisman->{''}{exempt},    200, '@talisman(force_https=False)';
is @options, 12, 'rows with options of Talisman';
for my $row (@options) {
    my ($words, @answers) = @$row;
    my $option = join ', ', @$words;
    my $theirs = { fields => $talisman->{$option}{fields} };
    is $talisman->{$option}{status}, 200, "Talisman($option)" if $option ne 'force_https=True';
    # Browsers have forgotten this one; what Guard has instead is another field.
    next if $option =~ /ALLOW_FROM/;
    for my $answer (@answers) {
        my ($name) = $answer =~ /^(?:no )?([A-Z][\w-]+)/ or next;
        next if $name =~ /^(?:Location|Reporting-Endpoints)$/;
        is scalar(values_of($theirs, $name)), $answer =~ /^no / ? 0 : 1, "Talisman($option): $answer";
    }
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
