#pragma once

#include <cstddef>
#include <span>

namespace guard::core {

// Makes all bytes of `memory` zero. Whole pages of a shared anonymous mapping, such as nginx's
// zones, are handed back to the kernel instead of written: it gives zeros to who touches them next,
// and a zone takes memory only as it fills.
void blank(std::span<std::byte> memory) noexcept;

}  // namespace guard::core
