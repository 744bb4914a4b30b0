// The phrases of one @pm, of which it says which was found.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace guard::inspect {

class PhraseSet {
 public:
  explicit PhraseSet(std::vector<std::string> phrases);

  // In lower case, sorted.
  const std::vector<std::string>& phrases() const { return phrases_; }
  // The phrase that ends first, as it stands in the text, ignoring case; the longest of several.
  // Empty: none. How long it takes depends on the size of the text alone (Aho and Corasick).
  std::string_view find(std::string_view text) const noexcept;

 private:
  // The beginning of a phrase.
  struct Node {
    std::uint32_t first = 0;  // of those that are longer by a byte, which stand in a row
    std::uint32_t count = 0;
    std::uint32_t shorter = 0;  // the longest that this one ends with
    std::uint32_t found = 0;    // bytes of the longest phrase that this one ends with; 0: none
    unsigned char last = 0;     // its last byte
  };

  std::uint32_t child(std::uint32_t node, unsigned char byte) const noexcept;
  std::uint32_t step(std::uint32_t node, unsigned char byte) const noexcept;

  std::vector<std::string> phrases_;
  std::vector<Node> nodes_;                  // the first is empty; the shorter before the longer
  std::array<std::uint32_t, 256> begins_{};  // those of one byte; 0: no phrase begins so
};

}  // namespace guard::inspect
