// The templated paths of an OpenAPI document as a radix tree over path segments: found by literal
// segments first, then by templates, without a regular expression (OpenAPI 3.1.1, "Paths Object":
// concrete paths are matched before templated ones).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace guard::json {

// Which items are asked for; without has: any.
struct WantedItems {
  const void* context = nullptr;
  bool (*has)(const void* context, std::uint32_t item) noexcept = nullptr;
};

class PathTree {
 public:
  static constexpr std::size_t kMaxParameters = 16;
  static constexpr std::size_t kMaxSegments = 64;

  struct Match {
    std::uint32_t item = 0;
    std::size_t count = 0;
    // Of the template's parameters, in its order: parts of the path. Where a segment can be divided
    // in more than one way, each as short as can be; and each as long as can be, as a greedy
    // regular expression has it. Which of them an application takes depends on its framework.
    std::array<std::string_view, kMaxParameters> values;
    std::array<std::string_view, kMaxParameters> longest;
  };

  PathTree();

  // "/users/{id}/posts/{name}.{format}", as in a URL: "%20" is a blank. item is what a path of this
  // shape is. Answers the item that a template of the same shape was given before, or item itself.
  // At configuration time only. Throws ConfigError, without naming the place.
  std::uint32_t add(std::string_view path_template, std::uint32_t item);

  // path: decoded, without a query, beginning with "/". Looks at each node of the tree at most
  // once.
  std::optional<Match> find(std::string_view path, WantedItems wanted = {}) const noexcept;

  // The names in braces, in their order. Throws as add() does.
  static std::vector<std::string> parameters_of(std::string_view path_template);

 private:
  static constexpr std::uint32_t kNoItem = 0xffffffff;

  // The texts before, between and behind the parameters of a segment: one more than there are
  // parameters. One alone: a literal segment.
  using Segment = std::vector<std::string>;
  struct Node {
    std::uint32_t item = kNoItem;
    std::vector<std::pair<std::string, std::uint32_t>> literals;  // by text
    std::vector<std::pair<Segment, std::uint32_t>> templates;     // the most specific first
  };

  static Segment parse_segment(std::string_view text, std::vector<std::string>& names);
  std::uint32_t child(std::uint32_t node, const Segment& segment);
  bool find(std::uint32_t node, std::string_view rest, WantedItems wanted,
            Match& match) const noexcept;
  static bool matches(const Segment& segment, std::string_view text, Match& match) noexcept;

  std::vector<Node> nodes_;
};

}  // namespace guard::json
