# scripts/run as a new user meets it: the CoreConnect policy protects the demo application over
# HTTP/1.1, HTTP/2 and TLS, the lines that it prints work as printed, and Ctrl-C leaves nothing.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use lib dirname(__FILE__) . '/lib';
use Test::More;
use Test::Nginx::Guard;

my $root   = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $module = File::Spec->rel2abs(($ENV{GUARD_BUILD} // "$root/build") . '/ngx_http_guard_module.so');
plan skip_all => 'scripts/run starts no valgrind' if $ENV{TEST_NGINX_USE_VALGRIND};
plan skip_all => 'the module is not built' if !-f $module;

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/;
    return scalar <$in>;
}

# Starts scripts/run as a terminal does: a process group of its own, with SIGINT as it comes.
sub start_run {
    my ($folder, $as, @words) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        setpgrp;
        $SIG{INT} = 'DEFAULT';
        $ENV{GUARD_RUN} = $folder;
        $ENV{GUARD_MODULE} = $module;
        $ENV{NGINX} = $ENV{TEST_NGINX_BINARY} if $ENV{TEST_NGINX_BINARY};
        # Whoever has given up being root may not look into his own memory. What else a sanitizer finds
        # ends a worker, which is an [alert].
        $ENV{ASAN_OPTIONS} .= ':detect_leaks=0' if $ENV{ASAN_OPTIONS};
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>',  "$folder.out";
        open STDERR, '>&', \*STDOUT;
        chdir '/';
        exec @$as, "$root/scripts/run", @words or die "exec: $!\n";
    }
    return $pid;
}

# The status it ends with, and all that it has said.
sub outcome {
    my ($pid, $folder, $limit) = @_;
    my $ended = wait_for(sub { waitpid($pid, 1) == $pid }, $limit // 20);
    my $status = $? >> 8;
    kill 'KILL', $pid if !$ended;
    return ($ended ? $status : 'none', slurp("$folder.out"));
}

# Processes with the folder in their command lines: nginx, its workers' master, the application.
sub left_over {
    my ($folder) = @_;
    return grep { slurp("/proc/$_/cmdline") =~ /\Q$folder\E/ } map { m{(\d+)} } glob '/proc/[0-9]*';
}

sub sh { my ($line) = @_; return scalar `$line 2>/dev/null` }

my $above = tempdir(CLEANUP => 1);
chmod 0755, $above;
my $folder = "$above/run";
my ($http, $https) = (free_port(), free_port());
my @ports = ('--http', $http, '--https', $https);
my $pid = start_run($folder, [], @ports);
END { kill 'TERM', $pid if $pid }
wait_for(sub { slurp("$folder.out") =~ /Ctrl-C stops it/ || waitpid($pid, 1) }, 60);
my $said = slurp("$folder.out");
like($said, qr/Ctrl-C stops it/, 'it starts') or BAIL_OUT($said);

subtest 'the printed lines work as printed' => sub {
    my @lines = $said =~ /^\s+(curl .*)$/mg;
    is(@lines, 5, 'there are five') or return;
    my $redirect = sh($lines[0]);
    like($redirect, qr{\AHTTP/1\.1 30[18] }, 'plain HTTP is redirected');
    like($redirect, qr{^Location: https://127\.0\.0\.1:$https/\r$}mi, 'to HTTPS on its port');
    unlike($redirect, qr/^Strict-Transport-Security:/mi, 'and carries no HSTS');

    my $head = sh($lines[1]);
    like($head, qr{\AHTTP/2 200}, 'the page is there');
    for my $field (
        q{Content-Security-Policy: default-src 'self'; script-src 'self' 'unsafe-inline'; }
        . q{style-src 'self' 'unsafe-inline' https://fonts.googleapis.com; }
        . q{font-src 'self' https://fonts.gstatic.com; img-src 'self' data: https:; connect-src 'self'},
        'Strict-Transport-Security: max-age=31536000; includeSubDomains',
        'X-Frame-Options: DENY',
        'X-Content-Type-Options: nosniff',
        'X-XSS-Protection: 0',
        'Referrer-Policy: strict-origin-when-cross-origin',
        )
    {
        my ($name) = $field =~ /\A([\w-]+)/;
        my @found = $head =~ /^($name:.*?)\r?$/mig;
        is(@found, 1, "$name comes once");
        is(lc($found[0] // ''), lc $field, 'as the policy has it');
    }
    unlike($head, qr{^server:.*/}mi, 'no version is told');

    is(sh($lines[2]), "401\n" x 5 . "429\n", 'the sixth guess is refused');
    like(sh($lines[3]), qr{\AHTTP/2 400.*"code":"json\.duplicate_key"}s, 'a duplicate key is refused');
    like(sh($lines[4]), qr{\AHTTP/2 415.*"code":"json\.media_type"}s, 'a form is refused');
};

my $base = "https://127.0.0.1:$https";
for my $version ('1.1', '2') {
    subtest "over HTTP/$version" => sub {
        my $curl = "curl -k -s --max-time 10 --http$version";
        my $limited = sh(qq($curl -i --json '{"email":"a\@b.c","password":"x"}' $base/api/auth/login));
        like($limited, qr{\AHTTP/\Q$version\E 429}, 'login is still limited');
        my ($wait) = $limited =~ /^retry-after: (\d+)\r$/mi;
        ok(defined $wait && $wait >= 1 && $wait <= 60, 'Retry-After says for how long');
        like($limited, qr{^content-type: application/problem\+json}mi, 'with a problem body');
        my ($body) = $limited =~ /\r\n\r\n(.*)\z/s;
        is(eval { decode_json($body)->{code} }, 'rate.auth', 'that names the policy');
        like($limited, qr/^x-frame-options: DENY\r$/mi, 'refusals have the fields as well');
        like(sh("$curl -i $base/nothing"), qr{\AHTTP/\Q$version\E 404.*^x-frame-options: DENY\r$}msi,
            'so has the application\'s error page');
        like(sh("$curl -i --path-as-is $base/a%2f..%2fb"), qr{\AHTTP/\Q$version\E 400.*path\.ambiguous}s,
            'an ambiguous path is refused');
        is(sh("$curl -o /dev/null -w '%{http_code}' $base/api/items"), 401, 'the API asks who is there');
        is(sh("head -c 17000000 /dev/zero | $curl -o /dev/null -w '%{http_code}' -H 'Expect:' "
            . "-F 'file=\@-;filename=x' $base/api/upload"), 413, 'no more than 16 MB');
    };
}

subtest 'TLS' => sub {
    is(sh("curl -s -o /dev/null -w '%{http_code}' --cacert $folder/tls.crt $base/healthz"), 200,
        'the certificate is good for the address');
    is(sh("curl -k -s -o /dev/null -w '%{http_code}' --tls-max 1.1 $base/healthz"), '000', 'TLS 1.1 is not spoken');
    ok(!((stat "$folder/tls.key")[2] & 077), 'the key is its owner\'s alone');
};

subtest 'an honest user works' => sub {
    my $curl = "curl -k -s --max-time 10";
    my $database = "$folder/state/demo.sqlite";
    # The budget of /api/auth/ is used up, and must be: the account is made behind nginx's back.
    my ($address) = $said =~ m{^Guard protects http://(\S+)}m;
    my $account = q({"email":"bob@example.com","password":"correct horse"});
    sh("curl -s --json '$account' http://$address/api/auth/register");
    my $tokens = eval { decode_json(sh("curl -s --json '$account' http://$address/api/auth/login")) } || {};
    ok($tokens->{access_token}, 'there is an account') or return;
    my $auth = "-H 'Authorization: Bearer $tokens->{access_token}'";
    my $again = decode_json(sh(qq($curl --json '{"refresh_token":"$tokens->{refresh_token}"}' $base/api/auth/refresh)));
    ok($again->{access_token}, 'a token is refreshed beside the limit of logins');
    my $item = decode_json(sh(qq($curl $auth --json '{"title":"milk"}' $base/api/items)));
    is($item->{title}, 'milk', 'an item is made');
    is(sh("$curl $auth -o /dev/null -w '%{http_code}' -X DELETE $base/api/items/$item->{id}"), 204, 'and removed');
    my $file = decode_json(sh("head -c 300000 /dev/zero | $curl $auth -F 'file=\@-;filename=z' $base/api/upload"));
    is($file->{size}, 300000, 'a file is uploaded');
};

subtest 'the page for operators' => sub {
    my ($page) = $said =~ /^Watch it: (\S+)$/m;
    ok($page, 'it says where') or return;
    my $document = sh("curl -sk -i $page");
    like($document, qr{\AHTTP/2 200.*^content-security-policy: default-src 'none'; script-src 'sha256-[^\n]*\r\n.*<title>Guard</title>}msi, 'it is there');
    is(scalar(() = $document =~ /^content-security-policy:/mgi), 1, 'under a policy of its own alone');
    is(ref decode_json(sh(qq(curl -sk "$page?data=0")))->{events}, 'ARRAY', 'and has figures');
    is(sh("curl -sk -o /dev/null -w '%{http_code}' -H 'Via: x' $page"), 403, 'but not for strangers');
};

subtest 'what is recorded' => sub {
    my ($log) = $said =~ /^Events:\s+(\S+)$/m;
    my $seen = sub {
        my ($events) = read_events($log);
        return { map { ($_->{event}{code} // '') => $_ } grep { $_ } @$events };
    };
    my @codes = qw(rate.auth json.duplicate_key json.media_type path.ambiguous);
    wait_for(sub { my $codes = $seen->(); !grep { !$codes->{$_} } @codes });
    my $events = $seen->();
    ok($events->{$_}, "there is an event $_") for @codes;
    is($events->{'rate.auth'}{http}{response}{status_code}, 429, 'with its status');
    is($events->{'rate.auth'}{labels}{route}, 'auth', 'and its route');
    my (undef, $lines) = read_events($log);
    is((grep { !defined } @{ (read_events($log))[0] }), 0, 'every line is JSON');
    unlike(join('', @$lines), qr/Bearer|correct horse|guess|try=/, 'no secret, body or query is in it');

    my ($accesses) = $said =~ /^Accesses:\s+(\S+)$/m;
    sh("curl -k -s -H 'Authorization: Bearer hidden' -e 'https://x/?referred' '$base/healthz?asked=1'");
    wait_for(sub { slurp($accesses) =~ m{"/healthz".*\n\z} });
    my @accesses = map { eval { decode_json($_) } } split /\n/, slurp($accesses);
    is((grep { !$_ } @accesses), 0, 'every access is JSON');
    my ($login) = grep { $_->{status} == 429 } @accesses;
    is_deeply([@$login{qw(path guard_verdict guard_code)}], ['/api/auth/login', 'refused', 'rate.auth'],
        'an access has the verdict');
    like($login->{request_id}, qr/\A[0-9a-f]{32}\z/, 'and a request id');
    unlike(slurp($accesses), qr/hidden|asked|referred|try=/, 'no query and no credentials');
    unlike(slurp("$folder/logs/error.log") . slurp("$folder/logs/start.log"), qr/\[(?:alert|crit|emerg)\]/, 'nginx is content');
    unlike(slurp("$folder/logs/stdout.log"), qr/invalid/, 'and had nothing to complain of');
    is(slurp("$folder/logs/demo.log") =~ s/.*a mistake of the application.*//sr, '', 'so is the application');
};

subtest 'mistakes get one clear sentence' => sub {
    my @cases = (
        ['a port in use', qr/\Ascripts\/run: port $http is in use: [^\n]+\n\z/, @ports],
        ['no port', qr/\Ascripts\/run: "x" is not a port\n\z/, '--http', 'x'],
        ['one port twice', qr/\Ascripts\/run: HTTP and HTTPS cannot share port 8443\n\z/, '--http', 8443],
        ['no value', qr/\Ascripts\/run: --redis needs a value\n\z/, '--redis'],
        ['no Redis', qr/\Ascripts\/run: "http:\/\/x" is not a Redis URL [^\n]+\n\z/, '--redis', 'http://x'],
        (map { ["$_, which is one", qr/\Ascripts\/run: port $http is in use: /, @ports, '--redis', "$_://x/y"] } qw(rediss+sentinel rediss+cluster)),
        ['a word that is none', qr/\Ascripts\/run: the words after the Redis URL have characters [^\n]+\n\z/,
            '--redis', 'redis://x timeout=1s;'],
        ['an application with a path', qr/\Ascripts\/run: "http:\/\/x\/y" is not an address [^\n]+\n\z/, 'http://x/y'],
        ['an unknown word', qr/\Ascripts\/run: unknown word "--what" [^\n]+\n\z/, '--what'],
        ['an unknown host', qr/\Ascripts\/run: there is no host "no\.such\.host\.invalid"\n\z/,
            'http://no.such.host.invalid', '--http', free_port(), '--https', free_port()],
        ['a folder that nginx cannot name', qr/\Ascripts\/run: nginx cannot work in "[^"\n]+ b": set GUARD_RUN to another folder\n\z/,
            '--http', free_port(), '--https', free_port()],
        ['the same folder', qr/\Ascripts\/run: another scripts\/run is at work in [^\n]+\n\z/,
            '--http', free_port(), '--https', free_port()],
    );
    for my $case (@cases) {
        my ($name, $pattern, @words) = @$case;
        # The folder that is in use; what is said goes elsewhere.
        rename "$folder.out", "$folder.kept";
        my $where = $name =~ /cannot name/ ? "$above/a b" : $folder;
        my ($status, $text) = outcome(start_run($where, [], @words), $where);
        rename "$folder.kept", "$folder.out";
        is($status, 1, "$name: fails");
        like($text, $pattern, "$name: says so");
    }
};

kill 'INT', -$pid;
my ($status, $text) = outcome($pid, $folder);
$pid = 0;
is($status, 0, 'Ctrl-C ends it');
like($text, qr/scripts\/run: stopping\n\z/, 'in words');
is_deeply([map { slurp("/proc/$_/cmdline") } left_over($folder)], [], 'nothing of it runs on');
for my $port ($http, $https) {
    ok(!IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port"), "port $port is free again");
}

subtest 'with a Redis' => sub {
    my $redis    = start_redis();
    my $port     = free_port();
    my $upstream = start_upstream('status 401', port => $port, record => "$above/record");
    my $shared   = "$above/shared";
    mkdir $shared;
    my $started = sub {
        # What the one before has said.
        unlink "$shared.out";
        # What would not be answered in time, on a machine that is busy, would be counted by this nginx alone.
        my $pid = start_run($shared, [], "http://127.0.0.1:$port", @ports, '--redis', $redis->url . ' timeout=10s');
        wait_for(sub { slurp("$shared.out") =~ /Ctrl-C stops it/ || waitpid($pid, 1) }, 30);
        return $pid;
    };
    my $guess = qq(curl -k -s -o /dev/null -w '%{http_code}\n' --json '{"email":"a\@b.c","password":"x"}' '$base/api/auth/login?try=);
    my $pid   = $started->();
    my $said  = slurp("$shared.out");
    like($said, qr{^Counts:   in Redis at \Q@{[$redis->url]}\E$}m, 'it says where it counts') or return diag($said);
    unlike($said, qr/cannot be used/, 'and complains of nothing');
    is(sh("$guess\[1-4]'"), "401\n" x 4, 'four guesses');
    my @keys  = sort grep { !/^guard:probe\z/ } @{ $redis->run('KEYS', '*') };
    my %there = map { s/\{.*//r => 1 } @keys;
    is_deeply([sort keys %there], [qw(guard:auth: guard:lockout:account: guard:lockout:login:)], 'are counted there, by rates and lockouts')
        or diag("@keys");
    like($_, qr/^guard:[a-z:]+\{[0-9a-f]{32}\}(?:\.[a-z]+)?\z/, 'under a key that tells nothing') for @keys;
    ok(!((stat "$shared/guard-key")[2] & 077), 'whose secret is its owner\'s alone');
    kill 'INT', -$pid;
    is((outcome($pid, $shared))[0], 0, 'Ctrl-C ends it');
    # Another nginx, which has nothing in its shared memory.
    $pid = $started->();
    is(sh("$guess\[5-6]'"), "401\n429\n", 'and the next one goes on counting');
    kill 'INT', -$pid;
    is((outcome($pid, $shared))[0], 0, 'Ctrl-C ends that, too');
    is(slurp("$shared/logs/guard-events.json") =~ /redis_unavailable/, '', 'Redis was never away');
    $upstream->stop;
};

subtest 'an application of the user, as an unprivileged user, with a Redis' => sub {
    my $own = "$above/own";
    mkdir $own;
    my @as;
    if ($> == 0) {
        my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
        @as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
        chown $uid, $gid, $own;
        plan skip_all => 'nobody may not read this folder' if system(@as, 'test', '-r', $module) != 0;
    }
    my $port = free_port();
    my $upstream = start_upstream("header Server: Own/1.0\nbody own", port => $port, record => "$above/record");
    my $pid = start_run($own, \@as, "http://127.0.0.1:$port/", @ports, '--redis', 'redis://app:xyzzy@127.0.0.1:1/2');
    wait_for(sub { slurp("$own.out") =~ /Ctrl-C stops it/ || waitpid($pid, 1) }, 30);
    like(slurp("$own.out"), qr{^Guard protects http://127\.0\.0\.1:$port$}m, 'it starts') or return diag(slurp("$own.out"));
    like(slurp("$own.out"), qr{^scripts/run: Redis at redis://127\.0\.0\.1:1/2 cannot be used \([^\n]*Connection refused[^\n]*\); until it can, this nginx counts by itself$}m,
        'it says that Redis cannot be reached');
    unlike(slurp("$own.out"), qr/xyzzy/, 'and no password');
    my $head = sh("curl -k -s -i $base/");
    like($head, qr{\AHTTP/2 200.*^x-frame-options: DENY\r\n.*own\n\z}msi, 'the application is protected');
    unlike($head, qr/Own/, 'and not named');
    is(sh("curl -k -s -o /dev/null -w '%{http_code}\\n' --json '{\"email\":\"a\",\"password\":\"b\"}' '$base/api/auth/login?try=[1-6]'"), "200\n" x 5 . "429\n",
        'its limits hold all the same');
    kill 'KILL', $pid;
    waitpid $pid, 0;
    ok(wait_for(sub { !left_over($own) }), 'nothing runs on when scripts/run is killed');
    $upstream->stop;
};

subtest 'the demo application does not outlive it either' => sub {
    my $demo = "$above/demo";
    my $pid = start_run($demo, [], @ports);
    ok(wait_for(sub { slurp("$demo.out") =~ /Ctrl-C stops it/ || waitpid($pid, 1) }, 60), 'it starts');
    cmp_ok(scalar(left_over($demo)), '>=', 2, 'nginx and the demo run') or diag(slurp("$demo.out"));
    kill 'KILL', $pid;
    waitpid $pid, 0;
    ok(wait_for(sub { !left_over($demo) }), 'nothing runs on when scripts/run is killed') or kill 'KILL', left_over($demo);
};

done_testing;
