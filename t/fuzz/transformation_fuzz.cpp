// Every transformation of any bytes: within its room, as the slow and obvious way to make it has
// it, and with what it says of itself; and the traits of bytes, on which that rests.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ascii.h"
#include "inspect/transformation.h"
#include "slow_transformations.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace guard::inspect;
  if (size == 0 || size > 4096) return 0;
  const auto transformation = static_cast<Transformation>(data[0] % kTransformationCount);
  // On the heap and of its exact size, so that what reads past its end is seen.
  const std::vector<char> bytes(data + 1, data + size);
  const std::string_view in(bytes.data(), bytes.size());
  std::string out(transformed_size(in.size()), '\0');
  bool changed = false;
  const std::string_view made = transform(transformation, in, out.data(), changed);
  if (made.size() > out.size() || changed != (made != in)) __builtin_trap();
  const auto wanted = guard::fuzz::slowly(transformation, in);
  if (wanted && made != *wanted) __builtin_trap();

  const Traits before = byte_traits(in);
  if (before != guard::fuzz::slow_traits(in)) __builtin_trap();
  const Traits triggering = triggers(transformation);
  if (triggering != trait::kAny && (triggering & before) == 0 &&
      !guard::core::equal_without_case(made, in)) {
    __builtin_trap();
  }
  const Traits changing = changes(transformation);
  if (changing != trait::kAny && (changing & before) == 0 && changed) __builtin_trap();
  const Traits known = before | trait::kLetter | creates(transformation);
  if ((byte_traits(made) & trait::kBytes & ~known) != 0) __builtin_trap();
  if (in.size() < least_before(transformation, made.size())) __builtin_trap();
  return 0;
}
