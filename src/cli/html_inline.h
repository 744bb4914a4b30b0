// What a Content-Security-Policy has to name so that a page's own scripts and styles may stay where
// they are: the hashes of CSP3, 2.3.1 and 6.7.3.3.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace guard::cli {

struct InlineBlock {
  bool script = true;     // or a style
  std::size_t line = 0;   // of the tag, from 1
  std::string attribute;  // "onclick", "style": what stands in an attribute; empty: an element
  std::string text;       // as browsers read it
};

// In the order of the page. Elements that browsers do not run (src=, data blocks, empty ones) are
// left out. Throws ConfigError for a page that is too large or nested too deep.
std::vector<InlineBlock> inline_blocks(std::string_view html);

// "'sha256-...'" of the text.
std::string csp_hash(std::string_view text);

}  // namespace guard::cli
