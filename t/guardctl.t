# guardctl from outside: what it prints, where, and its exit codes.

use strict;
use warnings;
use lib 't/lib';

use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64url);
use Test::More;
use Test::Nginx::Guard::Guardctl qw(guardctl guardctl_path);

my $guardctl = guardctl_path();

sub answers {
    my ($words, $code, $out, $err) = @_;
    my ($got_code, $got_out, $got_err) = guardctl(@$words);
    my $name = "guardctl @$words";
    is $got_code, $code, "$name: exit code";
    ref $out ? like $got_out, $out, "$name: output" : is $got_out, $out, "$name: output";
    is $got_err, $err, "$name: errors";
    return;
}

sub misuse {
    my ($words, $sentence) = @_;
    my $of = @$words && $words->[0] =~ /\A(?:openapi|schema|secret)\z/ ? "$words->[0] " : '';
    return answers($words, 2, '', "guardctl: $sentence\nTry \"guardctl $of--help\".\n");
}

my $version = do {
    open my $header, '<', 'src/core/version.h' or die "src/core/version.h: $!\n";
    local $/;
    <$header> =~ /kVersion = "([^"]+)"/ ? $1 : die "no version\n";
};

answers([$_], 0, "guardctl $version\n", '') for qw(--version -V);
answers([$_], 0, qr/\Aguardctl - .*\nUsage: guardctl COMMAND.*\n  secret \[--bytes N\] +print a fresh random secret\n.*\nExit codes: /s, '')
    for qw(--help -h help);
answers($_, 0, qr/\Aguardctl secret - print a fresh random secret\n\nUsage: guardctl secret \[--bytes N\]\n\n.*umask 077/s, '')
    for ['help', 'secret'], ['secret', '--help'], ['secret', '--bytes', '20', '-h'];

my (undef, $help) = guardctl('--help');
is scalar(grep { length > 100 } split /\n/, $help), 0, 'no line of the help is too long';

misuse([], 'no command');
misuse(['sceret'], 'unknown command "sceret", did you mean "secret"?');
misuse(['frobnicate'], 'unknown command "frobnicate"');
misuse(['help', 'frobnicate'], 'unknown command "frobnicate"');
misuse(['--frobnicate'], 'unknown option "--frobnicate"');
misuse(['--version', 'x'], 'unexpected word "x" after "--version"');

for my $case ([[], 32], [['--bytes', '16'], 16], [['--bytes=17'], 17], [['--bytes', '18'], 18],
    [['--bytes=1024'], 1024]) {
    my ($words, $bytes) = @$case;
    my ($code, $out, $err) = guardctl('secret', @$words);
    is $code, 0, "secret @$words: exit code";
    is $err, '', "secret @$words: no errors";
    like $out, qr/\A[A-Za-z0-9_-]+\n\z/, "secret @$words: base64url and a newline";
    chomp $out;
    is length decode_base64url($out), $bytes, "secret @$words: $bytes bytes";
    my (undef, $again) = guardctl('secret', @$words);
    isnt $again, "$out\n", "secret @$words: another one the next time";
}

my $range = 'of "--bytes", a number from 16 to 1024 is expected';
misuse(['secret', '--bytes', $_], "invalid value \"$_\" $range") for '15', '1025', 'x', '-1', '';
misuse(['secret', '--bytes='], "invalid value \"\" $range");
misuse(['secret', '--bytes'], '"--bytes" needs a number');
misuse(['secret', 'x'], 'unexpected word "x" after "secret"');
misuse(['secret', '--bytes', '32', 'x'], 'unexpected word "x" after "secret"');

SKIP: {
    skip 'no /dev/full', 8 unless -c '/dev/full';
    my $out = `$guardctl secret 2>&1 >/dev/full`;
    is $? >> 8, 1, 'an output that takes nothing: exit code';
    is $out, "guardctl: cannot write the secret\n", 'an output that takes nothing: errors';
    my $dir = tempdir(CLEANUP => 1);
    open my $page, '>', "$dir/page.html" or die $!;
    print {$page} '<script>a()</script>';
    close $page;
    for my $words ("csp hash $dir/page.html", "schema conf.d/schemas/item.json conf.d/schemas/item.json", 'openapi check conf.d/openapi/items.json') {
        my $said = `$guardctl $words 2>&1 >/dev/full`;
        is $? >> 8, 1, "guardctl $words >/dev/full: exit code";
        is $said, "guardctl: cannot write to standard output\n", "guardctl $words >/dev/full: errors";
    }
}


# guardctl schema: every transcript of docs/contract.md, word for word.
{
    my $page = do { open my $in, '<', 'docs/contract.md' or die "docs/contract.md: $!\n"; local $/; <$in> };
    my $dir = tempdir(CLEANUP => 1);
    while ($page =~ /^```(?:json|text) (\S+)\n(.*?)^```$/msg) {
        open my $file, '>', "$dir/$1" or die "$dir/$1: $!\n";
        print {$file} $2;
        close $file;
    }
    my $transcripts = 0;
    my $path = abs_path($guardctl);
    while ($page =~ /^```console\n\$ guardctl ([^\n]*)\n(.*?)^```$/msg) {
        my ($words, $expected) = ($1, $2);
        is scalar(`cd $dir && $path $words 2>&1`), $expected, "docs/contract.md: guardctl $words";
        is $? >> 8, 1, "docs/contract.md: guardctl $words: exit code";
        ++$transcripts;
    }
    cmp_ok $transcripts, '>=', 3, 'docs/contract.md has transcripts';

    my $write = sub { my ($name, $text) = @_; open my $file, '>', "$dir/$name" or die $!; print {$file} $text; close $file; return "$dir/$name" };
    my $schema = $write->('s.json', '{"type":"object","properties":{"a":{"$ref":"https://example.com/s/part.json"}},"colour":1}');
    mkdir "$dir/refs" or die $!;
    $write->('refs/part.json', '{"type":"string","format":"ipv4"}');
    my $good = $write->('good.json', '{"a":"192.0.2.1"}');
    my $odd  = $write->('odd.json', '{"a":"192.0.2.256"}');
    my $bad  = $write->('bad.json', '{"a":');
    my $warning = qq(guardctl: warning: "$schema" at "/colour": unknown keyword "colour"\n);
    my @refs = ("--refs=https://example.com/s/=$dir/refs");
    answers(['schema', @refs, $schema], 0, '', $warning);
    answers(['schema', @refs, $schema, $good], 0, "$good: valid\n", $warning);
    answers(['schema', @refs, $schema, $good, $odd], 1, qq($good: valid\n$odd: "/a" must be of the format "ipv4" (format)\n), $warning);
    answers(['schema', '--formats', 'annotate', @refs, $schema, $odd], 0, "$odd: valid\n", $warning);
    answers(['schema', $schema, '--formats=annotate', $odd, @refs], 0, "$odd: valid\n", $warning);
    answers(['schema', @refs, $schema, $bad], 1, qq($bad: "/a" the body ends before its JSON value does at byte 5\n), $warning);
    answers(['schema', @refs, $schema, "$dir/none"], 1, '', qq(${warning}guardctl: cannot read "$dir/none": No such file or directory\n));
    misuse(['schema'], '"schema" needs the file of a schema');
    misuse(['schema', '--nope', $schema], 'unknown option "--nope" of "schema"');
    misuse(['schema', '--draf=7', $schema], 'unknown option "--draf" of "schema", did you mean "--draft"?');
    misuse(['schema', '--draft'], '"--draft" needs a value');
    answers(['schema', $schema], 2, '', qq(guardctl: "$schema" at "/properties/a/\$ref": a reference to no known schema, "https://example.com/s/part.json"\n));
    answers(['schema', "$dir/none"], 2, '', qq(guardctl: cannot read "$dir/none": No such file or directory\n));
    answers(['schema', '--draft=3', $schema], 2, '', qq(guardctl: invalid value "3" of "draft", it must be "4", "6", "7", "2019-09" or "2020-12"\n));
    my $form = $write->('good.form', 'a=192.0.2.1');
    answers(['schema', '--forms=on', @refs, $schema, $form, $good], 1,
        qq($form: valid\n$good: "" expected a "=" behind a name at byte 17\n), $warning);
    my $alike = $write->('alike.form', 'a=192.0.2.1&a[]=x');
    answers(['schema', '--forms=on', @refs, $schema, $alike], 1, qq($alike: "/a[]" must be written as the schema names it\n), $warning);
    answers(['schema', '--forms=yes', $schema, $form], 2, '', qq(guardctl: invalid value "yes" of "forms", it must be "on" or "off"\n));
    # What a document holds makes no line, and moves no cursor.
    my $closed = $write->('closed.json', '{"type":"object","additionalProperties":false}');
    my $hostile = $write->('hostile.json', '{"\\nother.json: valid\\n":1,"\\u001b[2J\\u202e":2}');
    answers(['schema', $closed, $hostile], 1,
        qq($hostile: "/\\u{a}other.json: valid\\u{a}" is not a known member (additionalProperties)\n)
        . qq($hostile: "/\\u{1b}[2J\\u{202e}" is not a known member (additionalProperties)\n), '');
    my $odder = $write->('odder.json', '{"type":"object","required":["\\n"],"\\u001b[2J":1}');
    answers(['schema', $odder, $good], 1, qq($good: "" must have the member "\\u{a}" (required)\n),
        qq(guardctl: warning: "$odder" at "/\\u{1b}[2J": unknown keyword "\\u{1b}[2J"\n));
    misuse(['schema'], '"schema" needs the file of a schema');
    misuse(['schema', '--draft'], '"--draft" needs a value');
}

# guardctl openapi: what it makes of YAML is tried in t/unit/yaml_to_json_test.cpp.
{
    my $dir = tempdir(CLEANUP => 1);
    my $write = sub { my ($name, $text) = @_; open my $file, '>', "$dir/$name" or die $!; print {$file} $text; close $file; return "$dir/$name" };
    my $api = $write->('api.yaml', <<'END');
openapi: 3.1.0
info: {title: Orders, version: '1.0'}
paths:
  /orders/{id}:
    get: &get
      responses:
        200: {description: yes}
    head:
      <<: *get
      summary: no body
END
    my $json = <<'END';
{
  "openapi": "3.1.0",
  "info": {
    "title": "Orders",
    "version": "1.0"
  },
  "paths": {
    "/orders/{id}": {
      "get": {
        "responses": {
          "200": {
            "description": "yes"
          }
        }
      },
      "head": {
        "responses": {
          "200": {
            "description": "yes"
          }
        },
        "summary": "no body"
      }
    }
  }
}
END
    answers(['openapi', 'convert', $api], 0, $json, '');
    my $again = $write->('api.json', $json);
    answers(['openapi', 'convert', $again], 0, $json, '');
    is scalar(`$guardctl openapi convert - <$api`), $json, 'guardctl openapi convert -: output';
    my $bad = $write->('bad.yaml', "paths:\n  /a: {}\n  /a: {}\n");
    answers(['openapi', 'convert', $bad], 1, '', qq(guardctl: "$bad" at line 3, column 3: duplicate key "/a"\n));
    my $empty = $write->('empty.yaml', '');
    answers(['openapi', 'convert', $empty], 1, '', qq(guardctl: "$empty": no document in it\n));
    answers(['openapi', 'convert', "$dir/none"], 1, '', qq(guardctl: cannot read "$dir/none": No such file or directory\n));
    answers(['openapi', 'convert', $dir], 1, '', qq(guardctl: cannot read "$dir": Is a directory\n));
    answers(['help', 'openapi'], 0, qr/\Aguardctl openapi - .*\n\nUsage: guardctl openapi check\|convert \.\.\.\n\n.*\nExit codes: /s, '');
    my @check = ('openapi', 'check', 'conf.d/openapi/items.json');
    answers([@check], 0, "conf.d/openapi/items.json: valid, 5 operations\n", '');
    answers([@check, 'GET', '/api/items?limit=5&tag=a&tag=b'], 0, "listItems: valid\n", '');
    answers([@check, 'GET', '/api/items?limit=500&tag=' . 'a' x 41], 1,
        "openapi.parameter: query \"limit\" must be at most 100 (maximum)\n"
        . "openapi.parameter: query \"tag\" at \"/0\" must have at most 40 characters (maxLength)\n", '');
    answers([@check, 'GET', '/api/items/0'], 1, "openapi.parameter: path \"id\" must be at least 1 (minimum)\n", '');
    answers([@check, 'PATCH', '/api/items/1'], 1, "openapi.method: the path has no such method, but GET, PUT, DELETE, HEAD\n", '');
    answers([@check, 'GET', '/items'], 1, "openapi.path: the API has no such path\n", '');
    answers([@check, '--base=/', 'GET', '/items'], 0, "listItems: valid\n", '');
    answers([@check, 'GET', '/api/%2e%2e/items'], 1, "path.ambiguous: the path holds a dot segment (/./, /../ or /..;/, plain or encoded)\n", '');
    answers([@check, 'GET', '/api/items?limit=1#2'], 1, "path.ambiguous: the URI holds a fragment (#)\n", '');
    my $item = $write->('item.json', '{"title":""}');
    answers([@check, 'POST', '/api/items', $item], 1, "json.schema: body at \"/title\" must have at least 1 character (minLength)\n", '');
    $write->('item.json', '{"title":"a","\\nlistItems: valid\\n":1}');
    answers([@check, 'POST', '/api/items', $item], 1, qq(json.schema: body at "/\\u{a}listItems: valid\\u{a}" is not a known member (additionalProperties)\n), '');
    answers([@check, 'POST', '/api/items', '--type=text/plain', $item], 1, "json.media_type: the Content-Type is none that the operation takes\n", '');
    answers([@check, 'POST', '/api/items'], 1, "openapi.body: the operation needs a body\n", '');
    my $escapes = $write->('escapes.json', '{"openapi":"3.1.0","servers":[{"url":"https://example.com/caf%C3%A9"}],"paths":{"/a%20b":{"get":{"operationId":"blank"}}}}');
    answers(['openapi', 'check', $escapes, 'GET', '/caf%C3%A9/a%20b'], 0, "blank: valid\n", '');
    my $alike = $write->('alike.json', '{"openapi":"3.1.0","paths":{"/o/bulk":{"post":{}},"/o/{id}":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],'
        . '"post":{"operationId":"one","requestBody":{"content":{"application/x-www-form-urlencoded":{"schema":{"properties":{"price":{"type":"integer"}}}}}}}}}}');
    my $price = $write->('price.form', 'price=5');
    my @pay = ('openapi', 'check', $alike, '--type=application/x-www-form-urlencoded', 'POST');
    answers([@pay, '/o/BULK', $price], 1, "openapi.path: the path must be written as the document names it\n", '');
    answers([@pay, '/o/7?price=1', $price], 1, "json.schema: the query names a field of the form with another value\n", '');
    answers([@pay, '/o/7?price=5', $price], 0, "one: valid\n", '');
    answers([@pay, '/o/7', $write->('put.form', 'price=5&_method=PUT')], 1, "json.method_override: the method must be that of the request line\n", '');
    answers([@check, 'POST', '/api/items?title=x', $write->('title.json', '{"title":"y"}')], 1, "json.schema: the query names a member of the body with another value\n", '');
    # What is no violation of the schema has the code that nginx gives it.
    my $texts = $write->('texts.json', '{"openapi":"3.1.0","paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":{"pattern":"^(a+)+$"}},'
        . '"application/x-www-form-urlencoded":{"schema":{"type":"object"}}}}}}}}');
    for my $case (['"' . 'a' x 60 . '!"', 'json.pattern_limit: a pattern would take too long'], ['{"a":1,"a":2}', 'json.duplicate_key: an object has two members of the same name'],
        ["\"\xff\"", 'json.encoding: the body is not valid UTF-8'], ['{', 'json.syntax: the body ends before its JSON value does'])
    {
        my $text = $write->('text.json', $case->[0]);
        answers(['openapi', 'check', $texts, 'POST', '/a', $text], 1, "$case->[1]\n", '');
    }
    my $twice = $write->('twice.form', 'a=1&a=2');
    answers(['openapi', 'check', $texts, '--type=application/x-www-form-urlencoded', 'POST', '/a', $twice], 1, "json.duplicate_key: a name is repeated\n", '');
    answers([@check, 'DELETE', '/api/items/3', $item], 1, "openapi.body: the operation takes no body\n", '');
    answers(['openapi', 'check', $item], 2, '', qq(guardctl: "$item" at "": must be an OpenAPI document of version 3.0 or 3.1, which "openapi" says\n));
    misuse(['openapi', 'check'], '"openapi check" needs a file');
    misuse([@check, 'GET'], '"openapi check" needs a URI with the method');
    misuse([@check, '--bas=/'], 'unknown option "--bas" of "openapi", did you mean "--base"?');
    misuse([@check, '--base'], '"--base" needs a value');
    answers([@check, '--base', '/', 'GET', '/items'], 0, "listItems: valid\n", '');
    misuse(['openapi'], '"openapi" needs "check" or "convert"');
    misuse(['openapi', 'x'], 'unknown command "openapi x", "check" or "convert" is expected');
    misuse(['openapi', 'covert', $api], 'unknown command "openapi covert", did you mean "convert"?');
    misuse(['openapi', 'convert'], '"openapi convert" needs a file');
    misuse(['openapi', 'convert', $api, 'x'], qq(unexpected word "x" after "$api"));
    SKIP: {
        skip 'no /dev/full', 8 unless -c '/dev/full';
        my $out = `$guardctl openapi convert $api 2>&1 >/dev/full`;
        is $? >> 8, 1, 'openapi convert, an output that takes nothing: exit code';
        is $out, "guardctl: cannot write to standard output\n", 'openapi convert, an output that takes nothing: errors';
    }
}

done_testing;
