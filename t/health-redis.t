# guard_health_check redis:NAME: what Redis says to a PING counts, what it says of itself is told as far as it may be.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;

my $unsaved = start_redis(config => ['save 3600 1']);
my $dump    = "$unsaved->{directory}/dump.rdb";
my $shared  = start_redis(
    acl => [
        'user mute on >secret ~* &* +@all -info',
        'user deaf on >secret ~* &* +@all -ping',
        'user both on >secret ~* &* +@all -ping -info',
        'user asks on >secret ~* &* +@all',
    ]
);
my @users = qw(mute deaf both asks);
my $nginx = start_nginx(
    workers     => 2,
    http_config => join('', "guard_redis unsaved @{[ $unsaved->url ]};\nguard_health_check unsaved redis:unsaved interval=1s fall=1 optional;\n",
        map { "guard_redis $_ @{[ $shared->url ]} username=$_ password=secret;\nguard_health_check $_ redis:$_ interval=1s fall=1 optional;\n" } @users),
    config => 'location = /health { guard_health; } location = /metrics { guard_metrics; }',
);

sub check { return JSON::PP->new->decode(request($nginx->port, GET => '/health')->{body})->{checks}{"$_[0]:responseTime"}[0] }

sub becomes {
    my ($name, $status, $output, $title) = @_;
    my $got;
    ok wait_for(sub { $got = check($name); return $got->{status} eq $status && ($got->{output} // '') =~ $output }), $title or diag explain $got;
    return;
}

sub breakers { my ($open) = request($nginx->port, GET => '/metrics')->{body} =~ /^guard_redis_breakers_open\{redis="$_[0]"\} (\d+)$/m; return $open }

becomes('unsaved', 'pass', qr/\A\z/, 'a Redis that saves');
mkdir $dump or die "$dump: $!";
$unsaved->run('SET', 'something', 'to save');
$unsaved->run('BGSAVE');
becomes('unsaved', 'fail', qr/\AMISCONF|\ARedis is unavailable/, 'one that cannot save refuses all that is written');
rmdir $dump or die "$dump: $!";
$unsaved->run('BGSAVE');
becomes('unsaved', 'pass', qr/\A\z/, 'and takes it again');

becomes('asks', 'pass', qr/\A\z/, 'a user who may ask');
becomes('mute', 'pass', qr/\ARedis tells this user neither its role nor its memory\z/, 'one who may not ask what it is');
becomes('deaf', 'pass', qr/\A\z/, 'one who may not say PING');
becomes('both', 'pass', qr/\ARedis tells this user neither its role nor its memory\z/, 'one who may do neither is answered');
# More often than a breaker forgives.
my %seen;
ok wait_for(sub { $seen{ check('both')->{time} } = 1; return keys %seen > 8 }, 30), 'and again';
for my $user (@users) {
    is check($user)->{status}, 'pass', "$user goes on";
    is breakers($user), 0, "$user has not made it unavailable";
}

is $nginx->stop, undef, 'stops';
unlike $nginx->log_text, qr/"(?:mute|deaf|both|asks)" is unavailable/, 'nor does the log say so';
done_testing;
