# A banned client costs one look in shared memory: whatever else a location asks for, nothing of it is done for him, and
# Redis hears nothing. And what Guard detects bans by its code.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP qw(decode_json);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);

my $app   = start_upstream("status 401\nbody no");
my $redis = start_redis();
my $fake  = start_fake_redis(behind => $redis);
my $nginx = make_nginx();
my $root  = $nginx->root;
my $log   = $nginx->log_file('events.log');
$nginx->write_file('conf/own.conf', <<'EOR');
SecRule ARGS:a "@rx ^sql+$" "id:1,phase:1,deny,tag:'attack-sqli'"
SecRule ARGS:a "@rx ^xss+$" "id:2,phase:1,deny,tag:'attack-xss'"
EOR
$nginx->configure(
    http_config => "guard_redis main " . $fake->unix_url . " timeout=5s;\n" . <<"EOC",
guard_key_secret 0123456789abcdef;
guard_event_log $log;
guard_inspect_rules $root/conf/own.conf;
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_rate_policy first rate=1000/minute key=\$guard_client_net redis=main;
guard_rate_policy then rate=1000/minute key=\$email redis=main;
guard_lockout_policy login key=\$email\$guard_client_net on=login_failed limit=1 window=15m duration=30m redis=main;
guard_ban_policy misses score=2 half_life=10m duration=1h weights=404:1;
guard_ban_policy attacks score=50 half_life=1d duration=1h weights=injection_detected:5,inspect.sqli:50;
guard_ban_policy fading score=3 half_life=1s duration=1h weights=404:1;
EOC
    config => <<"EOC",
guard_json_set \$email /email;
root html;
location /misses/ { guard_ban misses; alias html/; }
location = /login {
    guard_ban misses;
    guard_path strict;
    guard_csrf on;
    guard_rate first;
    guard_rate then;
    guard_json required;
    guard_lockout login;
    guard_inspect on;
    guard_event login_failed on=401;
    proxy_pass http://127.0.0.1:$app->{port};
}
location /fading/ { guard_ban fading; alias html/; }
location /attacks/ { guard_ban attacks; guard_inspect on; alias html/; }
EOC
    no_root_location => 1
);
is $nginx->start, undef, 'starts';

sub code_of {
    my ($client, $method, $target, %word) = @_;
    my $answer = request($nginx->port, $method => $target, body => $word{body} // '', headers => ["X-Client: $client", @{ $word{headers} // [] }]);
    my $problem = eval { decode_json($answer->{body}) } // {};
    return join ' ', $answer->{code}, $problem->{code} // ();
}
sub codes { my ($client, $target, $count) = @_; return join ', ', map { code_of($client, GET => $target) } 1 .. $count }

my @login = (POST => '/login', headers => ['Content-Type: application/json'], body => '{"email":"ann@example.com"}');
my $before = $fake->commands;
is code_of('192.0.2.1', @login), '401', 'a client that is not banned';
ok wait_for(sub { events_of($nginx, qr/^account_locked/) }), 'is locked in Redis';
cmp_ok $fake->commands - $before, '>=', 4, 'which was asked for both rates and the lockout, and told what became of it';
my $asked = scalar @{ $app->requests };

is codes('192.0.2.1', '/misses/none', 2), '404, 404', 'earns a ban';
$before = $fake->commands;
is code_of('192.0.2.1', @login), '403 ban.misses', "refused: $_" for 1 .. 50;
is $fake->commands, $before, 'without a word to Redis';
is code_of('192.0.2.1', POST => '/login', headers => ['Sec-Fetch-Site: cross-site'], body => 'no JSON'), '403 ban.misses', 'before any other check';
is code_of('192.0.2.1', POST => '/login?a=sql', headers => ['Content-Type: application/json'], body => '{'), '403 ban.misses', 'of any kind';
my $early = request_raw($nginx->port, "POST /login HTTP/1.1\r\nHost: x\r\nX-Client: 192.0.2.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", expect => 1);
is $early->{responses}[0]{code}, 403, 'nor is a body waited for';
is $fake->commands, $before, 'nor Redis asked';
is scalar @{ $app->requests }, $asked, 'nor the application';
is codes('192.0.2.9', '/misses/none', 2), '404, 404', 'another one';
my @kinds;
ok wait_for(sub { @kinds = map { $_->{labels}{kind} } events_of($nginx, qr/./); (grep { $_ eq 'client_banned' } @kinds) == 2 }), 'is told';
is join(' ', @kinds), 'config_loaded login_failed account_locked client_banned client_banned', 'and nothing but the bans was';

# A code weighs more than the kind that it is of.
is codes('192.0.2.2', '/attacks/?a=xss', 2), '403 inspect.xss, 403 inspect.xss', 'two attacks of one sort, of five each';
is codes('192.0.2.2', '/attacks/?a=sql', 2), '403 inspect.sqli, 403 ban.attacks', 'one of another, of fifty';
is codes('192.0.2.3', '/attacks/?a=xss', 11), join(', ', ('403 inspect.xss') x 10, '403 ban.attacks'), 'or ten of the first';

# A score decays. Whoever is held up here sees it decay the more.
is codes('192.0.2.4', '/fading/none', 2), '404, 404', 'two of three';
select undef, undef, undef, 2.5;
is codes('192.0.2.4', '/fading/none', 2), '404, 404', 'of which less than one is left after two half-lives';
is codes('192.0.2.4', '/fading/', 1), '200', 'so that two more ban nobody';

ends_well($nginx, 'nginx', allowed => []);
$app->stop;
done_testing;
