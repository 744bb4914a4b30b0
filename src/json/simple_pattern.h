// The regular expressions that most schemas have, "^[A-Za-z0-9_-]{1,64}$", without a machine for
// all of them: a row of ASCII sets, each so many times, where no choice ever has to be taken back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace guard::json {

class SimplePattern {
 public:
  // Nothing if the pattern, which must be one of ECMA-262, is of another kind.
  static std::optional<SimplePattern> parse(std::string_view pattern);

  // Whether it matches: in time linear in text.
  bool search(std::string_view text) const noexcept;

 private:
  using Set = std::array<bool, 256>;  // by byte; none beyond ASCII
  struct Atom {
    Set set{};
    std::uint32_t min = 1;
    std::uint32_t max = 1;
  };
  class Reader;

  bool is_certain() const;

  std::vector<Atom> atoms_;
  bool to_end_ = false;  // "$"
};

}  // namespace guard::json
