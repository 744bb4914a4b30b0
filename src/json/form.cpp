#include "json/form.h"

#include <algorithm>
#include <bit>
#include <span>

#include "core/ascii.h"
#include "core/hex.h"
#include "core/json_pointer.h"
#include "core/json_string.h"
#include "json/delimited.h"

namespace guard::json {

namespace {

using core::JsonFault;
using core::JsonType;

// What a byte that is decoded can come to: a control character takes three bytes of a form, and
// six of JSON; a quote or a backslash one, and two; nothing before a delimiter one, and three.
constexpr std::size_t kEscapeFactor = 3;
// "name":["value"], has so many bytes that are neither name nor value.
constexpr std::size_t kAround = 9;

constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// As they are, or encoded.
std::size_t count_brackets(std::string_view form) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const std::string_view code = form.substr(i, 3);
    if (code.front() == '[' || code == "%5B" || code == "%5b") ++count;
  }
  return count;
}

char* write_string(char* out, std::string_view text) noexcept {
  *out++ = '"';
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      const auto byte = static_cast<unsigned char>(c);
      constexpr std::string_view kEscape = "\\u00";
      out = std::copy(kEscape.begin(), kEscape.end(), out);
      out = core::write_hex(std::span(&byte, 1), out);
      continue;
    }
    if (c == '"' || c == '\\') *out++ = '\\';
    *out++ = c;
  }
  *out++ = '"';
  return out;
}

}  // namespace

FormReader::FormReader() noexcept : key_(core::draw_sip_key()) {}

std::optional<std::string_view> FormReader::read(std::string_view form, const FormPlan& plan,
                                                 const core::JsonLimits& limits,
                                                 core::Scratch<char>& out) noexcept {
  plan_ = &plan;
  limits_ = &limits;
  text_size_ = 0;
  field_count_ = 0;
  name_count_ = 0;
  error_ = {};
  if (form.size() > std::min(limits.size, core::kMaxJsonSize)) {
    (void)fail(JsonFault::size, limits.size, "the body is too large");
    return std::nullopt;
  }
  if (form.empty()) {
    (void)fail(JsonFault::syntax, 0, "the body is empty");
    return std::nullopt;
  }
  if (!prepare(form, out)) {
    (void)fail(JsonFault::memory, 0, "no memory is left to check the body");
    return std::nullopt;
  }
  if (!split(form)) return std::nullopt;
  const char* const end = write_fields(out.data());
  return std::string_view(out.data(), static_cast<std::size_t>(end - out.data()));
}

bool FormReader::prepare(std::string_view form, core::Scratch<char>& out) noexcept {
  // Each has a "=", or else is refused where it is met.
  const auto count = [form](char c) {
    return static_cast<std::size_t>(std::count(form.begin(), form.end(), c));
  };
  const std::size_t most = std::min(count('&') + 1, count('='));
  const std::size_t slots = std::bit_ceil(most * 2 + 1);
  // Each pair of brackets may open a container; so may each name.
  const std::size_t nodes = plan_->nests() ? count_brackets(form) + most : 0;
  mask_ = slots - 1;
  if (!texts_.reserve(form.size(), kKeepBytes) || !fields_.reserve(most, kKeepFields) ||
      !slots_.reserve(slots, kKeepFields * 4) || !tree_.prepare(nodes) ||
      !out.reserve(form.size() * kEscapeFactor + (most + nodes) * kAround + 2, kKeepBytes)) {
    return false;
  }
  std::fill_n(slots_.data(), slots, kNoField);
  return true;
}

bool FormReader::split(std::string_view form) noexcept {
  std::size_t begin = 0;
  while (begin <= form.size()) {
    const std::size_t end = std::min(form.find('&', begin), form.size());
    // Everybody passes over nothing between two "&".
    if (end > begin &&
        !add_field(form, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end))) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

bool FormReader::add_field(std::string_view form, std::uint32_t begin, std::uint32_t end) noexcept {
  const std::size_t equals = form.substr(begin, end - begin).find('=');
  const std::uint32_t name_end =
      equals == std::string_view::npos ? end : begin + static_cast<std::uint32_t>(equals);
  Field field{text_size_,   0, 0,        0,        begin, kNoField,
              field_count_, 1, kNoField, kAnyText, false, '\0'};
  const auto name_size = decode(form, begin, name_end);
  if (!name_size) return false;
  field.name_size = *name_size;
  std::string_view path;
  if (plan_->nests()) {
    const std::string_view name = name_of(field);
    const std::size_t open = std::min(name.find('['), name.size());
    if (open < name.size() && plan_->nests(name.substr(0, open))) {
      field.name_size = static_cast<std::uint32_t>(open);
      path = name.substr(open);
    }
  }
  if (field.name_size == 0) return fail(JsonFault::syntax, begin, "a field has no name");
  if (name_end == end) return fail(JsonFault::syntax, end, "expected a \"=\" behind a name");
  point_at(name_of(field), path);
  field.value = text_size_;
  const auto value_size = decode(form, name_end + 1, end);
  if (!value_size) return false;
  field.value_size = *value_size;
  const std::uint32_t index = field_count_++;
  fields_.data()[index] = field;
  if (!(path.empty() ? link(index) : link_nested(index, path))) return false;
  if (!check_value(fields_.data()[index])) return false;
  error_.pointer = {};
  return true;
}

// Appends to texts_ what form holds there; nothing, and error(), if that is not well-formed.
std::optional<std::uint32_t> FormReader::decode(std::string_view form, std::uint32_t begin,
                                                std::uint32_t end) noexcept {
  char* const first = texts_.data() + text_size_;
  char* out = first;
  const auto stop = [&](JsonFault fault, std::uint32_t at, std::string_view detail) {
    (void)fail(fault, at, detail);
    return std::nullopt;
  };
  for (std::uint32_t at = begin; at < end; ++at) {
    char c = form[at];
    if (is_control(c))
      return stop(JsonFault::syntax, at, "a control character that is not encoded");
    if (c == ';') return stop(JsonFault::syntax, at, "a \";\" that is not encoded as %3B");
    if (c == '+') c = ' ';
    if (c == '%') {
      if (end - at < 3 || !core::is_hex(form[at + 1]) || !core::is_hex(form[at + 2])) {
        return stop(JsonFault::syntax, at, "a \"%\" without two hexadecimal digits behind it");
      }
      c = static_cast<char>(core::hex_value(form[at + 1]) * 16 + core::hex_value(form[at + 2]));
      if (c == '\0') return stop(JsonFault::syntax, at, "U+0000 in a form");
      at += 2;
    }
    *out++ = c;
  }
  const auto size = static_cast<std::uint32_t>(out - first);
  if (core::find_invalid_utf8({first, size}) != std::string_view::npos) {
    return stop(JsonFault::encoding, begin, "bytes that decode to no UTF-8");
  }
  if (size > limits_->string) return stop(JsonFault::string, begin, "a string is too long");
  text_size_ += size;
  return size;
}

// Where the first field of that name stands, or is to stand.
std::uint32_t* FormReader::slot_of(std::string_view name) noexcept {
  core::SipHash<core::HashWidth::bits64> hash(key_);
  hash.update(name);
  std::size_t slot = hash.finish() & mask_;
  std::uint32_t* const slots = slots_.data();
  const Field* const fields = fields_.data();
  while (slots[slot] != kNoField && name_of(fields[slots[slot]]) != name) slot = (slot + 1) & mask_;
  return slots + slot;
}

bool FormReader::count_name(const Field& field) noexcept {
  if (++name_count_ <= limits_->keys) return true;
  error_.pointer = {};
  return fail(JsonFault::keys, field.offset, "the form has too many names");
}

// Finds out whether the name of the field has come before.
bool FormReader::link(std::uint32_t index) noexcept {
  Field* const fields = fields_.data();
  Field& field = fields[index];
  const std::string_view name = name_of(field);
  std::uint32_t* const slot = slot_of(name);
  const bool repeated = *slot != kNoField;
  Field& first = repeated ? fields[*slot] : field;
  const Coercion coercion = plan_->find(name);
  if (!repeated) {
    *slot = index;
    field.delimiter = plan_->delimiter(name);
    field.is_array = coercion.is_array() || (field.delimiter != '\0' && coercion.may_repeat());
    if (!field.is_array) field.delimiter = '\0';
    field.types = field.is_array ? coercion.elements : coercion.types;
  } else if (first.tree != kNoField) {
    return fail(JsonFault::syntax, field.offset, "a name is both a value and a container");
  } else if (coercion.may_repeat() && first.delimiter == '\0') {
    // From the second one on, they are an array.
    if (!first.is_array) {
      first.is_array = true;
      first.types = coercion.elements;
      if (!check_value(first)) return false;
    }
    field.types = first.types;
    field.count = 0;
    fields[first.last].next = index;
    first.last = index;
    ++first.count;
  } else if (!limits_->duplicates) {
    return fail(JsonFault::duplicate_key, field.offset, "a name is repeated");
  } else {
    field.types = first.types;
    field.is_array = first.is_array;
    field.delimiter = first.delimiter;
  }
  if (field.count > 0 && !count_name(field)) return false;
  if (first.is_array) {
    if (limits_->depth < 2) {
      return fail(JsonFault::depth, field.offset, "containers are nested too deeply");
    }
    if (first.count > limits_->array) {
      return fail(JsonFault::array, field.offset, "an array has too many elements");
    }
  }
  return true;
}

bool FormReader::link_nested(std::uint32_t index, std::string_view path) noexcept {
  Field* const fields = fields_.data();
  Field& field = fields[index];
  std::uint32_t* const slot = slot_of(name_of(field));
  if (*slot == kNoField) {
    *slot = index;
    field.tree = tree_.add_root(plan_->place(name_of(field)));
    if (!count_name(field)) return false;
  } else {
    field.count = 0;
    if (fields[*slot].tree == kNoField) {
      return fail(JsonFault::syntax, field.offset, "a name is both a value and a container");
    }
  }
  const FormTree::Node* const node =
      tree_.add(fields[*slot].tree, path, index, *limits_, name_count_);
  if (node == nullptr) return fail(tree_.error().fault, field.offset, tree_.error().detail);
  const Coercion coercion = node->place == nullptr ? Coercion{} : node->place->value;
  field.is_array = coercion.is_array();
  field.types = field.is_array ? coercion.elements : coercion.types;
  return true;
}

bool FormReader::check_value(const Field& field) noexcept {
  std::string_view rest = value_of(field);
  std::uint64_t count = 0;
  bool more = true;
  for (std::string_view text; take_part(rest, more, field.delimiter, text);) {
    if (field.delimiter != '\0' && ++count > limits_->array) {
      return fail(JsonFault::array, field.offset, "an array has too many elements");
    }
    if (!check_text(field, text)) return false;
  }
  return true;
}

bool FormReader::check_text(const Field& field, std::string_view text) noexcept {
  if (coerced_type(field.types, text) != JsonType::number) return true;
  core::JsonNumber number;
  if (text.size() > core::kMaxNumberBytes) {
    return fail(JsonFault::number, field.offset, "a number is too long");
  }
  return (core::parse_json_number(text, number) && core::in_range(number, limits_->number)) ||
         fail(JsonFault::number, field.offset, "a number is out of range");
}

char* FormReader::write_fields(char* out) const noexcept {
  const Field* const fields = fields_.data();
  *out++ = '{';
  const char* const first = out;
  for (std::uint32_t i = 0; i < field_count_; ++i) {
    const Field& field = fields[i];
    if (field.count == 0) continue;
    if (out != first) *out++ = ',';
    out = write_string(out, name_of(field));
    *out++ = ':';
    if (field.tree != kNoField) {
      out = write_node(field.tree, out);
      continue;
    }
    if (field.is_array) *out++ = '[';
    for (std::uint32_t k = i; k != kNoField; k = fields[k].next) {
      if (k != i) *out++ = ',';
      out = write_texts(field, value_of(fields[k]), out);
    }
    if (field.is_array) *out++ = ']';
  }
  *out++ = '}';
  return out;
}

// No deeper than limits allow.
char* FormReader::write_node(std::uint32_t index, char* out) const noexcept {
  const FormTree::Node& node = tree_[index];
  if (node.kind == FormTree::Kind::value) {
    const Field& field = fields_.data()[node.field];
    if (field.is_array) *out++ = '[';
    out = write_texts(field, value_of(field), out);
    if (field.is_array) *out++ = ']';
    return out;
  }
  const bool object = node.kind == FormTree::Kind::object;
  *out++ = object ? '{' : '[';
  for (std::uint32_t i = node.first; i != FormTree::kNone; i = tree_[i].next) {
    if (i != node.first) *out++ = ',';
    if (object) {
      out = write_string(out, tree_[i].name);
      *out++ = ':';
    }
    out = write_node(i, out);
  }
  *out++ = object ? '}' : ']';
  return out;
}

char* FormReader::write_texts(const Field& field, std::string_view value, char* out) noexcept {
  bool more = true;
  for (std::string_view text; take_part(value, more, field.delimiter, text);) {
    if (coerced_type(field.types, text) == JsonType::string) {
      out = write_string(out, text);
    } else {
      out = write_token(text, out);
    }
    if (more) *out++ = ',';
  }
  return out;
}

// A pointer that does not fit is that of the deepest object above that does.
void FormReader::point_at(std::string_view name, std::string_view path) noexcept {
  std::size_t size = 0;
  bool fits = core::append_pointer_token(pointer_.data(), size, pointer_.size(), name);
  while (fits && path.size() > 2 && path.front() == '[') {
    const std::size_t close = path.find(']');
    if (close == std::string_view::npos || close == 1) break;
    const std::string_view token = path.substr(1, close - 1);
    if (token.find('[') != std::string_view::npos) break;
    fits = core::append_pointer_token(pointer_.data(), size, pointer_.size(), token);
    path.remove_prefix(close + 1);
  }
  error_.pointer = {pointer_.data(), size};
}

bool FormReader::fail(JsonFault fault, std::uint32_t offset, std::string_view detail) noexcept {
  error_.fault = fault;
  error_.offset = offset;
  error_.detail = detail;
  return false;
}

}  // namespace guard::json
