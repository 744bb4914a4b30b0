#include "core/path_check.h"

#include "core/request.h"
#include "ngx/strings.h"

namespace guard::core {

namespace {

Answer evaluate(Request& request, Refusal& refusal) noexcept {
  (void)request;
  (void)refusal;
  return Answer::pass;
}

}  // namespace

const Check kPathCheck = {Feature::path, Gate::front, evaluate};

}  // namespace guard::core
