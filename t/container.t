# scripts/container/start, with the places of the image's files moved below the test's own root: what it makes of
# its variables, and that nginx then does what they say.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use lib dirname(__FILE__) . '/lib';
use Test::More;
use Test::Nginx::Guard;

my $root   = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $build  = File::Spec->rel2abs($ENV{GUARD_BUILD} // "$root/build");
my $module = "$build/ngx_http_guard_module.so";
plan skip_all => 'scripts/container/start starts no valgrind' if $ENV{TEST_NGINX_USE_VALGRIND};
plan skip_all => 'the module is not built' if !-f $module;

my $files = make_nginx();
my $image = $files->root;
my $app   = start_upstream('body from the application');
my $redis = start_redis();
my $other = free_port();

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    return scalar <$in>;
}

sub copy {
    my ($from, $to, %moved) = @_;
    my $text = slurp("$root/$from");
    my $places = join '|', map { quotemeta } sort { length $b <=> length $a } keys %moved;
    $text =~ s/($places)/$moved{$1}/g if %moved;
    return $files->write_file($to, $text);
}

# As /etc is: the workers' user looks for the break-glass file.
chmod 0755, $image or die "chmod: $!\n";
my %moved = (
    '/usr/share/guard'       => "$image/share",
    '/tmp/guard'             => "$image/tmp",
    '/etc/guard'             => "$image/etc",
    '/usr/lib/nginx/modules' => $build,
    '/usr/sbin/nginx'        => $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx',
    '-e /dev/stderr'         => "-e $image/logs/start.log",
    'worker_processes auto;' => 'worker_processes 1; error_log ' . "$image/logs/error.log notice;",
    '/var/log/nginx/'        => "$image/logs/",
    # Not what is tried here, and too little on a busy machine.
    'env:REDIS_URL;'         => 'env:REDIS_URL timeout=10s;'
);
my $start = copy('scripts/container/start', 'share/start', %moved);
my $lockouts = copy('scripts/container/lockouts', 'share/lockouts');
copy('scripts/container/nginx.conf', 'share/nginx.conf', %moved);
copy('scripts/container/redis.sed',  'share/redis.sed');
copy("conf.d/$_.conf", "share/conf.d/$_.conf", %moved) for qw(coreconnect coreconnect-locations env-production env-development);

symlink "$root/conf.d/schemas", "$image/share/conf.d/schemas" or die "schemas: $!\n";

# Starts it with these variables; (the status, what was said) if it ends at once, else its process number.
sub start {
    my (%variables) = @_;
    unlink "$image/logs/error.log", "$image/logs/start.log";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        delete @ENV{ grep { /^(?:GUARD_(?!BUILD|TEST)|REDIS_)/ } keys %ENV };
        %ENV = (
            %ENV,
            GUARD_APP             => 'http://127.0.0.1:' . $app->port,
            GUARD_SERVER_NAME     => 'localhost',
            GUARD_TRUSTED_PROXIES => '127.0.0.1',
            GUARD_LISTEN_HTTP     => '127.0.0.1:' . $files->port,
            GUARD_LISTEN_HEALTH   => "127.0.0.1:$other",
            %variables
        );
        $ENV{ASAN_OPTIONS} .= ':detect_leaks=0' if $ENV{ASAN_OPTIONS};
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>',  "$image/said";
        open STDERR, '>&', \*STDOUT;
        exec 'bash', $start or die "exec: $!\n";
    }
    my $ended;
    wait_for(sub { $ended = waitpid($pid, 1) == $pid and return 1; eval { request($other, GET => "/", timeout => 1) } }, 20);
    return $ended ? ($? >> 8, slurp("$image/said") . slurp("$image/logs/start.log")) : $pid;
}

sub stop {
    my ($pid, $name) = @_;
    kill 'QUIT', $pid;
    ok(wait_for(sub { waitpid($pid, 1) == $pid }, 20), "$name: ends");
    is($?, 0, "$name: in good order");
    unlike(slurp("$image/logs/error.log"), qr/\[(?:warn|error|alert|crit|emerg)\]/, "$name: nothing bad in the log");
    unlike(slurp("$image/logs/start.log"), qr/\[/, "$name: nothing was said at the start");
    return;
}

sub codes {
    my ($target, $count, @words) = @_;
    return join ' ', map { request($files->port, GET => $target, headers => ['X-Forwarded-Proto: https'], @words)->{code} } 1 .. $count;
}

subtest 'without a Redis' => sub {
    my ($pid, $said) = start();
    is($said, undef, 'it starts') or return diag($said);
    is(codes('/', 2), '200 200', 'requests reach the application');
    stop($pid, 'alone');
    is($redis->run('DBSIZE'), 0, 'nothing went to a Redis');
};

subtest 'with one' => sub {
    $files->write_file('etc/key', 'secret of all nginx');
    chmod 0600, "$image/etc/key";
    my ($pid, $said) = start(REDIS_URL => $redis->url);
    is($said, undef, 'it starts') or return diag($said);
    is(codes('/api/items', 2), '200 200', 'requests reach the application');
    my @keys = sort map { s/\{.*//r } grep { !/probe/ } @{ $redis->run('KEYS', '*') };
    is_deeply(\@keys, ['guard:api:'], 'it counts there');
    is_deeply([grep { !/ redis=main\z/ } slurp("$image/tmp/coreconnect.conf") =~ /^(guard_\w+_policy [^;]+);/mg], [], 'by every policy');
    stop($pid, 'shared');
};

subtest 'behind a proxy' => sub {
    my ($pid, $said) = start(GUARD_TRUSTED_PROXIES => "192.0.2.1, 127.0.0.1,10.0.0.0/8\n");
    is($said, undef, 'it starts') or return diag($said);
    my $codes = sub {
        my ($for, $count) = @_;
        my @words = (headers => ['X-Forwarded-Proto: https', "X-Forwarded-For: $for", 'Content-Type: application/json'], body => '{}');
        return join ' ', map { request($files->port, POST => '/api/auth/none', @words)->{code} } 1 .. $count;
    };
    is($codes->('203.0.113.1, 10.1.1.1', 6), '200 200 200 200 200 429', 'a client has a limit of its own');
    is($codes->('203.0.113.1, 203.0.113.2', 1), '200', 'as another has');
    is($codes->('203.0.113.3, 203.0.113.1', 1), '429', 'whatever the client says of itself');
    like(slurp("$image/logs/coreconnect-access.json"), qr/"remote_addr":"203\.0\.113\.2"/, 'and is recorded');
    stop($pid, 'behind a proxy');
};

subtest 'break glass' => sub {
    my ($pid, $said) = start();
    is($said, undef, 'it starts') or return diag($said);
    is(codes('/a%2fb', 1), '400', 'what is to be refused is refused');
    $files->write_file('tmp/break-glass', '');
    ok(wait_for(sub { codes('/a%2fb', 1) eq '200' }), 'until the file is there');
    unlink "$image/tmp/break-glass";
    ok(wait_for(sub { codes('/a%2fb', 1) eq '400' }), 'and once it is gone');
    stop($pid, 'break glass');
};

subtest 'who is locked out' => sub {
    my $refusing = start_upstream('status 401');
    my ($pid, $said) = start(GUARD_APP => 'http://127.0.0.1:' . $refusing->port);
    is($said, undef, 'it starts') or return diag($said);
    my $told = sub { local $ENV{GUARD_LISTEN_HEALTH} = "127.0.0.1:$other"; return scalar `bash $lockouts @_ 2>&1` };
    my $none = qr/\A\{"lockouts": ?\[\], ?"bans": ?\[\]/;
    like($told->(), $none, 'nobody at first');
    request($files->port, POST => '/api/auth/login', headers => ['X-Forwarded-Proto: https', 'Content-Type: application/json'],
        body => '{"email":"ann@example.com","password":"guess"}') for 1 .. 5;
    my $lock = qr/\A\{"lockouts": ?\[\{"policy": ?"login",[^]]*\}\],/;
    ok(wait_for(sub { $told->() =~ $lock }), 'an account that was guessed at') or diag($told->());
    like($told->('account=bob%40example.com'), qr/\A\{/, 'another one');
    is($?, 0, 'is an answer');
    like($told->("'account=ann\@example.com'"), qr/\Aguard: percent-encode /, 'a query that is none');
    like($told->('account=ann%40example.com'), $lock, 'is let in again, which is said');
    like($told->(), $none, 'and nobody is left');
    stop($pid, 'locked out');
    $refusing->stop;
};

subtest 'a policy that inspects' => sub {
    my $policy = slurp("$image/share/conf.d/coreconnect.conf");
    $files->write_file('share/conf.d/coreconnect.conf', "$policy\nguard_inspect_rules /dev/null;\nguard_inspect on;\nguard_upload names=strict;\n");
    my ($pid, $said) = start();
    is($said, undef, 'it starts') or return diag($said);
    is(codes('/', 1), '200', 'requests reach the application');
    stop($pid, 'inspecting');
    $files->write_file('share/conf.d/coreconnect.conf', $policy);
};

subtest 'where the application is' => sub {
    for my $case (['https://[::1]', '[::1]:443', '[::1]'], ['https://[::1]:8443/', '[::1]:8443', '[::1]'], ['https://localhost', 'localhost:443', 'localhost'],
        ['http://127.0.0.1/', '127.0.0.1:80', '127.0.0.1']) {
        my ($url, $server, $name) = @$case;
        my ($pid, $said) = start(GUARD_APP => $url);
        is($said, undef, "$url: it starts") or next;
        my $site = slurp("$image/tmp/site.conf");
        is(join(' ', $site =~ /\{ server ([^;]+);/), $server, "$url: its port");
        is(join(' ', $site =~ /proxy_ssl_name ([^;]+);/), $name, "$url: its name");
        stop($pid, $url);
    }
};

subtest 'mistakes' => sub {
    my $mistake = sub {
        my ($name, $wanted, %variables) = @_;
        my ($status, $said) = start(%variables);
        isnt($status, 0, "$name: ends");
        like($said // '', $wanted, "$name: and says why");
        unlike($said // '', qr/hunter2/, "$name: without the password");
        kill 'KILL', $status unless defined $said;
        return;
    };
    my $url = $redis->url;
    $mistake->('no key', qr{\Aguard: REDIS_URL needs the secret of guard_key_secret, .* no \Q$image\E/nothing to be read\n\z},
        REDIS_URL => $url, GUARD_KEY_FILE => "$image/nothing");
    $mistake->("a key $_->[0]", qr/\Aguard: GUARD_KEY_FILE=.* is no path that nginx.conf could name as it is\n\z/,
        REDIS_URL => $url, GUARD_KEY_FILE => $_->[1])
        for ['of another directive', "$image/etc/key; load_module x"], ['somewhere', 'key'];
    $mistake->("an application at $_", qr/\Aguard: GUARD_APP=\Q$_\E has a path, or bytes that no address has\n\z/, GUARD_APP => $_)
        for 'http://app:5000/api', 'http://app:5000/api/', 'http://app;', 'http:///';
    $mistake->('no application', qr{\Aguard: GUARD_APP is to be the address of the application, such as http://app:5000\n\z}, GUARD_APP => '');
    $mistake->('no URL of a Redis', qr/\[emerg\] .*"guard_redis"|\[emerg\] .*redis/i, REDIS_URL => 'http://:hunter2@redis');
};

done_testing;
