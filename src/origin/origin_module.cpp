// The nginx face of this room: directives, the checks for CORS and CSRF, and the header stage that
// adds the fields of CORS.

#include <algorithm>
#include <optional>
#include <string>

#include "core/ascii.h"
#include "core/check.h"
#include "core/path_check.h"
#include "core/request.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "origin/cors.h"
#include "origin/csrf.h"
#include "origin/csrf_token.h"
#include "origin/origin.h"
#include "origin/policy.h"

extern "C" {
extern ngx_module_t ngx_http_guard_origin_module;
}

namespace guard::origin {

namespace {

struct LocationConf {
  const CorsPolicy* cors = nullptr;
  const CsrfPolicy* csrf = nullptr;
  ngx::Place csrf_place;
  bool compared = false;  // what these two say of each other has been said
};

// Of one request, made once it has something to keep. Both features share it.
struct State {
  bool read = false;
  BrowserFields fields;
  const CorsPolicy* answered = nullptr;  // whose preflight this is, that is being answered
  const CorsPolicy* refused = nullptr;   // who refused it
  bool wants_token = false;              // refused for want of a token
  std::string_view token;                // made for this request
};

LocationConf* location_conf(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_origin_module));
}

// Directives

[[noreturn]] void fail_duplicate(const core::Words& words) {
  core::fail("\"", words.directive(), "\" directive is duplicate");
}

void set_cors(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.cors != nullptr) fail_duplicate(words);
  conf.cors = ngx::pool_new<CorsPolicy>(cf->pool, parse_cors(words));
}

void set_csrf(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.csrf != nullptr) fail_duplicate(words);
  conf.csrf = ngx::pool_new<CsrfPolicy>(cf->pool, parse_csrf(words));
  conf.csrf_place = ngx::place_of(cf);
}

// What the request says

enum class Field : std::uint8_t {
  other,
  origin,
  fetch_site,
  request_method,
  request_headers,
  private_network
};

Field field_named(const ngx_table_elt_t& field) noexcept {
  const std::string_view name(reinterpret_cast<const char*>(field.lowcase_key), field.key.len);
  switch (name.size()) {
    case 6:
      return name == "origin" ? Field::origin : Field::other;
    case 14:
      return name == "sec-fetch-site" ? Field::fetch_site : Field::other;
    case 29:
      return name == "access-control-request-method" ? Field::request_method : Field::other;
    case 30:
      return name == "access-control-request-headers" ? Field::request_headers : Field::other;
    case 38:
      return name == "access-control-request-private-network" ? Field::private_network
                                                              : Field::other;
    default:
      return Field::other;
  }
}

BrowserFields read_fields(ngx_http_request_t* r) noexcept {
  BrowserFields fields;
  bool has_headers = false;
  bool has_network = false;
  const auto take = [&fields](bool& seen, std::string_view& value, std::string_view text,
                              BrowserFields::Repeated repeated) {
    if (seen) {
      fields.repeated |= repeated;
    } else {
      seen = true;
      value = text;
    }
  };
  for (const ngx_table_elt_t& field : ngx::request_fields(r)) {
    const std::string_view value = ngx::to_view(field.value);
    switch (field_named(field)) {
      case Field::other:
        break;
      case Field::origin:
        take(fields.has_origin, fields.origin, value, BrowserFields::origin_field);
        break;
      case Field::fetch_site:
        take(fields.has_fetch_site, fields.fetch_site, value, BrowserFields::site_field);
        break;
      case Field::request_method:
        take(fields.has_request_method, fields.request_method, value,
             BrowserFields::preflight_field);
        break;
      case Field::request_headers:
        take(has_headers, fields.request_headers, value, BrowserFields::preflight_field);
        break;
      case Field::private_network:
        take(has_network, fields.private_network, value, BrowserFields::preflight_field);
        break;
    }
  }
  if (r->headers_in.upgrade != nullptr) {
    fields.upgrade = ngx::to_view(r->headers_in.upgrade->value);
  }
  return fields;
}

// Null: out of memory.
State* state_of(core::Request& request) noexcept {
  auto* state = request.state<State>(core::Feature::cors);
  if (state != nullptr && !state->read) {
    state->fields = read_fields(request.native());
    state->read = true;
  }
  return state;
}

Target target_of(core::Request& request) noexcept {
  ngx_http_request_t* r = request.native();
  Target target{ngx::to_view(r->method_name), request.scheme(), {}};
  if (r->headers_in.host != nullptr) target.host = ngx::to_view(r->headers_in.host->value);
  return target;
}

core::Answer out_of_memory(core::Refusal& refusal) noexcept {
  refusal.status = 500;
  refusal.title = "Internal Server Error";
  return core::Answer::refuse;
}

// CORS

core::Refusal& cors_refusal(core::Refusal& refusal) noexcept {
  refusal.event = core::EventKind::origin_refused;
  refusal.code = "cors.origin";
  refusal.title = "Cross-origin request not allowed";
  return refusal;
}

core::Answer check_cors(core::Request& request, core::Refusal& refusal) noexcept {
  const CorsPolicy& policy = *location_conf(request.native())->cors;
  if (!request.first_time(&policy)) return core::Answer::pass;
  State* state = state_of(request);
  if (state == nullptr) return out_of_memory(cors_refusal(refusal));

  const Target target = target_of(request);
  const Caller caller = caller_of(policy, state->fields, target);
  if (caller == Caller::unknown || caller == Caller::same) return core::Answer::pass;
  const bool preflight = is_preflight(state->fields, target.method);
  if (caller == Caller::foreign) {
    if (!preflight && !policy.strict) return core::Answer::pass;
    cors_refusal(refusal).detail = "the origin is not allowed";
    return core::Answer::refuse;
  }
  if (!preflight) return core::Answer::pass;
  const PreflightFlaw flaw = preflight_flaw(policy, state->fields);
  if (flaw == PreflightFlaw::none) {
    state->answered = &policy;
    return core::Answer::finish;
  }
  state->refused = &policy;
  cors_refusal(refusal).detail = text_of(flaw);
  return core::Answer::refuse;
}

constexpr core::Check kCorsCheck = {core::Feature::cors, core::Gate::front, check_cors};

struct Existing {
  bool cors = false;
  bool vary = false;
};

// What the answer has already. With replace, the fields of CORS are removed.
Existing look_at_existing(ngx_http_request_t* r, bool replace) noexcept {
  Existing existing;
  for (ngx_table_elt_t& field : ngx::response_fields(r)) {
    if (field.hash == 0) continue;
    const std::string_view name = ngx::to_view(field.key);
    if (is_vary_field(name)) {
      existing.vary = existing.vary || varies_by_origin(ngx::to_view(field.value));
    } else if (is_cors_field(name)) {
      if (replace) {
        field.hash = 0;
      } else {
        existing.cors = true;
      }
    }
  }
  return existing;
}

void send_cors(ngx_http_request_t* r, core::Request* request) noexcept {
  const CorsPolicy& policy = *location_conf(r)->cors;
  const core::Mode mode = core::mode_of(r, core::Feature::cors);
  if (mode == core::Mode::off) return;
  // Observing takes nothing away, so an application that answers for itself goes on doing so.
  const Existing existing = look_at_existing(r, mode == core::Mode::enforce);
  if (!existing.vary) ngx::add_stage_field(r, "Vary", "Origin");
  if (existing.cors) return;

  State* state = request != nullptr ? state_of(*request) : nullptr;
  const BrowserFields fields = state != nullptr ? state->fields : read_fields(r);
  if (!fields.has_origin || fields.is_repeated(BrowserFields::origin_field) ||
      !policy.origins.contains(fields.origin)) {
    return;
  }
  if (state != nullptr && state->refused != nullptr && mode == core::Mode::enforce) return;

  ngx::add_stage_field(r, "Access-Control-Allow-Origin",
                       policy.origins.any() ? "*" : fields.origin);
  if (policy.credentials) ngx::add_stage_field(r, "Access-Control-Allow-Credentials", "true");
  if (state == nullptr || state->answered == nullptr) {
    if (!policy.expose_headers.empty()) {
      ngx::add_stage_field(r, "Access-Control-Expose-Headers", policy.expose_headers);
    }
    return;
  }
  ngx::add_stage_field(r, "Access-Control-Allow-Methods", policy.allow_methods);
  if (!policy.allow_headers.empty())
    ngx::add_stage_field(r, "Access-Control-Allow-Headers", policy.allow_headers);
  ngx::add_stage_field(r, "Access-Control-Max-Age", policy.max_age);
  if (fields.private_network == "true")
    ngx::add_stage_field(r, "Access-Control-Allow-Private-Network", "true");
}

constexpr core::HeaderStage kCorsStage = {core::kStageOrigin, send_cors};

// The token of CSRF

// Over HTTPS a name that no other host and no plain HTTP can set a cookie for (RFC 6265bis, 4.1.3).
std::string_view token_cookie(std::string_view scheme) noexcept {
  return scheme == "https" ? "__Host-csrf-token" : "csrf-token";
}

FoundCookie cookie_of(ngx_http_request_t* r, std::string_view name) noexcept {
  FoundCookie found;
  for (const ngx_table_elt_t& field : ngx::request_fields(r)) {
    if (ngx::is_named(field, "cookie")) find_cookie(ngx::to_view(field.value), name, found);
  }
  return found;
}

// The client's token, if it is one for session. Two cookies of one name come from two places, of
// which one may be an attacker's.
std::string_view valid_token(ngx_http_request_t* r, std::string_view scheme,
                             std::string_view session) noexcept {
  const FoundCookie token = cookie_of(r, token_cookie(scheme));
  return token.count == 1 && is_token_of(core::client_key(), session, token.value)
             ? token.value
             : std::string_view{};
}

bool has_token(core::Request& request, const CsrfPolicy& policy) noexcept {
  ngx_http_request_t* r = request.native();
  FoundCookie sent;
  for (const ngx_table_elt_t& field : ngx::request_fields(r)) {
    if (!ngx::is_named(field, "x-csrf-token")) continue;
    if (sent.count++ == 0) sent.value = ngx::to_view(field.value);
  }
  const FoundCookie session = cookie_of(r, policy.session);
  if (sent.count != 1 || session.count > 1) return false;
  const std::string_view token = valid_token(r, request.scheme(), session.value);
  return !token.empty() && same_token(token, sent.value);
}

// What the page may send: the client's own token or a new one, which the answer then sets. Empty:
// none can be made.
std::string_view token_for(ngx_http_request_t* r, std::string_view scheme, std::string_view session,
                           State* state) noexcept {
  const std::string_view known = valid_token(r, scheme, session);
  if (!known.empty()) return known;
  if (state != nullptr && is_token_of(core::client_key(), session, state->token)) {
    return state->token;
  }
  auto* text = static_cast<char*>(ngx_pnalloc(r->pool, kTokenSize));
  if (text == nullptr) return {};
  if (!make_token(core::client_key(), session, std::span<char, kTokenSize>(text, kTokenSize))) {
    return {};
  }
  if (state != nullptr) state->token = {text, kTokenSize};
  return {text, kTokenSize};
}

bool is_document(ngx_http_request_t* r) noexcept {
  const std::string_view type = ngx::to_view(r->headers_out.content_type);
  return core::equal_without_case(type.substr(0, type.find(';')), "text/html") ||
         core::equal_without_case(type.substr(0, type.find(';')), "application/xhtml+xml");
}

// Sets the token where the page will want it: with documents, with a new session, and with the
// refusal of a request that had none.
void send_token(ngx_http_request_t* r, core::Request* request) noexcept {
  if (core::mode_of(r, core::Feature::csrf) == core::Mode::off) return;
  const CsrfPolicy& policy = *location_conf(r)->csrf;
  std::optional<std::string_view> begun;
  for (const ngx_table_elt_t& field : ngx::response_fields(r)) {
    if (field.hash == 0 || !ngx::is_named(field, "set-cookie")) continue;
    const auto value = set_cookie_value(ngx::to_view(field.value), policy.session);
    if (value) begun = value;
  }
  State* state = request != nullptr ? state_of(*request) : nullptr;
  const bool refused = state != nullptr && state->wants_token;
  if (!begun && !refused && !is_document(r)) return;

  const std::string_view session = begun ? *begun : cookie_of(r, policy.session).value;
  const std::string_view scheme = request != nullptr ? request->scheme() : core::scheme_of(r);
  if (!valid_token(r, scheme, session).empty()) return;
  const std::string_view token = token_for(r, scheme, session, state);
  if (token.empty()) return;
  const std::string_view name = token_cookie(scheme);
  constexpr std::string_view kWords = "; Path=/; SameSite=Lax";
  constexpr std::string_view kSecure = "; Secure";
  const std::size_t size =
      name.size() + 1 + token.size() + kWords.size() + (scheme == "https" ? kSecure.size() : 0);
  auto* text = static_cast<char*>(ngx_pnalloc(r->pool, size));
  if (text == nullptr) return;
  char* at = std::ranges::copy(name, text).out;
  *at++ = '=';
  at = std::ranges::copy(token, at).out;
  at = std::ranges::copy(kWords, at).out;
  if (scheme == "https") std::ranges::copy(kSecure, at);
  ngx::add_stage_field(r, "Set-Cookie", {text, size});
}

constexpr core::HeaderStage kTokenStage = {core::kStageOrigin, send_token};

ngx_int_t get_token(ngx_http_request_t* r, ngx_variable_value_t* v, uintptr_t /*data*/) noexcept {
  v->not_found = 1;
  const CsrfPolicy* policy = location_conf(r)->csrf;
  if (policy == nullptr || policy->action != CsrfPolicy::Action::token) return NGX_OK;
  core::Request* request = core::Request::get(r);
  State* state = request != nullptr ? state_of(*request) : nullptr;
  if (state == nullptr) return NGX_ERROR;
  const std::string_view session = cookie_of(request->native(), policy->session).value;
  const std::string_view token = token_for(request->native(), request->scheme(), session, state);
  if (!token.empty()) ngx::set_variable(v, token);
  return NGX_OK;
}

// CSRF

core::Refusal& csrf_refusal(core::Refusal& refusal) noexcept {
  refusal.event = core::EventKind::csrf_refused;
  refusal.code = "csrf.cross_site";
  refusal.title = "Cross-site request not allowed";
  return refusal;
}

core::Answer check_csrf(core::Request& request, core::Refusal& refusal) noexcept {
  ngx_http_request_t* r = request.native();
  const CsrfPolicy& policy = *location_conf(r)->csrf;
  // The usual request in a few instructions.
  const bool reads = (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_OPTIONS)) != 0;
  if (reads && r->headers_in.upgrade == nullptr) return core::Answer::pass;
  if (!request.first_time(&policy)) return core::Answer::pass;

  State* state = state_of(request);
  if (state == nullptr) return out_of_memory(csrf_refusal(refusal));
  const Target target = target_of(request);
  if (!is_unsafe(state->fields, target.method)) return core::Answer::pass;
  if (core::is_excepted(policy.except, r)) return core::Answer::pass;
  switch (judge_csrf(policy, state->fields, target)) {
    case CsrfVerdict::pass:
      return core::Answer::pass;
    case CsrfVerdict::unknown:
      if (policy.action != CsrfPolicy::Action::token || has_token(request, policy)) {
        return core::Answer::pass;
      }
      state->wants_token = true;
      csrf_refusal(refusal).detail =
          "nothing says where the request comes from, and it has no valid token";
      break;
    case CsrfVerdict::cross_site:
      csrf_refusal(refusal).detail = "the browser says that another site has sent the request";
      break;
    case CsrfVerdict::other_origin:
      csrf_refusal(refusal).detail = "the request's Origin is not this site";
      break;
  }
  return core::Answer::refuse;
}

constexpr core::Check kCsrfCheck = {core::Feature::csrf, core::Gate::front, check_csrf};

// Merging

// Whoever may read answers wants to send requests as well; what guard_csrf does not trust, it
// refuses.
void notice_untrusted(ngx_conf_t* cf, const LocationConf& conf) {
  const auto& trusted = conf.csrf->trusted.entries();
  for (const OriginList::Entry& entry : conf.cors->origins.entries()) {
    const auto is_it = [&](const OriginList::Entry& other) { return other.text == entry.text; };
    if (conf.csrf->trusted.contains(entry.text) || std::ranges::any_of(trusted, is_it)) continue;
    ngx::notice(cf, conf.csrf_place,
                "\"guard_csrf\" refuses the unsafe requests of \"" + entry.text +
                    "\", an origin that \"guard_cors\" allows, unless \"trusted=\" names it");
  }
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.cors == nullptr) child.cors = parent.cors;
  if (child.csrf == nullptr) {
    child.csrf = parent.csrf;
    child.csrf_place = parent.csrf_place;
  }
  const bool cors = child.cors != nullptr && !child.cors->off;
  const bool csrf = child.csrf != nullptr && child.csrf->action != CsrfPolicy::Action::off;
  if (cors) {
    core::activate(cf, kCorsCheck);
    core::activate(cf, kCorsStage);
  }
  if (csrf) core::activate(cf, kCsrfCheck);
  if (csrf && child.csrf->action == CsrfPolicy::Action::token) {
    core::activate(cf, kTokenStage);
    core::need_client_key(cf);
  }
  if (!cors || !csrf) return;
  const bool inherited = child.cors == parent.cors && child.csrf == parent.csrf;
  if (!inherited || !parent.compared) notice_untrusted(cf, child);
  child.compared = true;
  if (inherited) parent.compared = true;
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCorsCheck);
  core::add_check(cf, kCsrfCheck);
  core::add_header_stage(cf, kCorsStage);
  core::add_header_stage(cf, kTokenStage);
  ngx::add_variable(cf, "guard_csrf_token", get_token);
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_cors"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_cors>),
    ngx::command(ngx_string("guard_csrf"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_csrf>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::origin

constinit ngx_module_t ngx_http_guard_origin_module =
    guard::ngx::http_module(&guard::origin::context, guard::origin::commands);
