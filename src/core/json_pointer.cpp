#include "core/json_pointer.h"

#include <charconv>

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

const JsonNode* JsonPointer::find(const JsonDocument& document) const noexcept {
  const JsonNode* node = &document.root();
  for (const Step& step : steps_) {
    if (node->type == JsonType::object) {
      node = document.member(*node, step.name, step.hash);
    } else if (node->type == JsonType::array && step.index) {
      node = document.element(*node, *step.index);
    } else {
      node = nullptr;
    }
    if (node == nullptr) return nullptr;
  }
  return node;
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

}  // namespace guard::core
