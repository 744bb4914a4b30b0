#include "json/value.h"

#include <string_view>

#include "core/short_text.h"
#include "json/decimal.h"

namespace guard::json {

namespace {

using core::Hash128;
using core::JsonDocument;
using core::JsonNode;
using core::JsonType;
using Hash = core::SipHash<core::HashWidth::bits128>;

template <class T>
std::string_view bytes_of(const T& value) noexcept {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

bool equal_arrays(const JsonDocument& a, std::uint32_t at_a, const JsonDocument& b,
                  std::uint32_t at_b) noexcept {
  const std::uint32_t end = a[at_a].next;
  for (++at_a, ++at_b; at_a < end; at_a = a[at_a].next, at_b = b[at_b].next) {
    if (!equal_values(a, at_a, b, at_b)) return false;
  }
  return true;
}

// As many members as b has, whose names all differ, and each of those: a has no name twice.
bool equal_objects(const JsonDocument& a, std::uint32_t at_a, const JsonDocument& b,
                   std::uint32_t at_b) noexcept {
  const std::uint32_t end = b[at_b].next;
  for (std::uint32_t i = at_b + 1; i < end; i = b[i + 1].next) {
    const JsonNode* other = a.member(a[at_a], b.text(b[i]), b[i].hash);
    if (other == nullptr || !equal_values(a, a.index_of(*other), b, i + 1)) return false;
  }
  return true;
}

}  // namespace

bool equal_values(const JsonDocument& a, std::uint32_t at_a, const JsonDocument& b,
                  std::uint32_t at_b) noexcept {
  const JsonNode& left = a[at_a];
  const JsonNode& right = b[at_b];
  if (left.type != right.type) return false;
  switch (left.type) {
    case JsonType::null:
      return true;
    case JsonType::boolean:
      return left.is_true() == right.is_true();
    case JsonType::string:
      return core::same_text(a.text(left), b.text(right));
    case JsonType::number:
      return core::same_text(a.text(left), b.text(right)) ||
             compare(Decimal(a.text(left)), Decimal(b.text(right))) == 0;
    case JsonType::array:
      return left.size == right.size && equal_arrays(a, at_a, b, at_b);
    case JsonType::object:
      return left.size == right.size && equal_objects(a, at_a, b, at_b);
  }
  return false;
}

Hash128 hash_value(const JsonDocument& document, std::uint32_t at,
                   const core::SipKey& key) noexcept {
  const JsonNode& node = document[at];
  Hash hash(key);
  hash.update(bytes_of(node.type));
  switch (node.type) {
    case JsonType::null:
      break;
    case JsonType::boolean:
      hash.update(node.is_true() ? "1" : "0");
      break;
    case JsonType::string:
      hash.update(document.text(node));
      break;
    case JsonType::number: {
      const Decimal number(document.text(node));
      hash.update(number.is_negative() ? "-" : "+");
      hash.update(bytes_of(number.magnitude()));
      hash.update(number.first_digits());
      hash.update(number.more_digits());
      break;
    }
    case JsonType::array:
      for (std::uint32_t i = at + 1; i < node.next; i = document[i].next) {
        hash.update(bytes_of(hash_value(document, i, key)));
      }
      break;
    case JsonType::object: {
      // A sum does not know the order of what was added.
      Hash128 sum;
      for (std::uint32_t i = at + 1; i < node.next; i = document[i + 1].next) {
        Hash member(key);
        member.update("m");
        member.part(document.text(document[i]));
        member.update(bytes_of(hash_value(document, i + 1, key)));
        const Hash128 one = member.finish();
        sum.low += one.low;
        sum.high += one.high;
      }
      hash.update(bytes_of(sum));
      break;
    }
  }
  return hash.finish();
}

std::uint32_t hash_scalar(const JsonDocument& document, const JsonNode& node) noexcept {
  const std::string_view text = document.text(node);
  if (node.type == JsonType::string) return core::json_key_hash(text);
  return static_cast<std::uint32_t>(Decimal(text).hash());
}

}  // namespace guard::json
