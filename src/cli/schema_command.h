// guardctl schema: a JSON Schema, and documents held to it, at the desk.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_schema(std::span<const std::string_view> words);

inline constexpr Command kSchemaCommand = {
    "schema", "[OPTION ...] SCHEMA [DOC ...]", "check a JSON Schema, and documents against it",
    "Compiles the JSON Schema in the file SCHEMA as guard_json_schema does, says what it\n"
    "warns of, and holds each file DOC to it. \"-\" is standard input. Prints \"DOC: valid\",\n"
    "or a line for each error: where (a JSON Pointer), what, and the keyword.\n"
    "\n"
    "    --draft=4|6|7|2019-09|2020-12   what SCHEMA is without a \"$schema\" (2020-12)\n"
    "    --formats=assert|annotate       whether \"format\" is checked (assert)\n"
    "    --refs=[URI=]DIR                schemas that may be referred to: by their \"$id\", and\n"
    "                                    by URI and the path below DIR\n"
    "    --errors=N                      at most so many for a document (10)\n"
    "    --forms=on                      each DOC is a form, NAME=VALUE&NAME=VALUE...\n"
    "\n"
    "Exit codes: 0 all are valid; 1 a document is not, or cannot be read; 2 the schema or\n"
    "the command line is wrong.\n",
    run_schema};

}  // namespace guard::cli
