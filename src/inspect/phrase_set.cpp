#include "inspect/phrase_set.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "inspect/vocabulary.h"

namespace guard::inspect {

PhraseSet::PhraseSet(std::vector<std::string> phrases) : phrases_(std::move(phrases)) {
  std::erase_if(phrases_, [](const std::string& phrase) { return phrase.empty(); });
  for (std::string& phrase : phrases_) phrase = to_lower(phrase);
  std::sort(phrases_.begin(), phrases_.end());
  phrases_.erase(std::unique(phrases_.begin(), phrases_.end()), phrases_.end());

  // Of a node, all phrases that begin so.
  struct Range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  std::vector<Range> ranges = {{0, phrases_.size(), 0}};
  nodes_.emplace_back();
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && phrases_[begin].size() == depth) ++begin;
    nodes_[node].first = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char last = phrases_[begin][depth];
      std::size_t next = begin;
      while (next < end && phrases_[next][depth] == last) ++next;
      Node longer;
      longer.last = static_cast<unsigned char>(last);
      if (node != 0) longer.shorter = step(nodes_[node].shorter, longer.last);
      longer.found = phrases_[begin].size() == depth + 1 ? static_cast<std::uint32_t>(depth + 1)
                                                         : nodes_[longer.shorter].found;
      if (node == 0) begins_[longer.last] = static_cast<std::uint32_t>(nodes_.size());
      ranges.push_back({begin, next, depth + 1});
      nodes_.push_back(longer);
      ++nodes_[node].count;
      begin = next;
    }
  }
}

// 0: there is none.
std::uint32_t PhraseSet::child(std::uint32_t node, unsigned char byte) const noexcept {
  if (node == 0) return begins_[byte];
  const auto begin = nodes_.begin() + nodes_[node].first;
  const auto end = begin + nodes_[node].count;
  const auto found = std::lower_bound(
      begin, end, byte, [](const Node& one, unsigned char wanted) { return one.last < wanted; });
  if (found == end || found->last != byte) return 0;
  return static_cast<std::uint32_t>(found - nodes_.begin());
}

// What of a text that ends with the node may go on to be a phrase, with one byte more.
std::uint32_t PhraseSet::step(std::uint32_t node, unsigned char byte) const noexcept {
  while (true) {
    const std::uint32_t longer = child(node, byte);
    if (longer != 0 || node == 0) return longer;
    node = nodes_[node].shorter;
  }
}

std::string_view PhraseSet::find(std::string_view text) const noexcept {
  std::uint32_t node = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    node = step(node, static_cast<unsigned char>(core::to_lower(text[at])));
    const std::size_t size = nodes_[node].found;
    if (size != 0) return text.substr(at + 1 - size, size);
  }
  return {};
}

}  // namespace guard::inspect
