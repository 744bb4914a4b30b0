#include "dashboard/page.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

#include "core/words.h"

namespace guard::dashboard {

namespace {

// 'sha256-...' of what stands between the tags (CSP 3, 2.3.1).
std::string hash_source(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> base64;
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return "'sha256-" + std::string(reinterpret_cast<const char*>(base64.data())) + "'";
}

void replace(std::string& text, std::string_view mark, std::string_view with) {
  const std::size_t at = text.find(mark);
  if (at == std::string::npos || text.find(mark, at + 1) != std::string::npos) {
    core::fail("the page of \"guard_dashboard\" has not \"", mark, "\" once");
  }
  text.replace(at, mark.size(), with);
}

// What would end its element early.
void check_inside(std::string_view text, std::string_view end) {
  if (text.find(end) != std::string_view::npos) {
    core::fail("a part of the page of \"guard_dashboard\" holds \"", end, "\"");
  }
}

}  // namespace

Page make_page(const PageParts& parts) {
  if (parts.chart_script.empty() || parts.chart_style.empty()) {
    core::fail(
        "no \"guard_dashboard\" in this build: its charts are drawn by uPlot, which npm did not "
        "bring when Guard was built; install npm, and run scripts/build again");
  }
  std::string style = "\n";
  style.append(parts.chart_style).append("\n").append(parts.style);
  std::string script = "\n/*\n";
  script.append(parts.chart_licence).append("*/\n").append(parts.chart_script);
  script.append("\n").append(parts.script);
  check_inside(style, "</style");
  check_inside(script, "</script");

  Page page;
  page.policy = "default-src 'none'; script-src " + hash_source(script) + "; style-src " +
                hash_source(style) +
                "; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
  page.text = parts.html;
  replace(page.text, "{{style}}", style);
  replace(page.text, "{{script}}", script);
  return page;
}

}  // namespace guard::dashboard
