package Test::Nginx::Guard::Logs;

# What a block says of the logs of nginx, and what none may have.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard::Checks qw(pattern_list missing_from grep_pair check_grep check_lines clean_log_problems);
use Test::Nginx::Guard::Wait   qw(wait_for);

our @EXPORT_OK = qw(show_logs check_logs check_clean);

# For the one who looks into a failure.
sub show_logs {
    my ($server) = @_;
    my @lines = grep { !/\[(?:debug|notice|info)\]/ } split /^/, $server->log_text;
    splice @lines, 0, @lines - 20 if @lines > 20;
    Test::More::diag("error.log in " . $server->root . ":\n", @lines) if @lines;
    return;
}

# --- error_log and its like. SEEN: how much of each log belongs to earlier repeats.
sub check_logs {
    my ($server, $block, $repeat, $seen) = @_;
    my $tail = sub {
        my ($file, $key) = @_;
        my $text = $server->log_text($file);
        return substr $text, $seen->{$key} > length $text ? 0 : $seen->{$key};
    };
    if ($server->pid) {
        my ($errors, $accesses) =
            map { [defined $block->$_ ? pattern_list($block->$_, $block->name) : ()] } qw(error_log access_log);
        wait_for(
            sub {
                my $text = $tail->('error.log', 'error');
                return 0 if missing_from($text, @$errors);
                return 0 if missing_from($tail->('access.log', 'access'), @$accesses);
                my ($got, $expected) = grep_pair($block, $text, $repeat) or return 1;
                return ref $expected ? $got =~ $expected : $got eq $expected;
            },
            2
        );
    }
    my $error = $tail->('error.log', 'error');
    check_grep($block, $error, $repeat);
    check_lines($block, $_, $error, 'error.log', $repeat) for qw(error_log no_error_log);
    $seen->{error} += length $error;
    if (defined $block->access_log || defined $block->no_access_log) {
        my $access = $tail->('access.log', 'access');
        check_lines($block, $_, $access, 'access.log', $repeat) for qw(access_log no_access_log);
        $seen->{access} += length $access;
    }
    return;
}

# Nothing is asserted if all is well: the plans of published test files do not count this.
sub check_clean {
    my ($server, $block) = @_;
    my $name = $block->name;
    Test::More::fail("$name - error.log has: $_") for clean_log_problems($block, $server->log_text);
    my $reports = $server->tool_reports;
    Test::More::fail("$name - sanitizer or valgrind report:\n$reports") if length $reports;
    return;
}

1;
