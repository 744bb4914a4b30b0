// Which fields a client is told of the windows that its request has asked.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "rate/fields.h"
#include "rate/ledger.h"
#include "rate/space.h"

namespace guard::rate {

// A decimal number; "0" if there is no memory.
std::string_view decimal(std::uint64_t number, Space space) noexcept;

struct Field {
  std::string_view name;
  std::string_view value;
};
using Fields = std::array<Field, 5>;

// The fields that tell what a request has asked, in the memory of out and space; none if nothing is
// to be told. refused: the request is.
std::span<const Field> tell(const Ledger& ledger, bool refused, FieldStyle style, Space space,
                            Fields& out) noexcept;

}  // namespace guard::rate
