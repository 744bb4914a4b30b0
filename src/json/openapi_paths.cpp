#include "json/openapi_paths.h"

#include <algorithm>
#include <numeric>

#include "core/words.h"
#include "json/uri.h"

namespace guard::json {

namespace {

std::size_t literal_size(const std::vector<std::string>& segment) {
  return std::accumulate(
      segment.begin(), segment.end(), std::size_t{0},
      [](std::size_t sum, const std::string& text) { return sum + text.size(); });
}

}  // namespace

PathTree::PathTree() : nodes_(1) {}

PathTree::Segment PathTree::parse_segment(std::string_view text, std::vector<std::string>& names) {
  Segment segment(1);
  while (!text.empty()) {
    const std::size_t brace = text.find_first_of("{}");
    segment.back().append(percent_decoded(text.substr(0, brace)));
    if (brace == std::string_view::npos) break;
    const std::size_t end = text.find('}', brace);
    if (text[brace] == '}' || end == std::string_view::npos || end == brace + 1) {
      core::fail("malformed \"{\" and \"}\" in the path");
    }
    if (segment.size() > 1 && segment.back().empty()) {
      core::fail("two parameters of the path stand side by side");
    }
    names.emplace_back(text.substr(brace + 1, end - brace - 1));
    segment.emplace_back();
    text.remove_prefix(end + 1);
  }
  return segment;
}

std::vector<std::string> PathTree::parameters_of(std::string_view path_template) {
  std::vector<std::string> names;
  for (const std::string_view part : core::split(path_template, '/')) parse_segment(part, names);
  if (names.size() > kMaxParameters) {
    core::fail("more than ", std::to_string(kMaxParameters), " parameters in a path");
  }
  return names;
}

std::uint32_t PathTree::add(std::string_view path_template, std::uint32_t item) {
  if (!path_template.starts_with('/')) core::fail("a path must begin with \"/\"");
  (void)parameters_of(path_template);
  const std::vector<std::string_view> parts = core::split(path_template.substr(1), '/');
  if (parts.size() > kMaxSegments) {
    core::fail("more than ", std::to_string(kMaxSegments), " segments in a path");
  }
  std::vector<std::string> names;
  std::uint32_t node = 0;
  for (const std::string_view part : parts) node = child(node, parse_segment(part, names));
  if (nodes_[node].item == kNoItem) nodes_[node].item = item;
  return nodes_[node].item;
}

std::uint32_t PathTree::child(std::uint32_t node, const Segment& segment) {
  const auto next = static_cast<std::uint32_t>(nodes_.size());
  if (segment.size() == 1) {
    auto& literals = nodes_[node].literals;
    const auto place = std::lower_bound(
        literals.begin(), literals.end(), segment.front(),
        [](const auto& known, const std::string& text) { return known.first < text; });
    if (place != literals.end() && place->first == segment.front()) return place->second;
    literals.emplace(place, segment.front(), next);
  } else {
    auto& templates = nodes_[node].templates;
    const auto known = std::find_if(templates.begin(), templates.end(),
                                    [&](const auto& one) { return one.first == segment; });
    if (known != templates.end()) return known->second;
    const auto place = std::find_if(templates.begin(), templates.end(), [&](const auto& one) {
      return literal_size(one.first) < literal_size(segment);
    });
    templates.emplace(place, segment, next);
  }
  nodes_.emplace_back();
  return next;
}

std::optional<PathTree::Match> PathTree::find(std::string_view path,
                                              WantedItems wanted) const noexcept {
  if (!path.starts_with('/')) return std::nullopt;
  Match match;
  if (!find(0, path.substr(1), wanted, match)) return std::nullopt;
  return match;
}

// As deep as the tree, kMaxSegments at most.
bool PathTree::find(std::uint32_t index, std::string_view rest, WantedItems wanted,
                    Match& match) const noexcept {
  const Node& node = nodes_[index];
  const std::size_t slash = rest.find('/');
  const std::string_view text = rest.substr(0, slash);
  const bool last = slash == std::string_view::npos;
  const auto follow = [&](std::uint32_t next) noexcept {
    if (!last) return find(next, rest.substr(slash + 1), wanted, match);
    match.item = nodes_[next].item;
    return match.item != kNoItem &&
           (wanted.has == nullptr || wanted.has(wanted.context, match.item));
  };
  const auto literal = std::lower_bound(
      node.literals.begin(), node.literals.end(), text,
      [](const auto& known, std::string_view wanted) { return known.first < wanted; });
  if (literal != node.literals.end() && literal->first == text && follow(literal->second)) {
    return true;
  }
  const std::size_t count = match.count;
  for (const auto& [segment, next] : node.templates) {
    if (matches(segment, text, match) && follow(next)) return true;
    match.count = count;
  }
  return false;
}

// Each parameter takes what lies before the first (longest: the last) occurrence of the text behind
// it, one byte at least; the last one all that is left before the end.
bool PathTree::matches(const Segment& segment, std::string_view text, Match& match) noexcept {
  const std::string& first = segment.front();
  const std::string& last = segment.back();
  if (text.size() < first.size() + last.size() || !text.starts_with(first) ||
      !text.ends_with(last)) {
    return false;
  }
  text.remove_prefix(first.size());
  text.remove_suffix(last.size());
  std::string_view rest = text;
  for (std::size_t i = 1; i + 1 < segment.size(); ++i) {
    const std::size_t end = text.find(segment[i], 1);
    if (end == std::string_view::npos) return false;
    match.values[match.count++] = text.substr(0, end);
    text.remove_prefix(end + segment[i].size());
  }
  if (text.empty()) return false;
  match.values[match.count++] = text;

  // From behind, where there is always room left for those before.
  std::size_t place = match.count;
  for (std::size_t i = segment.size() - 2; i > 0; --i) {
    const std::size_t end = rest.rfind(segment[i], rest.size() - segment[i].size() - 1);
    match.longest[--place] = rest.substr(end + segment[i].size());
    rest = rest.substr(0, end);
  }
  match.longest[--place] = rest;
  return true;
}

}  // namespace guard::json
