// Every transformation of any bytes: within its room, with what it says of itself; those that are
// plain replacements against the obvious way to make them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "inspect/transformation.h"

namespace {

using namespace guard::inspect;

std::string obvious(Transformation transformation, std::string_view in) {
  std::string out;
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  for (std::size_t i = 0; i < in.size(); ++i) {
    const char c = in[i];
    switch (transformation) {
      case Transformation::remove_nulls:
        if (c != 0) out += c;
        break;
      case Transformation::replace_nulls:
        out += c == 0 ? ' ' : c;
        break;
      case Transformation::compress_whitespace:
        if (!space(c)) {
          out += c;
        } else if (i == 0 || !space(in[i - 1])) {
          out += ' ';
        }
        break;
      case Transformation::lowercase:
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        break;
      default: {  // url_decode
        const auto digit = [&](std::size_t at) {
          const std::size_t found =
              at < in.size() ? std::string_view("0123456789abcdef0123456789ABCDEF").find(in[at])
                             : std::string_view::npos;
          return found == std::string_view::npos ? -1 : static_cast<int>(found % 16);
        };
        if (c == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
          out += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
          i += 2;
        } else {
          out += c == '+' ? ' ' : c;
        }
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const auto transformation = static_cast<Transformation>(data[0] % kTransformationCount);
  // On the heap and of its exact size, so that what reads past its end is seen.
  const std::string in(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string out(transformed_size(in.size()), '\0');
  bool changed = false;
  const std::string_view made = transform(transformation, in, out.data(), changed);
  if (made.size() > out.size() || changed != (made != in)) __builtin_trap();
  const Traits before = byte_traits(in);
  const Traits wanted = triggers(transformation);
  if (wanted != trait::kAny && (wanted & before) == 0 && !equal_ignoring_case(made, in)) {
    __builtin_trap();
  }
  const Traits known = before | trait::kLetter | creates(transformation);
  if ((byte_traits(made) & trait::kBytes & ~known) != 0) __builtin_trap();
  switch (transformation) {
    case Transformation::remove_nulls:
    case Transformation::replace_nulls:
    case Transformation::compress_whitespace:
    case Transformation::lowercase:
    case Transformation::url_decode:
      if (made != obvious(transformation, in)) __builtin_trap();
      break;
    default:
      break;
  }
  return 0;
}
