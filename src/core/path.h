// guard_path strict: what makes a path readable in more than one way. nginx, a proxy in front of it
// and the application behind it decode, merge and split paths by different rules; a path on which
// they could disagree is refused as it was sent, before any of them has touched it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guard::core {

enum class PathFlaw : std::uint8_t {
  none,
  not_a_path,
  encoded_slash,
  backslash,
  encoded_backslash,
  nul,
  control,
  encoded_control,
  double_encoding,
  dot_segment,
  path_parameter,
  empty_segment,
  fragment,
  bad_escape,
  bad_utf8,
};

// A sentence for each, for the refusal's detail and for the documentation.
inline constexpr std::array<std::string_view, 15> kPathFlawTexts = {
    "the path is not ambiguous",
    "the request target is not a path",
    "the path holds an encoded slash (%2F)",
    "the path holds a backslash",
    "the path holds an encoded backslash (%5C)",
    "the path holds an encoded NUL (%00)",
    "the path holds a control character",
    "the path holds an encoded control character",
    "the path is encoded twice (%25XX)",
    "the path holds a dot segment (/./, /../ or /..;/, plain or encoded)",
    "the path holds a path parameter (;, plain or encoded)",
    "the path holds an empty segment (//)",
    "the URI holds a fragment (#)",
    "the path holds a percent sign that no two hexadecimal digits follow",
    "the path is not valid UTF-8 once it is decoded",
};

constexpr std::string_view text_of(PathFlaw flaw) noexcept {
  return kPathFlawTexts[static_cast<std::size_t>(flaw)];
}

// The first flaw of the path part of a request target as it was sent ($request_uri), everything
// before the first '?', or a '#' behind it. Origin form, absolute form (what follows the authority
// is looked at) and the "*" of OPTIONS. One pass, no memory. A raw byte above 0x7f counts as
// itself: UTF-8 is let through. A control is any of C0, DEL and C1 (U+0080 to U+009F).
PathFlaw find_path_flaw(std::string_view target) noexcept;

}  // namespace guard::core
