# The pages and the code say the same: whatever of docs/directives.md a machine can compare with src
# is compared here, and nginx is given every example of every page.

use strict;
use warnings;
use lib 't/lib';
use File::Find qw(find);
use Test::More;
use Test::Nginx::Guard;

sub slurp {
    my ($name) = @_;
    open my $file, '<:raw', $name or die "$name: $!\n";
    local $/;
    return <$file>;
}

# Sources without comments, by room.
my %room;
find({no_chdir => 1, wanted => sub {
    my ($name) = m{^src/(\w+)/\w+\.(?:cpp|h)\z} or return;
    return if $_ eq 'src/core/test_module.cpp';
    my $text = slurp($_);
    $text =~ s{^\s*//.*$}{}mg;
    $text =~ s{\s//\s.*$}{}mg;
    $room{$name}{$_} = $text;
}}, 'src');
my $page = slurp('docs/directives.md');

# The page: sections by their headings, directives with what is listed under each.
my %section = map { /^(.*)\n/ => $_ } split /^## /m, $page;
my (%entry, @order);
while ($page =~ /^### (guard_\w+)\n(.*?)(?=^###? |\z)/msg) {
    my ($name, $text) = ($1, $2);
    fail("$name has one heading") if $entry{$name};
    push @order, $name;
    $entry{$name} = { text => $text, map { lc($_) => $text =~ /^- \*\*$_\*\*: (.+?)(?=\n- |\n\n)/ms ? $1 : '' }
        qw(Syntax Default Context Phase) };
}

# The code: directives with the contexts of their flags.
my %context_of = (MAIN => 'http', SRV => 'server', LOC => 'location');
my %command;
for my $room (sort keys %room) {
    for my $text (values %{ $room{$room} }) {
        my %constant;
        $constant{$1} = $2 while $text =~ /constexpr ngx_uint_t (\w+) =([^;]+);/g;
        while ($text =~ /ngx_string\("(guard_\w+)"\),\s*([^,]+),/g) {
            my ($name, $flags) = ($1, $2);
            $flags =~ s/\b(k\w+)\b/$constant{$1} \/\/ die "unknown constant $1\n"/ge;
            $command{$name} = { room => $room, context => join ', ', map { $flags =~ /NGX_HTTP_${_}_CONF/ ? $context_of{$_} : () } qw(MAIN SRV LOC) };
        }
    }
}
cmp_ok(scalar keys %command, '>=', 9, 'directives are found in the code');
is_deeply([sort keys %entry], [sort keys %command], 'the page has the directives of the code, and no others');

for my $name (grep { $command{$_} } @order) {
    my $entry = $entry{$name};
    is($entry->{context}, $command{$name}{context}, "$name: context");
    like($entry->{syntax}, qr/`$name\b[^`]*;`/, "$name: syntax");
    like($entry->{phase}, qr/\w/, "$name: phase");
    like($entry->{text}, qr/^Errors: /m, "$name: errors");
    like($entry->{text}, qr/^```nginx/m, "$name: example");
    like($entry->{default}, qr/^(?:none|`$name [^`]*;`|\w[^`]*)\z/s, "$name: default");
}

# The words of name=value and of flags, as they are given to Words::read(), stand in the Syntax of a
# directive of their room; and what a Syntax names, the room knows.
for my $room (grep { my $r = $_; grep { $_->{room} eq $r } values %command } sort keys %room) {
    my @names  = grep { $command{$_}{room} eq $room && $entry{$_} } sort keys %command;
    my $syntax = join "\n", map { $entry{$_}{syntax} } @names;
    my $prose  = join "\n", map { $entry{$_}{text} } @names;
    my $code   = join "\n", values %{ $room{$room} };
    while ($code =~ /\.read\(\s*\d+\s*,\s*\{([^{}]*)\}\s*(?:,\s*\{([^{}]*)\}\s*)?\)/g) {
        my ($named, $flags) = ($1, $2 // '');
        like($syntax, qr/(?<![\w-])\Q$_\E=/, "$room: $_= is in a syntax") for $named =~ /"([^"]+)"/g;
        like($syntax, qr/(?<![\w=-])\Q$_\E(?![\w=-])/, "$room: $_ is in a syntax") for $flags =~ /"([^"]+)"/g;
    }
    my %array;
    $array{$1} = $2 while $code =~ /std::array<std::string_view, \d+> (k\w+) = \{([^{}]*)\}/g;
    while ($code =~ /parse_choice\([^;]*?\b(k\w+)\)/g) {
        my $words = $array{$1} or next;
        like($prose, qr/(?<![\w-])\Q$_\E(?![\w-])/, "$room: the word $_ is on the page") for $words =~ /"([^"]+)"/g;
    }
    for my $word ($syntax =~ /(?<![\w-])([a-z][\w-]*)=/g) {
        like($code, qr/"\Q$word\E=?"/, "$room: the code knows $word=");
    }
}

# Variables
my %registered = map { map { $_ => 1 } map { /add_variable\(\s*cf,\s*"(guard_\w+)"/g } values %$_ } values %room;
my %documented = map { $_ => 1 } $section{Variables} =~ /^\| `\$(guard_\w+)` /mg;
is_deeply([sort keys %documented], [sort keys %registered], 'the table of variables');

# Codes: every string of the code that looks like one, and every prefix of one ("rate." NAME), in the
# rooms that have directives.
my ($features) = $room{core}{'src/core/feature.h'} =~ /kFeatureNames = \{(.*?)\}/s;
my $feature_names = join '|', 'key', $features =~ /"(\w+)"/g;
my %in_code;
$in_code{$_} = 1 for map { map { /"((?:$feature_names)\.[a-z_]*)"/g } values %$_ } @room{map { $_->{room} } values %command};
my %on_page = map { my $code = $_; $code =~ s/[A-Z]+\z//; $code => 1 }
    map { /`([a-z]+\.[a-zA-Z_]*)`/g } map { /^\|([^|]*)\|/ } grep { /^\| `/ } split /\n/, $section{Codes};
is_deeply([sort keys %on_page], [sort keys %in_code], 'the table of codes');

# Features and events
like($page, qr/`$_`/, "the feature $_ is on the page") for $features =~ /"(\w+)"/g;
if ($section{Events}) {
    my @kinds = $room{core}{'src/core/event.cpp'} =~ /\{EventKind::\w+,\s*"(\w+)"/g;
    cmp_ok(scalar @kinds, '>', 20, 'kinds of events are found in the code');
    like($section{Events}, qr/`$_`/, "the event $_ is on the page") for @kinds;
    my @rows = slurp('docs/events.md') =~ /^\| `(\w+)` \|(?:.*\|){6}$/mg;
    is_deeply([sort grep { !/^x_/ } @rows], [sort grep { !/^x_/ } @kinds], 'and the table of kinds has them, and no others');
}

# What a line of an event can have: every label of the code is in the table of fields.
{
    my $table = slurp('docs/events.md');
    my $code  = join "\n", map { values %$_ } values %room;
    my ($own) = $code =~ /^void write_labels\(.*?^\}$/ms ? $& : '';
    my %label = map { $_ => 1 } $own =~ /line\.(?:plain|text|number_text|cut_names)\("(\w+)"/g, $code =~ /EventLabel\{"(\w+)",/g,
        map { /^\s*\{"(\w+)",/mg } $code =~ /EventLabel, \d+> \w+ = \{\{(.*?)\}\};/gs;
    cmp_ok(scalar keys %label, '>', 12, 'labels are found in the code');
    like($table, qr/^\|[^|]*`labels\.$_`/m, "the label $_ is in the table") for sort keys %label;
}

# Metrics: every family of the code is a row of the table, and no other; and every fixed code is counted.
{
    my $table = slurp('docs/metrics.md');
    my (%in_table, %family);
    $in_table{$1} = "$2 $3" while $table =~ /^\| `(guard_\w+)` \| (\w+) \|[^|]*\| ([^|\n]+?) \|$/mg;
    for my $text (map { values %$_ } values %room) {
        while ($text =~ /MetricFamily k\w+ =\s*\{\s*"(guard_\w+)",\s*(?:core::)?MetricType::(\w+),\s*"(\w*)",\s*"([^"]+)"\}/g) {
            my ($name, $type, $unit, $help) = ($1, $2, $3, $4);
            like($name, qr/_\Q$unit\E\z/, "$name ends in its unit") if length $unit;
            $family{ $name . ($type eq 'counter' ? '_total' : '') } = "$type $help";
        }
    }
    cmp_ok(scalar keys %family, '>', 20, 'families are found in the code');
    is_deeply(\%in_table, \%family, 'the table of metrics');
    my ($codes) = $room{core}{'src/core/refusal_counters.cpp'} =~ /kFixedCodes = (.*?)\}\);/s;
    my %counted = map { $_ => 1 } $codes =~ /"([\w.]+)"/g;
    is_deeply([sort keys %counted], [sort grep { !/\.\z/ } keys %on_page], 'all codes are counted by name');
}

# The user that a page proposes for Redis may do what the scripts do.
{
    my ($rights) = slurp('docs/operations.md') =~ /^user guard on (.*)$/m;
    my %called = map { map { lc $_ => 1 } /redis\.call\('(\w+)'/g } map { values %$_ } values %room;
    cmp_ok(scalar keys %called, '>', 15, 'commands are found in the scripts');
    like($rights, qr/ \+\Q$_\E(?: |\z)/, "the user of Redis may $_") for sort keys %called;
}

# Links within the pages and between them.
my @pages = ('README.md', 'CHANGELOG.md', glob('docs/*.md docs/decisions/*.md'));
my %anchor;
for my $name (@pages) {
    my $text = slurp($name);
    $text =~ s/^```.*?^```$//msg;
    for my $heading ($text =~ /^#+ (.+)$/mg) {
        my $slug = lc $heading;
        $slug =~ s/[^\w\- ]//g;
        $slug =~ tr/ /-/;
        $anchor{$name}{$slug} = 1;
    }
}
for my $name (@pages) {
    my $text = slurp($name);
    $text =~ s/^```.*?^```$//msg;
    my ($dir) = $name =~ m{^(.*/)};
    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        next if $link =~ m{^https?://};
        my ($path, $fragment) = $link =~ /^([^#]*)#?(.*)\z/;
        my $target = length $path ? ($dir // '') . $path : $name;
        1 while $target =~ s{[^/]+/\.\./}{};
        ok(-e $target && (!length $fragment || $target !~ /\.md\z/ || $anchor{$target}{$fragment}), "$name: link $link");
    }
}

# Defaults and examples. "```nginx http" and the like say where a block belongs; without a word it
# belongs into a server.
sub accepted {
    my ($what, $where, $text) = @_;
    my $server = make_nginx();
    my $root   = $server->root;
    # What an example needs besides itself.
    $text =~ s{(?:/etc/nginx|/var/log/nginx|/run|/mnt/proof)/}{$root/}g;
    $text =~ s{^\s*load_module .*$}{}mg;
    $text =~ s{\blisten (?:127\.0\.0\.1:)?(\d+)\b}{'listen 127.0.0.1:' . free_port()}ge;
    $text =~ s{(include )(?:\S*/)?(conf\.d/)}{"$1$ENV{PWD}/$2"}ge;
    symlink "$ENV{PWD}/conf.d", "$root/guard" or die "$root/guard: $!\n";
    my ($certificate, $key) = certificate();
    $text =~ s{(ssl_certificate )[^;]+}{$1$certificate}g;
    $text =~ s{(ssl_certificate_key )[^;]+}{$1$key}g;
    for (['guard-key', '0123456789abcdef' x 2], ['guard-chain', '0123456789abcdef' x 2], ['guard-redis', '0123'], ['guard-sentinel', '0123'], ['guard-dsn', 'https://0123@localhost/1']) {
        open my $secret, '>', "$root/$_->[0]" or die $!;
        print {$secret} "$_->[1]\n";
        close $secret;
        chmod 0600, "$root/$_->[0]";
    }
    my $app = $text =~ m{://(app|coreconnect_app)\b} && $text !~ /upstream $1\b/ ? "upstream $1 { server 127.0.0.1:9; }\n" : '';
    my %words = ($where eq 'http' || $where eq 'main')
        ? (http_config => $app . $text) : (http_config => $app, config => $text);
    if ($where eq 'main') {
        my $http = $text =~ s/^http \{\n(.*)^\}\n?//ms ? $1 : '';
        $text =~ s/^events\b.*$//mg;
        %words = (main_config => $text, http_config => $app . $http);
    }
    $words{config} = "location /x { $text }" if $where eq 'location';
    $server->configure(no_root_location => 1, %words);
    my ($status, $output) = $server->test_config;
    is($status, 0, $what) or diag("$output\n$text");
    return grep { /\[warn\]/ && !/^nginx: \[warn\] host "\S+" of .* is not found/ } split /\n/, $output;
}

for my $name (grep { $command{$_} } @order) {
    my ($message) = $entry{$name}{text} =~ /^Errors: .*?`(invalid value "X" of "$name", [^`]+)`/ms or next;
    my $server = make_nginx();
    $server->configure(($command{$name}{context} =~ /^http/ ? 'http_config' : 'config') => "$name X;");
    my ($status, $output) = $server->test_config;
    like($output, qr/\Q$message\E in /, "$name: an invalid value");
}
for my $name (grep { $command{$_} } @order) {
    my ($default) = $entry{$name}{default} =~ /^`([^`]+)`/ or next;
    accepted("$name: default", $command{$name}{context} =~ /^http/ ? 'http' : 'server', $default);
}
for my $name (@pages) {
    my $text = slurp($name);
    while ($text =~ /^```nginx(?: (main|http|server|location))?\n(.*?)^```$/msg) {
        my ($where, $block) = ($1 // 'server', $2);
        my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
        my @warnings = accepted("$name:$line: nginx -t", $where, $block);
        # What is for taking over is warned of nothing. The page of directives shows one at a time, and what to beware of.
        is("@warnings", '', "$name:$line: warned of nothing") if $name ne 'docs/directives.md';
    }
}

done_testing();
