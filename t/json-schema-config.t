# What nginx -t says of guard_json_schema and of the schemas that it names.

use lib 't/lib';
use Test::Nginx::Socket 'no_plan';

no_long_string();

run_tests();

__DATA__

=== TEST 1: no file
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/none.json;
--- config_error
cannot read "none.json": No such file or directory in config:1

=== TEST 2: not JSON
--- user_files
>>> a.json
{"type": "object",
 "required" ["a"]}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" is not JSON: expected a colon behind a member name at line 2, column 13 in config:1

=== TEST 3: not a schema by its own metaschema
--- user_files
>>> a.json
{"properties": {"a/b": {"type": "strin"}}}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/properties/a~1b/type": must be one of "array", "boolean", "integer", "null", "number", "object", "string" ("enum" of "https://json-schema.org/draft/2020-12/schema") in config:1

=== TEST 4: a reference to nothing
--- user_files
>>> a.json
{"items": {"$ref": "b.json#/$defs/x"}}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/items/$ref": a reference to no known schema, "b.json#/$defs/x" in config:1

=== TEST 5: an unknown draft
--- user_files
>>> a.json
{"$schema": "http://json-schema.org/draft-03/schema#"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "": unknown "$schema" "http://json-schema.org/draft-03/schema#"; known are the drafts 4, 6, 7, 2019-09 and 2020-12, such as "https://json-schema.org/draft/2020-12/schema" in config:1

=== TEST 6: a bad pattern
--- user_files
>>> a.json
{"properties": {"a": {"pattern": "^(a"}}}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json formats=annotate;
--- config_error
"a.json" at "/properties/a/pattern": a group that is not closed at byte 3 of the pattern in config:1

=== TEST 7: without end
--- user_files
>>> a.json
{"$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"a.json" at "/$defs/a": a schema that applies itself to the same value, without end in config:1

=== TEST 8: unknown keywords, and a schema that accepts everything, are warned of once
--- user_files
>>> a.json
{"propertis": {"a": {"type": "string"}}, "x-owner": "us"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
location /b { guard_json_schema $TEST_NGINX_HTML_DIR/a.json errors=3; }
--- config_warning
"a.json" at "/propertis": unknown keyword "propertis" in config:1
"a.json" at "": the schema accepts everything in config:1

=== TEST 9: wrong words
--- user_files
>>> a.json
true
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json draft=5;
--- config_error
invalid value "5" of "draft", it must be "4", "6", "7", "2019-09" or "2020-12" in config:1

=== TEST 10: a method without a body
--- user_files
>>> a.json
true
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json methods=POST,GET;
--- config_error
invalid value "GET" of "methods", it must be "POST", "PUT", "PATCH" or "DELETE" in config:1

=== TEST 11: too many errors
--- user_files
>>> a.json
true
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json errors=101;
--- config_error
invalid value "101" of "errors", a number from 1 to 100 is expected in config:1

=== TEST 12: an unknown word
--- config
guard_json_schema a.json format=assert;
--- config_error
unknown parameter "format=", did you mean "formats="? in config:1

=== TEST 13: twice
--- user_files
>>> a.json
{"type": "object"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
--- config_error
"guard_json_schema" directive is duplicate in config:2

=== TEST 14: guard_json off against it
--- user_files
>>> a.json
{"type": "object"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json;
location /upload { guard_json off; }
--- config_error
"guard_json off" contradicts "guard_json_schema", which implies "guard_json required"; write "guard_json_schema off" as well in config:2

=== TEST 15: a directory of references that is not there
--- user_files
>>> a.json
{"type": "object"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json refs=$TEST_NGINX_HTML_DIR/none;
--- config_error
cannot read the directory "none": No such file or directory in config:1

=== TEST 16: references by URI and by "$id", and an unknown format
--- user_files
>>> a.json
{"type": "object", "properties": {"a": {"$ref": "https://example.com/s/b.json"}, "c": {"$ref": "urn:example:c"}, "d": {"format": "colour"}}}
>>> refs/b.json
{"type": "string"}
>>> refs/c.json
{"$id": "urn:example:c", "type": "number"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json refs=https://example.com/s/=$TEST_NGINX_HTML_DIR/refs;
--- config_warning
"a.json" at "/properties/d/format": unknown format "colour" in config:1

=== TEST 17: forms that are neither on nor off
--- user_files
>>> a.json
{"type": "object"}
--- config
guard_json_schema $TEST_NGINX_HTML_DIR/a.json forms=yes;
--- config_error
invalid value "yes" of "forms", it must be "on" or "off" in config:1
