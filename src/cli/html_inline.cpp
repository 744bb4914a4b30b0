#include "cli/html_inline.h"

#include <gumbo.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "core/ascii.h"
#include "core/words.h"

namespace guard::cli {

namespace {

constexpr std::size_t kMaxPage = 64U << 20U;

// What is wrong with a page is nobody's concern here, and of each error gumbo would keep the tags
// that are open there.
const GumboOptions& options() {
  static const GumboOptions options = [] {
    GumboOptions own = kGumboDefaultOptions;
    own.max_errors = 0;
    return own;
  }();
  return options;
}

struct Destroy {
  void operator()(GumboOutput* output) const noexcept { gumbo_destroy_output(&options(), output); }
};

std::string lower(std::string_view text) {
  std::string result;
  for (char c : text) result.push_back(core::to_lower(c));
  return result;
}

std::string_view attribute_of(const GumboElement& element, const char* name, bool* there) {
  const GumboAttribute* attribute = gumbo_get_attribute(&element.attributes, name);
  *there = attribute != nullptr;
  return attribute == nullptr ? std::string_view{} : std::string_view(attribute->value);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\f\r";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

// HTML, "prepare the script element": what is none of these is a data block. The list of types is
// that of the MIME Sniffing Standard, 4.6.
bool is_run(const GumboElement& element) {
  static constexpr std::array<std::string_view, 20> kTypes = {
      "",
      "module",
      "importmap",
      "speculationrules",
      "application/ecmascript",
      "application/javascript",
      "application/x-ecmascript",
      "application/x-javascript",
      "text/ecmascript",
      "text/javascript",
      "text/javascript1.0",
      "text/javascript1.1",
      "text/javascript1.2",
      "text/javascript1.3",
      "text/javascript1.4",
      "text/javascript1.5",
      "text/jscript",
      "text/livescript",
      "text/x-ecmascript",
      "text/x-javascript",
  };
  bool src = false;
  (void)attribute_of(element, "src", &src);
  bool typed = false;
  const std::string type = lower(trimmed(attribute_of(element, "type", &typed)));
  return !src && std::ranges::find(kTypes, type) != kTypes.end();
}

std::string text_in(const GumboVector& children) {
  std::string text;
  for (unsigned i = 0; i < children.length; ++i) {
    const auto& child = *static_cast<const GumboNode*>(children.data[i]);
    if (child.type == GUMBO_NODE_TEXT || child.type == GUMBO_NODE_WHITESPACE ||
        child.type == GUMBO_NODE_CDATA) {
      text += child.v.text.text;
    }
  }
  return text;
}

void read_element(const GumboElement& element, std::vector<InlineBlock>& blocks) {
  const std::size_t line = element.start_pos.line;
  for (unsigned i = 0; i < element.attributes.length; ++i) {
    const auto& attribute = *static_cast<const GumboAttribute*>(element.attributes.data[i]);
    const std::string name = lower(attribute.name);
    const bool script = name.size() > 2 && name.starts_with("on");
    if (script || name == "style") blocks.push_back({script, line, name, attribute.value});
  }
  const bool script = element.tag == GUMBO_TAG_SCRIPT;
  if (element.tag != GUMBO_TAG_STYLE && !(script && is_run(element))) return;
  std::string text = text_in(element.children);
  if (!text.empty()) blocks.push_back({script, line, {}, std::move(text)});
}

}  // namespace

std::vector<InlineBlock> inline_blocks(std::string_view html) {
  if (html.size() > kMaxPage) core::fail("a page of more than 64 MiB");
  const std::unique_ptr<GumboOutput, Destroy> output(
      gumbo_parse_with_options(&options(), html.data(), html.size()));
  std::vector<InlineBlock> blocks;
  // Pages may be nested deep: no recursion.
  std::vector<const GumboNode*> open = {output->document};
  while (!open.empty()) {
    const GumboNode& node = *open.back();
    open.pop_back();
    const GumboVector* children = nullptr;
    if (node.type == GUMBO_NODE_DOCUMENT) {
      children = &node.v.document.children;
    } else if (node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE) {
      read_element(node.v.element, blocks);
      children = &node.v.element.children;
    } else {
      continue;
    }
    for (unsigned i = children->length; i > 0; --i) {
      open.push_back(static_cast<const GumboNode*>(children->data[i - 1]));
    }
  }
  return blocks;
}

std::string csp_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    core::fail("EVP_Digest() failed");
  }
  std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> base64;
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "'sha256-" +
         std::string(reinterpret_cast<const char*>(base64.data()),
                     static_cast<std::size_t>(length)) +
         "'";
}

}  // namespace guard::cli
