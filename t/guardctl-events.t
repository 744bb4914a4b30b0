# guardctl events from outside: explain, tail, stats, and what verify says of its words. What verify finds is
# tried in t/events-chain.t and t/unit/events_verifier_test.cpp.

use strict;
use warnings;
use lib 't/lib';

use File::Temp qw(tempdir);
use IO::Compress::Gzip qw(gzip);
use IPC::Open3 qw(open3);
use JSON::PP ();
use POSIX qw(WNOHANG);
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Guardctl qw(guardctl guardctl_path);

my $dir  = tempdir(CLEANUP => 1);
my $json = JSON::PP->new->canonical->ascii;

sub spew {
    my ($name, @text) = @_;
    open my $file, '>:raw', "$dir/$name" or die "$name: $!\n";
    print {$file} @text;
    close $file or die "$name: $!\n";
    return "$dir/$name";
}

sub answers {
    my ($words, $code, $out, $err) = @_;
    my ($got_code, $got_out, $got_err) = guardctl('events', @$words);
    my $name = "guardctl events @$words";
    is $got_code, $code, "$name: exit code";
    ref $out ? like $got_out, $out, "$name: output" : is $got_out, $out, "$name: output";
    is $got_err, $err, "$name: errors";
    unlike $got_out . $got_err, qr/[\x00-\x09\x0b-\x1f\x7f]/, "$name: no control characters";
    return;
}

sub misuse {
    my ($words, $sentence) = @_;
    return answers($words, 2, '', "guardctl: $sentence\nTry \"guardctl events --help\".\n");
}

# A line of the log; words: members by their paths with dots.
my $second = 0;
sub event {
    my (%member) = @_;
    my %line;
    my %all = (
        '@timestamp'      => sprintf('2026-11-24T03:%02d:%02d.123Z', 36 + $second / 60, $second++ % 60),
        'log.level'       => 'warning',
        'labels.kind'     => 'json_refused',
        'labels.decision' => 'denied',
        %member
    );
    for my $path (keys %all) {
        my @names = split /\./, $path;
        my $node = \%line;
        $node = $node->{ shift @names } //= {} while @names > 1;
        $node->{ $names[0] } = $all{$path};
    }
    return $json->encode(\%line) . "\n";
}

my $id   = '0123456789abcdef0123456789abcdef';
my @full = (
    'http.request.id' => $id, 'event.code' => 'json.syntax', 'event.reason' => 'A comma is missing', 'labels.json_pointer' => '/a',
    'http.response.status_code' => 400, 'http.request.method' => 'POST', 'url.scheme' => 'https', 'url.domain' => 'app.example',
    'url.path' => '/login', 'source.ip' => '192.0.2.77', 'labels.route' => 'login', 'observer.hostname' => 'web1',
);

# explain
{
    my $conf = spew('nginx.conf', <<'END');
events {}
http {
    guard_mode observe rate;
    guard_rate_policy api rate=10/minute "key=$http_x {a;b}";   # } in a comment
    guard_rate_policy auth rate=1/minute;
    guard_rate api;
    guard_redis main redis://:hidden@127.0.0.1/ password=hidden;
    include sites/*.conf;
    server { server_name _; listen 80 default_server; guard_json on; }
}
END
    mkdir "$dir/sites";
    my $site = spew('sites/app.conf', <<'END');
server {
    listen 80;
    server_name app.example;
    location / { return 301 https://$host$request_uri; }
}
server {
    listen 443 ssl;
    server_name app.example *.shop.example "~^v\d{1,3}\.example$";
    guard_path strict;
    location /login {
        guard_json required;
        guard_route login;
        guard_rate +auth;
        location = /login/\"x\" { guard_json off; }
        location = /login/events { guard_event +logout on=2xx; }
        guard_event login_failed on=401;
        guard_event login_failed on=403;
        guard_csp "default-src 'self'" report=/login/reports;
        guard_upload types=image/png; guard_inspect on; guard_inspect_response on size=1k;
        proxy_pass http://127.0.0.1:5000;
    }
    location ^~ /static/ { guard_path off; }
    location ~* \.(php|cgi)$ {
        guard_json_limits size=1k;
    }
    location @named { guard_route elsewhere; guard_path strict; }
}
server { listen 443 ssl; server_name *.example.net; guard_path strict; }
server {
    listen 443 ssl;
    server_name nested.example;
    location ~^/api/ { guard_path off; }
    location /api/ {
        guard_path strict;
        location = /api/items { guard_path strict; }
        location ~*\.json$ { guard_path strict; }
        location ^~/api/static/ { guard_path strict; }
    }
    location ^~/files/ { guard_path strict; }
    location ~ ^/files/ { guard_path off; }
}
server { listen 443 ssl; server_name *.api.example.net; guard_path off; }
server {
    listen 443 ssl;
    server_name books.example;
    location / { guard_openapi books.json; scgi_pass 127.0.0.1:4000; }
    location /kept/ { memcached_pass 127.0.0.1:11211; }
}
END
    my $log = spew('explain.json', event(), event(@full), "\x1b]0;owned\x07\n", '{"http":{"request":{"id":"' . $id . "\"\n");
    my $said = <<"END";
2026-11-24T03:36:01.123Z json_refused denied
  answer     400 json.syntax
  reason     A comma is missing
  pointer    "/a"
  route      login
  request    POST https://app.example/login
  client     192.0.2.77
  written    web1 $log:2
END
    answers(['explain', $id, $log], 0, $said, '');
    answers(['explain', "urn:request:$id", $log], 0, $said, '');
    answers(['explain', '--conf', $conf, $id, $log], 0, "$said  directive  $site:11: guard_json required;\n  within     $site:10: location /login {\n", '');
    answers(['explain', 'ffff', $log], 1, '', "guardctl: no event of request \"ffff\" is there\n");
    answers(['explain', $id, "$dir/none"], 1, '', "guardctl: cannot read \"$dir/none\": No such file or directory\n");
    answers(['explain', $id, $dir], 1, '', "guardctl: cannot read \"$dir\": Is a directory\n");

    # What decided, by request and code: [members, lines]
    my @cases = (
        [['event.code' => 'rate.auth', 'rule.name' => 'auth'], "$site:13: guard_rate +auth;", "$conf:5: guard_rate_policy auth rate=1/minute;"],
        [['event.code' => 'rate.api', 'rule.name' => 'api'], "$conf:6: guard_rate api;", "$conf:4: guard_rate_policy api rate=10/minute \"key=\$http_x {a;b}\";"],
        [['event.code' => 'path.ambiguous', 'url.path' => '/a%2fb', 'labels.route' => ''], "$site:9: guard_path strict;"],
        [['event.code' => 'path.ambiguous', 'url.path' => '/x/..%2f/static//a', 'labels.route' => ''], "$site:22: guard_path off;"],
        [['event.code' => 'path.ambiguous', 'url.domain' => 'V12.example', 'url.path' => '/', 'labels.route' => ''], "$site:9: guard_path strict;"],
        [['event.code' => 'path.ambiguous', 'url.domain' => 'v1.api.example.net', 'url.path' => '/', 'labels.route' => ''], "$site:42: guard_path off;"],
        # What is in a prefix's location comes before the regular expressions beside that.
        (map { [['event.code' => 'path.ambiguous', 'url.domain' => 'nested.example', 'url.path' => $_->[0], 'labels.route' => ''], "$site:$_->[1]: guard_path $_->[2];"] }
            ['/api/items', 35, 'strict'], ['/api/x.JSON', 36, 'strict'], ['/api/x', 32, 'off'], ['/api/static/x', 32, 'off'], ['/files/x', 39, 'strict']),
        [['event.code' => 'path.ambiguous', 'labels.route' => 'elsewhere'], "$site:26: guard_path strict;"],
        [['event.code' => 'json.size', 'url.domain' => 'b.shop.example', 'url.path' => '/A.PHP', 'labels.route' => ''], "$site:24: guard_json_limits size=1k;"],
        [['event.code' => 'json.syntax', 'url.domain' => 'other.example', 'url.scheme' => 'http', 'labels.route' => ''], "$conf:9: guard_json on;"],
        [['event.code' => 'json.syntax', 'url.scheme' => 'http', 'labels.route' => ''], undef],
        [['event.code' => 'inspect.sqli', 'labels.kind' => 'injection_detected'], "$site:19: guard_inspect on;"],
        [['event.code' => 'inspect.disclosure', 'labels.kind' => 'response_violated'], "$site:19: guard_inspect_response on size=1k;"],
        # Of events without a code, by their kinds.
        [['event.code' => '', 'labels.kind' => 'login_failed', 'url.path' => '/login/events'], "$site:16: guard_event login_failed on=401;", "$site:17: guard_event login_failed on=403;"],
        [['event.code' => '', 'labels.kind' => 'logout', 'url.path' => '/login/events'], "$site:15: guard_event +logout on=2xx;"],
        [['event.code' => '', 'labels.kind' => 'csp_violated'], "$site:18: guard_csp \"default-src 'self'\" report=/login/reports;"],
        [['event.code' => '', 'labels.kind' => 'file_uploaded'], "$site:19: guard_upload types=image/png;"],
        [['event.code' => '', 'labels.kind' => 'upstream_failed'], "$site:20: proxy_pass http://127.0.0.1:5000;"],
        [['event.code' => '', 'labels.kind' => 'upstream_failed', 'url.domain' => 'books.example', 'labels.route' => ''], "$site:46: scgi_pass 127.0.0.1:4000;"],
        [['event.code' => '', 'labels.kind' => 'upstream_failed', 'url.domain' => 'books.example', 'url.path' => '/kept/a', 'labels.route' => ''], "$site:47: memcached_pass 127.0.0.1:11211;"],
        # Which implies guard_path strict.
        [['event.code' => 'path.ambiguous', 'url.domain' => 'books.example', 'url.path' => '/a//b', 'labels.route' => ''], "$site:46: guard_openapi books.json;"],
    );
    for my $case (@cases) {
        my ($members, @lines) = @$case;
        my $one = spew('one.json', event(@full, @$members));
        my ($code, $out) = guardctl('events', 'explain', "--conf=$conf", $id, $one);
        is $code, 0, "explain @$members: exit code";
        my @got = map { s/^  directive  //r } grep { /^  directive/ } split /\n/, $out;
        @lines = ("none in \"$conf\" decides this: was the configuration another one then?") if !defined $lines[0];
        is "@got", "@lines", "explain @$members: directives" or diag $out;
        unlike $out, qr/hidden/, "explain @$members: no secret";
    }
    my $observed = spew('observed.json', event(@full, 'labels.decision' => 'observed'));
    answers(['explain', "--conf=$conf", $id, $observed], 0, qr/^  observed   \Q$conf\E:3: guard_mode observe rate;$/m, '');

    # What nginx -T prints, at another place.
    my $slurp = sub { open my $in, '<', $_[0] or die "$_[0]: $!\n"; local $/; return scalar <$in> };
    my $dump = spew('dump', "nginx: the configuration file $conf syntax is ok\n", "# configuration file /etc/n/nginx.conf:\n",
        $slurp->($conf), "\n# configuration file /etc/n/sites/app.conf:\n", $slurp->($site));
    answers(['explain', '--conf', $dump, $id, $log], 0, "$said  directive  /etc/n/sites/app.conf:11: guard_json required;\n  within     /etc/n/sites/app.conf:10: location /login {\n", '');

    for my $bad (['http {', 2, 'a block is not closed'], ["http {\n}}\n", 2, 'unexpected "}"'], ["a 'b\n", 2, 'a quote is not closed'],
        ['a', 1, 'the file ends within a directive'], [';', 1, 'a directive has no name'], ["\n" . 'a{' x 70, 2, 'blocks or files are nested too deeply'],
        ["include bad.conf;\n", 1, 'blocks or files are nested too deeply']) {
        my ($text, $line, $what) = @$bad;
        $line = 1 if $text eq 'http {';
        my $file = spew('bad.conf', $text);
        answers(['explain', '--conf', $file, $id, $log], 1, '', "guardctl: $file:$line: $what\n");
    }
    answers(['explain', '--conf', "$dir/none", $id, $log], 1, '', "guardctl: cannot read \"$dir/none\": No such file or directory\n");
    answers(['explain', $id, $log, "--conf=$conf"], 0, qr/^  directive  \Q$site\E:11: guard_json required;$/m, '');
    answers(['explain', '--', $id, '--conf'], 1, '', "guardctl: cannot read \"--conf\": No such file or directory\n");
    misuse(['explain', '---', $id, $log], 'unknown option "---" of "events explain"');
    misuse(['explain'], '"events explain" needs a request id');
    misuse(['explain', $id], '"events explain" needs a file');
    misuse(['explain', 'a b', $log], '"a b" is no request id');
    misuse(['explain', "\e[31m", $log], '"\u{1b}[31m" is no request id');
    misuse(['explain', '--cnf=x', $id, $log], 'unknown option "--cnf" of "events explain", did you mean "--conf"?');
    misuse(['explain', '--conf'], '"--conf" needs a value');
}

# Of a real nginx: whoever was refused has the id in the answer, and the configuration is that which nginx reads.
{
    my $app   = start_upstream("status 401\nbody no");
    my $nginx = start_nginx(
        http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\nguard_rate_policy one rate=1/day key=\$arg_k burst=1;\n"
            . 'guard_lockout_policy login key=$arg_user$guard_client_net on=login_failed limit=1 window=1m duration=1m;',
        config => <<"EOC",
root html;
location /json/ { guard_json required; }
location /rate/ { guard_rate one; alias html/; }
location /login/ {
    guard_lockout login;
    guard_event login_failed on=401;
    proxy_pass http://127.0.0.1:$app->{port};
}
EOC
        no_root_location => 1
    );
    my $log  = $nginx->log_file('events.log');
    my $conf = $nginx->conf_file;
    my $ask  = sub {
        my ($method, $target, %word) = @_;
        my $answer = request($nginx->port, $method => $target, %word);
        my ($urn) = $answer->{body} =~ /"instance":"([^"]+)"/;
        return ($answer->{code}, $urn);
    };
    # [request, status, what is said of it]
    my @cases = (
        [[POST => '/json/', body => '{"a":1,"a":2}', headers => ['Content-Type: application/json']], 400,
            '400 json.duplicate_key', '  pointer    "/a"', 'guard_json required;', 'location /json/ {'],
        [[GET => '/rate/?k=1'], 429, '429 rate.one', '  policy     one', 'guard_rate one;', 'guard_rate_policy one rate=1/day key=$arg_k burst=1;'],
        [[GET => '/login/?user=ann'], 429, '429 lockout.login', '  policy     login', 'guard_lockout login;',
            'guard_lockout_policy login key=$arg_user$guard_client_net on=login_failed limit=1 window=1m duration=1m;']
    );
    $ask->(GET => $_) for '/rate/?k=1', '/login/?user=ann';
    for my $case (@cases) {
        my ($asked, $status, $answer, $line, @directives) = @$case;
        my ($code, $urn) = $ask->(@$asked);
        is $code, $status, "@$asked[0, 1]: refused";
        my ($exit, $said);
        wait_for(sub { ($exit, $said) = guardctl('events', 'explain', "--conf=$conf", $urn, $log); return $exit == 0 });
        is $exit, 0, "@$asked[0, 1]: explained";
        like $said, qr/^  answer     \Q$answer\E$/m, "@$asked[0, 1]: by code";
        like $said, qr/^\Q$line\E$/m, "@$asked[0, 1]: $line";
        like $said, qr/^  (?:directive|within) +\Q$conf\E:\d+: \Q$_\E$/m, "@$asked[0, 1]: by $_" for @directives;
    }
    is $nginx->stop, undef, 'nginx stops';
    $app->stop;
}

# tail
{
    my @lines = map { event(@full, 'http.request.id' => "id$_", 'event.reason' => "\e[31m\x{202e}\x{7f}") } 1 .. 30;
    my $log = spew('tail.json', @lines);
    my $told = sub {
        my ($i) = @_;
        return sprintf '%s warning json_refused denied 400 json.syntax POST app.example/login from=192.0.2.77 pointer=/a id=id%d - \u{1b}[31m\u{202e}\u{7f}' . "\n",
            $json->decode($lines[$i - 1])->{'@timestamp'}, $i;
    };
    answers(['tail', $log], 0, join('', map { $told->($_) } 21 .. 30), '');
    answers(['tail', '-n', 2, $log], 0, join('', map { $told->($_) } 29 .. 30), '');
    answers(['tail', '-n=0', $log], 0, '', '');
    my $odd = spew('odd.json', "\xff\xfe\n", '{"a":1}' . "\n", 'x' x 200_000, "\n", $lines[0] =~ s/\n//r);
    answers(['tail', $odd], 0, "(no event) \\x{ff}\\x{fe}\n(no event) {\"a\":1}\n(a line longer than any of Guard's)\n" . $told->(1), '');
    misuse(['tail'], '"events tail" needs one file');
    misuse(['tail', $log, $log], '"events tail" needs one file');
    misuse(['tail', '-n', 'x', $log], 'invalid value "x" of "-n", a number from 0 to 100000 is expected');

    # -f: what is appended, a line in two pieces, and the file after a rotation.
    my $pid = open3(my $in, my $out, undef, guardctl_path(), 'events', 'tail', '-f', '-n', 1, $log);
    my $text = '';
    my $reads = sub {
        my ($want) = @_;
        return wait_for(sub {
            vec(my $ready = '', fileno $out, 1) = 1;
            sysread $out, $text, 65536, length $text if select $ready, undef, undef, 0;
            return $text eq $want;
        }, 10);
    };
    ok $reads->($told->(30)), 'tail -f: the last line';
    open my $more, '>>', $log or die "$log: $!\n";
    $more->autoflush(1);
    print {$more} $lines[0], substr $lines[1], 0, 50;
    ok $reads->($told->(30) . $told->(1)), 'tail -f: a whole line';
    print {$more} substr $lines[1], 50;
    ok $reads->($told->(30) . $told->(1) . $told->(2)), 'tail -f: the rest of a line';
    rename $log, "$log.1" or die "rename: $!\n";
    print {$more} $lines[2];
    spew('tail.json', $lines[3]);
    ok $reads->(join '', $told->(30), map { $told->($_) } 1 .. 4), 'tail -f: rotated' or diag $text;
    end_process($pid, 5, 'TERM');

    # Of a pipe, which does not end, as of the output of a container.
    $text = '';
    $pid = open3($in, $out, undef, guardctl_path(), 'events', 'tail', '-f', '-');
    $in->autoflush(1);
    print {$in} @lines[0 .. 11];
    ok $reads->(join '', map { $told->($_) } 1 .. 12), 'tail -f of a pipe: what is in it' or diag $text;
    print {$in} $lines[12], $lines[13] =~ s/\n//r;
    ok $reads->(join '', map { $told->($_) } 1 .. 13), 'tail -f of a pipe: what comes';
    close $in;
    ok $reads->(join '', map { $told->($_) } 1 .. 14), 'tail -f of a pipe: its end';
    ok wait_for(sub { waitpid($pid, WNOHANG) == $pid }, 10) && $? == 0, 'tail -f of a pipe ends with it';
}

# stats
{
    my @lines = map { event(@full, 'source.ip' => '192.0.2.' . ($_ % 3), 'labels.kind' => $_ < 3 ? 'login_failed' : 'json_refused') } 1 .. 10;
    my ($from, $to) = map { $json->decode($_)->{'@timestamp'} } @lines[0, 9];
    my $log = spew('stats.json', @lines, "rubbish\n", event('labels.kind' => "a\nb", 'source.ip' => "\e[0m", '@timestamp' => 'x'));
    answers(['stats', $log], 0, <<"END", '');
11 events from $from to $to
1 line that is no event

kind
         8  json_refused
         2  login_failed
         1  a\\u{a}b

decision
        11  denied

code
        10  json.syntax

route
        10  login

path
        10  /login

client
         4  192.0.2.1
         3  192.0.2.0
         3  192.0.2.2
         1  \\u{1b}[0m
END
    answers(['stats', '--top', 1, $log, $log], 0, qr/^22 events.*\nclient\n         8  192\.0\.2\.1\n\z/s, '');
    # Rotated and compressed.
    gzip($log => "$log.2.gz") or die;
    answers(['stats', '--top', 1, $log, "$log.2.gz"], 0, qr/^22 events.*\nclient\n         8  192\.0\.2\.1\n\z/s, '');
    answers(['tail', '-n', 1, "$log.2.gz"], 0, qr/\Ax warning a\\u\{a\}b [^\n]*\n\z/, '');
    my ($id_in_it) = $lines[4] =~ /"id":"(\w+)"/;
    answers(['explain', $id_in_it, "$log.2.gz"], 0, qr/\n  written    web1 \Q$log\E\.2\.gz:5\n/, '');
    open my $whole, '<:raw', "$log.2.gz" or die;
    read $whole, my $cut, 200;
    my $torn = spew('torn.gz', $cut);
    answers(['stats', $torn], 1, '', qq(guardctl: cannot read "$torn": it is compressed, and cut off or damaged\n));
    # Of one kind: who, with which accounts, by what.
    my $guesses = spew('guesses.json', (map { event(@full, 'labels.kind' => 'login_failed', 'user.hash' => "h$_", 'user_agent.original' => 'guesser/1') } 1, 1, 2),
        event(@full, 'labels.kind' => 'login_succeeded', 'user.name' => 'ann', 'user_agent.original' => "\e[0m"));
    answers(['stats', '--kind', 'login_failed', $guesses], 0,
        qr/\A3 events from .*\n\nkind\n         3  login_failed\n\n.*\npath\n         3  \/login\n\nclient\n         3  192\.0\.2\.77\n\nuser\n         2  h1\n         1  h2\n\nuser agent\n         3  guesser\/1\n\z/s, '');
    answers(['stats', '--kind=login_failed', '--kind=login_succeeded', '--top=1', $guesses], 0, qr/\A4 events .*\nkind\n         3  login_failed\n/s, '');
    answers(['stats', '--kind=login_succeeded', $guesses], 0, qr/\nuser\n         1  ann\n\nuser agent\n         1  \\u\{1b\}\[0m\n\z/, '');
    answers(['stats', '--kind=logout', $guesses], 0, "0 events\n", '');
    misuse(['stats', '--kind=login_faild', $guesses], 'unknown event kind "login_faild", did you mean "login_failed"?');
    my %violation = ('labels.kind' => 'csp_violated', 'labels.decision' => '', 'labels.effective_directive' => 'script-src-elem', 'labels.blocked_uri' => 'inline');
    my $csp = spew('csp.json', (map { event(%violation, 'url.original' => "https://a.example/\e$_") } 1, 2, 2), event());
    answers(['stats', $csp], 0, qr{\nviolation\n         2  script-src-elem inline https://a\.example/\\u\{1b\}2\n         1  script-src-elem inline https://a\.example/\\u\{1b\}1\n\z}, '');
    answers(['tail', '-n=2', $csp], 0, qr{\A\S+ warning csp_violated directive=script-src-elem blocked=inline page=https://a\.example/\\u\{1b\}2\n\S+ warning json_refused denied\n\z}, '');
    misuse(['stats'], '"events stats" needs a file');
    misuse(['stats', '--top', 0, $log], 'invalid value "0" of "--top", a number from 1 to 1000 is expected');
    # More clients than there is room for: memory stays, the frequent ones are found.
    my $many = spew('many.json', map { ('{"labels":{"kind":"x"},"source":{"ip":"' . ($_ % 5 ? "c$_" : 'often') . "\"}}\n") } 1 .. 100_000);
    my ($code, $out) = guardctl('events', 'stats', '--top=1', $many);
    like $out, qr/^client\n     20000  often$/m, 'stats: a frequent client among 80,001';
}

# verify: its words
{
    my $log = spew('verify.json', "rubbish\n");
    my $key = spew('key', "secret\n");
    misuse(['verify', $log], '"events verify" needs "--key SECRET"');
    misuse(['verify', '--key', "file:$key"], '"events verify" needs a file');
    misuse(['verify', '--key', "file:$dir/none", $log], "open() \"$dir/none\" failed (2: No such file or directory)");
    misuse(['verify', '--key', "file:$key", $log, $log], "\"$log\" is given twice");
    misuse(['verify', '--key', "file:$key", "--checkpoints=$log", $log], "\"$log\" is given twice");
    misuse(['verify', '--strikt', $log], 'unknown option "--strikt" of "events verify", did you mean "--strict"?');
    answers(['verify', '--key', "file:$key", $log], 1, "$log:1: appended: no line of Guard's\n1 file, 1 line, 0 chains: 1 finding\n", '');
    answers(['verify', '--key', 'secret', $log], 1, qr/1 finding\n\z/, "guardctl: warning: others can see the secret of \"--key\" among the processes, use \"file:\" or \"env:\"\n");
    my @empty = map { spew("empty.$_", '') } 1 .. 3;
    answers(['verify', '--key', "file:$key", @$_], 1, '', "guardctl: nothing to verify: there is no line in any file, and no checkpoint that proves that none was written\n")
        for [$empty[0]], [@empty[0, 1]], ["--checkpoints=$empty[2]", $empty[0]];
    answers(['verify', '--key', "file:$key", $empty[0], $log], 1, qr/^2 files, 1 line, 0 chains: 1 finding\n\z/m, '');
    answers(['verify', '--key', "file:$key", "$dir/none"], 1, '', "guardctl: cannot read \"$dir/none\": No such file or directory\n");
}

misuse([], '"events" needs "verify", "explain", "tail" or "stats"');
misuse(['x'], 'unknown command "events x", "verify", "explain", "tail" or "stats" is expected');
misuse(['verfy'], 'unknown command "events verfy", did you mean "verify"?');

done_testing;
