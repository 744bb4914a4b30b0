# The id of a request is nginx's $request_id, whoever is the first to ask for it: of an event, of the page that refuses, of a
# field of the answer or of what the application is told.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Client qw(header_of);
use Test::Nginx::Guard::Events qw(read_events);

my $upstream = start_upstream(sub {
    my ($request) = @_;
    my $body = header_of($request->{fields}, 'X-Request-Id');
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: @{[length $body]}\r\n\r\n$body";
});
my $proxy = "proxy_set_header X-Request-Id \$request_id; proxy_pass http://127.0.0.1:$upstream->{port};";
my $nginx = start_nginx(
    http_config      => 'guard_event_log $TEST_NGINX_EVENT_LOG; add_header X-Id $request_id always;',
    no_root_location => 1,
    config           => <<"EOC",
location /answer { guard_event x_answer on=all; empty_gif; }
location /asked { set \$early \$request_id; add_header X-Early \$early always; add_header X-Id \$request_id always; guard_event x_asked on=all; empty_gif; }
location /proxied { guard_event x_proxied on=all; $proxy }
location /refused { guard_path strict; $proxy }
location /redirected { guard_event x_redirected on=all; error_page 404 /page; return 404; }
location = /page { internal; guard_event x_page on=all; default_type text/html; alias html/index.html; }
location /twice { guard_event x_twice on=all; mirror /mirror; $proxy }
location = /mirror { internal; guard_event x_mirror on=all; $proxy }
EOC
);

# [target, status, what else must have the id: code that is given the answer]
my %seen;
for my $case (
    ['/answer', 200, sub { () }],
    ['/asked', 200, sub { header_of($_[0]{fields}, 'X-Early') }],
    ['/proxied', 200, sub { $_[0]{body} }],
    ['/refused/a%2fb', 400, sub { $_[0]{body} =~ /"instance":"urn:request:([^"]*)"/ ? $1 : $_[0]{body} }],
    ['/redirected', 404, sub { () }],
    ['/twice', 200, sub { $_[0]{body} }],
) {
    my ($target, $status, $others) = @$case;
    for my $round (1, 2) {
        my $answer = request($nginx->port, GET => $target, headers => ['Accept: application/json']);
        is $answer->{code}, $status, $target;
        my $id = header_of($answer->{fields}, 'X-Id');
        like $id, qr/\A[0-9a-f]{32}\z/, "$target: the id";
        is $_, $id, "$target: the same" for $others->($answer);
        ok !$seen{$id}, "$target: its own";
        $seen{$id} = $target;
    }
}
is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';

my ($events) = read_events($nginx->log_file('events.log'));
my %told;
for my $event (grep { $_->{labels}{kind} ne 'config_loaded' } @$events) {
    my $target = $seen{ $event->{http}{request}{id} };
    ok defined $target, "$event->{labels}{kind} has the id that the client has seen";
    push @{ $told{$target} }, $event->{labels}{kind};
}
is_deeply \%told, {
    '/answer'        => ['x_answer', 'x_answer'],
    '/asked'         => ['x_asked', 'x_asked'],
    '/proxied'       => ['x_proxied', 'x_proxied'],
    '/refused/a%2fb' => ['path_refused', 'path_refused'],
    '/redirected'    => ['x_redirected', 'x_redirected'],
    '/twice'         => ['x_twice', 'x_twice'],
}, 'and each event is of its request';
done_testing;
