// guardctl openapi: OpenAPI documents at the desk. Each of its own commands has a line in the table
// of openapi_command.cpp.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_openapi(std::span<const std::string_view> words);

inline constexpr Command kOpenapiCommand = {
    "openapi", "check|convert ...", "try requests on an OpenAPI document; convert one from YAML",
    "check FILE [METHOD URI [BODY]]\n"
    "               Checks the OpenAPI document in FILE as nginx -t does. With a request: names\n"
    "               its operation, or what guard_openapi would say of it. BODY is a file, \"-\"\n"
    "               for standard input.\n"
    "  --base=/PATH    what stands before the document's paths in URI\n"
    "  --type=TYPE     the body's Content-Type (application/json)\n"
    "  --header=NAME:VALUE  a header field; may be repeated\n"
    "\n"
    "convert FILE   Prints the YAML in FILE, \"-\" for standard input, as JSON, for nginx to\n"
    "               read. What it says stays the same: order, numbers digit by digit, and\n"
    "               unquoted words as YAML 1.2 takes them, so that yes, no, on and dates\n"
    "               are strings. Merge keys (<<) are resolved, aliases written out. Refused\n"
    "               are duplicate keys, several documents, and what JSON cannot say: .inf,\n"
    "               .nan, keys that are collections, tags of other types.\n"
    "\n"
    "Exit codes: 0 done, or the request is as the document says; 1 it is not, or FILE cannot be\n"
    "converted; 2 the command line or the document is wrong.\n",
    run_openapi};

}  // namespace guard::cli
