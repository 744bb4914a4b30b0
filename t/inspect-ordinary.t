# What people and programs send passes the Core Rule Set at paranoia 1, wherever it stands; what does not is known, with the rule
# and what takes it away (docs/inspection.md). Attacks in the same places are refused.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
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

# conf.d/inspect as somebody takes it over whose application reads X-Product.
my $dir    = tempdir(CLEANUP => 1);
my $behind = "$dir/behind-crs.conf";
{
    open my $in, '<', 'conf.d/inspect/behind-crs.conf' or die "behind-crs.conf: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/^#(?=SecRuleUpdateTargetByTag)//mg == 1 or die "no line for a header field in behind-crs.conf\n";
    open my $out, '>', $behind or die "$behind: $!";
    print {$out} $text;
    close $out or die "$behind: $!";
}

my $upstream = start_upstream("status 200\nbody fine");
my $nginx    = start_nginx(config => <<"EOC");
guard_inspect on;
large_client_header_buffers 4 16k;
add_header X-Rules "\$guard_inspect_rules" always;
location / { proxy_pass http://127.0.0.1:@{[ $upstream->port ]}; }
location /beside/ {
    guard_inspect_rules $ENV{PWD}/conf.d/inspect/before-crs.conf crs $behind;
    proxy_pass http://127.0.0.1:@{[ $upstream->port ]};
}
EOC

my $head = "Host: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0\r\n"
    . "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.7\r\n"
    . "Cookie: session=6f1d2c3b4a5968778695a4b3c2d1e0f1; theme=dark; _ga=GA1.2.1716.1699\r\n";

sub get { my ($query) = @_; return "GET /search?$query HTTP/1.1\r\n$head\r\n" }

sub post {
    my ($type, $body) = @_;
    return "POST /contact HTTP/1.1\r\n${head}Content-Type: $type\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
}

sub with_field {
    my ($name, $value) = @_;
    return get('page=2') =~ s/^\Q$name\E:[^\n]*\n//mr =~ s/^(?=Cookie:)/$name: $value\r\n/mr;
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

# With the rules of conf.d/inspect as well.
sub beside {
    my ($value) = @_;
    my @places = (
        ['query',        get('text=' . encoded($value) . '&page=2')],
        ['header field', with_field('X-Product', encoded($value))],
        ['path',         get('page=2') =~ s{/search}{'/products/' . encoded($value)}er],
    );
    return map { ["$_->[0], rules beside", $_->[1] =~ s{ /}{ /beside/}r] } @places;
}

# What WHERE makes of each of the values: its name, and the request.
sub named {
    my ($where, @values) = @_;
    return map { my $value = $_; map { ["$value ($_->[0])", $_->[1]] } $where->($value) } @values;
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
my @fields  = lines_of('headers');
cmp_ok scalar @values, '>', 70, 'values';
my (@names, @requests);
# Passes: that an escape seems to be escaped again weighs 3 of 5.
my %expected = map { ("50% off ($_)" => '200 920220') } 'query', 'query, rules beside', 'path, rules beside';
# Refused in a path alone: ".com" ends names of programs, and a part of this text, "agenda) with you", could end a query.
$expected{'info@example.com (path, rules beside)'} = '403 920440,949110';
$expected{'**Important**: bring the [agenda](https://example.com/agenda) with you (path, rules beside)'} = '403 942100,949110';
for my $value (@values) {
    for my $place (everywhere($value), beside($value)) {
        push @names,    "$value ($place->[0])";
        push @requests, $place->[1];
        $expected{ $names[-1] } = "403 $known{$value},949110" if $known{$value} && $place->[0] !~ /^(?:path|header field)/;
    }
}
push @names, map { "query string $_" } @queries;
push @requests, map { get($_) } @queries;
push @names, map { "header field $_" } @fields;
push @requests, map { with_field(/^([^:]+): (.*)/) } @fields;
my @answers = ask(@requests);
is scalar @answers, scalar @requests, 'all are answered';
my %minded;
for my $i (0 .. $#requests) {
    $minded{ $names[$i] } = $answers[$i] if $answers[$i] ne '200 ';
}
is_deeply \%minded, \%expected, 'ordinary requests pass, and match no rule' or diag explain \%minded;

my @attacks = ("1' or '1'='1' -- ", '<script>alert(1)</script>', '../../../../etc/passwd', '; cat /etc/passwd', '<?php system($_GET[0]); ?>', '${jndi:ldap://x.example/a}');
my @places  = named(\&everywhere, @attacks);
# What the Core Rule Set lets pass, and the rules beside it do not.
push @places, named(\&beside, '1 or 1=1', '1 union select 1,2 from x', '1/**/and/**/1=(select 1)',
    '1 AND 2752=LIKE(CHAR(65,66),UPPER(HEX(RANDOMBLOB(500000000/2))))');
push @places, named(
    sub {
        my ($value) = @_;
        my $text = $value =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/"/&quot;/gr;
        my $name = $value =~ s/"/\\"/gr;
        return map { ["$_->[0], rules beside", $_->[1] =~ s{ /contact}{ /beside/}r] }
            ['attribute in XML', post('application/xml', qq{<order note="$text">x</order>})],
            ['name of a file', post('multipart/form-data; boundary=b', qq{--b\r\nContent-Disposition: form-data; name="f"; filename="$name"\r\n\r\nx\r\n--b--\r\n})],
            ['name of a user', get('page=2') =~ s/^(?=Cookie:)/'Authorization: Basic ' . encode_base64("$value:x", '') . "\r\n"/mer =~ s{/search}{/contact}r];
    },
    "1' or '1'='1", '<script>alert(1)</script>'
);
push @places, grep { $_->[0] =~ /query/ } named(\&beside, '/etc/services', '&set&', '$(id)');
my @refused = ask(map { $_->[1] } @places);
is_deeply [map { "$places[$_][0]: " . substr $refused[$_] // '', 0, 3 } 0 .. $#places], [map {"$_->[0]: 403"} @places], 'attacks in the same places are refused';
is_deeply [log_problems($nginx)], [], 'no problem is logged';

done_testing();
