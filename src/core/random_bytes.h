// Random bytes for what is drawn for each request, as its id or a nonce. They are those of
// OpenSSL's generator, drawn many at a time: a call of it costs several times what its bytes cost.
#pragma once

#include <span>

namespace guard::core {

// For one thread of a process. A process that was forked draws its own. False: OpenSSL has none.
bool random_bytes(std::span<unsigned char> out) noexcept;

}  // namespace guard::core
