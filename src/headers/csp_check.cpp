#include "headers/csp_check.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/words.h"

namespace guard::headers {

namespace {

using core::is_digit;
using core::is_letter;

constexpr std::array<std::string_view, 14> kKeywords = {
    "'self'",
    "'none'",
    "'nonce'",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'strict-dynamic'",
    "'unsafe-hashes'",
    "'report-sample'",
    "'wasm-unsafe-eval'",
    "'inline-speculation-rules'",
    "'trusted-types-eval'",
    "'report-sha256'",
    "'report-sha384'",
    "'report-sha512'",
};

struct Hash {
  std::string_view prefix;
  std::size_t size;  // of its base64, with padding
};
constexpr std::array<Hash, 3> kHashes = {{{"'sha256-", 44}, {"'sha384-", 64}, {"'sha512-", 88}}};

constexpr std::array<std::string_view, 14> kSandboxFlags = {
    "allow-downloads",
    "allow-forms",
    "allow-modals",
    "allow-orientation-lock",
    "allow-pointer-lock",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-presentation",
    "allow-same-origin",
    "allow-scripts",
    "allow-storage-access-by-user-activation",
    "allow-top-navigation",
    "allow-top-navigation-by-user-activation",
    "allow-top-navigation-to-custom-protocols",
};

std::string lower(std::string_view text) {
  std::string result;
  for (char c : text) result.push_back(core::to_lower(c));
  return result;
}

// base64-value of CSP3: either alphabet, up to two "=" behind it.
bool is_base64(std::string_view text) noexcept {
  std::size_t padding = 0;
  while (text.ends_with('=') && padding < 2) {
    text.remove_suffix(1);
    ++padding;
  }
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '/' || c == '-' || c == '_';
  });
}

bool is_scheme(std::string_view text) noexcept {
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

bool is_host(std::string_view host) noexcept {
  if (host == "*") return true;
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (host.empty() || host.front() == '.' || host.back() == '.' ||
      host.find("..") != std::string_view::npos) {
    return false;
  }
  return std::ranges::all_of(
      host, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_port(std::string_view port) noexcept {
  return port == "*" || (!port.empty() && port.size() <= 5 && std::ranges::all_of(port, is_digit));
}

// RFC 3986, path-absolute; ";" and "," cannot stand in it, "?" and "#" may not.
bool is_path(std::string_view path) noexcept {
  constexpr std::string_view kMarks = "-._~!$&'()*+=:@/%";
  return !path.starts_with("//") && std::ranges::all_of(path, [&](char c) {
    return is_letter(c) || is_digit(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool is_host_source(std::string_view source) noexcept {
  if (const std::size_t at = source.find("://"); at != std::string_view::npos) {
    if (!is_scheme(source.substr(0, at))) return false;
    source.remove_prefix(at + 3);
  }
  std::string_view authority = source.substr(0, source.find('/'));
  if (!is_path(source.substr(authority.size()))) return false;
  if (const std::size_t at = authority.find(':'); at != std::string_view::npos) {
    if (!is_port(authority.substr(at + 1))) return false;
    authority = authority.substr(0, at);
  }
  return is_host(authority);
}

// Whether it lets in what anybody may write.
bool is_anywhere(std::string_view source) {
  const std::string word = lower(source);
  for (std::string_view scheme : {"https:", "http:", "data:", "blob:", "filesystem:"}) {
    if (word == scheme) return true;
  }
  std::string_view authority = word;
  if (const std::size_t at = authority.find("://"); at != std::string_view::npos) {
    authority.remove_prefix(at + 3);
  }
  return authority == "*" || authority.starts_with("*:");
}

bool is_hash_source(std::string_view source) {
  return std::ranges::any_of(kHashes, [&](const Hash& hash) {
    return lower(source).starts_with(hash.prefix) &&
           source.size() == hash.prefix.size() + hash.size + 1 &&
           is_base64(source.substr(hash.prefix.size(), hash.size));
  });
}

bool is_fixed_nonce(std::string_view source) {
  return lower(source).starts_with("'nonce-") && source.ends_with('\'') && source.size() > 8 &&
         is_base64(source.substr(7, source.size() - 8));
}

class Checker {
 public:
  Checker(const CspPolicy& policy, CspDisposition disposition)
      : policy_(policy), disposition_(disposition) {}

  std::vector<std::string> run() {
    for (const std::string& name : policy_.repeated) {
      say("directive \"", name, "\" is there twice, browsers heed the first only");
    }
    for (const CspDirective& directive : policy_.directives) check_directive(directive);
    check_whole();
    return std::move(warnings_);
  }

 private:
  template <class... Parts>
  void say(const Parts&... parts) {
    std::string text;
    (text.append(std::string_view(parts)), ...);
    if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(std::move(text));
  }

  void check_directive(const CspDirective& directive) {
    const CspDirectiveInfo* info = csp_directive_named(directive.name);
    if (info == nullptr) {
      say("unknown directive \"", directive.name, "\"",
          core::suggestion(directive.name, csp_directive_names()));
      return;
    }
    switch (info->kind) {
      case CspKind::obsolete:
        say("directive \"", directive.name, "\" is obsolete, browsers ignore it");
        break;
      case CspKind::none:
        if (!directive.values.empty()) say("directive \"", directive.name, "\" takes no value");
        break;
      case CspKind::reporting:
      case CspKind::types:
        if (directive.values.empty() && directive.name != "trusted-types") {
          say("directive \"", directive.name, "\" needs a value");
        }
        break;
      case CspKind::flags:
        for (const std::string& flag : directive.values) {
          if (std::ranges::find(kSandboxFlags, lower(flag)) == kSandboxFlags.end()) {
            say("unknown flag \"", flag, "\" of \"sandbox\"",
                core::suggestion(flag, kSandboxFlags));
          }
        }
        break;
      case CspKind::sources:
      case CspKind::ancestors:
        check_sources(directive, *info);
        break;
    }
  }

  void check_sources(const CspDirective& directive, const CspDirectiveInfo& info) {
    const auto& values = directive.values;
    if (values.empty()) {
      say("directive \"", directive.name, "\" has no source, write \"'none'\" if that is meant");
    }
    for (const std::string& source : values) {
      const std::string word = lower(source);
      if (word == "'none'" && values.size() > 1) {
        say("\"'none'\" beside other sources of \"", directive.name, "\" is ignored");
      }
      if (is_fixed_nonce(source)) {
        say("a nonce of \"", directive.name,
            "\" that never changes protects from nothing, write \"", kNonceSource,
            "\" for a fresh one");
        continue;
      }
      if (std::ranges::find(kKeywords, "'" + word + "'") != kKeywords.end()) {
        say("source \"", source, "\" of \"", directive.name,
            "\" is the name of a host without its quotes, write \"'", word, "'\"");
        continue;
      }
      if (!is_csp_source(source)) {
        say("invalid source \"", source, "\" of \"", directive.name, "\"",
            core::suggestion(source, kKeywords));
      } else if (info.kind == CspKind::ancestors && word.starts_with('\'') && word != "'self'" &&
                 word != "'none'") {
        say("source \"", source, "\" has no meaning in \"", directive.name, "\"");
      }
    }
  }

  // Whether what runs as a script is decided by nonces or hashes.
  static bool is_strict(const CspDirective& directive) {
    return std::ranges::any_of(directive.values, [](const std::string& source) {
      return source == kNonceSource || is_fixed_nonce(source) || is_hash_source(source);
    });
  }

  static bool has(const CspDirective& directive, std::string_view source) {
    return std::ranges::any_of(directive.values,
                               [&](const std::string& value) { return lower(value) == source; });
  }

  void check_scripts(const CspDirective& scripts) {
    const bool strict = is_strict(scripts);
    const bool dynamic = has(scripts, "'strict-dynamic'");
    if (!strict && has(scripts, "'unsafe-inline'")) {
      say("\"'unsafe-inline'\" in \"", scripts.name,
          "\" without a nonce or a hash lets injected scripts run, use \"", kNonceSource, "\"");
    }
    if (!strict && dynamic) {
      say("\"'strict-dynamic'\" in \"", scripts.name,
          "\" without a nonce or a hash lets no script run");
    }
    // A nonce or a hash alone takes nothing from those that are let in by where they are.
    if (strict && dynamic) return;
    for (const std::string& source : scripts.values) {
      if (is_anywhere(source)) {
        say("\"", source, "\" in \"", scripts.name, "\" lets scripts from anywhere run");
      }
    }
  }

  void check_whole() {
    if (disposition_ == CspDisposition::report) {
      for (std::string_view name : {"sandbox", "upgrade-insecure-requests"}) {
        if (policy_.find(name) != nullptr)
          say("directive \"", name, "\" has no effect here, the policy only reports");
      }
      if (policy_.find("report-uri") == nullptr && policy_.find("report-to") == nullptr) {
        say("the policy only reports, but to nobody: neither \"report-to\" nor \"report-uri\"");
      }
    }
    // A policy that says nothing of what a page loads, as "frame-ancestors 'none'", is about
    // something else.
    const bool loads = std::ranges::any_of(policy_.directives, [](const CspDirective& directive) {
      const CspDirectiveInfo* info = csp_directive_named(directive.name);
      return directive.name == "default-src" || (info != nullptr && !info->fallback.empty());
    });
    if (!loads) return;
    bool runs_scripts = true;
    if (policy_.effective("script-src") == nullptr) {
      say("neither \"script-src\" nor \"default-src\": scripts from anywhere run");
    } else {
      for (std::string_view name : {"script-src", "script-src-elem", "script-src-attr"}) {
        if (const CspDirective* scripts = policy_.effective(name)) check_scripts(*scripts);
      }
      runs_scripts = !has(*policy_.effective("script-src"), "'none'") &&
                     !policy_.effective("script-src")->values.empty();
    }
    if (policy_.effective("object-src") == nullptr) {
      say("neither \"object-src\" nor \"default-src\": plugins run, add \"object-src 'none'\"");
    }
    if (const CspDirective* base = policy_.find("base-uri"); base != nullptr) {
      for (const std::string& source : base->values) {
        if (!is_anywhere(source)) continue;
        say("\"", source, "\" in \"base-uri\" lets an injected <base> take scripts from elsewhere");
      }
    } else if (runs_scripts) {
      say("no \"base-uri\": an injected <base> takes scripts from elsewhere, add \"base-uri "
          "'none'\"");
    }
  }

  const CspPolicy& policy_;
  CspDisposition disposition_;
  std::vector<std::string> warnings_;
};

}  // namespace

bool is_csp_source(std::string_view source) {
  if (source.starts_with('\'')) {
    return std::ranges::any_of(
               kKeywords, [&](std::string_view keyword) { return lower(source) == keyword; }) ||
           is_hash_source(source) || is_fixed_nonce(source);
  }
  if (source.ends_with(':')) return is_scheme(source.substr(0, source.size() - 1));
  return is_host_source(source);
}

std::vector<std::string> check_csp(const CspPolicy& policy, CspDisposition disposition) {
  return Checker(policy, disposition).run();
}

}  // namespace guard::headers
