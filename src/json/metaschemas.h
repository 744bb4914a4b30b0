// The metaschemas of every draft in use, so that a schema can be checked, and refer to them,
// without a network.
#pragma once

#include <span>
#include <string_view>

namespace guard::json {

struct Metaschema {
  std::string_view uri;  // absolute, without a fragment
  std::string_view text;
};

std::span<const Metaschema> metaschemas() noexcept;

}  // namespace guard::json
