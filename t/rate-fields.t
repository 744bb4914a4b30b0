# RateLimit and RateLimit-Policy as a client reads them: lists of strings with parameters (RFC 9651) by the
# letter of the draft, whatever the policies are; and Retry-After, which is never before t.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $redis = start_redis();
my $app   = start_upstream(
    sub {
        my $fields = $_[0]{target} =~ /plain/ ? '' : "X-Ratelimit-Limit: 100\r\nX-RateLimit-Remaining: 99\r\nRateLimit: \"app\";r=99\r\n";
        return "HTTP/1.1 200 OK\r\n${fields}Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
    }
);

# A parser for the lists of RFC 9651, 4.2.1, as far as strings and their parameters go: anything else is an
# error. [[name, {parameter => value}], ...]
sub parse_list {
    my ($text) = @_;
    my @members;
    my $at = sub { "at \"" . substr($text, pos($text) // 0) . '"' };
    $text =~ s/\A +| +\z//g;
    pos($text) = 0;
    while (1) {
        $text =~ /\G"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/gc or die 'no string ' . $at->() . "\n";
        my ($name, %parameters) = ($1 =~ s/\\(.)/$1/gr);
        while ($text =~ /\G; *([a-z*][a-z0-9_.*-]*)/gc) {
            my $key = $1;
            $text =~ /\G=(-?\d{1,15})(?![\d.])/gc or die "no integer of \"$key\" " . $at->() . "\n";
            die "\"$key\" twice\n" if exists $parameters{$key};
            $parameters{$key} = $1;
        }
        push @members, [$name, \%parameters];
        return \@members if pos $text == length $text;
        $text =~ /\G[ \t]*,[ \t]*/gc or die 'no comma ' . $at->() . "\n";
        die "a comma at the end\n" if pos $text == length $text;
    }
}

is_deeply parse_list('"a";q=1;w=2, "b\\"\\\\";r=0'), [['a', { q => 1, w => 2 }], ['b"\\', { r => 0 }]], 'the parser reads';
for my $bad ('', 'a;q=1', '"a";q', '"a";q=1.5', '"a";Q=1', '"a" "b"', '"a",', '"a', '"a";q=1;q=2', "\"\xe4\"", '"a";q=1234567890123456') {
    ok !eval { parse_list($bad) }, "the parser refuses $bad";
}

my $nginx = start_nginx(
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $redis->unix_url . " timeout=5s;\n" . <<'EOC',
guard_rate_policy one rate=3/day;
guard_rate_policy a-b.C_9 rate=100/second burst=7;
guard_rate_policy fast rate=1000000/second;
guard_rate_policy slow rate=1/day burst=34000 key=all;
guard_rate_policy windows rate=9/second,20/minute,30/hour,40/day;
guard_rate_policy sliding rate=4/hour,5/day algorithm=sliding_window;
guard_rate_policy log rate=2/second,3/day algorithm=sliding_log;
guard_rate_policy fixed rate=4/day algorithm=fixed_window;
guard_rate_policy shared rate=3/hour,4/day redis=main;
guard_rate_policy shared_log rate=2/day redis=main algorithm=sliding_log;
guard_rate_policy tried rate=1/day;
guard_rate_policy app rate=3/day;
guard_rate_policy shut rate=1/day status=444;
EOC
    config => <<'EOC' . "location /app/ { guard_rate app; proxy_pass http://127.0.0.1:" . $app->port . "; location /app/old/ { guard_rate_fields legacy; proxy_pass http://127.0.0.1:" . $app->port . "; } }\n");
root html;
guard_rate_fields both;
set_real_ip_from 127.0.0.1;
real_ip_header X-Real-IP;
location /one/ { guard_rate one; alias html/; }
location /many/ { guard_rate a-b.C_9; guard_rate fast; guard_rate slow cost=$arg_c; guard_rate windows; guard_rate fixed; alias html/; }
location /windows/ { guard_rate sliding; guard_rate log; guard_rate tried dry_run; alias html/; }
location /shared/ { guard_rate shared; guard_rate shared_log; guard_rate one cost=0; alias html/; }
location /shut/ { guard_rate shut; alias html/; }
location /legacy/ { guard_rate_fields legacy; guard_rate windows; alias html/; }
EOC

# All that the draft says of a pair of fields. Returns the members of RateLimit-Policy by name, and that of
# RateLimit.
sub check {
    my ($response, $name, %word) = @_;
    my @lines = grep { $_->[0] =~ /^RateLimit/i } @{ $response->{fields} };
    is join(' ', map { $_->[0] } @lines), 'RateLimit-Policy RateLimit', "$name: each field once";
    my ($policies, $limits) = map { eval { parse_list($_->[1]) } // do { diag $@; [] } } @lines;
    ok @$policies, "$name: RateLimit-Policy is a list" or return;
    is scalar(@$limits), 1, "$name: RateLimit is a list of one" or return;
    my %policy = map { @$_ } @$policies;
    is scalar(keys %policy), scalar(@$policies), "$name: no policy twice";
    for my $one (@$policies) {
        is join(' ', sort keys %{ $one->[1] }), 'q w', "$name: $one->[0] has a quota and a window";
        cmp_ok $one->[1]{q}, '>', 0, "$name: $one->[0]: q";
        cmp_ok $one->[1]{w}, '>', 0, "$name: $one->[0]: w";
    }
    my ($limit, $left) = @{ $limits->[0] };
    ok $policy{$limit}, "$name: RateLimit names one of the policies";
    like join(' ', sort keys %$left), qr/^r(?: t)?\z/, "$name: with what is left";
    cmp_ok $left->{r}, '<=', $policy{$limit}{q}, "$name: not more than the quota";
    cmp_ok $left->{t}, '>', 0, "$name: t" if defined $left->{t};
    ok defined $left->{t}, "$name: t is there unless all is left" if $left->{r} < $policy{$limit}{q};
    my $after = header_of($response->{fields}, 'Retry-After');
    if ($word{never}) { is $after, undef, "$name: no Retry-After, since it never passes" }
    elsif ($response->{code} == 429) {
        like $after, qr/^[1-9]\d*\z/, "$name: Retry-After";
        cmp_ok $after, '>=', $left->{t}, "$name: is not before t";
    }
    else { is $after, undef, "$name: no Retry-After" }
    is join(' ', sort map { $_->[0] =~ /^(X-RateLimit.*)/i } @{ $response->{fields} }), 'X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset',
        "$name: each of the older fields once";
    my %legacy = map { $_ => header_of($response->{fields}, "X-RateLimit-$_") } qw(Limit Remaining Reset);
    is_deeply \%legacy, { Limit => $policy{$limit}{q}, Remaining => $left->{r}, Reset => $left->{t} // 0 }, "$name: the older fields say the same";
    return (\%policy, $limit, $left);
}

sub get { return request($nginx->port, GET => $_[0]) // { code => 'none', fields => [] } }

for my $i (1 .. 5) {
    my $response = get('/one/');
    is $response->{code}, $i < 4 ? 200 : 429, "one $i";
    my ($policy) = check($response, "one $i");
    is_deeply $policy, { one => { q => 3, w => 86400 } }, "one $i: the policy";
}

for my $target ('/many/', '/many/?c=33999', '/many/?c=9', '/many/?c=34001') {
    my $response = get($target);
    my ($policy, $limit) = check($response, $target, never => $target =~ /4001/ ? 1 : 0);
    is_deeply $policy, {
        'a-b.C_9'        => { q => 7,       w => 1 },
        fast             => { q => 1000000, w => 1 },
        slow             => { q => 34000,   w => 34000 * 86400 },
        'windows.second' => { q => 9,       w => 1 },
        'windows.minute' => { q => 20,      w => 60 },
        'windows.hour'   => { q => 30,      w => 3600 },
        'windows.day'    => { q => 40,      w => 86400 },
        fixed            => { q => 4,       w => 86400 },
    }, "$target: all policies";
    is $response->{code}, $target =~ /=9|4001/ ? 429 : 200, "$target: code";
    is $limit, 'slow', "$target: the strictest" if $response->{code} == 429;
}

for my $target ('/windows/', '/shared/') {
    for my $i (1 .. 5) {
        my $response = get($target);
        my ($policy) = check($response, "$target $i");
        is_deeply [sort keys %$policy],
            $target eq '/windows/' ? [qw(log.day log.second sliding.day sliding.hour)] : [qw(one shared.day shared.hour shared_log)],
            "$target $i: all policies, but not what is only tried";
        # What comes after two is up to how fast they come.
        is $response->{code}, $i < 3 ? 200 : 429, "$target $i: code" if $i < 3 || $target eq '/shared/';
    }
}

# nginx makes the fields of its own error page beside those of the answer that cannot be given in parts.
{
    my $response = request($nginx->port, GET => '/one/?new', headers => ['Range: bytes=9999-', 'X-Real-IP: 192.0.2.9']);
    is $response->{code}, 416, 'no such part';
    check($response, 'no such part');
}

# What the application tells of limits of its own: lists are one, and of what are none its own stand.
{
    my $limits = sub { join ', ', map { "$_->[0]: $_->[1]" } grep { $_->[0] =~ /RateLimit/i } @{ get($_[0])->{fields} } };
    my $own = 'X-Ratelimit-Limit: 100, X-RateLimit-Remaining: 99, RateLimit: "app";r=99';
    is $limits->('/app/'), qq($own, RateLimit-Policy: "app";q=3;w=86400, RateLimit: "app";r=2;t=28800), 'beside those of the application';
    is $limits->('/app/old/'), $own, 'in the older form those of the application';
    is $limits->('/app/old/plain'), 'X-RateLimit-Limit: 3, X-RateLimit-Remaining: 0, X-RateLimit-Reset: 28800', 'or ours, where it has none';
    like $limits->('/app/'), qr/^RateLimit-Policy: "app";q=3;w=86400, RateLimit: "app";r=0;t=\d+, X-RateLimit-Limit: 3, /, 'and in a refusal';
}

is join(' ', map { get('/shut/')->{code} } 1, 2), '200 none', 'a refusal with 444 is no answer';

my $response = get('/legacy/');
is header_of($response->{fields}, $_), undef, "legacy: no $_" for qw(RateLimit RateLimit-Policy);
like header_of($response->{fields}, "X-RateLimit-$_"), qr/^\d+\z/, "legacy: X-RateLimit-$_" for qw(Limit Remaining Reset);

is $nginx->stop('QUIT'), undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

done_testing();
