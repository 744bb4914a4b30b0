// guard_lockout_admin, the nginx face: a location in which an operator sees the locks and bans of
// this nginx's shared memory, and lifts them.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/clock.h"
#include "core/local_answer.h"
#include "core/request.h"
#include "lockout/admin.h"
#include "lockout/ban_exchange.h"
#include "lockout/ban_module.h"
#include "lockout/lockout_account.h"
#include "lockout/lockout_calls.h"
#include "lockout/lockout_module.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

extern "C" ngx_module_t ngx_http_guard_admin_module;

namespace guard::lockout {

namespace {

using core::Request;

struct LocationConf {
  bool answers = false;
  bool is_public = false;
};

constexpr std::string_view kLifted = "An operator lifted the lock";

// The hash of the account that is meant; nothing: none is, or another number of texts than the
// policy has.
std::optional<std::uint64_t> account_of(const Guarded& policy, const AdminQuery& query) {
  if (query.accounts.empty()) return std::nullopt;
  std::vector<std::string_view> texts(query.accounts.begin(), query.accounts.end());
  return account_hash(core::client_key(), texts, policy.normalization);
}

void tell(Found& found, const AdminQuery& query, Request& request) noexcept {
  for (const FoundLock& lifted : found.locks) {
    std::array<char, kHashDigits> digits = core::hex_of(lifted.lock.hash);
    core::Event event;
    event.kind = core::EventKind::account_unlocked;
    event.code = lifted.policy->refusal_code;
    event.policy = lifted.policy->name;
    if (query.accounts.size() == 1) event.user = query.accounts.front();
    event.detail = kLifted;
    event.key_hash = {digits.data(), digits.size()};
    request.publish(event);
    if (!lift_at_redis(*lifted.policy, lifted.lock)) found.untold = true;
  }
  for (const FoundBan& lifted : found.bans) {
    if (lifted.policy->exchange == nullptr || lifted.ban.state != BanState::banned) continue;
    if (!lifted.policy->exchange->tell_lifted(lifted.tag)) found.untold = true;
  }
  ngx_log_error(NGX_LOG_NOTICE, request.native()->connection->log, 0,
                "guard_lockout_admin lifted %uz locks and %uz bans", found.locks.size(),
                found.bans.size());
}

Found find(ngx_http_request_t* r, const AdminQuery& query, bool lift) {
  Found found;
  found.locks.reserve(kMaxListed);
  found.bans.reserve(kMaxListed);
  const std::uint64_t now = core::microseconds();
  for (Guarded* policy : lockouts_in_force(r)) {
    if (!query.policy.empty() && query.policy != policy->name) continue;
    find_locks(*policy, query, account_of(*policy, query), lift, lock_time(now), found);
  }
  std::vector<std::string_view> clients(query.clients.begin(), query.clients.end());
  for (BanRegister* policy : bans_in_force(r)) {
    if (!query.policy.empty() && query.policy != policy->policy.name) continue;
    std::optional<std::uint64_t> client;
    if (!clients.empty()) client = ban_key(*policy, clients);
    find_bans(*policy, query, client, lift, now, found);
  }
  return found;
}

ngx_int_t send(ngx_http_request_t* r, ngx_uint_t status, std::string_view text) {
  return core::send_answer(r, status, "application/json", text);
}

ngx_int_t refuse(ngx_http_request_t* r, const std::string& error) {
  std::string text = "{\"error\":\"";
  for (char c : error) {
    if (c == '"') text.push_back('\\');
    text.push_back(c);
  }
  return send(r, NGX_HTTP_BAD_REQUEST, text + "\"}\n");
}

ngx_int_t answer(ngx_http_request_t* r) {
  const bool lift = r->method == NGX_HTTP_DELETE;
  std::string error;
  std::optional<AdminQuery> query = parse_admin_query(ngx::to_view(r->args), error);
  if (!query) return refuse(r, error);
  if (!lift) return send(r, NGX_HTTP_OK, to_json(find(r, *query, false), core::microseconds()));
  if (!query->selects()) {
    return refuse(r, "say what to lift: \"account\", \"client\" or \"key\"");
  }
  Request* request = Request::get(r);
  if (request == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  Found found = find(r, *query, true);
  const bool any = !found.locks.empty() || !found.bans.empty();
  if (any) tell(found, *query, *request);
  return send(r, any ? NGX_HTTP_OK : NGX_HTTP_NOT_FOUND, to_json(found, core::microseconds()));
}

ngx_int_t handle(ngx_http_request_t* r) noexcept {
  const auto* conf =
      static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_admin_module));
  if (!conf->is_public && core::is_stranger(r)) return NGX_HTTP_FORBIDDEN;
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_DELETE)) == 0) {
    return NGX_HTTP_NOT_ALLOWED;
  }
  ngx_int_t rc = ngx_http_discard_request_body(r);
  if (rc != NGX_OK) return rc;
  try {
    return answer(r);
  } catch (...) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
}

void set_admin(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.answers) core::fail("\"guard_lockout_admin\" directive is duplicate");
  conf.answers = true;
  words.read(0, {}, {"public"});
  conf.is_public = words.flag("public");
  core::answer_here(cf, words.directive(), handle);
  core::need_client_key(cf);
}

void merge(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (core::is_block_within(cf)) child = parent;
  if (child.answers && !child.is_public) core::exempt_location(cf, {core::Feature::rate});
}

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_lockout_admin"),
                 NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_admin>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge>,
};

}  // namespace

}  // namespace guard::lockout

constinit ngx_module_t ngx_http_guard_admin_module =
    guard::ngx::http_module(&guard::lockout::context, guard::lockout::commands);
