// Any bytes as an archive: cut into pieces or whole it says the same, and no less than every header
// that can be found in it; and where one ends, an obvious search finds the end too.
#include "upload/archive.h"
#include "upload/zip_end.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

using guard::upload::Archive;
using guard::upload::ZipEnd;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Search>
void feed(Search& search, std::string_view bytes, std::size_t piece) {
  search.begin();
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), bytes.data(), size);
    search.add({copy.get(), size});
    bytes.remove_prefix(size);
  }
}

std::uint64_t declared(std::string_view bytes, std::size_t piece) {
  Archive archive;
  feed(archive, bytes, piece);
  return archive.declared();
}

bool ends_zip(std::string_view bytes, std::size_t piece) {
  ZipEnd end;
  feed(end, bytes, piece);
  return end.found();
}

std::uint32_t number(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// What is said by a central header anywhere behind the beginning.
std::uint64_t largest(std::string_view bytes) {
  std::uint64_t found = 0;
  for (std::size_t at = 0; at + 46 <= bytes.size(); ++at) {
    if (bytes.substr(at, 4) == "PK\1\2")
      found = std::max<std::uint64_t>(found, number(bytes, at + 24));
  }
  return found;
}

bool has_end(std::string_view bytes) {
  for (std::size_t at = 0; at + 22 <= bytes.size(); ++at) {
    if (bytes.substr(at, 4) != "PK\5\6" || bytes.size() - at > 22 + 65535) continue;
    const std::uint32_t directory = number(bytes, at + 12);
    if (directory >= 46 && (directory == 0xffffffff || directory <= at)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((data[0] & 0x80) != 0) {
    // Closer to an archive than chance would be.
    std::string archive = "PK\3\4";
    for (const char c : bytes) {
      archive += c == '@'   ? std::string("PK\1\2")
                 : c == '#' ? std::string("PK\3\4")
                 : c == '!' ? std::string("PK\5\6")
                            : std::string(1, c);
    }
    bytes = archive;
  }
  const std::uint64_t whole = declared(bytes, bytes.size() + 1);
  require(whole == declared(bytes, piece) && whole == declared(bytes, 1));
  if (bytes.starts_with("PK\3\4")) require(whole >= largest(bytes));
  const bool ends = has_end(bytes);
  for (const std::size_t each : {bytes.size() + 1, piece, std::size_t{1}}) {
    require(ends_zip(bytes, each) == ends);
  }
  return 0;
}
