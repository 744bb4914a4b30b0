// The protections that guard_mode and guard_exempt can name, in the order in which the gates ask
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace guard::core {

enum class Feature : std::uint8_t {
  https,
  ban,
  cors,
  csrf,
  path,
  rate,
  auth,
  openapi,
  json,
  upload,
  inspect,
  lockout,
};

inline constexpr std::array<std::string_view, 12> kFeatureNames = {
    "https", "ban",     "cors", "csrf",   "path",    "rate",
    "auth",  "openapi", "json", "upload", "inspect", "lockout"};

inline constexpr std::size_t kFeatureCount = kFeatureNames.size();

constexpr std::size_t index_of(Feature feature) {
  return static_cast<std::size_t>(feature);
}

// Its bit in a set of features.
constexpr std::uint32_t bit_of(Feature feature) {
  return std::uint32_t{1} << index_of(feature);
}

constexpr std::string_view name_of(Feature feature) {
  return kFeatureNames[index_of(feature)];
}

constexpr std::optional<Feature> feature_named(std::string_view name) {
  for (std::size_t i = 0; i < kFeatureCount; ++i) {
    if (kFeatureNames[i] == name) return static_cast<Feature>(i);
  }
  return std::nullopt;
}

// What guard_mode says of one feature: act on a refusal, only record it, or do not even ask.
enum class Mode : std::uint8_t { enforce, observe, off };

// $guard_verdict
enum class Verdict : std::uint8_t { none, passed, refused, observed };

inline constexpr std::array<std::string_view, 4> kVerdictNames = {"none", "passed", "refused",
                                                                  "observed"};

constexpr std::string_view name_of(Verdict verdict) {
  return kVerdictNames[static_cast<std::size_t>(verdict)];
}

}  // namespace guard::core
