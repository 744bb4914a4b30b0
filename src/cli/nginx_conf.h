// nginx's configuration as it is written, to find which lines of it hold for a request. Read from
// the main file, with what it includes, or from what `nginx -T` prints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace guard::cli {

struct ConfDirective {
  std::vector<std::string> words;  // the name first, without quotes
  std::string file;
  std::uint32_t line = 0;  // of its first word
  std::vector<ConfDirective> block;

  std::string_view name() const { return words.front(); }
};

// Throws std::runtime_error with file and line: what cannot be read, is no configuration, or is
// more than 64 MB, 100,000 directives, or 64 blocks or files inside each other.
std::vector<ConfDirective> read_nginx_conf(std::string_view name);
// The same from a text; file is the name of it. Includes are looked up below the folder of file.
std::vector<ConfDirective> parse_nginx_conf(std::string_view text, std::string_view file);

// What is known of a request, as the event log has it.
struct ConfRequest {
  std::string_view domain;
  std::string_view path;    // as the client sent it
  std::string_view scheme;  // "http" or "https", or nothing
  std::string_view route;   // guard_route, or nothing
};

// The blocks around the request, the outermost first: http, server, location and what is nested.
// Where several servers have the name, that which has the route or the scheme is taken, else the
// first. Rewrites and internal redirects are not followed, nor are `if` and limit_except entered.
std::vector<const ConfDirective*> blocks_of(const std::vector<ConfDirective>& conf,
                                            const ConfRequest& request);

// The lines of a directive that hold there, by nginx's rule: those of the innermost block with any.
std::vector<const ConfDirective*> lines_of(const std::vector<const ConfDirective*>& blocks,
                                           std::string_view directive);

}  // namespace guard::cli
