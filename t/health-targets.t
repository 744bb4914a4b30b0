# guard_health_check over TLS and of Redis's own state; that the endpoint waits for no probe, that one of all workers probes, that a
# banned client is answered, and the shape of format=simple.

use strict;
use warnings;
use lib 't/lib';
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Authority qw(authority);
use Test::Nginx::Guard::Wait      qw(patient);

my $files = authority();

# An application behind TLS, as nginx speaks it.
my $application = start_nginx(
    listen_words => " ssl; ssl_certificate $files->{cert}; ssl_certificate_key $files->{key}",
    config       => <<'EOC');
location = /health { default_type application/json; return 200 '{"status":"pass","parts":[{"name":"queue","ok":true}]}'; }
location = /broken { return 500; }
EOC
my $https = 'https://127.0.0.1:' . $application->port;
my ($master, $full) = (start_redis(), start_redis(maxmemory => '4mb'));
my $replica  = start_redis(replica_of => $master);
my $writable = start_redis(replica_of => $master, config => ['replica-read-only no']);
my $silent   = start_redis(config => ['rename-command INFO ""']);
my $hung    = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16) or die $!;    # accepts, says nothing

my $nginx = start_nginx(
    workers     => 4,
    http_config => <<"EOC",
set_real_ip_from 127.0.0.1;
real_ip_header X-Client;
guard_ban_policy strangers score=1 half_life=10m duration=1h weights=404:1;
guard_redis main @{[ $master->url ]};
guard_redis copy @{[ $replica->url ]};
guard_redis writable @{[ $writable->url ]};
guard_redis full @{[ $full->url ]};
guard_redis silent @{[ $silent->url ]};
guard_health_check tls $https/health interval=1s tls_ca=$files->{ca};
guard_health_check pointer $https/health interval=1s tls_ca=$files->{ca} pointer=/parts/0/ok equals=true;
guard_health_check named $https/health interval=1s tls_ca=$files->{ca} tls_name=redis.example;
guard_health_check unverified $https/health interval=1s tls_verify=off;
guard_health_check misnamed $https/health interval=1s tls_ca=$files->{ca} tls_name=other.example optional;
guard_health_check stranger $https/health interval=1s tls_ca=$files->{other_ca} optional;
guard_health_check system $https/health interval=1s optional;
guard_health_check broken $https/broken interval=1s tls_ca=$files->{ca} optional;
guard_health_check plain http://127.0.0.1:@{[ $application->port ]}/health interval=1s optional;
guard_health_check main redis:main interval=1s;
guard_health_check copy redis:copy interval=1s optional;
guard_health_check writable redis:writable interval=1s optional;
guard_health_check full redis:full interval=1s optional;
guard_health_check silent redis:silent interval=1s optional;
guard_health_check hung http://127.0.0.1:@{[ $hung->sockport ]}/ interval=1h timeout=1m optional;
EOC
    config => <<'EOC');
root html;
guard_ban strangers;
location = /health { guard_health; }
location = /held { guard_exempt off; guard_health; }
EOC

sub health {
    my ($target, @fields) = @_;
    my $answer = request($nginx->port, GET => $target // '/health', headers => \@fields);
    return ($answer->{code}, eval { JSON::PP->new->decode($answer->{body}) } // $answer->{body});
}
sub becomes {
    my ($name, $status, $output, $title) = @_;
    my $got;
    ok wait_for(sub { $got = (health())[1]{checks}{"$name:responseTime"}[0]; return $got->{status} eq $status && ($got->{output} // '') =~ $output }), $title or diag explain $got;
    return;
}

# A probe that hangs: the endpoint has answered all this time, nobody else has probed, and the probe goes on.
{
    # All workers have had their turns by then.
    becomes('main', 'pass', qr/\A\z/, 'another check has been made');
    my @probes;
    my $listening = IO::Select->new($hung);
    push @probes, scalar $hung->accept while $listening->can_read(@probes ? 0 : patient(5));
    is scalar @probes, 1, 'one of four workers probes';
    # The others of which health speaks may have to shake hands first.
    ok wait_for(sub { (health())[0] == 200 }), 'the other checks have been made';
    my ($code, $json) = health();
    is "$code $json->{checks}{'hung:responseTime'}[0]{output}", '200 there is no result yet', 'nobody waits for it';
    my $asked = '';
    sysread $probes[0], $asked, 4096 if IO::Select->new(@probes)->can_read(patient(5));
    like $asked, qr{\AGET / HTTP/1\.1\r\n}, 'it has asked';
    ok !IO::Select->new(@probes)->can_read(0), 'and is still there';
}

# TLS
becomes('tls', 'pass', qr/\A\z/, 'over TLS');
becomes('pointer', 'pass', qr/\A\z/, 'and what the body says');
becomes('named', 'pass', qr/\A\z/, 'by another name of the certificate');
becomes('unverified', 'pass', qr/\A\z/, 'whoever it is');
becomes('misnamed', 'fail', qr/other\.example|name|host/i, 'not by a name that the certificate has not');
becomes('stranger', 'fail', qr/certificate|issuer/i, 'nor by an authority that does not know it');
becomes('system', 'fail', qr/certificate|issuer/i, 'nor by what the system trusts');
becomes('broken', 'fail', qr/\Athe status is 500\z/, 'the status counts over TLS as well');
becomes('plain', 'fail', qr/\Athe status is 400\z/, 'and TLS is not left out');

# Redis: its role and its memory.
becomes('main', 'pass', qr/\A\z/, 'a master');
becomes('writable', 'warn', qr/\ARedis is a replica\z/, 'a replica that can be written');
becomes('copy', 'fail', qr/\ARedis is unavailable\z/, 'one that cannot is of no use');
becomes('full', 'pass', qr/\A\z/, 'one that has room');
becomes('silent', 'pass', qr/\ARedis tells this user neither its role nor its memory\z/, 'one that answers, but says nothing of itself');
my $part = 0;
while ($part < 10_000) { last if !eval { $full->run('SET', 'part' . $part++, 'x' x 10_000) } }
becomes('full', 'warn', qr/\ARedis's memory is nearly full\z/, 'and one that has none');
$full->run('FLUSHALL');
becomes('full', 'pass', qr/\A\z/, 'has room again');
$replica->run('REPLICAOF', 'NO', 'ONE');
becomes('copy', 'pass', qr/\A\z/, 'it becomes a master');
$writable->run('REPLICAOF', 'NO', 'ONE');
becomes('writable', 'pass', qr/\A\z/, 'so does the other one');
$writable->run('REPLICAOF', '127.0.0.1', $master->port);
becomes('writable', 'warn', qr/\ARedis is a replica\z/, 'and no more');

# Who is banned is answered: load balancers ask often, and from one address.
{
    my @balancer = ('X-Client: 192.0.2.7');
    is request($nginx->port, GET => '/none', headers => \@balancer)->{code}, 404, 'a client';
    is request($nginx->port, GET => '/none', headers => \@balancer)->{code}, 403, 'is banned';
    my ($code, $json) = health('/health', @balancer);
    is $code, 200, 'but is told how this nginx is';
    is_deeply $json, { status => 'warn' }, 'and no more';
    is((health('/held', @balancer))[0], 403, 'unless the exemption is taken away');
}
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

# format=simple, as CoreConnect's /health has it.
{
    my $simple = start_nginx(
        http_config => <<"EOC",
guard_redis main @{[ $master->url ]};
guard_health_check database tcp://127.0.0.1:@{[ $replica->port ]} interval=1s fall=1;
guard_health_check redis redis:main interval=1s fall=1;
guard_health_check disk_space disk:/ warn=0% fail=0%;
guard_health_check memory memory: warn=0% fail=0%;
EOC
        config => 'location /health { guard_health; }'
    );
    my $time = qr/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/;
    my $says = sub {
        my ($code, $status, $database, $title) = @_;
        my $answer;
        ok wait_for(sub {
            $answer = request($simple->port, GET => '/health?format=simple');
            return $answer->{code} == $code && $answer->{body}
                =~ /\A\{"status":"$status","timestamp":$time,"services":\{"database":"$database","redis":"healthy","disk_space":"healthy","memory":"healthy"\}\}\n\z/;
        }), $title or diag explain $answer;
        is header_of($answer->{fields}, 'Content-Type'), 'application/json', "$title: its type";
        return;
    };
    $says->(200, 'healthy', 'healthy', 'all is well');
    $replica->stop;
    $says->(503, 'unhealthy', 'unhealthy', 'the database is away');
    is $simple->stop, undef, 'stops';
}
is $application->stop, undef, 'stops';
done_testing;
