# empty=: what becomes of a request for which every variable of the key is empty, as the client and the event
# log see it.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;

my $redis = start_redis();
my $app   = start_upstream('body from the application');

my $policies = '';
my $config   = "root html;\nguard_json_set \$name /name;\n";
for my $empty (qw(skip address refuse)) {
    $policies .= "guard_rate_policy $empty rate=1/day key=\$arg_a\$arg_b empty=$empty;\n"
        . "guard_rate_policy body_$empty rate=1/day key=\$name empty=$empty;\n"
        . "guard_rate_policy redis_$empty rate=1/day key=\$arg_a empty=$empty redis=main;\n"
        . "guard_rate_policy dry_$empty rate=1/day key=\$arg_a empty=$empty;\n";
    $config .= "location /$empty/ { guard_rate $empty; alias html/; }\n"
        . "location /redis_$empty/ { guard_rate redis_$empty; alias html/; }\n"
        . "location /dry_$empty/ { guard_rate dry_$empty dry_run; add_header X-Verdict \$guard_verdict always; alias html/; }\n"
        . "location /body_$empty/ { guard_json on; guard_rate body_$empty; proxy_pass http://127.0.0.1:" . $app->port . "; }\n";
}
# The default; and beside a policy that has its key.
$policies .= "guard_rate_policy unsaid rate=1/day key=\$arg_a;\nguard_rate_policy wide rate=9/day;\n";
$config .= "location /unsaid/ { guard_rate unsaid; alias html/; }\n"
    . "location /both/ { guard_rate wide; guard_rate refuse; alias html/; }\nlocation /wide/ { guard_rate wide; alias html/; }\n";

my $nginx = start_nginx(
    http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $redis->unix_url . " timeout=5s;\n"
        . "guard_event_log \$TEST_NGINX_EVENT_LOG;\n$policies",
    config => $config
);

sub get { return request($nginx->port, GET => $_[0]) // { code => 'none', fields => [], body => '' } }

sub post {
    my ($target, $body) = @_;
    return request($nginx->port, POST => $target, body => $body, headers => ['Content-Type: application/json'])
        // { code => 'none', fields => [], body => '' };
}

sub passes_untold {
    my ($response, $name) = @_;
    is $response->{code}, 200, "$name: passes";
    is header_of($response->{fields}, $_), undef, "$name: without $_" for qw(RateLimit RateLimit-Policy Retry-After);
    return;
}

sub is_told {
    my ($response, $policy, $name) = @_;
    is $response->{code}, 200, "$name: passes";
    is header_of($response->{fields}, 'RateLimit-Policy'), qq("$policy";q=1;w=86400), "$name: RateLimit-Policy";
    like header_of($response->{fields}, 'RateLimit'), qr/^"$policy";r=0;t=(?:86400|8639\d)\z/, "$name: RateLimit";
    return;
}

sub is_refused {
    my ($response, $policy, $name) = @_;
    is $response->{code}, 429, "$name: is refused";
    my $after = header_of($response->{fields}, 'Retry-After');
    like $after, qr/^(?:86400|863\d\d)\z/, "$name: Retry-After";
    is header_of($response->{fields}, 'RateLimit'), qq("$policy";r=0;t=$after), "$name: RateLimit";
    is header_of($response->{fields}, 'Content-Type'), 'application/problem+json', "$name: a problem";
    my $problem = JSON::PP::decode_json($response->{body});
    like delete $problem->{instance}, qr/^urn:request:[0-9a-f]{32}\z/, "$name: instance";
    is_deeply $problem, {
        type                => 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        title               => 'Too many requests',
        status              => 429,
        detail              => "Rate policy \"$policy\" allows 1 request per day",
        code                => "rate.$policy",
        'violated-policies' => [$policy]
    }, "$name: says why";
    return;
}

sub is_missing {
    my ($response, $name, $told) = @_;
    is $response->{code}, 400, "$name: is refused";
    is header_of($response->{fields}, 'Retry-After'), undef, "$name: without Retry-After";
    is header_of($response->{fields}, 'RateLimit-Policy'), $told, "$name: tells of what was asked before, if anything was";
    is header_of($response->{fields}, 'Content-Type'), 'application/problem+json', "$name: a problem";
    is header_of($response->{fields}, 'Cache-Control'), 'no-store', "$name: which nobody keeps";
    my $problem = JSON::PP::decode_json($response->{body});
    like delete $problem->{instance}, qr/^urn:request:[0-9a-f]{32}\z/, "$name: instance";
    is_deeply $problem, {
        type   => 'about:blank',
        title  => 'Missing key',
        status => 400,
        detail => 'The request has nothing by which it could be counted',
        code   => 'key.missing'
    }, "$name: says why";
    return;
}

# All ways to leave it empty; what is partly there is a key.
my %ask = (
    ''     => [map { my $query = $_; sub { get("/$_[0]/$query") } } '', '?a=&b=', '?c=x'],
    redis_ => [map { my $query = $_; sub { get("/redis_$_[0]/$query") } } '', '?a='],
    body_  => [map { my $body = $_; sub { post("/body_$_[0]/", $body) } } '{}', '{"name":""}', '{"name":null}', '{"name":["x"]}', '{"name":{}}', '[]'],
);
my %known = (
    ''     => sub { get("/$_[0]/?b=127.0.0.1") },
    redis_ => sub { get("/redis_$_[0]/?a=127.0.0.1") },
    body_  => sub { post("/body_$_[0]/", '{"name":"127.0.0.1"}') },
);
for my $kind (sort keys %ask) {
    my @all = @{ $ask{$kind} };
    for my $i (0 .. $#all) {
        passes_untold($all[$i]->('skip'), "${kind}skip $i") for 1, 2;
        is_missing($all[$i]->('refuse'), "${kind}refuse $i");
        my $response = $all[$i]->('address');
        if   ($i == 0) { is_told($response, "${kind}address", "${kind}address $i") }
        else           { is_refused($response, "${kind}address", "${kind}address $i") }
    }
    for my $empty (qw(skip address refuse)) {
        is_told($known{$kind}->($empty), "$kind$empty", "$kind$empty, with a key");
        is_refused($known{$kind}->($empty), "$kind$empty", "$kind$empty, with that key again");
    }
}
passes_untold(get('/unsaid/'), 'unsaid') for 1, 2;

# Only tried.
for my $empty (qw(skip address refuse)) {
    my @responses = map { get("/dry_$empty/") } 1, 2;
    passes_untold($_, "dry_$empty") for @responses;
    is header_of($responses[1]{fields}, 'X-Verdict'), $empty eq 'skip' ? 'passed' : 'observed', "dry_$empty: what it would have been";
}

# A request that is refused for its key charges nothing else.
is_missing(get('/both/'), 'both', '"wide";q=9;w=86400');
like header_of(get('/wide/')->{fields}, 'RateLimit'), qr/^"wide";r=8;/, 'both: nothing was taken of the other';

is $nginx->stop('QUIT'), undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';

# One event for each address and each key.
my %said;
for my $event (grep { $_->{labels}{kind} eq 'rate_limited' } @{ (read_events($nginx->log_file('events.log')))[0] }) {
    my $labels = $event->{labels};
    ++$said{"$event->{event}{code} $event->{rule}{name} $event->{http}{response}{status_code} $labels->{decision}"};
    is $event->{source}{ip}, '127.0.0.1', 'an event has the address';
    is exists $labels->{key_hash}, $event->{event}{code} ne 'key.missing', 'and the hash of the key, where there is one';
}
my %expected = (
    (map { ("key.missing ${_}refuse 400 denied" => 1, "rate.${_}skip ${_}skip 429 denied" => 1, "rate.${_}refuse ${_}refuse 429 denied" => 1,
            # that of the address, that of the key
            "rate.${_}address ${_}address 429 denied" => 2) } '', 'body_', 'redis_'),
    'key.missing dry_refuse 400 observed'       => 1,
    'rate.dry_address dry_address 429 observed' => 1,
);
is_deeply \%said, \%expected, 'what the events say' or diag explain \%said;

done_testing();
