// The formats of JSON Schema: the first byte says which, the rest is the text, which is UTF-8 or
// nothing.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/utf8.h"
#include "json/format.h"

namespace {

constexpr std::array<std::string_view, 19> kNames = {"date",          "date-time",
                                                     "duration",      "email",
                                                     "hostname",      "idn-email",
                                                     "idn-hostname",  "ipv4",
                                                     "ipv6",          "iri",
                                                     "iri-reference", "json-pointer",
                                                     "regex",         "relative-json-pointer",
                                                     "time",          "uri",
                                                     "uri-reference", "uri-template",
                                                     "uuid"};

bool holds(std::string_view name, std::string_view text) {
  return guard::json::find_format(name)(text);
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // Of its own length, so that a read behind it is seen.
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (std::string_view rest = text; !rest.empty();) {
    const guard::core::Utf8Unit unit = guard::core::decode_utf8(rest);
    if (!unit.valid) return 0;
    rest.remove_prefix(unit.length);
  }
  const std::string_view name = kNames[data[0] % kNames.size()];
  const bool openapi = guard::json::find_openapi_format(name)(text);
  if (!holds(name, text)) return 0;
  require(openapi);
  if (name == "uri") require(holds("uri-reference", text) && holds("iri", text));
  if (name == "uri-reference" || name == "iri") require(holds("iri-reference", text));
  if (name == "email") require(holds("idn-email", text));
  if (name == "hostname") require(holds("idn-hostname", text) && text.size() <= 253);
  if (name == "date-time")
    require(holds("date", text.substr(0, 10)) && holds("time", text.substr(11)));
  if (name == "json-pointer") require(holds("relative-json-pointer", "0" + text));
  return 0;
}
