# While guard_break_glass's file exists everything observes: within a second, on every worker,
# across reloads, and with one event each way.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use Test::More;
use Test::Nginx::Guard;

plan skip_all => 'needs the test build of the module' unless -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';

my $nginx = start_nginx(
    workers     => 2,
    http_config => 'guard_break_glass $TEST_NGINX_SERVER_ROOT/glass; guard_event_log $TEST_NGINX_EVENT_LOG;',
    config      => 'location /x { guard_test front refuse=403; root html; try_files /index.html =404; }'
        . ' location /off { guard_mode off ban; guard_test front refuse=403; root html; try_files /index.html =404; }',
);
my $file = $nginx->root . '/glass';

# Every worker answers so, as far as twenty connections can tell.
sub all_answer {
    my ($code) = @_;
    return wait_for(sub { !grep { request($nginx->port, GET => '/x')->{code} != $code } 1 .. 20 }, 2);
}

sub break_glass_events {
    my ($nginx) = @_;
    my ($events) = read_events($nginx->log_file('events.log'));
    return [grep { $_->{event}{action} eq 'break-glass' } @$events];
}

ok all_answer(403), 'refuses';
open my $out, '>', $file or die;
close $out;
ok all_answer(200), 'observes within a second of the file';
is request($nginx->port, GET => '/off')->{code}, 200, 'what was off stays off';
is $nginx->hup, undef, 'reloads';
ok all_answer(200), 'still observes';
unlink $file or die;
ok all_answer(403), 'refuses again without the file';
ok wait_for(sub { @{ break_glass_events($nginx) } == 2 }, 3), 'one event each way' or diag explain break_glass_events($nginx);
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';

# A start under break glass is told as well: the event log is there only after the look for the file.
{
    my $directory = tempdir('guard-glass-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $directory or die;
    open my $glass, '>', "$directory/glass" or die;
    close $glass;
    my $late = start_nginx(
        workers     => 2,
        http_config => "guard_break_glass $directory/glass; guard_event_log \$TEST_NGINX_EVENT_LOG;",
        config      => 'root html;',
    );
    ok wait_for(sub { @{ break_glass_events($late) } == 1 }, 3), 'there at the start: an event' or diag explain break_glass_events($late);
    is break_glass_events($late)->[0]{log}{level}, 'critical', 'there at the start: critical';
    is $late->stop, undef, 'there at the start: stops';
}

# nginx's helpers, which look after caches, hold no event back from the log.
{
    my $caching = start_nginx(
        http_config => 'guard_break_glass $TEST_NGINX_SERVER_ROOT/glass; guard_event_log $TEST_NGINX_EVENT_LOG; proxy_cache_path $TEST_NGINX_SERVER_ROOT/cache keys_zone=one:1m;',
        config      => 'root html;',
    );
    my $glass = $caching->root . '/glass';
    for my $time (1 .. 8) {
        if ($time % 2) {
            open my $out, '>', $glass or die;
            close $out;
        } else {
            unlink $glass or die;
        }
        ok wait_for(sub { @{ break_glass_events($caching) } == $time }, 3), "beside a cache: event $time" or last;
    }
    is $caching->stop, undef, 'beside a cache: stops';
}

# A body that is on its way when break glass comes is not cut where it would have been.
{
    my $upstream = start_upstream('echo');
    my $slow     = start_nginx(
        http_config => 'guard_break_glass $TEST_NGINX_SERVER_ROOT/glass; guard_event_log $TEST_NGINX_EVENT_LOG;',
        config      => 'guard_json on; guard_json_limits size=1k; proxy_read_timeout 2s; location / { proxy_pass http://127.0.0.1:' . $upstream->port . '; }',
    );
    my $head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    my @body = ('["' . 'x' x 600, 'y' x 600, 'z' x 600 . '"]');
    my $chunk = sub { return sprintf "%x\r\n%s\r\n", length $_[0], $_[0] };
    my $held = request_raw($slow->port, $head . $chunk->($body[0]), hold => 1, timeout => 0.2, expect => 0);
    open my $glass, '>', $slow->root . '/glass' or die;
    close $glass;
    ok wait_for(sub { @{ break_glass_events($slow) } == 1 }, 3), 'a body on its way: break glass is seen';
    my $result = request_raw($slow->port, [map({ $chunk->($_) } @body[1, 2]), "0\r\n\r\n"], connection => $held->{connection}, methods => ['POST']);
    my $response = $result->{responses}[0] // {};
    is $response->{code}, 200, 'a body on its way: passes';
    is $response->{body}, join('', @body), 'a body on its way: as a whole';
    my $refused = sub { my ($events) = read_events($slow->log_file('events.log')); return join ' ', map { $_->{event}{code} } grep { $_->{event}{action} eq 'json-refused' } @$events };
    ok wait_for(sub { $refused->() eq 'json.size' }, 3), 'a body on its way: what would have been refused is told' or diag $refused->();
    is $slow->stop, undef, 'a body on its way: stops';
    is_deeply [log_problems($slow)], [], 'a body on its way: log';
}

# A worker that goes knows of break glass as long as it serves, and tells of it no more: the file may be another one by then.
{
    my $upstream = start_upstream('echo');
    my %config   = (workers => 1, config => 'guard_json on; location / { proxy_pass http://127.0.0.1:' . $upstream->port . '; }');
    my $folder   = tempdir('guard-glass-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $folder or die $!;
    my $http     = sub { return (http_config => "guard_break_glass $folder/$_[0]; guard_event_log logs/events.log;") };
    my $leaving  = start_nginx(%config, $http->('glass'));
    my $touch    = sub { open my $out, '>', "$folder/$_[0]" or die $!; close $out; return };
    my @slow     = map { request_raw($leaving->port, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n", hold => 1, timeout => 0.05, expect => 0) } 1 .. 60;
    my $says     = sub { my $slow = shift @slow or return 0; return request_raw($leaving->port, '{', connection => $slow->{connection}, methods => ['POST'])->{responses}[0]{code} };
    $leaving->configure(%config, $http->('other'), no_root_location => 1);
    is $leaving->hup, undef, 'a worker that goes: a reload';
    is $says->(), 400, 'a worker that goes: refuses';
    $touch->('glass');
    ok wait_for(sub { $says->() == 200 }, 5), 'a worker that goes: observes once the file is there';
    $touch->('other');
    ok wait_for(sub { @{ break_glass_events($leaving) } == 1 }, 3), 'a worker that goes: another one tells of its file';
    unlink "$folder/glass" or die $!;
    ok wait_for(sub { $says->() == 400 }, 5), 'a worker that goes: refuses again without its own';
    is scalar @{ break_glass_events($leaving) }, 1, 'a worker that goes: tells nothing' or diag explain break_glass_events($leaving);
    undef @slow;
    is $leaving->stop, undef, 'a worker that goes: stops';
    is_deeply [log_problems($leaving)], [], 'a worker that goes: log';
}

# A file that workers would not see is found by nginx -t.
{
    my $directory = tempdir('guard-glass-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $warning = sub {
        my ($config) = @_;
        my $nginx = make_nginx();
        $nginx->configure(main_config => $> == 0 ? 'user nobody nogroup;' : '', http_config => $config);
        my ($status, $text) = $nginx->test_config;
        is $status, 0, "$config: accepted";
        return join ' ', $text =~ /\[warn\] (".*?" (?:would not be seen|is there).*?) in \S+:\d+$/mg;
    };
    for my $name (qw(guard_break_glass guard_drain)) {
        chmod 0755, $directory;
        is $warning->("$name $directory/no/glass;"), qq("$directory/no/glass" would not be seen: there is no directory "$directory/no"), "$name: no directory";
        is $warning->("$name $directory/;"), qq("$directory/" is there, as a directory: name a file that is made and removed), "$name: a directory";
        next if $> != 0;    # which has no other user
        is $warning->("$name $directory/glass;"), '', "$name: nothing to say";
        chmod 0700, $directory;
        is $warning->("$name $directory/glass;"), qq("$directory/glass" would not be seen: the workers' user "nobody" may not search "$directory"), "$name: no right to";
    }
}
done_testing;
