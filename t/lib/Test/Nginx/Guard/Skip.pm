package Test::Nginx::Guard::Skip;

# Blocks that are not for every nginx.

use strict;
use warnings;

use Exporter 'import';
use Test::Nginx::Guard::Server;

our @EXPORT_OK = qw(skip_reason);

# --- skip_nginx, --- skip_eval: (how many to skip, why), or nothing.
sub skip_reason {
    my ($block) = @_;
    if (defined(my $text = $block->skip_nginx)) {
        my ($count, $operator, $version) = $text =~ /^\s*(\d+):\s*([<>]=?|==)\s*([\d.]+)/
            or die $block->name . " - malformed --- skip_nginx\n";
        my ($own) = qx(${\ Test::Nginx::Guard::Server::binary()} -v 2>&1) =~ m{/([\d.]+)};
        my ($a, $b) = map { sprintf '%03d%03d%03d', split /\./ } $own, $version;
        my $skip = { '<' => $a < $b, '<=' => $a <= $b, '>' => $a > $b, '>=' => $a >= $b, '==' => $a == $b };
        return ($count, "nginx is $own") if $skip->{$operator};
    }
    if (defined(my $text = $block->skip_eval)) {
        my ($count, $code) = $text =~ /^\s*(\d+)\s*:\s*(.*)/s or die $block->name . " - malformed --- skip_eval\n";
        return ($count, 'skip_eval') if eval $code;    ## no critic
        die $@ if $@;
    }
    return;
}

1;
