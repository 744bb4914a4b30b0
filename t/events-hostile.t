# Bytes that try to break or forge lines, in every text of a line that a client can choose but path, User-Agent and user,
# which t/events.t has: query, file name, JSON pointer, names of parameters, URLs of a browser's report. Each line stays one line of
# printable UTF-8 and one JSON object, with the text as text.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Ending qw(ends_well);

my $json  = JSON::PP->new->utf8;
my $app   = start_upstream('body taken');
my $nginx = make_nginx(
    http_config => 'guard_event_log $TEST_NGINX_EVENT_LOG; guard_inspect_rules $TEST_NGINX_SERVER_ROOT/conf/own.conf;',
    config      => <<"EOC",
root html;
location /query { guard_event_privacy query=on; guard_path strict; }
location = /json { guard_json required; proxy_pass http://127.0.0.1:$app->{port}; }
location = /upload { guard_upload types=image/png; proxy_pass http://127.0.0.1:$app->{port}; }
location = /inspect { guard_inspect on; }
location = /csp { guard_csp_report; }
EOC
    no_root_location => 1
);
$nginx->write_file('conf/own.conf', qq{SecRule ARGS "\@rx ^b+\$" "id:1,phase:1,deny,severity:CRITICAL"\n});
is $nginx->start, undef, 'starts';

# A terminal's escape, an end of the string and of the object, a byte that is not UTF-8, and ends of lines that only
# JavaScript knows; and how it is to be read in a line.
my $hostile = qq(\e[31m"},"event":{"action":"forged"},"a":{"b":"\\\x7f\xff\xe2\x80\xa8);
my $read    = qq(\e[31m"},"event":{"action":"forged"},"a":{"b":"\\\x7f\x{fffd}\x{2028});

# What nginx lets into a query.
my ($tame, $tame_read) = map { s/[\e\x7f]//gr } $hostile, $read;

my $seen = 0;
# The only new line, decoded.
sub event_of {
    my ($name) = @_;
    my @lines;
    wait_for(sub { (undef, my $all) = read_events($nginx->log_file('events.log')); @lines = @$all; @lines > $seen });
    is scalar(@lines), $seen + 1, "$name: one line" or diag @lines;
    $seen = @lines;
    my $line = $lines[-1] // '';
    like $line, qr/\A\{[\x20-\x7e\x80-\xff]*\}\n\z/, "$name: of printable characters";
    unlike $line, qr/\xe2\x80[\xa8\xa9]|\xff/, "$name: and no others";
    my $event = eval { $json->decode($line) } // {};
    isnt $event->{event}{action}, 'forged', "$name: its own";
    return $event;
}
is event_of('start')->{labels}{kind}, 'config_loaded', 'begins';

request_raw($nginx->port, "GET /query%2f?$tame HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", expect => 1);
my $event = event_of('query');
is $event->{url}{query}, $tame_read, 'query: as text';

my $escaped = substr $json->encode(["\r\n$read"]), 1, -1;
is request($nginx->port, POST => '/json', headers => ['Content-Type: application/json'], body => "{$escaped:1,$escaped:2}")->{code}, 400, 'JSON: refused';
is event_of('JSON')->{labels}{json_pointer}, "/\r\n$read", 'JSON: as text, with the ends of lines';

# Of which a form's header may not be all either.
my ($name, $name_read) = map { s/["\\\xff\x{fffd}]//gr } $tame, $tame_read;
is request($nginx->port, POST => '/upload', headers => ['Content-Type: multipart/form-data; boundary=b'],
    body => qq(--b\r\nContent-Disposition: form-data; name="f"; filename="$name"\r\nContent-Type: text/plain\r\n\r\nwords\r\n--b--\r\n))->{code}, 422, 'file: refused';
$event = event_of('file');
is $event->{file}{name}, $name_read, 'file: its name as text';

(my $encoded = "\r\n$hostile") =~ s/(.)/sprintf '%%%02X', ord $1/gse;
is request($nginx->port, GET => "/inspect?$encoded=bbb")->{code}, 403, 'inspection: refused';
$event = event_of('inspection');
is $event->{labels}{variable}, "ARGS:\r\n" . substr($read, 0, 41) . "\x{2026}", 'inspection: the name as text, cut';
is $event->{labels}{truncated}, 'variable', 'inspection: which is said';

my $url = "https://a.example/\r\n$read";
is request($nginx->port, POST => '/csp', headers => ['Content-Type: application/csp-report'], body => $json->encode({ 'csp-report' => {
    'document-uri' => $url, 'blocked-uri' => $url, 'source-file' => $url, 'effective-directive' => 'script-src', disposition => "enforce\e[0m" } }))->{code}, 204, 'report: taken';
$event = event_of('report');
is_deeply [$event->{url}{original}, @{ $event->{labels} }{qw(blocked_uri source_url disposition)}], [($url) x 3, 'enforce'], 'report: its URLs as text';

ends_well($nginx, 'nginx', allowed => []);
$app->stop;
done_testing;
