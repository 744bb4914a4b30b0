#include "json/form.h"

#include <algorithm>
#include <bit>
#include <span>

#include "core/ascii.h"
#include "core/hex.h"
#include "core/json_pointer.h"
#include "core/json_string.h"

namespace guard::json {

namespace {

using core::JsonFault;
using core::JsonType;

// What a byte that is decoded can come to: a control character takes three bytes of a form, and
// six of JSON; a quote or a backslash one, and two.
constexpr std::size_t kEscapeFactor = 2;
// "name":["value"], has so many bytes that are neither name nor value.
constexpr std::size_t kAround = 9;

constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
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

std::optional<std::string_view> FormReader::read(std::string_view form,
                                                 const CoercionTable& coercions,
                                                 const core::JsonLimits& limits,
                                                 core::Scratch<char>& out) noexcept {
  coercions_ = &coercions;
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
  mask_ = slots - 1;
  if (!texts_.reserve(form.size(), kKeepBytes) || !fields_.reserve(most, kKeepFields) ||
      !slots_.reserve(slots, kKeepFields * 4) ||
      !out.reserve(form.size() * kEscapeFactor + most * kAround + 2, kKeepBytes)) {
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
  Field field{text_size_, 0, 0, 0, begin, kNoField, field_count_, 1, kAllTypes, false};
  const auto name_size = decode(form, begin, name_end);
  if (!name_size) return false;
  field.name_size = *name_size;
  const std::string_view name = name_of(field);
  if (name.empty()) return fail(JsonFault::syntax, begin, "a field has no name");
  if (name_end == end) return fail(JsonFault::syntax, end, "expected a \"=\" behind a name");
  point_at(name);
  field.value = text_size_;
  const auto value_size = decode(form, name_end + 1, end);
  if (!value_size) return false;
  field.value_size = *value_size;
  const std::uint32_t index = field_count_++;
  fields_.data()[index] = field;
  if (!link(index) || !check_value(fields_.data()[index])) return false;
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

// Finds out whether the name of the field has come before.
bool FormReader::link(std::uint32_t index) noexcept {
  Field* const fields = fields_.data();
  Field& field = fields[index];
  const std::string_view name = name_of(field);
  core::SipHash<core::HashWidth::bits64> hash(key_);
  hash.update(name);
  std::size_t slot = hash.finish() & mask_;
  std::uint32_t* const slots = slots_.data();
  while (slots[slot] != kNoField && name_of(fields[slots[slot]]) != name) slot = (slot + 1) & mask_;
  const bool repeated = slots[slot] != kNoField;
  Field& first = repeated ? fields[slots[slot]] : field;
  if (!repeated) {
    const Coercion coercion = coercions_->find(name);
    slots[slot] = index;
    field.is_array = coercion.is_array();
    field.types = coercion.is_array() ? coercion.elements : coercion.types;
  } else if (coercions_->find(name).may_repeat()) {
    // From the second one on, they are an array.
    if (!first.is_array) {
      first.is_array = true;
      first.types = coercions_->find(name).elements;
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
  }
  if (field.count > 0 && ++name_count_ > limits_->keys) {
    error_.pointer = {};
    return fail(JsonFault::keys, field.offset, "the form has too many names");
  }
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

bool FormReader::check_value(const Field& field) noexcept {
  const std::string_view value = value_of(field);
  if (coerced_type(field.types, value) != JsonType::number) return true;
  core::JsonNumber number;
  if (value.size() > core::kMaxNumberBytes) {
    return fail(JsonFault::number, field.offset, "a number is too long");
  }
  return (core::parse_json_number(value, number) && core::in_range(number, limits_->number)) ||
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
    if (field.is_array) *out++ = '[';
    for (std::uint32_t k = i; k != kNoField; k = fields[k].next) {
      const std::string_view value = value_of(fields[k]);
      if (k != i) *out++ = ',';
      if (coerced_type(field.types, value) == JsonType::string) {
        out = write_string(out, value);
      } else {
        out = std::copy(value.begin(), value.end(), out);
      }
    }
    if (field.is_array) *out++ = ']';
  }
  *out++ = '}';
  return out;
}

// A pointer that does not fit is that of the object.
void FormReader::point_at(std::string_view name) noexcept {
  std::size_t size = 0;
  (void)core::append_pointer_token(pointer_.data(), size, pointer_.size(), name);
  error_.pointer = {pointer_.data(), size};
}

bool FormReader::fail(JsonFault fault, std::uint32_t offset, std::string_view detail) noexcept {
  error_.fault = fault;
  error_.offset = offset;
  error_.detail = detail;
  return false;
}

}  // namespace guard::json
