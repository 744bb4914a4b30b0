// Any bytes as a picture: a page or script is found however they are cut, and exactly where a slow
// and obvious search finds one.
#include "upload/script_search.h"

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

using guard::upload::ScriptSearch;

bool found(std::string_view bytes, std::size_t piece) {
  ScriptSearch search;
  search.begin();
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), bytes.data(), size);
    if (search.add({copy.get(), size})) return true;
    bytes.remove_prefix(size);
  }
  return search.finish();
}

bool obvious(std::string_view bytes) {
  std::string lower(bytes);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const auto space = [](char c) { return c == ' ' || (c >= 9 && c <= 13); };
  for (const char* tag : {"<script", "<svg", "<html", "<body", "<iframe", "<object", "<embed",
                          "<!doctype html", "<?php"}) {
    const std::size_t length = std::strlen(tag);
    for (std::size_t at = 0; (at = lower.find(tag, at)) != std::string::npos; ++at) {
      if (at + length == lower.size()) continue;
      const char next = lower[at + length];
      if (space(next) || (tag[1] != '?' && (next == '/' || next == '>'))) return true;
    }
  }
  for (std::size_t at = 0; (at = lower.find("<?=", at)) != std::string::npos; ++at) {
    std::size_t text = 0;
    for (std::size_t i = at + 3; i < lower.size() && text < 8; ++i, ++text) {
      const char c = lower[i];
      if (!(c >= ' ' && c <= '~') && c != '\t' && c != '\n' && c != '\r') break;
    }
    if (text == 8) return true;
  }
  return lower.find("__halt_compiler();") != std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const bool wanted = obvious(bytes);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1} + data[0] % 32, size + 1}) {
    if (found(bytes, piece) != wanted) std::abort();
  }
  guard::upload::opens_comment(bytes);
  return 0;
}
