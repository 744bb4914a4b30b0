// From a request's phases to those of its answer, and these.
#include <algorithm>
#include <new>
#include <span>

#include "inspect/inspection.h"

namespace guard::inspect {

namespace {

void* take(Inspection::Allocate allocate, void* context, std::size_t bytes) {
  void* at = allocate(context, std::max<std::size_t>(bytes, 1));
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

std::string_view copy(Inspection::Allocate allocate, void* context, std::string_view text) {
  if (text.empty()) return {};
  char* at = static_cast<char*>(take(allocate, context, text.size()));
  std::copy(text.begin(), text.end(), at);
  return {at, text.size()};
}

std::span<const Control* const> copy(Inspection::Allocate allocate, void* context,
                                     const std::vector<const Control*>& controls) {
  const std::span<const Control* const> all(controls);
  auto** at = static_cast<const Control**>(take(allocate, context, all.size_bytes()));
  std::copy(all.begin(), all.end(), at);
  return {at, controls.size()};
}

}  // namespace

bool Inspection::asks_answers() const {
  return program_ != nullptr && !engine_off_ && (!allow_all_ || allow_request_);
}

const KeptState* Inspection::keep(Allocate allocate, void* context) const noexcept {
  try {
    std::size_t count = named_.size();
    for (std::size_t i = kCaptures; i < tx_.size(); ++i) {
      if (tx_[i].state != Variable::State::unset) ++count;
    }
    auto* variables =
        static_cast<KeptVariable*>(take(allocate, context, count * sizeof(KeptVariable)));
    std::size_t next = 0;
    const auto add = [&](Collection collection, int slot, std::string_view name,
                         const Variable& variable) {
      if (variable.state == Variable::State::unset) return;
      const bool is_number = variable.state == Variable::State::number;
      new (&variables[next++])
          KeptVariable{collection,
                       slot,
                       is_number,
                       variable.number,
                       copy(allocate, context, name),
                       is_number ? std::string_view{} : copy(allocate, context, variable.text)};
    };
    for (std::size_t i = kCaptures; i < tx_.size(); ++i) {
      add(Collection::tx, static_cast<int>(i), {}, tx_[i]);
    }
    for (const Named& named : named_) add(named.collection, kNoSlot, named.name, named.variable);
    return new (take(allocate, context, sizeof(KeptState)))
        KeptState{{variables, next},
                  copy(allocate, context, removed_rules_),
                  copy(allocate, context, removed_targets_),
                  detection_only_,
                  skip_response_body_,
                  highest_severity_};
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void Inspection::restore(const KeptState& state) {
  for (const KeptVariable& kept : state.variables) {
    Variable& variable = make_variable(kept.collection, kept.slot, kept.name);
    variable = {kept.is_number ? Variable::State::number : Variable::State::text, kept.text,
                kept.number};
  }
  removed_rules_.assign(state.removed_rules.begin(), state.removed_rules.end());
  removed_targets_.assign(state.removed_targets.begin(), state.removed_targets.end());
  detection_only_ = state.detection_only;
  skip_response_body_ = state.skip_body;
  highest_severity_ = state.highest_severity;
}

const InspectionResult& Inspection::run_response(const Program& program, const RequestView& request,
                                                 const KeptState& state,
                                                 const ResponseView& response,
                                                 std::uint64_t budget) noexcept {
  return guarded([&] {
    reset(program, budget);
    of_response_ = true;
    transaction_.begin(request, {});
    // What it has not kept it has unset.
    tx_.assign(tx_.size(), {});
    restore(state);
    ResponseView view = response;
    if (skip_response_body_) view.body = {};
    transaction_.add_response(view);
    charge(view.body.size());
    run_phase(2);
    run_phase(3);
    // The last phase tells what has come of it, and takes nothing back.
    const Outcome outcome = result_.outcome;
    if (outcome == Outcome::denied) result_.outcome = Outcome::passed;
    run_phase(4);
    if (result_.outcome == Outcome::passed) result_.outcome = outcome;
  });
}

}  // namespace guard::inspect
