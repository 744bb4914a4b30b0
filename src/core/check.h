// How a feature takes part in a request: it registers checks with a gate, stages with the header
// filter, and listeners with the event bus. Only core knows phases, suspending, resuming, aborts,
// subrequests, internal redirects and guard_mode; a check knows none of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/feature.h"
#include "core/refusal.h"
#include "ngx/compat.h"

namespace guard::core {

class Counter;
class Request;

// front: PREACCESS, before authentication. inner: PRECONTENT, after it, with the body if wanted.
enum class Gate : std::uint8_t { front, inner };

// wait: the check has arranged that Request::resume() is called; it is then asked again. A check
// that waits is never asked by anything but that, of its own or of another that waits with it.
// hold, of ask alone: wait, and let nobody behind ask before this check has charged. finish, of
// evaluate alone: nobody else needs to see the request; the response is a 204, and whatever fields
// it needs a HeaderStage adds.
enum class Answer : std::uint8_t { pass, refuse, wait, hold, finish };

struct BodyNeed {
  bool wanted = false;
  std::size_t limit = 0;  // bytes; reading stops at the smallest limit of all checks that want it
  // Whoever holds it to a schema is to tell which values that confines: JsonBody::confine().
  bool confined = false;
};

// Static storage. Within a gate, checks are asked in the order of Feature; the inner gate's rate
// limits come last, since their keys need what the other checks made of the body.
struct Check {
  Feature feature;
  Gate gate;
  // Fills refusal when it answers refuse. Must not charge anything.
  Answer (*evaluate)(Request& request, Refusal& refusal) noexcept;
  // Second round, once every check of this gate has passed: takes what evaluate found to be there.
  // Never waits. May still refuse (somebody else took it meanwhile); it then must have taken
  // nothing.
  Answer (*charge)(Request& request, Refusal& refusal) noexcept = nullptr;
  // Before the first charge: asks others, who may take at once, for what charge needs to know. All
  // checks of the gate ask in one turn, so that what goes to one Redis goes together; none charges
  // before all have their answers. Pass, wait or hold.
  Answer (*ask)(Request& request) noexcept = nullptr;
  // Gives back what ask and charge took, because a charge of the same gate refused.
  void (*refund)(Request& request) noexcept = nullptr;
  // Inner gate only: whether this request's body is wanted before evaluate, and how much of it.
  BodyNeed (*body_need)(Request& request) noexcept = nullptr;
  // The request dies while this check waits, or has asked and not charged: whatever would call
  // resume() must not any more.
  void (*abandon)(Request& request) noexcept = nullptr;
  // Inner gate only, where body_need wants the body: is given all of it before evaluate, piece by
  // piece as it comes. False: it has seen enough to refuse, and is not called again; where that is
  // enforced, nothing more of the body is read.
  bool (*body_part)(Request& request, std::string_view bytes) noexcept = nullptr;
  bool sets_variables = false;  // those of add_body_variable()
};

// Runs in the header filter of the main request, after every other header filter of nginx that
// matters (see docs/architecture.md). request is null where no gate has seen the request.
//
// A stage below kStageHeaders judges the application's own answer: it runs once per main request,
// never after a refusal of Guard's or where nginx itself has refused, with a request, whose
// own_status() is that of the application before any error_page, and in the location that has asked
// the application, which is where it must be active.
struct HeaderStage {
  int position;  // ascending
  void (*run)(ngx_http_request_t* r, Request* request) noexcept;
  // One that judges does so wherever the application was asked, once it is active anywhere; and
  // where nobody was asked, too, which an own_status() of 0 says.
  bool everywhere = false;
};

inline constexpr int kStageOutcome = 10;  // events from the application's own answer
inline constexpr int kStageHeaders = 20;  // security headers
inline constexpr int kStageOrigin = 30;   // CORS
inline constexpr int kStageRate = 40;     // RateLimit fields

// Whether the answer to a request is to be judged, and how. hold: nothing of it is sent before; or
// else it is judged when it has passed.
struct AnswerNeed {
  std::size_t limit = 0;  // bytes of a body that are kept for it; 0: not wanted
  bool hold = false;
  // Of a larger body the first bytes, up to the limit, are judged, and what is encoded or comes in
  // slices is not at all: it passes. Parts (206) are judged as if they were the whole.
  bool start = false;
};

// What there is of an answer's body. All but whole: nothing that could be judged.
enum class AnswerBody : std::uint8_t {
  whole,
  start,        // where that is wanted: of a larger one
  encoded,      // with a Content-Encoding
  partial,      // status 206, or the first of the slices that nginx puts together
  too_large,    // more than the limit
  unavailable,  // no memory for it
};

// Judges what the application answers, if it has a body, in the body filter of the main request. A
// location has one; it also judges what another location gives to a request of this one (try_files,
// error_page, X-Accel-Redirect), with the location it was activated in as r->loc_conf. What Guard
// itself refuses is never asked for; subrequests are not either.
struct AnswerCheck {
  Feature feature;
  // In the header filter, before anything is sent, for an answer that has a body.
  AnswerNeed (*need)(Request& request) noexcept;
  // Refuses: the refusal takes the place of an answer that is held; of one that has passed there is
  // an event. Its errors are for the event: they would tell clients about the answer.
  Answer (*judge)(Request& request, AnswerBody what, std::string_view body,
                  Refusal& refusal) noexcept;
};

// Hears every event. request is null for an event of the worker itself.
using Listener = void (*)(const Event& event, Request* request) noexcept;

// Whom events of these kinds name: Request::user_of().
using UserSource = std::string_view (*)(Request& request,
                                        std::span<const NamedKind> kinds) noexcept;

// Registration: in a feature's preconfiguration. The check and stage objects must be static.
void add_check(ngx_conf_t* cf, const Check& check);
void add_header_stage(ngx_conf_t* cf, const HeaderStage& stage);
void add_listener(ngx_conf_t* cf, Listener listener);
// The same for who must also hear of the refusals that are no events of their own, since one for
// the same key was just published (Refusal::silent).
void add_refusal_listener(ngx_conf_t* cf, Listener listener);
void set_user_source(ngx_conf_t* cf, UserSource source);

// Activation: in a feature's merge_loc_conf, for every location where it has something to do. What
// is active nowhere costs nothing.
void activate(ngx_conf_t* cf, const Check& check);
void activate(ngx_conf_t* cf, const HeaderStage& stage);
void activate(ngx_conf_t* cf, const AnswerCheck& check);
// The location says that its answers are not the feature's to judge, though it may give them to a
// request that has come from a location whose answers are. While locations are merged.
void leave_answers(ngx_conf_t* cf, Feature feature);
// The same for what has no stage, but listens for upstream_failed, which core publishes where
// somebody watches.
void watch_answers(ngx_conf_t* cf);

// Activation of guard_path strict, for a feature that needs to know which path the application will
// see; false where the location says guard_path off.
[[nodiscard]] bool require_strict_path(ngx_conf_t* cf);

// A variable whose value comes from the body (guard_json_set, nginx's $request_body): a key that
// holds it can only be known in the inner gate. Registered while directives are read, asked from
// init_main_conf or merging on.
void add_body_variable(ngx_conf_t* cf, std::string_view name);
// While locations are merged: in this one such variables are taken from a body, by any check that
// sets_variables.
void take_body_variables(ngx_conf_t* cf, std::vector<std::string_view> names);
bool is_body_variable(ngx_conf_t* cf, std::string_view name);

// A kind of event that guard_event makes of answers. Registered while directives are read.
void add_answer_event(ngx_conf_t* cf, const NamedKind& kind);
// Whether anything makes events of this kind. From init_main_conf on.
bool can_happen(ngx_conf_t* cf, const NamedKind& kind);

// This location is exempt from these features, unless guard_exempt off stands there. While
// locations are merged, in a module behind core's.
void exempt_location(ngx_conf_t* cf, std::initializer_list<Feature> features);

// A policy whose decisions are counted: the refusals by their code, "rate.api"; what it lets pass
// adds to the counter that this answers. While directives are read. feature: "rate".
const Counter& declare_policy(ngx_conf_t* cf, std::string_view feature, std::string_view name,
                              std::string_view code);
// A directive applies it. A [warn] follows for each policy of which that is never said.
void apply_policy(ngx_conf_t* cf, std::string_view feature, std::string_view name);
void check_policies(ngx_conf_t* cf);
// The codes of all refusals that there can be, those of policies among them. Not before every
// directive was read.
std::vector<std::string_view> known_codes(ngx_conf_t* cf);

// The 16-byte SipHash key for every hash of a client's key: from guard_key_secret, or drawn and
// kept in shared memory. Declare in a feature's configuration that it will be asked for.
void need_client_key(ngx_conf_t* cf);
const std::array<std::uint8_t, 16>& client_key() noexcept;

// Whether guard_break_glass's file is there, as this worker last saw it.
bool break_glass() noexcept;

// An event of the worker, not of a request.
void publish(const Event& event) noexcept;
// The same, of a configuration: by the first of all its workers alone, to be called once in each.
void publish_once(const Event& event) noexcept;

// What guard_mode, guard_exempt and guard_break_glass make of a feature for this request; for a
// HeaderStage.
Mode mode_of(ngx_http_request_t* r, Feature feature) noexcept;

// "http" or "https" as the client used it; for code that may run where no gate has been.
std::string_view scheme_of(ngx_http_request_t* r) noexcept;

}  // namespace guard::core
