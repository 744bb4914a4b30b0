#include "inspect/known_values.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace guard::inspect {

KnownValues::KnownValues() {
  // So that nobody can choose texts that take each other's place.
  std::random_device device;
  seed_ = (std::uint64_t{device()} << 32 | device()) | 1;
}

std::uint64_t KnownValues::hash_of(std::uint64_t program, std::uint8_t kind,
                                   std::string_view text) const noexcept {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t hash = seed_ ^ (program << 8 | kind) * kFactor;
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * kFactor;
    hash ^= hash >> 29;
  };
  std::size_t left = text.size();
  const char* at = text.data();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  std::uint64_t word = text.size();
  if (left > 0) {
    std::uint64_t last = 0;
    std::memcpy(&last, at, left);
    mix(last);
  }
  mix(word * seed_);
  return hash ^ hash >> 32;
}

KnownValue* KnownValues::find(std::uint64_t program, std::uint8_t kind, std::string_view text) {
  if (text.empty() || text.size() > kLongest) return nullptr;
  const std::uint64_t hash = hash_of(program, kind, text);
  if (sets_.empty()) {
    // In this order: there may be no memory for one of them.
    once_.resize(kOnce);
    sets_.resize(kSets);
  }
  auto& set = sets_[hash % kSets];
  for (KnownValue& one : set) {
    if (one.hash == hash && one.program == program && one.kind == kind && one.text == text) {
      one.request = request_;
      return &one;
    }
  }
  std::uint32_t& once = once_[(hash >> 10) % kOnce];
  const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1;
  if (once != mark) {
    once = mark;
    return nullptr;
  }
  KnownValue& oldest = *std::min_element(
      set.begin(), set.end(),
      [](const KnownValue& a, const KnownValue& b) { return a.request < b.request; });
  // All are of this request: somebody looks at them.
  if (oldest.request == request_) return nullptr;
  oldest.text.assign(text);
  oldest.program = program;
  oldest.hash = hash;
  oldest.request = request_;
  oldest.kind = kind;
  oldest.traits = byte_traits(text);
  oldest.cleared = 0;
  for (KnownValue::Search& search : oldest.searches) search = {};
  return &oldest;
}

}  // namespace guard::inspect
