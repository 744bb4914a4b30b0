// guard_upload's nginx face.

#include <new>
#include <string>

#include "core/ascii.h"
#include "core/check.h"
#include "core/metrics.h"
#include "core/request.h"
#include "core/variable_checks.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/fields.h"
#include "ngx/module.h"
#include "ngx/strings.h"
#include "upload/scan_module.h"
#include "upload/upload.h"

extern "C" {
extern ngx_module_t ngx_http_guard_upload_module;
}

namespace guard::upload {

namespace {

using core::Answer;
using core::Request;

constexpr core::MetricFamily kFiles = {"guard_upload_files", core::MetricType::counter, "",
                                       "Files of forms, by what became of the form"};
constexpr core::MetricFamily kBytes = {"guard_upload_bytes", core::MetricType::counter, "bytes",
                                       "Bytes of files that were read, by what became of the form"};

// Of forms that passed, and of those that broke a rule.
struct Counts {
  const core::Counter* files = nullptr;
  const core::Counter* bytes = nullptr;
};

struct LocationConf {
  const Policy* policy = nullptr;
  core::PolicyUses uses;
};

struct MainConf {
  Counts passed;
  Counts refused;
};

// Of one request: the form under one location's policy. Another location, after an internal
// redirect, may have another policy and begins anew.
struct State {
  const Policy* policy = nullptr;
  Upload* upload = nullptr;
  Verdict verdict;
  bool counted = false;
  bool judged = false;  // all of the form has been seen, or as much as refuses it
  Scanner* scanner = nullptr;
  const Scanning* scanning = nullptr;  // under which it scans
};

// Of this worker; libmagic's state is large, and not for two at once.
Magic magic;
bool magic_wanted = false;

const LocationConf& conf_of(const Request& request) noexcept {
  return *static_cast<LocationConf*>(
      ngx_http_get_module_loc_conf(request.native(), ngx_http_guard_upload_module));
}

const Policy& policy_of(const Request& request) noexcept {
  return *conf_of(request).policy;
}

// What the header says of the body; all fields of a name, where nginx keeps the first.
struct Fields {
  core::MultipartType type;
  std::uint32_t types = 0;
  bool some_multipart = false;
  bool encoded = false;
};

Fields read_fields(const ngx_http_request_t* r) noexcept {
  Fields fields;
  for (const ngx_table_elt_t& field : ngx::request_fields(r)) {
    const std::string_view name = ngx::to_view(field.key);
    if (core::equal_in_cgi(name, "content-type")) {
      ++fields.types;
      fields.type = core::multipart_type(ngx::to_view(field.value));
      fields.some_multipart = fields.some_multipart || fields.type.multipart;
    } else if (core::equal_in_cgi(name, "content-encoding")) {
      fields.encoded = true;
    }
  }
  return fields;
}

Verdict judge_fields(const Fields& fields) noexcept {
  core::MultipartFault fault = fields.type.fault;
  if (fields.types != 1) fault = core::MultipartFault::media_type;
  if (fault != core::MultipartFault::none) {
    return {Fault::multipart, explain(fault), name_of(fault), {}};
  }
  if (fields.encoded) {
    return {Fault::multipart, "the form has a Content-Encoding", "content_encoding", {}};
  }
  return {};
}

core::BodyNeed body_need(Request& request) noexcept {
  const Policy& policy = policy_of(request);
  auto* state = request.state<State>(core::Feature::upload);
  if (state == nullptr || !request.has_body()) return {};
  // Asked again when the body has been read; and after an internal redirect to where the same
  // policy stands, for which the form must not be read twice.
  if (state->policy == &policy) return {state->upload != nullptr && !state->judged, 0};
  const Fields fields = read_fields(request.native());
  if (!fields.some_multipart) return {};
  *state = {&policy, nullptr, judge_fields(fields), false, false, nullptr, nullptr};
  if (state->verdict.refused()) return {};
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(request.pool(), sizeof(Upload));
  if (cleanup == nullptr) {
    state->policy = nullptr;
    return {};
  }
  state->upload = new (cleanup->data) Upload(policy, fields.type.boundary, magic);
  cleanup->handler = [](void* upload) noexcept { static_cast<Upload*>(upload)->~Upload(); };
  return {true, 0};
}

bool body_part(Request& request, std::string_view bytes) noexcept {
  const auto* state = request.state<State>(core::Feature::upload);
  return state == nullptr || state->upload == nullptr || state->upload->feed(bytes);
}

// Of the pool, since a refusal's views must live as long as the request; null: no memory.
const core::EventFile* file_of(Request& request, const FileFacts* facts) noexcept {
  if (facts == nullptr) return nullptr;
  void* memory = ngx_palloc(request.pool(), sizeof(core::EventFile));
  return memory == nullptr ? nullptr : new (memory) core::EventFile(facts->event());
}

Answer refuse(Request& request, core::Refusal& refusal, const Verdict& verdict,
              const FileFacts* file = nullptr) noexcept {
  const Code& code = code_of(verdict.fault);
  refusal.event = core::EventKind::file_refused;
  refusal.status = code.status;
  refusal.code = code.code;
  refusal.title = code.title;
  refusal.detail = verdict.detail;
  refusal.file = file_of(request, file);
  auto* place =
      static_cast<core::FieldError*>(ngx_palloc(request.pool(), sizeof(core::FieldError)));
  if (place != nullptr) {
    new (place) core::FieldError{verdict.detail, {}, verdict.keyword};
    if (!verdict.part.empty()) {
      place->in = "body";
      place->name = verdict.part;
    }
    refusal.errors = {place, 1};
  }
  return Answer::refuse;
}

// Once for a form, however often its verdict is asked for.
void count(State& state, const MainConf& main) noexcept {
  if (state.counted) return;
  state.counted = true;
  const Counts& counts = state.upload->verdict().refused() ? main.refused : main.passed;
  counts.files->add(state.upload->files());
  counts.bytes->add(state.upload->file_bytes());
}

Answer judge_scan(Request& request, const Scanner& scanner, core::Refusal& refusal) noexcept {
  const FileFacts* file = scanner.offender();
  if (file == nullptr) return Answer::pass;
  if (file->scan == Scan::infected) {
    const Verdict infected = {Fault::malware, "the scanner has found malware in a file",
                              "signature", file->field.text()};
    return refuse(request, refusal, infected, file);
  }
  const ScanFault fault = scanner.fault();
  const Fault code = fault == ScanFault::size ? Fault::size : Fault::scan;
  const Answer answer =
      refuse(request, refusal, {code, explain(fault), keyword_of(fault), file->field.text()}, file);
  if (code == Fault::scan) refusal.event = core::EventKind::scan_failed;
  return answer;
}

Answer scan(Request& request, State& state, core::Refusal& refusal) noexcept {
  const Scanning& scanning = *scanning_of(request);
  if (state.upload->facts() == nullptr) return Answer::pass;
  if (state.scanner == nullptr || state.scanning != &scanning) {
    if (state.scanner != nullptr) state.scanner->stop();
    state.scanner = make_scanner(request, scanning, state.upload->facts());
    if (state.scanner == nullptr) {
      constexpr Verdict kMemory = {Fault::scan, "the file could not be scanned", "memory", {}};
      return refuse(request, refusal, kMemory, state.upload->facts());
    }
    state.scanning = &scanning;
    state.scanner->start();
  }
  return state.scanner->done() ? judge_scan(request, *state.scanner, refusal) : Answer::wait;
}

Answer judge(Request& request, core::Refusal& refusal) noexcept {
  if (!request.has_body()) return Answer::pass;
  const Policy& policy = policy_of(request);
  auto* state = request.state<State>(core::Feature::upload);
  constexpr Verdict kUnread = {Fault::multipart, "the form could not be read", "unread", {}};
  if (state == nullptr) return refuse(request, refusal, kUnread);
  if (state->policy != &policy) {
    // No form, or no memory for one.
    return read_fields(request.native()).some_multipart ? refuse(request, refusal, kUnread)
                                                        : Answer::pass;
  }
  if (state->upload == nullptr) return refuse(request, refusal, state->verdict);
  if (!state->upload->verdict().refused()) {
    // At the limit of another check, which refuses it.
    if (request.body_stopped()) return Answer::pass;
    if (!request.body_complete()) return refuse(request, refusal, kUnread);
    state->upload->finish();
  }
  state->judged = true;
  count(*state, *static_cast<const MainConf*>(
                    ngx_http_get_module_main_conf(request.native(), ngx_http_guard_upload_module)));
  const Verdict& verdict = state->upload->verdict();
  if (verdict.refused()) return refuse(request, refusal, verdict, state->upload->refused_file());
  return scanning_of(request) == nullptr ? Answer::pass : scan(request, *state, refusal);
}

// The verdict stays as it is: another location that only observes does not say it again.
Answer evaluate(Request& request, core::Refusal& refusal) noexcept {
  const Answer answer = judge(request, refusal);
  if (answer != Answer::refuse || request.first_time(&policy_of(request))) return answer;
  return Answer::pass;
}

void abandon(Request& request) noexcept {
  const auto* state = request.state<State>(core::Feature::upload);
  if (state != nullptr && state->scanner != nullptr) state->scanner->stop();
}

// The application has answered: which files it has taken.
void tell_files(ngx_http_request_t* /*r*/, Request* request) noexcept {
  const auto* state = request->used_state<State>(core::Feature::upload);
  if (state == nullptr || state->upload == nullptr) return;
  if (request->own_status() == 0 || request->own_status() >= 400) return;
  for (const FileFacts* facts = state->upload->facts(); facts != nullptr; facts = facts->next) {
    if (!facts->whole) continue;
    const core::EventFile file = facts->event();
    core::Event event;
    event.kind = core::EventKind::file_uploaded;
    event.status = request->own_status();
    event.file = &file;
    request->publish(event);
  }
}

constexpr core::HeaderStage kOutcome = {core::kStageOutcome, tell_files, true};

const core::Check kCheck = {.feature = core::Feature::upload,
                            .gate = core::Gate::inner,
                            .evaluate = evaluate,
                            .body_need = body_need,
                            .abandon = abandon,
                            .body_part = body_part};

void set_upload(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  if (conf.policy != nullptr) core::fail("\"guard_upload\" directive is duplicate");
  auto* policy = ngx::pool_new<Policy>(cf->pool);
  *policy = parse_upload(words);
  if (policy->on) {
    // So that what is missing is said before a worker needs it.
    Magic trial;
    if (!trial.open()) core::fail(trial.error());
    magic_wanted = true;
  }
  conf.policy = policy;
  core::PolicyUse& use = core::add_policy_use(cf, words.directive(), {});
  if (const auto size = words.named("max_file")) {
    core::add_body_size(use, "max_file", *size, policy->max_file);
  }
  conf.uses.add(policy, use);
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  if (child.policy == nullptr) child.policy = parent.policy;
  if (child.policy == nullptr) child.policy = ngx::pool_new<Policy>(cf->pool);
  child.uses.inherit(parent.uses);
  if (!child.policy->on) return;
  child.uses.hold(cf, child.policy);
  core::activate(cf, kCheck);
  core::activate(cf, kOutcome);
  const Scanning* scanning = use_scanning(cf);
  if (scanning == nullptr) return;
  const ScanPolicy& scan = scanning->policy;
  if (child.policy->max_file > scan.scan_max) {
    ngx::notice(cf, scan.on_error == OnError::refuse
                        ? "files larger than \"scan_max\" of \"guard_upload_scan\" are refused, "
                          "whatever \"max_file\" says"
                        : "files larger than \"scan_max\" of \"guard_upload_scan\" pass without "
                          "a scan");
  }
}

void init_main(ngx_conf_t* cf, MainConf& conf) {
  auto counts = [cf](std::string_view result) {
    const std::string labels = core::metric_labels({{"result", result}});
    return Counts{&core::metrics_of(cf).counter(kFiles, labels),
                  &core::metrics_of(cf).counter(kBytes, labels)};
  };
  conf.passed = counts("passed");
  conf.refused = counts("refused");
}

void preconfigure(ngx_conf_t* cf) {
  core::add_check(cf, kCheck);
  core::add_header_stage(cf, kOutcome);
}

ngx_int_t init_process(ngx_cycle_t* cycle) noexcept {
  if (ngx::is_worker() && magic_wanted && !magic.open()) {
    const std::string_view why = magic.error();
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "guard_upload: %*s", why.size(), why.data());
  }
  return NGX_OK;
}

void exit_process(ngx_cycle_t* /*cycle*/) noexcept {
  magic.close();
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_upload"), kAnywhere | NGX_CONF_ANY, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_upload>),
    ngx_null_command,
};

ngx_http_module_t context = {
    ngx::configuration<preconfigure>,
    nullptr,
    ngx::create_conf<MainConf>,
    ngx::init_conf<MainConf, init_main>,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

}  // namespace guard::upload

constinit ngx_module_t ngx_http_guard_upload_module =
    guard::ngx::http_module(&guard::upload::context, guard::upload::commands,
                            {guard::upload::init_process, guard::upload::exit_process});
