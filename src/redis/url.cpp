#include "redis/url.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/address.h"
#include "core/words.h"

namespace guard::redis {

namespace {

using core::hex_value;

using core::fail;

struct Scheme {
  std::string_view name;  // with what separates it from the rest
  Kind kind;
  bool tls;
  std::uint16_t port;
};

constexpr std::uint16_t kPort = 6379;
constexpr std::uint16_t kSentinelPort = 26379;
constexpr std::array<Scheme, 6> kSchemes = {{
    {"redis://", Kind::server, false, kPort},
    {"rediss://", Kind::server, true, kPort},
    {"redis+sentinel://", Kind::sentinel, false, kSentinelPort},
    {"rediss+sentinel://", Kind::sentinel, true, kSentinelPort},
    {"redis+cluster://", Kind::cluster, false, kPort},
    {"rediss+cluster://", Kind::cluster, true, kPort},
}};
constexpr std::string_view kUnix = "unix:";

constexpr std::size_t kMaxHosts = 16;
constexpr std::size_t kMaxHost = 253;  // RFC 1035, section 2.3.4
constexpr std::size_t kMaxMaster = 128;
constexpr std::size_t kMaxUnixPath = 107;  // sun_path without its NUL
constexpr std::uint64_t kMaxDatabase = 65535;

bool is_name_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

class Parser {
 public:
  Parser(std::string_view directive, std::string_view text) : directive_(directive), rest_(text) {}

  Url parse() {
    if (rest_.starts_with(kUnix)) {
      read_unix(rest_.substr(kUnix.size()));
      return std::move(url_);
    }
    const Scheme& scheme = read_scheme();
    url_.kind = scheme.kind;
    url_.tls = scheme.tls;
    // The last one: a password that was not encoded may hold another, and must not become a host.
    const std::size_t at = rest_.rfind('@');
    if (at != std::string_view::npos) {
      read_user(rest_.substr(0, at));
      rest_.remove_prefix(at + 1);
    }
    if (rest_.find('?') != std::string_view::npos) fail_here("an unexpected \"?\"");
    const std::size_t slash = rest_.find('/');
    read_hosts(rest_.substr(0, slash), scheme.port);
    read_path(slash == std::string_view::npos ? std::string_view{} : rest_.substr(slash + 1));
    return std::move(url_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail_here(const Parts&... parts) const {
    fail(parts..., " in the URL of \"", directive_, "\"");
  }

  const Scheme& read_scheme() {
    const auto* found = std::ranges::find_if(
        kSchemes, [this](const Scheme& scheme) { return rest_.starts_with(scheme.name); });
    if (found != kSchemes.end()) {
      rest_.remove_prefix(found->name.size());
      return *found;
    }
    std::vector<std::string_view> known = {kUnix};
    for (const Scheme& scheme : kSchemes) known.push_back(scheme.name);
    const std::size_t slashes = rest_.find("://");
    // Without a scheme it may be anything, a password, too.
    if (slashes == std::string_view::npos || rest_.substr(0, slashes).find('@') != rest_.npos) {
      fail("no scheme in the URL of \"", directive_,
           "\", one like \"redis://127.0.0.1:6379\" is expected");
    }
    const std::string_view scheme = rest_.substr(0, slashes + 3);
    fail("unknown scheme \"", scheme, "\" in the URL of \"", directive_, "\"",
         core::suggestion(scheme, known));
  }

  void read_unix(std::string_view path) {
    const std::size_t mark = path.find('?');
    if (mark != std::string_view::npos) {
      const std::string_view query = path.substr(mark + 1);
      // What follows a name may be a password, as other clients take it.
      const std::size_t name = std::min(query.find('='), query.size());
      if (query.substr(0, name) != "db") fail_here("unexpected \"?", query.substr(0, name), "\"");
      if (query.find('&') != std::string_view::npos) fail_here("more than \"?db=\"");
      read_database(query.substr(std::min(name + 1, query.size())));
      path = path.substr(0, mark);
    }
    // As others spell it: "unix://USER:PASSWORD@/PATH".
    const bool plain =
        path.starts_with('/') && (!path.starts_with("//") || path.starts_with("///"));
    if (!plain && path.find('@') != std::string_view::npos) fail_here("a user before the path");
    if (!path.starts_with('/')) fail_here("the path \"", path, "\" is not absolute");
    if (path.size() > kMaxUnixPath) {
      fail_here("the path \"", path, "\" is longer than ", std::to_string(kMaxUnixPath), " bytes");
    }
    if (path.find('\0') != std::string_view::npos) fail_here("a NUL in the path");
    url_.unix_path = path;
  }

  std::string decode(std::string_view text) const {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        decoded.push_back(text[i]);
        continue;
      }
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) fail_here("invalid percent-encoding before the \"@\"");
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
    return decoded;
  }

  void read_user(std::string_view text) {
    const std::size_t colon = text.find(':');
    url_.user = decode(text.substr(0, colon));
    if (colon == std::string_view::npos) {
      fail_here("a user without a password");
    }
    const core::Secret decoded(decode(text.substr(colon + 1)));
    if (decoded.expose().empty()) fail_here("an empty password");
    if (decoded.expose().size() > core::kSecretMax) {
      fail_here("a password longer than ", std::to_string(core::kSecretMax), " bytes");
    }
    url_.password = core::Secret(decoded.expose());
  }

  void read_hosts(std::string_view text, std::uint16_t port) {
    for (std::string_view one : core::split(text, ',')) read_host(one, port);
    if (url_.kind == Kind::server && url_.hosts.size() > 1) {
      fail_here("several hosts, for \"redis+sentinel://\" and \"redis+cluster://\" only,");
    }
    if (url_.hosts.size() > kMaxHosts) {
      fail_here("more than ", std::to_string(kMaxHosts), " hosts");
    }
  }

  void read_host(std::string_view text, std::uint16_t port) {
    HostPort found{{}, port};
    std::string_view after;
    if (text.starts_with('[')) {
      const std::size_t end = text.find(']');
      if (end == std::string_view::npos) fail_here("no \"]\" after \"", text, "\"");
      found.host = text.substr(1, end - 1);
      after = text.substr(end + 1);
      if (found.host.find(':') == std::string::npos || !core::parse_address(found.host)) {
        fail_here("invalid IPv6 address \"", found.host, "\"");
      }
    } else {
      found.host = text.substr(0, text.find(':'));
      after = text.substr(found.host.size());
      if (found.host.empty()) fail_here("no host");
      if (found.host.size() > kMaxHost || !std::ranges::all_of(found.host, is_name_letter)) {
        fail_here("invalid host \"", found.host, "\"");
      }
    }
    if (!after.empty()) {
      if (after.front() != ':') fail_here("unexpected \"", after, "\" after the host");
      const std::string_view port_text = after.substr(1);
      // It may be a password, without the "@" and a host behind it.
      if (port_text.find_first_not_of("0123456789") != std::string_view::npos) {
        fail_here("no port, or no host, behind \"", found.host, ":\"");
      }
      found.port = static_cast<std::uint16_t>(number(port_text, 1, 65535, "port"));
    }
    url_.hosts.push_back(std::move(found));
  }

  void read_path(std::string_view path) {
    switch (url_.kind) {
      case Kind::server:
        if (!path.empty()) read_database(path);
        return;
      case Kind::cluster:
        if (!path.empty())
          fail_here("unexpected \"/", path, "\", a cluster has one database only,");
        return;
      case Kind::sentinel:
        break;
    }
    const std::size_t slash = path.find('/');
    url_.master = path.substr(0, slash);
    if (url_.master.empty()) fail_here("no name of the master, as in \"/mymaster\",");
    if (url_.master.size() > kMaxMaster || !std::ranges::all_of(url_.master, is_name_letter)) {
      fail_here("invalid name of the master \"", url_.master, "\"");
    }
    if (slash != std::string_view::npos) read_database(path.substr(slash + 1));
  }

  void read_database(std::string_view text) {
    url_.database = static_cast<std::uint16_t>(number(text, 0, kMaxDatabase, "database"));
  }

  std::uint64_t number(std::string_view text, std::uint64_t min, std::uint64_t max,
                       std::string_view what) const {
    std::uint64_t value = 0;
    bool valid = !text.empty() && text.size() <= 5;
    for (char c : text.substr(0, 5)) {
      valid = valid && c >= '0' && c <= '9';
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (!valid || value < min || value > max) fail_here("invalid ", what, " \"", text, "\"");
    return value;
  }

  std::string_view directive_;
  std::string_view rest_;
  Url url_;
};

}  // namespace

bool is_host(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxHost) return false;
  return std::ranges::all_of(text, is_name_letter) ||
         (text.find(':') != std::string_view::npos && core::parse_address(text).has_value());
}

Url parse_url(std::string_view directive, std::string_view text) {
  return Parser(directive, text).parse();
}

}  // namespace guard::redis
