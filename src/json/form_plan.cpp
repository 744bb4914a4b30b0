#include "json/form_plan.h"

namespace guard::json {

FormPlan::FormPlan(const SchemaProgram& program, std::uint32_t block,
                   const std::vector<FormEncoding>& encodings)
    : coercions_(program, block) {
  bool nests = false;
  for (const FormEncoding& encoding : encodings) {
    if (encoding.style == FormStyle::repeated) continue;
    styles_.emplace(encoding.name, encoding.style);
    nests = nests || encoding.style == FormStyle::nested;
  }
  if (nests) tree_.emplace(program, block);
}

char FormPlan::delimiter(std::string_view name) const noexcept {
  switch (style_of(name)) {
    case FormStyle::commas:
      return ',';
    case FormStyle::spaces:
      return ' ';
    case FormStyle::pipes:
      return '|';
    case FormStyle::repeated:
    case FormStyle::nested:
      break;
  }
  return '\0';
}

std::uint32_t FormPlan::lookalike(const core::JsonDocument& form) const noexcept {
  for (std::uint32_t key = 1; key < form.root().next; key = form[key + 1].next) {
    const std::string_view name = form.text(form[key]);
    if (coercions_.knows(name) || nests(name)) continue;
    if (may_know(name) || may_know(behind_first(".", name))) return key + 1;
  }
  return 0;
}

const CoercionPlace* FormPlan::place(std::string_view name) const noexcept {
  const auto& members = tree_->root().members;
  const auto found = members.find(name);
  return found == members.end() ? nullptr : found->second;
}

FormStyle FormPlan::style_of(std::string_view name) const noexcept {
  const auto found = styles_.find(name);
  return found == styles_.end() ? FormStyle::repeated : found->second;
}

}  // namespace guard::json
