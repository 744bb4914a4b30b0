# What nginx -t says of guard_openapi and of the documents that it names.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

our $get = '"get":{"parameters":[{"name":"a","in":"query","schema":{"type":"string"}}]}';

run_tests();

__DATA__

=== TEST 1: no file
--- config
guard_openapi $TEST_NGINX_HTML_DIR/none.json;
--- config_error
cannot read "none.json": No such file or directory in config:1

=== TEST 1b: YAML
--- user_files
>>> a.yaml
openapi: 3.1.0
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.yaml;
--- config_error
"a.yaml" is not JSON: expected a value at line 1, column 1; "guardctl openapi convert" makes that of YAML in config:1

=== TEST 2: another version
--- user_files
>>> a.json
{"swagger":"2.0","paths":{"/a":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "": must be an OpenAPI document of version 3.0 or 3.1, which "openapi" says in config:1

=== TEST 3: a reference to nothing
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{"parameters":[{"$ref":"#/components/parameters/A"}]}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/paths/~1a/get/parameters/0/$ref": a reference to nothing that is known, "#/components/parameters/A" in config:1

=== TEST 4: a schema that is none in the dialect of 3.0
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{"parameters":[{"name":"a","in":"query","schema":{"type":["string"]}}]}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/paths/~1a/get/parameters/0/schema/type": must be one of "array", "boolean", "integer", "number", "object", "string" ("enum" of "urn:guard:openapi-3.0:schema-object") in config:1

=== TEST 5: a style that its place does not have, and the one that makes paths ambiguous
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a/{b}":{"get":{"parameters":[{"name":"b","in":"path","required":true,"style":"matrix","schema":{}}]}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/paths/~1a~1{b}/get/parameters/0": the style "matrix" cannot be served: paths with ";" are ambiguous in config:1

=== TEST 6: two paths of one shape
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a/{b}":{"get":{}},"/a/{c}":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/paths/~1a~1{c}": the path has the shape of another one above in config:1

=== TEST 7: braces that do not fit
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a/{b":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/paths/~1a~1{b": malformed "{" and "}" in the path in config:1

=== TEST 8: servers with different paths
--- user_files
>>> a.json
{"openapi":"3.0.0","servers":[{"url":"/v1"},{"url":"/v2"}],"paths":{"/a":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
the servers in "a.json" have different paths; write "base=" to say with which of them requests come here in config:1

=== TEST 9: against guard_path off
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{}}}}
--- config
location /a { guard_path off; guard_openapi $TEST_NGINX_HTML_DIR/a.json; }
--- config_error
"guard_path off" contradicts "guard_openapi", which implies "guard_path strict" in config:1

=== TEST 10: words
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json unknown=let;
--- config_error
invalid value "let" of "unknown", it must be "refuse" or "pass" in config:1

=== TEST 11: a base that is no path
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json base=v1;
--- config_error
"base" must begin with "/", not "v1" in config:1

=== TEST 12: responses_size without responses
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json responses_size=1k;
--- config_error
"responses_size" needs "responses=observe" or "responses=enforce" in config:1

=== TEST 13: a response that is of no status
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{"responses":{"20":{"description":"?"}}}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json responses=enforce;
--- config_error
"a.json" at "/paths/~1a/get/responses/20": a response must be a status, "2XX" and the like, or "default" in config:1

=== TEST 14: and which nobody asked for
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{"responses":{"20":{"description":"?"}}}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json responses=off;
--- no_request

=== TEST 15: an encoding that no form has
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"post":{"requestBody":{"content":{"application/x-www-form-urlencoded":{"schema":{},
 "encoding":{"b":{"style":"simple"}}}}}}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/paths/~1a/post/requestBody/content/application~1x-www-form-urlencoded/encoding/b": the style "simple" is none of a property of a form in config:1

=== TEST 16: parts of a path that no parameter describes
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a/{b}/{c}":{"parameters":[{"name":"b","in":"path","required":true,"schema":{}}],
 "get":{"parameters":[{"name":"c","in":"path","required":true,"schema":{}}]},"post":{}},"/d/{e}":{"get":{"parameters":[{"name":"e","in":"query","schema":{}}]}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_warning
"a.json" at "/paths/~1a~1{b}~1{c}/post": no parameter describes "{c}" of the path: anything passes there in config:1
"a.json" at "/paths/~1d~1{e}/get": no parameter describes "{e}" of the path: anything passes there in config:1

=== TEST 17: servers of a path and of an operation
--- user_files
>>> a.json
{"openapi":"3.0.0","servers":[{"url":"https://a.example/v1"}],"paths":{
 "/a":{"servers":[{"url":"/v2"}],"get":{}},"/b":{"get":{"servers":[{"url":"https://b.example/v3/"}]}},
 "/c":{"servers":[{"url":"https://b.example/v1/"},{"url":"/v4"}],"get":{"servers":[]}},"/d":{"servers":[{"url":"/{x}"}],"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json;
--- config_warning
"a.json" at "/paths/~1a/servers": requests are expected below "/v1" all the same, as the document's are in config:1
"a.json" at "/paths/~1b/get/servers": requests are expected below "/v1" all the same, as the document's are in config:1

=== TEST 18: what becomes of bodies that no schema holds
--- user_files
>>> a.json
{"openapi":"3.0.0","paths":{"/a":{"get":{}}}}
--- config
guard_openapi $TEST_NGINX_HTML_DIR/a.json unchecked=check;
--- config_error
invalid value "check" of "unchecked", it must be "pass" or "refuse" in config:1
