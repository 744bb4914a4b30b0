// Any bytes as a form: what comes out is JSON that the strict parser takes within the same limits,
// with the fields that a reader by the letter of the standard finds; what is refused says where.
#include "json/form.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/json_string.h"
#include "json/schema_compiler.h"

namespace {

using namespace guard;

void require(bool condition) {
  if (!condition) std::abort();
}

json::FormPlan make_plan() {
  json::SchemaRegistry registry(nullptr);
  const std::string schema = R"({"properties":{"n":{"type":"integer"},"b":{"type":"boolean"},
      "z":{"type":["null","number"]},"t":{"type":"array","items":{"type":"string"}},
      "i":{"type":"array","items":{"type":"integer"}},
      "o":{"type":["string","array"],"items":{"type":"number"}},"s":{"type":"string"},
      "c":{"type":"array","items":{"type":"integer"}},
      "d":{"type":"object","properties":{"l":{"type":"array","items":{"properties":{"n":{"type":"integer"}}}}}}}})";
  const auto file = std::make_shared<const json::SchemaFile>("s", schema);
  const auto place = registry.add(file, 0, "file:///s", json::kLatestDraft);
  const json::CompiledSchema compiled = json::compile_schema(registry, place, {});
  return {compiled.program,
          compiled.program.root,
          {{"c", json::FormStyle::commas}, {"d", json::FormStyle::nested}}};
}

// WHATWG URL, section 5.1, without the last step.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i] == '+' ? ' ' : text[i];
    if (c == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      c = static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
    out += c;
  }
  return out;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs_of(std::string_view form) {
  Pairs pairs;
  std::map<std::string, int> elements;
  while (!form.empty()) {
    const std::string_view field = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(field.size() + 1, form.size()));
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    require(equals != std::string_view::npos && equals > 0);
    const std::string name = decoded(field.substr(0, equals));
    std::string value = decoded(field.substr(equals + 1));
    // As Python and C# write booleans.
    if (name == "b" && (value == "True" || value == "False")) {
      value.front() = value == "True" ? 't' : 'f';
    }
    if (name.starts_with("d[")) {
      // Elements without a number have one by their order.
      std::string numbered = name == "d[l]" ? "d[l][]" : name;
      if (numbered.ends_with("[]")) {
        numbered.pop_back();
        numbered += std::to_string(elements[numbered]++) + "]";
      }
      pairs.emplace_back(numbered, value);
    } else if (name == "c") {
      for (std::size_t i = 0; i <= value.size();) {
        const std::size_t end = std::min(value.find(',', i), value.size());
        pairs.emplace_back(name, value.substr(i, end - i));
        i = end + 1;
      }
    } else {
      pairs.emplace_back(name, value);
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return pairs;
}

void add_nested(const core::JsonDocument& document, std::uint32_t at, const std::string& name,
                Pairs& pairs) {
  const core::JsonNode& value = document[at];
  if (!value.is_container()) {
    pairs.emplace_back(name, document.text(value));
  } else if (value.type == core::JsonType::array) {
    int number = 0;
    for (std::uint32_t i = at + 1; i < value.next; i = document[i].next) {
      add_nested(document, i, name + "[" + std::to_string(number++) + "]", pairs);
    }
  } else {
    for (std::uint32_t i = at + 1; i < value.next; i = document[i + 1].next) {
      add_nested(document, i + 1, name + "[" + std::string(document.text(document[i])) + "]",
                 pairs);
    }
  }
}

Pairs pairs_of(const core::JsonDocument& document) {
  Pairs pairs;
  const core::JsonNode& root = document.root();
  require(root.type == core::JsonType::object);
  for (std::uint32_t i = 1; i < root.next; i = document[i + 1].next) {
    const std::string name(document.text(document[i]));
    const core::JsonNode& value = document[i + 1];
    if (name == "d" && value.is_container()) {
      add_nested(document, i + 1, name, pairs);
      continue;
    }
    require(value.type != core::JsonType::object);
    if (value.type != core::JsonType::array) pairs.emplace_back(name, document.text(value));
    for (std::uint32_t k = i + 2; value.type == core::JsonType::array && k < value.next; ++k) {
      require(!document[k].is_container());
      pairs.emplace_back(name, document.text(document[k]));
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return pairs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const json::FormPlan plan = make_plan();
  static json::FormReader reader;
  static core::JsonParser parser;
  static core::Scratch<char> out;
  if (size == 0) return 0;
  core::JsonLimits limits;
  if ((data[0] & 1) != 0) limits.duplicates = true;
  if ((data[0] & 2) != 0) limits.number = core::JsonNumberMode::int64;
  if ((data[0] & 4) != 0) {
    limits.size = 4096;
    limits.keys = 3;
    limits.array = 3;
    limits.string = 8;
    limits.depth = 1 + (data[0] >> 7);
  }
  // A copy that ends where its memory ends, so that reads behind it are seen.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::memcpy(copy.get(), data, size);
  const std::string_view form(copy.get() + 1, size - 1);
  const auto text = reader.read(form, plan, limits, out);
  if (!text) {
    const core::JsonError& error = reader.error();
    require(error.offset <= size && !error.detail.empty());
    require(error.pointer.empty() || error.pointer.front() == '/');
    require(core::find_invalid_utf8(error.pointer) == std::string_view::npos);
    return 0;
  }
  limits.size = core::kMaxJsonSize;
  const core::JsonDocument* document = parser.parse(*text, limits);
  require(document != nullptr);
  require(pairs_of(form) == pairs_of(*document));
  return 0;
}
