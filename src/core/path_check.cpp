#include "core/path_check.h"

#include "core/path.h"
#include "core/request.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

Answer evaluate(Request& request, Refusal& refusal) noexcept {
  const PathFlaw flaw = find_path_flaw(ngx::to_view(request.native()->unparsed_uri));
  if (flaw == PathFlaw::none || !request.first_time(&kPathCheck)) return Answer::pass;
  refusal.feature = Feature::path;
  refusal.event = EventKind::path_refused;
  refusal.status = 400;
  refusal.code = "path.ambiguous";
  refusal.title = "Ambiguous path";
  refusal.detail = text_of(flaw);
  return Answer::refuse;
}

}  // namespace

const Check kPathCheck = {Feature::path, Gate::front, evaluate};

}  // namespace guard::core
