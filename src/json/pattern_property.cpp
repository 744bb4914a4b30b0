#include "json/pattern_property.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace guard::json {

namespace {

struct Category {
  std::string_view name;
  std::string_view code;
};

// All names of General_Category; each code stands for itself as well.
constexpr std::array<Category, 43> kCategories = {{
    {"Cased_Letter", "L&"},
    {"Close_Punctuation", "Pe"},
    {"Combining_Mark", "M"},
    {"Connector_Punctuation", "Pc"},
    {"Control", "Cc"},
    {"Currency_Symbol", "Sc"},
    {"Dash_Punctuation", "Pd"},
    {"Decimal_Number", "Nd"},
    {"Enclosing_Mark", "Me"},
    {"Final_Punctuation", "Pf"},
    {"Format", "Cf"},
    {"Initial_Punctuation", "Pi"},
    {"LC", "L&"},
    {"Letter", "L"},
    {"Letter_Number", "Nl"},
    {"Line_Separator", "Zl"},
    {"Lowercase_Letter", "Ll"},
    {"Mark", "M"},
    {"Math_Symbol", "Sm"},
    {"Modifier_Letter", "Lm"},
    {"Modifier_Symbol", "Sk"},
    {"Nonspacing_Mark", "Mn"},
    {"Number", "N"},
    {"Open_Punctuation", "Ps"},
    {"Other", "C"},
    {"Other_Letter", "Lo"},
    {"Other_Number", "No"},
    {"Other_Punctuation", "Po"},
    {"Other_Symbol", "So"},
    {"Paragraph_Separator", "Zp"},
    {"Private_Use", "Co"},
    {"Punctuation", "P"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Spacing_Mark", "Mc"},
    {"Surrogate", "Cs"},
    {"Symbol", "S"},
    {"Titlecase_Letter", "Lt"},
    {"Unassigned", "Cn"},
    {"Uppercase_Letter", "Lu"},
    {"cntrl", "Cc"},
    {"digit", "Nd"},
    {"punct", "P"},
}};

constexpr std::array<std::string_view, 37> kCodes = {
    "C",  "Cc", "Cf", "Cn", "Co", "Cs", "L",  "Ll", "Lm", "Lo", "Lt", "Lu", "M",
    "Mc", "Me", "Mn", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Pe", "Pf", "Pi",
    "Po", "Ps", "S",  "Sc", "Sk", "Sm", "So", "Z",  "Zl", "Zp", "Zs"};

std::string_view category_of(std::string_view name) {
  if (std::find(kCodes.begin(), kCodes.end(), name) != kCodes.end()) return name;
  const auto* found = std::find_if(kCategories.begin(), kCategories.end(),
                                   [&](const Category& one) { return one.name == name; });
  return found == kCategories.end() ? std::string_view{} : found->code;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return core::is_digit(c) || core::is_letter(c) || c == '_';
  });
}

}  // namespace

std::string property_of(std::string_view expression) {
  const std::size_t equals = expression.find('=');
  const std::string_view name = expression.substr(0, equals);
  if (!is_name(name)) return {};
  if (equals == std::string_view::npos) {
    const std::string_view category = category_of(name);
    return std::string(category.empty() ? name : category);
  }
  const std::string_view value = expression.substr(equals + 1);
  if (!is_name(value)) return {};
  if (name == "General_Category" || name == "gc") return std::string(category_of(value));
  if (name == "Script" || name == "sc") return "sc:" + std::string(value);
  if (name == "Script_Extensions" || name == "scx") return "scx:" + std::string(value);
  return {};
}

}  // namespace guard::json
