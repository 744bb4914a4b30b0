# Lockouts in shared memory, from outside: what locks, what does not, what the client and the event log are told,
# and that neither parallel guesses nor ones whose answer nobody waits for get past the limit.

use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client qw(parse_responses);
use Test::Nginx::Guard::Ending qw(ends_well);
use Test::Nginx::Guard::Events qw(events_of);
use Test::Nginx::Guard::Login qw(start_login);
use Time::HiRes qw(time);
use Time::Piece ();

my $app = start_login();
my ($down, $plain) = (free_port(), free_port());
my $proxy = "proxy_pass http://127.0.0.1:" . $app->port . ';';
my $login = "guard_json on; guard_event login_failed on=401 user=\$email; guard_event login_succeeded on=200 user=\$email; $proxy";
my $rule  = 'on=login_failed limit=5 window=15m duration=30m';

my $nginx = start_nginx(
    workers     => 4,
    connections => 1024,
    http_config => <<"EOC",
guard_event_log \$TEST_NGINX_EVENT_LOG;
guard_event_privacy user=clear;
set_real_ip_from 127.0.0.1;
real_ip_header X-Real-IP;
guard_lockout_policy login key=\$email\$guard_client_net $rule reset_on=login_succeeded;
guard_lockout_policy account key=\$email on=login_failed limit=20 window=15m duration=5m;
guard_lockout_policy spray key=\$guard_client_net distinct=\$email on=login_failed limit=3 window=15m duration=10m;
guard_lockout_policy growing key=\$email\$guard_client_net on=login_failed limit=1 window=1m duration=1s backoff=3 max=1h;
guard_lockout_policy capped key=\$email\$guard_client_net on=login_failed limit=1 window=1m duration=1s backoff=10 max=2s;
guard_lockout_policy pair key=\$tenant:\$email on=login_failed,x_otp_failed limit=2 window=15m duration=30m;
guard_lockout_policy networks key=\$email distinct=\$guard_client_net on=login_failed limit=3 window=15m duration=10m;
guard_lockout_policy address key=\$email on=login_failed limit=2 window=15m duration=30m empty=address;
guard_lockout_policy skip key=\$email on=login_failed limit=2 window=15m duration=30m empty=skip;
guard_rate_policy once rate=1/day;
server { listen 127.0.0.1:$plain; }
upstream partly { server 127.0.0.1:$down max_fails=0; server 127.0.0.1:@{[ $app->port ]} max_fails=0; }
guard_lockout_policy schema key=\$guard_client_net on=json_refused limit=2 window=15m duration=30m;
EOC
    config => <<"EOC",
guard_json_set \$email /email;
guard_json_set \$tenant /tenant;
location /login { guard_route login; guard_lockout login; $login }
location /always200 { guard_lockout login; guard_json on; guard_event login_succeeded on=200 user=\$email; guard_event login_failed on=200 if=\$upstream_http_x_failed user=\$email; $proxy }
location /both { guard_lockout login; guard_lockout account; $login }
location /spray { guard_lockout spray; $login }
location /growing { guard_lockout growing; $login }
location /capped { guard_lockout capped; $login }
location /pair { guard_lockout pair; $login }
location /pair/otp { guard_lockout pair; guard_json on; guard_event x_otp_failed on=401; $proxy }
location /networks { guard_lockout networks; $login }
location /address { guard_lockout address; $login }
location /skip { guard_lockout skip; $login }
location /schema { guard_lockout schema; $login }
location /schema/seen { guard_lockout schema; guard_mode observe json; $login }
location /schema/exempt { guard_lockout schema; guard_exempt 192.0.2.57 lockout; $login }
location /schema/off { guard_lockout schema; guard_mode off lockout; $login }
location /observe { guard_lockout login; guard_mode observe lockout; $login }
location /seen { guard_json on; guard_lockout login; guard_mode observe lockout; try_files /none \@enforced; }
location \@enforced { guard_lockout login; $login }
location /fronted { guard_json on; guard_lockout login; try_files /none /controller/x; }
location /controller/ { guard_event login_failed on=401 user=\$email; $proxy }
location /bounded { guard_json on; guard_lockout login; try_files /none /rated/x; }
location /rated/ { guard_rate once; $proxy }
location /walled { guard_json on; guard_lockout login; try_files /none /denied/x; }
location /denied/ { deny all; $proxy }
location /down { guard_lockout login; guard_json on; proxy_pass http://127.0.0.1:$down; }
location /down/spray { guard_lockout spray; guard_json on; proxy_pass http://127.0.0.1:$down; }
location /down/tls { guard_lockout login; guard_json on; proxy_pass https://127.0.0.1:$plain; }
location /down/front { guard_lockout login; guard_json on; error_page 502 = \@page; proxy_pass http://127.0.0.1:$down; }
location \@page { return 503; }
location /down/partly { guard_lockout login; guard_json on; proxy_pass http://partly; }
location /exempt { guard_lockout login; guard_exempt 198.51.100.99 lockout; $login }
location /nested { guard_lockout account; location /nested/more { guard_lockout +spray; $login } location /nested/off { guard_lockout off; $login } $login }
EOC
);

my $json = JSON::PP->new->utf8->canonical;

sub body_of { my ($user, $password) = @_; return $json->encode({ email => $user, password => $password // 'wrong' }) }

# The answer to a login; from: the client's address.
sub try {
    my ($path, $user, %word) = @_;
    return request(
        $nginx->port, POST => $path,
        body    => $word{body} // body_of($user, $word{password}),
        headers => ['Content-Type: application/json', 'X-Real-IP: ' . ($word{from} // '192.0.2.1')]
    ) // { code => 'none', fields => [], body => '' };
}

sub codes { my ($path, $user, $count, @word) = @_; return join ' ', map { try($path, $user, @word)->{code} } 1 .. $count }

sub reached { my ($user) = @_; return scalar grep { ($_->{body} // '') =~ /"\Q$user\E"/ } @{ $app->requests } }

sub events_about { my ($user) = @_; return grep { ($_->{user}{name} // '') eq $user } events_of($nginx, qr/./) }

# All at once, each over a connection of its own: what they are answered, by code.
sub at_once {
    my ($count, $path, $user) = @_;
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $nginx->port) // die "connect: $!\n" } 1 .. $count;
    my $body = body_of($user);
    print {$_} "POST $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Real-IP: 192.0.2.1\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body" for @sockets;
    my %codes;
    for my $socket (@sockets) {
        local $/;
        my ($code) = (<$socket> // '') =~ m{\AHTTP/1\.1 (\d+)};
        ++$codes{ $code // 'none' };
    }
    return \%codes;
}

# The policy as it is meant.
{
    is codes('/login', 'ann@example.com', 5), '401 401 401 401 401', 'five failures are the application\'s to refuse';
    my $locked = try('/login', 'ann@example.com', password => 'right');
    is $locked->{code}, 429, 'then the account is locked, also for who knows the password';
    like header_of($locked->{fields}, 'Retry-After'), qr/^1(?:800|79\d)$/, 'for half an hour';
    is header_of($locked->{fields}, 'Content-Type'), 'application/problem+json', 'a problem';
    is header_of($locked->{fields}, 'Cache-Control'), 'no-store', 'that nobody keeps';
    my $problem = $json->decode($locked->{body});
    like delete $problem->{instance}, qr/^urn:request:[0-9a-f]{32}$/, 'instance';
    is_deeply $problem, {
        type => 'about:blank', title => 'Too many failed attempts', status => 429,
        detail => 'Wait before the next attempt', code => 'lockout.login'
    }, 'which says as much as it must';
    is codes('/login', 'ann@example.com', 20), join(' ', (429) x 20), 'as often as anybody asks';
    is reached('ann@example.com'), 5, 'five attempts have reached the application';
    is codes('/login', $_, 1), 429, 'another spelling is the same account' for ' ANN@Example.com ', "\x{ff41}nn\@example.com";
    is codes('/login', 'bob@example.com', 1), 401, 'another account is not';
    is codes('/login', 'ann@example.com', 1, from => '192.0.2.2', password => 'right'), 200, 'nor is another address of its owner';
    is codes('/login', 'ann@example.com', 1, from => '192.0.2.1'), 429, 'whose success elsewhere lifts nothing here';

    # Each worker writes its own when it likes.
    ok wait_for(sub { events_of($nginx, qr/^rate_limited$/) && events_about('ann@example.com') >= 8 }), 'events arrive';
    my @events = events_about('ann@example.com');
    is join(' ', sort map { $_->{labels}{kind} } @events), 'account_locked login_failed login_failed login_failed login_failed login_failed login_succeeded rate_limited',
        'the events: one lock, one refusal, and all of them of the account';
    my ($lock) = grep { $_->{labels}{kind} eq 'account_locked' } @events;
    is_deeply [$lock->{event}{code}, $lock->{rule}{name}, $lock->{event}{reason}, $lock->{source}{ip}, $lock->{labels}{route}],
        ['lockout.login', 'login', 'Locked for 1800 seconds, lock 1 in a row', '192.0.2.1', 'login'], 'which says what it is';
    my ($from, $to) = map { my ($whole, $rest) = /^(.*)(\.\d{3})Z\z/; Time::Piece->strptime($whole, '%Y-%m-%dT%H:%M:%S')->epoch + $rest } $lock->{'@timestamp'}, $lock->{event}{end};
    cmp_ok abs($to - $from - 1800), '<=', 1, 'and when it is over';
    my @refused = events_of($nginx, qr/^rate_limited$/);
    is scalar(@refused), 1, 'and one refusal for the key';
    is $refused[0]{labels}{key_hash}, $lock->{labels}{key_hash}, 'of the same key';
    like $lock->{labels}{key_hash}, qr/^[0-9a-f]{32}$/, 'as its hash';
    is $refused[0]{labels}{decision}, 'denied', 'denied';
}

# An application that answers 200 to both says in a field of its own which it was.
is codes('/always200', 'always@example.com', 7), '200 200 200 200 200 429 429', 'what succeeds by its status and fails by a field has failed';

# Whether the account exists is not to be seen: the application knows nobody here, and both answers are alike.
{
    my @bodies;
    for my $user ('known@example.com', 'unknown@example.com') {
        codes('/login', $user, 5);
        my $answer = try('/login', $user);
        push @bodies, join "\n", $answer->{code}, $answer->{body} =~ s/urn:request:[0-9a-f]{32}//r,
            map { "$_->[0]: $_->[1]" } grep { $_->[0] !~ /^(?:Date|X-Request-ID|Retry-After)$/i } map { ref $_ ? $_ : [$_, ''] } @{ $answer->{fields} };
    }
    is $bodies[0], $bodies[1], 'a refusal is the same for all accounts';
}

# Nor from the time that it takes: of what would be slow, the application is not asked. In turn, so that a machine that
# is held up holds up both.
{
    my @users = map { "$_-timed\@example.com" } 'slow', 'quick';
    codes('/login', $_, 5) for @users;
    my %time;
    for (1 .. 41) {
        for my $user (@users) {
            my $begun = time;
            is try('/login', $user)->{code}, 429, 'refused' or last;
            push @{ $time{$user} }, time - $begun;
        }
    }
    my ($slow, $quick) = map { (sort { $a <=> $b } @$_)[20] } @time{@users};
    cmp_ok $slow, '<', 5 * $quick, 'an account for which the application takes its time is refused as soon as another';
}

# A success gives back, and clears its own key only.
{
    is codes('/login', 'good@example.com', 12, password => 'right'), join(' ', (200) x 12), 'successes never lock';
    is codes('/login', 'mixed@example.com', 4), '401 401 401 401', 'four failures';
    is codes('/login', 'mixed@example.com', 1, password => 'right'), 200, 'a success';
    is codes('/login', 'mixed@example.com', 6), '401 401 401 401 401 429', 'and it begins anew';
    is codes('/login', 'broken@example.com', 8), join(' ', (500) x 8), 'an application that fails locks nobody';
}

# Where the application is asked in another location, which has no lockout: a front controller.
{
    is codes('/fronted', 'front@example.com', 7, password => 'right'), join(' ', (200) x 7), 'another location asks: successes keep no place';
    is codes('/fronted', 'broken-front@example.com', 7), join(' ', (500) x 7), 'another location asks: nor does an application that fails';
    is codes('/fronted', 'silent-front@example.com', 6), '502 502 502 502 502 429', 'another location asks: what is not answered does';
    is codes('/fronted', 'front@example.com', 6), '401 401 401 401 401 429', 'another location asks: failures lock';
    is codes('/bounded', 'rated@example.com', 7), join(' ', 401, (429) x 6), 'what is over a rate there';
    my $last = try('/bounded', 'rated@example.com');
    is $json->decode($last->{body})->{code}, 'rate.once', 'was no attempt';
    is codes('/walled', 'walled@example.com', 7), join(' ', (403) x 7), 'nor is what nginx refuses there';
}

# The application never says: the attempt counts till the window ends, but nobody is locked.
{
    is codes('/login', 'silent@example.com', 6), '502 502 502 502 502 429', 'an attempt without an answer counts';
    my $full = try('/login', 'silent@example.com');
    like header_of($full->{fields}, 'Retry-After'), qr/^(?:900|89\d)$/, 'till the window ends';
    is_deeply [grep { $_->{labels}{kind} eq 'account_locked' } events_about('silent@example.com')], [], 'but is no failure';

    # Unless nothing of it has reached the application.
    is codes('/down', 'down@example.com', 7), join(' ', (502) x 7), 'an application that is down has tried nothing';
    is_deeply [map { try('/down/spray', "down$_\@example.com", from => '192.0.2.70')->{code} } 1 .. 5], [(502) x 5], 'whoever asks';
    is codes('/down/tls', 'down@example.com', 7), join(' ', (502) x 7), 'nor has one to which there is no TLS';
    is codes('/down/front', 'down@example.com', 7), join(' ', (503) x 7), 'nor behind an error page';
    is codes('/down/partly', 'down@example.com', 7, password => 'right'), join(' ', (200) x 7), 'of two the one that is there answers';
    is codes('/down/partly', 'silent-partly@example.com', 6), '502 502 502 502 502 429', 'or keeps the place';

    my $body = body_of('hang@example.com');
    for (1 .. 5) {
        my $before = reached('hang@example.com');
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $nginx->port) // die;
        print {$socket} "POST /login HTTP/1.1\r\nHost: x\r\nX-Real-IP: 192.0.2.1\r\nContent-Type: application/json\r\nContent-Length: "
            . length($body) . "\r\n\r\n$body";
        ok wait_for(sub { reached('hang@example.com') > $before }), 'an attempt is with the application';
        close $socket;
    }
    ok wait_for(sub { my $answer = try('/login', 'hang@example.com'); $answer->{code} == 429 && header_of($answer->{fields}, 'Retry-After') > 1 }),
        'clients that go away keep their places';
    is reached('hang@example.com'), 5, 'so five of them reached it';
}

# Nobody gets in twice at once.
{
    my $codes = at_once(200, '/login', 'slow@example.com');
    is_deeply $codes, { 401 => 5, 429 => 195 }, '200 guesses at once: five get through';
    is reached('slow@example.com'), 5, 'exactly';
    is codes('/login', 'slow@example.com', 1), 429, 'and it is locked';
}

# What is under way may succeed: wait a second.
{
    my $body = body_of('slow-hang@example.com');
    my @sockets = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $nginx->port) // die } 1 .. 5;
    print {$_} "POST /login HTTP/1.1\r\nHost: x\r\nX-Real-IP: 192.0.2.1\r\nContent-Type: application/json\r\nContent-Length: " . length($body) . "\r\n\r\n$body" for @sockets;
    ok wait_for(sub { reached('slow-hang@example.com') == 5 }), 'five are under way';
    my $answer = try('/login', 'slow-hang@example.com');
    is $answer->{code} . ' ' . header_of($answer->{fields}, 'Retry-After'), '429 1', 'the sixth may try again soon';
}

# A key that says nothing.
{
    for my $body ('{"password":"x"}', '{"email":""}', '{"email":null}', '{"email":["a@example.com"]}', '{"email":{}}', '{"email":"  "}', "{\"email\":\"\\u200b\"}") {
        my $answer = try('/login', undef, body => $body);
        is $answer->{code}, 400, "$body is no account";
        is $json->decode($answer->{body})->{code}, 'key.missing', 'which is said';
    }
    is request($nginx->port, GET => '/login')->{code}, 400, 'nor is a request without a body';
    is codes('/skip', undef, 5, body => '{}'), '401 401 401 401 401', 'empty=skip: is not counted';
    is codes('/address', undef, 3, body => '{}'), '401 401 429', 'empty=address: is counted by the address';
    is codes('/address', undef, 1, body => '{}', from => '192.0.2.9'), 401, 'each by its own';
}

# A stranger locks himself out, not the owner; many of them do, at a higher limit.
{
    is codes('/both', 'owner@example.com', 7, from => '203.0.113.1'), '401 401 401 401 401 429 429', 'a stranger fails';
    is codes('/both', 'owner@example.com', 1, from => '198.51.100.1', password => 'right'), 200, 'the owner does not notice';
    is codes('/both', 'owner@example.com', 5, from => "203.0.113.$_"), '401 401 401 401 401', "stranger $_" for 2 .. 4;
    my $all = try('/both', 'owner@example.com', from => '198.51.100.1', password => 'right');
    is $all->{code}, 429, 'twenty failures from wherever lock the account itself';
    is $json->decode($all->{body})->{code}, 'lockout.account', 'by the other policy';
}

# Many accounts from one network.
{
    my @from = (from => '192.0.2.77');
    is codes('/spray', 'one@example.com', 6, @from), join(' ', (401) x 6), 'one account is one value, however often';
    is codes('/spray', 'two@example.com', 1, @from), 401, 'two';
    is codes('/spray', 'fine@example.com', 1, @from, password => 'right'), 200, 'a success is none';
    is codes('/spray', 'three@example.com', 1, @from), 401, 'three';
    is codes('/spray', 'four@example.com', 1, @from), 429, 'that is spraying';
    is codes('/spray', 'four@example.com', 1, from => '192.0.2.78'), 401, 'of this network';
}

# And many networks at one account.
{
    is codes('/networks', 'all@example.com', 6, from => '192.0.2.90'), join(' ', (401) x 6), 'one network is one value, however often';
    is codes('/networks', 'all@example.com', 1, from => "192.0.2.$_"), 401, "network $_" for 91, 92;
    is codes('/networks', 'all@example.com', 1, from => '192.0.2.93', password => 'right'), 429, 'that is too many, for everybody';
    is codes('/networks', 'other@example.com', 1, from => '192.0.2.93'), 401, 'who comes for this account';
}

# A key of several values: whoever moves a piece of one into another has another key, which neither locks nor is locked.
{
    my $fail = sub { my ($path, $tenant, $email) = @_; return try($path, undef, body => $json->encode({ tenant => $tenant, email => $email }))->{code} };
    is join(' ', map { $fail->('/pair', 'ab', 'c@example.com') } 1 .. 3), '401 401 429', 'two failures lock';
    is $fail->('/pair', @$_), 401, "not @$_" for ['a', 'bc@example.com'], ['abc', '@example.com'], ['ab:c', '@example.com'], ['a', 'b:c@example.com'], ['c@example.com', 'ab'];
    is join(' ', $fail->('/pair', 'x', 'y'), $fail->('/pair/otp', 'x', 'y'), $fail->('/pair', 'x', 'y')), '401 401 429', 'failures of two kinds are counted together';
}

# Repeated locks.
{
    # Whoever is held up for a second comes too late to see it; he tries another account.
    my ($user, $answer);
    for my $try (1 .. 10) {
        my $begun = time;
        $user = "g$try\@example.com";
        is codes('/growing', $user, 1), 401, 'a failure';
        $answer = try('/growing', $user);
        last if time - $begun < 0.9;
    }
    is $answer->{code} . ' ' . (header_of($answer->{fields}, 'Retry-After') // ''), '429 1', 'locks for a second';
    my $since;
    ok wait_for(sub { $since = time; codes('/growing', $user, 1) eq '401' }, 5), 'which ends';
    my $left = header_of(try('/growing', $user)->{fields}, 'Retry-After');
    cmp_ok $left, '<=', 3, 'the next lock is three times as long';
    cmp_ok $left, '>=', 2 - (time - $since), 'and no less';
}

# But not beyond max=.
{
    my $user = 'capped@example.com';
    for my $lock (1 .. 3) {
        ok wait_for(sub { codes('/capped', $user, 1) eq '401' }), "lock $lock";
        my $answer = try('/capped', $user);
        next if $answer->{code} == 401;    # held up until it was over
        cmp_ok header_of($answer->{fields}, 'Retry-After'), '<=', 2, "lock $lock lasts as long as max= says";
    }
}

# What Guard refuses before.
{
    my @from = (from => '192.0.2.55');
    is codes('/schema', undef, 2, body => '{', @from), '400 400', 'two broken bodies';
    is codes('/schema', 'x@example.com', 1, @from), 429, 'lock the network';
    is codes('/schema', 'x@example.com', 1), 401, 'and no other';
    @from = (from => '192.0.2.56');
    is codes('/schema/seen', undef, 5, body => '{', @from), '401 401 401 401 401', 'what is only observed';
    is codes('/schema', 'x@example.com', 1, @from), 401, 'locks nobody';
    for my $case (['exempt', '192.0.2.57'], ['off', '192.0.2.58']) {
        my ($where, $client) = @$case;
        is codes("/schema/$where", undef, 5, body => '{', from => $client), '400 400 400 400 400', "$where: what is refused";
        is codes('/schema', 'x@example.com', 1, from => $client), 401, "$where: is not counted";
    }
}

# Modes, exemptions, levels.
{
    is codes('/observe', 'obs@example.com', 8), join(' ', (401) x 8), 'observe: refuses nothing';
    ok wait_for(sub { grep { ($_->{labels}{decision} // '') eq 'observed' } events_of($nginx, qr/^rate_limited$/) }), 'observe: but says so';
    my @locks;
    wait_for(sub { @locks = grep { $_->{labels}{kind} eq 'account_locked' } events_about('obs@example.com') });
    is scalar @locks, 1, 'observe: one lock';
    is codes('/seen', 'seen@example.com', 7), '401 401 401 401 401 429 429', 'observed first, enforced behind try_files: each attempt counts once';
    is codes('/exempt', 'ex@example.com', 8, from => '198.51.100.99'), join(' ', (401) x 8), 'an exempt client is not counted';
    is codes('/exempt', 'ex@example.com', 6, from => '198.51.100.98'), '401 401 401 401 401 429', 'another is';
    is codes('/nested/more', "n$_\@example.com", 1, from => '192.0.2.66'), 401, "levels: $_" for 1 .. 3;
    is codes('/nested/more', 'n4@example.com', 1, from => '192.0.2.66'), 429, 'levels: + adds';
    is codes('/nested/off', 'n5@example.com', 1, from => '192.0.2.66'), 401, 'levels: off';
    is codes('/nested', 'n5@example.com', 1, from => '192.0.2.66'), 401, 'levels: the outer one alone';
}

# Locks outlive a reload.
{
    is $nginx->hup, undef, 'reload';
    is codes('/login', 'ann@example.com', 1), 429, 'a lock survives it';
    is codes('/login', 'slow@example.com', 1), 429, 'and so does another';
}

ends_well($nginx, 'lockout');
$app->stop;
done_testing;
