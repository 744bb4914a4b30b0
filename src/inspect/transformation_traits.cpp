// What a value must have for a transformation to do something, and what it can bring in.
#include "inspect/transformation.h"

namespace guard::inspect {

namespace {

constexpr Traits triggers_of(Transformation transformation) {
  using namespace trait;
  switch (transformation) {
    case Transformation::url_decode:
    case Transformation::url_decode_uni:
      return of_marks("%+");
    case Transformation::html_entity_decode:
      return of_mark('&');
    case Transformation::js_decode:
    case Transformation::css_decode:
    case Transformation::escape_seq_decode:
      return of_mark('\\');
    case Transformation::remove_nulls:
    case Transformation::replace_nulls:
      return kNul;
    case Transformation::utf8_to_unicode:
      return kHigh | kNul;
    case Transformation::lowercase:
    case Transformation::uppercase:
      return 0;
    case Transformation::compress_whitespace:
      return kControlSpace | kTwoSpaces;
    case Transformation::remove_whitespace:
      return kControlSpace | kSpace | kHigh;
    case Transformation::trim:
    case Transformation::trim_left:
    case Transformation::trim_right:
      return kControlSpace | kSpace;
    case Transformation::cmd_line:
      return of_marks("\"'^\\,;") | kControlSpace | kTwoSpaces | kSpaceSlash;
    case Transformation::normalize_path:
      return kPathDots;
    case Transformation::normalize_path_win:
      return kPathDots | of_mark('\\');
    case Transformation::replace_comments:
      return of_mark('*');
    case Transformation::remove_comments:
    case Transformation::remove_comments_char:
      return of_marks("*-#<");
    case Transformation::sql_hex_decode:
      return kZero;
    default:
      return kAny;
  }
}

constexpr Traits changes_of(Transformation transformation) {
  switch (transformation) {
    case Transformation::lowercase:
      return trait::kUpper;
    case Transformation::uppercase:
      return trait::kLower;
    case Transformation::cmd_line:
      return triggers_of(transformation) | trait::kUpper;
    case Transformation::html_entity_decode:
      return trait::kEntity;
    default:
      return triggers_of(transformation);
  }
}

template <class Of>
constexpr std::array<Traits, kTransformationCount> table_of(Of of) {
  std::array<Traits, kTransformationCount> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = of(static_cast<Transformation>(i));
  return table;
}

}  // namespace

constinit const std::array<Traits, kTransformationCount> kTriggers = table_of(triggers_of);
constinit const std::array<Traits, kTransformationCount> kChanges = table_of(changes_of);

Traits creates(Transformation transformation) noexcept {
  switch (transformation) {
    case Transformation::lowercase:
    case Transformation::uppercase:
    case Transformation::remove_nulls:
    case Transformation::remove_whitespace:
    case Transformation::trim:
    case Transformation::trim_left:
    case Transformation::trim_right:
    case Transformation::normalize_path:
      return 0;
    case Transformation::normalize_path_win:
      return trait::of_mark('/');
    case Transformation::compress_whitespace:
    case Transformation::replace_nulls:
    case Transformation::replace_comments:
    case Transformation::cmd_line:
      return trait::kSpace;
    default:
      return trait::kAny;
  }
}

std::size_t least_before(Transformation transformation, std::size_t size) noexcept {
  switch (transformation) {
    case Transformation::base64_decode:
    case Transformation::base64_decode_ext:
      return (4 * size + 2) / 3;
    case Transformation::utf8_to_unicode:
      return (size + 5) / 6;  // a byte becomes %u00e9
    case Transformation::base64_encode:
    case Transformation::hex_encode:
    case Transformation::length:
    case Transformation::md5:
    case Transformation::sha1:
    case Transformation::url_encode:
      return 0;
    default:
      return size;
  }
}

}  // namespace guard::inspect
