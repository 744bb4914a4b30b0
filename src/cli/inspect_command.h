// guardctl inspect: a request through the rules, at the desk.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_inspect(std::span<const std::string_view> words);

inline constexpr Command kInspectCommand = {
    "inspect", "[OPTION ...] FILE|-", "say which rules a request matches, and why",
    "Reads one HTTP/1 request as it goes over the wire (lines may end in LF alone) and prints the\n"
    "rules that match, where, the scores and the verdict, as guard_inspect would have it. Exits\n"
    "with 0 when the request passes, with 1 when it is refused, with 2 when there is an error.\n"
    "\n"
    "  --paranoia N    as guard_inspect_paranoia, 1 to 4\n"
    "  --threshold N   as guard_inspect_threshold\n"
    "  --rules FILE    as a word of guard_inspect_rules; may be repeated\n"
    "  --cache DIR     as guard_inspect_cache, with its default; \"off\": compile the patterns\n"
    "  --excerpt       show what was found, too: bytes of the request\n"
    "  --extension     alone: print the rules that \"crs-extended\" has beside the Core Rule Set\n"
    "  --vocabulary    alone: print the words of SecLang that are known, and those of no effect\n"
    "\n"
    "It is a program of its own beside this one, guardctl-inspect, since it needs the libraries\n"
    "of the second module file.\n",
    run_inspect};

}  // namespace guard::cli
