#include "core/policy_words.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/words.h"

namespace guard::core {

namespace {

constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

constexpr std::array<std::string_view, 5> kAddresses = {"guard_client_net", "remote_addr",
                                                        "binary_remote_addr", "realip_remote_addr",
                                                        "proxy_protocol_addr"};

bool is_variable_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Of nginx's variables those that tell of the answer.
bool is_of_answer(std::string_view variable) {
  constexpr std::array<std::string_view, 5> kFamilies = {
      "upstream_http_", "upstream_trailer_", "upstream_cookie_", "sent_http_", "sent_trailer_"};
  constexpr std::array<std::string_view, 8> kOthers = {
      "status",        "bytes_sent",      "body_bytes_sent",       "request_completion",
      "upstream_addr", "upstream_status", "upstream_cache_status", "guard_inspect_response_score"};
  const auto is_named = [variable](std::string_view name) {
    return equal_without_case(variable, name);
  };
  return std::ranges::any_of(kOthers, is_named) ||
         std::ranges::any_of(kFamilies, [variable](std::string_view family) {
           return equal_without_case(variable.substr(0, family.size()), family);
         });
}

}  // namespace

void check_policy_name(std::string_view feature, std::string_view name) {
  if (name.empty() || name == "off" || name.size() > kMaxPolicyName ||
      name.find_first_not_of(kNameLetters) != std::string_view::npos) {
    fail("invalid ", feature, " policy name \"", name,
         "\", up to 64 letters, digits, \"_\", \".\" and \"-\" are expected, and not \"off\"");
  }
}

std::vector<std::string> parse_key_variables(std::string_view word, std::string_view text) {
  std::vector<std::string> variables;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i++] != '$') continue;
    bool braced = i < text.size() && text[i] == '{';
    if (braced) ++i;
    std::size_t start = i;
    while (i < text.size() && is_variable_letter(text[i])) ++i;
    std::string_view name = text.substr(start, i - start);
    if (name.empty() || (braced && (i == text.size() || text[i] != '}'))) {
      fail("invalid variable name in \"", word, "=", text, "\"");
    }
    // As nginx names it.
    std::string& variable = variables.emplace_back(name);
    std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  if (variables.size() > kMaxKeyVariables) {
    fail("more than ", std::to_string(kMaxKeyVariables), " variables in \"", word, "=", text, "\"");
  }
  return variables;
}

std::string as_variable(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  const bool name = !text.empty() && std::ranges::all_of(text, is_variable_letter);
  return name ? "$" + std::string(text) : std::string();
}

std::string variable_hint(std::string_view word, std::string_view text) {
  const std::string variable = as_variable(text);
  if (variable.empty()) return {};
  return ", did you mean \"" + std::string(word) + "=" + variable + "\"?";
}

std::string_view forgotten_variable(std::string_view text,
                                    const std::function<bool(std::string_view)>& is_variable) {
  const std::vector<std::string> known = parse_key_variables("key", text);
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_variable_letter(text[end])) ++end;
    const std::string_view word = text.substr(i, end - i);
    const bool marked = i > 0 && (text[i - 1] == '$' || text.substr(0, i).ends_with("${"));
    const bool used = std::ranges::any_of(
        known, [word](std::string_view name) { return equal_without_case(name, word); });
    if (!word.empty() && !marked && !used && is_variable(word)) return word;
    i = std::max(end, i + 1);
  }
  return {};
}

bool is_address_variable(std::string_view variable) noexcept {
  return std::find(kAddresses.begin(), kAddresses.end(), variable) != kAddresses.end();
}

std::string answer_warning(std::string_view owner, std::string_view what,
                           std::span<const std::string_view> variables) {
  const auto late = std::ranges::find_if(variables, is_of_answer);
  if (late == variables.end()) return {};
  return std::string(owner) + " is asked before there is an answer, and \"$" + std::string(*late) +
         "\" of its " + std::string(what) +
         " tells of that: it says nothing yet, except after an internal redirect that an answer "
         "has led to";
}

}  // namespace guard::core
