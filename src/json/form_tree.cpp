#include "json/form_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

namespace guard::json {

namespace {

using core::JsonFault;
using core::JsonType;

bool is_number(std::string_view text, std::uint32_t number) noexcept {
  std::array<char, 10> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return text == std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

FormTree::Kind kind_of(std::string_view first, const CoercionPlace* place) noexcept {
  if (first.empty()) return FormTree::Kind::list;
  const bool array = place != nullptr && place->value.admits(JsonType::array) &&
                     !place->value.admits(JsonType::object);
  return array ? FormTree::Kind::numbered : FormTree::Kind::object;
}

const CoercionPlace* member_of(const CoercionPlace* place, std::string_view name) noexcept {
  if (place == nullptr) return nullptr;
  const auto found = place->members.find(name);
  return found == place->members.end() ? nullptr : found->second;
}

}  // namespace

FormTree::FormTree() noexcept : key_(core::draw_sip_key()) {}

bool FormTree::prepare(std::size_t nodes) noexcept {
  size_ = 0;
  const std::size_t slots = std::bit_ceil(nodes * 2 + 1);
  mask_ = slots - 1;
  if (!nodes_.reserve(nodes, kKeepNodes) || !slots_.reserve(slots, kKeepNodes * 4)) return false;
  std::fill_n(slots_.data(), slots, kNone);
  return true;
}

std::uint32_t FormTree::add_root(const CoercionPlace* place) noexcept {
  nodes_.data()[size_] = {{}, place, kNone, kNone, kNone, kNone, 0, kNone, Kind::empty};
  return size_++;
}

const FormTree::Node* FormTree::add(std::uint32_t root, std::string_view path, std::uint32_t field,
                                    const core::JsonLimits& limits, std::uint32_t& keys) noexcept {
  std::uint32_t node = root;
  // The form and its member are containers already.
  for (std::uint32_t depth = 2; !path.empty(); ++depth) {
    const std::size_t close = path.find(']');
    const std::string_view name = path.substr(1, close - 1);
    if (!path.starts_with('[') || close == std::string_view::npos ||
        name.find('[') != std::string_view::npos) {
      fail(JsonFault::syntax, "brackets in a name that is not written as NAME[MEMBER]");
      return nullptr;
    }
    path.remove_prefix(close + 1);
    if (name.empty() && !path.empty()) {
      fail(JsonFault::syntax, "\"[]\" that is not the end of a name");
      return nullptr;
    }
    if (depth > limits.depth) {
      fail(JsonFault::depth, "containers are nested too deeply");
      return nullptr;
    }
    const std::uint32_t parent = node;
    const std::uint32_t known = size_;
    node = child(parent, name, keys);
    if (node == kNone) return nullptr;
    const Node& above = nodes_.data()[parent];
    if (above.kind != Kind::object && above.count > limits.array) {
      fail(JsonFault::array, "an array has too many elements");
      return nullptr;
    }
    if (keys > limits.keys) {
      fail(JsonFault::keys, "the form has too many names");
      return nullptr;
    }
    Node& reached = nodes_.data()[node];
    const bool both = path.empty() ? reached.kind != Kind::value : reached.kind == Kind::value;
    if (node < known && both) {
      fail(JsonFault::syntax, "a name is both a value and a container");
      return nullptr;
    }
    if (!path.empty()) continue;
    if (node < known) {
      fail(JsonFault::duplicate_key, "a name is repeated");
      return nullptr;
    }
    // A value that is wanted as an array is a container more.
    if (reached.place != nullptr && reached.place->value.is_array() && depth == limits.depth) {
      fail(JsonFault::depth, "containers are nested too deeply");
      return nullptr;
    }
    reached.kind = Kind::value;
    reached.field = field;
  }
  return &nodes_.data()[node];
}

std::uint32_t FormTree::child(std::uint32_t parent, std::string_view name,
                              std::uint32_t& keys) noexcept {
  Node& above = nodes_.data()[parent];
  if (above.kind == Kind::empty) above.kind = kind_of(name, above.place);
  if (name.empty() != (above.kind == Kind::list)) {
    return fail(JsonFault::syntax, "a name is written in two ways");
  }
  const CoercionPlace* const element = above.place == nullptr ? nullptr : above.place->element;
  if (above.kind == Kind::list) return append(parent, name, element);
  if (above.kind == Kind::numbered) {
    if (above.count > 0 && is_number(name, above.count - 1)) return above.last;
    if (is_number(name, above.count)) return append(parent, name, element);
    return fail(JsonFault::syntax, "elements that are not numbered from 0, in order");
  }
  core::SipHash<core::HashWidth::bits64> hash(key_);
  hash.update({reinterpret_cast<const char*>(&parent), sizeof parent});
  hash.update(name);
  std::size_t slot = hash.finish() & mask_;
  std::uint32_t* const slots = slots_.data();
  for (; slots[slot] != kNone; slot = (slot + 1) & mask_) {
    const Node& known = nodes_.data()[slots[slot]];
    if (known.parent == parent && known.name == name) return slots[slot];
  }
  ++keys;
  return slots[slot] = append(parent, name, member_of(above.place, name));
}

std::uint32_t FormTree::append(std::uint32_t parent, std::string_view name,
                               const CoercionPlace* place) noexcept {
  const std::uint32_t node = add_root(place);
  nodes_.data()[node].name = name;
  nodes_.data()[node].parent = parent;
  Node& above = nodes_.data()[parent];
  if (above.count++ == 0) {
    above.first = node;
  } else {
    nodes_.data()[above.last].next = node;
  }
  above.last = node;
  return node;
}

std::uint32_t FormTree::fail(JsonFault fault, std::string_view detail) noexcept {
  error_.fault = fault;
  error_.detail = detail;
  return kNone;
}

}  // namespace guard::json
