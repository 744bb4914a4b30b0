// guardctl events explain

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "cli/event_lines.h"
#include "cli/event_record.h"
#include "cli/events_command.h"
#include "cli/nginx_conf.h"
#include "cli/printable.h"

namespace guard::cli {

namespace {

constexpr std::size_t kEventsMax = 1000;
constexpr std::size_t kTextMax = 512;

// Which directives decide about a code: the first that begins it; about an event without one: by
// its kind, where no guard_event makes it.
struct Deciders {
  std::string_view what;
  std::array<std::string_view, 6> directives;
  bool by_policy = false;      // only lines that name the policy
  std::string_view kind = {};  // only for events of this kind
};
constexpr auto kDeciders = std::to_array<Deciders>({
    {"json.schema", {"guard_json_schema", "guard_openapi"}},
    {"json.pattern_limit", {"guard_json_schema", "guard_openapi"}},
    {"json.media_type", {"guard_json", "guard_json_schema", "guard_openapi"}},
    {"json.content_encoding", {"guard_json", "guard_json_schema", "guard_openapi"}},
    {"json.", {"guard_json_limits", "guard_json", "guard_json_schema", "guard_openapi"}},
    {"openapi.", {"guard_openapi"}},
    {"path.", {"guard_path", "guard_openapi"}},
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
    {"inspect.", {"guard_inspect_response", "guard_inspect_budget"}, false, "response_violated"},
    {"inspect.", {"guard_inspect", "guard_inspect_threshold", "guard_inspect_budget"}},
    {"upload.scan", {"guard_upload_scan"}},
    {"upload.malware", {"guard_upload_scan"}},
    {"upload.", {"guard_upload"}},
});
constexpr auto kKindDeciders = std::to_array<Deciders>({
    {"csp_violated", {"guard_csp", "guard_csp_report"}},
    {"file_uploaded", {"guard_upload"}},
    {"upstream_failed",
     {"proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"}},
});

// A line of the configuration without what might be a secret.
std::string shown(const ConfDirective& directive) {
  std::string text;
  for (const std::string& word : directive.words) {
    if (!text.empty()) text += ' ';
    const std::size_t equals = word.find('=');
    const std::string_view name = std::string_view(word).substr(0, equals);
    const bool secret = equals != std::string::npos && (name == "password" || name == "chain");
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
    const std::string_view kind = record_.text(Field::kind);
    if (code.empty()) decide_by_name(blocks, "guard_event", kind);
    const auto deciders = code.empty() ? std::span<const Deciders>(kKindDeciders) : kDeciders;
    const auto found = std::ranges::find_if(deciders, [&](const Deciders& one) {
      return code.empty() ? kind == one.what
                          : code.starts_with(one.what) && (one.kind.empty() || one.kind == kind);
    });
    if (found != deciders.end() && lines_ == 0) {
      for (const std::string_view directive : found->directives) {
        if (!directive.empty()) decide(blocks, directive, found->by_policy);
      }
    }
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
    const std::string_view policy = record_.text(Field::policy);
    if (!policy.empty()) decide_by_name(blocks, directive, policy);
  }

  // The lines of a directive that name a policy or kind, as their first word. "+NAME" adds to what
  // the outer blocks say.
  void decide_by_name(const std::vector<const ConfDirective*>& blocks, std::string_view directive,
                      std::string_view name) {
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      bool adds = true;
      for (const ConfDirective& one : (*block)->block) {
        if (one.name() != directive || one.words.size() < 2) continue;
        std::string_view word = one.words[1];
        adds = adds && word.starts_with('+');
        if (word.starts_with('+')) word.remove_prefix(1);
        if (word == name) decided(one);
      }
      if (!adds) return;
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
