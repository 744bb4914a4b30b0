// The page of guard_dashboard: one document with its style and scripts in it, and a policy by which
// browsers run just those.
#pragma once

#include <string>
#include <string_view>

namespace guard::dashboard {

// As they are embedded when Guard is built.
struct PageParts {
  std::string_view html;  // with {{style}} and {{script}}, each once
  std::string_view style;
  std::string_view script;
  // uPlot's; empty: it was not to be had when Guard was built.
  std::string_view chart_style;
  std::string_view chart_script;
  std::string_view chart_licence;
};

struct Page {
  std::string text;
  std::string policy;  // Content-Security-Policy
};

// Throws ConfigError without uPlot, or for parts that are no page.
Page make_page(const PageParts& parts);

}  // namespace guard::dashboard
