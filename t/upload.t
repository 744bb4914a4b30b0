# guard_upload: which forms pass, and the whole answer when one does not, however the body comes.

use lib 't/lib';
use Digest::SHA ();
use IO::Compress::Gzip qw(gzip);
use IO::Compress::Zip qw(zip);
use Test::Nginx::Socket 'no_plan';

no_long_string();
use_hup();

our $png  = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89";
our $type = 'multipart/form-data; boundary=b';

# A part: its Content-Disposition after the name, its Content-Type, its content.
sub part {
    my ($rest, $type, $content) = @_;
    return qq(--b\r\nContent-Disposition: form-data; name="f"$rest\r\n)
        . (length $type ? "Content-Type: $type\r\n" : '') . "\r\n$content\r\n";
}
sub form { return join(q{}, @_) . q{--b--} }
sub file { my ($name, $type, $content) = @_; return part(qq(; filename="$name"), $type, $content) }

sub zip_of { my $zip; zip(\'content' => \$zip, Name => $_[0]) or die; return $zip }

sub chunked { return join('', map { sprintf("%x\r\n%s\r\n", length, $_) } @_) . "0\r\n\r\n" }

# The whole problem body of a refusal; field: undef where it is the form as a whole.
sub problem {
    my ($status, $code, $title, $detail, $keyword, $field) = @_;
    my $text = qq({"type":"about:blank","title":"$title","status":$status,"detail":"$detail",)
        . qq("instance":"urn:request:ID","code":"$code","errors":[{"detail":"$detail");
    $text .= defined $field ? qq(,"in":"body","name":"$field") : ',"pointer":"#"';
    $text .= qq(,"keyword":"$keyword"}]});
    $text = quotemeta $text;
    $text =~ s/ID/[0-9a-f]{32}/;
    return $text;
}

my $bad = sub { problem(415, 'upload.multipart', 'Malformed multipart form', @_) };
our $upload = q{
location /u { guard_upload types=image/png,text/plain max_file=2k max_files=2 max_fields=2 max_field=1k; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /any { guard_upload names=any; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /bare { guard_upload; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /png { guard_upload types=image/png; root html; }
location /archives { client_max_body_size 0; guard_upload types=application/zip,application/gzip; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/taken; }
location /ratio { guard_upload max_ratio=2000; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/taken; }
location /contents { guard_upload types=image/png contents=any; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/taken; }
location /plain { guard_upload; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/taken; }
location /unlooked { client_max_body_size 0; proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/taken; }
location = /taken { return 200 ok; }
location /off { guard_upload off; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /observed { guard_mode observe upload; guard_upload types=image/png,text/plain; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /spooled { client_body_buffer_size 1k; guard_upload types=image/png,text/plain; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /first/ { guard_json on; client_body_buffer_size 1k; try_files /none /spooled; }
};
our $good = form(part('', '', 'hello'), file('a.txt', 'text/plain', "some text\n"), file('', 'application/octet-stream', ''));

# [form, problem]
our @refused = (
    ["x$good", $bad->('the body does not begin with its first delimiter', 'preamble')],
    ["$good\r\n-", $bad->('something follows the closing delimiter', 'epilogue')],
    [substr($good, 0, -6), $bad->('the body ends without its closing delimiter', 'truncated', 'f')],
    [form(part('', '', "a\n--b\r\n")), $bad->('the boundary stands where it delimits nothing', 'delimiter', 'f')],
    [form(part('; filename*=utf-8\'\'a.png', '', 'x')), $bad->('a Content-Disposition has an extended parameter, as filename*', 'extended', 'f')],
    [form((part('', '', 'x')) x 3), problem(413, 'upload.count', 'Too many files or fields', 'the form has more fields than it may have', 'max_fields', 'f')],
    [form((file('a.png', 'image/png', $png)) x 3), problem(413, 'upload.count', 'Too many files or fields', 'the form has more files than it may have', 'max_files', 'f')],
    [form(file('a.png', 'image/png', $png . 'x' x 2048)), problem(413, 'upload.size', 'Upload too large', 'a file is larger than it may be', 'max_file', 'f')],
    [form(part('', '', 'x' x 1025)), problem(413, 'upload.size', 'Upload too large', 'a field is larger than it may be', 'max_field', 'f')],
    [form(file('a.php.png', 'image/png', $png)), problem(422, 'upload.name', 'Refused file name', 'the name of a file has two extensions', 'double_extension', 'f')],
    [form(file('../a.png', 'image/png', $png)), problem(422, 'upload.name', 'Refused file name', 'the name of a file has parts of a path', 'path', 'f')],
    [form(file('', 'image/png', $png)), problem(422, 'upload.name', 'Refused file name', 'a file has no name', 'missing', 'f')],
    [form(file('a.pdf', 'application/pdf', '%PDF-1.4')), problem(415, 'upload.type', 'Refused file type', 'the type of a file is not allowed', 'declared', 'f')],
    [form(file('a.txt', 'image/png', $png)), problem(415, 'upload.type', 'Refused file type', 'the extension of a file is not one of its type', 'extension', 'f')],
    [form(file('a.png', 'image/png', "#!/bin/sh\nid\n")), problem(415, 'upload.type', 'Refused file type', 'the content of a file is not of its type', 'content', 'f')],
    [form(file('a.png', 'image/png', "$png<ScRiPt>alert(1)</script>")), problem(415, 'upload.type', 'Refused file type', 'a file that must hold none has a page or a script in it', 'script', 'f')],
    [form(file('a.png', 'image/png', "$png<?php phpinfo();")), problem(415, 'upload.type', 'Refused file type', 'a file that must hold none has a page or a script in it', 'script', 'f')],
    [form(file('a.png', 'image/png', $png . zip_of('a.class'))), problem(415, 'upload.type', 'Refused file type', 'a file that must be one thing is an archive or a PDF too', 'polyglot', 'f')],
    [form(file('a.png', 'image/png', '')), problem(415, 'upload.type', 'Refused file type', 'the content of a file is not of its type', 'content', 'f')],
);

# 20 MB of zeros, and what is as large packed as it is.
my $bomb = "\0" x 20_000_000;
my $fair = join '', map { chr rand 256 } 1 .. 20_000;
my ($zip_bomb, $gzip_bomb, $fair_zip, $fair_gzip);
zip(\$bomb => \$zip_bomb, Name => 'a') or die;
gzip(\$bomb => \$gzip_bomb) or die;
zip(\$fair => \$fair_zip, Name => 'a') or die;
gzip(\$fair => \$fair_gzip) or die;
# [where, name, type, content, status]
our @archives = (
    ['/archives', 'a.zip', 'application/zip', $zip_bomb, 413],
    ['/archives', 'a.gz', 'application/gzip', $gzip_bomb, 413],
    ['/archives', 'a.zip', 'application/zip', $fair_zip, 200],
    ['/archives', 'a.gz', 'application/gzip', $fair_gzip, 200],
    ['/plain', 'a.docx', 'text/plain', $zip_bomb, 413],
    ['/ratio', 'a.docx', 'application/octet-stream', $zip_bomb, 200],
    ['/plain', 'a.bin', 'application/octet-stream', "x$zip_bomb", 413],
    ['/plain', 'a.bin', 'application/octet-stream', 'x' . substr($zip_bomb, 0, -22), 200],
    ['/unlooked', 'a.zip', 'application/zip', $zip_bomb, 200],
);
run_tests();

__DATA__

=== TEST 1: a form passes unchanged, and so does what is none
--- upstream
echo
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- pipelined_requests eval
["POST /u\n$::good", "POST /bare\n$::good", "POST /observed\n$::good", "POST /spooled\n$::good", "POST /first/\n$::good", "POST /off\nx", "POST /any\n" . main::form(main::file('a.php', 'text/html', 'x'))]
--- error_code eval
[(200) x 7]
--- response_body eval
[($::good) x 5, 'x', main::form(main::file('a.php', 'text/html', 'x'))]
--- no_event_log

=== TEST 2: what is no form is not looked at
--- upstream
echo
--- config eval: $::upload
--- more_headers
Content-Type: application/octet-stream
--- request
POST /u
x
--- response_body chop
x

=== TEST 3: a picture passes, and nginx says that there is no such file
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- pipelined_requests eval
["POST /png\n" . main::form(main::file('a.png', 'image/png', $::png)), "POST /png\n" . main::form(main::file('a.png', 'image/png', "GIF89a$::png"))]
--- error_code eval
[404, 415]

=== TEST 4: each refusal, the whole answer
--- upstream
echo
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- pipelined_requests eval
[map { "POST /u\n$_->[0]" } @::refused]
--- error_code eval
[map { 0 + ($_->[1] =~ /status\W+(\d+)/)[0] } @::refused]
--- response_body_like eval
[map { "^$_->[1]\n\$" } @::refused]
--- upstream_requests: 0

=== TEST 5: an event for a refusal
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- request eval
"POST /u\n$::refused[0][0]"
--- error_code: 415
--- response_headers
Content-Type: application/problem+json
Cache-Control: no-store
--- event_log
{"event":{"action":"file-refused","code":"upload.multipart","reason":"the body does not begin with its first delimiter"}}
--- upstream_requests: 0

=== TEST 6: the whole line of a file that the application has taken, and of one that was refused
--- upstream
status 201 Created
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type\nUser-Agent: tester/1.0"
--- pipelined_requests eval
["POST /u\n$::good", "POST /any\n" . main::form(main::file("a\xe2\x80\xae;b.txt", 'text/x; a="y"', 'x')), "POST /u\n$::refused[14][0]"]
--- error_code eval
[201, 201, 415]
--- event_log
{"labels":{"kind":"file_uploaded"}}
{"labels":{"kind":"file_uploaded"}}
{"labels":{"kind":"file_refused"}}
--- event_log_like eval
my $line = sub {
    my ($kind, $outcome, $path, $status, $event, $file, $labels) = @_;
    $_ = quotemeta for $path, $event, $file, $labels;
    return qr/^\{"\@timestamp":"[-0-9T:.Z]+","log":\{"level":"\w+"\},"event":\{"kind":"\w+","module":"guard","dataset":"guard\.events",$event,"sequence":\d+$outcome\},"source":\{"ip":"127\.0\.0\.1","port":\d+\},"url":\{"path":"$path","domain":"localhost","scheme":"http"\},"http":\{"version":"1\.1","request":\{"id":"[0-9a-f]{32}","method":"POST","body":\{"bytes":\d+\}\},"response":\{"status_code":$status\}\},"user_agent":\{"original":"tester\/1\.0"\},"file":\{$file\},"labels":\{"kind":"$kind",$labels\},"observer":/m;
};
my $taken = '"action":"file-upload","category":["file","web"],"type":["creation"],"outcome":"success","severity":6';
[
    $line->('file_uploaded', '', '/u', 201, $taken, '"name":"a.txt","extension":"txt","size":10,"mime_type":"text/plain","hash":{"sha256":"' . Digest::SHA::sha256_hex("some text\n") . '"}', '"declared_type":"text/plain","scan":"none"'),
    $line->('file_uploaded', '', '/any', 201, $taken, qq("name":"a\xe2\x80\xae;b.txt","extension":"txt","size":1,"mime_type":"application/octet-stream","hash":{"sha256":") . Digest::SHA::sha256_hex('x') . '"}', '"declared_type":"text/x; a=\\"y\\"","scan":"none"'),
    $line->('file_refused', ',"code":"upload\.type","reason":"the content of a file is not of its type"', '/u', 415, '"action":"file-refused","category":["intrusion_detection","file","web"],"type":["denied"],"outcome":"success","severity":4', '"name":"a.png","extension":"png","size":13,"mime_type":"text/x-shellscript","hash":{"sha256":"' . Digest::SHA::sha256_hex("#!/bin/sh\nid\n") . '"}', '"decision":"denied","declared_type":"image/png","scan":"none"'),
]

=== TEST 7: archives that say that they are bombs, and those that are none
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- pipelined_requests eval
[map { "POST $_->[0]\n" . main::form(main::file(@$_[1, 2], $_->[3])) } @::archives]
--- error_code eval
[map { $_->[4] } @::archives]
--- response_body_like eval
[map { $_->[4] == 200 ? 'ok' : '"code":"upload\.size".*"keyword":"max_ratio"' } @::archives]

=== TEST 8: contents=any
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- request eval
"POST /contents\n" . main::form(main::file('a.png', 'image/png', "$::png<script>alert(1)</script>"))
--- error_code: 200

=== TEST 9: observed, it passes
--- upstream
echo
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- request eval
"POST /observed\n$::refused[14][0]"
--- response_body eval
$::refused[14][0]
--- upstream_requests: 1

=== TEST 10: fields that say it in two ways
--- upstream
echo
--- config eval: $::upload
--- raw_request eval
my $length = length $::good;
"POST /u HTTP/1.1\r\nHost: localhost\r\nContent-Type: $::type\r\nContent-Type: text/plain\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$::good"
--- error_code: 415
--- response_body_like: "keyword":"media_type"
--- upstream_requests: 0

=== TEST 11: chunked, one byte at a time
--- upstream
echo
--- config eval: $::upload
--- raw_request eval
"POST /u HTTP/1.1\r\nHost: localhost\r\nContent-Type: $::type\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" . main::chunked(split //, $::good)
--- error_code: 200
--- response_body eval
$::good

=== TEST 12: refused with the byte that is wrong, while the client still sends
--- upstream
echo
--- config eval: $::upload
--- raw_request eval
["POST /u HTTP/1.1\r\nHost: localhost\r\nContent-Type: $::type\r\nContent-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: attachment\r\n"]
--- error_code: 415
--- response_body_like: "keyword":"disposition"
--- upstream_requests: 0

=== TEST 13: no 100 Continue for a form that its header refuses
--- upstream
echo
--- config eval: $::upload
--- raw_request eval
"POST /u HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
--- interim: none
--- error_code: 415
--- response_body_like: "keyword":"media_type"
--- upstream_requests: 0

=== TEST 14: HTTP/2 over TLS
--- tls
--- http2
--- upstream
echo
--- config eval: $::upload
--- more_headers eval
"Content-Type: $::type"
--- request eval
"POST /u\n$::refused[9][0]"
--- error_code: 422
--- response_body_like eval
$::refused[9][1]
--- upstream_requests: 0

=== TEST 15: what is counted: files and bytes of forms that pass and of those that do not, by no name of a client
--- upstream
echo
--- config eval
$::upload . 'location = /metrics { guard_metrics; }'
--- more_headers eval
"Content-Type: $::type"
--- request eval
["POST /u\n$::good", "POST /u\n" . main::form(main::file('a.txt', 'text/plain', 'x' x 100), main::file('b.txt', 'text/plain', 'x' x 200)),
 "POST /u\n" . main::form(main::file('a.php.png', 'image/png', 'x')), "POST /u\n" . main::form(main::file('a.txt', 'text/plain', 'y' x 2048), main::file('b.exe', 'text/plain', 'x')),
 "POST /observed\n" . main::form(main::file('a.txt', 'text/plain', 'z' x 10), main::file('b.exe', 'text/plain', 'x')), 'GET /metrics']
--- error_code eval
[200, 200, 422, 422, 200, 200]
--- response_body_like eval
[('') x 5, 'guard_upload_files_total\{result="passed"\} 3\nguard_upload_files_total\{result="refused"\} 5\n(?s:.*)'
  . 'guard_upload_bytes_total\{result="passed"\} 310\nguard_upload_bytes_total\{result="refused"\} 2058\n']

=== TEST 16: an empty file is an empty text, and nothing else
--- upstream
echo
--- config eval
$::upload . 'location /more { guard_upload types=text/csv,application/json,image/gif; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }'
--- more_headers eval
"Content-Type: $::type"
--- request eval
[map { "POST $_->[0]\n" . main::form(main::file(@$_[1, 2], '')) }
    ['/u', 'a.txt', 'text/plain'], ['/u', 'a.log', ''], ['/more', 'a.csv', 'text/csv'], ['/u', 'a.png', 'image/png'], ['/more', 'a.json', 'application/json'], ['/more', 'a.gif', 'image/gif']]
--- error_code eval
[200, 200, 200, 415, 415, 415]

=== TEST 17: what is only observed is told once, whatever internal redirects come, and refused where it is enforced
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
guard_upload types=image/png;
location /seen { guard_mode observe; try_files /none @seen; }
location @seen { guard_mode observe; proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /enforced { guard_mode observe; try_files /none @enforced; }
location @enforced { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
--- more_headers eval
"Content-Type: $::type"
--- request eval
["POST /seen\n" . main::form(main::file('a.exe', 'image/png', 'x')), "POST /enforced\n" . main::form(main::file('a.exe', 'image/png', 'x'))]
--- error_code eval
[200, 422]
--- event_log
{"event":{"code":"upload.name","type":["allowed"]},"url":{"path":"/seen"},"labels":{"decision":"observed"}}
{"event":{"code":"upload.name","type":["allowed"]},"url":{"path":"/enforced"},"labels":{"decision":"observed"}}
{"event":{"code":"upload.name","type":["denied"]},"url":{"path":"/enforced"},"labels":{"decision":"denied"}}

=== TEST 18: a body that another module has read already, in the access phase
--- upstream
echo
--- config eval
$::upload =~ s/guard_upload (?!off)/guard_test_read; guard_upload /gr
--- more_headers eval
"Content-Type: $::type"
--- request eval
["POST /u\n$::good", "POST /u\n" . main::form(main::file('a.exe', 'image/png', 'x')), "POST /spooled\n" . main::form(main::file('a.txt', 'text/plain', 'x' x 3000)),
 "POST /spooled\n" . main::form(main::file('a.txt', 'text/plain', 'x' x 3000), main::file('a.exe', 'text/plain', 'x')), "POST /first/x\n$::good"]
--- error_code eval
[200, 422, 200, 422, 200]
--- response_body_like eval
["\Q$::good\E", 'upload.name', "x{3000}", 'upload.name', "\Q$::good\E"]

=== TEST 19: an upload is told of where another location, a front controller, asks the application
--- upstream
echo
--- http_config
guard_event_log $TEST_NGINX_EVENT_LOG;
--- config
location /u { guard_upload types=text/plain; try_files /none /controller/x; }
location /controller/ { proxy_pass http://127.0.0.1:$TEST_NGINX_UPSTREAM_PORT; }
location /walled { guard_upload types=text/plain; try_files /none /denied/x; }
location /denied/ { deny all; }
--- more_headers eval
"Content-Type: $::type"
--- request eval
[map { "POST $_\n" . main::form(main::file('a.txt', 'text/plain', 'some text')) } '/u', '/walled']
--- error_code eval
[200, 403]
--- event_log
{"labels":{"kind":"file_uploaded"},"url":{"path":"/u"},"file":{"name":"a.txt"}}
