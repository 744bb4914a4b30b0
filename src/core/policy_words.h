// What the policies of all features have in common in their words: their names, and the keys by
// which they tell requests apart.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace guard::core {

inline constexpr std::size_t kMaxPolicyName = 64;
inline constexpr std::size_t kMaxKeyVariables = 8;

// feature: "rate", for the message. Throws ConfigError.
void check_policy_name(std::string_view feature, std::string_view name);

// The variables of word=text, without the '$' and in lower case. Text between the variables is the
// same in every key of a policy, and every variable is hashed with its length: it tells nothing
// apart. Throws ConfigError.
std::vector<std::string> parse_key_variables(std::string_view word, std::string_view text);

// How a text without a variable would be written if it were the name of one: "email" and "{email}"
// as "$email"; empty: it can be none.
std::string as_variable(std::string_view text);
// For a message that word=text has no variable: `, did you mean "key=$email"?`, or nothing.
std::string variable_hint(std::string_view word, std::string_view text);
// The first word of text, outside its variables, that is the name of another variable: somebody may
// have forgotten its '$'. Empty: none.
std::string_view forgotten_variable(std::string_view text,
                                    const std::function<bool(std::string_view)>& is_variable);

// What is doubtful about a key of owner ("rate policy "api""), or about what else it has (what:
// "key"), if one of its variables tells of the answer; nothing: none does.
std::string answer_warning(std::string_view owner, std::string_view what,
                           std::span<const std::string_view> variables);

// Whether the variable, named without the '$', is the client's address and so names no account.
bool is_address_variable(std::string_view variable) noexcept;

}  // namespace guard::core
