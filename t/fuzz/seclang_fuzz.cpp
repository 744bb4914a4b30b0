// Rules of any bytes: read or refused, and what is read can be made ready.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "inspect/rule_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace guard;
  if (size > 4096) return 0;
  // Files are nobody's business here.
  inspect::RuleSetBuilder builder([](const std::string&, std::string&) { return false; },
                                  [](const std::string&) { return std::vector<std::string>{}; });
  try {
    builder.add_text({reinterpret_cast<const char*>(data), size}, "f");
    builder.finish();
  } catch (const core::ConfigError& error) {
    if (std::string_view(error.what()).empty()) __builtin_trap();
  }
  return 0;
}
