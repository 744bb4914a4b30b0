// guardctl events explain

#include <array>
#include <optional>
#include <set>

#include "cli/event_lines.h"
#include "cli/event_record.h"
#include "cli/events_command.h"
#include "cli/nginx_conf.h"
#include "cli/printable.h"

namespace guard::cli {

namespace {

constexpr std::size_t kEventsMax = 1000;
constexpr std::size_t kTextMax = 512;

// Which directives decide about a code: the first that begins it.
struct Deciders {
  std::string_view code;
  std::array<std::string_view, 4> directives;
  bool by_policy = false;  // only lines that name the policy
};
constexpr std::array<Deciders, 22> kDeciders = {{
    {"json.schema", {"guard_json_schema", "guard_openapi"}},
    {"json.pattern_limit", {"guard_json_schema", "guard_openapi"}},
    {"json.media_type", {"guard_json", "guard_json_schema", "guard_openapi"}},
    {"json.content_encoding", {"guard_json", "guard_json_schema", "guard_openapi"}},
    {"json.", {"guard_json_limits", "guard_json", "guard_json_schema", "guard_openapi"}},
    {"openapi.", {"guard_openapi"}},
    {"path.", {"guard_path"}},
    {"https.", {"guard_https"}},
    {"rate.unavailable", {"guard_rate", "guard_rate_policy"}, true},
    {"rate.", {"guard_rate", "guard_rate_policy"}, true},
    {"lockout.", {"guard_lockout", "guard_lockout_policy"}, true},
    {"ban.", {"guard_ban", "guard_ban_policy"}, true},
    {"key.missing",
     {"guard_rate", "guard_rate_policy", "guard_lockout", "guard_lockout_policy"},
     true},
    {"cors.", {"guard_cors"}},
    {"csrf.", {"guard_csrf"}},
    {"csp.", {"guard_csp", "guard_csp_report"}},
    {"inspect.", {"guard_inspect", "guard_inspect_threshold", "guard_inspect_budget"}},
    {"upload.scan", {"guard_upload_scan"}},
    {"upload.malware", {"guard_upload_scan"}},
    {"upload.", {"guard_upload"}},
    {"auth.key", {"guard_api_key", "guard_api_keys"}},
    {"auth.token", {"guard_jwt_require", "guard_jwt"}},
}};

// A line of the configuration without what might be a secret.
std::string shown(const ConfDirective& directive) {
  std::string text;
  for (const std::string& word : directive.words) {
    if (!text.empty()) text += ' ';
    const std::size_t equals = word.find('=');
    const std::string_view name = std::string_view(word).substr(0, equals);
    const bool secret = equals != std::string::npos &&
                        (name == "password" || name == "chain" ||
                         (name == "key" && directive.name().starts_with("guard_jwt")));
    const bool bare = !word.empty() && word.find_first_of(" \t\r\n;{}\"'") == std::string::npos;
    if (secret) {
      text += std::string(name) + "=...";
    } else {
      text += bare ? word : "\"" + word + "\"";
    }
  }
  return printable(text, kTextMax) + ";";
}

class Explainer {
 public:
  Explainer(std::string_view id, std::optional<std::string_view> conf) : id_(id) {
    if (conf) {
      conf_name_ = *conf;
      conf_ = read_nginx_conf(*conf);
    }
  }

  std::uint64_t told() const { return told_; }

  void look(std::string_view file, const LogLine& line) {
    // Most lines need no parser: an id has no character that JSON escapes.
    if (!line.whole || line.text.find(id_) == std::string_view::npos) return;
    if (!record_.parse(line.text) || record_.text(Field::request_id) != id_) return;
    if (++told_ > kEventsMax) return;
    if (told_ > 1) print("\n");
    tell(file, line);
  }

 private:
  std::string of(Field field) const { return printable(record_.text(field), kTextMax); }
  static void row(std::string_view name, const std::string& text) {
    if (text.empty()) return;
    std::string line = "  " + std::string(name);
    line.resize(13, ' ');
    print(line + text + "\n");
  }
  static std::string joined(std::initializer_list<std::string> parts) {
    std::string text;
    for (const std::string& part : parts) {
      if (!text.empty() && !part.empty()) text += ' ';
      text += part;
    }
    return text;
  }

  void tell(std::string_view file, const LogLine& line) {
    print(joined({of(Field::timestamp), of(Field::kind), of(Field::decision)}) + "\n");
    row("answer", joined({of(Field::status), of(Field::code)}));
    row("reason", of(Field::reason));
    row("policy", of(Field::policy));
    row("pointer", record_.text(Field::pointer).empty() ? "" : "\"" + of(Field::pointer) + "\"");
    row("route", of(Field::route));
    const std::string scheme = of(Field::scheme);
    row("request", joined({of(Field::method), (scheme.empty() ? "" : scheme + "://") +
                                                  of(Field::domain) + of(Field::path)}));
    row("client", of(record_.text(Field::address).empty() ? Field::address_hash : Field::address));
    row("user", of(record_.text(Field::user_name).empty() ? Field::user_hash : Field::user_name));
    row("key", of(Field::key_hash));
    row("count", of(Field::count));
    row("trace", of(Field::trace_id));
    row("written",
        joined({of(Field::hostname), printable(file) + ":" + std::to_string(line.number)}));
    if (!conf_name_.empty()) tell_conf();
  }

  void tell_conf() {
    const auto blocks = blocks_of(conf_, {record_.text(Field::domain), record_.text(Field::path),
                                          record_.text(Field::scheme), record_.text(Field::route)});
    lines_ = 0;
    const std::string_view code = record_.text(Field::code);
    for (const Deciders& deciders : kDeciders) {
      if (code.empty() || !code.starts_with(deciders.code)) continue;
      for (const std::string_view directive : deciders.directives) {
        if (!directive.empty()) decide(blocks, directive, deciders.by_policy);
      }
      break;
    }
    if (code.empty()) decide_event(blocks);
    if (lines_ == 0) {
      row("directive", "none in \"" + printable(conf_name_) +
                           "\" decides this: was the configuration another one then?");
    }
    if (record_.text(Field::decision) == "observed") {
      for (const ConfDirective* line : lines_of(blocks, "guard_mode")) row("observed", told(*line));
      for (const ConfDirective* line : lines_of(blocks, "guard_break_glass")) {
        row("or by", told(*line));
      }
    }
    if (!blocks.empty() && blocks.back()->name() != "http")
      row("within", told(*blocks.back(), false));
  }

  // Lines in use; a definition of a policy is in "http" alone.
  void decide(const std::vector<const ConfDirective*>& blocks, std::string_view directive,
              bool by_policy) {
    if (!by_policy) {
      for (const ConfDirective* line : lines_of(blocks, directive)) decided(*line);
      return;
    }
    const std::string policy(record_.text(Field::policy));
    if (policy.empty()) return;
    // "+NAME" adds to what the outer blocks say.
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      bool adds = true;
      for (const ConfDirective& one : (*block)->block) {
        if (one.name() != directive || one.words.size() < 2) continue;
        adds = adds && one.words[1].starts_with('+');
        if (one.words[1] == policy || one.words[1] == "+" + policy) {
          decided(one);
          return;
        }
      }
      if (!adds) return;
    }
  }

  // An event of the application's answer, or of the worker itself.
  void decide_event(const std::vector<const ConfDirective*>& blocks) {
    const std::string kind(record_.text(Field::kind));
    for (const ConfDirective* line : lines_of(blocks, "guard_event")) {
      if (line->words.size() > 1 && line->words[1] == kind) decided(*line);
    }
  }

  static std::string told(const ConfDirective& line, bool closed = true) {
    std::string text = shown(line);
    if (!closed) text.back() = ' ';
    return printable(line.file, kTextMax) + ":" + std::to_string(line.line) + ": " + text +
           (closed ? "" : "{");
  }
  void decided(const ConfDirective& line) {
    ++lines_;
    row("directive", told(line));
  }

  std::string_view id_;
  std::string_view conf_name_;
  std::vector<ConfDirective> conf_;
  EventRecord record_;
  std::uint64_t told_ = 0;
  std::size_t lines_ = 0;
};

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 256 &&
         id.find_first_not_of(
             "0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_.") ==
             std::string_view::npos;
}

}  // namespace

int explain_event(std::span<const std::string_view> words) {
  static constexpr std::array<std::string_view, 1> kNamed = {"conf"};
  const EventWords parsed("explain", words, kNamed, {});
  if (parsed.rest().empty()) throw UsageError("\"events explain\" needs a request id");
  if (parsed.rest().size() < 2) throw UsageError("\"events explain\" needs a file");
  constexpr std::string_view kUrn = "urn:request:";
  std::string_view id = parsed.rest().front();
  if (id.starts_with(kUrn)) id.remove_prefix(kUrn.size());
  if (!is_id(id)) {
    throw UsageError("\"" + printable(parsed.rest().front(), 200) + "\" is no request id");
  }
  Explainer explainer(id, parsed.named("conf"));
  for (const std::string_view file : std::span(parsed.rest()).subspan(1)) {
    for_each_line(file, [&](const LogLine& line) { explainer.look(file, line); });
  }
  if (explainer.told() == 0) {
    throw std::runtime_error("no event of request \"" + std::string(id) + "\" is there");
  }
  if (explainer.told() > kEventsMax) {
    print("\nand " + std::to_string(explainer.told() - kEventsMax) + " events more\n");
  }
  return kDone;
}

}  // namespace guard::cli
