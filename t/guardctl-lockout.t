# guardctl lockout: what nginx has locked in Redis is listed at the desk, and lifted there for all.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use Socket qw(inet_aton pack_sockaddr_in);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Guardctl qw(guardctl);

my $app = start_upstream("status 401\nbody wrong");

sub node {
    my ($redis, $more) = @_;
    return start_nginx(
        workers     => 1,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $redis timeout=5s;\n"
            . "guard_lockout_policy login key=\$email\$guard_client_net on=login_failed limit=1 window=15m duration=30m redis=main;\n"
            . "guard_lockout_policy tenant key=\$tenant\$email on=login_failed limit=1 window=15m duration=30m redis=main;\n",
        config => 'guard_json_set $email /email; guard_json_set $tenant /tenant; guard_json on; guard_event login_failed on=401; '
            . "location = /login { guard_lockout login; proxy_pass http://127.0.0.1:" . $app->port . '; } '
            . "location = /tenant { guard_lockout tenant; proxy_pass http://127.0.0.1:" . $app->port . '; }'
    );
}
sub code_of {
    my ($nginx, $path, $body) = @_;
    return request($nginx->port, POST => $path, body => $body, headers => ['Content-Type: application/json'])->{code};
}

my $secret;
sub ctl { my ($verb, $url, @words) = @_; return guardctl('lockout', $verb, "--redis=$url", @words) }
sub misused {
    my ($words, $sentence) = @_;
    is_deeply [guardctl('lockout', @$words)], [2, '', "guardctl: $sentence\nTry \"guardctl lockout --help\".\n"], "guardctl lockout @$words";
    return;
}

sub tried {
    my ($name, $redis_url, $url, @access) = @_;
    my $nginx = node($redis_url);
    $secret //= "file:" . $nginx->write_file('conf/secret', "0123456789abcdef\n");
    is_deeply [ctl('list', $url, @access)], [1, "nothing is locked\n", ''], "$name: nothing is locked at first";
    my %body = (ann => '{"email":"Ann@example.com"}', bob => '{"email":"bob@example.com"}', two => '{"email":"ann","tenant":"a"}');
    is code_of($nginx, '/login', $body{$_}), 401, "$name: $_ fails" for qw(ann bob);
    is code_of($nginx, '/tenant', $body{two}), 401, "$name: a tenant's account fails";
    ok wait_for(sub { my ($code, $text) = ctl('list', $url, @access); ($text =~ tr/\n//) == 4 }), "$name: three locks are listed";
    my ($code, $text, $error) = ctl('list', $url, @access);
    is $code, 0, "$name: list: done";
    is $error, '', "$name: without a complaint";
    my ($head, @lines) = split /\n/, $text;
    is $head, "policy\tkey\taccount\tseconds\tin a row", "$name: with a heading";
    is scalar(grep { /^(?:login|tenant)\t[0-9a-f]{32}\t[0-9a-f]{16}\t1(?:800|7\d\d)\t1$/ } @lines), 3, "$name: by hashes" or diag $text;
    is scalar(grep { /^tenant/ } split /\n/, (ctl('list', $url, @access, '--policy=tenant'))[1]), 1, "$name: of one policy";

    my @named = (@access, "--key-secret=$secret");
    is +(ctl('unlock', $url, @named, '--account=cid@example.com'))[0], 1, "$name: unlock: another account";
    is +(ctl('unlock', $url, @named, '--account=Ann@example.com', '--normalize=none'))[0], 1, "$name: unlock: another spelling, taken as it is";
    ($code, $text) = ctl('unlock', $url, @named, '--account=ANN@example.com');
    is $code, 0, "$name: unlock: the account";
    is scalar(grep { /^login\t/ } split /\n/, $text), 1, "$name: which is said";
    is code_of($nginx, '/login', $body{ann}), 401, "$name: it is unlocked, at once";
    is code_of($nginx, '/login', $body{bob}), 429, "$name: the other one is not";
    is +(ctl('unlock', $url, @named, '--account=a', '--account=ann'))[0], 0, "$name: unlock: an account of two parts";
    my ($key) = (ctl('list', $url, @access, '--policy=login'))[1] =~ /^login\t([0-9a-f]{32})/m;
    is +(ctl('unlock', $url, @access, "--key=$key"))[0], 0, "$name: unlock: by a key";
    ends_well($nginx, $name);
    return;
}

{
    my $redis = start_redis(password => 'open-sesame');
    my $file  = $redis->password_file;
    tried('one Redis', $redis->unix_url . " password=file:$file", $redis->unix_url, "--password=file:$file");
    my ($code, $text, $error) = ctl('list', $redis->unix_url);
    is "$code $text", '1 ', 'without the password';
    like $error, qr/^guardctl: .*: NOAUTH /, 'Redis says why';
}
{
    my $cluster = start_cluster();
    tried('cluster', $cluster->url, $cluster->url);
}
{
    # Nodes that are called by name, which is what their certificates say.
    my $cluster = start_cluster(
        tls    => 1,
        config => ['bind 127.0.0.1 127.0.0.2', 'cluster-announce-ip 127.0.0.2', 'cluster-announce-hostname redis.example', 'cluster-preferred-endpoint-type hostname']
    );
    my ($first) = $cluster->nodes;
    wait_for(sub { 3 == grep { $_->[2][0] eq 'redis.example' } @{ $first->run('CLUSTER', 'SLOTS') } }) or die "no names\n";
    my $ca = authority()->{ca};
    tried('cluster by names', $cluster->url . " tls_ca=$ca", $cluster->url, "--tls-ca=$ca");
}
{
    my $group = start_sentinel(password => 'open-sesame', sentinel_password => 'xyzzy');
    my %file  = map { $_->[0] => File::Temp->new } ['password'], ['sentinel_password'];
    print { $file{password} } "open-sesame\n";
    print { $file{sentinel_password} } "xyzzy\n";
    $_->flush for values %file;
    my @access = ("--password=file:$file{password}", "--sentinel-password=file:$file{sentinel_password}");
    tried('Sentinel', $group->url . " password=file:$file{password} sentinel_password=file:$file{sentinel_password}", $group->url, @access);
    my ($code, $text, $error) = ctl('list', $group->url, $access[0]);
    is "$code $text", '1 ', "without the sentinels' password";
    like $error, qr/^guardctl: .*: NOAUTH /, 'a sentinel says why';
    # What the new master is to know must have come to it.
    ok wait_for(sub { (ctl('list', $group->url, @access))[0] == 0 }), 'a lock is left';
    my ($replica) = $group->replicas;
    ok wait_for(sub { $replica->run('DBSIZE') == $group->master->run('DBSIZE') }), 'which the replica has';
    $group->failover;
    is +(ctl('list', $group->url, @access))[0], 0, 'after a failover';
    # One that does not know what the others have decided.
    my ($old) = $group->replicas;
    ok wait_for(sub { !$old->is_master }, 20), 'the master of before is a replica';
    for my $case (
        ['a replica', $old->port, qr/a sentinel names it, and it is not the master/],
        ['nobody',    free_port(), qr/Connection refused/]
    ) {
        my ($what, $port, $why) = @$case;
        my $liar = start_fake_redis(answer => sub { return $_[0][0] eq 'SENTINEL' ? "*2\r\n\$9\r\n127.0.0.1\r\n\$" . length($port) . "\r\n$port\r\n" : undef });
        is +(ctl('list', $group->url =~ s{://}{'://' . $liar->address . ','}er, @access))[0], 0, "a sentinel that names $what: another one is asked";
        ($code, $text, $error) = ctl('list', 'redis+sentinel://' . $liar->address . '/mymaster', @access);
        like $error, qr/^guardctl: 127\.0\.0\.1:$port: $why\n\z/, "a sentinel that names $what: and no other";
    }
    my $unknown = $group->url =~ s{/[^/]*\z}{/nobody}r;
    ($code, $text, $error) = ctl('list', $unknown, @access);
    is_deeply [$code, $text, $error], [1, '', qq{guardctl: no sentinel knows the master "nobody"\n}], 'another master';
}
{
    my $redis = start_redis(tls => 1);
    my $ca = authority()->{ca};
    tried('TLS', $redis->url . " tls_ca=$ca", $redis->url, "--tls-ca=$ca");
    my ($code, $text, $error) = ctl('list', $redis->url, "--tls-ca=$ca", '--tls-name=other.example');
    is "$code $text", '1 ', 'for another name';
    ($code, $text, $error) = ctl('list', $redis->url);
    is "$code $text", '1 ', 'without the authority';
    like $error, qr/^guardctl: .*: TLS: certificate verify failed$/, 'TLS says why';
}
{
    # As Redis itself would have it, unless told otherwise.
    my $redis = start_redis(tls => 'mutual');
    my $files = authority();
    my $own   = "tls_cert=$files->{client_cert} tls_key=$files->{client_key}";
    my @own   = ("--tls-cert=$files->{client_cert}", "--tls-key=$files->{client_key}");
    tried('TLS with a certificate', $redis->url . " tls_ca=$files->{ca} $own", $redis->url, "--tls-ca=$files->{ca}", @own);
    is +(ctl('list', $redis->url, '--tls-verify=off', '--tls-name=other.example', @own))[0], 0, 'whosever its own is';
    my ($code, $text, $error) = ctl('list', $redis->url, "--tls-ca=$files->{ca}");
    is "$code $text", '1 ', 'without one';
    like $error, qr/^guardctl: .*: TLS: .*certificate/, 'TLS says why';
    ($code, $text, $error) = ctl('list', $redis->url, "--tls-cert=$files->{client_key}", "--tls-key=$files->{client_key}");
    like $error, qr/^guardctl: .*: cannot read "\Q$files->{client_key}\E": /, 'one that is none';
    ($code, $text, $error) = ctl('list', $redis->url, $own[0], '--tls-key=/nowhere/key');
    like $error, qr/^guardctl: .*: cannot read "\/nowhere\/key": No such file or directory$/, 'no key';
}
my ($code, $text, $error) = ctl('list', 'unix:/nowhere/redis');
is_deeply [$code, $text, $error], [1, '', "guardctl: /nowhere/redis: No such file or directory\n"], 'no Redis';
my $closed = free_port();
is_deeply [ctl('list', "redis://127.0.0.1:$closed")], [1, '', "guardctl: 127.0.0.1:$closed: Connection refused\n"], 'nobody at the port';
($code, $text, $error) = ctl('list', 'redis://no.such.host.invalid');
is "$code $text", '1 ', 'an unknown name: exit code';
like $error, qr/\Aguardctl: no\.such\.host\.invalid:6379: (?:Name or service not known|Temporary failure in name resolution|No address associated with hostname)\n\z/, 'an unknown name';

# A machine that is gone: nobody takes the connection, nor refuses it.
{
    my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die "listen: $!\n";
    my $gone = '127.0.0.1:' . $full->sockport;
    my @waiting = map { IO::Socket::INET->new(Proto => 'tcp', Blocking => 0) // die "socket: $!\n" } 1 .. 4;
    connect $_, pack_sockaddr_in($full->sockport, inet_aton('127.0.0.1')) for @waiting;
    my $begun = time;
    is_deeply [ctl('list', "redis://$gone")], [1, '', "guardctl: $gone: it does not answer\n"], 'nobody behind the address';
    cmp_ok time - $begun, '<', 60, 'which is given up soon';
}

misused([],                                                           '"lockout" needs "list" or "unlock"');
misused(['lift'],                                                     'unknown word "lift" after "lockout", "list" or "unlock" is expected');
misused(['list'],                                                     '"--redis" is missing');
misused(['list', '--redis'],                                          '"--redis" needs a value');
misused(['list', '--redis=', '--policy=a'],                           '"--redis" needs a value');
misused(['list', '--redis', 'unix:/x', 'more'],                       'unexpected word "more"');
misused(['list', '--redis=env:NOT_THERE_AT_ALL'],                     'the environment has no "NOT_THERE_AT_ALL"');
misused(['list', '--rdis=x'],                                         'unknown option "--rdis" of "lockout", did you mean "--redis"?');
misused(['unlock', '--redis=unix:/x'],                                '"unlock" needs "--key" or "--account"');
misused(['unlock', '--redis=unix:/x', '--account=a'],                 '"--account" needs "--key-secret"');
misused(['unlock', '--redis=unix:/x', '--key=0123'],                  '"--key" takes 32 hexadecimal digits');
misused(['list', '--redis=rediss://x', '--tls-cert=x'],                '"--tls-cert" and "--tls-key" need each other');
misused(['list', '--redis=unix:/x', '--password=open'],               '"--password" takes file:/path or env:NAME, since others may see a command line');
$app->stop;
done_testing;
