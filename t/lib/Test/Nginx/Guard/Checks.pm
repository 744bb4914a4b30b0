package Test::Nginx::Guard::Checks;

# What a block expects of a response and of the logs. One assertion for each expectation, as many
# as the published Test::Nginx counts for the sections that it knows.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard::Client qw(header_of);

our @EXPORT_OK = qw(
    check_response check_fields nth_of expand pattern_list missing_from grep_pair check_grep check_lines
    clean_log_problems
);

# $TEST_NGINX_NAME in TEXT, from the environment; $ServerPort too.
sub expand($;$) {
    my ($text, $name) = @_;
    return $text if !defined $text || ref $text;
    $text =~ s/\$(?:ServerPortForClient|ServerPort)\b/$ENV{TEST_NGINX_SERVER_PORT}/g;
    $text =~ s/\$(TEST_NGINX_RAND_PORT_\w+)/$ENV{$1} \/\/= Test::Nginx::Guard::Port::free_port()/ge;
    $text =~ s/\$(?:(TEST_NGINX_[_A-Z0-9]+)|\{(TEST_NGINX_[_A-Z0-9]+)\})/
        my $variable = $1 \/\/ $2;
        $ENV{$variable} \/\/ die "$name - \$$variable is not set\n"/gex;
    return $text;
}

# The entry for request I of a section that may be a list.
sub nth_of($$) {
    my ($value, $i) = @_;
    return ref $value eq 'ARRAY' ? $value->[$i] : $value;
}

# Lines of "Name: value"; "!Name" or "! Name" for a field that must be absent: [[name, value]].
sub expected_fields {
    my ($text) = @_;
    my @fields;
    for my $line (split /\n/, $text // '') {
        $line =~ s/^\s+|\s+$//g;
        next if $line eq '';
        if ($line =~ s/^!\s*//) { push @fields, [$line, undef] }
        else {
            my ($name, $value) = split /\s*:\s*/, $line, 2;
            push @fields, [$name, $value // ''];
        }
    }
    return @fields;
}

sub check_fields {
    my ($name, $response, $text, $like) = @_;
    for my $field (expected_fields(expand($text, $name))) {
        my ($field_name, $value) = @$field;
        my $actual = $response ? header_of($response->{fields}, $field_name) : undef;
        if (!defined $value) {
            Test::More::is($actual, undef, "$name - header $field_name not present");
        }
        elsif ($like) {
            Test::More::like($actual // '', qr/^$value$/, "$name - header $field_name like ok");
        }
        else {
            Test::More::is($actual // '', $value, "$name - header $field_name ok");
        }
    }
    return;
}

sub check_body {
    my ($block, $response, $i) = @_;
    my $name = $block->name;
    my $body = $response ? $response->{body} : undef;
    if ($response && defined $block->response_body_filters) {
        my $filters = $block->response_body_filters;
        $filters = [split ' ', $filters] unless ref $filters;
        $filters = [$filters] if ref $filters eq 'CODE';
        $filters = $filters->[$i] if ref $filters->[0] eq 'ARRAY';
        for my $filter (@$filters) {
            $body = ref $filter eq 'CODE' ? $filter->($body)
                : $filter eq 'length' ? length $body
                : $filter eq 'uc'     ? uc $body
                : $filter eq 'lc'     ? lc $body
                : $filter eq 'md5_hex' ? do { require Digest::MD5; Digest::MD5::md5_hex($body) }
                : $filter eq 'sha1_hex' ? do { require Digest::SHA; Digest::SHA::sha1_hex($body) }
                :                      die "unknown filter \"$filter\" in --- response_body_filters\n";
        }
    }
    if (defined $block->response_body) {
        my $expected = expand(nth_of($block->response_body, $i), $name);
        if (ref $expected eq 'Regexp') {
            Test::More::like($body, $expected, "$name - response_body - like (req $i)");
        }
        else {
            Test::More::is($body, $expected, "$name - response_body - response is expected (req $i)");
        }
    }
    if (defined $block->response_body_like) {
        my $pattern = expand(nth_of($block->response_body_like, $i), $name);
        chomp $pattern unless ref $pattern;
        Test::More::like($body, qr/$pattern/s, "$name - response_body_like - response is expected (req $i)");
    }
    if (defined $block->response_body_unlike) {
        my $pattern = expand(nth_of($block->response_body_unlike, $i), $name);
        chomp $pattern unless ref $pattern;
        Test::More::unlike($body, qr/$pattern/s, "$name - response_body_unlike - response is expected (req $i)");
    }
    return;
}

# Checks RESPONSE, the one to request I of BLOCK; undef if none came.
sub check_response {
    my ($block, $response, $i) = @_;
    my $name = $block->name;
    my $code = $response ? $response->{code} : '';
    if (defined $block->error_code_like) {
        my $pattern = nth_of($block->error_code_like, $i);
        chomp $pattern;
        Test::More::like($code, qr/$pattern/sm, "$name - status code ok");
    }
    else {
        my $expected = nth_of($block->error_code, $i) // 200;
        $expected =~ s/\s+\z//;
        # Code 0 or an empty one: the connection was closed without an answer.
        $expected = '' if $expected eq '0';
        Test::More::is($code, $expected, "$name - status code ok");
    }
    my $raw = $response ? $response->{raw_head} : '';
    if (defined $block->raw_response_headers_like) {
        my $pattern = nth_of($block->raw_response_headers_like, $i);
        chomp $pattern unless ref $pattern;
        Test::More::like($raw, qr/$pattern/s, "$name - raw resp headers like");
    }
    if (defined $block->raw_response_headers_unlike) {
        my $pattern = nth_of($block->raw_response_headers_unlike, $i);
        chomp $pattern unless ref $pattern;
        Test::More::unlike($raw, qr/$pattern/s, "$name - raw resp headers unlike");
    }
    if (defined $block->response_headers) {
        check_fields($name, $response, nth_of($block->response_headers, $i), 0);
    }
    if (defined $block->response_headers_like) {
        check_fields($name, $response, nth_of($block->response_headers_like, $i), 1);
    }
    if (defined $block->interim) {
        my ($expected) = nth_of($block->interim, $i) =~ /(\S*)/;
        my $got = join ',', @{ $response ? $response->{interim} : [] };
        Test::More::is($got, $expected eq 'none' ? '' : $expected, "$name - interim responses");
    }
    check_body($block, $response, $i);
    # Without a word about it, a response must not be cut short; nothing is asserted if it was not.
    if ($response && !$response->{complete} && !defined $block->truncated) {
        Test::More::fail("$name - the response is complete"
                . ($response->{malformed} ? " ($response->{malformed})" : ''));
    }
    elsif (defined $block->truncated) {
        Test::More::ok($response && !$response->{complete}, "$name - the response is cut short");
    }
    return;
}

# A section of patterns as a list: lines are literal text, a list may hold regular expressions.
sub pattern_list($;$) {
    my ($value, $name) = @_;
    return grep { defined } @$value if ref $value eq 'ARRAY';
    return $value if ref $value;
    return grep { length } split /\n+/, expand($value, $name);
}

sub matches {
    my ($line, $pattern) = @_;
    return ref $pattern ? $line =~ /$pattern/ : index($line, $pattern) >= 0;
}

sub missing_from {
    my ($text, @patterns) = @_;
    my @lines = split /^/, $text;
    return grep { my $pattern = $_; !grep { matches($_, $pattern) } @lines } @patterns;
}

# Whether each of the patterns of SECTION (error_log, no_error_log, access_log, ...) matches a line
# of TEXT, or none does.
sub check_lines {
    my ($block, $section, $text, $file, $repeat) = @_;
    my $name  = $block->name;
    my $value = $block->$section // return;
    my @lines = split /^/, $text;
    for my $pattern (pattern_list($value, $name)) {
        my ($found) = grep { matches($_, $pattern) } @lines;
        if ($section !~ /^no_/) {
            Test::More::ok(defined $found, "$name - pattern \"$pattern\" matches a line in $file (req $repeat)");
        }
        else {
            Test::More::ok(!defined $found,
                "$name - pattern \"$pattern\" does not match a line in $file (req $repeat)")
                or Test::More::diag("matches: $found");
        }
    }
    return;
}

sub grepped {
    my ($text, $pattern) = @_;
    my $out = '';
    for my $line (split /^/, $text) {
        my $matched;
        if    (ref $pattern)                    { $matched = $line =~ /$pattern/ ? $& : undef }
        elsif ($line =~ /\Q$pattern\E/)         { $matched = $& }
        $out .= "$matched\n" if defined $matched && $matched !~ /\n/;
    }
    return $out;
}

# `--- grep_error_log` with `--- grep_error_log_out`: (got, expected), or nothing if absent.
sub grep_pair {
    my ($block, $text, $repeat) = @_;
    my $pattern = nth_of($block->grep_error_log, $repeat) // return;
    chomp $pattern unless ref $pattern;
    my $expected = nth_of($block->grep_error_log_out, $repeat) // '';
    return (grepped($text, $pattern), expand($expected, $block->name));
}

sub check_grep {
    my ($block, $text, $repeat) = @_;
    my ($got, $expected) = grep_pair($block, $text, $repeat) or return;
    my $title = $block->name . " - grep_error_log_out (req $repeat)";
    if (ref $expected eq 'Regexp') { Test::More::like($got, $expected, $title) }
    else                           { Test::More::is($got, $expected, $title) }
    return;
}

# The lines of an error log that no test may cause without saying so.
sub clean_log_problems {
    my ($block, $text) = @_;
    my %allowed = map { $_ => 1 } ($block->allow_log // '') =~ /\b(alert|crit|emerg)\b/g;
    my @known = defined $block->error_log ? pattern_list($block->error_log, $block->name) : ();
    my @problems;
    for my $line (split /^/, $text) {
        my ($level) = $line =~ /\[(alert|crit|emerg)\]/;
        next unless $level || $line =~ /AddressSanitizer|runtime error:|Assertion .*failed/;
        next if $level && $allowed{$level};
        next if grep { matches($line, $_) } @known;
        push @problems, $line;
    }
    return @problems;
}

1;
