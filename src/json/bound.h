// What minimum, maximum and their exclusive forms compare with.
#pragma once

#include <cstdint>
#include <string_view>

#include "json/decimal.h"

namespace guard::json {

class Bound {
 public:
  // number: of the grammar of RFC 8259; must live as long as this.
  explicit Bound(std::string_view number) noexcept;

  // Less than, equal to, greater than 0: as number is to the bound.
  int compare(std::string_view number) const noexcept;

 private:
  Decimal value_;
  std::int64_t whole_ = 0;
  bool is_whole_ = false;  // value_ is whole_
};

}  // namespace guard::json
