#include "json/schema_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "core/ascii.h"
#include "core/hex.h"
#include "core/words.h"
#include "json/uri.h"

namespace guard::json {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScheme = "file://";
constexpr std::string_view kUnescaped = "-._~/!$&'()*+,;=:@";

std::string encoded(std::string_view path) {
  std::string uri;
  for (const char c : path) {
    if (core::is_letter(c) || core::is_digit(c) || kUnescaped.find(c) != std::string_view::npos) {
      uri += c;
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      uri.append({'%', kDigits[byte >> 4U], kDigits[byte & 15U]});
    }
  }
  return uri;
}

// What a schema calls itself, without a fragment; empty if it does not.
std::string id_of(const SchemaFile& file) {
  const core::JsonDocument& document = file.document();
  for (const std::string_view name : {"$id", "id"}) {
    const core::JsonNode* id = document.member(document.root(), name, core::json_key_hash(name));
    if (id != nullptr && id->type == core::JsonType::string) {
      return resolve_uri("", document.text(*id)).absolute;
    }
  }
  return {};
}

}  // namespace

void SchemaFiles::add(const std::string& directory, std::string base) {
  if (base.empty()) base = uri_of(directory);
  if (!base.ends_with('/')) base += '/';
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator i(directory, error), end; !error && i != end;
       i.increment(error)) {
    if (i->is_regular_file() && i->path().extension() == ".json") paths.push_back(i->path());
  }
  if (error) core::fail("cannot read the directory \"", directory, "\": ", error.message());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    paths_.emplace(base + encoded(path.lexically_relative(directory).string()), path.string());
    const std::string id = id_of(*read(path.string()));
    // A relative one is found through the file's own URI.
    if (id.find(':') != std::string::npos) paths_.emplace(id, path.string());
  }
}

std::shared_ptr<const SchemaFile> SchemaFiles::read(const std::string& path) {
  if (const auto known = read_.find(path); known != read_.end()) return known->second;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    core::fail("cannot read \"", path, "\": ", std::strerror(EISDIR));
  }
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) core::fail("cannot read \"", path, "\": ", std::strerror(errno));
  auto file = std::make_shared<const SchemaFile>(path, std::move(text));
  read_.emplace(path, file);
  return file;
}

std::shared_ptr<const SchemaFile> SchemaFiles::find(const std::string& uri) {
  if (const auto known = paths_.find(uri); known != paths_.end()) return read(known->second);
  if (!uri.starts_with(kScheme)) return nullptr;
  // resolve_uri decodes fragments.
  const std::string path = resolve_uri("", "#" + uri.substr(kScheme.size())).fragment;
  std::error_code error;
  return fs::is_regular_file(path, error) ? read(path) : nullptr;
}

std::string SchemaFiles::uri_of(const std::string& path) {
  return std::string(kScheme) + encoded(fs::absolute(path).lexically_normal().string());
}

}  // namespace guard::json
