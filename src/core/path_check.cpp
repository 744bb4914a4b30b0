#include "core/path_check.h"

#include "core/path.h"
#include "core/request.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

PathFlaw flaw_of(ngx_http_request_t* r) noexcept {
  return find_path_flaw(ngx::to_view(r->unparsed_uri));
}

Answer evaluate(Request& request, Refusal& refusal) noexcept {
  const PathFlaw flaw = flaw_of(request.native());
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

bool is_excepted(const PathPrefixes& except, ngx_http_request_t* r) noexcept {
  const std::string_view target = ngx::to_view(r->unparsed_uri);
  const bool covered =
      except.cover(ngx::to_view(r->uri)) || except.cover(target.substr(0, target.find('?')));
  return covered && flaw_of(r) == PathFlaw::none;
}

}  // namespace guard::core
