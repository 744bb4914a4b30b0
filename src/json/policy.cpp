#include "json/policy.h"

#include <array>
#include <optional>

#include "json/schema_evaluator.h"

namespace guard::json {

namespace {

using core::fail;

constexpr std::array<std::string_view, 3> kModes = {"off", "on", "required"};
constexpr std::array<std::string_view, 3> kNumbers = {"double", "int64", "any"};
constexpr std::array<std::string_view, 2> kDuplicates = {"reject", "allow"};

constexpr std::array<std::string_view, 2> kFormats = {"assert", "annotate"};
constexpr std::array<std::string_view, 4> kMethods = {"POST", "PUT", "PATCH", "DELETE"};

constexpr std::uint64_t kMaxArray = 10'000'000;
constexpr std::size_t kMaxVariable = 64;

constexpr std::string_view kVariableLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

}  // namespace

Mode parse_mode(const core::Words& words) {
  return static_cast<Mode>(core::parse_choice(words.directive(), words[0], kModes));
}

core::JsonLimits parse_limits(core::Words& words) {
  words.read(0, {"size", "depth", "keys", "string", "array", "number", "duplicates"});
  core::JsonLimits limits;
  const auto size = [&](std::string_view name, std::uint32_t& limit, std::uint64_t max) {
    if (const auto value = words.named(name)) {
      limit = static_cast<std::uint32_t>(core::parse_size(name, *value, 1, max));
    }
  };
  const auto number = [&](std::string_view name, std::uint32_t& limit, std::uint64_t max) {
    if (const auto value = words.named(name)) {
      limit = static_cast<std::uint32_t>(core::parse_number(name, *value, 1, max));
    }
  };
  size("size", limits.size, core::kMaxJsonSize);
  number("depth", limits.depth, core::kMaxJsonDepth);
  number("keys", limits.keys, core::kMaxJsonKeys);
  size("string", limits.string, core::kMaxJsonSize);
  number("array", limits.array, kMaxArray);
  if (const auto value = words.named("number")) {
    limits.number =
        static_cast<core::JsonNumberMode>(core::parse_choice("number", *value, kNumbers));
  }
  if (const auto value = words.named("duplicates")) {
    limits.duplicates = core::parse_choice("duplicates", *value, kDuplicates) == 1;
  }
  return limits;
}

SchemaPolicy parse_schema(core::Words& words) {
  words.read(1, {"draft", "formats", "methods", "errors", "forms", "refs"});
  SchemaPolicy policy;
  policy.source.file = words[0];
  if (const auto value = words.named("draft")) policy.source.draft = parse_draft(*value);
  if (const auto value = words.named("formats")) {
    policy.source.assert_formats = core::parse_choice("formats", *value, kFormats) == 0;
  }
  if (const auto value = words.named("methods")) {
    policy.methods = 0;
    for (const std::string_view method : core::split(*value, ',')) {
      policy.methods |= static_cast<Methods>(1U << core::parse_choice("methods", method, kMethods));
    }
  }
  if (const auto value = words.named("errors")) {
    policy.errors = core::parse_number("errors", *value, 1, SchemaEvaluator::kMaxErrors);
  }
  if (const auto value = words.named("forms")) {
    policy.forms = core::parse_on_off("forms", *value);
  }
  if (const auto value = words.named("refs")) {
    // A path has no scheme, and so no "://".
    const std::size_t equals = value->find('=');
    const bool based = equals != std::string_view::npos &&
                       value->substr(0, equals).find("://") != std::string_view::npos;
    if (based) policy.source.refs_base = value->substr(0, equals);
    policy.source.refs = based ? value->substr(equals + 1) : *value;
    if (policy.source.refs.empty()) fail("\"refs\" names no directory in \"", *value, "\"");
  }
  return policy;
}

OpenApiPolicy parse_openapi(core::Words& words) {
  constexpr std::array<std::string_view, 2> kUnknown = {"refuse", "pass"};
  constexpr std::array<std::string_view, 2> kUnchecked = {"pass", "refuse"};
  constexpr std::array<std::string_view, 3> kResponses = {"off", "observe", "enforce"};
  words.read(1, {"base", "unknown", "unchecked", "errors", "responses", "responses_size"});
  OpenApiPolicy policy;
  policy.file = words[0];
  if (const auto value = words.named("base")) {
    if (!value->starts_with('/')) fail("\"base\" must begin with \"/\", not \"", *value, "\"");
    policy.base = value->substr(0, value->find_last_not_of('/') + 1);
  }
  if (const auto value = words.named("unknown")) {
    policy.pass_unknown = core::parse_choice("unknown", *value, kUnknown) == 1;
  }
  if (const auto value = words.named("unchecked")) {
    policy.refuse_unchecked = core::parse_choice("unchecked", *value, kUnchecked) == 1;
  }
  if (const auto value = words.named("errors")) {
    policy.errors = core::parse_number("errors", *value, 1, SchemaEvaluator::kMaxErrors);
  }
  if (const auto value = words.named("responses")) {
    policy.responses = static_cast<Responses>(core::parse_choice("responses", *value, kResponses));
  }
  if (const auto value = words.named("responses_size")) {
    if (policy.responses == Responses::off) {
      fail("\"responses_size\" needs \"responses=observe\" or \"responses=enforce\"");
    }
    policy.responses_size = static_cast<std::uint32_t>(
        core::parse_size("responses_size", *value, 1, core::kMaxJsonSize));
  }
  return policy;
}

Extraction parse_extraction(core::Words& words) {
  words.read(2, {}, {"lower", "trim"});
  const std::string_view word = words[0];
  const std::string_view name = word.substr(word.starts_with('$') ? 1 : 0);
  // "$1" is what a regular expression has captured, whatever variable is called so.
  const bool captured = !name.empty() && name.front() >= '1' && name.front() <= '9';
  if (name.size() == word.size() || name.empty() || name.size() > kMaxVariable || captured ||
      name.find_first_not_of(kVariableLetters) != std::string_view::npos) {
    fail("invalid variable name \"", word, "\"");
  }
  return {std::string(name), core::JsonPointer(words[1]), words.flag("lower"), words.flag("trim")};
}

}  // namespace guard::json
