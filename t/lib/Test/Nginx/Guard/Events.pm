package Test::Nginx::Guard::Events;

# The event log: one JSON object a line, compared with what a test expects of it.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use Test::More ();

our @EXPORT_OK = qw(read_events events_of events_for subset_problem check_events);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# The events of FILE as ([decoded], [lines]); a line that is not one JSON object is undef in the first list.
sub read_events {
    my ($file) = @_;
    open my $in, '<:raw', $file or return ([], []);
    my @lines = <$in>;
    return ([map { my $event = eval { $json->decode($_) }; ref $event eq 'HASH' && /\n\z/ ? $event : undef } @lines],
        \@lines);
}

# Those of NGINX whose kind matches PATTERN.
sub events_of {
    my ($nginx, $pattern) = @_;
    my ($events) = read_events($nginx->log_file('events.log'));
    return grep { $_->{labels}{kind} =~ $pattern } @$events;
}

# Those of a block, without config_loaded, which every start and reload says, unless the block speaks of it.
sub events_for {
    my ($block, $file) = @_;
    my ($events, $lines) = read_events($file);
    my $json_text = sub { ref $_[0] eq 'ARRAY' ? join '', map { ref $_ && ref $_ ne 'Regexp' ? $json->encode($_) : $_ } @{ $_[0] } : $_[0] // '' };
    return ($events, $lines)
        if grep { /config.loaded/ } map { $json_text->($_) } $block->event_log, $block->event_log_like, $block->no_event_log;
    my @kept = grep { ((($events->[$_] // {})->{labels} // {})->{kind} // '') ne 'config_loaded' } 0 .. $#$lines;
    return ([@$events[@kept]], [@$lines[@kept]]);
}

# Why EXPECTED is not contained in GOT; undef if it is. Objects may have more members than expected,
# lists not more elements. A string "re:PATTERN" is a pattern for the whole value; null stands for a
# member that must be null or absent.
sub subset_problem {
    my ($expected, $got, $path) = @_;
    $path //= '';
    if (ref $expected eq 'HASH') {
        return "$path is not an object" unless ref $got eq 'HASH';
        for my $key (sort keys %$expected) {
            next if !defined $expected->{$key} && !defined $got->{$key};
            return "$path/$key is missing" if !exists $got->{$key};
            my $problem = subset_problem($expected->{$key}, $got->{$key}, "$path/$key");
            return $problem if defined $problem;
        }
        return;
    }
    if (ref $expected eq 'ARRAY') {
        return "$path is not a list" unless ref $got eq 'ARRAY';
        return "$path has " . @$got . ' elements, not ' . @$expected if @$got != @$expected;
        for my $i (0 .. $#$expected) {
            my $problem = subset_problem($expected->[$i], $got->[$i], "$path/$i");
            return $problem if defined $problem;
        }
        return;
    }
    my ($want, $have) = map { $json->encode($_) } $expected, $got;
    if (!ref $expected && defined $expected && $expected =~ /\Are:(.*)\z/s) {
        my $pattern = $1;
        return !ref $got && defined $got && $got =~ /\A(?:$pattern)\z/ ? undef : "$path is $have, not like $want";
    }
    return $want eq $have ? undef : "$path is $have, not $want";
}

sub expected_list {
    my ($value) = @_;
    return @$value if ref $value eq 'ARRAY';
    return grep { /\S/ } split /\n/, $value;
}

# Checks FILE against --- event_log, --- event_log_like and --- no_event_log. TIMES: how often the
# requests of the block were made.
sub check_events {
    my ($block, $file, $times) = @_;
    my $name = $block->name;
    my ($events, $lines) = events_for($block, $file);
    my $all = join '', @$lines;
    if (defined $block->no_event_log) {
        my @patterns = expected_list($block->no_event_log);
        if (@patterns) {
            for my $pattern (@patterns) {
                my ($hit) = grep { ref $pattern ? /$pattern/ : index($_, $pattern) >= 0 } @$lines;
                Test::More::is($hit, undef, "$name - no event has \"$pattern\"");
            }
        }
        else {
            Test::More::is($all, '', "$name - no events");
        }
    }
    for my $section (grep { defined $block->$_ } qw(event_log event_log_like)) {
        my @expected = map { expected_list($block->$section) } 1 .. $times;
        Test::More::is(scalar @$lines, scalar @expected, "$name - $section - number of events")
            or Test::More::diag($all);
        for my $i (0 .. $#expected) {
            my $title = "$name - $section - event " . ($i + 1);
            if ($section eq 'event_log_like') {
                Test::More::like($lines->[$i] // '', qr/$expected[$i]/, $title);
                next;
            }
            my $expected = ref $expected[$i] ? $expected[$i] : $json->decode($expected[$i]);
            my $problem = $i > $#$lines ? 'it is missing'
                : !defined $events->[$i] ? 'it is not one line with one JSON object'
                :                          subset_problem($expected, $events->[$i]);
            Test::More::ok(!defined $problem, $title)
                or Test::More::diag("$problem\n" . ($lines->[$i] // ''));
        }
    }
    return;
}

1;
