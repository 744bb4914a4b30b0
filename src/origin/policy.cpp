#include "origin/policy.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/ascii.h"
#include "core/http_grammar.h"
#include "origin/origin.h"

namespace guard::origin {

namespace {

using core::fail;

constexpr std::size_t kListMax = 64;
constexpr auto kDefaultMaxAge = std::chrono::minutes(10);
// No browser keeps it longer (Fetch leaves the cap to them; Firefox has a day).
constexpr auto kMaxAgeMax = std::chrono::hours(24);

// Fetch, 2.2.1.
constexpr std::array<std::string_view, 3> kForbiddenMethods = {"CONNECT", "TRACE", "TRACK"};

// Fetch, 2.2.2: what no script can set, so that no preflight asks for it.
constexpr std::array<std::string_view, 23> kForbiddenHeaders = {
    "Accept-Charset",
    "Accept-Encoding",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Connection",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Date",
    "DNT",
    "Expect",
    "Host",
    "Keep-Alive",
    "Origin",
    "Referer",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
    "Access-Control-Request-Private-Network",
    "Access-Control-Allow-Origin"};

// Fetch, 2.2.6: what no script can read.
constexpr std::array<std::string_view, 2> kForbiddenResponseHeaders = {"Set-Cookie", "Set-Cookie2"};

bool holds(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::any_of(
      names, [&](std::string_view other) { return core::equal_without_case(other, name); });
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ", ";
    text += part;
  }
  return text;
}

// A list of tokens; "*" alone sets any.
std::vector<std::string> parse_list(std::string_view name, std::string_view value, bool& any,
                                    bool (*same)(std::string_view, std::string_view)) {
  std::vector<std::string> list;
  for (std::string_view part : core::split(value, ',')) {
    if (!core::is_token(part)) fail("invalid value \"", part, "\" of \"", name, "\"");
    for (const std::string& other : list) {
      if (same(other, part)) fail("duplicate value \"", part, "\" of \"", name, "\"");
    }
    if (list.size() == kListMax) {
      fail("more than ", std::to_string(kListMax), " values of \"", name, "\"");
    }
    list.emplace_back(part);
  }
  any = std::ranges::find(list, "*") != list.end();
  for (const std::string& part : list) {
    // "*" leaves this one field out (Fetch, 4.8).
    const bool apart = core::equal_without_case(part, "authorization") && name == "headers=";
    if (any && part != "*" && !apart) fail("value \"*\" of \"", name, "\" beside others");
  }
  return list;
}

void parse_methods(CorsPolicy& policy, std::string_view value) {
  policy.methods = parse_list("methods=", value, policy.any_method,
                              [](std::string_view a, std::string_view b) { return a == b; });
  for (const std::string& method : policy.methods) {
    const bool known = method == "get" || method == "head" || method == "post" || method == "put" ||
                       method == "patch" || method == "delete" || method == "options";
    if (known) fail("invalid value \"", method, "\" of \"methods=\", methods are in upper case");
    if (holds(kForbiddenMethods, method)) {
      fail("invalid value \"", method, "\" of \"methods=\", browsers do not send it");
    }
  }
}

void parse_headers(CorsPolicy& policy, std::string_view value) {
  policy.headers = parse_list("headers=", value, policy.any_header, core::equal_without_case);
  for (const std::string& header : policy.headers) {
    const bool reserved =
        header.size() > 6 && (core::equal_without_case(header.substr(0, 4), "sec-") ||
                              core::equal_without_case(header.substr(0, 6), "proxy-"));
    if (reserved || holds(kForbiddenHeaders, header)) {
      fail("invalid value \"", header, "\" of \"headers=\", no script can set it");
    }
  }
}

std::string parse_expose(const CorsPolicy& policy, std::string_view value) {
  bool any = false;
  const auto list = parse_list("expose=", value, any, core::equal_without_case);
  if (any && policy.credentials) {
    fail("\"expose=*\" has no meaning with \"credentials\", name the fields");
  }
  for (const std::string& header : list) {
    if (holds(kForbiddenResponseHeaders, header)) {
      fail("invalid value \"", header, "\" of \"expose=\", no script can read it");
    }
  }
  return joined(list);
}

// What would hand a user's session to whoever wants it.
void check_credentials(const CorsPolicy& policy) {
  constexpr std::string_view kWith = "\"credentials\" with the origin \"";
  if (policy.origins.any()) {
    fail(kWith, "*\", every site could act as its visitors, name the origins");
  }
  if (policy.origins.null()) {
    fail(kWith, "null\", every site can have it in a sandboxed frame");
  }
  for (const OriginList::Entry& entry : policy.origins.entries()) {
    if (entry.scheme == "http") {
      fail(kWith, entry.text, "\", whoever is on the network can speak for it, use \"https:\"");
    }
  }
  if (policy.any_method)
    fail("\"methods=*\" has no meaning with \"credentials\", name the methods");
  if (policy.any_header) fail("\"headers=*\" has no meaning with \"credentials\", name the fields");
}

}  // namespace

CorsPolicy parse_cors(const core::Words& words) {
  static constexpr std::array<std::string_view, 3> kFlags = {"credentials", "private_network",
                                                             "strict"};
  CorsPolicy policy;
  if (words.is_off()) {
    policy.off = true;
    return policy;
  }
  // Origins come first; a word that is nearly a flag is not taken for a host name.
  std::size_t count = 0;
  const auto all = words.all();
  while (count < all.size() && all[count].find('=') == std::string_view::npos &&
         std::ranges::find(kFlags, all[count]) == kFlags.end() &&
         core::suggestion(all[count], kFlags).empty()) {
    policy.origins.add(all[count++]);
  }
  std::vector<std::string_view> others = {words.directive()};
  others.insert(others.end(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
  core::Words rest(std::move(others));
  rest.read(0, {"methods", "headers", "expose", "max_age"},
            {"credentials", "private_network", "strict"});
  if (count == 0) fail("no origin in \"", words.directive(), "\" directive");

  policy.credentials = rest.flag("credentials");
  policy.private_network = rest.flag("private_network");
  policy.strict = rest.flag("strict");
  parse_methods(policy, rest.named("methods").value_or("GET,HEAD,POST"));
  if (const auto headers = rest.named("headers")) parse_headers(policy, *headers);
  if (const auto expose = rest.named("expose"))
    policy.expose_headers = parse_expose(policy, *expose);
  if (policy.credentials) check_credentials(policy);
  if (policy.strict && policy.origins.any()) {
    fail("\"strict\" has no meaning with the origin \"*\"");
  }

  std::chrono::milliseconds max_age = kDefaultMaxAge;
  if (const auto value = rest.named("max_age")) {
    max_age = core::parse_time("max_age=", *value, std::chrono::seconds(0), kMaxAgeMax);
    if (max_age.count() % 1000 != 0) {
      fail("invalid value \"", *value, "\" of \"max_age=\", whole seconds are expected");
    }
  }
  policy.allow_methods = joined(policy.methods);
  policy.allow_headers = joined(policy.headers);
  policy.max_age = std::to_string(max_age.count() / 1000);
  return policy;
}

CsrfPolicy parse_csrf(core::Words& words) {
  static constexpr std::array<std::string_view, 3> kActions = {"off", "on", "token"};
  CsrfPolicy policy;
  if (words.is_off()) return policy;
  words.read(1, {"session", "trusted", "except"});
  policy.action =
      static_cast<CsrfPolicy::Action>(core::parse_choice(words.directive(), words[0], kActions));
  const bool with_token = policy.action == CsrfPolicy::Action::token;
  if (with_token) {
    policy.session = words.required("session");
    if (!core::is_token(policy.session)) {
      fail("invalid cookie name \"", policy.session, "\" of \"session=\"");
    }
  } else if (words.named("session")) {
    fail("\"session=\" has no meaning without \"token\"");
  }
  if (const auto trusted = words.named("trusted")) {
    for (std::string_view origin : core::split(*trusted, ',')) {
      if (origin == "*" || origin == "null") {
        fail("origin \"", origin, "\" of \"trusted=\" would trust every site");
      }
      policy.trusted.add(origin);
    }
  }
  if (const auto except = words.named("except")) policy.except.add("except=", *except);
  return policy;
}

}  // namespace guard::origin
