package Test::Nginx::Guard::Answers;

# What an nginx answers to a plain GET.

use strict;
use warnings;

use Exporter 'import';
use Test::Nginx::Guard qw(request);

our @EXPORT_OK = qw(get code_of codes);

# The response to GET TARGET; of the code "none" if there was none. Words: those of request().
sub get {
    my ($nginx, $target, %word) = @_;
    return request($nginx->port, GET => $target, %word) // { code => 'none', fields => [], body => '' };
}

sub code_of { return get(@_)->{code} }

# "200 200 429": the codes of COUNT such requests, one after the other.
sub codes {
    my ($nginx, $target, $count, %word) = @_;
    return join ' ', map { code_of($nginx, $target, %word) } 1 .. $count;
}

1;
