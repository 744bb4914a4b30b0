package Test::Nginx::Guard::Configuration;

# A configuration that nginx is not to accept, or not without a word.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard::Checks  qw(expand check_grep check_lines);
use Test::Nginx::Guard::Section qw(line_of);

our @EXPORT_OK = qw(hint_on check_config_lines check_death);

# The published Test::Nginx writes these into the server of every block, hence so does this one.
sub hint_on {
    my ($problem) = @_;
    return 'the harness has a "location /" of its own, unless the file calls no_root_location()'
        if $problem =~ m{duplicate location "/"};
    return 'the harness says client_max_body_size in the server; say yours in a location'
        if $problem =~ /"client_max_body_size" directive is duplicate/;
    return '';
}

# --- config_error, --- config_warning.
sub check_config_lines {
    my ($server, $block) = @_;
    my $name = $block->name;
    my ($status, $output) = $server->test_config;
    my @got;
    for my $line (split /\n/, $server->in_sections($output)) {
        next unless $line =~ s/^nginx: (?=\[)//;
        push @got, $line;
    }
    for my $section (grep { defined $block->$_ } qw(config_error config_warning)) {
        my $default = $section eq 'config_error' ? 'emerg' : 'warn';
        my @expected = map { /^\[/ ? $_ : "[$default] $_" } grep { length } split /\n/, expand($block->$section, $name);
        # An empty section: there is none.
        my %level = ($default => 1, map { /^\[(\w+)\]/ ? ($1 => 1) : () } @expected);
        my @compared = grep { /^\[(\w+)\]/ && $level{$1} } @got;
        my $title = "$name - $section - lines of nginx -t";
        if (@expected == 1 && $expected[0] =~ m{^\[\w+\] /(.*)/\z}) { Test::More::like("@compared", qr/$1/, $title) }
        else { Test::More::is(join("\n", @compared), join("\n", @expected), $title) }
    }
    Test::More::is($status >> 8, 1, "$name - config_error - nginx -t fails") if defined $block->config_error;
    Test::More::is($status & 127, 0, "$name - nginx -t was not killed") if $status & 127;
    return;
}

# --- must_die: nginx is started, and must not run, so often.
sub check_death {
    my ($server, $block, $repeats) = @_;
    my $name = $block->name;
    for my $repeat (0 .. $repeats - 1) {
        last unless defined $block->must_die;
        my $problem = $server->start;
        my $status  = $server->{status};
        my $wanted  = line_of($block->must_die);
        if (!defined $problem) {
            $server->stop;
            Test::More::fail("$name - die as expected");
        }
        elsif (($status // 0) & 127) { Test::More::fail("$name - nginx died of signal " . ($status & 127)) }
        elsif ($wanted =~ /^\d+\z/)  { Test::More::is(($status // 0) >> 8, $wanted, "$name - die with the expected exit code") }
        else                         { Test::More::isnt($status // 0, 0, "$name - die as expected") }
        my $text = $server->log_text;
        check_grep($block, $text, $repeat);
        check_lines($block, $_, $text, 'error.log', $repeat) for qw(error_log no_error_log);
    }
    my $reports = $server->tool_reports;
    Test::More::fail("$name - sanitizer report:\n$reports") if length $reports;
    unlink $server->log_file, $server->log_file('stderr.log');
    return;
}

1;
