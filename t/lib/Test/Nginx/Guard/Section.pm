package Test::Nginx::Guard::Section;

# What sections of a block say, as values; and those that are code.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(seconds line_of run_code);

# "0.2", "200ms" or "2s" in seconds.
sub seconds($) {
    my ($text) = @_;
    return undef unless defined $text;    ## no critic
    $text =~ s/\s+\z//;
    return $1 / 1000 if $text =~ /^([\d.]+)ms\z/;
    $text =~ s/s\z//;
    return $text;
}

sub line_of($) {
    my ($value) = @_;
    return undef unless defined $value;    ## no critic
    $value =~ s/\s+\z//;
    return $value;
}

sub run_code {
    my ($block, $section) = @_;
    my $code = $block->$section;
    return unless defined $code;
    if (ref $code eq 'CODE') { $code->() }
    else {
        eval "package main; no strict; $code";    ## no critic
        die "--- $section: $@" if $@;
    }
    return;
}

1;
