#include "inspect/vocabulary.h"

#include <algorithm>

#include "core/ascii.h"

namespace guard::inspect {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), core::to_lower);
  return lower;
}

std::string vocabulary_text() {
  std::string text;
  const auto add = [&text](std::string_view kind, std::string_view name, bool ignored = false) {
    text.append(kind).append(" ").append(to_lower(name)).append(ignored ? " ignored\n" : "\n");
  };
  for (const std::string_view name : kDirectiveNames) add("directive", name);
  for (const std::string_view name : kIgnoredDirectiveNames) add("directive", name, true);
  for (std::size_t i = 0; i < kCollectionCount; ++i) {
    const auto collection = static_cast<Collection>(i);
    add("variable", name_of(collection), is_never_set(collection));
  }
  for (const OperatorName& one : kOperatorNames) add("operator", one.name, finds_nothing(one.op));
  for (const TransformationName& one : kTransformationNames) add("transformation", one.name);
  for (const std::string_view name : kActionNames) add("action", name);
  for (const std::string_view name : kIgnoredActionNames) add("action", name, true);
  for (const ControlName& one : kControlNames) {
    add("ctl", one.name, one.kind == ControlKind::nothing);
  }
  return text;
}

std::optional<Collection> collection_named(std::string_view name) {
  for (std::size_t i = 0; i < kCollectionNames.size(); ++i) {
    if (core::equal_without_case(name, kCollectionNames[i])) return static_cast<Collection>(i);
  }
  if (core::equal_without_case(name, kOutboundDataError)) return Collection::outbound_data_error;
  return std::nullopt;
}

std::optional<Operator> operator_named(std::string_view name) {
  for (const OperatorName& known : kOperatorNames) {
    if (core::equal_without_case(name, known.name)) return known.op;
  }
  return std::nullopt;
}

std::optional<Transformation> transformation_named(std::string_view name) {
  for (const TransformationName& known : kTransformationNames) {
    if (core::equal_without_case(name, known.name)) return known.transformation;
  }
  return std::nullopt;
}

}  // namespace guard::inspect
