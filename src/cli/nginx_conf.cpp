#include "cli/nginx_conf.h"

#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "cli/event_lines.h"
#include "cli/printable.h"
#include "core/ascii.h"

namespace guard::cli {

namespace {

constexpr std::size_t kSizeMax = 64U << 20;
constexpr std::size_t kDirectivesMax = 100'000;
constexpr unsigned kDepthMax = 64;

std::string read_all(std::string_view name) {
  LogFile file(name);
  std::string text;
  std::string buffer(64 * 1024, '\0');
  while (const std::size_t size = file.read(buffer.data(), buffer.size())) {
    if (text.size() + size > kSizeMax) {
      throw std::runtime_error("\"" + printable(name) + "\" is too large for a configuration");
    }
    text.append(buffer, 0, size);
  }
  return text;
}

std::string folder_of(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string_view::npos ? "" : std::string(file.substr(0, slash + 1));
}

// Files by their names; of `nginx -T`, or of the disk where there are none.
class Files {
 public:
  explicit Files(std::string_view main) : folder_(folder_of(main)) {}

  bool from_dump() const { return !texts_.empty(); }
  void add(std::string_view name, std::string_view text) { texts_[std::string(name)] += text; }
  void set_main(std::string_view main) { folder_ = folder_of(main); }

  std::vector<std::string> matching(std::string_view pattern) const {
    const std::string full =
        pattern.starts_with('/') ? std::string(pattern) : folder_ + std::string(pattern);
    std::vector<std::string> names;
    if (from_dump()) {
      for (const auto& [name, text] : texts_) {
        if (::fnmatch(full.c_str(), name.c_str(), FNM_PATHNAME) == 0) names.push_back(name);
      }
      return names;
    }
    if (full.find_first_of("*?[") == std::string::npos) return {full};
    glob_t found{};
    if (::glob(full.c_str(), 0, nullptr, &found) == 0) {
      for (std::size_t i = 0; i < found.gl_pathc; ++i) names.emplace_back(found.gl_pathv[i]);
    }
    ::globfree(&found);
    return names;
  }

  std::string text(const std::string& name) const {
    const auto known = texts_.find(name);
    return known != texts_.end() ? known->second : read_all(name);
  }

 private:
  std::string folder_;
  std::map<std::string, std::string> texts_;
};

// Cuts `nginx -T` into its files; nothing if text is none.
bool read_dump(std::string_view text, Files& files, std::string& main) {
  constexpr std::string_view kHead = "# configuration file ";
  std::string name;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    const bool last = end == std::string_view::npos;
    text.remove_prefix(last ? text.size() : end + 1);
    if (line.starts_with(kHead) && line.ends_with(':')) {
      line.remove_prefix(kHead.size());
      line.remove_suffix(1);
      name = line;
      if (main.empty()) main = name;
      files.add(name, "");
    } else if (!name.empty()) {
      files.add(name, line);
      files.add(name, "\n");
    } else if (!line.empty() && !line.starts_with("nginx: ")) {
      return false;
    }
  }
  return !main.empty();
}

class Parser {
 public:
  Parser(const Files& files, std::size_t& count) : files_(files), count_(count) {}

  std::vector<ConfDirective> parse(const std::string& name, const std::string& text,
                                   unsigned depth) {
    name_ = name;
    text_ = text;
    depth_ = depth;
    std::vector<ConfDirective> list;
    directives(list, false);
    return list;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw std::runtime_error(printable(name_) + ":" + std::to_string(line_) + ": " +
                             std::string(what));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char take() {
    const char c = text_[at_++];
    if (c == '\n') ++line_;
    return c;
  }

  void skip_space() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        take();
      } else {
        return;
      }
    }
  }

  // By the rules of nginx's own ngx_conf_read_token().
  std::string word() {
    std::string word;
    const char quote = peek() == '"' || peek() == '\'' ? take() : '\0';
    while (at_ < text_.size()) {
      const char c = peek();
      if (quote != '\0') {
        if (c == quote) {
          take();
          return word;
        }
      } else if (c == ';' || c == '{' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        if (c != '{' || !word.ends_with('$')) return word;
      }
      take();
      if (c == '\\' && at_ < text_.size()) {
        const char escaped = take();
        switch (escaped) {
          case 't':
            word += '\t';
            break;
          case 'r':
            word += '\r';
            break;
          case 'n':
            word += '\n';
            break;
          case '"':
          case '\'':
          case '\\':
            word += escaped;
            break;
          default:
            word += c;
            word += escaped;
        }
        continue;
      }
      word += c;
    }
    if (quote != '\0') fail("a quote is not closed");
    return word;
  }

  void directives(std::vector<ConfDirective>& list, bool inside) {
    if (++depth_ > kDepthMax) fail("blocks or files are nested too deeply");
    for (;;) {
      skip_space();
      if (at_ >= text_.size()) {
        if (inside) fail("a block is not closed");
        break;
      }
      if (peek() == '}') {
        if (!inside) fail("unexpected \"}\"");
        take();
        break;
      }
      directive(list);
    }
    --depth_;
  }

  void directive(std::vector<ConfDirective>& list) {
    if (++count_ > kDirectivesMax) fail("there are too many directives");
    ConfDirective one;
    one.file = name_;
    one.line = line_;
    for (;;) {
      skip_space();
      if (at_ >= text_.size()) fail("the file ends within a directive");
      const char c = peek();
      if (c == '}') fail("unexpected \"}\"");
      if (c == ';' || c == '{') {
        take();
        if (one.words.empty()) fail("a directive has no name");
        if (c == '{') block(one);
        break;
      }
      one.words.push_back(word());
    }
    if (one.name() == "include" && one.words.size() == 2) {
      include(list, one.words[1]);
    } else {
      list.push_back(std::move(one));
    }
  }

  void block(ConfDirective& one) {
    if (!one.name().ends_with("_by_lua_block")) {
      directives(one.block, true);
      return;
    }
    for (unsigned open = 1; open > 0;) {
      if (at_ >= text_.size()) fail("a block is not closed");
      const char c = take();
      if (c == '{') ++open;
      if (c == '}') --open;
    }
  }

  void include(std::vector<ConfDirective>& list, std::string_view pattern) {
    for (const std::string& name : files_.matching(pattern)) {
      Parser inner(files_, count_);
      for (ConfDirective& one : inner.parse(name, files_.text(name), depth_)) {
        list.push_back(std::move(one));
      }
    }
  }

  const Files& files_;
  std::size_t& count_;
  std::string name_;
  std::string text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  unsigned depth_ = 0;
};

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = core::to_lower(c);
  return copy;
}

bool matches(const std::string& pattern, std::string_view text, bool caseless) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   caseless ? PCRE2_CASELESS : 0, &error, &offset, nullptr);
  if (code == nullptr) return false;
  pcre2_match_data* data = pcre2_match_data_create_from_pattern(code, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  bool matched = false;
  if (data != nullptr && context != nullptr) {
    pcre2_set_match_limit(context, 100'000);
    matched = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, data,
                          context) >= 0;
  }
  pcre2_match_context_free(context);
  pcre2_match_data_free(data);
  pcre2_code_free(code);
  return matched;
}

// The path that nginx looks for among locations: decoded, with "//", "/./" and "/../" resolved.
std::string location_path(std::string_view sent) {
  std::string decoded;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (sent[i] == '%' && i + 2 < sent.size() && core::is_hex(sent[i + 1]) &&
        core::is_hex(sent[i + 2])) {
      decoded +=
          static_cast<char>(core::hex_value(sent[i + 1]) * 16 + core::hex_value(sent[i + 2]));
      i += 2;
    } else {
      decoded += sent[i];
    }
  }
  std::vector<std::string> segments;
  std::size_t from = 0;
  bool ends_in_slash = true;
  while (from < decoded.size()) {
    const std::size_t end = std::min(decoded.find('/', from), decoded.size());
    const std::string segment = decoded.substr(from, end - from);
    ends_in_slash = end < decoded.size() || segment == "." || segment == "..";
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    from = end + 1;
  }
  std::string path;
  for (const std::string& segment : segments) path += "/" + segment;
  return ends_in_slash || path.empty() ? path + "/" : path;
}

// How well a server's name fits, by nginx's order: 4 exact, 3 "*.name", 2 "name.*", 1 regular
// expression, 0 not; of wildcards the longest.
using NameFit = std::pair<int, std::size_t>;

NameFit name_fits(const ConfDirective& server, const std::string& domain) {
  NameFit best;
  for (const ConfDirective& one : server.block) {
    if (one.name() != "server_name") continue;
    for (std::size_t i = 1; i < one.words.size(); ++i) {
      const std::string name = lower(one.words[i]);
      int fits = 0;
      if (name == domain) {
        fits = 4;
      } else if ((name.starts_with("*.") && domain.ends_with(name.substr(1))) ||
                 (name.starts_with('.') && (domain.ends_with(name) || domain == name.substr(1)))) {
        fits = 3;
      } else if (name.ends_with(".*") && domain.starts_with(name.substr(0, name.size() - 1))) {
        fits = 2;
      } else if (name.starts_with('~') && matches(one.words[i].substr(1), domain, true)) {
        fits = 1;
      }
      best = std::max(best, NameFit(fits, fits == 2 || fits == 3 ? name.size() : 0));
    }
  }
  return best;
}

bool has_listen_word(const ConfDirective& server, std::string_view word) {
  return std::ranges::any_of(server.block, [word](const ConfDirective& one) {
    return one.name() == "listen" && std::ranges::find(one.words, word) != one.words.end();
  });
}

struct LocationName {
  std::string_view modifier;
  std::string_view pattern;
};

// The modifier may be a word of its own, or not.
LocationName name_of(const ConfDirective& location) {
  if (location.words.size() > 2) return {location.words[1], location.words[2]};
  const std::string_view word = location.words[1];
  for (const std::string_view modifier : {"=", "^~", "~*", "~"}) {
    if (word.starts_with(modifier)) return {modifier, word.substr(modifier.size())};
  }
  return {{}, word};
}

using Blocks = std::vector<const ConfDirective*>;

// Adds the locations within the last of blocks that the path leads to, as nginx finds them: an
// exact one; the longest prefix, and what is in it; the first regular expression. Whether the
// blocks around need not be asked for theirs.
bool find_location(Blocks& blocks, const std::string& path) {
  const std::size_t depth = blocks.size();
  const ConfDirective& outer = *blocks.back();
  const ConfDirective* prefix = nullptr;
  LocationName longest;
  for (const ConfDirective& one : outer.block) {
    if (one.name() != "location" || one.words.size() < 2) continue;
    const LocationName name = name_of(one);
    if (name.modifier == "=") {
      if (path != name.pattern) continue;
      blocks.push_back(&one);
      return true;
    }
    if ((name.modifier.empty() || name.modifier == "^~") && path.starts_with(name.pattern) &&
        (prefix == nullptr || name.pattern.size() > longest.pattern.size())) {
      prefix = &one;
      longest = name;
    }
  }
  if (prefix != nullptr) {
    blocks.push_back(prefix);
    if (find_location(blocks, path)) return true;
    if (longest.modifier == "^~") return false;
  }
  for (const ConfDirective& one : outer.block) {
    if (one.name() != "location" || one.words.size() < 2) continue;
    const auto [modifier, pattern] = name_of(one);
    if (!modifier.starts_with('~') || !matches(std::string(pattern), path, modifier == "~*")) {
      continue;
    }
    blocks.resize(depth);
    blocks.push_back(&one);
    find_location(blocks, path);
    return true;
  }
  return false;
}

Blocks below(const ConfDirective& http, const ConfDirective& server, const std::string& path) {
  Blocks blocks = {&http, &server};
  find_location(blocks, path);
  return blocks;
}

bool has_route(const Blocks& blocks, std::string_view route) {
  const Blocks lines = lines_of(blocks, "guard_route");
  return !lines.empty() && lines.back()->words.size() == 2 && lines.back()->words[1] == route;
}

// The first blocks, depth first, with a guard_route of their own of that name.
bool find_route(Blocks& blocks, std::string_view route) {
  for (const ConfDirective& one : blocks.back()->block) {
    if (one.name() == "guard_route" && one.words.size() == 2 && one.words[1] == route) return true;
  }
  for (const ConfDirective& one : blocks.back()->block) {
    if (one.name() != "server" && one.name() != "location") continue;
    blocks.push_back(&one);
    if (find_route(blocks, route)) return true;
    blocks.pop_back();
  }
  return false;
}

}  // namespace

std::vector<ConfDirective> parse_nginx_conf(std::string_view text, std::string_view file) {
  Files files(file);
  std::string main;
  std::size_t count = 0;
  if (read_dump(text, files, main)) {
    files.set_main(main);
    return Parser(files, count).parse(main, files.text(main), 0);
  }
  return Parser(Files(file), count).parse(std::string(file), std::string(text), 0);
}

std::vector<ConfDirective> read_nginx_conf(std::string_view name) {
  return parse_nginx_conf(read_all(name), name);
}

Blocks blocks_of(const std::vector<ConfDirective>& conf, const ConfRequest& request) {
  const auto http =
      std::ranges::find_if(conf, [](const ConfDirective& one) { return one.name() == "http"; });
  if (http == conf.end()) return {};
  const std::string domain = lower(request.domain);
  const std::string path = location_path(request.path);

  const ConfDirective* best = nullptr;
  std::pair<NameFit, int> best_score;
  for (const ConfDirective& server : http->block) {
    if (server.name() != "server") continue;
    const bool tls = has_listen_word(server, "ssl") || has_listen_word(server, "quic");
    int score = 0;
    if (!request.route.empty() && has_route(below(*http, server, path), request.route)) score += 4;
    if (!request.scheme.empty() && tls == (request.scheme == "https")) score += 2;
    if (has_listen_word(server, "default_server")) score += 1;
    const std::pair fit(name_fits(server, domain), score);
    if (best == nullptr || fit > best_score) {
      best = &server;
      best_score = fit;
    }
  }
  if (best == nullptr) return {&*http};
  Blocks blocks = below(*http, *best, path);
  if (request.route.empty() || has_route(blocks, request.route)) return blocks;
  // Where a redirect inside nginx has led.
  Blocks named = {&*http, best};
  if (find_route(named, request.route)) return named;
  named = {&*http};
  return find_route(named, request.route) ? named : blocks;
}

Blocks lines_of(const Blocks& blocks, std::string_view directive) {
  Blocks lines;
  for (auto block = blocks.rbegin(); block != blocks.rend() && lines.empty(); ++block) {
    for (const ConfDirective& one : (*block)->block) {
      if (one.name() == directive) lines.push_back(&one);
    }
  }
  return lines;
}

}  // namespace guard::cli
