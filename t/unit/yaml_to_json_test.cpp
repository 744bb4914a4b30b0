// YAML as guardctl openapi convert writes it: scalars, names, merge keys, aliases, and what is
// refused.
#include "cli/yaml_to_json.h"

#include "cli/yaml_scalar.h"
#include "unit.h"

namespace cli = guard::cli;
using guard::unit::expect_text;

namespace {

std::string said(std::string_view yaml) {
  try {
    return cli::yaml_to_json(yaml);
  } catch (const cli::YamlError& error) {
    return "it" + std::string(error.what());
  }
}

void expect(std::string_view yaml, std::string_view json) {
  expect_text(said(yaml), json);
}

// The JSON of one plain scalar, without the newline.
void expect_plain(std::string_view scalar, std::string_view json) {
  expect("- " + std::string(scalar) + "\n", "[\n  " + std::string(json) + "\n]\n");
}

void plain_scalars_are_those_of_the_core_schema(void**) {
  for (const char* word : {"", "~", "null", "Null", "NULL"}) expect_plain(word, "null");
  for (const char* word : {"true", "True", "TRUE"}) expect_plain(word, "true");
  for (const char* word : {"false", "False", "FALSE"}) expect_plain(word, "false");
  for (const char* word : {"yes",      "no",    "on",    "off",        "y",
                           "n",        "tRUE",  "nUll",  "2001-12-14", "2001-12-14t21:59:43.10Z",
                           "12:30:45", "1_000", "0b1",   "0o8",        "0xg",
                           "0o",       "0x",    "-0x1",  "+0o7",       ".",
                           "-",        "+",     "e3",    "1e",         "1e+",
                           ".e3",      "-.",    "1.2.3", "3.0.0",      "infinity",
                           "nan",      "+.nan", "<<",    "1 2"}) {
    const bool block = std::string_view(word) == "-";
    if (block) continue;
    expect_plain(word, '"' + std::string(word) + '"');
  }
}

void numbers_keep_their_digits(void**) {
  for (const char* number :
       {"0", "-0", "7", "-12", "1.10", "1.0", "0.1e5", "18446744073709551616",
        "123456789012345678901234567890.123456789012345678901234567890", "-1.5e300"}) {
    expect_plain(number, number);
  }
  expect_plain("1e-7", "1e-7");
  expect_plain("1E+07", "1e7");
  expect_plain("1e00", "1e0");
  expect_plain("+5", "5");
  expect_plain("007", "7");
  expect_plain("-000", "-0");
  expect_plain("00.50", "0.50");
  expect_plain(".5", "0.5");
  expect_plain("-.5", "-0.5");
  expect_plain("5.", "5.0");
  expect_plain("5.e3", "5.0e3");
  expect_plain("0o17", "15");
  expect_plain("0x1F", "31");
  expect_plain("0xffffffffffffffff", "18446744073709551615");
}

void numbers_that_json_cannot_write_are_refused(void**) {
  for (const char* word : {".inf", "-.inf", "+.Inf", ".INF", ".nan", ".NaN", ".NAN"}) {
    expect("a: " + std::string(word),
           "it at line 1, column 4: JSON has no \"" + std::string(word) + "\"");
  }
  expect("0x10000000000000000",
         "it at line 1, column 1: a number of more than 64 bits that is not decimal");
  expect("- 1e1000000001",
         "it at line 1, column 3: a number that is too long, or its exponent too large");
  expect("- " + std::string(1001, '1'),
         "it at line 1, column 3: a number that is too long, or its exponent too large");
}

void quoted_scalars_are_strings(void**) {
  expect("['true', \"12\", '', \"~\", '<<', \"a\\tb\\u00e9\\x41\\/\", 'it''s', \"\\0\"]",
         "[\n  \"true\",\n  \"12\",\n  \"\",\n  \"~\",\n  \"<<\",\n  \"a\\tb\xC3\xA9"
         "A/\",\n"
         "  \"it's\",\n  \"\\u0000\"\n]\n");
  expect("a: |\n  1\n  2\nb: >-\n  3\n  4\n", "{\n  \"a\": \"1\\n2\\n\",\n  \"b\": \"3 4\"\n}\n");
}

void names_are_strings(void**) {
  expect("200: a\n1.0: b\ntrue: c\nnull: d\n0x10: e\nno: f\n'x': g\n",
         "{\n  \"200\": \"a\",\n  \"1.0\": \"b\",\n  \"true\": \"c\",\n  \"null\": \"d\",\n"
         "  \"16\": \"e\",\n  \"no\": \"f\",\n  \"x\": \"g\"\n}\n");
  expect("&a x: 1\ny: {*a : 2}\n", "{\n  \"x\": 1,\n  \"y\": {\n    \"x\": 2\n  }\n}\n");
  expect("a: 1\nb: 2\n\"a\": 3\n", "it at line 3, column 1: duplicate key \"a\"");
  expect("200: a\n'200': b\n", "it at line 2, column 1: duplicate key \"200\"");
  expect("? [a]\n: 1\n",
         "it at line 1, column 3: a key that is a collection, JSON has only strings");
  expect("a: &a {}\n? *a\n: 1\n",
         "it at line 2, column 3: a key that is a collection, JSON has only strings");
  expect("? {a: 1}\n: 1\n",
         "it at line 1, column 3: a key that is a collection, JSON has only strings");
  expect("\"a\\0\": 1", "it at line 1, column 1: a key with U+0000");
}

void tags_say_the_type(void**) {
  expect("[!!str 1, !!str , !!int 2, !!float 3, !!bool true, !!null '', ! 4]",
         "[\n  \"1\",\n  \"\",\n  2,\n  3,\n  true,\n  null,\n  \"4\"\n]\n");
  expect("!!map {a: !!seq [1]}", "{\n  \"a\": [\n    1\n  ]\n}\n");
  expect("- !!int a", "it at line 1, column 3: \"a\" is no !!int");
  expect("- !!int 1.5", "it at line 1, column 3: \"1.5\" is no !!int");
  expect("- !!bool yes", "it at line 1, column 3: \"yes\" is no !!bool");
  expect("- !!binary aGk=",
         "it at line 1, column 3: a tag of no type of JSON, \"tag:yaml.org,2002:binary\"");
  expect("- !thing a", "it at line 1, column 3: a tag of no type of JSON, \"!thing\"");
  expect("!!set {a}",
         "it at line 1, column 1: a tag of no type of JSON, \"tag:yaml.org,2002:set\"");
  expect("!!map []", "it at line 1, column 1: a tag of no type of JSON, \"tag:yaml.org,2002:map\"");
}

void merge_keys_are_resolved(void**) {
  // Its own members win wherever they stand, and of several mappings the first.
  expect("base: &b {a: 1, c: 3}\nother: &o {c: 4, d: 5}\nx:\n  a: 9\n  <<: [*b, *o]\n  d: 8\n",
         "{\n  \"base\": {\n    \"a\": 1,\n    \"c\": 3\n  },\n  \"other\": {\n    \"c\": 4,\n"
         "    \"d\": 5\n  },\n  \"x\": {\n    \"a\": 9,\n    \"c\": 3,\n    \"d\": 8\n  }\n}\n");
  // A mapping that has merged brings what it has.
  expect("a: &a {p: 1}\nb: &b {<<: *a, q: 2}\nc: {<<: *b}\n",
         "{\n  \"a\": {\n    \"p\": 1\n  },\n  \"b\": {\n    \"p\": 1,\n    \"q\": 2\n  },\n"
         "  \"c\": {\n    \"p\": 1,\n    \"q\": 2\n  }\n}\n");
  expect("{<<: {a: 1}, b: 2}", "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
  expect("'<<': 1", "{\n  \"<<\": 1\n}\n");
  expect("<<: 1", "it at line 1, column 1: \"<<\" names something that is no mapping");
  expect("a: 1\n<<: [{}, 2]", "it at line 2, column 1: \"<<\" names something that is no mapping");
  expect("<<: {a: 1}\n<<: {b: 1}", "it at line 2, column 1: duplicate key \"<<\"");
}

void aliases_are_written_out(void**) {
  expect("a: &x [1, &y two]\nb: *x\nc: *y\n",
         "{\n  \"a\": [\n    1,\n    \"two\"\n  ],\n  \"b\": [\n    1,\n    \"two\"\n  ],\n"
         "  \"c\": \"two\"\n}\n");
  expect("a: &x [*x]", "it at line 1, column 8: an alias inside of what it stands for");
  expect("&x {a: {<<: *x}}", "it at line 1, column 13: an alias inside of what it stands for");
  expect("a: *nobody", "it at line 1, column 4: the referenced anchor is not defined");
  expect("a: &x {b: 1}\nc: {&y <<: *x, d: *y}",
         "it at line 2, column 19: an alias of \"<<\", which is no value");
}

void many_aliases_are_refused(void**) {
  std::string laughs = "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n";
  std::string merges = "a0: &a0 {k: 1}\n";
  std::string depth = "a0: &a0 []\n";
  for (int i = 1; i < 600; ++i) {
    const std::string now = 'a' + std::to_string(i);
    const std::string last = 'a' + std::to_string(i - 1);
    depth.append(now + ": &" + now + " [[*" + last + "]]\n");
    if (i >= 12) continue;
    laughs.append(now + ": &" + now + " [");
    for (int k = 0; k < 9; ++k) laughs.append(k > 0 ? ",*" : "*").append(last);
    laughs.append("]\n");
  }
  expect(laughs,
         "it at line 1, column 26: with its aliases the document comes to more than 64 MB of JSON");
  expect(depth, "it at line 513, column 14: nested too deeply");
  merges = "a: &a {";
  for (int i = 0; i < 1000; ++i) merges.append("k" + std::to_string(i) + ": 1, ");
  merges.append("}\nb:\n");
  for (int i = 0; i < 1001; ++i) merges.append("- {<<: *a}\n");
  expect(merges,
         "it at line 1003, column 4: \"<<\" merges more than 1000000 members in this document");
}

void there_is_one_document(void**) {
  expect("---\na: 1\n...\n", "{\n  \"a\": 1\n}\n");
  expect("%YAML 1.2\n---\n1\n", "1\n");
  expect("# nothing\n", "it: no document in it");
  expect("", "it: no document in it");
  expect("---\n", "null\n");
  expect("a: 1\n---\nb: 2\n", "it at line 2, column 1: a second document, only one is expected");
}

void characters_are_those_of_yaml(void**) {
  expect("a: b\n\xC3\xA9: \xFF", "it at line 2, column 4: bytes that are not UTF-8");
  expect(
      "a: 1\n\x04"
      "b: 2\n",
      "it at line 2, column 1: a control character, write it as an escape in double quotes");
  expect(std::string("a: \0", 4),
         "it at line 1, column 4: a control character, write it as an escape in double quotes");
  expect(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: 2\r\n",
      "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
}

void what_is_no_yaml_says_where(void**) {
  expect("a: [1, 2\nb: 3\n", "it at line 2, column 2: end of sequence flow not found");
  expect("{\"a\": [1, 2", "it at line 1, column 1: end of sequence flow not found");
  expect("a:\n\t- 1\n", "it at line 2, column 2: illegal block entry");
  expect(std::string(600, '[') + "a" + std::string(600, ']'),
         "it at line 1, column 1: nested too deeply");
  expect("\"" + std::string(std::size_t{16} << 20U, 'a') + "\"", "it: more than 16 MB");
}

void json_stays_what_it_is(void**) {
  expect("{\"b\":1.50,\"a\":[1E+2,\"\\ud83d\\ude00\\/\",{},[],null,true]}",
         "{\n  \"b\": 1.50,\n  \"a\": [\n    1E+2,\n    \"\xF0\x9F\x98\x80/\",\n    {},\n    [],\n"
         "    null,\n    true\n  ]\n}\n");
  expect("{\n\t\"a\": 1,\n\t\"a\": 2\n}", "it at line 3, column 2: duplicate key \"a\"");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(plain_scalars_are_those_of_the_core_schema),
      cmocka_unit_test(numbers_keep_their_digits),
      cmocka_unit_test(numbers_that_json_cannot_write_are_refused),
      cmocka_unit_test(quoted_scalars_are_strings),
      cmocka_unit_test(names_are_strings),
      cmocka_unit_test(tags_say_the_type),
      cmocka_unit_test(merge_keys_are_resolved),
      cmocka_unit_test(aliases_are_written_out),
      cmocka_unit_test(many_aliases_are_refused),
      cmocka_unit_test(there_is_one_document),
      cmocka_unit_test(characters_are_those_of_yaml),
      cmocka_unit_test(what_is_no_yaml_says_where),
      cmocka_unit_test(json_stays_what_it_is),
  };
  return cmocka_run_group_tests_name("yaml_to_json", tests, nullptr, nullptr);
}
