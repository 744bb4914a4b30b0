// The nginx face of guard_headers, guard_header, guard_csp, guard_csp_add, guard_hsts and
// guard_hide_headers: directives and the header stage.

#include <algorithm>
#include <optional>
#include <vector>

#include "core/ascii.h"
#include "core/check.h"
#include "core/request.h"
#include "headers/field_plan.h"
#include "headers/nonce_module.h"
#include "headers/policy.h"
#include "headers/profiles.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_headers_module;
}

namespace guard::headers {

namespace {

// A plan in nginx's terms. Elements are only ever copied from, except the two that stand for
// Server, which nginx merely compares with null.
struct Prepared {
  FieldPlan plan;
  std::vector<ngx_table_elt_t> elements;  // of plan.fields, in its order
  std::vector<ngx::Value> values;         // of the fields behind plan.constant
  std::vector<ngx::Value> conditions;     // of the same; none where there is no if=
  ngx_table_elt_t* server = nullptr;      // what headers_out.server becomes; null: left alone
  ngx_table_elt_t no_server{};
};

struct LocationConf {
  std::optional<ProfileChoice> profile;
  std::vector<FieldRule> rules;
  std::optional<Hsts> hsts;
  std::optional<HideChoice> hide;
  CspChoice csp;
  ngx::Place csp_place;               // of the last guard_csp or guard_csp_add
  std::vector<std::string> warnings;  // what has been said of what guard_csp_add adds
  const Prepared* prepared = nullptr;

  bool says_nothing() const {
    return !profile && rules.empty() && !hsts && !hide && csp.says_nothing();
  }
};

LocationConf* location_conf(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_headers_module));
}

// Directives

[[noreturn]] void fail_duplicate(const core::Words& words) {
  core::fail("\"", words.directive(), "\" directive is duplicate");
}

void set_headers(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.profile) fail_duplicate(words);
  conf.profile = parse_headers(words);
}

void set_header(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  FieldRule rule = parse_header(words);
  // Compiled again when all levels are known; here so that a mistake is found on its own line.
  if (!rule.off) ngx::Value(cf, rule.value);
  if (!rule.condition.empty()) ngx::Value(cf, rule.condition);
  add_rule(conf.rules, std::move(rule));
}

void set_hsts(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  if (conf.hsts) fail_duplicate(words);
  conf.hsts = parse_hsts(words);
}

void set_hide_headers(ngx_conf_t* /*cf*/, core::Words& words, LocationConf& conf) {
  const bool first = !conf.hide;
  if (first) conf.hide.emplace();
  parse_hide_headers(words, *conf.hide, first);
}

void set_csp(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  parse_csp_directive(words, conf.csp);
  conf.csp_place = ngx::place_of(cf);
  if (conf.csp.off) return;
  for (const std::string& warning : warnings_of(conf.csp.rules.back())) ngx::warn(cf, warning);
}

void set_csp_add(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  parse_csp_add(words, conf.csp);
  conf.csp_place = ngx::place_of(cf);
}

// The header stage

void send_fields(ngx_http_request_t* r, core::Request* request) noexcept;
constexpr core::HeaderStage kHeaderStage = {core::kStageHeaders, send_fields};

constexpr std::uint64_t bit(std::size_t index) {
  return std::uint64_t{1} << index;
}

// Which of our fields do not go out, because their condition is not met, or because they stand in
// for one whose condition is.
std::uint64_t held_back(ngx_http_request_t* r, const Prepared& prepared) noexcept {
  const FieldPlan& plan = prepared.plan;
  std::uint64_t held = 0;
  for (std::size_t i = plan.constant; i < plan.fields.size(); ++i) {
    const PlannedField& field = plan.fields[i];
    if (!field.is_conditional()) continue;
    bool met = field.suits(static_cast<std::uint16_t>(r->headers_out.status));
    if (met && !field.condition.empty()) {
      const auto value = prepared.conditions[i - plan.constant].evaluate(r);
      met = value && !value->empty() && *value != "0";
    }
    const NameTable::Entry* entry = plan.names.find(field.name);
    if (!met) {
      held |= bit(i);
    } else if (entry->fallback != NameTable::kHidden) {
      held |= bit(static_cast<std::size_t>(entry->fallback));
    }
  }
  return held;
}

// Removes what must go and answers which of our fields do not go out: those of held, and those that
// are there already.
std::uint64_t look_at_existing(ngx_http_request_t* r, const FieldPlan& plan, Scope from,
                               bool secure, std::uint64_t held) noexcept {
  std::uint64_t absent = held;
  for (ngx_table_elt_t& header : ngx::response_fields(r)) {
    if (header.hash == 0) continue;
    const NameTable::Entry* entry = plan.names.find(ngx::to_view(header.key));
    if (entry == nullptr) continue;
    std::int16_t field = entry->field;
    Existing existing = entry->existing;
    if (field != NameTable::kHidden && (held & bit(static_cast<std::size_t>(field))) != 0) {
      field = entry->fallback;
      if (!entry->hidden) {
        if (field == NameTable::kHidden) continue;
        existing = plan.fields[static_cast<std::size_t>(field)].existing;
      }
    }
    // RFC 6797, 7.2: not over plain HTTP, whoever says it.
    const bool goes =
        existing == Existing::goes ||
        (!secure && plan.fields[static_cast<std::size_t>(field)].scope == Scope::secure);
    if (!goes) {
      if (existing == Existing::stays) absent |= bit(static_cast<std::size_t>(field));
      continue;
    }
    // Where the answer is no document, ours would not be there instead. A 304 may be about one.
    if (from == Scope::content && !entry->hidden &&
        plan.fields[static_cast<std::size_t>(field)].scope == Scope::document) {
      continue;
    }
    header.hash = 0;
    if (r->headers_out.server == &header) r->headers_out.server = nullptr;
  }
  return absent;
}

void push(ngx_http_request_t* r, const ngx_table_elt_t& element) noexcept {
  auto* slot = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (slot != nullptr) *slot = element;
}

// The constant fields from begin to end, without those of absent.
void push_constant(ngx_http_request_t* r, const Prepared& prepared, std::size_t begin,
                   std::size_t end, std::uint64_t absent) noexcept {
  ngx_list_t& list = r->headers_out.headers;
  const std::size_t count = end - begin;
  if (absent == 0 && list.last->nelts + count <= list.nalloc) {
    auto* slots = static_cast<ngx_table_elt_t*>(list.last->elts) + list.last->nelts;
    std::copy_n(prepared.elements.data() + begin, count, slots);
    list.last->nelts += count;
    return;
  }
  for (std::size_t i = begin; i < end; ++i) {
    if ((absent & bit(i)) == 0) push(r, prepared.elements[i]);
  }
}

void push_variable(ngx_http_request_t* r, const Prepared& prepared, std::uint64_t absent,
                   Scope from, bool secure) noexcept {
  const FieldPlan& plan = prepared.plan;
  for (std::size_t i = plan.constant; i < plan.fields.size(); ++i) {
    if ((absent & bit(i)) != 0 || plan.fields[i].scope < from) continue;
    if (plan.fields[i].scope == Scope::secure && !secure) continue;
    const auto value = prepared.values[i - plan.constant].evaluate(r);
    if (!value || value->empty()) continue;
    if (!is_field_value(*value)) {
      ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                    "header field \"%V\" is not sent, its value has a control character",
                    &prepared.elements[i].key);
      continue;
    }
    ngx_table_elt_t element = prepared.elements[i];
    element.value = ngx::borrow(*value);
    push(r, element);
  }
}

void send_fields(ngx_http_request_t* r, core::Request* request) noexcept {
  const Prepared& prepared = *location_conf(r)->prepared;
  const FieldPlan& plan = prepared.plan;
  const bool secure = !plan.needs_scheme ||
                      (request != nullptr ? request->scheme() : core::scheme_of(r)) == "https";
  const bool modified = r->headers_out.status != NGX_HTTP_NOT_MODIFIED;
  const Scope from = !modified                                                     ? Scope::any
                     : is_document_type(ngx::to_view(r->headers_out.content_type)) ? Scope::document
                                                                                   : Scope::content;
  const std::size_t begin = from == Scope::document  ? 0
                            : from == Scope::content ? plan.document
                                                     : plan.content;

  const std::uint64_t held = plan.conditional ? held_back(r, prepared) : 0;
  const std::uint64_t absent = look_at_existing(r, plan, from, secure, held);
  push_constant(r, prepared, begin, secure ? plan.constant : plan.insecure, absent);
  if (plan.constant != plan.fields.size()) push_variable(r, prepared, absent, from, secure);
  if (plan.nonce && from == Scope::document) make_private(r);
  if (prepared.server != nullptr) r->headers_out.server = prepared.server;
}

// Merging

// Their texts lie side by side in the order in which nginx writes them: a request finds few of them
// in the nearest cache, and what is read in a row is fetched ahead.
std::vector<ngx_table_elt_t> elements_of(ngx_pool_t* pool, const FieldPlan& plan) {
  std::size_t size = 0;
  for (const PlannedField& field : plan.fields) size += 2 * field.name.size() + field.value.size();
  auto* text = static_cast<u_char*>(ngx_pnalloc(pool, size));
  if (text == nullptr) throw std::bad_alloc();

  std::vector<ngx_table_elt_t> elements;
  elements.reserve(plan.fields.size());
  for (const PlannedField& field : plan.fields) {
    ngx_table_elt_t& element = elements.emplace_back();
    element.hash = ngx::kStageHash;
    element.key = {field.name.size(), text};
    text = std::copy(field.name.begin(), field.name.end(), text);
    element.value = {field.value.size(), text};
    text = std::copy(field.value.begin(), field.value.end(), text);
  }
  for (ngx_table_elt_t& element : elements) {
    element.lowcase_key = text;
    ngx_strlow(text, element.key.data, element.key.len);
    text += element.key.len;
  }
  return elements;
}

const Prepared* prepare(ngx_conf_t* cf, const LocationConf& conf) {
  auto* prepared = ngx::pool_new<Prepared>(cf->pool);
  FieldPlan& plan = prepared->plan;
  try {
    plan = make_plan(conf.profile.value_or(ProfileChoice{}), conf.rules, conf.hsts,
                     conf.hide.value_or(HideChoice{}), conf.csp);
  } catch (const core::ConfigError& error) {
    // What is known only now is told where the policy stands.
    if (!std::string_view(error.what()).starts_with("\"guard_csp")) throw;
    ngx::fail(cf, conf.csp_place, error.what());
  }
  prepared->elements = elements_of(cf->pool, plan);
  for (std::size_t i = 0; i < plan.fields.size(); ++i) {
    const PlannedField& field = plan.fields[i];
    if (i < plan.constant) continue;
    prepared->values.emplace_back(cf, field.value);
    prepared->conditions.push_back(field.condition.empty() ? ngx::Value()
                                                           : ngx::Value(cf, field.condition));
  }
  if (plan.hides_server) prepared->server = &prepared->no_server;
  for (ngx_table_elt_t& element : prepared->elements) {
    if (core::equal_without_case(ngx::to_view(element.key), "Server")) prepared->server = &element;
  }
  return prepared;
}

void merge_policies(ngx_conf_t* cf, const LocationConf& parent, LocationConf& child) {
  if (!child.csp.rules.empty() && (!parent.csp.rules.empty() || !parent.csp.additions.empty())) {
    ngx::notice(
        cf,
        "\"guard_csp\" of an inner level replaces all that the outer level says with it and "
        "with \"guard_csp_add\"");
  }
  if (child.csp.says_nothing()) child.csp_place = parent.csp_place;
  child.csp = merge_csp(parent.csp, child.csp);
}

// Each once, where the policy stands.
void warn_of_additions(ngx_conf_t* cf, LocationConf& conf, LocationConf* origin) {
  for (const std::string& warning : conf.prepared->plan.warnings) {
    if (std::ranges::find(conf.warnings, warning) != conf.warnings.end()) continue;
    ngx::warn(cf, conf.csp_place, warning);
    conf.warnings.push_back(warning);
    if (origin != nullptr) origin->warnings.push_back(warning);
  }
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.says_nothing() && parent.prepared != nullptr) {
    child.prepared = parent.prepared;
    child.profile = parent.profile;
    child.rules = parent.rules;
    child.hsts = parent.hsts;
    child.hide = parent.hide;
    child.csp = parent.csp;
    child.csp_place = parent.csp_place;
    child.warnings = parent.warnings;
  } else {
    const bool inherits = child.csp.says_nothing();
    if (child.csp.rules.empty()) child.warnings = parent.warnings;
    merge_policies(cf, parent, child);
    if (!child.profile) child.profile = parent.profile;
    if (!child.hsts) child.hsts = parent.hsts;
    child.rules = merge_rules(parent.rules, child.rules);
    if (!child.hide) {
      child.hide = parent.hide;
    } else if (parent.hide) {
      if (!child.hide->adds && !child.hide->off && !parent.hide->off) {
        ngx::notice(cf,
                    "\"guard_hide_headers\" of an inner level replaces all that the outer level "
                    "says with it");
      }
      child.hide = merge_hide(*parent.hide, *child.hide);
    }
    child.prepared = prepare(cf, child);
    warn_of_additions(cf, child, inherits ? &parent : nullptr);
  }
  if (child.prepared->plan.nonce) expect_nonce(cf, child.csp_place);
  if (!child.prepared->plan.empty()) core::activate(cf, kHeaderStage);
  if (child.prepared->plan.hides_version) {
    auto* clcf = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
    clcf->server_tokens = NGX_HTTP_SERVER_TOKENS_OFF;
  }
}

void preconfigure(ngx_conf_t* cf) {
  core::add_header_stage(cf, kHeaderStage);
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_headers"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_headers>),
    ngx::command(ngx_string("guard_header"), kAnywhere | NGX_CONF_2MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_header>),
    ngx::command(ngx_string("guard_csp"), kAnywhere | NGX_CONF_1MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_csp>),
    ngx::command(ngx_string("guard_csp_add"), kAnywhere | NGX_CONF_2MORE, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_csp_add>),
    ngx::command(ngx_string("guard_hsts"), kAnywhere | NGX_CONF_ANY, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_hsts>),
    ngx::command(ngx_string("guard_hide_headers"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_hide_headers>),
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

}  // namespace guard::headers

constinit ngx_module_t ngx_http_guard_headers_module =
    guard::ngx::http_module(&guard::headers::context, guard::headers::commands);
