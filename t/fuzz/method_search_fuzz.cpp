// "_method" in a body: found however the body comes in pieces, and wherever it stands for itself.
#include "json/method_search.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool found(std::string_view body, std::size_t piece) {
  guard::json::MethodSearch search;
  bool found = search.feed({});
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
    found = search.feed(body.substr(0, piece));
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool whole = found(body, std::max<std::size_t>(body.size(), 1));
  require(found(body, 1 + data[0] % 8) == whole);
  const std::size_t place = body.find("&_method=");
  if (place != std::string_view::npos) require(whole);
  return 0;
}
