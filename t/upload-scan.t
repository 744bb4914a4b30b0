# guard_upload_scan: a real clamd with signatures of its own, and peers that hang, lie, drip and break off. Nothing reaches
# the application before the verdict, over every protocol, across reloads, and whatever the client does meanwhile.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Clamd  qw(start_clamd start_fake_clamd eicar);
use Test::Nginx::Guard::Events qw(read_events);
use Test::Nginx::Guard::Uploads qw(form post_form begin_form file_event);
use Test::Nginx::Guard::Wait   qw(wait_for);

my $clamd    = start_clamd();
my $fake     = start_fake_clamd();
my $upstream = start_upstream('body taken');
my $tls      = free_port();
my ($crt, $key) = certificate();

my $pass = "proxy_pass http://127.0.0.1:$upstream->{port};";
my $nginx = start_nginx(
    listen      => ["listen 127.0.0.1:$tls ssl http2;"],
    http_config => "ssl_certificate $crt;\nssl_certificate_key $key;\nguard_event_log \$TEST_NGINX_EVENT_LOG;",
    config      => <<"EOC");
client_body_buffer_size 8k;
guard_upload names=any;
guard_upload_scan unix:$clamd->{socket} timeout=20s scan_max=200k;
location /u { $pass }
location /tcp { guard_upload_scan tcp:127.0.0.1:$clamd->{port}; $pass }
location /memory { client_body_buffer_size 1m; $pass }
location /pass { guard_upload_scan unix:$clamd->{socket} timeout=20s scan_max=200k on_error=pass; $pass }
location /observed { guard_mode observe upload; $pass }
location /off { guard_upload_scan off; $pass }
location /gone { guard_upload_scan unix:/none/clamd.ctl; $pass }
location /gonepass { guard_upload_scan unix:/none/clamd.ctl on_error=pass; $pass }
location /fake { guard_upload_scan unix:$fake->{socket} timeout=30s connections=64; $pass }
location /late { guard_upload_scan unix:$fake->{socket} timeout=300ms; $pass }
location /latepass { guard_upload_scan unix:$fake->{socket} timeout=300ms on_error=pass; $pass }
location /stopped { guard_upload_scan unix:$clamd->{socket} timeout=300ms; $pass }
location /stoppedpass { guard_upload_scan unix:$clamd->{socket} timeout=300ms on_error=pass; $pass }
location /first/ { guard_upload_scan off; try_files /none /u; }
EOC
my $port = $nginx->port;

sub post { return post_form($port, @_) }
my $seen = 0;
sub passed_on { my $count = @{ $upstream->requests }; my $new = $count - $seen; $seen = $count; return $new }
my $told = 0;
# The events since the last call: "kind decision code name scan signature".
sub events {
    my ($all) = read_events($nginx->log_file('events.log'));
    my @new = grep { $_->{labels}{kind} ne 'config_loaded' } @$all;
    splice @new, 0, $told;
    $told += @new;
    return [map { file_event($_) } @new];
}
my $marks = 0;
# Whatever has been told so far, until an event that comes behind it.
sub forget {
    my $name = 'mark' . ++$marks . '.txt';
    post('/off', [$name, '']);
    ++$seen;
    wait_for(sub { grep { / \Q$name\E / } @{ events() } }, 5) or die "no event of $name\n";
    return;
}
sub events_are { my ($want, $what) = @_; my $got = []; wait_for(sub { push @$got, @{ events() }; @$got >= @$want }, 5); is_deeply $got, $want, $what; return }

my $bad   = eicar();
my $eicar = 'Eicar-Test-Signature.UNOFFICIAL';    # as clamd calls what is of no database of its own
my $long = 'x' x 40_000;

# What is clean passes, from memory and from a temporary file, and what is not does not.
is post('/u', ['a.txt', 'hello']), '200', 'a clean file';
events_are ['file_uploaded - - a.txt clean'], 'is told as such';
is post('/tcp', ['a.txt', $long]), '200', 'over TCP, from a file';
is post('/memory', ['a.txt', $long], ['b.txt', 'b']), '200', 'two from memory';
is post('/first/', ['a.txt', 'hello']), '200', 'after an internal redirect';
is passed_on(), 4, 'all of them reach the application';
events_are [('file_uploaded - - a.txt clean') x 2, 'file_uploaded - - b.txt clean', 'file_uploaded - - a.txt clean'], 'each file has its event';
for my $case (['/u', ['eicar.com', $bad]], ['/tcp', ['eicar.com', $bad]], ['/memory', ['a.txt', $long], ['eicar.com', $bad]], ['/first/', ['eicar.com', $bad]],
    ['/pass', ['eicar.com', $bad]]) {
    is post(@$case), '422 upload.malware signature', "$case->[0] refuses EICAR";
    events_are ["file_refused denied upload.malware eicar.com infected $eicar"], 'and says which';
}
is post('/u', ['a.txt', "${long}guard-test-malware"]), '422 upload.malware signature', 'at the end of a file that is not in memory';
events_are ['file_refused denied upload.malware a.txt infected Guard.Test.Pattern.UNOFFICIAL'], 'by the pattern';
is passed_on(), 0, 'nothing of that is proxied';
is post('/observed', ['eicar.com', $bad]), '200', 'observed';
is post('/off', ['eicar.com', $bad]), '200', 'not scanned';
is post('/u', ['', '']), '200', 'no file, nothing to scan';
is passed_on(), 3, 'all of these are proxied';
events_are ["file_refused observed upload.malware eicar.com infected $eicar", "file_uploaded - - eicar.com infected $eicar",
    'file_uploaded - - eicar.com none'], 'with their events';

# Which of several files it is, says its field.
for my $case (['/u', 422, 'the scanner has found malware in a file', 'signature'], ['/gone', 503, 'the scanner cannot be reached', 'unreachable']) {
    my ($target, $status, $detail, $keyword) = @$case;
    (my $form = form(['a.txt', 'a'], ['eicar.com', $bad])) =~ s/name="f"; filename="eicar/name="second"; filename="eicar/;
    my $answer = request($port, POST => $target, headers => ['Content-Type: multipart/form-data; boundary=b'], body => $form, timeout => 30);
    my $field  = $target eq '/u' ? 'second' : 'f';
    is $answer->{code}, $status, "$target: two files";
    like $answer->{body}, qr/"errors":\[\{"detail":"$detail","in":"body","name":"$field","keyword":"$keyword"\}\]/, "$target: which of them";
    forget();
}

# The whole line of one.
{
    post('/u', ['eicar.com', $bad]);
    my $line;
    wait_for(sub { my (undef, $lines) = read_events($nginx->log_file('events.log')); $line = $lines->[-1]; $line =~ /"file_refused"/ });
    my $hash = sha256_hex($bad);
    like $line, qr/"event":\{"kind":"alert","module":"guard","dataset":"guard\.events","action":"file-refused","category":\["intrusion_detection","file","web"\],"type":\["denied"\],"outcome":"success","severity":4,"sequence":\d+,"code":"upload\.malware","reason":"the scanner has found malware in a file"\},.*"file":\{"name":"eicar\.com","extension":"com","size":68,"mime_type":"text\/plain","hash":\{"sha256":"$hash"\}\},"labels":\{"kind":"file_refused","decision":"denied","declared_type":"text\/plain","scan":"infected","signature":"\Q$eicar\E"\},/, 'the whole event';
    forget();
}

# Limits: Guard's own, and those of clamd (StreamMaxLength, MaxFileSize), which otherwise would call it clean.
is post('/u', ['a.txt', 'x' x 210_000]), '413 upload.size scan_max', 'more than scan_max';
like post('/u', ['a.txt', 'x' x 150_000]), qr/\A503 upload\.scan (?:limit|broken)\z/, 'more than StreamMaxLength';
is post('/u', ['a.txt', 'x' x 70_000]), '503 upload.scan limit', 'more than MaxFileSize';
is passed_on(), 0, 'none of them is proxied';
events_are ['file_refused denied upload.size a.txt failed', ('scan_failed denied upload.scan a.txt failed') x 2], 'each is an event';
is post('/pass', ['a.txt', 'x' x $_]), '200', "on_error=pass lets $_ bytes pass" for 210_000, 150_000, 70_000;
is passed_on(), 3, 'to the application';
events_are [('scan_failed allowed upload.scan a.txt failed', 'file_uploaded - - a.txt failed') x 3], 'with an event';
is post('/pass', ['a.txt', 'x' x 210_000], ['eicar.com', $bad]), '422 upload.malware signature', 'but not the malware behind it';
is passed_on(), 0, 'of which nothing is proxied';
forget();

# No scanner, or one that is none.
is post('/gone', ['a.txt', 'a']), '503 upload.scan unreachable', 'no clamd';
is post('/gonepass', ['a.txt', 'a'], ['b.txt', 'b']), '200', 'passes where it may';
is passed_on(), 1, 'once';
events_are ['scan_failed denied upload.scan a.txt failed', (map { "scan_failed allowed upload.scan $_.txt failed" } 'a', 'b'), (map { "file_uploaded - - $_.txt failed" } 'a', 'b')], 'as events say';
for my $case (
    ['say stream: OK\\0', '200'],
    ['drip stream: OK\\0', '200'],
    ['say stream: OK', '503 upload.scan timeout', 'late'],
    ['hang', '503 upload.scan timeout', 'late'],
    ['drip stream: ' . 'x' x 60, '503 upload.scan timeout', 'late'],
    ["say stream: OK\\0stream: OK\\0", '503 upload.scan answer'],
    ['say stream: OK \\0', '503 upload.scan answer'],
    ["say stream: ok\\0", '503 upload.scan answer'],
    ["say stream: OK\\n\\0", '503 upload.scan answer'],
    ['say 1: stream: OK\\0', '503 upload.scan answer'],
    ['say stream: FOUND\\0', '503 upload.scan answer'],
    ['say stream:  FOUND\\0', '503 upload.scan answer'],
    ['say \\0', '503 upload.scan answer'],
    ['say UNKNOWN COMMAND\\0', '503 upload.scan answer'],
    ['say INSTREAM size limit exceeded. ERROR\\0', '503 upload.scan limit'],
    ['say ' . 'x' x 2000 . '\\0', '503 upload.scan answer'],
    ['say stream: X FOUND\\0', '422 upload.malware signature'],
    ['cut', '503 upload.scan broken'],
    ) {
    my ($word, $want, $where) = @$case;
    $where //= 'fake';
    is post("/$where", ['a.txt', "$word\n"]), $want, "clamd that does \"" . substr($word, 0, 40) . '"';
    next if $word !~ /^(?:hang|cut|say stream: ok)/;
    is post('/latepass', ['a.txt', "$word\n"]), '200', 'passes where it may';
}
is passed_on(), 2 + 3, 'nothing else is proxied';
forget();
is post('/fake', ['a.txt', "early stream: OK\\0\n" . 'x' x 5_000_000]), '503 upload.scan answer', 'OK before it has all is none';
like post('/fake', ['a.txt', "reset\n" . 'x' x 5_000_000]), qr/\A503 upload\.scan broken\z/, 'broken off in the middle';
is post('/fake', ['a.txt', "early stream: X FOUND\\0\n" . 'x' x 5_000_000]), '422 upload.malware signature', 'but malware is malware';
events_are ['scan_failed denied upload.scan a.txt failed', 'scan_failed denied upload.scan a.txt failed', 'file_refused denied upload.malware a.txt infected X'], 'as events';
{
    my $size = 3_000_000;
    is post('/fake', ['a.txt', "count\n" . 'x' x ($size - 6)]), '422 upload.malware signature', 'a large file';
    events_are ["file_refused denied upload.malware a.txt infected Bytes.$size"], 'comes to the last byte';
    is post('/fake', ['a.txt', "say stream: \xe2\x80\xae\"\x01 FOUND\\0\n"]), '422 upload.malware signature', 'a strange signature';
    my $event;
    wait_for(sub { $event = (read_events($nginx->log_file('events.log')))[0][-1]; $event->{labels}{signature} ne "Bytes.$size" });
    is $event->{labels}{signature}, "\x{202e}\"\x01", 'is written safely';
    forget();
}

# HTTP/2 and TLS.
{
    my $folder = File::Temp->newdir;
    my $write = sub { open my $out, '>', "$folder/$_[0]" or die $!; print {$out} $_[1]; close $out; return "$folder/$_[0]" };
    for my $case (['good.txt', $long, 200], ['eicar.txt', $bad, 422]) {
        my ($name, $content, $status) = @$case;
        my $file = $write->($name, $content);
        for my $http (qw(--http1.1 --http2)) {
            my $got = `curl -sk $http -o $folder/out -w '%{http_version} %{http_code}' -F 'f=\@$file;type=text/plain' https://127.0.0.1:$tls/u`;
            is $got, ($http eq '--http2' ? '2' : '1.1') . " $status", "$name over $http and TLS";
        }
    }
    is passed_on(), 2, 'the good one is proxied';
    events_are [('file_uploaded - - good.txt clean') x 2, ("file_refused denied upload.malware eicar.txt infected $eicar") x 2], 'events';
}

# Clients that go away while they send, at every stage of a form, leave nothing behind.
{
    my $body = form(['a.txt', $long], ['b.txt', 'b']);
    for my $sent (1, 40, 120, 20_000, length($body) - 1) {
        my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
        print {$client} "POST /u HTTP/1.1\r\nHost: localhost\r\nX-Sent: $sent\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " . length($body) . "\r\n\r\n" . substr($body, 0, $sent);
        $client->flush;
        close $client;
    }
    is post('/u', ['a.txt', 'a']), '200', 'the next one is served';
    is passed_on(), 1, 'and nothing else is proxied';
    forget();
}

# A client that goes away takes its scan with it; a reload does not.
{
    ok wait_for(sub { $fake->noted('open') == $fake->noted('gone') }), 'every scan so far is over';
    my $open = $fake->noted('open');
    my $gone = $fake->noted('gone');
    my $body = form(['a.txt', "hang\n"]);
    my $head = "POST /fake HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " . length($body) . "\r\n\r\n";
    my $begin = sub {
        my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
        print {$client} "$head$body";
        $client->flush;
        return $client;
    };
    my $client = $begin->();
    ok wait_for(sub { $fake->noted('open') == $open + 1 }), 'a scan has begun';
    close $client;
    ok wait_for(sub { $fake->noted('gone') == $gone + 1 }), 'and ends with its client';
    is passed_on(), 0, 'nothing is proxied';

    $body = form(['a.txt', 'drip stream: OK\\0' . "\n"]);
    $head =~ s/Content-Length: \d+/'Content-Length: ' . length $body/e;
    $client = $begin->();
    ok wait_for(sub { $fake->noted('open') == $open + 2 }), 'another scan has begun';
    is $nginx->hup, undef, 'a reload';
    like scalar <$client>, qr{\AHTTP/1\.1 200 }, 'does not end it';
    is passed_on(), 1, 'it is proxied';
    forget();
}

# clamd hangs, dies, and comes back.
{
    $clamd->stop;
    is post('/u', ['a.txt', 'a']), '503 upload.scan unreachable', 'clamd is dead';
    is post('/tcp', ['a.txt', 'a']), '503 upload.scan unreachable', 'by TCP, too';
    is post('/pass', ['a.txt', 'a']), '200', 'passes where it may';
    $clamd->start;
    is post('/u', ['a.txt', 'a']), '200', 'clamd is back';
    is passed_on(), 2, 'two are proxied';
    forget();
}

# Uploads at once, to whose scans the same answer comes in the end: `form` to LOCATION, COUNT times; what is to happen
# in between is done once all are under way. Answers the statuses, each with how often it came.
sub at_once {
    my ($where, $count, $form, $between) = @_;
    my @clients = map { begin_form($port, $where, $form) } 1 .. $count;
    $between->();
    my %statuses;
    for my $client (@clients) {
        my $line = <$client> // 'none';
        ++$statuses{ $line =~ m{\AHTTP/1\.1 (\d+) } ? $1 : $line };
    }
    return \%statuses;
}

# clamd is stopped (SIGSTOP): it takes connections and says nothing. Once it goes on, whoever still waits is answered.
{
    $clamd->suspend;
    is post('/stopped', ['a.txt', 'a']), '503 upload.scan timeout', 'a stopped clamd';
    is post('/stoppedpass', ['a.txt', 'a']), '200', 'passes where it may';
    is passed_on(), 1, 'once';
    forget();
    is_deeply at_once('/u', 8, form(['a.txt', 'a']), sub { is post('/off', ['a.txt', 'a']), '200', 'others are served meanwhile'; $clamd->resume }), { 200 => 8 },
        'those that wait pass when it goes on';
    is passed_on(), 9, 'all of them';
    is post('/u', ['eicar.com', $bad]), '422 upload.malware signature', 'and it finds what it found before';
    is passed_on(), 0, 'of which nothing is proxied';
    forget();
}

# Fifty at once to a clamd that takes its time, and to one with four threads.
{
    my $open = $fake->noted('open');
    is_deeply at_once('/fake', 50, form(['a.txt', 'drip stream: OK\\0' . "\n"]), sub { ok wait_for(sub { $fake->noted('open') == $open + 50 }, 10), 'fifty scans have begun' }),
        { 200 => 50 }, 'fifty slow scans';
    is_deeply at_once('/u', 50, form(['a.txt', $long]), sub { }), { 200 => 50 }, 'fifty scans by the real one';
    is passed_on(), 100, 'all are proxied';
    is_deeply at_once('/u', 50, form(['eicar.com', $bad]), sub { }), { 422 => 50 }, 'fifty times malware';
    is passed_on(), 0, 'of which nothing is proxied';
    forget();
}

# It is started again while uploads come: each has its verdict, or is refused for want of one.
{
    my $statuses = at_once('/u', 20, form(['eicar.com', $bad]), sub { $clamd->stop; $clamd->start });
    is_deeply [grep { !/\A(?:422|503)\z/ } keys %$statuses], [], 'no malware passes while clamd starts again';
    is passed_on(), 0, 'nothing is proxied';
    ok wait_for(sub { post('/u', ['a.txt', 'a']) eq '200' }, 10), 'afterwards all is as before';
    is passed_on(), 1, 'which is proxied';
}

# What docs/operations.md writes into clamd.conf, clamd takes.
{
    open my $in, '<', 'docs/operations.md' or die "docs/operations.md: $!\n";
    my ($lines) = do { local $/; <$in> } =~ /^## Scanning uploads\n.*?^```\n(.*?)^```$/ms;
    my $documented = eval { start_clamd(lines => $lines) };
    ok $documented && $documented->pings, 'the lines of docs/operations.md' or diag $@;
}

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'nothing bad in the log';
my @errors = grep { /\[error\]/ && !/guard_upload_scan: / } split /^/, $nginx->log_text;
is_deeply \@errors, [], 'nor errors but those of the scanner';
done_testing;
