// Any bytes as nginx's configuration: it is read, or refused with file and line; written down again
// it says the same; and the blocks of a request lie in one another. The first line is what is asked
// for, as "domain path route".
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "cli/nginx_conf.h"

namespace {

using namespace guard;
using cli::ConfDirective;

void require(bool condition) {
  if (!condition) std::abort();
}

void write(const std::vector<ConfDirective>& list, std::string& out) {
  for (const ConfDirective& one : list) {
    require(!one.words.empty());
    for (const std::string& word : one.words) {
      out += '"';
      for (const char c : word) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      out += "\" ";
    }
    if (one.block.empty()) {
      out += ";\n";
      continue;
    }
    out += "{\n";
    write(one.block, out);
    out += "}\n";
  }
}

bool are_same(const std::vector<ConfDirective>& a, const std::vector<ConfDirective>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ConfDirective& x, const ConfDirective& y) {
                      return x.words == y.words && are_same(x.block, y.block);
                    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // It would read files of this machine.
  if (text.find("include") != std::string_view::npos) return 0;
  const std::string_view asked = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(asked.size() + 1, text.size()));
  std::vector<ConfDirective> conf;
  try {
    conf = cli::parse_nginx_conf(text, "nginx.conf");
  } catch (const std::runtime_error& error) {
    require(std::string_view(error.what()).find(": ") != std::string_view::npos);
    return 0;
  }
  std::string written;
  write(conf, written);
  require(are_same(cli::parse_nginx_conf(written, "nginx.conf"), conf));

  const std::size_t path = std::min(asked.find(' '), asked.size());
  const std::size_t route = std::min(asked.find(' ', path + 1), asked.size());
  const auto part = [asked](std::size_t from, std::size_t to) {
    return from < to ? asked.substr(from, to - from) : std::string_view{};
  };
  const auto blocks = cli::blocks_of(
      conf, {part(0, path), part(path + 1, route), "https", part(route + 1, asked.size())});
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    const std::vector<ConfDirective>& outer = blocks[i - 1]->block;
    require(std::any_of(outer.begin(), outer.end(),
                        [&](const ConfDirective& one) { return &one == blocks[i]; }));
  }
  for (const ConfDirective* line : cli::lines_of(blocks, "guard_rate")) {
    require(line->name() == "guard_rate");
  }
  return 0;
}
