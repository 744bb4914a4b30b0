// Any bytes as YAML: what comes out is JSON that the strict parser takes, which then stays as it
// is; what is refused says why.
#include <cstdlib>
#include <string>

#include "cli/yaml_to_json.h"
#include "core/json_parser.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace guard;
  static core::JsonParser parser;
  std::string json;
  try {
    json = cli::yaml_to_json({reinterpret_cast<const char*>(data), size});
  } catch (const cli::YamlError& error) {
    const std::string text = error.what();
    require(text.starts_with(" at line ") || text.starts_with(": "));
    return 0;
  }
  require(parser.parse(json, core::widest_json_limits()) != nullptr);
  if (json.size() <= cli::kMaxYamlSize) require(cli::yaml_to_json(json) == json);
  return 0;
}
