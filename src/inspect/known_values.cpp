#include "inspect/known_values.h"

#include <algorithm>

namespace guard::inspect {

KnownValue* KnownValues::find(std::uint64_t program, std::uint8_t kind, std::string_view text) {
  if (text.empty() || text.size() > kLongest) return nullptr;
  const auto is_it = [&](const KnownValue& one) {
    return one.program == program && one.kind == kind && one.text == text;
  };
  if (last_->next != nullptr && is_it(*last_->next)) return found(*last_->next);
  const std::uint64_t hash = hash_(program << 8 | kind, text);
  if (sets_.empty()) {
    // In this order: there may be no memory for one of them.
    once_.resize(kOnce);
    sets_.resize(kSets);
  }
  Set& set = sets_[hash % kSets];
  for (std::size_t i = 0; i < kWays; ++i) {
    if (set.hashes[i] != hash || !is_it(set.values[i])) continue;
    last_->next = &set.values[i];
    return found(set.values[i]);
  }
  // Two places, or of two texts in one, both in every request, neither would ever be learnt.
  std::array<std::uint32_t, 2>& once = once_[(hash >> 10) % kOnce];
  const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1;
  if (once[0] != mark && once[1] != mark) {
    once = {mark, once[0]};
    return nullptr;
  }
  KnownValue& oldest = *std::min_element(
      set.values.begin(), set.values.end(),
      [](const KnownValue& a, const KnownValue& b) { return a.request < b.request; });
  // All are of this request: somebody looks at them.
  if (oldest.request == request_) return nullptr;
  oldest.text.assign(text);
  oldest.program = program;
  set.hashes[static_cast<std::size_t>(&oldest - set.values.data())] = hash;
  oldest.request = request_;
  oldest.kind = kind;
  oldest.traits = byte_traits(text);
  oldest.cleared = 0;
  oldest.searches = {};
  for (auto& patterns : oldest.patterns) patterns.clear();
  return &oldest;
}

}  // namespace guard::inspect
