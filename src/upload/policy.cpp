#include "upload/policy.h"

#include <array>
#include <vector>

namespace guard::upload {

namespace {

constexpr std::array<std::string_view, 2> kNames = {"strict", "any"};
constexpr std::uint64_t kMaxSize = 1ULL << 40;
constexpr std::uint64_t kMaxCount = 10'000;
constexpr std::uint64_t kMaxRatio = 1'000'000;

TypeSet parse_types(std::string_view value) {
  TypeSet types = 0;
  for (const std::string_view name : core::split(value, ',')) {
    if (name == "image/svg+xml" || name == "text/html") {
      core::fail("\"", name, "\" in \"types\" can hold scripts and cannot be made safe");
    }
    const auto type = type_named(name);
    if (!type) {
      std::vector<std::string_view> known;
      for (const FileType& one : file_types()) known.push_back(one.name);
      std::string hint = core::suggestion(name, known);
      if (hint.empty()) hint = ", one like \"image/png\" is expected";
      core::fail("unknown type \"", name, "\" in \"types\"", hint);
    }
    if ((types >> *type & 1) != 0) core::fail("duplicate type \"", name, "\" in \"types\"");
    types |= TypeSet{1} << *type;
  }
  return types;
}

}  // namespace

Policy parse_upload(core::Words& words) {
  Policy policy;
  if (words.is_off()) return policy;
  words.read(0, {"types", "max_file", "max_files", "max_field", "max_fields", "names", "contents",
                 "max_ratio"});
  policy.on = true;
  if (const auto value = words.named("types")) policy.types = parse_types(*value);
  if (const auto value = words.named("max_file")) {
    policy.max_file = core::parse_size("max_file", *value, 1, kMaxSize);
  }
  if (const auto value = words.named("max_field")) {
    policy.max_field = core::parse_size("max_field", *value, 1, kMaxSize);
  }
  const auto count = [&](std::string_view name, std::uint32_t& number) {
    if (const auto value = words.named(name)) {
      number = static_cast<std::uint32_t>(core::parse_number(name, *value, 0, kMaxCount));
    }
  };
  count("max_files", policy.max_files);
  count("max_fields", policy.max_fields);
  if (const auto value = words.named("names")) {
    policy.names = static_cast<Names>(core::parse_choice("names", *value, kNames));
  }
  if (const auto value = words.named("contents")) {
    policy.contents = static_cast<Contents>(core::parse_choice("contents", *value, kNames));
  }
  if (const auto value = words.named("max_ratio")) {
    policy.max_ratio =
        static_cast<std::uint32_t>(core::parse_number("max_ratio", *value, 1, kMaxRatio));
  }
  return policy;
}

}  // namespace guard::upload
