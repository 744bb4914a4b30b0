#include "core/json_pointer.h"

#include <array>
#include <charconv>
#include <limits>

#include "core/any_case.h"
#include "core/words.h"

namespace guard::core {
namespace {

// RFC 6901, section 4: no leading zeros. What does not fit has no element either.
std::optional<std::uint32_t> array_index(std::string_view token) {
  if (token.empty() || (token.size() > 1 && token.front() == '0')) return std::nullopt;
  std::uint32_t index = 0;
  const char* end = token.data() + token.size();
  const auto [rest, error] = std::from_chars(token.data(), end, index);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return index;
}

std::string unescaped(std::string_view token, std::string_view pointer) {
  std::string name;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      name += token[i];
      continue;
    }
    const char code = i + 1 < token.size() ? token[i + 1] : '\0';
    if (code != '0' && code != '1') {
      fail("invalid JSON Pointer \"", pointer,
           "\": \"~\" must be written as \"~0\", \"/\" as \"~1\"");
    }
    name += code == '0' ? '~' : '/';
    ++i;
  }
  return name;
}

}  // namespace

JsonPointer::JsonPointer(std::string_view pointer) {
  if (pointer.empty()) return;
  if (pointer.front() != '/') {
    fail("invalid JSON Pointer \"", pointer, "\": it must begin with \"/\"");
  }
  for (std::string_view token : split(pointer.substr(1), '/')) {
    std::string name = unescaped(token, pointer);
    const std::uint32_t hash = json_key_hash(name);
    steps_.push_back({std::move(name), hash, array_index(token)});
  }
}

const JsonNode* JsonPointer::step(const JsonDocument& document, const JsonNode& node,
                                  std::size_t i) const noexcept {
  const Step& step = steps_[i];
  if (node.type == JsonType::object) return document.member(node, step.name, step.hash);
  if (node.type == JsonType::array && step.index) return document.element(node, *step.index);
  return nullptr;
}

const JsonNode* JsonPointer::find(const JsonDocument& document) const noexcept {
  const JsonNode* node = &document.root();
  for (std::size_t i = 0; i < steps_.size() && node != nullptr; ++i) {
    node = step(document, *node, i);
  }
  return node;
}

JsonPointer::Reading JsonPointer::find_in_any_case(const JsonDocument& document) const noexcept {
  Reading reading{&document.root(), nullptr};
  for (std::size_t i = 0; i < steps_.size() && reading.node != nullptr; ++i) {
    const JsonNode& container = *reading.node;
    if (container.type != JsonType::object) {
      reading.node = step(document, container, i);
      continue;
    }
    reading.node = nullptr;
    std::string_view taken;
    for (std::uint32_t key = document.index_of(container) + 1; key < container.next;
         key = document[key + 1].next) {
      const std::string_view name = document.text(document[key]);
      if (!equal_in_any_case(name, steps_[i].name)) continue;
      if (reading.node != nullptr && name != taken) reading.rival = &document[key + 1];
      reading.node = &document[key + 1];
      taken = name;
    }
  }
  return reading;
}

bool append_pointer_token(char* pointer, std::size_t& size, std::size_t limit,
                          std::string_view token) noexcept {
  std::size_t at = size;
  const auto add = [&](char c) {
    if (at >= limit) return false;
    pointer[at++] = c;
    return true;
  };
  bool fits = add('/');
  for (std::size_t i = 0; fits && i < token.size(); ++i) {
    switch (token[i]) {
      case '~':
        fits = add('~') && add('0');
        break;
      case '/':
        fits = add('~') && add('1');
        break;
      default:
        fits = add(token[i]);
    }
  }
  if (fits) size = at;
  return fits;
}

std::size_t write_json_pointer(const JsonDocument& document, std::uint32_t node, char* out,
                               std::size_t limit) noexcept {
  std::size_t size = 0;
  for (std::uint32_t at = 0; at != node;) {
    const JsonNode& around = document[at];
    std::uint32_t child = at + 1;
    std::array<char, std::numeric_limits<std::uint32_t>::digits10 + 1> digits;
    std::string_view token;
    if (around.type == JsonType::object) {
      while (document[child + 1].next <= node) child = document[child + 1].next;
      token = document.text(document[child]);
      if (node == child) ++node;
      ++child;
    } else {
      std::uint32_t index = 0;
      for (; document[child].next <= node; ++index) child = document[child].next;
      const char* end = std::to_chars(digits.begin(), digits.end(), index).ptr;
      token = {digits.data(), static_cast<std::size_t>(end - digits.data())};
    }
    if (!append_pointer_token(out, size, limit, token)) break;
    at = child;
  }
  return size;
}

}  // namespace guard::core
