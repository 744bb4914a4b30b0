#include "cli/yaml_to_json.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

#include "cli/yaml_scalar.h"
#include "core/json_escape.h"
#include "core/json_parser.h"
#include "core/utf8.h"

namespace guard::cli {

namespace {

// What all merge keys of a document may take together, so that mappings which merge each other
// take no longer than what they come to.
constexpr std::size_t kMaxMerged = 1'000'000;

struct Place {
  int line = 0;  // both counted from 0, as yaml-cpp does
  int column = 0;
};

[[noreturn]] void fail(Place place, const std::string& what) {
  throw YamlError(" at line " + std::to_string(place.line + 1) + ", column " +
                  std::to_string(place.column + 1) + ": " + what);
}

using Index = std::uint32_t;

struct Member {
  std::string_view name;  // of a node's text, or of the JSON that it is from
  Index value = 0;
  Place place;  // of the name
  bool merge = false;
};

struct Item {
  core::JsonType type = core::JsonType::null;
  bool open = false;        // its end has not come yet
  std::uint32_t depth = 0;  // of containers, with itself
  Place place;
  std::string text;             // of a scalar: its token; of a string without quotes
  std::vector<Index> values;    // of an array
  std::vector<Member> members;  // of an object
};

// A node stays where it is: names are views of their texts.
using Items = std::deque<Item>;

class Writer {
 public:
  explicit Writer(const Items& nodes) : nodes_(nodes) {}

  std::string run(Index root) {
    write(root, 0);
    out_ += '\n';
    return std::move(out_);
  }

 private:
  void begin_line(std::size_t level) { out_.append("\n").append(level * 2, ' '); }

  // Recursion is bounded by kMaxJsonDepth.
  void write(Index index, std::size_t level) {
    const Item& node = nodes_[index];
    const char* separator = "";
    if (node.type == core::JsonType::string) {
      core::append_json_string(out_, node.text);
    } else if (node.type == core::JsonType::array) {
      out_ += '[';
      for (const Index value : node.values) {
        out_ += separator;
        separator = ",";
        begin_line(level + 1);
        write(value, level + 1);
      }
      if (!node.values.empty()) begin_line(level);
      out_ += ']';
    } else if (node.type == core::JsonType::object) {
      out_ += '{';
      for (const Member& member : node.members) {
        out_ += separator;
        separator = ",";
        begin_line(level + 1);
        core::append_json_string(out_, member.name);
        out_ += ": ";
        write(member.value, level + 1);
      }
      if (!node.members.empty()) begin_line(level);
      out_ += '}';
    } else {
      out_ += node.text;
    }
    if (out_.size() > kMaxConvertedSize) {
      fail(node.place, "with its aliases the document comes to more than " +
                           std::to_string(kMaxConvertedSize >> 20U) + " MB of JSON");
    }
  }

  const Items& nodes_;
  std::string out_;
};

std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 100;
  std::string out;
  core::append_json_string(out, text.substr(0, kMost));
  return out;
}

class Builder : public YAML::EventHandler {
 public:
  const Items& nodes() const { return nodes_; }
  Index root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) fail(place_of(mark), "a second document, only one is expected");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add_scalar(mark, anchor, resolve_plain(""));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) fail(place_of(mark), R"(an alias of "<<", which is no value)");
    const Index index = known->second;
    if (nodes_[index].open) fail(place_of(mark), "an alias inside of what it stands for");
    place(mark, index);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag == "?" && value == "<<" && expects_key()) {
      nodes_[open_.back()].members.push_back({"<<", 0, place_of(mark), true});
      has_key_ = true;
      return;
    }
    add_scalar(mark, anchor, scalar_of(mark, tag, value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    begin(mark, tag, "seq", anchor, core::JsonType::array);
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    begin(mark, tag, "map", anchor, core::JsonType::object);
  }
  void OnMapEnd() override {
    check_names(nodes_[open_.back()]);
    merge(nodes_[open_.back()]);
    end();
  }

 private:
  static constexpr std::string_view kTags = "tag:yaml.org,2002:";

  static Place place_of(const YAML::Mark& mark) { return {mark.line, mark.column}; }

  static YamlScalar scalar_of(const YAML::Mark& mark, const std::string& tag,
                              const std::string& value) {
    using Kind = YamlScalar::Kind;
    if (tag == "!" || tag == std::string(kTags) + "str") return {Kind::string, value};
    YamlScalar scalar = resolve_plain(value);
    if (scalar.kind == Kind::unfit) fail(place_of(mark), scalar.token);
    if (tag == "?") return scalar;
    const std::string name = tag.starts_with(kTags) ? tag.substr(kTags.size()) : "";
    const bool known = name == "null" || name == "bool" || name == "int" || name == "float";
    if (!known) fail(place_of(mark), "a tag of no type of JSON, " + quoted(tag));
    const bool fits = (name == "null" && scalar.kind == Kind::null) ||
                      (name == "bool" && scalar.kind == Kind::boolean) ||
                      (name != "null" && name != "bool" && scalar.kind == Kind::integer) ||
                      (name == "float" && scalar.kind == Kind::floating);
    if (!fits) fail(place_of(mark), quoted(value) + " is no !!" + name);
    return scalar;
  }

  // Whether the next node is the name of a member: the last one has its value.
  bool expects_key() const {
    return !open_.empty() && nodes_[open_.back()].type == core::JsonType::object && !has_key_;
  }

  Index make(const YAML::Mark& mark, YAML::anchor_t anchor, core::JsonType type) {
    const auto index = static_cast<Index>(nodes_.size());
    Item& node = nodes_.emplace_back();
    node.type = type;
    node.place = place_of(mark);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = index;
    return index;
  }

  void add_scalar(const YAML::Mark& mark, YAML::anchor_t anchor, YamlScalar scalar) {
    using Kind = YamlScalar::Kind;
    core::JsonType type = core::JsonType::string;
    if (scalar.kind == Kind::null) type = core::JsonType::null;
    if (scalar.kind == Kind::boolean) type = core::JsonType::boolean;
    if (scalar.kind == Kind::integer || scalar.kind == Kind::floating) {
      type = core::JsonType::number;
    }
    const Index index = make(mark, anchor, type);
    nodes_[index].text = std::move(scalar.token);
    place(mark, index);
  }

  // A node, or what an alias stands for, where the parser is now.
  void place(const YAML::Mark& mark, Index index) {
    if (open_.empty()) {
      root_ = index;
      return;
    }
    Item& around = nodes_[open_.back()];
    const Item& node = nodes_[index];
    if (expects_key()) {
      if (node.type >= core::JsonType::array) {
        fail(place_of(mark), "a key that is a collection, JSON has only strings");
      }
      if (node.text.find('\0') != std::string::npos) fail(place_of(mark), "a key with U+0000");
      around.members.push_back({node.text, 0, place_of(mark), false});
      has_key_ = true;
      return;
    }
    deepen(around, node, mark);
    if (around.type == core::JsonType::array) {
      around.values.push_back(index);
    } else {
      around.members.back().value = index;
      has_key_ = false;
    }
  }

  static void deepen(Item& around, const Item& node, const YAML::Mark& mark) {
    around.depth = std::max(around.depth, node.depth + 1);
    if (around.depth > core::kMaxJsonDepth) fail(place_of(mark), "nested too deeply");
  }

  void begin(const YAML::Mark& mark, const std::string& tag, std::string_view name,
             YAML::anchor_t anchor, core::JsonType type) {
    const bool known =
        tag.empty() || tag == "?" || tag == "!" ||
        (tag.starts_with(kTags) && std::string_view(tag).substr(kTags.size()) == name);
    if (!known) fail(place_of(mark), "a tag of no type of JSON, " + quoted(tag));
    if (expects_key()) fail(place_of(mark), "a key that is a collection, JSON has only strings");
    const Index index = make(mark, anchor, type);
    nodes_[index].open = true;
    nodes_[index].depth = 1;
    open_.push_back(index);
    has_key_ = false;
  }

  // Only an object whose member it is waits for a value.
  void end() {
    const Index index = open_.back();
    nodes_[index].open = false;
    open_.pop_back();
    has_key_ = !open_.empty() && nodes_[open_.back()].type == core::JsonType::object;
    const Place at = nodes_[index].place;
    YAML::Mark mark;
    mark.line = at.line;
    mark.column = at.column;
    place(mark, index);
  }

  static void check_names(const Item& node) {
    std::set<std::string_view> names;
    for (const Member& member : node.members) {
      if (!names.insert(member.name).second) {
        fail(member.place, "duplicate key " + quoted(member.name));
      }
    }
  }

  std::vector<Index> sources_of(const Member& merge) const {
    const Item& value = nodes_[merge.value];
    std::vector<Index> sources = {merge.value};
    if (value.type == core::JsonType::array) sources = value.values;
    for (const Index source : sources) {
      if (nodes_[source].type != core::JsonType::object) {
        fail(merge.place, "\"<<\" names something that is no mapping");
      }
    }
    return sources;
  }

  void merge(Item& node) {
    const auto is_merge = [](const Member& member) { return member.merge; };
    if (std::none_of(node.members.begin(), node.members.end(), is_merge)) return;
    std::set<std::string_view> names;
    for (const Member& member : node.members) {
      if (!member.merge) names.insert(member.name);
    }
    std::vector<Member> members;
    for (const Member& member : node.members) {
      if (!member.merge) {
        members.push_back(member);
        continue;
      }
      for (const Index source : sources_of(member)) {
        for (const Member& one : nodes_[source].members) {
          if (++merged_ > kMaxMerged) {
            fail(member.place, "\"<<\" merges more than " + std::to_string(kMaxMerged) +
                                   " members in this document");
          }
          if (names.insert(one.name).second) members.push_back(one);
        }
      }
    }
    node.members = std::move(members);
  }

  Items nodes_;
  std::map<YAML::anchor_t, Index> anchors_;
  std::vector<Index> open_;
  bool has_key_ = false;  // of the innermost object: its last member waits for a value
  bool started_ = false;
  Index root_ = 0;
  std::size_t merged_ = 0;
};

// YAML 1.2.2, section 5.1. To yaml-cpp a byte 4 is the end of the text, and it mends bad UTF-8.
void check_characters(std::string_view text) {
  Place place;
  while (!text.empty()) {
    const core::Utf8Unit unit = core::decode_utf8(text);
    if (!unit.valid) fail(place, "bytes that are not UTF-8");
    const char32_t c = unit.code_point;
    const bool printable = c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c != 0x7f);
    const bool control = c >= 0x80 && c < 0xa0 && c != 0x85;
    if (!printable || control || c == 0xfffe || c == 0xffff) {
      fail(place, "a control character, write it as an escape in double quotes");
    }
    text.remove_prefix(unit.length);
    ++place.column;
    if (c == '\n') place = {place.line + 1, 0};
  }
}

// A copy of what is JSON already. YAML's escapes know no surrogate pairs.
class Copy {
 public:
  explicit Copy(const core::JsonDocument& document) : document_(document) { (void)add(0); }
  const Items& nodes() const { return nodes_; }

 private:
  // Recursion is bounded by kMaxJsonDepth.
  Index add(std::uint32_t at) {
    const core::JsonNode& from = document_[at];
    const auto index = static_cast<Index>(nodes_.size());
    nodes_.emplace_back().type = from.type;
    nodes_[index].text = document_.text(from);
    const bool object = from.type == core::JsonType::object;
    if (!from.is_container()) return index;
    for (std::uint32_t i = at + 1; i < from.next;) {
      const std::uint32_t value = object ? i + 1 : i;
      const Index child = add(value);
      if (object) {
        nodes_[index].members.push_back({document_.text(document_[i]), child, {}, false});
      } else {
        nodes_[index].values.push_back(child);
      }
      i = document_[value].next;
    }
    return index;
  }

  const core::JsonDocument& document_;
  Items nodes_;
};

// Hears the syntax alone.
class Silence : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
  void OnScalar(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/,
                       YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& /*mark*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {}
  void OnMapEnd() override {}
};

void parse(std::string_view text, YAML::EventHandler& handler) {
  std::istringstream in{std::string(text)};
  try {
    YAML::Parser yaml(in);
    if (!yaml.HandleNextDocument(handler)) throw YamlError(": no document in it");
    (void)yaml.HandleNextDocument(handler);
  } catch (const YAML::DeepRecursion& error) {
    fail({error.mark.line, error.mark.column}, "nested too deeply");
  } catch (const YAML::Exception& error) {
    fail({std::max(error.mark.line, 0), std::max(error.mark.column, 0)}, error.msg);
  }
}

}  // namespace

std::string yaml_to_json(std::string_view text) {
  if (text.size() > kMaxYamlSize) {
    throw YamlError(": more than " + std::to_string(kMaxYamlSize >> 20U) + " MB");
  }
  const auto parser = std::make_unique<core::JsonParser>();
  if (const auto* document = parser->parse(text, core::widest_json_limits())) {
    return Writer(Copy(*document).nodes()).run(0);
  }
  check_characters(text);
  Builder builder;
  try {
    parse(text, builder);
  } catch (const YamlError&) {
    // To yaml-cpp a bracket that is never closed begins a key. What it says of it at the end of
    // the text is nearer to the mistake.
    Silence silence;
    parse(text, silence);
    throw;
  }
  return Writer(builder.nodes()).run(builder.root());
}

}  // namespace guard::cli
