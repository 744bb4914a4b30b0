// Bodies that name another method than the request line: to Rails, Laravel, Symfony and others a
// POST with a field "_method" is a request of that method.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace guard::json {

// Looks for that name wherever it may stand in a form, a multipart form or JSON, with its escapes
// (%5F, \u005f), in any case, and with a dot for the "_" (PHP). It is rather found where it is no
// name, as in a text that speaks of it, than missed; but payment_method is another one.
class MethodSearch {
 public:
  // The next piece of the body. Whether it has been found so far.
  bool feed(std::string_view bytes) noexcept;

 private:
  void take(char c) noexcept;
  // Adds a byte to an escape. False: it is none.
  bool escape(char c) noexcept;

  std::array<char, 6> escape_{};
  std::size_t escape_size_ = 0;
  std::size_t matched_ = 0;
  bool in_word_ = false;
  bool found_ = false;
};

}  // namespace guard::json
