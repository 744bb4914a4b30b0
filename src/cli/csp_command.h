// guardctl csp: Content-Security-Policies at the desk.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_csp(std::span<const std::string_view> words);

inline constexpr Command kCspCommand = {
    "csp", "hash|check ...", "hash a page's inline scripts; check a Content-Security-Policy",
    "hash FILE      Prints the source, 'sha256-...', of each inline script and style of the\n"
    "               HTML page in FILE, \"-\" for standard input, with the directive that it\n"
    "               belongs to and the line of its tag. Of event handlers and style\n"
    "               attributes too, which need 'unsafe-hashes' beside it: better move them\n"
    "               into a script or a style.\n"
    "  --text          FILE is the text of one script or style, without its tags; a line\n"
    "                  feed at its end is part of it\n"
    "\n"
    "check POLICY   Says of POLICY what nginx -t says of guard_csp: mistakes that browsers skip\n"
    "               without a word, and holes. \"-\" reads it from standard input.\n"
    "  --report-only   the policy only reports\n"
    "\n"
    "Exit codes: 0 done, or nothing is wrong with POLICY; 1 something is, FILE cannot be read,\n"
    "or there is nothing to hash in it; 2 the command line is wrong, or POLICY cannot be sent.\n",
    run_csp};

}  // namespace guard::cli
