#include "json/schema_keywords.h"

#include <algorithm>
#include <charconv>

#include "core/words.h"

namespace guard::json {

namespace {

using core::ConfigError;
using core::JsonDocument;
using core::JsonNode;
using core::JsonType;

constexpr std::array<std::string_view, 7> kTypeNames = {"null",  "boolean", "number", "string",
                                                        "array", "object",  "integer"};
constexpr std::array<std::string_view, 7> kTypePhrases = {
    "null", "a boolean", "a number", "a string", "an array", "an object", "an integer"};

// Longer lists of allowed values are not spelled out in messages.
constexpr std::size_t kMaxValuesSaid = 120;

// 1 "character", 2 "characters"
std::string counted(std::uint32_t count, std::string_view what) {
  std::string text = std::to_string(count);
  text.append(" ").append(what);
  if (count != 1) text += 's';
  return text;
}

// OpenAPI 3.0.3, "Schema Object"; 3.1.1, "Base Vocabulary".
bool is_openapi_annotation(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {"discriminator", "xml", "externalDocs",
                                                      "example"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string quoted(std::string_view text) {
  return std::string("\"").append(text).append("\"");
}

}  // namespace

SchemaKeywords::SchemaKeywords(SchemaBuilder& builder, SchemaLinker& linker,
                               const SchemaRegistry& registry, SchemaPlace place,
                               const CompileOptions& options)
    : builder_(builder),
      linker_(linker),
      registry_(registry),
      place_(place),
      document_(registry.document(place)),
      draft_(registry.resource(place.resource).draft),
      options_(options) {}

void SchemaKeywords::fill(std::uint32_t index) {
  gather();
  Block block = builder_.program.blocks[index];
  if (has(Keyword::ref) && draft_ < Draft::draft2019_09) {
    reference_keywords();
  } else {
    types(block);
    string_keywords();
    number_keywords();
    array_keywords();
    object_keywords();
    value_keywords();
    applicator_keywords();
    reference_keywords();
    unevaluated_keywords(block);
  }
  std::vector<Operation>& operations = builder_.program.operations;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    block.begin[i] = static_cast<std::uint32_t>(operations.size());
    operations.insert(operations.end(), groups_[i].begin(), groups_[i].end());
  }
  block.end = static_cast<std::uint32_t>(operations.size());
  classify(block);
  // All other kinds let it pass by themselves.
  block.nullable = block.kind == BlockKind::branch && is_nullable();
  builder_.program.blocks[index] = block;
}

// Whether these are all of the operations.
bool SchemaKeywords::is_list(std::size_t all) {
  const Group& own = group(JsonType::array);
  return all == own.size() && std::all_of(own.begin(), own.end(), [this](const Operation& one) {
           return one.code == Opcode::min_items || one.code == Opcode::max_items ||
                  one.code == Opcode::unique_items ||
                  (one.code == Opcode::array && builder_.program.arrays[one.a].prefix_count == 0);
         });
}

void SchemaKeywords::classify(Block& block) {
  const Group& strings = group(JsonType::string);
  const Group& numbers = group(JsonType::number);
  const Group& rest = everything();
  const auto count = [&](Opcode code) {
    std::size_t found = 0;
    for (const Group& one : groups_) {
      found += static_cast<std::size_t>(std::count_if(
          one.begin(), one.end(), [code](const Operation& each) { return each.code == code; }));
    }
    return found;
  };
  const std::size_t all = block.end - block.begin.front();
  if (all == 0) {
    block.kind = BlockKind::bare;
  } else if (all == 1 && count(Opcode::enumeration) == 1) {
    block.kind = BlockKind::listed;
    block.a = rest.front().a;
  } else if (all == count(Opcode::minimum) + count(Opcode::maximum) &&
             std::all_of(numbers.begin(), numbers.end(), [this](const Operation& one) {
               return builder_.program.bounds[one.a].whole().has_value();
             })) {
    block.kind = BlockKind::range;
    for (const Operation& one : numbers) {
      const std::int64_t bound = *builder_.program.bounds[one.a].whole();
      if (one.code == Opcode::minimum) {
        block.low = std::max(block.low, bound);
      } else {
        block.high = std::min(block.high, bound);
      }
    }
  } else if (all == count(Opcode::length) + count(Opcode::pattern) &&
             std::all_of(strings.begin(), strings.end(), [this](const Operation& one) {
               return one.code == Opcode::length || builder_.program.patterns[one.a].is_simple();
             })) {
    block.kind = BlockKind::text;
    for (const Operation& one : strings) {
      if (one.code == Opcode::pattern) {
        block.c = one.a;
      } else {
        block.a = one.a;
        block.b = one.b;
      }
    }
  } else if (all == 1 && count(Opcode::object) == 1 &&
             builder_.program.objects[group(JsonType::object).front().a].plain) {
    block.kind = BlockKind::object;
    block.a = group(JsonType::object).front().a;
  } else if (is_list(all)) {
    block.kind = BlockKind::list;
    block.c = kAnything;
    for (const Operation& one : group(JsonType::array)) {
      if (one.code == Opcode::min_items) block.a = one.a;
      if (one.code == Opcode::max_items) block.b = one.a;
      if (one.code == Opcode::array) block.c = builder_.program.arrays[one.a].rest;
      if (one.code == Opcode::unique_items) block.differ = true;
    }
  } else if (all == strings.size() + numbers.size() + count(Opcode::enumeration)) {
    block.kind = BlockKind::leaf;
  } else {
    block.kind = BlockKind::branch;
  }
}

void SchemaKeywords::fail(std::uint32_t node, std::string_view what) const {
  registry_.resource(place_.resource).file->fail(node, what);
}

void SchemaKeywords::gather() {
  const JsonNode& schema = document_[place_.node];
  const Vocabularies vocabularies = registry_.resource(place_.resource).vocabularies;
  const bool openapi = registry_.resource(place_.resource).openapi;
  if ((vocabularies & bit_of(Vocabulary::format_assertion)) != 0) options_.assert_formats = true;
  for (std::uint32_t i = place_.node + 1; i < schema.next; i = document_[i + 1].next) {
    const std::string_view name = document_.text(document_[i]);
    const auto keyword = find_keyword(draft_, name);
    if (!keyword) {
      // Those are extensions by custom.
      const bool extends = name.starts_with("x-") || (openapi && is_openapi_annotation(name));
      if (!extends) linker_.warn(place_, i, "unknown keyword " + quoted(name));
    } else if ((vocabularies & bit_of(entry_of(*keyword).vocabulary)) != 0) {
      nodes_[static_cast<std::size_t>(*keyword)] = i + 1;
    }
  }
}

std::uint32_t SchemaKeywords::child(std::uint32_t node) {
  return linker_.block_of(registry_.child(place_, node));
}

std::vector<std::uint32_t> SchemaKeywords::children(Keyword keyword) {
  std::vector<std::uint32_t> blocks;
  const JsonNode& list = expect(keyword, JsonType::array, "an array of schemas");
  for (std::uint32_t i = at(keyword) + 1; i < list.next; i = document_[i].next) {
    blocks.push_back(child(i));
  }
  return blocks;
}

const JsonNode& SchemaKeywords::expect(Keyword keyword, JsonType type,
                                       std::string_view what) const {
  const JsonNode& node = value(keyword);
  if (node.type != type) fail(at(keyword), "must be " + std::string(what));
  return node;
}

std::optional<std::uint32_t> SchemaKeywords::count(Keyword keyword) const {
  if (!has(keyword)) return std::nullopt;
  const JsonNode& node = expect(keyword, JsonType::number, "a number");
  const Decimal number(document_.text(node));
  if (number.is_negative() || !number.is_integer()) {
    fail(at(keyword), "must be a whole number, not less than 0");
  }
  constexpr std::int64_t kDigits = 9;  // no more than what fits; no document holds as many
  if (number.magnitude() > kDigits) return kNone - 1;
  std::uint32_t count = 0;
  std::string digits(number.first_digits());
  digits.append(number.more_digits());
  digits.resize(static_cast<std::size_t>(number.magnitude()), '0');
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return count;
}

std::vector<std::string_view> SchemaKeywords::strings(std::uint32_t node) const {
  std::vector<std::string_view> texts;
  const JsonNode& list = document_[node];
  if (list.type != JsonType::array) fail(node, "must be an array of strings");
  for (std::uint32_t i = node + 1; i < list.next; i = document_[i].next) {
    if (document_[i].type != JsonType::string) fail(i, "must be a string");
    texts.push_back(document_.text(document_[i]));
  }
  return texts;
}

void SchemaKeywords::add(JsonType type, Opcode code, std::uint32_t a, Keyword keyword,
                         std::string detail) {
  group(type).push_back({code, a, 0, 0, builder_.message(keyword, std::move(detail))});
}

void SchemaKeywords::add_everything(Opcode code, std::uint32_t a, std::uint32_t b, Keyword keyword,
                                    std::string detail) {
  if (code == Opcode::call && a == kAnything) return;
  everything().push_back({code, a, b, 0, builder_.message(keyword, std::move(detail))});
}

std::uint32_t SchemaKeywords::pattern(std::uint32_t node) {
  try {
    return builder_.pattern(document_.text(document_[node]));
  } catch (const ConfigError& error) {
    fail(node, error.what());
  }
}

void SchemaKeywords::types(Block& block) {
  if (!has(Keyword::type)) return;
  std::vector<std::string_view> names;
  if (value(Keyword::type).type == JsonType::string) {
    names.push_back(document_.text(value(Keyword::type)));
  } else {
    names = strings(at(Keyword::type));
  }
  block.types = 0;
  std::string detail = "must be ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto* const known = std::find(kTypeNames.begin(), kTypeNames.end(), names[i]);
    if (known == kTypeNames.end()) {
      fail(at(Keyword::type), "unknown type " + quoted(names[i]));
    }
    const auto type = static_cast<std::size_t>(known - kTypeNames.begin());
    block.types |= static_cast<TypeSet>(1U << type);
    if (i > 0) detail += i + 1 == names.size() ? " or " : ", ";
    detail += kTypePhrases[type];
  }
  if ((block.types & kIntegerBit) != 0 && draft_ == Draft::draft4) block.types |= kWrittenBit;
  if (is_nullable()) {
    block.types |= type_bit(JsonType::null);
    detail += " or null";
  }
  block.message = builder_.message(Keyword::type, detail);
}

void SchemaKeywords::string_keywords() {
  const auto least = count(Keyword::min_length);
  const auto most = count(Keyword::max_length);
  if (least || most) {
    Operation operation{Opcode::length, least.value_or(0), most.value_or(kNone), 0, 0};
    if (least) {
      operation.message = builder_.message(Keyword::min_length,
                                           "must have at least " + counted(*least, "character"));
    }
    if (most) {
      operation.c =
          builder_.message(Keyword::max_length, "must have at most " + counted(*most, "character"));
    }
    group(JsonType::string).push_back(operation);
  }
  if (has(Keyword::pattern)) {
    const JsonNode& node = expect(Keyword::pattern, JsonType::string, "a string");
    add(JsonType::string, Opcode::pattern, pattern(at(Keyword::pattern)), Keyword::pattern,
        "must match the pattern " + std::string(document_.text(node)));
  }
  if (has(Keyword::format) && options_.assert_formats) {
    const JsonNode& format = expect(Keyword::format, JsonType::string, "a string");
    const std::string_view name = document_.text(format);
    const bool openapi = registry_.resource(place_.resource).openapi;
    if (const FormatCheck check = openapi ? find_openapi_format(name) : find_format(name)) {
      builder_.program.formats.push_back(check);
      add(JsonType::string, Opcode::format,
          static_cast<std::uint32_t>(builder_.program.formats.size() - 1), Keyword::format,
          "must be of the format " + quoted(name));
    } else if (openapi) {
      // There any word may stand (3.0.3, "Data Types"), and only these are known.
      number_format(name);
    } else {
      linker_.warn(place_, at(Keyword::format), "unknown format " + quoted(name));
    }
  }
}

void SchemaKeywords::number_keywords() {
  // Before draft 6 the exclusive ones said how the others were meant.
  const auto exclusive = [this](Keyword keyword) {
    return draft_ <= Draft::draft4 && has(keyword) && value(keyword).is_true();
  };
  const bool above = exclusive(Keyword::exclusive_minimum);
  const bool below = exclusive(Keyword::exclusive_maximum);
  add_bound(Keyword::minimum, above ? Opcode::exclusive_minimum : Opcode::minimum,
            above ? "must be greater than " : "must be at least ");
  add_bound(Keyword::maximum, below ? Opcode::exclusive_maximum : Opcode::maximum,
            below ? "must be less than " : "must be at most ");
  // Documents of OpenAPI 3.0 have them as numbers, too (FastAPI before 0.99).
  const auto is_number = [this](Keyword keyword) {
    return has(keyword) && value(keyword).type == JsonType::number;
  };
  if (draft_ > Draft::draft4 || is_number(Keyword::exclusive_minimum)) {
    add_bound(Keyword::exclusive_minimum, Opcode::exclusive_minimum, "must be greater than ");
  }
  if (draft_ > Draft::draft4 || is_number(Keyword::exclusive_maximum)) {
    add_bound(Keyword::exclusive_maximum, Opcode::exclusive_maximum, "must be less than ");
  }
  if (!has(Keyword::multiple_of)) return;
  const JsonNode& divisor = expect(Keyword::multiple_of, JsonType::number, "a number");
  try {
    builder_.program.divisors.emplace_back(document_.text(divisor));
  } catch (const ConfigError& error) {
    fail(at(Keyword::multiple_of), error.what());
  }
  add(JsonType::number, Opcode::multiple_of,
      static_cast<std::uint32_t>(builder_.program.divisors.size() - 1), Keyword::multiple_of,
      "must be a multiple of " + std::string(document_.text(divisor)));
}

void SchemaKeywords::number_format(std::string_view name) {
  const bool narrow = name == "int32";
  if (!narrow && name != "int64") return;
  const auto add_limit = [&](Opcode code, std::string_view limit) {
    builder_.program.bounds.emplace_back(limit);
    add(JsonType::number, code, static_cast<std::uint32_t>(builder_.program.bounds.size() - 1),
        Keyword::format, "must be of the format " + quoted(name));
  };
  add_limit(Opcode::minimum, narrow ? "-2147483648" : "-9223372036854775808");
  add_limit(Opcode::maximum, narrow ? "2147483647" : "9223372036854775807");
}

void SchemaKeywords::add_bound(Keyword keyword, Opcode code, std::string_view words) {
  if (!has(keyword)) return;
  const std::string_view number = document_.text(expect(keyword, JsonType::number, "a number"));
  builder_.program.bounds.emplace_back(number);
  add(JsonType::number, code, static_cast<std::uint32_t>(builder_.program.bounds.size() - 1),
      keyword, std::string(words).append(number));
}

void SchemaKeywords::array_keywords() {
  if (const auto least = count(Keyword::min_items)) {
    add(JsonType::array, Opcode::min_items, *least, Keyword::min_items,
        "must have at least " + counted(*least, "element"));
  }
  if (const auto most = count(Keyword::max_items)) {
    add(JsonType::array, Opcode::max_items, *most, Keyword::max_items,
        "must have at most " + counted(*most, "element"));
  }
  array_rule();
  contains_rule();
  if (has(Keyword::unique_items) && value(Keyword::unique_items).is_true()) {
    add(JsonType::array, Opcode::unique_items, 0, Keyword::unique_items,
        "must not have equal elements");
  }
}

void SchemaKeywords::array_rule() {
  const bool tuple = has(Keyword::items) && value(Keyword::items).type == JsonType::array;
  const Keyword prefix = tuple ? Keyword::items : Keyword::prefix_items;
  const Keyword rest = tuple ? Keyword::additional_items : Keyword::items;
  if (!has(prefix) && !has(rest)) return;
  ArrayRule rule;
  if (has(prefix)) {
    const std::vector<std::uint32_t> blocks = children(prefix);
    rule.prefix = builder_.list(blocks);
    rule.prefix_count = static_cast<std::uint32_t>(blocks.size());
    rule.prefix_message = builder_.message(prefix, "is not allowed");
  }
  if (has(rest)) {
    rule.rest = child(rest);
    rule.evaluates_rest = true;
    rule.rest_message = builder_.message(rest, "is not allowed: there are too many elements");
  }
  builder_.program.arrays.push_back(rule);
  group(JsonType::array)
      .push_back(
          {Opcode::array, static_cast<std::uint32_t>(builder_.program.arrays.size() - 1), 0, 0, 0});
}

void SchemaKeywords::contains_rule() {
  if (!has(Keyword::contains)) return;
  ContainsRule rule;
  rule.block = child(Keyword::contains);
  rule.min = count(Keyword::min_contains).value_or(1);
  rule.evaluates = draft_ == Draft::draft2020_12;
  if (const auto most = count(Keyword::max_contains)) {
    rule.max = *most;
    rule.max_message =
        builder_.message(Keyword::max_contains, "must have at most " + counted(*most, "element") +
                                                    " of the kind that it is to contain");
  }
  builder_.program.contains.push_back(rule);
  add(JsonType::array, Opcode::contains,
      static_cast<std::uint32_t>(builder_.program.contains.size() - 1),
      has(Keyword::min_contains) ? Keyword::min_contains : Keyword::contains,
      "must have at least " + counted(rule.min, "element") + " of the kind that it is to contain");
}

void SchemaKeywords::object_keywords() {
  if (const auto least = count(Keyword::min_properties)) {
    add(JsonType::object, Opcode::min_properties, *least, Keyword::min_properties,
        "must have at least " + counted(*least, "member"));
  }
  if (const auto most = count(Keyword::max_properties)) {
    add(JsonType::object, Opcode::max_properties, *most, Keyword::max_properties,
        "must have at most " + counted(*most, "member"));
  }
  object_rule();
  dependency_keywords();
}

void SchemaKeywords::object_rule() {
  constexpr std::array<Keyword, 5> kParts = {Keyword::properties, Keyword::pattern_properties,
                                             Keyword::additional_properties,
                                             Keyword::property_names, Keyword::required};
  if (std::none_of(kParts.begin(), kParts.end(), [this](Keyword part) { return has(part); })) {
    return;
  }
  ObjectRule rule;
  std::vector<SchemaBuilder::Property> properties;
  if (has(Keyword::properties)) {
    const JsonNode& map = expect(Keyword::properties, JsonType::object, "an object");
    for (std::uint32_t i = at(Keyword::properties) + 1; i < map.next; i = document_[i + 1].next) {
      properties.push_back({document_.text(document_[i]), child(i + 1), kNone});
    }
    rule.property_message = builder_.message(Keyword::properties, "is not allowed");
  }
  if (has(Keyword::required)) {
    std::vector<RequiredName> required;
    for (const std::string_view name : strings(at(Keyword::required))) {
      if (comes_from_other_side(place_, name, 0)) continue;
      required.push_back(
          {builder_.name(name),
           builder_.message(Keyword::required, "must have the member " + quoted(name))});
      auto property = std::find_if(properties.begin(), properties.end(),
                                   [name](const auto& known) { return known.name == name; });
      if (property == properties.end()) {
        property = properties.insert(properties.end(), {name, kNotProperty, kNone});
      }
      property->required = static_cast<std::uint32_t>(required.size() - 1);
    }
    rule.required = static_cast<std::uint32_t>(builder_.program.required.size());
    rule.required_count = static_cast<std::uint32_t>(required.size());
    builder_.program.required.insert(builder_.program.required.end(), required.begin(),
                                     required.end());
  }
  builder_.property_slots(rule, properties);
  if (options_.refuse_other_case && has(Keyword::properties)) {
    builder_.lower_slots(rule, properties);
  }
  if (has(Keyword::pattern_properties)) {
    const JsonNode& map = expect(Keyword::pattern_properties, JsonType::object, "an object");
    std::vector<PatternProperty> patterns;
    for (std::uint32_t i = at(Keyword::pattern_properties) + 1; i < map.next;
         i = document_[i + 1].next) {
      patterns.push_back({pattern(i), child(i + 1)});
    }
    rule.pattern_message = builder_.message(Keyword::pattern_properties, "is not allowed");
    rule.patterns = static_cast<std::uint32_t>(builder_.program.pattern_properties.size());
    rule.pattern_count = static_cast<std::uint32_t>(patterns.size());
    builder_.program.pattern_properties.insert(builder_.program.pattern_properties.end(),
                                               patterns.begin(), patterns.end());
  }
  if (has(Keyword::additional_properties)) {
    rule.additional = child(Keyword::additional_properties);
    rule.evaluates_others = true;
    rule.additional_message =
        builder_.message(Keyword::additional_properties, "is not a known member");
  }
  if (has(Keyword::property_names)) {
    rule.names = child(Keyword::property_names);
    rule.names_message = builder_.message(Keyword::property_names, "is not allowed");
  }
  rule.plain = rule.pattern_count == 0 && rule.names == kAnything;
  builder_.program.objects.push_back(rule);
  group(JsonType::object)
      .push_back({Opcode::object, static_cast<std::uint32_t>(builder_.program.objects.size() - 1),
                  0, 0, 0});
}

// Whether the property of schema, or of what it is made of, is one that only the other side sends.
bool SchemaKeywords::comes_from_other_side(SchemaPlace schema, std::string_view property,
                                           int depth) {
  constexpr int kMaxDepth = 16;
  if (options_.side == CompileOptions::Side::both || depth > kMaxDepth) return false;
  const JsonDocument& document = registry_.document(schema);
  const auto member = [&](const JsonNode& object, std::string_view name) {
    return document.member(object, name, core::json_key_hash(name));
  };
  const JsonNode& node = document[schema.node];
  if (node.type != JsonType::object) return false;
  const bool asked = property.empty();
  if (asked) {
    const bool request = options_.side == CompileOptions::Side::request;
    const JsonNode* mark = member(node, request ? "readOnly" : "writeOnly");
    if (mark != nullptr && mark->is_true()) return true;
  }
  const JsonNode* properties = asked ? nullptr : member(node, "properties");
  if (properties != nullptr && properties->type == JsonType::object) {
    const JsonNode* own = member(*properties, property);
    if (own != nullptr) {
      const SchemaPlace place = registry_.child(schema, document.index_of(*own));
      if (comes_from_other_side(place, {}, depth + 1)) return true;
    }
  }
  const JsonNode* reference = member(node, "$ref");
  if (reference != nullptr && reference->type == JsonType::string) {
    const SchemaPlace target = linker_.place_of_reference(schema, document.index_of(*reference));
    if (comes_from_other_side(target, property, depth + 1)) return true;
  }
  const JsonNode* parts = member(node, "allOf");
  if (parts == nullptr || parts->type != JsonType::array) return false;
  for (std::uint32_t i = document.index_of(*parts) + 1; i < parts->next; i = document[i].next) {
    if (comes_from_other_side(registry_.child(schema, i), property, depth + 1)) return true;
  }
  return false;
}

void SchemaKeywords::dependency_keywords() {
  for (const Keyword keyword :
       {Keyword::dependent_required, Keyword::dependent_schemas, Keyword::dependencies}) {
    if (!has(keyword)) continue;
    const JsonNode& map = expect(keyword, JsonType::object, "an object");
    for (std::uint32_t i = at(keyword) + 1; i < map.next; i = document_[i + 1].next) {
      dependency(i, i + 1, keyword);
    }
  }
}

void SchemaKeywords::dependency(std::uint32_t name, std::uint32_t value, Keyword keyword) {
  DependencyRule rule;
  const std::string_view text = document_.text(document_[name]);
  rule.name = builder_.name(text);
  const auto index = static_cast<std::uint32_t>(builder_.program.dependencies.size());
  const bool names = keyword == Keyword::dependent_required ||
                     (keyword == Keyword::dependencies && document_[value].type == JsonType::array);
  if (names) {
    rule.required = static_cast<std::uint32_t>(builder_.program.required.size());
    for (const std::string_view required : strings(value)) {
      builder_.program.required.push_back(
          {builder_.name(required),
           builder_.message(keyword, "must have the member " + quoted(required) +
                                         " beside the member " + quoted(text))});
    }
    rule.required_count =
        static_cast<std::uint32_t>(builder_.program.required.size()) - rule.required;
  } else {
    rule.block = child(value);
  }
  builder_.program.dependencies.push_back(rule);
  add(JsonType::object, names ? Opcode::dependent_required : Opcode::dependent_schema, index,
      keyword, "is not allowed with the member " + quoted(text));
}

void SchemaKeywords::value_keywords() {
  for (const Keyword keyword : {Keyword::enum_, Keyword::const_}) {
    if (!has(keyword)) continue;
    std::vector<Value> values;
    std::string said;
    bool brief = true;
    const auto say = [&](std::uint32_t node) {
      values.push_back({&document_, node});
      const JsonNode& one = document_[node];
      brief = brief && !one.is_container() && said.size() <= kMaxValuesSaid;
      if (!brief) return;
      if (!said.empty()) said += ", ";
      said += one.type == JsonType::string ? quoted(document_.text(one))
                                           : std::string(document_.text(one));
    };
    const bool single = keyword == Keyword::const_;
    if (single) {
      say(at(keyword));
    } else {
      const JsonNode& list = expect(keyword, JsonType::array, "an array");
      for (std::uint32_t i = at(keyword) + 1; i < list.next; i = document_[i].next) say(i);
    }
    brief = brief && !said.empty() && said.size() <= kMaxValuesSaid;
    std::string detail = single ? "must be " : "must be one of ";
    if (brief) {
      detail += said;
    } else {
      detail += single ? "the allowed value" : "the allowed values";
    }
    const std::uint32_t list = builder_.enumeration(values);
    // Documents say "nullable" beside values without null, and mean it.
    if (is_nullable()) builder_.program.enumerations[list].null = true;
    add_everything(Opcode::enumeration, list, 0, keyword, std::move(detail));
  }
}

void SchemaKeywords::applicator_keywords() {
  if (has(Keyword::all_of)) {
    for (const std::uint32_t block : children(Keyword::all_of)) {
      add_everything(Opcode::call, block, 0, Keyword::all_of, "is not allowed");
    }
  }
  for (const Keyword keyword : {Keyword::any_of, Keyword::one_of}) {
    if (!has(keyword)) continue;
    const std::vector<std::uint32_t> blocks = children(keyword);
    add_everything(keyword == Keyword::any_of ? Opcode::any_of : Opcode::one_of,
                   builder_.list(blocks), static_cast<std::uint32_t>(blocks.size()), keyword,
                   keyword == Keyword::any_of ? "must match at least one of the alternatives"
                                              : "must match exactly one of the alternatives");
  }
  if (has(Keyword::not_)) {
    add_everything(Opcode::not_, child(Keyword::not_), 0, Keyword::not_,
                   "must not match what is excluded");
  }
  if (has(Keyword::if_) &&
      (has(Keyword::then_) || has(Keyword::else_) || draft_ >= Draft::draft2019_09)) {
    Operation operation{Opcode::conditional, child(Keyword::if_), kAnything, kAnything, 0};
    if (has(Keyword::then_)) operation.b = child(Keyword::then_);
    if (has(Keyword::else_)) operation.c = child(Keyword::else_);
    operation.message =
        builder_.message(Keyword::if_, "is not allowed on the condition that the schema names");
    everything().push_back(operation);
  }
}

void SchemaKeywords::reference_keywords() {
  if (has(Keyword::ref)) {
    add_everything(Opcode::call, linker_.block_of_reference(place_, at(Keyword::ref)), 0,
                   Keyword::ref, "is not allowed");
  }
  for (const Keyword keyword : {Keyword::dynamic_ref, Keyword::recursive_ref}) {
    if (!has(keyword)) continue;
    if (const auto dynamic = linker_.dynamic_reference(place_, at(keyword))) {
      add_everything(Opcode::dynamic_call, *dynamic, 0, keyword, "is not allowed");
    } else {
      add_everything(Opcode::call, linker_.block_of_reference(place_, at(keyword)), 0, keyword,
                     "is not allowed");
    }
  }
}

void SchemaKeywords::unevaluated_keywords(Block& block) {
  if (has(Keyword::unevaluated_items)) {
    add_everything(Opcode::unevaluated_items, child(Keyword::unevaluated_items), 0,
                   Keyword::unevaluated_items, "is not allowed: there are too many elements");
    block.unevaluated = true;
  }
  if (has(Keyword::unevaluated_properties)) {
    add_everything(Opcode::unevaluated_properties, child(Keyword::unevaluated_properties), 0,
                   Keyword::unevaluated_properties, "is not a known member");
    block.unevaluated = true;
  }
  if (block.unevaluated) builder_.program.unevaluated = true;
}

}  // namespace guard::json
