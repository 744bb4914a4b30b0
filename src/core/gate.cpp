#include "core/gate.h"

#include <algorithm>
#include <bit>

#include "core/body_reader.h"
#include "core/core_config.h"
#include "core/request.h"
#include "core/respond.h"

namespace guard::core {

namespace {

bool exempts(const Exemption& exemption, ngx_http_request_t* r) noexcept {
  if (exemption.value) {
    std::optional<std::string_view> value = exemption.value.evaluate(r);
    return value && !value->empty() && *value != "0";
  }
  std::optional<Address> address = address_of(r->connection->sockaddr);
  return address ? exemption.networks.contains(*address) : exemption.networks.contains_unix();
}

// Of those that are wanted. What is about others is not looked at: a variable may not be known yet,
// and be remembered as it is now.
std::uint32_t exempt_features(const LocationConf& conf, ngx_http_request_t* r,
                              std::uint32_t wanted) noexcept {
  std::uint32_t features = conf.exempt;
  for (const Exemption& exemption : conf.exemptions) {
    if ((exemption.features & wanted & ~features) != 0 && exempts(exemption, r)) {
      features |= exemption.features;
    }
  }
  return features;
}

Mode mode_under(const LocationConf& conf, std::uint32_t exempt, Feature feature) noexcept {
  if ((exempt & bit_of(feature)) != 0) return Mode::off;
  const Mode mode = conf.modes ? (*conf.modes)[index_of(feature)] : Mode::enforce;
  return mode == Mode::enforce && break_glass() ? Mode::observe : mode;
}

}  // namespace

Mode mode_of(ngx_http_request_t* r, Feature feature) noexcept {
  const LocationConf& conf = *location_conf(r);
  return mode_under(conf, exempt_features(conf, r, bit_of(feature)), feature);
}

// One call of a gate's phase handler.
class GateRun {
 public:
  GateRun(Request& request, Gate gate, std::uint32_t active) noexcept
      : request_(request),
        r_(request.native()),
        main_(*main_conf(r_)),
        conf_(*location_conf(r_)),
        state_(request.gates_[static_cast<std::size_t>(gate)]),
        gate_(gate),
        active_(active) {}

  // The phase handler's answer; r may be gone unless it is NGX_DECLINED or a status.
  ngx_int_t run() noexcept {
    if (ngx_http_get_module_ctx(r_, ngx_http_guard_module) == nullptr) {
      // A new pass: nginx wiped the contexts on an internal redirect, so whatever an earlier pass
      // was still to do is dead.
      request_.begin_pass();
      ngx_http_set_ctx(r_, &request_, ngx_http_guard_module);
    }
    if (state_.done) return NGX_DECLINED;
    if (request_.waiting_ != 0) {
      if (!request_.resumed_) return park();
      // As it is for requests that have not waited: a content handler may leave it so, and then
      // does not want to hear that the client has gone.
      r_->read_event_handler = ngx_http_block_reading;
      if (!state_.charging) request_.waiting_ = 0;
    }
    request_.resumed_ = false;

    exempt_ = exempt_features(conf_, r_, active_features());
    if (gate_ == Gate::inner && !state_.charging && state_.cursor == 0) {
      BodyReader::Progress progress = read_body();
      if (progress.answer != NGX_OK) return progress.answer;
    }
    if (!state_.charging) {
      ngx_int_t rc = round(&Check::evaluate, active_);
      if (rc != NGX_OK) return rc;
      if (request_.body_stopped()) return refuse_cut_body();
      state_.charging = true;
      state_.cursor = 0;
    }
    ngx_int_t rc = round(&Check::charge, main_.chargers);
    if (rc != NGX_OK) return rc;
    state_.done = true;
    if (request_.verdict_ == Verdict::none) request_.verdict_ = Verdict::passed;
    return NGX_DECLINED;
  }

 private:
  using Question = Answer (*Check::*)(Request&, Refusal&) noexcept;

  std::uint32_t active_features() const noexcept {
    std::uint32_t features = 0;
    for (std::uint32_t rest = active_; rest != 0; rest &= rest - 1) {
      features |= bit_of(check_of(rest).feature);
    }
    return features;
  }

  Mode mode(const Check& check) const noexcept { return mode_under(conf_, exempt_, check.feature); }

  // The active checks of a mask from the cursor on, but for those that have refused in observe
  // mode.
  std::uint32_t left(std::uint32_t mask) const noexcept {
    std::uint32_t from_cursor = state_.cursor < 32 ? ~std::uint32_t{0} << state_.cursor : 0;
    return active_ & mask & ~state_.observed & from_cursor;
  }

  // NGX_OK: every check has passed, or would have refused in observe mode.
  ngx_int_t round(Question question, std::uint32_t mask) noexcept {
    for (std::uint32_t rest = left(mask); rest != 0; rest = left(mask)) {
      state_.cursor = static_cast<std::uint8_t>(std::countr_zero(rest));
      const std::uint32_t bit = lowest(rest);
      const Check& check = check_of(rest);
      if (state_.charging) {
        if (!ask(rest)) return park();
        state_.asked &= ~bit;
      }
      Mode check_mode = mode(check);
      if (check_mode == Mode::off) {
        ++state_.cursor;
        continue;
      }

      refusal_.feature = check.feature;
      request_.check_ = state_.cursor;
      request_.enforced_ = check_mode == Mode::enforce;
      switch ((check.*question)(request_, refusal_)) {
        case Answer::pass:
          if (state_.charging) state_.charged |= bit;
          break;
        case Answer::wait:
        case Answer::hold:
          request_.waiting_ = bit;
          return park();
        case Answer::finish:
          state_.done = true;
          if (request_.verdict_ == Verdict::none) request_.verdict_ = Verdict::passed;
          return send_no_content(request_);
        case Answer::refuse:
          if (check_mode == Mode::enforce) {
            refund();
            request_.record(refusal_, Action::denied);
            return respond(request_, refusal_);
          }
          request_.record(refusal_, Action::observed);
          state_.observed |= bit;
          request_.spare_all(state_.cursor);
          break;
      }
      // For the next check as for the first one; every description has a code.
      if (!refusal_.code.empty()) refusal_ = {};
      ++state_.cursor;
    }
    return NGX_OK;
  }

  static constexpr std::uint32_t lowest(std::uint32_t bits) { return bits & (~bits + 1); }

  // That of the lowest bit.
  const Check& check_of(std::uint32_t bits) const noexcept {
    return *main_.checks[static_cast<std::size_t>(std::countr_zero(bits))];
  }

  // Has the checks that are still to charge ask what they need to know; true: they know it.
  bool ask(std::uint32_t rest) noexcept {
    for (std::uint32_t open = request_.waiting_; open != 0; open &= open - 1) {
      if (check_of(open).ask(request_) == Answer::pass) request_.waiting_ &= ~lowest(open);
    }
    if (request_.waiting_ != 0) return false;
    if (state_.asked != 0) return true;
    for (; rest != 0; rest &= rest - 1) {
      const Check& check = check_of(rest);
      if (check.ask == nullptr || mode(check) == Mode::off) continue;
      state_.asked |= lowest(rest);
      Answer answer = check.ask(request_);
      if (answer == Answer::pass) continue;
      request_.waiting_ |= lowest(rest);
      if (answer == Answer::hold) break;
    }
    return request_.waiting_ == 0;
  }

  void refund() noexcept {
    for (std::uint32_t rest = state_.charged | state_.asked; rest != 0; rest &= rest - 1) {
      const Check& check = check_of(rest);
      if (check.refund != nullptr) check.refund(request_);
    }
    state_.charged = state_.asked = 0;
  }

  BodyReader::Progress read_body() noexcept {
    // The smallest limit that is enforced: what is only observed never cuts.
    BodyReader::Demand demand;
    for (std::uint32_t rest = active_ & main_.body_readers; rest != 0; rest &= rest - 1) {
      const std::uint32_t bit = lowest(rest);
      const Check& check = check_of(rest);
      Mode check_mode = mode(check);
      if (check_mode == Mode::off) continue;
      BodyNeed need = check.body_need(request_);
      if (!need.wanted) continue;
      demand.wanted = true;
      if (need.confined) request_.json_confining_ = true;
      if (check.body_part != nullptr) demand.hearing |= bit;
      if (check_mode != Mode::enforce) continue;
      demand.deciding |= demand.hearing & bit;
      if (need.limit != 0) {
        demand.limit = demand.limit == 0 ? need.limit : std::min(demand.limit, need.limit);
      }
    }
    if (!demand.wanted) return {NGX_OK};
    return BodyReader(request_).read(demand);
  }

  // The check whose limit it was has passed all the same, since it is not enforced any more. The
  // application must not take for whole what is left.
  ngx_int_t refuse_cut_body() const noexcept {
    end_body(request_);
    ngx_log_error(NGX_LOG_ERR, r_->connection->log, 0,
                  "reading the body has ended at a limit that no check enforces any more");
    return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
  }

  // Suspends the request until resume(). Write events that come for other reasons end up here
  // again.
  ngx_int_t park() noexcept {
    r_->read_event_handler = ngx_http_test_reading;
    r_->write_event_handler = ngx_http_core_run_phases;
    // Data or an end that arrived before would otherwise go unnoticed.
    if (r_->connection->read->ready) {
      ngx_post_event(r_->connection->read, &ngx_posted_events);
    }
    return NGX_DONE;
  }

  Request& request_;
  ngx_http_request_t* r_;
  const MainConf& main_;
  const LocationConf& conf_;
  Request::GateState& state_;
  Gate gate_;
  std::uint32_t active_;
  std::uint32_t exempt_ = 0;
  Refusal refusal_;
};

void Request::begin_pass() noexcept {
  end();
  resumed_ = false;
  gates_ = {};
  body_.heard = body_.hearing = 0;
}

void Request::give_up_body() noexcept {
  if (!body_partial()) return;
  end_body(*this);
  body_.failed = true;
}

namespace {

// Whether this is the page that nginx shows for a body that it could not read, or has not begun to
// read for its length; a named location keeps the method. That nginx throws the body away is no
// sign of it: memcached_pass and others do so before they ask for another location.
bool is_page_of_body(const ngx_http_request_t* r, const Request& request) noexcept {
  const bool unread =
      r->err_status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE && r->request_body == nullptr;
  return r->internal && (unread || request.body_failed()) &&
         (r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) != 0;
}

ngx_int_t gate(ngx_http_request_t* r, Gate which, std::uint32_t active) noexcept {
  if (r != r->main) return NGX_DECLINED;
  // Where nginx has ended the reading of a body, this is its error page.
  if (r->internal && which == Gate::front) {
    if (Request* known = Request::find(r)) known->give_up_body();
  }
  if (active == 0) return NGX_DECLINED;
  Request* request = Request::get(r);
  if (request == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  // Whoever asks for it later does not have nginx draw it, which takes longer.
  if (which == Gate::front && main_conf(r)->request_id_used) request->request_id();
  if (which == Gate::inner && location_conf(r)->answer != nullptr) {
    request->judge_answer_of(r->loc_conf);
  }
  // The refusal's own error page is not refused again.
  if (request->refused()) return NGX_DECLINED;
  if (which == Gate::inner && is_page_of_body(r, *request)) return NGX_DECLINED;
  return GateRun(*request, which, active).run();
}

}  // namespace

ngx_int_t front_gate(ngx_http_request_t* r) noexcept {
  return gate(r, Gate::front, location_conf(r)->front);
}

ngx_int_t inner_gate(ngx_http_request_t* r) noexcept {
  return gate(r, Gate::inner, location_conf(r)->inner);
}

}  // namespace guard::core
