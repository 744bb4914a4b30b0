// What is searched for in place of a regex, against the regex itself. An input is a regex, a NUL,
// and a value.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "inspect/regex.h"
#include "inspect/widened.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace guard::inspect;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t middle = input.find('\0');
  if (middle == std::string_view::npos || size > 256) return 0;
  const std::string expression(input.substr(0, middle));
  const std::string wider = widened(expression);
  if (wider == expression) return 0;
  static Regex::Workspace workspace;
  const std::string_view value = input.substr(middle + 1);
  std::uint64_t work = 100'000;
  try {
    if (Regex(expression).search(value, workspace, work) != Regex::Result::yes) return 0;
  } catch (const std::exception&) {
    // PCRE2 does not take it, so nothing is said of it.
    return 0;
  }
  work = 100'000;
  if (Regex(wider).search(value, workspace, work) == Regex::Result::no) __builtin_trap();
  return 0;
}
