// guardctl openapi: OpenAPI documents at the desk. Each of its own commands has a line in the table
// of openapi_command.cpp.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_openapi(std::span<const std::string_view> words);

inline constexpr Command kOpenapiCommand = {
    "openapi", "convert FILE", "write an OpenAPI document in YAML as JSON",
    "convert FILE   Prints the YAML in FILE, \"-\" for standard input, as JSON, for nginx to\n"
    "               read. What it says stays the same: order, numbers digit by digit, and\n"
    "               unquoted words as YAML 1.2 takes them, so that yes, no, on and dates\n"
    "               are strings. Merge keys (<<) are resolved, aliases written out. Refused\n"
    "               are duplicate keys, several documents, and what JSON cannot say: .inf,\n"
    "               .nan, keys that are collections, tags of other types.\n"
    "\n"
    "Exit codes: 0 done; 1 FILE cannot be read or converted; 2 the command line is wrong.\n",
    run_openapi};

}  // namespace guard::cli
