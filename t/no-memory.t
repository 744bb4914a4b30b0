# A worker that gets no memory refuses or drops a request; it neither dies nor lets through what it has not judged.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

plan skip_all => 'sanitizers and valgrind have a malloc of their own' if defined $ENV{ASAN_OPTIONS} || $ENV{TEST_NGINX_USE_VALGRIND};

my $redis    = start_redis();
my $upstream = start_upstream("status 200\nheader Content-Type: application/json\nbody {}");
my $up       = 'proxy_pass http://127.0.0.1:' . $upstream->port . ';';
my $nginx    = make_nginx();
my ($armed, $library) = ($nginx->root . '/no-memory', $nginx->root . '/failing_malloc.so');
is system('cc', '-O1', '-shared', '-fPIC', '-o', $library, 't/lib/failing_malloc.c', '-ldl'), 0, 'a malloc that fails';
$nginx->write_file('rules.conf', qq(SecRuleEngine On\nSecRule ARGS "\@rx <script" "id:1,phase:2,t:urlDecodeUni,deny,status:403,msg:'script',tag:'attack-xss'"\n));
$nginx->write_file('schema.json', '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}');
$nginx->configure(
    no_root_location => 1,
    workers          => 1,
    http_config      => sprintf(<<'EOC', $redis->port, $nginx->log_file('events.log')),
guard_key_secret 0123456789abcdef0123456789abcdef;
guard_redis main redis://127.0.0.1:%d;
guard_event_log %s;
guard_event_log redis:main:events;
guard_rate_policy local   rate=100000/second key=$arg_k;
guard_rate_policy strict  rate=100000/second key=$arg_k redis=main;
guard_rate_policy every   rate=100000/second key=$arg_k redis=main sync=100ms;
guard_rate_policy log     rate=50/hour       key=$arg_k algorithm=sliding_log;
guard_lockout_policy login key=$arg_u on=login_failed limit=3 window=1h duration=1h;
guard_ban_policy bans key=$arg_k score=1000 half_life=5m duration=5m weights=404:1;
guard_sessions users key=$arg_k window=5m;
EOC
    config => <<"EOC",
guard_headers web;
guard_cookies;
guard_path strict;
guard_csrf on;
guard_csp "script-src 'nonce'; object-src 'none'; base-uri 'none'";
location /api/ { guard_rate local; guard_rate strict; guard_rate every; guard_rate log; guard_ban bans; guard_json required; proxy_set_header X-N \$guard_csp_nonce; $up }
location /schema/ { guard_json_schema ${\ $nginx->root}/schema.json; $up }
location /login { guard_event login_failed on=200 user=\$arg_u; guard_lockout login; $up }
location /inspect/ { guard_inspect on; guard_inspect_rules ${\ $nginx->root}/rules.conf; $up }
location /cors/ { guard_cors https://a.example methods=PUT; $up }
location = /metrics { guard_metrics; }
location = /guard { guard_dashboard; }
location = /health { guard_health; }
EOC
);
{
    local @ENV{qw(LD_PRELOAD FAILING_MALLOC)} = ($library, $armed);
    is $nginx->start, undef, 'starts' or BAIL_OUT($nginx->log_text);
}
my @before = $nginx->worker_pids;
is scalar @before, 1, 'with one worker';

my @json = ('Content-Type: application/json');
# What is asked, what is answered with memory, and whether that is a refusal.
my @requests = (
    [GET     => '/api/x?k=KEY',                        200],
    [POST    => '/api/x?k=KEY',                        200, body => '{"a":[1,{"b":"c"}]}', headers => \@json],
    [POST    => '/api/x?k=KEY',                        400, body => '{"a":1,"a":2}', headers => \@json],
    [GET     => '/api//x?k=KEY',                       400],
    [POST    => '/api/x?k=KEY',                        403, body => '{}', headers => [@json, 'Sec-Fetch-Site: cross-site']],
    [POST    => '/schema/x?k=KEY',                     200, body => '{"n":1}', headers => \@json],
    [POST    => '/schema/x?k=KEY',                     422, body => '{"n":"x"}', headers => \@json],
    [POST    => '/login?u=KEY',                        200, body => '{}', headers => \@json],
    [GET     => '/inspect/?q=hello&k=KEY',             200],
    [GET     => '/inspect/?k=KEY&q=%3Cscript%3E',    403],
    [POST    => '/inspect/?k=KEY',                     403, body => '{"q":"<script>"}', headers => \@json],
    [OPTIONS => '/cors/?k=KEY',                        204, headers => ['Origin: https://a.example', 'Access-Control-Request-Method: PUT']],
    [OPTIONS => '/cors/?k=KEY',                        403, headers => ['Origin: https://b.example', 'Access-Control-Request-Method: PUT']],
    [GET     => '/metrics',                           200],
    [GET     => '/guard?data=0',                      200],
    [GET     => '/health',                            200],
);

my $number = 0;
sub ask {
    my ($method, $target, undef, %word) = @{ $_[0] };
    ++$number;
    my $answer = eval { request($nginx->port, $method => $target =~ s/KEY/$number/r, %word) };
    return $answer ? $answer->{code} : 0;
}

is ask($_), $_->[2], "$_->[2] $_->[0] $_->[1]" for @requests;
$nginx->write_file('no-memory', '');
my (%seen, @wrong);
for my $round (1 .. 60) {
    for my $one (@requests) {
        my $code = ask($one);
        ++$seen{$code};
        push @wrong, "$code $one->[0] $one->[1]" if $one->[2] >= 400 && $code =~ /\A2/;
    }
}
unlink $armed;
is_deeply \@wrong, [], 'what is refused with memory is not let through without';
cmp_ok $seen{500} // 0, '>', 10, 'some have failed';
note join ', ', map { "$seen{$_} times $_" } sort keys %seen;
my $again = sub { return !grep { ask($_) != $_->[2] } @requests };
ok wait_for($again), 'all as before';
is_deeply [$nginx->worker_pids], \@before, 'by the same worker';
is $nginx->stop, undef, 'stops';
is_deeply [grep { !/failed \(12: Cannot allocate memory\)|no memory/ } log_problems($nginx)], [], 'log';
done_testing;
