#include "inspect/vocabulary.h"

#include <algorithm>

#include "core/ascii.h"

namespace guard::inspect {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), core::to_lower);
  return lower;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return core::to_lower(x) == core::to_lower(y); });
}

std::optional<Collection> collection_named(std::string_view name) {
  for (std::size_t i = 0; i < kCollectionNames.size(); ++i) {
    if (equal_ignoring_case(name, kCollectionNames[i])) return static_cast<Collection>(i);
  }
  if (equal_ignoring_case(name, kOutboundDataError)) return Collection::outbound_data_error;
  return std::nullopt;
}

std::optional<Operator> operator_named(std::string_view name) {
  for (const OperatorName& known : kOperatorNames) {
    if (equal_ignoring_case(name, known.name)) return known.op;
  }
  return std::nullopt;
}

std::optional<Transformation> transformation_named(std::string_view name) {
  for (const TransformationName& known : kTransformationNames) {
    if (equal_ignoring_case(name, known.name)) return known.transformation;
  }
  return std::nullopt;
}

}  // namespace guard::inspect
