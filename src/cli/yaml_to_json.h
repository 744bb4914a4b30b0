// YAML as JSON, for OpenAPI documents, which are written in that part of YAML 1.2 that JSON can say
// (OpenAPI 3.1.0, section 4.2). With yaml-cpp, which only guardctl is linked with.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace guard::cli {

inline constexpr std::size_t kMaxYamlSize = std::size_t{16} << 20U;
// Aliases stand for all that their anchor holds, so that a short text can come to any length.
inline constexpr std::size_t kMaxConvertedSize = std::size_t{64} << 20U;

// what() follows the quoted name of the text: ` at line 3, column 7: duplicate key "a"`, or `: no
// document in it`. Lines and columns are counted from 1, columns in characters.
class YamlError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One document, in its own order, indented by two blanks, with a newline behind it. Text that is
// JSON already stays what it is. Plain scalars are what yaml_scalar.h makes of them. Keys that are
// no strings become the text of their value. "<<" merges the mappings that it names: their members
// stand in its place, but for those that the mapping has itself; of several the first has the last
// word. Refused, with YamlError: duplicate keys, keys that are collections, tags of other types
// than JSON's, several documents, characters that YAML does not allow, more than the sizes above,
// and nesting beyond kMaxJsonDepth.
std::string yaml_to_json(std::string_view text);

}  // namespace guard::cli
