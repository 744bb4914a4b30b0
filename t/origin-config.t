# guard_cors and guard_csrf: the exact line for every mistake, and what is only said.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my $like = 'one like "https://app.example.com" or "https://*.example.com" is expected';
my @cases = (
    ['guard_cors;', 'invalid number of arguments in "guard_cors" directive'],
    ['guard_cors credentials;', 'no origin in "guard_cors" directive'],
    ['guard_cors https://a.example https://a.example;', 'duplicate origin "https://a.example"'],
    ['guard_cors off strict;', 'unexpected word "strict" after "off"'],
    ['guard_cors https://a.example strict strict;', 'duplicate parameter "strict"'],
    ['guard_cors https://a.example credential;', 'unexpected word "credential", did you mean "credentials"?'],
    ['guard_cors https://a.example method=GET;', 'unknown parameter "method=", did you mean "methods="?'],
    ['guard_cors https://a.example strict https://b.example;', 'unexpected word "https://..."'],
    ['guard_cors a.example;', 'invalid origin "a.example", it has no scheme, did you mean "https://a.example"?'],
    ['guard_cors https://a.example/;', 'invalid origin "https://a.example/", it has no path, did you mean "https://a.example"?'],
    ['guard_cors "https://a b";', "invalid origin \"https://a b\", $like"],
    ['guard_cors $http_origin;', 'invalid origin "$http_origin", variables are not taken: an origin that comes from the request admits every site'],
    ['guard_cors https://*;', 'invalid origin "https://*", it is every site, which is "*"'],
    ['guard_cors https://*.com.;', 'invalid origin "https://*.com.", it is every site under "com."'],
    ['guard_cors https://*.com;', 'invalid origin "https://*.com", it is every site under "com"'],
    ['guard_cors https://a.*.example;',
        'invalid origin "https://a.*.example", "*" stands for whole labels in front of a host name, as in "https://*.example.com"'],
    ['guard_cors * https://a.example;', 'origin "*" beside others'],

    # What would hand a user's session to others.
    ['guard_cors * credentials;', '"credentials" with the origin "*", every site could act as its visitors, name the origins'],
    ['guard_cors https://* credentials;', 'invalid origin "https://*", it is every site, which is "*"'],
    ['guard_cors $http_origin credentials;',
        'invalid origin "$http_origin", variables are not taken: an origin that comes from the request admits every site'],
    ['guard_cors https://a.example null credentials;', '"credentials" with the origin "null", every site can have it in a sandboxed frame'],
    ['guard_cors http://a.example credentials;',
        '"credentials" with the origin "http://a.example", whoever is on the network can speak for it, use "https:"'],
    ['guard_cors http://*.a.example credentials;',
        '"credentials" with the origin "http://*.a.example", whoever is on the network can speak for it, use "https:"'],
    ['guard_cors https://a.example methods=* credentials;', '"methods=*" has no meaning with "credentials", name the methods'],
    ['guard_cors https://a.example headers=* credentials;', '"headers=*" has no meaning with "credentials", name the fields'],
    ['guard_cors https://a.example expose=* credentials;', '"expose=*" has no meaning with "credentials", name the fields'],
    ['guard_cors * strict;', '"strict" has no meaning with the origin "*"'],

    ['guard_cors https://a.example methods=get;', 'invalid value "get" of "methods=", methods are in upper case'],
    ['guard_cors https://a.example methods=TRACE;', 'invalid value "TRACE" of "methods=", browsers do not send it'],
    ['guard_cors https://a.example methods=GET,,PUT;', 'invalid value "" of "methods="'],
    ['guard_cors https://a.example methods=GET,GET;', 'duplicate value "GET" of "methods="'],
    ['guard_cors https://a.example methods=*,GET;', 'value "*" of "methods=" beside others'],
    ['guard_cors https://a.example methods=;', '"methods=" needs a value'],
    ['guard_cors https://a.example "headers=X A";', 'invalid value "X A" of "headers="'],
    ['guard_cors https://a.example headers=X-A,x-a;', 'duplicate value "x-a" of "headers="'],
    ['guard_cors https://a.example headers=*,X-A;', 'value "*" of "headers=" beside others'],
    ['guard_cors https://a.example headers=Cookie;', 'invalid value "Cookie" of "headers=", no script can set it'],
    ['guard_cors https://a.example headers=Sec-Fetch-Site;', 'invalid value "Sec-Fetch-Site" of "headers=", no script can set it'],
    ['guard_cors https://a.example expose=Set-Cookie;', 'invalid value "Set-Cookie" of "expose=", no script can read it'],
    ['guard_cors https://a.example max_age=2d;', 'invalid value "2d" of "max_age=", a time from 0 to 1d is expected'],
    ['guard_cors https://a.example max_age=1500ms;', 'invalid value "1500ms" of "max_age=", whole seconds are expected'],
    ['guard_cors https://a.example headers=' . join(',', map { "X-$_" } 1 .. 65) . ';', 'more than 64 values of "headers="'],

    ['guard_csrf;', 'invalid number of arguments in "guard_csrf" directive'],
    ['guard_csrf yes;', 'invalid value "yes" of "guard_csrf", it must be "off", "on" or "token"'],
    ['guard_csrf off trusted=https://a.example;', 'unexpected word "trusted=https://a.example" after "off"'],
    ['guard_csrf on token;', 'unexpected word "token"'],
    ['guard_csrf on trust=https://a.example;', 'unknown parameter "trust=", did you mean "trusted="?'],
    ['guard_csrf on trusted=a.example;', 'invalid origin "a.example", it has no scheme, did you mean "https://a.example"?'],
    ['guard_csrf on trusted=https://a.example,https://a.example;', 'duplicate origin "https://a.example"'],
    ['guard_csrf on trusted=*;', 'origin "*" of "trusted=" would trust every site'],
    ['guard_csrf on trusted=null;', 'origin "null" of "trusted=" would trust every site'],
    ['guard_csrf on except=hooks;', 'invalid value "hooks" of "except=", it must begin with "/"'],
    ['guard_csrf on except=/;', 'invalid value "/" of "except=", it would except every request'],
    ['guard_csrf token;', '"session=" is missing'],
    ['guard_csrf token session=a=b;', 'invalid cookie name "a=b" of "session="'],
    ['guard_csrf on session=sid;', '"session=" has no meaning without "token"'],
);

my $server = make_nginx();
for my $case (@cases) {
    my ($text, $message) = @$case;
    $server->configure(config => $text);
    my ($status, $output) = $server->test_config;
    my $name = substr $text, 0, 100;
    is $status >> 8, 1, "$name: nginx -t fails";
    my @said = map { s/^nginx: \[emerg\] //r } grep { /\[emerg\]/ } split /\n/, $server->in_sections($output);
    is "@said", "$message in config:1", "$name: its line";
}
for my $directive ('guard_cors https://a.example;', 'guard_csrf on;') {
    my ($word) = split ' ', $directive;
    $server->configure(config => "$directive\n$directive");
    my ($status, $output) = $server->test_config;
    like $server->in_sections($output), qr/\[emerg\] "$word" directive is duplicate in config:2/, "$word twice";
}

sub notices {
    my (%section) = @_;
    $server->configure(%section);
    unlink $server->log_file('test-error.log');
    my ($status) = $server->test_config;
    is $status, 0, 'nginx -t';
    # nginx shows warnings, but only writes notices into the log.
    my $text = $server->in_sections($server->log_text('test-error.log'));
    return join "\n", map { /(\[(?:notice|warn)\]) \d+#\d+: (.*)/ ? "$1 $2" : () } split /\n/, $text;
}
my $said = '[notice] "guard_csrf" refuses the unsafe requests of "%s", an origin that "guard_cors" allows, unless "trusted=" names it in %s';
is notices(http_config => "guard_cors https://a.example https://*.b.example https://c.example;\nguard_csrf on trusted=https://*.b.example,https://c.example;"),
    sprintf($said, 'https://a.example', 'http_config:2'), 'an allowed origin that is not trusted, once for all servers';
is notices(http_config => 'guard_cors https://a.example;', config => "location /a { guard_csrf on; }\nlocation /b { guard_csrf on trusted=https://a.example; }"),
    sprintf($said, 'https://a.example', 'config:1'), 'in a location';
is notices(http_config => "guard_cors https://a.b.example;\nguard_csrf on trusted=https://*.b.example;"), '', 'trusted by a wildcard';
is notices(config => "guard_cors * headers=*,Authorization;\nguard_csrf off;"), '', 'any origin, without credentials';
done_testing;
