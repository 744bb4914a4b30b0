#include "cli/lockout_command.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "cli/option.h"
#include "cli/printable.h"
#include "cli/redis_session.h"
#include "core/hex.h"
#include "core/key_label.h"
#include "core/normalize.h"
#include "core/policy_words.h"
#include "core/secret.h"
#include "core/words.h"
#include "lockout/lockout_account.h"
#include "lockout/lockout_script.h"

namespace guard::cli {

namespace {

constexpr std::string_view kTail = "}.lock";
constexpr std::size_t kDigits = 32;
constexpr std::array<std::string_view, 15> kOptions = {
    "--redis",    "--username", "--password", "--sentinel-password", "--tls-ca",
    "--tls-cert", "--tls-key",  "--tls-name", "--tls-verify",        "--prefix",
    "--policy",   "--key",      "--account",  "--key-secret",        "--normalize"};

struct Options {
  RedisAccess access;
  std::string prefix = "guard:";
  std::string policy;
  std::string key;
  std::optional<std::string> account;  // 16 digits
  bool unlocks = false;
};

core::Secret secret_of(std::string_view option, std::string_view word) {
  core::SecretWord secret = core::parse_secret(option, word);
  if (secret.kind == core::SecretKind::literal) {
    throw UsageError("\"" + std::string(option) +
                     "\" takes file:/path or env:NAME, since others may see a command line");
  }
  return std::move(secret.secret);
}

std::string url_text(std::string_view word) {
  constexpr std::string_view kEnvironment = "env:";
  if (!word.starts_with(kEnvironment)) return std::string(word);
  std::string name(word.substr(kEnvironment.size()));
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) throw UsageError("the environment has no \"" + name + "\"");
  return value;
}

bool is_key(std::string_view text) {
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Options parse(std::span<const std::string_view> words) {
  if (words.empty()) throw UsageError("\"lockout\" needs \"list\" or \"unlock\"");
  Options options;
  if (words[0] != "list" && words[0] != "unlock") {
    throw UsageError("unknown word \"" + std::string(words[0]) +
                     "\" after \"lockout\", \"list\" or \"unlock\" is expected");
  }
  options.unlocks = words[0] == "unlock";
  std::string url;
  core::Secret key_secret;
  std::vector<std::string_view> accounts;
  core::Normalization normalization = core::Normalization::account;
  words = words.subspan(1);
  while (!words.empty()) {
    if (!words.front().starts_with("--")) {
      throw UsageError("unexpected word \"" + printable(words.front(), 200) + "\"");
    }
    const auto [name, value] = take_option(words, "lockout", kOptions);
    if (name == "--redis") {
      url = url_text(value);
    } else if (name == "--username") {
      options.access.user = value;
    } else if (name == "--password") {
      options.access.password = secret_of(name, value);
    } else if (name == "--sentinel-password") {
      options.access.sentinel_password = secret_of(name, value);
    } else if (name == "--tls-ca") {
      options.access.tls_ca = value;
    } else if (name == "--tls-cert") {
      options.access.tls_cert = value;
    } else if (name == "--tls-key") {
      options.access.tls_key = value;
    } else if (name == "--tls-name") {
      options.access.tls_name = value;
    } else if (name == "--tls-verify") {
      options.access.tls_verify = core::parse_on_off(name, value);
    } else if (name == "--prefix") {
      options.prefix = value;
    } else if (name == "--policy") {
      core::check_policy_name("lockout", value);
      options.policy = value;
    } else if (name == "--key") {
      if (!is_key(value)) throw UsageError("\"--key\" takes 32 hexadecimal digits");
      options.key = value;
    } else if (name == "--account") {
      accounts.push_back(value);
    } else if (name == "--key-secret") {
      key_secret = secret_of(name, value);
    } else {
      constexpr std::array<std::string_view, 2> kChoices = {"account", "none"};
      if (core::parse_choice(name, value, kChoices) == 1) normalization = core::Normalization::none;
    }
  }
  if (url.empty()) throw UsageError("\"--redis\" is missing");
  options.access.url = redis::parse_url("--redis", url);
  if (options.access.tls_cert.empty() != options.access.tls_key.empty()) {
    throw UsageError("\"--tls-cert\" and \"--tls-key\" need each other");
  }
  if (accounts.empty()) {
    if (options.unlocks && options.key.empty()) {
      throw UsageError("\"unlock\" needs \"--key\" or \"--account\"");
    }
    return options;
  }
  if (key_secret.empty()) throw UsageError("\"--account\" needs \"--key-secret\"");
  std::string digits(16, '0');
  core::write_hex(lockout::account_hash(core::derive_sip_key(key_secret, core::kClientKeyLabel),
                                        accounts, normalization),
                  digits.data());
  options.account = digits;
  return options;
}

// What stands for itself in a pattern of SCAN's.
std::string escaped(std::string_view text) {
  std::string pattern;
  for (char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern;
}

// "guard:lockout:login:{HEX}.lock"
struct LockName {
  std::string stem;  // without ".lock"
  std::string policy;
  std::string key;
};

std::optional<LockName> read_name(std::string_view text, std::string_view head) {
  if (!text.starts_with(head) || !text.ends_with(kTail)) return std::nullopt;
  std::string_view rest = text.substr(head.size(), text.size() - head.size() - kTail.size());
  std::size_t brace = rest.find(":{");
  if (brace == rest.npos || !is_key(rest.substr(brace + 2))) return std::nullopt;
  return LockName{std::string(text.substr(0, text.size() - kTail.size() + 1)),
                  std::string(rest.substr(0, brace)), std::string(rest.substr(brace + 2))};
}

class Search {
 public:
  explicit Search(const Options& options) : options_(options), head_(options.prefix + "lockout:") {}

  void run(const RedisServer& server) {
    RedisSession session(options_.access, server);
    std::string cursor = "0";
    do {
      std::vector<LockName> names;
      cursor = scan(session, cursor, names);
      for (const LockName& name : names) look(session, name);
    } while (cursor != "0");
  }

  std::size_t found() const { return found_; }

 private:
  std::string scan(RedisSession& session, const std::string& cursor, std::vector<LockName>& names) {
    std::string key = options_.key.empty() ? "*" : options_.key;
    std::string policy = options_.policy.empty() ? "*" : options_.policy;
    redis::Output out;
    out.begin(6);
    out.bulk("SCAN");
    out.bulk(cursor);
    out.bulk("MATCH");
    out.bulk(escaped(head_) + policy + ":{" + key + std::string(kTail));
    out.bulk("COUNT");
    out.bulk("1000");
    std::string next;
    session.ask(out, [&](const redis::Reply& reply) {
      next = reply[0].text();
      redis::Reply list = reply[1];
      for (std::size_t i = 0; i < list.size(); ++i) {
        if (auto name = read_name(list[i].text(), head_)) names.push_back(std::move(*name));
      }
    });
    if (next.empty()) throw std::runtime_error("SCAN is not answered as Redis does");
    return next;
  }

  void look(RedisSession& session, const LockName& name) {
    redis::Output out;
    out.begin(1);
    out.bulk("TIME");
    std::int64_t now = 0;
    session.ask(out, [&](const redis::Reply& reply) {
      now = reply[0].integer() * 1000 + reply[1].integer() / 1000;
    });
    out.begin(5);
    out.bulk("HMGET");
    out.bulk(name.stem + ".lock");
    for (std::string_view field : {"until", "repeats", "account"}) out.bulk(field);
    std::int64_t until = 0;
    std::int64_t repeats = 0;
    std::string account;
    session.ask(out, [&](const redis::Reply& reply) {
      until = reply[0].integer();
      repeats = reply[1].integer();
      account = reply[2].text();
    });
    // What is over is kept to know the next one for a repeated one.
    if (until <= now) return;
    if (options_.account && *options_.account != account) return;
    if (options_.unlocks) lift(session, name);
    if (found_++ == 0) std::printf("policy\tkey\taccount\tseconds\tin a row\n");
    std::printf("%s\t%s\t%s\t%lld\t%lld\n", printable(name.policy).c_str(), name.key.c_str(),
                printable(account).c_str(), static_cast<long long>((until - now + 999) / 1000),
                static_cast<long long>(repeats));
  }

  static void lift(RedisSession& session, const LockName& name) {
    redis::Output out;
    const std::span<const std::string_view> suffixes = lockout::RemoteLocks::suffixes();
    out.begin(1 + suffixes.size());
    out.bulk("DEL");
    for (std::string_view suffix : suffixes) {
      out.bulk(name.stem + std::string(suffix));
    }
    session.ask(out, [](const redis::Reply&) {});
  }

  const Options& options_;
  std::string head_;
  std::size_t found_ = 0;
};

}  // namespace

int run_lockout(std::span<const std::string_view> words) {
  std::optional<Options> options;
  try {
    options = parse(words);
  } catch (const core::ConfigError& error) {
    throw UsageError(error.what());
  }
  Search search(*options);
  for (const RedisServer& server : key_servers(options->access)) search.run(server);
  if (search.found() != 0) return kDone;
  std::printf("nothing is locked\n");
  return kFailed;
}

}  // namespace guard::cli
